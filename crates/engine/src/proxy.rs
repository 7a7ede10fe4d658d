//! Proxies and servers at run time: the configuration together with its live state.

use crate::backend::Dispatch;
use crate::backend::{IdlePool, Location, Whereabouts};
use crate::check::Places;
use crate::clock;
use crate::health::Ending;
use crate::mux::h2::Attached;
use crate::reload::{self, Kinship};
use crate::servers::Servers;
use crate::stream::BadMessages;
use base::ServerIdx;
use expr::view::{ProxyView, ServerView};
use model::live::health::{Finder, Operation};
use model::live::history::History;
use model::live::tally::Tally;
use model::live::{Admin, Counters, ListenerState, ServerState};
use model::{Bind, Options, Proxy, Server};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tokio::sync::watch;

/// A proxy at run time.
#[derive(Debug)]
pub struct ProxyRuntime {
    /// Its configuration.
    pub config: Arc<Proxy>,
    /// Counters of its frontend side.
    pub front: Arc<Counters>,
    /// Counters of its backend side.
    pub back: Arc<Counters>,
    /// Its listening addresses, in the order of the configuration.
    pub binds: Vec<Arc<ListenerState>>,
    /// Its servers.
    pub servers: Servers,
    /// The last hour of the frontend's and of the backend's side.
    pub history: Arc<Mutex<[History; 2]>>,
    /// Balancing and queues.
    pub dispatch: Dispatch,
    /// Where requests go that are meant for no server, in place of balancing.
    pub direct: Option<Arc<ServerRuntime>>,
    /// Whether `use_backend` rules pass the backend over (`unpublish backend`).
    pub unpublished: AtomicBool,
    /// Whether a command has removed the backend.
    deleted: AtomicBool,
    /// Whether the frontend listens; its listeners follow.
    pub listening: watch::Sender<Listening>,
    /// The frontend's limit on connections, 0 for the process' limit.
    pub maxconn: AtomicU32,
    /// The last messages that broke the rules of HTTP/1.
    pub bad_messages: Arc<Mutex<BadMessages>>,
    /// How cookies are made of servers' addresses.
    pub dynamic_cookie: Arc<RwLock<DynamicCookie>>,
    /// Its counterparts in other runtimes.
    pub kin: Kinship,
}

/// How cookies are made of servers' addresses (`dynamic-cookie-key` and `cookie ... dynamic`, and what commands changed).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DynamicCookie {
    /// Whether they are.
    pub on: bool,
    /// The secret in them; without one there are none.
    pub key: Option<Arc<str>>,
}

impl DynamicCookie {
    fn of(config: &Proxy) -> Self {
        let cookie = config.back.cookie.as_ref();
        Self {
            on: cookie.is_some_and(|cookie| cookie.dynamic),
            key: config.back.dynamic_cookie_key.clone(),
        }
    }
}

/// Whether a frontend listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// It does.
    Running,
    /// It does not for the time being (`disable frontend`).
    Paused,
    /// It never will again (`shutdown frontend`, `disabled`).
    Stopped,
}

/// A server at run time.
#[derive(Debug)]
pub struct ServerRuntime {
    /// Its configuration.
    pub config: Arc<Server>,
    /// Its live state.
    pub state: Arc<ServerState>,
    /// Where it is.
    pub whereabouts: Arc<Whereabouts>,
    /// Idle connections, by worker.
    pub idle: Arc<IdlePool>,
    /// What clients have handed to it, if that is where its connections come from (`rhttp@`).
    pub attached: Option<Arc<Attached>>,
    /// The limit on connections, 0 for none.
    maxconn: AtomicU32,
    /// Whether a command added it.
    pub added: bool,
    /// How many servers have had this number before.
    pub revision: u32,
    /// Where checks and questions to its agent go.
    pub check_places: Arc<Mutex<Places>>,
    /// Whether connections speak TLS (`set server … ssl`).
    secure: Arc<AtomicBool>,
    /// Whether its checks stand still because it is in maintenance.
    standing: Arc<AtomicBool>,
    /// Whether a command has taken it away.
    removed: AtomicBool,
    /// Told when live traffic asks for the next check soon.
    pub hurry: tokio::sync::Notify,
    /// How often its sessions were ended, and why the last time.
    endings: Arc<watch::Sender<(u64, Option<Ending>)>>,
}

