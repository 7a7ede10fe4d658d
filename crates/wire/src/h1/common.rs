//! What requests and responses have in common: version, framing fields, connection fields.

use super::fields::{Fate, RawField, offset};
use super::{ErrorKind, Framing, MessageFlags, Options, ParseError, list};
use message::{FieldId, Head, Span, Version};

/// Reads the version of a start line.
pub(super) fn http_version(
    text: &[u8],
    at: usize,
    accept_unsafe: bool,
    violation: &mut Option<u32>,
) -> Result<Version, ParseError> {
    match text {
        b"HTTP/1.1" => Ok(Version::HTTP_11),
        [
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            major @ b'0'..=b'9',
            b'.',
            minor @ b'0'..=b'9',
        ] => Ok(Version {
            major: major - b'0',
            minor: minor - b'0',
        }),
        _ if accept_unsafe => {
            violation.get_or_insert(offset(at));
            Ok(loose_version(text))
        }
        _ => Err(ParseError::bad(ErrorKind::Version, at)),
    }
}

/// The version of another protocol's start line, or one of unusual form: what has the shape of 1.1 or above counts as
/// 1.1, everything else as 1.0.
fn loose_version(text: &[u8]) -> Version {
    match text {
        [_, _, _, _, _, major, _, minor] if (*major, *minor) >= (b'1', b'1') => Version::HTTP_11,
        _ => Version::HTTP_10,
    }
}

/// Which kind of message is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Side {
    #[default]
    Request,
    Response,
}

/// What is gathered from the fields of any message.
#[derive(Default)]
pub(super) struct Common {
    side: Side,
    accept_unsafe: bool,
    length: Option<u64>,
    chunked: bool,
    /// There is a coding other than `chunked`, at this position.
    coding: Option<usize>,
    transfer_encoding: bool,
    close: bool,
    keep_alive: bool,
    upgrade_token: bool,
    upgrade_field: bool,
    websocket: bool,
}

impl Common {
    pub(super) fn new(side: Side, accept_unsafe: bool) -> Self {
        Self {
            side,
            accept_unsafe,
            ..Self::default()
        }
    }

    /// Takes note of a framing or connection field.
    pub(super) fn field(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        match field.id {
            FieldId::ContentLength => self.content_length(head, field),
            FieldId::TransferEncoding => self.transfer_encoding(head, field),
            FieldId::Connection => Ok(self.connection(head, field)),
            FieldId::Upgrade => Ok(self.upgrade_field(head, field)),
            _ => Ok(Fate::Keep),
        }
    }

    /// All lengths given, in one field or several, must be the same number.
    fn content_length(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        let value = head.slice(span(field));
        let bad = || ParseError::bad(ErrorKind::ContentLength, field.value.0);
        let before = self.length;
        let number = merge_lengths(value, before).ok_or_else(bad)?;
        let plain = number_is_plain(value);
        self.length = Some(number);
        if before.is_some() {
            return Ok(Fate::Drop);
        }
        if plain {
            return Ok(Fate::Keep);
        }
        let mut digits = [0; 20];
        let digits = write_decimal(self.length.unwrap_or(0), &mut digits);
        head.push_known(FieldId::ContentLength, digits);
        Ok(Fate::Drop)
    }

    /// `chunked` must come once and last. What else there is shows when all fields are read.
    fn transfer_encoding(&mut self, head: &mut Head, field: RawField) -> Result<Fate, ParseError> {
        let value = head.slice(span(field));
        let lenient = self.accept_unsafe && self.side == Side::Response;
        let bad = ParseError::bad(ErrorKind::TransferEncoding, field.value.0);
        let mut named = false;
        for item in list::items(value) {
            let chunked = item.eq_ignore_ascii_case(b"chunked");
            if lenient && (item.is_empty() || chunked && self.chunked) {
                continue;
            }
            if item.is_empty() || self.chunked {
                return Err(bad);
            }
            named = true;
            self.chunked |= chunked;
            if !chunked {
                self.coding.get_or_insert(field.value.0);
            }
        }
        if named {
            self.transfer_encoding = true;
            Ok(Fate::Keep)
        } else {
            Ok(Fate::Drop)
        }
    }

