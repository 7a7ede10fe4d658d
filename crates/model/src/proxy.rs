//! Proxies: frontends, backends, listens and defaults.

use crate::bandwidth::Limiter;
use crate::bind::Bind;
use crate::check::{CheckScript, ExternalCheck};
use crate::errors::ErrorPages;
use crate::log::ProxyLog;
use crate::persistence::{Cookie, PersistRule, StickRule};
use crate::rules::RuleLists;
use crate::server::{Server, ServerDraft, SourceBinding};
use base::{ProxyIdx, ServerIdx};
use expr::{Condition, Expr, logformat::LogFormat};
use std::sync::Arc;

/// What a proxy section can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// It accepts connections.
    pub front: bool,
    /// It has servers.
    pub back: bool,
    /// It is a `defaults` section.
    pub defaults: bool,
}

impl Caps {
    /// A `frontend`.
    pub const FRONTEND: Self = Self {
        front: true,
        back: false,
        defaults: false,
    };
    /// A `backend`.
    pub const BACKEND: Self = Self {
        front: false,
        back: true,
        defaults: false,
    };
    /// A `listen`.
    pub const LISTEN: Self = Self {
        front: true,
        back: true,
        defaults: false,
    };
    /// A `defaults` section, which takes what any of the others takes.
    pub const DEFAULTS: Self = Self {
        front: true,
        back: true,
        defaults: true,
    };

    /// The section keyword, for messages.
    #[must_use]
    pub fn section(self) -> &'static str {
        match (self.defaults, self.front, self.back) {
            (true, ..) => "defaults",
            (_, true, true) => "proxy",
            (_, true, false) => "frontend",
            _ => "backend",
        }
    }
}

/// `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Bytes both ways.
    #[default]
    Tcp,
    /// HTTP.
    Http,
    /// Log messages.
    Log,
}

impl Mode {
    /// The keyword's argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Http => "http",
            Self::Log => "log",
        }
    }
}

/// The timeouts of a proxy in milliseconds; `None` waits for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timeouts {
    /// `timeout client`.
    pub client: Option<u64>,
    /// `timeout client-fin`.
    pub client_fin: Option<u64>,
    /// `timeout client-hs`.
    pub handshake: Option<u64>,
    /// `timeout http-request`.
    pub http_request: Option<u64>,
    /// `timeout http-keep-alive`.
    pub keep_alive: Option<u64>,
    /// `timeout connect`.
    pub connect: Option<u64>,
    /// `timeout queue`.
    pub queue: Option<u64>,
    /// `timeout server`.
    pub server: Option<u64>,
    /// `timeout server-fin`.
    pub server_fin: Option<u64>,
    /// `timeout tunnel`.
    pub tunnel: Option<u64>,
    /// `timeout tarpit`.
    pub tarpit: Option<u64>,
    /// `timeout check`.
    pub check: Option<u64>,
}

/// How connections are closed after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CloseMode {
    /// `option http-keep-alive`.
    #[default]
    KeepAlive,
    /// `option http-server-close`.
    ServerClose,
    /// `option httpclose`.
    Close,
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident = $bit:expr;)*) => {
        /// On/off options of a proxy, one bit each.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Options(u64);

        impl Options {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*

            /// Whether every option of `wanted` is on.
            #[must_use]
            pub fn has(self, wanted: Self) -> bool {
                self.0 & wanted.0 == wanted.0
            }

            /// Switches the options of `which`.
            pub fn set(&mut self, which: Self, on: bool) {
                self.0 = if on { self.0 | which.0 } else { self.0 & !which.0 };
            }
        }
    };
}

