//! Deadlines that cost nothing while they move away.

use crate::clock;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::Sleep;

/// One timer for a whole session.
///
/// A deadline that moves into the future leaves the timer where it is: when the timer fires early, it is set anew. So a busy
/// connection touches the runtime's timer wheel once per timeout rather than once per request.
#[derive(Debug, Default)]
pub struct Deadline {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When the timer fires, in milliseconds since the start.
    fires_at: u64,
}

impl Deadline {
    /// Ready once `at` (milliseconds since the start) has passed; never for `None`.
    pub fn poll(&mut self, cx: &mut Context<'_>, at: Option<u64>) -> Poll<()> {
        let Some(at) = at else {
            return Poll::Pending;
        };
        loop {
            let Some(sleep) = self.sleep.as_mut() else {
                self.arm(at);
                continue;
            };
            if self.fires_at > at {
                self.arm(at);
                continue;
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // The timer has fired: what this turn believed of the time is too old.
            clock::wake();
            if clock::now_ms() >= at {
                return Poll::Ready(());
            }
            self.arm(at);
        }
    }

    fn arm(&mut self, at: u64) {
        self.fires_at = at;
        // A millisecond more than asked for, since `now_ms` rounds down.
        let instant = tokio::time::Instant::from_std(clock::instant(at));
        match self.sleep.as_mut() {
            Some(sleep) => sleep.as_mut().reset(instant),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(instant))),
        }
    }

    /// Waits until `at`.
    pub async fn wait(&mut self, at: u64) {
        std::future::poll_fn(|cx| self.poll(cx, Some(at))).await;
    }
}
