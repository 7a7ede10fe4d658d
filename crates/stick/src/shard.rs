//! A part of a table behind one lock: entries in slots, found by key, in the order in which they were refreshed.

use crate::config::TableConfig;
use crate::key::{Key, hash_words};
use crate::updates::UpdateLog;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// No slot.
const NONE: u32 = u32::MAX;
/// What stands in `references` of a slot that holds no entry.
const FREE: u32 = u32::MAX;
/// How many words a chunk of slots takes at most.
const CHUNK_WORDS: usize = 4096;

// The words of an entry: the neighbours in the order of refreshes, the moment of the last one, and the references; then the
// key and the data, and in tables that peers are told of the mark of the last change. A slot that is referenced stands in
// no order.
const OLDER: usize = 0;
const NEWER: usize = 1;
const TOUCHED: usize = 2;
const REFERENCES: usize = 3;
const HEADER: usize = 4;
/// How far back an entry that was refreshed elsewhere looks for its place among those refreshed here.
const STEPS_BACK: usize = 32;

/// A part of a table.
#[derive(Debug)]
pub(crate) struct Shard {
    map: HashTable<u32>,
    chunks: Vec<Box<[u32]>>,
    /// Words per slot, and the number of slots per chunk as a power of two.
    stride: usize,
    shift: u32,
    /// The first free slot; they are linked by `OLDER`.
    free: u32,
    /// How many slots have been in use.
    slots: u32,
    oldest: u32,
    newest: u32,
    /// What has changed, in tables that peers are told of.
    log: Option<Box<UpdateLog>>,
}

impl Shard {
    pub(crate) fn new(config: &TableConfig) -> Self {
        let marks = usize::from(config.peers.is_some());
        let stride = HEADER + config.kind.words() + config.layout.words() + marks;
        let per_chunk = (CHUNK_WORDS / stride).max(1);
        Self {
            map: HashTable::new(),
            chunks: Vec::new(),
            stride,
            shift: per_chunk.ilog2(),
            free: NONE,
            slots: 0,
            oldest: NONE,
            newest: NONE,
            log: config.peers.as_ref().map(|_| Box::default()),
        }
    }

    fn range(&self, slot: u32) -> (usize, std::ops::Range<usize>) {
        let within = (slot as usize & ((1 << self.shift) - 1)) * self.stride;
        ((slot >> self.shift) as usize, within..within + self.stride)
    }

    /// The words of a slot; none for a slot that never was.
    pub(crate) fn words(&self, slot: u32) -> &[u32] {
        let (chunk, range) = self.range(slot);
        self.chunks
            .get(chunk)
            .and_then(|chunk| chunk.get(range))
            .unwrap_or_default()
    }

    fn words_mut(&mut self, slot: u32) -> &mut [u32] {
        let (chunk, range) = self.range(slot);
        self.chunks
            .get_mut(chunk)
            .and_then(|chunk| chunk.get_mut(range))
            .unwrap_or_default()
    }

    fn get(&self, slot: u32, word: usize) -> u32 {
        self.words(slot).get(word).copied().unwrap_or(NONE)
    }

    fn set(&mut self, slot: u32, word: usize, value: u32) {
        if let Some(word) = self.words_mut(slot).get_mut(word) {
            *word = value;
        }
    }

    pub(crate) fn touched(&self, slot: u32) -> u32 {
        self.get(slot, TOUCHED)
    }

    pub(crate) fn references(&self, slot: u32) -> u32 {
        self.get(slot, REFERENCES)
    }

    /// Whether the slot holds an entry.
    pub(crate) fn is_used(&self, slot: u32) -> bool {
        slot < self.slots && self.references(slot) != FREE
    }

