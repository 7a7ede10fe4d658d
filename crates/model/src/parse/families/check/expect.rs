//! `tcp-check expect` and `http-check expect`.

use super::draft::{ActionDraft, RuleDraft};
use super::{Kind, at, fault, hex, take_comment, take_format, take_value};
use crate::check::{CheckAction, Expect, HeaderMatch, Matcher, TextMatch, TextMethod};
use crate::live::health::Status;
use crate::parse::Parsed;
use crate::rules::RuleCursor;
use expr::logformat::Usage;
use expr::regex::Regex;
use std::ops::RangeInclusive;
use std::sync::Arc;

type Cursor<'a, 'p, 'd, 'l> = &'a mut RuleCursor<'p, 'd, 'l>;

/// Reads a rule behind its keyword.
pub(super) fn read(cursor: Cursor<'_, '_, '_, '_>, kind: Kind) -> Parsed<RuleDraft> {
    let mut expect = Expect::new(Matcher::Text([].into()));
    let (mut matcher, mut comment) = (None, None);
    let mut inverse = false;
    if cursor.peek().is_empty() {
        return Err(at(
            cursor,
            "expects at least a matching pattern as arguments",
        ));
    }
    loop {
        let word = cursor.take();
        if word.is_empty() && matcher.is_some() {
            break;
        }
        match word {
            "!" => {
                inverse = !inverse;
                continue;
            }
            "comment" => comment = Some(take_comment(cursor)?),
            "min-recv" => expect.min_recv = min_recv(cursor)?,
            "ok-status" => {
                expect.ok_status = Some(status(
                    cursor,
                    "ok-status",
                    OK,
                    "'L4OK', 'L6OK', 'L7OK' or 'L7OKC'",
                )?);
            }
            "error-status" => {
                let names = "'L4CON', 'L6RSP', 'L7RSP' or 'L7STS'";
                expect.error_status = Some(status(cursor, "error-status", ERROR, names)?);
            }
            "tout-status" => {
                let names = "'L4TOUT', 'L6TOUT' or 'L7TOUT'";
                expect.timeout_status = Some(status(cursor, "tout-status", TIMEOUT, names)?);
            }
            "on-success" => expect.on_success = Some(on(cursor, "on-success")?),
            "on-error" => expect.on_error = Some(on(cursor, "on-error")?),
            "status-code" => expect.status_code = Some(status_code(cursor)?),
            _ => {
                let name = word.strip_prefix('!').unwrap_or(word);
                inverse ^= name.len() != word.len();
                let found = pattern(cursor, kind, name, word)?;
                if matcher.is_some() {
                    return Err(at(cursor, "only one pattern expected"));
                }
                matcher = Some(found);
                expect.inverse = inverse;
            }
        }
    }
    if let Some(matcher) = matcher {
        expect.matcher = matcher;
    }
    Ok(RuleDraft {
        comment,
        action: ActionDraft::Ready(CheckAction::Expect(Arc::new(expect))),
    })
}

type Names = &'static [(&'static str, Status)];

const OK: Names = &[
    ("L7OK", Status::L7Ok),
    ("L7OKC", Status::L7OkConditional),
    ("L6OK", Status::L6Ok),
    ("L4OK", Status::L4Ok),
];
const ERROR: Names = &[
    ("L7OKC", Status::L7OkConditional),
    ("L7RSP", Status::L7Response),
    ("L7STS", Status::L7Status),
    ("L6RSP", Status::L6Response),
    ("L4CON", Status::L4Connection),
];
const TIMEOUT: Names = &[
    ("L7TOUT", Status::L7Timeout),
    ("L6TOUT", Status::L6Timeout),
    ("L4TOUT", Status::L4Timeout),
];

fn status(
    cursor: Cursor<'_, '_, '_, '_>,
    option: &str,
    names: Names,
    shown: &str,
) -> Parsed<Status> {
    let text = take_value(cursor, &format!("'{option}' expects a string as argument"))?;
    let found = names
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, status)| *status).ok_or_else(|| {
        let message = format!("'{option}' only supports {shown} status (got '{text}')");
        at(cursor, &message)
    })
}

