//! Workers, listeners, muxes, sessions and streams.
//!
//! A connection's way: [`listener::accept`] → [`session::run`] → `handshake::establish` → [`stream::serve_http`] or
//! [`stream::serve_tcp`], each request being one [`stream::Stream`].
#![forbid(unsafe_code)]

pub mod api;
pub mod backend;
pub mod certificates;
pub mod check;
pub mod client;
pub mod clock;
pub mod disposal;
pub mod handover;
mod handshake;
pub mod health;
pub mod io;
pub mod listener;
mod load;
pub mod log;
pub mod mux;
pub mod ocsp;
pub mod orders;
pub mod peers;
pub mod persist;
pub mod process;
pub mod profile;
pub mod proxy;
pub mod reload;
pub mod resolvers;
mod reverse;
pub mod runtime;
pub mod servers;
pub mod service;
pub mod session;
pub mod state_file;
pub mod stream;
pub mod trace;
mod turns;
pub mod worker;
