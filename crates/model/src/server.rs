//! Servers as configured.

use crate::address::{Address, Host, IpFamily};
use crate::check::CheckScript;
use crate::live::health::{Health, Operation};
use crate::namespace::ServerNamespace;
use base::ServerIdx;
use expr::{Expr, logformat::LogFormat};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Which PROXY protocol header a server connection starts with.
#[derive(Debug, Clone, Default)]
pub struct SendProxy {
    /// 1 or 2; 0 for none.
    pub version: u8,
    /// `proxy-v2-options`: `crc32c`.
    pub crc32c: bool,
    /// `proxy-v2-options`: `unique-id`.
    pub unique_id: bool,
    /// `proxy-v2-options`: `authority`.
    pub authority: bool,
    /// Whether TLS facts go along, with which `cert-*` and `ssl-cipher` options (names as in the file).
    pub ssl: Vec<Arc<str>>,
    /// `set-proxy-v2-tlv-fmt`: type and value.
    pub tlvs: Vec<(u8, Arc<LogFormat>)>,
}

/// `source`: where connections to a server come from.
#[derive(Debug, Clone)]
pub struct SourceBinding {
    /// The address; unspecified leaves it to the system.
    pub address: Option<IpAddr>,
    /// First and last port to use; 0 leaves it to the system.
    pub ports: (u16, u16),
    /// `usesrc`.
    pub use_source: UseSource,
    /// `interface`.
    pub interface: Option<Arc<str>>,
}

/// `usesrc`: whose address a transparent connection shows.
#[derive(Debug, Clone)]
pub enum UseSource {
    /// Our own.
    No,
    /// `client`: the client's address and port.
    Client,
    /// `clientip`: the client's address.
    ClientIp,
    /// A fixed address.
    Address(std::net::SocketAddr),
    /// `hdr_ip(name[,occurrence])`.
    Header(Arc<str>, i32),
}

/// One server of a backend. Counts and state live in [`ServerState`](crate::live::ServerState).
#[derive(Debug, Clone)]
pub struct Server {
    /// Its place in the backend.
    pub idx: ServerIdx,
    /// Its name.
    pub name: Arc<str>,
    /// Its numeric id.
    pub id: u32,
    /// Whether the configuration gives the id.
    pub id_given: bool,
    /// `guid`.
    pub guid: Option<Arc<str>>,
    /// Where the line stands.
    pub origin: (Arc<str>, u32),
    /// Where to connect.
    pub address: Address,
    /// Whether it takes datagrams (log servers only).
    pub datagram: bool,
    /// Whether the address' port is to be added (modulo 65536) to the client's destination port: `+n`, `-n`, or none given.
    pub mapped_port: bool,
    /// The host name the address came from.
    pub host: Option<Host>,
    /// The name of the SRV records that tell host, port and weight, instead of a host name.
    pub service: Option<Host>,
    /// Whether it has no address at the start, so that it waits for one in maintenance.
    pub unresolved: bool,
    /// All that `default-server` can set as well.
    pub settings: ServerDraft,
    /// How to make TLS connections for traffic or for checks, once all files were read.
    pub tls: Option<Arc<tls::Connector>>,
}

impl Server {
    /// The place of a destination that is none of its backend's servers.
    pub const APART: ServerIdx = ServerIdx(u32::MAX);

    /// Where a backend that balances nothing sends what is meant for none of its servers (`dispatch`, `option
    /// transparent`). It is named as logs show it: no server.
    #[must_use]
    pub fn direct(address: Address, mapped_port: bool, origin: (Arc<str>, u32)) -> Self {
        Self {
            idx: Self::APART,
            name: "<NOSRV>".into(),
            id: 0,
            id_given: false,
            guid: None,
            origin,
            address,
            datagram: false,
            mapped_port,
            host: None,
            service: None,
            unresolved: false,
            settings: ServerDraft {
                non_stick: true,
                // Its connections are not kept.
                pool_max: Some(0),
                ..ServerDraft::default()
            },
            tls: None,
        }
    }

    /// Whether it is none of its backend's servers.
    #[must_use]
    pub fn is_apart(&self) -> bool {
        self.idx == Self::APART
    }
}

