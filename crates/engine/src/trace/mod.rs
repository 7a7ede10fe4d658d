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
use rustix::event::{PollFd, PollFlags};
use std::fmt::Write as _;
use std::os::fd::{AsFd, BorrowedFd};
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
        Some(Sink::Output) => DROPPED[0].load(Ordering::Relaxed),
        Some(Sink::Errors) => DROPPED[1].load(Ordering::Relaxed),
        None => 0,
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

/// Lines that standard output and standard error had no room for.
static DROPPED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
/// Bytes that a pipe takes at once where it takes any (`PIPE_BUF`).
const ATOMIC: usize = 4096;

impl Sink {
    fn write(&self, line: &str) {
        match self {
            Self::Output => write_at_once(0, std::io::stdout().as_fd(), line),
            Self::Errors => write_at_once(1, std::io::stderr().as_fd(), line),
            Self::Ring(ring) => log::note_in(ring, line.as_bytes()),
        }
    }
}

/// Writes a line as far as it can be written without waiting: nobody's reading may hold traffic up.
fn write_at_once(which: usize, fd: BorrowedFd<'_>, line: &str) {
    let mut bytes = line.as_bytes();
    bytes = bytes.get(..ATOMIC - 1).unwrap_or(bytes);
    let bytes = [bytes, b"\n"].concat();
    let mut polled = [PollFd::new(&fd, PollFlags::OUT)];
    let now = rustix::event::Timespec::default();
    let ready = rustix::event::poll(&mut polled, Some(&now));
    let written = matches!(ready, Ok(1..)) && rustix::io::write(fd, &bytes).is_ok();
    if !written {
        DROPPED[which].fetch_add(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pipe_holds_nobody_up() {
        let (read, write) = rustix::pipe::pipe().expect("a pipe");
        let size = rustix::pipe::fcntl_setpipe_size(&write, ATOMIC).expect("a size");
        let dropped = || DROPPED[0].load(Ordering::Relaxed);
        let before = dropped();
        write_at_once(0, write.as_fd(), "a");
        assert_eq!(dropped(), before);
        let mut room = vec![0; size];
        assert_eq!(rustix::io::read(&read, &mut room), Ok(2));
        assert_eq!(rustix::io::write(&write, &vec![0; size]), Ok(size));
        write_at_once(0, write.as_fd(), "b");
        assert_eq!(dropped(), before + 1);
        assert_eq!(rustix::io::read(&read, &mut room), Ok(size));
        write_at_once(0, write.as_fd(), &"c".repeat(2 * ATOMIC));
        assert_eq!(dropped(), before + 1);
        assert_eq!(rustix::io::read(&read, &mut room), Ok(ATOMIC));
        assert!(room.ends_with(b"c\n"));
    }
}
