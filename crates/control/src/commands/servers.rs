//! `show servers state` and `show servers conn`.

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Dump, Reply};
use engine::clock;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use engine::runtime::Runtime;
use model::live::health::{Meaning, Status};
use std::fmt::Write;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["show", "servers", "conn"],
        level: Level::User,
        args: "[<backend>]",
        doc: "show how connections to servers are used",
        run: show_connections,
    },
    CommandRow {
        words: &["show", "servers", "state"],
        level: Level::User,
        args: "[<backend>]",
        doc: "show what of the servers can change at run time",
        run: show_states,
    },
];

/// What a line says about a server.
type Line = fn(&Runtime, &ProxyRuntime, &ServerRuntime, &mut String);

/// One line per server, of one backend or of all.
struct Servers {
    line: Line,
    backends: Vec<Arc<ProxyRuntime>>,
    /// Places of the next backend and of its next server.
    at: (usize, usize),
}

impl Dump for Servers {
    fn fill(&mut self, runtime: &Runtime, out: &mut String) -> bool {
        while let Some(proxy) = self.backends.get(self.at.0) {
            let servers = proxy.servers.load();
            let Some(server) = servers.nth(self.at.1) else {
                self.at = (self.at.0 + 1, 0);
                continue;
            };
            self.at.1 += 1;
            (self.line)(runtime, proxy, server, out);
            return true;
        }
        false
    }
}

/// The dump over the backend that is named, or over all.
fn servers(context: &Context<'_>, reply: &mut Reply, name: &str, line: Line) -> Option<Servers> {
    let backends = if name.is_empty() {
        context.runtime.all_proxies()
    } else if let Some(backend) = context.runtime.backend(name) {
        vec![backend]
    } else {
        reply.error("Can't find backend.");
        return None;
    };
    Some(Servers {
        line,
        backends,
        at: (0, 0),
    })
}

const STATE_HEADER: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";

fn show_states(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if let Some(dump) = servers(context, reply, args.get(0), state_line) {
        reply.plain(format_args!("{STATE_HEADER}"));
        reply.dump(dump);
    }
}

fn address(server: &ServerRuntime) -> (String, u16) {
    let location = server.whereabouts.now();
    let ip = location.ip().map_or("-".into(), |ip| ip.to_string());
    (ip, location.port())
}

fn state_line(_: &Runtime, proxy: &ProxyRuntime, server: &ServerRuntime, out: &mut String) {
    let (state, config) = (&server.state, &server.config);
    let admin = state.admin();
    let running = state.is_up() && !admin.in_maintenance();
    let checked = config.settings.check.enabled && config.settings.track.is_none();
    let [status, result, health, check] = check_columns(server, checked);
    let (ip, port) = address(server);
    let changed = state.changed().age_ms(clock::now_ms()).unwrap_or(0) / 1000;
    let location = server.whereabouts.now();
    let host = location.host.as_deref().unwrap_or("-");
    let service = config.service.as_ref().map_or("-", |name| &name.0);
    let _ = writeln!(
        out,
        "{} {} {} {} {ip} {} {} {} {} {changed} {status} {result} {health} {check} 0 0 0 {host} {port} {service} 0 0 - - 0",
        proxy.config.id,
        proxy.config.name,
        config.id,
        config.name,
        if running { 2 } else { 0 },
        admin.0,
        state.weight(),
        config.settings.weight,
    );
}

/// Status, result and health of a server's checks, and the state of the checks: HAProxy's numbers for them.
fn check_columns(server: &ServerRuntime, checked: bool) -> [u32; 4] {
    /// Configured and enabled.
    const ENABLED: u32 = 0x6;
    /// Not run for the time being.
    const PAUSED: u32 = 0x8;
    if !checked {
        return [1, 0, 0, 0];
    }
    let maintained = server.state.admin().in_maintenance();
    let state = ENABLED | if maintained { PAUSED } else { 0 };
    let health = server.state.health.lock();
    let last = health.last().status;
    let status = match last {
        Status::Unknown => 0,
        Status::Initializing => 1,
        Status::SocketError => 5,
        Status::L4Ok => 6,
        Status::L4Timeout => 7,
        Status::L4Connection => 8,
        Status::L6Ok => 9,
        Status::L6Timeout => 10,
        Status::L6Response => 11,
        Status::L7Timeout => 12,
        Status::L7Response => 13,
        Status::L7Ok => 15,
        Status::L7OkConditional => 16,
        Status::L7Status => 17,
    };
    let result = match last.meaning() {
        Meaning::Neutral => 0,
        Meaning::Failed => 2,
        Meaning::Passed => 3,
        Meaning::PassedConditionally => 4,
    };
    [status, result, health.counter(), state]
}

fn show_connections(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    let Some(dump) = servers(context, reply, args.get(0), connection_line) else {
        return;
    };
    let threads = context.runtime.process.threads;
    reply.plain(format_args!(
        "# bkname/svname bkid/svid addr port - purge_delay served used_cur used_max need_est idle_sess unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[{threads}]\n"
    ));
    reply.dump(dump);
}

fn connection_line(
    runtime: &Runtime,
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    out: &mut String,
) {
    let (state, config) = (&server.state, &server.config);
    let (ip, port) = address(server);
    let used = &state.counters.connections;
    let idle = server.idle.total();
    let limit = config.settings.pool_max.map_or(-1, i64::from);
    // Nothing estimates how many connections will be needed, and every idle connection has been used before.
    let _ = write!(
        out,
        "{}/{} {}/{} {ip} {port} - {} {} {} {} 0 0 0 {idle} {limit} {idle}",
        proxy.config.name,
        config.name,
        proxy.config.id,
        config.id,
        config.settings.pool_purge_delay,
        used.now(),
        used.now(),
        used.max(),
    );
    for worker in 0..runtime.process.threads as usize {
        let _ = write!(out, " {}", server.idle.len(worker));
    }
    out.push('\n');
}
