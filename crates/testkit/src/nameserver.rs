//! A scripted name server.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A record.
#[derive(Debug, Clone)]
pub enum Data {
    /// An address, of either family.
    Ip(IpAddr),
    /// Another name.
    Alias(String),
    /// Where a service is: weight, port and host.
    Service(u16, u16, String),
}

/// What is odd about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Oddity {
    /// Nothing.
    #[default]
    None,
    /// There is none.
    Silence,
    /// It does not fit into a datagram; over TCP it does.
    TooLong,
    /// It has another identifier.
    WrongId,
    /// It is about another name.
    WrongName,
    /// It ends after so many bytes.
    Cut(usize),
}

/// What a name is answered with.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Its records; only those of the type that is asked for are told.
    pub records: Vec<Data>,
    /// Addresses that come along.
    pub additional: Vec<(String, IpAddr)>,
    /// The response code: 2 for SERVFAIL, 3 for NXDOMAIN, 5 for REFUSED.
    pub code: u8,
    /// What is odd about it.
    pub oddity: Oddity,
}

impl Reply {
    /// Some addresses.
    pub fn ips(texts: &[&str]) -> Self {
        let ip = |text: &&str| match text.parse() {
            Ok(ip) => Data::Ip(ip),
            Err(error) => panic!("{text}: {error}"),
        };
        Self {
            records: texts.iter().map(ip).collect(),
            ..Self::default()
        }
    }

    /// Places of a service: weight, port and host.
    pub fn services(places: &[(u16, u16, &str)]) -> Self {
        let place = |(weight, port, host): &(u16, u16, &str)| {
            Data::Service(*weight, *port, (*host).to_owned())
        };
        Self {
            records: places.iter().map(place).collect(),
            ..Self::default()
        }
    }

    /// Nothing but a response code.
    pub fn code(code: u8) -> Self {
        Self {
            code,
            ..Self::default()
        }
    }

    /// The same, with something odd about it.
    pub fn but(self, oddity: Oddity) -> Self {
        Self { oddity, ..self }
    }

    /// The same, with a host's address along.
    pub fn with(mut self, host: &str, ip: &str) -> Self {
        if let Ok(ip) = ip.parse() {
            self.additional.push((host.to_owned(), ip));
        }
        self
    }
}

#[derive(Debug, Default)]
struct Shared {
    zone: Mutex<HashMap<String, Reply>>,
    asked: Mutex<Vec<String>>,
    stopping: AtomicBool,
}

/// A name server on a port of its own, over UDP and TCP. Names it was not told of do not exist.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

const TICK: Duration = Duration::from_millis(50);

impl Default for NameServer {
    fn default() -> Self {
        Self::start()
    }
}

impl NameServer {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no port.
    #[track_caller]
    pub fn start() -> Self {
        let (datagrams, streams) = match sockets() {
            Some(sockets) => sockets,
            None => panic!("no port for a name server"),
        };
        let address = match streams.local_addr() {
            Ok(address) => address,
            Err(error) => panic!("a name server's port: {error}"),
        };
        let shared = Arc::new(Shared::default());
        let known = Arc::clone(&shared);
        std::thread::spawn(move || serve_datagrams(&datagrams, &known));
        let known = Arc::clone(&shared);
        std::thread::spawn(move || serve_streams(&streams, &known));
        Self { address, shared }
    }

    /// Where it is.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Lets a name be answered so from now on.
    pub fn set(&self, name: &str, reply: Reply) {
        lock(&self.shared.zone).insert(name.to_ascii_lowercase(), reply);
    }

    /// Lets a name not exist any more.
    pub fn forget(&self, name: &str) {
        lock(&self.shared.zone).remove(name);
    }

