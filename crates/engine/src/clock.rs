//! Time as the engine sees it: milliseconds since the start for deadlines and durations, the wall clock for logs.

use expr::view::Date;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

static START: OnceLock<Instant> = OnceLock::new();

/// The instant that all milliseconds count from: the first call.
pub fn start() -> Instant {
    *START.get_or_init(Instant::now)
}

/// Milliseconds since the start, from a clock that never goes back.
#[must_use]
pub fn now_ms() -> u64 {
    u64::try_from(start().elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The instant of a number of milliseconds since the start.
#[must_use]
pub fn instant(ms: u64) -> Instant {
    start() + Duration::from_millis(ms)
}

/// The wall clock.
#[must_use]
pub fn date() -> Date {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Date {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        micros: since.subsec_micros(),
    }
}
