//! The connection itself: levels, the prompt, help, and what sockets there are.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Reply, Rest, SeverityOutput};
use base::units::{TimeUnit, parse_time};
use model::{Address, Bind};
use std::fmt::Write;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["echo"],
        level: Level::User,
        args: "<text>",
        doc: "answer with the text",
        run: echo,
    },
    CommandRow {
        words: &["help"],
        level: Level::User,
        args: "[<command>]",
        doc: "list all commands, or those like this one",
        run: help,
    },
    CommandRow {
        words: &["operator"],
        level: Level::Operator,
        args: "",
        doc: "lower this session's level to operator",
        run: |context, _, _| lower(context, Level::Operator),
    },
    CommandRow {
        words: &["prompt"],
        level: Level::User,
        args: "[help | n | i | p | timed ]*",
        doc: "change or toggle the interactive mode and its prompt",
        run: prompt,
    },
    CommandRow {
        words: &["quit"],
        level: Level::User,
        args: "",
        doc: "close the connection",
        run: |_, reply, _| reply.rest = Rest::Close,
    },
    CommandRow {
        words: &["set", "severity-output"],
        level: Level::User,
        args: "[none|number|string]",
        doc: "say whether messages begin with their severity",
        run: set_severity,
    },
    CommandRow {
        words: &["set", "timeout"],
        level: Level::User,
        args: "[cli] <delay>",
        doc: "set this session's idle time (seconds by default)",
        run: set_timeout,
    },
    CommandRow {
        words: &["show", "cli", "level"],
        level: Level::User,
        args: "",
        doc: "show this session's level",
        run: |context, reply, _| reply.info(context.state.level.name()),
    },
    CommandRow {
        words: &["show", "cli", "sockets"],
        level: Level::User,
        args: "",
        doc: "list the runtime API's sockets",
        run: show_sockets,
    },
    CommandRow {
        words: &["user"],
        level: Level::User,
        args: "",
        doc: "lower this session's level to user",
        run: |context, _, _| lower(context, Level::User),
    },
];

fn echo(_: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    reply.info(&args.0.join(" "));
}

fn help(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let mut text = String::from("The following commands are valid at this level:\n");
    super::list(&mut text, context.state, args.0);
    reply.info(&text);
}

fn lower(context: &mut Context<'_>, level: Level) {
    context.state.lower(level);
}

const PROMPT_USAGE: &str = "Usage: prompt [help | n | i | p | timed]*
Sets how this session goes on after a command:
  help    show this text
  n       one command, then the connection is closed
  i       interactive: any number of commands, without a prompt
  p       interactive with a prompt
  timed   toggle the uptime in the prompt
Without an argument: from n or i to p, from p to n.
";

fn prompt(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let state = &mut *context.state;
    if args.0.is_empty() {
        let on = !state.prompt;
        (state.interactive, state.prompt) = (on, on);
    }
    for arg in args.0 {
        match arg.as_str() {
            "n" => (state.interactive, state.prompt) = (false, false),
            "i" => (state.interactive, state.prompt) = (true, false),
            "p" => (state.interactive, state.prompt) = (true, true),
            "timed" => {
                state.timed = !state.timed;
                (state.interactive, state.prompt) = (true, true);
            }
            _ => return reply.info(PROMPT_USAGE),
        }
    }
}

fn set_severity(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    context.state.severity = match args.get(0) {
        "none" => SeverityOutput::None,
        "number" => SeverityOutput::Number,
        "string" => SeverityOutput::String,
        _ => return reply.error("one of 'none', 'number', 'string' is a required argument"),
    };
}

fn set_timeout(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if args.get(0) != "cli" {
        return reply.error("'set timeout' only supports 'cli'.");
    }
    if args.get(1).is_empty() {
        return reply.error("Expects an integer value.");
    }
    match parse_time(args.get(1), TimeUnit::Second) {
        Ok(time) if time.value > 0 && time.trailing.is_none() => {
            context.state.timeout = time.value.saturating_mul(1000);
        }
        _ => reply.error("Invalid timeout value."),
    }
}

/// A socket as HAProxy writes it.
pub(crate) fn place(bind: &Bind) -> String {
    match &bind.address {
        Address::Unix(path) => format!("unix@{}", path.display()),
        Address::Abstract { name, .. } => format!("abns@{}", String::from_utf8_lossy(name)),
        Address::Inet(address) if address.is_ipv4() => {
            format!("ipv4@{}:{}", address.ip(), address.port())
        }
        Address::Inet(address) => format!("ipv6@{}:{}", address.ip(), address.port()),
        Address::Fd(number) => format!("fd@{number}"),
        Address::SocketPair(number) => format!("sockpair@{number}"),
        Address::Reverse(name) => format!("rhttp@{name}"),
    }
}

fn show_sockets(context: &mut Context<'_>, reply: &mut Reply, _: Args<'_>) {
    reply.plain(format_args!("# socket lvl processes\n"));
    for bind in &context.runtime.snapshot.global.stats_sockets {
        let _ = write!(reply.text, "{}", place(bind));
        reply.plain(format_args!(" {} all\n", Level::of(bind).name()));
    }
}
