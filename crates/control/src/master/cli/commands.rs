//! The master's own commands.

use super::Session;
use crate::command::Level;
use crate::master::processes::now_ms;
use std::fmt::Write;

/// What follows a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Text(String),
    /// A reload, which ends the connection with its outcome; `true` when old workers end at once.
    Reload(bool),
}

/// A command of the master.
struct Row {
    words: &'static [&'static str],
    level: Level,
    usage: &'static str,
    doc: &'static str,
    run: fn(&mut Session, &[String]) -> Outcome,
}

/// Those that only the list of commands knows: prefixes, and what [`Session`] does by itself.
const OTHERS: [(&str, &str); 5] = [
    ("@!<pid>", "send a command to the process <pid>"),
    (
        "@<relative pid>",
        "send a command to a worker by its number, always 1",
    ),
    ("@master", "send a command to the master"),
    ("operator", "lower this session's level to operator"),
    ("user", "lower this session's level to user"),
];

/// Those at the end of every list.
const ALWAYS: [(&str, &str); 3] = [
    (
        "help [<command>]",
        "list all commands, or those like this one",
    ),
    (
        "prompt [help | n | i | p | timed ]*",
        "change or toggle the prompt",
    ),
    ("quit", "close the connection"),
];

const ROWS: &[Row] = &[
    Row {
        words: &["echo"],
        level: Level::User,
        usage: "echo <text>",
        doc: "answer with the text",
        run: |_, args| text(args.join(" ") + "\n"),
    },
    Row {
        words: &["hard-reload"],
        level: Level::Operator,
        usage: "hard-reload",
        doc: "start a new worker and end the old ones at once",
        run: |_, _| Outcome::Reload(true),
    },
    Row {
        words: &["help"],
        level: Level::User,
        usage: "",
        doc: "",
        run: help,
    },
    Row {
        words: &["reload"],
        level: Level::Operator,
        usage: "reload",
        doc: "start a new worker and let the old ones finish",
        run: |_, _| Outcome::Reload(false),
    },
    Row {
        words: &["show", "cli", "level"],
        level: Level::User,
        usage: "show cli level",
        doc: "show this session's level",
        run: |session, _| text(format!("{}\n", session.level.name())),
    },
    Row {
        words: &["show", "cli", "sockets"],
        level: Level::User,
        usage: "show cli sockets",
        doc: "list the sockets of this process' own proxies: none",
        // The master has no proxies, and its own socket is not one of theirs, as in HAProxy.
        run: |_, _| text(""),
    },
    Row {
        words: &["show", "env"],
        level: Level::Operator,
        usage: "show env [var]",
        doc: "show the master's environment variables",
        run: show_env,
    },
    Row {
        words: &["show", "proc"],
        level: Level::Operator,
        usage: "show proc [debug]",
        doc: "show the master and its workers",
        run: show_proc,
    },
    Row {
        words: &["show", "startup-logs"],
        level: Level::Operator,
        usage: "show startup-logs",
        doc: "show what was said since the last start or reload",
        run: |session, _| text(session.shared.log.read()),
    },
    Row {
        words: &["show", "version"],
        level: Level::User,
        usage: "show version",
        doc: "show the version",
        run: |_, _| text(format!("{}\n", crate::VERSION)),
    },
];

/// The words of all commands that a master knows, its prefixes among them.
pub fn words() -> impl Iterator<Item = String> {
    const OWN: [&str; 6] = [
        "@!<pid>",
        "@<relative pid>",
        "@master",
        "experimental-mode",
        "expert-mode",
        "mcli-debug-mode",
    ];
    let rows = ROWS.iter().map(|row| row.words.join(" "));
    let others = ["operator", "prompt", "quit", "user"];
    rows.chain(OWN.into_iter().chain(others).map(str::to_owned))
}

fn text(text: impl Into<String>) -> Outcome {
    Outcome::Text(text.into())
}

/// Runs a command of the master.
pub fn run(session: &mut Session, words: &[String]) -> Outcome {
    let Some(first) = words.first() else {
        return text("");
    };
    let fits = |row: &&Row| {
        row.words.len() <= words.len() && row.words.iter().zip(words).all(|(a, b)| a == b)
    };
    let Some(row) = ROWS.iter().find(fits) else {
        let mut out = format!(
            "Unknown command: '{first}', but maybe one of the following ones is a better match:\n"
        );
        list(&mut out, &[]);
        return text(out);
    };
    if session.level < row.level {
        return text("Permission denied\n");
    }
    (row.run)(session, words.get(row.words.len()..).unwrap_or_default())
}

fn list(out: &mut String, words: &[String]) {
    let wanted = words.join(" ");
    let rows = ROWS.iter().map(|row| (row.usage, row.doc));
    let mut rows: Vec<_> = rows
        .chain(OTHERS)
        .filter(|(usage, _)| !usage.is_empty())
        .collect();
    if rows.iter().any(|(usage, _)| usage.starts_with(&wanted)) {
        rows.retain(|(usage, _)| usage.starts_with(&wanted));
    }
    rows.sort_unstable();
    for (usage, doc) in rows.into_iter().chain(ALWAYS) {
        let _ = writeln!(out, "  {usage:<40}: {doc}");
    }
}

fn help(_: &mut Session, args: &[String]) -> Outcome {
    let mut out = String::from("The following commands are valid at this level:\n");
    list(&mut out, args);
    text(out)
}

fn show_env(session: &mut Session, args: &[String]) -> Outcome {
    let wanted = args.first().map(String::as_str);
    let mut out = String::new();
    for (name, value) in &session.shared.environment {
        if wanted.is_none_or(|wanted| wanted == name) {
            let _ = writeln!(out, "{name}={value}");
        }
    }
    if out.is_empty() && wanted.is_some() {
        out.push_str("Variable not found\n");
    }
    text(out)
}

fn show_proc(session: &mut Session, args: &[String]) -> Outcome {
    let debug = match args.first().map(String::as_str) {
        None => false,
        Some("debug") => true,
        Some(_) => return text("'show proc' only supports 'debug' as argument\n"),
    };
    text(session.shared.processes.borrow().table(debug, now_ms()))
}
