//! Keys of session tickets (`tls-ticket-keys`).

use super::{row, users};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::runtime::Runtime;
use std::fmt::Write;
use std::sync::Arc;
use tls::pem;
use tls::settings::TicketKeys;

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["set", "ssl", "tls-key"],
        Level::Admin,
        "[id|file] <key>",
        "make tickets with another key next",
        set,
    ),
    row(
        &["show", "tls-keys"],
        Level::Operator,
        "[id|*]",
        "list the files of ticket keys, or show keys",
        show,
    ),
];

/// The files in use; a place in here is an id.
fn files(runtime: &Runtime) -> Vec<Arc<TicketKeys>> {
    let mut files: Vec<Arc<TicketKeys>> = Vec::new();
    for listener in users(runtime).listeners {
        if let Some(keys) = &listener.settings().ticket_keys
            && !files.iter().any(|known| known.path == keys.path)
        {
            files.push(keys.clone());
        }
    }
    files
}

/// The file named by `#` and its id, or by its path.
fn find(files: &[Arc<TicketKeys>], name: &str) -> Option<usize> {
    match name.strip_prefix('#') {
        Some(id) => id.parse().ok().filter(|id| *id < files.len()),
        None => files.iter().position(|file| *file.path == *name),
    }
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let (name, key) = (args.get(0), args.get(1));
    if name.is_empty() || key.is_empty() {
        return reply
            .error("'set ssl tls-key' expects a filename and the new TLS key in base64 encoding.");
    }
    let files = files(context.runtime);
    let Some(at) = find(&files, name) else {
        return reply.error("'set ssl tls-key' unable to locate referenced filename");
    };
    let bytes = pem::decode_base64(key.as_bytes()).filter(|_| key.len().is_multiple_of(4));
    let Some(bytes) = bytes else {
        return reply.error("'set ssl tls-key' received invalid base64 encoded TLS key.");
    };
    match files.get(at).map(|file| file.renew(bytes)) {
        Some(Ok(())) => reply.info("TLS ticket key updated!"),
        _ => reply.error("'set ssl tls-key' received a key of wrong size."),
    }
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let files = files(context.runtime);
    let only = match args.get(0) {
        "" => {
            let mut text = String::from("# id (file)\n");
            for (id, file) in files.iter().enumerate() {
                let _ = writeln!(text, "{id} ({})", file.path);
            }
            return reply.plain(format_args!("{text}"));
        }
        "*" => None,
        name => match find(&files, name) {
            Some(at) => Some(at),
            None => {
                return reply.error("'show tls-keys' unable to locate referenced filename");
            }
        },
    };
    let mut text = String::from("# id secret\n");
    for (id, file) in files.iter().enumerate() {
        if only.is_some_and(|only| only != id) {
            continue;
        }
        let _ = writeln!(text, "# {id} ({})", file.path);
        for (at, key) in file.secrets().iter().enumerate() {
            let _ = writeln!(text, "{id}.{at} {}", pem::encode_base64(key));
        }
    }
    reply.plain(format_args!("{text}"));
}
