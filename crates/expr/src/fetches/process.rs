//! The process, the clock and chance.

use crate::args::spec::{OPT_INT, OPT_STR, STR};
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Date, View};
use std::borrow::Cow;

fn int<'a>(value: u64) -> Outcome<'a> {
    Outcome::Found(Value::Int(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn text(value: &str) -> Outcome<'_> {
    Outcome::Found(Value::Str(Cow::Borrowed(value.as_bytes())))
}

/// Checks a unit of time; it becomes the number of units per second.
pub(super) fn check_unit(args: &mut Args, at: usize) -> Result<(), String> {
    let per_second = match args.str(at) {
        None => return Ok(()),
        Some(b"s") => 1,
        Some(b"ms") => 1_000,
        Some(b"us") => 1_000_000,
        Some(other) => {
            return Err(format!(
                "expects 's', 'ms' or 'us', got '{}'",
                String::from_utf8_lossy(other)
            ));
        }
    };
    args.set(at, Arg::Int(per_second));
    Ok(())
}

/// A date in the unit of the argument at `at`.
pub(super) fn in_unit(date: Date, args: &Args, at: usize) -> i64 {
    let micros = i64::from(date.micros);
    match args.int(at) {
        Some(1_000) => date.seconds * 1_000 + micros / 1_000,
        Some(1_000_000) => date.seconds * 1_000_000 + micros,
        _ => date.seconds,
    }
}

fn check_date(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    check_unit(args, 1)
}

fn date<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let mut now = view.now();
    let offset = args.int(0).unwrap_or(0);
    // The offset is in the unit asked for.
    let unit = args.int(1).unwrap_or(1);
    if unit == 1 {
        now.seconds = now.seconds.saturating_add(offset);
        return Outcome::Found(Value::Int(now.seconds));
    }
    Outcome::Found(Value::Int(in_unit(now, args, 1).saturating_add(offset)))
}

fn date_us<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Int(i64::from(view.now().micros)))
}

fn rand<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let random = u64::from(view.process().random());
    match args.int(0) {
        // The high part of a product spreads evenly over the range.
        Some(range) => int(random.wrapping_mul(range.cast_unsigned()) >> 32),
        None => int(random),
    }
}

fn check_uuid(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    match args.int(0) {
        None | Some(0 | 4 | 7) => Ok(()),
        Some(other) => Err(format!("Unsupported UUID version: '{other}'")),
    }
}

/// A UUID of version 4 or 7 (RFC 9562, sections 5.4 and 5.7).
fn uuid<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let process = view.process();
    let mut value = (0..4).fold(0u128, |n, _| n << 32 | u128::from(process.random()));
    let version = if args.int(0) == Some(7) {
        let now = view.now();
        let millis = now.seconds as u128 * 1000 + u128::from(now.micros / 1000);
        value = value & ((1 << 80) - 1) | (millis & ((1 << 48) - 1)) << 80;
        7
    } else {
        4
    };
    value = value & !(0xf << 76) | version << 76;
    value = value & !(0b11 << 62) | 0b10 << 62;
    let mut out = Vec::with_capacity(36);
    for (at, byte) in value.to_be_bytes().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    Outcome::Found(Value::Str(Cow::Owned(out)))
}

/// The environment is read once, when the configuration is.
fn check_env(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let name = args.text(0).unwrap_or_default();
    let value = ctx.compiler.env.get(&name).map(str::to_owned);
    args.set_data(value);
    Ok(())
}

fn env<'a>(args: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    match args.data::<Option<String>>() {
        Some(Some(value)) => text(value),
        _ => Outcome::Missing,
    }
}

fn hostname<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(view.process().hostname())
}
fn one<'a>(_: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    int(1)
}
fn pid<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    int(u64::from(view.process().pid()))
}
fn thread<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    int(u64::from(view.process().threads().1.saturating_sub(1)))
}
fn zero<'a>(_: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    int(0)
}
fn uptime<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    int(view.process().uptime_ms() / 1000)
}
fn stopping<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Bool(view.process().is_stopping()))
}
fn act_conn<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    int(view.process().connections())
}
fn quic_enabled<'a>(_: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Bool(false))
}

const ALL: Phases = Phases::ALL;

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new("date", Type::Int, ALL, date, "Present time.")
        .args(&[OPT_INT, OPT_STR])
        .check(check_date),
    FetchRow::new(
        "date_us",
        Type::Int,
        ALL,
        date_us,
        "Microseconds of the present second.",
    ),
    FetchRow::new(
        "rand",
        Type::Int,
        ALL,
        rand,
        "Random integer, below the argument if one is given.",
    )
    .args(&[OPT_INT]),
    FetchRow::new(
        "uuid",
        Type::Str,
        ALL,
        uuid,
        "Random UUID of version 4 or 7.",
    )
    .args(&[OPT_INT])
    .check(check_uuid),
    FetchRow::new("env", Type::Str, ALL, env, "Environment variable.")
        .args(&[STR])
        .check(check_env),
    FetchRow::new("hostname", Type::Str, ALL, hostname, "Name of this host."),
    FetchRow::new(
        "nbproc",
        Type::Int,
        ALL,
        one,
        "Number of processes, always 1.",
    ),
    FetchRow::new(
        "proc",
        Type::Int,
        ALL,
        one,
        "Number of this process, always 1.",
    ),
    FetchRow::new("pid", Type::Int, ALL, pid, "Process id."),
    FetchRow::new(
        "thread",
        Type::Int,
        ALL,
        thread,
        "Number of this thread, from 0.",
    ),
    FetchRow::new(
        "tgroup",
        Type::Int,
        ALL,
        zero,
        "Number of this thread's group, from 0.",
    ),
    FetchRow::new("uptime", Type::Int, ALL, uptime, "Seconds since start."),
    FetchRow::new(
        "stopping",
        Type::Bool,
        Phases::INTERNAL,
        stopping,
        "Whether the process is stopping.",
    ),
    FetchRow::new(
        "act_conn",
        Type::Int,
        ALL,
        act_conn,
        "Present connections of the process.",
    ),
    FetchRow::new(
        "quic_enabled",
        Type::Bool,
        ALL,
        quic_enabled,
        "Whether QUIC is in use.",
    ),
];
