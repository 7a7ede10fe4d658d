//! Text that is UTF-8 nearly always, and keeps its exact bytes when it is not.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// A string that remembers its exact bytes where they are not UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Text {
    lossy: String,
    raw: Option<Box<[u8]>>,
}

/// Bytes that are no UTF-8 stand in strings as the private characters from here on, so that readers of strings lose none.
const STAND_INS: u32 = 0x10_ff00;

/// A string for bytes, from which [`bytes_of`] gets them back.
fn string_of(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        let stand_in = |byte: &u8| char::from_u32(STAND_INS + u32::from(*byte));
        out.extend(chunk.invalid().iter().filter_map(stand_in));
    }
    out
}

/// The bytes that a word's string, or a part of it, was written with.
#[must_use]
pub fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    let byte = |c: char| u8::try_from(u32::from(c).wrapping_sub(STAND_INS)).ok();
    if !text.contains(|c| byte(c).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte(c) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

impl Text {
    /// The text, with private characters for bytes that are not UTF-8 (see [`bytes_of`]).
    pub fn as_str(&self) -> &str {
        &self.lossy
    }

    /// The exact bytes.
    pub fn bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.lossy.as_bytes())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(lossy) => Self { lossy, raw: None },
            Err(error) => {
                let raw = error.into_bytes();
                Self {
                    lossy: string_of(&raw),
                    raw: Some(raw.into_boxed_slice()),
                }
            }
        }
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self {
                lossy: text.to_owned(),
                raw: None,
            },
            Err(_) => Self::from(bytes.to_vec()),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self {
            lossy: text.to_owned(),
            raw: None,
        }
    }
}

impl From<String> for Text {
    fn from(lossy: String) -> Self {
        Self { lossy, raw: None }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.lossy
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lossy)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.lossy, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_what_is_not_utf8() {
        let text = Text::from(&b"a\xe9b"[..]);
        assert_eq!(text.as_str(), "a\u{10ffe9}b");
        assert_eq!(&*bytes_of(text.as_str()), b"a\xe9b");
        assert_eq!(&*bytes_of("aéb"), "aéb".as_bytes());
        assert_eq!(text.bytes(), b"a\xe9b");
        assert_eq!(Text::from("a").bytes(), b"a");
    }
}
