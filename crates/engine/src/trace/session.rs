//! Events of sessions and of their connections.

use super::data::{note, watches_data};
use super::text::{Side, Who, number_of};
use super::{report, watches};
use crate::session::Session;
use model::Mode;
use model::trace::{Event, Level, Source, Subject};
use std::fmt::Write;
use std::hash::{Hash, Hasher};

/// The events of a session's beginning.
pub const SESSION_BEGINS: u64 =
    Event::SessionNew.bit() | Event::PtNew.bit() | Event::H1ConnNew.bit();

/// The events of a session's end.
pub const SESSION_ENDS: u64 = Event::SessionEnd.bit()
    | Event::PtEnd.bit()
    | Event::H1ConnEnd.bit()
    | Event::H2ConnEnd.bit()
    | Event::SslEnd.bit();

/// What a session is, for events about it. `connection` is the client's descriptor.
#[must_use]
pub fn subject(session: &Session, connection: Option<i32>) -> Subject {
    Subject {
        connection: connection.map(|fd| fd as u64),
        frontend: Some(number_of(&session.frontend)),
        listener: Some(number_of(&session.bind)),
        session: Some(number(session)),
        ..Subject::default()
    }
}

/// The number by which a session is told apart: a session moves while its handshakes last, so what it will keep is taken.
fn number(session: &Session) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    let (_, date) = session.accepted;
    (date.seconds, date.micros).hash(&mut hasher);
    session.real_src.hash(&mut hasher);
    hasher.finish() >> 16
}

/// Who takes part in a session.
#[must_use]
pub fn who(session: &Session) -> Who {
    let client = session.src.as_deref().or(session.real_src.as_ref());
    Who {
        client: client.map(ToString::to_string),
        frontend: Some(session.frontend.config.name.clone()),
        ..Who::default()
    }
}

/// Appends the numbers by which things are told apart.
pub fn push_numbers(subject: &Subject, out: &mut String) {
    if let Some(session) = subject.session {
        let _ = write!(out, " sess={session:#x}");
    }
    if let Some(stream) = subject.stream {
        let _ = write!(out, " strm={stream:#x}");
    }
    if let Some(connection) = subject.connection {
        let _ = write!(out, " fd={}", connection & 0xffff_ffff);
    }
}

fn tell(session: &Session, subject: &Subject, verbosity: usize, out: &mut String) {
    out.push_str(" [F]");
    who(session).push(out);
    if verbosity > 1 {
        push_numbers(subject, out);
    }
}

/// Appends what is known of a TLS connection.
pub fn push_tls(tls: &tls::Seen, verbosity: usize, out: &mut String) {
    if verbosity > 3 {
        for (name, value) in [
            ("version", tls.version_name()),
            ("cipher", tls.cipher_name()),
            ("group", tls.group_name()),
        ] {
            let _ = write!(out, " {name}={}", value.unwrap_or("none"));
        }
        let alpn = String::from_utf8_lossy(tls.alpn().unwrap_or(b"none"));
        let resumed = u8::from(tls.is_resumed());
        let _ = write!(out, " alpn={} resumed={resumed}", alpn.escape_debug());
    }
    if verbosity > 4 {
        let name = tls.observed.server_name.as_deref().unwrap_or(b"none");
        let name = String::from_utf8_lossy(name);
        let _ = write!(out, " sni={}", name.escape_debug());
    }
}

/// A session has begun.
#[cold]
#[track_caller]
pub fn accepted(session: &Session, connection: Option<i32>) {
    let subject = subject(session, connection);
    if watches(Event::SessionNew) {
        report(
            Event::SessionNew,
            Level::User,
            &subject,
            "new session",
            |_, out| {
                tell(session, &subject, 2, out);
            },
        );
    }
    let raw = session.frontend.config.mode != Mode::Http;
    let (source, event, what) = match raw {
        true => (Source::Pt, Event::PtNew, "new connection"),
        false => (Source::H1, Event::H1ConnNew, "new connection"),
    };
    if let Some(fd) = connection.filter(|_| watches_data()) {
        note(key(fd, 0), source, Side::Front, subject, who(session));
    }
    if watches(event) {
        report(event, Level::State, &subject, what, |verbosity, out| {
            tell(session, &subject, verbosity, out);
        });
    }
}

