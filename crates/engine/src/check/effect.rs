//! What results do: states change, the balancer hears of it, servers that follow others follow, and the logs tell.

use super::target::Target;
use crate::clock;
use crate::log::{self, Message};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use base::{ProxyIdx, ServerIdx};
use model::Options;
use model::live::Admin;
use model::live::health::{Meaning, Operation, Outcome};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

/// A server by its places.
type Place = (ProxyIdx, ServerIdx);

const EMERGENCY: u8 = 0;
const ALERT: u8 = 1;
const NOTICE: u8 = 5;

/// All servers, and who follows whom.
#[derive(Debug)]
pub(super) struct Board {
    runtime: Arc<Runtime>,
    followers: HashMap<Place, Vec<Place>>,
}

fn place(proxy: &ProxyRuntime, server: &ServerRuntime) -> Place {
    (proxy.config.idx, server.config.idx)
}

fn backup(server: &ServerRuntime) -> bool {
    server.config.settings.backup
}

impl Board {
    /// The board of a configuration.
    pub fn new(runtime: &Arc<Runtime>) -> Self {
        let mut followers: HashMap<Place, Vec<Place>> = HashMap::new();
        for proxy in &runtime.proxies {
            for server in proxy.servers.load().iter() {
                let track = server.config.settings.track.as_deref();
                if let Some(followed) = track.and_then(|track| find(runtime, proxy, track)) {
                    followers
                        .entry(followed)
                        .or_default()
                        .push(place(proxy, server));
                }
            }
        }
        Self {
            runtime: runtime.clone(),
            followers,
        }
    }

    fn at(&self, (proxy, server): Place) -> Option<(&Arc<ProxyRuntime>, Arc<ServerRuntime>)> {
        let proxy = self.runtime.proxy(proxy)?;
        Some((proxy, proxy.server_at(server)?))
    }

    /// Those who follow a server; the last one of the configuration comes first, as in HAProxy's logs.
    fn followers_of(
        &self,
        proxy: &ProxyRuntime,
        server: &ServerRuntime,
    ) -> impl Iterator<Item = (&Arc<ProxyRuntime>, Arc<ServerRuntime>)> {
        let followers = self.followers.get(&place(proxy, server));
        let followers = followers.into_iter().flatten().rev();
        followers.filter_map(|follower| self.at(*follower))
    }

    /// Takes servers out of service that follow a disabled one.
    pub fn inherit(&self) {
        for proxy in &self.runtime.proxies {
            for server in proxy.servers.load().iter() {
                if server.state.admin().in_maintenance() {
                    self.disable_followers(proxy, server);
                }
            }
        }
    }

    fn disable_followers(&self, proxy: &ProxyRuntime, server: &ServerRuntime) {
        for (proxy, follower) in self.followers_of(proxy, server) {
            let admin = follower.state.admin();
            if !admin.has(Admin::INHERITED) {
                let admin = Admin(admin.0 | Admin::INHERITED.0);
                let _ = proxy.dispatch.set_admin(proxy, follower.config.idx, admin);
                self.disable_followers(proxy, &follower);
            }
        }
    }

    /// Applies a check's result.
    pub fn conclude(&self, target: &Target, outcome: Outcome) {
        let (proxy, server) = (&target.proxy, &target.server);
        let logged = proxy.config.options.has(Options::LOG_HEALTH_CHECKS);
        let (effect, progress) = {
            let mut health = server.state.health.lock();
            let effect = health.record(outcome.clone(), clock::now_ms());
            (effect, health.progress())
        };
        if logged && effect.reported {
            let verb = match outcome.status.meaning() {
                Meaning::Failed => "failed",
                Meaning::PassedConditionally => "conditionally succeeded",
                Meaning::Passed => "succeeded",
                Meaning::Neutral => "ended",
            };
            let kind = if backup(server) {
                "backup server"
            } else {
                "server"
            };
            let (n, of, side) = progress;
            let text = format!(
                "Health check for {kind} {}/{} {verb}, {outcome}, status: {n}/{of} {side}.",
                proxy.config.name, server.config.name
            );
            self.tell(proxy, NOTICE, &text);
        }
        if let Some(now) = effect.now {
            // Where results are logged, the reason has just been told.
            let reason = if logged {
                String::new()
            } else {
                format!(", {outcome}")
            };
            self.moved(proxy, server, now, &reason);
        }
    }

