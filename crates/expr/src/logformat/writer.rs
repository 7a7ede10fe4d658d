//! Writing items: quotes, escapes, hexadecimal, JSON and CBOR.

use super::{Encoding, Usage};
use crate::cast;
use crate::sample::{Type, Value};
use std::net::IpAddr;

/// Flags of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) quote: bool,
    pub(super) escape: bool,
    pub(super) hex: bool,
    /// An encoding of this item alone.
    pub(super) encoding: Encoding,
}

/// What must be encoded in captured headers and request lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsafe {
    /// Nothing.
    Nothing,
    /// In captured headers.
    Header,
    /// In request lines.
    Uri,
    /// In header fields that the proxy writes.
    Http,
}

impl Unsafe {
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Nothing => false,
            Self::Header => {
                !(32..127).contains(&byte) || matches!(byte, b'"' | b'#' | b'{' | b'|' | b'}')
            }
            Self::Uri => !(32..127).contains(&byte) || matches!(byte, b'"' | b'#'),
            Self::Http => (byte < 32 && byte != b'\t') || byte == 127,
        }
    }

    fn mark(self) -> u8 {
        if self == Self::Http { b'%' } else { b'#' }
    }
}

/// Writes the items of one line.
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    usage: Usage,
    global: Encoding,
    binary: bool,
    flags: Flags,
    encoding: Encoding,
    cast: Option<Type>,
    first: bool,
    after_space: bool,
}