    /// How many slots there are; those in use are among them.
    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// The words of the key.
    pub(crate) fn key<'s>(&'s self, config: &TableConfig, slot: u32) -> &'s [u32] {
        let words = self.words(slot);
        words
            .get(HEADER..HEADER + config.kind.words())
            .unwrap_or_default()
    }

    /// The words of the data.
    pub(crate) fn data<'s>(&'s self, config: &TableConfig, slot: u32) -> &'s [u32] {
        let from = HEADER + config.kind.words();
        self.words(slot)
            .get(from..from + config.layout.words())
            .unwrap_or_default()
    }

    /// The words of the data, to be changed.
    pub(crate) fn data_mut<'s>(&'s mut self, config: &TableConfig, slot: u32) -> &'s mut [u32] {
        let from = HEADER + config.kind.words();
        self.words_mut(slot)
            .get_mut(from..from + config.layout.words())
            .unwrap_or_default()
    }

    pub(crate) fn find(&self, config: &TableConfig, hash: u64, key: &Key<'_>) -> Option<u32> {
        self.map
            .find(hash, |&slot| key.equals(self.key(config, slot)))
            .copied()
    }

    /// Makes an entry without data, refreshed now.
    pub(crate) fn insert(
        &mut self,
        config: &TableConfig,
        hasher: &DefaultHashBuilder,
        hash: u64,
        key: &Key<'_>,
        now: u32,
    ) -> u32 {
        let slot = self.take_slot();
        let words = self.words_mut(slot);
        words.fill(0);
        let mut at = HEADER;
        key.each_word(|word| {
            if let Some(place) = words.get_mut(at) {
                *place = word;
            }
            at += 1;
        });
        self.append(slot, now);
        let mut map = std::mem::take(&mut self.map);
        map.insert_unique(hash, slot, |&slot| {
            hash_words(config.kind, self.key(config, slot), hasher.build_hasher())
        });
        self.map = map;
        slot
    }

    fn take_slot(&mut self) -> u32 {
        if self.free != NONE {
            let slot = self.free;
            self.free = self.get(slot, OLDER);
            return slot;
        }
        let slot = self.slots;
        self.slots += 1;
        let (chunk, _) = self.range(slot);
        if chunk >= self.chunks.len() {
            let len = self.stride << self.shift;
            self.chunks.push(vec![0; len].into_boxed_slice());
        }
        slot
    }

    /// Removes an entry that nothing references.
    pub(crate) fn remove(&mut self, config: &TableConfig, hasher: &DefaultHashBuilder, slot: u32) {
        let hash = hash_words(config.kind, self.key(config, slot), hasher.build_hasher());
        if let Ok(found) = self.map.find_entry(hash, |&other| other == slot) {
            found.remove();
        }
        self.unlink(slot);
        let free = self.free;
        self.set(slot, OLDER, free);
        self.set(slot, REFERENCES, FREE);
        self.free = slot;
    }

    /// Refreshes an entry.
    pub(crate) fn touch(&mut self, slot: u32, now: u32) {
        if self.references(slot) == 0 {
            self.unlink(slot);
            self.append(slot, now);
        } else {
            self.set(slot, TOUCHED, now);
        }
    }

    /// Takes a reference, which keeps the entry, and refreshes it.
    pub(crate) fn refer(&mut self, slot: u32, now: u32) {
        let references = self.references(slot);
        if references == 0 {
            self.unlink(slot);
        }
        self.set(slot, TOUCHED, now);
        self.set(slot, REFERENCES, references.saturating_add(1));
    }

    /// Gives a reference up and refreshes the entry.
    pub(crate) fn release(&mut self, slot: u32, now: u32) {
        let references = self.references(slot).saturating_sub(1);
        self.set(slot, REFERENCES, references);
        match references {
            0 => self.append(slot, now),
            _ => self.set(slot, TOUCHED, now),
        }
    }

    /// The entry that was refreshed longest ago among those that nothing references.
    pub(crate) fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// Puts an entry at the end of the order.
    fn append(&mut self, slot: u32, now: u32) {
        let newest = self.newest;
        self.set(slot, OLDER, newest);
        self.set(slot, NEWER, NONE);
        self.set(slot, TOUCHED, now);
        match newest {
            NONE => self.oldest = slot,
            _ => self.set(newest, NEWER, slot),
        }
        self.newest = slot;
    }

    /// Takes an entry out of the order.
    fn unlink(&mut self, slot: u32) {
        let (older, newer) = (self.get(slot, OLDER), self.get(slot, NEWER));
        match older {
            NONE => self.oldest = newer,
            _ => self.set(older, NEWER, newer),
        }
        match newer {
            NONE => self.newest = older,
            _ => self.set(newer, OLDER, older),
        }
    }

    /// Refreshes an entry as of an earlier moment, which may be out of the order in which entries expire by a little.
    pub(crate) fn touch_back(&mut self, slot: u32, moment: u32, now: u32) {
        if self.references(slot) != 0 {
            return self.set(slot, TOUCHED, moment);
        }
        self.unlink(slot);
        let age = |shard: &Self, other: u32| now.wrapping_sub(shard.touched(other));
        let (mut newer, mut older) = (NONE, self.newest);
        for _ in 0..STEPS_BACK {
            if older == NONE || age(self, older) >= now.wrapping_sub(moment) {
                break;
            }
            newer = older;
            older = self.get(older, OLDER);
        }
        self.set(slot, TOUCHED, moment);
        self.set(slot, OLDER, older);
        self.set(slot, NEWER, newer);
        match older {
            NONE => self.oldest = slot,
            _ => self.set(older, NEWER, slot),
        }
        match newer {
            NONE => self.newest = slot,
            _ => self.set(newer, OLDER, slot),
        }
    }

    /// Notes that an entry has changed, for peers.
    pub(crate) fn note_update(&mut self, slot: u32) {
        let Some(mut log) = self.log.take() else {
            return;
        };
        let at = self.stride - 1;
        if let Some(mark) = log.note(slot, self.get(slot, at)) {
            self.set(slot, at, mark);
            if log.len() > 2 * self.map.len() + 64 {
                log.retain(|slot, mark| self.is_used(slot) && self.get(slot, at) == mark);
            }
        }
        self.log = Some(log);
    }

    /// Calls `each` with the entries that have changed since a number, `most` at most, and moves the number on. Returns
    /// how many there were.
    pub(crate) fn updates(
        &mut self,
        since: &mut u64,
        most: usize,
        mut each: impl FnMut(&Self, u32),
    ) -> usize {
        let Some(mut log) = self.log.take() else {
            return 0;
        };
        let at = self.stride - 1;
        let mut found = 0;
        for (number, slot) in log.from(*since) {
            if found == most {
                break;
            }
            if self.is_used(slot) && self.get(slot, at) == number as u32 {
                each(self, slot);
                found += 1;
            }
            *since = number;
        }
        log.see(*since);
        self.log = Some(log);
        found
    }

    /// Whether something has changed since a number.
    pub(crate) fn has_updates(&self, since: u64) -> bool {
        self.log
            .as_ref()
            .is_some_and(|log| log.after(since).is_some())
    }

    /// The number of the last change.
    pub(crate) fn last_update(&self) -> u64 {
        self.log.as_ref().map_or(0, |log| log.last())
    }
}
