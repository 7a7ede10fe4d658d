//! The channel between the master and a worker: a pair of sockets that keeps messages apart.
//!
//! The worker says [`READY`] once it serves. The master sends connections to the worker's runtime API, each one descriptor
//! with its [`Opening`].

use crate::command::Level;
use engine::handover::{receive_with, send_with};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// What a worker says once it serves.
pub const READY: &[u8] = b"READY";
/// No message is longer.
const LONGEST: usize = 64;

/// How a connection that the master opened for a user begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The user's level.
    pub level: Level,
    /// `expert-mode`.
    pub expert: bool,
    /// `experimental-mode`.
    pub experimental: bool,
    /// Whether several lines may come.
    pub interactive: bool,
    /// Whether a prompt is wanted.
    pub prompt: bool,
    /// Whether the prompt shows the uptime.
    pub timed: bool,
}

impl Opening {
    /// The message.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let level = match self.level {
            Level::User => b'u',
            Level::Operator => b'o',
            Level::Admin => b'a',
        };
        let flags = [
            (self.expert, b'e'),
            (self.experimental, b'x'),
            (self.interactive, b'i'),
            (self.prompt, b'p'),
            (self.timed, b't'),
        ];
        let set = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag);
        [b'C', level].into_iter().chain(set).collect()
    }

    /// Reads the message.
    #[must_use]
    pub fn decode(message: &[u8]) -> Option<Self> {
        let (head, flags) = message.split_at_checked(2)?;
        let level = match head {
            b"Cu" => Level::User,
            b"Co" => Level::Operator,
            b"Ca" => Level::Admin,
            _ => return None,
        };
        let has = |flag| flags.contains(&flag);
        Some(Self {
            level,
            expert: has(b'e'),
            experimental: has(b'x'),
            interactive: has(b'i'),
            prompt: has(b'p'),
            timed: has(b't'),
        })
    }
}

/// The two ends of a channel.
///
/// # Errors
/// When there are no descriptors left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    connected(SocketType::SEQPACKET)
}

/// The two ends of a connection to a runtime API.
///
/// # Errors
/// When there are no descriptors left.
pub fn connection() -> io::Result<(OwnedFd, OwnedFd)> {
    connected(SocketType::STREAM)
}

fn connected(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        kind,
        flags,
        None,
    )?)
}

/// Opens a connection to the runtime API of the worker at the other end of a channel.
///
/// # Errors
/// When the worker is gone or does not take connections in.
pub fn open(channel: impl AsFd, opening: Opening) -> io::Result<OwnedFd> {
    let (ours, theirs) = connection()?;
    send_with(channel, &opening.encode(), &[theirs.as_fd()])?;
    Ok(ours)
}

/// Takes the next message, and the descriptors it brought; an empty message is the end.
///
/// # Errors
/// `WouldBlock` when there is none yet, or those of `recvmsg(2)`.
pub fn receive(channel: impl AsFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut message = vec![0; LONGEST];
    let mut fds = Vec::new();
    let n = receive_with(channel, &mut message, &mut fds)?;
    message.truncate(n);
    Ok((message, fds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENING: Opening = Opening {
        level: Level::Operator,
        expert: true,
        experimental: false,
        interactive: true,
        prompt: false,
        timed: true,
    };

    #[test]
    fn openings_survive_their_way() {
        assert_eq!(Opening::decode(&OPENING.encode()), Some(OPENING));
        for faulty in [&b""[..], b"C", b"Cz", READY] {
            assert_eq!(Opening::decode(faulty), None);
        }
    }

    #[test]
    fn connections_come_through_the_channel() {
        let Ok((master, worker)) = pair() else {
            panic!("no descriptors");
        };
        let ours = open(&master, OPENING);
        let received = receive(&worker);
        let (Ok(ours), Ok((message, fds))) = (ours, received) else {
            panic!("nothing came");
        };
        assert_eq!(Opening::decode(&message), Some(OPENING));
        assert_eq!(fds.len(), 1);
        assert!(rustix::io::write(&ours, b"hello").is_ok());
        let mut room = [0; 8];
        assert_eq!(rustix::io::read(&fds[0], &mut room), Ok(5));
        drop(master);
        assert!(receive(&worker).is_ok_and(|(message, _)| message.is_empty()));
    }
}
