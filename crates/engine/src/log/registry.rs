//! What all workers share: rings by name or address, and the state of targets.

use super::ring::Ring;
use super::sender::Destination;
use crate::runtime::Runtime;
use crate::turns::in_turns;
use model::log::{self as configured, LogTarget};
use model::{Address, Mode, Snapshot};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use wire::syslog::{Dates, Fields, Format, Time};

/// Bytes that wait for a `tcp@` target or a server of a `mode log` backend at most.
const IMPLICIT_SIZE: usize = 256 * 1024;

/// Messages dropped by all targets, which `show info` shows as `DroppedLogs`.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many messages could not be sent since the start of the process.
#[must_use]
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Counts messages that could not be sent.
pub(super) fn count_dropped(messages: usize) {
    DROPPED.fetch_add(messages as u64, Ordering::Relaxed);
}

/// Messages that came to `log-forward` sections, which `show info` shows as `CumRecvLogs`.
static RECEIVED: AtomicU64 = AtomicU64::new(0);

/// How many messages came to `log-forward` sections since the start of the process.
#[must_use]
pub fn received() -> u64 {
    RECEIVED.load(Ordering::Relaxed)
}

/// Counts a message that came to a `log-forward` section.
pub(super) fn count_received() {
    RECEIVED.fetch_add(1, Ordering::Relaxed);
}

/// A target's state.
#[derive(Debug, Default)]
pub struct TargetState {
    /// Messages that came to its sampling.
    sampled: AtomicU64,
    /// Messages given to its destination.
    pub sent: AtomicU64,
}

impl TargetState {
    /// Whether the next message belongs to the sample.
    pub(super) fn samples(&self, sampling: &configured::Sampling) -> bool {
        let turn =
            self.sampled.fetch_add(1, Ordering::Relaxed) % u64::from(sampling.size.max(1)) + 1;
        sampling
            .ranges
            .iter()
            .any(|(first, last)| (u64::from(*first)..=u64::from(*last)).contains(&turn))
    }
}

/// Rings are known by their section's name or by the place their only sender sends to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum RingKey {
    Named(Arc<str>),
    Target(Address),
    Server(Arc<str>, Arc<str>),
}

#[derive(Debug, Default)]
struct Registry {
    rings: HashMap<RingKey, Arc<Ring>>,
    /// By address; the weak reference keeps the address from being used again while its entry is here.
    targets: HashMap<usize, (Weak<LogTarget>, Arc<TargetState>)>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

/// The state of a target, made when it is first asked for.
#[must_use]
pub fn target_state(target: &Arc<LogTarget>) -> Arc<TargetState> {
    let mut registry = REGISTRY.lock();
    registry
        .targets
        .retain(|_, (target, _)| target.strong_count() > 0);
    let entry = registry.targets.entry(Arc::as_ptr(target) as usize);
    entry
        .or_insert_with(|| (Arc::downgrade(target), Arc::default()))
        .1
        .clone()
}

fn ring(key: RingKey, make: impl FnOnce() -> Ring) -> Arc<Ring> {
    REGISTRY
        .lock()
        .rings
        .entry(key)
        .or_insert_with(|| Arc::new(make()))
        .clone()
}

fn from_section(section: &configured::Ring) -> Arc<Ring> {
    let key = RingKey::Named(section.name.clone());
    let format = super::batch::header_format(section.format).unwrap_or(wire::syslog::Format::Raw);
    ring(key, || {
        Ring::new(section.size, section.max_len, Some(format))
    })
}

/// The ring of a section.
#[must_use]
pub fn named(snapshot: &Snapshot, name: &str) -> Option<Arc<Ring>> {
    snapshot
        .logging
        .rings
        .iter()
        .find(|section| *section.name == *name)
        .map(|section| from_section(section))
}

/// Puts an event into the ring of a section. Returns whether there is such a section.
pub fn note_event(runtime: &Runtime, name: &str, text: &[u8]) -> bool {
    let Some(ring) = named(&runtime.snapshot, name) else {
        return false;
    };
    note_in(&ring, text);
    true
}

/// Puts an event into a ring.
pub fn note_in(ring: &Ring, text: &[u8]) {
    let now = crate::clock::date();
    let mut dates = Dates::default();
    dates.set(now.seconds, sys::utc_offset(now.seconds));
    let fields = Fields {
        priority: 0,
        time: Time::Now,
        dates: &dates,
        micros: now.micros,
        hostname: b"",
        hostname_suffix: b"",
        tag: b"",
        pid: b"",
        msgid: b"",
        structured_data: b"",
    };
    let mut message = Vec::with_capacity(text.len() + 64);
    fields.write(ring.format.unwrap_or(Format::Raw), &mut message);
    message.extend_from_slice(text);
    message.truncate(ring.max_len);
    if ring.push(&message) {
        ring.news.notify_waiters();
    } else {
        count_dropped(1);
    }
}

/// The ring in front of a stream target.
pub(super) fn of_target(address: &Address) -> Arc<Ring> {
    ring(RingKey::Target(address.clone()), || {
        Ring::new(IMPLICIT_SIZE, usize::MAX, None)
    })
}

/// The ring in front of a server of a `mode log` backend.
pub(super) fn of_server(backend: &Arc<str>, server: &Arc<str>) -> Arc<Ring> {
    ring(RingKey::Server(backend.clone(), server.clone()), || {
        Ring::new(IMPLICIT_SIZE, usize::MAX, None)
    })
}

/// All rings of a configuration that somebody has to empty, with where to.
pub(super) async fn senders(runtime: &Runtime) -> Vec<(Arc<Ring>, Destination)> {
    let snapshot = &runtime.snapshot;
    let mut senders = Vec::new();
    for section in &snapshot.logging.rings {
        for (_, address, octet_counting) in &section.servers {
            senders.push((
                from_section(section),
                Destination {
                    address: address.clone(),
                    multipath: false,
                    via: None,
                    octet_counting: *octet_counting,
                    timeouts: section.timeouts,
                },
            ));
        }
    }
    for address in stream_targets(snapshot).await {
        let plain = Destination {
            address: address.clone(),
            multipath: false,
            via: None,
            octet_counting: false,
            timeouts: (None, None),
        };
        senders.push((of_target(&address), plain));
    }
    in_turns(&snapshot.proxies, |backend| {
        if backend.mode != Mode::Log || !backend.caps.back {
            return;
        }
        for server in backend
            .back
            .servers
            .iter()
            .filter(|server| !server.datagram)
        {
            senders.push((
                of_server(&backend.name, &server.name),
                Destination {
                    address: server.address.clone(),
                    multipath: server.settings.multipath,
                    via: server.settings.socks4,
                    octet_counting: server.settings.octet_counting,
                    timeouts: (backend.timeouts.connect, backend.timeouts.server),
                },
            ));
        }
    })
    .await;
    senders
}

/// The addresses of all `tcp@` targets and their like, each once.
async fn stream_targets(snapshot: &Snapshot) -> Vec<Address> {
    let forwards = snapshot
        .logging
        .forwards
        .iter()
        .flat_map(|forward| &forward.targets);
    let mut addresses = Vec::new();
    let mut add = |target: &Arc<LogTarget>| {
        if let configured::Destination::Socket {
            address,
            stream: true,
        } = &target.destination
            && !addresses.contains(address)
        {
            addresses.push(address.clone());
        }
    };
    snapshot
        .global
        .logs
        .iter()
        .chain(forwards)
        .for_each(&mut add);
    in_turns(&snapshot.proxies, |proxy| {
        proxy.log.targets.iter().for_each(&mut add);
    })
    .await;
    addresses
}
