//! What the reader hands out: lines and their words.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::text::Text;

/// One word of a line, after unquoting and expansion, with its place in the line as written.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    pub(crate) text: Text,
    /// Byte column of the word's first character in [`Line::source`], from 1.
    pub column: u32,
    /// How many bytes of the source line the word takes, quotes and variable references included.
    pub width: u32,
    /// Whether any part of the word was quoted, escaped or expanded.
    pub quoted: bool,
    /// Column that a message about an empty word names.
    pub(crate) mark: u32,
}

impl Word {
    /// A word that stands in no source line.
    pub fn new(text: impl Into<Text>) -> Self {
        Self {
            text: text.into(),
            column: 0,
            width: 0,
            quoted: false,
            mark: 0,
        }
    }

    /// The word, with private characters for bytes that are not UTF-8; see [`bytes_of`](crate::bytes_of).
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The word's exact bytes. Never contains NUL: a word ends at `\x00`.
    pub fn bytes(&self) -> &[u8] {
        self.text.bytes()
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Word {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Word {
    fn eq(&self, other: &str) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Word {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{}+{}", self.as_str(), self.column, self.width)
    }
}

/// What stood before the keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prefix {
    /// Nothing.
    #[default]
    None,
    /// `no`
    No,
    /// `default`
    Default,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The source's name as messages show it.
    pub file: Arc<str>,
    /// Line number, from 1.
    pub number: u32,
    /// The words, without the prefix. Empty only after a lone `no` or `default`.
    pub words: Vec<Word>,
    /// The prefix that was removed.
    pub prefix: Prefix,
    /// The line as written, without its end; bytes that are not UTF-8 show as `?`, so columns stay true.
    pub source: String,
}

impl Line {
    /// The word at `index`, or "" beyond the end.
    pub fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", Word::as_str)
    }
}
