//! Response heads.

use super::class;
use super::common::{Common, http_version};
use super::fields::{self, Fate, RawField, Rules, Sink};
use super::request::{line_end, run};
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
    let mut flags = MessageFlags::default();
    match read_head(buf, request_method, limits, options, head, &mut flags)? {
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
    request_method: Method,
    limits: &Limits,
    options: &Options,
    head: &mut Head,
    flags: &mut MessageFlags,
) -> Result<Option<(usize, Framing)>, ParseError> {
    let Some((line, at)) = read_line(buf, options)? else {
        return Ok(None);
    };
    let mut sink = ResponseSink::default();
    let rules = Rules::new(limits, options.accept_unsafe);
    let mut violation = None;
    let Some(consumed) = fields::read(buf, at, rules, head, &mut sink, &mut violation)? else {
        return Ok(None);
    };
    let version = http_version(
        buf.get(line.version.0..line.version.1).unwrap_or_default(),
        line.version.0,
        options.accept_unsafe,
        &mut violation,
    )?;
    flags.violation = violation;
    head.set_response_spans(
        version,
        line.status,
        Span::new(line.reason.0, line.reason.1),
    );
    let framing = sink.finish(head, request_method, version, options, flags)?;
    Ok(Some((consumed, framing)))
}

struct StatusLine {
    version: (usize, usize),
    status: u16,
    reason: (usize, usize),
}

fn read_line(buf: &[u8], options: &Options) -> Result<Option<(StatusLine, usize)>, ParseError> {
    let Some(version_end) = run(buf, 0, |b| class::is(b, class::VERSION)) else {
        return Ok(None);
    };
    if version_end == 0 || buf.get(version_end) != Some(&b' ') {
        return Err(ParseError::bad(ErrorKind::Version, version_end));
    }
    let Some(code) = run(buf, version_end, |b| b == b' ' || b == b'\t') else {
        return Ok(None);
    };
    let Some(code_end) = run(buf, code, |b| b.is_ascii_digit()) else {
        return Ok(None);
    };
    let digits = buf.get(code..code_end).unwrap_or_default();
    let status = digits.iter().try_fold(0_u16, |n, b| {
        n.checked_mul(10)?.checked_add(u16::from(b - b'0'))
    });
    let exact = digits.len() == 3 || options.accept_unsafe && digits.len() > 3;
    let Some(status) = status.filter(|_| exact) else {
        return Err(ParseError::bad(ErrorKind::Status, code_end));
    };
    if !matches!(buf.get(code_end), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        return Err(ParseError::bad(ErrorKind::Status, code_end));
    }
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
        version: (0, version_end),
        status,
        reason: (reason, reason_end),
    };
    Ok(Some((line, next)))
}

/// What is gathered from a response's fields.
#[derive(Default)]
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
        self.common.field(head, field, false)
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
        flags.http10 = version < Version::HTTP_11;
        self.common.upgrade(head, false, flags);
        let framing = self.common.framing(head, options, flags)?;
        let status = head.status();
        if status == 101 && flags.websocket && !self.websocket_accept && !options.accept_unsafe {
            return Err(ParseError::bad(ErrorKind::WebSocketKey, 0));
        }
        let tunnel =
            status == 101 || request_method == Method::Connect && (200..300).contains(&status);
        if tunnel || status == 204 || status < 200 {
            head.remove_known(FieldId::ContentLength);
            head.remove_known(FieldId::TransferEncoding);
        }
        Ok(match framing {
            _ if tunnel => Framing::Tunnel,
            _ if status < 200 || status == 204 || status == 304 => Framing::None,
            _ if request_method == Method::Head => Framing::None,
            Some(framing) => framing,
            None => Framing::UntilClose,
        })
    }
}
