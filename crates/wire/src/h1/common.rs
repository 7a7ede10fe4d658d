//! What requests and responses have in common: version, framing fields, connection fields.

use super::fields::{Fate, RawField, offset};
use super::{ErrorKind, Framing, MessageFlags, Options, ParseError};
use message::{FieldId, Head, Span, Version};

/// Reads the version of a start line. Whatever is above 1.1 is treated as 1.1.
pub(super) fn http_version(
    text: &[u8],
    at: usize,
    accept_unsafe: bool,
    violation: &mut Option<u32>,
) -> Result<Version, ParseError> {
    let version = match text {
        b"HTTP/1.1" => return Ok(Version::HTTP_11),
        [
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            major @ b'0'..=b'9',
            b'.',
            minor @ b'0'..=b'9',
        ] => Version {
            major: major - b'0',
            minor: minor - b'0',
        },
        [] if accept_unsafe => Version::HTTP_09,
        _ if accept_unsafe => {
            violation.get_or_insert(offset(at));
            loose_version(text)
        }
        _ => return Err(ParseError::bad(ErrorKind::Version, at)),
    };
    Ok(version.min(Version::HTTP_11))
}

/// The version of another protocol's start line or one with several digits.
fn loose_version(text: &[u8]) -> Version {
    let mut numbers = text
        .split(|&b| b == b'/')
        .next_back()
        .unwrap_or_default()
        .split(|&b| b == b'.')
        .map(|digits| {
            digits
                .iter()
                .filter(|b| b.is_ascii_digit())
                .fold(0_u8, |n, b| n.saturating_mul(10).saturating_add(b - b'0'))
        });
    Version {
        major: numbers.next().unwrap_or(0),
        minor: numbers.next().unwrap_or(0),
    }
}

/// What is gathered from the fields of any message.
#[derive(Default)]
pub(super) struct Common {
    length: Option<u64>,
    chunked: bool,
    /// There is a coding other than `chunked`, at this position.
    coding: Option<usize>,
    close: bool,
    keep_alive: bool,
    upgrade_token: bool,
    upgrade_field: bool,
    h2c: bool,
    websocket: bool,
}

impl Common {
    /// Takes note of a framing or connection field.
    #[inline]
    pub(super) fn field(
        &mut self,
        head: &mut Head,
        field: RawField,
        request: bool,
    ) -> Result<Fate, ParseError> {
        match field.id {
            FieldId::ContentLength => self.content_length(head, field),
            FieldId::TransferEncoding => self.transfer_encoding(head, field),
            FieldId::Connection => Ok(self.connection(head, field)),
            FieldId::Upgrade => {
                self.upgrade_tokens(head, field, request);
                Ok(Fate::Keep)
            }
            _ => Ok(Fate::Keep),
        }
    }

    /// All lengths given, in one field or several, must be the same number.
    fn content_length(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        let value = head.slice(span(field));
        let bad = || ParseError::bad(ErrorKind::ContentLength, field.value.0);
        let before = self.length;
        for item in value.split(|&b| b == b',') {
            let number = decimal(item.trim_ascii()).ok_or_else(bad)?;
            if self.length.is_some_and(|length| length != number) {
                return Err(bad());
            }
            self.length = Some(number);
        }
        if before.is_some() {
            return Ok(Fate::Drop);
        }
        let plain = value.iter().all(u8::is_ascii_digit) && (value.len() == 1 || value[0] != b'0');
        if plain {
            return Ok(Fate::Keep);
        }
        let mut digits = [0; 20];
        head.push_known(
            FieldId::ContentLength,
            write_decimal(self.length.unwrap_or(0), &mut digits),
        );
        Ok(Fate::Drop)
    }

    /// `chunked` must come once, last, and in the end alone.
    fn transfer_encoding(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        let value = head.slice(span(field));
        let bad = || ParseError::bad(ErrorKind::TransferEncoding, field.value.0);
        for item in value.split(|&b| b == b',') {
            let item = item.trim_ascii();
            if item.is_empty() || self.chunked {
                return Err(bad());
            }
            if item.eq_ignore_ascii_case(b"chunked") {
                self.chunked = true;
            } else {
                self.coding.get_or_insert(field.value.0);
            }
        }
        if value == b"chunked" {
            return Ok(Fate::Keep);
        }
        head.push_known(FieldId::TransferEncoding, b"chunked");
        Ok(Fate::Drop)
    }

