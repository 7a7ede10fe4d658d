//! `ssl cert`: certificates with their keys.

use super::{about_another, named, ocsp, payload, print, row, users};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::fmt::Write;
use std::sync::Arc;
use tls::live::State;
use tls::settings::GlobalSettings;
use tls::{Bundle, pem};

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["abort", "ssl", "cert"],
        Level::Admin,
        "<certfile>",
        "drop a certificate that was prepared",
        abort,
    ),
    row(
        &["commit", "ssl", "cert"],
        Level::Admin,
        "<certfile>",
        "use a certificate that was prepared",
        commit,
    ),
    row(
        &["del", "ssl", "cert"],
        Level::Admin,
        "<certfile>",
        "forget a certificate that is not in use",
        del,
    ),
    row(
        &["dump", "ssl", "cert"],
        Level::Admin,
        "<certfile>",
        "show a certificate with its key in PEM",
        dump,
    ),
    row(
        &["new", "ssl", "cert"],
        Level::Admin,
        "<certfile>",
        "make an empty certificate to be filled",
        new,
    ),
    row(
        &["set", "ssl", "cert"],
        Level::Admin,
        "<certfile> <payload>",
        "prepare a certificate, its key, issuer or OCSP response",
        set,
    ),
    row(
        &["show", "ssl", "cert"],
        Level::Operator,
        "[<certfile>]",
        "list the certificates, or show one in detail",
        show,
    ),
];

const NOT_FOUND: &str = "Can't display the certificate: Not found or the certificate is a bundle!";

/// Which part of a certificate a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Certificate, chain and key.
    All,
    Key,
    Ocsp,
    Issuer,
    Timestamps,
}

const PARTS: [(&str, Part); 4] = [
    (".key", Part::Key),
    (".ocsp", Part::Ocsp),
    (".issuer", Part::Issuer),
    (".sctl", Part::Timestamps),
];

/// The name of the certificate that a name stands for, and the part of it.
fn target(state: &State, global: &GlobalSettings, name: &str) -> Option<(String, Part)> {
    let known = |name: &str| state.store.bundles.contains_key(name);
    if known(name) {
        return Some((name.to_owned(), Part::All));
    }
    let (stem, part) = PARTS
        .iter()
        .find_map(|(end, part)| Some((name.strip_suffix(end)?, *part)))?;
    let beside = format!("{stem}.crt");
    match known(stem) {
        true => Some((stem.to_owned(), part)),
        false => {
            (part == Part::Key && global.drop_extension && known(&beside)).then_some((beside, part))
        }
    }
}

fn new(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'new ssl cert' expects a filename") else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let store = &mut inventory.lock().store;
    if store.bundles.contains_key(name) {
        return reply.error(&format!("Certificate '{name}' already exists!"));
    }
    let bundle = Arc::new(Bundle {
        name: name.into(),
        ..Bundle::default()
    });
    inventory.tokens.set(bundle.clone());
    store.bundles.insert(name.into(), bundle);
    reply.plain(format_args!("New empty certificate store '{name}'!\n"));
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let expected = "'set ssl cert' expects a filename and a certificate as a payload";
    let Some((path, text)) = payload(context, args, reply, expected) else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    match prepare(&mut state, &inventory.global, path, text) {
        Ok(message) => reply.plain(format_args!("{message}\n")),
        Err(why) => reply.error(&format!("{why}Can't update {path}!")),
    }
}

fn prepare(
    state: &mut State,
    global: &GlobalSettings,
    path: &str,
    text: &str,
) -> Result<String, String> {
    let found = target(state, global, path);
    let (name, part) = found
        .ok_or("Can't replace a certificate which is not referenced by the configuration!\n")?;
    let (known, word) = match &state.certificate {
        Some(pending) if *pending.name != *name => {
            return Err(about_another(&pending.name, &name, "set"));
        }
        Some(pending) => (pending.clone(), "updated"),
        None => {
            let known = state.store.bundles.get(&*name);
            let known = known.map(|bundle| (**bundle).clone());
            (known.unwrap_or_default(), "created")
        }
    };
    let changed =
        change(known, part, text).map_err(|why| format!("{why}Can't load the payload\n"))?;
    state.certificate = Some(changed);
    Ok(format!("Transaction {word} for certificate {name}!"))
}

/// A certificate with one part taken from a payload.
fn change(bundle: Bundle, part: Part, text: &str) -> Result<Bundle, String> {
    let name = bundle.name.clone();
    let wrong = |why: &str| format!("unable to load certificate from file '{name}': {why}.\n");
    match part {
        Part::All => {
            let mut anew = Bundle {
                name: bundle.name,
                files: bundle.files,
                jwt: bundle.jwt,
                ..Bundle::default()
            };
            anew.take_payload(text.as_bytes()).map_err(wrong)?;
            Ok(anew)
        }
        Part::Key => {
            let mut bundle = bundle;
            bundle.take_key_payload(text.as_bytes()).map_err(|why| {
                format!("unable to load private key from file '{name}' ({why}).\n")
            })?;
            Ok(bundle)
        }
        Part::Ocsp => {
            let bytes = pem::decode_base64(text.as_bytes());
            let bytes = bytes.ok_or("Error reading OCSP response in base64 format")?;
            Ok(Bundle {
                ocsp: Some(bytes.into()),
                ..bundle
            })
        }
        Part::Issuer => {
            let blocks = pem::read(text.as_bytes()).unwrap_or_default();
            let first = blocks
                .into_iter()
                .find(|block| block.label.ends_with("CERTIFICATE"));
            let first = first.filter(|b| tls::certificate::Certificate::parse(&b.content).is_ok());
            let first = first.ok_or_else(|| format!("'{name}' cannot be read or parsed'.\n"))?;
            Ok(bundle.issued_by(first.content))
        }
        Part::Timestamps => {
            Err("signed certificate timestamps are not sent by this program\n".into())
        }
    }
}

