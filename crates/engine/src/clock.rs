//! Time as the engine sees it: milliseconds since the start for deadlines and durations, the wall clock for logs.
//!
//! A worker reads the clocks when it wakes up and then only now and then: within one turn of the event loop nothing needs
//! to know the time better than to the millisecond, and a request asks for it a dozen times.

use expr::view::Date;
use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

static START: OnceLock<Instant> = OnceLock::new();

/// How often the last reading is used again before the clocks are read anew.
const REUSED: u32 = 32;

thread_local! {
    static CACHED: Cell<bool> = const { Cell::new(false) };
    /// How often the last reading may still be used.
    static LEFT: Cell<u32> = const { Cell::new(0) };
    static MS: Cell<u64> = const { Cell::new(0) };
    static DATE: Cell<Date> = const { Cell::new(Date { seconds: 0, micros: 0 }) };
}

/// The instant that all milliseconds count from: just before the first call, so that no moment is 0, which stands for
/// what has not come yet.
pub fn start() -> Instant {
    *START.get_or_init(|| {
        let now = Instant::now();
        now.checked_sub(Duration::from_millis(1)).unwrap_or(now)
    })
}

/// Says that this thread calls [`wake`] whenever it has waited, so that readings may be used again.
pub fn cache() {
    CACHED.set(true);
}

/// Forgets the last reading; to be called after every wait.
pub fn wake() {
    LEFT.set(0);
}

#[inline]
fn look() {
    match LEFT.get() {
        0 => read(),
        left => LEFT.set(left - 1),
    }
}

#[cold]
fn read() {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    MS.set(u64::try_from(start().elapsed().as_millis()).unwrap_or(u64::MAX));
    DATE.set(Date {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        micros: since.subsec_micros(),
    });
    LEFT.set(if CACHED.get() { REUSED } else { 0 });
}

/// Milliseconds since the start, from a clock that never goes back.
#[must_use]
pub fn now_ms() -> u64 {
    look();
    MS.get()
}

/// The instant of a number of milliseconds since the start.
#[must_use]
pub fn instant(ms: u64) -> Instant {
    start() + Duration::from_millis(ms)
}

/// The wall clock.
#[must_use]
pub fn date() -> Date {
    look();
    DATE.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_moment_is_zero() {
        assert!(now_ms() > 0);
    }

    #[test]
    fn a_worker_sees_time_pass_after_it_has_waited() {
        cache();
        let before = now_ms();
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(now_ms(), before, "within one turn time stands still");
        wake();
        assert!(now_ms() >= before + 5);
        std::thread::sleep(Duration::from_millis(5));
        let later = (0..=REUSED).map(|_| now_ms()).max();
        assert!(later >= Some(before + 10), "not for ever");
    }
}
