//! Sockets, buffers and deadlines: the pump below every protocol.

mod buffer;
mod deadline;
mod namespace;
mod options;
mod pipe;
mod secure;
mod socket;
mod transport;

pub use buffer::{Buffer, buffers, give_text, kept_texts, set_buffer_size, take_text};
pub use deadline::Deadline;
pub use namespace::within;
pub use options::{apply_to_client, apply_to_server};
pub use pipe::{Pipe, pipes, set_pipe_size};
pub use secure::HandshakeFault;
pub use socket::{Socket, endpoint};
pub use transport::{Transport, tls_connections};
