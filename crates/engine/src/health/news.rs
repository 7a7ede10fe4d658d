//! What logs and standard error say of servers.

use super::Why;
use crate::log::{self, Message};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use model::live::Admin;
use model::live::health::{Finder, Meaning, Operation, Outcome};
use std::io::Write;
use std::sync::Arc;

const EMERGENCY: u8 = 0;
const ALERT: u8 = 1;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;

fn title(proxy: &ProxyRuntime, server: &ServerRuntime) -> String {
    let kind = if server.config.settings.backup {
        "Backup Server"
    } else {
        "Server"
    };
    format!("{kind} {}/{}", proxy.config.name, server.config.name)
}

/// A result of a check or an agent.
pub(super) fn result(
    runtime: &Arc<Runtime>,
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    finder: Finder,
    outcome: &Outcome,
    (n, of, side): (u32, u32, &str),
) {
    let verb = match outcome.status.meaning() {
        Meaning::Failed => "failed",
        Meaning::PassedConditionally => "conditionally succeeded",
        Meaning::Passed => "succeeded",
        Meaning::Neutral => "ended",
    };
    let who = match finder {
        Finder::Check => "Health",
        Finder::Agent => "Agent",
    };
    let kind = if server.config.settings.backup {
        "backup server"
    } else {
        "server"
    };
    let side = match side {
        "UP" if server.state.weight() == 0 => "DRAIN",
        side => side,
    };
    let text = format!(
        "{who} check for {kind} {}/{} {verb}, {outcome}, status: {n}/{of} {side}.",
        proxy.config.name, server.config.name
    );
    tell(runtime, proxy, NOTICE, &text);
}

/// How many servers there are now, and what became of a server's streams.
fn counts(proxy: &ProxyRuntime, server: &ServerRuntime, stays: bool, queued: u32) -> String {
    let (active, backups) = proxy.dispatch.in_service();
    let on_backup = if active == 0 && backups > 0 {
        " Running on backup."
    } else {
        ""
    };
    let waiting = server.state.queued.now();
    if stays {
        format!(
            "{active} active and {backups} backup servers online.{on_backup} {queued} sessions requeued, \
             {waiting} total in queue."
        )
    } else {
        let present = server.state.counters.connections.now();
        format!(
            "{active} active and {backups} backup servers left.{on_backup} {present} sessions active, \
             {queued} requeued, {waiting} remaining in queue."
        )
    }
}

/// A new state of a server.
pub(super) fn operation(
    runtime: &Arc<Runtime>,
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    now: Operation,
    queued: u32,
    why: &str,
) {
    let (verb, level) = match now {
        Operation::Stopped => ("DOWN", ALERT),
        Operation::Stopping => ("stopping", NOTICE),
        Operation::Starting | Operation::Running => ("UP", NOTICE),
    };
    let counts = counts(proxy, server, now != Operation::Stopped, queued);
    let text = format!("{} is {verb}{why}. {counts}", title(proxy, server));
    tell(runtime, proxy, level, &text);
}

/// A decision about a server: what was decided before, and what is now.
pub(super) fn admin(
    runtime: &Arc<Runtime>,
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    (old, new): (Admin, Admin),
    queued: u32,
    (why, via): (Why<'_>, &str),
) {
    let title = title(proxy, server);
    let cause = match why {
        Why::Unresolved(cause) => format!(" ({cause})"),
        Why::Told | Why::Resolved(_) => String::new(),
    };
    let up = server.state.is_up();
    let word = if up { "UP" } else { "DOWN" };
    let drains = |admin: Admin| admin.has(Admin::DRAIN) || admin.has(Admin::INHERITED_DRAIN);
    let mut level = NOTICE;
    let text = match (old.in_maintenance(), new.in_maintenance()) {
        (false, true) if up => {
            let counts = counts(proxy, server, false, queued);
            if old.allows() {
                level = ALERT;
            }
            format!("{title} is going DOWN for maintenance{cause}{via}. {counts}")
        }
        (false, true) => format!("{title} was DOWN and now enters maintenance{cause}{via}."),
        (true, false) => {
            let mode = if drains(new) { "DRAIN" } else { "READY" };
            let forced = if old.has(Admin::MAINT) { "forced " } else { "" };
            match why {
                Why::Resolved(host) => {
                    format!("{title} ('{host}') is {word}/{mode} (resolves again).")
                }
                _ => format!("{title} is {word}/{mode} (leaving {forced}maintenance)."),
            }
        }
        (false, false) => match (drains(old), drains(new)) {
            (false, true) => {
                let counts = counts(proxy, server, up, queued);
                format!("{title} enters drain state{via}. {counts}")
            }
            (true, false) => {
                let forced = if old.has(Admin::DRAIN) { "forced " } else { "" };
                format!("{title} is {word} (leaving {forced}drain){via}.")
            }
            _ => return,
        },
        (true, true) => match why {
            Why::Resolved(host) => {
                format!("{title} ('{host}') resolves again but remains in maintenance.")
            }
            _ => return,
        },
    };
    tell(runtime, proxy, level, &text);
    if old.in_maintenance() && !new.in_maintenance() && drains(new) {
        let text = match new.has(Admin::DRAIN) {
            true => format!("{title} remains in forced drain mode."),
            false => format!("{title} remains in drain mode{via}."),
        };
        tell(runtime, proxy, NOTICE, &text);
    }
}

/// A backend has lost its last server.
pub(super) fn no_server(runtime: &Arc<Runtime>, proxy: &ProxyRuntime) {
    let (kind, name) = (proxy.config.caps.section(), &proxy.config.name);
    let text = format!("{kind} {name} has no server available!");
    log(runtime, proxy, EMERGENCY, &text);
    let text = format!("{kind} '{name}' has no server available!");
    print(runtime, "ALERT", &text);
}

/// Tells other news of a backend's servers.
pub fn notice(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, text: &str) {
    tell(runtime, proxy, NOTICE, text);
}

/// A warning about a proxy.
pub(super) fn warn(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, text: &str) {
    tell(runtime, proxy, WARNING, text);
}

/// Something for a proxy's logs alone.
pub(super) fn remark(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, text: &str) {
    log(runtime, proxy, WARNING, text);
}

fn tell(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, level: u8, text: &str) {
    let warnings = &runtime.process.warnings;
    warnings.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    print(runtime, "WARNING", text);
    log(runtime, proxy, level, text);
}

fn log(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, level: u8, text: &str) {
    let logs = &proxy.config.log;
    let global = &runtime.snapshot.global;
    let tag = logs.tag.as_deref().or(global.log_tag.as_deref());
    let message = Message {
        level,
        tag: tag.unwrap_or("haproxy"),
        structured_data: b"",
        text: text.as_bytes(),
    };
    log::emit(runtime, &logs.targets, &message);
}

/// Standard error gets such news as well, as long as the process has one and may use it.
fn print(runtime: &Arc<Runtime>, severity: &str, text: &str) {
    if !runtime.snapshot.global.quiet {
        let pid = runtime.process.pid;
        let label = format!("[{severity}]");
        // Nobody is left to be told that standard error is gone.
        let _ = writeln!(std::io::stderr(), "{label:<10} ({pid}) : {text}");
    }
}
