//! `peers` sections (configuration manual, section 11.2).

use crate::address::Address;
use crate::{Proxy, Server};
use std::sync::Arc;

/// A `peers` section that is enabled and has this process among its members.
#[derive(Debug)]
pub struct Peers {
    /// Its name.
    pub name: Arc<str>,
    /// Its listener, its log targets, and its members as servers; in no list of proxies.
    pub proxy: Arc<Proxy>,
    /// The place of this process among the servers.
    pub local: usize,
    /// How many peers share the entries among them (`shards`); 0 when everybody gets all.
    pub shards: u32,
    /// The places of its tables in [`Snapshot::tables`](crate::Snapshot::tables), with the names that peers know them by.
    pub tables: Vec<(u32, Arc<str>)>,
}

impl Peers {
    /// The member that is this process.
    #[must_use]
    pub fn local(&self) -> Option<&Arc<Server>> {
        self.proxy.back.servers.get(self.local)
    }

    /// Whether a member has no address to connect to.
    #[must_use]
    pub fn lacks_address(server: &Server) -> bool {
        matches!(&server.address, Address::Inet(inet) if inet.port() == 0)
    }
}
