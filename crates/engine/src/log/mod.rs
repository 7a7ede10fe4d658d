//! Log messages: headers, batches per worker, and the services that carry messages on.
//!
//! A message is written once per target into a batch of its worker: [`emit`] does no system call unless a batch is full.
//! [`flush`] sends the batches, before the worker waits for events. Whatever can't be sent at once is dropped and counted.

mod batch;
mod datagram;
mod descriptor;
mod forward;
mod profile;
mod received;
mod registry;
mod ring;
mod sender;
#[cfg(test)]
mod tests;

pub use forward::{Forwards, bind};
pub use profile::{emit_step, step_for};
pub use registry::{TargetState, dropped, named, note_event, note_in, received, target_state};
pub use ring::Ring;

use crate::runtime::Runtime;
use model::log::LogTarget;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A message to be logged.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its level, 0 to 7.
    pub level: u8,
    /// The tag.
    pub tag: &'a str,
    /// Structured data for RFC 5424.
    pub structured_data: &'a [u8],
    /// The text.
    pub text: &'a [u8],
}

/// Puts a message into this thread's batches for every target that takes it. Never blocks.
pub fn emit(runtime: &Arc<Runtime>, targets: &[Arc<LogTarget>], message: &Message<'_>) {
    batch::with(|batch| batch.emit(runtime, targets, message));
}

thread_local! {
    static FLUSHES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How often this thread has called [`flush`], which it does whenever it waits for events.
#[must_use]
pub fn flushes() -> u64 {
    FLUSHES.get()
}

/// Sends this thread's batches; to be called before it waits for events, and before it ends.
pub fn flush() {
    FLUSHES.set(FLUSHES.get().wrapping_add(1));
    batch::with(batch::Batch::flush);
}

/// Running log services: senders of rings and receivers of `log-forward` sections. Dropping it ends them.
#[derive(Debug, Default)]
pub struct LogService {
    served: Vec<Arc<ring::Ring>>,
    tasks: Vec<JoinHandle<()>>,
}

impl LogService {
    /// Starts the senders of rings that have none yet.
    pub async fn extend(&mut self, runtime: &Runtime) {
        for (ring, destination) in registry::senders(runtime).await {
            if self.served.iter().any(|known| Arc::ptr_eq(known, &ring)) {
                continue;
            }
            self.served.push(ring.clone());
            self.tasks
                .push(tokio::task::spawn_local(sender::run(ring, destination)));
        }
    }
}

impl Drop for LogService {
    fn drop(&mut self) {
        flush();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts all log services on this thread's local tasks, with listeners that were bound by [`bind`].
pub async fn start(runtime: &Arc<Runtime>, forwards: Forwards) -> LogService {
    let mut service = LogService::default();
    service.extend(runtime).await;
    forwards.start(runtime, &mut service.tasks);
    service
}
