//! A table: its shards, and who may use an entry for how long.

use crate::aggregate::Parts;
use crate::config::TableConfig;
use crate::data::DataType;
use crate::entry::{Entry, EntryMut, Others};
use crate::key::Key;
use crate::rate::since;
use crate::shard::Shard;
use crate::updates::Bell;
use hashbrown::{DefaultHashBuilder, HashMap};
use parking_lot::Mutex;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Tables of this size or more are split, so that workers rarely wait for each other.
const SPLIT_FROM: u32 = 4096;
/// Into so many shards.
const SHARDS: usize = 16;
/// How many outdated entries a new one sweeps away at most.
const SWEEP: usize = 2;

/// A stick table.
#[derive(Debug)]
pub struct Table {
    config: TableConfig,
    hasher: DefaultHashBuilder,
    shards: Box<[Mutex<Shard>]>,
    /// When each shard's oldest entry was refreshed, plus one; 0 without one. A hint that is read without the lock.
    oldest: Box<[AtomicU64]>,
    used: AtomicU32,
    /// The texts of `server_key`.
    texts: Mutex<Texts>,
    /// Wakes who tells peers of changes.
    bell: Option<Bell>,
    /// What peers have counted, in tables that add up.
    parts: Option<Parts>,
    /// How often it has changed, in tables that are kept in a file.
    changes: Option<AtomicU64>,
}

/// The texts of `server_key` by number and back.
#[derive(Debug, Default)]
struct Texts {
    list: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

/// The most texts of a table; peers must not be able to make it grow for ever.
const MOST_TEXTS: usize = 1 << 16;

/// An entry that a stream or a session tracks: it stays as long as this does. Give it up with [`Tracked::release`].
#[derive(Debug)]
pub struct Tracked {
    table: Arc<Table>,
    shard: usize,
    slot: u32,
    /// The present moment at the last use, for the release by dropping.
    seen: u64,
}

/// What became of an entry that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// There is none.
    Missing,
    /// It is tracked and stays.
    InUse,
}

/// An entry in a list.
pub struct Listed<'e> {
    /// What stands for its place in memory, unlike that of every other entry of the table.
    pub id: u64,
    /// Its key.
    pub key: Key<'static>,
    /// The entry.
    pub entry: Entry<'e>,
}

