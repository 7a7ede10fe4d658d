//! Frontends: pausing, resuming and stopping their listeners.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use engine::proxy::{Listening, ProxyRuntime};
use model::Address;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["disable", "frontend"],
        level: Level::Admin,
        args: "<frontend>",
        doc: "stop accepting on a frontend for the time being",
        run: disable,
    },
    CommandRow {
        words: &["enable", "frontend"],
        level: Level::Admin,
        args: "<frontend>",
        doc: "accept on a frontend again",
        run: enable,
    },
    CommandRow {
        words: &["shutdown", "frontend"],
        level: Level::Admin,
        args: "<frontend>",
        doc: "close a frontend's listeners for good",
        run: shutdown,
    },
];

fn disable(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(frontend) = context.frontend(args.get(0), reply) else {
        return;
    };
    let state = *frontend.listening.borrow();
    match state {
        Listening::Stopped => {
            reply.error("Frontend was previously shut down, cannot disable.");
        }
        Listening::Paused => reply.error("All sockets are already disabled."),
        Listening::Running if opens_connections(frontend) => {
            engine::health::note_refused_pause(context.runtime, frontend);
            reply.error("Failed to pause frontend, check logs for precise cause.");
        }
        Listening::Running => drop(frontend.listening.send_replace(Listening::Paused)),
    }
}

/// Whether a frontend has a listener that opens its connections itself (`rhttp@`), which knows no pause.
fn opens_connections(frontend: &ProxyRuntime) -> bool {
    let mut binds = frontend.config.front.binds.iter();
    binds.any(|bind| matches!(bind.address, Address::Reverse(_)))
}

fn enable(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(frontend) = context.frontend(args.get(0), reply) else {
        return;
    };
    let state = *frontend.listening.borrow();
    match state {
        Listening::Stopped => reply.error("Frontend was previously shut down, cannot enable."),
        Listening::Running => reply.error("All sockets are already enabled."),
        Listening::Paused => drop(frontend.listening.send_replace(Listening::Running)),
    }
}

fn shutdown(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(frontend) = context.frontend(args.get(0), reply) else {
        return;
    };
    if frontend.listening.send_replace(Listening::Stopped) == Listening::Stopped {
        reply.error("Frontend was already shut down.");
    }
}
