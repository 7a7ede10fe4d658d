//! Live state: what outlives a configuration. Found by name when the next snapshot is built.

pub mod health;
pub mod history;
pub mod tally;
pub mod weight;

use base::rate::RateCounter;
use health::{Health, Operation};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};
use tally::{Tallies, Tally};

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

    /// Forgets the highest value.
    pub fn clear_max(&self) {
        self.max.store(self.now(), Ordering::Relaxed);
    }
}

/// A rate per second with its highest value.
#[derive(Debug, Default)]
pub struct Rate {
    counter: RateCounter,
    max: AtomicU32,
}

impl Rate {
    /// Counts one event at `now_ms`.
    pub fn add(&self, now_ms: u64) {
        let present = self.counter.add(now_ms, 1000, 1);
        if present > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(present, Ordering::Relaxed);
        }
    }

    /// Events over the last second.
    #[must_use]
    pub fn read(&self, now_ms: u64) -> u32 {
        self.counter.read(now_ms, 1000)
    }

    /// How many milliseconds to wait until one more event keeps the rate within `limit`; 0 if it fits now.
    #[must_use]
    pub fn wait_for_room(&self, now_ms: u64, limit: u32) -> u64 {
        self.counter.wait_for_room(now_ms, 1000, limit)
    }

    /// The most events counted in one second.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max.load(Ordering::Relaxed)
    }

    /// Forgets the highest value.
    pub fn clear_max(&self) {
        self.max.store(0, Ordering::Relaxed);
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
    pub session_rate: Rate,
    /// Requests per second.
    pub request_rate: Rate,
    /// Those that balancing brought, persistence and retries on the same server left aside.
    pub balanced: AtomicU64,
    /// When the last one came, in milliseconds of the process' clock; -1 for never.
    pub last_session: Stamp,
    /// Requests in all.
    pub requests: AtomicU64,
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
    /// Streams aborted by the client and by the server.
    pub aborts: [AtomicU64; 2],
    /// New connections per second (frontends), those that rules refuse included.
    pub connection_rate: Rate,
    /// What every request touches.
    pub tallies: Tallies,
}

/// A listening address' live state.
#[derive(Debug, Default)]
pub struct ListenerState {
    /// Present connections.
    pub connections: Gauge,
    /// What it counts by itself under `option socket-stats`.
    pub counters: Option<Box<Counters>>,
}

impl ListenerState {
    /// A listening address at the start, `workers` being how many count.
    #[must_use]
    pub fn new(counts: bool, workers: usize) -> Self {
        Self {
            connections: Gauge::default(),
            counters: counts.then(|| Box::new(Counters::new(workers))),
        }
    }
}

/// A moment in milliseconds of the process' clock.
#[derive(Debug)]
pub struct Stamp(AtomicI64);

impl Default for Stamp {
    fn default() -> Self {
        Self(AtomicI64::new(-1))
    }
}

impl Stamp {
    /// Notes the moment.
    pub fn set(&self, now_ms: u64) {
        let now = i64::try_from(now_ms).unwrap_or(i64::MAX);
        self.0.store(now, Ordering::Relaxed);
    }

    /// Milliseconds passed since; `None` if it never came.
    #[must_use]
    pub fn age_ms(&self, now_ms: u64) -> Option<u64> {
        let at = u64::try_from(self.0.load(Ordering::Relaxed)).ok()?;
        Some(now_ms.saturating_sub(at))
    }
}

impl Counters {
    /// Counts a connection (frontend) or a stream (backend, server) that begins.
    pub fn begin(&self, now_ms: u64) {
        self.connections.enter();
        count(&self.total, 1);
        self.session_rate.add(now_ms);
        self.last_session.set(now_ms);
    }

    /// Counts a connection that a frontend has accepted, before any rule.
    pub fn accept(&self, now_ms: u64) {
        self.connections.enter();
        count(&self.total, 1);
        self.connection_rate.add(now_ms);
    }

    /// Counts a session that begins on an accepted connection.
    pub fn begin_session(&self, now_ms: u64) {
        self.session_rate.add(now_ms);
        self.last_session.set(now_ms);
    }

    /// Forgets the highest values, and with `all` everything but what goes on now.
    pub fn clear(&self, all: bool) {
        self.connections.clear_max();
        self.session_rate.clear_max();
        self.request_rate.clear_max();
        self.connection_rate.clear_max();
        self.tallies.clear(all);
        if !all {
            return;
        }
        let single = [
            &self.total,
            &self.requests,
            &self.balanced,
            &self.denied_requests,
            &self.denied_responses,
            &self.request_errors,
            &self.connection_errors,
            &self.response_errors,
            &self.retries,
            &self.redispatches,
        ];
        for counter in single.into_iter().chain(&self.aborts) {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Counts a response by its status.
    pub fn count_response(&self, status: u16) {
        self.tallies.add(Tally::of_status(status), 1);
    }

    /// Counters for a number of workers.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self {
            tallies: Tallies::new(workers),
            ..Self::default()
        }
    }

    /// Counts by worker.
    pub fn tally(&self, what: Tally, n: u64) {
        self.tallies.add(what, n);
    }
}

