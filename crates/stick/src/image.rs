//! A table as a file keeps it (`persist`): what it is, its entries, and a hash over all of that, so that a file that was
//! cut or changed is told from a whole one before anything of it is believed.

use crate::config::TableConfig;
use crate::data::{Class, DataType, Stored};
use crate::entry::EntryMut;
use crate::key::{Key, KeyKind};
use crate::table::{Listed, Table};
use std::fmt;
use std::io::{self, Write};
use xxhash_rust::xxh64::{Xxh64, xxh64};

const MAGIC: &[u8; 8] = b"HPXTAB01";
/// What stands for the end of the entries.
const END: u16 = u16::MAX;
/// Entries that are read under one lock.
const AT_ONCE: usize = 512;
/// The longest text of `server_key`.
const LONGEST_TEXT: usize = 1024;

/// Why a file is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFault {
    /// It is no such file.
    Foreign,
    /// It was cut or changed.
    Damaged,
    /// It is of a table with other keys or data.
    OtherTable,
}

impl fmt::Display for ImageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "it is no file of a stick table",
            Self::Damaged => "it is damaged",
            Self::OtherTable => "it was written for a table with another type or other data",
        })
    }
}

/// Hashes what it passes on.
struct Hashing<W> {
    out: W,
    hash: Xxh64,
}

impl<W: Write> Hashing<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Writes a table. `date` is the moment in milliseconds since 1970.
///
/// # Errors
/// Those of writing.
pub fn write_image(table: &Table, now_ms: u64, date: u64, out: impl Write) -> io::Result<()> {
    let mut out = Hashing {
        out,
        hash: Xxh64::new(0),
    };
    out.put(MAGIC)?;
    out.put(&date.to_le_bytes())?;
    out.put(&signature(table.config()))?;
    let mut buffer = Vec::new();
    for shard in 0..table.shard_count() {
        for slots in table.order(shard, now_ms).chunks(AT_ONCE) {
            buffer.clear();
            table.read_slots(shard, slots, now_ms, |listed| {
                put_entry(table, listed, &mut buffer);
            });
            out.put(&buffer)?;
        }
    }
    out.put(&END.to_le_bytes())?;
    let hash = out.hash.digest();
    out.out.write_all(&hash.to_le_bytes())
}

/// What two tables must have in common for one to read what the other wrote.
fn signature(config: &TableConfig) -> Vec<u8> {
    let (kind, len) = match config.kind {
        KeyKind::Ipv4 => (4u8, 4),
        KeyKind::Ipv6 => (5, 16),
        KeyKind::Integer => (2, 4),
        KeyKind::String(len) => (6, len as u32),
        KeyKind::Binary(len) => (7, len as u32),
    };
    let mut out = vec![kind];
    out.extend(len.to_le_bytes());
    let stored = config.layout.stored();
    out.push(stored.len() as u8);
    for stored in stored {
        out.push(stored.kind as u8);
        out.extend(stored.elements.to_le_bytes());
        out.extend(stored.period.to_le_bytes());
    }
    out
}

fn put_entry(table: &Table, listed: &Listed<'_>, out: &mut Vec<u8>) {
    let at = out.len();
    out.extend([0; 2]);
    listed.key.write(out);
    let len = (out.len() - at - 2) as u16;
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&len.to_le_bytes());
    }
    out.extend(listed.entry.expires_in().to_le_bytes());
    for stored in table.config().layout.stored() {
        put_data(table, listed, stored, out);
    }
}

