//! The `Forwarded` header (RFC 7239).

use super::{number, part, string, text};
use crate::args::Args;
use crate::args::spec::STR;
use crate::cast;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

/// Where the values of the parameters stand, without their quotes.
#[derive(Default)]
struct Element {
    parameters: [Option<Range<usize>>; 4],
}

const NAMES: [&[u8]; 4] = [b"proto", b"host", b"for", b"by"];

fn is_obfuscated_char(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// How long the obfuscated identifier at the start of a text is (section 6.3).
fn obfuscated(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"_")?;
    let length = rest.iter().take_while(|b| is_obfuscated_char(b)).count();
    (length > 0).then_some(length + 1)
}

/// An IPv6 address without an IPv4 one at its end.
fn plain_v6(text: &[u8]) -> Option<IpAddr> {
    let ip = cast::parse_ip(text)?;
    (ip.is_ipv6() && !text.contains(&b'.')).then_some(ip)
}

enum Name {
    Unknown,
    Address(IpAddr),
    Obfuscated,
}

enum Port {
    Number(u16),
    Obfuscated,
}

/// The node at the start of a text (section 6): its name, where that ends, its port, and where all ends.
struct Node {
    name: Name,
    name_end: usize,
    port: Option<Port>,
    end: usize,
}

fn node(text: &[u8]) -> Option<Node> {
    let (name, name_end) = if text.starts_with(b"unknown") {
        (Name::Unknown, 7)
    } else if let Some(length) = obfuscated(text) {
        (Name::Obfuscated, length)
    } else if text.first() == Some(&b'[') {
        let close = memchr::memchr(b']', text)?;
        let ip = plain_v6(text.get(1..close)?)?;
        (Name::Address(ip), close + 1)
    } else {
        let end = text
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        let ip = cast::parse_ip(text.get(..end)?).filter(IpAddr::is_ipv4)?;
        (Name::Address(ip), end)
    };
    let mut node = Node {
        name,
        name_end,
        port: None,
        end: name_end,
    };
    if let Some(rest) = text.get(name_end..)?.strip_prefix(b":") {
        let (port, length) = match obfuscated(rest) {
            Some(length) => (Port::Obfuscated, length),
            None => {
                let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                let digits = std::str::from_utf8(rest.get(..length)?).ok()?;
                (
                    Port::Number(digits.parse().ok().filter(|p| *p > 0)?),
                    length,
                )
            }
        };
        node.port = Some(port);
        node.end = name_end + 1 + length;
    }
    Some(node)
}

fn is_host_label(text: &[u8]) -> bool {
    text.iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && !matches!(text.first(), Some(b'-'))
}

/// A host with an optional port (RFC 9110, section 7.2).
fn is_host(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|b| matches!(b, b':' | b']')) {
        Some(at) if text.get(at) == Some(&b':') => {
            (text.get(..at).unwrap_or_default(), text.get(at + 1..))
        }
        _ => (text, None),
    };
    let port_fits = port.is_none_or(|port| {
        let digits = std::str::from_utf8(port).ok();
        !port.is_empty()
            && port.iter().all(u8::is_ascii_digit)
            && digits.is_some_and(|d| d.parse().is_ok_and(|p: u16| p > 0))
    });
    let host_fits = match host.strip_prefix(b"[") {
        Some(rest) => rest
            .strip_suffix(b"]")
            .is_some_and(|ip| plain_v6(ip).is_some()),
        None => is_host_label(host),
    };
    port_fits && host_fits
}

/// Whether a value may stand without quotes: colons and brackets may not (RFC 9110, section 5.6.2).
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|b| matches!(b, b':' | b'[' | b']'))
}

/// Reads one element with nothing around it.
fn parse(text: &[u8]) -> Option<Element> {
    let mut element = Element::default();
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let equals = memchr::memchr(b'=', rest)?;
        let which = NAMES.iter().position(|name| *name == &rest[..equals])?;
        let start = at + equals + 1;
        let rest = text.get(start..)?;
        let (range, end) = if rest.first() == Some(&b'"') {
            let close = memchr::memchr(b'"', rest.get(1..)?)?;
            (start + 1..start + 1 + close, start + close + 2)
        } else {
            let end = start + memchr::memchr(b';', rest).unwrap_or(rest.len());
            (start..end, end)
        };
        let value = text.get(range.clone())?;
        let quoted = range.start > start;
        let fits = match which {
            0 => !quoted && matches!(value, b"http" | b"https"),
            1 => (quoted || is_token(value)) && is_host(value),
            _ => (quoted || is_token(value)) && node(value).is_some_and(|n| n.end == value.len()),
        };
        let slot = element.parameters.get_mut(which)?;
        if !fits || slot.replace(range).is_some() {
            return None;
        }
        match text.get(end) {
            None => return Some(element),
            Some(b';') => at = end + 1,
            Some(_) => return None,
        }
    }
}

fn is_valid<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    Some(Value::Bool(parse(&text(value)?).is_some()))
}

fn field<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let wanted = args.str(0)?;
    let which = NAMES.iter().position(|name| *name == wanted)?;
    let element = parse(&text)?;
    let range = element.parameters.into_iter().nth(which)??;
    Some(Value::Str(part(text, range)))
}

fn n2nn<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let node = node(&text)?;
    Some(match node.name {
        Name::Address(ip) => Value::Ip(ip),
        Name::Unknown | Name::Obfuscated => Value::Str(part(text, 0..node.name_end)),
    })
}

fn n2np<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let node = node(&text)?;
    Some(match node.port? {
        Port::Number(port) => Value::Int(i64::from(port)),
        Port::Obfuscated => Value::Str(part(text, node.name_end + 1..node.end)),
    })
}

/// A text as an obfuscated identifier.
fn obfuscate<'a>(value: Value<'a>) -> Option<Value<'a>> {
    let text = text(cast::cast(value, Type::Str)?)?;
    if text.is_empty() || !text.iter().all(is_obfuscated_char) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() + 1);
    out.push(b'_');
    out.extend_from_slice(&text);
    string(out)
}

fn nn<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    match value {
        Value::Ip(ip) => {
            let mut out = Vec::with_capacity(48);
            if ip.is_ipv6() {
                out.push(b'[');
            }
            cast::write_ip(ip, &mut out);
            if ip.is_ipv6() {
                out.push(b']');
            }
            string(out)
        }
        Value::Str(text) if text.is_empty() => Some(Value::Str(Cow::Borrowed(b"unknown"))),
        other => obfuscate(other),
    }
}

fn np<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    if let Some(port) = number(&value) {
        let mut out = Vec::with_capacity(10);
        cast::write_uint(u64::from(port as u32), &mut out);
        return string(out);
    }
    obfuscate(value)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "rfc7239_is_valid",
        Type::Str,
        Type::Bool,
        is_valid,
        "Whether a Forwarded header is valid.",
    ),
    ConverterRow::new(
        "rfc7239_field",
        Type::Str,
        Type::Str,
        field,
        "A parameter of a Forwarded header.",
    )
    .args(&[STR]),
    ConverterRow::new(
        "rfc7239_n2nn",
        Type::Str,
        Type::Any,
        n2nn,
        "The name of a node.",
    ),
    ConverterRow::new(
        "rfc7239_n2np",
        Type::Str,
        Type::Any,
        n2np,
        "The port of a node.",
    ),
    ConverterRow::new("rfc7239_nn", Type::Any, Type::Str, nn, "A node name."),
    ConverterRow::new("rfc7239_np", Type::Any, Type::Str, np, "A node port."),
];
