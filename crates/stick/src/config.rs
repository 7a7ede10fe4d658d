//! A table as the configuration declares it.

use crate::data::{DataType, Layout};
use crate::key::KeyKind;
use std::sync::Arc;

/// What stands for a server in `server_key` (`srvkey`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerKey {
    /// `name`
    #[default]
    Name,
    /// `addr`: its address and port.
    Address,
}

/// A `stick-table` or `table` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableConfig {
    /// The proxy's name, or `section/name` for a table of a peers section.
    pub name: Arc<str>,
    /// What its keys are.
    pub kind: KeyKind,
    /// The most entries it holds.
    pub size: u32,
    /// How long an entry that nothing refreshes stays, in milliseconds; for ever without one.
    pub expire: Option<u32>,
    /// Whether a full table refuses new entries instead of giving up old ones.
    pub nopurge: bool,
    /// Whether it is filled by peers alone.
    pub recv_only: bool,
    /// The table that takes what peers send for this one.
    pub write_to: Option<Arc<str>>,
    /// The peers section that it belongs to or takes part in.
    pub peers: Option<Arc<str>>,
    /// The file that keeps its entries while no process runs.
    pub persist: Option<Arc<str>>,
    /// Whether figures are read as the sums of what all peers have counted.
    pub aggregate: bool,
    /// Among how many peers its entries are shared out; 0 when each gets all.
    pub shards: u32,
    /// What stands for a server.
    pub server_key: ServerKey,
    /// Bytes per block of the byte rates.
    pub byte_block: u32,
    /// What entries store.
    pub layout: Layout,
}

impl TableConfig {
    /// A table of a kind that stores nothing and holds nothing.
    #[must_use]
    pub fn new(name: Arc<str>, kind: KeyKind) -> Self {
        Self {
            name,
            kind,
            size: 0,
            expire: None,
            nopurge: false,
            recv_only: false,
            write_to: None,
            peers: None,
            persist: None,
            aggregate: false,
            shards: 0,
            server_key: ServerKey::Name,
            byte_block: 1,
            layout: Layout::default(),
        }
    }

    /// Makes room for what `stick` rules learn.
    pub fn store_server(&mut self) {
        self.layout.store(DataType::ServerId, 1, 0);
        self.layout.store(DataType::ServerKey, 1, 0);
    }
}
