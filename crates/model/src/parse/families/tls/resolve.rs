//! What TLS needs of everything that was read.

use crate::parse::Parser;
use crate::proxy::Mode;
use config::{Diagnostic, Severity};
use std::sync::Arc;
use tls::SessionCache;
use tls::settings::{BindSettings, GlobalSettings};

/// Prepares listeners and servers that speak TLS.
pub fn resolve(parser: &mut Parser<'_>) {
    find_token_certificates(parser);
    find_issuers(parser);
    tell_notes(parser);
    let global = parser.global.tls.clone();
    let cache = Arc::new(SessionCache::new(global.cache_size));
    let mut faults: Vec<Diagnostic> = Vec::new();
    let store = &mut parser.certificates;
    for draft in &mut parser.drafts {
        let proxy = &mut draft.proxy;
        let name = proxy.name.clone();
        // Several addresses of one line share what was prepared for it.
        let mut last: Option<(Arc<tls::settings::BindSettings>, Arc<tls::Listener>)> = None;
        for bind in &mut proxy.front.binds {
            if !bind.tls_settings.enabled {
                continue;
            }
            let settings = bind.tls_settings.clone();
            let protocols = protocols(proxy.mode, settings.common.alpn.as_deref());
            if let Some((known, listener)) = &last
                && Arc::ptr_eq(known, &settings)
            {
                Arc::make_mut(bind).tls = Some(listener.clone());
                continue;
            }
            if settings.lines.is_empty() && draft.certificates.is_empty() {
                let (file, line) = &bind.origin;
                // Who may only ask for known names can wait for certificates that come at run time.
                let (severity, end) = match settings.strict_sni.unwrap_or(global.bind_strict_sni) {
                    true => (
                        Severity::Warning,
                        ", ssl connections will fail (use 'crt').",
                    ),
                    false => (Severity::Alert, " (use 'crt')."),
                };
                let message = format!(
                    "Proxy '{name}': no SSL certificate specified for bind '{}' at [{file}:{line}]{end}",
                    bind.written
                );
                faults.push(Diagnostic::global(severity, message, false));
            }
            let mut adapted = (*settings).clone();
            if !draft.certificates.is_empty() {
                adapted.lists.push(format!("@{name}").into());
                adapted.lines.extend(draft.certificates.iter().cloned());
            }
            adapted.common.alpn = protocols;
            adapt_lines(proxy.mode, &mut adapted);
            if takes_no_early_data(&adapted, &global) {
                faults.push(Diagnostic {
                    severity: Severity::Notice,
                    ..at(&bind.origin, format!("Proxy '{name}': 'allow-0rtt' has no effect for bind '{}': tickets under the keys of 'tls-ticket-keys' could be shown twice, and early data with them.", bind.written))
                });
            }
            let generator = match generator(&adapted, &global) {
                Ok(generator) => generator,
                Err((what, why)) => {
                    let (file, line) = &bind.origin;
                    let message = format!("Proxy '{name}': {what} at [{file}:{line}].{why}");
                    faults.push(Diagnostic::global(Severity::Alert, message, false));
                    continue;
                }
            };
            match tls::listener(&adapted, &global, store, &cache) {
                Ok(listener) => {
                    let listener = match generator {
                        Some(generator) => listener.generating(generator),
                        None => listener,
                    };
                    let listener = Arc::new(listener);
                    Arc::make_mut(bind).tls = Some(listener.clone());
                    last = Some((settings, listener));
                }
                Err(why) => {
                    let message = format!("Proxy '{name}': {why} for bind '{}'.", bind.written);
                    faults.push(at(&bind.origin, message));
                }
            }
        }
        let by_rule = proxy.back.check.speaks_tls();
        for server in &mut proxy.back.servers {
            let settings = &server.settings.tls;
            let check = &server.settings.check;
            let checked = match &check.script {
                _ if !check.enabled => false,
                Some(script) => script.speaks_tls(),
                None => by_rule,
            };
            let wanted = settings.enabled || settings.switchable || settings.check == Some(true);
            if !wanted && !checked {
                continue;
            }
            match tls::connector(settings, &global, store) {
                Ok(connector) => Arc::make_mut(server).tls = Some(Arc::new(connector)),
                Err(why) => {
                    let advice = match why.starts_with("verify is enabled") {
                        true if settings.common.verify.is_none() => UNVERIFIED_BY_DEFAULT,
                        _ => "",
                    };
                    let why = match advice {
                        "" => format!("{why}."),
                        advice => advice.to_owned(),
                    };
                    let message = format!("'server {name}/{}' : {why}", server.name);
                    faults.push(at(&server.origin, message));
                }
            }
        }
    }
    for fault in faults {
        parser.diagnostics.push(fault);
    }
}

/// Whether early data is asked for where sessions are in tickets that other machines understand: nobody could tell a replay.
fn takes_no_early_data(settings: &BindSettings, global: &GlobalSettings) -> bool {
    let mut lines = settings
        .lines
        .iter()
        .filter_map(|line| line.common.as_ref());
    let wanted = settings.common.early_data || lines.any(|common| common.early_data);
    let tickets = settings.tickets.or(global.bind_tickets).unwrap_or(true);
    wanted && tickets && settings.ticket_keys.is_some()
}