/// Server options, as `default-server` and `server` lines set them.
#[derive(Debug, Clone)]
pub struct ServerDraft {
    /// `weight`, 0 to 256.
    pub weight: u32,
    /// `maxconn`, 0 for no limit.
    pub maxconn: u32,
    /// `strict-maxconn`: idle connections count as well.
    pub strict_maxconn: bool,
    /// `minconn`.
    pub minconn: u32,
    /// `maxqueue`, 0 for no limit.
    pub maxqueue: u32,
    /// `shard`: which part of the entries a peer gets; 0 for all of them.
    pub shard: u32,
    /// `backup`.
    pub backup: bool,
    /// Whether connections may take several paths (`mptcp@`).
    pub multipath: bool,
    /// `disabled`.
    pub disabled: bool,
    /// `check` and everything about it.
    pub check: CheckSettings,
    /// `cookie`.
    pub cookie: Option<Arc<str>>,
    /// `hash-key`.
    pub hash_key: NodeKeySource,
    /// `non-stick`: it is never noted in a stick table.
    pub non_stick: bool,
    /// `redir`: what a path is put behind to redirect `GET` and `HEAD` requests.
    pub redirect_prefix: Option<Arc<str>>,
    /// `source`.
    pub source: Option<Arc<SourceBinding>>,
    /// `socks4`: the proxy that connections go through.
    pub socks4: Option<SocketAddr>,
    /// `send-proxy` and its family.
    pub send_proxy: Option<Arc<SendProxy>>,
    /// `namespace`.
    pub namespace: Option<ServerNamespace>,
    /// `pool-max-conn`; `None` for no limit.
    pub pool_max: Option<u32>,
    /// `pool-low-conn`.
    pub pool_low: u32,
    /// `pool-purge-delay`, in milliseconds.
    pub pool_purge_delay: u64,
    /// `max-reuse`; `None` for no limit.
    pub max_reuse: Option<u32>,
    /// `pool-conn-name`.
    pub pool_name: Option<Arc<Expr>>,
    /// `tfo`.
    pub fast_open: bool,
    /// `tcp-ut`, in milliseconds.
    pub user_timeout: Option<u64>,
    /// `tcp-md5sig`.
    pub md5sig: Option<Arc<str>>,
    /// `cc`.
    pub congestion: Option<Arc<str>>,
    /// `proto`: the mux forced by its name.
    pub proto: Option<Arc<str>>,
    /// `ws`: what WebSocket is carried by; `auto` is what everything else is.
    pub ws: Option<crate::rules::Mux>,
    /// `log-proto`: whether messages are sent with octet counting.
    pub octet_counting: bool,
    /// `on-error`.
    pub on_error: OnError,
    /// `error-limit`.
    pub error_limit: u32,
    /// `track`: proxy and server names.
    pub track: Option<Arc<str>>,
    /// `slowstart`, in milliseconds; 0 for none.
    pub slow_start: u64,
    /// `on-marked-down shutdown-sessions`.
    pub ends_sessions_when_down: bool,
    /// `on-marked-up shutdown-backup-sessions`.
    pub ends_backup_sessions_when_up: bool,
    /// `init-addr` and `resolvers` with its options.
    pub naming: Naming,
    /// What is said about TLS.
    pub tls: tls::settings::ServerSettings,
    /// `sni`.
    pub sni: Option<Arc<Expr>>,
    /// `no-sni-auto` is `false`.
    pub sni_auto: Option<bool>,
    /// `check-sni`.
    pub check_sni: Option<Arc<str>>,
    /// `no-check-sni-auto` is `false`.
    pub check_sni_auto: Option<bool>,
    /// `check-alpn`.
    pub check_alpn: Option<Arc<[Vec<u8>]>>,
}

/// `observe`: which events of live traffic tell of a server's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Observe {
    /// None.
    #[default]
    Nothing,
    /// `layer4`: whether connections come about.
    Layer4,
    /// `layer7`: what responses say.
    Layer7,
}

/// `agent-check` and its options.
#[derive(Debug, Clone, Default)]
pub struct AgentSettings {
    /// `agent-check`.
    pub enabled: bool,
    /// `agent-port`.
    pub port: u16,
    /// `agent-addr`.
    pub address: Option<IpAddr>,
    /// `agent-inter`, in milliseconds.
    pub interval: Option<u64>,
    /// `agent-send`.
    pub send: Option<Arc<str>>,
}

/// How a server's name becomes an address.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// `init-addr`; empty for the default.
    pub initial: Arc<[InitialAddress]>,
    /// `resolvers`: the section that watches the name while running.
    pub resolvers: Option<Arc<str>>,
    /// `resolve-prefer`; IPv6 without it.
    pub prefer: Option<IpFamily>,
    /// `resolve-net`: networks whose addresses are preferred, each with the length of its prefix.
    pub networks: Arc<[(IpAddr, u8)]>,
    /// `resolve-opts allow-dup-ip`.
    pub allow_duplicates: bool,
    /// `resolve-opts ignore-weight`.
    pub ignore_weight: bool,
}

/// A way to an address at the start, as `init-addr` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialAddress {
    /// `last`: from the server state file.
    Last,
    /// `libc`: from the system's resolver.
    Libc,
    /// `none`: start without.
    Nothing,
    /// This address.
    Fixed(IpAddr),
}

/// `on-error`: what happens once live traffic has made `error-limit` errors in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// `fastinter`: checks come at the interval of a change of state.
    FastInterval,
    /// `fail-check`: counts as a failed check.
    #[default]
    FailCheck,
    /// `sudden-death`: one more failed check takes the server down.
    SuddenDeath,
    /// `mark-down`: the server is down at once.
    MarkDown,
}