impl<'o> Writer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, usage: Usage, global: Encoding, binary: bool) -> Self {
        Self {
            out,
            usage,
            global,
            binary,
            flags: Flags::default(),
            encoding: Encoding::Plain,
            cast: None,
            first: true,
            after_space: true,
        }
    }

    pub(super) fn open(&mut self) {
        match self.global {
            Encoding::Plain => {}
            Encoding::Json => self.out.push(b'{'),
            Encoding::Cbor => self.cbor(&[0xbf]),
        }
    }

    pub(super) fn close(&mut self) {
        match self.global {
            Encoding::Plain => {}
            Encoding::Json => self.out.push(b'}'),
            Encoding::Cbor => self.cbor(&[0xff]),
        }
    }

    /// Text between items; encoded lines have none.
    pub(super) fn literal(&mut self, text: &[u8]) {
        if self.global == Encoding::Plain {
            self.out.extend_from_slice(text);
            self.after_space = false;
        }
    }

    pub(super) fn space(&mut self) {
        if self.global == Encoding::Plain && !(self.usage.merge_spaces && self.after_space) {
            self.out.push(b' ');
            self.after_space = true;
        }
    }

    /// Begins an item; says whether it is to be written at all.
    #[inline]
    pub(super) fn begin(&mut self, name: &str, flags: Flags, cast: Option<Type>) -> bool {
        self.flags = flags;
        self.cast = cast;
        if self.global == Encoding::Plain {
            self.encoding = flags.encoding;
            return true;
        }
        self.encoding = self.global;
        self.begin_encoded(name)
    }

    fn begin_encoded(&mut self, name: &str) -> bool {
        if name.is_empty() {
            return false;
        }
        if self.global == Encoding::Json {
            if !self.first {
                self.out.extend_from_slice(b", ");
            }
            self.json_text(name.as_bytes());
            self.out.extend_from_slice(b": ");
        } else {
            self.cbor_text(name.as_bytes());
        }
        self.first = false;
        true
    }

    /// Writes nothing for the item, and keeps the space before it open for merging.
    pub(super) fn nothing(&mut self) {
        match self.encoding {
            Encoding::Plain => {}
            Encoding::Json => self.out.extend_from_slice(b"null"),
            Encoding::Cbor => self.cbor(&[0xf6]),
        }
        if self.encoding != Encoding::Plain {
            self.after_space = false;
        }
    }

    /// A value that is not there.
    pub(super) fn missing(&mut self) {
        self.after_space = false;
        match self.encoding {
            Encoding::Json => self.out.extend_from_slice(b"\"\""),
            Encoding::Cbor => self.cbor(&[0xf6]),
            Encoding::Plain if self.flags.quote => self.out.extend_from_slice(b"\"\""),
            Encoding::Plain if self.usage.dash_for_missing => self.out.push(b'-'),
            Encoding::Plain => {}
        }
    }

    pub(super) fn text_or_missing(&mut self, text: Option<&[u8]>) {
        match text {
            Some(text) if !text.is_empty() => self.text(text),
            _ => self.missing(),
        }
    }

    /// Text with the item's quotes and escapes.
    pub(super) fn text(&mut self, text: &[u8]) {
        self.encoded(text, Unsafe::Nothing);
    }

    /// Text of which `bad` bytes are written as hexadecimal digits behind a mark.
    pub(super) fn encoded(&mut self, text: &[u8], bad: Unsafe) {
        self.after_space = false;
        match self.encoding {
            Encoding::Plain => {
                if self.flags.quote {
                    self.out.push(b'"');
                }
                self.plain(text, bad);
                if self.flags.quote {
                    self.out.push(b'"');
                }
            }
            _ if bad == Unsafe::Nothing => self.typed_text(text),
            Encoding::Json => {
                self.out.push(b'"');
                self.json_escaped_unsafe(text, bad);
                self.out.push(b'"');
            }
            Encoding::Cbor => {
                self.cbor(&[0x7f]);
                self.cbor_chunks(text, bad);
                self.cbor(&[0xff]);
            }
        }
    }

    /// Plain text without quotes, in one piece.
    fn plain(&mut self, text: &[u8], bad: Unsafe) {
        let escape = self.flags.escape;
        let clean = bad == Unsafe::Nothing || !text.iter().any(|&byte| bad.holds(byte));
        if clean && !escape {
            return self.out.extend_from_slice(text);
        }
        for &byte in text {
            if bad.holds(byte) {
                self.out.push(bad.mark());
                cast::write_hex(&[byte], self.out);
            } else {
                if escape && matches!(byte, b'"' | b'\\' | b']') {
                    self.out.push(b'\\');
                }
                self.out.push(byte);
            }
        }
    }

    /// Several pieces as one plain item: `{a|b}`.
    pub(super) fn bracketed<'v>(&mut self, values: impl Iterator<Item = Option<&'v [u8]>>) {
        self.after_space = false;
        match self.encoding {
            Encoding::Cbor => self.cbor(&[0x7f]),
            Encoding::Json => self.out.push(b'"'),
            Encoding::Plain if self.flags.quote => self.out.push(b'"'),
            Encoding::Plain => {}
        }
        self.piece(b"{", Unsafe::Nothing);
        for (at, value) in values.enumerate() {
            if at > 0 {
                self.piece(b"|", Unsafe::Nothing);
            }
            self.piece(value.unwrap_or_default(), Unsafe::Header);
        }
        self.piece(b"}", Unsafe::Nothing);
        match self.encoding {
            Encoding::Cbor => self.cbor(&[0xff]),
            Encoding::Json => self.out.push(b'"'),
            Encoding::Plain if self.flags.quote => self.out.push(b'"'),
            Encoding::Plain => {}
        }
    }

    fn piece(&mut self, text: &[u8], bad: Unsafe) {
        match self.encoding {
            Encoding::Plain => self.plain(text, bad),
            Encoding::Json => self.json_escaped_unsafe(text, bad),
            Encoding::Cbor => self.cbor_chunks(text, bad),
        }
    }

    /// A list of values: separated by spaces, or a JSON or CBOR array.
    pub(super) fn list<'v>(&mut self, values: impl Iterator<Item = Option<&'v [u8]>>) {
        self.after_space = false;
        match self.encoding {
            Encoding::Json => self.out.push(b'['),
            Encoding::Cbor => self.cbor(&[0x9f]),
            Encoding::Plain => {}
        }
        for (at, value) in values.enumerate() {
            if at > 0 {
                match self.encoding {
                    Encoding::Json => self.out.extend_from_slice(b", "),
                    Encoding::Plain => self.out.push(b' '),
                    Encoding::Cbor => {}
                }
            }
            match value {
                Some(value) => self.encoded(value, Unsafe::Header),
                None if self.encoding == Encoding::Json => self.out.extend_from_slice(b"\"-\""),
                None if self.encoding == Encoding::Cbor => {
                    self.cbor(&[0x7f]);
                    self.cbor_text(b"-");
                    self.cbor(&[0xff]);
                }
                None if self.flags.quote => self.out.extend_from_slice(b"\"\""),
                None => self.out.push(b'-'),
            }
        }
        match self.encoding {
            Encoding::Json => self.out.push(b']'),
            Encoding::Cbor => self.cbor(&[0xff]),
            Encoding::Plain => {}
        }
    }

    /// A number, in decimal.
    pub(super) fn number(&mut self, value: i64) {
        self.after_space = false;
        if self.encoding == Encoding::Plain {
            return cast::write_int(value, self.out);
        }
        self.typed_number(value);
    }

    /// A number that may still grow when the line is written early.
    pub(super) fn growing(&mut self, value: i64, early: bool) {
        if early && self.encoding == Encoding::Plain {
            self.out.push(b'+');
        }
        self.number(value);
    }

    /// A number that `X` turns into at least `digits` hexadecimal digits.
    pub(super) fn number_or_hex(&mut self, value: u64, digits: usize) {
        if !self.flags.hex {
            return self.number(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let mut text = [b'0'; 16];
        let mut rest = value;
        let mut used = 0;
        for place in text.iter_mut().rev() {
            if rest == 0 && used >= digits {
                break;
            }
            *place = b"0123456789ABCDEF"[(rest & 15) as usize];
            rest >>= 4;
            used += 1;
        }
        self.unquoted(text.get(16 - used..).unwrap_or_default());
    }

    /// Text that is never quoted: dates, states, hexadecimal numbers.
    pub(super) fn unquoted(&mut self, text: &[u8]) {
        self.after_space = false;
        match self.encoding {
            Encoding::Plain => self.out.extend_from_slice(text),
            _ => self.typed_text(text),
        }
    }

    /// Lets `write` append a date or the like.
    pub(super) fn composed(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.encoding == Encoding::Plain {
            self.after_space = false;
            return write(self.out);
        }
        let mut text = Vec::with_capacity(32);
        write(&mut text);
        self.unquoted(&text);
    }

    /// Whether the item's numbers are not plain decimal text.
    pub(super) fn is_hex_or_encoded(&self) -> bool {
        self.flags.hex || self.encoding != Encoding::Plain
    }

    /// A request line made of a head.
    pub(super) fn composed_request(&mut self, head: &message::Head) {
        self.after_space = false;
        let parts = [
            head.method_text(),
            b" ",
            head.target(),
            b" ",
            version_name(head.version()),
        ];
        if self.encoding != Encoding::Plain {
            return self.encoded(&parts.concat(), Unsafe::Uri);
        }
        if self.flags.quote {
            self.out.push(b'"');
        }
        for part in parts {
            self.plain(part, Unsafe::Uri);
        }
        if self.flags.quote {
            self.out.push(b'"');
        }
    }

    /// An address, which `X` turns into hexadecimal digits.
    pub(super) fn address(&mut self, ip: IpAddr) {
        let hex = self.flags.hex;
        let write = |out: &mut Vec<u8>| match ip {
            IpAddr::V4(ip) if hex => cast::write_hex(&ip.octets(), out),
            IpAddr::V6(ip) if hex => cast::write_hex(&ip.octets(), out),
            ip => cast::write_ip(ip, out),
        };
        if self.encoding != Encoding::Plain {
            return self.composed(write);
        }
        self.after_space = false;
        let quote = self.flags.quote && !hex;
        if quote {
            self.out.push(b'"');
        }
        write(self.out);
        if quote {
            self.out.push(b'"');
        }
    }

    /// The value of an expression.
    pub(super) fn sample(&mut self, value: Option<Value<'_>>) {
        let Some(value) = value else {
            return self.missing();
        };
        if self.encoding != Encoding::Plain {
            return self.encoded_sample(value);
        }
        let value = match value {
            number @ (Value::Int(_) | Value::Ip(_)) => number,
            Value::Bin(bytes) if self.binary => Value::Bin(bytes),
            other => match cast::cast(other, Type::Str) {
                Some(Value::Str(text)) if !text.is_empty() => Value::Str(text),
                _ => return self.missing(),
            },
        };
        self.after_space = false;
        if self.flags.quote {
            self.out.push(b'"');
        }
        match value {
            Value::Int(v) => cast::write_int(v, self.out),
            Value::Ip(ip) => cast::write_ip(ip, self.out),
            Value::Str(text) if self.usage.encode_for_http => self.plain(&text, Unsafe::Http),
            Value::Str(text) | Value::Bin(text) => self.plain(&text, Unsafe::Nothing),
            Value::Bool(_) | Value::Method(..) => {}
        }
        if self.flags.quote {
            self.out.push(b'"');
        }
    }

    fn encoded_sample(&mut self, value: Value<'_>) {
        self.after_space = false;
        let value = match (self.cast, value) {
            (Some(kind), value) => match cast::cast(value, kind) {
                Some(value) => value,
                None => return self.missing(),
            },
            (None, value) => value,
        };
        match (self.encoding, value) {
            (_, Value::Int(v)) => self.typed_number(v),
            (Encoding::Json, Value::Bool(v)) => {
                let word: &[u8] = if v { b"true" } else { b"false" };
                self.out.extend_from_slice(word);
            }
            (_, Value::Bool(v)) => self.cbor(&[if v { 0xf5 } else { 0xf4 }]),
            (Encoding::Cbor, Value::Bin(bytes)) => {
                self.cbor(&[0x5f]);
                self.cbor_head(2, bytes.len() as u64);
                self.cbor(&bytes);
                self.cbor(&[0xff]);
            }
            (_, other) => match cast::cast(other, Type::Str) {
                Some(Value::Str(text)) if !text.is_empty() => self.typed_text(&text),
                _ => self.missing(),
            },
        }
    }

    fn typed_number(&mut self, value: i64) {
        match (self.cast, self.encoding) {
            (Some(Type::Str), _) => {
                let mut text = Vec::with_capacity(20);
                cast::write_int(value, &mut text);
                self.string(&text);
            }
            (Some(Type::Bool), Encoding::Cbor) => {
                self.cbor(&[if value != 0 { 0xf5 } else { 0xf4 }]);
            }
            (Some(Type::Bool), _) => {
                let word: &[u8] = if value != 0 { b"true" } else { b"false" };
                self.out.extend_from_slice(word);
            }
            (_, Encoding::Cbor) if value < 0 => self.cbor_head(1, !value as u64),
            (_, Encoding::Cbor) => self.cbor_head(0, value as u64),
            _ => cast::write_int(value, self.out),
        }
    }

    fn typed_text(&mut self, text: &[u8]) {
        match self.cast {
            Some(Type::Int | Type::Bool) => self.typed_number(cast::leading_int(text)),
            _ => self.string(text),
        }
    }

    fn string(&mut self, text: &[u8]) {
        if self.encoding == Encoding::Cbor {
            self.cbor_text(text);
        } else {
            self.json_text(text);
        }
    }

    fn json_text(&mut self, text: &[u8]) {
        self.out.push(b'"');
        self.json_escaped_unsafe(text, Unsafe::Nothing);
        self.out.push(b'"');
    }

    fn json_escaped_unsafe(&mut self, text: &[u8], bad: Unsafe) {
        for &byte in text {
            if bad.holds(byte) {
                self.out.push(bad.mark());
                cast::write_hex(&[byte], self.out);
                continue;
            }
            if matches!(byte, b'"' | b'\\') {
                self.out.push(b'\\');
            }
            self.out.push(byte);
        }
    }

    fn cbor(&mut self, bytes: &[u8]) {
        if self.binary {
            self.out.extend_from_slice(bytes);
        } else {
            cast::write_hex(bytes, self.out);
        }
    }

    /// A major type with its number, in the shortest form (RFC 8949, section 3).
    fn cbor_head(&mut self, major: u8, value: u64) {
        let bytes = value.to_be_bytes();
        let (short, from) = match value {
            0..=23 => (value as u8, 8),
            24..=0xff => (24, 7),
            0x100..=0xffff => (25, 6),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 0),
        };
        self.cbor(&[major << 5 | short]);
        self.cbor(bytes.get(from..).unwrap_or_default());
    }

    fn cbor_text(&mut self, text: &[u8]) {
        self.cbor_head(3, text.len() as u64);
        self.cbor(text);
    }

    /// Chunks of an indefinite text: runs of plain bytes, and each encoded byte for itself.
    fn cbor_chunks(&mut self, text: &[u8], bad: Unsafe) {
        let mut rest = text;
        while let Some(&byte) = rest.first() {
            if bad.holds(byte) {
                let mut mark = vec![bad.mark()];
                cast::write_hex(&[byte], &mut mark);
                self.cbor_text(&mark);
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let run = rest.iter().take_while(|b| !bad.holds(**b)).count();
            let (plain, tail) = rest.split_at(run);
            self.cbor_text(plain);
            rest = tail;
        }
    }
}

/// `HTTP/1.1` and the like.
pub(super) fn version_name(version: message::Version) -> &'static [u8] {
    match (version.major, version.minor) {
        (0, _) => b"",
        (1, 0) => b"HTTP/1.0",
        (2, _) => b"HTTP/2.0",
        (3, _) => b"HTTP/3.0",
        _ => b"HTTP/1.1",
    }
}