impl ServerRuntime {
    /// A server at its start, `workers` being the number of workers that may hold idle connections.
    #[must_use]
    pub fn new(config: Arc<Server>, workers: usize) -> Self {
        let settings = &config.settings;
        let health = settings.check.initial_health();
        let health = health.with_slow_start(settings.slow_start);
        let state = ServerState::new(settings.disabled, settings.weight, health, workers);
        if config.unresolved {
            state.set_admin(Admin(state.admin().0 | Admin::RESOLUTION.0));
        }
        let standing = state.admin().in_maintenance();
        Self {
            whereabouts: Arc::new(Whereabouts::new(&config)),
            check_places: Arc::new(Mutex::new(Places::new(&config.settings.check))),
            secure: Arc::new(AtomicBool::new(config.settings.tls.enabled)),
            state: Arc::new(state),
            attached: is_reverse(&config).then(Arc::default),
            maxconn: AtomicU32::new(config.settings.maxconn),
            config,
            idle: Arc::new(IdlePool::new(workers)),
            standing: Arc::new(AtomicBool::new(standing)),
            removed: AtomicBool::new(false),
            hurry: tokio::sync::Notify::new(),
            endings: Arc::new(watch::Sender::new((0, None))),
            added: false,
            revision: 0,
        }
    }

    /// A server that goes on under another configuration. With `unchanged`, nothing about its backend is different:
    /// where it was moved to and its idle connections stay, too.
    fn following(config: Arc<Server>, old: &Self, unchanged: bool, workers: usize) -> Self {
        let (settings, former) = (&config.settings, &old.config.settings);
        let state = old.state.clone();
        if settings.weight != former.weight {
            state.set_weight(settings.weight);
        }
        if settings.disabled != former.disabled {
            let bits = Admin::MAINT.0 | Admin::CONFIGURED.0;
            let others = state.admin().0 & !bits;
            state.set_admin(Admin(others | if settings.disabled { bits } else { 0 }));
        }
        if !unchanged {
            let mut health = state.health.lock();
            let operation = health.operation();
            *health = settings
                .check
                .initial_health()
                .with_slow_start(settings.slow_start);
            if crate::check::is_checked(&config) {
                health.set_operation(operation, clock::now_ms());
            } else {
                state.set_operation(Operation::Running);
            }
        }
        let maxconn = match settings.maxconn == former.maxconn {
            true => old.maxconn(),
            false => settings.maxconn,
        };
        Self {
            whereabouts: match unchanged {
                true => old.whereabouts.clone(),
                false => Arc::new(Whereabouts::new(&config)),
            },
            check_places: match unchanged {
                true => old.check_places.clone(),
                false => Arc::new(Mutex::new(Places::new(&config.settings.check))),
            },
            secure: match unchanged {
                true => old.secure.clone(),
                false => Arc::new(AtomicBool::new(config.settings.tls.enabled)),
            },
            standing: old.standing.clone(),
            removed: AtomicBool::new(false),
            idle: match unchanged {
                true => old.idle.clone(),
                false => Arc::new(IdlePool::new(workers)),
            },
            attached: match is_reverse(&config) {
                true => Some(old.attached.clone().unwrap_or_default()),
                false => None,
            },
            state,
            maxconn: AtomicU32::new(maxconn),
            config,
            hurry: tokio::sync::Notify::new(),
            endings: old.endings.clone(),
            added: false,
            revision: old.revision,
        }
    }

    /// Changes where the server is. Idle connections to another address are dropped, and those in use will not be used
    /// again; a server that is hashed by its address moves in the hash. To be called on the thread of the first worker.
    pub fn relocate(&self, proxy: &ProxyRuntime, change: impl FnOnce(&mut Location)) {
        if self.whereabouts.change(change) {
            self.idle.clear();
            proxy.dispatch.moved(self);
        }
    }

    /// A server that a command adds: in maintenance, its checks and its agent waiting to be enabled.
    #[must_use]
    pub fn added(config: Arc<Server>, workers: usize) -> Self {
        let server = Self {
            added: true,
            ..Self::new(config, workers)
        };
        server.state.set_admin(Admin::MAINT);
        let now = clock::now_ms();
        server.state.changed().set(now);
        server.state.health.lock().changed_at = now;
        server.go_on();
        server.pause(Finder::Check, true);
        server.pause(Finder::Agent, true);
        server
    }