options! {
    /// `abortonclose`
    ABORT_ON_CLOSE = 0;
    /// `accept-unsafe-violations-in-http-request`
    UNSAFE_REQUEST = 1;
    /// `accept-unsafe-violations-in-http-response`
    UNSAFE_RESPONSE = 2;
    /// `allbackups`
    ALL_BACKUPS = 3;
    /// `checkcache`
    CHECK_CACHE = 18;
    /// `clitcpka`
    CLIENT_KEEPALIVE = 5;
    /// `contstats`
    CONTINUOUS_STATS = 6;
    /// `disable-h2-upgrade`
    NO_H2_UPGRADE = 7;
    /// `dontlog-normal`
    DONT_LOG_NORMAL = 8;
    /// `dontlognull`
    DONT_LOG_NULL = 9;
    /// `h1-case-adjust-bogus-client`
    ADJUST_CLIENT_CASE = 10;
    /// `h1-case-adjust-bogus-server`
    ADJUST_SERVER_CASE = 11;
    /// `http-buffer-request`
    BUFFER_REQUEST = 12;
    /// `http-drop-request-trailers`
    DROP_REQUEST_TRAILERS = 13;
    /// `http-drop-response-trailers`
    DROP_RESPONSE_TRAILERS = 14;
    /// `http-ignore-probes`
    IGNORE_PROBES = 15;
    /// `http-no-delay`
    NO_DELAY = 16;
    /// `http-pretend-keepalive`
    PRETEND_KEEPALIVE = 17;
    /// `http-use-proxy-header`
    PROXY_HEADERS = 27;
    /// `idle-close-on-response`
    IDLE_CLOSE_ON_RESPONSE = 19;
    /// `independent-streams`
    INDEPENDENT = 20;
    /// `log-health-checks`
    LOG_HEALTH_CHECKS = 21;
    /// `log-separate-errors`
    LOG_SEPARATE_ERRORS = 22;
    /// `logasap`
    LOG_ASAP = 23;
    /// `nolinger`
    NO_LINGER = 24;
    /// `persist`
    PERSIST = 4;
    /// `prefer-last-server`
    PREFER_LAST_SERVER = 26;
    /// `splice-auto`
    SPLICE_AUTO = 28;
    /// `splice-request`
    SPLICE_REQUEST = 29;
    /// `splice-response`
    SPLICE_RESPONSE = 30;
    /// `srvtcpka`
    SERVER_KEEPALIVE = 31;
    /// `tcp-smart-accept`
    SMART_ACCEPT = 32;
    /// `tcp-smart-connect`
    SMART_CONNECT = 33;
    /// `socket-stats`
    SOCKET_STATS = 36;
    /// `transparent`
    TRANSPARENT = 25;
    /// `no option abortonclose`: not even by the default of HTTP backends
    NO_ABORT_ON_CLOSE = 35;
}

/// `option forwardfor` and `option originalto`.
#[derive(Debug, Clone)]
pub struct ForwardHeader {
    /// The header to add.
    pub name: Arc<str>,
    /// `except`: networks of addresses that are not added.
    pub except: Option<(std::net::IpAddr, u8)>,
    /// `if-none`: only when the header is not there yet.
    pub if_none: bool,
}

/// TCP keep-alive probes: `*tcpka-cnt`, `-idle` and `-intvl` (seconds).
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepAliveProbe {
    /// Probes before giving up.
    pub count: Option<u32>,
    /// Idle time before the first probe, in seconds.
    pub idle: Option<u32>,
    /// Time between probes, in seconds.
    pub interval: Option<u32>,
}

/// A `capture request header` or `capture response header` slot.
#[derive(Debug, Clone)]
pub struct HeaderCapture {
    /// The lower-case header name; empty for a slot of `declare capture`.
    pub name: Arc<str>,
    /// Bytes kept.
    pub len: usize,
}

/// `capture cookie`.
#[derive(Debug, Clone)]
pub struct CookieCapture {
    /// What the text of the cookie (`name=value`) begins with.
    pub name: Arc<str>,
    /// Bytes kept.
    pub len: usize,
}

/// Where a `use_backend` rule leads.
#[derive(Debug, Clone)]
pub enum SwitchTarget {
    /// A backend by its place, resolved when the configuration was read.
    Static(ProxyIdx),
    /// A backend by a name made at run time.
    Dynamic(Arc<LogFormat>),
}

/// A `use_backend` rule.
#[derive(Debug, Clone)]
pub struct SwitchRule {
    /// Where it leads.
    pub target: SwitchTarget,
    /// When it applies.
    pub condition: Option<Arc<Condition>>,
}

/// A `use-server` rule.
#[derive(Debug, Clone)]
pub struct UseServerRule {
    /// The server, or a name made at run time.
    pub target: Result<ServerIdx, Arc<LogFormat>>,
    /// When it applies.
    pub condition: Option<Arc<Condition>>,
}