/// The events of a session that does not get through its handshakes.
pub const REFUSALS: u64 = Event::SessionErr.bit() | Event::SslErr.bit();

/// A client's TLS handshake begins.
#[cold]
#[track_caller]
pub fn securing(session: &Session, connection: Option<i32>) {
    let subject = subject(session, connection);
    let what = "new connection";
    report(
        Event::SslNew,
        Level::State,
        &subject,
        what,
        |verbosity, out| {
            tell(session, &subject, verbosity, out);
        },
    );
}

/// A client's TLS handshake is done.
#[cold]
#[track_caller]
pub fn secured(session: &Session, connection: Option<i32>) {
    let subject = subject(session, connection);
    let what = "handshake with the client done";
    report(
        Event::SslHandshake,
        Level::User,
        &subject,
        what,
        |verbosity, out| {
            tell(session, &subject, verbosity, out);
            if let Some(tls) = &session.tls {
                push_tls(tls, verbosity, out);
            }
        },
    );
}

/// A client's connection speaks HTTP/2.
#[cold]
#[track_caller]
pub fn upgraded(session: &Session, fd: i32) {
    let subject = subject(session, Some(fd));
    let what = "new connection";
    report(
        Event::H2ConnNew,
        Level::State,
        &subject,
        what,
        |verbosity, out| {
            tell(session, &subject, verbosity, out);
        },
    );
}

/// A session was refused before it had a stream.
#[cold]
#[track_caller]
pub fn refused(session: &Session, connection: Option<i32>, why: &str) {
    let subject = subject(session, connection);
    if session.tls.is_some() && watches(Event::SslErr) {
        let what = "handshake with the client failed";
        report(
            Event::SslErr,
            Level::Error,
            &subject,
            what,
            |verbosity, out| {
                tell(session, &subject, verbosity, out);
                if verbosity > 2 {
                    let _ = write!(out, " error=\"{why}\"");
                }
            },
        );
    }
    if !watches(Event::SessionErr) {
        return;
    }
    let what = format!("session refused: {why}");
    report(
        Event::SessionErr,
        Level::Error,
        &subject,
        &what,
        |_, out| {
            tell(session, &subject, 2, out);
        },
    );
}

/// A session is over.
#[cold]
#[track_caller]
pub fn over(session: &Session) {
    let subject = subject(session, None);
    if watches(Event::SessionEnd) {
        report(
            Event::SessionEnd,
            Level::User,
            &subject,
            "end of session",
            |_, out| {
                tell(session, &subject, 2, out);
                let requests = session.requests.get();
                let _ = write!(out, " requests={requests}");
            },
        );
    }
    if session.tls.is_some() && watches(Event::SslEnd) {
        let what = "connection closed";
        report(
            Event::SslEnd,
            Level::State,
            &subject,
            what,
            |verbosity, out| {
                tell(session, &subject, verbosity, out);
            },
        );
    }
    let raw = session.frontend.config.mode != Mode::Http;
    let event = match (raw, session.mux.get()) {
        (true, _) => Event::PtEnd,
        (false, Some(model::rules::Mux::H2)) => Event::H2ConnEnd,
        (false, _) => Event::H1ConnEnd,
    };
    if watches(event) {
        report(
            event,
            Level::State,
            &subject,
            "connection closed",
            |verbosity, out| {
                tell(session, &subject, verbosity, out);
            },
        );
    }
}

/// A connection of HTTP/2 ends for a fault of the peer's.
#[cold]
#[track_caller]
pub fn broken(fd: i32, code: &str) {
    let subject = Subject {
        connection: Some(fd as u64),
        ..Subject::default()
    };
    let what = format!("connection error: {code}");
    report(
        Event::H2ConnErr,
        Level::Error,
        &subject,
        &what,
        |verbosity, out| {
            if verbosity > 1 {
                push_numbers(&subject, out);
            }
        },
    );
}

/// The key under which bytes of a connection, or of one of its streams, are noted.
#[must_use]
pub fn key(fd: i32, stream: u32) -> u64 {
    u64::from(fd.unsigned_abs()) << 32 | u64::from(stream)
}
