//! Event rates over a sliding window.
//!
//! The window is HAProxy's: events are counted per period, and the previous period's count fades out linearly while the
//! present one goes on, so that the same traffic yields the same figure at the same time.

use std::sync::atomic::{AtomicU64, Ordering};

/// A rate counter that any number of threads may feed.
///
/// The present period's number, its count and the previous period's count live in two words, so that feeding costs one
/// load and one addition.
#[derive(Debug, Default)]
pub struct RateCounter {
    /// Present period (high half) and its count (low half).
    current: AtomicU64,
    /// The period before (high half) and its count (low half).
    previous: AtomicU64,
}

const LOW: u64 = 0xffff_ffff;

impl RateCounter {
    /// Counts `events` at `now_ms` (milliseconds of any clock that never goes back) and returns the present period's count.
    pub fn add(&self, now_ms: u64, period_ms: u64, events: u32) -> u32 {
        let period = now_ms / period_ms.max(1);
        self.rotate(period);
        let before = self.current.fetch_add(u64::from(events), Ordering::Relaxed);
        ((before & LOW) as u32).saturating_add(events)
    }

    /// Events per period at `now_ms`, the fading previous period included, rounded down.
    #[must_use]
    pub fn read(&self, now_ms: u64, period_ms: u64) -> u32 {
        let period_ms = period_ms.max(1);
        let (current, previous) = self.counts(now_ms / period_ms);
        let remaining = period_ms - now_ms % period_ms;
        let faded = u64::from(previous) * remaining / period_ms;
        u32::try_from(u64::from(current) + faded).unwrap_or(u32::MAX)
    }

    /// How many milliseconds to wait until one more event keeps the rate at or below `limit` per period; 0 if it fits now.
    #[must_use]
    pub fn wait_for_room(&self, now_ms: u64, period_ms: u64, limit: u32) -> u64 {
        if limit == 0 || self.read(now_ms, period_ms) < limit {
            return 0;
        }
        (period_ms / u64::from(limit)).max(1)
    }

    fn rotate(&self, period: u64) {
        let period = period & LOW;
        let current = self.current.load(Ordering::Relaxed);
        if current >> 32 == period {
            return;
        }
        // Losing this race means that another thread has just opened the same period.
        let opened = self.current.compare_exchange(
            current,
            period << 32,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if opened.is_ok() {
            self.previous.store(current, Ordering::Release);
        }
    }

    fn counts(&self, period: u64) -> (u32, u32) {
        let period = period & LOW;
        let (current, previous) = (
            self.current.load(Ordering::Acquire),
            self.previous.load(Ordering::Acquire),
        );
        let at = |word: u64, wanted: u64| {
            if word >> 32 == wanted {
                (word & LOW) as u32
            } else {
                0
            }
        };
        let before = period.wrapping_sub(1) & LOW;
        (
            at(current, period),
            at(previous, before).max(at(current, before)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_period_fades_out() {
        let rate = RateCounter::default();
        for _ in 0..10 {
            rate.add(500, 1000, 1);
        }
        assert_eq!(rate.read(900, 1000), 10);
        assert_eq!(rate.read(1500, 1000), 5);
        assert_eq!(rate.read(1999, 1000), 0);
        assert_eq!(rate.read(5000, 1000), 0);
    }

    #[test]
    fn a_full_rate_asks_to_wait() {
        let rate = RateCounter::default();
        assert_eq!(rate.wait_for_room(10, 1000, 2), 0);
        rate.add(10, 1000, 1);
        rate.add(11, 1000, 1);
        assert_eq!(rate.wait_for_room(12, 1000, 2), 500);
        assert_eq!(rate.wait_for_room(12, 1000, 0), 0, "no limit");
    }
}
