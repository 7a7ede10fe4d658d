//! What a request holds of a server: a slot, or a place in a queue.

use super::Dispatch;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use balance::Pending;
use base::ServerIdx;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Poll, Waker};

/// What became of it.
#[derive(Debug)]
pub enum Assigned {
    /// A server with room.
    Server(Slot),
    /// A place in a queue.
    Queued(Place),
    /// No server can be used.
    None,
}

/// A stream's place on a server; giving it up lets the next one in.
#[derive(Debug)]
pub struct Slot {
    pub(super) backend: Arc<ProxyRuntime>,
    /// The server.
    pub server: Arc<ServerRuntime>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.server.state.counters.connections.leave();
        let idx = self.server.config.idx;
        self.backend.dispatch.changed(&self.backend, idx);
        if self.backend.dispatch.is_limited() {
            Dispatch::tell_kin(&self.backend, &self.server);
        }
    }
}

/// What a waiting stream and the one who lets it in share.
#[derive(Debug, Default)]
pub struct Ticket {
    /// 0 while waiting, then the server's place plus one; [`REQUEUE`] when another place has to be found.
    pub(super) granted: AtomicU32,
    pub(super) waker: Mutex<Option<Waker>>,
}

/// The grant that sends a waiting stream to look for another server.
pub(super) const REQUEUE: u32 = u32::MAX;

/// A place in a queue; dropping it gives it up.
#[derive(Debug)]
pub struct Place {
    pub(super) backend: Arc<ProxyRuntime>,
    pub(super) ticket: Arc<Ticket>,
    pub(super) pending: Pending,
    /// The server whose queue it is; the backend's otherwise.
    pub(super) server: Option<ServerIdx>,
    /// How many were ahead in the server's and in the backend's queue.
    pub ahead: [u64; 2],
    pub(super) taken: bool,
}

impl Place {
    /// The place in the server's and in the backend's queue, counted from 1; 0 for the one that was not entered.
    #[must_use]
    pub fn entered(&self) -> [u64; 2] {
        match self.server {
            Some(_) => [self.ahead[0] + 1, 0],
            None => [0, self.ahead[1] + 1],
        }
    }

    /// Ready with the slot once it is this stream's turn; `None` when the server does not take it any more and another
    /// one has to be found.
    pub fn poll_granted(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Option<Slot>> {
        // The waker is stored first, so that a grant in between is not missed.
        let mut waker = self.ticket.waker.lock();
        match self.ticket.granted.load(Ordering::Acquire) {
            0 => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            granted => {
                drop(waker);
                self.taken = true;
                Poll::Ready(self.slot(granted))
            }
        }
    }

    fn slot(&self, granted: u32) -> Option<Slot> {
        if granted == REQUEUE {
            return None;
        }
        let server = self.backend.server_at(ServerIdx(granted - 1))?;
        Some(Slot {
            backend: self.backend.clone(),
            server,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        self.backend.dispatch.give_up(&self.backend, self);
        // The grant may have come just before: the slot is then passed on.
        match self.ticket.granted.load(Ordering::Acquire) {
            0 => {}
            granted => drop(self.slot(granted)),
        }
    }
}
