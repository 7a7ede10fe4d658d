//! Questions and orders to workers, from other threads: what only a worker's own thread may look at.

use crate::worker::Worker;
use parking_lot::Mutex;
use std::rc::Rc;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::oneshot;

/// Something to be done on a worker's thread.
type Order = Box<dyn FnOnce(&Rc<Worker>) + Send>;

/// The ways to the workers.
#[derive(Debug, Default)]
pub struct Orders {
    senders: Mutex<Vec<Option<UnboundedSender<Order>>>>,
}

impl Orders {
    /// Has something done on the thread of the worker of this number, from 0. Nothing comes of it when the worker is gone.
    pub fn ask<T: Send + 'static>(
        &self,
        worker: usize,
        what: impl FnOnce(&Rc<Worker>) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, receiver) = oneshot::channel();
        let senders = self.senders.lock();
        if let Some(Some(sender)) = senders.get(worker) {
            // Who asked may have stopped waiting, and the worker may have ended.
            let _ = sender.send(Box::new(move |worker| {
                let _ = answer.send(what(worker));
            }));
        }
        receiver
    }

    /// Makes a worker follow orders until its event loop ends.
    pub(crate) fn follow(&self, worker: &Rc<Worker>) {
        let (sender, mut orders) = mpsc::unbounded_channel::<Order>();
        let mut senders = self.senders.lock();
        if senders.len() <= worker.index {
            senders.resize_with(worker.index + 1, || None);
        }
        if let Some(place) = senders.get_mut(worker.index) {
            *place = Some(sender);
        }
        let worker = worker.clone();
        tokio::task::spawn_local(async move {
            while let Some(order) = orders.recv().await {
                order(&worker);
            }
        });
    }
}
