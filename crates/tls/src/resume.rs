//! Taking sessions up again: the cache shared by all threads, and tickets.

use crate::tickets::{Dated, Shared, TicketKeys};
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, ProducesTickets, StoresServerSessions};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How a listening line's sessions are taken up again.
#[derive(Debug)]
pub struct Resumption {
    tickets: Option<Arc<dyn ProducesTickets>>,
    cache: Arc<dyn StoresServerSessions>,
    /// Where sessions are that early data may come with; nowhere if other machines are to understand the tickets.
    early: Option<Arc<dyn StoresServerSessions>>,
}

/// The most early data that is taken, in bytes.
const EARLY_DATA: u32 = 16_384;

impl Resumption {
    /// Sessions in the shared cache, and in tickets unless they are unwanted, for `lifetime` seconds. Tickets are made under
    /// the keys given, or under some of our own.
    ///
    /// # Errors
    /// When keys can't be used, or no random numbers can be had.
    pub fn new(
        cache: &Arc<SessionCache>,
        tickets: bool,
        keys: Option<&Arc<TicketKeys>>,
        lifetime: u32,
    ) -> Result<Self, String> {
        let inner: Option<Arc<dyn ProducesTickets>> = match (tickets, keys) {
            (false, _) => None,
            (true, Some(keys)) => Some(Arc::new(Shared(keys.clone()))),
            (true, None) => Some(aws_lc_rs::Ticketer::new().map_err(|error| error.to_string())?),
        };
        let sessions = |cache: &Arc<SessionCache>| -> Arc<dyn StoresServerSessions> {
            Arc::new(LineCache {
                cache: cache.clone(),
                line: NEXT_LINE.fetch_add(1, Ordering::Relaxed),
                lifetime: Duration::from_secs(lifetime.into()),
            })
        };
        let (cache, early) = match cache.capacity {
            0 => {
                let own = Arc::new(SessionCache::new(EARLY_SESSIONS));
                let none: Arc<dyn StoresServerSessions> = Arc::new(NoServerSessionStorage {});
                (none, sessions(&own))
            }
            _ => {
                let cache = sessions(cache);
                (cache.clone(), cache)
            }
        };
        let shares_tickets = tickets && keys.is_some();
        Ok(Self {
            tickets: inner
                .map(|inner| -> Arc<dyn ProducesTickets> { Arc::new(Dated { inner, lifetime }) }),
            cache,
            early: (!shares_tickets).then_some(early),
        })
    }

    /// Applies this to a configuration. A session in a cache is taken up again once, a ticket as often as it is shown: so early
    /// data, which must not be replayed, takes the place of tickets (RFC 8446, section 8.1).
    pub(crate) fn apply(&self, config: &mut ServerConfig, early_data: bool) {
        if let Some(early) = self.early.as_ref().filter(|_| early_data) {
            config.session_storage = early.clone();
            config.max_early_data_size = EARLY_DATA;
            config.send_half_rtt_data = true;
            return;
        }
        config.session_storage = self.cache.clone();
        if let Some(ticketer) = &self.tickets {
            config.ticketer = ticketer.clone();
        }
    }
}

/// How many sessions are kept for early data where none are kept otherwise (`tune.ssl.cachesize 0`).
const EARLY_SESSIONS: usize = 20_000;

/// Sessions of one line can't be taken up on another, which may ask for other certificates.
static NEXT_LINE: AtomicU64 = AtomicU64::new(0);

type Key = Box<[u8]>;

/// Lookups in caches of sessions, and those that have found nothing, since the start of the process.
static LOOKUPS: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// How often a session was looked for in a cache of this process, and how often there was none.
#[must_use]
pub fn cache_lookups() -> (u64, u64) {
    let [all, missed] = LOOKUPS.each_ref().map(|n| n.load(Ordering::Relaxed));
    (all, missed)
}

fn looked_up<T>(found: Option<T>) -> Option<T> {
    LOOKUPS[0].fetch_add(1, Ordering::Relaxed);
    if found.is_none() {
        LOOKUPS[1].fetch_add(1, Ordering::Relaxed);
    }
    found
}

/// The sessions of all listening lines (`tune.ssl.cachesize`).
#[derive(Debug)]
pub struct SessionCache {
    capacity: usize,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Debug, Default)]
struct Shard {
    sessions: HashMap<Key, (Instant, Vec<u8>)>,
    order: VecDeque<Key>,
}

/// How many locks the cache is spread over.
const SHARDS: usize = 16;

impl SessionCache {
    /// A cache for a number of sessions.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    fn shard(&self, key: &[u8]) -> Option<&Mutex<Shard>> {
        // Session ids are random.
        self.shards.get(usize::from(*key.last()?) % SHARDS)
    }
}

#[derive(Debug)]
struct LineCache {
    cache: Arc<SessionCache>,
    line: u64,
    lifetime: Duration,
}

impl LineCache {
    fn key(&self, id: &[u8]) -> Key {
        [&self.line.to_be_bytes(), id].concat().into()
    }

    fn find(&self, key: &[u8]) -> Option<Vec<u8>> {
        let key = self.key(key);
        let shard = self.cache.shard(&key)?.lock();
        let (since, session) = shard.sessions.get(&key)?;
        (since.elapsed() <= self.lifetime).then(|| session.clone())
    }

    fn remove(&self, key: &[u8]) -> Option<Vec<u8>> {
        let key = self.key(key);
        let (since, session) = self.cache.shard(&key)?.lock().sessions.remove(&key)?;
        (since.elapsed() <= self.lifetime).then_some(session)
    }
}

impl StoresServerSessions for LineCache {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let key = self.key(&key);
        let Some(shard) = self.cache.shard(&key) else {
            return false;
        };
        let mut shard = shard.lock();
        if shard
            .sessions
            .insert(key.clone(), (Instant::now(), value))
            .is_none()
        {
            shard.order.push_back(key);
        }
        let most = self.cache.capacity.div_ceil(SHARDS);
        while shard.sessions.len() > most || shard.order.len() > 2 * most {
            let Some(oldest) = shard.order.pop_front() else {
                break;
            };
            shard.sessions.remove(&oldest);
        }
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        looked_up(self.find(key))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        looked_up(self.remove(key))
    }

    fn can_cache(&self) -> bool {
        true
    }
}
