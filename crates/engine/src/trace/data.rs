//! Bytes that connections move, while somebody wants to know of them.

use super::text::{Side, Who, dump};
use super::{report, watches, watches_any};
use model::trace::{Event, Level, Source, Subject};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the peer.
    Received,
    /// To the peer.
    Sent,
}

/// The events of bytes.
const EVENTS: u64 = Event::H1RxData.bit()
    | Event::H1TxData.bit()
    | Event::H2RxData.bit()
    | Event::H2TxData.bit()
    | Event::PtRx.bit()
    | Event::PtTx.bit();

/// Bytes of data that are shown at most where not all of it is wanted.
const BEGINNING: usize = 64;
/// Bytes of data that are shown at most.
const ALL: usize = 16 * 1024;
/// Connections that are known at most; what was noted of those that are gone goes when there are more.
const KNOWN: usize = 65_536;

/// Whether anybody wants to know of bytes.
#[inline]
#[must_use]
pub fn watches_data() -> bool {
    watches_any(EVENTS)
}

/// What is known of a connection.
#[derive(Clone)]
struct Note {
    source: Source,
    side: Side,
    subject: Subject,
    who: Who,
    /// Bytes received and sent since it was noted.
    passed: [u64; 2],
}

thread_local! {
    static NOTES: RefCell<HashMap<u64, Note>> = RefCell::default();
}

/// Notes what a connection of this thread, or a stream of one, carries. `key` is its own as long as it is there.
#[cold]
#[track_caller]
pub fn note(key: u64, source: Source, side: Side, subject: Subject, who: Who) {
    NOTES.with_borrow_mut(|notes| {
        if notes.len() >= KNOWN {
            notes.clear();
        }
        let passed = [0; 2];
        let note = Note {
            source,
            side,
            subject,
            who,
            passed,
        };
        notes.insert(key, note);
    });
}

/// Reports that bytes have been moved; those of them that are at hand are `bytes`.
#[cold]
#[track_caller]
pub fn moved(key: u64, direction: Direction, n: usize, bytes: &[u8]) {
    let found = NOTES.with_borrow_mut(|notes| {
        let note = notes.get_mut(&key)?;
        note.passed[direction as usize] += n as u64;
        Some(note.clone())
    });
    let Some(note) = found else {
        return;
    };
    let event = match (note.source, direction) {
        (Source::H1, Direction::Received) => Event::H1RxData,
        (Source::H1, Direction::Sent) => Event::H1TxData,
        (Source::H2, Direction::Received) => Event::H2RxData,
        (Source::H2, Direction::Sent) => Event::H2TxData,
        (_, Direction::Received) => Event::PtRx,
        (_, Direction::Sent) => Event::PtTx,
    };
    if !watches(event) {
        return;
    }
    let what = match direction {
        Direction::Received => format!("received {n} bytes"),
        Direction::Sent => format!("sent {n} bytes"),
    };
    report(
        event,
        Level::Data,
        &note.subject,
        &what,
        |verbosity, out| {
            let _ = write!(out, " [{}]", note.side.letter());
            note.who.push(out);
            if verbosity > 1 {
                super::session::push_numbers(&note.subject, out);
            }
            // Messages have no other first line in the middle of their data.
            let is_raw = note.source == Source::Pt;
            if verbosity > 2 && is_raw {
                let [received, sent] = note.passed;
                let _ = write!(out, " rcvd={received} sent={sent}");
            }
            match verbosity {
                4 if is_raw => dump(bytes.get(..BEGINNING).unwrap_or(bytes), out),
                5 => dump(bytes.get(..ALL).unwrap_or(bytes), out),
                _ => {}
            }
        },
    );
}
