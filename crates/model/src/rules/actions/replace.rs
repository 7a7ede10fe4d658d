//! `replace-header` and `replace-value`, and replacing by regular expressions.

use super::ActionRow;
use super::headers::{field_name, follow_host, head_of};
use crate::parse::Parsed;
use crate::rules::normalize::hex;
use crate::rules::{Action, Families, Flow, RuleCursor, Stream, with_text};
use expr::logformat::{LogFormat, Usage};
use expr::regex::Regex;
use expr::view::Side;
use message::list;
use message::{FieldId, Head};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "replace-header",
        Families::HTTP,
        "Replaces the values of header fields that match.",
        parse_header,
    ),
    ActionRow::new(
        "replace-value",
        Families::HTTP,
        "Replaces the items of comma-separated header fields that match.",
        parse_value,
    ),
];

/// What became of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// It does not match.
    Unmatched,
    /// What stands in its place has been written.
    Done,
    /// The replacement is faulty.
    Failed,
}

/// Writes what stands in place of `subject` when it matches: `by` with its back-references (`\0` to `\9`) and hexadecimal
/// characters (`\x41`) resolved.
pub(super) fn replace(regex: &Regex, subject: &[u8], by: &[u8], out: &mut Vec<u8>) -> Replaced {
    if !regex.is_match(subject) {
        return Replaced::Unmatched;
    }
    let Some(groups) = regex.groups_at(subject, 0) else {
        return Replaced::Unmatched;
    };
    let mut rest = by;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        match tail {
            [] => return Replaced::Failed,
            [digit @ b'0'..=b'9', tail @ ..] => {
                let group = groups.get(usize::from(digit - b'0')).copied().flatten();
                out.extend_from_slice(
                    group
                        .and_then(|(from, to)| subject.get(from..to))
                        .unwrap_or_default(),
                );
                rest = tail;
            }
            [b'x', tail @ ..] => {
                let byte = tail
                    .get(..2)
                    .and_then(|digits| Some(hex(*digits.first()?)? << 4 | hex(*digits.last()?)?));
                let Some(byte) = byte else {
                    return Replaced::Failed;
                };
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            [other, tail @ ..] => {
                out.push(*other);
                rest = tail;
            }
        }
    }
    Replaced::Done
}

#[derive(Debug)]
struct Replace {
    side: Side,
    name: Arc<str>,
    regex: Arc<Regex>,
    by: Arc<LogFormat>,
    /// Whether items are looked at one by one.
    by_item: bool,
}

impl Replace {
    /// Replaces what matches; `room` is how much the head may grow.
    fn apply(&self, head: &mut Head, by: &[u8], mut room: isize) -> bool {
        let (name, mut index) = (self.name.as_bytes(), 0);
        let mut out = Vec::new();
        while let Some(field) = head.fields().get(index).copied() {
            if head.slice(field.name) == name {
                out.clear();
                let value = head.slice(field.value);
                let outcome = match self.by_item {
                    true => self.replace_items(value, by, &mut out),
                    false => replace(&self.regex, value, by, &mut out),
                };
                match outcome {
                    Replaced::Unmatched => {}
                    // Another length than that of the body would let the two sides see different messages.
                    Replaced::Done if field.id == FieldId::ContentLength && out != value => {
                        return false;
                    }
                    Replaced::Done => {
                        let growth = out.len().cast_signed() - value.len().cast_signed();
                        if growth > room {
                            return false;
                        }
                        room -= growth;
                        head.set_value_at(index, &out);
                    }
                    Replaced::Failed => return false,
                }
            }
            index += 1;
        }
        if FieldId::of(name) == FieldId::Host {
            follow_host(head);
        }
        true
    }

    /// Rewrites the items that match; the white space around a replaced one goes.
    fn replace_items(&self, value: &[u8], by: &[u8], out: &mut Vec<u8>) -> Replaced {
        let mut outcome = Replaced::Unmatched;
        let mut rest = value;
        loop {
            let end = list::item_end(rest);
            let piece = rest.get(..end).unwrap_or_default();
            match replace(&self.regex, piece.trim_ascii(), by, out) {
                Replaced::Unmatched => out.extend_from_slice(piece),
                Replaced::Done => outcome = Replaced::Done,
                Replaced::Failed => return Replaced::Failed,
            }
            match rest.get(end + 1..) {
                Some(tail) => rest = tail,
                None => return outcome,
            }
            out.push(b',');
        }
    }
}

impl Action for Replace {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let name = self.name.as_bytes();
        match head_of(stream, self.side) {
            None => return Flow::Failed,
            Some(head) if head.get(name).is_none() => return Flow::Continue,
            Some(_) => {}
        }
        let done = with_text(stream, &self.by, |stream, by| {
            let room = stream.head_room(self.side);
            head_of(stream, self.side).is_some_and(|head| self.apply(head, by, room))
        });
        if done { Flow::Continue } else { Flow::Failed }
    }
}

fn parse_header(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse(cursor, false)
}

fn parse_value(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse(cursor, true)
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>, by_item: bool) -> Parsed<Box<dyn Action>> {
    let missing = "expects exactly 3 arguments";
    let side = cursor.family().side();
    if cursor.peek_second().is_empty() || cursor.statement().arg(cursor.index() + 2).is_empty() {
        return Err(cursor.fault(missing));
    }
    let name = field_name(cursor, missing)?;
    let regex = cursor.regex(missing, "")?;
    let by = cursor.format(missing, Usage::HTTP)?;
    Ok(Box::new(Replace {
        side,
        name,
        regex,
        by,
        by_item,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, subject: &str, by: &str) -> Result<String, Replaced> {
        let regex = Regex::new(pattern, false).expect("a pattern");
        let mut out = Vec::new();
        match replace(&regex, subject.as_bytes(), by.as_bytes(), &mut out) {
            Replaced::Done => Ok(String::from_utf8(out).expect("text")),
            other => Err(other),
        }
    }

    #[test]
    fn back_references_and_escapes() {
        let by = r"\1-\2-\3-\\-\q-\x4a-\0";
        assert_eq!(
            replaced("(a)(b)?(c)", "abc", by).as_deref(),
            Ok(r"a-b-c-\-q-J-abc")
        );
        assert_eq!(
            replaced("(a)(b)?(c)", "zacz", by).as_deref(),
            Ok(r"a--c-\-q-J-ac")
        );
        assert_eq!(replaced("a", "a", r"z\x4"), Err(Replaced::Failed));
        assert_eq!(replaced("a", "a", r"z\"), Err(Replaced::Failed));
        assert_eq!(replaced("b", "a", "x"), Err(Replaced::Unmatched));
        assert_eq!(replaced("(?=a)a(x)?", "a", r"<\1\0>").as_deref(), Ok("<a>"));
    }

    proptest::proptest! {
        #[test]
        fn any_replacement_is_read_to_its_end(by in r"[a\\0-9x]{0,12}") {
            let regex = Regex::new("(a)(b)?", false).expect("a pattern");
            let mut out = Vec::new();
            let outcome = replace(&regex, b"ab", by.as_bytes(), &mut out);
            let is_plain = !by.contains('\\');
            assert!(outcome != Replaced::Unmatched);
            assert!(!is_plain || out == by.as_bytes());
        }
    }
}
