//! What each kind of row says.

use super::server::address;
use super::{Row, Subject};
use crate::command::Level;
use engine::clock;
use engine::proxy::{Listening, ProxyRuntime};
use engine::runtime::Runtime;
use model::live::tally::{Span, Tally};
use model::live::{Counters, ListenerState};
use model::{Address, Algorithm, Bind, Mode};
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

pub(super) fn begin(subject: Subject, proxy: &ProxyRuntime, name: &str, id: u32) -> Row {
    let mut row = Row::new(subject, (proxy.config.id, id));
    row.text("pxname", &*proxy.config.name);
    row.text("svname", name);
    row.u32("pid", 1);
    row.u32("iid", proxy.config.id);
    row.u32("sid", id);
    row.u32("type", subject.number());
    row.text("mode", proxy.config.mode.name());
    row
}

pub(super) fn is_http(proxy: &ProxyRuntime) -> bool {
    proxy.config.mode == Mode::Http
}

type Columns<'a> = &'a [(&'a str, Tally)];

fn tallies(row: &mut Row, counters: &Counters, columns: Columns<'_>) {
    for (column, what) in columns {
        row.u64(column, counters.tallies.get(*what));
    }
}

const COMMON: Columns<'static> = &[
    ("bin", Tally::BytesIn),
    ("bout", Tally::BytesOut),
    ("wrew", Tally::FailedRewrites),
    ("eint", Tally::InternalErrors),
    ("reqbin", Tally::RequestIn),
    ("reqbout", Tally::RequestOut),
    ("resbin", Tally::ResponseIn),
    ("resbout", Tally::ResponseOut),
];

const TLS: Columns<'static> = &[
    ("ssl_sess", Tally::TlsSessions),
    ("ssl_reused_sess", Tally::TlsResumed),
    ("ssl_failed_handshake", Tally::TlsFailed),
    ("ssl_ocsp_staple", Tally::TlsStapled),
    ("ssl_failed_ocsp_staple", Tally::TlsStapleFailed),
];

/// What all kinds of rows count.
pub(super) fn common(row: &mut Row, counters: &Counters) {
    row.u32("scur", counters.connections.now());
    row.u32("smax", counters.connections.max());
    tallies(row, counters, COMMON);
    tallies(row, counters, TLS);
}

/// What all but listeners count.
pub(super) fn traffic(row: &mut Row, counters: &Counters, http: bool) {
    row.u32("rate", counters.session_rate.read(clock::now_ms()));
    row.u32("rate_max", counters.session_rate.max());
    if http {
        let columns = [
            ("hrsp_1xx", Tally::Status1),
            ("hrsp_2xx", Tally::Status2),
            ("hrsp_3xx", Tally::Status3),
            ("hrsp_4xx", Tally::Status4),
            ("hrsp_5xx", Tally::Status5),
            ("hrsp_other", Tally::StatusOther),
        ];
        tallies(row, counters, &columns);
    }
}

/// What backends and servers count.
pub(super) fn serving(row: &mut Row, counters: &Counters) {
    row.u64("stot", load(&counters.total));
    row.u64("dresp", load(&counters.denied_responses));
    row.u64("econ", load(&counters.connection_errors));
    row.u64("eresp", load(&counters.response_errors));
    row.u64("wretr", load(&counters.retries));
    row.u64("wredis", load(&counters.redispatches));
    row.u64("lbtot", load(&counters.balanced));
    row.u64("cli_abrt", load(&counters.aborts[0]));
    row.u64("srv_abrt", load(&counters.aborts[1]));
    let connections = [("connect", Tally::Connects), ("reuse", Tally::Reuses)];
    tallies(row, counters, &connections);
    let last = counters.last_session.age_ms(clock::now_ms());
    let last = last.map_or(-1, |ms| i32::try_from(ms / 1000).unwrap_or(i32::MAX));
    row.set("lastsess", super::Value::S32(last));
    for (mean, longest, span) in [
        ("qtime", "qtime_max", Span::Queue),
        ("ctime", "ctime_max", Span::Connect),
        ("rtime", "rtime_max", Span::Response),
        ("ttime", "ttime_max", Span::Total),
    ] {
        let narrow = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        row.u32(mean, narrow(counters.tallies.mean(span)));
        row.u32(longest, narrow(counters.tallies.longest(span)));
    }
}

