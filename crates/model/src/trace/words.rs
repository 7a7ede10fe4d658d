//! The words of `trace` lines and commands.

use super::events::{Source, SourceRow};
use super::lists;
use super::settings::{Action, Level, Settings, SinkRow, SourceSettings, State};

/// What is changed: a source, or all of them.
#[derive(Clone, Copy)]
enum Target {
    One(Source),
    All,
}

/// Does what the words after `trace` say, and answers with what there is to be told. `is_sink` says whether events may be
/// written to a sink of this name; `sinks` are those that are listed.
///
/// # Errors
/// When something is not known, with HAProxy's answer. What stood before that is done.
pub fn configure(
    settings: &mut Settings,
    words: &[&str],
    sinks: &[SinkRow],
    is_sink: impl Fn(&str) -> bool,
) -> Result<String, String> {
    let (target, mut rest) = match words.split_first() {
        None => return Ok(lists::menu(settings)),
        Some((&"0", _)) => {
            settings.stop_all();
            return Ok("All traces now stopped".to_owned());
        }
        Some((&"all", rest)) => (Target::All, rest),
        Some((name, rest)) => (Target::One(Source::named(name)?), rest),
    };
    if rest.is_empty() {
        return Ok(lists::commands());
    }
    while let Some((&keyword, after)) = rest.split_first() {
        let argument = after.first().copied();
        let told = match (keyword, target) {
            ("follow", _) => follow(settings, target, argument)?,
            ("level", _) => level(settings, target, argument)?,
            ("sink", _) => match argument {
                None => Some(lists::sinks(settings, one(target), sinks)),
                Some(name) if name != "none" && !is_sink(name) => {
                    return Err(format!("No such trace sink '{name}'"));
                }
                Some(name) => {
                    let sink = (name != "none").then(|| name.into());
                    change(settings, target, |source| source.sink.clone_from(&sink));
                    None
                }
            },
            (_, Target::All) => {
                return Err(format!("'{keyword}' not applicable to meta-source 'all'"));
            }
            ("event", Target::One(source)) => events(settings, source, Action::Report, argument)?,
            ("start", Target::One(source)) => events(settings, source, Action::Start, argument)?,
            ("stop", Target::One(source)) => events(settings, source, Action::Stop, argument)?,
            ("pause", Target::One(source)) => events(settings, source, Action::Pause, argument)?,
            ("lock", Target::One(source)) => lock(settings, source, argument)?,
            ("verbosity", Target::One(source)) => verbosity(settings, source, argument)?,
            _ => return Err(format!("Unknown trace keyword '{keyword}'")),
        };
        if let Some(told) = told {
            return Ok(told);
        }
        rest = after.get(1..).unwrap_or_default();
    }
    Ok(String::new())
}

type Told = Result<Option<String>, String>;

fn one(target: Target) -> Option<Source> {
    match target {
        Target::One(source) => Some(source),
        Target::All => None,
    }
}

fn change(settings: &mut Settings, target: Target, change: impl Fn(&mut SourceSettings)) {
    match target {
        Target::One(source) => change(settings.of_mut(source)),
        Target::All => settings.sources.iter_mut().for_each(change),
    }
}

fn follow(settings: &mut Settings, target: Target, argument: Option<&str>) -> Told {
    let Some(name) = argument else {
        return Ok(Some(lists::followed(settings, one(target))));
    };
    let other = match name {
        "none" => None,
        name => Some(Source::named(name)?),
    };
    change(settings, target, |source| source.follows = other);
    Ok(None)
}

fn level(settings: &mut Settings, target: Target, argument: Option<&str>) -> Told {
    let list = lists::levels(settings, one(target));
    let Some(name) = argument else {
        return Ok(Some(list));
    };
    let level =
        Level::named(name).ok_or_else(|| format!("No such trace level '{name}'. {list}"))?;
    change(settings, target, |source| source.level = level);
    Ok(None)
}

fn lock(settings: &mut Settings, source: Source, argument: Option<&str>) -> Told {
    let Some(name) = argument else {
        return Ok(Some(lists::criteria(settings, source)));
    };
    let mut known = source.row().criteria.iter();
    let criterion = known.find(|criterion| criterion.words().0 == name);
    let criterion = criterion.ok_or_else(|| format!("Unsupported lock-on criterion '{name}'"))?;
    let settings = settings.of_mut(source);
    (settings.criterion, settings.locked) = (*criterion, None);
    Ok(None)
}

fn verbosity(settings: &mut Settings, source: Source, argument: Option<&str>) -> Told {
    let list = lists::verbosities(settings, source);
    let Some(name) = argument else {
        return Ok(Some(list));
    };
    let mut known = source.row().verbosities.iter();
    let place = known.position(|(known, _)| *known == name);
    settings.of_mut(source).verbosity =
        place.ok_or_else(|| format!("No such verbosity level '{name}'. {list}"))?;
    Ok(None)
}

