//! What happened in each minute of the last hour.

use std::collections::VecDeque;

/// How many minutes are kept.
pub const MINUTES: usize = 60;

/// Events and errors by minute. Takes memory once there was something to keep.
#[derive(Debug, Default)]
pub struct History {
    samples: VecDeque<(u32, u32)>,
    /// The totals when the last minute ended.
    before: (u64, u64),
}

impl History {
    /// Ends a minute: `all` and `errors` are the totals so far. Totals that have shrunk were forgotten meanwhile.
    pub fn record(&mut self, all: u64, errors: u64) {
        let sample = self.passed(all, errors);
        self.before = (all, errors);
        if self.samples.is_empty() && sample == (0, 0) {
            return;
        }
        if self.samples.len() >= MINUTES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        if self.samples.iter().all(|sample| *sample == (0, 0)) {
            self.samples = VecDeque::new();
        }
    }

    fn passed(&self, all: u64, errors: u64) -> (u32, u32) {
        let narrow = |now: u64, before: u64| {
            let passed = now.checked_sub(before).unwrap_or(now);
            u32::try_from(passed).unwrap_or(u32::MAX)
        };
        (narrow(all, self.before.0), narrow(errors, self.before.1))
    }

    /// The minutes that are kept, the oldest first, and the one that has begun: `all` and `errors` are the totals so far.
    #[must_use]
    pub fn samples(&self, all: u64, errors: u64) -> Vec<(u32, u32)> {
        let skipped = (self.samples.len() + 1).saturating_sub(MINUTES);
        let past = self.samples.iter().copied().skip(skipped);
        past.chain([self.passed(all, errors)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_kept_and_quiet_hours_cost_nothing() {
        let mut history = History::default();
        history.record(0, 0);
        assert_eq!(history.samples(0, 0), [(0, 0)]);
        history.record(5, 1);
        history.record(7, 1);
        assert_eq!(history.samples(9, 1), [(5, 1), (2, 0), (2, 0)]);
        history.record(3, 0);
        assert_eq!(
            history.samples(3, 0)[2..],
            [(3, 0), (0, 0)],
            "counters were cleared"
        );
        for _ in 0..MINUTES {
            history.record(3, 0);
        }
        assert_eq!(history.samples(3, 0), [(0, 0)]);
    }
}
