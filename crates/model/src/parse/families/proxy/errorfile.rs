//! Error files: complete raw HTTP/1 responses, read and checked when the configuration is.

use crate::errors::{ErrorPage, StoredResponse};
use crate::parse::{Parsed, Parser, Statement};
use message::{FieldId, Head, Version};
use std::sync::Arc;

/// The statuses that pages can be given for.
const STATUSES: [u16; 21] = [
    200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 414, 421, 422, 425, 429, 431, 500, 501, 502,
    503, 504,
];

/// Whether the proxy answers with this status by itself.
pub(crate) fn is_handled(status: u16) -> bool {
    STATUSES.contains(&status)
}

/// Reads an error file. `what` names the directive in messages.
///
/// # Errors
/// When it can't be read, or is no response that could be sent.
pub(crate) fn load(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    what: &str,
) -> Parsed<ErrorPage> {
    let name = statement.arg(at);
    let text = std::fs::read(name).map_err(|why| {
        statement
            .fault(at, format!("{what} : error opening file '{name}'."))
            .hint(why.to_string())
    })?;
    let room = parser.global.buffer_size;
    if text.len() > room {
        return Err(statement
            .fault(
                at,
                format!("{what} : '{name}': custom error message file larger than {room} bytes."),
            )
            .hint("shorten it, or raise tune.bufsize"));
    }
    if text.is_empty() {
        return Ok(ErrorPage::Silent);
    }
    let response =
        parse(&text).map_err(|why| statement.fault(at, format!("{what} : '{name}': {why}")))?;
    Ok(ErrorPage::File(Arc::new(response)))
}

/// Reads a raw response.
///
/// # Errors
/// Why it can't be sent.
pub(crate) fn parse(text: &[u8]) -> Result<StoredResponse, String> {
    let mut head = Head::new();
    let mut lines = Lines { text, at: 0 };
    status_line(&mut lines, &mut head)?;
    let mut announced: Option<u64> = None;
    loop {
        let start = lines.at;
        let line = lines
            .next_line()
            .ok_or("unable to parse headers (error offset: -2)")?;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        if let Some(bad) = name
            .iter()
            .position(|b| !is_token(*b))
            .or((value.is_empty() || name.is_empty()).then_some(colon))
        {
            return Err(format!(
                "unable to parse headers (error offset: {})",
                start + bad
            ));
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        match FieldId::of(&name.to_ascii_lowercase()) {
            FieldId::ContentLength => {
                let repeated = announced.is_some();
                announced = Some(length(value, announced)?);
                if !repeated {
                    head.push_known(FieldId::ContentLength, value);
                }
            }
            FieldId::TransferEncoding => return Err("chunk-encoded payload not supported".into()),
            _ => head.push(&name.to_ascii_lowercase(), value),
        }
    }
    let body = text.get(lines.at..).unwrap_or_default().to_vec();
    check_body(&head, &body, announced)?;
    Ok(StoredResponse { head, body })
}

fn status_line(lines: &mut Lines<'_>, head: &mut Head) -> Result<(), String> {
    let line = lines
        .next_line()
        .ok_or("unable to parse headers (error offset: 0)")?;
    let fault = || "unable to parse headers (error offset: 0)".to_owned();
    let text = line.strip_prefix(b"HTTP/1.").ok_or_else(fault)?;
    let (version, rest) = match text {
        [b'0', b' ', rest @ ..] => (Version::HTTP_10, rest),
        [b'1', b' ', rest @ ..] => (Version::HTTP_11, rest),
        _ => return Err(fault()),
    };
    let digits = rest
        .get(..3)
        .filter(|d| d.iter().all(u8::is_ascii_digit))
        .ok_or_else(fault)?;
    let status: u16 = std::str::from_utf8(digits)
        .ok()
        .and_then(|d| d.parse().ok())
        .ok_or_else(fault)?;
    if status < 200 {
        return Err(format!(
            "invalid http status code for an error message ({status})"
        ));
    }
    // A page is sent with the version that it was written with.
    head.start_response(
        version,
        status,
        rest.get(3..).unwrap_or_default().trim_ascii(),
    );
    Ok(())
}

fn length(value: &[u8], before: Option<u64>) -> Result<u64, String> {
    let length = std::str::from_utf8(value)
        .ok()
        .and_then(|v| v.parse().ok())
        .ok_or("invalid content-length")?;
    match before {
        Some(other) if other != length => Err("several different content-length headers".into()),
        _ => Ok(length),
    }
}

fn check_body(head: &Head, body: &[u8], announced: Option<u64>) -> Result<(), String> {
    if matches!(head.status(), 204 | 304) && !body.is_empty() {
        return Err("message payload not expected".into());
    }
    match announced {
        Some(announced) if announced != body.len() as u64 => Err(format!(
            "payload size does not match the announced content-length ({} != {announced})",
            body.len()
        )),
        _ => Ok(()),
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

struct Lines<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Lines<'t> {
    /// The next line without its end, which may be a bare LF.
    fn next_line(&mut self) -> Option<&'t [u8]> {
        let rest = self.text.get(self.at..)?;
        let end = rest.iter().position(|b| *b == b'\n')?;
        self.at += end + 1;
        let line = rest.get(..end)?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn why(text: &str) -> String {
        parse(text.as_bytes()).expect_err("a fault")
    }

    #[test]
    fn a_response_is_taken_apart() {
        let page = parse(b"HTTP/1.0 503 Gone Fishing\r\nCache-Control: no-cache\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello").expect("fine");
        assert_eq!(
            (page.head.status(), page.head.reason()),
            (503, &b"Gone Fishing"[..])
        );
        assert_eq!(page.head.get(b"cache-control"), Some(&b"no-cache"[..]));
        assert_eq!(
            (page.head.version(), page.head.len()),
            (message::Version::HTTP_10, 3)
        );
        assert_eq!(page.body, b"hello");
        assert!(
            parse(b"HTTP/1.1 503 S\nA: b\n\nhello").is_ok(),
            "bare line feeds will do"
        );
    }

    #[test]
    fn faults() {
        assert_eq!(why("garbage"), "unable to parse headers (error offset: 0)");
        assert_eq!(
            why("HTTP/1.1 503 S\r\nA: b\r\n"),
            "unable to parse headers (error offset: -2)"
        );
        assert_eq!(
            why("HTTP/1.1 503 S\r\nContent Length: 3\r\n\r\nhello"),
            "unable to parse headers (error offset: 23)"
        );
        assert_eq!(
            why("HTTP/1.1 503 S\r\nContent-Length: 300\r\n\r\nhello"),
            "payload size does not match the announced content-length (5 != 300)"
        );
        assert_eq!(
            why("HTTP/1.1 503 S\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "chunk-encoded payload not supported"
        );
        assert_eq!(
            why("HTTP/1.1 100 C\r\n\r\n"),
            "invalid http status code for an error message (100)"
        );
        assert_eq!(
            why("HTTP/1.1 204 S\r\n\r\nabc"),
            "message payload not expected"
        );
    }
}
