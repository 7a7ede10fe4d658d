//! What of servers can change at run time, one line per server: `show servers state`, and the files that a later process
//! starts from (management manual, `show servers state`; configuration manual, `load-server-state-from-file`).

use crate::clock;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use base::ProxyIdx;
use model::live::Admin;
use model::live::health::{Finder, Meaning, Operation, Outcome, Status};
use model::{Address, InitialAddress, Proxy, Snapshot, StateSource};
use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

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
    let places = server.check_places.lock().clone();
    let check_ip = match &places.address {
        Some(Address::Inet(inet)) => Some(inet.ip()),
        _ => None,
    };
    let agent_ip = places.agent_address.or(check_ip);
    let agent_port = match (places.agent_port, check_ip, places.port) {
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
        "{} {} {} {} {ip} {operation} {} {} {} {changed} {} {} {counter} {check_state} {agent_state} {} {} {host} {} {service} {} {} {} {} {agent_port}",
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
        u8::from(server.speaks_tls()),
        places.port.unwrap_or(0),
        shown(check_ip),
        shown(agent_ip),
    );
}

/// The number of a result.
fn result(outcome: &Outcome) -> u8 {
    match outcome.status.meaning() {
        Meaning::Neutral if outcome.status == Status::Checked => 1,
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
    // What starts disabled keeps the mark when it has no checks that could go on.
    let stands = match checked {
        true => server.stands_still(),
        false => server.config.settings.disabled && !server.added,
    };
    let pause = if stands { PAUSED } else { 0 };
    let agent = on(
        server.config.settings.check.agent.enabled,
        state.agent_paused(),
    );
    let kind = if agent == 0 { 0 } else { AGENT };
    [on(checked, state.checks_paused()) | pause, agent | kind]
}

/// A server's line in a file.
#[derive(Debug)]
struct Entry {
    /// Where it was; a server without an address has none to go back to.
    ip: Option<IpAddr>,
    /// The port there, 0 for none.
    port: u16,
    operation: Operation,
    admin: u32,
    weight: u32,
    initial_weight: u32,
    age: u64,
    status: Status,
    counter: u32,
    check_state: u32,
}

/// How many columns a line has.
const COLUMNS: usize = 25;

/// Reads a line; tells which column is wrong.
fn entry<'f>(words: &[&'f str]) -> Result<Entry, (&'static str, &'f str)> {
    fn number<'f, T: std::str::FromStr>(
        words: &[&'f str],
        at: usize,
        name: &'static str,
    ) -> Result<T, (&'static str, &'f str)> {
        let text = words.get(at).copied().unwrap_or_default();
        text.parse().map_err(|_| (name, text))
    }
    let text = |at: usize| words.get(at).copied().unwrap_or_default();
    let weight = number(words, 7, "srv_uweight")?;
    if weight > 256 {
        return Err(("srv_uweight", text(7)));
    }
    Ok(Entry {
        ip: text(4).parse().ok(),
        port: number(words, 18, "srv_port")?,
        operation: Operation::of_number(number(words, 5, "srv_op_state")?)
            .ok_or(("srv_op_state", text(5)))?,
        admin: number(words, 6, "srv_admin_state")?,
        weight,
        initial_weight: number(words, 8, "srv_iweight")?,
        age: number(words, 9, "srv_time_since_last_change")?,
        status: Status::of_number(number(words, 10, "srv_check_status")?)
            .ok_or(("srv_check_status", text(10)))?,
        counter: number(words, 12, "srv_check_health")?,
        check_state: number(words, 13, "srv_check_state")?,
    })
}

/// A state file's text.
pub struct StateFile {
    path: PathBuf,
    text: String,
    /// The backend that it is for; `None` for all that want the file of the whole configuration.
    backend: Option<ProxyIdx>,
}

/// Reads the files that a configuration asks for, before the process loses sight of them (`chroot`). A file that is not
/// there is none to read.
#[must_use]
pub fn load(snapshot: &Snapshot) -> Vec<StateFile> {
    let global = &snapshot.global;
    let file = |name: &str, backend| {
        let path = match &global.state_base {
            Some(base) if !name.starts_with('/') => Path::new(&**base).join(name),
            _ => PathBuf::from(name),
        };
        let text = std::fs::read_to_string(&path).ok()?;
        Some(StateFile {
            path,
            text,
            backend,
        })
    };
    let source = |proxy: &Proxy| proxy.back.state_source;
    let mut proxies = snapshot.proxies.iter();
    let shared = proxies.any(|proxy| source(proxy) == StateSource::Global);
    let shared = global.state_file.as_ref().filter(|_| shared);
    let locals = snapshot.proxies.iter();
    let locals = locals.filter(|proxy| source(proxy) == StateSource::Local);
    let locals = locals.filter_map(|proxy| {
        let name = proxy.back.state_file.as_ref().unwrap_or(&proxy.name);
        file(name, Some(proxy.idx))
    });
    let shared = shared.and_then(|name| file(name, None));
    shared.into_iter().chain(locals).collect()
}