/// `check` and its options.
#[derive(Debug, Clone)]
pub struct CheckSettings {
    /// `check`.
    pub enabled: bool,
    /// `inter`, in milliseconds.
    pub interval: u64,
    /// `fastinter`, in milliseconds.
    pub fast_interval: Option<u64>,
    /// `downinter`, in milliseconds.
    pub down_interval: Option<u64>,
    /// `rise`.
    pub rise: u32,
    /// `fall`.
    pub fall: u32,
    /// `port`.
    pub port: Option<u16>,
    /// `addr`.
    pub address: Option<Address>,
    /// `check-send-proxy`.
    pub send_proxy: bool,
    /// `check-reuse-pool`: checks take idle connections of traffic where they can.
    pub reuse_pool: bool,
    /// `check-pool-conn-name`.
    pub pool_name: Option<Arc<str>>,
    /// `check-via-socks4`.
    pub via_socks4: bool,
    /// `check-proto`.
    pub proto: Option<crate::rules::Mux>,
    /// `healthcheck`: the name of the section.
    pub named: Option<Arc<str>>,
    /// What that section's check does; the backend's is done without one.
    pub script: Option<Arc<CheckScript>>,
    /// `observe`.
    pub observe: Observe,
    /// The agent.
    pub agent: AgentSettings,
    /// `init-state`.
    pub initial_state: Option<InitialState>,
    /// Whether a server without `init-state` starts as with `up`, which takes one good check less to be safe. HAProxy
    /// does so after a `default-server` line, and for all servers of a `server-template` but the first.
    pub settled: bool,
}

/// `init-state`: what is thought of a server before its checks have said anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialState {
    /// `fully-up`: up, until `fall` checks have failed.
    FullyUp,
    /// `up`: up, until one check fails.
    Up,
    /// `down`: down, until one check passes.
    Down,
    /// `fully-down`: down, until `rise` checks have passed.
    FullyDown,
}

impl CheckSettings {
    /// The health a server with these settings starts with.
    #[must_use]
    pub fn initial_health(&self) -> Health {
        let rise = self.rise;
        let (counter, operation) = match self.initial_state {
            None if self.settled => (rise, Operation::Running),
            None => (0, Operation::Running),
            Some(InitialState::FullyUp) => (rise.saturating_add(self.fall) - 1, Operation::Running),
            Some(InitialState::Up) => (rise, Operation::Running),
            Some(InitialState::Down) => (rise.saturating_sub(1), Operation::Stopped),
            Some(InitialState::FullyDown) => (0, Operation::Stopped),
        };
        let mut health = Health::new(rise, self.fall, counter, operation);
        health.checked = self.enabled;
        health.has_agent = self.agent.enabled;
        health
    }
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            interval: 2000,
            fast_interval: None,
            down_interval: None,
            rise: 2,
            fall: 3,
            port: None,
            address: None,
            send_proxy: false,
            reuse_pool: false,
            pool_name: None,
            via_socks4: false,
            proto: None,
            named: None,
            script: None,
            observe: Observe::Nothing,
            agent: AgentSettings::default(),
            initial_state: None,
            settled: false,
        }
    }
}

/// What a server's place in a consistent hash comes from (`hash-key`). Without it, identifiers serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeKeySource {
    /// The numeric identifier.
    #[default]
    Id,
    /// All 32 bits of the numeric identifier.
    Id32,
    /// The global identifier.
    Guid,
    /// The address.
    Addr,
    /// The address and the port.
    AddrPort,
}

impl Default for ServerDraft {
    fn default() -> Self {
        Self {
            weight: 1,
            maxconn: 0,
            strict_maxconn: false,
            minconn: 0,
            maxqueue: 0,
            shard: 0,
            backup: false,
            multipath: false,
            disabled: false,
            check: CheckSettings::default(),
            cookie: None,
            hash_key: NodeKeySource::default(),
            non_stick: false,
            redirect_prefix: None,
            source: None,
            socks4: None,
            send_proxy: None,
            namespace: None,
            pool_max: None,
            pool_low: 0,
            pool_purge_delay: 5000,
            max_reuse: None,
            pool_name: None,
            fast_open: false,
            user_timeout: None,
            md5sig: None,
            congestion: None,
            proto: None,
            ws: None,
            octet_counting: false,
            on_error: OnError::FailCheck,
            error_limit: 10,
            track: None,
            naming: Naming::default(),
            slow_start: 0,
            ends_sessions_when_down: false,
            ends_backup_sessions_when_up: false,
            tls: tls::settings::ServerSettings::default(),
            sni: None,
            sni_auto: None,
            check_sni: None,
            check_sni_auto: None,
            check_alpn: None,
        }
    }
}
