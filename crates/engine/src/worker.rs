//! Workers: one thread each, with its own event loop, listening sockets and pools.

mod pools;

pub use pools::{POOLS, Pool};

use crate::io::Deadline;
use crate::log::Forwards;
use crate::mux::h2;
use crate::profile::{self, profiled};
use crate::proxy::ServerRuntime;
use crate::runtime::{self, Runtime};
use crate::stream::{Card, Seen, State};
use crate::{clock, io, log};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use tokio::runtime::LocalOptions;
use tokio::sync::watch;

/// How many free stream states a worker keeps.
const KEPT_STATES: usize = 256;

/// How many streams are looked at before traffic has its turn.
const SEEN_AT_ONCE: usize = 256;

/// Every how many seconds the estimate of needed server connections follows what is in use.
const DECAY: u32 = 5;

/// One worker.
#[derive(Debug)]
pub struct Worker {
    /// Its number, from 0.
    pub index: usize,
    /// Boxed, since each is handed out and taken back by itself.
    #[expect(clippy::vec_box)]
    states: RefCell<Vec<Box<State>>>,
    /// Stream states that were made and not freed.
    made_states: Cell<usize>,
    /// How much of each pool was needed lately, in the order of [`Worker::pools`].
    needed: Cell<[f32; POOLS]>,
    /// Timers of streams that are over; their next use may find them set already.
    deadlines: RefCell<Vec<Deadline>>,
    /// HTTP/2 connections to servers.
    pub multiplexed: Rc<h2::Pool>,
    /// The tasks of its sessions, to be woken when the process stops.
    sessions: RefCell<Sessions>,
    /// How often idle connections have been looked through.
    purges: Cell<u32>,
    /// Cards of streams, those in the pool included.
    cards: RefCell<Vec<Weak<Card>>>,
    /// Servers for which this worker may hold idle connections.
    pooled: RefCell<Vec<Arc<ServerRuntime>>>,
}

/// What a worker is doing at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// Tasks.
    pub tasks: u64,
    /// How often it has waited for events.
    pub loops: u64,
    /// Sessions of clients.
    pub sessions: u64,
    /// Streams.
    pub streams: u64,
    /// States that are kept for the next streams.
    pub kept_states: u64,
}

/// A slab of wakers.
#[derive(Debug, Default)]
struct Sessions {
    slots: Vec<Option<Waker>>,
    free: Vec<usize>,
}

/// A session's entry among the worker's sessions; removed when dropped.
#[derive(Debug)]
pub struct Registration {
    worker: Rc<Worker>,
    slot: usize,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut sessions = self.worker.sessions.borrow_mut();
        if let Some(slot) = sessions.slots.get_mut(self.slot) {
            *slot = None;
        }
        sessions.free.push(self.slot);
    }
}

impl Worker {
    /// A worker at its start.
    #[must_use]
    pub fn new(index: usize) -> Self {
        Self {
            index,
            states: RefCell::default(),
            made_states: Cell::default(),
            needed: Cell::default(),
            deadlines: RefCell::default(),
            multiplexed: Rc::default(),
            sessions: RefCell::default(),
            pooled: RefCell::default(),
            cards: RefCell::default(),
            purges: Cell::new(0),
        }
    }

    /// An empty state for a stream.
    pub fn take_state(&self) -> Box<State> {
        self.states.borrow_mut().pop().unwrap_or_else(|| {
            self.made_states.set(self.made_states.get() + 1);
            Box::default()
        })
    }

    /// Takes a state back.
    pub fn give_state(&self, mut state: Box<State>) {
        state.reset();
        let mut states = self.states.borrow_mut();
        if states.len() < KEPT_STATES {
            states.push(state);
        } else {
            self.made_states
                .set(self.made_states.get().saturating_sub(1));
        }
    }