/// Takes over what files say of servers. To be called before there is traffic. Yields what is to be told.
pub fn restore(runtime: &Runtime, files: &[StateFile]) -> Vec<String> {
    let mut warnings = Vec::new();
    for file in files {
        take_over(runtime, file, &mut warnings);
    }
    warnings
}

fn take_over(runtime: &Runtime, file: &StateFile, warnings: &mut Vec<String>) {
    let path = file.path.display();
    let what = match file.backend {
        None => "global server state file",
        Some(_) => "server state file",
    };
    let mut lines = file.text.lines().enumerate();
    match lines.next() {
        None => return,
        Some((_, "1")) => {}
        Some(_) => {
            warnings.push(format!("config: Can't get version of the {what} '{path}'."));
            return;
        }
    }
    let wanted = |proxy: &ProxyRuntime| match file.backend {
        None => proxy.config.back.state_source == StateSource::Global,
        Some(idx) => proxy.config.idx == idx,
    };
    for (at, line) in lines.filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (&[_, backend, _, name, ..], COLUMNS..) = (&*words, words.len()) else {
            warnings.push(format!(
                "config: corrupted {what} '{path}' at line {}.",
                at + 1
            ));
            return;
        };
        let Some(proxy) = runtime.backend(backend).filter(|proxy| wanted(proxy)) else {
            continue;
        };
        let Some(server) = proxy.server_named(name) else {
            continue;
        };
        match entry(&words) {
            Ok(entry) => apply(&proxy, &server, &entry),
            Err((column, value)) => warnings.push(format!(
                "server-state application failed for server '{backend}/{name}', invalid {column} value '{value}'"
            )),
        }
    }
}

/// Lets a server be where it was: at the same port, and under the same address if `init-addr` asks for the `last` one
/// before others that have yielded something. Says whether there is an address now.
fn return_to(proxy: &ProxyRuntime, server: &ServerRuntime, entry: &Entry) -> bool {
    let ways = &server.config.settings.naming.initial;
    let last = InitialAddress::Last;
    let first = ways.first().is_none_or(|way| *way == last);
    let wanted = first || server.config.unresolved && ways.contains(&last);
    let ip = entry.ip.filter(|ip| !ip.is_unspecified());
    let ip = ip.filter(|_| wanted && server.config.host.is_some());
    server.relocate(proxy, |location| {
        if ip.is_some() {
            location.set_ip(ip);
        }
        if entry.port != 0 && !location.mapped_port && location.ip().is_some() {
            location.set_port(entry.port);
        }
    });
    ip.is_some()
}

/// Gives a server the state of its line.
fn apply(proxy: &ProxyRuntime, server: &ServerRuntime, entry: &Entry) {
    let (state, idx) = (&server.state, server.config.idx);
    let settings = &server.config.settings;
    // What the configuration says of maintenance outweighs what it said when the file was written.
    let mut own = state.admin().0;
    if return_to(proxy, server, entry) {
        own &= !Admin::RESOLUTION.0;
    }
    let kept = entry.admin & (Admin::MAINT.0 | Admin::DRAIN.0);
    let kept = match entry.admin & Admin::CONFIGURED.0 {
        0 => kept,
        _ => kept & !Admin::MAINT.0,
    };
    let changed = clock::now_ms().saturating_sub(entry.age.saturating_mul(1000));
    state
        .health
        .lock()
        .restore(entry.operation, entry.counter, entry.status, changed);
    if entry.check_state & CONFIGURED != 0 && entry.check_state & ENABLED == 0 {
        server.pause(Finder::Check, true);
    }
    if entry.initial_weight == settings.weight {
        proxy.dispatch.set_weight(proxy, idx, entry.weight);
    }
    let _ = proxy.dispatch.set_operation(proxy, idx, entry.operation);
    let _ = proxy.dispatch.set_admin(proxy, idx, Admin(own | kept));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_faults_named() {
        let line = "2 b 1 a 127.0.0.1 0 8 5 10 100 8 2 0 6 0 0 0 - 9001 - 0 0 - - 0";
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words.len(), COLUMNS);
        let read = entry(&words).expect("an entry");
        assert_eq!(read.operation, Operation::Stopped);
        assert_eq!(
            (read.admin, read.weight, read.initial_weight, read.age),
            (8, 5, 10, 100)
        );
        assert_eq!(
            (read.status, read.counter, read.check_state),
            (Status::L4Connection, 0, 6)
        );
        for (at, value, column) in [
            (5, "9", "srv_op_state"),
            (5, "x", "srv_op_state"),
            (7, "999", "srv_uweight"),
        ] {
            let mut words = words.clone();
            words[at] = value;
            assert_eq!(entry(&words).err(), Some((column, value)));
        }
    }
}
