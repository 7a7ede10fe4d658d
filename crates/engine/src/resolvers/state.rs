//! Servers that lose and regain their addresses: maintenance, those that follow them, and what the logs tell.

use crate::clock;
use crate::log::{self, Message};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use model::live::Admin;
use std::io::Write;
use std::sync::Arc;

const EMERGENCY: u8 = 0;
const ALERT: u8 = 1;
const NOTICE: u8 = 5;

/// A server and its backend.
pub type Member = (Arc<ProxyRuntime>, Arc<ServerRuntime>);

/// Tells the news on standard error and in the backend's logs.
pub fn tell(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, text: &str) {
    announce(runtime, proxy, NOTICE, text);
}

fn announce(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, level: u8, text: &str) {
    let warnings = &runtime.process.warnings;
    warnings.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    print(runtime, "WARNING", text);
    write_log(runtime, proxy, level, text);
}

fn write_log(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, level: u8, text: &str) {
    let logs = &proxy.config.log;
    let tag = logs.tag.as_deref();
    let tag = tag.or(runtime.snapshot.global.log_tag.as_deref());
    let message = Message {
        level,
        tag: tag.unwrap_or("haproxy"),
        structured_data: b"",
        text: text.as_bytes(),
    };
    log::emit(runtime, &logs.targets, &message);
}

fn print(runtime: &Runtime, severity: &str, text: &str) {
    if !runtime.snapshot.global.quiet {
        let label = format!("[{severity}]");
        // Nobody is left to be told that standard error is gone.
        let _ = writeln!(
            std::io::stderr(),
            "{label:<10} ({}) : {text}",
            runtime.process.pid
        );
    }
}

/// `Server b/s`, with what kind of server it is.
fn title(proxy: &ProxyRuntime, server: &ServerRuntime) -> String {
    let kind = match server.config.settings.backup {
        true => "Backup Server",
        false => "Server",
    };
    format!("{kind} {}/{}", proxy.config.name, server.config.name)
}

/// The servers that follow one (`track`), the last of the configuration first.
fn followers(runtime: &Runtime, proxy: &ProxyRuntime, server: &ServerRuntime) -> Vec<Member> {
    let mut found = Vec::new();
    if !ServerRuntime::any_follows() {
        return found;
    }
    for backend in runtime.all_proxies() {
        for follower in backend.servers.load().iter() {
            let Some(track) = follower.config.settings.track.as_deref() else {
                continue;
            };
            let (of, name) = track
                .split_once('/')
                .unwrap_or((&backend.config.name, track));
            if *of == *proxy.config.name && *name == *server.config.name {
                found.push((backend.clone(), follower.clone()));
            }
        }
    }
    found.reverse();
    found
}

/// Puts a server into maintenance for want of an address; says whether it was not there before.
pub fn lose(runtime: &Arc<Runtime>, (proxy, server): &Member, cause: &str) -> bool {
    if server.state.admin().has(Admin::RESOLUTION) {
        return false;
    }
    enter(
        runtime,
        proxy,
        server,
        Admin::RESOLUTION,
        &format!("({cause})"),
    );
    true
}

fn enter(
    runtime: &Arc<Runtime>,
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    flag: Admin,
    why: &str,
) {
    let before = server.state.admin();
    let was_up = server.state.is_up();
    let (active, backups) = proxy.dispatch.in_service();
    let admin = Admin(before.0 | flag.0);
    let idx = server.config.idx;
    let moved = proxy.dispatch.set_admin(proxy, idx, admin);
    if before.in_maintenance() {
        return;
    }
    server.stand_still();
    let title = title(proxy, server);
    if was_up {
        let queued = moved.map_or(0, |moved| moved.queued);
        let (left, backups_left) = proxy.dispatch.in_service();
        let on_backup = match left == 0 && backups_left > 0 {
            true => " Running on backup.",
            false => "",
        };
        let text = format!(
            "{title} is going DOWN for maintenance {why}. {left} active and {backups_left} backup servers left.{on_backup} \
             {} sessions active, {queued} requeued, {} remaining in queue.",
            server.state.counters.connections.now(),
            server.state.queued.now()
        );
        let level = if before.allows() { ALERT } else { NOTICE };
        announce(runtime, proxy, level, &text);
        if active + backups > 0 && (left, backups_left) == (0, 0) {
            mourn(runtime, proxy);
        }
    } else {
        let text = format!("{title} was DOWN and now enters maintenance {why}.");
        announce(runtime, proxy, NOTICE, &text);
    }
    let name = format!("{}/{}", proxy.config.name, server.config.name);
    let cause = why.split(" via ").next().unwrap_or(why);
    for (proxy, follower) in followers(runtime, proxy, server) {
        if !follower.state.admin().has(Admin::INHERITED) {
            let why = format!("{cause} via {name}");
            enter(runtime, &proxy, &follower, Admin::INHERITED, &why);
        }
    }
}

