//! Replacing what a regular expression matches.

use super::{string, text};
use crate::args::spec::{OPT_STR, REGEX, STR};
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::regex::{Groups, Regex};
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::sync::Arc;

/// Appends a replacement with its references to groups (`\1`) and its bytes in hexadecimal (`\x41`). Returns whether it
/// is well formed.
pub(super) fn expand(template: &[u8], subject: &[u8], groups: &Groups, out: &mut Vec<u8>) -> bool {
    let mut rest = template;
    let from = out.len();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = match rest.get(at + 1..).unwrap_or_default() {
            [digit @ b'0'..=b'9', tail @ ..] => {
                let group = groups.get(usize::from(digit - b'0')).copied().flatten();
                let text = group.and_then(|(start, end)| subject.get(start..end));
                out.extend_from_slice(text.unwrap_or_default());
                tail
            }
            [b'x', high, low, tail @ ..] => {
                let digit = |b: &u8| char::from(*b).to_digit(16);
                match (digit(high), digit(low)) {
                    (Some(high), Some(low)) => out.push((high << 4 | low) as u8),
                    _ => {
                        out.truncate(from);
                        return false;
                    }
                }
                tail
            }
            [] | [b'x', ..] => {
                out.truncate(from);
                return false;
            }
            [other, tail @ ..] => {
                out.push(*other);
                tail
            }
        };
    }
    out.extend_from_slice(rest);
    true
}

fn check(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let (mut all, mut fold) = (false, false);
    for flag in args.text(2).unwrap_or_default().chars() {
        match flag {
            'g' => all = true,
            'i' => fold = true,
            other => {
                return Err(format!(
                    "invalid regex flag '{other}', only 'i' and 'g' are supported"
                ));
            }
        }
    }
    if fold && let Some(regex) = args.regex(0) {
        let regex = regex.ignoring_case()?;
        args.set(0, Arg::Regex(Arc::new(regex)));
    }
    args.set_data(all);
    Ok(())
}

fn replace(regex: &Regex, template: &[u8], all: bool, subject: &[u8]) -> Option<Vec<u8>> {
    let mut groups = regex.groups_at(subject, 0)?;
    let mut out = Vec::with_capacity(subject.len());
    let mut done = 0;
    loop {
        let (start, end) = groups.first().copied().flatten()?;
        out.extend_from_slice(subject.get(done..start)?);
        if !expand(template, subject, &groups, &mut out) {
            return Some(out);
        }
        done = end;
        if start == end {
            // An empty match moves on by one byte, or the search would not end.
            out.extend(subject.get(end));
            done += 1;
        }
        if !all || done > subject.len() {
            break;
        }
        match regex.groups_at(subject, done) {
            Some(next) => groups = next,
            None => break,
        }
    }
    out.extend_from_slice(subject.get(done..).unwrap_or_default());
    Some(out)
}

fn regsub<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let subject = text(value)?;
    let all = args.data::<bool>().copied().unwrap_or(false);
    match replace(args.regex(0)?, args.str(1)?, all, &subject) {
        Some(text) => string(text),
        None => Some(Value::Str(subject)),
    }
}

pub(super) static ROWS: &[ConverterRow] = &[ConverterRow::new(
    "regsub",
    Type::Str,
    Type::Str,
    regsub,
    "Replaces what a regular expression matches.",
)
.args(&[REGEX, STR, OPT_STR])
.check(check)];
