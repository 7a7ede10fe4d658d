//! Keywords that are known but not built yet, and what they wait for; and the message for a keyword nobody knows.

use super::Parser;
use super::sections::SectionRow;
use super::statement::{Fault, Parsed, Statement};
use super::table::Row;

/// Where a keyword may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `global`.
    Global,
    /// `defaults`, `frontend`, `backend` and `listen`.
    Proxy,
    /// Options of a `bind` line.
    Bind,
    /// Options of a `server` line.
    Server,
    /// Actions of rules, in any list.
    Action,
}

/// What a group of keywords waits for, and their names; a trailing `*` stands for any ending.
type Group = (&'static str, &'static [&'static str]);

const RUNTIME_API: &str = "runtime API";
const STATS: &str = "statistics";
const COMPRESSION: &str = "compression";

const GLOBAL: &[Group] = &[
    ("ACME", &["acme.scheduler"]),
    (
        "Lua",
        &["lua-load", "lua-load-per-thread", "lua-prepend-path"],
    ),
    (
        "QUIC",
        &[
            "harden.reject-privileged-ports.quic",
            "limited-quic",
            "cluster-secret",
        ],
    ),
    (
        COMPRESSION,
        &["maxcomprate", "maxcompcpuusage", "maxzlibmem"],
    ),
    (RUNTIME_API, &["debug.counters", "profiling.memory"]),
    (STATS, &["shm-stats-file", "shm-stats-file-max-objects"]),
    (
        "device detection",
        &["51degrees-*", "deviceatlas-*", "wurfl-*"],
    ),
];

const PROXY: &[Group] = &[
    (COMPRESSION, &["compression"]),
    ("filters", &["filter-sequence"]),
    ("FastCGI", &["use-fcgi-app"]),
    ("QUIC", &["quic-initial"]),
    ("mail alerts", &["email-alert"]),
    (
        "sessions held on a server connection",
        &["max-session-srv-conns"],
    ),
];

const BIND: &[Group] = &[("QUIC", &["quic-cc-algo", "quic-force-retry", "quic-socket"])];

const SERVER: &[Group] = &[("QUIC", &["quic-cc-algo"])];

const ACTION: &[Group] = &[
    ("the cache", &["cache-use", "cache-store"]),
    ("SPOE", &["send-spoe-group"]),
];

fn groups(family: Family) -> &'static [Group] {
    match family {
        Family::Global => GLOBAL,
        Family::Proxy => PROXY,
        Family::Bind => BIND,
        Family::Server => SERVER,
        Family::Action => ACTION,
    }
}

/// What a known keyword waits for; `None` when it is not in the list of what is not built.
#[must_use]
pub fn waits_for(family: Family, name: &str) -> Option<&'static str> {
    let is = |known: &str| match known.strip_suffix('*') {
        Some(stem) => name.starts_with(stem),
        None => known == name,
    };
    groups(family)
        .iter()
        .find(|(_, names)| names.iter().any(|known| is(known)))
        .map(|(waits, _)| *waits)
}

/// The names that are known but not built, for suggestions.
pub fn names(family: Family) -> impl Iterator<Item = &'static str> {
    groups(family)
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .filter(|name| !name.ends_with('*'))
}

/// The message for a keyword that is known but not built.
#[must_use]
pub fn not_built(name: &str, waits_for: &str) -> String {
    format!("'{name}' is known but not built yet in hapax (waits for: {waits_for}).")
}

/// The fault of a statement whose keyword has no row.
#[must_use]
pub fn unknown(tables: &[&[Row]], section: &str, statement: Statement<'_>) -> Fault {
    let family = if section == "global" {
        Family::Global
    } else {
        Family::Proxy
    };
    let keyword = statement.keyword();
    if let Some(waits) = waits_for(family, keyword) {
        return statement.fault_here(not_built(keyword, waits));
    }
    // Where a capability is named HAProxy calls a `listen` a proxy, but not here.
    let section = if section == "proxy" {
        "listen"
    } else {
        section
    };
    let message = format!("unknown keyword '{keyword}' in '{section}' section");
    let rows = tables
        .iter()
        .flat_map(|rows| rows.iter())
        .map(|row| row.name);
    if let Some(near) = config::suggest::nearest(keyword, rows.clone().chain(names(family))) {
        return statement.fault_here(format!("{message}; did you mean '{near}' maybe ?"));
    }
    let fault = statement.fault_here(message);
    match elsewhere(keyword, family) {
        Some(place) => fault.hint(format!("'{keyword}' belongs in {place}")),
        None => fault,
    }
}

