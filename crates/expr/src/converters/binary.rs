//! Blocks as digits: hexadecimal, binary, integers of either byte order.

use super::{block, number, string, text};
use crate::args::Args;
use crate::args::spec::{OPT_INT, STR};
use crate::cast;
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;

fn hex<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let bytes = text(value)?;
    let mut out = Vec::with_capacity(bytes.len() * 2);
    cast::write_hex(&bytes, &mut out);
    string(out)
}

/// Digits beyond 64 bits push the first ones out.
fn hex2i<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    text(value)?
        .iter()
        .try_fold(0u64, |number, &b| {
            Some(number << 4 | u64::from(char::from(b).to_digit(16)?))
        })
        .map(|number| Value::Int(number as i64))
}

fn base2<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let bytes = text(value)?;
    let mut out = Vec::with_capacity(bytes.len() * 8);
    for byte in bytes.iter() {
        out.extend((0..8).rev().map(|bit| b'0' + (byte >> bit & 1)));
    }
    string(out)
}

fn htonl<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    block((number(&value)? as u32).to_be_bytes().to_vec())
}

fn check_truncate(args: &Args) -> Result<(), String> {
    match args.int(2) {
        None | Some(0 | 1) => Ok(()),
        Some(other) => Err(format!("Unsupported truncate value ({other})")),
    }
}

fn check_dec(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let size = args.int(1).unwrap_or(0);
    if !(1..=8).contains(&size) {
        return Err(format!("chunk_size out of [1..8] range ({size})"));
    }
    check_truncate(args)
}

fn check_hex(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let size = args.int(1).unwrap_or(0);
    let has_separator = args.str(0).is_some_and(|separator| !separator.is_empty());
    if (has_separator || args.len() > 1) && size <= 0 {
        return Err(format!("chunk_size needs to be positive ({size})"));
    }
    check_truncate(args)
}

/// Writes every chunk of a block, separated as the arguments say.
fn chunks<'a>(
    args: &Args,
    value: Value<'a>,
    write: impl Fn(&[u8], &mut Vec<u8>),
) -> Option<Value<'a>> {
    let bytes = text(value)?;
    let separator = args.str(0).unwrap_or_default();
    let size = usize::try_from(args.int(1)?).ok()?;
    let truncate = args.int(2) == Some(1);
    let mut out = Vec::new();
    for chunk in bytes.chunks(size.max(1)) {
        if truncate && chunk.len() < size {
            break;
        }
        if !out.is_empty() {
            out.extend_from_slice(separator);
        }
        write(chunk, &mut out);
    }
    string(out)
}

fn be2dec<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    chunks(args, value, |chunk, out| {
        let number = chunk.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
        cast::write_uint(number, out);
    })
}

fn le2dec<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    chunks(args, value, |chunk, out| {
        let number = chunk.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
        cast::write_uint(number, out);
    })
}

fn be2hex<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    if !args.has(1) {
        return hex(args, value, view);
    }
    chunks(args, value, cast::write_hex)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "hex",
        Type::Bin,
        Type::Str,
        hex,
        "Two hexadecimal digits per byte.",
    ),
    ConverterRow::new(
        "hex2i",
        Type::Str,
        Type::Int,
        hex2i,
        "The integer given in hexadecimal.",
    ),
    ConverterRow::new(
        "base2",
        Type::Bin,
        Type::Str,
        base2,
        "Eight binary digits per byte.",
    ),
    ConverterRow::new(
        "htonl",
        Type::Int,
        Type::Bin,
        htonl,
        "The four bytes of an integer.",
    ),
    ConverterRow::new(
        "be2dec",
        Type::Bin,
        Type::Str,
        be2dec,
        "Decimal integers of big-endian chunks.",
    )
    .args(&[STR, OPT_INT, OPT_INT])
    .check(check_dec),
    ConverterRow::new(
        "le2dec",
        Type::Bin,
        Type::Str,
        le2dec,
        "Decimal integers of little-endian chunks.",
    )
    .args(&[STR, OPT_INT, OPT_INT])
    .check(check_dec),
    ConverterRow::new(
        "be2hex",
        Type::Bin,
        Type::Str,
        be2hex,
        "Hexadecimal digits of chunks.",
    )
    .args(&[STR, OPT_INT, OPT_INT])
    .check(check_hex),
];