fn put_data(table: &Table, listed: &Listed<'_>, stored: &Stored, out: &mut Vec<u8>) {
    for element in 0..usize::from(stored.elements) {
        let number = || listed.entry.own(stored.kind, element).unwrap_or(0);
        match stored.kind.class() {
            Class::Signed | Class::Word => out.extend((number() as u32).to_le_bytes()),
            Class::Long => out.extend(number().to_le_bytes()),
            Class::Rate => {
                let rate = listed.entry.rate(stored.kind, element);
                let (age, current, previous) = rate.unwrap_or_default();
                for part in [age, current, previous] {
                    out.extend(part.to_le_bytes());
                }
            }
            Class::Text => {
                let text = table.text(number());
                let text = text.as_deref().unwrap_or_default();
                let text = text.get(..LONGEST_TEXT).unwrap_or(text);
                out.extend((text.len() as u16).to_le_bytes());
                out.extend(text.as_bytes());
            }
        }
    }
}

/// The most bytes that the file of a table can have.
#[must_use]
pub fn longest_image(config: &TableConfig) -> u64 {
    let key = match config.kind {
        KeyKind::String(len) | KeyKind::Binary(len) => len as u64,
        _ => 16,
    };
    let data = |stored: &Stored| {
        let width = match stored.kind.class() {
            Class::Signed | Class::Word => 4,
            Class::Long => 8,
            Class::Rate => 12,
            Class::Text => 2 + LONGEST_TEXT as u64,
        };
        width * u64::from(stored.elements)
    };
    let stored = config.layout.stored();
    let entry = 6 + key + stored.iter().map(data).sum::<u64>();
    64 + stored.len() as u64 * 7 + u64::from(config.size).saturating_mul(entry)
}

/// Reads a file into a table, all of it or nothing. `date` is the present moment in milliseconds since 1970: what has
/// passed since the file was written counts. Returns how many entries there were that had not expired.
///
/// # Errors
/// Why nothing was read.
pub fn read_image(
    table: &Table,
    now_ms: u64,
    date: u64,
    bytes: &[u8],
) -> Result<usize, ImageFault> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Err(ImageFault::Foreign);
    };
    let (_, hash) = bytes.split_last_chunk::<8>().ok_or(ImageFault::Damaged)?;
    let covered = bytes.get(..bytes.len() - 8).unwrap_or_default();
    if xxh64(covered, 0).to_le_bytes() != *hash {
        return Err(ImageFault::Damaged);
    }
    let (written, rest) = rest.split_first_chunk().ok_or(ImageFault::Damaged)?;
    let passed = date.saturating_sub(u64::from_le_bytes(*written));
    let passed = u32::try_from(passed).unwrap_or(u32::MAX);
    let signature = signature(table.config());
    let entries = rest
        .strip_prefix(&signature[..])
        .ok_or(ImageFault::OtherTable)?;
    // Once for its faults, then in earnest.
    for_each(table.config(), entries, |_| ())?;
    let mut count = 0;
    for_each(table.config(), entries, |entry| {
        count += usize::from(entry.apply(table, now_ms, passed));
    })?;
    Ok(count)
}

/// An entry in a file.
struct Kept<'b> {
    key: Key<'b>,
    left: u32,
    data: &'b [u8],
}

/// Takes a number off the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], ImageFault> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(ImageFault::Damaged)?;
    *bytes = rest;
    Ok(*taken)
}

fn for_each<'b>(
    config: &TableConfig,
    mut bytes: &'b [u8],
    mut each: impl FnMut(Kept<'b>),
) -> Result<(), ImageFault> {
    loop {
        let len = u16::from_le_bytes(take(&mut bytes)?);
        if len == END {
            return match bytes.len() == 8 {
                true => Ok(()),
                false => Err(ImageFault::Damaged),
            };
        }
        let (key, rest) = bytes
            .split_at_checked(len.into())
            .ok_or(ImageFault::Damaged)?;
        bytes = rest;
        let key = Key::received(config.kind, key).ok_or(ImageFault::Damaged)?;
        let left = u32::from_le_bytes(take(&mut bytes)?);
        let from = bytes;
        for stored in config.layout.stored() {
            for _ in 0..stored.elements {
                let width = match stored.kind.class() {
                    Class::Signed | Class::Word => 4,
                    Class::Long => 8,
                    Class::Rate => 12,
                    Class::Text => u16::from_le_bytes(take(&mut bytes)?).into(),
                };
                bytes = bytes.get(width..).ok_or(ImageFault::Damaged)?;
            }
        }
        let data = from.get(..from.len() - bytes.len()).unwrap_or_default();
        each(Kept { key, left, data });
    }
}

