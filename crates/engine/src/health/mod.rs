//! What becomes of servers: results of checks, words of agents, errors of live traffic and decisions of operators change
//! their states; the balancer hears of it, servers that follow others follow, and the logs tell.

pub mod address;
mod followers;
mod news;

pub use followers::{Followers, Member};
pub use news::notice;

use crate::clock;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use crate::trace;
use model::live::Admin;
use model::live::health::{Effect, Finder, Meaning, Operation, Outcome};
use model::{Observe, Options};
use std::sync::Arc;

/// What live traffic tells of a server (`observe`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A connection came about.
    Connected,
    /// A connection did not come about.
    Unconnected,
    /// A response was well.
    Answered,
    /// A response was an error of the server.
    BadStatus,
    /// A response can't be understood.
    BadResponse,
    /// No response came in time.
    ResponseTimeout,
    /// The connection broke before there was a response.
    BrokenRead,
    /// The connection broke while the request was sent.
    BrokenWrite,
}

impl Event {
    /// The mode that takes it into account, and how it is named when it is an error.
    fn meaning(self) -> (Observe, Option<&'static str>) {
        match self {
            Self::Connected => (Observe::Layer4, None),
            Self::Unconnected => (Observe::Layer4, Some("L4 unsuccessful connection")),
            Self::Answered => (Observe::Layer7, None),
            Self::BadStatus => (Observe::Layer7, Some("HTTP wrong response")),
            Self::BadResponse => (Observe::Layer7, Some("HTTP bogus response")),
            Self::ResponseTimeout => (Observe::Layer7, Some("HTTP timeout")),
            Self::BrokenRead => (Observe::Layer7, Some("HTTP broken connection (read)")),
            Self::BrokenWrite => (Observe::Layer7, Some("HTTP broken connection (write)")),
        }
    }
}

/// Tells that a frontend can't pause because its listener opens its connections itself (`rhttp@`).
pub fn note_refused_pause(runtime: &Arc<Runtime>, proxy: &ProxyRuntime) {
    let name = &proxy.config.name;
    news::remark(runtime, proxy, "cannot disable a reverse-HTTP listener.");
    news::warn(
        runtime,
        proxy,
        &format!("frontend {name} failed to enter pause mode."),
    );
}

/// Takes servers out of service, at the start, that follow a disabled one.
pub(crate) fn inherit_all(runtime: &Arc<Runtime>) {
    if runtime.followers.is_empty() {
        return;
    }
    for proxy in &runtime.proxies {
        for server in proxy.servers.load().iter() {
            if server.state.admin().in_maintenance() {
                inherit_maintenance(runtime, proxy, server);
            }
        }
    }
}

fn inherit_maintenance(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, server: &ServerRuntime) {
    for (proxy, follower) in &runtime.followers.of(runtime, proxy, server) {
        let admin = follower.state.admin();
        if !admin.has(Admin::INHERITED) {
            let admin = Admin(admin.0 | Admin::INHERITED.0);
            let _ = proxy.dispatch.set_admin(proxy, follower.config.idx, admin);
            inherit_maintenance(runtime, proxy, follower);
        }
    }
}

#[cold]
fn trace_result(of: (&Arc<ProxyRuntime>, &Arc<ServerRuntime>), finder: Finder, outcome: &Outcome) {
    let of = (&**of.0, of.1);
    let (event, what) = match outcome.status.meaning() {
        Meaning::Passed | Meaning::PassedConditionally => {
            (trace::Event::CheckSuccess, "check passed")
        }
        Meaning::Failed => (trace::Event::CheckErr, "check failed"),
        Meaning::Neutral => (trace::Event::CheckEnd, "check without result"),
    };
    trace::check(event, what, of, finder, Some(outcome));
    if event != trace::Event::CheckEnd {
        trace::check(
            trace::Event::CheckEnd,
            "check ended",
            of,
            finder,
            Some(outcome),
        );
    }
}

