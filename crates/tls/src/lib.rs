//! TLS: certificates and their store, configurations, the ClientHello, and connections without their sockets.
//!
//! This is the only crate that knows rustls.
#![forbid(unsafe_code)]

mod assemble;
mod bundle;
pub mod certificate;
mod client;
mod client_auth;
mod connection;
mod constraints;
pub mod crtlist;
pub mod der;
mod encrypted;
mod failure;
pub mod hello;
mod judge;
mod key;
pub mod name;
mod names;
mod observed;
pub mod options;
mod p521;
mod passphrase;
pub mod pem;
mod provider;
mod records;
mod resume;
mod revocation;
mod seen;
mod server;
pub mod settings;
mod signer;
pub mod store;
mod tickets;
pub mod verify;
pub mod words;

pub use assemble::{connector, listener};
pub use bundle::Bundle;
pub use client::{Connector, Plan};
pub use connection::Connection;
pub use failure::Failure;
pub use key::Kind;
pub use names::Names;
pub use observed::{Judgement, Observed};
pub use resume::{Resumption, SessionCache};
pub use revocation::{RevocationList, Revocations};
pub use seen::Seen;
pub use server::{Chosen, Instance, Line, Listener, Trust};
pub use store::Store;
