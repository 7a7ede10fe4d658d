//! Lists of the keywords that work (`-dK`), in the form of HAProxy's own lists.

use expr::row::{AclRow, ConverterRow, FetchRow, signature};
use expr::tables::TABLES;
use model::parse::families;
use model::parse::families::proxy::{options, switches::SWITCHES};
use model::parse::options::OptionRow;
use model::parse::{Row, Valid};
use model::rules::{Family, actions};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A class of keywords: its name, what it holds, and its list.
type Class = (&'static str, &'static str, fn() -> String);

const CLASSES: &[Class] = &[
    ("acl", "conditions", acls),
    ("cfg", "directives of the configuration", directives),
    ("cli", "commands of the runtime API", commands),
    ("cnv", "converters", converters),
    ("flt", "filters", filters),
    ("smp", "sample fetches", fetches),
    ("svc", "services", services),
];

/// The lists of these classes, which commas separate; `all` stands for every class, and `help` for their names.
/// Unknown names list nothing, as with HAProxy.
pub fn list(classes: &str) -> String {
    let mut out = String::new();
    for wanted in classes.split(',') {
        if wanted == "help" {
            out.push_str("# List of supported keyword classes:\nall: list all keywords\n");
            for (name, what, _) in CLASSES {
                let _ = writeln!(out, "{name}: {what}");
            }
            continue;
        }
        for (_, _, class) in CLASSES
            .iter()
            .filter(|(name, ..)| wanted == "all" || wanted == *name)
        {
            out.push_str(&class());
        }
    }
    out
}

