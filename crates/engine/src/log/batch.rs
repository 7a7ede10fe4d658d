//! One thread's log messages on their way out.

use super::Message;
use super::datagram::{Datagrams, Place};
use super::descriptor::Descriptor;
use super::registry::{self, TargetState, count_dropped};
use super::ring::Ring;
use super::sender::offer;
use crate::backend::{Assigned, Wish};
use crate::clock;
use crate::runtime::Runtime;
use expr::Type;
use expr::sample::Value;
use expr::view::{Content, Date, ProcessView, Side, View};
use hashbrown::HashMap;
use model::log::{Destination, HeaderFormat, LogTarget};
use model::{Algorithm, BalanceSettings, HashKey};
use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use wire::syslog::{Dates, Fields, Format, Time};

/// For how long a line may wait on a worker that never rests, in milliseconds.
const OLDEST: u64 = 100;

thread_local! {
    static BATCH: RefCell<Batch> = RefCell::default();
}

/// Does something with this thread's batch.
pub fn with(work: impl FnOnce(&mut Batch)) {
    // While the thread ends the batch may be gone already, and nothing is sent any more.
    let _ = BATCH.try_with(|batch| {
        if let Ok(mut batch) = batch.try_borrow_mut() {
            work(&mut batch);
        }
    });
}

/// One thread's batches.
#[derive(Debug, Default)]
pub struct Batch {
    dates: Dates,
    pid: Vec<u8>,
    prepared: HashMap<usize, Prepared>,
    out: Outlets,
    /// When the oldest line in it was written, in milliseconds since the start.
    since: Option<u64>,
}

#[derive(Debug, Default)]
struct Outlets {
    datagrams: Datagrams,
    descriptors: Vec<Descriptor>,
    /// Rings with new messages.
    rings: Vec<Arc<Ring>>,
    scratch: Vec<u8>,
}

/// A target as this thread sends to it.
#[derive(Debug, Clone)]
struct Prepared {
    /// Keeps the target's address, by which this is found, from being used again.
    target: Weak<LogTarget>,
    state: Arc<TargetState>,
    /// `None` follows the message.
    format: Option<Format>,
    limit: usize,
    outlet: Outlet,
}

#[derive(Debug, Clone)]
enum Outlet {
    Datagram(Place),
    Descriptor(usize),
    Ring(Arc<Ring>),
    Backend(Arc<str>),
    None,
}

/// The format of a header as the codec knows it; `None` for the default.
pub fn header_format(configured: HeaderFormat) -> Option<Format> {
    Some(match configured {
        HeaderFormat::Default => return None,
        HeaderFormat::Local => Format::Local,
        HeaderFormat::Rfc3164 => Format::Rfc3164,
        HeaderFormat::Rfc5424 => Format::Rfc5424,
        HeaderFormat::Priority => Format::Priority,
        HeaderFormat::Short => Format::Short,
        HeaderFormat::Timed => Format::Timed,
        HeaderFormat::Iso => Format::Iso,
        HeaderFormat::Raw => Format::Raw,
    })
}

/// Parts of a message before a target has its say.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The level, 0 to 7.
    pub level: u8,
    /// The facility of a received message; the target's otherwise.
    pub facility: Option<u32>,
    /// The format when the target does not say one.
    pub format: Format,
    /// The date of a received message.
    pub time: Time<'a>,
    /// The host name.
    pub hostname: &'a [u8],
    /// See [`Fields::hostname_suffix`].
    pub hostname_suffix: &'a [u8],
    /// The tag.
    pub tag: &'a [u8],
    /// The process id; `None` for this process'.
    pub pid: Option<&'a [u8]>,
    /// RFC 5424's message id.
    pub msgid: &'a [u8],
    /// RFC 5424's structured data.
    pub structured_data: &'a [u8],
    /// The text.
    pub text: &'a [u8],
}

impl Batch {
    /// Puts a message of our own into the batches.
    pub fn emit(
        &mut self,
        runtime: &Arc<Runtime>,
        targets: &[Arc<LogTarget>],
        message: &Message<'_>,
    ) {
        let hostname = runtime.snapshot.global.log_hostname.as_deref();
        let line = Line {
            level: message.level,
            facility: None,
            format: if hostname.is_some() {
                Format::Rfc3164
            } else {
                Format::Local
            },
            time: Time::Now,
            hostname: hostname.unwrap_or_default().as_bytes(),
            hostname_suffix: b"",
            tag: message.tag.as_bytes(),
            pid: None,
            msgid: b"",
            structured_data: message.structured_data,
            text: message.text,
        };
        self.emit_line(runtime, targets, &line);
    }

