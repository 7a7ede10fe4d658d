//! Limits that can be changed while running.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::Reply;
use std::sync::atomic::Ordering;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["set", "maxconn", "frontend"],
        level: Level::Admin,
        args: "<frontend> <value>",
        doc: "change a frontend's limit on connections",
        run: set_frontend,
    },
    CommandRow {
        words: &["set", "maxconn", "global"],
        level: Level::Admin,
        args: "<value>",
        doc: "change the process' limit on connections",
        run: set_global,
    },
    CommandRow {
        words: &["set", "maxconn", "server"],
        level: Level::Admin,
        args: "<bk>/<srv>",
        doc: "change a server's limit on connections",
        run: set_server,
    },
    CommandRow {
        words: &["set", "rate-limit"],
        level: Level::Admin,
        args: "<setting> <value>",
        doc: "change a limit on a rate",
        run: set_rate,
    },
];

const RATES: &str = "'set rate-limit' only supports :
   - 'connections global' to set the per-process maximum connection rate
   - 'sessions global' to set the per-process maximum session rate
   - 'ssl-sessions global' to set the per-process maximum SSL session rate
   - 'http-compression global' to set the per-process maximum compression speed in kB/s
";

fn set_rate(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let at = match (args.get(0), args.get(1)) {
        ("connections", "global") => 0,
        ("sessions", "global") => 1,
        ("ssl-sessions", "global") => 2,
        ("http-compression", "global") => {
            return reply
                .error("The speed of compression can't be limited: compression is not built yet.");
        }
        _ => return reply.error(RATES),
    };
    if args.get(2).is_empty() {
        return reply.error("Expects an integer value.");
    }
    let limit = u32::try_from(integer(args.get(2)));
    match (context.runtime.process.max_rates.get(at), limit) {
        (Some(rate), Ok(limit)) => rate.store(limit, Ordering::Relaxed),
        _ => reply.error("Value out of range."),
    }
}

fn set_server(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some((backend, server)) = context.server(args.get(0), reply) else {
        return;
    };
    let text = args.get(1);
    if text.is_empty() {
        return reply.error("Require <maxconn>.");
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return reply.error("maxconn string empty or preceded by garbage");
    }
    match text.parse() {
        Ok(limit) => backend
            .dispatch
            .set_maxconn(&backend, server.config.idx, limit),
        Err(_) => reply.error("Value out of range."),
    }
}

/// The integer at the beginning of a text, 0 when there is none.
fn integer(text: &str) -> i64 {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    let magnitude = digits.get(..end).and_then(|d| d.parse().ok()).unwrap_or(0);
    if text.starts_with('-') {
        -magnitude
    } else {
        magnitude
    }
}

fn set_frontend(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(frontend) = context.frontend(args.get(0), reply) else {
        return;
    };
    if args.get(1).is_empty() {
        return reply.error("Integer value expected.");
    }
    match u32::try_from(integer(args.get(1))) {
        Ok(limit) => frontend.maxconn.store(limit, Ordering::Relaxed),
        Err(_) => reply.error("Value out of range."),
    }
}

fn set_global(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if args.get(0).is_empty() {
        return reply.error("Expects an integer value.");
    }
    let process = &context.runtime.process;
    let limit = u32::try_from(integer(args.get(0)));
    match limit.ok().filter(|limit| *limit <= process.hard_maxconn) {
        // Zero takes the limit back to what it was at the start.
        Some(0) => process
            .maxconn
            .store(process.hard_maxconn, Ordering::Relaxed),
        Some(limit) => process.maxconn.store(limit, Ordering::Relaxed),
        None => reply.error("Value out of range."),
    }
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn integers_are_read_as_far_as_they_go() {
        assert_eq!(
            ["12", "12x", "x", "", "-3"].map(integer),
            [12, 12, 0, 0, -3]
        );
    }
}
