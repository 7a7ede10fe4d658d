//! Pooled memory for records on their way in and out. A connection holds some only while bytes are in it.

use std::cell::RefCell;
use std::ops::Range;

/// Where records begin in their buffer. Allocators place large blocks at like offsets within pages, and where source and
/// destination of a copy are but a few bytes apart in that way, AMD's processors from Zen 3 on copy thirty times as slowly.
const LEAD: usize = 2048;
/// The size of a buffer in bytes: the lead, and two records of the largest size (RFC 8446, section 5.2).
const SIZE: usize = LEAD + 2 * (5 + 16_384 + 256);
/// How many free buffers a thread keeps.
const KEPT: usize = 48;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that are filled in at the end and consumed from the front.
#[derive(Debug, Default)]
pub struct Records {
    memory: Vec<u8>,
    filled: Range<usize>,
}

impl Records {
    /// The bytes in it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.memory.get(self.filled.clone()).unwrap_or_default()
    }

    /// The bytes in it, to be decrypted in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.filled.clone()).unwrap_or_default()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    /// Room for at least `least` bytes behind those in it.
    pub fn room(&mut self, least: usize) -> &mut [u8] {
        if self.memory.is_empty() {
            self.memory = FREE
                .with_borrow_mut(Vec::pop)
                .unwrap_or_else(|| vec![0; SIZE]);
            self.filled = LEAD..LEAD;
        }
        if self.memory.len() - self.filled.end < least && self.filled.start > LEAD {
            self.memory.copy_within(self.filled.clone(), LEAD);
            self.filled = LEAD..LEAD + self.filled.len();
        }
        if self.memory.len() - self.filled.end < least {
            self.memory.resize(self.filled.end + least, 0);
        }
        self.memory.get_mut(self.filled.end..).unwrap_or_default()
    }

    /// Says that `n` bytes of the room were filled.
    pub fn fill(&mut self, n: usize) {
        self.filled.end = (self.filled.end + n).min(self.memory.len());
    }

    /// Drops `n` bytes from the front, and gives the memory back when nothing is left.
    pub fn consume(&mut self, n: usize) {
        self.filled.start = (self.filled.start + n).min(self.filled.end);
        self.release_if_empty();
    }

    /// Gives the memory back to the pool if nothing is in it.
    pub fn release_if_empty(&mut self) {
        if !self.filled.is_empty() || self.memory.is_empty() {
            return;
        }
        self.filled = 0..0;
        let memory = std::mem::take(&mut self.memory);
        // During a thread's end the pool may be gone: the memory is then simply freed.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT && memory.len() == SIZE {
                free.push(memory);
            }
        });
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        self.filled = 0..0;
        self.release_if_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_move_to_the_front_when_room_is_short() {
        let mut records = Records::default();
        let room = records.room(1);
        let size = room.len();
        room.fill(1);
        records.fill(size);
        records.consume(size - 2);
        assert!(records.room(size - 2).len() >= size - 2);
        assert_eq!(records.bytes(), [1, 1]);
        assert!(records.room(2 * size).len() >= 2 * size);
        records.consume(2);
        assert!(records.is_empty() && records.memory.is_empty());
    }
}
