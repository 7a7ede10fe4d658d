//! Response heads.

use super::class;
use super::common::{Common, Side, http_version};
use super::fields::{self, Fate, RawField, Rules, Sink};
use super::request::{VERSION_LEN, check_size, incomplete, line_end, run, skip_empty_lines};
use super::{ErrorKind, Framing, Limits, MessageFlags, Options, ParseError, Parsed};
use message::{FieldId, Head, Method, Span, Version};

/// Reads a response head from the beginning of `buf`. `request_method` is that of the request it answers.
///
/// Interim responses are the caller's business: a status below 200 other than 101 is followed by another response. The
/// rest is as in [`parse_request`](super::parse_request).
///
/// # Errors
///
/// As soon as a byte shows that the response must be refused.
pub fn parse_response(
    buf: &[u8],
    request_method: Method,
    limits: &Limits,
    options: &Options,
    head: &mut Head,
) -> Result<Parsed, ParseError> {
    fields::adopt_text(buf, head);
    let Some((line, at)) = read_line(buf, options)? else {
        return incomplete(buf, limits, ErrorKind::TooLarge, 502);
    };
    let mut sink = ResponseSink {
        common: Common::new(Side::Response, options.accept_unsafe),
        websocket_accept: false,
    };
    let mut flags = MessageFlags::default();
    let rules = Rules::new(limits, options.accept_unsafe);
    let Some(consumed) = fields::read(buf, at, rules, head, &mut sink, &mut flags.violation)?
    else {
        return incomplete(buf, limits, ErrorKind::TooLarge, 502);
    };
    let version = http_version(
        buf.get(line.version.0..line.version.1).unwrap_or_default(),
        line.version.0,
        options.accept_unsafe,
        &mut flags.violation,
    )?;
    head.set_response_spans(
        version,
        line.status,
        Span::new(line.reason.0, line.reason.1),
    );
    let framing = sink.finish(head, request_method, version, options, &mut flags)?;
    let start_line = VERSION_LEN + 3 + head.reason().len();
    check_size(head, start_line, limits, consumed)?;
    Ok(Parsed::Done {
        consumed,
        framing,
        flags,
    })
}

struct StatusLine {
    version: (usize, usize),
    status: u16,
    reason: (usize, usize),
}

fn read_line(buf: &[u8], options: &Options) -> Result<Option<(StatusLine, usize)>, ParseError> {
    let Some(start) = skip_empty_lines(buf)? else {
        return Ok(None);
    };
    let Some(version_end) = run(buf, start, |b| class::is(b, class::VERSION)) else {
        return Ok(None);
    };
    if version_end == start || !matches!(buf.get(version_end), Some(b' ' | b'\t')) {
        return Err(ParseError::bad(ErrorKind::Version, version_end));
    }
    let Some(code) = run(buf, version_end, |b| b == b' ' || b == b'\t') else {
        return Ok(None);
    };
    let Some((status, code_end)) = read_status(buf, code, options)? else {
        return Ok(None);
    };
    let Some(reason) = run(buf, code_end, |b| b == b' ' || b == b'\t') else {
        return Ok(None);
    };
    let Some(reason_end) = run(buf, reason, |b| b != b'\r' && b != b'\n') else {
        return Ok(None);
    };
    let Some(next) = line_end(buf, reason_end, ErrorKind::LineEnd)? else {
        return Ok(None);
    };
    let line = StatusLine {
        version: (start, version_end),
        status,
        reason: (reason, reason_end),
    };
    Ok(Some((line, next)))
}

/// The largest status that is read when more than three digits are allowed.
const MAX_STATUS: u16 = 65519;

/// Reads the status at `at`; gives also where it ends.
fn read_status(
    buf: &[u8],
    at: usize,
    options: &Options,
) -> Result<Option<(u16, usize)>, ParseError> {
    let mut status = 0_u16;
    let mut end = at;
    while let Some(digit) = buf.get(end).filter(|b| b.is_ascii_digit()) {
        let next = status
            .checked_mul(10)
            .and_then(|n| n.checked_add(u16::from(digit - b'0')));
        status = match next {
            Some(next) if next <= MAX_STATUS && (end - at < 3 || options.accept_unsafe) => next,
            _ => return Err(ParseError::bad(ErrorKind::Status, end)),
        };
        end += 1;
    }
    match buf.get(end) {
        None => Ok(None),
        Some(b' ' | b'\t' | b'\r' | b'\n') if end > at => Ok(Some((status, end))),
        Some(_) => Err(ParseError::bad(ErrorKind::Status, end)),
    }
}

/// What is gathered from a response's fields.
struct ResponseSink {
    common: Common,
    websocket_accept: bool,
}

impl Sink for ResponseSink {
    fn field(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        if field.id == FieldId::SecWebSocketAccept {
            self.websocket_accept = true;
            return Ok(Fate::Keep);
        }
        self.common.field(head, field)
    }
}

impl ResponseSink {
    fn finish(
        &mut self,
        head: &mut Head,
        request_method: Method,
        version: Version,
        options: &Options,
        flags: &mut MessageFlags,
    ) -> Result<Framing, ParseError> {
        let bad = |kind| Err(ParseError::bad(kind, 0));
        flags.http10 = version < Version::HTTP_11;
        self.common.upgrade(head, flags);
        let framing = self.common.framing(head, options, flags)?;
        let status = head.status();
        if status == 101 && !flags.upgrade {
            return bad(ErrorKind::Upgrade);
        }
        if status == 101 && flags.websocket && !self.websocket_accept && !options.accept_unsafe {
            return bad(ErrorKind::WebSocketKey);
        }
        let success = (200..300).contains(&status);
        Ok(match framing {
            _ if status == 101 || request_method == Method::Connect && success => Framing::Tunnel,
            _ if (100..200).contains(&status) || matches!(status, 204 | 304) => Framing::None,
            _ if request_method == Method::Head => Framing::None,
            Some(framing) => framing,
            None => Framing::UntilClose,
        })
    }
}
