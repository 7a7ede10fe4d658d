//! Limits for the bytes that streams pass on (`filter bwlim-in`, `filter bwlim-out`; configuration manual, section 9.7).

use expr::Expr;
use std::sync::{Arc, OnceLock};
use stick::DataType;

/// One limit, which `set-bandwidth-limit` rules put on streams.
#[derive(Debug)]
pub struct Limiter {
    /// Its name, which rules use.
    pub name: Arc<str>,
    /// Whether it holds what goes to clients (`bwlim-out`) instead of what comes from them.
    pub outgoing: bool,
    /// The least that is passed on at a time, in bytes, unless there is no more.
    pub least: u32,
    /// Bytes per period; what a rule says goes before it.
    pub limit: u32,
    /// Who shares it.
    pub scope: Scope,
}

/// Who shares a limit.
#[derive(Debug)]
pub enum Scope {
    /// Each stream has its own; the period in milliseconds, what a rule says going before it.
    Stream(u64),
    /// All streams with the same key in a stick table, whose byte rates say the period.
    Shared(Shared),
}

/// A limit over the entries of a stick table.
#[derive(Debug)]
pub struct Shared {
    /// What tells the entries apart.
    pub key: Arc<Expr>,
    /// The table as named.
    pub table_name: Arc<str>,
    /// The table's place, once everything has been read.
    pub table: OnceLock<u32>,
}

impl Limiter {
    /// The rate in stick tables that a shared limit counts in.
    #[must_use]
    pub fn counter(&self) -> DataType {
        match self.outgoing {
            true => DataType::BytesOutRate,
            false => DataType::BytesInRate,
        }
    }

    /// Whether streams share it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.scope, Scope::Shared(_))
    }
}
