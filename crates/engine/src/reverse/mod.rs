//! Reverse HTTP: connections on which requests go the other way.
//!
//! At the edge, a client's connection is handed to a server (`tcp-request session attach-srv`), whose requests go over it
//! from then on ([`attach`]). On a device behind it, a listener opens connections to the edge, and serves the requests
//! that come over them ([`connect`]). In both cases the ends begin as in any other HTTP/2 connection, and change their
//! roles once the settings of the other end have come.

mod attach;
mod connect;

pub use attach::{attach, key};
pub use connect::{check, keep_up};