/// Applies the result of a check or of an agent.
pub fn conclude(
    runtime: &Arc<Runtime>,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    finder: Finder,
    outcome: Outcome,
) {
    if trace::watches_any(trace::CHECKS) {
        trace_result((proxy, server), finder, &outcome);
    }
    let logged = proxy.config.options.has(Options::LOG_HEALTH_CHECKS);
    let (effect, progress) = {
        let mut health = server.state.health.lock();
        let effect = health.record_of(finder, outcome.clone(), clock::now_ms());
        (effect, health.progress_of(finder))
    };
    let Effect { reported, now } = effect;
    if logged && reported {
        news::result(runtime, proxy, server, finder, &outcome, progress);
    }
    if let Some(now) = now {
        // Where results are logged, the reason has just been told.
        let reason = if logged {
            String::new()
        } else {
            format!(", {outcome}")
        };
        moved(runtime, proxy, server, now, &reason);
    }
}

/// Takes note of what live traffic met with.
pub fn observe(
    runtime: &Arc<Runtime>,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    event: Event,
) {
    let settings = &server.config.settings;
    let (mode, error) = event.meaning();
    if settings.check.observe != mode || !settings.check.enabled {
        return;
    }
    let outcome = {
        let mut health = server.state.health.lock();
        match error {
            None => {
                health.traffic_succeeded();
                None
            }
            Some(_) if health.operation() == Operation::Stopped => None,
            Some(error) => health.traffic_failed(error, settings.error_limit, settings.on_error),
        }
    };
    if error.is_some() && server.state.health.lock().take_hurry() {
        server.hurry.notify_one();
    }
    if let Some(outcome) = outcome {
        conclude(runtime, proxy, server, Finder::Check, outcome);
    }
}

/// Sets what a check or an agent is taken to have found, as the operator says; `Stopping` is for checks only.
pub fn force(
    runtime: &Arc<Runtime>,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    finder: Finder,
    wanted: Operation,
) {
    let now = clock::now_ms();
    let changed = {
        let mut health = server.state.health.lock();
        health.force(finder, wanted != Operation::Stopped);
        let wanted = match wanted {
            Operation::Running | Operation::Starting if health.operation().takes_traffic() => {
                health.operation()
            }
            Operation::Running | Operation::Starting => health.coming_up(),
            other => other,
        };
        health.set_operation(wanted, now).then_some(wanted)
    };
    if let Some(now) = changed {
        moved(runtime, proxy, server, now, ", changed from CLI");
    }
}

/// Puts a server's new state into effect, and its followers'.
fn moved(
    runtime: &Arc<Runtime>,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    now: Operation,
    why: &str,
) {
    let before = proxy.dispatch.in_service();
    let idx = server.config.idx;
    if let Some(moved) = proxy.dispatch.set_operation(proxy, idx, now) {
        if now == Operation::Stopped && server.config.settings.ends_sessions_when_down {
            server.end_sessions(Ending::Down);
        }
        let backup = server.config.settings.backup;
        if now.takes_traffic()
            && server.config.settings.ends_backup_sessions_when_up
            && !backup
            && server.state.weight() > 0
        {
            let servers = proxy.servers.load();
            for other in servers.iter().filter(|other| other.config.settings.backup) {
                other.end_sessions(Ending::Up);
            }
        }
        news::operation(runtime, proxy, server, now, moved.queued, why);
        mourn(runtime, proxy, before);
    }
    let via = format!(" via {}/{}", proxy.config.name, server.config.name);
    for (proxy, follower) in &runtime.followers.of(runtime, proxy, server) {
        if follower.state.admin().in_maintenance() {
            continue;
        }
        let mut health = follower.state.health.lock();
        let wanted = match now {
            Operation::Starting | Operation::Running => health.coming_up(),
            other => other,
        };
        let changed = health.set_operation(wanted, clock::now_ms());
        drop(health);
        if changed {
            self::moved(runtime, proxy, follower, wanted, &via);
        }
    }
}

/// Tells when a backend has lost its last server.
fn mourn(runtime: &Arc<Runtime>, proxy: &ProxyRuntime, before: (usize, usize)) {
    if before != (0, 0) && proxy.dispatch.in_service() == (0, 0) {
        news::no_server(runtime, proxy);
    }
}

