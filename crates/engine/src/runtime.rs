//! The running configuration and the process around it.

use crate::clock;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::stream::{Vars, text_size};
use arc_swap::ArcSwap;
use base::ProxyIdx;
use expr::VarNames;
use expr::logformat::LogFormat;
use expr::sample::Value;
use expr::vars::VARIABLE_SIZE;
use expr::view::{ProcessView, ProxyView};
use model::Snapshot;
use model::live::tally::Tallies;
use model::live::{Gauge, Rate};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use wire::h1::{CaseMap, Limits};
use wire::h2;

/// One configuration with its live state, as sessions hold it.
#[derive(Debug)]
pub struct Runtime {
    /// The configuration.
    pub snapshot: Arc<Snapshot>,
    /// Its proxies, in the order of [`Snapshot::proxies`].
    pub proxies: Vec<Arc<ProxyRuntime>>,
    /// Backends that commands have added since.
    pub added: ArcSwap<Vec<Arc<ProxyRuntime>>>,
    /// Its `resolvers` sections.
    pub resolvers: Vec<Arc<crate::resolvers::Section>>,
    /// Stick tables, in the order of [`Snapshot::tables`].
    pub tables: Vec<Arc<stick::Table>>,
    /// Its `peers` sections, in the order of [`Snapshot::peers`].
    pub peers: Vec<Arc<crate::peers::Section>>,
    /// The process.
    pub process: Arc<Process>,
    /// For whoever runs checks: servers that come and go.
    pub check_orders: crate::check::Orders,
    /// Which servers follow others (`track`).
    pub followers: crate::health::Followers,
    /// Limits of message heads.
    pub limits: Limits,
    /// What is announced on clients' and on servers' HTTP/2 connections.
    pub http2: (h2::Config, h2::Config),
    /// What stands in front of the reason in the line about a failed handshake.
    pub handshake_log: Option<LogFormat>,
    /// Header names to be sent in another case.
    pub cases: Option<CaseMap>,
}

/// How many bytes the event buffer holds.
const EVENTS: usize = 1 << 20;

/// Figures of TLS on both sides.
#[derive(Debug, Default)]
pub struct TlsFigures {
    /// Clients' connections per second.
    pub accepted: Rate,
    /// Handshakes with clients per second that agreed on a new key.
    pub keys: Rate,
    /// Handshakes with servers per second that agreed on a new key.
    pub server_keys: Rate,
    /// Connections on both sides.
    pub connections: Arc<AtomicU32>,
    /// Connections on both sides since the start.
    pub total: AtomicU64,
}

impl TlsFigures {
    /// Counts a client's connection that is accepted; [`TlsFigures::leave`] counts it out.
    pub fn enter(&self, now_ms: u64) {
        self.accepted.add(now_ms);
        self.connections.fetch_add(1, Ordering::Relaxed);
        model::live::count(&self.total, 1);
    }

