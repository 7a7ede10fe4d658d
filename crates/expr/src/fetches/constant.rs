//! Constants.

use crate::args::spec::{INT, STR};
use crate::args::{Arg, ArgKind, ArgSpec, Args};
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::View;
use message::Method;
use std::borrow::Cow;
use std::net::IpAddr;

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new(
        "always_false",
        Type::Bool,
        Phases::ALL,
        always_false,
        "False.",
    )
    .constant(),
    FetchRow::new("always_true", Type::Bool, Phases::ALL, always_true, "True.").constant(),
    FetchRow::new(
        "bool",
        Type::Bool,
        Phases::ALL,
        boolean,
        "The given boolean.",
    )
    .args(&[STR])
    .check(check_bool)
    .constant(),
    FetchRow::new("int", Type::Int, Phases::ALL, int, "The given integer.")
        .args(&[INT])
        .constant(),
    FetchRow::new("str", Type::Str, Phases::ALL, str, "The given text.")
        .args(&[STR])
        .constant(),
    FetchRow::new(
        "bin",
        Type::Bin,
        Phases::ALL,
        bin,
        "The block given in hexadecimal.",
    )
    .args(&[STR])
    .check(check_bin)
    .constant(),
    FetchRow::new(
        "meth",
        Type::Method,
        Phases::ALL,
        meth,
        "The given HTTP method.",
    )
    .args(&[STR])
    .constant(),
    FetchRow::new(
        "ipv4",
        Type::Ipv4,
        Phases::ALL,
        ip,
        "The given IPv4 address.",
    )
    .args(&[ArgSpec::required(ArgKind::Ipv4)])
    .constant(),
    FetchRow::new(
        "ipv6",
        Type::Ipv6,
        Phases::ALL,
        ip,
        "The given IPv6 address.",
    )
    .args(&[ArgSpec::required(ArgKind::Ipv6)])
    .constant(),
];

fn always_false<'a>(_: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Bool(false))
}

fn always_true<'a>(_: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Bool(true))
}

fn check_bool(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let text = args.text(0).unwrap_or_default();
    let value = match text.to_ascii_lowercase().as_str() {
        "true" | "1" => 1,
        "false" | "0" => 0,
        _ => return Err("Expects 'true', 'false', '0' or '1'".into()),
    };
    args.set(0, Arg::Int(value));
    Ok(())
}

fn boolean<'a>(args: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::of(args.int(0).map(|v| Value::Bool(v != 0)))
}

fn int<'a>(args: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::of(args.int(0).map(Value::Int))
}

fn str<'a>(args: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::of(args.str(0).map(|s| Value::Str(Cow::Borrowed(s))))
}

fn check_bin(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let digits = args.str(0).filter(|digits| !digits.is_empty());
    let block = crate::pattern::parse_block(digits.ok_or("expects hexadecimal digits")?)?;
    args.set(0, Arg::Str(block));
    Ok(())
}

fn bin<'a>(args: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::of(args.str(0).map(|s| Value::Bin(Cow::Borrowed(s))))
}

fn meth<'a>(args: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::of(
        args.str(0)
            .map(|s| Value::Method(Method::of(s), Cow::Borrowed(s))),
    )
}

fn ip<'a>(args: &'a Args, _: &'a dyn View) -> Outcome<'a> {
    Outcome::of(match args.get(0) {
        Some(Arg::Ipv4(ip)) => Some(Value::Ip(IpAddr::V4(*ip))),
        Some(Arg::Ipv6(ip)) => Some(Value::Ip(IpAddr::V6(*ip))),
        _ => None,
    })
}
