//! Section keywords and the sections they open.

use super::statement::{Parsed, Statement};
use super::{Defaults, Draft, Open, Parser};
use crate::proxy::{Caps, Proxy};
use crate::rules::Family;
use std::sync::Arc;

/// A section keyword.
pub struct SectionRow {
    /// The keyword.
    pub name: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
    /// Opens the section.
    pub open: fn(&mut Parser<'_>, Statement<'_>) -> Parsed,
}

/// A section held by its family while it is being read.
pub trait OpenSection {
    /// Takes one line.
    ///
    /// # Errors
    /// When the line is faulty.
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed;

    /// Takes note that the section is complete.
    fn close(self: Box<Self>, parser: &mut Parser<'_>);
}

/// The sections of this family; others stand with their family.
const CORE: &[SectionRow] = &[
    SectionRow {
        name: "global",
        doc: "Process-wide settings.",
        open: open_global,
    },
    SectionRow {
        name: "defaults",
        doc: "Settings that following proxies start from.",
        open: open_defaults,
    },
    SectionRow {
        name: "frontend",
        doc: "A proxy that accepts connections.",
        open: open_frontend,
    },
    SectionRow {
        name: "backend",
        doc: "A proxy that has servers.",
        open: open_backend,
    },
    SectionRow {
        name: "listen",
        doc: "A frontend and a backend in one.",
        open: open_listen,
    },
];

/// The section of this keyword.
#[must_use]
pub fn find(keyword: &str) -> Option<&'static SectionRow> {
    CORE.iter()
        .chain(super::families::SECTIONS.iter().copied().flatten())
        .find(|row| row.name == keyword)
}

/// All section keywords.
pub fn names() -> impl Iterator<Item = &'static str> {
    CORE.iter()
        .chain(super::families::SECTIONS.iter().copied().flatten())
        .map(|row| row.name)
}

/// Closes the section that is open.
pub fn close(parser: &mut Parser<'_>) {
    match std::mem::take(&mut parser.open) {
        Open::Nothing | Open::Global => {}
        Open::Proxy(draft) if draft.proxy.caps.defaults => {
            let name = Some(draft.proxy.name.clone()).filter(|name| !name.is_empty());
            parser.defaults.push(Defaults {
                name,
                draft: Arc::from(draft),
                used: false,
            });
        }
        Open::Proxy(draft) => {
            parser
                .names
                .entry(draft.proxy.name.clone())
                .or_default()
                .push(parser.drafts.len());
            parser.drafts.push(*draft);
        }
        Open::Other(other) => other.close(parser),
    }
}

fn open_global(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    statement.at_most(0)?;
    parser.open = Open::Global;
    Ok(())
}

fn open_frontend(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    open_proxy(parser, statement, Caps::FRONTEND)
}

fn open_backend(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    open_proxy(parser, statement, Caps::BACKEND)
}

fn open_listen(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    open_proxy(parser, statement, Caps::LISTEN)
}

/// The name and the `from` part of a proxy line.
fn name_and_from<'l>(statement: Statement<'l>) -> Parsed<(&'l str, Option<&'l str>)> {
    let (name, rest) = match statement.arg(0) {
        "from" if statement.keyword() == "defaults" => ("", 0),
        name => (name, 1),
    };
    match statement.arg(rest) {
        "" => Ok((name, None)),
        "from" => {
            let from =
                statement.required(rest + 1, "the name of a 'defaults' section after 'from'")?;
            statement.at_most(rest + 2)?;
            Ok((name, Some(from)))
        }
        other => Err(statement
            .fault(
                rest,
                format!(
                    "unknown keyword '{other}' in '{}' section.",
                    statement.keyword()
                ),
            )
            .hint("only 'from <defaults-section>' may follow the name")),
    }
}

/// The first character of a name that HAProxy does not allow in one.
fn invalid_character(name: &str) -> Option<char> {
    name.chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "_-.:".contains(*c)))
}

fn check_name(statement: Statement<'_>, name: &str) -> Parsed {
    match invalid_character(name) {
        Some(c) => Err(statement
            .fault(
                0,
                format!(
                    "character '{c}' is not permitted in '{}' name '{name}'.",
                    statement.keyword()
                ),
            )
            .hint("use letters, digits, '-', '_', '.' and ':'")),
        None => Ok(()),
    }
}

