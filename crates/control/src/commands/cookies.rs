//! Cookies made of a server's address: `enable dynamic-cookie`, `disable dynamic-cookie`, `set dynamic-cookie-key`.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::proxy::ProxyRuntime;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["disable", "dynamic-cookie", "backend"],
        level: Level::Admin,
        args: "<bk>",
        doc: "make no cookies of servers' addresses in a backend",
        run: |context, reply, args| switch(context, reply, args, false),
    },
    CommandRow {
        words: &["enable", "dynamic-cookie", "backend"],
        level: Level::Admin,
        args: "<bk>",
        doc: "make cookies of servers' addresses in a backend",
        run: |context, reply, args| switch(context, reply, args, true),
    },
    CommandRow {
        words: &["set", "dynamic-cookie-key", "backend"],
        level: Level::Admin,
        args: "<bk> <k>",
        doc: "change the secret that such cookies are made with",
        run: set_key,
    },
];

fn backend(context: &Context<'_>, reply: &mut Reply, args: Args<'_>) -> Option<Arc<ProxyRuntime>> {
    let name = args.get(0);
    if name.is_empty() {
        reply.error("A backend name is expected.");
        return None;
    }
    let found = context.runtime.backend(name);
    if found.is_none() {
        reply.error("No such backend.");
    }
    found
}

fn switch(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, on: bool) {
    if let Some(backend) = backend(context, reply, args) {
        backend.dynamic_cookie.write().on = on;
    }
}

fn set_key(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(backend) = backend(context, reply, args) else {
        return;
    };
    match args.get(1) {
        "" => reply.error("String value expected."),
        key => backend.dynamic_cookie.write().key = Some(key.into()),
    }
}
