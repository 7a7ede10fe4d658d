//! Messages on the wire: a class and a type, and a length where the type says so.

use super::integer::{integer, take_fixed, take_integer};
use super::{Definition, Fault};

pub(super) const CONTROL: u8 = 0;
pub(super) const ERROR: u8 = 1;
pub(super) const TABLES: u8 = 10;
/// From this type on, messages have a length.
const VARIABLE: u8 = 128;

pub(super) const UPDATE: u8 = 128;
pub(super) const NEXT_UPDATE: u8 = 129;
pub(super) const DEFINE: u8 = 130;
pub(super) const SWITCH: u8 = 131;
pub(super) const ACK: u8 = 132;
pub(super) const TIMED_UPDATE: u8 = 133;
pub(super) const NEXT_TIMED_UPDATE: u8 = 134;

/// What a peer says is wrong before it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A message that can't be understood.
    Protocol,
    /// A message that is too long.
    Size,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'b> {
    /// The peer wants to be taught everything.
    ResyncRequest,
    /// The peer has taught everything, and knew everything itself.
    ResyncFinished,
    /// The peer has taught everything, and may not have known everything itself.
    ResyncPartial,
    /// The peer has heard that teaching is over.
    ResyncConfirm,
    /// Nothing but a sign of life.
    Heartbeat,
    /// The peer is about to close.
    Error(Trouble),
    /// Which table the next updates are for, and what they hold.
    Define(Definition<'b>),
    /// The next updates are for the table that was defined under this number.
    Switch(u64),
    /// Updates of a table have arrived up to this one.
    Ack {
        /// The number under which this side defined the table.
        table: u64,
        /// The update's number.
        update: u32,
    },
    /// An update, to be read with [`UpdateReader`](super::UpdateReader).
    Update {
        /// Its number; `None` for the one after the last.
        number: Option<u32>,
        /// How many milliseconds the entry has left, where that is said.
        expires_in: Option<u32>,
        /// Key and values.
        body: &'b [u8],
    },
    /// A message of a later version, to be skipped.
    Unknown,
}

/// The message at the beginning of `bytes` and its length; `None` as long as it is not complete. `longest` is how long a
/// message may be in all.
///
/// # Errors
/// When it is no message, or too long a one.
pub fn next_frame(bytes: &[u8], longest: usize) -> Result<Option<(Frame<'_>, usize)>, Fault> {
    let &[class, kind, ref rest @ ..] = bytes else {
        return Ok(None);
    };
    if kind < VARIABLE {
        return Ok(Some((fixed(class, kind), 2)));
    }
    let Some((len, digits)) = integer(rest)? else {
        return Ok(None);
    };
    let header = 2 + digits;
    let len = usize::try_from(len).map_err(|_| Fault::TooLong)?;
    let end = header.checked_add(len).ok_or(Fault::TooLong)?;
    if end > longest {
        return Err(Fault::TooLong);
    }
    let Some(body) = bytes.get(header..end) else {
        return Ok(None);
    };
    let frame = match class {
        TABLES => about_tables(kind, body)?,
        _ => Frame::Unknown,
    };
    Ok(Some((frame, end)))
}

fn fixed(class: u8, kind: u8) -> Frame<'static> {
    match (class, kind) {
        (CONTROL, 0) => Frame::ResyncRequest,
        (CONTROL, 1) => Frame::ResyncFinished,
        (CONTROL, 2) => Frame::ResyncPartial,
        (CONTROL, 3) => Frame::ResyncConfirm,
        (CONTROL, 4) => Frame::Heartbeat,
        (ERROR, 1) => Frame::Error(Trouble::Size),
        (ERROR, _) => Frame::Error(Trouble::Protocol),
        _ => Frame::Unknown,
    }
}

fn about_tables(kind: u8, mut body: &[u8]) -> Result<Frame<'_>, Fault> {
    Ok(match kind {
        UPDATE | NEXT_UPDATE | TIMED_UPDATE | NEXT_TIMED_UPDATE => {
            let numbered = matches!(kind, UPDATE | TIMED_UPDATE);
            let timed = matches!(kind, TIMED_UPDATE | NEXT_TIMED_UPDATE);
            let mut field = |there: bool| there.then(|| take_fixed(&mut body)).transpose();
            Frame::Update {
                number: field(numbered)?,
                expires_in: field(timed)?,
                body,
            }
        }
        DEFINE => Frame::Define(Definition::read(body)?),
        SWITCH => Frame::Switch(take_integer(&mut body)?),
        ACK => Frame::Ack {
            table: take_integer(&mut body)?,
            update: take_fixed(&mut body)?,
        },
        _ => Frame::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_haproxy_are_read() {
        let read = |bytes: &'static [u8]| next_frame(bytes, 16_384);
        assert_eq!(read(b"\0\0\0\x04"), Ok(Some((Frame::ResyncRequest, 2))));
        assert_eq!(
            read(b"\x01\x01"),
            Ok(Some((Frame::Error(Trouble::Size), 2)))
        );
        let ack = Frame::Ack {
            table: 9,
            update: 78,
        };
        assert_eq!(read(b"\x0a\x84\x05\x09\0\0\0\x4e"), Ok(Some((ack, 8))));
        let update = Frame::Update {
            number: Some(2),
            expires_in: Some(24_980),
            body: b"\x03/x0",
        };
        let bytes = b"\x0a\x85\x0c\0\0\0\x02\0\0\x61\x94\x03/x0";
        assert_eq!(read(bytes), Ok(Some((update, bytes.len()))));
        let next = Frame::Update {
            number: None,
            expires_in: None,
            body: b"abc",
        };
        assert_eq!(read(b"\x0a\x81\x03abcdef"), Ok(Some((next, 6))));
    }

    #[test]
    fn what_is_not_known_is_skipped_and_what_is_too_long_refused() {
        assert_eq!(next_frame(b"\0\x55", 100), Ok(Some((Frame::Unknown, 2))));
        assert_eq!(
            next_frame(b"\x14\x85\x02ab", 100),
            Ok(Some((Frame::Unknown, 5)))
        );
        assert_eq!(
            next_frame(b"\x0a\xa0\x02ab", 100),
            Ok(Some((Frame::Unknown, 5)))
        );
        assert_eq!(next_frame(b"\x0a\x80\x62", 100), Err(Fault::TooLong));
        assert_eq!(next_frame(b"\x0a\x80\x61", 100), Ok(None));
        assert_eq!(next_frame(b"\x0a\x80\x03abc", 100), Err(Fault::Malformed));
    }
}
