//! Process-wide settings.

use crate::log::LogTarget;
use crate::statuses::StatusSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Whether it is measured what tasks cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profiling {
    /// It is not.
    #[default]
    Off,
    /// It is.
    On,
    /// It is on threads whose turns take long.
    Auto,
}

/// `close-spread-time`: when a soft stop closes connections that wait for a request, and lets those in use end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CloseSpread {
    /// As soon as it begins.
    #[default]
    AtOnce,
    /// Each at its own moment within this time, in milliseconds.
    Over(u64),
    /// `infinite`: it does not.
    Never,
}

/// Process-wide settings, from the `global` section and the command line.
#[derive(Debug, Clone)]
pub struct Global {
    /// `maxconn`; `None` derives it from the descriptor limit.
    pub maxconn: Option<u32>,
    /// `maxconnrate`, `maxsessrate`, `maxsslrate`: new connections, sessions and TLS connections of clients per second, 0 for
    /// no limit.
    pub max_rates: [u32; 3],
    /// `maxsslconn`: TLS connections on both sides, 0 for no limit.
    pub max_tls_connections: u32,
    /// `dns-accept-family`.
    pub dns_families: crate::resolvers::AcceptedFamilies,
    /// `httpclient.*`.
    pub http_client: crate::client::HttpClient,
    /// `ocsp-update.*`.
    pub ocsp_updates: crate::client::OcspUpdates,
    /// `nbthread`; `None` for one per usable CPU.
    pub threads: Option<u32>,
    /// `cpu-map`: CPU sets by thread number (from 1).
    pub cpu_map: Vec<(u32, Vec<usize>)>,
    /// `ulimit-n`.
    pub ulimit_n: Option<u64>,
    /// `daemon`.
    pub daemon: bool,
    /// `quiet`.
    pub quiet: bool,
    /// `master-worker`.
    pub master_worker: bool,
    /// `pidfile`.
    pub pidfile: Option<PathBuf>,
    /// `chroot`.
    pub chroot: Option<PathBuf>,
    /// `uid` or `user`.
    pub uid: Option<u32>,
    /// `gid` or `group`.
    pub gid: Option<u32>,
    /// `setcap`: capability names to keep.
    pub capabilities: Vec<String>,
    /// `node`.
    pub node: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `hard-stop-after`, in milliseconds.
    pub hard_stop_after: Option<u64>,
    /// `grace`, in milliseconds.
    pub grace: Option<u64>,
    /// `close-spread-time`.
    pub close_spread: CloseSpread,
    /// `harden.reject-privileged-ports.tcp`.
    pub rejects_privileged_ports: bool,
    /// `tune.vars.*-max-size`.
    pub variable_limits: VariableLimits,
    /// `log` targets, which proxies take with `log global`.
    pub logs: Vec<Arc<LogTarget>>,
    /// `log-tag`.
    pub log_tag: Option<Arc<str>>,
    /// `log-send-hostname`: the host name in log headers.
    pub log_hostname: Option<Arc<str>>,
    /// `tune.bufsize`, in bytes.
    pub buffer_size: usize,
    /// `tune.maxrewrite`: bytes of a buffer kept free for rewritten headers.
    pub rewrite_reserve: usize,
    /// `tune.http.maxhdr`.
    pub max_headers: usize,
    /// `tune.http.cookielen`: bytes of a captured cookie.
    pub captured_cookie_len: usize,
    /// `tune.http.logurilen`: bytes of a logged request line.
    pub logged_uri_len: usize,
    /// `tune.peers.max-updates-at-once`: updates of stick tables written to a peer in a row.
    pub peer_updates: u32,
    /// `tune.maxaccept`: connections accepted in a row by one listener.
    pub max_accept: u32,
    /// `tune.rcvbuf.*`, `tune.sndbuf.*` and `tune.notsent-lowat.*` of clients' and servers' connections.
    pub socket_buffers: SocketBuffers,
    /// `tune.idle-pool.shared`.
    pub idle_pool_shared: bool,
    /// `tune.h2.*`
    pub http2: Http2,
    /// `tune.pipesize`, in bytes, 0 for the system's.
    pub pipe_size: usize,
    /// `no splice`, `-dS`.
    pub no_splice: bool,
    /// `no reuseport`, `-dR`.
    pub no_reuseport: bool,
    /// `h1-case-adjust` and `h1-case-adjust-file`: lower-case name to the form to send.
    pub header_cases: Vec<(String, String)>,
    /// `h1-accept-payload-with-any-method`.
    pub accept_payload_with_any_method: bool,
    /// `h1-do-not-close-on-insecure-transfer-encoding`.
    pub keep_on_insecure_transfer_encoding: bool,
    /// `pp2-never-send-local`.
    pub never_send_local: bool,
    /// `stats socket`: the runtime API's listeners.
    pub stats_sockets: Vec<crate::bind::Bind>,
    /// `profiling.tasks`.
    pub profiling: Profiling,
    /// `stats-file`.
    pub stats_file: Option<Arc<str>>,
    /// `stats timeout`, in milliseconds.
    pub stats_timeout: u64,
    /// `stats maxconn`.
    pub stats_maxconn: u32,
    /// `unix-bind`: what Unix listeners start from.
    pub unix_bind: UnixBind,
    /// `fd-hard-limit`: descriptors used at most when the system allows more.
    pub fd_hard_limit: Option<u64>,
    /// `thread-hard-limit`: threads used at most when the machine has more.
    pub thread_hard_limit: Option<u32>,
    /// `anonkey`, 0 for none.
    pub anonymous_key: u32,
    /// `set-var` and `set-var-fmt`: variables of the process and their first values.
    pub variables: Vec<(expr::VarId, expr::Value<'static>)>,
    /// `set-dumpable`.
    pub dumpable: bool,
    /// `server-state-file`, `server-state-base` not yet put in front.
    pub state_file: Option<Arc<str>>,
    /// `server-state-base`.
    pub state_base: Option<Arc<str>>,
    /// `external-check`: whether programs may check servers.
    pub external_check: bool,
    /// `external-check preserve-env`.
    pub external_check_keeps_env: bool,
    /// `insecure-fork-wanted`, `insecure-setuid-wanted`.
    pub insecure: [bool; 2],
    /// `spread-checks`, in percent.
    pub spread_checks: u32,
    /// `max-spread-checks`, in milliseconds.
    pub max_spread_checks: Option<u64>,
    /// `localpeer`, `-L`.
    pub local_peer: Option<String>,
    /// `tune.stick-counters`: how many keys a session or a stream may track at once.
    pub stick_counters: usize,
    /// `http-err-codes`.
    pub http_errors: StatusSet,
    /// `http-fail-codes`.
    pub http_failures: StatusSet,
    /// `strict-limits`.
    pub strict_limits: bool,
    /// `expose-experimental-directives`, `expose-deprecated-directives`.
    pub exposes: [bool; 2],
    /// `zero-warning`, `-dW`.
    pub zero_warning: bool,
    /// `ssl-*`, `tune.ssl.*` and the base directories of certificates.
    pub tls: tls::settings::GlobalSettings,
}

/// `unix-bind`: what Unix listeners start from.
#[derive(Debug, Clone, Default)]
pub struct UnixBind {
    /// `prefix`: put in front of paths.
    pub prefix: Option<PathBuf>,
    /// `mode`.
    pub mode: Option<u32>,
    /// `uid` or `user`.
    pub uid: Option<u32>,
    /// `gid` or `group`.
    pub gid: Option<u32>,
}

/// Socket buffer sizes in bytes, 0 for the system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SocketBuffers {
    /// Of connections from clients.
    pub client: SocketSizes,
    /// Of connections to servers.
    pub server: SocketSizes,
}

