//! Messages in memory, within a limit of bytes, for senders that may be slow or away.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;
use wire::syslog::{Format, write_octet_count};

/// A bounded ring of messages.
///
/// Without a connected reader the oldest messages make room for new ones. A connected reader's messages are kept for it: when
/// it is too slow, new messages are refused, as HAProxy does.
#[derive(Debug)]
pub struct Ring {
    /// The format its messages are written in, whatever the target says; `None` for the target's.
    pub format: Option<Format>,
    /// The longest message, in bytes.
    pub max_len: usize,
    size: usize,
    inner: Mutex<Inner>,
    dropped: AtomicU64,
    /// Tells of new messages.
    pub news: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    bytes: VecDeque<u8>,
    lens: VecDeque<u32>,
    /// The number of the first message that is here; messages are numbered from 0.
    first: u64,
    /// The next message of each connected reader.
    readers: Vec<Option<u64>>,
}

/// A reader's place; its messages are kept until it says that it is done with them.
#[derive(Debug)]
pub struct Reader<'r> {
    ring: &'r Ring,
    slot: usize,
}

impl Ring {
    /// An empty ring of at most `size` bytes.
    #[must_use]
    pub fn new(size: usize, max_len: usize, format: Option<Format>) -> Self {
        Self {
            format,
            max_len,
            size,
            inner: Mutex::default(),
            dropped: AtomicU64::new(0),
            news: Notify::new(),
        }
    }

    /// Adds a message; `false` when there is no room for it.
    pub fn push(&self, message: &[u8]) -> bool {
        let taken = self.take_in(message);
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// How many messages there was no room for.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The number of the next message that will come.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.inner.lock().next()
    }

    /// Writes messages from the number `from` on, each with `end` behind it, up to about `limit` bytes. Returns the number
    /// to go on with. Nothing is kept for who reads this way: what had to make room meanwhile is left out.
    pub fn peek(&self, from: u64, limit: usize, end: u8, out: &mut Vec<u8>) -> u64 {
        let inner = self.inner.lock();
        let mut at = from.max(inner.first);
        let skipped = usize::try_from(at - inner.first).unwrap_or(usize::MAX);
        let mut start: usize = inner.lens.iter().take(skipped).map(|n| *n as usize).sum();
        for len in inner.lens.iter().skip(skipped) {
            if out.len() >= limit {
                break;
            }
            let len = *len as usize;
            out.extend(inner.bytes.range(start..start + len));
            out.push(end);
            start += len;
            at += 1;
        }
        at
    }

    fn take_in(&self, message: &[u8]) -> bool {
        let Ok(len) = u32::try_from(message.len()) else {
            return false;
        };
        if message.len() > self.size {
            return false;
        }
        let mut inner = self.inner.lock();
        let kept = inner
            .readers
            .iter()
            .flatten()
            .min()
            .copied()
            .unwrap_or(u64::MAX);
        while inner.bytes.len() + message.len() > self.size {
            if inner.first >= kept {
                return false;
            }
            inner.drop_first();
        }
        inner.bytes.extend(message);
        inner.lens.push_back(len);
        true
    }

    /// How many messages are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.lock().lens.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader that begins with the oldest message, or with the one that `from` says if that is still there.
    pub fn read_from(&self, from: u64) -> Reader<'_> {
        let mut inner = self.inner.lock();
        let at = from.clamp(inner.first, inner.next());
        let slot = match inner.readers.iter().position(Option::is_none) {
            Some(slot) => slot,
            None => {
                inner.readers.push(None);
                inner.readers.len() - 1
            }
        };
        if let Some(reader) = inner.readers.get_mut(slot) {
            *reader = Some(at);
        }
        Reader { ring: self, slot }
    }
}

impl Inner {
    fn next(&self) -> u64 {
        self.first + self.lens.len() as u64
    }

