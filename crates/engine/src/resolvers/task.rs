//! The loop of a section: messages, time and orders go in, servers and answers come out.

use super::counters::Count;
use super::machine::{Failure, Families, Heard, Key, Machine, Output, type_of};
use super::transport::{Arrival, Transport};
use super::watched::Watched;
use super::{Order, Section, choose};
use crate::clock;
use crate::io::Deadline;
use crate::runtime::Runtime;
use model::IpFamily;
use model::resolvers::AcceptedFamilies;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use wire::dns::{self, Name, Question, Record};

/// For how long it is believed that there is or is no way to IPv6, in milliseconds.
const FAMILIES_KNOWN: u64 = 30_000;

/// Somebody who waits for an address.
struct Waiter {
    prefer: IpFamily,
    reply: oneshot::Sender<Option<IpAddr>>,
}

/// A section's task.
struct Task {
    section: Arc<Section>,
    machine: Machine,
    transport: Transport,
    watched: Watched,
    waiters: HashMap<Key, Vec<Waiter>>,
    /// Truncated answers by name server and identifier, in whose place one over TCP is awaited.
    truncated: HashMap<(usize, u16), Vec<u8>>,
    families: AcceptedFamilies,
    families_until: u64,
}

/// An identifier that nobody can guess: a keyed hash under a key of its own.
fn random() -> u16 {
    RandomState::new().build_hasher().finish() as u16
}

/// Serves a section as long as the process runs.
pub async fn run(
    runtime: Arc<Runtime>,
    section: Arc<Section>,
    mut orders: UnboundedReceiver<Order>,
) {
    let config = &section.config;
    let (transport, mut arrivals) = Transport::new(&config.nameservers, config.payload_size);
    let mut task = Task {
        machine: Machine::new(config.clone(), Box::new(random)),
        transport,
        watched: Watched::new(&runtime, config),
        waiters: HashMap::new(),
        truncated: HashMap::new(),
        families: runtime.snapshot.global.dns_families,
        families_until: 0,
        section: section.clone(),
    };
    task.look_for_families(clock::now_ms());
    task.watched.begin(&mut task.machine, clock::now_ms()).await;
    let mut deadline = Deadline::default();
    loop {
        task.turn(clock::now_ms());
        let next = task.machine.next_due();
        let due = std::future::poll_fn(|cx| deadline.poll(cx, next));
        tokio::select! {
            Some(arrival) = arrivals.recv() => task.arrived(arrival, clock::now_ms()),
            Some(order) = orders.recv() => task.order(order, clock::now_ms()),
            () = due => {}
        }
    }
}

impl Task {
    /// Lets time pass and does what there is to do.
    fn turn(&mut self, now: u64) {
        if self.machine.next_due().is_some_and(|due| due <= now) {
            self.look_for_families(now);
        }
        // First what answers have brought: with time a resolution may be forgotten that nobody watches.
        self.put_out(now);
        self.machine.tick(now);
        self.put_out(now);
    }

    fn put_out(&mut self, now: u64) {
        while let Some(output) = self.machine.output() {
            match output {
                Output::Query(message) => self.send(&message),
                Output::Done(key, outcome, gone) => self.done(key, outcome, &gone, now),
            }
        }
    }

    fn send(&mut self, message: &[u8]) {
        let id = dns::id(message);
        self.truncated.retain(|(_, other), _| Some(*other) != id);
        for (at, counters) in self.section.counters.iter().enumerate() {
            counters.add(Count::Sent);
            if self.transport.send(at, message).is_err() {
                counters.add(Count::SendError);
            }
        }
    }

    fn arrived(&mut self, arrival: Arrival, now: u64) {
        match arrival {
            Arrival::Datagram(at, message) => {
                if message.len() > usize::from(self.section.config.payload_size) {
                    self.count(at, Count::TooBig);
                    return;
                }
                if !self.ask_again_over_tcp(at, &message) {
                    self.answered(at, &message, now);
                }
            }
            Arrival::Message(at, message) => {
                if let Some(id) = dns::id(&message) {
                    self.truncated.remove(&(at, id));
                }
                self.answered(at, &message, now);
            }
            Arrival::Closed(at) => {
                // Nothing better than the truncated answers will come.
                let lost = self.truncated.keys().copied();
                let lost: Vec<_> = lost.filter(|(server, _)| *server == at).collect();
                for key in lost {
                    if let Some(message) = self.truncated.remove(&key) {
                        self.answered(at, &message, now);
                    }
                }
            }
        }
    }

