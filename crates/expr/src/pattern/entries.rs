//! The patterns of a list as they were given, with their values, in one text.

use std::ops::Range;

/// One pattern as it was given, with the value it maps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'s> {
    /// The pattern's text.
    pub key: &'s [u8],
    /// The value, in maps.
    pub value: Option<&'s [u8]>,
}

/// Where an entry's parts stand in the text. A length of [`NONE`] says that there is no such part.
#[derive(Debug, Clone, Copy)]
struct Place {
    key: u32,
    key_len: u32,
    value: u32,
    value_len: u32,
}

const NONE: u32 = u32::MAX;

/// Removed entries and unused bytes are put up with below this many of them.
const SLACK: usize = 1024;

/// Entries by their slots, which are counted in the order in which they were added.
#[derive(Debug, Default, Clone)]
pub(super) struct Entries {
    text: Vec<u8>,
    places: Vec<Place>,
    removed: usize,
    /// Bytes of the text that no entry uses any more.
    unused: usize,
    /// The line of the entry at a slot, where it is not the line after the one of the entry before.
    lines: Vec<(u32, u32)>,
    /// What is added to a slot to give the entry its number.
    first_id: u32,
    /// Numbers of the entries once slots have been given anew.
    ids: Vec<u32>,
}

impl Entries {
    /// Entries of a file's text, which they keep as it is.
    ///
    /// # Errors
    /// The text is too large.
    pub(super) fn over(text: Vec<u8>) -> Result<Self, String> {
        match u32::try_from(text.len()) {
            Ok(length) if length < NONE => Ok(Self {
                text,
                ..Self::default()
            }),
            _ => Err("too many patterns".into()),
        }
    }

    /// Adds an entry whose parts stand in the text already.
    pub(super) fn push_at(&mut self, key: Range<usize>, value: Option<Range<usize>>, line: u32) {
        let expected = match self.lines.last() {
            Some(&(slot, first)) => first + (self.places.len() as u32 - slot),
            None => 0,
        };
        if line != expected {
            self.lines.push((self.places.len() as u32, line));
        }
        let value = value.unwrap_or(0..NONE as usize);
        self.places.push(Place {
            key: key.start as u32,
            key_len: key.len() as u32,
            value: value.start as u32,
            value_len: value.len() as u32,
        });
    }

