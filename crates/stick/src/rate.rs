//! Event frequencies over a sliding window of two periods.

/// How far the clocks of two workers may be apart, in milliseconds: each reads its own now and then only.
const SKEW: u32 = 60_000;

/// How many milliseconds have passed since a moment, which another worker may have read from a clock that was ahead.
pub(crate) fn since(now: u32, then: u32) -> u32 {
    match now.wrapping_sub(then) {
        ahead if ahead > u32::MAX - SKEW => 0,
        passed => passed,
    }
}

/// A frequency counter as entries keep it.
///
/// The first event after a quiet time opens a period. The count of the period before fades out linearly while the present
/// one goes on, so that the figure is that of a window which moves with time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrequencyCounter {
    /// When the present period began, in milliseconds (modulo 2^32); 0 before the first event.
    pub start: u32,
    /// Events of the present period.
    pub current: u32,
    /// Events of the period before.
    pub previous: u32,
}

impl FrequencyCounter {
    /// Counts `events` at `now` for periods of `period` milliseconds.
    pub fn add(&mut self, now: u32, period: u32, events: u32) {
        let period = period.max(1);
        let elapsed = since(now, self.start);
        if self.start == 0 || elapsed >= period.saturating_mul(2) {
            (self.start, self.previous, self.current) = (now.max(1), 0, 0);
        } else if elapsed >= period {
            self.previous = self.current;
            self.current = 0;
            self.start = self.start.wrapping_add(period).max(1);
        }
        self.current = self.current.saturating_add(events);
    }

    /// The events of the last `period` milliseconds at `now`, rounded down. A single event is not faded, so that low rates
    /// do not flap.
    #[must_use]
    pub fn read(&self, now: u32, period: u32) -> u32 {
        let period = period.max(1);
        if self.start == 0 {
            return 0;
        }
        let elapsed = since(now, self.start);
        let (current, previous, elapsed) = match elapsed / period {
            0 => (self.current, self.previous, elapsed),
            1 => (0, self.current, elapsed - period),
            _ => return 0,
        };
        if current == 0 && previous <= 1 {
            return previous;
        }
        let faded = u64::from(previous) * u64::from(period - elapsed) / u64::from(period);
        u32::try_from(u64::from(current) + faded).unwrap_or(u32::MAX)
    }

    /// A counter that reads as `events` at `now`.
    #[must_use]
    pub fn of(events: u32, now: u32) -> Self {
        Self {
            start: now.max(1),
            current: events,
            previous: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ten events at once with a period of a second: what HAProxy 3.4 showed so many milliseconds later.
    const FADING: [(u32, u32); 12] = [
        (5, 10),
        (966, 10),
        (1016, 9),
        (1117, 8),
        (1218, 7),
        (1319, 6),
        (1420, 5),
        (1525, 4),
        (1626, 3),
        (1731, 2),
        (1832, 1),
        (1983, 0),
    ];

    #[test]
    fn figures_fade_as_recorded() {
        let mut rate = FrequencyCounter::default();
        for _ in 0..10 {
            rate.add(50_000, 1000, 1);
        }
        for (after, figure) in FADING {
            assert_eq!(rate.read(50_000 + after, 1000), figure, "{after} ms later");
        }
    }

    #[test]
    fn a_clock_that_is_behind_forgets_nothing() {
        let mut rate = FrequencyCounter::default();
        rate.add(5000, 1000, 7);
        assert_eq!(rate.read(4990, 1000), 7);
        rate.add(4990, 1000, 1);
        assert_eq!(rate.read(5000, 1000), 8);
    }

    #[test]
    fn a_single_event_is_seen_for_two_periods() {
        let mut rate = FrequencyCounter::default();
        rate.add(7, 1000, 1);
        assert_eq!((rate.read(1990, 1000), rate.read(2007, 1000)), (1, 0));
    }

    #[test]
    fn steady_events_give_the_recorded_figures() {
        let mut rate = FrequencyCounter::default();
        let figures: Vec<u32> = (0..28)
            .map(|n| {
                let now = 1_000_003 + n * 100 - n.min(1);
                rate.add(now, 1000, 1);
                rate.read(now, 1000)
            })
            .collect();
        let mut expected: Vec<u32> = (1..=10).collect();
        expected.push(11);
        expected.resize(28, 10);
        assert_eq!(figures, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn never_more_than_what_came_in_two_periods(
            steps in prop::collection::vec((0u32..700, 1u32..5), 1..40), start in any::<u32>()
        ) {
            let mut rate = FrequencyCounter::default();
            let (mut now, mut all) = (start, Vec::new());
            for (step, events) in steps {
                now = now.wrapping_add(step);
                rate.add(now, 1000, events);
                all.push((now, events));
                let figure = rate.read(now, 1000);
                let since = |span: u32| all.iter().filter(|(at, _)| now.wrapping_sub(*at) < span).map(|e| e.1).sum::<u32>();
                prop_assert!(figure <= since(2001), "{figure}");
                prop_assert!(figure >= events);
            }
            prop_assert_eq!(rate.read(now.wrapping_add(2000), 1000), 0);
        }
    }
}
