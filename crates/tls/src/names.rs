//! Certificates by the names that clients ask for.

use crate::server::{Instance, Trust};
use crate::settings::CertificateLine;
use std::collections::HashMap;
use std::sync::Arc;

/// Certificates by name.
#[derive(Debug, Default)]
pub struct Names {
    exact: HashMap<Box<[u8]>, Vec<Entry>>,
    /// By what stands behind the `*`.
    wildcard: HashMap<Box<[u8]>, Vec<Entry>>,
    /// For clients that ask for no name, or one that nobody has.
    default: Vec<Arc<Instance>>,
    /// The lines that all of this is made of.
    lines: Vec<Placed>,
}

/// A line with what was made of it.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The line.
    pub entry: CertificateLine,
    /// Its certificate with the settings it is used with.
    pub instance: Arc<Instance>,
    /// What clients are judged by.
    pub trust: Trust,
}

/// A name that clients may ask for, as operators are shown it.
#[derive(Debug)]
pub struct Shown<'a> {
    /// The name, in lower case.
    pub name: Vec<u8>,
    /// Where it comes from.
    pub placed: &'a Placed,
}

#[derive(Debug)]
struct Entry {
    instance: Arc<Instance>,
    /// A filter that excludes the name.
    negative: bool,
    /// Which line of a list it came from: an exclusion only counts for its own.
    line: usize,
}

/// The certificates for one name.
#[derive(Clone, Copy)]
pub struct Pick<'a>(Found<'a>);

#[derive(Clone, Copy)]
enum Found<'a> {
    /// Those of the exact name, and those of a wildcard that covers it.
    Entries(&'a [Entry], &'a [Entry]),
    Default(&'a [Arc<Instance>]),
}

impl<'a> Pick<'a> {
    /// In the order of the configuration.
    pub fn candidates(self) -> impl Iterator<Item = &'a Arc<Instance>> {
        let (exact, wildcard, default) = match self.0 {
            Found::Entries(exact, wildcard) => (exact, wildcard, &[][..]),
            Found::Default(default) => (&[][..], &[][..], default),
        };
        let covered = wildcard.iter().filter(move |entry| {
            let out = |other: &Entry| other.negative && other.line == entry.line;
            !exact.iter().any(out)
        });
        exact
            .iter()
            .chain(covered)
            .filter(|entry| !entry.negative)
            .map(|entry| &entry.instance)
            .chain(default)
    }
}

impl Names {
    /// Adds a certificate under the filters of its line, or its own names without any.
    pub fn add(&mut self, instance: &Arc<Instance>, filters: &[Box<str>], line: usize) {
        if filters.is_empty() {
            for name in instance.bundle.server_names() {
                self.add_name(&name, instance, false, line);
            }
        }
        for filter in filters {
            let (negative, name) = match filter.strip_prefix('!') {
                Some(name) => (true, name),
                None => (false, &**filter),
            };
            self.add_name(
                &name.as_bytes().to_ascii_lowercase(),
                instance,
                negative,
                line,
            );
        }
    }

    fn add_name(&mut self, name: &[u8], instance: &Arc<Instance>, negative: bool, line: usize) {
        let (table, name) = match name.strip_prefix(b"*") {
            Some([]) if !negative => return self.default.push(instance.clone()),
            Some(rest) => (&mut self.wildcard, rest),
            None => (&mut self.exact, name),
        };
        let entries = table.entry(name.into()).or_default();
        let known = |entry: &Entry| {
            Arc::ptr_eq(&entry.instance, instance)
                && entry.negative == negative
                && entry.line == line
        };
        if !entries.iter().any(known) {
            entries.push(Entry {
                instance: instance.clone(),
                negative,
                line,
            });
        }
    }

    /// Adds a line: its names, and whether it is for clients that ask for none.
    pub(crate) fn place(&mut self, placed: Placed) {
        let number = self.lines.len();
        self.add(&placed.instance, &placed.entry.filters, number);
        if placed.entry.default {
            self.add_default(&placed.instance);
        }
        self.lines.push(placed);
    }

    /// The lines that all of this is made of.
    #[must_use]
    pub fn lines(&self) -> &[Placed] {
        &self.lines
    }

    /// All names, exact ones first, in the order of their bytes.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown<'_>> {
        let (mut exact, mut wildcard) = (Vec::new(), Vec::new());
        for placed in &self.lines {
            let own = placed.instance.bundle.server_names();
            let filters = placed.entry.filters.iter();
            let filters = filters
                .filter(|filter| !filter.starts_with('!'))
                .map(|filter| filter.as_bytes().to_ascii_lowercase());
            let names: Vec<Vec<u8>> = match placed.entry.filters.is_empty() {
                true => own,
                false => filters.collect(),
            };
            let default = placed.entry.default && !names.iter().any(|name| name == b"*");
            for name in names.into_iter().chain(default.then(|| b"*".to_vec())) {
                let list = match name.starts_with(b"*") {
                    true => &mut wildcard,
                    false => &mut exact,
                };
                list.push(Shown { name, placed });
            }
        }
        exact.sort_by(|a, b| a.name.cmp(&b.name));
        wildcard.sort_by(|a, b| a.name.cmp(&b.name));
        exact.extend(wildcard);
        exact
    }

    /// Adds a certificate for clients that ask for no name, or one that nobody has.
    pub fn add_default(&mut self, instance: &Arc<Instance>) {
        self.default.push(instance.clone());
    }

    /// The certificate for a name in lower case: an exact name counts before a wildcard where both have the key
    /// type that the client prefers, and either before the default,
    /// which `strict` denies.
    pub fn pick<'a>(
        &'a self,
        name: Option<&[u8]>,
        strict: bool,
        best: impl Fn(Pick<'a>) -> Option<&'a Arc<Instance>>,
    ) -> Option<&'a Arc<Instance>> {
        if let Some(name) = name {
            let of = |table: &'a HashMap<Box<[u8]>, Vec<Entry>>, name: &[u8]| {
                table.get(name).map(Vec::as_slice).unwrap_or_default()
            };
            let dot = name.iter().position(|&byte| byte == b'.');
            let rest = dot.and_then(|dot| name.get(dot..));
            let wildcard = rest.map(|rest| of(&self.wildcard, rest));
            let entries = Found::Entries(of(&self.exact, name), wildcard.unwrap_or_default());
            if let Some(found) = best(Pick(entries)) {
                return Some(found);
            }
        }
        if strict {
            return None;
        }
        best(Pick(Found::Default(&self.default)))
    }
}
