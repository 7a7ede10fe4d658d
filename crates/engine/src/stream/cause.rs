//! How a stream ended, and in which phase: what logs, counters and statuses are derived from.

use crate::health::Ending;

/// Who or what ended a stream (the first letter of the termination state; configuration manual, section 8.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The client closed or broke the connection.
    Client,
    /// The client was too slow.
    ClientTimeout,
    /// The server closed, refused or broke the connection.
    Server,
    /// The server was too slow.
    ServerTimeout,
    /// The proxy refused: a rule, a limit, or a message that it does not let pass.
    Proxy,
    /// The proxy answered by itself and meant to.
    Local,
    /// A resource was exhausted.
    Resource,
    /// The proxy found a fault of its own.
    Internal,
    /// The server was found down.
    Down,
    /// A server that is no backup has come up.
    Up,
    /// An administrator ended it.
    Killed,
}

impl Source {
    /// Who ended a stream whose server's sessions were ended.
    #[must_use]
    pub fn of_ending(why: Ending) -> Self {
        match why {
            Ending::Down => Self::Down,
            Ending::Up => Self::Up,
        }
    }
}

/// What the stream was doing when it ended (the second letter).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Waiting for a complete request.
    Request,
    /// Waiting in a queue.
    Queue,
    /// Connecting to the server.
    Connect,
    /// Waiting for the response's head.
    Headers,
    /// Passing data.
    Data,
    /// Passing the last data to the client, the server having finished.
    Last,
    /// Held in a tarpit.
    Tarpit,
    /// Everything was done.
    Done,
}

/// The end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Who.
    pub source: Source,
    /// When.
    pub phase: Phase,
}

impl Cause {
    /// A cause.
    #[must_use]
    pub fn new(source: Source, phase: Phase) -> Self {
        Self { source, phase }
    }

    /// The two letters of the termination state; `--` is a stream that ended well.
    #[must_use]
    pub fn letters(cause: Option<Self>) -> [u8; 2] {
        let Some(Self { source, phase }) = cause else {
            return *b"--";
        };
        let first = match source {
            Source::Client => b'C',
            Source::ClientTimeout => b'c',
            Source::Server => b'S',
            Source::ServerTimeout => b's',
            Source::Proxy => b'P',
            Source::Local => b'L',
            Source::Resource => b'R',
            Source::Internal => b'I',
            Source::Down => b'D',
            Source::Up => b'U',
            Source::Killed => b'K',
        };
        let second = match phase {
            Phase::Request => b'R',
            Phase::Queue => b'Q',
            Phase::Connect => b'C',
            Phase::Headers => b'H',
            Phase::Data => b'D',
            Phase::Last => b'L',
            Phase::Tarpit => b'T',
            Phase::Done => b'-',
        };
        [first, second]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_the_manual() {
        assert_eq!(Cause::letters(None), *b"--");
        assert_eq!(
            Cause::letters(Some(Cause::new(Source::ClientTimeout, Phase::Request))),
            *b"cR"
        );
        assert_eq!(
            Cause::letters(Some(Cause::new(Source::Server, Phase::Headers))),
            *b"SH"
        );
    }
}