impl Kept<'_> {
    /// Puts the entry into a table unless it has expired.
    fn apply(&self, table: &Table, now_ms: u64, passed: u32) -> bool {
        let left = self.left.saturating_sub(passed);
        let config = table.config();
        if config.expire.is_some() && left == 0 {
            return false;
        }
        // The lock of texts is not taken under that of an entry.
        let mut bytes = self.data;
        let mut texts = Vec::new();
        for stored in config.layout.stored() {
            for _ in 0..stored.elements {
                let width = match stored.kind.class() {
                    Class::Text => {
                        let len = take(&mut bytes).map(u16::from_le_bytes).unwrap_or(0);
                        let text = bytes
                            .get(..len.into())
                            .and_then(|t| std::str::from_utf8(t).ok());
                        let text = text.filter(|text| !text.is_empty());
                        texts.push(text.map_or(0, |text| table.text_number(text)));
                        len.into()
                    }
                    Class::Signed | Class::Word => 4,
                    Class::Long => 8,
                    Class::Rate => 12,
                };
                bytes = bytes.get(width..).unwrap_or_default();
            }
        }
        let done = table.learn(&self.key, now_ms, Some(left), |entry| {
            self.fill(config, entry, passed, &texts);
        });
        done.is_some()
    }

    fn fill(&self, config: &TableConfig, entry: &mut EntryMut<'_>, passed: u32, texts: &[u32]) {
        let (mut bytes, mut texts) = (self.data, texts.iter());
        let bytes = &mut bytes;
        for stored in config.layout.stored() {
            for element in 0..usize::from(stored.elements) {
                match stored.kind.class() {
                    Class::Signed | Class::Word => {
                        let value = take(bytes).map(u32::from_le_bytes).unwrap_or(0);
                        // Connections of a process do not outlive it.
                        if stored.kind != DataType::ConnCur {
                            entry.set(stored.kind, element, value.into());
                        }
                    }
                    Class::Long => {
                        let value = take(bytes).map(u64::from_le_bytes).unwrap_or(0);
                        entry.set(stored.kind, element, value);
                    }
                    Class::Rate => {
                        let mut part = || take(bytes).map(u32::from_le_bytes).unwrap_or(0);
                        let (age, current, previous) = (part(), part(), part());
                        // Older than two periods, all of it has faded.
                        let age = age.saturating_add(passed);
                        let faded = age / stored.period.max(1) >= 2;
                        let rate = if faded {
                            (0, 0, 0)
                        } else {
                            (age, current, previous)
                        };
                        entry.set_rate(stored.kind, element, rate);
                    }
                    Class::Text => {
                        let len = take(bytes).map(u16::from_le_bytes).unwrap_or(0);
                        *bytes = bytes.get(usize::from(len)..).unwrap_or_default();
                        let number = texts.next().copied().unwrap_or(0);
                        entry.set(stored.kind, element, number.into());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(kind: KeyKind, expire: Option<u32>) -> Table {
        let mut config = TableConfig::new("t".into(), kind);
        (config.size, config.expire) = (10_000, expire);
        for kind in [
            DataType::ServerId,
            DataType::ServerKey,
            DataType::BytesInCnt,
            DataType::ConnCur,
            DataType::Gpt,
            DataType::HttpReqRate,
        ] {
            config
                .layout
                .store(kind, if kind.is_array() { 3 } else { 1 }, 10_000);
        }
        Table::new(config)
    }

    fn filled() -> Table {
        let table = table(KeyKind::String(20), Some(60_000));
        let number = table.text_number("s1");
        for n in 0..1000u64 {
            let name = format!("k{n}");
            let key = Key::string(name.into_bytes().into(), 20);
            table.update(&key, 1000 + n, |entry| {
                entry.set(DataType::ServerId, 0, n);
                entry.set(DataType::ServerKey, 0, number.into());
                entry.set(DataType::BytesInCnt, 0, n << 33);
                entry.set(DataType::ConnCur, 0, 3);
                entry.set(DataType::Gpt, 2, n + 1);
                entry.add(DataType::HttpReqRate, 0, 8);
            });
        }
        table
    }

    fn image(table: &Table, now: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write_image(table, now, 1_000_000, &mut out).unwrap();
        assert!(out.len() as u64 <= longest_image(table.config()));
        out
    }

    #[test]
    fn entries_come_back_as_old_as_they_are() {
        let (old, new) = (filled(), table(KeyKind::String(20), Some(60_000)));
        let bytes = image(&old, 2000);
        assert_eq!(read_image(&new, 7, 1_004_000, &bytes), Ok(1000));
        let key = Key::string(b"k500"[..].into(), 20);
        let seen = new.read(&key, 7, |entry| {
            let get = |kind, at| entry.get(kind, at).unwrap();
            (
                get(DataType::ServerId, 0),
                get(DataType::BytesInCnt, 0),
                (get(DataType::ConnCur, 0), get(DataType::Gpt, 2)),
                get(DataType::HttpReqRate, 0),
                entry.expires_in(),
                new.text(get(DataType::ServerKey, 0)),
            )
        });
        let expected = (
            500,
            500 << 33,
            (0, 501),
            8,
            60_000 - 500 - 4000,
            Some("s1".into()),
        );
        assert_eq!(seen, Some(expected));
        new.check();
        // Ten seconds and more later the rate has faded, and some entries have gone.
        let later = table(KeyKind::String(20), Some(60_000));
        assert_eq!(read_image(&later, 7, 1_059_500, &bytes), Ok(500 - 1));
        let key = Key::string(b"k999"[..].into(), 20);
        let rate = later.read(&key, 7, |entry| entry.get(DataType::HttpReqRate, 0));
        assert_eq!(rate, Some(Some(0)));
    }

    #[test]
    fn what_is_not_whole_is_refused_and_changes_nothing() {
        let bytes = image(&filled(), 2000);
        let empty = table(KeyKind::String(20), Some(60_000));
        for cut in (0..bytes.len()).step_by(997) {
            assert!(read_image(&empty, 7, 1_000_000, &bytes[..cut]).is_err());
            let mut changed = bytes.clone();
            changed[cut] ^= 0x40;
            assert!(read_image(&empty, 7, 1_000_000, &changed).is_err());
        }
        let other = table(KeyKind::String(21), Some(60_000));
        let read = read_image(&other, 7, 1_000_000, &bytes);
        assert_eq!(read, Err(ImageFault::OtherTable));
        assert_eq!(
            read_image(&empty, 7, 1_000_000, b"nonsense"),
            Err(ImageFault::Foreign)
        );
        // A hash that is right for what makes no sense.
        let mut crafted = bytes[..bytes.len() - 20].to_vec();
        crafted.extend(xxh64(&crafted, 0).to_le_bytes());
        let read = read_image(&empty, 7, 1_000_000, &crafted);
        assert_eq!((read, empty.used()), (Err(ImageFault::Damaged), 0));
    }

    #[test]
    fn a_smaller_table_takes_what_it_can() {
        let bytes = image(&filled(), 2000);
        let mut config = table(KeyKind::String(20), Some(60_000)).config().clone();
        config.size = 10;
        let small = Table::new(config);
        assert!(read_image(&small, 7, 1_000_000, &bytes).is_ok());
        assert_eq!(small.used(), 10);
        small.check();
    }
}
