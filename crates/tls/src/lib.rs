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
mod early;
mod encrypted;
mod failure;
mod files;
mod generate;
pub mod hello;
mod judge;
mod key;
pub mod live;
mod load;
pub mod name;
mod names;
mod observed;
pub mod ocsp;
pub mod options;
mod p521;
mod passphrase;
pub mod pem;
mod provider;
mod records;
mod resume;
pub mod revocation;
mod seen;
mod server;
pub mod settings;
mod signer;
pub mod store;
pub mod text;
mod tickets;
mod tokens;
pub mod verify;
pub mod words;

pub use assemble::{connector, listener, names, trust};
pub use bundle::Bundle;
pub use client::{Connector, Plan};
pub use connection::Connection;
pub use failure::Failure;
pub use generate::{Authority, Generator};
pub use key::Kind;
pub use live::Inventory;
pub use names::{Names, Placed, Shown};
pub use observed::{Judgement, Observed};
pub use resume::{Resumption, SessionCache, cache_lookups};
pub use revocation::{RevocationList, Revocations};
pub use seen::Seen;
pub use server::{Chosen, Instance, Line, Listener, Trust};
pub use store::Store;
pub use tokens::{Found, Tokens};
