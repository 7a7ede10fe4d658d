//! Answers of the protocols that health checks speak: bytes in, a judgement out.

mod agent;
mod ldap;
mod mysql;
mod spop;

pub use agent::{AgentReply, AgentWord, Availability};
pub use ldap::bind_response;
pub use mysql::{handshake, outcome};
pub use spop::agent_hello;

/// What an answer says of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement<'a> {
    /// More bytes are needed.
    Incomplete,
    /// The server is well; text about it, perhaps empty.
    Good(&'a [u8]),
    /// The answer is none of the protocol; text about it, perhaps empty.
    Invalid(&'a [u8]),
    /// The server refuses: its own code, and text about it.
    Refused(u16, &'a [u8]),
}
