//! The field section of a head or of trailers.

use super::class;
use super::{ErrorKind, Limits, ParseError};
use memchr::{memchr3, memmem};
use message::{Field, FieldId, Head, Span};

/// What becomes of a field.
pub(super) enum Fate {
    /// It is kept as it is.
    Keep,
    /// It is left out.
    Drop,
    /// It is kept, with another range of the head's text as its value.
    Value(usize, usize),
}

/// A field as the scanner hands it over: ranges of the buffer, which are also ranges of the head's text.
#[derive(Clone, Copy)]
pub(super) struct RawField {
    pub id: FieldId,
    pub value: (usize, usize),
}

/// What decides on the fields of one kind of message.
pub(super) trait Sink {
    /// Takes note of a field before it joins the head.
    fn field(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError>;
}

/// How a field section is read.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub max_fields: usize,
    /// Invalid names are dropped and NUL in values is kept.
    pub accept_unsafe: bool,
}

impl Rules {
    pub(super) fn new(limits: &Limits, accept_unsafe: bool) -> Self {
        Self {
            max_fields: limits.max_fields,
            accept_unsafe,
        }
    }
}

/// Up to this many bytes, copying is cheaper than looking for the end of the head first.
const SHORT: usize = 1024;

/// Copies into an empty `head` the text that a head at the beginning of `buf` can need, so that ranges of the one are
/// ranges of the other.
pub(super) fn adopt_text(buf: &[u8], head: &mut Head) {
    head.clear();
    if buf.len() <= SHORT {
        head.append_text(buf);
        return;
    }
    // Empty lines in front of the head must not be taken for its end.
    let start = buf
        .iter()
        .position(|b| !matches!(b, b'\r' | b'\n'))
        .unwrap_or(0);
    let rest = buf.get(start..).unwrap_or_default();
    let end = memmem::find(rest, b"\r\n\r\n").map_or(buf.len(), |at| start + at + 4);
    head.append_text(buf.get(..end).unwrap_or(buf));
}

/// Reads fields from `buf[at..]` into `head` up to and with the empty line; says where that ends, or `None` if it has not
/// come yet.
pub(super) fn read(
    buf: &[u8],
    mut at: usize,
    rules: Rules,
    head: &mut Head,
    sink: &mut impl Sink,
    violation: &mut Option<u32>,
) -> Result<Option<usize>, ParseError> {
    loop {
        let Some(&first) = buf.get(at) else {
            return Ok(None);
        };
        let end = match (first, buf.get(at + 1)) {
            (b'\n', _) => at + 1,
            (b'\r', None) => return Ok(None),
            (b'\r', Some(b'\n')) => at + 2,
            (b'\r', Some(_)) => return Err(ParseError::bad(ErrorKind::LineEnd, at + 1)),
            _ => 0,
        };
        if end > 0 {
            // The end of the section takes a place as well.
            return if head.len() < rules.max_fields {
                Ok(Some(end))
            } else {
                Err(ParseError::bad(ErrorKind::TooManyFields, at))
            };
        }
        let Some((colon, valid)) = read_name(buf, at, rules, head, violation)? else {
            return Ok(None);
        };
        let Some(value) = read_value(buf, colon + 1, rules, head, violation)? else {
            return Ok(None);
        };
        if valid {
            add(head, (at, colon), value.range, rules, sink)?;
        }
        at = value.next;
    }
}

/// Finds the colon behind a name, which is put into lower case in the head's text, and whether the name is one.
#[inline]
fn read_name(
    buf: &[u8],
    at: usize,
    rules: Rules,
    head: &mut Head,
    violation: &mut Option<u32>,
) -> Result<Option<(usize, bool)>, ParseError> {
    let rest = buf.get(at..).unwrap_or_default();
    let text = head.text_mut().get_mut(at..).unwrap_or_default();
    let Some(len) = class::lower_token(text) else {
        return Ok(None);
    };
    if rest.get(len) == Some(&b':') && len > 0 {
        return Ok(Some((at + len, true)));
    }
    let error = ParseError::bad(ErrorKind::FieldName, at + len);
    if !rules.accept_unsafe || len == 0 && rest.first() == Some(&b':') {
        return Err(error);
    }
    violation.get_or_insert(offset(at + len));
    for (len, &byte) in rest.iter().enumerate().skip(len) {
        match byte {
            b':' => return Ok(Some((at + len, false))),
            b'\n' => return Err(error),
            _ => {}
        }
    }
    Ok(None)
}

/// A value as it stands in the buffer.
struct Value {
    /// Without white space around it.
    range: (usize, usize),
    /// Where the next line begins.
    next: usize,
}

/// Reads a value with the lines folded into it; gives its trimmed range and where the next line begins.
#[inline]
fn read_value(
    buf: &[u8],
    start: usize,
    rules: Rules,
    head: &mut Head,
    violation: &mut Option<u32>,
) -> Result<Option<Value>, ParseError> {
    let mut at = start;
    loop {
        let rest = buf.get(at..).unwrap_or_default();
        let Some(len) = memchr3(b'\n', b'\r', 0, rest) else {
            return Ok(None);
        };
        let end = at + len;
        let newline = match buf.get(end..).unwrap_or_default() {
            [b'\n', ..] => end,
            [b'\r', b'\n', ..] => end + 1,
            [b'\r'] => return Ok(None),
            [b'\r', ..] => return Err(ParseError::bad(ErrorKind::LineEnd, end + 1)),
            _ if rules.accept_unsafe => {
                violation.get_or_insert(offset(end));
                at = end + 1;
                continue;
            }
            _ => return Err(ParseError::bad(ErrorKind::FieldValue, end)),
        };
        // Only the byte after the line end tells whether the value goes on.
        match buf.get(newline + 1) {
            None => return Ok(None),
            Some(b' ' | b'\t') => {
                if let Some(fold) = head.text_mut().get_mut(end..=newline) {
                    fold.fill(b' ');
                }
                at = newline + 1;
            }
            Some(_) => {
                return Ok(Some(Value {
                    range: trim(head, buf, start, end),
                    next: newline + 1,
                }));
            }
        }
    }
}

/// Cuts white space off both ends of a value. Folds are white space in the head's text only.
#[inline]
fn trim(head: &mut Head, buf: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let folded = |byte: Option<&u8>| matches!(byte, Some(b'\r' | b'\n'));
    let text = head.text_mut();
    while start < end && (blank(buf.get(start)) || folded(buf.get(start)) && blank(text.get(start)))
    {
        start += 1;
    }
    while end > start
        && (blank(buf.get(end - 1)) || folded(buf.get(end - 1)) && blank(text.get(end - 1)))
    {
        end -= 1;
    }
    (start, end)
}

#[inline]
fn add(
    head: &mut Head,
    name: (usize, usize),
    value: (usize, usize),
    rules: Rules,
    sink: &mut impl Sink,
) -> Result<(), ParseError> {
    let name = Span::new(name.0, name.1);
    let id = FieldId::of(head.slice(name));
    let value = match id {
        FieldId::Other => value,
        _ => match sink.field(head, RawField { id, value })? {
            Fate::Keep => value,
            Fate::Drop => return Ok(()),
            Fate::Value(start, end) => (start, end),
        },
    };
    if head.len() >= rules.max_fields {
        return Err(ParseError::bad(ErrorKind::TooManyFields, value.1));
    }
    let value = Span::new(value.0, value.1);
    head.push_field(Field { name, value, id });
    Ok(())
}

/// A buffer offset as it is reported.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