/// What makes certificates for a line, if that is said; else what is wrong, and why.
fn generator(
    settings: &tls::settings::BindSettings,
    global: &tls::settings::GlobalSettings,
) -> Result<Option<tls::Generator>, (String, String)> {
    if !settings.generate {
        return Ok(None);
    }
    let Some(path) = &settings.sign_file else {
        let what = "cannot enable certificate generation, no CA certificate File configured";
        return Err((what.to_owned(), String::new()));
    };
    let authority = tls::Authority::load(path, settings.sign_pass.as_deref(), global);
    let authority = authority.map_err(|why| {
        let what = format!("Failed to read CA certificate file '{path}'");
        (what, format!(" Chain loading failed: {why}"))
    })?;
    Ok(Some(tls::Generator::new(authority, global.generated)))
}

/// Reads the certificates that converters verify and decrypt tokens with, unless they are there.
fn find_token_certificates(parser: &mut Parser<'_>) {
    let uses = std::mem::take(&mut parser.expressions.token_certificates);
    let global = &parser.global.tls;
    let store = &mut parser.certificates;
    for wanted in uses {
        if let Err(why) = store.for_tokens(&wanted.name, global) {
            let fault = at(&(wanted.file.as_str().into(), wanted.line), why);
            parser.diagnostics.push(fault);
        }
    }
}

/// Says what there is to say about files of certificates.
fn tell_notes(parser: &mut Parser<'_>) {
    let bundles = parser.certificates.bundles.values();
    let notes: Vec<String> = bundles.flat_map(|bundle| bundle.notes.clone()).collect();
    for note in notes {
        let severity = match note.contains("timestamps") {
            true => Severity::Notice,
            false => Severity::Warning,
        };
        parser
            .diagnostics
            .push(Diagnostic::global(severity, note, false));
    }
}

/// Who is to be asked about a certificate is told by its issuer as well.
fn find_issuers(parser: &mut Parser<'_>) {
    let global = &parser.global.tls;
    let bundles = parser.certificates.bundles.values();
    let unknown = bundles.filter(|bundle| {
        bundle.fetches_ocsp(global.ocsp_update)
            && tls::ocsp::id_of_bundle(bundle, global.issuers.as_deref()).is_none()
    });
    let faults: Vec<Diagnostic> = unknown
        .map(|bundle| {
            let message = format!(
                "'{}' has an OCSP auto-update set to 'on' but an error occurred (maybe the OCSP URI or the issuer could not be found)'.",
                bundle.name
            );
            Diagnostic::global(Severity::Alert, message, false)
        })
        .collect();
    for fault in faults {
        parser.diagnostics.push(fault);
    }
}

/// The application protocols of a listener: an HTTP proxy offers what it speaks, unless it is told otherwise.
fn protocols(mode: Mode, said: Option<&[Vec<u8>]>) -> Option<Arc<[Vec<u8>]>> {
    if mode != Mode::Http {
        return said.map(Into::into);
    }
    let default = [b"h2".to_vec(), b"http/1.1".to_vec()];
    let speaks_h2 = super::super::check_mux("h2").is_ok();
    let wanted = said.unwrap_or(&default).iter();
    Some(
        wanted
            .filter(|name| speaks_h2 || &***name != b"h2")
            .cloned()
            .collect(),
    )
}

/// The same for the lines of crt-lists.
fn adapt_lines(mode: Mode, settings: &mut tls::settings::BindSettings) {
    for line in &mut settings.lines {
        if let Some(common) = &mut line.common
            && let Some(said) = common.alpn.as_deref()
        {
            common.alpn = protocols(mode, Some(said));
        }
    }
}

const UNVERIFIED_BY_DEFAULT: &str = "verify is enabled by default but no CA file specified. If you're running on a LAN \
    where you're certain to trust the server's certificate, please set an explicit 'verify none' statement on the \
    'server' line, or use 'ssl-server-verify none' in the global section to disable server-side verifications by default.";

fn at((file, line): &(Arc<str>, u32), message: String) -> Diagnostic {
    Diagnostic {
        file: Some(file.clone()),
        line: *line,
        ..Diagnostic::global(Severity::Alert, message, false)
    }
    .tight()
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn a_line_without_a_certificate_needs_strict_names() {
        let load = |options: &str| {
            load_text(&format!(
                "defaults\n timeout client 1s\nfrontend f\n bind 127.0.0.1:1080 {options}\n"
            ))
        };
        let (snapshot, said) = load("ssl");
        let alert = "Proxy 'f': no SSL certificate specified for bind '127.0.0.1:1080' at [t.cfg:4] (use 'crt').";
        assert!(
            snapshot.is_none() && said.iter().any(|line| line.ends_with(alert)),
            "{said:?}"
        );
        let (snapshot, said) = load("ssl strict-sni");
        assert!(snapshot.is_some(), "{said:?}");
        assert!(
            said.iter()
                .any(|line| line.contains("ssl connections will fail"))
        );
    }
}