    /// Lets checks or questions to the agent stand still, or go on (`disable health`, `disable agent`). An agent that is
    /// not asked has no say.
    pub fn pause(&self, of: Finder, on: bool) {
        self.state.pause(of, on);
        if of == Finder::Agent {
            let enabled = self.config.settings.check.agent.enabled;
            self.state.health.lock().has_agent = enabled && !on;
        }
    }

    /// Notes that the server goes into maintenance, where its checks stand still and forget what they have counted.
    pub(crate) fn stand_still(&self) {
        self.state.health.lock().stand_still();
        self.standing.store(true, Ordering::Relaxed);
    }

    /// Notes that the server comes back from maintenance.
    pub(crate) fn go_on(&self) {
        self.standing.store(false, Ordering::Relaxed);
    }

    /// Whether checks stand still because of a maintenance. A server that a command has added has not gone into its
    /// first one.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        self.standing.load(Ordering::Relaxed)
    }

    /// Whether connections speak TLS.
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        self.secure.load(Ordering::Relaxed)
    }

    /// Lets new connections speak TLS, or not; what the server line says of TLS must be enough for it. Idle ones are
    /// dropped.
    pub fn speak_tls(&self, on: bool) {
        if self.secure.swap(on, Ordering::Relaxed) != on {
            self.idle.clear();
        }
    }

    /// Closes the connections that are kept for later.
    pub fn close_kept(&self) {
        self.idle.close_all();
        if let Some(attached) = &self.attached {
            attached.close_all();
        }
    }

    /// Whether a command has taken it away.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Relaxed)
    }

    /// Notes that a command has taken it away, for those who look after it.
    pub(crate) fn remove(&self) {
        self.removed.store(true, Ordering::Relaxed);
        self.hurry.notify_one();
    }

    /// The limit on connections, 0 for none.
    #[must_use]
    pub fn maxconn(&self) -> u32 {
        self.maxconn.load(Ordering::Relaxed)
    }

    /// Notes another limit; the queues learn of it by [`Dispatch::set_maxconn`].
    pub(crate) fn set_maxconn(&self, limit: u32) {
        self.maxconn.store(limit, Ordering::Relaxed);
    }

    /// Ends the sessions that are on this server.
    pub fn end_sessions(&self, why: Ending) {
        self.endings.send_modify(|(count, last)| {
            *count += 1;
            *last = Some(why);
        });
    }

    /// Hears of it when sessions of this server that exist by now are to end.
    #[must_use]
    pub fn endings(&self) -> watch::Receiver<(u64, Option<Ending>)> {
        self.endings.subscribe()
    }
}

fn is_reverse(config: &Server) -> bool {
    matches!(config.address, model::Address::Reverse(_))
}

impl ProxyRuntime {
    /// A proxy at its start.
    #[must_use]
    pub fn new(config: Arc<Proxy>, workers: usize) -> Self {
        let servers: Vec<_> = config
            .back
            .servers
            .iter()
            .map(|server| Arc::new(ServerRuntime::new(server.clone(), workers)))
            .collect();
        let dispatch = Dispatch::new(&config, &servers);
        Self {
            front: Arc::new(Counters::new(workers)),
            back: Arc::new(Counters::new(workers)),
            servers: Servers::new(servers),
            binds: listeners(&config, workers),
            dispatch,
            direct: direct(&config, workers),
            history: Arc::default(),
            unpublished: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
            listening: watch::Sender::new(if config.disabled {
                Listening::Stopped
            } else {
                Listening::Running
            }),
            maxconn: AtomicU32::new(config.front.maxconn),
            bad_messages: Arc::default(),
            dynamic_cookie: Arc::new(RwLock::new(DynamicCookie::of(&config))),
            kin: Kinship::default(),
            config,
        }
    }

