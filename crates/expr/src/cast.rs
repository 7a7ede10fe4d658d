//! Implicit conversions between sample types.

use crate::sample::{Type, Value};
use message::Method;
use std::borrow::Cow;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a sample of type `from` may stand where `to` is wanted.
///
/// [`Type::Any`] on either side is decided when the sample is there.
#[must_use]
pub fn exists(from: Type, to: Type) -> bool {
    use Type::{Addr, Any, Bin, Bool, Int, Ipv4, Ipv6, Method, Same, Str};
    match (from, to) {
        (a, b) if a == b => true,
        (Any | Same, _) | (_, Any | Same) => true,
        (_, Str | Bin) => true,
        (Bool, Int) | (Int, Bool) => true,
        (Int, Addr | Ipv4 | Ipv6) => true,
        (Addr | Ipv4 | Ipv6, Addr | Ipv4 | Ipv6) => true,
        (Ipv4, Int) => true,
        (Str, Bool | Int | Addr | Ipv4 | Ipv6 | Method) => true,
        _ => false,
    }
}

/// Casts a value; `None` when its type or its content does not allow it.
#[must_use]
pub fn cast(value: Value<'_>, to: Type) -> Option<Value<'_>> {
    match to {
        Type::Any | Type::Same => Some(value),
        Type::Bool => to_int(&value)
            .filter(|_| !matches!(value, Value::Ip(_)))
            .map(|v| Value::Bool(v != 0)),
        Type::Int => to_int(&value).map(Value::Int),
        Type::Addr => to_ip(&value).map(Value::Ip),
        Type::Ipv4 => to_ip(&value)
            .and_then(to_v4)
            .map(|ip| Value::Ip(IpAddr::V4(ip))),
        Type::Ipv6 => to_ip(&value).map(|ip| Value::Ip(IpAddr::V6(to_v6(ip)))),
        Type::Str => to_str(value).map(Value::Str),
        Type::Bin => Some(Value::Bin(to_bin(value))),
        Type::Method => match value {
            Value::Method(..) => Some(value),
            Value::Str(text) => Some(Value::Method(Method::of(&text), text)),
            _ => None,
        },
    }
}

/// The leading decimal integer of a text, with an optional sign; 0 when there is none.
///
/// Anything that overflows stops at the nearest 64-bit limit.
#[must_use]
pub fn leading_int(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut value: i64 = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            break;
        }
        let digit = i64::from(digit - b'0');
        value = value.saturating_mul(10);
        value = if negative {
            value.saturating_sub(digit)
        } else {
            value.saturating_add(digit)
        };
    }
    value
}

/// The number in a header's, cookie's or parameter's value as HAProxy reads it: in 32 bits, and with no regard to what
/// characters below the digits are.
#[must_use]
pub fn short_int(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut value = 0i32;
    for byte in digits {
        let digit = i32::from(byte.cast_signed()) - i32::from(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10);
        value = if negative {
            value.wrapping_sub(digit)
        } else {
            value.wrapping_add(digit)
        };
    }
    i64::from(value)
}

fn to_int(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Bool(v) => Some(i64::from(*v)),
        Value::Int(v) => Some(*v),
        Value::Ip(IpAddr::V4(ip)) => Some(i64::from(u32::from(*ip))),
        Value::Str(text) if text.is_empty() => None,
        Value::Str(text) => Some(leading_int(text)),
        _ => None,
    }
}

/// Reads an address from text.
#[must_use]
pub fn parse_ip(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads an address as casts do: what follows four numbers is not looked at.
fn leading_ip(text: &[u8]) -> Option<IpAddr> {
    leading_ipv4(text)
        .map(IpAddr::V4)
        .or_else(|| parse_ip(text))
}

fn leading_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut rest = text;
    for (at, octet) in octets.iter_mut().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let width = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, after) = rest.split_at_checked(width).filter(|_| width > 0)?;
        *octet = u8::try_from(leading_int(digits)).ok()?;
        rest = after;
    }
    (!rest.starts_with(b".")).then(|| Ipv4Addr::from(octets))
}

fn to_ip(value: &Value<'_>) -> Option<IpAddr> {
    match value {
        Value::Ip(ip) => Some(*ip),
        Value::Int(v) => Some(IpAddr::V4(Ipv4Addr::from(*v as u32))),
        Value::Str(text) => leading_ip(text),
        _ => None,
    }
}

/// The IPv4 address behind an IPv6 one that embeds it (mapped, compatible, 6to4).
#[must_use]
pub fn to_v4(ip: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(ip) = ip else {
        return match ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        };
    };
    let s = ip.segments();
    let low = |a: u16, b: u16| Ipv4Addr::from(u32::from(a) << 16 | u32::from(b));
    if s[..5] == [0; 5] && (s[5] == 0 || s[5] == 0xffff) {
        Some(low(s[6], s[7]))
    } else if s[0] == 0x2002 {
        Some(low(s[1], s[2]))
    } else {
        None
    }
}

