//! The configuration's text, section by section: what a reload changes is told from it.

use crate::features::Program;
use config::{Diagnostics, Env, Reader, Source};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// The lines of each section, in their order; sections of the same keyword and name are one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// By keyword and name; a `defaults` section without a name has its number instead.
    sections: BTreeMap<(String, String), Section>,
}

/// A file and a line in it.
type Place = (Arc<str>, u32);

/// A section.
#[derive(Debug, Clone, Default)]
struct Section {
    /// Its lines, each with single blanks between its words.
    lines: Vec<String>,
    /// Where they stand.
    places: Vec<Place>,
    /// Where it begins.
    place: Option<Place>,
    /// How many sections stand before it.
    number: usize,
    /// The name of the `defaults` section that it starts from.
    defaults: String,
}

// It is the same section wherever it stands.
impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        self.lines == other.lines && self.defaults == other.defaults
    }
}

impl Eq for Section {}

/// What of the global section can change while the process runs; everything else takes another process.
const IN_PLACE: &[&str] = &[
    "description",
    "grace",
    "hard-stop-after",
    "log",
    "log-send-hostname",
    "log-tag",
    "max-spread-checks",
    "presetenv",
    "resetenv",
    "setenv",
    "spread-checks",
    "stats socket",
    "stats timeout",
    "tune.maxaccept",
    "unsetenv",
    "zero-warning",
];

/// Sections of proxies.
const PROXIES: [&str; 3] = ["frontend", "backend", "listen"];
/// Sections beside `global` whose running parts a reload in place does not replace.
const FIXED: [&str; 7] = [
    "log-forward",
    "log-profile",
    "mailers",
    "peers",
    "resolvers",
    "ring",
    "traces",
];

impl Outline {
    /// Reads the outline; faults are left to whoever reads the configuration itself.
    pub fn read(sources: Vec<Source>, mut env: Env, program: &Program) -> Self {
        let mut outline = Self::default();
        let (mut reader, mut messages) = (Reader::new(sources), Diagnostics::new());
        let mut open = (String::new(), String::new());
        let (mut unnamed, mut defaults) = (0, String::new());
        while let Some(line) = reader.next_line(&mut env, program, &mut messages) {
            let words: Vec<&str> = line.words.iter().map(|word| word.as_str()).collect();
            let keyword = line.word(0);
            if model::parse::sections::names().any(|name| name == keyword) {
                let mut name = match line.word(1) {
                    "from" => String::new(),
                    name => name.to_owned(),
                };
                let from = words.iter().position(|word| *word == "from");
                let base = from.and_then(|at| words.get(at + 1)).copied();
                if keyword == "defaults" {
                    if name.is_empty() {
                        unnamed += 1;
                        name = format!("#{unnamed}");
                    }
                    defaults.clone_from(&name);
                }
                let section = (keyword.to_owned(), name);
                let number = outline.sections.len();
                let entry = outline.sections.entry(section.clone()).or_default();
                if entry.place.is_none() {
                    entry.place = Some((line.file.clone(), line.number));
                    entry.number = number;
                }
                entry.defaults = match base {
                    Some(base) => base.to_owned(),
                    None if keyword == "defaults" => String::new(),
                    None => defaults.clone(),
                };
                open = section;
                continue;
            }
            let prefix = match line.prefix {
                config::Prefix::None => "",
                config::Prefix::No => "no ",
                config::Prefix::Default => "default ",
            };
            let text = format!("{prefix}{}", words.join(" "));
            if keyword == "setenv" || keyword == "presetenv" {
                env.set(line.word(1), line.word(2));
            }
            let section = outline.sections.entry(open.clone()).or_default();
            section.lines.push(text);
            section.places.push((line.file.clone(), line.number));
        }
        outline
    }

    /// Keyword and name of each section, in the order of the files. A `defaults` section without a name has none here either.
    pub fn titles(&self) -> Vec<(String, String)> {
        let mut found: Vec<_> = self.sections.iter().collect();
        found.sort_by_key(|(_, section)| section.number);
        found.into_iter().map(|(title, _)| title.clone()).collect()
    }

