//! When checks are due. Pure: times come in as milliseconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Checks by the time they are due.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    heap: BinaryHeap<Reverse<(u64, usize)>>,
    /// When each check is due that is in the heap; other entries of the heap are void.
    due: Vec<Option<u64>>,
}

impl Schedule {
    /// A schedule of checks numbered from 0.
    pub fn new(due: impl Iterator<Item = u64>) -> Self {
        let due: Vec<_> = due.map(Some).collect();
        let entries = due.iter().enumerate();
        Self {
            heap: entries
                .filter_map(|(at, due)| Some(Reverse(((*due)?, at))))
                .collect(),
            due,
        }
    }

    /// When the next one is due.
    pub fn next(&mut self) -> Option<u64> {
        while let Some(Reverse((due, at))) = self.heap.peek() {
            if self.due.get(*at) == Some(&Some(*due)) {
                return Some(*due);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes one out that is due.
    pub fn take_due(&mut self, now: u64) -> Option<usize> {
        self.next().filter(|due| *due <= now)?;
        let Reverse((_, at)) = self.heap.pop()?;
        if let Some(due) = self.due.get_mut(at) {
            *due = None;
        }
        Some(at)
    }

    /// Puts one in.
    pub fn put(&mut self, due: u64, at: usize) {
        if self.due.len() <= at {
            self.due.resize(at + 1, None);
        }
        if let Some(place) = self.due.get_mut(at) {
            *place = Some(due);
            self.heap.push(Reverse((due, at)));
        }
    }

    /// Takes one out that is waiting; says whether it was.
    pub fn remove(&mut self, at: usize) -> bool {
        self.due.get_mut(at).is_some_and(|due| due.take().is_some())
    }

    /// Lets one that is waiting be due at a time, unless it is sooner.
    pub fn hasten(&mut self, due: u64, at: usize) {
        if self
            .due
            .get(at)
            .copied()
            .flatten()
            .is_some_and(|now| now > due)
        {
            self.put(due, at);
        }
    }
}

/// The delay of the first check of the `at`th of `count` servers, so that they are spread over an interval.
pub(super) fn first_delay(interval: u64, at: usize, count: usize) -> u64 {
    (interval as u128 * at as u128 / count.max(1) as u128) as u64
}

/// An interval that is up to `percent` longer or shorter (`spread-checks`).
pub(super) fn vary(interval: u64, percent: u32, random: u64) -> u64 {
    let margin = interval * u64::from(percent) / 100;
    if margin == 0 {
        return interval;
    }
    interval - margin + random % (2 * margin + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first() {
        let mut schedule = Schedule::new([30, 10, 20].into_iter());
        assert_eq!(schedule.next(), Some(10));
        assert_eq!(schedule.take_due(9), None);
        assert_eq!(schedule.take_due(25), Some(1));
        schedule.put(15, 1);
        assert_eq!(schedule.take_due(25), Some(1));
        assert_eq!(schedule.take_due(25), Some(2));
        assert_eq!((schedule.take_due(25), schedule.next()), (None, Some(30)));
    }

    #[test]
    fn checks_can_be_hastened_while_they_wait() {
        let mut schedule = Schedule::new([30, 10].into_iter());
        schedule.hasten(20, 0);
        schedule.hasten(25, 1);
        assert_eq!(
            (schedule.take_due(15), schedule.next()),
            (Some(1), Some(20))
        );
        schedule.hasten(16, 1);
        assert_eq!(schedule.take_due(20), Some(0));
        assert_eq!((schedule.take_due(99), schedule.next()), (None, None));
    }

    #[test]
    fn others_come_and_go() {
        let mut schedule = Schedule::new([30].into_iter());
        schedule.put(10, 1);
        assert!(schedule.remove(1) && !schedule.remove(1) && !schedule.remove(9));
        assert_eq!(schedule.next(), Some(30));
        schedule.put(20, 1);
        assert_eq!(schedule.take_due(25), Some(1));
        assert!(!schedule.remove(1), "it is not waiting");
    }

    #[test]
    fn first_checks_are_spread_over_the_interval() {
        let delays: Vec<u64> = (0..10).map(|at| first_delay(1000, at, 10)).collect();
        assert_eq!(delays, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
        assert_eq!(first_delay(u64::MAX, 9, 10), u64::MAX / 10 * 9 + 4);
    }

    #[test]
    fn intervals_vary_within_their_share() {
        assert_eq!(vary(200, 0, 7), 200);
        let got: Vec<u64> = (0..1000).map(|random| vary(200, 50, random)).collect();
        assert_eq!(
            (got.iter().min(), got.iter().max()),
            (Some(&100), Some(&300))
        );
    }
}
