//! OCSP responses that are stapled to certificates.

use super::row;
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::{certificates, ocsp as updates};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tls::live::State;
use tls::settings::GlobalSettings;
use tls::{Bundle, ocsp, pem};

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["set", "ssl", "ocsp-response"],
        Level::Admin,
        "<resp|payload>",
        "staple another response, given in base64",
        set,
    ),
    row(
        &["show", "ssl", "ocsp-response"],
        Level::Operator,
        "[[text|base64] id]",
        "list the responses that are stapled, or show one",
        show,
    ),
    row(
        &["show", "ssl", "ocsp-updates"],
        Level::Operator,
        "",
        "list the responses that are fetched",
        show_updates,
    ),
    row(
        &["update", "ssl", "ocsp-response"],
        Level::Admin,
        "<certfile>",
        "fetch the response of a certificate",
        update,
    ),
];

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}

/// What is wrong with the response of a certificate, if there is one.
pub(super) fn wrong(bundle: &Bundle, global: &GlobalSettings) -> Option<&'static str> {
    let response = bundle.ocsp.as_deref()?;
    ocsp::check_for(bundle, global.issuers.as_deref(), response, now()).err()
}

/// A response at length. Empty lines would end an answer, so they hold a space.
pub(super) fn text(response: &[u8]) -> String {
    let text = tls::text::response(response).unwrap_or_default();
    text.replace("\n\n", "\n \n")
}

/// The responses that are there or fetched by the identifiers of their certificates, each with the first certificate that
/// has it.
fn known(state: &State, global: &GlobalSettings) -> Vec<(Vec<u8>, Arc<Bundle>)> {
    let mut all: Vec<(Vec<u8>, Arc<Bundle>)> = Vec::new();
    for bundle in state
        .store
        .bundles
        .values()
        .filter(|bundle| bundle.ocsp.is_some() || bundle.fetches_ocsp(global.ocsp_update))
    {
        if let Some(id) = ocsp::id_of_bundle(bundle, global.issuers.as_deref())
            && !all.iter().any(|(known, _)| *known == id)
        {
            all.push((id, bundle.clone()));
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let given = context
        .payload
        .filter(|payload| !payload.is_empty())
        .unwrap_or(args.get(0));
    if given.is_empty() {
        return reply.error("'set ssl ocsp-response' expects response in base64 encoding.");
    }
    let digits: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    let decoded = pem::decode_base64(digits.as_bytes()).filter(|_| digits.len().is_multiple_of(4));
    let Some(bytes) = decoded else {
        return reply.error("'set ssl ocsp-response' received invalid base64 encoded response.");
    };
    let id = match ocsp::check(&bytes, now()) {
        Ok(id) => id,
        // HAProxy adds one to the one that some of these have.
        Err(why) => return reply.error(&format!("{why}.")),
    };
    match certificates::staple(context.runtime, &id, &bytes.into()) {
        Ok(()) => updates::follow(context.runtime),
        Err(why) if why == certificates::NOBODYS => return reply.error(&format!("{why}.")),
        Err(why) => return reply.error(&why),
    }
    reply.info("OCSP Response updated!");
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let inventory = &context.runtime.snapshot.certificates;
    let state = inventory.lock();
    let all = known(&state, &inventory.global);
    let mut out = String::new();
    if args.get(0).is_empty() {
        out.push_str("# Certificate IDs\n");
        for (id, bundle) in &all {
            let Ok(shown) = ocsp::CertId::read(id) else {
                continue;
            };
            let hex = tls::text::hex;
            let _ = writeln!(out, "Certificate ID key : {}", hex(id).to_lowercase());
            let _ = writeln!(out, "Certificate path : {}\n Certificate ID:", bundle.name);
            let _ = writeln!(out, "   Issuer Name Hash: {}", hex(shown.name));
            let _ = writeln!(out, "   Issuer Key Hash: {}", hex(shown.key));
            let _ = writeln!(out, "   Serial Number: {}", tls::text::serial(shown.serial));
        }
        return reply.plain(format_args!("{out}"));
    }
    let (form, wanted) = match args.get(0) {
        form @ ("text" | "base64") => (form, args.get(1)),
        wanted => ("text", wanted),
    };
    let found = all
        .iter()
        .find(|(id, _)| tls::text::hex(id).eq_ignore_ascii_case(wanted));
    let by_path = state.store.bundles.get(wanted);
    let bundle = found.map(|(_, bundle)| bundle).or(by_path);
    let response = bundle.and_then(|bundle| bundle.ocsp.as_deref());
    match (response, form) {
        (None, _) => {
            reply.error("'show ssl ocsp-response' expects a valid certid or certificate path.")
        }
        (Some(response), "base64") => {
            reply.plain(format_args!("{}\n", pem::encode_base64(response)));
        }
        (Some(response), _) => reply.plain(format_args!("{}", text(response))),
    }
}

const TITLES: &str = "OCSP Certid | Path | Next Update | Last Update | Successes | Failures | Last Update Status | Last Update Status (str)";

fn show_updates(context: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    let mut out = format!("{TITLES}\n");
    let date = |seconds: i64| {
        let mut text = Vec::new();
        let offset = sys::utc_offset(seconds);
        expr::logformat::write_clf_date(seconds, offset, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    };
    for (id, entry) in context.runtime.process.ocsp.shown() {
        let _ = writeln!(
            out,
            "{} | {} | {} | {} | {} | {} | {} | {}",
            tls::text::hex(&id).to_lowercase(),
            entry.path,
            date(entry.next),
            entry.last.map_or("-".to_owned(), date),
            entry.successes,
            entry.failures,
            entry.status.number(),
            entry.status
        );
    }
    reply.plain(format_args!("{out}"));
}

fn update(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let name = args.get(0);
    if name.is_empty() {
        return reply.error("'update ssl ocsp-response' expects a filename");
    }
    let inventory = &context.runtime.snapshot.certificates;
    let global = &inventory.global;
    let bundle = inventory.lock().store.bundles.get(name).cloned();
    let refused = |reply: &mut Reply, why: &str| {
        reply.error(&format!("{why}\nCan't send ocsp request for {name}!"));
    };
    let Some(bundle) = bundle else {
        return refused(
            reply,
            "Unknown certificate! 'update ssl ocsp-response' expects an already known certificate file name.",
        );
    };
    let id = ocsp::id_of_bundle(&bundle, global.issuers.as_deref());
    let known = bundle.ocsp.is_some() || bundle.fetches_ocsp(global.ocsp_update);
    let Some(id) = id.filter(|_| known) else {
        return refused(
            reply,
            "'update ssl ocsp-response' only works on certificates that already have a known OCSP response.",
        );
    };
    // What comes of it is told by 'show ssl ocsp-updates' and in the logs, as in HAProxy.
    context.runtime.process.ocsp.ask(&id, &bundle.name);
}
