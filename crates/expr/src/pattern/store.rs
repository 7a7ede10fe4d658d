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
    lines: Vec<(Box<[u8]>, Option<Box<[u8]>>, u32)>,
}

impl PatternRef {
    /// Its compiled forms.
    #[must_use]
    pub fn cells(&self) -> Vec<Arc<PatternCell>> {
        self.cells.lock().clone()
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
        for (key, value, line) in &self.lines {
            set.add(key, value.as_deref())
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
        let lines = read_lines(&text, is_map, Path::new(name.path()))?;
        let made = self.register(Some(name.path()), is_map, lines);
        self.by_name.insert(name.path().into(), made.clone());
        Ok(made)
    }

    /// A list for patterns written in the configuration itself, with its compiled form.
    pub fn inline(&mut self, set: PatternSet) -> (Arc<PatternRef>, Arc<PatternCell>) {
        let made = self.register(None, false, Vec::new());
        let cell = Arc::new(PatternCell::new(set));
        made.cells.lock().push(cell.clone());
        (made, cell)
    }

    fn register(
        &mut self,
        name: Option<&str>,
        is_map: bool,
        lines: Vec<(Box<[u8]>, Option<Box<[u8]>>, u32)>,
    ) -> Arc<PatternRef> {
        let made = Arc::new(PatternRef {
            name: name.map(Into::into),
            id: self.next_id,
            is_map,
            used_by: Mutex::default(),
            cells: Mutex::default(),
            lines,
        });
        self.next_id += 1;
        self.refs.push(made.clone());
        made
    }
}

type Lines = Vec<(Box<[u8]>, Option<Box<[u8]>>, u32)>;

/// Splits a file into patterns, or into patterns and values; empty lines and those that begin with `#` are no patterns.
fn read_lines(text: &[u8], is_map: bool, path: &Path) -> Result<Lines, String> {
    let mut lines = Vec::new();
    for (number, line) in text.split(|&b| b == b'\n').enumerate() {
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        if line.first() == Some(&b'#') {
            continue;
        }
        let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(start) = line.iter().position(|b| !is_blank(b)) else {
            continue;
        };
        let line = &line[start..];
        if !is_map {
            lines.push((line.into(), None, number));
            continue;
        }
        let end = line.iter().position(is_blank).unwrap_or(line.len());
        let (key, rest) = line.split_at(end);
        let value_start = rest.iter().position(|b| !is_blank(b)).unwrap_or(rest.len());
        let mut value = rest.get(value_start..).unwrap_or_default();
        while let [head @ .., b' ' | b'\t'] = value {
            value = head;
        }
        if value.is_empty() && rest.is_empty() {
            return Err(format!(
                "invalid pattern: line {number} of file '{}' has no value",
                path.display()
            ));
        }
        lines.push((key.into(), Some(value.into()), number));
    }
    Ok(lines)
}