/// What the system keeps for a connection, in bytes; 0 leaves it to the system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SocketSizes {
    /// `tune.rcvbuf.*`
    pub receive: usize,
    /// `tune.sndbuf.*`
    pub send: usize,
    /// `tune.notsent-lowat.*`: how much that can't be sent yet makes a connection count as full.
    pub unsent: usize,
}

/// How many bytes variables may take, 0 for any number. A scope's limit counts the scopes inside it as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VariableLimits {
    /// Everything (`global`).
    pub global: usize,
    /// The process' and everything inside, which is the same.
    pub process: usize,
    /// A health check's.
    pub check: usize,
    /// The session's, its transaction's and the message's.
    pub session: usize,
    /// The transaction's and the message's.
    pub transaction: usize,
    /// Those of a request or of a response.
    pub message: usize,
}

impl VariableLimits {
    /// What all variables together may take, in bytes.
    #[must_use]
    pub fn overall(&self) -> Option<usize> {
        let limits = [self.global, self.process];
        limits.into_iter().filter(|limit| *limit > 0).min()
    }
}

impl Default for Global {
    fn default() -> Self {
        Self {
            state_file: None,
            state_base: None,
            external_check: false,
            external_check_keeps_env: false,
            maxconn: None,
            max_rates: [0; 3],
            max_tls_connections: 0,
            dns_families: Default::default(),
            http_client: Default::default(),
            ocsp_updates: Default::default(),
            threads: None,
            cpu_map: Vec::new(),
            ulimit_n: None,
            daemon: false,
            quiet: false,
            master_worker: false,
            pidfile: None,
            chroot: None,
            uid: None,
            gid: None,
            capabilities: Vec::new(),
            node: None,
            description: None,
            hard_stop_after: None,
            grace: None,
            close_spread: CloseSpread::AtOnce,
            rejects_privileged_ports: false,
            logs: Vec::new(),
            log_tag: None,
            log_hostname: None,
            buffer_size: 16384,
            rewrite_reserve: 1024,
            max_headers: 101,
            http2: Http2::default(),
            captured_cookie_len: 63,
            logged_uri_len: 1024,
            peer_updates: 200,
            max_accept: 4,
            socket_buffers: SocketBuffers::default(),
            idle_pool_shared: true,
            pipe_size: 0,
            no_splice: false,
            no_reuseport: false,
            header_cases: Vec::new(),
            accept_payload_with_any_method: false,
            keep_on_insecure_transfer_encoding: false,
            never_send_local: false,
            stats_sockets: Vec::new(),
            profiling: Profiling::Off,
            stats_file: None,
            stats_timeout: 10_000,
            stats_maxconn: 10,
            unix_bind: UnixBind::default(),
            fd_hard_limit: None,
            thread_hard_limit: None,
            anonymous_key: 0,
            variables: Vec::new(),
            dumpable: false,
            insecure: [false; 2],
            spread_checks: 0,
            max_spread_checks: None,
            local_peer: None,
            stick_counters: 3,
            http_errors: StatusSet::errors(),
            http_failures: StatusSet::failures(),
            strict_limits: true,
            exposes: [false; 2],
            zero_warning: false,
            variable_limits: VariableLimits::default(),
            tls: tls::settings::GlobalSettings::default(),
        }
    }
}

