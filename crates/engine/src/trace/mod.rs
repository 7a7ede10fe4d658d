//! Traces of this process: what is set, and writing what is to be reported.
//!
//! Whoever may have something to report asks [`watches`] first, which is one relaxed load; nothing is put together for
//! events that nobody wants. What comes of an event is [`Settings::judge`]'s decision, under one lock that is touched only
//! while traces run.

mod data;
mod others;
mod session;
mod text;

pub use data::{Direction, moved, note, watches_data};
pub use others::{CHECKS, Message, Peer, check, peer};
pub use session::{
    REFUSALS, SESSION_BEGINS, SESSION_ENDS, accepted, broken, key, over, push_numbers, push_tls,
    refused, secured, securing, subject, upgraded, who,
};
pub use text::{Side, Who, dump, first_line, number_of, push_fields};

use crate::clock;
use crate::log::{self, Ring};
use crate::runtime::{self, Runtime};
pub use model::trace::Event;
use model::trace::{Level, SOURCES, Settings, SinkRow, Source, Subject, Verdict};
use parking_lot::Mutex;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

/// The events that anything comes of at present.
static WATCHED: AtomicU64 = AtomicU64::new(0);

static LIVE: LazyLock<Mutex<Live>> = LazyLock::new(Mutex::default);

/// Where a source's events go.
#[derive(Debug, Clone)]
enum Sink {
    Output,
    Errors,
    Ring(Arc<Ring>),
}

#[derive(Debug, Default)]
struct Live {
    settings: Settings,
    /// By source.
    sinks: Vec<Option<Sink>>,
}

/// Whether anything comes of an event.
#[inline]
#[must_use]
pub fn watches(event: Event) -> bool {
    WATCHED.load(Ordering::Relaxed) & event.bit() != 0
}

/// Whether anything comes of any of these events.
#[inline]
#[must_use]
pub fn watches_any(mask: u64) -> bool {
    WATCHED.load(Ordering::Relaxed) & mask != 0
}

/// Changes what is set.
pub fn change<T>(runtime: &Runtime, change: impl FnOnce(&mut Settings) -> T) -> T {
    let mut live = LIVE.lock();
    let answer = change(&mut live.settings);
    let sink = |source: &Source| sink(runtime, live.settings.of(*source).sink.as_deref()?);
    live.sinks = SOURCES.iter().map(|row| sink(&row.source)).collect();
    WATCHED.store(live.settings.watched(), Ordering::Relaxed);
    answer
}

/// What is set.
#[must_use]
pub fn settings() -> Settings {
    LIVE.lock().settings.clone()
}

/// Sets what `traces` sections and the command line say.
pub fn start(runtime: &Runtime, by_arguments: Option<&Settings>) {
    let configured = runtime.snapshot.logging.traces.as_deref();
    if let Some(settings) = configured.or(by_arguments) {
        change(runtime, |live| live.clone_from(settings));
    }
    if let (Some(_), Some(arguments)) = (configured, by_arguments) {
        // Those that the command line lets run, and that no section does.
        change(runtime, |live| {
            for (live, wanted) in live.sources.iter_mut().zip(&arguments.sources) {
                if wanted.sink.is_some() && live.sink.is_none() {
                    live.clone_from(wanted);
                }
            }
        });
    }
}

/// All sinks there are.
#[must_use]
pub fn sinks(runtime: &Runtime) -> Vec<SinkRow> {
    model::parse::families::traces::sinks(&runtime.snapshot.logging)
}

/// How many events a sink had no room for.
#[must_use]
pub fn dropped(runtime: &Runtime, name: &str) -> u64 {
    match sink(runtime, name) {
        Some(Sink::Ring(ring)) => ring.dropped(),
        _ => 0,
    }
}

fn sink(runtime: &Runtime, name: &str) -> Option<Sink> {
    match name {
        "stdout" => Some(Sink::Output),
        "stderr" => Some(Sink::Errors),
        "buf0" => Some(Sink::Ring(runtime.process.events.clone())),
        name => log::named(&runtime.snapshot, name).map(Sink::Ring),
    }
}

impl Sink {
    fn write(&self, line: &str) {
        // A terminal that is gone is no reason to end.
        let _ = match self {
            Self::Output => writeln!(std::io::stdout().lock(), "{line}"),
            Self::Errors => writeln!(std::io::stderr().lock(), "{line}"),
            Self::Ring(ring) => {
                log::note_in(ring, line.as_bytes());
                Ok(())
            }
        };
    }
}

/// Reports an event if that is wanted: what has happened, and as much of the rest as the verbosity asks for, which is the
/// place in the list of the source's verbosities.
#[cold]
#[track_caller]
pub fn report(
    event: Event,
    level: Level,
    subject: &Subject,
    what: &str,
    tell: impl FnOnce(usize, &mut String),
) {
    let subject = Subject {
        thread: u64::from(runtime::worker_number()),
        ..*subject
    };
    let source = event.source();
    let (verbosity, least, sink) = {
        let mut live = LIVE.lock();
        let verdict = live.settings.judge(event, level, &subject);
        WATCHED.store(live.settings.watched(), Ordering::Relaxed);
        let Some(Some(sink)) = live.sinks.get(source as usize).cloned() else {
            return;
        };
        if verdict == Verdict::Ignore {
            return;
        }
        let settings = live.settings.of(source);
        (settings.verbosity, settings.level, sink)
    };
    let mut line = format!(
        "[{:02}|{}|{}|{}] {what}",
        subject.thread.saturating_sub(1),
        source.row().name,
        level as u8,
        event.name()
    );
    if verbosity > 0 {
        let begin = line.len();
        tell(verbosity, &mut line);
        if line.len() > begin {
            line.insert_str(begin, " :");
        }
    }
    if least == Level::Developer {
        let place = Location::caller();
        let file = place.file();
        let file = file.rsplit_once("/src/").map_or(file, |(_, file)| file);
        let _ = write!(line, " @{file}:{}", place.line());
    }
    // What is reported is told apart by its time.
    clock::wake();
    sink.write(&line);
}
