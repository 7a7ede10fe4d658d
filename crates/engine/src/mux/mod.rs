//! Muxes: how messages travel on a connection.
//!
//! [`Conn`] is what streams see, whatever carries it: a socket of its own with HTTP/1 or raw bytes on it, or one stream of a
//! [`h2::Multiplexed`] connection.

mod conn;
pub mod h2;

pub use conn::{Conn, Leaving, Received};
