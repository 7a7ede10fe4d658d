//! Pattern lists shared by name, and the cells in which their compiled forms can be exchanged.

use super::{Method, PatternSet};
use arc_swap::ArcSwap;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;

/// A compiled set that may be exchanged while expressions use it.
#[derive(Debug)]
pub struct PatternCell {
    set: ArcSwap<PatternSet>,
}

impl PatternCell {
    /// A cell that holds `set`.
    #[must_use]
    pub fn new(set: PatternSet) -> Self {
        Self {
            set: ArcSwap::from_pointee(set),
        }
    }

    /// The present set.
    #[must_use]
    pub fn load(&self) -> arc_swap::Guard<Arc<PatternSet>> {
        self.set.load()
    }

    /// Exchanges the set.
    pub fn store(&self, set: PatternSet) {
        self.set.store(Arc::new(set));
    }
}

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

/// One list of patterns or one map by name, with every compiled form that expressions use.
#[derive(Debug)]
pub struct PatternRef {
    /// The file's path, the virtual name, or nothing for patterns written in the configuration.
    pub name: Option<Box<str>>,
    /// The number by which the runtime API names it (`#7`).
    pub id: u32,
    /// Whether its lines are pairs of pattern and value.
    pub is_map: bool,
    /// Where it is used, as the runtime API shows it.
    pub used_by: Mutex<Vec<Box<str>>>,
    cells: Mutex<Vec<Arc<PatternCell>>>,
    lines: Lines,
}

impl PatternRef {
    /// Its compiled forms.
    #[must_use]
    pub fn cells(&self) -> Vec<Arc<PatternCell>> {
        self.cells.lock().clone()
    }

    /// Tests every value of a map.
    ///
    /// # Errors
    /// The first value that fails, with its line.
    pub fn check_values(&self, fits: impl Fn(&[u8]) -> bool) -> Result<(), String> {
        let name = self.name.as_deref().unwrap_or_default();
        for (_, value, line) in self.lines.iter() {
            let value = value.unwrap_or_default();
            if !fits(value) {
                let value = String::from_utf8_lossy(value);
                return Err(format!(
                    "unable to parse '{value}' at line {line} of file '{name}'"
                ));
            }
        }
        Ok(())
    }

    /// The form compiled for a method; made when it is first asked for, and shared after that.
    ///
    /// # Errors
    /// The first pattern that the method can't use, with its line.
    pub fn cell(&self, method: Method, ignore_case: bool) -> Result<Arc<PatternCell>, String> {
        let mut cells = self.cells.lock();
        let found = cells.iter().find(|cell| {
            let set = cell.load();
            set.method() == method && set.ignores_case() == ignore_case
        });
        if let Some(cell) = found {
            return Ok(cell.clone());
        }
        let mut set = PatternSet::new(method, ignore_case);
        let name = self.name.as_deref().unwrap_or_default();
        for (key, value, line) in self.lines.iter() {
            set.add(key, value)
                .map_err(|e| format!("{e} at line {line} of file '{name}'"))?;
        }
        let cell = Arc::new(PatternCell::new(set));
        cells.push(cell.clone());
        Ok(cell)
    }
}

/// All pattern lists and maps of a configuration.
#[derive(Debug, Default)]
pub struct PatternStore {
    refs: Vec<Arc<PatternRef>>,
    by_name: HashMap<Box<str>, Arc<PatternRef>>,
    next_id: u32,
}

impl PatternStore {
    /// All lists, in the order in which the configuration first names them.
    #[must_use]
    pub fn refs(&self) -> &[Arc<PatternRef>] {
        &self.refs
    }

