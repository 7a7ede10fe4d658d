//! All pattern lists and maps of a configuration, by name, and the reading of their files.

use super::entries::Entries;
use super::list::{PatternCell, PatternRef};
use super::set::PatternSet;
use hashbrown::HashMap;
use std::sync::Arc;

/// How a file name of `-f`, `-M` or a map is to be read (configuration manual, 2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileName<'n> {
    /// A file that must exist.
    File(&'n str),
    /// A file that may be missing.
    Optional(&'n str),
    /// No file at all: only a name.
    Virtual(&'n str),
}

impl<'n> FileName<'n> {
    /// Reads the prefix of a name.
    #[must_use]
    pub fn of(name: &'n str) -> Self {
        if let Some(path) = name.strip_prefix("file@") {
            Self::File(path)
        } else if let Some(path) = name.strip_prefix("opt@") {
            Self::Optional(path)
        } else if let Some(path) = name.strip_prefix("virt@") {
            Self::Virtual(path)
        } else {
            Self::File(name)
        }
    }

    /// The name under which the runtime API knows the list.
    #[must_use]
    pub fn path(self) -> &'n str {
        match self {
            Self::File(path) | Self::Optional(path) | Self::Virtual(path) => path,
        }
    }
}

/// All pattern lists and maps of a configuration.
#[derive(Debug, Default)]
pub struct PatternStore {
    refs: Vec<Arc<PatternRef>>,
    by_name: HashMap<Box<str>, Arc<PatternRef>>,
    next_id: u32,
    /// The numbers that the configuration asks for.
    wanted: Vec<u32>,
}

impl PatternStore {
    /// All lists, in the order in which the configuration first names them.
    #[must_use]
    pub fn refs(&self) -> &[Arc<PatternRef>] {
        &self.refs
    }

    /// The list that the configuration knows by a file's or a virtual name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<PatternRef>> {
        self.by_name.get(FileName::of(name).path())
    }

    /// Ends the time in which expressions are compiled; until then lists are read under a lock.
    pub fn freeze(&self) {
        self.refs.iter().for_each(|list| list.freeze());
    }

    /// The list of this file or virtual name, read when it is first named.
    ///
    /// # Errors
    /// The file can't be read, or it was used in the other form (list or map) before.
    pub fn file(&mut self, name: &str, is_map: bool) -> Result<Arc<PatternRef>, String> {
        let file = FileName::of(name);
        if let Some(found) = self.by_name.get(file.path()) {
            if found.is_map != is_map {
                let (now, wanted) = if is_map {
                    ("one", "two")
                } else {
                    ("two", "one")
                };
                return Err(format!(
                    "The file \"{}\" is already used as {now} column file and cannot be used by as {wanted} column file.",
                    file.path()
                ));
            }
            return Ok(found.clone());
        }
        let text = match file {
            FileName::Virtual(_) => Vec::new(),
            FileName::File(path) => {
                std::fs::read(path).map_err(|_| format!("failed to open pattern file <{path}>"))?
            }
            FileName::Optional(path) => match std::fs::read(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(format!("failed to open pattern file <{path}>"));
                }
                other => other.unwrap_or_default(),
            },
        };
        let entries = read_lines(text, is_map)
            .map_err(|_| format!("pattern file '{}' is too large", file.path()))?;
        let shown = name.strip_prefix("file@").unwrap_or(name);
        let made = self.register(Some(shown), is_map, PatternSet::over(entries));
        self.by_name.insert(file.path().into(), made.clone());
        Ok(made)
    }

    /// A list for patterns written in the configuration itself, with its compiled form, under a number of its own or the
    /// given one (`-u`).
    ///
    /// # Errors
    /// The number is taken.
    pub fn inline(&mut self, set: PatternSet, id: Option<u32>) -> Result<PatternCell, String> {
        let (method, ignore_case) = (set.method(), set.ignores_case());
        let Some(id) = id else {
            return self.register(None, false, set).cell(method, ignore_case);
        };
        if self.wanted.contains(&id) {
            return Err(format!("pattern reference id {id} is already used"));
        }
        self.wanted.push(id);
        // A list that was given this number because nobody had asked for it yet makes room.
        if let Some(list) = self.refs.iter().find(|list| list.id() == id).cloned() {
            list.renumber(self.free_id());
        }
        self.add(None, id, false, set).cell(method, ignore_case)
    }

    fn register(&mut self, name: Option<&str>, is_map: bool, set: PatternSet) -> Arc<PatternRef> {
        let id = self.free_id();
        self.add(name, id, is_map, set)
    }

    fn add(
        &mut self,
        name: Option<&str>,
        id: u32,
        is_map: bool,
        set: PatternSet,
    ) -> Arc<PatternRef> {
        let made = Arc::new(PatternRef::new(name, id, is_map, set));
        self.refs.push(made.clone());
        made
    }

    fn free_id(&mut self) -> u32 {
        while self.wanted.contains(&self.next_id) {
            self.next_id = self.next_id.saturating_add(1);
        }
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        id
    }
}

/// Splits a file into patterns, or into patterns and values; empty lines and those that begin with `#` are none.
fn read_lines(text: Vec<u8>, is_map: bool) -> Result<Entries, String> {
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
    // The ranges of a text stay what they are while it moves into the entries.
    let text_len = text.len();
    let mut entries = Entries::over(text)?;
    let (mut start, mut number) = (0, 0u32);
    while start < text_len {
        let raw = entries.line_at(start);
        let (line_start, length) = (start, raw.len());
        start += length + 1;
        number = number.saturating_add(1);
        if raw.first() == Some(&b'#') {
            continue;
        }
        let line = raw.strip_suffix(b"\r").unwrap_or(raw);
        let indent = line.iter().take_while(|b| is_blank(b)).count();
        let line = line.get(indent..).unwrap_or_default();
        if line.is_empty() {
            continue;
        }
        let base = line_start + indent;
        if !is_map {
            let key = base..base + line.len();
            entries.push_at(key, None, number);
            continue;
        }
        let key_end = line.iter().position(is_blank).unwrap_or(line.len());
        let rest = line.get(key_end..).unwrap_or_default();
        let gap = rest.iter().take_while(|b| is_blank(b)).count();
        let tail = rest.iter().rev().take_while(|b| is_blank(b)).count();
        let value_end = (line.len() - tail).max(key_end + gap);
        let value = base + key_end + gap..base + value_end;
        entries.push_at(base..base + key_end, Some(value), number);
    }
    entries.shrink();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_lines_are_split_into_pattern_and_value() {
        let text = b"# c\n a \t one two \r\n\nb x\n#d y\nlone\n".to_vec();
        let entries = read_lines(text, true).expect("a map");
        let all: Vec<_> = entries
            .iter()
            .map(|(slot, entry)| (entry.key, entry.value, entries.line(slot)))
            .collect();
        assert_eq!(
            all,
            [
                (&b"a"[..], Some(&b"one two"[..]), 2),
                (b"b", Some(b"x"), 4),
                (b"lone", Some(b""), 6)
            ]
        );
    }
}
