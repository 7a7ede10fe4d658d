//! Who follows whom (`track`).

use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use base::{ProxyIdx, ServerIdx};
use std::collections::HashMap;
use std::sync::Arc;

/// A server by its places.
type Place = (ProxyIdx, ServerIdx);

/// The servers that follow others.
#[derive(Debug, Default)]
pub struct Followers(HashMap<Place, Vec<Place>>);

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
        Self(followers)
    }

    /// Those who follow a server, servers included that commands have added. Looks at every server.
    pub fn all(
        runtime: &Runtime,
        proxy: &ProxyRuntime,
        server: &ServerRuntime,
    ) -> Vec<(Arc<ProxyRuntime>, Arc<ServerRuntime>)> {
        let mut found: Vec<_> = runtime
            .followers
            .of(runtime, proxy, server)
            .map(|(proxy, server)| (proxy.clone(), server))
            .collect();
        for other in runtime.all_proxies() {
            for follower in other.servers.load().iter().filter(|server| server.added) {
                let Some(track) = follower.config.settings.track.as_deref() else {
                    continue;
                };
                let (followed, name) = track.split_once('/').unwrap_or((&other.config.name, track));
                if *followed == *proxy.config.name && *name == *server.config.name {
                    found.push((other.clone(), follower.clone()));
                }
            }
        }
        found
    }

    /// Those of the configuration that follow a server; the last one comes first, as in HAProxy's logs.
    pub fn of<'a>(
        &'a self,
        runtime: &'a Runtime,
        proxy: &ProxyRuntime,
        server: &ServerRuntime,
    ) -> impl Iterator<Item = (&'a Arc<ProxyRuntime>, Arc<ServerRuntime>)> {
        let followers = self.0.get(&place(proxy, server));
        let followers = followers.into_iter().flatten().rev();
        followers.filter_map(|(proxy, server)| {
            let proxy = runtime.proxy(*proxy)?;
            Some((proxy, proxy.server_at(*server)?))
        })
    }
}

/// The server that `track [<proxy>/]<server>` names.
fn find(
    backend: impl Fn(&str) -> Option<Arc<ProxyRuntime>>,
    own: &Arc<ProxyRuntime>,
    track: &str,
) -> Option<(Arc<ProxyRuntime>, Arc<ServerRuntime>)> {
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
) -> Option<(Arc<ProxyRuntime>, Arc<ServerRuntime>)> {
    let track = server.config.settings.track.as_deref()?;
    find(|name| runtime.backend(name), proxy, track)
}
