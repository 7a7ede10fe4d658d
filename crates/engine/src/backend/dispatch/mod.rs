//! Which server takes a stream, and who waits when none has room.

mod availability;
mod loads;
mod place;
mod specs;

pub use availability::Availability;
pub use place::{Assigned, Place, Slot};

use self::loads::{Loads, Unloaded, other, same};
use self::place::{REQUEUE, Ticket};
use self::specs::{algorithm, node_key, serves, spec, spec_of_slot, weight};
use crate::clock;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime;
use balance::{Balancer, Load, PickCtx, Queue, QueueKey, ServerSpec};
use base::ServerIdx;
use model::live::health::Operation;
use model::live::{Admin, Gauge, ServerState, count};
use model::{NodeKeySource, Options, Proxy};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A backend's balancing and queues, shared by all workers behind one short lock.
pub struct Dispatch {
    inner: Mutex<Inner>,
    queued: Gauge,
    /// When the backend last lost or regained its servers.
    availability: Mutex<Availability>,
    /// `fullconn`.
    fullconn: u32,
    /// Whether any server has, or has had, a connection limit; without one nobody ever queues.
    limited: AtomicBool,
    /// Whether the balancer wants to hear of every change of load.
    repositions: bool,
}

struct Inner {
    balancer: Balancer,
    by_server: Vec<Queue<Arc<Ticket>>>,
    shared: Queue<Arc<Ticket>>,
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch")
            .field("queued", &self.queued)
            .finish_non_exhaustive()
    }
}

/// What a stream asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// A server that must be taken (`use-server`, persistence, a retry on the same server).
    pub server: Option<ServerIdx>,
    /// Whether that server is taken even if it is down (`option persist`, `force-persist`).
    pub even_down: bool,
    /// A server to avoid if there is another (redispatch).
    pub avoid: Option<ServerIdx>,
    /// The hash of the stream's key, for hash algorithms.
    pub hash: Option<u32>,
    /// Priority class and offset.
    pub priority: (i32, i32),
}

/// A server that came into or went out of service.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    /// How many waiting streams it took, or had to send elsewhere.
    pub queued: u32,
}

impl Dispatch {
    /// A backend's dispatch at its start.
    #[must_use]
    pub fn new(config: &Proxy, servers: &[Arc<ServerRuntime>]) -> Self {
        let specs: Vec<ServerSpec> = servers.iter().map(|server| spec(server)).collect();
        let balancer = Balancer::new(
            algorithm(&config.back),
            &specs,
            config.options.has(Options::ALL_BACKUPS),
        );
        Self {
            repositions: balancer.needs_conn_change(),
            inner: Mutex::new(Inner {
                balancer,
                by_server: servers.iter().map(|_| Queue::new()).collect(),
                shared: Queue::new(),
            }),
            queued: Gauge::default(),
            availability: Mutex::default(),
            limited: AtomicBool::new(servers.iter().any(|server| server.maxconn() > 0)),
            fullconn: config.back.fullconn,
        }
    }

    /// The dispatch of a backend that goes on under another configuration, with its servers' weights as they are now.
    #[must_use]
    pub fn following(config: &Proxy, servers: &[Arc<ServerRuntime>], old: &Self) -> Self {
        let mut list: Vec<Option<&Arc<ServerRuntime>>> = Vec::new();
        for server in servers {
            let at = server.config.idx.0 as usize;
            list.resize(list.len().max(at + 1), None);
            if let Some(place) = list.get_mut(at) {
                *place = Some(server);
            }
        }
        let specs: Vec<ServerSpec> = list.iter().map(|server| spec_of_slot(*server)).collect();
        let mut new = Self::new(config, servers);
        {
            let inner = new.inner.get_mut();
            let all_backups = config.options.has(Options::ALL_BACKUPS);
            inner.balancer = Balancer::new(algorithm(&config.back), &specs, all_backups);
            inner.by_server.resize_with(specs.len(), Queue::new);
            for server in servers {
                let weight = balance::effective_weight(server.state.weight());
                let idx = other(server.config.idx);
                inner.balancer.update(idx, None, Some(weight), &Unloaded);
            }
        }
        *new.availability.get_mut() = old.availability();
        new
    }

    /// Takes note of what a counterpart's server of this name has come to.
    fn follow_up(&self, proxy: &ProxyRuntime, server: &ServerRuntime) {
        let Some(own) = proxy.server_named(&server.config.name) else {
            return;
        };
        if !Arc::ptr_eq(&own.state, &server.state) {
            return;
        }
        let idx = own.config.idx;
        let loads = Loads::new(proxy);
        let mut inner = self.inner.lock();
        let usable = own.state.is_usable();
        let weight = balance::effective_weight(own.state.weight());
        inner
            .balancer
            .update(other(idx), Some(usable), Some(weight), &loads);
        match usable {
            true if self.is_limited() => drop(self.let_in(&mut inner, proxy, idx)),
            true => {}
            false => drop(self.send_away(&mut inner, proxy, idx)),
        }
    }