    /// Counts a client's connection out.
    pub fn leave(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a connection to a server as long as it lives.
    pub fn count_server(&self, connection: &mut tls::Connection) {
        connection.count_in(&self.connections);
        model::live::count(&self.total, 1);
    }

    /// Whether there are as many as there may be (`maxsslconn`), 0 standing for no limit.
    #[must_use]
    pub fn is_full(&self, limit: u32) -> bool {
        limit > 0 && self.connections.load(Ordering::Relaxed) >= limit
    }

    /// How many of a hundred connections of clients agreed on no new key, over the last second.
    #[must_use]
    pub fn reuse(&self, now_ms: u64) -> u32 {
        let (all, new) = (self.accepted.read(now_ms), self.keys.read(now_ms));
        match all > new {
            true => ((u64::from(all - new) * 100 + u64::from(all) / 2) / u64::from(all)) as u32,
            false => 0,
        }
    }
}

/// The process.
#[derive(Debug)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// `node`, else the host name.
    pub node: String,
    /// The host name.
    pub hostname: String,
    /// Worker threads.
    pub threads: u32,
    /// Whether it takes the place of another process.
    pub follows: bool,
    /// Client connections.
    pub connections: Gauge,
    /// The limit on them.
    pub maxconn: AtomicU32,
    /// The most that limit can be set to.
    pub hard_maxconn: u32,
    /// How often an accepted connection has brought them to that limit.
    pub maxconn_reached: AtomicU64,
    /// Warnings so far, those about the configuration included.
    pub warnings: AtomicU64,
    /// How long the start took, in milliseconds.
    pub boot_ms: AtomicU64,
    /// Connections accepted so far, the runtime API's included.
    pub accepted: AtomicU64,
    /// Client connections per second.
    pub connection_rate: Rate,
    /// Client sessions per second: connections that rules have let pass.
    pub session_rate: Rate,
    /// TLS figures.
    pub tls: TlsFigures,
    /// Limits on connections, sessions and clients' TLS connections per second, 0 for none.
    pub max_rates: [AtomicU32; 3],
    /// Bytes sent to clients, in all and past the buffers, and streams; never forgotten.
    pub tallies: Tallies,
    /// Bytes sent to clients over the last second.
    pub bytes_out_rate: AtomicU64,
    /// How much of the last second the workers slept, in percent.
    pub idle_percent: AtomicU32,
    /// Room for connections to the runtime API (`stats maxconn`).
    pub api_room: Arc<tokio::sync::Semaphore>,
    /// Listening sockets that a new process may take over.
    pub exposed: crate::handover::Exposed,
    /// How many messages broke the rules of HTTP/1.
    pub bad_messages: AtomicU64,
    /// OCSP responses that are fetched.
    pub ocsp: crate::ocsp::Updates,
    /// The ways to the workers.
    pub orders: crate::orders::Orders,
    /// Told when a connection that was opened for a listener of `rhttp@` has ended.
    pub reversed_ended: tokio::sync::watch::Sender<()>,
    /// The configuration that new connections get.
    current: parking_lot::Mutex<Option<Arc<Runtime>>>,
    /// The last change of the configuration, which workers follow.
    pub changes: tokio::sync::watch::Sender<Option<Arc<crate::reload::Change>>>,
    /// Set once the process accepts no more connections and ends with its last one.
    pub stopping: AtomicBool,
    /// When that began, in milliseconds since the start.
    pub stopping_since: AtomicU64,
    /// The next number that [`ProcessView::next_number`] gives.
    pub next_number: AtomicU64,
    /// Streams so far.
    pub streams: AtomicU64,
    /// The last lines handed to the event buffer, `buf0` (`debug` without a sink).
    pub events: Arc<crate::log::Ring>,
    /// `proc.` variables.
    pub vars: parking_lot::RwLock<HashMap<u32, Value<'static>>>,
    /// The bytes of variables of sessions, streams and checks, as far as a limit asks for them.
    pub var_bytes: Arc<AtomicUsize>,
    /// The names of all variables, once commands have named more than the configuration does.
    var_names: parking_lot::Mutex<Option<VarNames>>,
    /// The key with which sessions of the runtime API make names unrecognisable, 0 for none (`set anon global-key`).
    pub anonymous_key: AtomicU32,
}

