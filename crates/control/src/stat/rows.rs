//! What each kind of row says. Columns whose figures are not counted yet stay empty.

use super::{Row, Subject};
use crate::command::Level;
use engine::clock;
use engine::proxy::{Listening, ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use model::live::{Admin, Counters};
use model::{Address, Algorithm, Mode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn begin(subject: Subject, proxy: &ProxyRuntime, name: &str, id: u32) -> Row {
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

/// What all kinds of rows count.
fn common(row: &mut Row, counters: &Counters, http: bool) {
    let now = clock::now_ms();
    row.u32("scur", counters.connections.now());
    row.u32("smax", counters.connections.max());
    row.u64("stot", load(&counters.total));
    row.u64("bin", load(&counters.bytes_in));
    row.u64("bout", load(&counters.bytes_out));
    row.u64("dresp", load(&counters.denied_responses));
    row.u32("rate", counters.session_rate.read(now));
    row.u32("rate_max", counters.session_rate.max());
    if http {
        let columns = [
            "hrsp_1xx",
            "hrsp_2xx",
            "hrsp_3xx",
            "hrsp_4xx",
            "hrsp_5xx",
            "hrsp_other",
        ];
        for (column, counter) in columns.into_iter().zip(&counters.responses) {
            row.u64(column, load(counter));
        }
    }
}

/// What backends and servers count.
fn serving(row: &mut Row, counters: &Counters, http: bool) {
    row.u64("econ", load(&counters.connection_errors));
    row.u64("eresp", load(&counters.response_errors));
    row.u64("wretr", load(&counters.retries));
    row.u64("wredis", load(&counters.redispatches));
    row.u64("lbtot", load(&counters.balanced));
    if http {
        row.u64("req_tot", load(&counters.total));
    }
    let last = counters.last_session.age_ms(clock::now_ms());
    let last = last.map_or(-1, |ms| i32::try_from(ms / 1000).unwrap_or(i32::MAX));
    row.set("lastsess", super::Value::S32(last));
}

/// A frontend's row.
#[must_use]
pub fn frontend(runtime: &Runtime, proxy: &ProxyRuntime) -> Row {
    let mut row = begin(Subject::Frontend, proxy, "FRONTEND", 0);
    let (counters, http) = (&proxy.front, proxy.config.mode == Mode::Http);
    common(&mut row, counters, http);
    let limit = match proxy.maxconn() {
        0 => runtime.process.maxconn.load(Ordering::Relaxed),
        limit => limit,
    };
    row.u32("slim", limit);
    row.u64("dreq", load(&counters.denied_requests));
    row.u64("ereq", load(&counters.request_errors));
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
    row.u32("conn_rate", counters.session_rate.read(now));
    row.u32("conn_rate_max", counters.session_rate.max());
    row.u64("conn_tot", load(&counters.total));
    row.u32("req_rate", counters.request_rate.read(now));
    row.u32("req_rate_max", counters.request_rate.max());
    if http {
        row.u64("req_tot", load(&counters.requests));
    }
    row
}

/// A server's row.
#[must_use]
pub fn server(
    runtime: &Runtime,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    level: Level,
) -> Row {
    let config = &server.config;
    let mut row = begin(Subject::Server, proxy, &config.name, config.id);
    let (state, settings) = (&server.state, &config.settings);
    let http = proxy.config.mode == Mode::Http;
    common(&mut row, &state.counters, http);
    serving(&mut row, &state.counters, http);
    row.u32("qcur", state.queued.now());
    row.u32("qmax", state.queued.max());
    if server.maxconn() > 0 {
        row.u32("slim", server.maxconn());
    }
    if settings.maxqueue > 0 {
        row.u32("qlimit", settings.maxqueue);
    }
    row.text("status", server_status(runtime, proxy, server));
    row.u32("weight", state.weight());
    row.u32("uweight", state.weight());
    row.u32("act", u32::from(!settings.backup));
    row.u32("bck", u32::from(settings.backup));
    let changed = state.changed().age_ms(clock::now_ms()).unwrap_or(0);
    row.u32("lastchg", u32::try_from(changed / 1000).unwrap_or(u32::MAX));
    row.u32("used_conn_cur", state.counters.connections.now());
    checks(&mut row, server);
    let idle = u32::try_from(server.idle.total()).unwrap_or(u32::MAX);
    row.u32("srv_icur", idle);
    row.u32("idle_conn_cur", 0);
    row.u32("safe_conn_cur", idle);
    if let Some(limit) = settings.pool_max {
        row.u32("src_ilim", limit);
    }
    if level >= Level::Operator {
        let location = server.whereabouts.now();
        if location.known {
            row.text("addr", address(&location.address));
        }
        if let Some(cookie) = &settings.cookie {
            row.text("cookie", &**cookie);
        }
    }
    row
}

/// What a server's own checks have found.
fn checks(row: &mut Row, server: &ServerRuntime) {
    let settings = &server.config.settings;
    if let Some(track) = &settings.track {
        row.text("tracked", &**track);
    }
    if !settings.check.enabled || settings.track.is_some() {
        return;
    }
    let health = server.state.health.lock();
    let seconds = |ms: u64| u32::try_from(ms / 1000).unwrap_or(u32::MAX);
    row.u64("chkfail", health.failed_checks);
    row.u64("chkdown", health.times_down);
    row.u32("downtime", seconds(health.downtime(clock::now_ms())));
    if server.state.admin().in_maintenance() {
        return;
    }
    let last = health.last();
    row.text("check_status", last.status.code());
    if let Some(code) = last.code {
        row.u32("check_code", code.into());
    }
    if health.checked_at.is_some() {
        row.u64(
            "check_duration",
            u64::try_from(last.duration.as_millis()).unwrap_or(u64::MAX),
        );
    }
    row.text("check_desc", last.status.text());
    if let Some(info) = &last.info {
        row.text("last_chk", String::from_utf8_lossy(info));
    }
    row.u32("check_rise", settings.check.rise);
    row.u32("check_fall", settings.check.fall);
    row.u32("check_health", health.counter());
}

/// The server whose checks tell about this one: itself, or the one it follows in the end.
fn checked(
    runtime: &Runtime,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
) -> Arc<ServerRuntime> {
    let (mut proxy, mut server) = (proxy.clone(), server.clone());
    // Chains are no longer than there are proxies with servers; circles are refused when the configuration is read.
    for _ in 0..=runtime.proxies.len() {
        let Some(track) = server.config.settings.track.as_deref() else {
            break;
        };
        let (backend, name) = match track.split_once('/') {
            Some((backend, name)) => (runtime.backend(backend), name),
            None => (Some(proxy.clone()), track),
        };
        let found = backend.and_then(|backend| Some((backend.server_named(name)?, backend)));
        let Some((next, backend)) = found else {
            break;
        };
        (proxy, server) = (backend, next);
    }
    server
}

fn server_status(
    runtime: &Runtime,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
) -> String {
    let (state, admin) = (&server.state, server.state.admin());
    let check = &server.config.settings.check;
    let track = &server.config.settings.track;
    match (admin.has(Admin::INHERITED), track) {
        _ if admin.has(Admin::RESOLUTION) => return "MAINT (resolution)".into(),
        _ if admin.has(Admin::MAINT) => return "MAINT".into(),
        (true, Some(track)) => return format!("MAINT (via {track})"),
        (true, None) => return "MAINT".into(),
        _ => {}
    }
    let drains = !admin.allows();
    if !check.enabled && track.is_none() {
        return if drains { "DRAIN" } else { "no check" }.into();
    }
    let word = match (state.is_up(), drains) {
        (false, _) => "DOWN",
        (true, true) => "DRAIN",
        (true, false) => "UP",
    };
    let checked = checked(runtime, proxy, server);
    let check = &checked.config.settings.check;
    if !check.enabled {
        return word.into();
    }
    let counter = checked.state.health.lock().counter();
    let (rise, fall) = (check.rise.max(1), check.fall.max(1));
    let ceiling = rise.saturating_add(fall) - 1;
    // How far a change of state has come.
    match (state.is_up(), counter) {
        (true, n) if n < ceiling => {
            format!("{word} {}/{fall}", (n + 1).saturating_sub(rise).max(1))
        }
        (false, n) if n > 0 => format!("{word} {n}/{rise}"),
        _ => word.into(),
    }
}

fn address(address: &Address) -> String {
    match address {
        Address::Inet(address) => address.to_string(),
        Address::Unix(_) | Address::Abstract { .. } => "unix".into(),
        Address::Fd(_) | Address::SocketPair(_) => "fd".into(),
    }
}

/// A backend's row.
#[must_use]
pub fn backend(proxy: &ProxyRuntime, level: Level) -> Row {
    let mut row = begin(Subject::Backend, proxy, "BACKEND", 0);
    let (counters, http) = (&proxy.back, proxy.config.mode == Mode::Http);
    common(&mut row, counters, http);
    serving(&mut row, counters, http);
    row.u32(
        "qcur",
        u32::try_from(proxy.dispatch.queued()).unwrap_or(u32::MAX),
    );
    if proxy.config.back.fullconn > 0 {
        row.u32("slim", proxy.config.back.fullconn);
    }
    row.u64("dreq", load(&counters.denied_requests));
    let (mut weights, mut counts) = ([0_u32; 2], [0_u32; 2]);
    for server in proxy.servers.load().iter() {
        let weight = server.state.weight();
        if server.state.is_usable() && weight > 0 {
            let group = usize::from(server.config.settings.backup);
            weights[group] += weight;
            counts[group] += 1;
        }
    }
    let weight = if counts[0] > 0 {
        weights[0]
    } else {
        weights[1]
    };
    row.u32("weight", weight);
    row.u32("uweight", weight);
    row.u32("act", counts[0]);
    row.u32("bck", counts[1]);
    let up = weight > 0 || proxy.servers.load().is_empty();
    row.text(
        "status",
        match (up, proxy.unpublished.load(Ordering::Relaxed)) {
            (true, false) => "UP",
            (true, true) => "UP (UNPUB)",
            (false, false) => "DOWN",
            (false, true) => "DOWN (UNPUB)",
        },
    );
    if level >= Level::Operator {
        row.text("algo", algorithm(&proxy.config.back.balance.algorithm));
    }
    row
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