/// A list under its title, in the order of bytes.
fn titled(title: &str, mut lines: Vec<String>) -> String {
    lines.sort();
    lines.dedup();
    let mut out = format!("# List of registered {title}:\n");
    for line in lines {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn acls() -> String {
    let works = |row: &&AclRow| TABLES.fetch(row.fetch).is_some();
    let line = |row: &AclRow| format!("{} = {} -m {}", row.name, row.fetch, row.method.name());
    titled(
        "ACL keywords",
        TABLES.acls.iter().filter(works).map(line).collect(),
    )
}

fn converters() -> String {
    let line = |row: &ConverterRow| {
        format!(
            "{}{}: {} => {}",
            row.name,
            signature(row.args),
            row.output.name(),
            row.input.name()
        )
    };
    titled(
        "sample converter functions",
        TABLES
            .converters
            .iter()
            .copied()
            .flatten()
            .map(line)
            .collect(),
    )
}

/// The places of the matrix, from left to right.
const COLUMNS: [&str; 22] = [
    "frontend tcp-request connection rule",
    "frontend tcp-request session rule",
    "frontend tcp-request content rule",
    "frontend http-request header rule",
    "frontend http-request body rule",
    "frontend use-backend rule",
    "backend tcp-request content rule",
    "backend http-request header rule",
    "backend http-request body rule",
    "backend use-server, balance or stick-match rule",
    "server source selection",
    "backend tcp-response content rule",
    "backend http-response header rule",
    "backend http-response body rule",
    "backend stick-store rule",
    "frontend tcp-response content rule",
    "frontend http-response header rule",
    "frontend http-response body rule",
    "logs",
    "backend tcp-check rule",
    "configuration parser",
    "CLI parser",
];

/// The head of the matrix: a slanting line from each column to the name of its place.
fn matrix_head() -> String {
    let mut out = String::new();
    for (at, place) in COLUMNS.iter().enumerate() {
        let indent = COLUMNS.len() + 1 - at;
        let rest = COLUMNS.len() - at;
        let _ = writeln!(
            out,
            "#{}{}_.{} {place}",
            " ".repeat(indent),
            "/ ".repeat(at),
            "-".repeat(rest)
        );
    }
    let _ = writeln!(out, "# {} ", "/ ".repeat(COLUMNS.len()));
    let _ = writeln!(out, "# {}", "| ".repeat(COLUMNS.len()));
    out
}

fn fetches() -> String {
    let mut rows: Vec<&FetchRow> = TABLES.fetches.iter().copied().flatten().collect();
    rows.sort_by_key(|row| row.name);
    let mut out = format!(
        "# List of registered sample fetch functions:\n{}",
        matrix_head()
    );
    for row in rows {
        let marks: String = (0..22)
            .map(|place| if row.phases.has(place) { "Y " } else { ". " })
            .collect();
        let _ = writeln!(
            out,
            "[ {marks}] {}{}: {}",
            row.name,
            signature(row.args),
            row.output.name()
        );
    }
    out
}

/// Rows that only explain why the keyword is gone.
const ONLY_EXPLAINED: &[&str] = &["appsession"];

fn directives() -> String {
    let block = |tables: &[&[Row]]| {
        let mut names: Vec<&str> = tables
            .iter()
            .copied()
            .flatten()
            .map(|row| row.name)
            .filter(|name| !ONLY_EXPLAINED.contains(name))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
            .iter()
            .map(|name| format!("\t{name}\n"))
            .collect::<String>()
    };
    let mut out = String::from("# List of registered configuration keywords:\nglobal\n");
    out.push_str(&block(families::GLOBAL));
    out.push_str("listen\n");
    out.push_str(&block(families::PROXY));
    out.push_str(&line_options("bind <addr>", families::bind::OPTIONS));
    out.push_str(&line_options(
        "server <name> <addr>",
        families::server::OPTIONS,
    ));
    out.push_str(&switches());
    out.push_str(&rule_actions());
    out
}

/// The options of a line with as many words as follow each.
fn line_options<T>(line: &str, tables: &[&[OptionRow<T>]]) -> String {
    let mut rows: Vec<(&str, i8)> = tables
        .iter()
        .copied()
        .flatten()
        .map(|row| (row.name, row.args))
        .collect();
    rows.sort_unstable();
    let words = |args: i8| {
        if args == 0 {
            String::new()
        } else {
            format!(" +{args}")
        }
    };
    rows.iter()
        .map(|(name, args)| format!("\t{line} {name}{}\n", words(*args)))
        .collect()
}

/// The options of proxies: those that are only on or off with where they are valid, then all others.
fn switches() -> String {
    let mut lines: Vec<String> = Vec::new();
    for row in SWITCHES {
        let sides = [(Valid::FE, "FE "), (Valid::BE, "BE ")]
            .iter()
            .filter(|(side, _)| row.valid.meets(*side))
            .map(|(_, name)| *name);
        let http = if row.http_only { "HTTP " } else { "" };
        lines.push(format!(
            "\toption {} [ {}{http}]\n",
            row.name,
            sides.collect::<String>()
        ));
    }
    let is_switch = |name: &str| SWITCHES.iter().any(|row| row.name == name);
    lines.extend(
        options::names()
            .filter(|name| !is_switch(name))
            .map(|name| format!("\toption {name}\n")),
    );
    lines.sort();
    lines.concat()
}

const RULE_LISTS: [Family; 7] = [
    Family::TcpConnection,
    Family::TcpSession,
    Family::TcpContent,
    Family::TcpResponse,
    Family::HttpRequest,
    Family::HttpResponse,
    Family::HttpAfterResponse,
];

/// The actions of each rule list; a star stands for what follows the name in parentheses.
fn rule_actions() -> String {
    let mut out = String::new();
    for family in RULE_LISTS {
        let mut names: Vec<(&str, bool)> = actions::rows(family)
            .map(|row| (row.name, row.takes_suffix))
            .collect();
        names.sort_unstable();
        for (name, suffix) in names {
            let _ = writeln!(
                out,
                "\t{} {name}{}",
                family.keyword(),
                if suffix { "*" } else { "" }
            );
        }
    }
    out
}

fn commands() -> String {
    use control::commands::{EXPERIMENTAL, EXPERT, HIDDEN, ROOT};
    let mut found: BTreeMap<String, [&str; 3]> = BTreeMap::new();
    let lists = [
        (ROOT, ""),
        (HIDDEN, ""),
        (EXPERIMENTAL, "[EXPERIM] "),
        (EXPERT, "[EXPERT] "),
    ];
    for (rows, needs) in lists.map(|(list, needs)| (list.iter().copied().flatten(), needs)) {
        for row in rows {
            found.insert(row.words.join(" "), ["", "[WORKER] ", needs]);
        }
    }
    for words in control::master::words() {
        found.entry(words).or_default()[0] = "[MASTER] ";
    }
    let lines = found.into_iter();
    let lines = lines.map(|(words, marks)| format!("{words} {}", marks.concat()));
    titled("CLI keywords", lines.collect())
}

fn filters() -> String {
    titled("filter names", Vec::new())
}

fn services() -> String {
    titled(
        "service names",
        model::rules::actions::SERVICES.map(str::to_owned).to_vec(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of HAProxy's lists for keywords that work here.
    const SAMPLE: &[(&str, &[&str])] = &[
        (
            "acl",
            &[
                "# List of registered ACL keywords:",
                "path_beg = path -m beg",
                "hdr = req.hdr -m str",
            ],
        ),
        (
            "cfg",
            &[
                "# List of registered configuration keywords:",
                "global",
                "\tulimit-n",
                "listen",
                "\tbind <addr> accept-proxy",
                "\tbind <addr> backlog +1",
                "\tserver <name> <addr> source +-1",
                "\tserver <name> <addr> weight +1",
                "\toption abortonclose [ FE BE ]",
                "\toption http-ignore-probes [ FE HTTP ]",
                "\ttcp-request connection set-var*",
                "\ttcp-request content set-dst",
            ],
        ),
        (
            "cli",
            &[
                "# List of registered CLI keywords:",
                "@master [MASTER] ",
                "debug dev log [WORKER] [EXPERT] ",
                "echo [MASTER] [WORKER] ",
                "set var [WORKER] [EXPERIM] ",
                "show sess [WORKER] ",
            ],
        ),
        ("cnv", &["# List of registered sample converter functions:"]),
        ("flt", &["# List of registered filter names:"]),
        (
            "smp",
            &[
                "# List of registered sample fetch functions:",
                "#                       _.---------------------- frontend tcp-request connection rule",
                "#  / / / / / / / / / / / / / / / / / / / / / _.- CLI parser",
                "# / / / / / / / / / / / / / / / / / / / / / /  ",
                "# | | | | | | | | | | | | | | | | | | | | | | ",
                "[ . . Y Y Y Y Y Y Y Y Y . . . . . . . . . . . ] base: str",
                "[ Y Y Y Y Y Y Y Y Y Y Y Y Y Y Y Y Y Y Y Y . . ] src: addr",
            ],
        ),
        ("svc", &["# List of registered service names:"]),
    ];

    #[test]
    fn lists_have_the_known_form() {
        for (class, lines) in SAMPLE {
            let listing = list(class);
            for line in *lines {
                assert!(
                    listing.lines().any(|listed| listed == *line),
                    "{class}: no line {line:?} in\n{listing}"
                );
            }
        }
    }

    #[test]
    fn what_is_listed_is_what_haproxy_lists() {
        let facts = [
            ("acl", include_str!("../../expr/testdata/acls-3.4.txt")),
            (
                "cnv",
                include_str!("../../expr/testdata/converters-3.4.txt"),
            ),
            ("smp", include_str!("../../expr/testdata/fetches-3.4.txt")),
        ];
        for (class, known) in facts {
            let known: std::collections::HashSet<&str> = known.lines().collect();
            let listing = list(class);
            let lines = listing.lines().filter(|line| !line.starts_with('#'));
            for line in lines.filter(|line| !line.is_empty()) {
                assert!(known.contains(line), "{class}: {line}");
            }
        }
    }

    #[test]
    fn all_lists_in_their_order() {
        let all = list("all");
        let titles: Vec<&str> = all
            .lines()
            .filter(|line| line.starts_with("# List of registered"))
            .collect();
        let expected: Vec<&str> = SAMPLE.iter().map(|(_, lines)| lines[0]).collect();
        assert_eq!(titles, expected);
        assert_eq!(list("svc,flt"), format!("{}{}", list("svc"), list("flt")));
        assert_eq!(list("nothing"), "");
        assert!(list("help").contains("smp: "));
    }

    #[test]
    fn what_waits_for_a_subsystem_is_left_out() {
        let listing = list("cfg");
        assert!(
            listing.contains("bind <addr> ssl")
                && !listing.contains("\tcompression")
                && !listing.contains("\tappsession")
        );
    }
}
