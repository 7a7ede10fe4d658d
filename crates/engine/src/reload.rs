//! Another configuration in place of the one that runs: the next [`Runtime`] is built beside it with the live state of
//! what goes on under the same name, and workers change over while no connection notices.
//!
//! Sessions keep the runtime they were accepted under. Proxies of both runtimes that share servers know of each other
//! ([`Kinship`]), so that balancing and queues of either follow what becomes of a server.

use crate::handover::Inherited;
use crate::listener::{self, BindFailure, Listening};
use crate::proxy::ProxyRuntime;
use crate::runtime::Runtime;
use crate::turns::in_turns;
use model::Snapshot;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// A proxy's counterparts in the runtimes before and after its own.
#[derive(Debug, Default)]
pub struct Kinship {
    older: OnceLock<Weak<ProxyRuntime>>,
    newer: OnceLock<Weak<ProxyRuntime>>,
}

impl Kinship {
    /// Whether there is none, as long as nothing was reloaded.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.older.get().is_none() && self.newer.get().is_none()
    }

    /// Calls `tell` with every counterpart that is still in use.
    pub fn each(&self, mut tell: impl FnMut(&ProxyRuntime)) {
        let mut next = self.older.get().and_then(Weak::upgrade);
        while let Some(proxy) = next {
            tell(&proxy);
            next = proxy.kin.older.get().and_then(Weak::upgrade);
        }
        let mut next = self.newer.get().and_then(Weak::upgrade);
        while let Some(proxy) = next {
            tell(&proxy);
            next = proxy.kin.newer.get().and_then(Weak::upgrade);
        }
    }
}

/// A change of all workers to another runtime.
#[derive(Debug)]
pub struct Change {
    /// The runtime.
    pub runtime: Arc<Runtime>,
    sockets: Vec<parking_lot::Mutex<Vec<Listening>>>,
    done: AtomicUsize,
}

impl Change {
    /// The listening sockets of a worker, who alone asks for them.
    pub(crate) fn take(&self, worker: usize) -> Vec<Listening> {
        let sockets = self.sockets.get(worker);
        sockets
            .map(|sockets| std::mem::take(&mut *sockets.lock()))
            .unwrap_or_default()
    }

    /// A worker has changed over.
    pub(crate) fn done(&self) {
        self.done.fetch_add(1, Ordering::Release);
    }
}

/// Builds the next runtime beside the running one and binds what it listens on in addition; nothing changes yet.
/// `unchanged` says of which proxies (by the keyword of their section and their name) nothing has changed in the
/// configuration.
///
/// # Errors
/// With every socket that could not be bound.
pub fn prepare(
    old: &Runtime,
    snapshot: Arc<Snapshot>,
    unchanged: impl Fn(&model::Proxy) -> bool,
) -> Result<Arc<Change>, Vec<BindFailure>> {
    let workers = old.process.threads as usize;
    let inherited = Inherited::from_exposed(&old.process.exposed);
    let listeners = listener::bind_all(&snapshot, workers, &inherited)?;
    let known: HashMap<_, _> = old
        .proxies
        .iter()
        .map(|proxy| ((proxy.config.name.clone(), sides(&proxy.config)), proxy))
        .collect();
    let proxies = snapshot.proxies.iter().map(|config| {
        let key = (config.name.clone(), sides(config));
        Arc::new(match known.get(&key) {
            Some(old) => ProxyRuntime::following(config.clone(), old, unchanged(config), workers),
            None => ProxyRuntime::new(config.clone(), workers),
        })
    });
    let proxies = proxies.collect();
    carry_patterns(&old.snapshot, &snapshot);
    let runtime = crate::process::assemble(snapshot, proxies, old.process.clone(), Some(old));
    crate::ocsp::carry_over(&runtime);
    Ok(Arc::new(Change {
        runtime,
        sockets: listeners
            .by_worker
            .into_iter()
            .map(parking_lot::Mutex::new)
            .collect(),
        done: AtomicUsize::new(0),
    }))
}

fn sides(config: &model::Proxy) -> (bool, bool) {
    (config.caps.front, config.caps.back)
}

/// Lists that were changed at run time keep what they hold.
fn carry_patterns(old: &Snapshot, new: &Snapshot) {
    for list in old.patterns.refs().iter().filter(|list| list.is_changed()) {
        let Some(next) = list
            .name
            .as_deref()
            .and_then(|name| new.patterns.named(name))
        else {
            continue;
        };
        let version = next.prepare();
        let added = list.read(|set| {
            let entries = set.entries().map(|entry| (entry.key, entry.value));
            next.add_all(Some(version), entries)
        });
        if added.is_ok() {
            // The version has just been prepared.
            let _ = next.commit(version);
        }
    }
}

/// How long workers are waited for. None is ever so late; the change takes place whether or not it is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lets all workers change over, and waits until they have. What listened before and does not any more is closed by
/// then.
pub async fn commit(old: &Arc<Runtime>, change: Arc<Change>) {
    let process = &old.process;
    in_turns(&change.runtime.proxies, |proxy| {
        let older = proxy.kin.older.get().and_then(Weak::upgrade);
        if let Some(older) = older {
            // Each runtime is followed once.
            let _ = older.kin.newer.set(Arc::downgrade(proxy));
        }
    })
    .await;
    for sockets in &change.sockets {
        for listening in sockets.lock().iter() {
            process.exposed.add(&listening.bind, &listening.fd);
        }
    }
    process.set_current(&change.runtime);
    process.changes.send_replace(Some(change.clone()));
    let workers = change.sockets.len();
    let all = async {
        while change.done.load(Ordering::Acquire) < workers {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, all).await;
}

/// Notes that `new` follows `old`.
pub(crate) fn follow(new: Kinship, old: &Arc<ProxyRuntime>) -> Kinship {
    let _ = new.older.set(Arc::downgrade(old));
    new
}
