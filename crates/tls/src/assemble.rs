//! From what a configuration says to what connections use.

use crate::bundle::Bundle;
use crate::client::{Connector, Plan};
use crate::names::{Names, Placed};
use crate::resume::{Resumption, SessionCache};
use crate::server::{Instance, Line, Listener, Trust};
use crate::settings::{
    BindSettings, CertificateLine, Common, GlobalSettings, ServerSettings, Verify,
};
use crate::store::{Store, based};
use std::collections::HashMap;
use std::sync::Arc;

/// The authorities and revocation lists that settings name.
///
/// # Errors
/// In words, when a file can't be read.
pub fn trust(store: &mut Store, common: &Common, global: &GlobalSettings) -> Result<Trust, String> {
    let path = |path: &str| based(global.ca_base.as_deref(), path);
    let mut authorities = |file: &Option<Arc<str>>| {
        let file = file.as_deref().map(path);
        file.map(|file| store.authorities(&file)).transpose()
    };
    let (own, more) = (
        authorities(&common.ca_file)?,
        authorities(&common.ca_verify_file)?,
    );
    let lists = common.crl_file.as_deref().map(path);
    Ok(Trust {
        authorities: own,
        more,
        revocations: lists.map(|file| store.revocations(&file)).transpose()?,
    })
}

/// What a listening line's connections use.
///
/// # Errors
/// In words.
pub fn listener(
    settings: &BindSettings,
    global: &GlobalSettings,
    store: &mut Store,
    cache: &Arc<SessionCache>,
) -> Result<Listener, String> {
    let tickets = settings.tickets.or(global.bind_tickets).unwrap_or(true);
    let line = Line {
        strict: settings.strict_sni.unwrap_or(global.bind_strict_sni),
        capture: global.capture,
        ignored: (settings.ignored, settings.ca_ignored),
        prefer_client: settings.prefer_client_ciphers || global.prefer_client_ciphers,
        resumption: Arc::new(Resumption::new(
            cache,
            tickets,
            settings.ticket_keys.as_ref(),
            global.lifetime,
        )?),
        max_record: global.max_record,
        keylog: global.keylog,
    };
    let lines = with_default(&settings.lines);
    let names = names(&line, settings, lines, global, store, None)?;
    let settings = BindSettings {
        lines: Vec::new(),
        ..settings.clone()
    };
    Ok(Listener::new(line, settings, names))
}

/// The certificates of a listening line by name. What is the same in `previous` is taken from there.
///
/// # Errors
/// In words.
pub fn names(
    line: &Line,
    settings: &BindSettings,
    lines: Vec<CertificateLine>,
    global: &GlobalSettings,
    store: &mut Store,
    previous: Option<&Names>,
) -> Result<Names, String> {
    let general = settings.common.or(&settings.defaults);
    let general_trust = checked_trust(store, &general, global)?;
    let mut names = Names::default();
    // The same certificate with the same settings is one instance, however many names it has.
    let mut plain: HashMap<*const Bundle, Arc<Instance>> = HashMap::new();
    for entry in lines {
        let common = entry.common.as_ref().map(|own| own.or(&general));
        let trust = match &common {
            None => general_trust.clone(),
            Some(common) => checked_trust(store, common, global)?,
        };
        let kept = previous
            .into_iter()
            .flat_map(|names| names.lines())
            .find(|placed| is_same(placed, &entry, &trust));
        let instance = match (kept, &common, plain.get(&Arc::as_ptr(&entry.bundle))) {
            (Some(placed), ..) => placed.instance.clone(),
            (None, None, Some(known)) => known.clone(),
            (None, common, _) => {
                let common = common.as_ref().unwrap_or(&general);
                Arc::new(Instance::new(line, common, &trust, entry.bundle.clone())?)
            }
        };
        if common.is_none() {
            plain.insert(Arc::as_ptr(&entry.bundle), instance.clone());
        }
        names.place(Placed {
            entry,
            instance,
            trust,
        });
    }
    Ok(names)
}

/// Whether a line is what it was, with the same files.
fn is_same(placed: &Placed, entry: &CertificateLine, trust: &Trust) -> bool {
    Arc::ptr_eq(&placed.entry.bundle, &entry.bundle)
        && placed.entry.list == entry.list
        && placed.entry.common.is_some() == entry.common.is_some()
        && (entry.common.is_none() || entry.list.is_some())
        && placed.trust.is(trust)
}

/// The authorities and revocation lists that settings name; clients can't be verified without authorities.
fn checked_trust(
    store: &mut Store,
    common: &Common,
    global: &GlobalSettings,
) -> Result<Trust, String> {
    let trust = trust(store, common, global)?;
    if common.verify.unwrap_or_default() != Verify::None
        && trust.authorities.is_none()
        && trust.more.is_none()
    {
        return Err("verify is enabled but no CA file specified".to_owned());
    }
    Ok(trust)
}

/// The lines with the default certificate marked: the first, with those of other key types that belong to it, unless some
/// are named by `default-crt` or by a filter.
fn with_default(lines: &[CertificateLine]) -> Vec<CertificateLine> {
    let mut lines = lines.to_vec();
    let is_default =
        |line: &CertificateLine| line.default || line.filters.iter().any(|filter| &**filter == "*");
    if lines.iter().any(is_default) {
        return lines;
    }
    let mut first: Vec<Arc<Bundle>> = Vec::new();
    for line in &mut lines {
        if is_beside(&first, &line.bundle) {
            line.default = true;
            first.push(line.bundle.clone());
        }
    }
    lines
}

/// Whether a certificate is the first of a line, or another key type of the first.
fn is_beside(first: &[Arc<Bundle>], bundle: &Bundle) -> bool {
    let stem = |name: &str| {
        let kinds = [".rsa", ".ecdsa", ".dsa"];
        let found = kinds.iter().find_map(|kind| name.strip_suffix(kind));
        found.map(str::to_owned)
    };
    match first.first() {
        None => true,
        Some(one) => {
            let (one, other) = (stem(&one.name), stem(&bundle.name));
            one.is_some()
                && one == other
                && !first.iter().any(|known| known.kind() == bundle.kind())
        }
    }
}

/// How connections to a server are made.
///
/// # Errors
/// In words.
pub fn connector(
    settings: &ServerSettings,
    global: &GlobalSettings,
    store: &mut Store,
) -> Result<Connector, String> {
    let mut common = settings.common.or(&settings.defaults);
    common.verify = common.verify.or(Some(global.server_verify));
    // Whoever changes a file later finds those who use it by its full name.
    for file in [
        &mut common.ca_file,
        &mut common.ca_verify_file,
        &mut common.crl_file,
    ] {
        if let Some(path) = file {
            *file = Some(based(global.ca_base.as_deref(), path).into());
        }
    }
    let global_base = GlobalSettings {
        ca_base: None,
        ..global.clone()
    };
    let trust = trust(store, &common, &global_base)?;
    let bundle = match &settings.certificate {
        Some(path) => {
            let path = based(global.crt_base.as_deref(), path);
            Some(store.bundle(&path, global)?)
        }
        None => None,
    };
    if common.verify == Some(Verify::Required) && trust.authorities.is_none() {
        return Err("verify is enabled but no CA file specified".to_owned());
    }
    Connector::new(Plan {
        common,
        trust,
        bundle,
        verify_host: settings.verify_host.clone(),
        reuse: settings.reuse.unwrap_or(true),
        tickets: settings.tickets.or(global.server_tickets).unwrap_or(true),
        keylog: global.keylog,
        max_record: global.max_record,
    })
}
