//! What other processes have counted, kept apart from what this one has, so that figures add up (`aggregate`).

use crate::data::DataType;
use crate::table::Table;
use parking_lot::RwLock;
use std::sync::Arc;

/// The most processes whose figures are kept.
const MOST: usize = 64;

/// A table for each other process.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    tables: RwLock<Vec<(Arc<str>, Arc<Table>)>>,
}

impl Parts {
    /// What the others have counted under a key that an entry keeps in these words.
    pub(crate) fn sum(&self, key: &[u32], now: u32, kind: DataType, element: usize) -> u64 {
        let tables = self.tables.read();
        let figures = tables
            .iter()
            .filter_map(|(_, table)| table.own_figure(key, now, kind, element));
        figures.fold(0, u64::saturating_add)
    }

    /// Whether another process knows a key.
    pub(crate) fn knows(&self, key: &[u32], now: u32) -> bool {
        let tables = self.tables.read();
        tables.iter().any(|(_, table)| table.has(key, now))
    }

    /// The table of a process, made if need be; `None` when there are too many.
    pub(crate) fn of(&self, name: &str, make: impl FnOnce() -> Table) -> Option<Arc<Table>> {
        let known = |tables: &[(Arc<str>, Arc<Table>)]| {
            let mut tables = tables.iter();
            tables
                .find(|(other, _)| **other == *name)
                .map(|(_, table)| table.clone())
        };
        if let Some(table) = known(&self.tables.read()) {
            return Some(table);
        }
        let mut tables = self.tables.write();
        if let Some(table) = known(&tables) {
            return Some(table);
        }
        if tables.len() >= MOST {
            return None;
        }
        let table = Arc::new(make());
        tables.push((name.into(), table.clone()));
        Some(table)
    }

    /// Calls `each` with the tables.
    pub(crate) fn each(&self, mut each: impl FnMut(&Table)) {
        self.tables.read().iter().for_each(|(_, table)| each(table));
    }
}
