//! A list of patterns with the forms in which it is looked up.

use super::Method;
use super::entries::{Entries, Entry};
use super::form::Form;
use crate::cast;
use crate::regex::Groups;
use crate::sample::{Type, Value};

/// Whether a map's value can be what an expression makes of it.
pub(crate) type ValueCheck = fn(&[u8]) -> bool;

/// Patterns, compiled for one method or several.
#[derive(Debug, Default, Clone)]
pub struct PatternSet {
    entries: Entries,
    forms: Vec<Form>,
    /// Finds entries by their own texts when no form does; made when it is first needed.
    keys: Option<Box<Form>>,
    checks: Vec<ValueCheck>,
}

impl PatternSet {
    /// An empty set in one form.
    #[must_use]
    pub fn new(method: Method, ignore_case: bool) -> Self {
        Self {
            forms: vec![Form::new(method, ignore_case)],
            ..Self::default()
        }
    }

    pub(super) fn over(entries: Entries) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }

    /// The same forms without any pattern.
    pub(super) fn emptied(&self) -> Self {
        let fresh = |form: &Form| Form::new(form.method, form.ignore_case);
        Self {
            forms: self.forms.iter().map(fresh).collect(),
            checks: self.checks.clone(),
            ..Self::default()
        }
    }

    /// The method of its first form.
    #[must_use]
    pub fn method(&self) -> Method {
        self.forms.first().map_or(Method::Found, |form| form.method)
    }

    /// Whether its first form ignores letter case.
    #[must_use]
    pub fn ignores_case(&self) -> bool {
        self.forms.first().is_some_and(|form| form.ignore_case)
    }

    /// How many patterns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no pattern.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// In how many forms it is compiled.
    #[must_use]
    pub fn form_count(&self) -> usize {
        self.forms.len()
    }

    /// The place of a form, which is compiled when it is not there.
    ///
    /// # Errors
    /// The first pattern that the method can't use, with its line.
    pub(super) fn form(
        &mut self,
        method: Method,
        ignore_case: bool,
    ) -> Result<usize, (String, u32)> {
        let same = |form: &Form| form.method == method && form.ignore_case == ignore_case;
        if let Some(at) = self.forms.iter().position(same) {
            return Ok(at);
        }
        let mut form = Form::new(method, ignore_case);
        form.reserve(&self.entries);
        for (slot, _) in self.entries.iter() {
            form.insert(slot, &self.entries)
                .map_err(|error| (error, self.entries.line(slot)))?;
        }
        form.settle(&self.entries);
        self.forms.push(form);
        Ok(self.forms.len() - 1)
    }

    /// Holds all values, now and later, to a check.
    ///
    /// # Errors
    /// The first value that fails, with its line.
    pub(super) fn check_values(&mut self, check: ValueCheck) -> Result<(), (String, u32)> {
        for (slot, entry) in self.entries.iter() {
            let value = entry.value.unwrap_or_default();
            if !check(value) {
                return Err((cannot_parse(value), self.entries.line(slot)));
            }
        }
        self.checks.push(check);
        Ok(())
    }

    fn check_value(&self, value: Option<&[u8]>) -> Result<(), String> {
        let value = value.unwrap_or_default();
        if self.checks.iter().all(|check| check(value)) {
            return Ok(());
        }
        Err(cannot_parse(value))
    }

    /// Adds a pattern and, in maps, its value. An equal one may be there already; the first of them is found.
    ///
    /// # Errors
    /// What is wrong with the pattern or its value.
    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        self.check_value(value)?;
        let slot = self.entries.push(key, value)?;
        for at in 0..self.forms.len() {
            let Some(form) = self.forms.get_mut(at) else {
                break;
            };
            if let Err(error) = form.insert(slot, &self.entries) {
                for form in self.forms.iter_mut().take(at) {
                    form.remove(slot, &self.entries);
                }
                self.entries.pop();
                return Err(error);
            }
        }
        if let Some(keys) = &mut self.keys {
            keys.insert(slot, &self.entries)?;
        }
        Ok(())
    }

    /// Ends a time of many additions.
    pub(super) fn settle(&mut self) {
        for form in &mut self.forms {
            form.settle(&self.entries);
        }
    }

    /// Removes the entry of a number. Returns whether there is one.
    pub fn remove(&mut self, id: u32) -> bool {
        let Some(slot) = self.entries.slot_of(id) else {
            return false;
        };
        self.remove_slot(slot);
        self.pack();
        true
    }

    fn remove_slot(&mut self, slot: u32) {
        for form in self.forms.iter_mut().chain(self.keys.as_deref_mut()) {
            form.remove(slot, &self.entries);
        }
        self.entries.remove(slot);
    }

    /// Removes all entries of a text and returns how many there were.
    pub fn remove_key(&mut self, key: &[u8]) -> usize {
        let slots = self.slots_of(key);
        // From the last to the first, so that no entry becomes the first of equal ones only to go as well.
        slots.iter().rev().for_each(|slot| self.remove_slot(*slot));
        self.pack();
        slots.len()
    }

    /// Gives the entry of a number another value. Returns whether there is one.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn set(&mut self, id: u32, value: &[u8]) -> Result<bool, String> {
        self.check_value(Some(value))?;
        match self.entries.slot_of(id) {
            Some(slot) => self.entries.set_value(slot, value).map(|()| true),
            None => Ok(false),
        }
    }

    /// Gives all entries of a text another value and returns how many there are.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn set_key(&mut self, key: &[u8], value: &[u8]) -> Result<usize, String> {
        self.check_value(Some(value))?;
        let slots = self.slots_of(key);
        for slot in &slots {
            self.entries.set_value(*slot, value)?;
        }
        Ok(slots.len())
    }

    /// Whether there is an entry of a text.
    pub fn has_key(&mut self, key: &[u8]) -> bool {
        !self.slots_of(key).is_empty()
    }

    /// The slots of all entries of a text.
    fn slots_of(&mut self, key: &[u8]) -> Vec<u32> {
        let by_key = |form: &&Form| form.method == Method::Str && !form.ignore_case;
        if self.keys.is_none() && !self.forms.iter().any(|form| by_key(&form)) {
            let mut keys = Form::new(Method::Str, false);
            keys.reserve(&self.entries);
            // Any text can be added to this form.
            let all = self.entries.iter();
            all.for_each(|(slot, _)| drop(keys.insert(slot, &self.entries)));
            self.keys = Some(Box::new(keys));
        }
        let mut forms = self.forms.iter().chain(self.keys.as_deref());
        let Some(form) = forms.find(by_key) else {
            return Vec::new();
        };
        let text = Value::Str(std::borrow::Cow::Borrowed(key));
        let first = form.find(&text, &self.entries);
        first.map_or_else(Vec::new, |slot| form.equals(slot).collect())
    }

    /// Gives slots anew once most entries have been removed.
    fn pack(&mut self) {
        if !self.entries.is_sparse() {
            return;
        }
        let mut packed = self.emptied();
        packed.entries = self.entries.packed();
        let slots: Vec<u32> = packed.entries.iter().map(|(slot, _)| slot).collect();
        for form in &mut packed.forms {
            form.reserve(&packed.entries);
            // What could be inserted once can be again.
            let all = slots.iter();
            all.for_each(|slot| drop(form.insert(*slot, &packed.entries)));
            form.settle(&packed.entries);
        }
        *self = packed;
    }

    /// The pattern at a slot that was found.
    #[must_use]
    pub fn entry(&self, slot: u32) -> Option<Entry<'_>> {
        self.entries.get(slot)
    }

    /// All patterns in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// All patterns in order, with the numbers that they keep as long as they live.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, Entry<'_>)> {
        self.entries
            .iter()
            .map(|(slot, entry)| (self.entries.id(slot), entry))
    }

    /// The slot of the pattern that a value matches in the first form: the most specific one for prefixes and networks,
    /// else the first.
    ///
    /// Values of another type than the method's are cast; nothing matches what can't be cast.
    #[must_use]
    pub fn find(&self, value: &Value<'_>) -> Option<u32> {
        self.find_in(0, value)
    }

    /// The same in the form at a place.
    #[must_use]
    pub fn find_in(&self, form: usize, value: &Value<'_>) -> Option<u32> {
        self.forms.get(form)?.find(value, &self.entries)
    }

    /// The groups that the regular expression at a slot matches in a text.
    #[must_use]
    pub fn groups_in(&self, form: usize, slot: u32, text: &[u8]) -> Option<Groups> {
        self.forms.get(form)?.groups(slot, text)
    }

    /// The first regular expression of a form that is matched by backtracking.
    #[must_use]
    pub fn first_backtracking(&self, form: usize) -> Option<Entry<'_>> {
        let slot = self.forms.get(form)?.first_backtracking()?;
        self.entries.get(slot)
    }

    /// Whether a value matches in the first form: any pattern, or for `found` and `bool` the value itself.
    #[must_use]
    pub fn matches(&self, value: &Value<'_>) -> bool {
        match self.method() {
            Method::Found => true,
            Method::Bool => match value {
                Value::Bool(v) => *v,
                Value::Int(v) => *v != 0,
                other => cast::cast(other.clone(), Type::Bool) == Some(Value::Bool(true)),
            },
            _ => self.find(value).is_some(),
        }
    }

    /// What a value finds in each form, for the runtime API.
    #[must_use]
    pub fn look_up_all(&self, value: &Value<'_>) -> Vec<Found> {
        let look_up = |form: &Form| {
            let slot = form.find(value, &self.entries);
            let entry = slot.and_then(|slot| self.entries.get(slot));
            Found {
                method: form.method,
                ignore_case: form.ignore_case,
                by_tree: entry.is_some_and(|entry| form.is_tree(entry.key)),
                key: entry.map(|entry| entry.key.into()),
                value: entry.and_then(|entry| entry.value).map(Into::into),
            }
        };
        self.forms.iter().map(look_up).collect()
    }
}