/// The events that a word is about, and whether they are added.
fn mask(row: &SourceRow, word: &str) -> Result<(u64, bool), String> {
    let (name, added) = match word.as_bytes().first() {
        Some(b'+') => (&word[1..], true),
        Some(b'-' | b'!') => (&word[1..], false),
        _ => (word, true),
    };
    match (name, added) {
        ("any", _) => Ok((row.all_events(), added)),
        // To add none is to be left with none.
        ("none", true) => Ok((row.all_events(), false)),
        ("none", false) => Ok((0, false)),
        _ => match row.event(name) {
            Some(event) => Ok((event.bit(), added)),
            None => Err(format!("No such trace event '{name}'")),
        },
    }
}

fn events(settings: &mut Settings, source: Source, action: Action, argument: Option<&str>) -> Told {
    let Some(word) = argument else {
        return Ok(Some(lists::events(settings, source, action)));
    };
    let settings = settings.of_mut(source);
    if word == "now" && action != Action::Report {
        settings.state = match action {
            Action::Start => State::Running,
            Action::Pause => State::Waiting,
            _ => State::Stopped,
        };
        settings.locked = None;
        return Ok(None);
    }
    let (mask, added) = mask(source.row(), word)?;
    let events = &mut settings.events[action as usize];
    match added {
        true => *events |= mask,
        false => *events &= !mask,
    }
    // Naming an event to start with is to wait for it.
    let waits = action == Action::Start && added && settings.state == State::Stopped;
    if waits {
        settings.state = State::Waiting;
    }
    Ok(None)
}

/// Reads the argument of `-dt`: sources with their levels and verbosities, which go to the standard error (management
/// manual, section 3).
///
/// # Errors
/// When something is not known.
pub fn arguments(text: &str) -> Result<Settings, String> {
    let mut settings = Settings::default();
    let mut entries: Vec<&str> = text.split(',').filter(|entry| !entry.is_empty()).collect();
    if entries.is_empty() {
        entries.push("all");
    }
    for entry in entries {
        let mut fields = entry.split(':');
        let (name, level, verbosity) = (
            fields.next().unwrap_or_default(),
            fields.next().unwrap_or_default(),
            fields.next().unwrap_or_default(),
        );
        let sources: Vec<Source> = match name {
            "" | "all" => super::SOURCES.iter().map(|row| row.source).collect(),
            name => match Source::named(name) {
                Ok(source) => vec![source],
                Err(_) => {
                    let known: Vec<&str> = super::SOURCES.iter().map(|row| row.name).collect();
                    return Err(format!(
                        "-dt: unknown trace source '{name}', available sources are 'all', {}.",
                        quoted(&known)
                    ));
                }
            },
        };
        let level = match level {
            "" => Level::Error,
            name => Level::named(name).ok_or_else(|| {
                let known = super::LEVELS.map(|(_, name, _)| name);
                format!(
                    "-dt: no such trace level '{name}', available levels are {}.",
                    quoted(&known)
                )
            })?,
        };
        for source in &sources {
            let verbosity = match (verbosity, sources.len()) {
                ("", _) => 1,
                ("quiet", _) => 0,
                (name, 1) => place(*source, name)?,
                (name, _) => {
                    return Err(format!(
                        "-dt: trace verbosity '{name}' only applies to one source, not to all of them."
                    ));
                }
            };
            let settings = settings.of_mut(*source);
            settings.sink = Some("stderr".into());
            (settings.level, settings.verbosity) = (level, verbosity);
            settings.state = State::Running;
        }
    }
    Ok(settings)
}

fn place(source: Source, name: &str) -> Result<usize, String> {
    let row = source.row();
    let place = row.verbosities.iter().position(|(known, _)| *known == name);
    place.ok_or_else(|| {
        let known: Vec<&str> = row.verbosities.iter().map(|(known, _)| *known).collect();
        format!(
            "-dt: no such trace verbosity '{name}' for source '{}', available verbosities for this source are: {}.",
            row.name,
            quoted(&known)
        )
    })
}

