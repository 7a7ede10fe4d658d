//! What peers are told of a table, and what they tell.

use super::{Listed, Table, tick};
use crate::entry::EntryMut;
use crate::key::Key;
use crate::rate::since;
use crate::updates::Cursor;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use xxhash_rust::xxh64::xxh64;

/// Slots that are looked at under one lock.
const AT_ONCE: u32 = 4096;

impl Table {
    /// Wakes whoever waits for changes.
    pub(super) fn ring(&self) {
        if let Some(changes) = &self.changes {
            changes.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    /// How often it has changed, for tables that are kept in a file; an estimate, since what comes to an end of itself does
    /// not count.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
            .as_ref()
            .map_or(0, |changes| changes.load(Ordering::Relaxed))
    }

    /// The table of what another process has counted, in tables that add up; `None` in others, and when there are too many
    /// processes.
    #[must_use]
    pub fn part_of(&self, process: &str) -> Option<Arc<Table>> {
        self.parts.as_ref()?.of(process, || {
            let mut config = self.config.clone();
            (config.peers, config.persist, config.aggregate) = (None, None, false);
            Table::new(config)
        })
    }

    /// What is called when something changes after [`Table::arm`]; only tables with peers call it. It must not use the
    /// table.
    pub fn on_change(&self, ring: impl Fn() + Send + Sync + 'static) {
        if let Some(bell) = &self.bell {
            bell.set(Box::new(ring));
        }
    }

    /// Asks to be called at the next change. Changes from before are to be looked for after that.
    pub fn arm(&self) {
        if let Some(bell) = &self.bell {
            bell.arm();
        }
    }

    /// Which of the peers that share the entries among them gets the one of a key, from 1; 0 when all get all.
    #[must_use]
    pub fn share_of(&self, key: &Key<'_>) -> u32 {
        match self.config.shards {
            0 => 0,
            shards => {
                let seed = xxh64(self.config.name.as_bytes(), 0);
                let mut bytes = Vec::new();
                key.write_native(&mut bytes);
                (xxh64(&bytes, seed) % u64::from(shards)) as u32 + 1
            }
        }
    }

    /// Calls `each` with entries that have changed here since a reader's last look, `most` at most. A change by
    /// [`Table::learn`] is none. Returns how many there were.
    pub fn updates(
        &self,
        cursor: &mut Cursor,
        most: usize,
        now_ms: u64,
        mut each: impl FnMut(&Listed<'_>),
    ) -> usize {
        let now = tick(now_ms);
        cursor.numbers.resize(self.shards.len(), 0);
        let mut found = 0;
        for _ in 0..self.shards.len() {
            let at = cursor.next % self.shards.len();
            let (Some(shard), Some(since)) = (self.shards.get(at), cursor.numbers.get_mut(at))
            else {
                break;
            };
            found += shard.lock().updates(since, most - found, |shard, slot| {
                if !self.is_outdated(shard, slot, now) {
                    each(&self.listed(at, shard, slot, now));
                }
            });
            if found >= most {
                break;
            }
            cursor.next = at + 1;
        }
        found
    }

    /// Whether something has changed since a reader's last look.
    #[must_use]
    pub fn has_updates(&self, cursor: &Cursor) -> bool {
        self.shards.iter().enumerate().any(|(at, shard)| {
            let since = cursor.numbers.get(at).copied().unwrap_or(0);
            shard.lock().has_updates(since)
        })
    }

    /// How many changes there have been here.
    #[must_use]
    pub fn update_count(&self) -> u64 {
        let last = |shard: &parking_lot::Mutex<super::Shard>| shard.lock().last_update();
        self.shards.iter().map(last).sum()
    }

    /// How many shards there are, each to be asked for its [`Table::order`].
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// The slots of a shard's entries, those first that were refreshed longest ago. Entries that come or go meanwhile may
    /// be missed.
    #[must_use]
    pub fn order(&self, at: usize, now_ms: u64) -> Vec<u32> {
        let now = tick(now_ms);
        let mut found: Vec<(u32, u32)> = Vec::new();
        let mut slot = 0;
        while let Some(shard) = self.shard(at)
            && slot < shard.slots()
        {
            let end = slot.saturating_add(AT_ONCE).min(shard.slots());
            let used = (slot..end).filter(|slot| shard.is_used(*slot));
            found.extend(used.map(|slot| (since(now, shard.touched(slot)), slot)));
            slot = end;
        }
        found.sort_unstable_by_key(|(idle, _)| std::cmp::Reverse(*idle));
        found.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Calls `each` with the entries in some slots of a shard, as far as they are still there.
    pub fn read_slots(
        &self,
        at: usize,
        slots: &[u32],
        now_ms: u64,
        mut each: impl FnMut(&Listed<'_>),
    ) {
        let now = tick(now_ms);
        let Some(shard) = self.shard(at) else {
            return;
        };
        for &slot in slots {
            if shard.is_used(slot) && !self.is_outdated(&shard, slot, now) {
                each(&self.listed(at, &shard, slot, now));
            }
        }
    }

    /// Changes the entry of a key as a peer says, making it if need be. Peers are not told of that. `left` is how many
    /// milliseconds the entry has at the peer; without it, it counts as refreshed now. `None` when a full table has no
    /// room for it.
    pub fn learn<R>(
        &self,
        key: &Key<'_>,
        now_ms: u64,
        left: Option<u32>,
        change: impl FnOnce(&mut EntryMut<'_>) -> R,
    ) -> Option<R> {
        let now = tick(now_ms);
        let idle = match (left, self.config.expire) {
            (Some(left), Some(expire)) => expire.saturating_sub(left),
            _ => 0,
        };
        if let Some(changes) = &self.changes {
            changes.fetch_add(1, Ordering::Relaxed);
        }
        self.with_entry(key, now, |_, shard, slot, fresh| {
            if fresh || since(now, shard.touched(slot)) > idle {
                shard.touch_back(slot, now.wrapping_sub(idle), now);
            }
            change(&mut self.entry_mut(shard, slot, now, fresh))
        })
    }
}
