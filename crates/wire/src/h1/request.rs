//! Request heads.

use super::class::{self, TARGET, TOKEN};
use super::common::{Common, Side, http_version};
use super::fields::{self, Fate, RawField, Rules, Sink};
use super::limits::{FIELD_COST, HEAD_COST};
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
    let Some((line, at)) = read_line(buf, options, &mut flags.violation)? else {
        return incomplete(buf, limits, ErrorKind::TargetTooLong, 414);
    };
    head.set_request_spans(
        Span::new(line.method.0, line.method.1),
        Span::new(line.target.0, line.target.1),
        Version::HTTP_10,
    );
    let mut sink = RequestSink::new(options);
    if line.version.0 == line.version.1 {
        return http_09(head, at, options, flags, line.target.0);
    }
    let rules = Rules::new(limits, options.accept_unsafe);
    let mut violation = flags.violation;
    let Some(consumed) = fields::read(buf, at, rules, head, &mut sink, &mut violation)? else {
        return if at < buf.len() {
            incomplete(buf, limits, ErrorKind::TooLarge, 431)
        } else {
            incomplete(buf, limits, ErrorKind::TargetTooLong, 414)
        };
    };
    let version = http_version(
        buf.get(line.version.0..line.version.1).unwrap_or_default(),
        line.version.0,
        options.accept_unsafe,
        &mut violation,
    )?;
    flags.violation = violation;
    head.set_version(version);
    let framing = sink.finish(head, version, options, &mut flags, line.target.0)?;
    let start_line = line.method.1 - line.method.0 + head.target().len() + VERSION_LEN;
    check_size(head, start_line, limits, consumed)?;
    Ok(Parsed::Done {
        consumed,
        framing,
        flags,
    })
}

/// `HTTP/1.1`
pub(super) const VERSION_LEN: usize = 8;

/// What an incomplete head means: more to come, or none that would fit.
pub(super) fn incomplete(
    buf: &[u8],
    limits: &Limits,
    kind: ErrorKind,
    status: u16,
) -> Result<Parsed, ParseError> {
    if buf.len() < limits.max_buffered {
        Ok(Parsed::Incomplete)
    } else {
        Err(ParseError::bad(kind, buf.len()).with_status(status))
    }
}

/// Whether a complete head is one that could be kept in a buffer.
pub(super) fn check_size(
    head: &Head,
    start_line: usize,
    limits: &Limits,
    consumed: usize,
) -> Result<(), ParseError> {
    // Nothing that takes so little on the wire can exceed the limit.
    if consumed + FIELD_COST * head.len() + HEAD_COST <= limits.max_head {
        return Ok(());
    }
    let fields: usize = head
        .fields()
        .iter()
        .map(|f| f.name.len() + f.value.len())
        .sum();
    if limits.allow(start_line + fields, head.len()) {
        Ok(())
    } else {
        Err(ParseError::bad(ErrorKind::TooLarge, consumed).with_status(431))
    }
}

/// A request without a version has no fields and no end but its line's, and can be nothing but a GET.
fn http_09(
    head: &mut Head,
    consumed: usize,
    options: &Options,
    mut flags: MessageFlags,
    target_at: usize,
) -> Result<Parsed, ParseError> {
    if head.method() != Method::Get {
        return Err(ParseError::bad(ErrorKind::Version, consumed));
    }
    host::check(head, options.accept_unsafe, target_at)?;
    flags.http10 = true;
    flags.violation.get_or_insert(fields::offset(consumed));
    Ok(Parsed::Done {
        consumed,
        framing: Framing::None,
        flags,
    })
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
    if version == version_end && !options.accept_unsafe {
        return Err(ParseError::bad(ErrorKind::Version, version));
    }
    let Some(next) = line_end(buf, version_end, ErrorKind::Version)? else {
        return Ok(None);
    };
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
pub(super) fn skip_empty_lines(buf: &[u8]) -> Result<Option<usize>, ParseError> {
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
struct RequestSink {
    common: Common,
    host: Option<(usize, usize)>,
    websocket_key: bool,
    expect_continue: bool,
}

impl Sink for RequestSink {
    fn field(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        let value = head.slice(Span::new(field.value.0, field.value.1));
        match field.id {
            FieldId::Host => return host::merge(head, field, &mut self.host),
            FieldId::SecWebSocketKey => self.websocket_key |= value.len() == WEBSOCKET_KEY_LEN,
            FieldId::Expect => {
                self.expect_continue |= value.eq_ignore_ascii_case(b"100-continue");
            }
            _ => return self.common.field(head, field),
        }
        Ok(Fate::Keep)
    }
}

/// What 16 bytes take in base64, the form of a `Sec-WebSocket-Key` (RFC 6455, section 4.1).
const WEBSOCKET_KEY_LEN: usize = 24;

impl RequestSink {
    fn new(options: &Options) -> Self {
        Self {
            common: Common::new(Side::Request, options.accept_unsafe),
            host: None,
            websocket_key: false,
            expect_continue: false,
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
        let bad = |kind| Err(ParseError::bad(kind, target_at));
        flags.has_host = self.host.is_some();
        flags.http10 = version < Version::HTTP_11;
        flags.expect_continue = self.expect_continue;
        self.common.upgrade(head, flags);
        if flags.websocket && !self.websocket_key && !options.accept_unsafe {
            return bad(ErrorKind::WebSocketKey);
        }
        host::check(head, options.accept_unsafe, target_at)?;
        let framing = self
            .common
            .framing(head, options, flags)?
            .unwrap_or_default();
        let carries = !matches!(framing, Framing::None | Framing::Length(0));
        match head.method() {
            Method::Connect => {
                flags.close_next_hop |= flags.transfer_encoding;
                if matches!(framing, Framing::Length(1..)) {
                    let error = ParseError::bad(ErrorKind::UnexpectedPayload, target_at);
                    return Err(error.with_status(502));
                }
                Ok(Framing::None)
            }
            Method::Get | Method::Head | Method::Delete
                if flags.http10 && carries && !options.payload_with_any_method =>
            {
                let error = ParseError::bad(ErrorKind::UnexpectedPayload, target_at);
                Err(error.with_status(413))
            }
            _ => Ok(framing),
        }
    }
}
