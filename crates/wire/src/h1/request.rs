//! Request heads.

use super::class::{self, TARGET, TOKEN};
use super::common::{Common, http_version};
use super::fields::{self, Fate, RawField, Rules, Sink};
use super::{ErrorKind, Framing, Limits, MessageFlags, Options, ParseError, Parsed, host};
use message::{FieldId, Head, Method, Span, Version};

/// Reads a request head from the beginning of `buf`.
///
/// When it is complete, `head` holds it: names in lower case, values trimmed, folded lines joined, repeated `Host` and
/// `Content-Length` fields merged, hop-by-hop tokens taken out as [`MessageFlags`] says, and a default port taken out of
/// the target and `Host`. Until then what is in `head` means nothing.
///
/// # Errors
///
/// As soon as a byte shows that the request must be refused.
pub fn parse_request(
    buf: &[u8],
    limits: &Limits,
    options: &Options,
    head: &mut Head,
) -> Result<Parsed, ParseError> {
    fields::adopt_text(buf, head);
    let mut flags = MessageFlags::default();
    let complete = read_head(buf, limits, options, head, &mut flags)?;
    match complete {
        Some((consumed, framing)) if consumed <= limits.max_head => Ok(Parsed::Done {
            consumed,
            framing,
            flags,
        }),
        None if buf.len() < limits.max_head => Ok(Parsed::Incomplete),
        _ => Err(ParseError::bad(ErrorKind::TooLarge, limits.max_head)),
    }
}

fn read_head(
    buf: &[u8],
    limits: &Limits,
    options: &Options,
    head: &mut Head,
    flags: &mut MessageFlags,
) -> Result<Option<(usize, Framing)>, ParseError> {
    let Some((line, at)) = read_line(buf, options, &mut flags.violation)? else {
        return Ok(None);
    };
    head.set_request_spans(
        Span::new(line.method.0, line.method.1),
        Span::new(line.target.0, line.target.1),
        Version::HTTP_11,
    );
    let mut sink = RequestSink::default();
    let rules = Rules::new(limits, options.accept_unsafe);
    let mut violation = flags.violation;
    let Some(consumed) = fields::read(buf, at, rules, head, &mut sink, &mut violation)? else {
        return Ok(None);
    };
    flags.violation = violation;
    let version = http_version(
        buf.get(line.version.0..line.version.1).unwrap_or_default(),
        line.version.0,
        options.accept_unsafe,
        &mut flags.violation,
    )?;
    head.set_version(version);
    let framing = sink.finish(head, version, options, flags, line.target.0)?;
    Ok(Some((consumed, framing)))
}

struct RequestLine {
    method: (usize, usize),
    target: (usize, usize),
    version: (usize, usize),
}

/// Reads the request line; gives also where the fields begin.
fn read_line(
    buf: &[u8],
    options: &Options,
    violation: &mut Option<u32>,
) -> Result<Option<(RequestLine, usize)>, ParseError> {
    let Some(start) = skip_empty_lines(buf)? else {
        return Ok(None);
    };
    let Some(method_end) = run(buf, start, |b| class::is(b, TOKEN)) else {
        return Ok(None);
    };
    if method_end == start || !is_blank(buf, method_end) {
        return Err(ParseError::bad(ErrorKind::Method, method_end));
    }
    let Some(target) = run(buf, method_end, |b| b == b' ' || b == b'\t') else {
        return Ok(None);
    };
    let Some(target_end) = read_target(buf, target, options, violation)? else {
        return Ok(None);
    };
    let Some(version) = run(buf, target_end, |b| b == b' ' || b == b'\t') else {
        return Ok(None);
    };
    let Some(version_end) = run(buf, version, |b| class::is(b, class::VERSION)) else {
        return Ok(None);
    };
    let Some(next) = line_end(buf, version_end, ErrorKind::Version)? else {
        return Ok(None);
    };
    if version == version_end && !options.accept_unsafe {
        return Err(ParseError::bad(ErrorKind::Version, version));
    }
    let line = RequestLine {
        method: (start, method_end),
        target: (target, target_end),
        version: (version, version_end),
    };
    Ok(Some((line, next)))
}

fn is_blank(buf: &[u8], at: usize) -> bool {
    matches!(buf.get(at), Some(b' ' | b'\t'))
}

/// Where the run of bytes that satisfy `of` ends; `None` if the buffer ends first.
#[inline]
pub(super) fn run(buf: &[u8], at: usize, of: impl Fn(u8) -> bool) -> Option<usize> {
    let rest = buf.get(at..)?;
    rest.iter().position(|&b| !of(b)).map(|len| at + len)
}

/// The byte after the line end at `at`; anything else there is an error of `kind`.
pub(super) fn line_end(
    buf: &[u8],
    at: usize,
    kind: ErrorKind,
) -> Result<Option<usize>, ParseError> {
    match buf.get(at..).unwrap_or_default() {
        [] | [b'\r'] => Ok(None),
        [b'\n', ..] => Ok(Some(at + 1)),
        [b'\r', b'\n', ..] => Ok(Some(at + 2)),
        [b'\r', ..] => Err(ParseError::bad(ErrorKind::LineEnd, at + 1)),
        _ => Err(ParseError::bad(kind, at)),
    }
}