    /// Lets the backend's counterparts in other runtimes know that a server of it has changed.
    fn tell_kin(proxy: &ProxyRuntime, server: &ServerRuntime) {
        if !proxy.kin.is_alone() {
            proxy.kin.each(|kin| kin.dispatch.follow_up(kin, server));
        }
    }

    /// Whether a server has room for a client that comes back, or so few wait for it that this client may as well; a
    /// negative number sets no limit.
    #[must_use]
    pub fn welcomes(&self, proxy: &ProxyRuntime, server: &ServerRuntime, waiting: i32) -> bool {
        let Ok(waiting) = u32::try_from(waiting) else {
            return true;
        };
        let idx = other(server.config.idx);
        let loads = Loads::new(proxy);
        loads.has_room(idx) || loads.queued(idx) < waiting
    }

    /// Streams waiting in the backend's own queue.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.queued.now().into()
    }

    /// Finds a server, or a place in a queue.
    pub fn assign(&self, proxy: &Arc<ProxyRuntime>, wish: &Wish) -> Assigned {
        let loads = Loads::new(proxy);
        let mut inner = self.inner.lock();
        // The state may have changed since the wish was made; nobody may wait for a server that never lets him in.
        let wished = wish.server.filter(|idx| {
            let server = proxy.server_at(*idx);
            server.is_some_and(|server| wish.even_down || serves(&server.state))
        });
        if let (None, Some(direct)) = (wished, &proxy.direct) {
            direct.state.counters.begin(clock::now_ms());
            return Assigned::Server(Slot {
                backend: proxy.clone(),
                server: direct.clone(),
            });
        }
        let balanced = wished.is_none();
        let picked = wished.or_else(|| {
            let random = || (runtime::random() >> 32) as u32;
            let ctx = PickCtx {
                load: &loads,
                avoid: wish.avoid.map(other),
                hash: wish.hash,
                random: &random,
            };
            inner.balancer.pick(&ctx).map(same)
        });
        match picked {
            Some(idx) => {
                let Some(server) = loads.servers.at(idx) else {
                    return Assigned::None;
                };
                if balanced {
                    count(&server.state.counters.balanced, 1);
                    count(&proxy.back.balanced, 1);
                }
                if self.is_limited() && !loads.has_room(other(idx)) {
                    return self.enqueue(&mut inner, proxy, Some(idx), wish);
                }
                server.state.counters.begin(clock::now_ms());
                inner.balancer.on_conn_change(other(idx), &loads);
                Assigned::Server(Slot {
                    backend: proxy.clone(),
                    server: server.clone(),
                })
            }
            // Usable servers that are not picked are full.
            None if self.is_limited()
                && loads.servers.iter().any(|server| server.state.is_usable()) =>
            {
                self.enqueue(&mut inner, proxy, None, wish)
            }
            None => Assigned::None,
        }
    }

    fn enqueue(
        &self,
        inner: &mut Inner,
        proxy: &Arc<ProxyRuntime>,
        server: Option<ServerIdx>,
        wish: &Wish,
    ) -> Assigned {
        let ticket = Arc::new(Ticket::default());
        let now = clock::now_ms() as u32;
        let key = QueueKey::new(wish.priority.0.into(), wish.priority.1.into(), now);
        let queue = match server {
            Some(idx) => inner.by_server.get_mut(idx.0 as usize),
            None => Some(&mut inner.shared),
        };
        let Some(queue) = queue else {
            return Assigned::None;
        };
        let ahead = queue.len() as u64;
        let pending = queue.push(key, ticket.clone());
        match server.and_then(|idx| proxy.server_at(idx)) {
            Some(server) => drop(server.state.queued.enter()),
            None => drop(self.queued.enter()),
        }
        let ahead = if server.is_some() {
            [ahead, 0]
        } else {
            [0, ahead]
        };
        Assigned::Queued(Place {
            backend: proxy.clone(),
            ticket,
            pending,
            server,
            ahead,
            taken: false,
        })
    }

    fn give_up(&self, proxy: &ProxyRuntime, place: &Place) {
        let mut inner = self.inner.lock();
        let queue = match place.server {
            Some(idx) => inner.by_server.get_mut(idx.0 as usize),
            None => Some(&mut inner.shared),
        };
        if queue
            .and_then(|queue| queue.remove(place.pending))
            .is_some()
        {
            self.uncount(proxy, place.server);
        }
    }

    fn uncount(&self, proxy: &ProxyRuntime, server: Option<ServerIdx>) {
        match server.and_then(|idx| proxy.server_at(idx)) {
            Some(server) => drop(server.state.queued.leave()),
            None => drop(self.queued.leave()),
        }
    }

    /// Takes note that a server's load has changed, and lets waiting streams in where there is room.
    pub fn changed(&self, proxy: &ProxyRuntime, idx: ServerIdx) {
        if !self.is_limited() && !self.repositions {
            return;
        }
        let loads = Loads::new(proxy);
        let mut inner = self.inner.lock();
        inner.balancer.on_conn_change(other(idx), &loads);
        if self.is_limited() {
            self.let_in(&mut inner, proxy, idx);
        }
    }

    /// Lets waiting streams in as long as the server has room, and says how many.
    fn let_in(&self, inner: &mut Inner, proxy: &ProxyRuntime, idx: ServerIdx) -> u32 {
        let mut admitted = 0;
        let loads = Loads::new(proxy);
        let Some(server) = loads
            .servers
            .at(idx)
            .filter(|server| server.state.is_usable())
        else {
            return admitted;
        };
        let now_ms = clock::now_ms();
        let now = now_ms as u32;
        let Inner {
            balancer,
            by_server,
            shared,
        } = inner;
        let Some(own) = by_server.get_mut(idx.0 as usize) else {
            return admitted;
        };
        loop {
            let limit = loads.limit(other(idx));
            if limit != 0 && server.state.counters.connections.now() >= limit {
                return admitted;
            }
            let source = match balance::choose(own, shared, now) {
                // A server that gets no new traffic only works its own queue off.
                Some(balance::Source::Backend) if !balancer.serves(other(idx)) => {
                    Some(balance::Source::Server).filter(|_| !own.is_empty())
                }
                source => source,
            };
            let (ticket, from) = match source {
                None => return admitted,
                Some(balance::Source::Server) => (own.pop(now), Some(idx)),
                Some(balance::Source::Backend) => (shared.pop(now), None),
            };
            let Some((_, ticket)) = ticket else {
                return admitted;
            };
            self.uncount(proxy, from);
            server.state.counters.begin(now_ms);
            balancer.on_conn_change(other(idx), &loads);
            admitted += 1;
            ticket.granted.store(idx.0 + 1, Ordering::Release);
            if let Some(waker) = ticket.waker.lock().take() {
                waker.wake();
            }
        }
    }

    fn is_limited(&self) -> bool {
        self.limited.load(Ordering::Relaxed)
    }

    /// Gives a server another limit on connections, 0 for none, and lets those in who wait for it.
    pub fn set_maxconn(&self, proxy: &ProxyRuntime, idx: ServerIdx, limit: u32) {
        let Some(server) = proxy.server_at(idx) else {
            return;
        };
        let mut inner = self.inner.lock();
        server.set_maxconn(limit);
        if limit > 0 {
            self.limited.store(true, Ordering::Relaxed);
        }
        self.let_in(&mut inner, proxy, idx);
    }

    /// Adds a server made for a free place; `None` when another one has taken the place or the name meanwhile.
    pub fn add(&self, proxy: &ProxyRuntime, server: Arc<ServerRuntime>) -> Option<()> {
        let mut inner = self.inner.lock();
        let list = proxy.servers.load();
        let taken = list.named(&server.config.name).is_some();
        if taken || list.at(server.config.idx).is_some() {
            return None;
        }
        if server.maxconn() > 0 {
            self.limited.store(true, Ordering::Relaxed);
        }
        proxy.servers.add(server);
        self.rebuild(&mut inner, proxy);
        Some(())
    }

    /// Takes a server away unless somebody waits for it or is served by it; says whether it was.
    pub fn remove(&self, proxy: &ProxyRuntime, server: &ServerRuntime) -> bool {
        let mut inner = self.inner.lock();
        let idx = server.config.idx;
        let queue = inner.by_server.get(idx.0 as usize);
        let busy = server.state.counters.connections.now() > 0;
        if busy || queue.is_some_and(|queue| !queue.is_empty()) {
            return false;
        }
        proxy.servers.remove(idx);
        self.rebuild(&mut inner, proxy);
        true
    }

    /// Takes note of a server's new address, where that matters (`hash-key`).
    pub fn moved(&self, server: &ServerRuntime) {
        if matches!(
            server.config.settings.hash_key,
            NodeKeySource::Addr | NodeKeySource::AddrPort
        ) {
            let idx = other(server.config.idx);
            self.inner
                .lock()
                .balancer
                .set_node_key(idx, node_key(server));
        }
    }

    /// Balances anew over the servers that there are now.
    fn rebuild(&self, inner: &mut Inner, proxy: &ProxyRuntime) {
        let loads = Loads::new(proxy);
        let specs: Vec<_> = loads.servers.slots().map(spec_of_slot).collect();
        let all_backups = proxy.config.options.has(Options::ALL_BACKUPS);
        inner.balancer = Balancer::new(algorithm(&proxy.config.back), &specs, all_backups);
        for server in loads.servers.iter() {
            let weight = weight(server);
            let idx = other(server.config.idx);
            inner.balancer.update(idx, None, Some(weight), &loads);
            inner.balancer.on_conn_change(idx, &loads);
        }
        while inner.by_server.len() < specs.len() {
            inner.by_server.push(Queue::new());
        }
    }

    /// Takes note of what a server's checks say; `None` when that is not new.
    pub fn set_operation(
        &self,
        proxy: &ProxyRuntime,
        idx: ServerIdx,
        operation: Operation,
    ) -> Option<Moved> {
        self.update(proxy, idx, |state| state.set_operation(operation))
    }

    /// Puts a server into maintenance or drain, or makes it ready again.
    pub fn set_admin(&self, proxy: &ProxyRuntime, idx: ServerIdx, admin: Admin) -> Option<Moved> {
        self.update(proxy, idx, |state| state.set_admin(admin))
    }

    /// Lets a server that is starting take the share it has grown to.
    pub fn refresh_weight(&self, proxy: &ProxyRuntime, idx: ServerIdx) {
        let _ = self.update(proxy, idx, |_| ());
        self.changed(proxy, idx);
    }

    /// Gives a server another weight, 0 to 256.
    pub fn set_weight(&self, proxy: &ProxyRuntime, idx: ServerIdx, weight: u32) {
        let _ = self.update(proxy, idx, |state| state.set_weight(weight));
    }

    /// Whether any weight can be set while running.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.inner.lock().balancer.is_dynamic()
    }

    /// Changes a server's state and lets balancing and the queues follow.
    fn update(
        &self,
        proxy: &ProxyRuntime,
        idx: ServerIdx,
        change: impl FnOnce(&ServerState),
    ) -> Option<Moved> {
        let server = proxy.server_at(idx)?;
        let loads = Loads::new(proxy);
        let mut inner = self.inner.lock();
        let state = &server.state;
        let before = (state.is_usable(), serves(state), state.operation());
        let served = inner.balancer.in_service() != (0, 0);
        change(state);
        let usable = state.is_usable();
        let moved = before.1 != serves(state) || before.2 != state.operation();
        if moved {
            state.changed().set(clock::now_ms());
        }
        let weight = weight(&server);
        inner
            .balancer
            .update(other(idx), Some(usable), Some(weight), &loads);
        let serves_now = inner.balancer.in_service() != (0, 0);
        if served != serves_now {
            self.availability.lock().turn(serves_now, clock::now_ms());
        }
        let queued = match (before.0, usable) {
            (true, false) => self.send_away(&mut inner, proxy, idx),
            (false, true) if self.is_limited() => self.let_in(&mut inner, proxy, idx),
            _ => 0,
        };
        drop(inner);
        Self::tell_kin(proxy, &server);
        moved.then_some(Moved { queued })
    }

    /// Since when the backend has or lacks servers, and for how long it has lacked them.
    #[must_use]
    pub fn availability(&self) -> Availability {
        *self.availability.lock()
    }

    /// The most streams that waited in the backend's own queue, and what forgets it.
    #[must_use]
    pub fn queue(&self) -> &Gauge {
        &self.queued
    }

    /// How many active and how many backup servers can take traffic, those of weight 0 left out.
    #[must_use]
    pub fn in_service(&self) -> (usize, usize) {
        self.inner.lock().balancer.in_service()
    }

    /// Lets those who wait for a server that takes no traffic any more look for another one, and says how many.
    fn send_away(&self, inner: &mut Inner, proxy: &ProxyRuntime, idx: ServerIdx) -> u32 {
        let mut sent = 0;
        let now = clock::now_ms() as u32;
        while let Some((_, ticket)) = inner
            .by_server
            .get_mut(idx.0 as usize)
            .and_then(|queue| queue.pop(now))
        {
            self.uncount(proxy, Some(idx));
            sent += 1;
            ticket.granted.store(REQUEUE, Ordering::Release);
            if let Some(waker) = ticket.waker.lock().take() {
                waker.wake();
            }
        }
        sent
    }
}
