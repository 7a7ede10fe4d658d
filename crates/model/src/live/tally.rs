//! Counters that every request touches: each worker has its own, and whoever reads adds them up.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! tallies {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// What is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Tally {
            $($(#[$doc])* $name,)*
        }

        const ALL: &[Tally] = &[$(Tally::$name),*];
    };
}

tallies! {
    /// Bytes from clients, as logs count them.
    BytesIn;
    /// Bytes to clients, as logs count them.
    BytesOut;
    /// Request bytes received.
    RequestIn;
    /// Request bytes passed on.
    RequestOut;
    /// Response bytes received.
    ResponseIn;
    /// Response bytes passed on.
    ResponseOut;
    /// Responses with status 1xx.
    Status1;
    /// Responses with status 2xx.
    Status2;
    /// Responses with status 3xx.
    Status3;
    /// Responses with status 4xx.
    Status4;
    /// Responses with status 5xx.
    Status5;
    /// Responses with another status.
    StatusOther;
    /// Requests that the proxy answered itself.
    Intercepted;
    /// Headers that rules could not rewrite for want of room.
    FailedRewrites;
    /// Streams that ended by a fault inside.
    InternalErrors;
    /// Connections refused by `tcp-request connection` rules.
    DeniedConnections;
    /// Sessions refused by `tcp-request session` rules.
    DeniedSessions;
    /// Attempts to connect to a server.
    Connects;
    /// Server connections used again.
    Reuses;
    /// Response bytes given to the compressor.
    CompressionIn;
    /// Response bytes that came out of the compressor.
    CompressionOut;
    /// Response bytes that passed the compressor by for want of CPU time or bandwidth.
    CompressionBypassed;
    /// Compressed responses.
    CompressedResponses;
    /// Lookups in a cache.
    CacheLookups;
    /// Lookups that found something.
    CacheHits;
    /// Sessions by protocol: neither of the following.
    SessionsOther;
    /// HTTP/1 sessions.
    SessionsH1;
    /// HTTP/2 sessions.
    SessionsH2;
    /// HTTP/3 sessions.
    SessionsH3;
    /// Streams that are no HTTP requests.
    RequestsOther;
    /// HTTP/1 requests.
    RequestsH1;
    /// HTTP/2 requests.
    RequestsH2;
    /// HTTP/3 requests.
    RequestsH3;
    /// HTTP/1 connections opened.
    H1Opened;
    /// HTTP/1 connections closed.
    H1Closed;
    /// HTTP/1 streams begun.
    H1Begun;
    /// HTTP/1 streams ended.
    H1Ended;
    /// Bytes received over HTTP/1.
    H1In;
    /// Bytes sent over HTTP/1.
    H1Out;
    /// Bytes received over HTTP/1 past the buffers.
    H1SplicedIn;
    /// Bytes sent over HTTP/1 past the buffers.
    H1SplicedOut;
    /// HTTP/2 HEADERS frames received.
    H2Headers;
    /// HTTP/2 DATA frames received.
    H2Data;
    /// HTTP/2 SETTINGS frames received.
    H2Settings;
    /// HTTP/2 RST_STREAM frames received.
    H2Reset;
    /// HTTP/2 GOAWAY frames received.
    H2GoAway;
    /// HTTP/2 connection errors found.
    H2ConnectionErrors;
    /// HTTP/2 stream errors found.
    H2StreamErrors;
    /// HTTP/2 RST_STREAM frames sent.
    H2ResetSent;
    /// HTTP/2 GOAWAY frames sent.
    H2GoAwaySent;
    /// HTTP/2 connections opened.
    H2Opened;
    /// HTTP/2 connections closed.
    H2Closed;
    /// HTTP/2 streams begun.
    H2Begun;
    /// HTTP/2 streams ended.
    H2Ended;
    /// TLS sessions.
    TlsSessions;
    /// TLS sessions resumed.
    TlsResumed;
    /// TLS handshakes that failed.
    TlsFailed;
    /// OCSP responses stapled.
    TlsStapled;
    /// OCSP responses that could not be stapled.
    TlsStapleFailed;
}

impl Tally {
    /// The one for a response's status.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status / 100 {
            1 => Self::Status1,
            2 => Self::Status2,
            3 => Self::Status3,
            4 => Self::Status4,
            5 => Self::Status5,
            _ => Self::StatusOther,
        }
    }
}

/// A duration of which the mean over the last requests and the maximum are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Span {
    /// Waiting in queues.
    Queue,
    /// Connecting.
    Connect,
    /// Waiting for the response.
    Response,
    /// The whole stream.
    Total,
}

/// How many requests the mean is over (management manual, section 9.1).
const SAMPLES: u64 = 512;

thread_local! {
    static WORKER: Cell<usize> = const { Cell::new(0) };
}

/// Says which worker, from 0, this thread is.
pub fn set_worker(index: usize) {
    WORKER.set(index);
}

/// One worker's counters, apart from those of others in memory too.
#[derive(Debug)]
#[repr(align(64))]
struct Shard {
    counts: [AtomicU64; ALL.len()],
    sums: [AtomicU64; 4],
    maxima: [AtomicU64; 4],
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; ALL.len()],
            sums: Default::default(),
            maxima: Default::default(),
        }
    }
}

/// Adds without asking the other CPUs: only this thread writes here.
fn bump(counter: &AtomicU64, n: u64) {
    let value = counter.load(Ordering::Relaxed).wrapping_add(n);
    counter.store(value, Ordering::Relaxed);
}

/// Counters by worker; a worker's are made when it first counts.
#[derive(Debug)]
pub struct Tallies {
    shards: Box<[OnceLock<Box<Shard>>]>,
}

