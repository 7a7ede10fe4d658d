//! Connections that clients have handed to a server (`attach-srv`).
//!
//! Such a server can't be connected to: what it has is found by every worker, and by every configuration that follows.
//! The worker that has accepted a connection pumps it, and streams of any worker are on it.

use super::{Half, Multiplexed, open_stream};
use crate::clock;
use crate::io::Deadline;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::Poll;

/// When connections are given up.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// After how many milliseconds without a stream; the last one of a name stays (`pool-purge-delay`).
    pub idle: u64,
    /// After how many streams beyond the first (`max-reuse`).
    pub uses: Option<u32>,
    /// How many connections there may be (`pool-max-conn`).
    pub most: Option<u32>,
}

type Connection = Arc<Mutex<Multiplexed>>;

/// A connection that is ready for streams.
#[derive(Debug)]
struct Kept {
    /// The worker that pumps it.
    worker: usize,
    connection: Connection,
}

/// The connections of one server, by the hash of their names (0 without one).
#[derive(Debug, Default)]
pub struct Attached {
    by_name: Mutex<HashMap<u64, VecDeque<Kept>>>,
}

impl Attached {
    /// Takes over a connection, which this worker pumps from now on. One that is too many is closed.
    pub fn attach(
        self: &Arc<Self>,
        worker: usize,
        name: u64,
        connection: Multiplexed,
        terms: Terms,
    ) {
        if terms.most.is_some_and(|most| self.len() >= most as usize) {
            return;
        }
        let connection = Arc::new(Mutex::new(connection));
        let mut by_name = self.by_name.lock();
        let kept = Kept {
            worker,
            connection: connection.clone(),
        };
        by_name.entry(name).or_default().push_back(kept);
        drop(by_name);
        let pump = Pump {
            pool: Arc::downgrade(self),
            name,
            connection,
            terms,
        };
        tokio::task::spawn_local(pump.run());
    }

    /// Opens a stream on a connection of this name, one without any if there is one; they take turns. Gives how many
    /// streams it had served before, too.
    pub fn take(&self, name: u64, uses: Option<u32>) -> Option<(Half, u32)> {
        let mut by_name = self.by_name.lock();
        let connections = by_name.get_mut(&name)?;
        let quiet = |connection: &Connection| {
            connection
                .try_lock()
                .is_some_and(|connection| connection.streams() == 0)
        };
        for only_quiet in [true, false] {
            for _ in 0..connections.len() {
                connections.rotate_left(1);
                let Some(Kept { connection, .. }) = connections.back() else {
                    continue;
                };
                if only_quiet && !quiet(connection) {
                    continue;
                }
                let served = connection.lock().opened();
                let worn = uses.is_some_and(|most| served > most);
                if !worn && let Some(half) = open_stream(connection) {
                    return Some((half, served));
                }
            }
        }
        None
    }

    /// How many connections there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.lock().values().map(VecDeque::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many connections have no stream, by the workers that pump them.
    #[must_use]
    pub fn idle(&self, workers: usize) -> Vec<usize> {
        let mut idle = vec![0; workers];
        for kept in self.by_name.lock().values().flatten() {
            if let Some(count) = idle.get_mut(kept.worker) {
                *count += usize::from(kept.connection.lock().streams() == 0);
            }
        }
        idle
    }

    /// Closes the connections, those in use once their streams are over.
    pub fn close_all(&self) {
        for kept in self.by_name.lock().values().flatten() {
            kept.connection.lock().retire();
        }
    }

    /// Removes a connection, with `spare` only if there is another one of its name. Says whether it is gone.
    fn remove(&self, name: u64, connection: &Connection, spare: bool) -> bool {
        let mut by_name = self.by_name.lock();
        let Some(connections) = by_name.get_mut(&name) else {
            return true;
        };
        if spare && connections.len() < 2 {
            return false;
        }
        connections.retain(|kept| !Arc::ptr_eq(&kept.connection, connection));
        if connections.is_empty() {
            by_name.remove(&name);
        }
        true
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.close_all();
    }
}

/// What drives a connection.
struct Pump {
    pool: Weak<Attached>,
    name: u64,
    connection: Connection,
    terms: Terms,
}

/// Why a connection is not driven any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// It is over.
    Over,
    /// Nobody has used it for long.
    Idle,
}

impl Pump {
    async fn run(self) {
        let mut deadline = Deadline::default();
        let mut spare = true;
        loop {
            let stop = self.drive(&mut deadline, spare).await;
            spare = match self.pool.upgrade() {
                Some(pool) => !pool.remove(self.name, &self.connection, stop == Stop::Idle),
                None => false,
            };
            let connection = self.connection.lock();
            if connection.is_dead() || (!spare && connection.streams() == 0) {
                return;
            }
            // The last one of its name, or one that was taken at the last moment.
        }
    }

    /// Drives it until it is over; with `spare`, or until it is one too many.
    async fn drive(&self, deadline: &mut Deadline, spare: bool) -> Stop {
        let mut idle_since = None;
        let mut news = Vec::new();
        poll_fn(|cx| {
            let mut connection = self.connection.lock();
            if connection.poll(cx, &mut news).is_ready() {
                return Poll::Ready(Stop::Over);
            }
            news.clear();
            if connection.streams() > 0 {
                idle_since = None;
                return Poll::Pending;
            }
            let worn = self.terms.uses;
            let worn = worn.is_some_and(|most| connection.opened() > most);
            if worn || connection.is_leaving() || !spare {
                return Poll::Ready(Stop::Over);
            }
            let since = *idle_since.get_or_insert_with(clock::now_ms);
            let idle = deadline.poll(cx, Some(since + self.terms.idle.max(1000)));
            idle.map(|()| Stop::Idle)
        })
        .await
    }
}
