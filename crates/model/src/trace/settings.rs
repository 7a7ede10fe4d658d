//! What is set for each source.

use super::events::{SOURCES, Source};
use std::sync::Arc;

/// How important an event is, from the most important on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Errors.
    Error,
    /// What somebody who watches their traffic wants to know.
    User,
    /// Updates of protocols.
    Proto,
    /// Changes of states.
    State,
    /// Data that is moved.
    Data,
    /// Where in the code it happened, too.
    Developer,
}

/// All levels with their names, and what each adds.
pub const LEVELS: [(Level, &str, &str); 6] = [
    (Level::Error, "error", "report errors"),
    (
        Level::User,
        "user",
        "also information useful to the end user",
    ),
    (Level::Proto, "proto", "also protocol-level updates"),
    (Level::State, "state", "also report internal state changes"),
    (Level::Data, "data", "also report data transfers"),
    (
        Level::Developer,
        "developer",
        "also report information useful only to the developer",
    ),
];

impl Level {
    /// The level of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = LEVELS.iter().find(|(_, known, _)| *known == name);
        found.map(|(level, ..)| *level)
    }
}

macro_rules! criteria {
    ($($name:ident $word:literal $doc:literal,)*) => {
        /// What a trace sticks to once it has begun.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Criterion {
            $(#[doc = $doc] $name,)*
        }

        impl Criterion {
            /// Its name and what it means.
            #[must_use]
            pub const fn words(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($word, $doc),)*
                }
            }
        }
    };
}

criteria! {
    Backend "backend" "lock on the backend that started the trace",
    Connection "connection" "lock on the connection that started the trace",
    Frontend "frontend" "lock on the frontend that started the trace",
    Listener "listener" "lock on the listener that started the trace",
    Nothing "nothing" "do not lock on anything",
    Server "server" "lock on the server that started the trace",
    Session "session" "lock on the session that started the trace",
    Stream "stream" "lock on the stream that started the trace",
    Thread "thread" "lock on the thread that started the trace",
    Check "check" "lock on the check that started the trace",
    H1Stream "h1s" "H1 stream",
    H2Stream "h2s" "H2 stream",
    Peer "peer" "Peer",
    Peers "peers" "Peers",
}

/// Whether a source is traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not.
    Stopped,
    /// It will be from one of the events on that start it.
    Waiting,
    /// It is.
    Running,
}

impl State {
    /// How lists show it.
    #[must_use]
    pub const fn mark(self) -> char {
        match self {
            Self::Stopped => '.',
            Self::Waiting => 'w',
            Self::Running => 'R',
        }
    }
}

/// What events do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// They are reported.
    Report,
    /// They let a trace run.
    Start,
    /// They end a trace.
    Stop,
    /// They let a trace wait for another start.
    Pause,
}

/// What is set for a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSettings {
    /// Whether it is traced.
    pub state: State,
    /// The events that do what, by [`Action`].
    pub events: [u64; 4],
    /// The least important events that are reported.
    pub level: Level,
    /// How much is told of an event: a place in the source's verbosities.
    pub verbosity: usize,
    /// What a trace sticks to.
    pub criterion: Criterion,
    /// What it sticks to at present, in the terms of [`super::Subject`].
    pub locked: Option<u64>,
    /// The source whose lock it follows.
    pub follows: Option<Source>,
    /// The sink, if any.
    pub sink: Option<Arc<str>>,
}

/// A place where traces are written to.
#[derive(Debug, Clone)]
pub struct SinkRow {
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub doc: Arc<str>,
}

/// What is set for all sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// By source.
    pub sources: Vec<SourceSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        let initial = |row: &super::SourceRow| SourceSettings {
            state: State::Stopped,
            events: [row.all_events(), 0, 0, 0],
            level: Level::User,
            verbosity: 1,
            criterion: Criterion::Nothing,
            locked: None,
            follows: None,
            sink: None,
        };
        Self {
            sources: SOURCES.iter().map(initial).collect(),
        }
    }
}

impl Settings {
    /// What is set for a source.
    #[must_use]
    pub fn of(&self, source: Source) -> &SourceSettings {
        &self.sources[source as usize]
    }

    /// What is set for a source, to be changed.
    pub fn of_mut(&mut self, source: Source) -> &mut SourceSettings {
        &mut self.sources[source as usize]
    }

    /// Stops all traces.
    pub fn stop_all(&mut self) {
        for source in &mut self.sources {
            source.state = State::Stopped;
            source.locked = None;
        }
    }

    /// The events that anything comes of. What is not among them need not be looked at.
    #[must_use]
    pub fn watched(&self) -> u64 {
        let mut mask = 0;
        for source in &self.sources {
            let [report, start, stop, pause] = source.events;
            mask |= match (source.state, source.follows) {
                (State::Stopped, None) => 0,
                (State::Stopped, Some(_)) => report,
                _ => report | start | stop | pause,
            };
        }
        mask
    }
}