thread_local! {
    static WORKER: Cell<u32> = const { Cell::new(1) };
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

/// Says which worker (from 1) this thread is.
pub fn set_worker_number(number: u32) {
    WORKER.set(number);
}

/// Which worker (from 1) this thread is.
#[must_use]
pub fn worker_number() -> u32 {
    WORKER.get()
}

/// An evenly distributed random number; not for secrets.
pub fn random() -> u64 {
    let mut state = RANDOM.get();
    if state == 0 {
        use std::hash::{BuildHasher, Hasher};
        state = std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
            | 1;
    }
    // SplitMix64.
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    RANDOM.set(state);
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Runtime {
    /// The proxy at a place.
    #[must_use]
    pub fn proxy(&self, at: ProxyIdx) -> Option<&Arc<ProxyRuntime>> {
        self.proxies.get(at.0 as usize)
    }

    /// The stick table of this name.
    #[must_use]
    pub fn table_named(&self, name: &str) -> Option<&Arc<stick::Table>> {
        let at = self.snapshot.table_names.get(name)?;
        self.tables.get(*at as usize)
    }

    /// The backend of this name.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<Arc<ProxyRuntime>> {
        let configured = self.snapshot.backends.get(name);
        let configured = configured.and_then(|at| self.proxy(*at));
        if let Some(backend) = configured.filter(|backend| !backend.is_deleted()) {
            return Some(backend.clone());
        }
        let added = self.added.load();
        added.iter().find(|p| &*p.config.name == name).cloned()
    }

    /// The `resolvers` section of this name.
    #[must_use]
    pub fn resolvers(&self, name: &str) -> Option<&Arc<crate::resolvers::Section>> {
        self.resolvers.iter().find(|r| *r.config.name == *name)
    }

    /// Adds a backend, unpublished, under a number that is free.
    ///
    /// # Errors
    /// With the proxy that has its name already.
    pub fn add_backend(&self, mut proxy: model::Proxy) -> Result<(), Arc<ProxyRuntime>> {
        let all = self.all_proxies();
        if let Some(other) = all.iter().find(|other| other.config.name == proxy.name) {
            return Err(other.clone());
        }
        let taken = |id: u32| all.iter().any(|other| other.config.id == id);
        proxy.id = (2..).find(|id| !taken(*id)).unwrap_or(u32::MAX);
        let next = all.iter().map(|other| other.config.idx.0 + 1).max();
        // Places of the configuration's proxies stay theirs, even when they are gone.
        let free = u32::try_from(self.proxies.len()).unwrap_or(u32::MAX);
        proxy.idx = ProxyIdx(next.unwrap_or(0).max(free));
        let made = ProxyRuntime::new(Arc::new(proxy), self.process.threads as usize);
        made.unpublished.store(true, Ordering::Relaxed);
        let mut added = self.added.load().to_vec();
        added.push(Arc::new(made));
        self.added.store(Arc::new(added));
        Ok(())
    }

    /// Looks after a server that a command has just added to a backend: its checks, and whom it follows.
    pub fn welcome(
        &self,
        backend: &Arc<ProxyRuntime>,
        server: &Arc<ServerRuntime>,
        followed: Option<&(Arc<ProxyRuntime>, Arc<ServerRuntime>)>,
    ) {
        if let Some(followed) = followed {
            self.followers
                .add(followed, (backend.clone(), server.clone()));
        }
        self.check_orders.attend(backend, server);
    }

    /// Looks no more after a server that a command has taken away from its backend.
    pub fn dismiss(&self, backend: &Arc<ProxyRuntime>, server: &Arc<ServerRuntime>) {
        self.followers.remove(server);
        server.remove();
        self.check_orders.attend(backend, server);
    }

    /// Whether a command has added a backend.
    #[must_use]
    pub fn is_added(&self, proxy: &Arc<ProxyRuntime>) -> bool {
        let added = self.added.load();
        added.iter().any(|other| Arc::ptr_eq(other, proxy))
    }

    /// Takes away a backend.
    pub fn remove_backend(&self, proxy: &Arc<ProxyRuntime>) {
        proxy.delete();
        let added = self.added.load();
        let rest = added.iter().filter(|other| !Arc::ptr_eq(other, proxy));
        self.added.store(Arc::new(rest.cloned().collect()));
    }

    /// All proxies: those of the configuration that are still there, then backends that commands have added.
    #[must_use]
    pub fn all_proxies(&self) -> Vec<Arc<ProxyRuntime>> {
        let added = self.added.load();
        let configured = self.proxies.iter().filter(|proxy| !proxy.is_deleted());
        configured.chain(added.iter()).cloned().collect()
    }
}

impl Process {
    /// The configuration that new connections get; `None` before the process runs.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Runtime>> {
        self.current.lock().clone()
    }

    pub(crate) fn set_current(&self, runtime: &Arc<Runtime>) {
        *self.current.lock() = Some(runtime.clone());
    }

    /// A process at its start.
    pub(crate) fn new(info: &crate::process::ProcessInfo, global: &model::Global) -> Self {
        Self {
            pid: info.pid,
            node: global.node.clone().unwrap_or_else(|| info.hostname.clone()),
            hostname: info.hostname.clone(),
            threads: info.workers as u32,
            follows: info.follows,
            connections: Default::default(),
            maxconn: info.maxconn.into(),
            hard_maxconn: info.maxconn,
            maxconn_reached: Default::default(),
            warnings: Default::default(),
            boot_ms: Default::default(),
            accepted: Default::default(),
            connection_rate: Default::default(),
            session_rate: Default::default(),
            tls: Default::default(),
            max_rates: [
                global.max_rates[0].into(),
                global.max_rates[1].into(),
                global.max_rates[2].into(),
            ],
            tallies: Tallies::new(info.workers),
            bytes_out_rate: Default::default(),
            idle_percent: 100.into(),
            api_room: Arc::new(tokio::sync::Semaphore::new(global.stats_maxconn as usize)),
            exposed: Default::default(),
            bad_messages: Default::default(),
            ocsp: Default::default(),
            orders: Default::default(),
            current: Default::default(),
            reversed_ended: tokio::sync::watch::Sender::new(()),
            changes: tokio::sync::watch::Sender::new(None),
            stopping: Default::default(),
            stopping_since: Default::default(),
            next_number: Default::default(),
            streams: Default::default(),
            events: Arc::new(crate::log::Ring::new(
                EVENTS,
                usize::MAX,
                Some(wire::syslog::Format::Timed),
            )),
            vars: parking_lot::RwLock::new(first_values(global)),
            var_bytes: Default::default(),
            var_names: Default::default(),
            anonymous_key: global.anonymous_key.into(),
        }
    }

    /// The names of variables: those of the configuration, and those that commands have named besides.
    #[must_use]
    pub fn var_names(&self, snapshot: &Snapshot) -> VarNames {
        let named = self.var_names.lock();
        // A configuration that was read meanwhile may know other names under the same numbers.
        let follows = |names: &&VarNames| {
            let known = snapshot.variables.len() as u32;
            (0..known).all(|id| names.name(id) == snapshot.variables.name(id))
        };
        let found = named.as_ref().filter(follows);
        found.unwrap_or(&snapshot.variables).clone()
    }

    /// Takes note of names that a command has added to [`Self::var_names`].
    pub fn set_var_names(&self, names: VarNames) {
        *self.var_names.lock() = Some(names);
    }

    /// Sets or removes a `proc.` variable.
    pub fn set_var(&self, name: u32, value: Option<Value<'static>>) {
        let mut vars = self.vars.write();
        match value {
            Some(value) => drop(vars.insert(name, value)),
            None => drop(vars.remove(&name)),
        }
    }

    /// Whether the process accepts no more connections.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl Runtime {
    /// Sets or removes a `proc.` variable. Returns whether there was room for it (`tune.vars.proc-max-size`).
    pub fn set_process_var(&self, name: u32, value: Option<Value<'static>>) -> bool {
        if let Some(value) = &value {
            let vars = self.process.vars.read();
            let is_named = self.snapshot.variables.names_process(name) || vars.contains_key(&name);
            let present = vars.get(&name).map_or(0, text_size);
            let overhead = if is_named { 0 } else { VARIABLE_SIZE };
            let grown = (overhead + text_size(value)).saturating_sub(present);
            drop(vars);
            if !self.has_room_for_vars(grown) {
                return false;
            }
        }
        self.process.set_var(name, value);
        true
    }

    /// Whether all variables together may grow by so many bytes.
    #[must_use]
    pub fn has_room_for_vars(&self, more: usize) -> bool {
        let Some(limit) = self.snapshot.global.variable_limits.overall() else {
            return true;
        };
        let names = &self.snapshot.variables;
        let vars = self.process.vars.read();
        let later = vars.keys().filter(|name| !names.names_process(**name));
        let named = names.process_count() + later.count();
        let texts: usize = vars.values().map(text_size).sum();
        let others = self.process.var_bytes.load(Ordering::Relaxed);
        named * VARIABLE_SIZE + texts + others + more <= limit
    }

    /// Counts variables in what all take, if there is a limit on that.
    pub fn count_vars(&self, vars: &mut Vars) {
        if self.snapshot.global.variable_limits.overall().is_some() {
            vars.count_in(&self.process.var_bytes);
        }
    }
}

