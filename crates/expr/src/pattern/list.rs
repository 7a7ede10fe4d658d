//! Lists of patterns and maps that expressions share, and that may change while they are read.

use super::Method;
use super::entries::Entry;
use super::set::{Found, PatternSet, ValueCheck};
use crate::regex::Groups;
use crate::sample::Value;
use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Patterns that have gone since the start of the process, counted once per form as [`PatternRef::entry_count`] counts.
static FREED: AtomicU64 = AtomicU64::new(0);

/// How many patterns have gone since the start of the process.
#[must_use]
pub fn freed() -> u64 {
    FREED.load(Ordering::Relaxed)
}

fn count_freed(patterns: usize) {
    FREED.fetch_add(patterns as u64, Ordering::Relaxed);
}

/// What a list holds at the moment.
#[derive(Debug)]
enum State {
    /// As the configuration has it: read without a lock.
    Fixed(PatternSet),
    /// Being read, or changed at run time.
    Changing(RwLock<PatternSet>),
}

/// The versions of a list (management manual, `prepare map`).
#[derive(Debug, Default)]
struct Versions {
    current: u32,
    next: u32,
    /// Versions that are being prepared.
    prepared: Vec<(u32, PatternSet)>,
}

/// One list of patterns or one map by name, with every form in which expressions look into it.
#[derive(Debug)]
pub struct PatternRef {
    /// The file name as the configuration has it, or nothing for patterns written in the configuration.
    pub name: Option<Box<str>>,
    id: AtomicU32,
    /// Whether its lines are pairs of pattern and value.
    pub is_map: bool,
    uses: Mutex<Uses>,
    state: ArcSwap<State>,
    versions: Mutex<Versions>,
}

#[derive(Debug, Default)]
struct Uses {
    places: Vec<Box<str>>,
    by_acl: bool,
    by_map: bool,
}

/// Why a version can't be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionError {
    /// It has not been prepared yet.
    Future,
    /// It can't be committed: it is not one of those that were prepared.
    OutOfRange,
    /// The pattern or the value is not what the expressions that use the list need.
    Pattern(String),
}

impl PatternRef {
    pub(super) fn new(name: Option<&str>, id: u32, is_map: bool, set: PatternSet) -> Self {
        Self {
            name: name.map(Into::into),
            id: AtomicU32::new(id),
            is_map,
            uses: Mutex::default(),
            state: ArcSwap::from_pointee(State::Changing(RwLock::new(set))),
            versions: Mutex::default(),
        }
    }

