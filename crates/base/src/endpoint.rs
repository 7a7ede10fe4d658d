//! Where a connection comes from or goes to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// An IPv4 or IPv6 address with its port.
    Inet(SocketAddr),
    /// A Unix socket: its path, or its name when the socket is abstract. Clients usually have an empty one.
    Unix(Arc<[u8]>),
}

impl Endpoint {
    /// The IP address, if there is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Inet(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }

    /// The port, if there is one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Inet(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", String::from_utf8_lossy(path)),
        }
    }
}
