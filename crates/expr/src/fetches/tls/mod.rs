//! TLS connections that are deciphered here.

mod certificate;
mod connection;
mod hello;

use crate::row::FetchRow;

/// The families of this kind.
pub const FAMILIES: [&[FetchRow]; 3] = [connection::ROWS, certificate::ROWS, hello::ROWS];

/// What is kept of the client's connection.
const FRONT: crate::phases::Phases = crate::phases::Phases::CLIENT_SESSION;
/// What is kept of the server's connection.
const BACK: crate::phases::Phases = crate::phases::Phases::RESPONSE_KEPT;
