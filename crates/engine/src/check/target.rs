//! What is checked: a server with everything that stays the same from one check to the next.

use crate::backend::{IdleConn, Route, begin_key, binding, end_key, fixed_namespace, source_for};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use model::check::{CheckConnect, CheckKind, CheckPort, CheckScript};
use model::live::health::{Finder, Intervals};
use model::rules::Mux;
use model::{Address, CheckSettings, Mode, Proxy, Reuse, Server, UseSource};
use std::net::SocketAddr;
use std::sync::Arc;

/// A server to be checked, or to ask an agent about.
#[derive(Debug)]
pub(super) struct Target {
    /// Its backend.
    pub proxy: Arc<ProxyRuntime>,
    /// The server.
    pub server: Arc<ServerRuntime>,
    /// Who is to find something out.
    pub finder: Finder,
    /// The worker that does it.
    worker: usize,
    /// Where connections come from.
    source: (Option<SocketAddr>, bool),
    /// Delays between checks.
    pub intervals: Intervals,
}

/// Whether a proxy's servers can have checks at all.
pub(super) fn has_checks(proxy: &Proxy) -> bool {
    proxy.caps.back && !proxy.disabled && proxy.mode != Mode::Log
}

/// Whether a server is checked or an agent asked about it, as long as it is not in maintenance.
pub(crate) fn is_checked(server: &Server) -> bool {
    finders(server).next().is_some()
}

/// Who finds out about a server, as long as it is not in maintenance.
pub(super) fn finders(server: &Server) -> impl Iterator<Item = Finder> {
    let check = &server.settings.check;
    let own = [
        (check.enabled, Finder::Check),
        (check.agent.enabled, Finder::Agent),
    ];
    own.into_iter()
        .filter_map(|(on, finder)| on.then_some(finder))
}

/// The delays of a server's settings.
pub(super) fn intervals(check: &CheckSettings, finder: Finder) -> Intervals {
    match finder {
        Finder::Check => Intervals {
            normal: check.interval,
            changing: check.fast_interval,
            down: check.down_interval,
        },
        Finder::Agent => Intervals {
            normal: check.agent.interval.unwrap_or(DEFAULT_AGENT_INTERVAL),
            changing: None,
            down: None,
        },
    }
}

/// `agent-inter` unless told, in milliseconds.
const DEFAULT_AGENT_INTERVAL: u64 = 2000;

/// Where a connection of a check goes, and what it begins with.
pub(super) struct Way {
    /// The route.
    pub route: Route,
    /// The PROXY protocol version that it starts with; 0 for none.
    pub relay_version: u8,
    /// Whether it speaks TLS.
    pub secure: bool,
}

impl Target {
    /// Prepares the checks of a server.
    pub fn new(
        worker: usize,
        proxy: &Arc<ProxyRuntime>,
        server: &Arc<ServerRuntime>,
        finder: Finder,
    ) -> Self {
        Self {
            worker,
            source: source_for(binding(proxy, server), None, |_, _| None),
            intervals: intervals(&server.config.settings.check, finder),
            finder,
            proxy: proxy.clone(),
            server: server.clone(),
        }
    }

    /// What the check does.
    pub fn script(&self) -> &CheckScript {
        let own = self.server.config.settings.check.script.as_deref();
        own.unwrap_or(&self.proxy.config.back.check)
    }

    /// Whether a program does the check.
    pub fn is_external(&self) -> bool {
        self.finder == Finder::Check && self.script().kind == CheckKind::External
    }

    fn route(&self, address: Address, via: Option<SocketAddr>) -> Route {
        Route {
            address,
            via,
            source: self.source.0,
            transparent: self.source.1,
            namespace: fixed_namespace(&self.server.config),
            mark: None,
            tos: None,
            sends_first: false,
        }
    }

    /// The way of a connect rule, `port` being what its expression yields.
    pub fn way(&self, connect: &CheckConnect, port: Option<u16>) -> Way {
        let server = &self.server;
        let places = server.check_places.lock().clone();
        let address = connect.address.as_ref().or(places.address.as_ref());
        let location = server.whereabouts.now();
        let address = address.unwrap_or(&location.address);
        let rule_port = match &connect.port {
            Some(CheckPort::Number(port)) => Some(*port),
            Some(CheckPort::Expr(_)) => port,
            None => None,
        };
        let address = match address {
            Address::Inet(inet) => {
                let port = rule_port.or(places.port).unwrap_or(location.port());
                Address::Inet(SocketAddr::new(inet.ip(), port))
            }
            other => other.clone(),
        };
        let by_server = connect.implicit || connect.default;
        let relay_version = match (connect.send_proxy, by_server) {
            (true, _) => sent_version(&server.config).max(1),
            (false, true) => relay_version(server),
            (false, false) => 0,
        };
        let settings = &server.config.settings;
        let via_socks4 = connect.via_socks4 || by_server && settings.check.via_socks4;
        let via = settings.socks4.filter(|_| via_socks4);
        Way {
            route: self.route(address, via),
            relay_version,
            secure: connect.secure || by_server && is_secure(server),
        }
    }