    /// Puts a server's new state into effect, and its followers'.
    fn moved(&self, proxy: &ProxyRuntime, server: &ServerRuntime, now: Operation, why: &str) {
        let (active, backups) = proxy.dispatch.in_service();
        let idx = server.config.idx;
        let usable = now == Operation::Running;
        if let Some(moved) = proxy.dispatch.set_usable(proxy, idx, usable) {
            let text = self.state_line(proxy, server, usable, moved.queued, why);
            self.tell(proxy, if usable { NOTICE } else { ALERT }, &text);
            if !usable && active + backups > 0 && proxy.dispatch.in_service() == (0, 0) {
                self.mourn(proxy);
            }
        }
        let via = format!(" via {}/{}", proxy.config.name, server.config.name);
        for (proxy, follower) in self.followers_of(proxy, server) {
            if follower.state.admin().in_maintenance() {
                continue;
            }
            let changed = follower
                .state
                .health
                .lock()
                .set_operation(now, clock::now_ms());
            if changed {
                self.moved(proxy, &follower, now, &via);
            }
        }
    }

    fn state_line(
        &self,
        proxy: &ProxyRuntime,
        server: &ServerRuntime,
        up: bool,
        queued: u32,
        why: &str,
    ) -> String {
        let (active, backups) = proxy.dispatch.in_service();
        let kind = if backup(server) {
            "Backup Server"
        } else {
            "Server"
        };
        let name = format!("{}/{}", proxy.config.name, server.config.name);
        let on_backup = if active == 0 && backups > 0 {
            " Running on backup."
        } else {
            ""
        };
        let waiting = server.state.queued.now();
        if up {
            format!(
                "{kind} {name} is UP{why}. {active} active and {backups} backup servers online.{on_backup} \
                 {queued} sessions requeued, {waiting} total in queue."
            )
        } else {
            let present = server.state.counters.connections.now();
            format!(
                "{kind} {name} is DOWN{why}. {active} active and {backups} backup servers left.{on_backup} \
                 {present} sessions active, {queued} requeued, {waiting} remaining in queue."
            )
        }
    }

    /// Tells that a backend has lost its last server.
    fn mourn(&self, proxy: &ProxyRuntime) {
        let (kind, name) = (proxy.config.caps.section(), &proxy.config.name);
        self.log(
            proxy,
            EMERGENCY,
            &format!("{kind} {name} has no server available!"),
        );
        self.print(
            "ALERT",
            &format!("{kind} '{name}' has no server available!"),
        );
    }

    fn tell(&self, proxy: &ProxyRuntime, level: u8, text: &str) {
        self.print("WARNING", text);
        self.log(proxy, level, text);
    }

    fn log(&self, proxy: &ProxyRuntime, level: u8, text: &str) {
        let logs = &proxy.config.log;
        let global = &self.runtime.snapshot.global;
        let tag = logs.tag.as_deref().or(global.log_tag.as_deref());
        let message = Message {
            level,
            tag: tag.unwrap_or("haproxy"),
            structured_data: b"",
            text: text.as_bytes(),
        };
        log::emit(&self.runtime, &logs.targets, &message);
    }

    /// Standard error gets such news as well, as long as the process has one and may use it.
    fn print(&self, severity: &str, text: &str) {
        if !self.runtime.snapshot.global.quiet {
            let pid = self.runtime.process.pid;
            let label = format!("[{severity}]");
            // Nobody is left to be told that standard error is gone.
            let _ = writeln!(std::io::stderr(), "{label:<10} ({pid}) : {text}");
        }
    }
}

/// The server that `track [<proxy>/]<server>` names.
fn find(runtime: &Runtime, own: &Arc<ProxyRuntime>, track: &str) -> Option<Place> {
    let (backend, name) = match track.split_once('/') {
        Some((backend, name)) => (runtime.backend(backend)?, name),
        None => (own.clone(), track),
    };
    let server = backend.server_named(name)?;
    Some(place(&backend, &server))
}
