//! Keys of entries.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What a table's keys are (`type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses.
    Ipv6,
    /// 32-bit integers.
    Integer,
    /// Texts of at most so many bytes.
    String(usize),
    /// Blocks of exactly so many bytes.
    Binary(usize),
}

impl KeyKind {
    /// The name that `show table` gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ip",
            Self::Ipv6 => "ipv6",
            Self::Integer => "integer",
            Self::String(_) => "string",
            Self::Binary(_) => "binary",
        }
    }

    /// How many words an entry keeps for its key.
    pub(crate) fn words(self) -> usize {
        match self {
            Self::Ipv4 | Self::Integer => 1,
            Self::Ipv6 => 4,
            Self::String(len) => 1 + len.div_ceil(4),
            Self::Binary(len) => len.div_ceil(4),
        }
    }
}

/// A key, fitted to the kind of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key<'a> {
    /// For [`KeyKind::Ipv4`].
    Ipv4(Ipv4Addr),
    /// For [`KeyKind::Ipv6`].
    Ipv6(Ipv6Addr),
    /// For [`KeyKind::Integer`].
    Integer(u32),
    /// For [`KeyKind::String`], no longer than that allows.
    String(Cow<'a, [u8]>),
    /// For [`KeyKind::Binary`], of exactly that length.
    Binary(Cow<'a, [u8]>),
}

impl<'a> Key<'a> {
    /// A text for a table of strings, cut to what it keeps.
    #[must_use]
    pub fn string(text: Cow<'a, [u8]>, len: usize) -> Self {
        Self::String(cut(text, len))
    }

    /// A block for a table of blocks, cut or filled up with zeroes to its length.
    #[must_use]
    pub fn binary(block: Cow<'a, [u8]>, len: usize) -> Self {
        let mut block = cut(block, len);
        if block.len() < len {
            block.to_mut().resize(len, 0);
        }
        Self::Binary(block)
    }

    /// Writes the key's bytes as peers send them: integers and addresses in network order, texts without a length.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ipv4(address) => out.extend_from_slice(&address.octets()),
            Self::Ipv6(address) => out.extend_from_slice(&address.octets()),
            Self::Integer(value) => out.extend_from_slice(&value.to_be_bytes()),
            Self::String(bytes) | Self::Binary(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// The same with integers in the order of most machines, as keys are hashed.
    pub(crate) fn write_native(&self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(value) => out.extend_from_slice(&value.to_le_bytes()),
            other => other.write(out),
        }
    }

    /// The key of a kind that a peer has sent; `None` when it is none.
    #[must_use]
    pub fn received(kind: KeyKind, bytes: &'a [u8]) -> Option<Self> {
        Some(match kind {
            KeyKind::Ipv4 => Self::Ipv4(<[u8; 4]>::try_from(bytes).ok()?.into()),
            KeyKind::Ipv6 => Self::Ipv6(<[u8; 16]>::try_from(bytes).ok()?.into()),
            KeyKind::Integer => Self::Integer(u32::from_be_bytes(bytes.try_into().ok()?)),
            KeyKind::String(len) if bytes.len() <= len => Self::String(Cow::Borrowed(bytes)),
            KeyKind::Binary(len) if bytes.len() == len => Self::Binary(Cow::Borrowed(bytes)),
            KeyKind::String(_) | KeyKind::Binary(_) => return None,
        })
    }

    /// Whether a table of this kind can have the key.
    #[must_use]
    pub fn fits(&self, kind: KeyKind) -> bool {
        match (self, kind) {
            (Self::Ipv4(_), KeyKind::Ipv4)
            | (Self::Ipv6(_), KeyKind::Ipv6)
            | (Self::Integer(_), KeyKind::Integer) => true,
            (Self::String(text), KeyKind::String(len)) => text.len() <= len,
            (Self::Binary(block), KeyKind::Binary(len)) => block.len() == len,
            _ => false,
        }
    }

    /// Hands out the key's words, in which entries keep it.
    pub(crate) fn each_word(&self, mut word: impl FnMut(u32)) {
        match self {
            Self::Ipv4(address) => word(address.to_bits()),
            Self::Integer(value) => word(*value),
            Self::Ipv6(address) => {
                let bits = address.to_bits();
                for shift in [96, 64, 32, 0] {
                    word((bits >> shift) as u32);
                }
            }
            Self::String(text) => {
                word(text.len() as u32);
                packed(text, word);
            }
            Self::Binary(block) => packed(block, word),
        }
    }

    /// Whether an entry's key words are this key's.
    pub(crate) fn equals(&self, words: &[u32]) -> bool {
        let mut rest = words.iter();
        let mut equal = true;
        self.each_word(|word| equal &= rest.next() == Some(&word));
        equal
    }

    pub(crate) fn hash(&self, mut hasher: impl Hasher) -> u64 {
        self.each_word(|word| hasher.write_u32(word));
        hasher.finish()
    }

    /// The key that an entry keeps in these words.
    pub(crate) fn from_words(kind: KeyKind, words: &[u32]) -> Key<'static> {
        let at = |at: usize| words.get(at).copied().unwrap_or(0);
        let bytes = |words: &[u32], len: usize| {
            let all = words.iter().flat_map(|word| word.to_le_bytes());
            Cow::Owned(all.take(len).collect::<Vec<u8>>())
        };
        match kind {
            KeyKind::Ipv4 => Key::Ipv4(at(0).into()),
            KeyKind::Integer => Key::Integer(at(0)),
            KeyKind::Ipv6 => {
                let bits = (0..4).fold(0, |bits, n| (bits << 32) | u128::from(at(n)));
                Key::Ipv6(bits.into())
            }
            KeyKind::String(_) => {
                Key::String(bytes(words.get(1..).unwrap_or_default(), at(0) as usize))
            }
            KeyKind::Binary(len) => Key::Binary(bytes(words, len)),
        }
    }
}

