//! Requests that wait for a slot: by priority class, then by time and priority offset, then by arrival.
//!
//! A server has a queue of its own (requests bound to it) beside its backend's (requests that any server may take);
//! [`choose`] says from which of the two the next one comes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Class range, either side of zero (`set-priority-class`).
const MAX_CLASS: i64 = 0x7ff;
/// Offset range, either side of zero (`set-priority-offset`).
const MAX_OFFSET: i64 = 0x7_ffff;
const OFFSET_BITS: u32 = 20;
const OFFSET_MASK: u32 = (1 << OFFSET_BITS) - 1;
/// How far behind now, in ms, an adjusted time counts as past.
const LOOK_BACK: u32 = 1 << (OFFSET_BITS - 1);

/// A pending request's rank: class and adjusted time, 20 bits of ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueKey(u32);

impl QueueKey {
    /// A request queued at `now_ms`; class and offset are cut to their ranges.
    #[must_use]
    pub fn new(class: i64, offset_ms: i64, now_ms: u32) -> Self {
        let class = (class.clamp(-MAX_CLASS, MAX_CLASS) + MAX_CLASS) as u32;
        let time = now_ms.wrapping_add(offset_ms.clamp(-MAX_OFFSET, MAX_OFFSET) as u32);
        Self(class << OFFSET_BITS | time & OFFSET_MASK)
    }

    fn class(self) -> u32 {
        self.0 >> OFFSET_BITS
    }

    /// Rank at `now_ms`: times wrap, so they count from the earliest that is still told apart from the future.
    fn rank(self, now_ms: u32) -> (u32, u32) {
        (
            self.class(),
            self.0.wrapping_sub(now_ms.wrapping_sub(LOOK_BACK)) & OFFSET_MASK,
        )
    }
}

/// A queued request, by which it is removed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pending {
    key: QueueKey,
    arrival: u64,
}

impl Pending {
    /// Its rank.
    #[must_use]
    pub fn key(&self) -> QueueKey {
        self.key
    }
}

/// Requests waiting for one server, or for any server of one backend.
#[derive(Debug, Clone)]
pub struct Queue<T> {
    waiting: BTreeMap<Pending, T>,
    arrivals: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            arrivals: 0,
        }
    }
}

impl<T> Queue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a request.
    pub fn push(&mut self, key: QueueKey, request: T) -> Pending {
        let pending = Pending {
            key,
            arrival: self.arrivals,
        };
        self.arrivals += 1;
        self.waiting.insert(pending, request);
        pending
    }

    /// Removes a request that gave up; `None` when it was taken already.
    pub fn remove(&mut self, pending: Pending) -> Option<T> {
        match self.waiting.entry(pending) {
            Entry::Occupied(found) => Some(found.remove()),
            Entry::Vacant(_) => None,
        }
    }

    /// Whose turn it is at `now_ms`.
    #[must_use]
    pub fn peek(&self, now_ms: u32) -> Option<(Pending, &T)> {
        let class = self.waiting.first_key_value()?.0.key.class();
        let start = class << OFFSET_BITS | now_ms.wrapping_sub(LOOK_BACK) & OFFSET_MASK;
        let start = Pending {
            key: QueueKey(start),
            arrival: 0,
        };
        let later = self
            .waiting
            .range(start..)
            .next()
            .filter(|(pending, _)| pending.key.class() == class);
        let (pending, request) = later.or_else(|| self.waiting.first_key_value())?;
        Some((*pending, request))
    }

    /// Takes whose turn it is at `now_ms`.
    pub fn pop(&mut self, now_ms: u32) -> Option<(Pending, T)> {
        let pending = self.peek(now_ms)?.0;
        Some((pending, self.remove(pending)?))
    }

    /// How many requests are ahead of this one at `now_ms`; counts them one by one.
    #[must_use]
    pub fn ahead(&self, pending: Pending, now_ms: u32) -> usize {
        let rank = (pending.key.rank(now_ms), pending.arrival);
        self.waiting
            .keys()
            .filter(|other| (other.key.rank(now_ms), other.arrival) < rank)
            .count()
    }

    /// Takes everyone, in no promised order (the server went down).
    pub fn drain(&mut self) -> impl Iterator<Item = (Pending, T)> + use<T> {
        std::mem::take(&mut self.waiting).into_iter()
    }
}