    /// The number by which the runtime API names it (`#7`).
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id.load(Ordering::Relaxed)
    }

    /// Gives it another number, while the configuration is being read.
    pub(super) fn renumber(&self, id: u32) {
        self.id.store(id, Ordering::Relaxed);
    }

    /// Ends the time in which the configuration adds forms: from here on the list is read without a lock until it is
    /// changed.
    pub(super) fn freeze(&self) {
        let _writer = self.versions.lock();
        let empty = State::Fixed(PatternSet::default());
        let old = self.state.swap(Arc::new(empty));
        let frozen = match Arc::try_unwrap(old) {
            Ok(State::Changing(set)) => Arc::new(State::Fixed(set.into_inner())),
            Ok(fixed @ State::Fixed(_)) => Arc::new(fixed),
            // Somebody reads it.
            Err(old) => old,
        };
        self.state.store(frozen);
    }

    /// Whether it has been changed at run time.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        matches!(&**self.state.load(), State::Changing(_)) || self.versions().0 != 0
    }

    /// Reads what the list holds.
    pub fn read<R>(&self, read: impl FnOnce(&PatternSet) -> R) -> R {
        match &**self.state.load() {
            State::Fixed(set) => read(set),
            State::Changing(set) => read(&set.read()),
        }
    }

    /// Changes what the list holds; `_versions` keeps other writers out.
    fn write<R>(
        &self,
        _versions: &MutexGuard<'_, Versions>,
        change: impl FnOnce(&mut PatternSet) -> R,
    ) -> R {
        let state = self.state.load_full();
        match &*state {
            State::Changing(set) => change(&mut set.write()),
            State::Fixed(set) => {
                let mut set = set.clone();
                let result = change(&mut set);
                self.state
                    .store(Arc::new(State::Changing(RwLock::new(set))));
                result
            }
        }
    }

    /// Notes where the list is used, as the runtime API shows it.
    pub fn note_use(&self, by_map: bool, place: String) {
        let mut uses = self.uses.lock();
        uses.by_map |= by_map;
        uses.by_acl |= !by_map;
        uses.places.push(place.into());
    }

    /// Whether conditions use it.
    #[must_use]
    pub fn is_used_by_acl(&self) -> bool {
        self.uses.lock().by_acl
    }

    /// Whether maps use it.
    #[must_use]
    pub fn is_used_by_map(&self) -> bool {
        self.uses.lock().by_map
    }

    /// Where the list comes from and who uses it, as the runtime API shows it.
    #[must_use]
    pub fn description(&self) -> String {
        let uses = self.uses.lock();
        match &self.name {
            Some(name) => format!(
                "pattern loaded from file '{name}' used by {}",
                uses.places.join(", by ")
            ),
            None => uses.places.join(", "),
        }
    }

    /// The list in a form; compiled when it is first asked for, and shared after that.
    ///
    /// # Errors
    /// The first pattern that the method can't use, with its line.
    pub fn cell(
        self: &Arc<Self>,
        method: Method,
        ignore_case: bool,
    ) -> Result<PatternCell, String> {
        let versions = self.versions.lock();
        let form = self
            .write(&versions, |set| set.form(method, ignore_case))
            .map_err(|error| self.at_line(error))?;
        Ok(PatternCell {
            list: self.clone(),
            form,
        })
    }

    /// Holds the values of a map, those of today and those to come, to a check.
    ///
    /// # Errors
    /// The first value that fails, with its line.
    pub(crate) fn check_values(&self, check: ValueCheck) -> Result<(), String> {
        let versions = self.versions.lock();
        self.write(&versions, |set| set.check_values(check))
            .map_err(|error| self.at_line(error))
    }

    fn at_line(&self, (error, line): (String, u32)) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        format!("{error} at line {line} of file '{name}'")
    }

    /// The version that is looked into, and the last one that was prepared.
    #[must_use]
    pub fn versions(&self) -> (u32, u32) {
        let versions = self.versions.lock();
        (versions.current, versions.next)
    }

    /// How many entries there are in all versions, counted once per form.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        let versions = self.versions.lock();
        let prepared: usize = versions.prepared.iter().map(|(_, set)| set.len()).sum();
        self.read(|set| (set.len() + prepared) * set.form_count())
    }

    /// Opens a new version and returns its number.
    pub fn prepare(&self) -> u32 {
        let mut versions = self.versions.lock();
        versions.next = versions.next.wrapping_add(1);
        versions.next
    }

    /// Reads a version that is being prepared, or the one that is looked into.
    pub fn read_version<R>(&self, version: Option<u32>, read: impl FnOnce(&PatternSet) -> R) -> R {
        let versions = self.versions.lock();
        match version.filter(|version| *version != versions.current) {
            None => self.read(read),
            Some(version) => match versions.prepared.iter().find(|(v, _)| *v == version) {
                Some((_, set)) => read(set),
                None => read(&PatternSet::default()),
            },
        }
    }

    /// Changes a version: `None` and the current one are the one that is looked into.
    fn change<R>(
        &self,
        version: Option<u32>,
        change: impl FnOnce(&mut PatternSet) -> R,
    ) -> Result<R, VersionError> {
        let mut versions = self.versions.lock();
        let Some(version) = version.filter(|version| *version != versions.current) else {
            return Ok(self.write(&versions, change));
        };
        let ahead = version.wrapping_sub(versions.current);
        if ahead > versions.next.wrapping_sub(versions.current) {
            return Err(VersionError::Future);
        }
        if !versions.prepared.iter().any(|(v, _)| *v == version) {
            let empty = self.read(PatternSet::emptied);
            versions.prepared.push((version, empty));
        }
        let place = versions.prepared.iter_mut().find(|(v, _)| *v == version);
        match place {
            Some((_, set)) => Ok(change(set)),
            None => Err(VersionError::Future),
        }
    }

    /// Adds a pattern to a version.
    ///
    /// # Errors
    /// There is no such version, or the pattern or value can't be used.
    pub fn add(
        &self,
        version: Option<u32>,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), VersionError> {
        self.change(version, |set| set.add(key, value))?
            .map_err(VersionError::Pattern)
    }

    /// Adds many patterns to a version at once.
    ///
    /// # Errors
    /// There is no such version, or a pattern or value can't be used; those before it stay.
    pub fn add_all<'p>(
        &self,
        version: Option<u32>,
        pairs: impl IntoIterator<Item = (&'p [u8], Option<&'p [u8]>)>,
    ) -> Result<(), VersionError> {
        self.change(version, |set| {
            let added = pairs
                .into_iter()
                .try_for_each(|(key, value)| set.add(key, value));
            set.settle();
            added
        })?
        .map_err(VersionError::Pattern)
    }

    /// Removes all entries of a text from what is looked into, and returns how many there were.
    pub fn remove_key(&self, key: &[u8]) -> usize {
        let versions = self.versions.lock();
        self.write(&versions, |set| {
            let removed = set.remove_key(key);
            count_freed(removed * set.form_count());
            removed
        })
    }

    /// Removes the entry of a number from what is looked into. Returns whether there is one.
    pub fn remove(&self, id: u32) -> bool {
        let versions = self.versions.lock();
        self.write(&versions, |set| {
            let removed = set.remove(id);
            count_freed(usize::from(removed) * set.form_count());
            removed
        })
    }

    /// Gives all entries of a text another value, and returns how many there are.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn set_key(&self, key: &[u8], value: &[u8]) -> Result<usize, String> {
        let versions = self.versions.lock();
        self.write(&versions, |set| set.set_key(key, value))
    }

    /// Gives the entry of a number another value. Returns whether there is one.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn set(&self, id: u32, value: &[u8]) -> Result<bool, String> {
        let versions = self.versions.lock();
        self.write(&versions, |set| set.set(id, value))
    }

    /// Gives the entries of a text a value, or adds one (the action `set-map`).
    ///
    /// # Errors
    /// What is wrong with the pattern or the value.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let versions = self.versions.lock();
        self.write(&versions, |set| match set.set_key(key, value)? {
            0 => set.add(key, Some(value)),
            _ => Ok(()),
        })
    }

    /// Adds a pattern unless it is there (the action `add-acl`).
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn put_key(&self, key: &[u8]) -> Result<(), String> {
        let versions = self.versions.lock();
        self.write(&versions, |set| match set.has_key(key) {
            true => Ok(()),
            false => set.add(key, None),
        })
    }

    /// Empties a version.
    pub fn clear(&self, version: Option<u32>) {
        let before = self.entry_count();
        self.empty(version);
        count_freed(before.saturating_sub(self.entry_count()));
    }

    fn empty(&self, version: Option<u32>) {
        let mut versions = self.versions.lock();
        match version.filter(|version| *version != versions.current) {
            None => self.write(&versions, |set| *set = set.emptied()),
            Some(version) => versions.prepared.retain(|(v, _)| *v != version),
        }
    }

    /// Makes a prepared version the one that is looked into; older ones are gone.
    ///
    /// # Errors
    /// It is not one of those that were prepared.
    pub fn commit(&self, version: u32) -> Result<(), VersionError> {
        let before = self.entry_count();
        self.exchange(version)?;
        count_freed(before.saturating_sub(self.entry_count()));
        Ok(())
    }

    fn exchange(&self, version: u32) -> Result<(), VersionError> {
        let mut versions = self.versions.lock();
        let ahead = version.wrapping_sub(versions.current);
        if ahead > versions.next.wrapping_sub(versions.current) {
            return Err(VersionError::OutOfRange);
        }
        if ahead == 0 {
            return Ok(());
        }
        let at = versions.prepared.iter().position(|(v, _)| *v == version);
        let mut set = match at {
            Some(at) => versions.prepared.swap_remove(at).1,
            None => self.read(PatternSet::emptied),
        };
        set.settle();
        let current = versions.current;
        versions
            .prepared
            .retain(|(v, _)| v.wrapping_sub(current) > ahead);
        versions.current = version;
        self.state.store(Arc::new(State::Fixed(set)));
        Ok(())
    }
}

