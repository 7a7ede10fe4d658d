//! Which entries have changed since when, for peers that are told.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// The changes of a shard in their order. An entry that has changed again stands further behind too; only its last
/// place counts.
#[derive(Debug, Default)]
pub(crate) struct UpdateLog {
    /// Numbers, rising, and slots.
    items: VecDeque<(u64, u32)>,
    /// The last number given out.
    last: u64,
    /// The highest number that any reader has got to.
    seen: u64,
}

impl UpdateLog {
    /// Notes a change of an entry whose last change was noted under `mark`, and yields its new mark. Nothing is to be
    /// noted when no reader has seen that last change yet: it will read the entry as it is then.
    pub(crate) fn note(&mut self, slot: u32, mark: u32) -> Option<u32> {
        if mark != 0 && self.number_of(mark) > self.seen {
            return None;
        }
        self.last += 1;
        if self.last as u32 == 0 {
            self.last += 1;
        }
        self.items.push_back((self.last, slot));
        Some(self.last as u32)
    }

    /// The number of which an entry keeps the lower half.
    fn number_of(&self, mark: u32) -> u64 {
        self.last - u64::from((self.last as u32).wrapping_sub(mark))
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Drops items that do not count any more.
    pub(crate) fn retain(&mut self, mut counts: impl FnMut(u32, u32) -> bool) {
        self.items
            .retain(|(number, slot)| counts(*slot, *number as u32));
    }

    /// The first item behind a number.
    pub(crate) fn after(&self, number: u64) -> Option<(u64, u32)> {
        let at = self.items.partition_point(|(other, _)| *other <= number);
        self.items.get(at).copied()
    }

    /// The items behind a number, with marks.
    pub(crate) fn from(&self, number: u64) -> impl Iterator<Item = (u64, u32)> {
        let at = self.items.partition_point(|(other, _)| *other <= number);
        self.items.range(at..).copied()
    }

    /// Says that a reader has got to this number.
    pub(crate) fn see(&mut self, number: u64) {
        self.seen = self.seen.max(number);
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }
}

/// How far a reader of a table's changes has got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// By shard.
    pub(crate) numbers: Vec<u64>,
    /// The shard to begin with.
    pub(crate) next: usize,
}

/// Wakes who waits for changes of a table.
#[derive(Default)]
pub(crate) struct Bell {
    /// Whether somebody waits.
    armed: AtomicBool,
    ring: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").field("armed", &self.armed).finish()
    }
}

impl Bell {
    pub(crate) fn set(&self, ring: Box<dyn Fn() + Send + Sync>) {
        *self.ring.lock() = Some(ring);
    }

    /// To be called before looking for changes for the last time: whatever comes after that look rings.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// To be called after each change, without its shard's lock.
    pub(crate) fn ring(&self) {
        if self.armed.load(Ordering::SeqCst)
            && self.armed.swap(false, Ordering::SeqCst)
            && let Some(ring) = &*self.ring.lock()
        {
            ring();
        }
    }
}