    /// Takes `close` and `keep-alive` out of a list; what stays is the peers' business.
    fn connection(&mut self, head: &mut Head, field: RawField) -> Fate {
        let value = head.slice(span(field));
        let mut removed = 0;
        let mut kept = 0;
        for item in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
            if item.eq_ignore_ascii_case(b"close") {
                self.close = true;
                removed += 1;
            } else if item.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
                removed += 1;
            } else {
                self.upgrade_token |= item.eq_ignore_ascii_case(b"upgrade");
                kept += usize::from(!item.is_empty());
            }
        }
        if removed == 0 {
            return Fate::Keep;
        }
        if kept > 0 {
            let value = value.to_vec();
            let mut list = Vec::with_capacity(value.len());
            append_tokens(&mut list, &value, |item| {
                !item.eq_ignore_ascii_case(b"close") && !item.eq_ignore_ascii_case(b"keep-alive")
            });
            head.push_known(FieldId::Connection, &list);
        }
        Fate::Drop
    }

    fn upgrade_tokens(&mut self, head: &Head, field: RawField, _request: bool) {
        self.upgrade_field = true;
        for item in head.slice(span(field)).split(|&b| b == b',') {
            let item = item.trim_ascii();
            self.h2c |= item.eq_ignore_ascii_case(b"h2c");
            self.websocket |= item.eq_ignore_ascii_case(b"websocket");
        }
    }

    /// Settles whether the message asks for another protocol, and hides the attempt if it does not do so properly.
    pub(super) fn upgrade(&mut self, head: &mut Head, request: bool, flags: &mut MessageFlags) {
        flags.connection_close = self.close;
        flags.connection_keep_alive = self.keep_alive;
        flags.upgrade = self.upgrade_token && self.upgrade_field && !(request && self.h2c);
        flags.websocket = flags.upgrade && self.websocket;
        if flags.upgrade || !(self.upgrade_token || self.upgrade_field) {
            return;
        }
        head.remove_known(FieldId::Upgrade);
        if self.upgrade_token {
            drop_upgrade_token(head);
        }
    }

    /// Settles the framing that the fields ask for, `None` if they ask for nothing.
    pub(super) fn framing(
        &mut self,
        head: &mut Head,
        options: &Options,
        flags: &mut MessageFlags,
    ) -> Result<Option<Framing>, ParseError> {
        if let Some(at) = self.coding {
            let error = if self.chunked {
                ParseError::bad(ErrorKind::TransferCoding, at).with_status(422)
            } else {
                ParseError::bad(ErrorKind::TransferEncoding, at)
            };
            return Err(error);
        }
        flags.transfer_encoding = self.chunked;
        if !self.chunked {
            return Ok(self.length.map(Framing::Length));
        }
        if self.length.is_some() {
            head.remove_known(FieldId::ContentLength);
            flags.length_dropped = true;
            flags.must_close |= !options.keep_insecure_transfer_encoding;
        }
        flags.must_close |= flags.http10;
        Ok(Some(Framing::Chunked))
    }
}

fn span(field: RawField) -> Span {
    Span::new(field.value.0, field.value.1)
}

fn append_tokens(list: &mut Vec<u8>, value: &[u8], keep: impl Fn(&[u8]) -> bool) {
    for item in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
        if item.is_empty() || !keep(item) {
            continue;
        }
        if !list.is_empty() {
            list.push(b',');
        }
        list.extend_from_slice(item);
    }
}

/// Takes `upgrade` out of all `Connection` fields.
fn drop_upgrade_token(head: &mut Head) {
    let mut index = 0;
    while let Some(field) = head.fields().get(index).copied() {
        if field.id != FieldId::Connection {
            index += 1;
            continue;
        }
        let mut list = Vec::new();
        append_tokens(&mut list, head.slice(field.value), |item| {
            !item.eq_ignore_ascii_case(b"upgrade")
        });
        if list.is_empty() {
            head.remove_at(index);
        } else {
            head.set_value_at(index, &list);
            index += 1;
        }
    }
}

/// A number of nothing but digits; `None` if it is none or exceeds 64 bits.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn write_decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}