/// What frontends and backends count of protocols, of compression and of caches.
fn protocols(row: &mut Row, counters: &Counters, http: bool) {
    const COMPRESSION: Columns<'static> = &[
        ("comp_in", Tally::CompressionIn),
        ("comp_out", Tally::CompressionOut),
        ("comp_byp", Tally::CompressionBypassed),
        ("comp_rsp", Tally::CompressedResponses),
    ];
    const CACHE: Columns<'static> = &[
        ("cache_lookups", Tally::CacheLookups),
        ("cache_hits", Tally::CacheHits),
    ];
    const MUXES: Columns<'static> = &[
        ("h2_headers_rcvd", Tally::H2Headers),
        ("h2_data_rcvd", Tally::H2Data),
        ("h2_settings_rcvd", Tally::H2Settings),
        ("h2_rst_stream_rcvd", Tally::H2Reset),
        ("h2_goaway_rcvd", Tally::H2GoAway),
        (
            "h2_detected_conn_protocol_errors",
            Tally::H2ConnectionErrors,
        ),
        ("h2_detected_strm_protocol_errors", Tally::H2StreamErrors),
        ("h2_rst_stream_resp", Tally::H2ResetSent),
        ("h2_goaway_resp", Tally::H2GoAwaySent),
        ("h2_total_connections", Tally::H2Opened),
        ("h2_backend_total_streams", Tally::H2Begun),
        ("h1_total_connections", Tally::H1Opened),
        ("h1_total_streams", Tally::H1Begun),
        ("h1_bytes_in", Tally::H1In),
        ("h1_bytes_out", Tally::H1Out),
        ("h1_spliced_bytes_in", Tally::H1SplicedIn),
        ("h1_spliced_bytes_out", Tally::H1SplicedOut),
    ];
    tallies(row, counters, COMPRESSION);
    if http {
        tallies(row, counters, CACHE);
    }
    row.no_events();
    tallies(row, counters, MUXES);
    for (column, begun, ended) in [
        ("h2_open_connections", Tally::H2Opened, Tally::H2Closed),
        ("h2_backend_open_streams", Tally::H2Begun, Tally::H2Ended),
        ("h1_open_connections", Tally::H1Opened, Tally::H1Closed),
        ("h1_open_streams", Tally::H1Begun, Tally::H1Ended),
    ] {
        let ended = counters.tallies.get(ended);
        row.u64(column, counters.tallies.get(begun).saturating_sub(ended));
    }
}

/// What frontends and listeners count: connections, and what came of them.
fn accepting(row: &mut Row, counters: &Counters) {
    let total = load(&counters.total);
    let denied = counters.tallies.get(Tally::DeniedConnections);
    let refused = counters.tallies.get(Tally::DeniedSessions);
    row.u64("stot", total.saturating_sub(denied + refused));
    row.u64("conn_tot", total);
    row.u64("dcon", denied);
    row.u64("dses", refused);
    row.u64("dreq", load(&counters.denied_requests));
    row.u64("dresp", load(&counters.denied_responses));
    row.u64("ereq", load(&counters.request_errors));
}

/// A frontend's row.
#[must_use]
pub fn frontend(runtime: &Runtime, proxy: &ProxyRuntime) -> Row {
    let mut row = begin(Subject::Frontend, proxy, "FRONTEND", 0);
    let (counters, http) = (&proxy.front, is_http(proxy));
    common(&mut row, counters);
    traffic(&mut row, counters, http);
    accepting(&mut row, counters);
    protocols(&mut row, counters, http);
    let limit = match proxy.maxconn() {
        0 => runtime.process.maxconn.load(Ordering::Relaxed),
        limit => limit,
    };
    row.u32("slim", limit);
    row.text(
        "status",
        match *proxy.listening.borrow() {
            Listening::Running => "OPEN",
            Listening::Paused => "PAUSED",
            Listening::Stopped => "STOP",
        },
    );
    let now = clock::now_ms();
    row.u32("rate_lim", proxy.config.front.session_rate_limit);
    row.u32("conn_rate", counters.connection_rate.read(now));
    row.u32("conn_rate_max", counters.connection_rate.max());
    row.u32("req_rate", counters.request_rate.read(now));
    row.u32("req_rate_max", counters.request_rate.max());
    row.u64("req_tot", load(&counters.requests));
    if http {
        row.u64("intercepted", counters.tallies.get(Tally::Intercepted));
    }
    let protocols = [
        ("sess_other", Tally::SessionsOther),
        ("h1sess", Tally::SessionsH1),
        ("h2sess", Tally::SessionsH2),
        ("h3sess", Tally::SessionsH3),
        ("req_other", Tally::RequestsOther),
        ("h1req", Tally::RequestsH1),
        ("h2req", Tally::RequestsH2),
        ("h3req", Tally::RequestsH3),
    ];
    tallies(&mut row, counters, &protocols);
    row
}

/// The row of a listening address, which only those have that count by themselves (`option socket-stats`).
#[must_use]
pub fn listener(
    runtime: &Runtime,
    proxy: &ProxyRuntime,
    bind: &Bind,
    state: &ListenerState,
    level: Level,
) -> Option<Row> {
    let counters = state.counters.as_deref()?;
    let name = match &bind.name {
        Some(name) => name.to_string(),
        None => format!("sock-{}", bind.id),
    };
    let mut row = begin(Subject::Listener, proxy, &name, bind.id);
    common(&mut row, counters);
    accepting(&mut row, counters);
    row.u32("slim", bind.maxconn);
    row.text("status", listener_status(runtime, proxy, bind, state));
    row.text(
        "proto",
        match &bind.address {
            Address::Inet(address) if address.is_ipv4() => "tcpv4",
            Address::Inet(_) => "tcpv6",
            Address::Abstract { .. } => "abns",
            _ => "unix",
        },
    );
    if level >= Level::Operator {
        row.text("addr", address(&bind.address));
    }
    Some(row)
}