/// Adds to a counter.
pub fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// Why a server is kept from traffic by decision, as bits (management manual, "show servers state").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Admin(pub u32);

impl Admin {
    /// Put into maintenance at run time, or by `disabled`.
    pub const MAINT: Self = Self(0x01);
    /// In maintenance because a server is that it follows (`track`).
    pub const INHERITED: Self = Self(0x02);
    /// Configured with `disabled`; stays for information after the maintenance has ended.
    pub const CONFIGURED: Self = Self(0x04);
    /// Put into drain at run time: no new traffic by balancing.
    pub const DRAIN: Self = Self(0x08);
    /// In drain because the server it follows is.
    pub const INHERITED_DRAIN: Self = Self(0x10);
    /// In maintenance for want of an address: its name has none.
    pub const RESOLUTION: Self = Self(0x20);
    /// Its host name is another one than configured: a command or an SRV record has changed it.
    pub const RENAMED: Self = Self(0x40);

    /// Whether any bit of `which` is set.
    #[must_use]
    pub fn has(self, which: Self) -> bool {
        self.0 & which.0 != 0
    }

    /// Whether balancing may give it traffic.
    #[must_use]
    pub fn allows(self) -> bool {
        !self.in_maintenance() && !self.has(Self::DRAIN) && !self.has(Self::INHERITED_DRAIN)
    }

    /// Whether it is in maintenance, by itself, for want of an address, or with a server that it follows.
    #[must_use]
    pub fn in_maintenance(self) -> bool {
        self.has(Self(Self::MAINT.0 | Self::INHERITED.0 | Self::RESOLUTION.0))
    }
}

/// A server's live state.
#[derive(Debug)]
pub struct ServerState {
    /// Counters.
    pub counters: Counters,
    /// Streams waiting for it.
    pub queued: Gauge,
    /// What its checks say: an [`Operation`] as its number.
    operation: AtomicU8,
    /// Bits of [`Admin`].
    admin: AtomicU32,
    /// The weight, 0 to 256.
    weight: AtomicU32,
    /// When it last came into or went out of service.
    changed: Stamp,
    /// Whether checks and the agent stand still by the operator's decision.
    paused: [AtomicBool; 2],
    /// Connections in use and idle, for the pool's limits.
    pub idle: AtomicU32,
    /// What checks found.
    pub health: Mutex<Health>,
}

impl ServerState {
    /// A server's state at the start, `workers` being how many count.
    #[must_use]
    pub fn new(disabled: bool, weight: u32, health: Health, workers: usize) -> Self {
        let admin = if disabled {
            Admin::MAINT.0 | Admin::CONFIGURED.0
        } else {
            0
        };
        Self {
            counters: Counters::new(workers),
            queued: Gauge::default(),
            operation: AtomicU8::new(health.operation().number()),
            admin: AtomicU32::new(admin),
            weight: AtomicU32::new(weight),
            changed: Stamp(AtomicI64::new(0)),
            paused: [false, false].map(AtomicBool::new),
            idle: AtomicU32::new(0),
            health: Mutex::new(health),
        }
    }

    /// Whether balancing may give it traffic, its weight aside.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.operation().takes_traffic() && self.admin().allows()
    }

    /// Whether its checks find it up, be it only for those who are there already.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.operation() != Operation::Stopped
    }

    /// What its checks say.
    #[must_use]
    pub fn operation(&self) -> Operation {
        let number = self.operation.load(Ordering::Relaxed);
        Operation::of_number(number).unwrap_or(Operation::Stopped)
    }

    /// Notes what its checks say.
    pub fn set_operation(&self, operation: Operation) {
        self.operation.store(operation.number(), Ordering::Relaxed);
    }

    /// What was decided about it.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin(self.admin.load(Ordering::Relaxed))
    }

    /// Notes what was decided about it.
    pub fn set_admin(&self, admin: Admin) {
        self.admin.store(admin.0, Ordering::Relaxed);
    }

    /// Whether checks stand still (`disable health`).
    #[must_use]
    pub fn checks_paused(&self) -> bool {
        self.paused[0].load(Ordering::Relaxed)
    }

    /// Whether the agent is not asked (`disable agent`).
    #[must_use]
    pub fn agent_paused(&self) -> bool {
        self.paused[1].load(Ordering::Relaxed)
    }

    /// Stops checks or the agent, or starts them again.
    pub fn pause(&self, of: health::Finder, on: bool) {
        let flag = match of {
            health::Finder::Check => &self.paused[0],
            health::Finder::Agent => &self.paused[1],
        };
        flag.store(on, Ordering::Relaxed);
    }

    /// The weight, 0 to 256.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Notes a new weight.
    pub fn set_weight(&self, weight: u32) {
        self.weight.store(weight, Ordering::Relaxed);
    }

    /// When it last came into or went out of service.
    #[must_use]
    pub fn changed(&self) -> &Stamp {
        &self.changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_remembers_its_peak() {
        let gauge = Gauge::default();
        assert_eq!((gauge.enter(), gauge.enter()), (1, 2));
        gauge.leave();
        assert_eq!((gauge.now(), gauge.max()), (1, 2));
    }
}
