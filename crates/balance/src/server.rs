//! What algorithms know of a server.

use std::fmt;

use crate::ring::NodeKey;

/// A user weight of 1 in the internal scale.
pub const WEIGHT_SCALE: u32 = 16;
/// The largest user weight.
pub const MAX_WEIGHT: u32 = 256;
/// The largest effective weight.
pub(crate) const MAX_EFFECTIVE: u32 = MAX_WEIGHT * WEIGHT_SCALE;

/// A server by its position in the backend, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerIdx(pub u32);

impl ServerIdx {
    pub(crate) const fn at(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ServerIdx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user weight (0..=256) in the internal scale.
#[must_use]
pub const fn effective_weight(user: u32) -> u32 {
    (if user > MAX_WEIGHT { MAX_WEIGHT } else { user }) * WEIGHT_SCALE
}

/// A server as an algorithm starts with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSpec {
    /// The server's `id`, by default its position counted from one.
    pub id: u32,
    /// User weight, 0..=256.
    pub weight: u32,
    /// Whether it may be given connections now, weight aside.
    pub up: bool,
    /// Whether it is a `backup`.
    pub backup: bool,
    /// Where its nodes stand on the consistent hash's ring (`hash-key`).
    pub node_key: NodeKey,
}

impl ServerSpec {
    /// An active server that is up and hashed by its id.
    #[must_use]
    pub const fn new(id: u32, weight: u32) -> Self {
        Self {
            id,
            weight,
            up: true,
            backup: false,
            node_key: NodeKey::from_id(id),
        }
    }
}

/// The servers' load, read while picking.
pub trait Load {
    /// Connections or requests that the server is serving.
    fn served(&self, server: ServerIdx) -> u32;
    /// Requests waiting in the server's own queue.
    fn queued(&self, server: ServerIdx) -> u32;
    /// The server's limit on connections at this moment (see `effective_maxconn`), zero for none.
    fn limit(&self, server: ServerIdx) -> u32;
    /// The limit on the server's own queue, zero for none.
    fn maxqueue(&self, _server: ServerIdx) -> u32 {
        0
    }
    /// Sessions over the last second; only `random` asks, between servers of equal load.
    fn rate(&self, _server: ServerIdx) -> u32 {
        0
    }
    /// What all servers of the backend are serving together; only `hash-balance-factor` asks.
    fn backend_served(&self) -> u32;

    /// Whether another connection may go to the server right now.
    fn has_room(&self, server: ServerIdx) -> bool {
        let limit = self.limit(server);
        limit == 0 || (self.queued(server) == 0 && self.served(server) < limit)
    }
}

/// What one pick depends on.
#[derive(Clone, Copy)]
pub struct PickCtx<'a> {
    /// The servers' load.
    pub load: &'a dyn Load,
    /// A server to take only when there is no other, as on redispatch.
    pub avoid: Option<ServerIdx>,
    /// The key's hash for hash algorithms; without one they fall back to taking turns.
    pub hash: Option<u32>,
    /// Evenly distributed random numbers, for `random`.
    pub random: &'a dyn Fn() -> u32,
}
