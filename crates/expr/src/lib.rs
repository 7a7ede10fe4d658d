//! Samples, fetches, converters, ACLs, patterns, variables and log formats.
#![forbid(unsafe_code)]

pub mod acl;
mod arglist;
pub mod args;
pub mod cast;
pub mod condition;
pub mod context;
pub mod converters;
pub mod entries;
pub mod expr;
pub mod fetches;
pub mod logformat;
pub mod pattern;
pub mod phases;
pub mod regex;
pub mod row;
pub mod sample;
pub mod stick;
mod suggest;
pub mod tables;
pub mod vars;
pub mod view;

pub use acl::{Acl, AclExpr, AclSet};
pub use args::{Arg, ArgKind, ArgSpec, Args};
pub use condition::{Condition, Match};
pub use context::{Compiler, GroupTest, ParseContext, Reference, Target};
pub use expr::{Expr, Verdict};
pub use fetches::basic_credentials;
pub use logformat::LogFormat;
pub use phases::Phases;
pub use row::{AclRow, Awaiting, ConverterRow, FetchRow, Tables};
pub use sample::{Outcome, Type, Value};
pub use vars::{Requirement, Scope, VarId, VarNames};
pub use view::View;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod testview;
