//! One configuration, read and resolved.

use crate::{Global, Proxy};
use base::{ProxyIdx, ServerIdx};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One configuration, read and resolved; never changed afterwards.
#[derive(Debug)]
pub struct Snapshot {
    /// Process-wide settings.
    pub global: Global,
    /// All proxies in the order of the configuration; a [`ProxyIdx`] is a place in here.
    pub proxies: Vec<Arc<Proxy>>,
    /// Backends (and listens) by name.
    pub backends: HashMap<Arc<str>, ProxyIdx>,
    /// Frontends (and listens) by name.
    pub frontends: HashMap<Arc<str>, ProxyIdx>,
    /// Stick tables in the order of the configuration.
    pub tables: Vec<stick::TableConfig>,
    /// Their places by name.
    pub table_names: HashMap<Arc<str>, u32>,
    /// `peers` sections that this process takes part in.
    pub peers: Vec<Arc<crate::peers::Peers>>,
    /// Named `defaults` sections, for backends that commands add.
    pub defaults: HashMap<Arc<str>, Arc<Proxy>>,
    /// Servers that rules or expressions of the configuration name.
    pub pinned: HashSet<(ProxyIdx, ServerIdx)>,
    /// Proxies that rules or expressions of the configuration name.
    pub pinned_proxies: HashSet<ProxyIdx>,
    /// `ring` and `log-forward` sections and the like.
    pub logging: crate::log::Logging,
    /// `userlist` sections.
    pub user_lists: Vec<Arc<crate::users::UserList>>,
    /// Network namespaces that the configuration names.
    pub namespaces: crate::namespace::Namespaces,
    /// Pattern lists and maps; their contents may change at run time.
    pub patterns: expr::pattern::PatternStore,
    /// The names of all variables.
    pub variables: expr::VarNames,
    /// `resolvers` sections; one of them is named `default`.
    pub resolvers: Vec<Arc<crate::resolvers::Resolvers>>,
    /// Certificates and what belongs to them; commands may change them.
    pub certificates: Arc<tls::Inventory>,
    /// The environment of the process as the configuration left it.
    pub environment: config::Env,
}

impl Snapshot {
    /// The proxy at a place.
    #[must_use]
    pub fn proxy(&self, at: ProxyIdx) -> Option<&Arc<Proxy>> {
        self.proxies.get(at.0 as usize)
    }

    /// The backend of this name.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<&Arc<Proxy>> {
        self.proxy(*self.backends.get(name)?)
    }
}
