//! Rewriting the request line: `set-method`, `set-path`, `replace-uri`, `normalize-uri` and their like.

use super::replace::{Replaced, replace};
use super::{ActionRow, Parse};
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, Normalizer, RuleCursor, Stream, normalize, with_text};
use expr::logformat::{LogFormat, Usage};
use expr::regex::Regex;
use expr::view::Side;
use message::uri::Target;
use message::{FieldId, Head};
use std::ops::Range;
use std::sync::Arc;

const fn row(name: &'static str, doc: &'static str, parse: Parse) -> ActionRow {
    ActionRow::new(name, Families::REQUEST, doc, parse)
}

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    row("set-method", "Replaces the method.", |cursor| {
        parse_set(cursor, Part::Method)
    }),
    row("set-path", "Replaces the path.", |cursor| {
        parse_set(cursor, Part::Path)
    }),
    row("set-pathq", "Replaces the path and the query.", |cursor| {
        parse_set(cursor, Part::PathAndQuery)
    }),
    row("set-query", "Replaces the query.", |cursor| {
        parse_set(cursor, Part::Query)
    }),
    row("set-uri", "Replaces the whole request target.", |cursor| {
        parse_set(cursor, Part::Uri)
    }),
    row("replace-path", "Replaces a path that matches.", |cursor| {
        parse_replace(cursor, Part::Path)
    }),
    row(
        "replace-pathq",
        "Replaces a path with query that matches.",
        |cursor| parse_replace(cursor, Part::PathAndQuery),
    ),
    row(
        "replace-uri",
        "Replaces a request target that matches.",
        |cursor| parse_replace(cursor, Part::Uri),
    ),
    row(
        "normalize-uri",
        "Normalises the request target.",
        parse_normalize,
    ),
];

/// A part of the request line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Method,
    Path,
    PathAndQuery,
    Query,
    Uri,
}

/// Where the path with its query stands in a target; nowhere in `*` and an authority.
fn path_and_query(target: &[u8]) -> Option<Range<usize>> {
    let len = Target::parse(target).path_and_query?.len();
    Some(target.len() - len..target.len())
}

impl Part {
    /// Where this part stands in a target. A target without a path is replaced as a whole.
    fn range(self, target: &[u8]) -> Range<usize> {
        let Some(all) = path_and_query(target).filter(|_| self != Self::Uri) else {
            return 0..target.len();
        };
        let question = target
            .iter()
            .position(|b| *b == b'?')
            .unwrap_or(target.len());
        match self {
            Self::Path => all.start..question.max(all.start),
            Self::Query => (question + 1).min(target.len())..target.len(),
            _ => all,
        }
    }

    /// Puts `text` in the place of this part.
    fn set(self, head: &mut Head, text: &[u8]) {
        let target = head.target();
        match self {
            Self::Method => return head.set_method(text),
            Self::Query if !target.contains(&b'?') => {
                if !text.is_empty() {
                    let changed = [target, b"?", text].concat();
                    head.set_target(&changed);
                }
                return;
            }
            _ => {}
        }
        let range = self.range(target);
        let before = target.get(..range.start).unwrap_or_default();
        let after = target.get(range.end..).unwrap_or_default();
        let changed = [before, text, after].concat();
        head.set_target(&changed);
        if self == Self::Uri {
            head.set_assembled(false);
            follow_target(head);
        }
    }
}

/// Takes the authority of a complete URI over into `host`, so that the two never differ.
fn follow_target(head: &mut Head) {
    let target = Target::parse(head.target());
    if target.scheme.is_empty()
        || target.authority.is_empty()
        || !head.has(FieldId::Host)
        || head.known(FieldId::Host) == Some(target.authority)
    {
        return;
    }
    let host = target.authority.to_vec();
    head.set_known(FieldId::Host, &host);
}

/// Changes the request head unless that makes it too large.
fn change(stream: &mut dyn Stream, part: Part, text: &[u8]) -> bool {
    let room = stream.head_room(Side::Request);
    let Some(head) = stream.request_mut() else {
        return false;
    };
    let before = match part {
        Part::Method => head.method_text().len(),
        part => part.range(head.target()).len(),
    };
    if text.len().cast_signed() - before.cast_signed() > room {
        return false;
    }
    part.set(head, text);
    true
}

