//! Directive rows and the tables they stand in.

use super::Parser;
use super::statement::{Parsed, Statement};

/// In which sections a directive is valid; a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valid(u8);

impl Valid {
    /// `frontend` and the front half of `listen`.
    pub const FE: Self = Self(1);
    /// `backend` and the back half of `listen`.
    pub const BE: Self = Self(2);
    /// `defaults`.
    pub const DEF: Self = Self(4);
    /// Everywhere.
    pub const ALL: Self = Self(7);
    /// Frontends and defaults.
    pub const FE_DEF: Self = Self(5);
    /// Backends and defaults.
    pub const BE_DEF: Self = Self(6);
    /// Frontends and backends, not defaults.
    pub const FE_BE: Self = Self(3);

    /// Whether the sets share a section.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// One directive: a keyword of a section.
pub struct Row {
    /// The keyword.
    pub name: &'static str,
    /// Where it is valid.
    pub valid: Valid,
    /// The least and the largest number of arguments; `usize::MAX` for any.
    pub args: (usize, usize),
    /// One line of documentation.
    pub doc: &'static str,
    /// Reads the line into the section that is open.
    pub read: Read,
}

/// What reads a line into the section that is open.
pub type Read = fn(&mut Parser<'_>, Statement<'_>) -> Parsed;

impl Row {
    /// A row that is valid everywhere and takes up to one argument.
    #[must_use]
    pub const fn new(name: &'static str, doc: &'static str, read: Read) -> Self {
        Self {
            name,
            valid: Valid::ALL,
            args: (0, 1),
            doc,
            read,
        }
    }

    /// The row with so many arguments, at the least and at the most; see [`ANY`].
    #[must_use]
    pub const fn args(mut self, least: usize, most: usize) -> Self {
        self.args = (least, most);
        self
    }
}

/// Any number of arguments.
pub const ANY: usize = usize::MAX;

/// Finds a row by its keyword.
#[must_use]
pub fn find<'t>(tables: &'t [&'t [Row]], name: &str) -> Option<&'t Row> {
    tables
        .iter()
        .flat_map(|rows| rows.iter())
        .find(|row| row.name == name)
}
