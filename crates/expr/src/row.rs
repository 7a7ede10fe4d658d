//! Rows of the fetch and converter tables, and the tables.

use crate::args::{ArgSpec, Args};
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::sample::{Outcome, Type, Value};
use crate::view::View;
use hashbrown::HashMap;
use std::sync::OnceLock;

/// Checks arguments when the configuration is read, and may replace them or attach prepared data.
pub type Check = fn(&mut Args, &mut ParseContext<'_>) -> Result<(), String>;

/// Reads one sample.
pub type Fetch = for<'a> fn(&'a Args, &'a dyn View) -> Outcome<'a>;

/// Hands every value of a multi-valued fetch to the callback, in order, until that says `false`.
///
/// Returns whether more values may come with more data.
pub type FetchEach = for<'a> fn(&'a Args, &'a dyn View, &mut dyn FnMut(Value<'a>) -> bool) -> bool;

/// Turns a sample into another one; `None` when there is none.
pub type Convert = for<'a> fn(&'a Args, Value<'a>, &'a dyn View) -> Option<Value<'a>>;

/// A sample fetch.
#[derive(Clone, Copy)]
pub struct FetchRow {
    /// Its keyword.
    pub name: &'static str,
    /// Its arguments.
    pub args: &'static [ArgSpec],
    /// The type of its samples.
    pub output: Type,
    /// Where it can be had.
    pub phases: Phases,
    /// One line of documentation.
    pub doc: &'static str,
    /// The check of its arguments.
    pub check: Option<Check>,
    /// The function.
    pub fetch: Fetch,
    /// The walk over all values, for conditions; `None` when there is never more than one.
    pub each: Option<FetchEach>,
    /// Whether it depends on its arguments alone.
    pub constant: bool,
}

impl FetchRow {
    /// A row without arguments, check or several values.
    #[must_use]
    pub const fn new(
        name: &'static str,
        output: Type,
        phases: Phases,
        fetch: Fetch,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            args: &[],
            output,
            phases,
            doc,
            check: None,
            fetch,
            each: None,
            constant: false,
        }
    }

    /// The row with these arguments.
    #[must_use]
    pub const fn args(mut self, args: &'static [ArgSpec]) -> Self {
        self.args = args;
        self
    }

    /// The row with this check.
    #[must_use]
    pub const fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// The row with this walk over its values.
    #[must_use]
    pub const fn each(mut self, each: FetchEach) -> Self {
        self.each = Some(each);
        self
    }

    /// The row as one that depends on its arguments alone.
    #[must_use]
    pub const fn constant(mut self) -> Self {
        self.constant = true;
        self
    }

    /// The same fetch under another name.
    #[must_use]
    pub const fn alias(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }
}

/// A converter.
#[derive(Clone, Copy)]
pub struct ConverterRow {
    /// Its keyword.
    pub name: &'static str,
    /// Its arguments.
    pub args: &'static [ArgSpec],
    /// The type it wants; samples of other types are cast to it where a cast exists.
    pub input: Type,
    /// The type of what it yields; [`Type::Same`] for the type that came in.
    pub output: Type,
    /// One line of documentation.
    pub doc: &'static str,
    /// The check of its arguments.
    pub check: Option<Check>,
    /// The function. It gets a value of the `input` type already.
    pub convert: Convert,
    /// Whether the result depends on input and arguments alone, so that constants are converted at load.
    pub pure: bool,
}

impl ConverterRow {
    /// A pure row without arguments or check.
    #[must_use]
    pub const fn new(
        name: &'static str,
        input: Type,
        output: Type,
        convert: Convert,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            args: &[],
            input,
            output,
            doc,
            check: None,
            convert,
            pure: true,
        }
    }

    /// The row with these arguments.
    #[must_use]
    pub const fn args(mut self, args: &'static [ArgSpec]) -> Self {
        self.args = args;
        self
    }

    /// The row with this check.
    #[must_use]
    pub const fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// The row as one that reads state besides its input (variables, servers, time, maps that may change).
    #[must_use]
    pub const fn impure(mut self) -> Self {
        self.pure = false;
        self
    }
}