/// Names as a list in a sentence.
fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{}, and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Criterion;
    use super::*;

    fn run(settings: &mut Settings, words: &str) -> Result<String, String> {
        let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        configure(settings, &words, &[], |name| name == "buf0")
    }

    #[test]
    fn words_are_taken_one_after_the_other() {
        let mut s = Settings::default();
        let done = Ok(String::new());
        let line = "h1 sink buf0 level developer verbosity complete lock h1s start now";
        assert_eq!(run(&mut s, line), done);
        let h1 = s.of(Source::H1).clone();
        assert_eq!(h1.sink.as_deref(), Some("buf0"));
        assert_eq!((h1.level, h1.verbosity), (Level::Developer, 5));
        assert_eq!(
            (h1.criterion, h1.state),
            (Criterion::H1Stream, State::Running)
        );
        assert_eq!(
            run(&mut s, "all level proto sink none follow session"),
            done
        );
        assert!(s.sources.iter().all(|source| {
            source.level == Level::Proto
                && source.sink.is_none()
                && source.follows == Some(Source::Session)
        }));
        assert_eq!(run(&mut s, "0"), Ok("All traces now stopped".into()));
        assert_eq!(s.of(Source::H1).state, State::Stopped);
    }

    #[test]
    fn events_come_and_go() {
        let mut s = Settings::default();
        let of = |s: &Settings, action: Action| s.of(Source::Session).events[action as usize];
        let (new, end) = (Event::SessionNew.bit(), Event::SessionEnd.bit());
        for (words, left) in [
            ("session event none", 0),
            ("session event sess_new", new),
            ("session event +sess_end", new | end),
            ("session event -sess_new", end),
            ("session event !sess_end", 0),
            ("session event any", Source::Session.row().all_events()),
            ("session event -none", Source::Session.row().all_events()),
            ("session event -any", 0),
        ] {
            assert_eq!(run(&mut s, words), Ok(String::new()));
            assert_eq!(of(&s, Action::Report), left, "{words}");
        }
        assert_eq!(s.of(Source::Session).state, State::Stopped);
        assert_eq!(run(&mut s, "session start sess_new"), Ok(String::new()));
        assert_eq!(s.of(Source::Session).state, State::Waiting);
        assert_eq!(of(&s, Action::Start), new);
        assert_eq!(run(&mut s, "session pause now"), Ok(String::new()));
        assert_eq!(s.of(Source::Session).state, State::Waiting);
    }

    use super::super::Event;

    #[test]
    fn what_is_not_known_is_refused() {
        let mut s = Settings::default();
        for (words, answer) in [
            ("nope", "No such trace source 'nope'"),
            ("h1 foo", "Unknown trace keyword 'foo'"),
            ("h1 event foo", "No such trace event 'foo'"),
            ("h1 event now", "No such trace event 'now'"),
            (
                "h1 event -rx_hdr level user",
                "No such trace event 'rx_hdr'",
            ),
            ("h1 start foo", "No such trace event 'foo'"),
            ("h1 sink foo", "No such trace sink 'foo'"),
            ("h1 lock stream", "Unsupported lock-on criterion 'stream'"),
            ("h1 follow 0", "No such trace source '0'"),
            (
                "all lock session",
                "'lock' not applicable to meta-source 'all'",
            ),
            (
                "all start now",
                "'start' not applicable to meta-source 'all'",
            ),
        ] {
            assert_eq!(run(&mut s, words), Err(answer.into()), "{words}");
        }
        assert_eq!(s, Settings::default());
        let answer = run(&mut s, "session verbosity complete").unwrap_err();
        assert!(answer.starts_with(
            "No such verbosity level 'complete'. Supported trace verbosities for source session:\n    quiet "
        ));
    }

    #[test]
    fn the_command_line_lets_traces_run_to_the_standard_error() {
        let all = arguments("").unwrap();
        assert!(all.sources.iter().all(|source| {
            source.state == State::Running
                && source.level == Level::Error
                && source.sink.as_deref() == Some("stderr")
        }));
        let some = arguments("h1:user:complete,session").unwrap();
        assert_eq!(some.of(Source::H1).verbosity, 5);
        assert_eq!(some.of(Source::H1).level, Level::User);
        assert_eq!(some.of(Source::Session).state, State::Running);
        assert_eq!(some.of(Source::H2).state, State::Stopped);
        for (text, answer) in [
            (
                "foo",
                "-dt: unknown trace source 'foo', available sources are 'all', 'ssl', 'h2', 'h1', 'stream', 'peers', 'check', 'pt', and 'session'.",
            ),
            (
                "h1:foo",
                "-dt: no such trace level 'foo', available levels are 'error', 'user', 'proto', 'state', 'data', and 'developer'.",
            ),
            (
                "h1:user:foo",
                "-dt: no such trace verbosity 'foo' for source 'h1', available verbosities for this source are: 'quiet', 'clean', 'minimal', 'simple', 'advanced', and 'complete'.",
            ),
        ] {
            assert_eq!(arguments(text).unwrap_err(), answer);
        }
        assert!(arguments("all:user:complete").is_err());
        assert!(arguments("all:user:quiet").is_ok());
    }
}