    /// The line of the text that begins at a place, without its end.
    pub(super) fn line_at(&self, start: usize) -> &[u8] {
        let rest = self.text.get(start..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    /// Gives back memory that was reserved in advance.
    pub(super) fn shrink(&mut self) {
        self.places.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    /// The line of a file's entry, counted from 1.
    pub(super) fn line(&self, slot: u32) -> u32 {
        let run = self.lines.partition_point(|(first, _)| *first <= slot);
        match run.checked_sub(1).and_then(|at| self.lines.get(at)) {
            Some((first, line)) => line + (slot - first),
            None => 0,
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<u32, String> {
        let start = self.text.len();
        match u32::try_from(start + bytes.len()) {
            Ok(end) if end < NONE => {
                self.text.extend_from_slice(bytes);
                Ok(start as u32)
            }
            _ => Err("too many patterns".into()),
        }
    }

    /// Adds an entry and returns its slot.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn push(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<u32, String> {
        let slot = u32::try_from(self.places.len()).map_err(|_| "too many patterns")?;
        let start = self.append(key)?;
        let value_start = self.append(value.unwrap_or_default())?;
        self.places.push(Place {
            key: start,
            key_len: key.len() as u32,
            value: value_start,
            value_len: value.map_or(NONE, |value| value.len() as u32),
        });
        if !self.ids.is_empty() {
            let next = self.next_id();
            self.ids.push(next);
        }
        Ok(slot)
    }

    /// Takes back the last entry that was added.
    pub(super) fn pop(&mut self) {
        if let Some(place) = self.places.pop() {
            self.text.truncate(place.key as usize);
            self.ids.pop();
        }
    }

    /// Removes the entry at a slot; slots of others stay.
    pub(super) fn remove(&mut self, slot: u32) {
        if let Some(place) = self.places.get_mut(slot as usize)
            && place.key_len != NONE
        {
            self.removed += 1;
            self.unused += place.key_len as usize;
            if place.value_len != NONE {
                self.unused += place.value_len as usize;
            }
            place.key_len = NONE;
        }
    }

    /// Gives the entry at a slot another value.
    ///
    /// # Errors
    /// There is no room.
    pub(super) fn set_value(&mut self, slot: u32, value: &[u8]) -> Result<(), String> {
        let start = self.append(value)?;
        if let Some(place) = self.places.get_mut(slot as usize) {
            if place.value_len != NONE {
                self.unused += place.value_len as usize;
            }
            (place.value, place.value_len) = (start, value.len() as u32);
        }
        if self.unused > SLACK * 64 && self.unused > self.text.len() / 2 {
            self.compact_text();
        }
        Ok(())
    }

    fn compact_text(&mut self) {
        let mut text = Vec::with_capacity(self.text.len() - self.unused);
        for place in &mut self.places {
            if place.key_len == NONE {
                continue;
            }
            let mut moved = |start: u32, length: u32| {
                let from = start as usize;
                let to = text.len() as u32;
                let part = self.text.get(from..from + length as usize);
                text.extend_from_slice(part.unwrap_or_default());
                to
            };
            place.key = moved(place.key, place.key_len);
            if place.value_len != NONE {
                place.value = moved(place.value, place.value_len);
            }
        }
        self.text = text;
        self.unused = 0;
    }

    /// Whether so many have been removed that it pays to give slots anew.
    pub(super) fn is_sparse(&self) -> bool {
        self.removed > SLACK && self.removed > self.places.len() / 2
    }

    /// The entries without the removed ones, under new slots and their old numbers.
    pub(super) fn packed(&self) -> Self {
        let mut packed = Self::default();
        for (slot, entry) in self.iter() {
            // What fitted before fits now.
            if packed.push(entry.key, entry.value).is_ok() {
                packed.ids.pop();
                packed.ids.push(self.id(slot));
            }
        }
        // Numbers go on where they were, also when nothing is left.
        packed.first_id = self.next_id();
        packed
    }

    fn next_id(&self) -> u32 {
        match self.ids.last() {
            Some(id) => id.wrapping_add(1).max(self.first_id),
            None => self.first_id.wrapping_add(self.places.len() as u32),
        }
    }

    /// The number of the entry at a slot, which it keeps as long as it lives.
    pub(super) fn id(&self, slot: u32) -> u32 {
        self.ids
            .get(slot as usize)
            .copied()
            .unwrap_or(self.first_id.wrapping_add(slot))
    }

    /// The slot of the entry of a number.
    pub(super) fn slot_of(&self, id: u32) -> Option<u32> {
        let slot = if self.ids.is_empty() {
            id.checked_sub(self.first_id)?
        } else {
            u32::try_from(self.ids.binary_search(&id).ok()?).ok()?
        };
        self.get(slot).map(|_| slot)
    }

    fn part(&self, start: u32, length: u32) -> &[u8] {
        let start = start as usize;
        self.text
            .get(start..start + length as usize)
            .unwrap_or_default()
    }

    /// The key at a slot; empty for a removed entry.
    pub(super) fn key(&self, slot: u32) -> &[u8] {
        match self.places.get(slot as usize) {
            Some(place) if place.key_len != NONE => self.part(place.key, place.key_len),
            _ => &[],
        }
    }

    /// The entry at a slot.
    pub(super) fn get(&self, slot: u32) -> Option<Entry<'_>> {
        let place = self.places.get(slot as usize)?;
        (place.key_len != NONE).then(|| Entry {
            key: self.part(place.key, place.key_len),
            value: (place.value_len != NONE).then(|| self.part(place.value, place.value_len)),
        })
    }

    /// All entries with their slots, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Entry<'_>)> {
        (0..self.places.len() as u32).filter_map(|slot| Some((slot, self.get(slot)?)))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outlive_the_giving_of_new_slots() {
        let mut entries = Entries::default();
        for n in 0..3000u32 {
            entries.push(n.to_string().as_bytes(), None).expect("room");
        }
        (0..2000).for_each(|slot| entries.remove(slot));
        assert!(entries.is_sparse());
        let mut packed = entries.packed();
        assert_eq!(packed.len(), 1000);
        assert_eq!((packed.key(0), packed.id(0)), (&b"2000"[..], 2000));
        assert_eq!(packed.slot_of(2999), Some(999));
        assert_eq!(packed.slot_of(5), None);
        let slot = packed.push(b"new", None).expect("room");
        assert_eq!(packed.id(slot), 3000);
    }

    #[test]
    fn values_are_replaced_without_growing_for_ever() {
        let mut entries = Entries::default();
        entries.push(b"a", Some(b"1")).expect("room");
        entries.push(b"b", None).expect("room");
        let long = vec![b'x'; 1000];
        for _ in 0..1000 {
            entries.set_value(0, &long).expect("room");
        }
        assert!(entries.text.len() < 200_000, "{}", entries.text.len());
        let entry = entries.get(0).expect("an entry");
        assert_eq!((entry.key, entry.value), (&b"a"[..], Some(&long[..])));
        assert_eq!(entries.get(1).map(|e| e.value), Some(None));
    }

    #[test]
    fn lines_are_kept_where_they_jump() {
        let mut entries = Entries::over(b"abc".to_vec()).expect("small");
        for line in [2, 3, 7, 8, 10] {
            entries.push_at(0..1, None, line);
        }
        let lines: Vec<u32> = (0..5).map(|slot| entries.line(slot)).collect();
        assert_eq!(lines, [2, 3, 7, 8, 10]);
    }
}
