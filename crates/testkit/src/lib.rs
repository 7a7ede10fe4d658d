//! For tests only: scripted clients and servers that speak raw bytes, log sinks, ephemeral ports, and a driver for the
//! built program.
//!
//! Everything is blocking `std::net` and bounded by deadlines. A [`Client`] panics where its script is not met, so a
//! test reads as a conversation; a server handler works on a [`Conn`], whose calls return `io::Result`, because a
//! proxy may rightly cut a connection in the middle of an answer.
#![forbid(unsafe_code)]

mod client;
mod conn;
pub mod h2;
mod http;
mod logline;
mod mask;
mod nameserver;
mod ports;
mod program;
mod server;
mod side;
mod syslog;

pub use client::Client;
pub use conn::{Checksum, Conn, End};
pub use http::Message;
pub use logline::{HttpLog, Prefix, TcpLog};
pub use mask::{mask_http, mask_log};
pub use nameserver::{Data, NameServer, Oddity, Reply};
pub use ports::{Blackhole, PortGuard, Refused, free_port};
pub use program::{Builder, Exit, Program};
pub use rustix::process::Signal;
pub use server::{Server, handlers};
pub use side::{Record, Side, side_by_side};
pub use syslog::Syslog;

use std::time::{Duration, Instant};

/// Asks `ready` every few milliseconds until it says yes; false when `timeout` has passed.
pub fn eventually(timeout: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + timeout;
    loop {
        if ready() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Bytes as text for messages: CR, LF and bytes outside printable ASCII are escaped, lines stay lines.
pub fn show(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n\n"),
            b'\r' => out.push_str("\\r"),
            0x20..=0x7e => out.push(char::from(byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out
}