fn min_recv(cursor: Cursor<'_, '_, '_, '_>) -> Parsed<Option<usize>> {
    let text = take_value(cursor, "'min-recv' expects a integer as argument")?;
    let (value, clean) = crate::parse::options::leading_integer(text);
    if !clean {
        cursor.warn(format!(
            "'min-recv' : '{text}' is not a number and is taken for {value}."
        ));
    }
    match value {
        -1 => Ok(None),
        0..=0x7fff_ffff => Ok(usize::try_from(value).ok()),
        _ => Err(at(
            cursor,
            "'min-recv' expects -1 or an integer from 0 to INT_MAX",
        )),
    }
}

fn on(cursor: Cursor<'_, '_, '_, '_>, option: &str) -> Parsed<Arc<expr::LogFormat>> {
    if cursor.peek().is_empty() {
        cursor.take();
        return Err(at(
            cursor,
            &format!("'{option}' expects a string as argument"),
        ));
    }
    take_format(cursor, Usage::RAW)
}

fn status_code(cursor: Cursor<'_, '_, '_, '_>) -> Parsed<Arc<expr::Expr>> {
    if cursor.peek().is_empty() {
        cursor.take();
        return Err(at(
            cursor,
            "'status-code' expects an expression as argument",
        ));
    }
    let (statement, index) = (cursor.statement(), cursor.index());
    cursor.expression(None).map_err(|why| {
        let message = format!(
            "error detected while parsing status-code expression : {}",
            why.message
        );
        fault(statement, index, &message)
    })
}

fn pattern(cursor: Cursor<'_, '_, '_, '_>, kind: Kind, name: &str, word: &str) -> Parsed<Matcher> {
    let known = match kind {
        Kind::Tcp => [
            "string",
            "binary",
            "rstring",
            "rbinary",
            "string-lf",
            "binary-lf",
            "",
        ],
        Kind::Http => [
            "status",
            "rstatus",
            "string",
            "rstring",
            "string-lf",
            "hdr",
            "fhdr",
        ],
    };
    if (kind, name) == (Kind::Http, "header") && !cursor.peek().is_empty() {
        return old_header(cursor);
    }
    if name.is_empty() || !known.contains(&name) {
        let forms = match kind {
            Kind::Tcp => {
                "'only supports min-recv, '[!]binary', '[!]string', '[!]rstring', '[!]string-lf''[!]rbinary', \
                 '[!]binary-lf' or comment"
            }
            Kind::Http => {
                "'only supports min-recv, [!]string', '[!]rstring', '[!]string-lf', '[!]status', '[!]rstatus', \
                 [!]hdr, [!]fhdr or comment"
            }
        };
        return Err(at(cursor, &format!("{forms} but got '{word}' as argument")));
    }
    if matches!(name, "hdr" | "fhdr") {
        return header(cursor, name).map(|found| Matcher::Header(Arc::new(found)));
    }
    if cursor.peek().is_empty() {
        cursor.take();
        return Err(at(
            cursor,
            &format!("'{name}' expects a <pattern> as argument"),
        ));
    }
    match name {
        "string-lf" => return take_format(cursor, Usage::RAW).map(Matcher::TextFormat),
        "binary-lf" => return take_format(cursor, Usage::RAW).map(Matcher::BinaryFormat),
        _ => {}
    }
    let index = cursor.index();
    let text = cursor.take();
    match name {
        "string" => Ok(Matcher::Text(cursor.statement().arg_bytes(index).into())),
        "binary" => {
            let bytes =
                hex(text).map_err(|why| at(cursor, &format!("invalid binary string ({why})")))?;
            Ok(Matcher::Binary(bytes))
        }
        "status" => Ok(Matcher::Status(statuses(cursor, text)?)),
        "rstatus" => regex(cursor, text).map(Matcher::StatusRegex),
        "rbinary" => regex(cursor, text).map(Matcher::BinaryRegex),
        _ => regex(cursor, text).map(Matcher::Regex),
    }
}

fn regex(cursor: Cursor<'_, '_, '_, '_>, text: &str) -> Parsed<Arc<Regex>> {
    let regex = Regex::new(text, false)
        .map_err(|why| at(cursor, &format!("regex '{text}' is invalid (error={why})")))?;
    if regex.backtracks() {
        cursor.warn(format!(
            "regex '{text}' needs look-around or back-references and is matched by backtracking, which is slower."
        ));
    }
    Ok(Arc::new(regex))
}

