//! `add-headers-bin`, `set-headers-bin`, `del-headers-bin`: fields in the binary form of `req.hdrs_bin`.

use super::ActionRow;
use super::headers::{NameMatch, head_of, put};
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, RuleCursor, Stream};
use expr::view::Side;
use expr::{Expr, Type, Value};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "add-headers-bin",
        Families::HTTP,
        "Appends header fields given in binary form.",
        parse_add,
    ),
    ActionRow::new(
        "set-headers-bin",
        Families::HTTP,
        "Replaces header fields by those given in binary form.",
        parse_set,
    ),
    ActionRow::new(
        "del-headers-bin",
        Families::HTTP,
        "Removes the header fields whose names are given in binary form.",
        parse_del,
    ),
];

/// Reads a length as the binary form has it: one byte below 240, else more bytes with seven further bits each.
fn length(bytes: &mut &[u8]) -> Option<usize> {
    let (&first, mut rest) = bytes.split_first()?;
    let mut value = u64::from(first);
    let mut shift = 4;
    let mut more = first >= 240;
    while more {
        let (&byte, tail) = rest.split_first()?;
        value = value.checked_add(u64::from(byte).checked_shl(shift)?)?;
        shift = shift.checked_add(7).filter(|shift| *shift < 57)?;
        rest = tail;
        more = byte >= 128;
    }
    *bytes = rest;
    usize::try_from(value).ok()
}

/// Reads a text in front of which its length stands.
fn text<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let len = length(bytes)?;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(text)
}

/// The sample's bytes in a buffer of the stream's; it is to be given back.
fn evaluate(expr: &Expr, stream: &mut dyn Stream) -> Option<Vec<u8>> {
    let mut out = stream.take_scratch();
    out.clear();
    let found = match expr.eval_as(Type::Bin, stream.view()).value() {
        Some(Value::Bin(value)) => {
            out.extend_from_slice(&value);
            true
        }
        _ => false,
    };
    if found {
        return Some(out);
    }
    stream.give_scratch(out);
    None
}

#[derive(Debug)]
struct Put {
    side: Side,
    expr: Arc<Expr>,
    prefix: Box<[u8]>,
    replace: bool,
}

impl Put {
    fn apply(&self, stream: &mut dyn Stream, mut bytes: &[u8]) -> bool {
        while let Some(name) = text(&mut bytes) {
            let Some(value) = text(&mut bytes) else {
                return false;
            };
            // The list ends with an empty field.
            if name.is_empty() {
                return true;
            }
            let name = name.to_ascii_lowercase();
            if name.starts_with(&self.prefix) && !put(stream, self.side, &name, value, self.replace)
            {
                return false;
            }
        }
        bytes.is_empty()
    }
}

impl Action for Put {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let Some(bytes) = evaluate(&self.expr, stream) else {
            return Flow::Continue;
        };
        let done = self.apply(stream, &bytes);
        stream.give_scratch(bytes);
        if done { Flow::Continue } else { Flow::Failed }
    }
}

fn parse_add(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse_put(cursor, false)
}

fn parse_set(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse_put(cursor, true)
}

fn parse_put(cursor: &mut RuleCursor<'_, '_, '_>, replace: bool) -> Parsed<Box<dyn Action>> {
    let side = cursor.family().side();
    if cursor.peek().is_empty() {
        return Err(
            cursor.fault("expects exactly one argument or three arguments <headers> prefix <pfx>")
        );
    }
    let expr = cursor.expression(None)?;
    let prefix = match cursor.take_if("prefix") {
        true => cursor
            .expect("expects 1 argument: <headers>; or 3 arguments: <headers> prefix <pfx>")?,
        false => "",
    };
    let prefix = prefix.to_ascii_lowercase().into_bytes().into();
    Ok(Box::new(Put {
        side,
        expr,
        prefix,
        replace,
    }))
}

#[derive(Debug)]
struct Delete {
    side: Side,
    expr: Arc<Expr>,
    how: NameMatch,
}

impl Action for Delete {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let Some(bytes) = evaluate(&self.expr, stream) else {
            return Flow::Continue;
        };
        let mut rest: &[u8] = &bytes;
        while let Some(name) = text(&mut rest).filter(|name| !name.is_empty()) {
            let pattern = name.to_ascii_lowercase();
            if let Some(head) = head_of(stream, self.side) {
                head.retain(|name, _| !self.how.matches(name, &pattern));
            }
        }
        stream.give_scratch(bytes);
        Flow::Continue
    }
}

fn parse_del(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let side = cursor.family().side();
    if cursor.peek().is_empty() {
        return Err(cursor.fault("expects at least 1 argument"));
    }
    let expr = cursor.expression(None)?;
    let how = match cursor.take_if("-m") {
        false => NameMatch::Exact,
        true => {
            let method = cursor.expect("-m flag expects exactly 1 argument")?;
            NameMatch::of(method).ok_or_else(|| {
                cursor.fault_before(format!("-m with unsupported matching method '{method}'"))
            })?
        }
    };
    Ok(Box::new(Delete { side, expr, how }))
}

#[cfg(test)]
mod tests {
    use super::{length, text};

    #[test]
    fn lengths_take_as_many_bytes_as_they_need() {
        let read = |bytes: &[u8]| {
            let mut rest = bytes;
            length(&mut rest).map(|value| (value, rest.len()))
        };
        assert_eq!(read(&[0]), Some((0, 0)));
        assert_eq!(read(&[239, 9]), Some((239, 1)));
        assert_eq!(read(&[240, 0]), Some((240, 0)));
        assert_eq!(read(&[0xf1, 0x01]), Some((257, 0)));
        assert_eq!(read(&[240, 128, 0]), Some((2288, 0)));
        assert_eq!(read(&[240]), None);
        assert_eq!(read(&[255; 20]), None, "too long for any number");
    }

    #[test]
    fn texts_end_with_the_bytes() {
        assert_eq!(text(&mut &b"\x03abcd"[..]), Some(&b"abc"[..]));
        assert_eq!(text(&mut &b"\x05abcd"[..]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_read_twice(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let mut rest = &bytes[..];
            let mut total = 0;
            while let Some(part) = text(&mut rest) {
                total += part.len() + 1;
            }
            assert!(total <= bytes.len());
        }
    }
}
