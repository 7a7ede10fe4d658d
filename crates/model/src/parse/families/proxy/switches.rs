//! The options that are only on or off.

use crate::parse::Valid;
use crate::proxy::Options;

/// An option that is only on or off.
pub struct OptionRow {
    /// Its name.
    pub name: &'static str,
    /// Its bit.
    pub bit: Options,
    /// Where it is valid.
    pub valid: Valid,
    /// Whether it does nothing outside of HTTP mode.
    pub http_only: bool,
    /// Why it changes nothing here, if it does not.
    pub holds: Option<&'static str>,
    /// One line of documentation.
    pub doc: &'static str,
}

const fn plain(name: &'static str, bit: Options, valid: Valid, doc: &'static str) -> OptionRow {
    OptionRow {
        name,
        bit,
        valid,
        http_only: false,
        holds: None,
        doc,
    }
}

const fn http(name: &'static str, bit: Options, valid: Valid, doc: &'static str) -> OptionRow {
    OptionRow {
        name,
        bit,
        valid,
        http_only: true,
        holds: None,
        doc,
    }
}

const fn holding(row: OptionRow, reason: &'static str) -> OptionRow {
    OptionRow {
        holds: Some(reason),
        ..row
    }
}

const SPLICED: &str = "bodies that nothing looks into are spliced anyway";

/// The options that are only on or off.
pub const SWITCHES: &[OptionRow] = &[
    plain(
        "abortonclose",
        Options::ABORT_ON_CLOSE,
        Valid::ALL,
        "Give up queued requests of clients that left.",
    ),
    http(
        "accept-unsafe-violations-in-http-request",
        Options::UNSAFE_REQUEST,
        Valid::FE_DEF,
        "Take requests that break the rules.",
    ),
    http(
        "accept-unsafe-violations-in-http-response",
        Options::UNSAFE_RESPONSE,
        Valid::BE_DEF,
        "Take responses that break the rules.",
    ),
    plain(
        "allbackups",
        Options::ALL_BACKUPS,
        Valid::BE_DEF,
        "Balance over all backup servers.",
    ),
    http(
        "checkcache",
        Options::CHECK_CACHE,
        Valid::BE_DEF,
        "No cookies in responses that caches may keep.",
    ),
    plain(
        "clitcpka",
        Options::CLIENT_KEEPALIVE,
        Valid::FE_DEF,
        "TCP keep-alive probes to clients.",
    ),
    holding(
        plain(
            "contstats",
            Options::CONTINUOUS_STATS,
            Valid::FE_DEF,
            "Update traffic counters while transfers last.",
        ),
        "traffic is counted when a stream ends",
    ),
    http(
        "disable-h2-upgrade",
        Options::NO_H2_UPGRADE,
        Valid::FE_DEF,
        "No upgrade from HTTP/1 to HTTP/2.",
    ),
    plain(
        "dontlog-normal",
        Options::DONT_LOG_NORMAL,
        Valid::FE_DEF,
        "Log only what went wrong.",
    ),
    plain(
        "dontlognull",
        Options::DONT_LOG_NULL,
        Valid::FE_DEF,
        "Don't log connections without data.",
    ),
    plain(
        "h1-case-adjust-bogus-client",
        Options::ADJUST_CLIENT_CASE,
        Valid::FE_DEF,
        "Restore header case for clients.",
    ),
    plain(
        "h1-case-adjust-bogus-server",
        Options::ADJUST_SERVER_CASE,
        Valid::BE_DEF,
        "Restore header case for servers.",
    ),
    http(
        "http-buffer-request",
        Options::BUFFER_REQUEST,
        Valid::ALL,
        "Wait for the request's body.",
    ),
    http(
        "http-drop-request-trailers",
        Options::DROP_REQUEST_TRAILERS,
        Valid::BE_DEF,
        "Don't pass on request trailers.",
    ),
    http(
        "http-drop-response-trailers",
        Options::DROP_RESPONSE_TRAILERS,
        Valid::FE_DEF,
        "Don't pass on response trailers.",
    ),
    http(
        "http-ignore-probes",
        Options::IGNORE_PROBES,
        Valid::FE_DEF,
        "No answer to browsers' idle connections.",
    ),
    holding(
        http(
            "http-no-delay",
            Options::NO_DELAY,
            Valid::ALL,
            "Send every piece of a body at once.",
        ),
        "pieces of a body are never held back here",
    ),
    http(
        "http-pretend-keepalive",
        Options::PRETEND_KEEPALIVE,
        Valid::BE_DEF,
        "Announce keep-alive to servers that are closed.",
    ),
    http(
        "http-use-proxy-header",
        Options::PROXY_HEADERS,
        Valid::FE_DEF,
        "Requests to a proxy authenticate as to a proxy.",
    ),
    http(
        "idle-close-on-response",
        Options::IDLE_CLOSE_ON_RESPONSE,
        Valid::FE_DEF,
        "Close idle clients only with a response when stopping.",
    ),
    plain(
        "independent-streams",
        Options::INDEPENDENT,
        Valid::ALL,
        "Sending does not count as activity of who should send.",
    ),
    plain(
        "log-health-checks",
        Options::LOG_HEALTH_CHECKS,
        Valid::BE_DEF,
        "Log every change of a check's result.",
    ),
    plain(
        "log-separate-errors",
        Options::LOG_SEPARATE_ERRORS,
        Valid::FE_DEF,
        "Log errors at level err.",
    ),
    plain(
        "logasap",
        Options::LOG_ASAP,
        Valid::FE_DEF,
        "Log before the end of the transfer.",
    ),
    plain(
        "nolinger",
        Options::NO_LINGER,
        Valid::ALL,
        "Close with a reset.",
    ),
    plain(
        "persist",
        Options::PERSIST,
        Valid::BE_DEF,
        "Clients get their server even if it is down.",
    ),
    http(
        "prefer-last-server",
        Options::PREFER_LAST_SERVER,
        Valid::BE_DEF,
        "Stay with a client's last server.",
    ),
    plain(
        "socket-stats",
        Options::SOCKET_STATS,
        Valid::FE_DEF,
        "Count for each listening address.",
    ),
    holding(
        plain(
            "splice-auto",
            Options::SPLICE_AUTO,
            Valid::ALL,
            "Splice where it pays.",
        ),
        SPLICED,
    ),
    holding(
        plain(
            "splice-request",
            Options::SPLICE_REQUEST,
            Valid::ALL,
            "Splice requests.",
        ),
        SPLICED,
    ),
    holding(
        plain(
            "splice-response",
            Options::SPLICE_RESPONSE,
            Valid::ALL,
            "Splice responses.",
        ),
        SPLICED,
    ),
    plain(
        "srvtcpka",
        Options::SERVER_KEEPALIVE,
        Valid::BE_DEF,
        "TCP keep-alive probes to servers.",
    ),
    plain(
        "tcp-smart-accept",
        Options::SMART_ACCEPT,
        Valid::FE_DEF,
        "No immediate ACK of a connection.",
    ),
    plain(
        "tcp-smart-connect",
        Options::SMART_CONNECT,
        Valid::BE_DEF,
        "No ACK before the data when connecting.",
    ),
    plain(
        "transparent",
        Options::TRANSPARENT,
        Valid::BE_DEF,
        "Deprecated: forward to the original destination.",
    ),
];
