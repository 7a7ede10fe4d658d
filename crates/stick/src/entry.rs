//! Reading and changing an entry.

use crate::aggregate::Parts;
use crate::config::TableConfig;
use crate::data::{Class, DataType, Stored};
use crate::rate::{FrequencyCounter, since};

/// An entry while its table's lock is held.
#[derive(Debug)]
pub struct Entry<'e> {
    pub(crate) config: &'e TableConfig,
    /// The present moment.
    pub(crate) now: u32,
    pub(crate) data: &'e [u32],
    /// When it was last refreshed.
    pub(crate) touched: u32,
    pub(crate) references: u32,
    /// What other processes have counted under the same key.
    pub(crate) others: Option<Others<'e>>,
}

/// What other processes have counted under a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Others<'e> {
    pub(crate) parts: &'e Parts,
    pub(crate) key: &'e [u32],
    pub(crate) now: u32,
}

impl Others<'_> {
    fn sum(&self, kind: DataType, element: usize) -> u64 {
        self.parts.sum(self.key, self.now, kind, element)
    }
}

impl Entry<'_> {
    /// A number: a counter's count, a rate's figure at this moment; in tables that add up (`aggregate`) those of all
    /// processes. `None` when the table does not store the type, or the
    /// array has no such element.
    #[must_use]
    pub fn get(&self, kind: DataType, element: usize) -> Option<u64> {
        let own = self.own(kind, element)?;
        let others = self.others.filter(|_| kind.adds_up());
        Some(others.map_or(own, |others| own.saturating_add(others.sum(kind, element))))
    }

    /// A number as this process alone has it, as [`Entry::get`] reads it.
    #[must_use]
    pub fn own(&self, kind: DataType, element: usize) -> Option<u64> {
        let stored = self.config.layout.get(kind)?;
        let word = |at: usize| self.data.get(at).copied().unwrap_or(0);
        let at = place(stored, element)?;
        Some(match kind.class() {
            Class::Signed | Class::Word | Class::Text => word(at).into(),
            Class::Long => u64::from(word(at)) << 32 | u64::from(word(at + 1)),
            Class::Rate => {
                let counter = FrequencyCounter {
                    start: word(at),
                    current: word(at + 1),
                    previous: word(at + 2),
                };
                let figure = u64::from(counter.read(self.now, stored.period));
                match kind.is_byte_rate() {
                    true => figure * u64::from(self.config.byte_block),
                    false => figure,
                }
            }
        })
    }

    /// A frequency counter as it is kept: the age of its period in milliseconds, its events, those of the period before.
    /// Byte rates count in blocks.
    #[must_use]
    pub fn rate(&self, kind: DataType, element: usize) -> Option<(u32, u32, u32)> {
        let stored = self.config.layout.get(kind)?;
        let at = place(stored, element)?;
        let &[start, current, previous] = self.data.get(at..at + 3)? else {
            return None;
        };
        Some(match start {
            0 => (0, 0, 0),
            _ => (since(self.now, start), current, previous),
        })
    }

    /// How many milliseconds are left to it; 0 in a table whose entries stay.
    #[must_use]
    pub fn expires_in(&self) -> u32 {
        let Some(expire) = self.config.expire else {
            return 0;
        };
        expire.saturating_sub(self.idle())
    }

    /// How many milliseconds ago it was refreshed last.
    #[must_use]
    pub fn idle(&self) -> u32 {
        since(self.now, self.touched)
    }

    /// How many streams and sessions track it.
    #[must_use]
    pub fn references(&self) -> u32 {
        self.references
    }
}

/// An entry that may be changed.
#[derive(Debug)]
pub struct EntryMut<'e> {
    pub(crate) config: &'e TableConfig,
    pub(crate) now: u32,
    pub(crate) data: &'e mut [u32],
    /// Whether it was made just now.
    pub(crate) fresh: bool,
}