fn open_proxy(parser: &mut Parser<'_>, statement: Statement<'_>, caps: Caps) -> Parsed {
    let (name, from) = name_and_from(statement)?;
    if name.is_empty() {
        return Err(statement.fault_here(format!(
            "'{}' expects an <id> argument",
            statement.keyword()
        )));
    }
    check_name(statement, name)?;
    check_duplicate(parser, statement, name, caps)?;
    let base = base_for(parser, statement, from)?;
    let mut draft = draft_from(base.as_deref(), name, caps, statement);
    if let Some(base) = base {
        draft.proxy.defaults_name = Some(base.proxy.name.clone());
    }
    parser.open = Open::Proxy(Box::new(draft));
    Ok(())
}

fn open_defaults(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (name, from) = name_and_from(statement)?;
    check_name(statement, name)?;
    if !name.is_empty()
        && parser
            .defaults
            .iter()
            .any(|d| d.name.as_deref() == Some(name))
    {
        let message = format!("'defaults' section '{name}' already exists.");
        parser.warn(statement, message, None);
    }
    // A defaults section starts empty unless it names another one: settings do not add up along the file.
    let base = match from {
        Some(_) => base_for(parser, statement, from)?,
        None => None,
    };
    let mut draft = draft_from(base.as_deref(), name, Caps::DEFAULTS, statement);
    draft.proxy.defaults_name = base.map(|base| base.proxy.name.clone());
    parser.open = Open::Proxy(Box::new(draft));
    Ok(())
}

/// The `defaults` section a proxy starts from: the named one, else the last one.
fn base_for(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    from: Option<&str>,
) -> Parsed<Option<Arc<Draft>>> {
    let found = match from {
        None => parser.defaults.last_mut(),
        Some(name) => parser
            .defaults
            .iter_mut()
            .rev()
            .find(|d| d.name.as_deref() == Some(name)),
    };
    match (found, from) {
        (Some(defaults), _) => {
            defaults.used = true;
            Ok(Some(defaults.draft.clone()))
        }
        (None, None) => Ok(None),
        (None, Some(name)) => {
            let keyword = statement.keyword();
            let word = statement
                .line
                .words
                .iter()
                .rposition(|w| w.as_str() == name)
                .unwrap_or_default();
            let names = parser.defaults.iter().filter_map(|d| d.name.as_deref());
            let fault = super::Fault::at(
                word,
                format!(
                    "'defaults' section '{name}' not found for {keyword} '{}'.",
                    statement.arg(0)
                ),
            );
            Err(match config::suggest::nearest(name, names) {
                Some(near) => fault.hint(format!("did you mean '{near}'?")),
                None => fault,
            })
        }
    }
}

fn draft_from(base: Option<&Draft>, name: &str, caps: Caps, statement: Statement<'_>) -> Draft {
    let Some(base) = base else {
        return Draft::new(Proxy::new(name.into(), caps, statement.origin()));
    };
    let fresh = Proxy::new(name.into(), caps, statement.origin());
    let proxy = Proxy {
        idx: fresh.idx,
        name: fresh.name,
        id: 0,
        id_given: false,
        guid: None,
        origin: fresh.origin,
        caps,
        ..base.proxy.clone()
    };
    let rules = &base.proxy.rules;
    Draft {
        inherited_rules: Family::ALL.map(|family| rules.list(family).len()),
        errorfiles: base.errorfiles.clone(),
        notes: base.notes.inherited(),
        check: base.check.inherited(),
        ..Draft::new(proxy)
    }
}

/// Two proxies of one name: an error, but a frontend and a backend may share a name as before 3.3.
fn check_duplicate(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    name: &str,
    caps: Caps,
) -> Parsed {
    let Some(places) = parser.names.get(name) else {
        return Ok(());
    };
    let others = || {
        places
            .iter()
            .filter_map(|at| parser.drafts.get(*at))
            .map(|draft| &draft.proxy)
    };
    let overlapping =
        |other: &&Proxy| (caps.front && other.caps.front) || (caps.back && other.caps.back);
    let overlaps = others().any(|other| overlapping(&other));
    let Some(other) = others().find(overlapping).or_else(|| others().next()) else {
        return Ok(());
    };
    let (file, line) = &other.origin;
    let (section, place) = (other.caps.section(), format!("{file}:{line}"));
    let message = format!(
        "{} '{name}' has the same name as {section} '{name}' declared at {place}.",
        statement.keyword()
    );
    if overlaps {
        return Err(statement
            .fault(0, message)
            .hint("give one of the two another name"));
    }
    parser.outdated(
        statement,
        message,
        format!("{} {name}-{}", statement.keyword(), statement.keyword()),
    )
}
