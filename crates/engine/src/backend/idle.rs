//! Idle server connections, kept by the worker that used them last.

use crate::io::Transport;
use crate::proxy::ServerRuntime;
use parking_lot::Mutex;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// An idle connection to a server.
#[derive(Debug)]
pub struct IdleConn {
    /// The connection.
    pub socket: Transport,
    /// What tells connections to the same server apart (`pool-conn-name`, PROXY header, source …); 0 without any.
    pub key: u64,
    /// Since when it is idle, in milliseconds since the start.
    pub since: u64,
    /// How many streams it has served.
    pub uses: u32,
    /// Its place among the connections to a server that may only have so many.
    pub open: Option<Open>,
}

/// Begins the key of a connection to a server: what it is marked with, how often the server had moved, its name for the pool
/// (`pool-conn-name`), and with TLS the name that the server was asked for.
#[must_use]
pub fn begin_key(
    marks: (Option<u32>, Option<u8>),
    moves: u64,
    pool_name: Option<&[u8]>,
    tls_name: Option<Option<&[u8]>>,
) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    (marks, moves, pool_name, tls_name).hash(&mut hasher);
    hasher
}

/// The key that such a beginning amounts to; never that of plain connections.
#[must_use]
pub fn end_key(hasher: &DefaultHasher) -> u64 {
    hasher.finish() | 1
}

/// The idle connections to one server.
///
/// Each worker has its own stack; another worker's is looked into only when one's own is empty, so that the locks are
/// practically never contended.
#[derive(Debug)]
pub struct IdlePool {
    by_worker: Box<[Mutex<Vec<IdleConn>>]>,
    /// Connections in use.
    used: AtomicU32,
    /// Idle connections of all workers.
    idle: AtomicU32,
    /// Connections in use or idle, counted where their number is limited (`strict-maxconn`).
    open: AtomicU32,
    /// How many connections are estimated to be needed: the most that were lately in use at once.
    needed: AtomicU32,
}

/// A connection in use; counted as long as it lives.
#[derive(Debug)]
pub struct InUse(Arc<ServerRuntime>);

/// A connection's place among those to a server with `strict-maxconn`, for as long as it is open.
#[derive(Debug)]
pub struct Open(Arc<IdlePool>);

