//! What of servers can change at run time, one line per server: `show servers state`, and the files that a later process
//! starts from (management manual, `show servers state`; configuration manual, `load-server-state-from-file`).

use crate::clock;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use model::Address;
use model::live::Admin;
use model::live::health::{Finder, Meaning, Outcome};
use std::fmt::Write;

/// The version of the format, and the names of the columns.
pub const HEADER: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";

/// Bits of a check's state.
const CONFIGURED: u32 = 0x02;
const ENABLED: u32 = 0x04;
const PAUSED: u32 = 0x08;
const AGENT: u32 = 0x10;

/// Writes a server's line.
pub fn write_line(proxy: &ProxyRuntime, server: &ServerRuntime, out: &mut String) {
    let (state, config) = (&server.state, &server.config);
    let (admin, check) = (state.admin(), &config.settings.check);
    let operation = if admin.in_maintenance() {
        0
    } else {
        state.operation().number()
    };
    let location = server.whereabouts.now();
    let ip = location
        .ip()
        .map_or_else(|| "-".into(), |ip| ip.to_string());
    let host = location.host.as_deref().unwrap_or("-");
    let service = config.service.as_ref().map_or("-", |name| &name.0);
    let checked = check.enabled && config.settings.track.is_none();
    let ip_of = |address: &Option<Address>| match address {
        Some(Address::Inet(inet)) => Some(inet.ip()),
        _ => None,
    };
    let check_ip = ip_of(&check.address);
    let agent_ip = check.agent.address.or(check_ip);
    let agent_port = match (check.agent.port, check_ip, check.port) {
        (0, Some(_), Some(port)) => port,
        (port, ..) => port,
    };
    let shown = |ip: Option<std::net::IpAddr>| ip.map_or_else(|| "-".into(), |ip| ip.to_string());
    let changed = state.changed().age_ms(clock::now_ms()).unwrap_or(0) / 1000;
    let [check_state, agent_state] = check_states(server, checked);
    let (last, counter) = {
        let health = state.health.lock();
        (health.last().clone(), health.counter_of(Finder::Check).0)
    };
    let _ = writeln!(
        out,
        "{} {} {} {} {ip} {operation} {} {} {} {changed} {} {} {counter} {check_state} {agent_state} {} {} {host} {} {service} 0 {} {} {} {agent_port}",
        proxy.config.id,
        proxy.config.name,
        config.id,
        config.name,
        admin.0,
        state.weight(),
        config.settings.weight,
        last.status.number(),
        result(&last),
        u8::from(proxy.config.id_given),
        u8::from(config.id_given),
        location.port(),
        check.port.unwrap_or(0),
        shown(check_ip),
        shown(agent_ip),
    );
}

/// The number of a result.
fn result(outcome: &Outcome) -> u8 {
    match outcome.status.meaning() {
        Meaning::Neutral if outcome.status == model::live::health::Status::Checked => 1,
        Meaning::Neutral => 0,
        Meaning::Failed => 2,
        Meaning::Passed => 3,
        Meaning::PassedConditionally => 4,
    }
}

/// The states of checks and of the agent.
fn check_states(server: &ServerRuntime, checked: bool) -> [u32; 2] {
    let state = &server.state;
    let on = |configured: bool, paused: bool| match (configured, paused) {
        (false, _) => 0,
        (true, true) => CONFIGURED,
        (true, false) => CONFIGURED | ENABLED,
    };
    let admin = state.admin();
    // A server that inherits its maintenance has no checks of its own to pause.
    let pause = if admin.has(Admin::MAINT) || (checked && admin.in_maintenance()) {
        PAUSED
    } else {
        0
    };
    let agent = on(
        server.config.settings.check.agent.enabled,
        state.agent_paused(),
    );
    let kind = if agent == 0 { 0 } else { AGENT };
    [on(checked, state.checks_paused()) | pause, agent | kind]
}