/// The hash of a key kept in words: that of [`Key::hash`], unused words at the end left aside.
pub(crate) fn hash_words(kind: KeyKind, words: &[u32], mut hasher: impl Hasher) -> u64 {
    let used = match (kind, words.first()) {
        (KeyKind::String(_), Some(&len)) => 1 + (len as usize).div_ceil(4),
        _ => kind.words(),
    };
    for word in words.iter().take(used) {
        hasher.write_u32(*word);
    }
    hasher.finish()
}

fn cut(bytes: Cow<'_, [u8]>, len: usize) -> Cow<'_, [u8]> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(..len).unwrap_or(bytes)),
        Cow::Owned(mut bytes) => {
            bytes.truncate(len);
            Cow::Owned(bytes)
        }
    }
}

fn packed(bytes: &[u8], mut word: impl FnMut(u32)) {
    for chunk in bytes.chunks(4) {
        let mut packed = [0; 4];
        for (to, from) in packed.iter_mut().zip(chunk) {
            *to = *from;
        }
        word(u32::from_le_bytes(packed));
    }
}

/// The form of `show table`: blocks in hexadecimal, everything else as it is.
impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(address) => address.fmt(f),
            Self::Ipv6(address) => address.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::String(text) => String::from_utf8_lossy(text).fmt(f),
            Self::Binary(block) => block.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(key: &Key<'_>, kind: KeyKind) -> Vec<u32> {
        let mut words = Vec::new();
        key.each_word(|word| words.push(word));
        assert!(words.len() <= kind.words());
        words.resize(kind.words(), 0);
        words
    }

    #[test]
    fn keys_come_back_from_their_words() {
        let text = |text: &'static str, len| Key::string(Cow::Borrowed(text.as_bytes()), len);
        for (kind, key, shown) in [
            (
                KeyKind::Ipv4,
                Key::Ipv4(Ipv4Addr::new(1, 2, 3, 4)),
                "1.2.3.4",
            ),
            (
                KeyKind::Ipv6,
                Key::Ipv6("2001:db8::1".parse().unwrap()),
                "2001:db8::1",
            ),
            (KeyKind::Integer, Key::Integer(4_294_967_295), "4294967295"),
            (KeyKind::String(5), text("abcdefg", 5), "abcde"),
            (KeyKind::String(9), text("", 9), ""),
            (
                KeyKind::Binary(3),
                Key::binary(Cow::Borrowed(b"ab"), 3),
                "616200",
            ),
        ] {
            let words = words(&key, kind);
            assert!(key.fits(kind) && key.equals(&words), "{key:?}");
            let back = Key::from_words(kind, &words);
            assert_eq!((&back, back.to_string().as_str()), (&key, shown));
        }
    }

    #[test]
    fn texts_differ_by_their_length_too() {
        let kind = KeyKind::String(8);
        let key = Key::string(Cow::Borrowed(b"ab"), 8);
        let other = Key::string(Cow::Borrowed(b"ab\0"), 8);
        assert!(!key.equals(&words(&other, kind)));
    }
}
