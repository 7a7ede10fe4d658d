//! Typed arguments of fetches and converters.

use crate::context::ReferenceSlot;
use crate::regex::Regex;
use crate::vars::VarId;
use std::any::Any;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// The type of an argument in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArgKind {
    /// Signed integer.
    Int,
    /// Text.
    Str,
    /// Duration; without a unit in milliseconds.
    Time,
    /// Size in bytes with `k`, `m` or `g`.
    Size,
    /// IPv4 address.
    Ipv4,
    /// IPv4 mask, as an address or a number of bits.
    Mask4,
    /// IPv6 address.
    Ipv6,
    /// IPv6 mask, as an address or a number of bits.
    Mask6,
    /// Name of a frontend; the proxy at hand when empty.
    Frontend,
    /// Name of a backend; the proxy at hand when empty.
    Backend,
    /// Name of a server, or `backend/server`.
    Server,
    /// Name of a stick table; the proxy's own when empty.
    Table,
    /// Name of a user list.
    UserList,
    /// Regular expression.
    Regex,
    /// Protocol buffers field number, with dots between levels.
    ProtobufField,
}

impl ArgKind {
    /// The name used by the keyword dump and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "integer",
            Self::Str => "string",
            Self::Time => "delay",
            Self::Size => "size",
            Self::Ipv4 => "IPv4 address",
            Self::Mask4 => "IPv4 mask",
            Self::Ipv6 => "IPv6 address",
            Self::Mask6 => "IPv6 mask",
            Self::Frontend => "frontend",
            Self::Backend => "backend",
            Self::Server => "server",
            Self::Table => "table",
            Self::UserList => "user list",
            Self::Regex => "regex",
            Self::ProtobufField => "Protocol buffers field number",
        }
    }
}

/// One argument's declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgSpec {
    /// Its type.
    pub kind: ArgKind,
    /// Whether it may be left out.
    pub optional: bool,
}

impl ArgSpec {
    /// An argument that must be given.
    #[must_use]
    pub const fn required(kind: ArgKind) -> Self {
        Self {
            kind,
            optional: false,
        }
    }

    /// An argument that may be left out.
    #[must_use]
    pub const fn optional(kind: ArgKind) -> Self {
        Self {
            kind,
            optional: true,
        }
    }
}

/// Short names for argument declarations in rows.
pub mod spec {
    use super::{ArgKind, ArgSpec};
    /// Required integer.
    pub const INT: ArgSpec = ArgSpec::required(ArgKind::Int);
    /// Optional integer.
    pub const OPT_INT: ArgSpec = ArgSpec::optional(ArgKind::Int);
    /// Required text.
    pub const STR: ArgSpec = ArgSpec::required(ArgKind::Str);
    /// Optional text.
    pub const OPT_STR: ArgSpec = ArgSpec::optional(ArgKind::Str);
    /// Required regular expression.
    pub const REGEX: ArgSpec = ArgSpec::required(ArgKind::Regex);
    /// Required table.
    pub const TABLE: ArgSpec = ArgSpec::required(ArgKind::Table);
    /// Optional table.
    pub const OPT_TABLE: ArgSpec = ArgSpec::optional(ArgKind::Table);
    /// Required backend.
    pub const BACKEND: ArgSpec = ArgSpec::required(ArgKind::Backend);
    /// Required frontend.
    pub const FRONTEND: ArgSpec = ArgSpec::required(ArgKind::Frontend);
    /// Required server.
    pub const SERVER: ArgSpec = ArgSpec::required(ArgKind::Server);
    /// Required user list.
    pub const USER_LIST: ArgSpec = ArgSpec::required(ArgKind::UserList);
}

/// One argument's value.
#[derive(Debug, Clone)]
pub enum Arg {
    /// Left out in the middle of a list.
    Empty,
    /// Integer, duration in milliseconds, or size in bytes.
    Int(i64),
    /// Text.
    Str(Box<[u8]>),
    /// IPv4 address or mask.
    Ipv4(Ipv4Addr),
    /// IPv6 address or mask.
    Ipv6(Ipv6Addr),
    /// Regular expression.
    Regex(Arc<Regex>),
    /// A variable; set by a row's check.
    Var(VarId),
    /// A proxy, server, table or user list, known once the whole configuration has been read.
    Reference(Arc<ReferenceSlot>),
    /// Protocol buffers field path.
    FieldPath(Box<[u64]>),
}

/// The arguments of one fetch or converter, and what its check made of them.
#[derive(Debug, Default)]
pub struct Args {
    values: Vec<Arg>,
    data: Option<Box<dyn Any + Send + Sync>>,
}

impl Args {
    /// The given values.
    #[must_use]
    pub fn new(values: Vec<Arg>) -> Self {
        Self { values, data: None }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The argument at `at`.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&Arg> {
        self.values.get(at).filter(|a| !matches!(a, Arg::Empty))
    }

    /// Whether an argument was given at `at`.
    #[must_use]
    pub fn has(&self, at: usize) -> bool {
        self.get(at).is_some()
    }

    /// The integer, duration or size at `at`.
    #[must_use]
    pub fn int(&self, at: usize) -> Option<i64> {
        match self.get(at) {
            Some(Arg::Int(v)) => Some(*v),
            _ => None,
        }
    }

    /// The text at `at`.
    #[must_use]
    pub fn str(&self, at: usize) -> Option<&[u8]> {
        match self.get(at) {
            Some(Arg::Str(v)) => Some(v),
            _ => None,
        }
    }

    /// The text at `at`, as UTF-8 with replacement characters; for checks.
    #[must_use]
    pub fn text(&self, at: usize) -> Option<String> {
        self.str(at)
            .map(|s| String::from_utf8_lossy(s).into_owned())
    }

    /// The variable at `at`.
    #[must_use]
    pub fn var(&self, at: usize) -> Option<VarId> {
        match self.get(at) {
            Some(Arg::Var(v)) => Some(*v),
            _ => None,
        }
    }

    /// The regular expression at `at`.
    #[must_use]
    pub fn regex(&self, at: usize) -> Option<&Regex> {
        match self.get(at) {
            Some(Arg::Regex(v)) => Some(v),
            _ => None,
        }
    }

    /// The reference at `at`.
    #[must_use]
    pub fn reference(&self, at: usize) -> Option<&ReferenceSlot> {
        match self.get(at) {
            Some(Arg::Reference(v)) => Some(v),
            _ => None,
        }
    }

    /// Replaces the argument at `at`, or adds it at the end; for checks.
    pub fn set(&mut self, at: usize, value: Arg) {
        while self.values.len() <= at {
            self.values.push(Arg::Empty);
        }
        if let Some(slot) = self.values.get_mut(at) {
            *slot = value;
        }
    }

    /// Keeps what a check prepared (a compiled table, a decoded key …) for the function.
    pub fn set_data<T: Any + Send + Sync>(&mut self, data: T) {
        self.data = Some(Box::new(data));
    }

    /// What the check prepared.
    #[must_use]
    pub fn data<T: Any>(&self) -> Option<&T> {
        self.data.as_deref().and_then(|d| d.downcast_ref())
    }
}