/// The IPv6 form of an address.
#[must_use]
pub fn to_v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// Writes an address as text.
pub fn write_ip(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => {
            for (at, octet) in ip.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                write_uint(u64::from(octet), out);
            }
        }
        // Writing to a vector can't fail.
        IpAddr::V6(ip) => drop(write!(out, "{ip}")),
    }
}

/// Writes a decimal number.
pub fn write_uint(mut value: u64, out: &mut Vec<u8>) {
    // Most numbers of a log line are short.
    if value < 10 {
        return out.push(b'0' + value as u8);
    }
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (value % 10) as u8;
        }
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// Writes a signed decimal number.
pub fn write_int(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    write_uint(value.unsigned_abs(), out);
}

/// Writes upper-case hexadecimal digits.
pub fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

fn to_str(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    Some(match value {
        Value::Str(text) => text,
        Value::Method(method, text) => match method.name() {
            Some(name) => Cow::Borrowed(name.as_bytes()),
            None => text,
        },
        Value::Bool(v) => Cow::Borrowed(if v { b"1" } else { b"0" }),
        Value::Int(v) => {
            let mut out = Vec::with_capacity(20);
            write_int(v, &mut out);
            Cow::Owned(out)
        }
        Value::Ip(ip) => {
            let mut out = Vec::with_capacity(40);
            write_ip(ip, &mut out);
            Cow::Owned(out)
        }
        // A binary block read as text ends where a C string would.
        Value::Bin(bytes) => match memchr::memchr(0, &bytes) {
            None => bytes,
            Some(end) => match bytes {
                Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(..end).unwrap_or_default()),
                Cow::Owned(mut bytes) => {
                    bytes.truncate(end);
                    Cow::Owned(bytes)
                }
            },
        },
    })
}

fn to_bin(value: Value<'_>) -> Cow<'_, [u8]> {
    match value {
        Value::Str(text) | Value::Bin(text) => text,
        Value::Method(method, text) => match method.name() {
            Some(name) => Cow::Borrowed(name.as_bytes()),
            None => text,
        },
        Value::Bool(v) => Cow::Owned(i64::from(v).to_be_bytes().to_vec()),
        Value::Int(v) => Cow::Owned(v.to_be_bytes().to_vec()),
        Value::Ip(IpAddr::V4(ip)) => Cow::Owned(ip.octets().to_vec()),
        Value::Ip(IpAddr::V6(ip)) => Cow::Owned(ip.octets().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_fields_wrap_as_recorded() {
        for (text, expected) in [
            ("12abc", 12),
            ("99999999999999999999", 1_661_992_959),
            ("4294967297", 1),
            ("2147483648", -2_147_483_648),
            ("-99999999999999999999", -1_661_992_959),
            ("9223372036854775808", 0),
            ("-1", -1),
            ("+5", -45),
            ("1.5", 85),
            ("1 2", -58),
            ("--5", 25),
            ("-5-5", -475),
            ("1/2", 92),
            ("a5", 0),
        ] {
            assert_eq!(short_int(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn texts_are_cast_to_the_recorded_addresses() {
        for (text, expected) in [
            ("1.2.3.4", Some("1.2.3.4")),
            ("1.2.3.4:80", Some("1.2.3.4")),
            ("1.2.3.4/8", Some("1.2.3.4")),
            ("1.2.3.4 x", Some("1.2.3.4")),
            ("0001.2.3.04", Some("1.2.3.4")),
            ("1.2.3", None),
            ("1.2.3.", None),
            ("1.2.3.256", None),
            ("1.2.3.4.5", None),
            ("1..3.4", None),
            (" 1.2.3.4", None),
            ("::1", Some("::1")),
            ("::1x", None),
            ("[::1]", None),
            ("", None),
        ] {
            let value = Value::Str(Cow::Borrowed(text.as_bytes()));
            let expected = expected.and_then(|ip| ip.parse().ok()).map(Value::Ip);
            assert_eq!(cast(value, Type::Addr), expected, "{text}");
        }
    }

    #[test]
    fn an_empty_text_is_no_number() {
        for to in [Type::Int, Type::Bool] {
            assert_eq!(cast(Value::Str(Cow::Borrowed(b"")), to), None);
        }
    }

    #[test]
    fn texts_are_cast_to_the_recorded_numbers() {
        for (text, expected) in [
            ("+5", 5),
            ("+-5", 0),
            ("-+5", 0),
            ("+", 0),
            (" 5", 0),
            ("1.5", 1),
        ] {
            let value = Value::Str(Cow::Borrowed(text.as_bytes()));
            assert_eq!(cast(value, Type::Int), Some(Value::Int(expected)), "{text}");
        }
    }
}