fn mourn(runtime: &Arc<Runtime>, proxy: &ProxyRuntime) {
    let (kind, name) = (proxy.config.caps.section(), &proxy.config.name);
    let text = format!("{kind} {name} has no server available!");
    write_log(runtime, proxy, EMERGENCY, &text);
    print(
        runtime,
        "ALERT",
        &format!("{kind} '{name}' has no server available!"),
    );
}

/// Takes a server that has an address again out of maintenance, unless something else keeps it there.
pub fn regain(runtime: &Arc<Runtime>, (proxy, server): &Member) {
    if !server.state.admin().has(Admin::RESOLUTION) {
        return;
    }
    let host = server.whereabouts.now().host.clone();
    let host = host.as_deref().unwrap_or("(null)");
    let title = title(proxy, server);
    let admin = Admin(server.state.admin().0 & !Admin::RESOLUTION.0);
    if admin.in_maintenance() {
        let _ = proxy.dispatch.set_admin(proxy, server.config.idx, admin);
        let text = format!("{title} ('{host}') resolves again but remains in maintenance.");
        tell(runtime, proxy, &text);
    } else {
        revive(proxy, server);
        let _ = proxy.dispatch.set_admin(proxy, server.config.idx, admin);
        let (up, ready) = words(server);
        tell(
            runtime,
            proxy,
            &format!("{title} ('{host}') is {up}/{ready} (resolves again)."),
        );
        if ready == "DRAIN" {
            tell(
                runtime,
                proxy,
                &format!("{title} remains in forced drain mode."),
            );
        }
        lead_back(runtime, proxy, server);
    }
    let text = format!(
        "Server {}/{} administratively READY thanks to valid DNS answer.",
        proxy.config.name, server.config.name
    );
    tell(runtime, proxy, &text);
}

fn words(server: &ServerRuntime) -> (&'static str, &'static str) {
    (
        if server.state.is_up() { "UP" } else { "DOWN" },
        if server.state.admin().allows() {
            "READY"
        } else {
            "DRAIN"
        },
    )
}

/// A server that comes back is what it is at the start, or up until its checks say something else.
fn revive(proxy: &ProxyRuntime, server: &ServerRuntime) {
    let check = &server.config.settings.check;
    let operation = {
        let mut health = server.state.health.lock();
        health.revive(check.initial_state, clock::now_ms());
        health.operation()
    };
    server.go_on();
    let idx = server.config.idx;
    let _ = proxy.dispatch.set_operation(proxy, idx, operation);
}

/// Takes the followers of a server out of maintenance with it.
fn lead_back(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, server: &ServerRuntime) {
    let operation = server.state.health.lock().operation();
    for (proxy, follower) in followers(runtime, proxy, server) {
        let before = follower.state.admin();
        if !before.has(Admin::INHERITED) {
            continue;
        }
        let admin = Admin(before.0 & !Admin::INHERITED.0);
        let now = clock::now_ms();
        follower.state.health.lock().set_operation(operation, now);
        let idx = follower.config.idx;
        let _ = proxy.dispatch.set_operation(&proxy, idx, operation);
        let _ = proxy.dispatch.set_admin(&proxy, idx, admin);
        if admin.in_maintenance() {
            continue;
        }
        let (up, ready) = words(&follower);
        let title = title(&proxy, &follower);
        tell(
            runtime,
            &proxy,
            &format!("{title} is {up}/{ready} (leaving maintenance)."),
        );
        lead_back(runtime, &proxy, &follower);
    }
}
