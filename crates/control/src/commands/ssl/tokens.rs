//! `ssl jwt`: certificates that tokens may be verified and decrypted with.

use super::{named, row};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::fmt::Write;
use std::sync::Arc;
use tls::Bundle;

/// The rows of this topic.
pub(super) const ROWS: &[CommandRow] = &[
    row(
        &["add", "ssl", "jwt"],
        Level::Admin,
        "<certfile>",
        "let tokens be verified with a certificate",
        |context, reply, args| allow(context, reply, args, true),
    ),
    row(
        &["del", "ssl", "jwt"],
        Level::Admin,
        "<certfile>",
        "let no tokens be verified with a certificate any more",
        |context, reply, args| allow(context, reply, args, false),
    ),
    row(
        &["show", "ssl", "jwt"],
        Level::Operator,
        "",
        "list the certificates that tokens may be verified with",
        show,
    ),
];

fn allow(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, on: bool) {
    let expected = match on {
        true => "'add ssl cert' expects a filename",
        false => "'del ssl cert' expects a filename",
    };
    let Some(name) = named(args, reply, expected) else {
        return;
    };
    let inventory = &context.runtime.snapshot.certificates;
    let mut state = inventory.lock();
    let Some(bundle) = state.store.bundles.get(name) else {
        return reply
            .error("Can't display the certificate: Not found or the certificate is a bundle!");
    };
    let bundle = Arc::new(Bundle {
        jwt: on,
        ..(**bundle).clone()
    });
    inventory.tokens.set(bundle.clone());
    state.store.bundles.insert(bundle.name.clone(), bundle);
}

fn show(context: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    let state = context.runtime.snapshot.certificates.lock();
    let mut text = String::from("# filename\n");
    for bundle in state.store.bundles.values().filter(|bundle| bundle.jwt) {
        let _ = writeln!(text, "{}", bundle.name);
    }
    reply.plain(format_args!("{text}"));
}