/// What a value finds in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The form's method.
    pub method: Method,
    /// Whether the form ignores letter case.
    pub ignore_case: bool,
    /// Whether HAProxy would have found it in a tree, and not in a list.
    pub by_tree: bool,
    /// The pattern.
    pub key: Option<Box<[u8]>>,
    /// Its value, in maps.
    pub value: Option<Box<[u8]>>,
}

fn cannot_parse(value: &[u8]) -> String {
    format!("unable to parse '{}'", String::from_utf8_lossy(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::borrow::Cow;

    fn text(sample: &str) -> Value<'_> {
        Value::Str(Cow::Borrowed(sample.as_bytes()))
    }

    fn set(method: Method, fold: bool, patterns: &[&str]) -> PatternSet {
        let mut set = PatternSet::new(method, fold);
        for pattern in patterns {
            set.add(pattern.as_bytes(), None).expect(pattern);
        }
        set
    }

    #[test]
    fn each_method_finds_its_first_or_best_pattern() {
        use Method::{Beg, Bin, Dir, Dom, End, Int, Ip, Len, Reg, Str, Sub};
        for (method, fold, patterns, sample, expected) in [
            (Str, false, &["a", "b", "a"][..], "a", Some(0)),
            (Str, true, &["x", "AbC"], "aBc", Some(1)),
            (Beg, false, &["/a", "/a/b"], "/a/b/c", Some(1)),
            (Beg, true, &["x", "/A"], "/a/b/c", Some(1)),
            (Beg, false, &["", "b"], "/a", Some(0)),
            (End, false, &[".org", "ple.org"], "example.org", Some(0)),
            (End, false, &["ple.org", ".org"], "example.org", Some(0)),
            (Sub, false, &["zz", "amp"], "example", Some(1)),
            (Sub, true, &["AMP"], "example", Some(0)),
            (Dir, false, &["b"], "/a/b/c", Some(0)),
            (Dir, false, &["/a/b/"], "/a/b?c", Some(0)),
            (Dir, false, &["b"], "/ab/c", None),
            (Dir, false, &["/"], "/ab/c", None),
            (Dom, false, &["example"], "www.example.org:80", Some(0)),
            (Dom, false, &["80"], "www.example.org:80", Some(0)),
            (Dom, false, &["exam"], "www.example.org", None),
            (Len, false, &["1:3", "5"], "12345", Some(1)),
            (Int, false, &["1:9", "5"], "5", Some(0)),
            (Int, false, &["5", "1:9"], "5", Some(0)),
            (Bin, false, &["00", "3132"], "12", Some(1)),
            (Reg, false, &["^b", "a.c$"], "xabc", Some(1)),
            (Reg, false, &["[[]x{"], "[x{", Some(0)),
            (
                Ip,
                false,
                &["10.0.0.0/8", "10.1.0.0/255.255.0.0"],
                "10.1.2.3",
                Some(1),
            ),
            (Ip, false, &["1.0.0.4/255.0.0.255"], "1.2.3.4", Some(0)),
            (Ip, false, &["0.0.0.0/0"], "1.2.3.4", Some(0)),
            (Ip, false, &["10.1.0.0/16"], "::ffff:10.1.0.1", Some(0)),
            (Ip, false, &["10.1.0.0/16"], "2002:0a01:1::", Some(0)),
            (
                Ip,
                false,
                &["2001:db8::/32", "::/0"],
                "2001:db8::1",
                Some(0),
            ),
            (Ip, false, &["2001:db8::/32"], "2001:db9::1", None),
        ] {
            assert_eq!(
                set(method, fold, patterns).find(&text(sample)),
                expected,
                "{} {patterns:?} {sample}",
                method.name()
            );
        }
    }

    #[test]
    fn many_substrings_are_found_like_few() {
        let words: Vec<String> = (0..100).map(|n| format!("<{n}>")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for fold in [false, true] {
            let mut set = set(Method::Sub, fold, &words);
            set.settle();
            assert_eq!(set.find(&text("a<77><3>b")), Some(3));
            assert!(set.remove(3));
            assert_eq!(set.find(&text("a<77><3>b")), Some(77));
            assert_eq!(set.find(&text("a<777>b")), None);
        }
    }

    #[test]
    fn a_value_that_an_expression_cannot_use_is_refused() {
        let mut set = PatternSet::new(Method::Str, false);
        set.add(b"a", Some(b"1")).expect("a pattern");
        let is_digit: ValueCheck = |value| value.iter().all(u8::is_ascii_digit);
        set.check_values(is_digit).expect("digits");
        assert_eq!(set.add(b"b", Some(b"x")), Err("unable to parse 'x'".into()));
        assert_eq!(set.set_key(b"a", b"y"), Err("unable to parse 'y'".into()));
        assert_eq!(set.set_key(b"a", b"2"), Ok(1));
        assert_eq!(set.set_key(b"b", b"2"), Ok(0));
        assert_eq!(set.len(), 1);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add(usize),
        Remove(usize),
        RemoveNth(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = (0usize..3, 0usize..6).prop_map(|(kind, n)| match kind {
            0 => Step::Add(n),
            1 => Step::Remove(n),
            _ => Step::RemoveNth(n),
        });
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        /// Whatever was added and removed, a set finds what a fresh set of the same patterns finds.
        #[test]
        fn changed_sets_are_like_fresh_ones(steps in steps(), method in 0usize..8, fold in any::<bool>()) {
            use Method::{Beg, Dir, End, Int, Ip, Reg, Str, Sub};
            let method = [Str, Beg, End, Sub, Dir, Int, Ip, Reg][method];
            let keys = match method {
                Int => ["1", "2", "1:2", "2:9", "5:", "3"],
                Ip => ["10.0.0.0/8", "10.0.0.0/255.0.0.0", "10.1.0.0/16", "0.0.0.0/0", "::/0", "10.0.0.1/255.0.0.255"],
                _ => ["a", "A", "ab", "abc", "b", "c"],
            };
            let samples = match method {
                Int => ["1", "2", "5", "0"],
                Ip => ["10.1.2.3", "10.0.0.1", "11.0.0.1", "::1"],
                _ => ["a", "abc", "xab", "bc"],
            };
            let mut changed = PatternSet::new(method, fold);
            let mut model: Vec<(u32, &str)> = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Add(n) => {
                        changed.add(keys[n].as_bytes(), None).expect("a pattern");
                        model.push((next, keys[n]));
                        next += 1;
                    }
                    Step::Remove(n) => {
                        let before = model.len();
                        model.retain(|(_, key)| *key != keys[n]);
                        prop_assert_eq!(changed.remove_key(keys[n].as_bytes()), before - model.len());
                    }
                    Step::RemoveNth(n) if n < model.len() => {
                        let (id, _) = model.remove(n);
                        prop_assert!(changed.remove(id));
                    }
                    Step::RemoveNth(_) => {}
                }
                let now: Vec<&str> = model.iter().map(|(_, key)| *key).collect();
                let fresh = set(method, fold, &now);
                let listed: Vec<_> = changed.numbered().map(|(id, e)| (id, e.key.to_vec())).collect();
                let expected: Vec<_> = model.iter().map(|(id, key)| (*id, key.as_bytes().to_vec())).collect();
                prop_assert_eq!(listed, expected);
                for sample in samples {
                    let key = |set: &PatternSet| set
                        .find(&text(sample))
                        .and_then(|slot| set.entry(slot).map(|e| e.key.to_vec()));
                    prop_assert_eq!(key(&changed), key(&fresh), "{} in {:?}", sample, now);
                }
            }
        }
    }
}
