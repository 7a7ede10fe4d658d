//! Actions: what rules do, one file per topic, and the root table of their rows.

mod attach;
mod auth;
mod bandwidth;
mod capture;
mod counters;
mod early_hint;
mod headers;
mod headers_bin;
mod lists;
mod logging;
mod redirect;
mod relay;
mod replace;
mod reply;
mod resolve;
mod service;
mod socket;
mod status;
mod target;
mod tuning;
mod variables;
mod verdict;
mod waiting;

pub use early_hint::EarlyHint;
pub(crate) use redirect::parse as parse_redirect;
pub use reply::page_reply;
pub use service::SERVICES;
pub use variables::Assignment;
pub(crate) use variables::{VariableStep, check_step as check_variable};

use super::{Action, Families, Family, RuleCursor};
use crate::parse::{Parsed, known};

/// An action: a keyword of rules.
pub struct ActionRow {
    /// Its keyword.
    pub name: &'static str,
    /// Whether something in parentheses follows the keyword, as in `set-var(name)`.
    pub takes_suffix: bool,
    /// The lists it may stand in.
    pub families: Families,
    /// One line of documentation.
    pub doc: &'static str,
    /// Reads its arguments.
    pub parse: Parse,
}

/// What reads an action's arguments.
pub type Parse = fn(&mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>>;

impl ActionRow {
    /// A row of a keyword that nothing in parentheses follows.
    #[must_use]
    pub const fn new(
        name: &'static str,
        families: Families,
        doc: &'static str,
        parse: Parse,
    ) -> Self {
        Self {
            name,
            takes_suffix: false,
            families,
            doc,
            parse,
        }
    }

    /// The row of a keyword that something in parentheses follows.
    #[must_use]
    pub const fn with_suffix(mut self) -> Self {
        self.takes_suffix = true;
        self
    }
}

/// All actions; every topic is listed here, and nowhere else.
pub const TABLES: &[&[ActionRow]] = &[
    attach::ROWS,
    auth::ROWS,
    capture::ROWS,
    counters::ROWS,
    early_hint::ROWS,
    headers::ROWS,
    headers_bin::ROWS,
    lists::ROWS,
    logging::ROWS,
    redirect::ROWS,
    relay::ROWS,
    replace::ROWS,
    reply::ROWS,
    resolve::ROWS,
    service::ROWS,
    socket::ROWS,
    status::ROWS,
    target::ROWS,
    tuning::ROWS,
    bandwidth::ROWS,
    variables::ROWS,
    verdict::ROWS,
    waiting::ROWS,
];

/// The rows of a list.
pub fn rows(family: Family) -> impl Iterator<Item = &'static ActionRow> {
    TABLES
        .iter()
        .copied()
        .flatten()
        .filter(move |row| row.families.has(family))
}

/// The row of an action as written in a list.
#[must_use]
pub fn find(family: Family, word: &str) -> Option<&'static ActionRow> {
    let stem = word.split('(').next().unwrap_or_default();
    let is = |row: &&ActionRow| {
        row.name == word
            || (row.takes_suffix && row.name == stem)
            || (row.name == counters::TRACK && word.starts_with(counters::TRACK))
    };
    rows(family).find(is)
}

/// The complaint about a word that is no action of a list: everything that may stand there, and what it may have been
/// meant to be. `proxy` is how messages name the proxy.
#[must_use]
pub fn unknown(family: Family, word: &str, proxy: &str) -> String {
    let keyword = family.keyword();
    if let Some(waits_for) = waits_for(word) {
        return known::not_built(&format!("{keyword} {word}"), waits_for);
    }
    let mut names: Vec<String> = rows(family)
        .map(|row| {
            if row.takes_suffix {
                format!("'{}(*)'", row.name)
            } else {
                format!("'{}'", row.name)
            }
        })
        .collect();
    names.sort_unstable();
    let stem = word.split('(').next().unwrap_or_default();
    let near = config::suggest::nearest(stem, rows(family).map(|row| row.name));
    let near = near.map_or(String::new(), |near| {
        format!(" Did you mean '{near}' maybe ?")
    });
    let names = names.join(", ");
    if !family.is_http() {
        return format!("'{keyword}' expects {names} in {proxy} (got '{word}').{near}");
    }
    match word {
        "" => format!("'{keyword}' expects {names}, but got '' (missing argument)."),
        _ => format!("'{keyword}' expects {names}, but got '{word}'.{near}"),
    }
}

/// What an action waits for that is known but not built.
fn waits_for(word: &str) -> Option<&'static str> {
    match word {
        "" => None,
        _ if word.starts_with("lua.") => Some("Lua"),
        _ => known::waits_for(known::Family::Action, word),
    }
}
