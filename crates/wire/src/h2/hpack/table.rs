//! The static table and the dynamic one (RFC 7541, section 2.3 and appendix A).

use super::HpackError;
use std::collections::VecDeque;

macro_rules! entries {
    ($($name:literal $(= $value:literal)?,)*) => {
        [$(($name.as_bytes(), entries!(@value $($value)?))),*]
    };
    (@value) => { b"" };
    (@value $value:literal) => { $value.as_bytes() };
}

/// The static table; its first entry has the index 1.
pub static STATIC: [(&[u8], &[u8]); 61] = entries![
    ":authority",
    ":method" = "GET",
    ":method" = "POST",
    ":path" = "/",
    ":path" = "/index.html",
    ":scheme" = "http",
    ":scheme" = "https",
    ":status" = "200",
    ":status" = "204",
    ":status" = "206",
    ":status" = "304",
    ":status" = "400",
    ":status" = "404",
    ":status" = "500",
    "accept-charset",
    "accept-encoding" = "gzip, deflate",
    "accept-language",
    "accept-ranges",
    "accept",
    "access-control-allow-origin",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
];

/// What an entry takes beyond its text (RFC 7541, section 4.1).
const OVERHEAD: usize = 32;

/// An entry of the dynamic table: where its text stands.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: usize,
    name: usize,
    value: usize,
}

impl Entry {
    fn size(self) -> usize {
        self.name + self.value + OVERHEAD
    }
}

/// The dynamic table. Its text lives in one buffer that is moved together when it has grown to twice the table's size, so
/// that adding an entry allocates nothing in the long run.
#[derive(Debug, Default)]
pub struct Table {
    entries: VecDeque<Entry>,
    text: Vec<u8>,
    size: usize,
    limit: usize,
}

impl Table {
    /// An empty table of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Name and value at an index, the static table's first.
    pub fn get(&self, index: usize) -> Result<(&[u8], &[u8]), HpackError> {
        let before = index.checked_sub(1).ok_or(HpackError::Index)?;
        if let Some(&entry) = STATIC.get(before) {
            return Ok(entry);
        }
        let entry = self
            .entries
            .get(before - STATIC.len())
            .ok_or(HpackError::Index)?;
        let (name, end) = (
            entry.start + entry.name,
            entry.start + entry.name + entry.value,
        );
        let slice = |from, to| self.text.get(from..to).unwrap_or_default();
        Ok((slice(entry.start, name), slice(name, end)))
    }

    /// Changes the limit, dropping what does not fit any more.
    pub fn resize(&mut self, limit: usize) {
        self.limit = limit;
        self.evict(limit);
    }

    /// Adds an entry; one that is larger than the table empties it.
    pub fn insert(&mut self, name: &[u8], value: &[u8]) {
        let entry = Entry {
            start: 0,
            name: name.len(),
            value: value.len(),
        };
        if entry.size() > self.limit {
            return self.evict(0);
        }
        self.evict(self.limit - entry.size());
        if self.text.len() + name.len() + value.len() > 2 * self.limit {
            self.pack();
        }
        let start = self.text.len();
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        self.size += entry.size();
        self.entries.push_front(Entry { start, ..entry });
    }

    /// Drops the oldest entries until at most `size` bytes are left.
    fn evict(&mut self, size: usize) {
        while self.size > size {
            let Some(oldest) = self.entries.pop_back() else {
                break;
            };
            self.size -= oldest.size();
        }
        if self.entries.is_empty() {
            self.text.clear();
        }
    }

    /// Moves the text in use to the front of the buffer.
    fn pack(&mut self) {
        let Some(from) = self.entries.back().map(|oldest| oldest.start) else {
            return self.text.clear();
        };
        self.text.drain(..from);
        for entry in &mut self.entries {
            entry.start -= from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entry_comes_behind_the_static_ones() {
        let mut table = Table::new(100);
        table.insert(b"a", b"1");
        table.insert(b"b", b"2");
        assert_eq!(table.get(61), Ok((&b"www-authenticate"[..], &b""[..])));
        assert_eq!(table.get(62), Ok((&b"b"[..], &b"2"[..])));
        assert_eq!(table.get(63), Ok((&b"a"[..], &b"1"[..])));
        assert_eq!(table.get(64), Err(HpackError::Index));
        assert_eq!(table.get(0), Err(HpackError::Index));
    }

    #[test]
    fn the_oldest_entries_make_room() {
        let mut table = Table::new(70);
        for n in 0..1000_u32 {
            let text = n.to_string();
            table.insert(b"n", text.as_bytes());
            assert_eq!(table.get(62).unwrap().1, text.as_bytes());
            assert!(table.text.len() <= 140);
        }
        assert!(table.get(64).is_err(), "two entries fit");
        table.resize(33);
        assert!(table.get(62).is_err());
        table.insert(b"name", b"value");
        assert!(table.get(62).is_err(), "larger than the table");
    }
}