/// Milliseconds as entries keep them.
fn tick(now_ms: u64) -> u32 {
    now_ms as u32
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(config: TableConfig) -> Self {
        let shards = if config.size >= SPLIT_FROM { SHARDS } else { 1 };
        Self {
            shards: (0..shards)
                .map(|_| Mutex::new(Shard::new(&config)))
                .collect(),
            oldest: (0..shards).map(|_| AtomicU64::new(0)).collect(),
            hasher: DefaultHashBuilder::default(),
            used: AtomicU32::new(0),
            texts: Mutex::default(),
            bell: config.peers.as_ref().map(|_| Bell::default()),
            parts: config.aggregate.then(Parts::default),
            changes: config.persist.as_ref().map(|_| AtomicU64::new(0)),
            config,
        }
    }

    /// Its declaration.
    #[must_use]
    pub fn config(&self) -> &TableConfig {
        &self.config
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// How many entries there are, outdated ones that nobody has looked at since included.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    fn place(&self, key: &Key<'_>) -> (usize, u64) {
        let hash = key.hash(self.hasher.build_hasher());
        // The map uses the lowest and the highest bits.
        ((hash >> 32) as usize % self.shards.len(), hash)
    }

    fn shard(&self, at: usize) -> Option<parking_lot::MutexGuard<'_, Shard>> {
        self.shards.get(at).map(|shard| shard.lock())
    }

    fn is_outdated(&self, shard: &Shard, slot: u32, now: u32) -> bool {
        let idle = since(now, shard.touched(slot));
        shard.references(slot) == 0 && self.config.expire.is_some_and(|expire| idle >= expire)
    }

    fn drop_entry(&self, shard: &mut Shard, slot: u32) {
        shard.remove(&self.config, &self.hasher, slot);
        self.used.fetch_sub(1, Ordering::Relaxed);
    }

    fn note_oldest(&self, at: usize, shard: &Shard) {
        let oldest = shard
            .oldest()
            .map_or(0, |slot| u64::from(shard.touched(slot)) + 1);
        // Written only when it changes, so that workers do not take the line from each other.
        if let Some(hint) = self.oldest.get(at)
            && hint.load(Ordering::Relaxed) != oldest
        {
            hint.store(oldest, Ordering::Relaxed);
        }
    }

    /// Reads the entry of a key, which that does not refresh.
    pub fn read<R>(
        &self,
        key: &Key<'_>,
        now_ms: u64,
        read: impl FnOnce(&Entry<'_>) -> R,
    ) -> Option<R> {
        let now = tick(now_ms);
        let (at, hash) = self.place(key);
        let shard = self.shard(at)?;
        let found = shard.find(&self.config, hash, key);
        match found.filter(|slot| !self.is_outdated(&shard, *slot, now)) {
            Some(slot) => Some(read(&self.entry(&shard, slot, now))),
            None => {
                drop(shard);
                self.read_of_others(key, now, read)
            }
        }
    }

    /// Reads what only other processes have counted.
    fn read_of_others<R>(
        &self,
        key: &Key<'_>,
        now: u32,
        read: impl FnOnce(&Entry<'_>) -> R,
    ) -> Option<R> {
        let parts = self.parts.as_ref()?;
        let mut words = Vec::new();
        key.each_word(|word| words.push(word));
        words.resize(self.config.kind.words(), 0);
        parts.knows(&words, now).then(|| {
            read(&Entry {
                config: &self.config,
                now,
                data: &[],
                touched: now,
                references: 0,
                others: Some(Others {
                    parts,
                    key: &words,
                    now,
                }),
            })
        })
    }

    /// A figure of the entry whose key has these words, as this table alone has it.
    pub(crate) fn own_figure(
        &self,
        key: &[u32],
        now: u32,
        kind: DataType,
        element: usize,
    ) -> Option<u64> {
        let key = Key::from_words(self.config.kind, key);
        let (at, hash) = self.place(&key);
        let shard = self.shard(at)?;
        let slot = shard.find(&self.config, hash, &key)?;
        if self.is_outdated(&shard, slot, now) {
            return None;
        }
        self.entry(&shard, slot, now).own(kind, element)
    }

    /// Whether there is an entry whose key has these words.
    pub(crate) fn has(&self, key: &[u32], now: u32) -> bool {
        let key = Key::from_words(self.config.kind, key);
        let (at, hash) = self.place(&key);
        let Some(shard) = self.shard(at) else {
            return false;
        };
        let found = shard.find(&self.config, hash, &key);
        found.is_some_and(|slot| !self.is_outdated(&shard, slot, now))
    }

    fn entry<'e>(&'e self, shard: &'e Shard, slot: u32, now: u32) -> Entry<'e> {
        Entry {
            config: &self.config,
            now,
            data: shard.data(&self.config, slot),
            touched: shard.touched(slot),
            references: shard.references(slot),
            others: self.parts.as_ref().map(|parts| Others {
                parts,
                key: shard.key(&self.config, slot),
                now,
            }),
        }
    }

    /// Changes and refreshes the entry of a key, if there is one.
    pub fn change<R>(
        &self,
        key: &Key<'_>,
        now_ms: u64,
        change: impl FnOnce(&mut EntryMut<'_>) -> R,
    ) -> Option<R> {
        let now = tick(now_ms);
        let (at, hash) = self.place(key);
        let mut shard = self.shard(at)?;
        let slot = shard.find(&self.config, hash, key)?;
        if self.is_outdated(&shard, slot, now) {
            return None;
        }
        shard.touch(slot, now);
        shard.note_update(slot);
        self.note_oldest(at, &shard);
        let result = change(&mut self.entry_mut(&mut shard, slot, now, false));
        drop(shard);
        self.ring();
        Some(result)
    }

    /// Changes and refreshes the entry of a key, which is made if need be. `None` when a full table has no room for it.
    pub fn update<R>(
        &self,
        key: &Key<'_>,
        now_ms: u64,
        change: impl FnOnce(&mut EntryMut<'_>) -> R,
    ) -> Option<R> {
        let now = tick(now_ms);
        let result = self.with_entry(key, now, |_, shard, slot, fresh| {
            if !fresh {
                shard.touch(slot, now);
            }
            shard.note_update(slot);
            change(&mut self.entry_mut(shard, slot, now, fresh))
        });
        self.ring();
        result
    }

    /// Tracks the entry of a key, which is made if need be. `None` when a full table has no room for it.
    pub fn track(self: &Arc<Self>, key: &Key<'_>, now_ms: u64) -> Option<Tracked> {
        let now = tick(now_ms);
        let (shard, slot) = self.with_entry(key, now, |at, shard, slot, _| {
            shard.refer(slot, now);
            shard.note_update(slot);
            (at, slot)
        })?;
        self.ring();
        Some(Tracked {
            table: self.clone(),
            shard,
            slot,
            seen: now_ms,
        })
    }

    fn entry_mut<'e>(
        &'e self,
        shard: &'e mut Shard,
        slot: u32,
        now: u32,
        fresh: bool,
    ) -> EntryMut<'e> {
        EntryMut {
            config: &self.config,
            now,
            data: shard.data_mut(&self.config, slot),
            fresh,
        }
    }

    /// Runs `with` on the entry of a key, found or made, under its shard's lock.
    fn with_entry<R>(
        &self,
        key: &Key<'_>,
        now: u32,
        with: impl FnOnce(usize, &mut Shard, u32, bool) -> R,
    ) -> Option<R> {
        if !key.fits(self.config.kind) {
            return None;
        }
        let (at, hash) = self.place(key);
        loop {
            let mut shard = self.shard(at)?;
            if let Some(slot) = shard.find(&self.config, hash, key) {
                if !self.is_outdated(&shard, slot, now) {
                    let result = with(at, &mut shard, slot, false);
                    self.note_oldest(at, &shard);
                    return Some(result);
                }
                self.drop_entry(&mut shard, slot);
            }
            self.sweep(&mut shard, now, SWEEP);
            if self.take_room() {
                let slot = shard.insert(&self.config, &self.hasher, hash, key, now);
                let result = with(at, &mut shard, slot, true);
                self.note_oldest(at, &shard);
                return Some(result);
            }
            // The oldest entry may be in another shard, whose lock must not be taken under this one.
            drop(shard);
            if !self.make_room(now) {
                return None;
            }
        }
    }

    /// Counts a new entry unless the table is full.
    fn take_room(&self) -> bool {
        let size = self.config.size;
        let more = |used: u32| (used < size).then_some(used + 1);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Removes outdated entries, then the oldest one of all if that is allowed. Returns whether there is room now.
    fn make_room(&self, now: u32) -> bool {
        if self.config.expire.is_some() && self.purge_at(now) > 0 {
            return true;
        }
        if self.config.nopurge {
            return false;
        }
        // Another thread may be quicker; each try looks for the oldest one again.
        for _ in 0..self.shards.len() + 2 {
            let age = |hint: u64| since(now, (hint - 1) as u32);
            let hints = self
                .oldest
                .iter()
                .map(|hint| hint.load(Ordering::Relaxed))
                .enumerate();
            let oldest = hints
                .filter(|(_, hint)| *hint != 0)
                .max_by_key(|(_, hint)| age(*hint));
            let Some((at, _)) = oldest else {
                return false;
            };
            let Some(mut shard) = self.shard(at) else {
                return false;
            };
            let found = shard.oldest();
            if let Some(slot) = found {
                self.drop_entry(&mut shard, slot);
            }
            self.note_oldest(at, &shard);
            if found.is_some() {
                return true;
            }
        }
        false
    }

    /// Removes outdated entries of a shard, `most` at most. Returns how many.
    fn sweep(&self, shard: &mut Shard, now: u32, most: usize) -> usize {
        let mut removed = 0;
        while removed < most
            && let Some(slot) = shard.oldest()
            && self.is_outdated(shard, slot, now)
        {
            self.drop_entry(shard, slot);
            removed += 1;
        }
        removed
    }

    /// Removes all outdated entries. Returns how many.
    pub fn purge(&self, now_ms: u64) -> usize {
        if let Some(parts) = &self.parts {
            parts.each(|table| {
                table.purge_at(tick(now_ms));
            });
        }
        self.purge_at(tick(now_ms))
    }

    fn purge_at(&self, now: u32) -> usize {
        if self.config.expire.is_none() {
            return 0;
        }
        let mut removed = 0;
        for (at, shard) in self.shards.iter().enumerate() {
            let mut shard = shard.lock();
            removed += self.sweep(&mut shard, now, usize::MAX);
            self.note_oldest(at, &shard);
        }
        removed
    }

    /// Removes the entry of a key.
    pub fn remove(&self, key: &Key<'_>, now_ms: u64) -> Removed {
        let (at, hash) = self.place(key);
        let Some(mut shard) = self.shard(at) else {
            return Removed::Missing;
        };
        let Some(slot) = shard.find(&self.config, hash, key) else {
            return Removed::Missing;
        };
        let outdated = self.is_outdated(&shard, slot, tick(now_ms));
        let removed = match shard.references(slot) {
            0 => {
                self.drop_entry(&mut shard, slot);
                if outdated {
                    Removed::Missing
                } else {
                    Removed::Gone
                }
            }
            _ => Removed::InUse,
        };
        self.note_oldest(at, &shard);
        removed
    }

    /// Lists entries from a place on, `most` places at most, and answers with the place to go on from. `None` is the end.
    ///
    /// Entries that come or go between two calls may be missed; none is listed twice.
    pub fn list(
        &self,
        from: u64,
        most: u32,
        now_ms: u64,
        mut each: impl FnMut(&Listed<'_>),
    ) -> Option<u64> {
        let now = tick(now_ms);
        let (at, mut slot) = ((from >> 32) as usize, from as u32);
        let shard = self.shard(at)?;
        let end = slot.saturating_add(most);
        while slot < shard.slots() {
            if slot == end {
                return Some((at as u64) << 32 | u64::from(slot));
            }
            if shard.is_used(slot) && !self.is_outdated(&shard, slot, now) {
                each(&self.listed(at, &shard, slot, now));
            }
            slot += 1;
        }
        Some((at as u64 + 1) << 32)
    }

    fn listed<'e>(&'e self, at: usize, shard: &'e Shard, slot: u32, now: u32) -> Listed<'e> {
        Listed {
            id: entry_id(at, slot),
            key: Key::from_words(self.config.kind, shard.key(&self.config, slot)),
            entry: self.entry(shard, slot, now),
        }
    }

    /// The key of the entry that a list has shown under this id.
    #[must_use]
    pub fn key_of(&self, id: u64, now_ms: u64) -> Option<Key<'static>> {
        let (at, slot) = entry_place(id)?;
        let shard = self.shard(at)?;
        let there = shard.is_used(slot) && !self.is_outdated(&shard, slot, tick(now_ms));
        there.then(|| Key::from_words(self.config.kind, shard.key(&self.config, slot)))
    }

    /// Reads the entry of a key as a list does.
    pub fn read_listed<R>(
        &self,
        key: &Key<'_>,
        now_ms: u64,
        read: impl FnOnce(&Listed<'_>) -> R,
    ) -> Option<R> {
        let now = tick(now_ms);
        let (at, hash) = self.place(key);
        let shard = self.shard(at)?;
        let slot = shard.find(&self.config, hash, key)?;
        if self.is_outdated(&shard, slot, now) {
            return None;
        }
        Some(read(&self.listed(at, &shard, slot, now)))
    }

    /// The number that stands for a text in `server_key`; 0, which stands for none, when there are too many.
    #[must_use]
    pub fn text_number(&self, text: &str) -> u32 {
        let mut texts = self.texts.lock();
        if let Some(number) = texts.numbers.get(text) {
            return *number;
        }
        if texts.list.len() >= MOST_TEXTS {
            return 0;
        }
        let shared: Arc<str> = text.into();
        texts.list.push(shared.clone());
        let number = texts.list.len() as u32;
        texts.numbers.insert(shared, number);
        number
    }

    /// The text of a number in `server_key`.
    #[must_use]
    pub fn text(&self, number: u64) -> Option<Arc<str>> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.texts.lock().list.get(at).cloned()
    }

    /// Checks that the parts agree with each other; for tests.
    #[doc(hidden)]
    pub fn check(&self) {
        let len: usize = self.shards.iter().map(|shard| shard.lock().len()).sum();
        assert_eq!(len, self.used() as usize, "entries");
        for shard in &self.shards {
            let shard = shard.lock();
            let used = (0..shard.slots())
                .filter(|slot| shard.is_used(*slot))
                .count();
            assert_eq!(used, shard.len(), "slots");
        }
    }
}

/// How far apart ids are, so that they look like addresses.
const ID_STEP: u64 = 16;

fn entry_id(at: usize, slot: u32) -> u64 {
    ((at as u64) << 32 | u64::from(slot)) * ID_STEP + ID_STEP
}

fn entry_place(id: u64) -> Option<(usize, u32)> {
    let place = id.checked_sub(ID_STEP)?;
    if !place.is_multiple_of(ID_STEP) {
        return None;
    }
    let place = place / ID_STEP;
    Some(((place >> 32) as usize, place as u32))
}

impl Tracked {
    /// The table.
    #[must_use]
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Key<'static> {
        let config = &self.table.config;
        match self.table.shard(self.shard) {
            Some(shard) => Key::from_words(config.kind, shard.key(config, self.slot)),
            None => Key::Integer(0),
        }
    }

    /// Reads the entry.
    pub fn read<R>(&self, now_ms: u64, read: impl FnOnce(&Entry<'_>) -> R) -> Option<R> {
        let shard = self.table.shard(self.shard)?;
        Some(read(&self.table.entry(&shard, self.slot, tick(now_ms))))
    }

    /// Whether the table stores one of these types, so that counting them changes anything.
    #[must_use]
    pub fn stores(&self, kinds: &[DataType]) -> bool {
        let layout = &self.table.config.layout;
        kinds.iter().any(|kind| layout.get(*kind).is_some())
    }

    /// Changes the entry and refreshes it.
    pub fn update<R>(&self, now_ms: u64, change: impl FnOnce(&mut EntryMut<'_>) -> R) -> Option<R> {
        let now = tick(now_ms);
        let mut shard = self.table.shard(self.shard)?;
        shard.touch(self.slot, now);
        shard.note_update(self.slot);
        let result = change(&mut self.table.entry_mut(&mut shard, self.slot, now, false));
        drop(shard);
        self.table.ring();
        Some(result)
    }

    /// Counts a connection that begins: the present ones, all, and their rate.
    pub fn begin_connection(&self, now_ms: u64) {
        const CONNECTION: [DataType; 3] =
            [DataType::ConnCur, DataType::ConnCnt, DataType::ConnRate];
        if !self.stores(&CONNECTION) {
            return;
        }
        self.update(now_ms, |entry| {
            for kind in CONNECTION {
                entry.add(kind, 0, 1);
            }
        });
    }

    /// Gives the entry up at this moment.
    pub fn release(mut self, now_ms: u64) {
        self.seen = now_ms;
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let now = tick(self.seen);
        let Some(mut shard) = self.table.shard(self.shard) else {
            return;
        };
        self.table
            .entry_mut(&mut shard, self.slot, now, false)
            .decrement(DataType::ConnCur);
        shard.release(self.slot, now);
        shard.note_update(self.slot);
        self.table.note_oldest(self.shard, &shard);
        drop(shard);
        self.table.ring();
    }
}

mod sharing;
#[cfg(test)]
mod sharing_tests;
#[cfg(test)]
mod tests;
