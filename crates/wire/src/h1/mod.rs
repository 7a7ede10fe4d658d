//! HTTP/1: reading and writing message heads, chunked bodies, and who keeps which connection open.
//!
//! Everything here takes bytes and gives results; the caller owns the buffers and the sockets. A head is read from the
//! beginning of a buffer each time more bytes have arrived, until it is complete or wrong.

mod cases;
mod chunk;
pub(crate) mod class;
mod common;
mod connection;
mod error;
mod fields;
pub(crate) mod host;
mod limits;
mod list;
mod names;
mod parsed;
mod request;
mod response;
mod write;

pub use cases::{CaseMap, CaseMapError};
pub use chunk::{ChunkDecoder, ChunkEvent};
pub(crate) use common::{merge_lengths, write_decimal};
pub use connection::{
    ClientSide, ConnectionHeader, ConnectionMode, ConnectionTokens, RequestFacts, ServerSide,
    client_side, server_side, server_stays_open, take_connection_tokens,
};
pub use error::{ErrorKind, ParseError};
pub use limits::{FIELD_COST, HEAD_COST, Limits, Options};
pub use message::reason;
pub use names::{NameRejected, RestrictNames, restrict_names};
pub use parsed::{Framing, MessageFlags, Parsed};
pub use request::parse_request;
pub use response::parse_response;
pub use write::{LAST_CHUNK, write_chunk_header, write_request, write_response, write_trailers};