    fn drop_first(&mut self) {
        if let Some(len) = self.lens.pop_front() {
            self.bytes.drain(..(len as usize).min(self.bytes.len()));
            self.first += 1;
        }
    }
}

impl Reader<'_> {
    /// The number of the reader's next message.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.ring
            .inner
            .lock()
            .readers
            .get(self.slot)
            .copied()
            .flatten()
            .unwrap_or(0)
    }

    /// Writes the reader's messages in their framing, up to about `limit` bytes, and where each of them ends into `ends`.
    pub fn copy(
        &self,
        octet_counting: bool,
        limit: usize,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) {
        let inner = self.ring.inner.lock();
        let at = inner
            .readers
            .get(self.slot)
            .copied()
            .flatten()
            .unwrap_or(inner.first);
        let skipped = usize::try_from(at.saturating_sub(inner.first)).unwrap_or(usize::MAX);
        let mut start: usize = inner
            .lens
            .iter()
            .take(skipped)
            .map(|len| *len as usize)
            .sum();
        for len in inner.lens.iter().skip(skipped) {
            if out.len() >= limit {
                break;
            }
            let len = *len as usize;
            if octet_counting {
                write_octet_count(len, out);
            }
            out.extend(inner.bytes.range(start..start + len));
            if !octet_counting {
                out.push(b'\n');
            }
            start += len;
            ends.push(out.len());
        }
    }

    /// Says that so many messages were sent. What no reader needs any more is dropped.
    pub fn advance(&self, messages: usize) {
        let mut inner = self.ring.inner.lock();
        if let Some(at) = inner.readers.get_mut(self.slot).and_then(Option::as_mut) {
            *at += messages as u64;
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(reader) = self.ring.inner.lock().readers.get_mut(self.slot) {
            *reader = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &Reader<'_>, octet_counting: bool) -> String {
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        reader.copy(octet_counting, 1000, &mut out, &mut ends);
        reader.advance(ends.len());
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn who_only_looks_keeps_nothing() {
        let ring = Ring::new(10, 100, None);
        let look = |from| {
            let mut out = Vec::new();
            let next = ring.peek(from, 1000, b'|', &mut out);
            (String::from_utf8(out).unwrap_or_default(), next)
        };
        assert!(ring.push(b"aaaa") && ring.push(b"bbbb"));
        assert_eq!(look(0), ("aaaa|bbbb|".into(), 2));
        assert_eq!(look(1), ("bbbb|".into(), 2));
        assert!(ring.push(b"cccc") && ring.push(b"dddd"));
        assert_eq!(look(1), ("cccc|dddd|".into(), 4), "what made room is gone");
        assert_eq!(look(4), (String::new(), 4));
        assert_eq!((ring.end(), ring.dropped()), (4, 0));
        assert!(!ring.push(&[b'x'; 11]));
        assert_eq!(ring.dropped(), 1);
        let mut out = Vec::new();
        assert_eq!(
            ring.peek(0, 1, b'|', &mut out),
            3,
            "no more than what is asked for"
        );
    }

    #[test]
    fn the_oldest_make_room_until_somebody_reads() {
        let ring = Ring::new(10, 100, None);
        for message in ["aaaa", "bbbb", "cccc"] {
            assert!(ring.push(message.as_bytes()));
        }
        assert_eq!(ring.len(), 2);
        let reader = ring.read_from(0);
        assert_eq!(reader.position(), 1);
        assert!(!ring.push(b"dddd"), "kept for the reader");
        assert_eq!(read(&reader, false), "bbbb\ncccc\n");
        assert!(ring.push(b"dddd"));
        assert_eq!(read(&reader, true), "4 dddd");
        assert!(!ring.push(b"more than ten"));
        let at = reader.position();
        drop(reader);
        assert!(ring.push(b"eeee") && ring.push(b"ffff") && ring.push(b"gggg"));
        assert_eq!(read(&ring.read_from(at), false), "ffff\ngggg\n");
        assert_eq!(read(&ring.read_from(99), false), "");
    }
}
