//! How busy the servers are, as the balancer asks.

use super::specs::{ramp, warmed_limit};
use crate::clock;
use crate::proxy::ProxyRuntime;
use crate::servers::ServerList;
use balance::Load;
use base::ServerIdx;
use std::sync::Arc;

/// The servers' load as the balancer reads it.
pub(super) struct Loads<'a> {
    proxy: &'a ProxyRuntime,
    pub(super) servers: arc_swap::Guard<Arc<ServerList>>,
}

impl<'a> Loads<'a> {
    pub(super) fn new(proxy: &'a ProxyRuntime) -> Self {
        Self {
            proxy,
            servers: proxy.servers.load(),
        }
    }
}

pub(super) fn same(idx: balance::ServerIdx) -> ServerIdx {
    ServerIdx(idx.0)
}

pub(super) fn other(idx: ServerIdx) -> balance::ServerIdx {
    balance::ServerIdx(idx.0)
}

impl Load for Loads<'_> {
    fn served(&self, server: balance::ServerIdx) -> u32 {
        self.servers
            .at(same(server))
            .map_or(0, |server| server.state.counters.connections.now())
    }
    fn queued(&self, server: balance::ServerIdx) -> u32 {
        self.servers
            .at(same(server))
            .map_or(0, |server| server.state.queued.now())
    }
    fn limit(&self, server: balance::ServerIdx) -> u32 {
        self.servers.at(same(server)).map_or(0, |server| {
            let ramp = ramp(server, self.proxy.dispatch.fullconn);
            let limit = balance::effective_maxconn(&ramp, self.proxy.back.connections.now());
            warmed_limit(server, limit)
        })
    }
    fn maxqueue(&self, server: balance::ServerIdx) -> u32 {
        self.servers
            .at(same(server))
            .map_or(0, |server| server.config.settings.maxqueue)
    }
    fn rate(&self, server: balance::ServerIdx) -> u32 {
        let now = clock::now_ms();
        self.servers
            .at(same(server))
            .map_or(0, |server| server.state.counters.session_rate.read(now))
    }
    fn backend_served(&self) -> u32 {
        self.servers
            .iter()
            .map(|server| server.state.counters.connections.now())
            .sum()
    }
}

/// Loads that don't count yet: a balancer that is being set up.
pub(super) struct Unloaded;

impl Load for Unloaded {
    fn served(&self, _: balance::ServerIdx) -> u32 {
        0
    }
    fn queued(&self, _: balance::ServerIdx) -> u32 {
        0
    }
    fn limit(&self, _: balance::ServerIdx) -> u32 {
        0
    }
    fn maxqueue(&self, _: balance::ServerIdx) -> u32 {
        0
    }
    fn rate(&self, _: balance::ServerIdx) -> u32 {
        0
    }
    fn backend_served(&self) -> u32 {
        0
    }
}
