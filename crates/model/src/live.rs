//! Live state: what outlives a configuration. Found by name when the next snapshot is built.

pub mod health;

use base::rate::RateCounter;
use health::Health;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// A gauge with its highest value.
#[derive(Debug, Default)]
pub struct Gauge {
    now: AtomicU32,
    max: AtomicU32,
}

impl Gauge {
    /// Adds one and returns the new value.
    pub fn enter(&self) -> u32 {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        if now > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(now, Ordering::Relaxed);
        }
        now
    }

    /// Takes one away and returns the new value.
    pub fn leave(&self) -> u32 {
        self.now.fetch_sub(1, Ordering::AcqRel).wrapping_sub(1)
    }

    /// Adds one unless the value has reached `limit` (0 for none); says whether it did.
    pub fn enter_below(&self, limit: u32) -> bool {
        if limit == 0 {
            self.enter();
            return true;
        }
        let entered = self
            .now
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |now| {
                (now < limit).then_some(now + 1)
            });
        if let Ok(before) = entered {
            self.max.fetch_max(before + 1, Ordering::Relaxed);
        }
        entered.is_ok()
    }

    /// The present value.
    #[must_use]
    pub fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// The highest value so far.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max.load(Ordering::Relaxed)
    }
}

/// Counters of one side of a proxy, of a listener or of a server.
#[derive(Debug, Default)]
pub struct Counters {
    /// Present connections (frontend) or streams (backend, server).
    pub connections: Gauge,
    /// Connections or streams in all.
    pub total: AtomicU64,
    /// New ones per second.
    pub session_rate: RateCounter,
    /// Requests per second.
    pub request_rate: RateCounter,
    /// Requests in all.
    pub requests: AtomicU64,
    /// Bytes from the client.
    pub bytes_in: AtomicU64,
    /// Bytes to the client.
    pub bytes_out: AtomicU64,
    /// Requests refused by rules.
    pub denied_requests: AtomicU64,
    /// Responses refused by rules.
    pub denied_responses: AtomicU64,
    /// Faulty requests.
    pub request_errors: AtomicU64,
    /// Failed connections.
    pub connection_errors: AtomicU64,
    /// Faulty responses.
    pub response_errors: AtomicU64,
    /// Connection retries.
    pub retries: AtomicU64,
    /// Redispatches.
    pub redispatches: AtomicU64,
    /// Responses by class: 1xx to 5xx, then others.
    pub responses: [AtomicU64; 6],
    /// Streams aborted by the client and by the server.
    pub aborts: [AtomicU64; 2],
}

impl Counters {
    /// Counts a response by its status.
    pub fn count_response(&self, status: u16) {
        let class = match status {
            100..=599 => usize::from(status / 100) - 1,
            _ => 5,
        };
        if let Some(counter) = self.responses.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Adds to a counter.
pub fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// A server's live state.
#[derive(Debug)]
pub struct ServerState {
    /// Counters.
    pub counters: Counters,
    /// Streams waiting for it.
    pub queued: Gauge,
    /// Whether traffic may go to it: 1, or 0 when down or in maintenance.
    usable: AtomicU32,
    /// Connections in use and idle, for the pool's limits.
    pub idle: AtomicU32,
    /// When it last took a stream, in milliseconds of the process' clock; -1 for never.
    pub last_used: AtomicI64,
    /// What checks found.
    pub health: Mutex<Health>,
}

impl ServerState {
    /// A server's state at the start.
    #[must_use]
    pub fn new(usable: bool, health: Health) -> Self {
        Self {
            counters: Counters::default(),
            queued: Gauge::default(),
            usable: AtomicU32::new(u32::from(usable)),
            idle: AtomicU32::new(0),
            last_used: AtomicI64::new(-1),
            health: Mutex::new(health),
        }
    }

    /// Whether traffic may go to it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.usable.load(Ordering::Relaxed) != 0
    }

    /// Opens or closes it to traffic; says whether that was a change.
    pub fn set_usable(&self, usable: bool) -> bool {
        self.usable.swap(u32::from(usable), Ordering::AcqRel) != u32::from(usable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_stops_at_its_limit_and_remembers_its_peak() {
        let gauge = Gauge::default();
        assert!(gauge.enter_below(2) && gauge.enter_below(2));
        assert!(!gauge.enter_below(2));
        gauge.leave();
        assert_eq!((gauge.now(), gauge.max()), (1, 2));
        assert!(gauge.enter_below(0), "0 is no limit");
    }
}
