//! Messages to and from name servers (RFC 1035, RFC 2782 for SRV records, RFC 6891 for the size of answers).
//!
//! [`write_query`] asks for the records of one name and type, [`parse`] takes the answer apart. What an answer says is
//! only believed when it repeats the question.

mod answer;
mod name;
mod query;

pub use answer::{Fault, Record, Service, id, is_truncated, parse};
pub use name::Name;
pub use query::write_query;

/// A type of records that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Where a service is.
    Srv,
}

impl Type {
    /// Its number in messages.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
            Self::Srv => 33,
        }
    }
}

/// A question: the records of a type that a name has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// The type.
    pub kind: Type,
}

/// The class of all records here: the Internet.
const CLASS: u16 = 1;
const CNAME: u16 = 5;
/// The pseudo record that tells how long answers may be.
const OPT: u16 = 41;

/// Bytes of a message's header.
const HEADER: usize = 12;
