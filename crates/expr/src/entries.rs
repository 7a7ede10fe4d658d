//! What fetches and converters do with entries of stick tables (configuration manual, sections 7.3.1 and 7.3.3).

use crate::args::Args;
use crate::context::Target;
use crate::sample::Value;
use crate::view::View;
use ::stick::{DataType, Entry, EntryMut, Key, KeyKind, Layout, Table, Tracked};
use std::sync::Arc;

/// The table that an argument names.
pub(crate) fn table<'v>(args: &Args, at: usize, view: &'v dyn View) -> Option<&'v Arc<Table>> {
    match args.reference(at)?.get()? {
        Target::Table(place) => view.process().table(*place),
        _ => None,
    }
}

/// Where a value is looked for.
pub(crate) enum Place<'a> {
    /// In the entry that a counter tracks.
    Tracked(&'a Tracked),
    /// In the entry of a tracked key in another table, which is not made.
    Other(&'a Arc<Table>, Key<'static>),
    /// In the entry of a key, which is made where something is counted.
    Key(&'a Arc<Table>, Key<'a>),
}

impl<'a> Place<'a> {
    /// What the counter `number` tracks, in the table of the argument at `table_at` if that is given.
    pub(crate) fn counter(
        args: &Args,
        number: usize,
        table_at: usize,
        view: &'a dyn View,
    ) -> Option<Self> {
        let tracked = view.tracked(number)?;
        if !args.has(table_at) {
            return Some(Self::Tracked(tracked));
        }
        Some(Self::Other(table(args, table_at, view)?, tracked.key()))
    }

    /// The client's address in the table of the argument at `table_at`, which has to be one of addresses.
    pub(crate) fn source(args: &Args, table_at: usize, view: &'a dyn View) -> Option<Self> {
        let table = table(args, table_at, view)?;
        let ip = view.client()?.src?.ip()?;
        match table.config().kind {
            kind @ (KeyKind::Ipv4 | KeyKind::Ipv6) => {
                Some(Self::Key(table, crate::stick::key(Value::Ip(ip), kind)?))
            }
            _ => None,
        }
    }

    /// A sample in the table of the argument at `table_at`.
    pub(crate) fn sample(
        args: &Args,
        table_at: usize,
        value: Value<'a>,
        view: &'a dyn View,
    ) -> Option<Self> {
        let table = table(args, table_at, view)?;
        Some(Self::Key(
            table,
            crate::stick::key(value, table.config().kind)?,
        ))
    }

    fn layout(&self) -> &Layout {
        match self {
            Self::Tracked(tracked) => &tracked.table().config().layout,
            Self::Other(table, _) | Self::Key(table, _) => &table.config().layout,
        }
    }

    /// Reads the entry; `None` when there is none.
    pub(crate) fn read<R>(&self, view: &dyn View, read: impl FnOnce(&Entry<'_>) -> R) -> Option<R> {
        let now = view.process().uptime_ms();
        match self {
            Self::Tracked(tracked) => tracked.read(now, read),
            Self::Other(table, key) => table.read(key, now, read),
            Self::Key(table, key) => table.read(key, now, read),
        }
    }

    fn update<R>(&self, view: &dyn View, change: impl FnOnce(&mut EntryMut<'_>) -> R) -> Option<R> {
        let now = view.process().uptime_ms();
        match self {
            Self::Tracked(tracked) => tracked.update(now, change),
            Self::Other(table, key) => table.change(key, now, change),
            Self::Key(table, key) => table.update(key, now, change),
        }
    }

    /// A number of the entry: 0 when there is no entry, `None` when the table does not store it.
    pub(crate) fn get(&self, view: &dyn View, kind: DataType, element: usize) -> Option<i64> {
        let (kind, element) = stored_as(self.layout(), kind, element);
        match self.read(view, |entry| entry.get(kind, element)) {
            None => Some(0),
            Some(value) => Some(number(value?)),
        }
    }

    /// Counts one in a general purpose counter and in its rate, and answers with the new count.
    pub(crate) fn increment(&self, view: &dyn View, gpc: Gpc) -> Option<i64> {
        let layout = self.layout();
        let (count, element) = stored_as(layout, gpc.count, gpc.element);
        let (rate, rate_element) = stored_as(layout, gpc.rate, gpc.element);
        let counted = self.update(view, |entry| {
            let rated = entry.add(rate, rate_element, 1);
            match entry.add(count, element, 1) {
                true => entry.get(count, element),
                false if rated => entry.get(rate, rate_element),
                false => Some(0),
            }
        });
        counted.flatten().map(number)
    }

    /// Sets a general purpose counter to 0 and answers with what it was.
    pub(crate) fn clear(&self, view: &dyn View, gpc: Gpc) -> Option<i64> {
        let (count, element) = stored_as(self.layout(), gpc.count, gpc.element);
        let before = self.update(view, |entry| {
            let before = entry.get(count, element);
            entry.set(count, element, 0);
            before
        });
        before.flatten().map(number)
    }

    /// Counts one in a counter and answers with the new count.
    pub(crate) fn count(&self, view: &dyn View, kind: DataType) -> Option<i64> {
        let count = self.update(view, |entry| {
            entry.add(kind, 0, 1);
            entry.get(kind, 0)
        });
        count.flatten().map(number)
    }
}

/// A general purpose counter with its rate.
#[derive(Debug, Clone, Copy)]
pub struct Gpc {
    count: DataType,
    rate: DataType,
    element: usize,
}

impl Gpc {
    /// `gpc0`, or the first of an array.
    pub const FIRST: Self = Self {
        count: DataType::Gpc0,
        rate: DataType::Gpc0Rate,
        element: 0,
    };
    /// `gpc1`, or the second of an array.
    pub const SECOND: Self = Self {
        count: DataType::Gpc1,
        rate: DataType::Gpc1Rate,
        element: 0,
    };

    /// One of an array.
    #[must_use]
    pub const fn of_array(element: usize) -> Self {
        Self {
            count: DataType::Gpc,
            rate: DataType::GpcRate,
            element,
        }
    }

    /// Counts `amount` in an entry and in the rate.
    pub fn add(self, entry: &mut EntryMut<'_>, layout: &Layout, amount: u64) {
        for kind in [self.rate, self.count] {
            let (kind, element) = stored_as(layout, kind, self.element);
            entry.add(kind, element, amount);
        }
    }
}

/// Where a type is kept: what stands for itself where the table stores it, and in an array otherwise.
#[must_use]
pub fn stored_as(layout: &Layout, kind: DataType, element: usize) -> (DataType, usize) {
    if layout.get(kind).is_some() {
        return (kind, element);
    }
    match kind {
        DataType::Gpc0 => (DataType::Gpc, 0),
        DataType::Gpc1 => (DataType::Gpc, 1),
        DataType::Gpc0Rate => (DataType::GpcRate, 0),
        DataType::Gpc1Rate => (DataType::GpcRate, 1),
        DataType::Gpt0 => (DataType::Gpt, 0),
        kind => (kind, element),
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