fn listener_status(
    runtime: &Runtime,
    proxy: &ProxyRuntime,
    bind: &Bind,
    state: &ListenerState,
) -> &'static str {
    let process = &runtime.process;
    let limit = proxy.maxconn();
    if *proxy.listening.borrow() != Listening::Running {
        return "WAITING";
    }
    let full = bind.maxconn > 0 && state.connections.now() >= bind.maxconn;
    let waits = (limit > 0 && proxy.front.connections.now() >= limit)
        || process.connections.now() >= process.maxconn.load(Ordering::Relaxed);
    match (full, waits) {
        (true, _) => "FULL",
        (_, true) => "WAITING",
        _ => "OPEN",
    }
}

/// A backend's row.
#[must_use]
pub fn backend(runtime: &Runtime, proxy: &ProxyRuntime, level: Level) -> Row {
    let mut row = begin(Subject::Backend, proxy, "BACKEND", 0);
    let (counters, http) = (&proxy.back, is_http(proxy));
    common(&mut row, counters);
    traffic(&mut row, counters, http);
    serving(&mut row, counters);
    protocols(&mut row, counters, http);
    connections(&mut row, proxy, http);
    if http {
        row.u64("req_tot", load(&counters.total));
    }
    row.u32("qcur", proxy.dispatch.queue().now());
    row.u32("qmax", proxy.dispatch.queue().max());
    let limit = match proxy.config.back.fullconn {
        // A tenth of what the frontends let in, which without limits of theirs is what the process does.
        0 => runtime.process.hard_maxconn.div_ceil(10),
        limit => limit,
    };
    row.u32("slim", limit);
    row.u64("dreq", load(&counters.denied_requests));
    servers(&mut row, proxy);
    for column in [
        "agg_server_status",
        "agg_server_check_status",
        "agg_check_status",
    ] {
        row.u32(column, 0);
    }
    if level >= Level::Operator {
        row.text("algo", algorithm(&proxy.config.back.balance.algorithm));
    }
    row
}

/// The connections to a backend's servers: each attempt is one with a stream, each use of an idle one another stream.
fn connections(row: &mut Row, proxy: &ProxyRuntime, http: bool) {
    if !http {
        return;
    }
    let list = proxy.servers.load();
    let (mut open, mut streams) = (0_u64, 0_u64);
    for server in list.iter() {
        open += u64::from(server.idle.used()) + server.idle.total() as u64;
        streams += u64::from(server.idle.used());
    }
    row.u64("h1_open_connections", open);
    row.u64("h1_open_streams", streams);
    let tallies = &proxy.back.tallies;
    let total = tallies.get(Tally::H1Opened) + tallies.get(Tally::Reuses);
    row.u64("h1_total_streams", total);
}

/// What a backend's servers make of it.
fn servers(row: &mut Row, proxy: &ProxyRuntime) {
    let list = proxy.servers.load();
    let (mut weights, mut counts) = ([0_u32; 2], [0_u32; 2]);
    for server in list.iter() {
        let weight = server.state.weight();
        if server.state.is_usable() && weight > 0 {
            let group = usize::from(server.config.settings.backup);
            if let (Some(sum), Some(count)) = (weights.get_mut(group), counts.get_mut(group)) {
                (*sum, *count) = (*sum + weight, *count + 1);
            }
        }
    }
    let [active, backup] = weights;
    let weight = if counts[0] > 0 { active } else { backup };
    row.u32("weight", weight);
    row.u32("uweight", weight);
    row.u32("act", counts[0]);
    row.u32("bck", counts[1]);
    let up = weight > 0 || list.is_empty();
    row.text(
        "status",
        match (up, proxy.unpublished.load(Ordering::Relaxed)) {
            (true, false) => "UP",
            (true, true) => "UP (UNPUB)",
            (false, false) => "DOWN",
            (false, true) => "DOWN (UNPUB)",
        },
    );
    let availability = proxy.dispatch.availability();
    let now = clock::now_ms();
    let seconds = |ms: u64| u32::try_from(ms / 1000).unwrap_or(u32::MAX);
    row.u64("chkdown", availability.times_down);
    row.u32("lastchg", seconds(now.saturating_sub(availability.since)));
    if !list.is_empty() {
        row.u32("downtime", seconds(availability.downtime(now)));
    }
}

/// The name of an algorithm; `random` has none here, as in HAProxy.
fn algorithm(algorithm: &Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RoundRobin => "roundrobin",
        Algorithm::StaticRoundRobin => "static-rr",
        Algorithm::LeastConn => "leastconn",
        Algorithm::First => "first",
        Algorithm::Hash(key) => key.name(),
        Algorithm::Random(_) | Algorithm::Sticky => "unknown",
    }
}
