//! A server's row.

use super::rows::{begin, common, is_http, serving, traffic};
use super::{Row, Subject};
use crate::command::Level;
use engine::clock;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use engine::stream::cookie_of;
use model::Address;
use model::live::Admin;
use model::live::health::Finder;
use model::live::tally::Tally;
use std::sync::Arc;

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
    let http = is_http(proxy);
    common(&mut row, &state.counters);
    traffic(&mut row, &state.counters, http);
    serving(&mut row, &state.counters);
    if http {
        let requests = state.counters.tallies.get(Tally::RequestsH1);
        row.u64("req_tot", requests);
    }
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
    row.u32("srid", server.revision);
    checks(&mut row, server);
    connections(&mut row, server);
    if level >= Level::Operator {
        let location = server.whereabouts.now();
        if location.known {
            row.text("addr", address(&location.address));
        }
        if let Some(cookie) = cookie_of(proxy, server) {
            row.text("cookie", &*cookie);
        }
    }
    row
}

/// The connections to a server, in use and idle.
fn connections(row: &mut Row, server: &ServerRuntime) {
    let idle = &server.idle;
    let (unsafe_ones, safe) = idle.by_safety();
    row.u32("srv_icur", unsafe_ones + safe);
    row.u32("idle_conn_cur", unsafe_ones);
    row.u32("safe_conn_cur", safe);
    row.u32("priv_idle_cur", 0);
    row.u32("used_conn_cur", idle.used());
    row.u32("need_conn_est", idle.needed());
    if let Some(limit) = server.config.settings.pool_max {
        row.u32("src_ilim", limit);
    }
}

/// What a server's own checks have found.
fn checks(row: &mut Row, server: &ServerRuntime) {
    let settings = &server.config.settings;
    if let Some(track) = &settings.track {
        row.text("tracked", &**track);
    }
    if settings.track.is_some() {
        return;
    }
    if settings.check.agent.enabled {
        agent(row, server);
    }
    if !settings.check.enabled {
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
    if last.status.has_code() {
        row.u32("check_code", last.code.into());
    }
    if health.checked_at(Finder::Check).is_some() {
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

/// What a server's agent has said.
fn agent(row: &mut Row, server: &ServerRuntime) {
    let health = server.state.health.lock();
    let last = health.last_of(Finder::Agent);
    row.text("agent_status", last.status.code());
    if last.status.has_code() {
        row.u32("agent_code", last.code.into());
    }
    if health.checked_at(Finder::Agent).is_some() {
        let duration = u64::try_from(last.duration.as_millis());
        row.u64("agent_duration", duration.unwrap_or(u64::MAX));
    }
    row.text("agent_desc", last.status.text());
    if let Some(info) = &last.info {
        row.text("last_agt", String::from_utf8_lossy(info));
    }
    let (counter, rise, fall) = health.counter_of(Finder::Agent);
    row.u32("agent_rise", rise);
    row.u32("agent_fall", fall);
    row.u32("agent_health", counter);
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

pub(super) fn address(address: &Address) -> String {
    match address {
        Address::Inet(address) => address.to_string(),
        Address::Unix(_) | Address::Abstract { .. } => "unix".into(),
        Address::Fd(_) | Address::SocketPair(_) => "fd".into(),
        Address::Reverse(_) => String::new(),
    }
}