    /// Takes `close` and `keep-alive` out of a list; what stays is the peers' business.
    fn connection(&mut self, head: &mut Head, field: RawField) -> Fate {
        prune_field(head, field, |item| {
            if item.eq_ignore_ascii_case(b"close") {
                self.close = true;
                return true;
            }
            if item.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
                return true;
            }
            self.upgrade_token |= item.eq_ignore_ascii_case(b"upgrade");
            false
        })
    }

    /// HTTP/2 in clear is not negotiated this way here, so its names do not travel.
    fn upgrade_field(&mut self, head: &mut Head, field: RawField) -> Fate {
        let fate = prune_field(head, field, |item| {
            self.websocket |= item.eq_ignore_ascii_case(b"websocket");
            item.eq_ignore_ascii_case(b"h2c") || item.eq_ignore_ascii_case(b"h2")
        });
        self.upgrade_field |= !matches!(fate, Fate::Drop);
        fate
    }

    /// Settles whether the message asks for another protocol. A request that does not do so properly does not do it at
    /// all.
    pub(super) fn upgrade(&mut self, head: &mut Head, flags: &mut MessageFlags) {
        flags.connection_close = self.close;
        flags.connection_keep_alive = self.keep_alive;
        let response = self.side == Side::Response;
        flags.upgrade = self.upgrade_token && (self.upgrade_field || response);
        flags.websocket = flags.upgrade && self.websocket;
        if response || flags.upgrade {
            return;
        }
        if self.upgrade_field {
            head.remove_known(FieldId::Upgrade);
        }
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
        flags.close_next_hop = flags.http10;
        if self.length.is_some() {
            head.remove_known(FieldId::ContentLength);
            flags.length_dropped = true;
            flags.must_close = !options.keep_insecure_transfer_encoding;
        } else {
            flags.must_close = flags.http10;
        }
        Ok(Some(Framing::Chunked))
    }
}

fn span(field: RawField) -> Span {
    Span::new(field.value.0, field.value.1)
}

/// Takes items out of a field's list, in the head's text; a list of nothing is no field.
fn prune_field(head: &mut Head, field: RawField, mut remove: impl FnMut(&[u8]) -> bool) -> Fate {
    let (start, mut end) = field.value;
    if end > start && !head.slice(span(field)).contains(&b',') {
        let only = remove(head.slice(span(field)));
        return if only { Fate::Drop } else { Fate::Keep };
    }
    // The second round cleans up the commas that the first one leaves at the end.
    for _ in 0..2 {
        end = list::prune(head.text_mut(), start, end, &mut remove);
    }
    if end == start {
        Fate::Drop
    } else {
        Fate::Value(start, end)
    }
}

/// Takes `upgrade` out of all `Connection` fields.
fn drop_upgrade_token(head: &mut Head) {
    prune_known(head, FieldId::Connection, |item| {
        item.eq_ignore_ascii_case(b"upgrade")
    });
}

/// Takes items out of the lists of all well-known fields of one identity; empty ones are removed.
pub(super) fn prune_known(head: &mut Head, id: FieldId, mut remove: impl FnMut(&[u8]) -> bool) {
    let mut index = 0;
    while let Some(field) = head.fields().get(index).copied() {
        if field.id != id {
            index += 1;
            continue;
        }
        let raw = RawField {
            id,
            value: (field.value.start(), field.value.end()),
        };
        match prune_field(head, raw, &mut remove) {
            Fate::Drop => head.remove_at(index),
            Fate::Keep => index += 1,
            Fate::Value(start, end) => {
                head.set_value_span_at(index, Span::new(start, end));
                index += 1;
            }
        }
    }
}

/// The one length that the items of a `Content-Length` field and an earlier field agree on.
pub(crate) fn merge_lengths(value: &[u8], before: Option<u64>) -> Option<u64> {
    let mut agreed = before;
    for item in value.split(|&b| b == b',') {
        let number = decimal(list::trim(item))?;
        if agreed.is_some_and(|agreed| agreed != number) {
            return None;
        }
        agreed = Some(number);
    }
    agreed
}

/// Whether a length is written as this proxy would write it: one number without leading zeros.
fn number_is_plain(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_digit) && (value.len() == 1 || value.first() != Some(&b'0'))
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

pub(crate) fn write_decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
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
