//! Addresses as the configuration writes them: families, ranges and inherited descriptors (configuration manual,
//! section 11).

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// Where to listen or to connect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// TCP over IPv4 or IPv6. Port 0 of a server means the client's destination port.
    Inet(SocketAddr),
    /// A Unix stream socket.
    Unix(PathBuf),
    /// An abstract Unix stream socket, its name padded with NUL bytes to the full length when `padded` (`abns@`) or not
    /// (`abnsz@`).
    Abstract {
        /// The name.
        name: Arc<[u8]>,
        /// Whether it is padded.
        padded: bool,
    },
    /// `fd@`: an inherited descriptor.
    Fd(i32),
    /// `sockpair@`: an inherited end of a socket pair over which descriptors come.
    SocketPair(i32),
}

/// An address with a range of ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRange {
    /// The address with the first port.
    pub address: Address,
    /// The last port.
    pub last_port: u16,
    /// The host name it was resolved from.
    pub host: Option<Host>,
    /// A port written with a sign: an offset to the client's destination port (servers only).
    pub port_offset: Option<i32>,
    /// Whether a port was written at all.
    pub has_port: bool,
}

/// A host name that stands for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(pub Arc<str>);

/// What the place where an address stands allows.
#[derive(Debug, Clone, Copy)]
pub struct Allow {
    /// A port must be there.
    pub port_required: bool,
    /// A port may be there.
    pub port: bool,
    /// A range of ports may be there.
    pub range: bool,
    /// A signed offset may be there.
    pub offset: bool,
    /// `fd@` may be there.
    pub fd: bool,
    /// Names may be looked up.
    pub resolve: bool,
}

impl Allow {
    /// What `bind` takes.
    pub const BIND: Self = Self {
        port_required: true,
        port: true,
        range: true,
        offset: false,
        fd: true,
        resolve: true,
    };
    /// What `server` takes.
    pub const SERVER: Self = Self {
        port_required: false,
        port: true,
        range: false,
        offset: true,
        fd: true,
        resolve: true,
    };
    /// What `log` takes.
    pub const LOG: Self = Self {
        port_required: false,
        port: true,
        range: false,
        offset: false,
        fd: true,
        resolve: true,
    };
}

/// The numeric address, wildcards included (`*` and the empty string are 0.0.0.0).
#[must_use]
pub fn numeric(text: &str) -> Option<IpAddr> {
    match text {
        "" | "*" => Some(IpAddr::from([0, 0, 0, 0])),
        _ => text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text)
            .parse()
            .ok(),
    }
}
