//! Lists of sources and of what can be set, in HAProxy's form.

use super::events::{SOURCES, Source};
use super::settings::{Action, LEVELS, Settings, SinkRow, State};
use std::fmt::Write;

const HEADING: &str = "Supported trace sources and states (.=stopped, w=waiting, R=running) :\n";

fn line(out: &mut String, mark: char, name: &str, doc: &str) {
    let _ = writeln!(out, " [{mark}] {name:<10} : {doc}");
}

fn choice(out: &mut String, mark: char, name: &str, doc: &str) {
    let _ = writeln!(out, "  {mark} {name:<10} : {doc}");
}

fn star(chosen: bool) -> char {
    if chosen { '*' } else { ' ' }
}

/// All sources with their states, for `trace` alone.
#[must_use]
pub fn menu(settings: &Settings) -> String {
    let mut out = HEADING.to_owned();
    let stopped = State::Stopped.mark();
    line(
        &mut out,
        stopped,
        "0",
        "not a source, will immediately stop all traces",
    );
    let all = "all sources below, only for 'sink', 'level' and 'follow'";
    line(&mut out, stopped, "all", all);
    for row in SOURCES {
        line(
            &mut out,
            settings.of(row.source).state.mark(),
            row.name,
            row.doc,
        );
    }
    out
}

/// All sources with their states and sinks, for `show trace`. `dropped` says how many events a sink had no room for.
#[must_use]
pub fn statuses(settings: &Settings, dropped: impl Fn(&str) -> u64) -> String {
    let mut out = HEADING.to_owned();
    for row in SOURCES {
        let source = settings.of(row.source);
        let sink = source.sink.as_deref();
        let _ = writeln!(
            out,
            " [{}] {:<10} -> {} [drp {}]  [{}]",
            source.state.mark(),
            row.name,
            sink.unwrap_or("none"),
            sink.map_or(0, &dropped),
            row.doc
        );
    }
    out
}

/// What the events of a source do, for `show trace <source>`.
#[must_use]
pub fn status(settings: &Settings, source: Source, dropped: impl Fn(&str) -> u64) -> String {
    let (row, settings) = (source.row(), settings.of(source));
    let sink = settings.sink.as_deref();
    let mut out = format!(
        "Trace status for {}:\n  - sink: {} [{} dropped]\n  - event name   :     report    start    stop    pause\n",
        row.name,
        sink.unwrap_or("none"),
        sink.map_or(0, dropped)
    );
    for event in row.events {
        let mark = |action: Action| {
            let set = settings.events[action as usize] & event.event.bit() != 0;
            if set { '+' } else { '-' }
        };
        let _ = writeln!(
            out,
            "    {:<12} :        {}        {}        {}       {}",
            event.name,
            mark(Action::Report),
            mark(Action::Start),
            mark(Action::Stop),
            mark(Action::Pause)
        );
    }
    out
}

/// What can be set of a source.
pub(super) fn commands() -> String {
    let mut out = "Supported commands:\n".to_owned();
    for (name, doc) in [
        (
            "event",
            "list/enable/disable source-specific event reporting",
        ),
        ("level", "list/set trace reporting level"),
        ("lock", "automatic lock on thread/connection/stream/..."),
        (
            "follow",
            "passively follow another source's locked pointer (e.g. session)",
        ),
        (
            "pause",
            "pause and automatically restart after a specific event",
        ),
        ("sink", "list/set event sinks"),
        ("start", "start immediately or after a specific event"),
        ("stop", "stop immediately or after a specific event"),
        ("verbosity", "list/set trace output verbosity"),
    ] {
        let _ = writeln!(out, "  {name:<9} : {doc}");
    }
    out
}

/// The events of a source, and which of them do something.
pub(super) fn events(settings: &Settings, source: Source, action: Action) -> String {
    let row = source.row();
    let set = settings.of(source).events[action as usize];
    let mut out = format!(
        "Supported events for source {} (+=enabled, -=disabled):\n",
        row.name
    );
    let mut line = |mark: char, name: &str, doc: &str| {
        let _ = writeln!(out, "  {mark} {name:<12} : {doc}");
    };
    if action != Action::Report {
        line(
            '-',
            "now",
            "don't wait for events, immediately change the state",
        );
    }
    line('-', "none", "disable all event types");
    line('-', "any", "enable all event types");
    for event in row.events {
        let mark = if set & event.event.bit() != 0 {
            '+'
        } else {
            '-'
        };
        line(mark, event.name, event.doc);
    }
    out
}