/// Which queue a freed slot serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The server's own.
    Server,
    /// The backend's.
    Backend,
}

/// Where a server with a free slot takes its next request from; of two equals, its own comes first.
#[must_use]
pub fn choose<T, U>(server: &Queue<T>, backend: &Queue<U>, now_ms: u32) -> Option<Source> {
    let own = server
        .peek(now_ms)
        .map(|(pending, _)| pending.key.rank(now_ms));
    let shared = backend
        .peek(now_ms)
        .map(|(pending, _)| pending.key.rank(now_ms));
    match (own, shared) {
        (None, None) => None,
        (None, Some(_)) => Some(Source::Backend),
        (Some(own), Some(shared)) if shared < own => Some(Source::Backend),
        _ => Some(Source::Server),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn class_then_time_then_arrival() {
        let mut queue = Queue::new();
        for (name, class, offset, now) in [
            ("late", 0, 0, 20),
            ("first", 0, 0, 10),
            ("second", 0, 0, 10),
            ("vip", -5, 0, 30),
            ("slow", 3, -500, 0),
            ("hurried", 0, -15, 21),
        ] {
            queue.push(QueueKey::new(class, offset, now), name);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop(40).map(|(_, name)| name)).collect();
        assert_eq!(order, ["vip", "hurried", "first", "second", "late", "slow"]);
    }

    #[test]
    fn time_wraps() {
        let mut queue = Queue::new();
        let before = OFFSET_MASK - 5;
        queue.push(QueueKey::new(0, 0, before + 10), "after");
        queue.push(QueueKey::new(0, 0, before), "before");
        assert_eq!(
            queue.peek(before + 12).map(|(_, name)| *name),
            Some("before")
        );
        // Beyond the window a waiting time is mistaken for the most urgent: the manual warns of it.
        assert_eq!(
            queue.pop(before + LOOK_BACK + 2).map(|(_, name)| name),
            Some("after")
        );
    }

    #[test]
    fn removal_and_ranges() {
        let mut queue = Queue::new();
        let a = queue.push(QueueKey::new(i64::MIN, i64::MAX, 0), 1);
        let b = queue.push(QueueKey::new(i64::MAX, i64::MIN, 0), 2);
        assert_eq!((queue.ahead(a, 0), queue.ahead(b, 0)), (0, 1));
        assert_eq!(queue.remove(a), Some(1));
        assert_eq!(queue.remove(a), None);
        assert_eq!(queue.pop(0).map(|(_, v)| v), Some(2));
        assert!(queue.is_empty());
    }

    #[test]
    fn own_queue_first_among_equals() {
        let (mut own, mut shared) = (Queue::new(), Queue::new());
        assert_eq!(choose(&own, &shared, 0), None);
        shared.push(QueueKey::new(0, 0, 5), ());
        assert_eq!(choose(&own, &shared, 9), Some(Source::Backend));
        let mine = own.push(QueueKey::new(0, 0, 5), ());
        assert_eq!(choose(&own, &shared, 9), Some(Source::Server));
        own.remove(mine);
        own.push(QueueKey::new(0, 0, 6), ());
        assert_eq!(choose(&own, &shared, 9), Some(Source::Backend));
        own.push(QueueKey::new(-1, 0, 8), ());
        assert_eq!(choose(&own, &shared, 9), Some(Source::Server));
    }

    proptest! {
        #[test]
        fn pops_follow_rank(items in prop::collection::vec((-3i64..3, -4000i64..4000, 0u32..5000), 0..60), base: u32) {
            let mut queue = Queue::new();
            let now = base.wrapping_add(5000);
            for (n, (class, offset, at)) in items.iter().enumerate() {
                queue.push(QueueKey::new(*class, *offset, base.wrapping_add(*at)), (*class, i64::from(*at) + offset, n));
            }
            let mut expected: Vec<_> = queue.clone().drain().map(|(_, v)| v).collect();
            expected.sort_unstable();
            let popped: Vec<_> = std::iter::from_fn(|| queue.pop(now).map(|(_, v)| v)).collect();
            prop_assert_eq!(popped, expected);
        }
    }
}