/// `tune.h2.*` and their like: what is kept to on HTTP/2 connections.
#[derive(Debug, Clone, Copy)]
pub struct Http2 {
    /// Clients' connections (`tune.h2.fe.*`).
    pub clients: Http2Side,
    /// Servers' connections (`tune.h2.be.*`).
    pub servers: Http2Side,
    /// What holds for a side that says nothing of its own.
    pub common: Http2Side,
    /// `tune.h2.fe.max-total-streams`, 0 for any number.
    pub max_total_streams: u32,
    /// `tune.h2.header-table-size`, in bytes.
    pub header_table: u32,
    /// `tune.h2.max-frame-size`, in bytes.
    pub max_frame: u32,
    /// `h2-workaround-bogus-websocket-clients`: nobody is told that WebSockets can be had.
    pub hides_websockets: bool,
}

impl Default for Http2 {
    fn default() -> Self {
        Self {
            clients: Http2Side::default(),
            servers: Http2Side::default(),
            common: Http2Side::default(),
            max_total_streams: 0,
            header_table: 4096,
            max_frame: 16_384,
            hides_websockets: false,
        }
    }
}

/// What a configuration says of one side's connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct Http2Side {
    /// `initial-window-size`, in bytes.
    pub initial_window: Option<u32>,
    /// `rxbuf`, in bytes.
    pub stream_window: Option<u32>,
    /// `max-concurrent-streams`
    pub max_streams: Option<u32>,
    /// `glitches-threshold`, 0 for none.
    pub max_glitches: Option<u32>,
}

/// The figures in force for one side's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2Limits {
    /// How much a stream may receive at first, in bytes.
    pub initial_window: u32,
    /// How much a stream may receive at once when its body goes on, in bytes.
    pub stream_window: u32,
    /// How many streams may be open at a time.
    pub max_streams: u32,
    /// How many oddities are put up with, 0 for any number.
    pub max_glitches: u32,
}

impl Http2 {
    /// The figures for clients' connections.
    #[must_use]
    pub fn of_clients(&self) -> Http2Limits {
        self.clients.or(&self.common)
    }

    /// The figures for servers' connections.
    #[must_use]
    pub fn of_servers(&self) -> Http2Limits {
        self.servers.or(&self.common)
    }
}

impl Http2Side {
    fn or(&self, common: &Self) -> Http2Limits {
        let pick =
            |own: Option<u32>, common: Option<u32>, default| own.or(common).unwrap_or(default);
        Http2Limits {
            initial_window: pick(self.initial_window, common.initial_window, 16_384),
            stream_window: pick(self.stream_window, common.stream_window, 1_638_400),
            max_streams: pick(self.max_streams, common.max_streams, 100),
            max_glitches: pick(self.max_glitches, common.max_glitches, 0),
        }
    }
}