    /// Puts a message into the batches.
    pub fn emit_line(
        &mut self,
        runtime: &Arc<Runtime>,
        targets: &[Arc<LogTarget>],
        line: &Line<'_>,
    ) {
        let mut micros = None;
        for target in targets
            .iter()
            .filter(|target| line.level <= target.max_level)
        {
            let key = Arc::as_ptr(target) as usize;
            if !self.prepared.contains_key(&key) {
                self.prepare(runtime, target);
            }
            let Some(prepared) = self.prepared.get(&key) else {
                continue;
            };
            if target
                .sample
                .as_ref()
                .is_some_and(|sampling| !prepared.state.samples(sampling))
            {
                continue;
            }
            let micros = *micros.get_or_insert_with(|| update(&mut self.dates, runtime));
            let level = u32::from(line.level.max(target.min_level));
            let facility = line.facility.unwrap_or_else(|| u32::from(target.facility));
            let fields = Fields {
                priority: facility * 8 + level,
                time: line.time,
                dates: &self.dates,
                micros,
                hostname: line.hostname,
                hostname_suffix: line.hostname_suffix,
                tag: line.tag,
                pid: line.pid.unwrap_or(&self.pid),
                msgid: line.msgid,
                structured_data: line.structured_data,
            };
            let format = prepared.format.unwrap_or(line.format);
            let written = Written {
                fields: &fields,
                format,
                limit: prepared.limit,
                text: line.text,
            };
            self.out.send(runtime, &prepared.outlet, &written);
            prepared.state.sent.fetch_add(1, Ordering::Relaxed);
        }
        if micros.is_some() {
            self.flush_if_old();
        }
    }

    fn prepare(&mut self, runtime: &Runtime, target: &Arc<LogTarget>) {
        if self.pid.is_empty() {
            self.pid = runtime.pid().to_string().into_bytes();
        }
        self.prepared
            .retain(|_, prepared| prepared.target.strong_count() > 0);
        let outlet = self.out.open(runtime, &target.destination);
        let ring = match &outlet {
            Outlet::Ring(ring) => Some(ring),
            _ => None,
        };
        let prepared = Prepared {
            target: Arc::downgrade(target),
            state: registry::target_state(target),
            format: ring
                .and_then(|ring| ring.format)
                .or(header_format(target.format)),
            limit: target
                .max_len
                .saturating_sub(1)
                .min(ring.map_or(usize::MAX, |ring| ring.max_len)),
            outlet,
        };
        self.prepared.insert(Arc::as_ptr(target) as usize, prepared);
    }

    /// Sends everything.
    pub fn flush(&mut self) {
        if self.since.take().is_some() {
            self.out.flush();
        }
    }

    fn flush_if_old(&mut self) {
        let now = clock::now_ms();
        match self.since {
            None => self.since = Some(now),
            Some(since) if now.saturating_sub(since) > OLDEST => self.flush(),
            Some(_) => {}
        }
    }
}

/// Brings the date up to now and says its microseconds.
fn update(dates: &mut Dates, runtime: &Runtime) -> u32 {
    let now = clock::date();
    if !dates.is_of(now.seconds) {
        dates.set(now.seconds, runtime.utc_offset(now.seconds));
    }
    now.micros
}

/// A message as one target gets it.
struct Written<'a> {
    fields: &'a Fields<'a>,
    format: Format,
    limit: usize,
    text: &'a [u8],
}

impl Written<'_> {
    /// Writes header and text, cut at the limit; the line feed or count of the destination comes on top.
    fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.fields.write(self.format, out);
        let room = self.limit.saturating_sub(out.len() - start);
        out.extend_from_slice(self.text.get(..room).unwrap_or(self.text));
        out.truncate(start.saturating_add(self.limit));
    }

    fn write_line(&self, out: &mut Vec<u8>) {
        self.write(out);
        out.push(b'\n');
    }
}

