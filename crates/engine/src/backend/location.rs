//! Where a server is: as configured at first, then as name servers and commands say.

use arc_swap::{ArcSwap, Guard};
use model::{Address, Server};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Where a server is at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its address; with [`Location::known`] unset only the port counts.
    pub address: Address,
    /// Whether it has an address at all.
    pub known: bool,
    /// Whether the address' port is to be added (modulo 65536) to the client's destination port.
    pub mapped_port: bool,
    /// Its host name, if it has one.
    pub host: Option<Arc<str>>,
    /// How often the address has changed. Connections opened before the last time lead elsewhere.
    pub moves: u64,
}

impl Location {
    /// The IP address, if it has one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match &self.address {
            Address::Inet(inet) if self.known => Some(inet.ip()),
            _ => None,
        }
    }

    /// The port; 0 without any.
    #[must_use]
    pub fn port(&self) -> u16 {
        match &self.address {
            Address::Inet(inet) => inet.port(),
            _ => 0,
        }
    }

    /// Puts another IP address in, or none, and keeps the port.
    pub fn set_ip(&mut self, ip: Option<IpAddr>) {
        let any = IpAddr::from([0, 0, 0, 0]);
        self.address = Address::Inet(SocketAddr::new(ip.unwrap_or(any), self.port()));
        self.known = ip.is_some();
    }

    /// Puts another port in.
    pub fn set_port(&mut self, port: u16) {
        if let Address::Inet(inet) = &mut self.address {
            inet.set_port(port);
        }
    }
}

/// A server's location, read by every connection and seldom changed.
#[derive(Debug)]
pub struct Whereabouts(ArcSwap<Location>);

impl Whereabouts {
    /// Where the configuration puts a server.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Self(ArcSwap::from_pointee(Location {
            address: server.address.clone(),
            known: !server.unresolved,
            mapped_port: server.mapped_port,
            host: server.host.as_ref().map(|host| host.0.clone()),
            moves: 0,
        }))
    }

    /// The present location.
    #[must_use]
    pub fn now(&self) -> Guard<Arc<Location>> {
        self.0.load()
    }

    /// Changes the location and says whether the way to the server changed with it. Changes must not run side by side;
    /// they are made on the thread of the first worker.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Location)) -> bool {
        let before = self.0.load();
        let mut after = Location::clone(&before);
        change(&mut after);
        let moved = before.address != after.address || before.mapped_port != after.mapped_port;
        after.moves += u64::from(moved);
        self.0.store(Arc::new(after));
        moved
    }
}