    /// The list of this file or virtual name, read when it is first named.
    ///
    /// # Errors
    /// The file can't be read, or it was used in the other form (list or map) before.
    pub fn file(&mut self, name: &str, is_map: bool) -> Result<Arc<PatternRef>, String> {
        let name = FileName::of(name);
        if let Some(found) = self.by_name.get(name.path()) {
            if found.is_map != is_map {
                return Err(format!(
                    "The file \"{}\" is already used as {} file.",
                    name.path(),
                    if is_map { "acl" } else { "map" }
                ));
            }
            return Ok(found.clone());
        }
        let text = match name {
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
        let lines = Lines::read(text, is_map, Path::new(name.path()))?;
        let made = self.register(Some(name.path()), is_map, lines);
        self.by_name.insert(name.path().into(), made.clone());
        Ok(made)
    }

    /// A list for patterns written in the configuration itself, with its compiled form, under a number of its own or the
    /// given one (`-u`).
    ///
    /// # Errors
    /// The number is taken.
    pub fn inline(
        &mut self,
        set: PatternSet,
        id: Option<u32>,
    ) -> Result<(Arc<PatternRef>, Arc<PatternCell>), String> {
        if let Some(id) = id {
            if self.refs.iter().any(|list| list.id == id) {
                return Err(format!("pattern reference id {id} is already used"));
            }
            // Numbers given out later must not meet this one.
            let next = self.next_id;
            self.next_id = id;
            let made = self.register(None, false, Lines::default());
            self.next_id = next.max(id.saturating_add(1));
            let cell = Arc::new(PatternCell::new(set));
            made.cells.lock().push(cell.clone());
            return Ok((made, cell));
        }
        let made = self.register(None, false, Lines::default());
        let cell = Arc::new(PatternCell::new(set));
        made.cells.lock().push(cell.clone());
        Ok((made, cell))
    }

    fn register(&mut self, name: Option<&str>, is_map: bool, lines: Lines) -> Arc<PatternRef> {
        let made = Arc::new(PatternRef {
            name: name.map(Into::into),
            id: self.next_id,
            is_map,
            used_by: Mutex::default(),
            cells: Mutex::default(),
            lines,
        });
        self.next_id = self.next_id.saturating_add(1);
        self.refs.push(made.clone());
        made
    }
}

/// The patterns of a file, as ranges of its text.
#[derive(Debug, Default)]
struct Lines {
    text: Vec<u8>,
    lines: Vec<Line>,
}

/// Where the parts of one line stand.
#[derive(Debug, Clone, Copy)]
struct Line {
    key: (u32, u32),
    value: Option<(u32, u32)>,
    number: u32,
}

impl Lines {
    fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>, u32)> {
        let slice = |(start, end): (u32, u32)| {
            self.text
                .get(start as usize..end as usize)
                .unwrap_or_default()
        };
        self.lines
            .iter()
            .map(move |line| (slice(line.key), line.value.map(slice), line.number))
    }

    /// Splits a file into patterns, or into patterns and values; empty lines and those that begin with `#` are none.
    fn read(text: Vec<u8>, is_map: bool, path: &Path) -> Result<Self, String> {
        if u32::try_from(text.len()).is_err() {
            return Err(format!("pattern file '{}' is too large", path.display()));
        }
        let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
        let mut lines = Vec::new();
        let mut start = 0;
        for (number, raw) in text.split(|&b| b == b'\n').enumerate() {
            let line_start = start;
            start += raw.len() + 1;
            if raw.first() == Some(&b'#') {
                continue;
            }
            let line = raw.strip_suffix(b"\r").unwrap_or(raw);
            let indent = line.iter().take_while(|b| is_blank(b)).count();
            let line = line.get(indent..).unwrap_or_default();
            if line.is_empty() {
                continue;
            }
            let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
            let range = |from: usize, to: usize| {
                let base = line_start + indent;
                ((base + from) as u32, (base + to) as u32)
            };
            if !is_map {
                lines.push(Line {
                    key: range(0, line.len()),
                    value: None,
                    number,
                });
                continue;
            }
            let key_end = line.iter().position(is_blank).unwrap_or(line.len());
            let rest = line.get(key_end..).unwrap_or_default();
            let gap = rest.iter().take_while(|b| is_blank(b)).count();
            let tail = rest.iter().rev().take_while(|b| is_blank(b)).count();
            let value_end = (line.len() - tail).max(key_end + gap);
            lines.push(Line {
                key: range(0, key_end),
                value: Some(range(key_end + gap, value_end)),
                number,
            });
        }
        lines.shrink_to_fit();
        Ok(Self { text, lines })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_lines_are_split_into_pattern_and_value() {
        let text = b"# c\n a \t one two \r\n\nb x\n#d y\nlone\n".to_vec();
        let lines = Lines::read(text, true, Path::new("m")).expect("a map");
        let all: Vec<_> = lines.iter().collect();
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
