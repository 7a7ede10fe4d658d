//! The servers whose names a section watches, and what happens to them.

use super::choose::{Wish, choose};
use super::machine::{Failure, Key, Machine, type_of};
use super::put_name;
use super::records::same_place;
use crate::backend::Location;
use crate::health::address::{lose, regain};
use crate::health::{Member, notice};
use crate::proxy::ServerRuntime;
use crate::runtime::Runtime;
use crate::turns::in_turns;
use model::IpFamily;
use model::resolvers::Resolvers;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use wire::dns::{Name, Question, Record, Service, Type};

/// All servers of a section.
pub struct Watched {
    runtime: Arc<Runtime>,
    section: Arc<Resolvers>,
    /// Those that wait for the addresses of a name.
    by_name: HashMap<Key, Vec<Member>>,
    /// The name that a server waits for, by the server's place in memory.
    names: HashMap<*const ServerRuntime, Key>,
    /// The address that a server has been given of its name's.
    given: HashMap<*const ServerRuntime, IpAddr>,
    /// Those that SRV records fill.
    groups: Vec<Group>,
}

/// Servers of one backend that the SRV records of one name fill.
struct Group {
    name: Name,
    key: Option<Key>,
    members: Vec<Seat>,
    /// Places of members without a record; the one that has been without for the longest time comes first.
    free: VecDeque<usize>,
}

/// A server and the record it stands for.
struct Seat {
    member: Member,
    service: Option<Service>,
}

/// The cause of a server's maintenance after a failure.
fn cause(failure: Failure) -> &'static str {
    match failure {
        Failure::NoSuchName => "DNS NX status",
        Failure::Refused => "DNS refused status",
        Failure::Timeout => "DNS timeout status",
        Failure::Other => "unspecified DNS error",
    }
}

fn prefers(server: &ServerRuntime) -> IpFamily {
    server.config.settings.naming.prefer.unwrap_or(IpFamily::V6)
}

/// Whether the backend still has the server.
fn is_there((proxy, server): &Member) -> bool {
    let present = proxy.server_at(server.config.idx);
    present.is_some_and(|present| Arc::ptr_eq(&present, server))
}

fn label(location: &Location) -> String {
    let ip = location.ip();
    ip.map_or("(none)".into(), |ip| ip.to_string())
}

impl Watched {
    /// The servers that name a section.
    pub fn new(runtime: &Arc<Runtime>, section: &Arc<Resolvers>) -> Self {
        Self {
            runtime: runtime.clone(),
            section: section.clone(),
            by_name: HashMap::new(),
            names: HashMap::new(),
            given: HashMap::new(),
            groups: Vec::new(),
        }
    }

    /// Starts to watch all names.
    pub async fn begin(&mut self, machine: &mut Machine, now: u64) {
        let runtime = self.runtime.clone();
        in_turns(&runtime.proxies, |proxy| {
            let first = self.groups.len();
            for server in proxy.servers.load().iter() {
                let naming = &server.config.settings.naming;
                if proxy.config.disabled || naming.resolvers.as_deref() != Some(&*self.section.name)
                {
                    continue;
                }
                let member = (proxy.clone(), server.clone());
                match &server.config.service {
                    Some(name) => self.seat(first, &name.0, member),
                    None => self.watch(machine, &member, now),
                }
            }
        })
        .await;
        for group in &mut self.groups {
            let name = group.name.clone();
            let kind = Type::Srv;
            group.key = Some(machine.watch(Question { name, kind }, now));
        }
    }

    /// Adds a server to the group of its SRV records, which is one of this backend's, from `first` on.
    fn seat(&mut self, first: usize, name: &str, member: Member) {
        let Some(name) = Name::from_text(name) else {
            return;
        };
        let own = self.groups.get(first..).unwrap_or_default();
        let at = match own.iter().position(|group| group.name == name) {
            Some(at) => first + at,
            None => {
                self.groups.push(Group {
                    name,
                    key: None,
                    members: Vec::new(),
                    free: VecDeque::new(),
                });
                self.groups.len() - 1
            }
        };
        if let Some(group) = self.groups.get_mut(at) {
            group.free.push_back(group.members.len());
            group.members.push(Seat {
                member,
                service: None,
            });
        }
    }

    /// Watches the host name that a server has now, if any, in place of the one before.
    fn watch(&mut self, machine: &mut Machine, member: &Member, now: u64) {
        self.unwatch(machine, member, now);
        let server = &member.1;
        let host = server.whereabouts.now().host.clone();
        let Some(name) = host.as_deref().and_then(Name::from_text) else {
            return;
        };
        let kind = type_of(prefers(server));
        let key = machine.watch(Question { name, kind }, now);
        self.by_name.entry(key).or_default().push(member.clone());
        self.names.insert(Arc::as_ptr(server), key);
    }