/// `200,301-399`.
fn statuses(cursor: &RuleCursor<'_, '_, '_>, text: &str) -> Parsed<Arc<[RangeInclusive<u16>]>> {
    let allowed = |c: &char| c.is_ascii_digit() || *c == ',' || *c == '-';
    if let Some(other) = text.chars().find(|c| !allowed(c)) {
        let message = format!("invalid character '{other}' in the list of status codes");
        return Err(at(cursor, &message));
    }
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some(first..=last)
    };
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            range(part)
                .ok_or_else(|| at(cursor, &format!("invalid range of status codes '{part}'")))
        })
        .collect()
}

/// `header <name> [-m <method>] <value>`, which HAProxy never took but many write.
fn old_header(cursor: Cursor<'_, '_, '_, '_>) -> Parsed<Matcher> {
    let words = cursor.statement().args_from(cursor.index());
    let (field, value) = words
        .split_first()
        .ok_or_else(|| at(cursor, "'header' expects a name"))?;
    let message = at(
        cursor,
        "'only supports min-recv, [!]string', '[!]rstring', '[!]string-lf', '[!]status', '[!]rstatus', \
         [!]hdr, [!]fhdr or comment but got 'header' as argument",
    )
    .message;
    let value = match value.is_empty() {
        true => String::new(),
        false => format!(" value {}", value.join(" ")),
    };
    let modern = format!("http-check expect hdr name {field}{value}");
    let statement = cursor.statement();
    cursor.parser.outdated(statement, message, modern)?;
    let name = TextMatch::Text(TextMethod::Exact, cursor.take().to_ascii_lowercase().into());
    let value = match cursor.peek() {
        "" => None,
        _ => Some(text_match(cursor, "header", false, false)?),
    };
    Ok(Matcher::Header(Arc::new(HeaderMatch {
        name,
        value,
        whole: false,
    })))
}

/// `name <pattern> [value <pattern>]`.
fn header(cursor: Cursor<'_, '_, '_, '_>, keyword: &str) -> Parsed<HeaderMatch> {
    let missing =
        format!("'{keyword}' expects at the name keyword as first argument followed by a pattern");
    let word = cursor.take();
    if !matches!(word, "name" | "name-lf") || cursor.peek().is_empty() {
        return Err(at(cursor, &missing));
    }
    let name = text_match(cursor, keyword, word == "name-lf", true)?;
    let value = match cursor.peek() {
        word @ ("value" | "value-lf") => {
            cursor.take();
            if cursor.peek().is_empty() {
                let message = format!("'{keyword}' expect a pattern with the value keyword");
                return Err(at(cursor, &message));
            }
            Some(text_match(cursor, keyword, word == "value-lf", false)?)
        }
        _ => None,
    };
    Ok(HeaderMatch {
        name,
        value,
        whole: keyword == "fhdr",
    })
}

fn text_match(
    cursor: Cursor<'_, '_, '_, '_>,
    keyword: &str,
    format: bool,
    any_case: bool,
) -> Parsed<TextMatch> {
    let mut method = Some(TextMethod::Exact);
    if cursor.take_if("-m") {
        method = match cursor.take() {
            "str" => Some(TextMethod::Exact),
            "beg" => Some(TextMethod::Begin),
            "end" => Some(TextMethod::End),
            "sub" => Some(TextMethod::Sub),
            "reg" => None,
            "" => {
                let message = format!(
                    "'{keyword}' : '-m' expects at a matching pattern ('str', 'beg', 'end', 'sub' or 'reg')"
                );
                return Err(at(cursor, &message));
            }
            other => {
                let message = format!(
                    "'{keyword}' : '-m' only supports 'str', 'beg', 'end', 'sub' or 'reg' (got '{other}')"
                );
                return Err(at(cursor, &message));
            }
        };
    }
    match method {
        None if format => {
            let message = format!(
                "'{keyword}': log-format string is not supported with a regex matching method"
            );
            Err(at(cursor, &message))
        }
        None => {
            let text = cursor.take();
            let regex = Regex::new(text, any_case)
                .map_err(|why| at(cursor, &format!("regex '{text}' is invalid (error={why})")))?;
            Ok(TextMatch::Regex(Arc::new(regex)))
        }
        Some(method) if format => Ok(TextMatch::Format(method, take_format(cursor, Usage::RAW)?)),
        // Names of headers are compared in lower case.
        Some(method) if any_case => Ok(TextMatch::Text(
            method,
            cursor.take().to_ascii_lowercase().into(),
        )),
        Some(method) => Ok(TextMatch::Text(method, cursor.take().into())),
    }
}
