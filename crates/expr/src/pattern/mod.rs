//! Patterns: lists of values that samples are matched against, and maps from such values to results.
//!
//! A [`PatternSet`] is a list of patterns, compiled for the methods by which it is looked into. What all expressions that
//! name a file share is its [`PatternRef`], whose contents can change at run time, in versions; a [`PatternCell`] is a list
//! as one expression looks into it.

mod contains;
mod entries;
mod exact;
mod form;
mod list;
mod set;
mod store;
mod texts;
mod trie;

pub use entries::Entry;
pub use list::{PatternCell, PatternRef, VersionError, freed};
pub use set::{Found, PatternSet};
pub use store::{FileName, PatternStore};
pub(crate) use texts::parse_block;

use crate::sample::Type;

/// How a sample is matched (`-m`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// The sample is there.
    Found,
    /// The sample is true.
    Bool,
    /// Integer comparison, ranges and operators.
    Int,
    /// Address in a network.
    Ip,
    /// Equal to a block given in hexadecimal.
    Bin,
    /// Length comparison.
    Len,
    /// Equal text.
    Str,
    /// Begins with.
    Beg,
    /// Contains.
    Sub,
    /// A part between slashes is equal.
    Dir,
    /// A part between dots is equal.
    Dom,
    /// Ends with.
    End,
    /// Regular expression.
    Reg,
}

impl Method {
    /// The method named after `-m`.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "found" => Self::Found,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "ip" => Self::Ip,
            "bin" => Self::Bin,
            "len" => Self::Len,
            "str" => Self::Str,
            "beg" => Self::Beg,
            "sub" => Self::Sub,
            "dir" => Self::Dir,
            "dom" => Self::Dom,
            "end" => Self::End,
            "reg" => Self::Reg,
            _ => return None,
        })
    }

    /// The name after `-m`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Ip => "ip",
            Self::Bin => "bin",
            Self::Len => "len",
            Self::Str => "str",
            Self::Beg => "beg",
            Self::Sub => "sub",
            Self::Dir => "dir",
            Self::Dom => "dom",
            Self::End => "end",
            Self::Reg => "reg",
        }
    }

    /// The type a sample is cast to before it is matched.
    #[must_use]
    pub fn sample_type(self) -> Type {
        match self {
            Self::Found => Type::Any,
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Ip => Type::Addr,
            Self::Bin => Type::Bin,
            _ => Type::Str,
        }
    }

    /// The method that conditions use for samples of a type when none is named.
    #[must_use]
    pub fn default_for(kind: Type) -> Option<Self> {
        Some(match kind {
            Type::Bool => Self::Bool,
            Type::Int => Self::Int,
            Type::Addr | Type::Ipv4 | Type::Ipv6 => Self::Ip,
            Type::Str => Self::Str,
            Type::Any | Type::Same | Type::Bin | Type::Method => return None,
        })
    }

    /// Whether the method looks at patterns at all.
    #[must_use]
    pub fn takes_patterns(self) -> bool {
        !matches!(self, Self::Found | Self::Bool)
    }
}
