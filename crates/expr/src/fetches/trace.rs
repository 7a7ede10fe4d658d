//! How far rules got with a stream, and all variables at once.

use crate::args::Args;
use crate::args::spec::OPT_STR;
use crate::cast;
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::vars::Scope;
use crate::view::View;
use std::borrow::Cow;

fn text<'a>(text: String) -> Outcome<'a> {
    Outcome::Found(Value::Str(Cow::Owned(text.into_bytes())))
}

fn last_rule_file<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let place = view.last_rule();
    Outcome::of(place.map(|(file, _)| Value::Str(Cow::Borrowed(file.as_bytes()))))
}

fn last_rule_line<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(view.last_rule().map(|(_, line)| Value::Int(line.into())))
}

fn place<'a>(rule: Option<(&str, u32)>) -> Outcome<'a> {
    rule.map_or(Outcome::Missing, |(file, line)| {
        text(format!("{file}:{line}"))
    })
}

fn last_entity<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    place(view.last_rule())
}

fn waiting_entity<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    place(view.waiting_rule())
}

fn prio_class<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(view.priority().map(|(class, _)| Value::Int(class.into())))
}

fn prio_offset<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(view.priority().map(|(_, offset)| Value::Int(offset.into())))
}

fn dst_conn<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let count = view.listener_connections();
    Outcome::of(count.map(|count| Value::Int(i64::try_from(count).unwrap_or(i64::MAX))))
}

const SCOPES: [Scope; 5] = [
    Scope::Session,
    Scope::Transaction,
    Scope::Request,
    Scope::Response,
    Scope::Process,
];

fn check_dump(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let name = args.text(0).unwrap_or_default();
    let known = SCOPES.iter().chain([&Scope::Check]);
    if name.is_empty() || known.into_iter().any(|scope| scope.name() == name) {
        return Ok(());
    }
    Err(format!(
        "invalid scope '{name}', must be one of: sess, txn, req, res, proc"
    ))
}

/// Writes a value so that its type can be told from it.
fn write_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => cast::write_int(*number, out),
        Value::Ip(ip) => cast::write_ip(*ip, out),
        Value::Bin(bytes) => cast::write_hex(bytes, out),
        Value::Str(text) => write_quoted(text, out),
        Value::Method(method, text) => {
            write_quoted(method.name().map_or(&**text, str::as_bytes), out);
        }
    }
}

fn write_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\n' => out.extend_from_slice(b"\\n"),
            8 => out.extend_from_slice(b"\\b"),
            0 => out.extend_from_slice(b"\\0"),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

fn dump_all_vars<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let wanted = args.text(0).unwrap_or_default();
    let prefix = args.text(1).unwrap_or_default();
    let delimiter = args.str(2).unwrap_or(b", ");
    let mut out = Vec::new();
    for scope in SCOPES {
        if !wanted.is_empty() && wanted != scope.name() {
            continue;
        }
        view.each_var(scope, &mut |name, value| {
            if !name.starts_with(&prefix) {
                return;
            }
            if !out.is_empty() {
                out.extend_from_slice(delimiter);
            }
            out.extend_from_slice(scope.name().as_bytes());
            out.push(b'.');
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            write_value(value, &mut out);
        });
    }
    Outcome::Found(Value::Str(Cow::Owned(out)))
}

const IN: Phases = Phases::INTERNAL;

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new(
        "last_rule_file",
        Type::Str,
        IN,
        last_rule_file,
        "File of the last rule that decided.",
    ),
    FetchRow::new(
        "last_rule_line",
        Type::Int,
        IN,
        last_rule_line,
        "Line of the last rule that decided.",
    ),
    FetchRow::new(
        "last_entity",
        Type::Str,
        IN,
        last_entity,
        "File and line of the last rule that decided.",
    ),
    FetchRow::new(
        "waiting_entity",
        Type::Str,
        IN,
        waiting_entity,
        "File and line of the rule that was waiting when the stream failed.",
    ),
    FetchRow::new(
        "prio_class",
        Type::Int,
        IN,
        prio_class,
        "Priority class in queues.",
    ),
    FetchRow::new(
        "prio_offset",
        Type::Int,
        IN,
        prio_offset,
        "Priority offset in queues, in milliseconds.",
    ),
    FetchRow::new(
        "dst_conn",
        Type::Int,
        Phases::FRONTEND,
        dst_conn,
        "Present connections of the listening socket.",
    ),
    FetchRow::new(
        "dump_all_vars",
        Type::Str,
        Phases::ALL,
        dump_all_vars,
        "All variables of a scope, or of all.",
    )
    .args(&[OPT_STR, OPT_STR, OPT_STR])
    .check(check_dump),
];
