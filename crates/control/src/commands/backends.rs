//! Backends as a whole: their list, and whether they take new traffic.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::sync::atomic::Ordering;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["publish", "backend"],
        level: Level::Admin,
        args: "<backend>",
        doc: "let switching rules lead to the backend again",
        run: |context, reply, args| publish(context, reply, args, true),
    },
    CommandRow {
        words: &["show", "backend"],
        level: Level::User,
        args: "",
        doc: "list the names of all backends",
        run: show,
    },
    CommandRow {
        words: &["unpublish", "backend"],
        level: Level::Admin,
        args: "<backend>",
        doc: "make switching rules pass the backend over",
        run: |context, reply, args| publish(context, reply, args, false),
    },
];

fn show(context: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    reply.plain(format_args!("# name\n"));
    for proxy in &context.runtime.all_proxies() {
        if proxy.config.caps.back {
            reply.plain(format_args!("{}\n", proxy.config.name));
        }
    }
}

fn publish(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, on: bool) {
    let Some(backend) = context.runtime.backend(args.get(0)) else {
        return reply.error("No such backend.");
    };
    if backend.config.disabled {
        return reply.error("No effect on a disabled backend.");
    }
    backend.unpublished.store(!on, Ordering::Relaxed);
    reply.info(if on {
        "Backend published."
    } else {
        "Backend unpublished."
    });
}
