//! Text that is UTF-8 nearly always, and keeps its exact bytes when it is not.

use std::fmt;
use std::ops::Deref;

/// A string that remembers its exact bytes where they are not UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Text {
    lossy: String,
    raw: Option<Box<[u8]>>,
}

impl Text {
    /// The text, with U+FFFD where its bytes are not UTF-8.
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
                    lossy: String::from_utf8_lossy(&raw).into_owned(),
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
        assert_eq!(text.as_str(), "a\u{fffd}b");
        assert_eq!(text.bytes(), b"a\xe9b");
        assert_eq!(Text::from("a").bytes(), b"a");
    }
}
