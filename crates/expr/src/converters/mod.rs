//! Converters, by family.

mod address;
mod aes;
mod arithmetic;
mod base64;
mod binary;
mod crypto;
mod dates;
mod entries;
mod fix;
mod forwarded;
mod hashing;
mod hosts;
mod http;
mod json;
mod json_path;
pub mod jwt;
mod lists;
mod maps;
mod mqtt;
mod packets;
mod protobuf;
mod regsub;
mod servers;
mod strftime;
mod strings;
mod tcp_header;
mod url;
mod variables;
pub mod x509;

#[cfg(test)]
mod tests;

use crate::args::{Arg, Args};
use crate::cast;
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::vars::{Scope, VarId};
use crate::view::View;
use std::borrow::Cow;
use std::ops::Range;

/// All families.
pub static FAMILIES: &[&[ConverterRow]] = &[
    strings::ROWS,
    hosts::ROWS,
    lists::ROWS,
    regsub::ROWS,
    arithmetic::ROWS,
    binary::ROWS,
    base64::ROWS,
    url::ROWS,
    hashing::ROWS,
    crypto::ROWS,
    aes::ROWS,
    address::ROWS,
    forwarded::ROWS,
    dates::ROWS,
    http::ROWS,
    json::ROWS,
    json_path::ROWS,
    jwt::QUERIES,
    jwt::SIGNATURES,
    jwt::ENCRYPTED,
    protobuf::ROWS,
    fix::ROWS,
    mqtt::ROWS,
    packets::ROWS,
    tcp_header::ROWS,
    maps::ROWS,
    servers::ROWS,
    entries::COUNTED,
    entries::ROWS,
    variables::ROWS,
    x509::ROWS,
];

/// The bytes of a string or block.
fn text<'a>(value: Value<'a>) -> Option<Cow<'a, [u8]>> {
    match value {
        Value::Str(text) | Value::Bin(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

fn string<'a>(text: Vec<u8>) -> Option<Value<'a>> {
    Some(Value::Str(Cow::Owned(text)))
}

fn block<'a>(bytes: Vec<u8>) -> Option<Value<'a>> {
    Some(Value::Bin(Cow::Owned(bytes)))
}

/// A part of a text, without copying where the text is borrowed.
fn part(text: Cow<'_, [u8]>, range: Range<usize>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
        Cow::Owned(mut text) => {
            text.truncate(range.end);
            text.drain(..range.start.min(text.len()));
            Cow::Owned(text)
        }
    }
}

/// The variable's value.
fn variable<'a>(view: &'a dyn View, id: VarId) -> Option<Value<'a>> {
    match id.scope {
        Scope::Process => view.process().proc_var(id.name),
        _ => view.var(id),
    }
}

/// The variable's value as text or, with `Type::Bin`, as a block.
fn variable_as<'a>(view: &'a dyn View, id: VarId, kind: Type) -> Option<Cow<'a, [u8]>> {
    text(cast::cast(variable(view, id)?, kind)?)
}

/// Turns the argument at `at` from a name into a variable.
fn check_variable(args: &mut Args, at: usize, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let name = args.text(at).unwrap_or_default();
    let id = ctx
        .compiler
        .names
        .intern(&name)
        .map_err(|_| format!("failed to register variable name '{name}'"))?;
    args.set(at, Arg::Var(id));
    Ok(())
}

/// Turns the only argument, which must be given, from a name into a variable.
fn check_only_variable(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    if args.str(0).is_none_or(<[u8]>::is_empty) {
        return Err("missing variable name".into());
    }
    check_variable(args, 0, ctx)
}

/// Turns the argument at `at` from text into a number or a variable. Numbers stop at the limits of 64 bits.
fn check_operand(args: &mut Args, at: usize, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let text = args.text(at).unwrap_or_default();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    if text.is_empty() || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())) {
        args.set(at, Arg::Int(cast::leading_int(text.as_bytes())));
        return Ok(());
    }
    check_variable(args, at, ctx).map_err(|_| "expects an integer or a variable name".into())
}

/// The number behind an argument prepared by [`check_operand`].
fn operand(args: &Args, at: usize, view: &dyn View) -> Option<i64> {
    match args.get(at)? {
        Arg::Int(number) => Some(*number),
        Arg::Var(id) => number(&cast::cast(variable(view, *id)?, Type::Int)?),
        _ => None,
    }
}