fn name_of(source: Option<Source>) -> &'static str {
    source.map_or("all", |source| source.row().name)
}

/// The levels, and which one a source has.
pub(super) fn levels(settings: &Settings, source: Option<Source>) -> String {
    let mut out = format!("Supported trace levels for source {}:\n", name_of(source));
    let chosen = source.map(|source| settings.of(source).level);
    for (level, name, doc) in LEVELS {
        choice(&mut out, star(chosen == Some(level)), name, doc);
    }
    out
}

/// What a source can be locked on.
pub(super) fn criteria(settings: &Settings, source: Source) -> String {
    let row = source.row();
    let mut out = format!("Supported lock-on criteria for source {}:\n", row.name);
    for criterion in row.criteria {
        let (name, doc) = criterion.words();
        let chosen = settings.of(source).criterion == *criterion;
        choice(&mut out, star(chosen), name, doc);
    }
    out
}

/// How much a source can tell.
pub(super) fn verbosities(settings: &Settings, source: Source) -> String {
    let row = source.row();
    let mut out = format!("Supported trace verbosities for source {}:\n", row.name);
    for (at, (name, doc)) in row.verbosities.iter().enumerate() {
        choice(
            &mut out,
            star(settings.of(source).verbosity == at),
            name,
            doc,
        );
    }
    out
}

/// The sinks, and which one a source has.
pub(super) fn sinks(settings: &Settings, source: Option<Source>, sinks: &[SinkRow]) -> String {
    let mut out = format!(
        "Supported sinks for source {} (*=current):\n",
        name_of(source)
    );
    let current = source.and_then(|source| settings.of(source).sink.as_deref());
    choice(&mut out, star(current.is_none()), "none", "no sink");
    for sink in sinks {
        let chosen = current == Some(&*sink.name);
        choice(&mut out, star(chosen), &sink.name, &sink.doc);
    }
    out
}

/// The source that another one follows, and those that it can follow.
#[must_use]
pub fn followed(settings: &Settings, source: Option<Source>) -> String {
    let now = source.and_then(|source| settings.of(source).follows);
    let mut out = match (source, now) {
        (None, _) => String::new(),
        (_, Some(now)) => format!("Currently following source '{}'.\n", now.row().name),
        (_, None) => "Not currently following any other source.\n".to_owned(),
    };
    out.push_str("Please specify another source to follow, among the following ones:\n");
    line(
        &mut out,
        State::Stopped.mark(),
        "none",
        "follow no other source",
    );
    for row in SOURCES {
        line(
            &mut out,
            settings.of(row.source).state.mark(),
            row.name,
            row.doc,
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_haproxys_form() {
        let mut settings = Settings::default();
        settings.of_mut(Source::H1).state = State::Running;
        settings.of_mut(Source::H1).sink = Some("buf0".into());
        let list = statuses(&settings, |_| 3);
        assert!(list.contains("\n [R] h1         -> buf0 [drp 3]  [HTTP/1 multiplexer]\n"));
        assert!(list.contains("\n [.] session    -> none [drp 0]  [client session management]\n"));
        assert!(menu(&settings).contains("\n [R] h1         : HTTP/1 multiplexer\n"));
        assert_eq!(
            status(&settings, Source::Session, |_| 0),
            "Trace status for session:\n\
             \x20 - sink: none [0 dropped]\n\
             \x20 - event name   :     report    start    stop    pause\n\
             \x20   sess_new     :        +        -        -       -\n\
             \x20   sess_end     :        +        -        -       -\n\
             \x20   sess_err     :        +        -        -       -\n"
        );
        assert_eq!(
            criteria(&settings, Source::Session),
            "Supported lock-on criteria for source session:\n\
             \x20   frontend   : lock on the frontend that started the trace\n\
             \x20   listener   : lock on the listener that started the trace\n\
             \x20 * nothing    : do not lock on anything\n\
             \x20   session    : lock on the session that started the trace\n\
             \x20   thread     : lock on the thread that started the trace\n"
        );
        assert_eq!(
            events(&settings, Source::Session, Action::Start),
            "Supported events for source session (+=enabled, -=disabled):\n\
             \x20 - now          : don't wait for events, immediately change the state\n\
             \x20 - none         : disable all event types\n\
             \x20 - any          : enable all event types\n\
             \x20 - sess_new     : new session creation\n\
             \x20 - sess_end     : session termination\n\
             \x20 - sess_err     : session error\n"
        );
    }
}