/// A list in the form in which one expression looks into it.
#[derive(Debug, Clone)]
pub struct PatternCell {
    list: Arc<PatternRef>,
    form: usize,
}

impl PatternCell {
    /// Whether a value matches any pattern.
    #[must_use]
    pub fn matches(&self, value: &Value<'_>) -> bool {
        self.list
            .read(|set| set.find_in(self.form, value).is_some())
    }

    /// Reads the entry that a value matches; regular expressions yield their groups in its text as well.
    pub fn look_up<R>(
        &self,
        value: &Value<'_>,
        read: impl FnOnce(Entry<'_>, &dyn Fn(&[u8]) -> Option<Groups>) -> R,
    ) -> Option<R> {
        self.list.read(|set| {
            let slot = set.find_in(self.form, value)?;
            let groups = |text: &[u8]| set.groups_in(self.form, slot, text);
            Some(read(set.entry(slot)?, &groups))
        })
    }

    /// What to tell of the first regular expression that is matched by backtracking.
    pub(crate) fn backtracking_warning(&self) -> Option<String> {
        self.list.read(|set| {
            let entry = set.first_backtracking(self.form)?;
            let pattern = String::from_utf8_lossy(entry.key);
            Some(crate::regex::Regex::backtracking_warning(&pattern))
        })
    }

    /// The list.
    #[must_use]
    pub fn list(&self) -> &Arc<PatternRef> {
        &self.list
    }

    /// What a value finds in each form of the list.
    #[must_use]
    pub fn look_up_all(&self, value: &Value<'_>) -> Vec<Found> {
        self.list.read(|set| set.look_up_all(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn list() -> (Arc<PatternRef>, PatternCell) {
        let list = Arc::new(PatternRef::new(Some("m"), 0, true, PatternSet::default()));
        let cell = list.cell(Method::Str, false).expect("an empty list");
        (list, cell)
    }

    fn value(cell: &PatternCell, key: &str) -> Option<String> {
        let key = Value::Str(Cow::Borrowed(key.as_bytes()));
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        cell.look_up(&key, |entry, _| text(entry.value.unwrap_or_default()))
    }

    #[test]
    fn changes_after_the_configuration_was_read_are_noticed() {
        let (list, _) = list();
        list.add(None, b"a", Some(b"1")).expect("a pattern");
        list.freeze();
        assert!(!list.is_changed());
        let version = list.prepare();
        assert!(!list.is_changed());
        list.commit(version).expect("a version");
        assert!(list.is_changed());
        let (list, _) = self::list();
        list.freeze();
        list.put(b"a", b"2").expect("a pattern");
        assert!(list.is_changed());
    }

    #[test]
    fn a_version_is_seen_once_it_is_committed() {
        let (list, cell) = list();
        list.add(None, b"a", Some(b"1")).expect("a pattern");
        list.freeze();
        assert_eq!(
            list.add(Some(1), b"a", Some(b"2")),
            Err(VersionError::Future)
        );
        assert_eq!(list.prepare(), 1);
        list.add(Some(1), b"a", Some(b"2")).expect("a pattern");
        list.add(Some(1), b"b", Some(b"3")).expect("a pattern");
        assert_eq!(value(&cell, "a").as_deref(), Some("1"));
        assert_eq!((list.versions(), list.entry_count()), ((0, 1), 3));
        assert_eq!(list.commit(7), Err(VersionError::OutOfRange));
        assert_eq!(list.commit(1), Ok(()));
        assert_eq!(value(&cell, "a").as_deref(), Some("2"));
        assert_eq!(value(&cell, "b").as_deref(), Some("3"));
        assert_eq!((list.versions(), list.entry_count()), ((1, 1), 2));
    }

    #[test]
    fn older_versions_go_when_one_is_committed() {
        let (list, cell) = list();
        assert_eq!((list.prepare(), list.prepare(), list.prepare()), (1, 2, 3));
        for version in 1..=3 {
            list.add(Some(version), b"k", Some(b"v"))
                .expect("a pattern");
        }
        list.commit(2).expect("prepared");
        assert_eq!(list.versions(), (2, 3));
        assert_eq!(list.add(Some(1), b"x", None), Err(VersionError::Future));
        assert_eq!(list.read_version(Some(3), PatternSet::len), 1);
        assert_eq!(list.read_version(Some(1), PatternSet::len), 0);
        list.clear(Some(3));
        assert_eq!(list.read_version(Some(3), PatternSet::len), 0);
        assert_eq!(value(&cell, "k").as_deref(), Some("v"));
        list.clear(None);
        assert_eq!(value(&cell, "k"), None);
    }

    #[test]
    fn changes_show_at_once_and_keep_the_order_of_equal_keys() {
        let (list, cell) = list();
        for n in [b"1", b"2"] {
            list.add(None, b"a", Some(n)).expect("a pattern");
        }
        list.freeze();
        assert_eq!(value(&cell, "a").as_deref(), Some("1"));
        assert!(list.remove(0));
        assert_eq!(value(&cell, "a").as_deref(), Some("2"));
        assert_eq!(list.set_key(b"a", b"9"), Ok(1));
        list.put(b"a", b"10").expect("a value");
        list.put(b"n", b"11").expect("a value");
        assert_eq!(value(&cell, "a").as_deref(), Some("10"));
        assert_eq!(value(&cell, "n").as_deref(), Some("11"));
        assert_eq!((list.remove_key(b"a"), list.remove_key(b"a")), (1, 0));
        assert_eq!(value(&cell, "a"), None);
        assert_eq!(list.set(7, b"x"), Ok(false));
    }
}
