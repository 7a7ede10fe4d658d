//! Samples as keys of stick tables, and entries as samples.

use crate::cast;
use crate::sample::{Type, Value};
use ::stick::{Key, KeyKind};
use std::borrow::Cow;
use std::net::IpAddr;

/// The type of sample that makes a key of this kind.
#[must_use]
pub fn key_type(kind: KeyKind) -> Type {
    match kind {
        KeyKind::Ipv4 => Type::Ipv4,
        KeyKind::Ipv6 => Type::Ipv6,
        KeyKind::Integer => Type::Int,
        KeyKind::String(_) => Type::Str,
        KeyKind::Binary(_) => Type::Bin,
    }
}

/// Whether samples of a type may be keys of this kind.
#[must_use]
pub fn accepts(output: Type, kind: KeyKind) -> bool {
    cast::exists(output, key_type(kind))
}

/// A sample as a key of this kind; `None` when it can't be one.
#[must_use]
pub fn key(value: Value<'_>, kind: KeyKind) -> Option<Key<'_>> {
    Some(match (cast::cast(value, key_type(kind))?, kind) {
        (Value::Ip(IpAddr::V4(ip)), KeyKind::Ipv4) => Key::Ipv4(ip),
        (Value::Ip(IpAddr::V6(ip)), KeyKind::Ipv6) => Key::Ipv6(ip),
        // The lower half stands for the number, as 32 bits hold it.
        (Value::Int(number), KeyKind::Integer) => Key::Integer(number as u32),
        (Value::Str(text), KeyKind::String(len)) => Key::string(text, len),
        (Value::Bin(block), KeyKind::Binary(len)) => Key::binary(block, len),
        _ => return None,
    })
}

/// A key as a sample.
#[must_use]
pub fn value(key: Key<'static>) -> Value<'static> {
    match key {
        Key::Ipv4(ip) => Value::Ip(IpAddr::V4(ip)),
        Key::Ipv6(ip) => Value::Ip(IpAddr::V6(ip)),
        Key::Integer(number) => Value::Int(number.into()),
        Key::String(text) => Value::Str(Cow::Owned(text.into_owned())),
        Key::Binary(block) => Value::Bin(Cow::Owned(block.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &'static str) -> Value<'static> {
        Value::Str(Cow::Borrowed(text.as_bytes()))
    }

    #[test]
    fn samples_become_keys_as_recorded() {
        let shown = |value, kind| key(value, kind).map(|key| key.to_string());
        for (value, kind, expected) in [
            (text("abc"), KeyKind::String(5), Some("abc")),
            (text("77777777777"), KeyKind::String(5), Some("77777")),
            (text("77777777777"), KeyKind::Integer, Some("468366449")),
            (text("5x"), KeyKind::Integer, Some("5")),
            (text("abc"), KeyKind::Integer, Some("0")),
            (text("5x"), KeyKind::Binary(4), Some("35780000")),
            (text("1.2.3.4"), KeyKind::Ipv6, Some("::ffff:1.2.3.4")),
            (text("x"), KeyKind::Ipv4, None),
            (Value::Int(-1), KeyKind::Integer, Some("4294967295")),
        ] {
            assert_eq!(shown(value, kind).as_deref(), expected, "{kind:?}");
        }
        assert!(!accepts(Type::Bool, KeyKind::Ipv4) && accepts(Type::Int, KeyKind::Ipv4));
    }
}