fn abort(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'abort ssl cert' expects a filename") else {
        return;
    };
    let mut state = context.runtime.snapshot.certificates.lock();
    match &state.certificate {
        None => reply.error("No ongoing transaction!"),
        Some(pending) if *pending.name != *name => {
            reply.error(about_another(&pending.name, name, "abort a transaction for").trim_end());
        }
        Some(_) => {
            state.certificate = None;
            reply.plain(format_args!(
                "Transaction aborted for certificate '{name}'!\n"
            ));
        }
    }
}

fn commit(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'commit ssl cert' expects a filename") else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let users = users(context.runtime);
    let mut state = inventory.lock();
    let pending = match &state.certificate {
        None => Err("No ongoing transaction! !\n".to_owned()),
        Some(pending) if *pending.name != *name => Err(about_another(&pending.name, name, "set")),
        Some(pending) if pending.key.is_some() && !pending.chain.is_empty() => {
            match pending.is_consistent() {
                true => Ok(pending.clone()),
                false => Err(format!(
                    "inconsistencies between private key and certificate loaded '{name}'.\n"
                )),
            }
        }
        Some(pending) => Ok(pending.clone()),
    };
    let mut pending = match pending {
        Ok(pending) => pending,
        Err(why) => return reply.error(&format!("{why}Can't commit {name}!")),
    };
    // From here on the transaction is over, whatever comes of it.
    state.certificate = None;
    let mut text = format!("Committing {name}");
    if pending.key.is_none() && users.show(name) {
        let _ = writeln!(
            text,
            "\nunable to load SSL private key into SSL Context '{name}': passed a null parameter.\nFailed!"
        );
        return reply.plain(format_args!("{text}"));
    }
    let mut note = String::new();
    if users.show(name)
        && let Some(why) = ocsp::wrong(&pending, &inventory.global)
    {
        note = format!("Loading: {why}. Content will be ignored.\n");
        pending.ocsp = None;
    }
    let pending = Arc::new(pending);
    match state.exchange(&users, &inventory.global, &pending) {
        Ok((changes, count)) => {
            changes.into_iter().for_each(tls::live::Change::make);
            state
                .store
                .bundles
                .insert(pending.name.clone(), pending.clone());
            inventory.tokens.set(pending);
            let _ = writeln!(text, "{}\n{note}Success!", ".".repeat(count));
        }
        Err(why) => {
            let _ = writeln!(text, "\n{why}\nFailed!");
        }
    }
    drop(state);
    engine::ocsp::follow(context.runtime);
    reply.plain(format_args!("{text}"));
}

fn del(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(name) = named(args, reply, "'del ssl cert' expects a certificate name") else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    let refused = match state.store.bundles.get(name) {
        None => Some("doesn't exist!"),
        Some(bundle) if bundle.jwt || users(context.runtime).show(name) => {
            Some("in use, can't be deleted!")
        }
        Some(_) => None,
    };
    if let Some(why) = refused {
        return reply.error(&format!(
            "Can't remove the certificate: certificate '{name}' {why}"
        ));
    }
    state.store.bundles.remove(name);
    inventory.tokens.remove(name);
    reply.plain(format_args!("Certificate '{name}' deleted!\n"));
}

fn dump(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let state = context.runtime.snapshot.certificates.lock();
    let Some((bundle, _)) = found(&state, args.get(0)) else {
        return reply.error(NOT_FOUND);
    };
    let mut text = String::new();
    if let Some(key) = &bundle.key {
        text.push_str(&pem::write("PRIVATE KEY", &key.pkcs8));
    }
    for der in &bundle.chain {
        text.push_str(&pem::write("CERTIFICATE", der));
    }
    reply.plain(format_args!("{text}"));
}

/// The certificate of this name; with `*` before it the one that is being prepared.
fn found<'s>(state: &'s State, name: &str) -> Option<(&'s Bundle, &'static str)> {
    match name.strip_prefix('*') {
        Some(name) => {
            let pending = state.certificate.as_ref();
            Some((pending.filter(|pending| *pending.name == *name)?, "*"))
        }
        None => Some((state.store.bundles.get(name)?, "")),
    }
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let inventory = &context.runtime.snapshot.certificates;
    let state = inventory.lock();
    let name = args.get(0);
    if name.is_empty() {
        let mut text = String::new();
        if let Some(pending) = &state.certificate {
            let _ = writeln!(text, "# transaction\n*{}", pending.name);
        }
        text.push_str("# filename\n");
        for name in state.store.bundles.keys() {
            let _ = writeln!(text, "{name}");
        }
        return reply.plain(format_args!("{text}"));
    }
    if let Some((bundle, mark)) = found(&state, name) {
        let users = users(context.runtime);
        let text = print::certificate(bundle, mark, &users, &inventory.global);
        return reply.plain(format_args!("{text}"));
    }
    let response = name
        .strip_suffix(".ocsp")
        .and_then(|name| found(&state, name));
    match response {
        Some((bundle, _)) => {
            let text = bundle.ocsp.as_deref().map(ocsp::text).unwrap_or_default();
            reply.plain(format_args!("{text}"));
        }
        None => reply.error(NOT_FOUND),
    }
}