/// Lets a server that is starting take its growing share; when it is warm, it runs.
pub(crate) fn warm(
    runtime: &Arc<Runtime>,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
) -> bool {
    let now = clock::now_ms();
    let mut health = server.state.health.lock();
    match health.warmth(now) {
        None => false,
        Some(percent) if percent < 100 => {
            drop(health);
            proxy.dispatch.refresh_weight(proxy, server.config.idx);
            true
        }
        Some(_) => {
            health.set_operation(Operation::Running, now);
            drop(health);
            let idx = server.config.idx;
            let moved = proxy.dispatch.set_operation(proxy, idx, Operation::Running);
            let queued = moved.map_or(0, |moved| moved.queued);
            news::operation(runtime, proxy, server, Operation::Running, queued, "");
            false
        }
    }
}

/// Why sessions of a server are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The server has gone down (`on-marked-down shutdown-sessions`).
    Down,
    /// A server that is no backup has come up (`on-marked-up shutdown-backup-sessions`).
    Up,
}

/// Puts a server into maintenance or drain, or makes it ready again, with those that follow it.
pub fn set_admin(
    runtime: &Arc<Runtime>,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    admin: Admin,
) {
    change_admin(runtime, proxy, server, admin, Why::Told, "");
}

/// Why a server goes into maintenance or drain, or comes out.
#[derive(Debug, Clone, Copy)]
enum Why<'w> {
    /// An operator said so, or it follows another one.
    Told,
    /// It has no address, for this cause.
    Unresolved(&'w str),
    /// The name of its host has an address again.
    Resolved(&'w str),
}

fn change_admin(
    runtime: &Arc<Runtime>,
    proxy: &Arc<ProxyRuntime>,
    server: &Arc<ServerRuntime>,
    admin: Admin,
    why: Why<'_>,
    via: &str,
) {
    let old = server.state.admin();
    if old == admin {
        return;
    }
    let before = proxy.dispatch.in_service();
    let idx = server.config.idx;
    let returns = old.in_maintenance() && !admin.in_maintenance();
    if returns {
        let operation = revive(runtime, proxy, server);
        server.go_on();
        let _ = proxy.dispatch.set_operation(proxy, idx, operation);
    }
    let moved = proxy.dispatch.set_admin(proxy, idx, admin);
    if !old.in_maintenance() && admin.in_maintenance() {
        server.stand_still();
        if server.config.settings.ends_sessions_when_down {
            server.end_sessions(Ending::Down);
        }
    }
    let queued = moved.map_or(0, |moved| moved.queued);
    news::admin(runtime, proxy, server, (old, admin), queued, (why, via));
    mourn(runtime, proxy, before);
    let inherited = match (admin.in_maintenance(), admin.allows()) {
        (true, _) => Admin::INHERITED.0,
        (false, false) => Admin::INHERITED_DRAIN.0,
        (false, true) => 0,
    };
    let via = format!(" via {}/{}", proxy.config.name, server.config.name);
    let inherited_why = match why {
        Why::Resolved(_) => Why::Told,
        why => why,
    };
    for (proxy, follower) in &runtime.followers.of(runtime, proxy, server) {
        let mask = Admin::INHERITED.0 | Admin::INHERITED_DRAIN.0;
        let admin = Admin(follower.state.admin().0 & !mask | inherited);
        change_admin(runtime, proxy, follower, admin, inherited_why, &via);
    }
}

/// The state of a server that comes back from maintenance: that of the one it follows, or alive until its checks, which
/// stood still, say something else.
fn revive(runtime: &Arc<Runtime>, proxy: &Arc<ProxyRuntime>, server: &ServerRuntime) -> Operation {
    let now = clock::now_ms();
    let followed = followers::followed(runtime, proxy, server);
    let followed = followed.map(
        |(_, followed)| match followed.state.admin().in_maintenance() {
            true => Operation::Stopped,
            false => followed.state.operation(),
        },
    );
    let mut health = server.state.health.lock();
    match followed {
        Some(operation) => drop(health.set_operation(operation, now)),
        None => health.revive(server.config.settings.check.initial_state, now),
    }
    health.operation()
}