impl Open {
    /// A place for one more connection, unless there are `limit` already. Then an idle one is closed, so that the next
    /// attempt may find room.
    #[must_use]
    pub fn claim(pool: &Arc<IdlePool>, limit: u32) -> Option<Self> {
        let more = |open| (open < limit).then_some(open + 1);
        let claimed = pool
            .open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if claimed.is_err() {
            pool.shed();
            return None;
        }
        Some(Self(pool.clone()))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl InUse {
    /// Counts a connection to a server as in use.
    #[must_use]
    pub fn new(server: &Arc<ServerRuntime>) -> Self {
        let used = server.idle.used.fetch_add(1, Ordering::Relaxed) + 1;
        server.idle.needed.fetch_max(used, Ordering::Relaxed);
        Self(server.clone())
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Arc<ServerRuntime> {
        &self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.idle.used.fetch_sub(1, Ordering::Relaxed);
    }
}

impl IdlePool {
    /// An empty pool for a number of workers.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self {
            by_worker: (0..workers.max(1)).map(|_| Mutex::default()).collect(),
            used: AtomicU32::new(0),
            idle: AtomicU32::new(0),
            open: AtomicU32::new(0),
            needed: AtomicU32::new(0),
        }
    }

    /// Closes all idle connections.
    pub fn close_all(&self) {
        for stack in &self.by_worker {
            let mut stack = stack.lock();
            let closed = u32::try_from(stack.len()).unwrap_or(u32::MAX);
            stack.clear();
            self.idle.fetch_sub(closed, Ordering::Relaxed);
        }
    }

    /// Closes the connection that one of the workers has kept longest.
    fn shed(&self) {
        for stack in &self.by_worker {
            let mut stack = stack.lock();
            if !stack.is_empty() {
                stack.remove(0);
                self.idle.fetch_sub(1, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Connections in use.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// How many connections are estimated to be needed.
    #[must_use]
    pub fn needed(&self) -> u32 {
        self.needed.load(Ordering::Relaxed)
    }

    /// How many idle connections have served one stream only, and how many several: the first may turn out to be closed
    /// after each response.
    #[must_use]
    pub fn by_safety(&self) -> (u32, u32) {
        let mut found = (0, 0);
        for stack in &self.by_worker {
            for conn in stack.lock().iter() {
                match conn.uses {
                    0 | 1 => found.0 += 1,
                    _ => found.1 += 1,
                }
            }
        }
        found
    }

    /// Whether another idle connection may be kept, the one in question still being counted as in use: no more than were
    /// lately needed at once and `low` (`pool-low-conn`) beyond, and less than `most` (`pool-max-conn`).
    #[must_use]
    pub fn has_room(&self, low: u32, most: Option<u32>) -> bool {
        let (used, idle) = (
            self.used.load(Ordering::Relaxed),
            self.idle.load(Ordering::Relaxed),
        );
        let needed = self.needed.load(Ordering::Relaxed).max(used);
        most.is_none_or(|most| idle < most) && used + idle <= needed.saturating_add(low)
    }

    /// Drops some of the oldest connections if they were closed by the server: they must not take the place of one that is
    /// open.
    pub fn weed(&self) {
        const LOOKED_AT: usize = 8;
        for stack in &self.by_worker {
            let mut stack = stack.lock();
            let before = stack.len();
            let mut at = 0;
            stack.retain_mut(|conn| {
                at += 1;
                at > LOOKED_AT || !conn.socket.is_disturbed()
            });
            let dropped = before - stack.len();
            self.idle.fetch_sub(dropped as u32, Ordering::Relaxed);
        }
    }

    /// Lets the estimate of needed connections follow what is in use.
    pub fn decay(&self) {
        let used = self.used.load(Ordering::Relaxed);
        let needed = self.needed.load(Ordering::Relaxed);
        self.needed
            .store(used.max(needed.midpoint(used)), Ordering::Relaxed);
    }

    /// Keeps a connection; says whether it is the worker's only one.
    pub fn put(&self, worker: usize, conn: IdleConn) -> bool {
        self.by_worker.get(worker).is_some_and(|stack| {
            let mut stack = stack.lock();
            stack.push(conn);
            self.idle.fetch_add(1, Ordering::Relaxed);
            stack.len() == 1
        })
    }

    /// Takes the connection used last by this worker that fits `key` and `usable` and is still quiet.
    pub fn take(
        &self,
        worker: usize,
        key: u64,
        usable: impl Fn(&IdleConn) -> bool,
    ) -> Option<IdleConn> {
        self.take_from(
            self.by_worker.get(worker)?,
            key,
            &usable,
            Transport::is_quiet,
        )
    }

    /// Takes a connection of another worker over. The caller registers its socket anew.
    pub fn take_over(
        &self,
        worker: usize,
        key: u64,
        usable: impl Fn(&IdleConn) -> bool,
    ) -> Option<IdleConn> {
        let others = self
            .by_worker
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != worker);
        let quiet = |socket: &mut Transport| !socket.is_disturbed();
        others
            .into_iter()
            .find_map(|(_, stack)| self.take_from(stack, key, &usable, quiet))
    }

    /// Drops this worker's connections that were closed by the server, and half of those idle since before `limit`, the
    /// oldest first, as long as more than `keep` stay. Returns how many were dropped.
    pub fn purge(&self, worker: usize, limit: u64, keep: usize) -> usize {
        let Some(stack) = self.by_worker.get(worker) else {
            return 0;
        };
        let mut stack = stack.lock();
        let before = stack.len();
        stack.retain_mut(|conn| conn.socket.is_quiet());
        let old = stack.iter().filter(|conn| conn.since < limit).count();
        let excess = old.div_ceil(2).min(stack.len().saturating_sub(keep));
        stack.drain(..excess);
        let dropped = before - stack.len();
        self.idle.fetch_sub(dropped as u32, Ordering::Relaxed);
        dropped
    }

    /// Drops all connections.
    pub fn clear(&self) {
        for stack in &self.by_worker {
            let dropped = std::mem::take(&mut *stack.lock());
            self.idle.fetch_sub(dropped.len() as u32, Ordering::Relaxed);
        }
    }

    /// How many idle connections there are in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.idle.load(Ordering::Relaxed) as usize
    }

    /// How many idle connections a worker has.
    #[must_use]
    pub fn len(&self, worker: usize) -> usize {
        self.by_worker
            .get(worker)
            .map_or(0, |stack| stack.lock().len())
    }

    /// Whether a worker has none.
    #[must_use]
    pub fn is_empty(&self, worker: usize) -> bool {
        self.len(worker) == 0
    }

    fn take_from(
        &self,
        stack: &Mutex<Vec<IdleConn>>,
        key: u64,
        usable: &impl Fn(&IdleConn) -> bool,
        quiet: impl Fn(&mut Transport) -> bool,
    ) -> Option<IdleConn> {
        loop {
            let mut conn = {
                let mut stack = stack.lock();
                let at = stack
                    .iter()
                    .rposition(|conn| conn.key == key && usable(conn))?;
                stack.remove(at)
            };
            self.idle.fetch_sub(1, Ordering::Relaxed);
            if quiet(&mut conn.socket) {
                return Some(conn);
            }
        }
    }
}