    fn unwatch(&mut self, machine: &mut Machine, (_, server): &Member, now: u64) {
        self.given.remove(&Arc::as_ptr(server));
        let Some(key) = self.names.remove(&Arc::as_ptr(server)) else {
            return;
        };
        if let Some(members) = self.by_name.get_mut(&key) {
            members.retain(|(_, other)| !Arc::ptr_eq(other, server));
            if members.is_empty() {
                self.by_name.remove(&key);
            }
        }
        machine.release(key, now);
    }

    /// A command has given a server another name.
    pub fn renamed(&mut self, machine: &mut Machine, member: &Member, now: u64) {
        self.watch(machine, member, now);
    }

    /// Applies a good answer, of which some records have gone; says whether it changed the first server's address.
    pub fn resolved(
        &mut self,
        machine: &mut Machine,
        key: Key,
        nameserver: usize,
        gone: &[Record],
        now: u64,
    ) -> bool {
        self.services_resolved(machine, key, gone, now);
        let Some(members) = self.by_name.get(&key) else {
            return false;
        };
        let mut members = members.clone();
        members.retain(is_there);
        let first = self.section.nameservers.get(nameserver);
        let first = first.map_or(String::new(), |first| {
            format!("{}/{}", self.section.name, first.name)
        });
        let mut updated = false;
        let mut back = Vec::new();
        for (at, member) in members.iter().enumerate() {
            let server = &member.1;
            let current = server.whereabouts.now().ip();
            let Some(ip) = self.pick(machine, key, member, &members) else {
                self.given.remove(&Arc::as_ptr(server));
                if lose(&self.runtime, member, "No IP for server ") {
                    server.relocate(&member.0, |location| location.set_ip(None));
                }
                continue;
            };
            if current != Some(ip) {
                let by = if at == 0 { &first } else { "DNS cache" };
                self.give(member, ip, None, by);
                updated |= at == 0;
            }
            self.given.insert(Arc::as_ptr(server), ip);
            back.push(member);
        }
        for member in back {
            regain(&self.runtime, member);
        }
        updated
    }

    /// The address for a server, whose turn is over with it. An address that another server of the backend has got of the
    /// same name is taken, but who has an address keeps it.
    fn pick(
        &self,
        machine: &mut Machine,
        key: Key,
        (proxy, server): &Member,
        all: &[Member],
    ) -> Option<IpAddr> {
        let own = self.given.get(&Arc::as_ptr(server)).copied();
        let current = server.whereabouts.now().ip();
        let taken = |ip: IpAddr| {
            own != Some(ip)
                && all.iter().any(|(backend, other)| {
                    Arc::ptr_eq(backend, proxy)
                        && !Arc::ptr_eq(other, server)
                        && self.given.get(&Arc::as_ptr(other)) == Some(&ip)
                })
        };
        let naming = &server.config.settings.naming;
        let wish = Wish {
            prefer: prefers(server),
            networks: &naming.networks,
            current,
            allow_duplicates: naming.allow_duplicates,
            taken: &taken,
        };
        let records = machine.records(key)?;
        let ip = choose(records.addresses(), &wish)?;
        if current != Some(ip) {
            records.took(ip);
        }
        Some(ip)
    }

    /// Puts another address into effect, and another port.
    fn give(&self, (proxy, server): &Member, ip: IpAddr, port: Option<u16>, by: &str) {
        let before = Location::clone(&server.whereabouts.now());
        server.relocate(proxy, |location| {
            location.set_ip(Some(ip));
            if let Some(port) = port {
                location.set_port(port);
                location.mapped_port = false;
            }
        });
        let after = server.whereabouts.now();
        let name = format!("{}/{}", proxy.config.name, server.config.name);
        let mut text = format!(
            "{name}: IP changed from '{}' to '{}'",
            label(&before),
            label(&after)
        );
        if before.port() != after.port() || before.mapped_port != after.mapped_port {
            let sign = if before.mapped_port { "+" } else { "" };
            text += &format!(
                ", port changed from '{sign}{}' to '{}'",
                before.port(),
                after.port()
            );
        }
        text += &format!(" by '{by}'.");
        notice(&self.runtime, proxy, &text);
    }

    /// Applies a failure, unless the last good answer is too recent.
    pub fn failed(&mut self, machine: &mut Machine, key: Key, failure: Failure, now: u64) {
        if !machine.believes(key, failure, now) {
            return;
        }
        if let Some(records) = machine.records(key) {
            records.clear();
        }
        for member in self.by_name.get(&key).into_iter().flatten() {
            self.given.remove(&Arc::as_ptr(&member.1));
            if is_there(member) && lose(&self.runtime, member, cause(failure)) {
                member
                    .1
                    .relocate(&member.0, |location| location.set_ip(None));
            }
        }
        let groups = self.groups.iter_mut().enumerate();
        let groups = groups.filter(|(_, group)| group.key == Some(key));
        let mut emptied = Vec::new();
        for (at, group) in groups {
            for (seat, place) in group.members.iter_mut().zip(0..) {
                if seat.service.take().is_some() {
                    group.free.push_back(place);
                    emptied.push((at, place));
                }
            }
        }
        for (group, place) in emptied {
            self.empty(machine, group, place, cause(failure), now);
        }
    }

