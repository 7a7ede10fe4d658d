//! Base64 and its variant for URLs (RFC 4648).

use super::{block, string, text};
use crate::args::Args;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn write(bytes: &[u8], alphabet: &[u8; 64], pad: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| {
            bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            if at <= chunk.len() {
                out.push(alphabet[(bits >> (18 - 6 * at) & 63) as usize]);
            } else if pad {
                out.push(b'=');
            }
        }
    }
    out
}

/// Standard base64 with padding.
pub(super) fn encode(bytes: &[u8]) -> Vec<u8> {
    write(bytes, STANDARD, true)
}

fn digit(byte: u8, plus: u8, slash: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        _ if byte == plus => 62,
        _ if byte == slash => 63,
        _ => return None,
    })
}

/// Decodes standard base64. The length must be a multiple of 4; padding may end any group, but not begin one.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.chunks(4) {
        let mut bits = 0u32;
        let mut pads = 0usize;
        for &byte in group {
            if byte == b'=' {
                pads += 1;
                bits <<= 6;
            } else {
                // Nothing may follow padding inside a group.
                let digit = digit(byte, b'+', b'/').filter(|_| pads == 0)?;
                bits = bits << 6 | u32::from(digit);
            }
        }
        let keep = match pads {
            0..=2 => 3 - pads,
            3 => 0,
            _ => return None,
        };
        out.extend_from_slice(bits.to_be_bytes().get(1..=keep).unwrap_or_default());
    }
    Some(out)
}

/// Decodes the variant for URLs, which has no padding. Where standard base64 would be padded to a multiple of 4, a
/// padding character that is there all the same counts as 63.
pub(super) fn decode_url(text: &[u8]) -> Option<Vec<u8>> {
    let missing = match text.len() % 4 {
        1 => return None,
        rest => (4 - rest) % 4,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    for group in text.chunks(4) {
        let mut bits = 0u32;
        for at in 0..4 {
            let value = match group.get(at) {
                Some(b'=') => 63,
                Some(&byte) => digit(byte, b'-', b'_')?,
                None => 0,
            };
            bits = bits << 6 | u32::from(value);
        }
        out.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
    }
    out.truncate(out.len().saturating_sub(missing));
    Some(out)
}

fn base64<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    string(encode(&text(value)?))
}

fn ub64enc<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    string(write(&text(value)?, URL, false))
}

fn b64dec<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    block(decode(&text(value)?)?)
}

fn ub64dec<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    block(decode_url(&text(value)?)?)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new("base64", Type::Bin, Type::Str, base64, "Encodes in base64."),
    ConverterRow::new("b64dec", Type::Str, Type::Bin, b64dec, "Decodes base64."),
    ConverterRow::new(
        "ub64enc",
        Type::Bin,
        Type::Str,
        ub64enc,
        "Encodes in base64 for URLs.",
    ),
    ConverterRow::new(
        "ub64dec",
        Type::Str,
        Type::Bin,
        ub64dec,
        "Decodes base64 for URLs.",
    ),
];
