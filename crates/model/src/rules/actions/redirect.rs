//! `redirect`, as an action and as a proxy keyword (configuration manual, `redirect`).

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, Reply, RuleCursor, Stream, reason};
use expr::logformat::{LogFormat, Usage};
use expr::view::{Side, View};
use message::uri::Target;
use message::{FieldId, Head};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow::new(
    "redirect",
    Families::MESSAGES,
    "Answers with a redirection.",
    parse_action,
)];

/// What the location is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `location`
    Location,
    /// `prefix`
    Prefix,
    /// `scheme`
    Scheme,
}

/// A text that is written in the configuration or made from the request.
#[derive(Debug, Clone)]
enum Text {
    Plain(Arc<str>),
    Format(Arc<LogFormat>),
}

impl Text {
    fn write(&self, view: &dyn View, out: &mut Vec<u8>) {
        match self {
            Self::Plain(text) => out.extend_from_slice(text.as_bytes()),
            Self::Format(format) => format.render(view, out),
        }
    }
}

/// Options of a redirection.
#[derive(Debug, Clone, Copy, Default)]
struct Options {
    drop_query: bool,
    keep_query: bool,
    append_slash: bool,
    ignore_empty: bool,
}

#[derive(Debug)]
struct Redirect {
    kind: Kind,
    code: u16,
    target: Text,
    /// The cookie, and whether it is cleared.
    cookie: Option<(Text, bool)>,
    options: Options,
}

impl Redirect {
    /// Writes the location; false when there is nothing to redirect to.
    fn write_location(&self, stream: &dyn Stream, out: &mut Vec<u8>) -> bool {
        self.target.write(stream.view(), out);
        if self.kind == Kind::Location && self.options.ignore_empty && out.is_empty() {
            return false;
        }
        let Some(request) = stream.request() else {
            return true;
        };
        match self.kind {
            Kind::Location => self.append_query(request, out),
            Kind::Prefix => {
                // A lone slash stands for nothing in front of the path.
                if out == b"/" {
                    out.clear();
                }
                self.append_path(request, out);
            }
            Kind::Scheme => {
                out.extend_from_slice(b"://");
                let target = Target::parse(request.target());
                match target.scheme.is_empty() {
                    true => out.extend_from_slice(request.known(FieldId::Host).unwrap_or_default()),
                    false => out.extend_from_slice(target.authority),
                }
                self.append_path(request, out);
            }
        }
        true
    }

    fn append_query(&self, request: &Head, out: &mut Vec<u8>) {
        let target = request.target();
        let query = target
            .iter()
            .position(|b| *b == b'?')
            .and_then(|at| target.get(at + 1..));
        if let Some(query) = query.filter(|query| self.options.keep_query && !query.is_empty()) {
            out.push(if out.contains(&b'?') { b'&' } else { b'?' });
            out.extend_from_slice(query);
        }
    }

    fn append_path(&self, request: &Head, out: &mut Vec<u8>) {
        let path = Target::parse(request.target())
            .path_and_query
            .unwrap_or(b"/");
        let path = match self.options.drop_query {
            true => path.split(|b| *b == b'?').next().unwrap_or_default(),
            false => path,
        };
        out.extend_from_slice(path);
        if self.options.append_slash && !path.ends_with(b"/") {
            out.push(b'/');
        }
    }

    fn reply(&self, stream: &dyn Stream, location: &[u8]) -> Reply {
        let mut reply = Reply::new(self.code, reason(self.code).as_bytes());
        reply.head.push_known(FieldId::ContentLength, b"0");
        reply.head.push_known(FieldId::Location, location);
        // Permanent redirections may be kept (RFC 9110, section 15.4).
        if matches!(self.code, 302 | 303 | 307) {
            reply.head.push_known(FieldId::CacheControl, b"no-cache");
        }
        if let Some((cookie, is_cleared)) = &self.cookie {
            let mut text = Vec::new();
            cookie.write(stream.view(), &mut text);
            text.extend_from_slice(if *is_cleared {
                b"; path=/; Max-Age=0;"
            } else {
                b"; path=/;"
            });
            reply.head.push_known(FieldId::SetCookie, &text);
        }
        reply
    }
}

impl Action for Redirect {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let mut location = stream.take_scratch();
        location.clear();
        let flow = match self.write_location(stream, &mut location) {
            true => Flow::Reply(Box::new(self.reply(stream, &location))),
            false => Flow::Continue,
        };
        stream.give_scratch(location);
        flow
    }

    fn is_final(&self) -> bool {
        true
    }
}

fn parse_action(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse(cursor, true)
}

/// Reads the arguments of a redirection, in which texts are log-formats when `formats`.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn parse(cursor: &mut RuleCursor<'_, '_, '_>, formats: bool) -> Parsed<Box<dyn Action>> {
    let (mut target, mut code, mut cookie, mut options) = (None, 302, None, Options::default());
    while !cursor.at_end() {
        let word = cursor.take();
        match word {
            "location" => target = Some((Kind::Location, text(cursor, word, formats)?)),
            "prefix" => target = Some((Kind::Prefix, text(cursor, word, formats)?)),
            "scheme" => target = Some((Kind::Scheme, text(cursor, word, formats)?)),
            "set-cookie" => cookie = Some((text(cursor, word, false)?, false)),
            "set-cookie-fmt" => cookie = Some((text(cursor, word, true)?, false)),
            "clear-cookie" => cookie = Some((text(cursor, word, false)?, true)),
            "code" => code = status(cursor)?,
            "drop-query" => options.drop_query = true,
            "keep-query" => options.keep_query = true,
            "append-slash" => options.append_slash = true,
            "ignore-empty" => options.ignore_empty = true,
            other => {
                return Err(cursor.fault_before(format!(
                    "expects 'code', 'prefix', 'location', 'scheme', 'set-cookie', 'set-cookie-fmt', 'clear-cookie', 'drop-query', 'keep-query', 'ignore-empty' or 'append-slash' (was '{other}')"
                )));
            }
        }
    }
    let Some((kind, target)) = target else {
        return Err(cursor.fault("redirection type expected ('prefix', 'location', or 'scheme')"));
    };
    if cursor.family().side() == Side::Response && kind != Kind::Location {
        return Err(cursor.fault("response only supports redirect type 'location'"));
    }
    Ok(Box::new(Redirect {
        kind,
        code,
        target,
        cookie,
        options,
    }))
}

fn text(cursor: &mut RuleCursor<'_, '_, '_>, keyword: &str, is_format: bool) -> Parsed<Text> {
    let missing = format!("missing argument for '{keyword}'");
    if is_format {
        return cursor.format(&missing, Usage::HTTP).map(Text::Format);
    }
    cursor.expect(&missing).map(|text| Text::Plain(text.into()))
}

fn status(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<u16> {
    let text = cursor.expect("missing argument for 'code'")?;
    text.parse()
        .ok()
        .filter(|code| matches!(code, 301 | 302 | 303 | 307 | 308))
        .ok_or_else(|| {
            cursor.fault_before(format!(
                "'code': unsupported HTTP code '{text}' (must be one of 301, 302, 303, 307 or 308)"
            ))
        })
}