    /// Takes a record's host, port and address from a server.
    fn empty(&mut self, machine: &mut Machine, group: usize, place: usize, why: &str, now: u64) {
        let group = self.groups.get(group);
        let Some(seat) = group.and_then(|group| group.members.get(place)) else {
            return;
        };
        let member = seat.member.clone();
        let _ = lose(&self.runtime, &member, why);
        self.unwatch(machine, &member, now);
        member.1.relocate(&member.0, |location| {
            location.set_ip(None);
            location.set_port(0);
            location.host = None;
        });
    }

    /// Applies the SRV records of a name.
    fn services_resolved(&mut self, machine: &mut Machine, key: Key, gone: &[Record], now: u64) {
        let groups = 0..self.groups.len();
        let groups: Vec<usize> = groups
            .filter(|at| {
                self.groups
                    .get(*at)
                    .is_some_and(|group| group.key == Some(key))
            })
            .collect();
        if groups.is_empty() {
            return;
        }
        for at in &groups {
            self.vacate(machine, *at, gone, now);
        }
        let services = machine.records(key);
        let services: Vec<Service> =
            services.map_or(Vec::new(), |records| records.services().cloned().collect());
        let mut back = Vec::new();
        for service in &services {
            for at in &groups {
                back.extend(self.fill(machine, *at, service, now));
            }
        }
        for member in &back {
            regain(&self.runtime, member);
        }
    }

    /// Frees the servers of records that have gone.
    fn vacate(&mut self, machine: &mut Machine, at: usize, gone: &[Record], now: u64) {
        let Some(group) = self.groups.get_mut(at) else {
            return;
        };
        let has_gone = |service: &Service| {
            gone.iter()
                .any(|record| matches!(record, Record::Service(old) if same_place(old, service)))
        };
        let mut emptied = Vec::new();
        for (place, seat) in group.members.iter_mut().enumerate() {
            if seat.service.take_if(|service| has_gone(service)).is_some() {
                group.free.push_back(place);
                emptied.push(place);
            }
        }
        for place in emptied {
            self.empty(machine, at, place, "entry removed from SRV record", now);
        }
    }

    /// Gives a record to the server that has it already, else to a free one. Returns the server if it has got its address
    /// from the record.
    fn fill(
        &mut self,
        machine: &mut Machine,
        at: usize,
        service: &Service,
        now: u64,
    ) -> Option<Member> {
        let group = self.groups.get_mut(at)?;
        let holds = |seat: &Seat| {
            seat.service
                .as_ref()
                .is_some_and(|own| same_place(own, service))
        };
        let (place, new) = match group.members.iter().position(holds) {
            Some(place) => (place, false),
            None => {
                let members = &group.members;
                let present =
                    |place: &usize| members.get(*place).is_some_and(|s| is_there(&s.member));
                let next = group.free.iter().position(present)?;
                (group.free.remove(next)?, true)
            }
        };
        let seat = group.members.get_mut(place)?;
        seat.service = Some(service.clone());
        let member = seat.member.clone();
        let ip = service.addresses.first().copied();
        if new {
            self.occupy(&member, service, ip);
        } else if let Some(ip) = ip
            && member.1.whereabouts.now().ip() != Some(ip)
        {
            self.give(&member, ip, Some(service.port), ADDITIONAL);
        }
        match ip {
            // The record brings its address: no need to ask for it.
            Some(_) => self.unwatch(machine, &member, now),
            None if !self.names.contains_key(&Arc::as_ptr(&member.1)) => {
                self.watch(machine, &member, now);
            }
            None => {}
        }
        weigh(&member, service);
        ip.map(|_| member)
    }

    fn occupy(&self, member: &Member, service: &Service, ip: Option<IpAddr>) {
        let (proxy, server) = member;
        if let Some(ip) = ip {
            self.give(member, ip, Some(service.port), ADDITIONAL);
        }
        server.relocate(proxy, |location| {
            location.set_port(service.port);
            location.mapped_port = false;
        });
        let host = service.target.to_string();
        let text = format!(
            "{}/{} changed its FQDN from (null) to {host} by 'SRV record'",
            proxy.config.name, server.config.name
        );
        put_name(proxy, server, Some(host.into()));
        notice(&self.runtime, proxy, &text);
    }
}

/// How the logs call addresses that come along with SRV records.
const ADDITIONAL: &str = "DNS additional record";

/// Gives a server the weight of its record: SRV knows 65,536 of them, servers 257.
fn weigh((proxy, server): &Member, service: &Service) {
    if server.config.settings.naming.ignore_weight {
        return;
    }
    let weight = u32::from(service.weight).div_ceil(256);
    if server.state.weight() != weight {
        proxy.dispatch.set_weight(proxy, server.config.idx, weight);
    }
}