    /// A section as text: its lines, those of the `defaults` sections that it starts from before them, each with its
    /// place.
    pub fn text(&self, title: &(String, String)) -> String {
        let Some(section) = self.sections.get(title) else {
            return String::new();
        };
        let mut out = String::new();
        let named = |name: &str| if name.starts_with('#') { "" } else { name }.to_owned();
        let heading = format!("{} {}", title.0, named(&title.1));
        let place = |(file, line): &Place| format!("{file}:{line}");
        let at = section.place.as_ref().map(place).unwrap_or_default();
        write_line(heading.trim_end(), &at, &mut out);
        let takes_defaults = PROXIES.contains(&title.0.as_str()) || title.0 == "defaults";
        let inherited = if takes_defaults {
            self.defaults_of(section)
        } else {
            Vec::new()
        };
        let chain = inherited.into_iter().rev().chain([section]);
        for part in chain {
            for (line, origin) in part.lines.iter().zip(&part.places) {
                write_line(&format!("    {line}"), &place(origin), &mut out);
            }
        }
        out
    }

    /// Whether a proxy's section and the `defaults` that it starts from are the same in both.
    pub fn same_proxy(&self, other: &Self, config: &model::Proxy) -> bool {
        let keyword = match (config.caps.front, config.caps.back) {
            (true, true) => "listen",
            (true, false) => "frontend",
            _ => "backend",
        };
        let key = (keyword.to_owned(), config.name.to_string());
        match (self.sections.get(&key), other.sections.get(&key)) {
            (Some(a), Some(b)) => {
                a == b
                    && self.defaults_of(a) == other.defaults_of(b)
                    && self.sections.get(&global()) == other.sections.get(&global())
            }
            _ => false,
        }
    }

    fn defaults_of(&self, section: &Section) -> Vec<&Section> {
        let mut chain = Vec::new();
        let mut name = &section.defaults;
        while let Some(base) = self.sections.get(&("defaults".to_owned(), name.clone())) {
            // A section that names itself, or one of its own descendants, was refused already.
            if name.is_empty() || chain.len() > 50 {
                break;
            }
            chain.push(base);
            name = &base.defaults;
        }
        chain
    }

    /// What changes from this outline to another one and takes another process, each named.
    pub fn obstacles(&self, new: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let nothing = Section::default();
        for key in self.keys(new) {
            let (a, b) = (self.sections.get(key), new.sections.get(key));
            let (a, b) = (a.unwrap_or(&nothing), b.unwrap_or(&nothing));
            if key.0 == "global" {
                for line in changed(&a.lines, &b.lines) {
                    let fits = |known: &str| {
                        known == line.strip_prefix("no ").unwrap_or(line)
                            || line.starts_with(&format!("{known} "))
                    };
                    if !IN_PLACE.iter().any(|known| fits(known)) {
                        let keyword = line.split(' ').next().unwrap_or_default();
                        found.push(format!("'{keyword}' in the global section"));
                    }
                }
            } else if FIXED.contains(&key.0.as_str()) && a != b {
                found.push(format!("section '{} {}'", key.0, key.1));
            }
        }
        found.dedup();
        found
    }

    fn keys<'o>(&'o self, other: &'o Self) -> impl Iterator<Item = &'o (String, String)> {
        let own = self.sections.keys();
        let added = other.sections.keys();
        own.chain(added.filter(|key| !self.sections.contains_key(*key)))
    }