/// `balance`.
#[derive(Debug, Clone)]
pub enum Algorithm {
    /// `roundrobin`
    RoundRobin,
    /// `static-rr`
    StaticRoundRobin,
    /// `leastconn`
    LeastConn,
    /// `first`
    First,
    /// `random(draws)`
    Random(u32),
    /// `sticky`
    Sticky,
    /// By the hash of a key.
    Hash(HashKey),
}

/// What a hash algorithm hashes of a stream.
#[derive(Debug, Clone)]
pub enum HashKey {
    /// `source`: the client's address.
    Source,
    /// `uri`: the request target.
    Uri {
        /// The part of it.
        part: balance::hash::UriKey,
        /// `path-only`: from the path on, without scheme and authority.
        path_only: bool,
    },
    /// `url_param`: a parameter of the query string, or of a POST request's body.
    UrlParam {
        /// Its name.
        name: Arc<str>,
        /// `check_post`: bodies are waited for.
        check_post: bool,
    },
    /// `hdr(name)`: the first value of a header.
    Header {
        /// Its name in lower case.
        name: Arc<str>,
        /// `use_domain_only`.
        domain_only: bool,
    },
    /// `rdp-cookie`: this fetch.
    RdpCookie(Arc<Expr>),
    /// `hash`: any expression.
    Expr(Arc<Expr>),
    /// `log-hash`: converters of a log message, behind a fetch that yields it.
    Log(Arc<Expr>),
}

impl HashKey {
    /// The algorithm's keyword.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Uri { .. } => "uri",
            Self::UrlParam { .. } => "url_param",
            Self::Header { .. } => "hdr",
            Self::RdpCookie(_) => "rdp-cookie",
            Self::Expr(_) => "hash",
            Self::Log(_) => "log-hash",
        }
    }

    /// Whether only HTTP requests have such a key.
    #[must_use]
    pub fn needs_http(&self) -> bool {
        matches!(
            self,
            Self::Uri { .. } | Self::UrlParam { .. } | Self::Header { .. }
        )
    }
}

/// `hash-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HashType {
    /// `consistent` rather than `map-based`.
    pub consistent: bool,
    /// The function.
    pub function: balance::hash::Function,
    /// `avalanche`.
    pub avalanche: bool,
}

/// `balance` with its parameters.
#[derive(Debug, Clone)]
pub struct BalanceSettings {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// `hash-type`.
    pub hash_type: HashType,
    /// `hash-balance-factor` in percent, 0 for none.
    pub factor: u32,
    /// `hash-preserve-affinity`.
    pub affinity: Affinity,
}

/// `hash-preserve-affinity`: when a hash algorithm passes over the server that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Affinity {
    /// `always`: never.
    #[default]
    Always,
    /// `maxconn`: while it has as many connections as it may have.
    Maxconn,
    /// `maxqueue`: while its queue is full.
    Maxqueue,
}

/// `http-reuse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// `never`
    Never,
    /// `safe`
    #[default]
    Safe,
    /// `aggressive`
    Aggressive,
    /// `always`
    Always,
}

/// What a proxy does as a frontend.
#[derive(Debug, Clone, Default)]
pub struct Frontend {
    /// `bind` lines.
    pub binds: Vec<Arc<Bind>>,
    /// `maxconn`, 0 for the process' limit.
    pub maxconn: u32,
    /// `backlog`, 0 for a figure from `maxconn`.
    pub backlog: u32,
    /// `rate-limit sessions`, 0 for none.
    pub session_rate_limit: u32,
    /// `default_backend` as written, then resolved.
    pub default_backend: Option<Arc<str>>,
    /// The same, resolved.
    pub default_backend_idx: Option<ProxyIdx>,
    /// `use_backend`, in order.
    pub switch_rules: Vec<SwitchRule>,
    /// `force-be-switch` conditions.
    pub force_switch: Vec<Arc<Condition>>,
    /// `monitor-uri`.
    pub monitor_uri: Option<Arc<str>>,
    /// `monitor fail` conditions.
    pub monitor_fail: Vec<Arc<Condition>>,
    /// `capture request header`.
    pub request_captures: Vec<HeaderCapture>,
    /// `capture response header`.
    pub response_captures: Vec<HeaderCapture>,
    /// `capture cookie`.
    pub cookie_capture: Option<CookieCapture>,
    /// `unique-id-format`.
    pub unique_id: Option<Arc<LogFormat>>,
    /// `unique-id-header`.
    pub unique_id_header: Option<Arc<str>>,
    /// `clitcpka-*`.
    pub keepalive_probe: KeepAliveProbe,
    /// `http-restrict-req-hdr-names` of this proxy, be it a frontend or a backend (`None`: by mode).
    pub restrict_names: Option<RestrictNames>,
}

