//! `add-header`, `set-header`, `del-header`.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, RuleCursor, Stream, with_text};
use expr::logformat::{LogFormat, Usage};
use expr::regex::Regex;
use expr::view::Side;
use message::uri::Target;
use message::{BLOCK, FieldId, Head, Kind};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "add-header",
        Families::HTTP,
        "Appends a header field.",
        parse_add,
    ),
    ActionRow::new(
        "set-header",
        Families::HTTP,
        "Replaces all header fields of a name by one.",
        parse_set,
    ),
    ActionRow::new(
        "del-header",
        Families::HTTP,
        "Removes the header fields of matching names.",
        parse_del,
    ),
];

/// The head that rules of this side rewrite.
pub(super) fn head_of(stream: &mut dyn Stream, side: Side) -> Option<&mut Head> {
    match side {
        Side::Request => stream.request_mut(),
        Side::Response => stream.response_mut(),
    }
}

/// Appends a field, after removing its namesakes when `replace`. Says whether that was possible: the length of a body can't
/// be changed by a field, and the head must stay within its limit.
pub(super) fn put(
    stream: &mut dyn Stream,
    side: Side,
    name: &[u8],
    value: &[u8],
    replace: bool,
) -> bool {
    let Some(head) = head_of(stream, side) else {
        return false;
    };
    let id = FieldId::of(name);
    if id == FieldId::ContentLength {
        return head.known(id) == Some(value);
    }
    if replace {
        head.remove(name);
    }
    let size = name.len() + value.len() + BLOCK;
    if stream.head_room(side) < size.cast_signed() {
        return false;
    }
    let Some(head) = head_of(stream, side) else {
        return false;
    };
    head.push(name, value);
    if id == FieldId::Host && replace {
        follow_host(head);
    }
    true
}

/// Takes the host of a request over into its target when that is a complete URI, so that the two never differ.
pub(super) fn follow_host(head: &mut Head) {
    if head.kind() != Kind::Request {
        return;
    }
    let Some(host) = head.known(FieldId::Host) else {
        return;
    };
    let target = Target::parse(head.target());
    if target.scheme.is_empty() || target.authority == host {
        return;
    }
    let rest = head
        .target()
        .get(target.scheme.len() + 3 + target.authority.len()..)
        .unwrap_or_default();
    let changed = [target.scheme, b"://", host, rest].concat();
    head.set_target(&changed);
}

/// Takes a field name, in lower case. HAProxy warns about one that could not be sent.
///
/// # Errors
/// With `missing` when there is none.
pub(super) fn field_name(cursor: &mut RuleCursor<'_, '_, '_>, missing: &str) -> Parsed<Arc<str>> {
    let name = cursor.expect(missing)?;
    let visible = name.strip_prefix(':').unwrap_or(name);
    if let Some(bad) = visible.chars().find(|c| !is_token(*c)) {
        cursor.warn(format!(
            "header name '{name}' contains forbidden character '{bad}'."
        ));
    }
    Ok(name.to_ascii_lowercase().into())
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[derive(Debug)]
struct Put {
    side: Side,
    name: Arc<str>,
    value: Arc<LogFormat>,
    replace: bool,
}

impl Action for Put {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let name = self.name.as_bytes();
        match with_text(stream, &self.value, |stream, value| {
            put(stream, self.side, name, value, self.replace)
        }) {
            true => Flow::Continue,
            false => Flow::Failed,
        }
    }
}

fn parse_add(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse_put(cursor, false)
}

fn parse_set(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse_put(cursor, true)
}

fn parse_put(cursor: &mut RuleCursor<'_, '_, '_>, replace: bool) -> Parsed<Box<dyn Action>> {
    let missing = "expects exactly 2 arguments";
    let side = cursor.family().side();
    if cursor.peek_second().is_empty() {
        return Err(cursor.fault(missing));
    }
    let name = field_name(cursor, missing)?;
    let value = cursor.format(missing, Usage::HTTP)?;
    Ok(Box::new(Put {
        side,
        name,
        value,
        replace,
    }))
}

/// How names are compared.
#[derive(Debug)]
pub(super) enum NameMatch {
    /// `str`
    Exact,
    /// `beg`
    Prefix,
    /// `end`
    Suffix,
    /// `sub`
    Inside,
}

impl NameMatch {
    /// The method of this name.
    pub(super) fn of(method: &str) -> Option<Self> {
        Some(match method {
            "str" => Self::Exact,
            "beg" => Self::Prefix,
            "end" => Self::Suffix,
            "sub" => Self::Inside,
            _ => return None,
        })
    }

    /// Whether a lower-case name matches a lower-case pattern.
    pub(super) fn matches(&self, name: &[u8], pattern: &[u8]) -> bool {
        match self {
            Self::Exact => name == pattern,
            Self::Prefix => name.starts_with(pattern),
            Self::Suffix => name.ends_with(pattern),
            Self::Inside => {
                pattern.is_empty() || name.windows(pattern.len()).any(|part| part == pattern)
            }
        }
    }
}

#[derive(Debug)]
enum Which {
    Text(NameMatch, Arc<str>),
    Pattern(Box<Regex>),
}

#[derive(Debug)]
struct Delete {
    side: Side,
    which: Which,
}

impl Action for Delete {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let Some(head) = head_of(stream, self.side) else {
            return Flow::Failed;
        };
        match &self.which {
            Which::Text(NameMatch::Exact, name) => drop(head.remove(name.as_bytes())),
            Which::Text(how, pattern) => {
                head.retain(|name, _| !how.matches(name, pattern.as_bytes()))
            }
            Which::Pattern(regex) => head.retain(|name, _| !regex.is_match(name)),
        }
        Flow::Continue
    }
}

fn parse_del(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let side = cursor.family().side();
    let written = cursor.peek();
    let name = match cursor.peek_second() == "-m" {
        // A pattern need not be a name.
        true => cursor
            .expect("expects at least 1 argument")?
            .to_ascii_lowercase()
            .into(),
        false => field_name(cursor, "expects at least 1 argument")?,
    };
    if !cursor.take_if("-m") {
        return Ok(Box::new(Delete {
            side,
            which: Which::Text(NameMatch::Exact, name),
        }));
    }
    let method = cursor.expect("-m flag expects exactly 1 argument")?;
    let which = match NameMatch::of(method) {
        Some(how) => Which::Text(how, name),
        None if method == "reg" => {
            let regex = Regex::new(written, false).map_err(|why| {
                cursor.fault(format!("regex '{written}' is invalid (error={why})"))
            })?;
            Which::Pattern(Box::new(regex))
        }
        None => {
            return Err(
                cursor.fault_before(format!("-m with unsupported matching method '{method}'"))
            );
        }
    };
    Ok(Box::new(Delete { side, which }))
}
