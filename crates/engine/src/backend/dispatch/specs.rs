//! What the balancer is told of a backend's servers.

use crate::clock;
use crate::proxy::ServerRuntime;
use balance::{MaxconnRamp, NodeKey, ServerSpec};
use model::live::ServerState;
use model::live::health::Operation;
use model::{Affinity, Algorithm, NodeKeySource};
use std::sync::Arc;

/// What a server's weight comes to at this moment.
pub(super) fn weight(server: &ServerRuntime) -> u32 {
    let full = balance::effective_weight(server.state.weight());
    if server.config.settings.slow_start == 0 {
        return full;
    }
    match server.state.health.lock().warmth(clock::now_ms()) {
        Some(percent) => (full * percent).div_ceil(100),
        None => full,
    }
}

/// Whether a server serves at all, be it only what it already has.
pub(super) fn serves(state: &ServerState) -> bool {
    state.is_up() && !state.admin().in_maintenance()
}

pub(super) fn spec(server: &ServerRuntime) -> ServerSpec {
    let settings = &server.config.settings;
    ServerSpec {
        up: server.state.is_usable(),
        backup: settings.backup,
        node_key: node_key(server),
        ..ServerSpec::new(server.config.id, settings.weight)
    }
}

/// Where a server stands in a consistent hash (`hash-key`).
pub(super) fn node_key(server: &ServerRuntime) -> NodeKey {
    let place = server.whereabouts.now();
    let by_id = || NodeKey::from_id(server.config.id);
    let ip = place.ip();
    match server.config.settings.hash_key {
        NodeKeySource::Id => by_id(),
        NodeKeySource::Id32 => NodeKey::from_id32(server.config.id),
        NodeKeySource::Guid => server
            .config
            .guid
            .as_deref()
            .map_or_else(by_id, NodeKey::from_guid),
        NodeKeySource::Addr => ip.map_or_else(by_id, |ip| NodeKey::from_address(ip, None)),
        NodeKeySource::AddrPort => {
            ip.map_or_else(by_id, |ip| NodeKey::from_address(ip, Some(place.port())))
        }
    }
}

/// A server, or the empty place of one.
pub(super) fn spec_of_slot(server: Option<&Arc<ServerRuntime>>) -> ServerSpec {
    server.map_or_else(
        || ServerSpec {
            up: false,
            ..ServerSpec::new(0, 0)
        },
        |server| spec(server),
    )
}

pub(super) fn ramp(server: &ServerRuntime, fullconn: u32) -> MaxconnRamp {
    let settings = &server.config.settings;
    let (minconn, maxconn) = balance::normalize_minconn(settings.minconn, server.maxconn());
    MaxconnRamp {
        minconn,
        maxconn,
        fullconn,
    }
}

/// A limit during a slow start.
pub(super) fn warmed_limit(server: &ServerRuntime, limit: u32) -> u32 {
    let slow_start = server.config.settings.slow_start;
    if slow_start == 0 || server.state.operation() != Operation::Starting {
        return limit;
    }
    let age = server.state.changed().age_ms(clock::now_ms()).unwrap_or(0);
    balance::slowstart_maxconn(limit, age / 1000, slow_start)
}

pub(super) fn algorithm(back: &model::Backend) -> balance::Algorithm {
    let ring = balance::RingOptions {
        balance_factor: back.balance.factor,
        affinity: match back.balance.affinity {
            Affinity::Always => balance::Affinity::Always,
            Affinity::Maxconn => balance::Affinity::Maxconn,
            Affinity::Maxqueue => balance::Affinity::Maxqueue,
        },
    };
    match &back.balance.algorithm {
        Algorithm::RoundRobin => balance::Algorithm::RoundRobin,
        Algorithm::StaticRoundRobin => balance::Algorithm::StaticRr,
        Algorithm::LeastConn => balance::Algorithm::LeastConn,
        Algorithm::First => balance::Algorithm::First,
        Algorithm::Random(draws) => balance::Algorithm::Random {
            draws: *draws,
            ring,
        },
        Algorithm::Sticky => balance::Algorithm::Sticky,
        Algorithm::Hash(_) if back.balance.hash_type.consistent => {
            balance::Algorithm::HashRing(ring)
        }
        Algorithm::Hash(_) => balance::Algorithm::HashMap,
    }
}
