//! The parameters of an answer that the proxy makes itself, as `http-error` and the rules' `return` and `deny` take
//! them.

use super::errorfile;
use crate::errors::{ComposedResponse, ErrorPage, ResponseBody};
use crate::parse::{Parsed, Parser, Statement};
use expr::Phases;
use expr::logformat::{LogFormat, Usage};
use std::sync::Arc;

/// Where the parameters stand.
pub(crate) struct Place {
    /// What messages call it.
    pub(crate) what: &'static str,
    /// Where its expressions are evaluated.
    pub(crate) phases: Phases,
    /// The status when none is given.
    pub(crate) status: u16,
}

/// `http-error`.
pub(super) const HTTP_ERROR: Place = Place {
    what: "http-error",
    // An error may strike at any time.
    phases: Phases::MESSAGE,
    status: 0,
};

/// What is sent.
pub(crate) enum Payload {
    /// The built-in page, or that of the proxy.
    BuiltIn,
    /// A page that is complete.
    Page(ErrorPage),
    /// The page of an `http-errors` section.
    Section(Arc<str>),
    /// One built when it is sent.
    Composed(ComposedResponse),
}

/// An answer as written.
pub(crate) struct Spec {
    /// The status, if one is given.
    pub(crate) status: Option<u16>,
    /// What is sent.
    pub(crate) payload: Payload,
    /// The first argument that does not belong to it.
    pub(crate) end: usize,
}

