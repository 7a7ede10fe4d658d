//! The process: `show info`, `show version`, `show env`.

use crate::VERSION;
use crate::command::{Args, CommandRow, Context, Level};
use crate::info::{FACTS, Fact};
use crate::reply::Reply;
use crate::stat::value::{Value, write_json_tags};
use std::fmt::Write;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["show", "env"],
        level: Level::Operator,
        args: "[var]",
        doc: "show the process' environment variables",
        run: show_env,
    },
    CommandRow {
        words: &["show", "info"],
        level: Level::User,
        args: "[desc|json|typed|float]*",
        doc: "show what is known about the process",
        run: show_info,
    },
    CommandRow {
        words: &["show", "version"],
        level: Level::User,
        args: "",
        doc: "show the version",
        run: |_, reply, _| reply.info(VERSION),
    },
];

fn show_env(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let name = args.get(0);
    let mut found = name.is_empty();
    let sockets = context.runtime.snapshot.global.stats_sockets.iter();
    let sockets: Vec<_> = sockets.map(super::cli::place).collect();
    let own = sockets.join(";");
    let own = (!sockets.is_empty()).then_some(("HAPROXY_CLI", own.as_str()));
    let inherited = context.runtime.snapshot.environment.iter();
    let inherited = inherited.filter(|(key, _)| own.is_none() || *key != "HAPROXY_CLI");
    for (key, value) in inherited.chain(own) {
        if name.is_empty() || key == name {
            found = true;
            reply.plain(format_args!("{key}={value}\n"));
        }
    }
    if !found {
        reply.error("Variable not found");
    }
}

fn show_info(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let asks = |word: &str| args.0.iter().any(|arg| arg == word);
    let (json, typed, desc, float) = (asks("json"), asks("typed"), asks("desc"), asks("float"));
    let out = &mut reply.text;
    if json {
        out.push('[');
    }
    let mut first = true;
    for fact in FACTS {
        let Some(value) = (fact.value)(context.runtime, float) else {
            continue;
        };
        if json {
            write_json(out, fact, &value, first);
            first = false;
            continue;
        }
        let (number, name, tags) = (fact.number, fact.name, fact.tags);
        let _ = match typed {
            true => write!(out, "{number}.{name}.1:{tags}:{}:{value}", value.kind()),
            false => write!(out, "{name}: {value}"),
        };
        if desc {
            let _ = write!(out, ":\"{}\"", fact.doc);
        }
        out.push('\n');
    }
    if json {
        out.push_str("]\n");
    }
}

fn write_json(out: &mut String, fact: &Fact, value: &Value, first: bool) {
    if !first {
        out.push(',');
    }
    let (number, name) = (fact.number, fact.name);
    let _ = write!(
        out,
        "{{\"field\":{{\"pos\":{number},\"name\":\"{name}\"}},\"processNum\":1,"
    );
    write_json_tags(out, fact.tags);
    out.push_str(",\"value\":");
    value.write_json(out);
    out.push('}');
}