    /// What changes from this outline to another one, section by section, with the lines that go and come.
    pub fn difference(&self, new: &Self) -> String {
        let mut out = String::new();
        let nothing = Section::default();
        for key in self.keys(new) {
            let title = format!("{} {}", key.0, key.1);
            let title = title.trim_end();
            let (a, b) = (self.sections.get(key), new.sections.get(key));
            let what = match (a, b) {
                (Some(_), None) => "removed",
                (None, Some(_)) => "added",
                (Some(a), Some(b)) if a != b => "changed",
                _ => {
                    if let (Some(a), Some(b)) = (a, b)
                        && PROXIES.contains(&key.0.as_str())
                        && self.defaults_of(a) != new.defaults_of(b)
                    {
                        let _ = writeln!(out, "{title}: changed by its defaults");
                    }
                    continue;
                }
            };
            let _ = writeln!(out, "{title}: {what}");
            let (a, b) = (a.unwrap_or(&nothing), b.unwrap_or(&nothing));
            for line in a.lines.iter().filter(|line| !b.lines.contains(line)) {
                let _ = writeln!(out, "  - {line}");
            }
            for line in b.lines.iter().filter(|line| !a.lines.contains(line)) {
                let _ = writeln!(out, "  + {line}");
            }
        }
        if out.is_empty() {
            out.push_str("Nothing changes but what files hold that the configuration names.\n");
        }
        out
    }
}

/// A line with its place behind it.
fn write_line(text: &str, place: &str, out: &mut String) {
    let _ = writeln!(out, "{text:<60} # {place}");
}

fn global() -> (String, String) {
    ("global".to_owned(), String::new())
}

/// Lines that are in one list only.
fn changed<'l>(a: &'l [String], b: &'l [String]) -> impl Iterator<Item = &'l str> {
    let gone = a.iter().filter(|line| !b.contains(line));
    let come = b.iter().filter(|line| !a.contains(line));
    gone.chain(come).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Options;

    fn outline(text: &str) -> Outline {
        let source = Source::Text {
            name: "a".to_owned(),
            text: text.as_bytes().to_vec(),
        };
        Outline::read(
            vec![source],
            Env::empty(),
            &Program::new(&Options::default()),
        )
    }

    #[test]
    fn sections_are_shown_with_the_places_of_their_lines() {
        let outline = outline(BASE);
        let titles = outline.titles();
        let names: Vec<_> = titles.iter().map(|(keyword, _)| keyword.as_str()).collect();
        assert_eq!(names, ["global", "defaults", "frontend", "backend"]);
        let text = outline.text(&titles[2]);
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|l| l.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines,
            [
                vec!["frontend", "f", "#", "a:6"],
                vec!["mode", "http", "#", "a:5"],
                vec!["bind", ":80", "#", "a:7"],
                vec!["default_backend", "b", "#", "a:8"],
            ]
        );
        assert!(outline.text(&titles[1]).starts_with("defaults  "));
        assert_eq!(outline.text(&("backend".into(), "no".into())), "");
    }

    const BASE: &str = "global\n nbthread 2\n log stdout local0\ndefaults\n mode http\nfrontend f\n bind :80\n  default_backend b\nbackend b\n server s 127.0.0.1:1\n";

    #[test]
    fn differences_are_told_by_section() {
        let old = outline(BASE);
        assert_eq!(
            old.difference(&outline(BASE)),
            "Nothing changes but what files hold that the configuration names.\n"
        );
        let new = outline(
            &BASE
                .replace("mode http", "mode tcp")
                .replace(":80\n", ":81\n")
                .replace("backend b", "backend c"),
        );
        assert_eq!(
            old.difference(&new),
            "backend b: removed\n  - server s 127.0.0.1:1\ndefaults #1: changed\n  - mode http\n  + mode tcp\nfrontend f: changed\n  - bind :80\n  - default_backend b\n  + bind :81\n  + default_backend c\nbackend c: added\n  + server s 127.0.0.1:1\n"
        );
        let new = outline(&BASE.replace("mode http", "mode tcp"));
        assert!(
            old.difference(&new)
                .contains("backend b: changed by its defaults\n")
        );
    }

    #[test]
    fn what_takes_another_process_is_named() {
        let old = outline(BASE);
        let new = outline(
            &BASE
                .replace("nbthread 2", "nbthread 3")
                .replace("local0", "local1"),
        );
        assert_eq!(old.obstacles(&new), ["'nbthread' in the global section"]);
        assert!(
            old.obstacles(&outline(&BASE.replace("local0", "local1")))
                .is_empty()
        );
        let ring = outline(&format!("{BASE}ring r\n size 1000\n"));
        assert_eq!(old.obstacles(&ring), ["section 'ring r'"]);
    }
}
