//! Events of health checks and of peers.

use super::text::{Who, dump, number_of};
use super::{report, watches};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use model::live::health::{Finder, Outcome};
use model::trace::{Event, Level, Subject};
use std::fmt::Write;
use std::sync::Arc;

/// The events of a check.
pub const CHECKS: u64 = Event::CheckStart.bit()
    | Event::CheckEnd.bit()
    | Event::CheckSuccess.bit()
    | Event::CheckErr.bit();

/// Something about a check has happened.
#[cold]
#[track_caller]
pub fn check(
    event: Event,
    what: &str,
    (proxy, server): (&ProxyRuntime, &Arc<ServerRuntime>),
    finder: Finder,
    outcome: Option<&Outcome>,
) {
    if !watches(event) {
        return;
    }
    let level = match event {
        Event::CheckErr => Level::Error,
        Event::CheckSuccess => Level::User,
        Event::CheckStart | Event::CheckEnd => Level::State,
        _ => Level::Proto,
    };
    let subject = Subject {
        check: Some(number_of(server)),
        ..Subject::default()
    };
    report(event, level, &subject, what, |verbosity, out| {
        Who::of_server(proxy, server).push(out);
        if verbosity > 1 {
            let kind = match finder {
                Finder::Check => "check",
                Finder::Agent => "agent",
            };
            let _ = write!(out, " kind={kind}");
        }
        let Some(outcome) = outcome else {
            return;
        };
        if verbosity > 2 {
            let _ = write!(
                out,
                " result={} code={}",
                outcome.status.code(),
                outcome.code
            );
        }
        if verbosity > 3 {
            let _ = write!(out, " duration={}ms", outcome.duration.as_millis());
        }
        if let Some(info) = outcome.info.as_deref().filter(|_| verbosity > 4) {
            let info = String::from_utf8_lossy(info);
            let _ = write!(out, " info=\"{}\"", info.escape_debug());
        }
    });
}

/// A connection with a peer.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'p> {
    /// The section.
    pub section: &'p Arc<crate::peers::Section>,
    /// The peer's place in it.
    pub at: usize,
    /// The connection's number.
    pub number: u64,
}

/// Something about a connection with a peer has happened. `kind` is what kind of message it is about, and `detail` the
/// numbers in it.
#[cold]
#[track_caller]
pub fn peer(event: Event, level: Level, peer: Peer<'_>, what: &str, message: Message<'_>) {
    if !watches(event) {
        return;
    }
    let section = number_of(peer.section);
    let subject = Subject {
        peer: Some(section.wrapping_add(peer.at as u64 + 1)),
        peers: Some(section),
        ..Subject::default()
    };
    report(event, level, &subject, what, |verbosity, out| {
        let member = peer.section.members.get(peer.at);
        let name = member.map_or("", |member| &*member.server.config.name);
        let _ = write!(out, " peers={} peer={name}", peer.section.config.name);
        if verbosity > 1 {
            let _ = write!(out, " session={}", peer.number);
        }
        if verbosity > 2 && !message.kind.is_empty() {
            let _ = write!(out, " message={}", message.kind);
        }
        if verbosity > 3 {
            out.push_str(&message.numbers);
        }
        if verbosity > 4 {
            dump(message.bytes, out);
        }
    });
}

/// A message of a peer's.
#[derive(Debug, Clone, Default)]
pub struct Message<'m> {
    /// What kind of message it is; empty if there is none.
    pub kind: &'static str,
    /// The numbers in it.
    pub numbers: String,
    /// Its bytes.
    pub bytes: &'m [u8],
}

impl<'m> Message<'m> {
    /// What is said of a message that came in these bytes.
    #[must_use]
    pub fn of(frame: &wire::peers::Frame<'_>, bytes: &'m [u8]) -> Self {
        use wire::peers::Frame;
        let none = String::new();
        let (kind, numbers) = match frame {
            Frame::ResyncRequest => ("resync-request", none),
            Frame::ResyncFinished => ("resync-finished", none),
            Frame::ResyncPartial => ("resync-partial", none),
            Frame::ResyncConfirm => ("resync-confirm", none),
            Frame::Heartbeat => ("heartbeat", none),
            Frame::Error(_) => ("error", none),
            Frame::Define(_) => ("table-definition", none),
            Frame::Switch(id) => ("table-switch", format!(" table={id}")),
            Frame::Ack { table, update } => ("ack", format!(" table={table} update={update}")),
            Frame::Update {
                number, expires_in, ..
            } => {
                let mut numbers = String::new();
                for (name, value) in [("update", number), ("expire", expires_in)] {
                    if let Some(value) = value {
                        let _ = write!(numbers, " {name}={value}");
                    }
                }
                ("update", numbers)
            }
            Frame::Unknown => ("unknown", none),
        };
        Self {
            kind,
            numbers,
            bytes,
        }
    }
}
