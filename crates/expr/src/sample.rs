//! Samples: what a fetch yields and converters change.

use message::Method;
use std::borrow::Cow;
use std::net::IpAddr;

/// The type of a sample, as the keyword tables and `-dK` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// Any of the others; only in the declarations of rows.
    Any,
    /// Boolean.
    Bool,
    /// Signed 64-bit integer.
    Int,
    /// IPv4 or IPv6 address; only in the declarations of rows.
    Addr,
    /// IPv4 address.
    Ipv4,
    /// IPv6 address.
    Ipv6,
    /// Character string.
    Str,
    /// Binary block.
    Bin,
    /// HTTP method.
    Method,
    /// What came in, unchanged; only as the output of a converter's row.
    Same,
}

impl Type {
    /// The name used by the keyword dump (`-dK`) and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Bool => "bool",
            Self::Int => "sint",
            Self::Addr => "addr",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Str => "str",
            Self::Bin => "bin",
            Self::Method => "meth",
            Self::Same => "same",
        }
    }
}

/// A sample's value. Text is borrowed from the message where that is possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Boolean.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Address.
    Ip(IpAddr),
    /// Character string.
    Str(Cow<'a, [u8]>),
    /// Binary block.
    Bin(Cow<'a, [u8]>),
    /// HTTP method, with its text when it is not a well-known one.
    Method(Method, Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The type of this value.
    #[must_use]
    pub fn kind(&self) -> Type {
        match self {
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Ip(IpAddr::V4(_)) => Type::Ipv4,
            Self::Ip(IpAddr::V6(_)) => Type::Ipv6,
            Self::Str(_) => Type::Str,
            Self::Bin(_) => Type::Bin,
            Self::Method(..) => Type::Method,
        }
    }

    /// The same value without a borrow.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Bool(v) => Value::Bool(v),
            Self::Int(v) => Value::Int(v),
            Self::Ip(v) => Value::Ip(v),
            Self::Str(v) => Value::Str(Cow::Owned(v.into_owned())),
            Self::Bin(v) => Value::Bin(Cow::Owned(v.into_owned())),
            Self::Method(m, v) => Value::Method(m, Cow::Owned(v.into_owned())),
        }
    }
}

/// What evaluating an expression came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// A sample.
    Found(Value<'a>),
    /// Nothing there, and nothing more will come.
    Missing,
    /// A sample that more data may still change. A value like any other, but a condition that it does not satisfy is
    /// not settled before the data is complete.
    Tentative(Value<'a>),
    /// Not decidable yet: more data may change it. Content rules wait for it as long as their inspect delay lasts.
    NotYet,
}

impl<'a> Outcome<'a> {
    /// The sample, whether it may still change or not.
    #[must_use]
    pub fn value(self) -> Option<Value<'a>> {
        match self {
            Self::Found(value) | Self::Tentative(value) => Some(value),
            Self::Missing | Self::NotYet => None,
        }
    }

    /// Whether more data would change nothing.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Found(_) | Self::Missing)
    }

    /// A sample when there is one, else nothing.
    #[must_use]
    pub fn of(value: Option<Value<'a>>) -> Self {
        value.map_or(Self::Missing, Self::Found)
    }
}
