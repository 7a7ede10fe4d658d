//! The runtime API: commands on `stats socket` listeners (management manual, section 9.3).
//!
//! A connection's bytes go through [`reader::Reader`], which knows lines, chains and payloads; each command is found in
//! [`commands::ROOT`], runs against the [`engine::runtime::Runtime`] and fills a [`reply::Reply`]; [`connection::serve`]
//! is the pump between these and the socket.
#![forbid(unsafe_code)]

pub mod command;
pub mod commands;
mod connection;
pub mod master;
pub mod reader;
pub mod reply;
mod stat;

/// The version that is answered to `show info` and `show version`: that of the HAProxy whose behaviour is matched.
const VERSION: &str = "3.4.0";

/// Makes this crate serve the engine's runtime API listeners.
pub fn install() {
    engine::api::set_handler(|runtime, bind, socket| {
        Box::pin(connection::serve(runtime, bind, socket))
    });
}