/// Where a keyword that is out of place here belongs.
fn elsewhere(keyword: &str, family: Family) -> Option<&'static str> {
    let has = |tables: &[&[Row]]| super::table::find(tables, keyword).is_some();
    match family {
        Family::Global
            if has(super::families::PROXY) || waits_for(Family::Proxy, keyword).is_some() =>
        {
            Some("a 'defaults', 'frontend', 'backend' or 'listen' section")
        }
        Family::Proxy
            if has(super::families::GLOBAL) || waits_for(Family::Global, keyword).is_some() =>
        {
            Some("the 'global' section")
        }
        _ => None,
    }
}

/// Sections that are known but not built; their lines are skipped after the message.
pub const SECTIONS: &[SectionRow] = &[
    SectionRow {
        name: "acme",
        doc: "Certificates from an ACME server.",
        open: refuse,
    },
    SectionRow {
        name: "cache",
        doc: "A response cache.",
        open: refuse,
    },
    SectionRow {
        name: "mailers",
        doc: "Mail servers for alerts.",
        open: refuse,
    },
    SectionRow {
        name: "program",
        doc: "A program run by the master process.",
        open: refuse,
    },
];

fn refuse(_: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let section = statement.keyword();
    let waits = match section {
        "acme" => "ACME",
        "cache" => "the cache",
        "mailers" => "mail alerts",
        _ => {
            return Err(statement
                .fault_here("The 'program' section is not supported anymore since HAProxy 3.3.")
                .hint("start the program from your service manager"));
        }
    };
    Err(statement.fault_here(format!("section {}", not_built(section, waits))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::options::OptionRow;
    use crate::parse::{families, find, sections};
    use crate::rules::actions;

    /// The registered keywords of the reference version, one per line after their family.
    const INVENTORY: &str = include_str!("inventory.txt");

    fn is_option<L>(tables: &[&[OptionRow<L>]], name: &str) -> bool {
        tables.iter().copied().flatten().any(|row| row.name == name)
    }

    fn is_built(family: Family, name: &str) -> bool {
        match family {
            Family::Global => find(families::GLOBAL, name).is_some(),
            Family::Proxy => find(families::PROXY, name).is_some(),
            Family::Bind => is_option(families::bind::OPTIONS, name),
            Family::Server => is_option(families::server::OPTIONS, name),
            Family::Action => {
                let mut rows = actions::TABLES.iter().copied().flatten();
                rows.any(|row| row.name == name)
            }
        }
    }

    fn is_known(family: &str, name: &str) -> bool {
        let family = match family {
            "section" => return sections::find(name).is_some(),
            "global" => Family::Global,
            "proxy" => Family::Proxy,
            "bind" => Family::Bind,
            "server" => Family::Server,
            _ => return false,
        };
        is_built(family, name) || waits_for(family, name).is_some()
    }

    #[test]
    fn what_is_built_waits_for_nothing() {
        for family in [
            Family::Global,
            Family::Proxy,
            Family::Bind,
            Family::Server,
            Family::Action,
        ] {
            let built: Vec<&str> = names(family)
                .filter(|name| is_built(family, name))
                .collect();
            assert!(built.is_empty(), "{family:?}: {built:?}");
        }
        let sections = || families::SECTIONS.iter().copied().flatten();
        let is_twice = |name: &str| sections().filter(|row| row.name == name).count() > 1;
        let built: Vec<&str> = SECTIONS
            .iter()
            .map(|row| row.name)
            .filter(|name| is_twice(name))
            .collect();
        assert!(built.is_empty(), "sections: {built:?}");
    }

    #[test]
    fn every_registered_keyword_is_built_or_known() {
        let missing: Vec<&str> = INVENTORY
            .lines()
            .filter(|line| {
                line.split_once(' ')
                    .is_some_and(|(family, name)| !is_known(family, name))
            })
            .collect();
        assert!(missing.is_empty(), "neither built nor known: {missing:?}");
        assert!(INVENTORY.lines().count() > 400);
    }

    #[test]
    fn what_is_built_is_not_said_to_be_missing() {
        let options =
            |rows: &[&[crate::parse::options::OptionRow<families::server::ServerLine>]],
             name: &str| {
                rows.iter()
                    .flat_map(|rows| rows.iter())
                    .any(|row| row.name == name)
            };
        let stale: Vec<&str> = names(Family::Server)
            .filter(|name| options(families::server::OPTIONS, name))
            .chain(names(Family::Proxy).filter(|name| find(families::PROXY, name).is_some()))
            .chain(names(Family::Global).filter(|name| find(families::GLOBAL, name).is_some()))
            .collect();
        assert!(stale.is_empty(), "{stale:?}");
    }

    #[test]
    fn endings_are_open_where_a_star_says_so() {
        assert_eq!(
            waits_for(Family::Global, "51degrees-data-file"),
            Some("device detection")
        );
        assert_eq!(waits_for(Family::Action, "cache-use"), Some("the cache"));
        assert_eq!(waits_for(Family::Global, "maxconn"), None);
    }
}