#[derive(Default)]
struct Parts {
    status: Option<u16>,
    content_type: Option<Arc<str>>,
    headers: Vec<(Arc<str>, LogFormat)>,
    payload: Option<(&'static str, Given)>,
}

enum Given {
    BuiltIn,
    Page(ErrorPage),
    Section(Arc<str>),
    Body(ResponseBody),
}

/// Reads parameters from the argument at `from` on, up to the first word that is none.
///
/// # Errors
/// When one is faulty or they do not go together.
pub(crate) fn read(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    from: usize,
    place: &Place,
) -> Parsed<Spec> {
    let mut parts = Parts::default();
    let mut at = from;
    while at < statement.len() {
        let used = parameter(parser, statement, at, place, &mut parts)?;
        if used == 0 {
            break;
        }
        at += used;
    }
    let status = parts.status;
    let payload = compose(parser, statement, place, parts)?;
    Ok(Spec {
        status,
        payload,
        end: at,
    })
}

/// Reads one parameter and says how many words it takes; none when it is none.
fn parameter(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    place: &Place,
    parts: &mut Parts,
) -> Parsed<usize> {
    let what = place.what;
    let (keyword, argument) = (statement.arg(at), statement.arg(at + 1));
    let expect = |description: &str| match argument {
        "" => Err(statement.fault(
            at,
            format!("{what} : '{keyword}' expects {description} as argument"),
        )),
        _ => Ok(()),
    };
    match keyword {
        "status" => {
            expect("<status_code>")?;
            let status: u16 = argument.parse().unwrap_or(0);
            if !(200..600).contains(&status) {
                return Err(statement.fault(
                    at + 1,
                    format!("{what} : Unexpected status code '{status}'"),
                ));
            }
            parts.status = Some(status);
        }
        "content-type" => {
            expect("<ctype>")?;
            parts.content_type = Some(argument.into());
        }
        "hdr" => {
            let value = statement.arg(at + 2);
            if argument.is_empty() || value.is_empty() {
                return Err(statement.fault(
                    at,
                    format!("{what} : 'hdr' expects <name> and <value> as arguments"),
                ));
            }
            let format = format(parser, statement, at + 2, value, place, Usage::HTTP)?;
            parts
                .headers
                .push((argument.to_ascii_lowercase().into(), format));
            return Ok(3);
        }
        _ => return payload(parser, statement, at, place, parts),
    }
    Ok(2)
}

fn payload(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    place: &Place,
    parts: &mut Parts,
) -> Parsed<usize> {
    const KINDS: [(&str, &str); 7] = [
        ("default-errorfiles", ""),
        ("errorfile", "<fmt>"),
        ("errorfiles", "<name>"),
        ("string", "<str>"),
        ("lf-string", "<fmt>"),
        ("file", "<file>"),
        ("lf-file", "<file>"),
    ];
    let (what, argument) = (place.what, statement.arg(at + 1));
    let Some((kind, expected)) = KINDS.iter().find(|(kind, _)| *kind == statement.arg(at)) else {
        return Ok(0);
    };
    if let Some((before, _)) = &parts.payload {
        return Err(statement.fault(
            at,
            format!("{what} : unexpected '{kind}' argument, '{before}' already defined"),
        ));
    }
    if argument.is_empty() && !expected.is_empty() {
        return Err(statement.fault(
            at,
            format!("{what} : '{kind}' expects {expected} as argument"),
        ));
    }
    let given = match *kind {
        "default-errorfiles" => Given::BuiltIn,
        "errorfile" => Given::Page(errorfile::load(parser, statement, at + 1, what)?),
        "errorfiles" => Given::Section(argument.into()),
        "string" => Given::Body(fixed(statement.arg_bytes(at + 1))),
        "lf-string" => Given::Body(ResponseBody::Format(Arc::new(format(
            parser,
            statement,
            at + 1,
            argument,
            place,
            Usage::RAW,
        )?))),
        "file" => Given::Body(fixed(&load(parser, statement, at + 1, what)?)),
        _ => {
            let text = load(parser, statement, at + 1, what)?;
            let text = String::from_utf8_lossy(&text).into_owned();
            Given::Body(ResponseBody::Format(Arc::new(format(
                parser,
                statement,
                at + 1,
                &text,
                place,
                Usage::RAW,
            )?)))
        }
    };
    parts.payload = Some((kind, given));
    Ok(if expected.is_empty() { 1 } else { 2 })
}

fn fixed(bytes: &[u8]) -> ResponseBody {
    if bytes.is_empty() {
        ResponseBody::Empty
    } else {
        ResponseBody::Fixed(bytes.into())
    }
}

fn format(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    text: &str,
    place: &Place,
    usage: Usage,
) -> Parsed<LogFormat> {
    parser
        .in_context(statement, place.phases, |ctx| {
            LogFormat::parse(text, usage, ctx)
        })
        .map_err(|why| statement.fault(at, format!("{} : {why}", place.what)))
}

fn load(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    what: &str,
) -> Parsed<Vec<u8>> {
    let name = statement.arg(at);
    let text = std::fs::read(name).map_err(|why| {
        statement
            .fault(at, format!("{what} : error opening file '{name}'"))
            .hint(why.to_string())
    })?;
    let (size, room) = (text.len(), parser.global.buffer_size);
    if size > room {
        return Err(statement
            .fault(
                at,
                format!("{what} : file '{name}' exceeds the buffer size ({size} > {room})"),
            )
            .hint("shorten it, or raise tune.bufsize"));
    }
    Ok(text)
}

fn compose(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    place: &Place,
    parts: Parts,
) -> Parsed<Payload> {
    let what = place.what;
    let body = match parts.payload {
        Some((_, Given::Body(body))) => body,
        None if !parts.headers.is_empty() => ResponseBody::Empty,
        other => {
            ignored(
                parser,
                statement,
                "an errorfile",
                &parts.content_type,
                !parts.headers.is_empty(),
            );
            return Ok(match other {
                Some((_, Given::Page(page))) => Payload::Page(page),
                Some((_, Given::Section(name))) => Payload::Section(name),
                _ => Payload::BuiltIn,
            });
        }
    };
    let mut content_type = parts.content_type;
    match (&body, &content_type) {
        (ResponseBody::Empty, Some(_)) => {
            ignored(parser, statement, "an empty payload", &content_type, false);
            content_type = None;
        }
        (ResponseBody::Fixed(_), None) => {
            let message = format!(
                "{what} : a content type must be defined when non-empty payload is configured"
            );
            return Err(statement.fault_here(message));
        }
        (ResponseBody::Format(_), None) => {
            return Err(statement.fault_here(format!(
                "{what} : a content type must be defined with a log-format payload"
            )));
        }
        _ => {}
    }
    let status = parts.status.unwrap_or(place.status);
    Ok(Payload::Composed(ComposedResponse {
        status,
        content_type,
        headers: parts.headers,
        body,
    }))
}

fn ignored(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    with: &str,
    content_type: &Option<Arc<str>>,
    headers: bool,
) {
    if let Some(content_type) = content_type {
        let message = format!(
            "content-type '{content_type}' ignored by the http reply when used with {with}."
        );
        parser.warn(statement, message, None);
    }
    if headers {
        parser.warn(
            statement,
            format!("hdr parameters ignored by the http reply when used with {with}."),
            None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Outcome, read};
    use crate::errors::{ErrorPage, ResponseBody};

    fn front(line: &str) -> Outcome {
        read(&format!(
            "frontend f\n mode http\n bind 127.0.0.1:80\n timeout client 1s\n http-error {line}\n"
        ))
    }

    #[test]
    fn answers_are_composed() {
        let out = front("status 503 content-type text/plain string hey hdr X-A b");
        let ErrorPage::Composed(page) = &out.proxy("f").errors[&503] else {
            panic!("not composed")
        };
        assert_eq!(
            (
                page.status,
                page.content_type.as_deref(),
                page.headers.len()
            ),
            (503, Some("text/plain"), 1)
        );
        assert!(matches!(&page.body, ResponseBody::Fixed(body) if &**body == b"hey"));
        assert!(
            front("status 503 default-errorfiles")
                .proxy("f")
                .errors
                .is_empty()
        );
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (
                "status",
                "http-error : 'status' expects <status_code> as argument",
            ),
            ("status abc", "http-error : Unexpected status code '0'"),
            ("status 505", "http-error: status code '505' not handled."),
            ("status 503 foo", "http-error : unknown keyword 'foo'."),
            (
                "status 503 errorfile",
                "http-error : 'errorfile' expects <fmt> as argument",
            ),
            (
                "status 503 string hi",
                "http-error : a content type must be defined when non-empty payload is configured",
            ),
            (
                "status 503 lf-string x",
                "http-error : a content type must be defined with a log-format payload",
            ),
            (
                "status 503 hdr X",
                "http-error : 'hdr' expects <name> and <value> as arguments",
            ),
            (
                "status 503 string a file b",
                "http-error : unexpected 'file' argument, 'string' already defined",
            ),
            (
                "status 503 content-type a file /nonexistent",
                "http-error : error opening file '/nonexistent'",
            ),
        ] {
            let out = front(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
    }

    #[test]
    fn what_has_no_use_is_warned_about() {
        let out = front("status 503 content-type text/plain file /dev/null");
        assert!(out.messages.contains("content-type 'text/plain' ignored by the http reply when used with an empty payload."), "{}", out.messages);
    }
}