    /// A timer for a stream.
    pub fn take_deadline(&self) -> Deadline {
        self.deadlines.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes a timer back.
    pub fn give_deadline(&self, deadline: Deadline) {
        let mut deadlines = self.deadlines.borrow_mut();
        if deadlines.len() < KEPT_STATES {
            deadlines.push(deadline);
        }
    }

    /// Enters a session's task among those that are woken when the process stops.
    pub fn register(self: &Rc<Self>, waker: &Waker) -> Registration {
        let mut sessions = self.sessions.borrow_mut();
        let slot = match sessions.free.pop() {
            Some(slot) => slot,
            None => {
                sessions.slots.push(None);
                sessions.slots.len() - 1
            }
        };
        if let Some(entry) = sessions.slots.get_mut(slot) {
            *entry = Some(waker.clone());
        }
        Registration {
            worker: self.clone(),
            slot,
        }
    }

    /// Wakes every session, so that it looks at whether the process stops.
    pub fn wake_sessions(&self) {
        for waker in self.sessions.borrow().slots.iter().flatten() {
            waker.wake_by_ref();
        }
    }

    /// Files a stream's card.
    pub(crate) fn file(&self, card: &Rc<Card>) {
        self.cards.borrow_mut().push(Rc::downgrade(card));
    }

    fn open_cards(&self) -> Vec<Rc<Card>> {
        let cards = self.cards.borrow();
        let cards = cards.iter().filter_map(Weak::upgrade);
        cards.filter(|card| card.is_open()).collect()
    }

    /// What is known of the streams numbered between `from` and `below`: of the first of them that `wanted` lets pass, and
    /// at most `most`, in the order of their numbers. The other number says where to go on, when there may be more.
    #[must_use]
    pub fn streams(
        &self,
        (from, below): (u64, u64),
        most: usize,
        wanted: &dyn Fn(&Seen) -> bool,
    ) -> (Vec<Seen>, Option<u64>) {
        let mut cards = self.open_cards();
        cards.retain(|card| (from..below).contains(&card.number()));
        // Looking at a stream takes longer than finding it: however few are wanted, traffic has its turn in between.
        let number = |card: &Rc<Card>| card.number();
        let rest = (cards.len() > SEEN_AT_ONCE).then(|| {
            let (_, next, _) = cards.select_nth_unstable_by_key(SEEN_AT_ONCE, number);
            next.number()
        });
        cards.truncate(SEEN_AT_ONCE);
        cards.sort_unstable_by_key(number);
        let mut seen = Vec::new();
        for card in cards {
            if seen.len() >= most {
                return (seen, Some(card.number()));
            }
            seen.extend(card.seen(self.index).filter(wanted));
        }
        (seen, rest)
    }

    /// What it is doing.
    #[must_use]
    pub fn activity(&self) -> Activity {
        let metrics = tokio::runtime::Handle::current().metrics();
        Activity {
            tasks: metrics.num_alive_tasks() as u64,
            loops: log::flushes(),
            sessions: self.session_count() as u64,
            streams: self.open_cards().len() as u64,
            kept_states: self.states.borrow().len() as u64,
        }
    }

    /// Ends the stream of a number. Returns whether there is one.
    #[must_use]
    pub fn kill(&self, number: u64) -> bool {
        let cards = self.open_cards();
        let found = cards.iter().find(|card| card.number() == number);
        if let Some(card) = found {
            card.kill();
        }
        found.is_some()
    }

    /// Ends the streams on a server.
    pub fn kill_on(&self, backend: &str, server: &str) {
        for card in self.open_cards() {
            if card.is_on(backend, server) {
                card.kill();
            }
        }
    }

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        let sessions = self.sessions.borrow();
        sessions.slots.len() - sessions.free.len()
    }

    /// Remembers that there are idle connections to a server.
    pub fn note_pooled(&self, server: &Arc<ServerRuntime>) {
        self.pooled.borrow_mut().push(server.clone());
    }

    /// Ends a minute of every proxy's last hour, when one has passed.
    fn end_minute(&self, runtime: &Runtime) {
        if self.index == 0 && self.purges.get().is_multiple_of(60) {
            for proxy in &runtime.all_proxies() {
                proxy.end_minute();
            }
        }
    }

    /// Drops idle connections that were closed or have been idle for too long.
    fn purge(&self) {
        self.follow_pools();
        self.cards
            .borrow_mut()
            .retain(|card| card.strong_count() > 0);
        let turn = self.purges.get();
        self.purges.set(turn.wrapping_add(1));
        let now = clock::now_ms();
        self.pooled.borrow_mut().retain(|server| {
            let settings = &server.config.settings;
            let limit = now.saturating_sub(settings.pool_purge_delay);
            server
                .idle
                .purge(self.index, limit, settings.pool_low as usize);
            if turn.is_multiple_of(DECAY) {
                server.idle.decay();
            }
            !server.idle.is_empty(self.index)
        });
    }
}

/// What the process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Serving.
    Running,
    /// No new connections; what goes on may end (`SIGUSR1`).
    Stopping,
    /// Ending at once.
    Ending,
}

/// A worker's listening sockets, as descriptors to be registered by its own thread.
pub type Sockets = Vec<crate::listener::Listening>;

/// Runs a worker on this thread until the process ends.
///
/// # Errors
/// When the event loop can't be set up.
pub fn run(
    index: usize,
    runtime: Arc<Runtime>,
    sockets: Sockets,
    forwards: Option<Forwards>,
    phase: watch::Receiver<Phase>,
) -> std::io::Result<()> {
    runtime::set_worker_number(index as u32 + 1);
    model::live::tally::set_worker(index);
    clock::cache();
    io::set_buffer_size(runtime.snapshot.global.buffer_size);
    io::set_pipe_size(runtime.snapshot.global.pipe_size);
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .on_thread_park(|| {
            log::flush();
            profile::park();
        })
        .on_thread_unpark(|| {
            clock::wake();
            profile::wake();
        })
        .build_local(LocalOptions::default())?;
    let worker = Rc::new(Worker::new(index));
    event_loop.block_on(serve(worker, runtime, sockets, forwards, phase));
    log::flush();
    Ok(())
}

