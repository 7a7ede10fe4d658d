//! HTTP/2 (RFC 9113): frames, field sections, and the state of a connection with its streams.
//!
//! Everything here takes bytes and gives results; the caller owns the sockets. A [`Connection`] is fed with what was
//! received, tells what happened as [`Event`]s, and gathers what is to be sent.

mod connection;
mod fields;
mod frame;
pub mod hpack;
mod stream;
mod write;

pub use connection::{Config, Connection, Counts, Event, Fault, Role, Step};
pub use fields::{Malformed, Section, read_section};
pub use frame::{Code, PREFACE};
pub use write::{write_request, write_response, write_trailers};
