//! Messages of the Financial Information eXchange protocol (FIX), up to version 4.4.

use super::{part, text};
use crate::args::spec::STR;
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::ops::Range;

const VERSIONS: [&[u8]; 6] = [
    b"FIX.4.0",
    b"FIX.4.1",
    b"FIX.4.2",
    b"FIX.4.3",
    b"FIX.4.4",
    b"FIXT.1.1",
];

const TAGS: [(&str, u64); 6] = [
    ("BeginString", 8),
    ("BodyLength", 9),
    ("CheckSum", 10),
    ("MsgType", 35),
    ("SenderCompID", 49),
    ("TargetCompID", 56),
];

/// The shortest message there can be; less may still grow.
const MIN_SIZE: usize = 26;
const CHECKSUM: u64 = 10;
const SEPARATOR: u8 = 1;

/// A number that takes the whole text.
fn whole_number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// One tag of a message: where its value stands, and where the next tag begins.
struct Tag {
    number: u64,
    value: Range<usize>,
    end: usize,
}

/// What stands at a place of a message.
enum Found {
    Tag(Tag),
    /// Nothing that could become a tag.
    Broken,
    /// What more bytes may complete.
    Incomplete,
}

fn tag_at(message: &[u8], start: usize) -> Found {
    let rest = message.get(start..).unwrap_or_default();
    let Some(equals) = memchr::memchr2(b'=', SEPARATOR, rest) else {
        return Found::Incomplete;
    };
    let number = rest.get(..equals).and_then(whole_number);
    let Some(number) = number.filter(|n| *n > 0 && rest.get(equals) == Some(&b'=')) else {
        return Found::Broken;
    };
    let from = start + equals + 1;
    match memchr::memchr(SEPARATOR, message.get(from..).unwrap_or_default()) {
        Some(length) => Found::Tag(Tag {
            number,
            value: from..from + length,
            end: from + length + 1,
        }),
        None => Found::Incomplete,
    }
}

fn is_known_tag(tag: u64) -> bool {
    matches!(tag, 1..=446 | 10_000..=19_999)
}

/// Whether a message is valid; `None` when it is not complete.
fn validate(message: &[u8]) -> Option<bool> {
    if message.len() < MIN_SIZE {
        return None;
    }
    let (mut at, mut body, mut length) = (0, 0, 0);
    for place in 0.. {
        let tag = match tag_at(message, at) {
            Found::Tag(tag) => tag,
            Found::Broken => return Some(false),
            Found::Incomplete => return None,
        };
        let value = message.get(tag.value.clone()).unwrap_or_default();
        let fits = match place {
            0 => tag.number == 8 && VERSIONS.contains(&value),
            1 => {
                body = tag.end;
                length = whole_number(value).unwrap_or(u64::MAX);
                tag.number == 9
            }
            2 => tag.number == 35,
            _ if tag.number == CHECKSUM => {
                let announced = usize::try_from(length).ok();
                return Some(announced == at.checked_sub(body) && is_checksum(value, message, at));
            }
            _ => is_known_tag(tag.number),
        };
        if !fits {
            return Some(false);
        }
        at = tag.end;
    }
    None
}

/// Whether a value of three digits is the sum of all bytes before a place.
fn is_checksum(value: &[u8], message: &[u8], end: usize) -> bool {
    let before = message.get(..end).unwrap_or_default();
    let sum = before.iter().fold(0u8, |sum, b| sum.wrapping_add(*b));
    value.len() == 3 && whole_number(value) == Some(u64::from(sum))
}

fn is_valid<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    validate(&text(value)?).map(Value::Bool)
}

fn check_tag(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let name = args.text(0).unwrap_or_default();
    let known = TAGS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(&name));
    let tag = known
        .map(|(_, tag)| *tag)
        .or_else(|| whole_number(name.as_bytes()).filter(|tag| *tag > 0))
        .ok_or_else(|| format!("Unknown FIX tag name '{name}'"))?;
    args.set(0, Arg::Int(i64::try_from(tag).unwrap_or(i64::MAX)));
    Ok(())
}

/// Empty values count as missing.
fn tag_value<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let message = text(value)?;
    let wanted = u64::try_from(args.int(0)?).ok()?;
    let mut at = 0;
    loop {
        let Found::Tag(tag) = tag_at(&message, at) else {
            return None;
        };
        if tag.number == wanted {
            return (!tag.value.is_empty()).then(|| Value::Bin(part(message, tag.value)));
        }
        if tag.number == CHECKSUM {
            return None;
        }
        at = tag.end;
    }
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "fix_is_valid",
        Type::Bin,
        Type::Bool,
        is_valid,
        "Whether a FIX message is valid.",
    ),
    ConverterRow::new(
        "fix_tag_value",
        Type::Bin,
        Type::Bin,
        tag_value,
        "The value of a tag of a FIX message.",
    )
    .args(&[STR])
    .check(check_tag),
];