/// `option http-restrict-req-hdr-names`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestrictNames {
    /// Leave them.
    Preserve,
    /// Remove headers with other characters than letters, digits and hyphens.
    Delete,
    /// Refuse the request with 403.
    Reject,
}

/// What a proxy does as a backend.
#[derive(Debug, Clone)]
pub struct Backend {
    /// `server` lines and what `server-template` makes.
    pub servers: Vec<Arc<Server>>,
    /// `default-server`.
    pub default_server: ServerDraft,
    /// `balance`.
    pub balance: BalanceSettings,
    /// Whether a line says how to balance.
    pub balance_given: bool,
    /// Where requests go that are meant for no server, in place of balancing (`dispatch`, `option transparent`).
    pub direct: Option<Arc<Server>>,
    /// `fullconn`; 0 derives it from the frontends.
    pub fullconn: u32,
    /// `retries`.
    pub retries: u32,
    /// `option redispatch`: `None` off, `Some(n)` with its interval (-1 only on the last try).
    pub redispatch: Option<i32>,
    /// `retry-on`: bits of [`RetryOn`].
    pub retry_on: RetryOn,
    /// `http-reuse`.
    pub reuse: Reuse,
    /// `source`.
    pub source: Option<Arc<SourceBinding>>,
    /// `use-server`, in order.
    pub use_server: Vec<UseServerRule>,
    /// `stick` rules, in order.
    pub stick: Vec<StickRule>,
    /// `cookie`.
    pub cookie: Option<Arc<Cookie>>,
    /// `dynamic-cookie-key`.
    pub dynamic_cookie_key: Option<Arc<str>>,
    /// `force-persist` and `ignore-persist`, in order.
    pub persist: Vec<PersistRule>,
    /// `persist rdp-cookie`: this fetch.
    pub persist_rdp: Option<Arc<Expr>>,
    /// `http-send-name-header`: header to carry the server's name.
    pub send_name_header: Option<Arc<str>>,
    /// `srvtcpka-*`.
    pub keepalive_probe: KeepAliveProbe,
    /// `max-keep-alive-queue`; negative for no limit.
    pub max_keep_alive_queue: i32,
    /// What health checks do.
    pub check: Arc<CheckScript>,
    /// `http-check disable-on-404`.
    pub disable_on_404: bool,
    /// `external-check`.
    pub external_check: ExternalCheck,
    /// `load-server-state-from-file`.
    pub state_source: StateSource,
    /// `server-state-file-name`; the backend's name without it.
    pub state_file: Option<Arc<str>>,
}

/// `load-server-state-from-file`: where servers' states at the start come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateSource {
    /// `none`.
    #[default]
    Nothing,
    /// `global`: the file of the whole configuration.
    Global,
    /// `local`: a file of the backend's own.
    Local,
}

/// `retry-on` events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOn {
    /// Failure to connect.
    pub connection_failure: bool,
    /// The server closed without answering.
    pub empty_response: bool,
    /// The answer was not HTTP.
    pub junk_response: bool,
    /// `timeout server` before an answer.
    pub response_timeout: bool,
    /// A 0-RTT request was refused.
    pub zero_rtt_rejected: bool,
    /// These statuses, as bits in the order of [`RetryOn::STATUSES`].
    pub statuses: u16,
}

impl RetryOn {
    /// The statuses that can be retried on.
    pub const STATUSES: [u16; 12] = [401, 403, 404, 408, 421, 425, 429, 500, 501, 502, 503, 504];

    /// `conn-failure` alone, the default.
    pub const DEFAULT: Self = Self {
        connection_failure: true,
        empty_response: false,
        junk_response: false,
        response_timeout: false,
        zero_rtt_rejected: false,
        statuses: 0,
    };

    /// Whether anything after the connection is retried, so that the request has to be kept.
    #[must_use]
    pub fn needs_request(&self) -> bool {
        self.empty_response
            || self.junk_response
            || self.response_timeout
            || self.zero_rtt_rejected
            || self.statuses != 0
    }
}