    /// What has been asked, as `udp a.test A`.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A UDP and a TCP socket on one port.
fn sockets() -> Option<(UdpSocket, TcpListener)> {
    (0..20).find_map(|_| {
        let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        datagrams.set_read_timeout(Some(TICK)).ok()?;
        let streams = TcpListener::bind(datagrams.local_addr().ok()?).ok()?;
        streams.set_nonblocking(true).ok()?;
        Some((datagrams, streams))
    })
}

fn serve_datagrams(socket: &UdpSocket, shared: &Shared) {
    let mut buffer = [0; 2048];
    while !shared.stopping.load(Ordering::Acquire) {
        if let Ok((length, from)) = socket.recv_from(&mut buffer)
            && let Some(answer) = answer(buffer.get(..length).unwrap_or_default(), true, shared)
        {
            let _ = socket.send_to(&answer, from);
        }
    }
}

fn serve_streams(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.stopping.load(Ordering::Acquire) {
        match listener.accept() {
            Ok((stream, _)) => {
                let shared = Arc::clone(shared);
                std::thread::spawn(move || serve_stream(stream, &shared));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn serve_stream(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    while !shared.stopping.load(Ordering::Acquire) {
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut query).ok()?;
        if let Some(answer) = answer(&query, false, shared) {
            let length = u16::try_from(answer.len()).ok()?;
            let framed = [&length.to_be_bytes()[..], &answer].concat();
            stream.write_all(&framed).ok()?;
        }
    }
    Some(())
}

/// The name and the type of a query, and where its question ends.
fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*query.get(at)?);
        let label = query.get(at + 1..at + 1 + length)?;
        at += 1 + length;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(label).into_owned());
    }
    let kind = query.get(at..at + 2)?;
    Some((
        labels.join("."),
        u16::from_be_bytes([kind[0], kind[1]]),
        at + 4,
    ))
}

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const SRV: u16 = 33;

fn name(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}

fn kind_and_data(data: &Data) -> (u16, Vec<u8>) {
    match data {
        Data::Ip(IpAddr::V4(ip)) => (A, ip.octets().to_vec()),
        Data::Ip(IpAddr::V6(ip)) => (AAAA, ip.octets().to_vec()),
        Data::Alias(target) => (CNAME, name(target)),
        Data::Service(weight, port, target) => {
            let fields = [1, *weight, *port].map(u16::to_be_bytes).concat();
            (SRV, [fields, name(target)].concat())
        }
    }
}

fn record(owner: &str, data: &Data) -> Vec<u8> {
    let (kind, data) = kind_and_data(data);
    let fields = [kind, 1, 0, 5, data.len() as u16].map(u16::to_be_bytes);
    [name(owner), fields.concat(), data].concat()
}

/// The records of a name and type, its aliases followed.
fn records(zone: &HashMap<String, Reply>, asked: &str, kind: u16) -> Vec<Vec<u8>> {
    let (mut owner, mut out) = (asked.to_owned(), Vec::new());
    for _ in 0..8 {
        let Some(reply) = zone.get(&owner.to_ascii_lowercase()) else {
            break;
        };
        let mut next = None;
        for data in &reply.records {
            match data {
                Data::Alias(target) => {
                    out.push(record(&owner, data));
                    next = Some(target.clone());
                }
                data if kind_and_data(data).0 == kind => out.push(record(&owner, data)),
                _ => {}
            }
        }
        match next {
            Some(target) => owner = target,
            None => break,
        }
    }
    out
}

fn answer(query: &[u8], datagram: bool, shared: &Shared) -> Option<Vec<u8>> {
    let (asked, kind, end) = question(query)?;
    let way = if datagram { "udp" } else { "tcp" };
    let kind_name = match kind {
        A => "A",
        AAAA => "AAAA",
        SRV => "SRV",
        _ => "?",
    };
    lock(&shared.asked).push(format!("{way} {asked} {kind_name}"));
    let zone = lock(&shared.zone);
    let reply = zone.get(&asked.to_ascii_lowercase());
    let reply = reply.cloned().unwrap_or_else(|| Reply::code(3));
    let truncated = reply.oddity == Oddity::TooLong && datagram;
    let told = match reply.code {
        0 if !truncated => records(&zone, &asked, kind),
        _ => Vec::new(),
    };
    let additional = reply.additional.iter().filter(|_| !told.is_empty());
    let additional: Vec<_> = additional
        .map(|(host, ip)| record(host, &Data::Ip(*ip)))
        .collect();
    let mut id = query.get(..2)?.to_vec();
    if reply.oddity == Oddity::WrongId {
        id[0] ^= 0xff;
    }
    let flags = 0x8180 | u16::from(reply.code) | if truncated { 0x0200 } else { 0 };
    let counts = [flags, 1, told.len() as u16, 0, additional.len() as u16];
    let question = match reply.oddity {
        Oddity::WrongName => [name("another.example"), query.get(end - 4..end)?.to_vec()].concat(),
        _ => query.get(12..end)?.to_vec(),
    };
    let mut out = [
        id,
        counts.map(u16::to_be_bytes).concat(),
        question,
        told.concat(),
        additional.concat(),
    ]
    .concat();
    match reply.oddity {
        Oddity::Silence => return None,
        Oddity::Cut(length) => out.truncate(length),
        _ => {}
    }
    Some(out)
}
