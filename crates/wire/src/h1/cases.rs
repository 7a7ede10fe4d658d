//! `h1-case-adjust`: header names in the case that a bogus peer insists on.

use std::collections::HashMap;
use std::fmt;

/// The header names to write in another case.
#[derive(Debug, Clone, Default)]
pub struct CaseMap {
    names: HashMap<Box<[u8]>, Box<[u8]>>,
}

/// Why a pair of names was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseMapError {
    /// A name is empty.
    Empty,
    /// The first name is not in lower case.
    NotLowerCase,
    /// The names differ in more than their case.
    Differ,
    /// The name has an entry already.
    Duplicate,
}

impl fmt::Display for CaseMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a header name is empty",
            Self::NotLowerCase => "the first header name is not in lower case",
            Self::Differ => "the header names differ in more than their case",
            Self::Duplicate => "the header name has an adjustment already",
        })
    }
}

impl std::error::Error for CaseMapError {}

impl CaseMap {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one adjustment.
    ///
    /// # Errors
    ///
    /// See [`CaseMapError`]; the map is left as it was.
    pub fn insert(&mut self, from: &[u8], to: &[u8]) -> Result<(), CaseMapError> {
        if from.is_empty() || to.is_empty() {
            return Err(CaseMapError::Empty);
        }
        if from.iter().any(u8::is_ascii_uppercase) {
            return Err(CaseMapError::NotLowerCase);
        }
        if !from.eq_ignore_ascii_case(to) {
            return Err(CaseMapError::Differ);
        }
        if self.names.contains_key(from) {
            return Err(CaseMapError::Duplicate);
        }
        self.names.insert(from.into(), to.into());
        Ok(())
    }

    /// The name to write for this lower-case name.
    #[must_use]
    pub fn adjust<'a>(&'a self, name: &'a [u8]) -> &'a [u8] {
        self.names.get(name).map_or(name, |to| to)
    }

    /// How many adjustments there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_case_may_change_and_only_once() {
        let mut map = CaseMap::new();
        assert_eq!(map.insert(b"content-length", b"Content-Length"), Ok(()));
        assert_eq!(
            map.insert(b"content-length", b"CONTENT-LENGTH"),
            Err(CaseMapError::Duplicate)
        );
        assert_eq!(
            map.insert(b"Host", b"HOST"),
            Err(CaseMapError::NotLowerCase)
        );
        assert_eq!(map.insert(b"host", b"Hast"), Err(CaseMapError::Differ));
        assert_eq!(map.insert(b"", b""), Err(CaseMapError::Empty));
        assert_eq!(map.adjust(b"content-length"), b"Content-Length");
        assert_eq!(map.adjust(b"date"), b"date");
        assert_eq!(map.len(), 1);
    }
}
