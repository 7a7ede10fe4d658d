//! Statistics: the rows of `show stat` from the counters of proxies and servers.

pub mod columns;
pub mod list;
pub mod rows;
pub mod schema;
pub mod server;
pub mod value;
pub mod write;

use columns::{COLUMNS, COMMON, place};
use value::Value;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A frontend.
    Frontend,
    /// A backend.
    Backend,
    /// A server.
    Server,
    /// A listening address.
    Listener,
}

impl Subject {
    /// The number in the column `type`.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Frontend => 0,
            Self::Backend => 1,
            Self::Server => 2,
            Self::Listener => 3,
        }
    }

    /// The bit in the type mask of `show stat`.
    #[must_use]
    pub fn bit(self) -> u32 {
        1 << self.number()
    }

    /// The letter of typed output.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Frontend => 'F',
            Self::Backend => 'B',
            Self::Server => 'S',
            Self::Listener => 'L',
        }
    }

    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Frontend => "Frontend",
            Self::Backend => "Backend",
            Self::Server => "Server",
            Self::Listener => "Listener",
        }
    }
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is about.
    pub subject: Subject,
    /// The proxy's and, for servers, the server's number.
    pub ids: (u32, u32),
    /// Its cells, in the order of [`COLUMNS`].
    pub cells: Vec<Option<Value>>,
}

impl Row {
    pub(crate) fn new(subject: Subject, ids: (u32, u32)) -> Self {
        Self {
            subject,
            ids,
            cells: vec![None; COLUMNS.len()],
        }
    }

    fn set(&mut self, column: &str, value: Value) {
        let cell = place(column).and_then(|at| self.cells.get_mut(at));
        debug_assert!(cell.is_some(), "no column {column}");
        if let Some(cell) = cell {
            *cell = Some(value);
        }
    }

    /// Fills the columns of protocols other than TLS with zeros, for those that nothing happens in.
    fn no_events(&mut self) {
        for (cell, column) in self.cells.iter_mut().zip(&COLUMNS).skip(COMMON) {
            if !column.name.starts_with("ssl_") {
                *cell = Some(Value::U64(0));
            }
        }
    }

    /// A cell by its column's name.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.cells.get(place(column)?)?.as_ref()
    }

    pub(crate) fn u32(&mut self, column: &str, value: u32) {
        self.set(column, Value::U32(value));
    }

    fn u64(&mut self, column: &str, value: u64) {
        self.set(column, Value::U64(value));
    }

    pub(crate) fn text(&mut self, column: &str, value: impl Into<String>) {
        self.set(column, Value::Str(value.into()));
    }
}