#[derive(Debug)]
struct Set {
    part: Part,
    format: Arc<LogFormat>,
}

impl Action for Set {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let done = with_text(stream, &self.format, |stream, text| {
            change(stream, self.part, text)
        });
        if done { Flow::Continue } else { Flow::Failed }
    }
}

fn parse_set(cursor: &mut RuleCursor<'_, '_, '_>, part: Part) -> Parsed<Box<dyn Action>> {
    let usage = "expects exactly 1 argument <format>";
    let format = cursor.format(usage, Usage::HTTP)?;
    if !cursor.at_end() {
        return Err(cursor.fault(usage));
    }
    Ok(Box::new(Set { part, format }))
}

#[derive(Debug)]
struct Replace {
    part: Part,
    regex: Arc<Regex>,
    by: Arc<LogFormat>,
}

impl Action for Replace {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let done = with_text(stream, &self.by, |stream, by| {
            let Some(head) = stream.request() else {
                return false;
            };
            let target = head.target();
            if self.part != Part::Uri && path_and_query(target).is_none() {
                return true;
            }
            let subject = target.get(self.part.range(target)).unwrap_or_default();
            let mut text = Vec::new();
            match replace(&self.regex, subject, by, &mut text) {
                Replaced::Unmatched => true,
                Replaced::Failed => false,
                Replaced::Done => change(stream, self.part, &text),
            }
        });
        if done { Flow::Continue } else { Flow::Failed }
    }
}

fn parse_replace(cursor: &mut RuleCursor<'_, '_, '_>, part: Part) -> Parsed<Box<dyn Action>> {
    let usage = "expects exactly 2 arguments <match-regex> and <replace-format>";
    if cursor.peek_second().is_empty() {
        return Err(cursor.fault(usage));
    }
    let regex = cursor.regex(usage, "failed to parse the regex : ")?;
    let by = cursor.format(usage, Usage::HTTP)?;
    Ok(Box::new(Replace { part, regex, by }))
}

#[derive(Debug)]
struct Normalize(Normalizer);

impl Action for Normalize {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let Some(head) = stream.request_mut() else {
            return Flow::Failed;
        };
        let target = head.target();
        let Some(range) = path_and_query(target) else {
            return Flow::Continue;
        };
        let text = target.get(range).unwrap_or_default();
        match normalize(self.0, text) {
            None => return Flow::Invalid,
            Some(normal) if normal != text => Part::PathAndQuery.set(head, &normal),
            Some(_) => {}
        }
        Flow::Continue
    }
}

fn parse_normalize(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let [experimental, _] = cursor.parser.global.exposes;
    if !experimental {
        let message = "'normalize-uri' action is experimental, must be allowed via a global 'expose-experimental-directives'";
        return Err(cursor.plain_fault(message));
    }
    let name = cursor.expect("missing argument <normalizer>")?;
    let how = match name {
        "fragment-encode" => Normalizer::FragmentEncode,
        "fragment-strip" => Normalizer::FragmentStrip,
        "path-merge-slashes" => Normalizer::MergeSlashes,
        "path-strip-dot" => Normalizer::StripDot,
        "path-strip-dotdot" => Normalizer::StripDotDot {
            full: option(cursor, name, "full")?,
        },
        "percent-decode-unreserved" => Normalizer::DecodeUnreserved {
            strict: option(cursor, name, "strict")?,
        },
        "percent-to-uppercase" => Normalizer::PercentToUppercase {
            strict: option(cursor, name, "strict")?,
        },
        "query-sort-by-name" => Normalizer::SortQuery,
        _ => return Err(cursor.fault_before(format!("unknown normalizer '{name}'"))),
    };
    Ok(Box::new(Normalize(how)))
}

fn option(cursor: &mut RuleCursor<'_, '_, '_>, name: &str, option: &str) -> Parsed<bool> {
    if cursor.take_if(option) {
        return Ok(true);
    }
    match cursor.at_end() {
        true => Ok(false),
        false => {
            let word = cursor.peek();
            Err(cursor.fault(format!("unknown argument '{word}' for '{name}' normalizer")))
        }
    }
}