/// One proxy section.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its place in the snapshot.
    pub idx: ProxyIdx,
    /// Its name.
    pub name: Arc<str>,
    /// Its numeric id.
    pub id: u32,
    /// Whether the configuration gives the id.
    pub id_given: bool,
    /// `guid`.
    pub guid: Option<Arc<str>>,
    /// Where the section begins.
    pub origin: (Arc<str>, u32),
    /// What it can do.
    pub caps: Caps,
    /// The name of the `defaults` section it started from.
    pub defaults_name: Option<Arc<str>>,
    /// `mode`.
    pub mode: Mode,
    /// Whether a line set it.
    pub mode_given: bool,
    /// `disabled`.
    pub disabled: bool,
    /// `description`.
    pub description: Option<Arc<str>>,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// On/off options.
    pub options: Options,
    /// How connections are closed.
    pub close_mode: CloseMode,
    /// `option forwardfor`.
    pub forward_for: Option<Arc<ForwardHeader>>,
    /// `option originalto`.
    pub original_to: Option<Arc<ForwardHeader>>,
    /// Error pages.
    pub errors: Arc<ErrorPages>,
    /// Rules; those of the `defaults` section come first.
    pub rules: RuleLists,
    /// Limits for bytes that rules put on streams, in the order in which they hold.
    pub limiters: Vec<Arc<Limiter>>,
    /// Logging.
    pub log: ProxyLog,
    /// The statistics page.
    pub stats: Option<crate::StatsPage>,
    /// The frontend's part.
    pub front: Frontend,
    /// The backend's part.
    pub back: Backend,
    /// Expressions that only some features use, by name of the feature (`option forwarded` parts).
    pub forwarded: Option<Arc<Forwarded>>,
}

/// `option forwarded` (RFC 7239).
#[derive(Debug, Default)]
pub struct Forwarded {
    /// `proto`.
    pub proto: bool,
    /// `host` or `host-expr`: the request's own without an expression.
    pub host: Option<Option<Expr>>,
    /// `by`/`by-expr`: the destination address without an expression.
    pub by: Option<Option<Expr>>,
    /// `by_port`/`by_port-expr`.
    pub by_port: Option<Option<Expr>>,
    /// `for`/`for-expr`.
    pub for_: Option<Option<Expr>>,
    /// `for_port`/`for_port-expr`.
    pub for_port: Option<Option<Expr>>,
}

impl Proxy {
    /// A proxy with everything at its default, as an empty anonymous `defaults` section leaves it.
    #[must_use]
    pub fn new(name: Arc<str>, caps: Caps, origin: (Arc<str>, u32)) -> Self {
        Self {
            idx: ProxyIdx(0),
            name,
            id: 0,
            id_given: false,
            guid: None,
            origin,
            caps,
            defaults_name: None,
            mode: Mode::Tcp,
            mode_given: false,
            disabled: false,
            description: None,
            timeouts: Timeouts::default(),
            options: Options::default(),
            close_mode: CloseMode::KeepAlive,
            forward_for: None,
            original_to: None,
            errors: Arc::default(),
            rules: RuleLists::default(),
            limiters: Vec::new(),
            log: ProxyLog::default(),
            stats: None,
            front: Frontend::default(),
            back: Backend::default(),
            forwarded: None,
        }
    }
}

impl Default for Backend {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            default_server: ServerDraft::default(),
            balance: BalanceSettings {
                algorithm: Algorithm::Random(2),
                hash_type: HashType::default(),
                factor: 0,
                affinity: Affinity::Always,
            },
            balance_given: false,
            direct: None,
            fullconn: 0,
            retries: 3,
            redispatch: None,
            retry_on: RetryOn::DEFAULT,
            reuse: Reuse::Safe,
            source: None,
            use_server: Vec::new(),
            stick: Vec::new(),
            cookie: None,
            dynamic_cookie_key: None,
            persist: Vec::new(),
            persist_rdp: None,
            send_name_header: None,
            keepalive_probe: KeepAliveProbe::default(),
            max_keep_alive_queue: -1,
            check: Arc::new(CheckScript::connection()),
            disable_on_404: false,
            external_check: ExternalCheck::default(),
            state_source: StateSource::Nothing,
            state_file: None,
        }
    }
}
