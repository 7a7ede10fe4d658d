//! Small identities that stand for configuration objects on the hot path.

/// The place of a proxy in its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProxyIdx(pub u32);

/// The place of a server in its backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerIdx(pub u32);
