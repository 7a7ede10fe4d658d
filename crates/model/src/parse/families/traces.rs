//! `traces` sections (configuration manual, section 12.1).

use crate::parse::sections::{OpenSection, SectionRow};
use crate::parse::{Open, Parsed, Parser, Statement};
use crate::trace::{Settings, SinkRow, configure};
use config::{Diagnostic, Severity};
use std::sync::Arc;

/// The section of this family.
pub const SECTIONS: &[SectionRow] = &[SectionRow {
    name: "traces",
    doc: "Trace settings.",
    open,
}];

/// Sinks that are there without a section.
pub const SINKS: [(&str, &str); 3] = [
    ("stdout", "standard output (fd#1)"),
    ("stderr", "standard output (fd#2)"),
    ("buf0", "in-memory ring buffer"),
];

/// What the lines of all sections come to, and the sinks that they name with their places.
#[derive(Default)]
pub struct TraceDraft {
    settings: Option<Settings>,
    sinks: Vec<(Box<str>, Place)>,
}

/// A file and a line in it.
type Place = (Arc<str>, u32);

fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if !statement.is_empty() {
        let message = format!(
            "'traces' cannot handle unexpected argument '{}'.",
            statement.arg(0)
        );
        return Err(statement.fault(0, message));
    }
    parser.open = Open::Other(Box::new(Section));
    Ok(())
}

struct Section;

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        if statement.keyword() != "trace" {
            let message = format!(
                "unknown keyword '{}' in 'traces' section",
                statement.keyword()
            );
            return Err(statement.fault_here(message));
        }
        let words = statement.args_from(0);
        let sinks = known_sinks(parser);
        let mut settings = parser.traces.settings.take().unwrap_or_default();
        // Rings may be declared further on.
        let told = configure(&mut settings, &words, &sinks, |_| true);
        parser.traces.settings = Some(settings);
        let named = words.windows(2).filter(|pair| pair[0] == "sink");
        let named = named.map(|pair| (pair[1].into(), statement.origin()));
        parser.traces.sinks.extend(named);
        match told {
            Ok(told) if told.is_empty() => Ok(()),
            Ok(told) => {
                parser.warn(statement, format!("'trace': {told}"), None);
                Ok(())
            }
            Err(fault) => Err(statement.fault_here(fault)),
        }
    }

    fn close(self: Box<Self>, _: &mut Parser<'_>) {}
}

fn known_sinks(parser: &Parser<'_>) -> Vec<SinkRow> {
    sinks(&parser.logging)
}

/// All sinks of a configuration.
#[must_use]
pub fn sinks(logging: &crate::log::Logging) -> Vec<SinkRow> {
    let row = |name: &str, doc: &str| SinkRow {
        name: name.into(),
        doc: doc.into(),
    };
    let rings = logging.rings.iter().map(|ring| SinkRow {
        name: ring.name.clone(),
        doc: ring
            .description
            .clone()
            .unwrap_or_else(|| ring.name.clone()),
    });
    let fixed = SINKS.iter().map(|(name, doc)| row(name, doc));
    fixed.chain(rings).collect()
}

/// Checks the sinks that lines have named, once all rings are known.
pub(in crate::parse) fn resolve(parser: &mut Parser<'_>) {
    let draft = std::mem::take(&mut parser.traces);
    let known = known_sinks(parser);
    for (name, (file, line)) in draft.sinks {
        if *name != *"none" && !known.iter().any(|sink| *sink.name == *name) {
            let message = format!("'trace': sink '{name}' doesn't exist.");
            let mut diagnostic = Diagnostic::global(Severity::Alert, message, false);
            (diagnostic.file, diagnostic.line) = (Some(file), line);
            parser.diagnostics.push(diagnostic);
        }
    }
    parser.logging.traces = draft.settings.map(Arc::new);
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;
    use crate::trace::{Level, Source, State};

    #[test]
    fn lines_set_traces_up() {
        let text = "traces\n trace h1 sink buf1 level developer verbosity complete start now\n\
                    traces\n trace h2 sink buf0\n\
                    ring buf1\n size 20000\n";
        let (snapshot, messages) = load_text(text);
        let snapshot = snapshot.unwrap_or_else(|| panic!("{messages:?}"));
        let settings = snapshot.logging.traces.expect("traces");
        let h1 = settings.of(Source::H1);
        assert_eq!((h1.state, h1.level), (State::Running, Level::Developer));
        assert_eq!(h1.sink.as_deref(), Some("buf1"));
        assert_eq!(settings.of(Source::H2).state, State::Stopped);
    }

    #[test]
    fn what_is_not_known_is_refused_where_it_stands() {
        for (line, what) in [
            ("trace nope start now", "No such trace source 'nope'"),
            ("trace quic start now", "No such trace source 'quic'"),
            ("trace h1 event nope", "No such trace event 'nope'"),
            ("trace h1 sink nope", "'trace': sink 'nope' doesn't exist."),
            ("nothing", "unknown keyword 'nothing' in 'traces' section"),
        ] {
            let (snapshot, messages) = load_text(&format!("traces\n {line}\n"));
            assert!(snapshot.is_none(), "{line}");
            assert!(format!("{messages:?}").contains(what), "{messages:?}");
        }
        let (snapshot, _) = load_text("traces x\n");
        assert!(snapshot.is_none());
    }

    #[test]
    fn lists_that_a_line_asks_for_are_warnings() {
        let (snapshot, messages) = load_text("traces\n trace h1 level\n");
        assert!(snapshot.is_some_and(|snapshot| snapshot.logging.traces.is_some()));
        let text = format!("{messages:?}");
        assert!(
            text.contains("Supported trace levels for source h1"),
            "{text}"
        );
    }
}
