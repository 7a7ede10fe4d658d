//! Limits for the bytes that a stream passes on (`filter bwlim-in`, `filter bwlim-out`; configuration manual, 9.7).
//!
//! Rates are counted over HAProxy's sliding window: at first a whole limit may pass at once, then as much as fades out
//! of the window.

use crate::clock;
use base::rate::RateCounter;
use model::bandwidth::Limiter;
use std::sync::Arc;
use stick::Tracked;

/// How much of a period's limit is gathered before a stream that was held goes on: less would wake it too often.
const SHARE: u64 = 100;

/// One limit on a stream.
#[derive(Debug)]
struct Brake {
    limiter: Arc<Limiter>,
    /// Bytes per period.
    limit: u64,
    /// Milliseconds.
    period: u64,
    count: Count,
}

/// Where passed bytes are counted.
#[derive(Debug)]
enum Count {
    Own(RateCounter),
    /// An entry that other streams count in as well.
    Shared(Tracked),
}

/// All limits on a stream, in the order in which they hold; empty for most.
#[derive(Debug, Default)]
pub struct Brakes(Vec<(usize, Brake)>);

impl Brakes {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one holds what goes to the client (`outgoing`) or what comes from there.
    pub(super) fn holds(&self, outgoing: bool) -> bool {
        self.of(outgoing).next().is_some()
    }

    /// Puts a limit on the stream, or puts another one of the same name in its place. `order` is its place among all
    /// that the stream may have; `entry` is what a shared limit counts in, with the period in milliseconds.
    pub(super) fn put(
        &mut self,
        order: usize,
        limiter: Arc<Limiter>,
        figures: (u64, u64),
        entry: Option<Tracked>,
    ) {
        let (limit, period) = figures;
        let count = entry.map_or_else(|| Count::Own(RateCounter::default()), Count::Shared);
        let brake = Brake {
            limiter,
            limit,
            period: period.max(1),
            count,
        };
        let at = self.0.partition_point(|(other, _)| *other < order);
        match self.0.get_mut(at) {
            Some((other, old)) if *other == order => *old = brake,
            _ => self.0.insert(at, (order, brake)),
        }
    }

    /// How many of `wanted` bytes may pass now; else the time (of the coarse clock, in milliseconds) to ask again.
    pub(super) fn grant(&self, outgoing: bool, wanted: usize) -> Result<usize, u64> {
        let now = clock::now_ms();
        let mut granted = wanted as u64;
        for brake in self.of(outgoing) {
            granted = granted.min(brake.grant(now, granted)?);
        }
        Ok(usize::try_from(granted).unwrap_or(wanted))
    }

    /// Counts bytes that have passed.
    pub(super) fn charge(&self, outgoing: bool, bytes: usize) {
        let now = clock::now_ms();
        for brake in self.of(outgoing) {
            brake.charge(now, bytes);
        }
    }

    fn of(&self, outgoing: bool) -> impl Iterator<Item = &Brake> {
        let brakes = self.0.iter().map(|(_, brake)| brake);
        brakes.filter(move |brake| brake.limiter.outgoing == outgoing)
    }
}

impl Brake {
    fn grant(&self, now: u64, wanted: u64) -> Result<u64, u64> {
        let (used, users) = match &self.count {
            Count::Own(rate) => (u64::from(rate.read(now, self.period)), 1),
            Count::Shared(entry) => {
                let read = entry.read(now, |entry| {
                    let used = entry.get(self.limiter.counter(), 0).unwrap_or(0);
                    (used, u64::from(entry.references()))
                });
                read.unwrap_or((0, 1))
            }
        };
        let room = self.limit.saturating_sub(used) / users.max(1);
        let needed = u64::from(self.limiter.least).max(1).min(wanted);
        if room >= needed {
            return Ok(room.min(wanted));
        }
        // What is gathered is no more than a whole period lets pass.
        let gathered = needed.max(self.limit / SHARE).min(wanted).min(self.limit);
        let missing = gathered.saturating_sub(room).saturating_mul(users.max(1));
        let wait = missing.saturating_mul(self.period) / self.limit.max(1);
        Err(now + wait.clamp(1, self.period))
    }

    fn charge(&self, now: u64, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        match &self.count {
            Count::Own(rate) => drop(rate.add(now, self.period, bytes)),
            Count::Shared(entry) => {
                let kind = self.limiter.counter();
                entry.update(now, |entry| entry.add(kind, 0, u64::from(bytes)));
            }
        }
    }
}

impl Drop for Brake {
    fn drop(&mut self) {
        // An entry is given back by hand, so that its idle time begins now.
        let count = std::mem::replace(&mut self.count, Count::Own(RateCounter::default()));
        if let Count::Shared(entry) = count {
            entry.release(clock::now_ms());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::bandwidth::Scope;

    fn brakes(limit: u32, least: u32) -> Brakes {
        let mut brakes = Brakes::default();
        let limiter = Limiter {
            name: "l".into(),
            outgoing: true,
            least,
            limit,
            scope: Scope::Stream(60_000),
        };
        brakes.put(0, Arc::new(limiter), (u64::from(limit), 60_000), None);
        brakes
    }

    #[test]
    fn a_limit_passes_once_in_a_period() {
        let brakes = brakes(1000, 0);
        assert!(!brakes.holds(false));
        assert_eq!(brakes.grant(false, 5000), Ok(5000), "the other direction");
        assert_eq!(brakes.grant(true, 400), Ok(400));
        brakes.charge(true, 400);
        assert_eq!(brakes.grant(true, 5000), Ok(600));
        brakes.charge(true, 600);
        let again = brakes.grant(true, 5000).expect_err("nothing is left");
        assert!(again > clock::now_ms());
    }

    #[test]
    fn less_than_the_least_is_held_unless_there_is_no_more() {
        let brakes = brakes(1000, 300);
        brakes.charge(true, 800);
        assert!(brakes.grant(true, 5000).is_err());
        assert_eq!(brakes.grant(true, 200), Ok(200));
    }

    #[test]
    fn another_limit_of_the_same_place_replaces_the_first() {
        let mut brakes = brakes(1000, 0);
        brakes.charge(true, 1000);
        let limiter = brakes.0[0].1.limiter.clone();
        brakes.put(0, limiter, (10, 60_000), None);
        assert_eq!(brakes.grant(true, 50), Ok(10));
        assert_eq!(brakes.0.len(), 1);
    }
}
