//! Host names with ports.

use super::{part, string, text};
use crate::args::Args;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;

/// Where the last colon stands, unless a bracket closes behind it.
fn port_colon(host: &[u8]) -> Option<usize> {
    let at = host.iter().rposition(|b| matches!(b, b':' | b']'))?;
    (host.get(at) == Some(&b':')).then_some(at)
}

fn host_only<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let host = text(value)?;
    let end = port_colon(&host).unwrap_or(host.len());
    let mut host = part(host, 0..end);
    if host.iter().any(u8::is_ascii_uppercase) {
        host.to_mut().make_ascii_lowercase();
    }
    Some(Value::Str(host))
}

/// Every character counts as a digit, modulo 32 bits.
fn port_only<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let host = text(value)?;
    let digits = port_colon(&host).and_then(|at| host.get(at + 1..));
    let port = digits.unwrap_or_default().iter().fold(0u32, |port, &b| {
        port.wrapping_mul(10)
            .wrapping_add(u32::from(b))
            .wrapping_sub(u32::from(b'0'))
    });
    Some(Value::Int(i64::from(port)))
}

fn reverse_dom<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let name = text(value)?;
    let name = name.strip_suffix(b".").unwrap_or(&name);
    let mut out = Vec::with_capacity(name.len());
    for label in name.rsplit(|&b| b == b'.') {
        if label.is_empty() {
            return None;
        }
        if !out.is_empty() {
            out.push(b'.');
        }
        out.extend_from_slice(label);
    }
    string(out)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "host_only",
        Type::Str,
        Type::Str,
        host_only,
        "A host without its port, in lower case.",
    ),
    ConverterRow::new(
        "port_only",
        Type::Str,
        Type::Int,
        port_only,
        "A host's port, or 0.",
    ),
    ConverterRow::new(
        "reverse_dom",
        Type::Str,
        Type::Str,
        reverse_dom,
        "The labels of a host name in reverse order.",
    ),
];
