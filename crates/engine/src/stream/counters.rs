//! What a session or a stream tracks in stick tables, and the moments at which that is counted.

use super::Stream;
use crate::clock;
use crate::session::Session;
use stick::{DataType, Tracked};

/// The entries that `track-sc*` rules keep, by the number of the counter. Nothing is held before the first one.
#[derive(Debug, Default)]
pub struct Counters(Option<Box<[Option<Tracked>]>>);

impl Counters {
    /// What a counter tracks.
    #[must_use]
    pub fn get(&self, counter: usize) -> Option<&Tracked> {
        self.0.as_ref()?.get(counter)?.as_ref()
    }

    /// Tracks an entry with a counter out of so many.
    pub fn put(&mut self, counter: usize, entry: Tracked, counters: usize) {
        let slots = self
            .0
            .get_or_insert_with(|| (0..counters).map(|_| None).collect());
        if let Some(slot) = slots.get_mut(counter) {
            *slot = Some(entry);
        }
    }

    /// Whether nothing is tracked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Takes over what another one tracks.
    pub fn absorb(&mut self, mut other: Self) {
        let Some(slots) = other.0.take() else {
            return;
        };
        let counters = slots.len();
        for (counter, entry) in slots.into_iter().enumerate() {
            if let Some(entry) = entry {
                self.put(counter, entry, counters);
            }
        }
    }

    fn each(&self) -> impl Iterator<Item = (usize, &Tracked)> {
        let slots = self.0.iter().flat_map(|slots| slots.iter().enumerate());
        slots.filter_map(|(at, entry)| Some((at, entry.as_ref()?)))
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        let Some(slots) = self.0.take() else {
            return;
        };
        let now = clock::now_ms();
        for entry in slots.into_iter().flatten() {
            entry.release(now);
        }
    }
}

/// Something that is counted with its rate.
pub(crate) type Counted = [DataType; 2];

/// A session that has been accepted.
pub(crate) const SESSION: Counted = [DataType::SessCnt, DataType::SessRate];
/// A request.
pub(crate) const REQUEST: Counted = [DataType::HttpReqCnt, DataType::HttpReqRate];
/// A request that failed by the client's fault.
pub(crate) const ERROR: Counted = [DataType::HttpErrCnt, DataType::HttpErrRate];
/// A request that failed by the server's fault.
pub(crate) const FAILURE: Counted = [DataType::HttpFailCnt, DataType::HttpFailRate];
/// A breach of the protocol.
pub(crate) const GLITCH: Counted = [DataType::GlitchCnt, DataType::GlitchRate];

fn add(entry: &Tracked, now: u64, what: Counted, amount: u64) {
    if !entry.stores(&what) {
        return;
    }
    entry.update(now, |entry| {
        for kind in what {
            entry.add(kind, 0, amount);
        }
    });
}

impl Session {
    /// Counts an event in what the session tracks.
    pub(crate) fn count_tracked(&self, what: Counted) {
        if self.counters.is_empty() {
            return;
        }
        let now = clock::now_ms();
        for (_, entry) in self.counters.each() {
            add(entry, now, what, 1);
        }
    }
}

impl Stream<'_> {
    /// Every entry that the stream counts in: its own, and those of the session under other numbers.
    fn each_tracked(&self) -> impl Iterator<Item = &Tracked> {
        let own = &self.state.counters;
        let inherited = self.session.counters.each();
        let inherited = inherited.filter(|(at, _)| own.get(*at).is_none());
        own.each().chain(inherited).map(|(_, entry)| entry)
    }

    fn tracks_nothing(&self) -> bool {
        self.state.counters.is_empty() && self.session.counters.is_empty()
    }

    /// Counts an event in everything that is tracked.
    pub(super) fn count_tracked(&self, what: Counted) {
        if self.tracks_nothing() {
            return;
        }
        let now = clock::now_ms();
        for entry in self.each_tracked() {
            add(entry, now, what, 1);
        }
    }

    /// Counts the request in what is tracked already; what is tracked later counts it at once.
    pub(super) fn count_tracked_request(&mut self) {
        self.state.request_counted = true;
        self.count_tracked(REQUEST);
    }

    /// Counts a response by its status.
    pub(super) fn count_tracked_status(&self) {
        if self.tracks_nothing() {
            return;
        }
        for what in self.status_counts().into_iter().flatten() {
            self.count_tracked(what);
        }
    }

    /// What the status of the response stands for.
    fn status_counts(&self) -> [Option<Counted>; 2] {
        let global = &self.session.runtime.snapshot.global;
        let status = self.state.response.status();
        [
            global.http_errors.has(status).then_some(ERROR),
            global.http_failures.has(status).then_some(FAILURE),
        ]
    }

    /// Tracks an entry from now on. What has been counted before a request's or a response's rules is made up for.
    pub(super) fn begin_tracking(&mut self, counter: usize, entry: Tracked) {
        let now = clock::now_ms();
        if self.state.request_counted {
            add(&entry, now, REQUEST, 1);
        }
        if self.state.has_response {
            for what in self.status_counts().into_iter().flatten() {
                add(&entry, now, what, 1);
            }
        }
        let counters = self.session.runtime.snapshot.global.stick_counters;
        self.state.counters.put(counter, entry, counters);
    }

    /// Counts the bytes of the stream in everything that is tracked.
    pub(super) fn count_tracked_bytes(&self) {
        if self.tracks_nothing() {
            return;
        }
        let now = clock::now_ms();
        let (sent, received) = self.state.bytes;
        let sent = sent + self.state.head_bytes[0];
        for entry in self.each_tracked() {
            if sent > 0 {
                add(
                    entry,
                    now,
                    [DataType::BytesInCnt, DataType::BytesInRate],
                    sent,
                );
            }
            if received > 0 {
                add(
                    entry,
                    now,
                    [DataType::BytesOutCnt, DataType::BytesOutRate],
                    received,
                );
            }
        }
    }
}
