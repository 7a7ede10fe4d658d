//! What is checked: a server with everything that stays the same from one check to the next.

use super::script::Script;
use crate::backend::{Route, binding, source_for};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use model::live::health::Intervals;
use model::{Address, CheckSettings, Mode, Proxy, Server};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

/// A server to be checked.
#[derive(Debug)]
pub(super) struct Target {
    /// Its backend.
    pub proxy: Arc<ProxyRuntime>,
    /// The server.
    pub server: Arc<ServerRuntime>,
    /// What to do.
    pub script: Rc<Script>,
    /// The address that checks come from, and whether it is foreign.
    source: (Option<SocketAddr>, bool),
    /// The PROXY protocol version that connections start with; 0 for none.
    pub relay_version: u8,
    /// Delays between checks.
    pub intervals: Intervals,
}

/// Whether a proxy's servers can have checks at all.
pub(super) fn has_checks(proxy: &Proxy) -> bool {
    proxy.caps.back && !proxy.disabled && proxy.mode != Mode::Log
}

/// Whether a server is checked, as long as it is not in maintenance.
pub(crate) fn is_checked(server: &Server) -> bool {
    server.settings.check.enabled
}

/// The delays of a server's settings.
pub(super) fn intervals(check: &CheckSettings) -> Intervals {
    Intervals {
        normal: check.interval,
        changing: check.fast_interval,
        down: check.down_interval,
    }
}

impl Target {
    /// Prepares the checks of a server.
    pub fn new(proxy: &Arc<ProxyRuntime>, server: &Arc<ServerRuntime>, script: Rc<Script>) -> Self {
        let check = &server.config.settings.check;
        Self {
            source: source_for(binding(proxy, server), None, |_, _| None),
            relay_version: relay_version(&server.config),
            intervals: intervals(check),
            proxy: proxy.clone(),
            server: server.clone(),
            script,
        }
    }

    /// Where a check goes that starts now.
    pub fn route(&self) -> Route {
        Route {
            address: address(&self.server),
            source: self.source.0,
            transparent: self.source.1,
            mark: None,
            tos: None,
            sends_first: false,
        }
    }
}

/// `addr` and `port`, each falling back to what traffic uses.
fn address(server: &ServerRuntime) -> Address {
    let check = &server.config.settings.check;
    let location = server.whereabouts.now();
    let address = check.address.as_ref().unwrap_or(&location.address);
    let Address::Inet(inet) = address else {
        return address.clone();
    };
    let port = check.port.unwrap_or(location.port());
    Address::Inet(SocketAddr::new(inet.ip(), port))
}

/// Checks that go where traffic goes start as traffic does; others only when `check-send-proxy` says so.
fn relay_version(server: &Server) -> u8 {
    let check = &server.settings.check;
    let version = server
        .settings
        .send_proxy
        .as_ref()
        .map_or(0, |send| send.version);
    let elsewhere = check.port.is_some() || check.address.is_some();
    match (check.send_proxy, elsewhere) {
        (true, _) => version.max(1),
        (false, true) => 0,
        (false, false) => version,
    }
}
