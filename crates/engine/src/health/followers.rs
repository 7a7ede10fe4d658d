//! Who follows whom (`track`).

use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use base::{ProxyIdx, ServerIdx};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// A server by its places.
type Place = (ProxyIdx, ServerIdx);

/// A server with its proxy.
pub type Member = (Arc<ProxyRuntime>, Arc<ServerRuntime>);

/// The servers that follow others.
#[derive(Debug, Default)]
pub struct Followers {
    configured: HashMap<Place, Vec<Place>>,
    /// Those that commands have added since, each with whom it follows.
    added: RwLock<Vec<(Place, Member)>>,
}

fn place(proxy: &ProxyRuntime, server: &ServerRuntime) -> Place {
    (proxy.config.idx, server.config.idx)
}

impl Followers {
    /// Those of a configuration; `backend` finds proxies by name.
    pub fn new(
        proxies: &[Arc<ProxyRuntime>],
        backend: impl Fn(&str) -> Option<Arc<ProxyRuntime>>,
    ) -> Self {
        let mut followers: HashMap<Place, Vec<Place>> = HashMap::new();
        for proxy in proxies {
            for server in proxy.servers.load().iter() {
                let track = server.config.settings.track.as_deref();
                let followed = track.and_then(|track| find(&backend, proxy, track));
                if let Some((other, followed)) = followed {
                    followers
                        .entry(place(&other, &followed))
                        .or_default()
                        .push(place(proxy, server));
                }
            }
        }
        Self {
            configured: followers,
            added: RwLock::default(),
        }
    }

    /// Whether no server follows another one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.added.read().is_empty()
    }

    /// Takes note of a server that a command has added to follow another one.
    pub fn add(&self, followed: &Member, follower: Member) {
        let place = place(&followed.0, &followed.1);
        self.added.write().push((place, follower));
    }

    /// Forgets a server that a command takes away.
    pub fn remove(&self, server: &Arc<ServerRuntime>) {
        let mut added = self.added.write();
        added.retain(|(_, (_, follower))| !Arc::ptr_eq(follower, server));
    }

    /// Those that follow a server; the last one comes first, as in HAProxy's logs.
    #[must_use]
    pub fn of(
        &self,
        runtime: &Runtime,
        proxy: &ProxyRuntime,
        server: &ServerRuntime,
    ) -> Vec<Member> {
        let place = place(proxy, server);
        let added = self.added.read();
        let added = added
            .iter()
            .rev()
            .filter(|(followed, _)| *followed == place);
        let added = added.map(|(_, follower)| follower.clone());
        let configured = self.configured.get(&place).into_iter().flatten().rev();
        let configured = configured.filter_map(|(proxy, server)| {
            let proxy = runtime.proxy(*proxy)?;
            Some((proxy.clone(), proxy.server_at(*server)?))
        });
        added.chain(configured).collect()
    }
}

/// The server that `track [<proxy>/]<server>` names.
fn find(
    backend: impl Fn(&str) -> Option<Arc<ProxyRuntime>>,
    own: &Arc<ProxyRuntime>,
    track: &str,
) -> Option<Member> {
    let (proxy, name) = match track.split_once('/') {
        Some((name, server)) => (backend(name)?, server),
        None => (own.clone(), track),
    };
    let server = proxy.server_named(name)?;
    Some((proxy, server))
}

/// The server that one follows.
pub(super) fn followed(
    runtime: &Runtime,
    proxy: &Arc<ProxyRuntime>,
    server: &ServerRuntime,
) -> Option<Member> {
    let track = server.config.settings.track.as_deref()?;
    find(|name| runtime.backend(name), proxy, track)
}
