//! Exact texts by their hashes. Only slots are kept here, the texts stay where the entries are.

use hashbrown::HashTable;
use xxhash_rust::xxh3::Xxh3Default;

/// Hashes text, with ASCII letters folded when `fold` says so.
fn hash(text: &[u8], fold: bool) -> u64 {
    if !fold {
        return xxhash_rust::xxh3::xxh3_64(text);
    }
    // Most texts fit a small buffer, and hashing in one go is several times faster than piece by piece.
    let mut folded = [0u8; 128];
    if let Some(folded) = folded.get_mut(..text.len()) {
        for (to, from) in folded.iter_mut().zip(text) {
            *to = from.to_ascii_lowercase();
        }
        return xxhash_rust::xxh3::xxh3_64(folded);
    }
    let mut hasher = Xxh3Default::new();
    for chunk in text.chunks(64) {
        let mut folded = [0u8; 64];
        for (to, from) in folded.iter_mut().zip(chunk) {
            *to = from.to_ascii_lowercase();
        }
        hasher.update(folded.get(..chunk.len()).unwrap_or_default());
    }
    hasher.digest()
}

/// Equality of text, with ASCII letters folded when `fold` says so.
fn equal(a: &[u8], b: &[u8], fold: bool) -> bool {
    if fold {
        a.eq_ignore_ascii_case(b)
    } else {
        a == b
    }
}

/// The table.
#[derive(Debug, Default, Clone)]
pub(super) struct Exact {
    table: HashTable<u32>,
}

impl Exact {
    /// Makes room for so many texts at once.
    pub(super) fn reserve<'t>(&mut self, count: usize, fold: bool, text: impl Fn(u32) -> &'t [u8]) {
        self.table.reserve(count, |&old| hash(text(old), fold));
    }

    /// Adds a slot, or returns the one that an equal text has already.
    pub(super) fn insert<'t>(
        &mut self,
        slot: u32,
        fold: bool,
        text: impl Fn(u32) -> &'t [u8],
    ) -> Result<(), u32> {
        let new = text(slot);
        let key = hash(new, fold);
        let equal = |old: &u32| equal(text(*old), new, fold);
        if let Some(old) = self.table.find(key, equal) {
            return Err(*old);
        }
        self.table
            .insert_unique(key, slot, |&old| hash(text(old), fold));
        Ok(())
    }

    /// Puts another slot, or none, in the place of one.
    pub(super) fn replace(&mut self, text: &[u8], fold: bool, old: u32, new: Option<u32>) {
        if let Ok(mut found) = self.table.find_entry(hash(text, fold), |at| *at == old) {
            match new {
                Some(new) => *found.get_mut() = new,
                None => drop(found.remove()),
            }
        }
    }

    /// The slot of a text.
    pub(super) fn find<'t>(
        &self,
        sample: &[u8],
        fold: bool,
        text: impl Fn(u32) -> &'t [u8],
    ) -> Option<u32> {
        self.table
            .find(hash(sample, fold), |&at| equal(text(at), sample, fold))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_hashes_do_not_depend_on_length_or_case() {
        for length in [0, 1, 63, 64, 65, 127, 128, 129, 300] {
            let lower = vec![b'q'; length];
            let upper = vec![b'Q'; length];
            assert_eq!(hash(&lower, true), hash(&upper, true), "{length}");
            assert_eq!(hash(&lower, true), hash(&lower, false), "{length}");
        }
    }
}