/// The variables that the configuration sets, the last value counting.
fn first_values(global: &model::Global) -> HashMap<u32, Value<'static>> {
    let variables = global.variables.iter();
    variables
        .map(|(variable, value)| (variable.name, value.clone()))
        .collect()
}

impl ProcessView for Runtime {
    fn pid(&self) -> u32 {
        self.process.pid
    }
    fn connections(&self) -> u64 {
        self.process.connections.now().into()
    }
    fn node(&self) -> &str {
        &self.process.node
    }
    fn hostname(&self) -> &str {
        &self.process.hostname
    }
    fn uptime_ms(&self) -> u64 {
        clock::now_ms()
    }
    fn threads(&self) -> (u32, u32) {
        (self.process.threads, WORKER.get())
    }
    fn proxy(&self, at: ProxyIdx) -> Option<&dyn ProxyView> {
        self.proxies
            .get(at.0 as usize)
            .map(|proxy| &**proxy as &dyn ProxyView)
    }
    fn table(&self, at: u32) -> Option<&Arc<stick::Table>> {
        self.tables.get(at as usize)
    }
    fn buffer_size(&self) -> usize {
        self.snapshot.global.buffer_size
    }
    fn frontend_named(&self, name: &[u8]) -> Option<&dyn ProxyView> {
        let at = self
            .snapshot
            .frontends
            .get(std::str::from_utf8(name).ok()?)?;
        ProcessView::proxy(self, *at)
    }
    fn backend_named(&self, name: &[u8]) -> Option<Arc<dyn ProxyView>> {
        let found = self.backend(std::str::from_utf8(name).ok()?)?;
        Some(found as Arc<dyn ProxyView>)
    }
    fn event(&self, sink: &[u8], line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        match sink {
            b"stdout" => println!("{text}"),
            b"stderr" => eprintln!("{text}"),
            name => {
                let ring = std::str::from_utf8(name).unwrap_or_default();
                if !crate::log::note_event(self, ring, line) {
                    crate::log::note_in(&self.process.events, line);
                }
            }
        }
    }
    fn random(&self) -> u32 {
        (random() >> 32) as u32
    }
    fn proc_var(&self, name: u32) -> Option<Value<'static>> {
        self.process.vars.read().get(&name).cloned()
    }
    fn utc_offset(&self, seconds: i64) -> i32 {
        sys::utc_offset(seconds)
    }
    fn next_number(&self) -> u64 {
        self.process.next_number.fetch_add(1, Ordering::Relaxed)
    }
}
