//! The peers protocol, version 2.1: what processes tell each other of their stick tables.
//!
//! A connection begins with a [`Hello`] and the [`Status`] that answers it. Frames follow, taken off the stream by
//! [`next_frame`]: control messages, and messages about a table. A [`Definition`] says which table is meant and what its
//! updates hold; [`UpdateReader`] and [`Values`] take those apart.

mod definition;
mod dictionary;
mod frame;
mod hello;
mod integer;
#[cfg(test)]
mod proptests;
mod update;
mod write;

pub use definition::{Definition, KeyForm, TypeDefinition};
pub use dictionary::{DICTIONARY, Learned, Sent};
pub use frame::{Frame, Trouble, next_frame};
pub use hello::{Hello, Opening, Status, next_status, opening, write_hello, write_status};
pub use integer::put_integer;
pub use update::{Text, UpdateReader, Value, Values};
pub use write::{Writer, write_ack, write_control};

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A field that is cut off, or says what can't be.
    Malformed,
    /// A message longer than a receiver takes.
    TooLong,
}

/// How the values of a data type are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An integer.
    Integer,
    /// A frequency counter: the age of its period, its events, those of the period before.
    Rate,
    /// A text, by its place in a dictionary.
    Text,
}

/// How the data type of a bit is written and whether it is an array; `None` for bits that are not known.
#[must_use]
pub fn form_of(bit: u8) -> Option<(Form, bool)> {
    Some(match bit {
        3 | 5 | 8 | 10 | 12 | 14 | 16 | 18 | 21 | 26 => (Form::Rate, false),
        19 => (Form::Text, false),
        22 | 23 => (Form::Integer, true),
        24 => (Form::Rate, true),
        0..=25 => (Form::Integer, false),
        _ => return None,
    })
}