    /// A proxy that goes on under another configuration, with the live state of what has kept its name.
    pub(crate) fn following(
        config: Arc<Proxy>,
        old: &Arc<Self>,
        unchanged: bool,
        workers: usize,
    ) -> Self {
        let known = old.servers.load();
        let servers = config.back.servers.iter().map(|server| {
            Arc::new(match known.named(&server.name) {
                Some(old) => ServerRuntime::following(server.clone(), old, unchanged, workers),
                None => ServerRuntime::new(server.clone(), workers),
            })
        });
        let mut servers: Vec<_> = servers.collect();
        if unchanged {
            servers.extend(known.iter().filter(|server| server.added).cloned());
        }
        let binds = config.front.binds.iter().zip(listeners(&config, workers));
        let binds = binds.map(|(bind, new)| {
            let same = |other: &Arc<Bind>| other.address == bind.address && other.name == bind.name;
            let at = old.config.front.binds.iter().position(same);
            let counts =
                |state: &Arc<ListenerState>| state.counters.is_some() == new.counters.is_some();
            let state = at
                .and_then(|at| old.binds.get(at))
                .filter(|state| counts(state));
            state.cloned().unwrap_or(new)
        });
        let maxconn = match config.front.maxconn == old.config.front.maxconn {
            true => old.maxconn(),
            false => config.front.maxconn,
        };
        let listening = match (config.disabled, old.config.disabled) {
            (true, _) => Listening::Stopped,
            (false, true) => Listening::Running,
            (false, false) => *old.listening.borrow(),
        };
        Self {
            front: old.front.clone(),
            back: old.back.clone(),
            binds: binds.collect(),
            dispatch: Dispatch::following(&config, &servers, &old.dispatch),
            direct: direct(&config, workers),
            servers: Servers::new(servers),
            // One that was removed and is in the file again is a new one.
            unpublished: AtomicBool::new(
                !old.is_deleted() && old.unpublished.load(Ordering::Relaxed),
            ),
            deleted: AtomicBool::new(false),
            listening: watch::Sender::new(listening),
            maxconn: AtomicU32::new(maxconn),
            history: old.history.clone(),
            bad_messages: old.bad_messages.clone(),
            dynamic_cookie: match DynamicCookie::of(&config) == DynamicCookie::of(&old.config) {
                true => old.dynamic_cookie.clone(),
                false => Arc::new(RwLock::new(DynamicCookie::of(&config))),
            },
            kin: reload::follow(Kinship::default(), old),
            config,
        }
    }

    /// Whether a command has removed the backend.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Relaxed)
    }

    pub(crate) fn delete(&self) {
        self.deleted.store(true, Ordering::Relaxed);
    }

    /// Ends a minute of the last hour.
    pub fn end_minute(&self) {
        let mut history = self.history.lock();
        for (side, counters) in history.iter_mut().zip([&self.front, &self.back]) {
            let (all, errors) = events(counters);
            side.record(all, errors);
        }
    }

    /// Requests and errors of each minute of the last hour, of the frontend's side (0) or the backend's (1).
    #[must_use]
    pub fn last_hour(&self, side: usize) -> Vec<(u32, u32)> {
        let (all, errors) = events(if side == 0 { &self.front } else { &self.back });
        let history = self.history.lock();
        history
            .get(side)
            .map_or_else(Vec::new, |side| side.samples(all, errors))
    }

    /// What the listening address counts by itself, if it does.
    #[must_use]
    pub fn listener_counters(&self, bind: &Arc<Bind>) -> Option<&Counters> {
        if !self.config.options.has(Options::SOCKET_STATS) {
            return None;
        }
        self.listener(bind)?.counters.as_deref()
    }

    /// Whether `use_backend` rules may lead here.
    #[must_use]
    pub fn takes_traffic(&self) -> bool {
        !self.config.disabled && !self.is_deleted() && !self.unpublished.load(Ordering::Relaxed)
    }

    /// The frontend's limit on connections, 0 for the process' limit.
    #[must_use]
    pub fn maxconn(&self) -> u32 {
        self.maxconn.load(Ordering::Relaxed)
    }

    /// The live state of one of its listening addresses.
    #[must_use]
    pub fn listener(&self, bind: &Arc<Bind>) -> Option<&Arc<ListenerState>> {
        let at = self
            .config
            .front
            .binds
            .iter()
            .position(|other| Arc::ptr_eq(other, bind))?;
        self.binds.get(at)
    }

    /// The server at a place.
    #[must_use]
    pub fn server_at(&self, idx: ServerIdx) -> Option<Arc<ServerRuntime>> {
        self.servers.load().at(idx).cloned()
    }

    /// The server of this name.
    #[must_use]
    pub fn server_named(&self, name: &str) -> Option<Arc<ServerRuntime>> {
        self.servers.load().named(name).cloned()
    }
}