/// Starts accepting on a worker's sockets.
fn listen(
    worker: &Rc<Worker>,
    runtime: &Arc<Runtime>,
    sockets: &[crate::listener::Listening],
) -> Vec<tokio::task::JoinHandle<()>> {
    let accept = |listening: &crate::listener::Listening| {
        let (worker, runtime) = (worker.clone(), runtime.clone());
        tokio::task::spawn_local(profiled(
            profile::Accepting,
            crate::listener::accept(worker, runtime, listening.clone()),
        ))
    };
    let mut tasks: Vec<_> = sockets.iter().map(accept).collect();
    tasks.extend(crate::reverse::keep_up(worker, runtime));
    tasks
}

/// Gives back the room of entries that have expired. Nobody else waits for it: they count as gone already.
fn purge_tables(runtime: &Runtime) {
    let now = clock::now_ms();
    for table in &runtime.tables {
        table.purge(now);
    }
}

async fn serve(
    worker: Rc<Worker>,
    runtime: Arc<Runtime>,
    sockets: Sockets,
    forwards: Option<Forwards>,
    mut phase: watch::Receiver<Phase>,
) {
    let mut runtime = runtime;
    runtime.process.orders.follow(&worker);
    let mut changes = runtime.process.changes.subscribe();
    if changes.borrow().is_some() {
        // It came before this worker was there.
        changes.mark_changed();
    }
    // The first worker's are given.
    let mut services = match forwards {
        Some(forwards) => {
            crate::api::start_service(&runtime);
            Some(log::start(&runtime, forwards).await)
        }
        None => None,
    };
    let mut sockets = sockets;
    let mut listeners = listen(&worker, &runtime, &sockets);
    let mut checks = crate::check::start(&worker, &runtime);
    let mut resolvers = (worker.index == 0).then(|| crate::resolvers::start(&runtime));
    let mut ocsp = (worker.index == 0).then(|| crate::ocsp::start(&runtime));
    let mut peers = (worker.index == 0).then(|| crate::peers::start(&runtime));
    let mut persist = (worker.index == 0).then(|| crate::persist::start(&runtime));
    let mut load = crate::load::Load::default();
    let mut purge = tokio::time::interval(Duration::from_secs(1));
    purge.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = phase.changed() => if changed.is_err() || *phase.borrow() != Phase::Running { break },
            _ = purge.tick() => {
                worker.purge();
                worker.end_minute(&runtime);
                if worker.index == 0 {
                    load.measure(&runtime);
                    purge_tables(&runtime);
                }
            }
            Ok(()) = changes.changed() => {
                let Some(change) = changes.borrow_and_update().clone() else {
                    continue;
                };
                runtime = change.runtime.clone();
                let fresh = change.take(worker.index);
                // The new ones listen before the old ones are closed, so that there is always one.
                let next = listen(&worker, &runtime, &fresh);
                for listener in std::mem::replace(&mut listeners, next) {
                    listener.abort();
                }
                sockets = fresh;
                checks.abort();
                checks = crate::check::start(&worker, &runtime);
                if worker.index == 0 {
                    resolvers = Some(crate::resolvers::start(&runtime));
                    ocsp = Some(crate::ocsp::start(&runtime));
                }
                if let Some(services) = &mut services {
                    services.extend(&runtime).await;
                }
                if let Some(peers) = &mut peers {
                    peers.follow(&runtime);
                }
                if let Some(persist) = &mut persist {
                    persist.follow(&runtime);
                }
                change.done();
            }
        }
    }
    for listener in &listeners {
        listener.abort();
    }
    drop(listeners);
    if *phase.borrow() == Phase::Stopping {
        for listening in &sockets {
            crate::listener::drain(&worker, &runtime, listening);
        }
    }
    drop(sockets);
    // A process that takes no new connections does not care any more who could serve them.
    checks.abort();
    drop(ocsp);
    if let Some(peers) = peers
        .as_mut()
        .filter(|_| *phase.borrow() == Phase::Stopping)
    {
        peers.leave(&runtime);
        // From here on the file is the next process'.
        if let Some(persist) = &persist {
            persist.end();
        }
    }
    while *phase.borrow() == Phase::Stopping {
        worker.wake_sessions();
        // A connection that was accepted at the last moment counts before its session has begun.
        let served = worker.session_count() == 0 && runtime.process.connections.now() == 0;
        if served && peers.as_ref().is_none_or(crate::peers::Service::is_done) {
            break;
        }
        tokio::select! {
            changed = phase.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
    drop(peers);
    drop(persist);
    drop(resolvers);
    drop(services);
}