/// Clients may send empty lines in front of a request (RFC 9112, section 2.2).
fn skip_empty_lines(buf: &[u8]) -> Result<Option<usize>, ParseError> {
    let mut at = 0;
    loop {
        at = match buf.get(at) {
            Some(b'\r' | b'\n') => match line_end(buf, at, ErrorKind::LineEnd)? {
                Some(next) => next,
                None => return Ok(None),
            },
            Some(_) => return Ok(Some(at)),
            None => return Ok(None),
        };
    }
}

/// Finds the end of the target.
fn read_target(
    buf: &[u8],
    start: usize,
    options: &Options,
    violation: &mut Option<u32>,
) -> Result<Option<usize>, ParseError> {
    let mut at = start;
    loop {
        let Some(end) = run(buf, at, |b| class::is(b, TARGET)) else {
            return Ok(None);
        };
        match buf.get(end) {
            Some(b' ' | b'\t') if end > start => return Ok(Some(end)),
            // A request without a version is HTTP/0.9.
            Some(b'\r' | b'\n') if end > start && options.accept_unsafe => return Ok(Some(end)),
            Some(b'#' | 0x80..) if options.accept_unsafe => {
                violation.get_or_insert(fields::offset(end));
                at = end + 1;
            }
            _ => return Err(ParseError::bad(ErrorKind::Target, end)),
        }
    }
}

/// What is gathered from a request's fields.
#[derive(Default)]
struct RequestSink {
    common: Common,
    host: Option<(usize, usize)>,
    websocket_key: bool,
    expect_continue: bool,
}

impl Sink for RequestSink {
    fn field(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        match field.id {
            FieldId::Host => self.host(head, field),
            FieldId::SecWebSocketKey => {
                self.websocket_key = true;
                Ok(Fate::Keep)
            }
            FieldId::Expect => {
                let value = head.slice(Span::new(field.value.0, field.value.1));
                self.expect_continue |= value.eq_ignore_ascii_case(b"100-continue");
                Ok(Fate::Keep)
            }
            FieldId::Te => Ok(keep_trailers_only(head, field)),
            _ => self.common.field(head, field, true),
        }
    }
}

/// Of `TE`, only `trailers` is passed on: other codings are between the client and this proxy.
fn keep_trailers_only(head: &mut Head, field: RawField) -> Fate {
    let value = head.slice(Span::new(field.value.0, field.value.1));
    if value == b"trailers" {
        return Fate::Keep;
    }
    let listed = value
        .split(|&b| b == b',')
        .any(|item| item.trim_ascii() == b"trailers");
    if listed {
        head.push_known(FieldId::Te, b"trailers");
    }
    Fate::Drop
}

impl RequestSink {
    /// Checks a `Host` field; all of them must say the same.
    fn host(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        let value = head.slice(Span::new(field.value.0, field.value.1));
        if let Some(bad) = host::invalid_byte(value) {
            return Err(ParseError::bad(ErrorKind::Host, field.value.0 + bad));
        }
        let Some(first) = self.host else {
            self.host = Some(field.value);
            return Ok(Fate::Keep);
        };
        if value.eq_ignore_ascii_case(head.slice(Span::new(first.0, first.1))) {
            Ok(Fate::Drop)
        } else {
            Err(ParseError::bad(ErrorKind::Host, field.value.0))
        }
    }

    fn finish(
        &mut self,
        head: &mut Head,
        version: Version,
        options: &Options,
        flags: &mut MessageFlags,
        target_at: usize,
    ) -> Result<Framing, ParseError> {
        flags.has_host = self.host.is_some();
        flags.http10 = version < Version::HTTP_11;
        flags.expect_continue = self.expect_continue;
        self.common.upgrade(head, true, flags);
        if flags.websocket && !self.websocket_key && !options.accept_unsafe {
            return Err(ParseError::bad(ErrorKind::WebSocketKey, target_at));
        }
        host::check(head, options.accept_unsafe, target_at)?;
        let framing = self.common.framing(head, options, flags)?;
        let framing = match (framing, head.method()) {
            (_, Method::Connect) => {
                head.remove_known(FieldId::ContentLength);
                head.remove_known(FieldId::TransferEncoding);
                Framing::None
            }
            (None, _) => Framing::None,
            (Some(framing), _) => framing,
        };
        let bare = matches!(head.method(), Method::Get | Method::Head | Method::Delete);
        let carries = !matches!(framing, Framing::None | Framing::Length(0));
        if flags.http10 && bare && carries && !options.payload_with_any_method {
            return Err(ParseError::bad(ErrorKind::UnexpectedPayload, target_at).with_status(413));
        }
        Ok(framing)
    }
}
