//! OCSP responses that are fetched (`ocsp-update`; configuration manual, section 12.7.1): which, when, and what came of it.
//!
//! [`Updates`] is live state of the process: an [`Entry`] for each certificate, by the identifier that responders know it by.
//! [`task`] fetches one response after the other, on the first worker. What was fetched outlives a reload in place.

mod entry;
mod task;

pub use entry::{Entry, Status};

use crate::certificates;
use crate::clock;
use crate::runtime::Runtime;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tls::{Bundle, ocsp};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The identifier of a certificate in DER.
pub type Id = Vec<u8>;

/// All entries.
#[derive(Debug, Default)]
pub struct Updates {
    entries: Mutex<BTreeMap<Id, Entry>>,
    /// Rung when there may be something to do.
    bell: Notify,
}

/// The running task. Dropping it ends it; what it was about to fetch is fetched by the next one.
#[derive(Debug)]
pub struct Service(JoinHandle<()>);

impl Drop for Service {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts fetching on this thread's local tasks, which must be those of the first worker.
#[must_use]
pub fn start(runtime: &Arc<Runtime>) -> Service {
    follow(runtime);
    Service(tokio::task::spawn_local(task::run(runtime.clone())))
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    clock::date().seconds
}

/// Takes note of which certificates there are and what is stapled to them: to be called when that has changed.
pub fn follow(runtime: &Runtime) {
    let inventory = &runtime.snapshot.certificates;
    let (updates, delays) = (
        &runtime.process.ocsp,
        runtime.snapshot.global.ocsp_updates.delays,
    );
    let mut wanted: BTreeMap<Id, Arc<Bundle>> = BTreeMap::new();
    for bundle in inventory.lock().store.bundles.values() {
        if bundle.fetches_ocsp(inventory.global.ocsp_update)
            && let Some(id) = ocsp::id_of_bundle(bundle, inventory.global.issuers.as_deref())
        {
            wanted.entry(id).or_insert_with(|| bundle.clone());
        }
    }
    let mut entries = updates.entries.lock();
    entries.retain(|id, entry| wanted.contains_key(id) || entry.is_asked_for());
    for (id, bundle) in wanted {
        let expires = bundle.ocsp.as_deref().and_then(ocsp::expiry);
        match entries.entry(id) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(Entry::new(&bundle.name, expires, now(), delays));
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.regular = true;
                known.path = bundle.name.clone();
                known.expires = expires.or(known.expires);
            }
        }
    }
    drop(entries);
    updates.bell.notify_one();
}

/// Staples what was fetched before to the certificates of a configuration that takes the place of another one, unless a
/// file has brought something that is good for longer.
pub(crate) fn carry_over(runtime: &Runtime) {
    let entries = runtime.process.ocsp.entries.lock();
    let fetched = entries.iter();
    let fetched = fetched.filter_map(|(id, entry)| Some((id.clone(), entry.response.clone()?)));
    let fetched: Vec<_> = fetched.collect();
    drop(entries);
    for (id, response) in fetched {
        let expiry = ocsp::expiry(&response);
        let newer = |bundle: &Bundle| {
            let present = bundle.ocsp.as_deref();
            present.is_some_and(|present| ocsp::expiry(present) > expiry)
        };
        let inventory = &runtime.snapshot.certificates;
        let issuers = inventory.global.issuers.as_deref();
        let is_behind = inventory
            .lock()
            .store
            .bundles
            .values()
            .any(|bundle| newer(bundle) && ocsp::is_about(&id, bundle, issuers));
        if !is_behind && ocsp::check(&response, now()).is_ok() {
            // A certificate that is not there any more needs none.
            let _ = certificates::staple(runtime, &id, &response);
        }
    }
}

impl Updates {
    /// Has the response about a certificate fetched now; `path` is the certificate's name.
    pub fn ask(&self, id: &Id, path: &Arc<str>) {
        let mut entries = self.entries.lock();
        let entry = entries
            .entry(id.clone())
            .or_insert_with(|| Entry::once(path));
        entry.ask(now());
        drop(entries);
        self.bell.notify_one();
    }

    /// The entries of certificates that say that responses are fetched, by when that happens next.
    #[must_use]
    pub fn shown(&self) -> Vec<(Id, Entry)> {
        let entries = self.entries.lock();
        let regular = entries.iter().filter(|(_, entry)| entry.regular);
        let mut all: Vec<_> = regular.map(|(id, e)| (id.clone(), e.clone())).collect();
        all.sort_by_key(|(_, entry)| entry.next);
        all
    }
}
