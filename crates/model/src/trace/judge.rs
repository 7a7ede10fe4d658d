//! What comes of an event.

use super::events::{Event, Source};
use super::settings::{Action, Criterion, Level, Settings, State};

/// What an event is about, each by a number that tells it apart from others of its kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject {
    /// The backend.
    pub backend: Option<u64>,
    /// The connection.
    pub connection: Option<u64>,
    /// The frontend.
    pub frontend: Option<u64>,
    /// The listening socket's line.
    pub listener: Option<u64>,
    /// The server.
    pub server: Option<u64>,
    /// The session.
    pub session: Option<u64>,
    /// The stream.
    pub stream: Option<u64>,
    /// The thread.
    pub thread: u64,
    /// The server that is checked.
    pub check: Option<u64>,
    /// The other peer.
    pub peer: Option<u64>,
    /// The `peers` section.
    pub peers: Option<u64>,
}

impl Subject {
    /// What of it a criterion is about.
    #[must_use]
    pub fn of(&self, criterion: Criterion) -> Option<u64> {
        match criterion {
            Criterion::Backend => self.backend,
            Criterion::Connection => self.connection,
            Criterion::Frontend => self.frontend,
            Criterion::Listener => self.listener,
            Criterion::Nothing => None,
            Criterion::Server => self.server,
            Criterion::Session => self.session,
            Criterion::Stream | Criterion::H1Stream | Criterion::H2Stream => self.stream,
            Criterion::Thread => Some(self.thread),
            Criterion::Check => self.check,
            Criterion::Peer => self.peer,
            Criterion::Peers => self.peers,
        }
    }
}

/// What is to be done about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Ignore,
    /// It is to be reported.
    Report,
}

impl Settings {
    /// Says whether an event is to be reported, and lets it start, pause or stop the trace.
    pub fn judge(&mut self, event: Event, level: Level, subject: &Subject) -> Verdict {
        let source = event.source();
        let followed = self.is_followed(source, subject);
        let settings = self.of_mut(source);
        let is = |action: Action| settings.events[action as usize] & event.bit() != 0;
        let (reported, starts) = (is(Action::Report), is(Action::Start));
        let (stops, pauses) = (is(Action::Stop), is(Action::Pause));
        let verdict = match reported && level <= settings.level {
            true => Verdict::Report,
            false => Verdict::Ignore,
        };
        let own = match settings.state {
            State::Stopped => false,
            State::Waiting => starts,
            State::Running => true,
        };
        let about = subject.of(settings.criterion);
        let elsewhere = settings.locked.is_some() && settings.locked != about;
        if !own || elsewhere {
            return match followed {
                true => verdict,
                false => Verdict::Ignore,
            };
        }
        settings.state = State::Running;
        if settings.criterion != Criterion::Nothing {
            settings.locked = settings.locked.or(about);
        }
        if stops {
            settings.state = State::Stopped;
        } else if pauses {
            settings.state = State::Waiting;
        }
        if stops || pauses {
            settings.locked = None;
        }
        verdict
    }

    /// Whether a source follows another one that is locked on what this is about.
    fn is_followed(&self, source: Source, subject: &Subject) -> bool {
        let Some(other) = self.of(source).follows else {
            return false;
        };
        let other = self.of(other);
        other.locked.is_some() && subject.of(other.criterion) == other.locked
    }
}

#[cfg(test)]
mod tests {
    use super::super::configure;
    use super::*;

    fn settings(commands: &[&str]) -> Settings {
        let mut settings = Settings::default();
        for command in commands {
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(
                configure(&mut settings, &words, &[], |_| true),
                Ok(String::new())
            );
        }
        settings
    }

    fn session(number: u64) -> Subject {
        Subject {
            session: Some(number),
            ..Subject::default()
        }
    }

    #[test]
    fn nothing_is_reported_until_a_trace_runs() {
        let mut off = settings(&[]);
        assert_eq!(off.watched(), 0);
        let judge = |settings: &mut Settings, level| {
            settings.judge(Event::H1RxHeaders, level, &Subject::default())
        };
        assert_eq!(judge(&mut off, Level::Error), Verdict::Ignore);
        let mut on = settings(&["h1 start now"]);
        assert_eq!(on.watched(), Source::H1.row().all_events());
        assert_eq!(judge(&mut on, Level::User), Verdict::Report);
        assert_eq!(judge(&mut on, Level::Proto), Verdict::Ignore);
        let mut few = settings(&["h1 start now event none event +tx_headers"]);
        assert_eq!(judge(&mut few, Level::User), Verdict::Ignore);
        assert_eq!(few.watched(), Event::H1TxHeaders.bit());
    }

    #[test]
    fn events_start_pause_and_stop() {
        let mut s = settings(&["session start sess_new pause sess_end stop sess_err"]);
        assert_eq!(s.of(Source::Session).state, State::Waiting);
        let mut judge = |event| {
            let verdict = s.judge(event, Level::User, &session(1));
            (verdict == Verdict::Report, s.of(Source::Session).state)
        };
        assert_eq!(judge(Event::SessionEnd), (false, State::Waiting));
        assert_eq!(judge(Event::SessionNew), (true, State::Running));
        assert_eq!(judge(Event::SessionEnd), (true, State::Waiting));
        assert_eq!(judge(Event::SessionErr), (false, State::Waiting));
        assert_eq!(judge(Event::SessionNew), (true, State::Running));
        assert_eq!(judge(Event::SessionErr), (true, State::Stopped));
        assert_eq!(judge(Event::SessionNew), (false, State::Stopped));
    }

    #[test]
    fn a_lock_keeps_to_what_came_first_and_others_follow_it() {
        let mut s = settings(&[
            "session lock session start sess_new pause sess_end",
            "h1 follow session",
        ]);
        let mut judge = |event, about| s.judge(event, Level::User, &session(about));
        assert_eq!(judge(Event::H1RxHeaders, 1), Verdict::Ignore);
        assert_eq!(judge(Event::SessionNew, 1), Verdict::Report);
        assert_eq!(judge(Event::SessionNew, 2), Verdict::Ignore);
        assert_eq!(judge(Event::H1RxHeaders, 1), Verdict::Report);
        assert_eq!(judge(Event::H1RxHeaders, 2), Verdict::Ignore);
        assert_eq!(judge(Event::SessionEnd, 2), Verdict::Ignore);
        assert_eq!(judge(Event::SessionEnd, 1), Verdict::Report);
        assert_eq!(judge(Event::H1RxHeaders, 1), Verdict::Ignore);
        assert_eq!(judge(Event::SessionNew, 2), Verdict::Report);
        assert_eq!(judge(Event::H1RxHeaders, 2), Verdict::Report);
    }
}
