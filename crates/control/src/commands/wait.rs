//! `wait`.

use super::dynamic::{Refusal, removable_backend, removable_server};
use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Outlook, Reply, Rest};
use base::units::{TimeUnit, parse_time};
use engine::runtime::Runtime;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[CommandRow {
    words: &["wait"],
    level: Level::Admin,
    args: "{-h|<delay_ms>} cond [args...]",
    doc: "wait for a time, or for a condition (-h to see them)",
    run: wait,
}];

const USAGE: &str = "Usage: wait {-h|<duration>} [condition [args...]]
  - '-h' shows this text
  - <duration> is how long to wait at most: a number with a unit among 'us', 'ms', 's', 'm', 'h' and 'd',
    milliseconds without one.
  - <condition> is what to wait for:
    - none: the time passes
    - srv-removable <px>/<sv>: the server can be removed
    - be-removable <px>: the backend can be removed
";

fn wait(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    match args.get(0) {
        "" => return reply.error("Expects a duration in milliseconds."),
        "-h" => return reply.info(USAGE),
        _ => {}
    }
    let ms = match parse_time(args.get(0), TimeUnit::Millisecond) {
        Ok(time) if time.value > 0 && time.trailing.is_none() => time.value,
        _ => return reply.error("Invalid duration."),
    };
    let name = args.get(2).to_owned();
    match args.get(1) {
        "" => reply.rest = Rest::Wait(ms, "Done."),
        "srv-removable" if name.is_empty() => {
            reply.error("Missing server name (<backend>/<server>).");
        }
        "srv-removable" if !name.contains('/') => reply.error("Require 'backend/server'."),
        "srv-removable" => {
            let condition = move |runtime: &Runtime| server(runtime, &name);
            reply.rest = Rest::Until(ms, Box::new(condition));
        }
        "be-removable" if name.is_empty() => reply.error("Missing backend name."),
        "be-removable" => {
            let condition = move |runtime: &Runtime| backend(runtime, &name);
            reply.rest = Rest::Until(ms, Box::new(condition));
        }
        _ => reply.error(USAGE),
    }
    let _ = context;
}

fn server(runtime: &Runtime, path: &str) -> Outlook {
    let found = path.split_once('/').and_then(|(backend, server)| {
        let backend = runtime.backend(backend)?;
        Some((backend.server_named(server), backend))
    });
    let Some((server, backend)) = found else {
        return Outlook::Failed("No such backend.".into());
    };
    let Some(server) = server else {
        return Outlook::Failed("No such server.".into());
    };
    match removable_server(runtime, &backend, &server) {
        Ok(()) => {
            // What is only kept for later need not keep anybody waiting.
            server.close_kept();
            Outlook::Met
        }
        Err(Refusal::Now(_)) => Outlook::Open,
        Err(Refusal::Ever(why)) => Outlook::Failed(why.into()),
    }
}

fn backend(runtime: &Runtime, name: &str) -> Outlook {
    match removable_backend(runtime, name) {
        Ok(_) => Outlook::Met,
        Err(why) if why == super::dynamic::STREAMS => Outlook::Open,
        Err(why) => Outlook::Failed(why.into()),
    }
}