impl EntryMut<'_> {
    /// Whether it did not exist before.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// A number, as [`Entry::own`] reads it.
    #[must_use]
    pub fn get(&self, kind: DataType, element: usize) -> Option<u64> {
        let entry = Entry {
            config: self.config,
            now: self.now,
            data: self.data,
            touched: self.now,
            references: 0,
            others: None,
        };
        entry.own(kind, element)
    }

    /// Adds to a counter, or events to a rate; bytes to a byte rate. Nothing happens when the table does not store the type.
    /// Returns whether it does.
    pub fn add(&mut self, kind: DataType, element: usize, amount: u64) -> bool {
        let Some(stored) = self.config.layout.get(kind).copied() else {
            return false;
        };
        let Some(at) = place(&stored, element) else {
            return false;
        };
        match kind.class() {
            Class::Signed | Class::Word | Class::Text => {
                if let Some(word) = self.data.get_mut(at) {
                    *word = word.wrapping_add(amount as u32);
                }
            }
            Class::Long => self.put_long(at, self.long(at).wrapping_add(amount)),
            Class::Rate => {
                let events = match kind.is_byte_rate() {
                    true => amount.div_ceil(u64::from(self.config.byte_block.max(1))),
                    false => amount,
                };
                let mut counter = self.counter(at);
                let events = u32::try_from(events).unwrap_or(u32::MAX);
                counter.add(self.now, stored.period, events);
                self.put_counter(at, counter);
            }
        }
        true
    }

    /// Takes one away from a counter that must not go below 0.
    pub fn decrement(&mut self, kind: DataType) {
        let Some(at) = self.config.layout.get(kind).and_then(|s| place(s, 0)) else {
            return;
        };
        if let Some(word) = self.data.get_mut(at) {
            *word = word.saturating_sub(1);
        }
    }

    /// Sets a number; a rate will read as that number now. Returns whether the table stores it.
    pub fn set(&mut self, kind: DataType, element: usize, value: u64) -> bool {
        let Some(at) = self
            .config
            .layout
            .get(kind)
            .and_then(|stored| place(stored, element))
        else {
            return false;
        };
        match kind.class() {
            Class::Signed | Class::Word | Class::Text => {
                if let Some(word) = self.data.get_mut(at) {
                    *word = value as u32;
                }
            }
            Class::Long => self.put_long(at, value),
            Class::Rate => {
                let value = match kind.is_byte_rate() {
                    true => value / u64::from(self.config.byte_block.max(1)),
                    false => value,
                };
                let value = u32::try_from(value).unwrap_or(u32::MAX);
                self.put_counter(at, FrequencyCounter::of(value, self.now));
            }
        }
        true
    }

    /// Sets a frequency counter as [`Entry::rate`] reads it. Returns whether the table stores it.
    pub fn set_rate(
        &mut self,
        kind: DataType,
        element: usize,
        (age, current, previous): (u32, u32, u32),
    ) -> bool {
        let layout = &self.config.layout;
        let Some(at) = layout.get(kind).and_then(|stored| place(stored, element)) else {
            return false;
        };
        let counter = match (current, previous) {
            (0, 0) => FrequencyCounter::default(),
            _ => FrequencyCounter {
                start: self.now.wrapping_sub(age).max(1),
                current,
                previous,
            },
        };
        self.put_counter(at, counter);
        true
    }

    fn long(&self, at: usize) -> u64 {
        let word = |at: usize| u64::from(self.data.get(at).copied().unwrap_or(0));
        word(at) << 32 | word(at + 1)
    }

    fn put_long(&mut self, at: usize, value: u64) {
        if let Some([high, low]) = self.data.get_mut(at..at + 2) {
            (*high, *low) = ((value >> 32) as u32, value as u32);
        }
    }

    fn counter(&self, at: usize) -> FrequencyCounter {
        match self.data.get(at..at + 3) {
            Some(&[start, current, previous]) => FrequencyCounter {
                start,
                current,
                previous,
            },
            _ => FrequencyCounter::default(),
        }
    }

    fn put_counter(&mut self, at: usize, counter: FrequencyCounter) {
        if let Some([start, current, previous]) = self.data.get_mut(at..at + 3) {
            (*start, *current, *previous) = (counter.start, counter.current, counter.previous);
        }
    }
}

/// Where an element begins, in words of the entry's data.
fn place(stored: &Stored, element: usize) -> Option<usize> {
    (element < usize::from(stored.elements))
        .then(|| stored.offset as usize + element * stored.width() as usize)
}
