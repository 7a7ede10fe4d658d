//! Parts of texts that delimiters separate.

use super::{part, text};
use crate::args::Args;
use crate::args::spec::{INT, OPT_INT, OPT_STR, STR};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::ops::Range;

fn check(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    if args.int(0) == Some(0) {
        return Err("Unexpected value 0 for index".into());
    }
    if args.str(1).is_none_or(<[u8]>::is_empty) {
        return Err("Empty separators list".into());
    }
    Ok(())
}

/// The ranges of all parts between delimiters, empty ones too unless they are to be skipped.
fn parts<'t>(
    text: &'t [u8],
    delimiters: &'t [u8],
    skip_empty: bool,
) -> impl DoubleEndedIterator<Item = Range<usize>> + 't {
    // Splitting from either end tells no offsets; where a part stands in the text is the distance of their addresses.
    let base = text.as_ptr() as usize;
    text.split(move |b| delimiters.contains(b))
        .filter(move |part| !(skip_empty && part.is_empty()))
        .map(move |part| {
            let start = part.as_ptr() as usize - base;
            start..start + part.len()
        })
}

/// The range of `count` parts from the one at `index` on (1 is the first, -1 the last), where a count of 0 or less takes
/// all that follow in that direction to the very end of the text.
fn select(text: &[u8], args: &Args, skip_empty: bool) -> Option<Range<usize>> {
    let index = args.int(0)?;
    let delimiters = args.str(1)?;
    let count = args.int(2).unwrap_or(1);
    let nth = usize::try_from(index.unsigned_abs()).ok()?.checked_sub(1)?;
    let further = usize::try_from(count.checked_sub(1)?).ok();
    let mut parts = parts(text, delimiters, skip_empty);
    if index > 0 {
        let first = parts.nth(nth)?;
        let end = match further {
            None => text.len(),
            Some(0) => first.end,
            Some(more) => parts.take(more).last().map_or(first.end, |p| p.end),
        };
        Some(first.start..end)
    } else {
        let last = parts.nth_back(nth)?;
        let start = match further {
            None => 0,
            Some(0) => last.start,
            Some(more) => parts
                .rev()
                .take(more)
                .last()
                .map_or(last.start, |p| p.start),
        };
        Some(start..last.end)
    }
}

fn word<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let range = select(&text, args, true)?;
    Some(Value::Str(part(text, range)))
}

fn field<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let range = select(&text, args, false)?;
    Some(Value::Str(part(text, range)))
}

fn check_param(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    match args.str(1) {
        Some(delimiter) if delimiter.len() != 1 => {
            Err("Delimiter must be exactly 1 character.".into())
        }
        _ => Ok(()),
    }
}

fn param<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let name = args.str(0)?;
    let delimiter = args.str(1).unwrap_or(b"&");
    let range = parts(&text, delimiter, false).find_map(|range| {
        let rest = text.get(range.clone())?.strip_prefix(name)?;
        match rest.first() {
            Some(b'=') => Some(range.end - rest.len() + 1..range.end),
            None if !name.is_empty() => Some(range.end..range.end),
            _ => None,
        }
    })?;
    Some(Value::Str(part(text, range)))
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "word",
        Type::Str,
        Type::Str,
        word,
        "Words at an index; consecutive delimiters count as one.",
    )
    .args(&[INT, STR, OPT_INT])
    .check(check),
    ConverterRow::new("field", Type::Str, Type::Str, field, "Fields at an index.")
        .args(&[INT, STR, OPT_INT])
        .check(check),
    ConverterRow::new(
        "param",
        Type::Str,
        Type::Str,
        param,
        "The value of a parameter.",
    )
    .args(&[STR, OPT_STR])
    .check(check_param),
];