    /// An idle connection of traffic that a check may have instead of one of its own (`check-reuse-pool`); `host` is
    /// the server that it would be asked for over TLS.
    pub fn idle(&self, connect: &CheckConnect, host: Option<&[u8]>) -> Option<IdleConn> {
        let (server, settings) = (&self.server, &self.server.config.settings);
        let check = &settings.check;
        let special = connect.port.is_some()
            || connect.address.is_some()
            || connect.send_proxy
            || connect.via_socks4
            || connect.secure
            || connect.sni.is_some()
            || connect.alpn.is_some()
            || connect.proto.is_some()
            || check.send_proxy
            || check.via_socks4
            || check.proto.is_some()
            || settings.tls.check.is_some()
            || settings.check_alpn.is_some();
        let traffic_differs = settings.send_proxy.is_some()
            || settings.proto.as_deref() == Some("h2")
            || binding(&self.proxy, server)
                .is_some_and(|binding| !matches!(binding.use_source, UseSource::No));
        if !check.reuse_pool
            || special
            || traffic_differs
            || !follows_traffic(server)
            || self.script().kind != CheckKind::Http
        {
            return None;
        }
        let location = server.whereabouts.now();
        let own = check.pool_name.as_ref().or(settings.check_sni.as_ref());
        let own = own.map(|name| name.as_bytes());
        let key = match (&settings.pool_name, settings.tls.enabled) {
            (Some(_), _) => end_key(&begin_key((None, None), location.moves, own, None)),
            (None, true) => {
                let name = Some(own.or(host));
                end_key(&begin_key((None, None), location.moves, None, name))
            }
            (None, false) if own.is_some() => return None,
            (None, false) if location.moves == 0 => 0,
            (None, false) => end_key(&begin_key((None, None), location.moves, None, None)),
        };
        let reuse = self.proxy.config.back.reuse;
        let usable = |conn: &IdleConn| match reuse {
            Reuse::Never | Reuse::Safe => false,
            Reuse::Aggressive => conn.uses > 1,
            Reuse::Always => true,
        };
        server.idle.take(self.worker, key, usable).or_else(|| {
            let other = server.idle.take_over(self.worker, key, usable)?;
            let socket = other.socket.rehome().ok()?;
            Some(IdleConn { socket, ..other })
        })
    }

    /// What an HTTP check is told to speak behind a connect rule.
    pub fn mux(&self, connect: &CheckConnect) -> Option<Mux> {
        let settings = &self.server.config.settings;
        let by_server = connect.implicit || connect.default;
        let of_traffic = || match settings.proto.as_deref() {
            Some("h2") if follows_traffic(&self.server) => Some(Mux::H2),
            Some("h1") if follows_traffic(&self.server) => Some(Mux::H1),
            _ => None,
        };
        let of_server = || settings.check.proto.or_else(of_traffic);
        connect
            .proto
            .or_else(|| by_server.then(of_server).flatten())
    }

    /// The way to the agent.
    pub fn agent_way(&self) -> Way {
        let places = self.server.check_places.lock();
        let port = places.agent_port;
        let location = self.server.whereabouts.now();
        let other = match &places.address {
            Some(Address::Inet(inet)) => Some(inet.ip()),
            _ => None,
        };
        let address = match (places.agent_address.or(other), &location.address) {
            (Some(ip), _) => Address::Inet(SocketAddr::new(ip, port)),
            (None, Address::Inet(inet)) => Address::Inet(SocketAddr::new(inet.ip(), port)),
            (None, other) => other.clone(),
        };
        Way {
            route: self.route(address, None),
            relay_version: 0,
            secure: false,
        }
    }
}

fn sent_version(server: &Server) -> u8 {
    let send = server.settings.send_proxy.as_ref();
    send.map_or(0, |send| send.version)
}

/// Whether checks start as traffic does: they do where they go to the same place, unless a command has added the server.
fn follows_traffic(server: &ServerRuntime) -> bool {
    let check = &server.config.settings.check;
    !server.added && check.port.is_none() && check.address.is_none()
}

/// Checks that follow traffic speak TLS as it does; `check-ssl` and `no-check-ssl` overrule that.
fn is_secure(server: &ServerRuntime) -> bool {
    let check = server.config.settings.tls.check;
    check.unwrap_or_else(|| server.speaks_tls() && follows_traffic(server))
}

/// Checks that follow traffic start with the same PROXY protocol header; others only when `check-send-proxy` says so.
fn relay_version(server: &ServerRuntime) -> u8 {
    let version = sent_version(&server.config);
    match (
        server.config.settings.check.send_proxy,
        follows_traffic(server),
    ) {
        (true, _) => version.max(1),
        (false, true) => version,
        (false, false) => 0,
    }
}