/// Requests, or sessions where there are no requests, and errors so far.
fn events(counters: &Counters) -> (u64, u64) {
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let failed = [
        &counters.request_errors,
        &counters.connection_errors,
        &counters.response_errors,
    ];
    let failed: u64 = failed.into_iter().map(load).sum();
    let errors = failed.max(counters.tallies.get(Tally::Status5));
    (load(&counters.requests).max(load(&counters.total)), errors)
}

fn direct(config: &Proxy, workers: usize) -> Option<Arc<ServerRuntime>> {
    let server = config.back.direct.as_ref()?;
    Some(Arc::new(ServerRuntime::new(server.clone(), workers)))
}

fn listeners(config: &Proxy, workers: usize) -> Vec<Arc<ListenerState>> {
    let counts = config.options.has(Options::SOCKET_STATS);
    let binds = config.front.binds.iter();
    binds
        .map(|_| Arc::new(ListenerState::new(counts, workers)))
        .collect()
}

impl ProxyView for ProxyRuntime {
    fn name(&self) -> &str {
        &self.config.name
    }
    fn id(&self) -> u32 {
        self.config.id
    }
    fn connections(&self) -> u64 {
        let side = if self.config.caps.front {
            &self.front
        } else {
            &self.back
        };
        side.connections.now().into()
    }
    fn queued(&self) -> u64 {
        let servers: u64 = self
            .servers
            .load()
            .iter()
            .map(|server| u64::from(server.state.queued.now()))
            .sum();
        servers + self.dispatch.queued()
    }
    fn session_rate(&self) -> u32 {
        let side = if self.config.caps.front {
            &self.front
        } else {
            &self.back
        };
        side.session_rate.read(clock::now_ms())
    }
    fn request_rate(&self) -> u32 {
        self.front.request_rate.read(clock::now_ms())
    }
    fn usable_servers(&self) -> u32 {
        let servers = self.servers.load();
        servers.iter().filter(|server| server.is_usable()).count() as u32
    }
    fn server(&self, name: &str) -> Option<Arc<dyn ServerView>> {
        self.server_named(name)
            .map(|server| server as Arc<dyn ServerView>)
    }
    fn server_at(&self, at: ServerIdx) -> Option<Arc<dyn ServerView>> {
        let server = self.servers.load().at(at).cloned();
        server.map(|server| server as Arc<dyn ServerView>)
    }
    fn servers(&self) -> Vec<Arc<dyn ServerView>> {
        let servers = self.servers.load();
        servers
            .iter()
            .map(|server| server.clone() as Arc<dyn ServerView>)
            .collect()
    }
    fn timeout(&self, name: &str) -> Option<u64> {
        let timeouts = &self.config.timeouts;
        match name {
            "client" => timeouts.client,
            "server" => timeouts.server,
            "connect" => timeouts.connect,
            "queue" => timeouts.queue,
            "tunnel" => timeouts.tunnel,
            "tarpit" => timeouts.tarpit,
            _ => None,
        }
    }
    fn max_connections(&self) -> u64 {
        self.maxconn().into()
    }
    fn default_backend(&self) -> Option<&str> {
        self.config.front.default_backend.as_deref()
    }
    fn defaults_name(&self) -> &str {
        self.config.defaults_name.as_deref().unwrap_or_default()
    }
}

impl ServerView for ServerRuntime {
    fn name(&self) -> &str {
        &self.config.name
    }
    fn id(&self) -> u32 {
        self.config.id
    }
    fn is_usable(&self) -> bool {
        self.state.is_usable()
    }
    fn connections(&self) -> u64 {
        self.state.counters.connections.now().into()
    }
    fn queued(&self) -> u64 {
        self.state.queued.now().into()
    }
    fn max_connections(&self) -> u64 {
        self.maxconn().into()
    }
    fn max_queued(&self) -> u64 {
        self.config.settings.maxqueue.into()
    }
    fn weight(&self) -> (u32, u32) {
        (self.state.weight(), self.config.settings.weight)
    }
    fn session_rate(&self) -> u32 {
        self.state.counters.session_rate.read(clock::now_ms())
    }
}
