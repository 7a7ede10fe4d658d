//! Muxes: what turns a connection's bytes into messages and back. Protocols differ here and nowhere else.

mod h1;

pub use h1::{Conn, Received};