/// A message as converters see it (`balance log-hash`).
struct MessageView<'a> {
    runtime: &'a Runtime,
    text: &'a [u8],
}

impl View for MessageView<'_> {
    fn now(&self) -> Date {
        clock::date()
    }

    fn process(&self) -> &dyn ProcessView {
        self.runtime
    }

    fn payload(&self, side: Side) -> Option<Content<'_>> {
        (side == Side::Request).then_some(Content {
            bytes: self.text,
            complete: true,
            announced: None,
        })
    }
}

/// The hash by which a message's server is chosen; `None` with other algorithms, and for a message without a key.
fn hash_of(runtime: &Runtime, balance: &BalanceSettings, text: &[u8]) -> Option<u32> {
    let Algorithm::Hash(HashKey::Log(converters)) = &balance.algorithm else {
        return None;
    };
    let view = MessageView { runtime, text };
    let hashing = &balance.hash_type;
    match converters.eval_as(Type::Str, &view).value()? {
        Value::Str(key) | Value::Bin(key) => {
            Some(hashing.function.key_hash(&key, hashing.avalanche))
        }
        _ => None,
    }
}

impl Outlets {
    fn open(&mut self, runtime: &Runtime, destination: &Destination) -> Outlet {
        match destination {
            Destination::Socket {
                address,
                stream: true,
            } => Outlet::Ring(registry::of_target(address)),
            Destination::Socket {
                address,
                stream: false,
            } => self
                .datagrams
                .place(address)
                .map_or(Outlet::None, Outlet::Datagram),
            Destination::Descriptor(number) => self
                .descriptor(*number)
                .map_or(Outlet::None, Outlet::Descriptor),
            Destination::Ring(name) => {
                registry::named(&runtime.snapshot, name).map_or(Outlet::None, Outlet::Ring)
            }
            Destination::Backend(name) => Outlet::Backend(name.clone()),
        }
    }

    fn descriptor(&mut self, number: i32) -> Option<usize> {
        let known = self
            .descriptors
            .iter()
            .position(|open| open.number() == number);
        known.or_else(|| {
            self.descriptors.push(Descriptor::new(number).ok()?);
            Some(self.descriptors.len() - 1)
        })
    }

    fn send(&mut self, runtime: &Runtime, outlet: &Outlet, line: &Written<'_>) {
        match outlet {
            Outlet::Datagram(place) => self.datagrams.add(*place, |out| line.write_line(out)),
            Outlet::Descriptor(at) => {
                if let Some(descriptor) = self.descriptors.get_mut(*at) {
                    descriptor.add(|out| line.write_line(out));
                }
            }
            Outlet::Ring(ring) => self.push(ring, line),
            Outlet::Backend(name) => self.balance(runtime, name, line),
            Outlet::None => count_dropped(1),
        }
    }

    fn push(&mut self, ring: &Arc<Ring>, line: &Written<'_>) {
        self.scratch.clear();
        line.write(&mut self.scratch);
        offer(ring, &self.scratch);
        if !self.rings.iter().any(|known| Arc::ptr_eq(known, ring)) {
            self.rings.push(ring.clone());
        }
    }

    /// Sends to a server of a `mode log` backend.
    fn balance(&mut self, runtime: &Runtime, name: &str, line: &Written<'_>) {
        let Some(backend) = runtime.backend(name) else {
            return count_dropped(1);
        };
        let wish = Wish {
            hash: hash_of(runtime, &backend.config.back.balance, line.text),
            ..Wish::default()
        };
        let Assigned::Server(slot) = backend.dispatch.assign(&backend, &wish) else {
            return count_dropped(1);
        };
        let server = &slot.server.config;
        model::live::count(&slot.server.state.counters.total, 1);
        model::live::count(&backend.back.total, 1);
        if !server.datagram {
            return self.push(
                &registry::of_server(&backend.config.name, &server.name),
                line,
            );
        }
        match self.datagrams.place(&server.address) {
            Ok(place) => self.datagrams.add(place, |out| line.write_line(out)),
            Err(_) => count_dropped(1),
        }
    }

    fn flush(&mut self) {
        self.datagrams.flush();
        for descriptor in &mut self.descriptors {
            descriptor.flush();
        }
        for ring in self.rings.drain(..) {
            ring.news.notify_waiters();
        }
    }
}
