//! Texts: case, length, trimming, joining, comparing.

use super::{check_only_variable, check_operand, check_variable, operand, part, string, text};
use crate::args::spec::{OPT_STR, STR};
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Rewrites letters in place, and only when one changes.
fn map_letters<'a>(
    value: Value<'a>,
    changes: fn(&u8) -> bool,
    change: fn(&mut [u8]),
) -> Option<Value<'a>> {
    let mut text = text(value)?;
    if text.iter().any(changes) {
        change(text.to_mut());
    }
    Some(Value::Str(text))
}

fn lower<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    map_letters(value, u8::is_ascii_uppercase, <[u8]>::make_ascii_lowercase)
}

fn upper<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    map_letters(value, u8::is_ascii_lowercase, <[u8]>::make_ascii_uppercase)
}

fn length<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    i64::try_from(text(value)?.len()).ok().map(Value::Int)
}

fn reverse<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let mut text = text(value)?;
    if text.len() > 1 {
        text.to_mut().reverse();
    }
    Some(Value::Str(text))
}

fn ltrim<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let chars = args.str(0)?;
    let skip = text.iter().take_while(|b| chars.contains(b)).count();
    let end = text.len();
    Some(Value::Str(part(text, skip..end)))
}

fn rtrim<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let chars = args.str(0)?;
    let skip = text.iter().rev().take_while(|b| chars.contains(b)).count();
    let end = text.len() - skip;
    Some(Value::Str(part(text, 0..end)))
}

fn cut_crlf<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let end = memchr::memchr2(b'\r', b'\n', &text).unwrap_or(text.len());
    Some(Value::Str(part(text, 0..end)))
}

fn check_concat(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    match args.str(1) {
        None | Some(b"") => Ok(()),
        Some(_) => check_variable(args, 1, ctx),
    }
}

/// The text of the variable at `at`; nothing without one.
fn variable_text<'a>(args: &Args, at: usize, view: &'a dyn View) -> Cow<'a, [u8]> {
    args.var(at)
        .and_then(|id| super::variable_as(view, id, Type::Str))
        .unwrap_or_default()
}

fn concat<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let mut text = text(value)?.into_owned();
    text.extend_from_slice(args.str(0).unwrap_or_default());
    text.extend_from_slice(&variable_text(args, 1, view));
    text.extend_from_slice(args.str(2).unwrap_or_default());
    string(text)
}

fn check_add_item(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let is_empty = |at| args.str(at).is_none_or(<[u8]>::is_empty);
    match (is_empty(1), is_empty(2)) {
        (true, true) => Err("one of the optional arguments has to be nonempty".into()),
        (true, false) => Ok(()),
        (false, _) => check_variable(args, 1, ctx),
    }
}

fn add_item<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let item = variable_text(args, 1, view);
    let suffix = args.str(2).unwrap_or_default();
    if item.is_empty() && suffix.is_empty() {
        return Some(Value::Str(text));
    }
    let mut text = text.into_owned();
    if !text.is_empty() {
        text.extend_from_slice(args.str(0).unwrap_or_default());
    }
    text.extend_from_slice(&item);
    text.extend_from_slice(suffix);
    string(text)
}

/// The difference of the first differing bytes, or the order of the lengths.
fn strcmp<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let left = text(value)?;
    let right = super::variable_as(view, args.var(0)?, Type::Str)?;
    let difference = left.iter().zip(&*right).find(|(a, b)| a != b);
    Some(Value::Int(match difference {
        Some((a, b)) => i64::from(*a) - i64::from(*b),
        None => match left.len().cmp(&right.len()) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        },
    }))
}

/// Whether both are equal, in a time that depends on their lengths only.
fn secure_memcmp<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let left = text(value)?;
    let right = super::variable_as(view, args.var(0)?, Type::Bin)?;
    if left.len() != right.len() {
        return Some(Value::Bool(false));
    }
    let difference = left
        .iter()
        .zip(&*right)
        .fold(0u8, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
    Some(Value::Bool(difference == 0))
}

fn iif<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let Value::Bool(holds) = value else {
        return None;
    };
    let text = args.str(usize::from(!holds))?;
    Some(Value::Str(Cow::Borrowed(text)))
}

fn check_bytes(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_operand(args, 0, ctx)?;
    if matches!(args.get(0), Some(Arg::Int(..0))) {
        return Err("expects a non-negative integer".into());
    }
    if !args.has(1) {
        return Ok(());
    }
    check_operand(args, 1, ctx)?;
    match args.get(1) {
        Some(Arg::Int(..=0)) => Err("expects a positive integer".into()),
        _ => Ok(()),
    }
}

/// A length that reaches beyond the end leaves the block as it is.
fn bytes<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let bytes = text(value)?;
    let start = usize::try_from(operand(args, 0, view)?).ok()?;
    let end = bytes.len();
    if start >= end {
        return Some(Value::Bin(Cow::Borrowed(b"")));
    }
    if !args.has(1) {
        return Some(Value::Bin(part(bytes, start..end)));
    }
    let length = usize::try_from(operand(args, 1, view)?).ok()?;
    match start.checked_add(length) {
        Some(stop) if stop <= end => Some(Value::Bin(part(bytes, start..stop))),
        _ => Some(Value::Bin(bytes)),
    }
}

const fn row(name: &'static str, convert: crate::row::Convert, doc: &'static str) -> ConverterRow {
    ConverterRow::new(name, Type::Str, Type::Str, convert, doc)
}

pub(super) static ROWS: &[ConverterRow] = &[
    row("lower", lower, "Lower case."),
    row("upper", upper, "Upper case."),
    row("reverse", reverse, "The bytes in reverse order."),
    row(
        "cut_crlf",
        cut_crlf,
        "What stands before the first end of line.",
    ),
    row(
        "ltrim",
        ltrim,
        "Without any of the given characters at the start.",
    )
    .args(&[STR]),
    row(
        "rtrim",
        rtrim,
        "Without any of the given characters at the end.",
    )
    .args(&[STR]),
    ConverterRow::new("length", Type::Str, Type::Int, length, "Length in bytes."),
    row("concat", concat, "Appends a text, a variable and a text.")
        .args(&[STR, OPT_STR, OPT_STR])
        .check(check_concat)
        .impure(),
    row(
        "add_item",
        add_item,
        "Appends an item to a list, with a delimiter between items.",
    )
    .args(&[STR, STR, OPT_STR])
    .check(check_add_item)
    .impure(),
    ConverterRow::new(
        "strcmp",
        Type::Str,
        Type::Int,
        strcmp,
        "Compares with a variable.",
    )
    .args(&[STR])
    .check(check_only_variable)
    .impure(),
    ConverterRow::new(
        "secure_memcmp",
        Type::Bin,
        Type::Bool,
        secure_memcmp,
        "Whether it equals a variable, in constant time.",
    )
    .args(&[STR])
    .check(check_only_variable)
    .impure(),
    ConverterRow::new(
        "iif",
        Type::Bool,
        Type::Str,
        iif,
        "The first text if true, else the second.",
    )
    .args(&[STR, STR]),
    ConverterRow::new(
        "bytes",
        Type::Bin,
        Type::Bin,
        bytes,
        "Some bytes of a block.",
    )
    .args(&[STR, OPT_STR])
    .check(check_bytes)
    .impure(),
];
