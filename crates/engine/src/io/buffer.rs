//! Pooled buffers. A connection holds one only while bytes are in it.

use std::cell::{Cell, RefCell};
use std::ops::Range;

/// How many free buffers a worker keeps.
const KEPT: usize = 96;

/// Where bytes begin in their memory. Allocators place large blocks at like offsets within pages; TLS copies plain text to
/// the beginning of a block, behind the five bytes of a record's header. Where source and destination are but a few bytes
/// apart in that way, AMD's processors from Zen 3 on copy thirty times as slowly.
const LEAD: usize = 64;

thread_local! {
    /// Buffers that this thread has taken from the system and not given back.
    static ALLOCATED: Cell<isize> = const { Cell::new(0) };
    static SIZE: Cell<usize> = const { Cell::new(16384) };
    static FREE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
    static TEXTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Sets the size in bytes of this worker's buffers (`tune.bufsize`), before the first is taken.
pub fn set_buffer_size(size: usize) {
    SIZE.set(size);
}

/// A buffer that is filled at its end and consumed from its beginning.
#[derive(Debug)]
pub struct Buffer {
    /// Memory from the pool; empty while the buffer holds nothing and nobody writes to it.
    memory: Box<[u8]>,
    filled: Range<usize>,
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            memory: Box::default(),
            filled: 0..0,
        }
    }
}

impl Buffer {
    /// The bytes in it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.memory.get(self.filled.clone()).unwrap_or_default()
    }

    /// The bytes in it with the `n` that were consumed last before them, as long as nothing else has been done to it.
    #[must_use]
    pub fn rewound(&self, n: usize) -> &[u8] {
        let start = self.filled.start.saturating_sub(n).max(LEAD);
        self.memory.get(start..self.filled.end).unwrap_or_default()
    }

    /// The bytes in it, to be changed in place.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.filled.clone()).unwrap_or_default()
    }

    /// How many bytes are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.filled.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    /// Whether no room is left even after moving the bytes to the front.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.memory.is_empty() && self.filled.len() + LEAD == self.memory.len()
    }

    /// Room behind the bytes; takes memory from the pool and moves the bytes to the front when that makes room.
    pub fn room(&mut self) -> &mut [u8] {
        if self.memory.is_empty() {
            self.memory = take_memory();
            self.filled = LEAD..LEAD;
        } else if self.filled.is_empty() {
            self.filled = LEAD..LEAD;
        } else if self.filled.start > LEAD && self.filled.end == self.memory.len() {
            self.memory.copy_within(self.filled.clone(), LEAD);
            self.filled = LEAD..LEAD + self.filled.len();
        }
        self.memory.get_mut(self.filled.end..).unwrap_or_default()
    }

    /// Says that `n` bytes of the room were filled.
    pub fn fill(&mut self, n: usize) {
        self.filled.end = (self.filled.end + n).min(self.memory.len());
    }

    /// Drops `n` bytes from the front.
    pub fn consume(&mut self, n: usize) {
        self.filled.start = (self.filled.start + n).min(self.filled.end);
    }

    /// Takes `n` bytes at `at` out of the middle.
    pub fn cut(&mut self, at: usize, n: usize) {
        if n == 0 {
            return;
        }
        let Range { start, end } = self.filled;
        let from = (start + at + n).min(end);
        self.memory.copy_within(from..end, (start + at).min(end));
        self.filled.end = end - (from - (start + at).min(from));
    }

    /// Copies bytes behind those in it, as far as they fit, and says how many did.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let room = self.room();
        let n = room.len().min(bytes.len());
        if let (Some(to), Some(from)) = (room.get_mut(..n), bytes.get(..n)) {
            to.copy_from_slice(from);
        }
        self.fill(n);
        n
    }

    /// Gives the memory back to the pool if nothing is in it.
    pub fn release_if_empty(&mut self) {
        if self.filled.is_empty() && !self.memory.is_empty() {
            give_memory(std::mem::take(&mut self.memory));
            self.filled = 0..0;
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if !self.memory.is_empty() {
            give_memory(std::mem::take(&mut self.memory));
        }
    }
}

fn take_memory() -> Box<[u8]> {
    FREE.with_borrow_mut(Vec::pop).unwrap_or_else(|| {
        ALLOCATED.set(ALLOCATED.get() + 1);
        vec![0; LEAD + SIZE.get()].into_boxed_slice()
    })
}

fn give_memory(memory: Box<[u8]>) {
    // During a thread's end the pool may be gone: the memory is then simply freed.
    let _ = FREE.try_with(|free| {
        let mut free = free.borrow_mut();
        if free.len() < KEPT && memory.len() == LEAD + SIZE.get() {
            free.push(memory);
        } else {
            ALLOCATED.set(ALLOCATED.get() - 1);
        }
    });
}

/// This thread's buffers: the bytes of each, how many there are, and how many of them are kept for use.
#[must_use]
pub fn buffers() -> (usize, usize, usize) {
    let all = usize::try_from(ALLOCATED.get()).unwrap_or(0);
    (LEAD + SIZE.get(), all, FREE.with_borrow(Vec::len))
}

/// This thread's text buffers that are kept for use: how many, and their bytes in all.
#[must_use]
pub fn kept_texts() -> (usize, usize) {
    TEXTS.with_borrow(|texts| (texts.len(), texts.iter().map(Vec::capacity).sum()))
}

/// An empty text buffer from the pool.
#[must_use]
pub fn take_text() -> Vec<u8> {
    TEXTS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Gives a text buffer back; one that grew large is freed.
pub fn give_text(mut text: Vec<u8>) {
    if text.capacity() == 0 || text.capacity() > 65_536 {
        return;
    }
    text.clear();
    let _ = TEXTS.try_with(|texts| {
        let mut texts = texts.borrow_mut();
        if texts.len() < KEPT {
            texts.push(text);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_cut_out_of_the_middle() {
        set_buffer_size(8);
        let mut buffer = Buffer::default();
        buffer.append(b"abcdefgh");
        buffer.consume(1);
        buffer.cut(2, 3);
        assert_eq!(buffer.bytes(), b"bcgh");
        buffer.cut(4, 9);
        assert_eq!(buffer.bytes(), b"bcgh");
    }

    #[test]
    fn bytes_move_to_the_front_when_the_end_is_reached() {
        set_buffer_size(8);
        let mut buffer = Buffer::default();
        assert_eq!(buffer.append(b"12345678"), 8);
        assert!(buffer.is_full());
        buffer.consume(6);
        assert_eq!(buffer.append(b"abc"), 3);
        assert_eq!(buffer.bytes(), b"78abc");
        buffer.consume(99);
        assert!(buffer.is_empty());
        buffer.release_if_empty();
        assert_eq!(buffer.bytes(), b"");
    }
}