/// Arguments as the keyword dump shows them: `(integer,integer[,string])`, nothing without any.
#[must_use]
pub fn signature(args: &[ArgSpec]) -> String {
    if args.is_empty() {
        return String::new();
    }
    let needed = args.iter().take_while(|spec| !spec.optional).count();
    let mut out = String::from("(");
    for (at, spec) in args.iter().enumerate() {
        if at == needed {
            out.push('[');
        }
        if at > 0 {
            out.push(',');
        }
        out.push_str(spec.kind.name());
    }
    if needed < args.len() {
        out.push(']');
    }
    out.push(')');
    out
}

/// A keyword of a condition that stands for a fetch with a match method, such as `path_beg`.
#[derive(Debug, Clone, Copy)]
pub struct AclRow {
    /// Its keyword.
    pub name: &'static str,
    /// The fetch.
    pub fetch: &'static str,
    /// The method.
    pub method: crate::pattern::Method,
}

/// Fetches that are known and wait for a subsystem.
#[derive(Debug, Clone, Copy)]
pub struct Awaiting {
    /// The subsystem, as messages name it.
    pub needs: &'static str,
    /// Its keywords.
    pub names: &'static [&'static str],
}

/// Every fetch, converter and condition keyword there is.
pub struct Tables {
    /// Families of fetches.
    pub fetches: &'static [&'static [FetchRow]],
    /// Families of converters.
    pub converters: &'static [&'static [ConverterRow]],
    /// Condition keywords.
    pub acls: &'static [AclRow],
    /// Known fetches that are not built yet.
    pub awaiting: &'static [Awaiting],
    index: OnceLock<Index>,
}

#[derive(Default)]
struct Index {
    fetches: HashMap<&'static str, &'static FetchRow>,
    converters: HashMap<&'static str, &'static ConverterRow>,
    acls: HashMap<&'static str, &'static AclRow>,
    awaiting: HashMap<&'static str, &'static str>,
}

impl Tables {
    /// Tables of the given families.
    #[must_use]
    pub const fn new(
        fetches: &'static [&'static [FetchRow]],
        converters: &'static [&'static [ConverterRow]],
        acls: &'static [AclRow],
        awaiting: &'static [Awaiting],
    ) -> Self {
        Self {
            fetches,
            converters,
            acls,
            awaiting,
            index: OnceLock::new(),
        }
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            for row in self.fetches.iter().copied().flatten() {
                index.fetches.insert(row.name, row);
            }
            for row in self.converters.iter().copied().flatten() {
                index.converters.insert(row.name, row);
            }
            for row in self.acls {
                index.acls.insert(row.name, row);
            }
            for family in self.awaiting {
                for name in family.names {
                    index.awaiting.insert(name, family.needs);
                }
            }
            index
        })
    }

    /// The fetch of this name.
    #[must_use]
    pub fn fetch(&self, name: &str) -> Option<&'static FetchRow> {
        self.index().fetches.get(name).copied()
    }

    /// The converter of this name.
    #[must_use]
    pub fn converter(&self, name: &str) -> Option<&'static ConverterRow> {
        self.index().converters.get(name).copied()
    }

    /// The condition keyword of this name.
    #[must_use]
    pub fn acl(&self, name: &str) -> Option<&'static AclRow> {
        self.index().acls.get(name).copied()
    }

    /// What a known fetch that is not built waits for.
    #[must_use]
    pub fn fetch_needs(&self, name: &str) -> Option<&'static str> {
        self.index().awaiting.get(name).copied()
    }

    /// All names of fetches, built and awaited.
    pub fn fetch_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let index = self.index();
        index.fetches.keys().chain(index.awaiting.keys()).copied()
    }

    /// All names of converters.
    pub fn converter_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.index().converters.keys().copied()
    }

    /// All names of condition keywords.
    pub fn acl_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.index().acls.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::spec::{INT, OPT_INT, OPT_STR, STR};

    #[test]
    fn optional_arguments_stand_in_brackets() {
        assert_eq!(signature(&[]), "");
        assert_eq!(signature(&[INT, STR]), "(integer,string)");
        assert_eq!(
            signature(&[STR, OPT_INT, OPT_STR]),
            "(string[,integer,string])"
        );
        assert_eq!(signature(&[OPT_STR]), "([string])");
    }
}
