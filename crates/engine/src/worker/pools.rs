//! What a worker makes and uses again, for `show pools`.

use super::Worker;
use crate::io;
use crate::session::Session;
use crate::stream::{Card, State};

/// How many pools a worker has.
pub const POOLS: usize = 5;
/// Over about how many seconds what is needed of a pool is averaged.
const NEEDED_OVER: f32 = 8.0;

/// What a worker has of things that it makes, uses again, and counts.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    /// Its name.
    pub name: &'static str,
    /// Bytes of one.
    pub size: usize,
    /// How many there are.
    pub allocated: usize,
    /// Their bytes in all.
    pub bytes: usize,
    /// How many of them are kept for use.
    pub cached: usize,
    /// How many were needed on average lately.
    pub needed: usize,
}

impl Worker {
    /// What this worker has of each pool.
    #[must_use]
    pub fn pools(&self) -> [Pool; POOLS] {
        let (buffer, buffers, free) = io::buffers();
        let (texts, text_bytes) = io::kept_texts();
        let cards = self.cards.borrow().len();
        let one = |name, size, (allocated, cached): (usize, usize), needed: f32| Pool {
            name,
            size,
            allocated,
            bytes: allocated * size,
            cached,
            needed: needed.round() as usize,
        };
        let states = (self.made_states.get(), self.states.borrow().len());
        let needed = self.needed.get();
        [
            one("buffer", buffer, (buffers, free), needed[0]),
            one("stream", size_of::<State>(), states, needed[1]),
            one(
                "session",
                size_of::<Session>(),
                (self.session_count(), 0),
                needed[2],
            ),
            one("card", size_of::<Card>(), (cards, 0), needed[3]),
            Pool {
                bytes: text_bytes,
                ..one(
                    "kept_text",
                    text_bytes / texts.max(1),
                    (texts, texts),
                    needed[4],
                )
            },
        ]
    }

    /// Follows what is needed of each pool, once a second.
    pub(super) fn follow_pools(&self) {
        let mut needed = self.needed.get();
        for (average, pool) in needed.iter_mut().zip(self.pools()) {
            let used = pool.allocated.saturating_sub(pool.cached);
            *average += (used as f32 - *average) / NEEDED_OVER;
        }
        self.needed.set(needed);
    }
}
