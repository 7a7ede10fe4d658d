//! OCSP responses that are stapled to certificates.

use super::{row, users};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tls::live::{Change, State};
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
        "list the responses that are fetched, which none is",
        updates,
    ),
    row(
        &["update", "ssl", "ocsp-response"],
        Level::Admin,
        "<certfile>",
        "fetch the response of a certificate, which is not done",
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

/// The responses by the identifiers of their certificates, each with the first certificate that has it.
fn known(state: &State, global: &GlobalSettings) -> Vec<(Vec<u8>, Arc<Bundle>)> {
    let mut all: Vec<(Vec<u8>, Arc<Bundle>)> = Vec::new();
    for bundle in state
        .store
        .bundles
        .values()
        .filter(|bundle| bundle.ocsp.is_some())
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
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    let id = match ocsp::check(&bytes, now()) {
        Ok(id) => id,
        Err(why) => return reply.error(&format!("{}.", why.trim_end_matches('.'))),
    };
    let bytes: Arc<[u8]> = bytes.into();
    let issuers = inventory.global.issuers.clone();
    let of_id = |bundle: &Arc<Bundle>| {
        bundle.ocsp.is_some()
            && ocsp::id_of_bundle(bundle, issuers.as_deref()).as_ref() == Some(&id)
    };
    let meant: Vec<Arc<Bundle>> = state
        .store
        .bundles
        .values()
        .filter(|b| of_id(b))
        .cloned()
        .collect();
    if meant.is_empty() {
        return reply.error(
            "OCSP single response: Certificate ID does not match any certificate or issuer.",
        );
    }
    let users = users(context.runtime);
    for bundle in meant {
        let bundle = Arc::new(Bundle {
            ocsp: Some(bytes.clone()),
            ..(*bundle).clone()
        });
        match state.exchange(&users, &inventory.global, &bundle) {
            Ok((changes, _)) => changes.into_iter().for_each(Change::make),
            Err(why) => return reply.error(&why),
        }
        inventory.tokens.set(bundle.clone());
        state.store.bundles.insert(bundle.name.clone(), bundle);
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

fn updates(_: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    reply.plain(format_args!(
        "OCSP Certid | Path | Next Update | Last Update | Successes | Failures | Last Update Status | Last Update Status (str)\n"
    ));
}

fn update(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let name = args.get(0);
    if name.is_empty() {
        return reply.error("'update ssl ocsp-response' expects a filename");
    }
    let inventory = &context.runtime.snapshot.certificates;
    let state = inventory.lock();
    let why = match state.store.bundles.get(name) {
        None => {
            "Unknown certificate! 'update ssl ocsp-response' expects an already known certificate file name."
        }
        Some(bundle) if bundle.ocsp.is_none() => {
            "'update ssl ocsp-response' only works on certificates that already have a known OCSP response."
        }
        Some(_) => "OCSP responses are not fetched by hapax; use 'set ssl ocsp-response'.",
    };
    reply.error(&format!("{why}\nCan't send ocsp request for {name}!"));
}