    fn count(&self, at: usize, what: Count) {
        if let Some(counters) = self.section.counters.get(at) {
            counters.add(what);
        }
    }

    /// Asks for the whole of an answer that did not fit; says whether it did.
    fn ask_again_over_tcp(&mut self, at: usize, message: &[u8]) -> bool {
        let (Some(id), true) = (dns::id(message), dns::is_truncated(message)) else {
            return false;
        };
        let Some(question) = self.machine.question_of(message) else {
            return false;
        };
        let whole = !matches!(
            dns::parse(message, &question),
            Err(dns::Fault::Truncated | dns::Fault::Empty)
        );
        if whole || self.truncated.contains_key(&(at, id)) {
            return false;
        }
        let mut query = Vec::new();
        dns::write_query(id, &question, self.section.config.payload_size, &mut query);
        self.truncated.insert((at, id), message.to_vec());
        self.transport.send_stream(at, &query);
        true
    }

    fn answered(&mut self, at: usize, message: &[u8], now: u64) {
        let heard = self.machine.answer(at, message, now);
        if let Some(counters) = self.section.counters.get(at) {
            counters.hear(heard);
        }
        if heard == Heard::Valid
            && let Some(id) = dns::id(message)
        {
            self.truncated.retain(|(_, other), _| *other != id);
        }
    }

    fn order(&mut self, order: Order, now: u64) {
        match order {
            Order::Resolve(name, prefer, reply) => self.resolve(name, prefer, reply, now),
            Order::Renamed(proxy, server) => {
                let member = (proxy, server);
                self.watched.renamed(&mut self.machine, &member, now);
            }
        }
    }

    fn resolve(
        &mut self,
        name: Name,
        prefer: IpFamily,
        reply: oneshot::Sender<Option<IpAddr>>,
        now: u64,
    ) {
        let kind = type_of(prefer);
        let (key, at_hand) = self.machine.resolve(Question { name, kind }, now);
        let waiters = self.waiters.entry(key).or_default();
        waiters.push(Waiter { prefer, reply });
        if at_hand {
            self.reply(key);
        }
    }

    /// Answers those who wait for a name.
    fn reply(&mut self, key: Key) {
        for waiter in self.waiters.remove(&key).into_iter().flatten() {
            let ip = self.machine.records(key).and_then(|records| {
                let wish = choose::Wish {
                    prefer: waiter.prefer,
                    networks: &[],
                    current: None,
                    allow_duplicates: true,
                    taken: &|_| false,
                };
                let ip = choose::choose(records.addresses(), &wish)?;
                records.took(ip);
                Some(ip)
            });
            // Who waited may have gone.
            let _ = waiter.reply.send(ip);
        }
    }

    fn done(&mut self, key: Key, outcome: Result<usize, Failure>, gone: &[Record], now: u64) {
        match outcome {
            Ok(at) => {
                if self.watched.resolved(&mut self.machine, key, at, gone, now) {
                    self.count(at, Count::Update);
                }
                self.reply(key);
            }
            Err(failure) => {
                super::count_failed();
                self.watched.failed(&mut self.machine, key, failure, now);
                for waiter in self.waiters.remove(&key).into_iter().flatten() {
                    let _ = waiter.reply.send(None);
                }
            }
        }
    }

    /// Finds out which families may be asked for (`dns-accept-family`).
    fn look_for_families(&mut self, now: u64) {
        if now < self.families_until {
            return;
        }
        let only = |family| Families {
            v4: family == IpFamily::V4,
            v6: family == IpFamily::V6,
        };
        let families = match self.families {
            AcceptedFamilies::Both => Families { v4: true, v6: true },
            AcceptedFamilies::Only(family) => only(family),
            AcceptedFamilies::Auto => Families {
                v4: true,
                v6: has_way_to_ipv6(),
            },
        };
        self.machine.accept(families);
        self.families_until = match self.families {
            AcceptedFamilies::Auto => now + FAMILIES_KNOWN,
            _ => u64::MAX,
        };
    }
}

/// Whether the system knows a way to IPv6 addresses of the Internet. Nothing is sent.
fn has_way_to_ipv6() -> bool {
    let somewhere = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0));
    socket.is_ok_and(|socket| socket.connect((somewhere, 53)).is_ok())
}
