//! Idle server connections, kept by the worker that used them last.

use crate::io::Socket;
use parking_lot::Mutex;

/// An idle connection to a server.
#[derive(Debug)]
pub struct IdleConn {
    /// The connection.
    pub socket: Socket,
    /// What tells connections to the same server apart (`pool-conn-name`, PROXY header, source …); 0 without any.
    pub key: u64,
    /// Since when it is idle, in milliseconds since the start.
    pub since: u64,
    /// How many streams it has served.
    pub uses: u32,
}

/// The idle connections to one server.
///
/// Each worker has its own stack; another worker's is looked into only when one's own is empty, so that the locks are
/// practically never contended.
#[derive(Debug)]
pub struct IdlePool {
    by_worker: Box<[Mutex<Vec<IdleConn>>]>,
}

impl IdlePool {
    /// An empty pool for a number of workers.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self {
            by_worker: (0..workers.max(1)).map(|_| Mutex::default()).collect(),
        }
    }

    /// Keeps a connection; says whether it is the worker's only one.
    pub fn put(&self, worker: usize, conn: IdleConn) -> bool {
        self.by_worker.get(worker).is_some_and(|stack| {
            let mut stack = stack.lock();
            stack.push(conn);
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
        take_from(self.by_worker.get(worker)?, key, &usable, Socket::is_quiet)
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
        others
            .into_iter()
            .find_map(|(_, stack)| take_from(stack, key, &usable, |socket| !socket.is_disturbed()))
    }

    /// Drops this worker's connections that were closed by the server, and half of those idle since before `limit`, the
    /// oldest first, as long as more than `keep` stay. Returns how many were dropped.
    pub fn purge(&self, worker: usize, limit: u64, keep: usize) -> usize {
        let Some(stack) = self.by_worker.get(worker) else {
            return 0;
        };
        let mut stack = stack.lock();
        let before = stack.len();
        stack.retain(|conn| conn.socket.is_quiet());
        let old = stack.iter().filter(|conn| conn.since < limit).count();
        let excess = old.div_ceil(2).min(stack.len().saturating_sub(keep));
        stack.drain(..excess);
        before - stack.len()
    }

    /// How many idle connections there are in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.by_worker.iter().map(|stack| stack.lock().len()).sum()
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
}

fn take_from(
    stack: &Mutex<Vec<IdleConn>>,
    key: u64,
    usable: &impl Fn(&IdleConn) -> bool,
    quiet: impl Fn(&Socket) -> bool,
) -> Option<IdleConn> {
    loop {
        let conn = {
            let mut stack = stack.lock();
            let at = stack
                .iter()
                .rposition(|conn| conn.key == key && usable(conn))?;
            stack.remove(at)
        };
        if quiet(&conn.socket) {
            return Some(conn);
        }
    }
}