impl Default for Tallies {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Tallies {
    /// Counters for a number of workers.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self {
            shards: (0..workers.max(1)).map(|_| OnceLock::new()).collect(),
        }
    }

    fn own(&self) -> Option<&Shard> {
        let at = WORKER.get().min(self.shards.len().saturating_sub(1));
        let shard = self.shards.get(at)?;
        Some(shard.get_or_init(Box::default))
    }

    /// Counts.
    pub fn add(&self, what: Tally, n: u64) {
        if let Some(counter) = self.own().and_then(|shard| shard.counts.get(what as usize)) {
            bump(counter, n);
        }
    }

    /// Counts several things.
    #[inline]
    pub fn add_all<const N: usize>(&self, counted: [(Tally, u64); N]) {
        let Some(shard) = self.own() else {
            return;
        };
        for (what, n) in counted {
            if let Some(counter) = shard.counts.get(what as usize) {
                bump(counter, n);
            }
        }
    }

    /// What was counted by all workers.
    #[must_use]
    pub fn get(&self, what: Tally) -> u64 {
        let present = self.shards.iter().filter_map(OnceLock::get);
        let counts = present.filter_map(|shard| shard.counts.get(what as usize));
        counts.fold(0, |sum, count| {
            sum.wrapping_add(count.load(Ordering::Relaxed))
        })
    }

    /// Takes note of how long something took, in milliseconds.
    pub fn time(&self, what: Span, ms: u64) {
        let at = what as usize;
        let Some(shard) = self.own() else {
            return;
        };
        if let (Some(sum), Some(most)) = (shard.sums.get(at), shard.maxima.get(at)) {
            let before = sum.load(Ordering::Relaxed);
            let kept = before - before.div_ceil(SAMPLES);
            sum.store(kept.saturating_add(ms), Ordering::Relaxed);
            if ms > most.load(Ordering::Relaxed) {
                most.store(ms, Ordering::Relaxed);
            }
        }
    }

    /// The mean over the last requests of every worker that had any, in milliseconds.
    #[must_use]
    pub fn mean(&self, what: Span) -> u64 {
        let present = self.shards.iter().filter_map(OnceLock::get);
        let sums = present.filter_map(|shard| shard.sums.get(what as usize));
        let sums: Vec<u64> = sums
            .map(|sum| sum.load(Ordering::Relaxed))
            .filter(|sum| *sum > 0)
            .collect();
        let total = sums.iter().fold(0_u64, |a, b| a.saturating_add(*b));
        total.div_ceil(SAMPLES * sums.len().max(1) as u64)
    }

    /// The longest so far, in milliseconds.
    #[must_use]
    pub fn longest(&self, what: Span) -> u64 {
        let present = self.shards.iter().filter_map(OnceLock::get);
        let maxima = present.filter_map(|shard| shard.maxima.get(what as usize));
        maxima
            .map(|most| most.load(Ordering::Relaxed))
            .max()
            .unwrap_or(0)
    }

    /// Forgets the highest values, and with `all` what was counted. A worker that counts at this very moment may keep
    /// what it had; numbers of what is open are kept.
    pub fn clear(&self, all: bool) {
        for shard in self.shards.iter().filter_map(OnceLock::get) {
            for most in &shard.maxima {
                most.store(0, Ordering::Relaxed);
            }
            if !all {
                continue;
            }
            for (what, count) in ALL.iter().zip(&shard.counts) {
                if !what.is_half_of_a_gauge() {
                    count.store(0, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Tally {
    /// Whether a gauge is made of this by subtraction.
    fn is_half_of_a_gauge(self) -> bool {
        use Tally::{H1Begun, H1Closed, H1Ended, H1Opened, H2Begun, H2Closed, H2Ended, H2Opened};
        matches!(
            self,
            H1Begun | H1Closed | H1Ended | H1Opened | H2Begun | H2Closed | H2Ended | H2Opened
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_count_apart_and_are_read_together() {
        let tallies = Tallies::new(2);
        std::thread::scope(|scope| {
            for worker in 0..2 {
                let tallies = &tallies;
                scope.spawn(move || {
                    set_worker(worker);
                    for _ in 0..1000 {
                        tallies.add(Tally::BytesIn, 3);
                    }
                    tallies.add(Tally::H1Opened, 2);
                    tallies.add(Tally::H1Closed, 1);
                });
            }
        });
        assert_eq!(tallies.get(Tally::BytesIn), 6000);
        tallies.clear(true);
        assert_eq!(tallies.get(Tally::BytesIn), 0);
        assert_eq!(
            tallies.get(Tally::H1Opened) - tallies.get(Tally::H1Closed),
            2
        );
    }

    #[test]
    fn means_grow_with_the_window_and_the_longest_is_kept() {
        let tallies = Tallies::new(1);
        tallies.time(Span::Connect, 100);
        assert_eq!(
            (tallies.mean(Span::Connect), tallies.longest(Span::Connect)),
            (1, 100)
        );
        for _ in 0..10_000 {
            tallies.time(Span::Connect, 100);
        }
        assert!((99..=101).contains(&tallies.mean(Span::Connect)));
        tallies.clear(false);
        assert_eq!(tallies.longest(Span::Connect), 0);
    }

    #[test]
    fn every_status_has_its_counter() {
        let of = [199, 200, 304, 404, 503, 0, 999].map(Tally::of_status);
        use Tally::{Status1, Status2, Status3, Status4, Status5, StatusOther};
        assert_eq!(
            of,
            [
                Status1,
                Status2,
                Status3,
                Status4,
                Status5,
                StatusOther,
                StatusOther
            ]
        );
    }
}
