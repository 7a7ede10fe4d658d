//! Opening a connection to a server.

use super::socks;
use crate::clock;
use crate::handshake::{SocksFault, TlsFault};
use crate::io::{Deadline, Socket, Transport, apply_to_server, within};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use base::Endpoint;
use model::live::tally::Tally;
use model::namespace::{Namespace, ServerNamespace};
use model::{Address, Options, Server, SocketSizes, SourceBinding};
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::Poll;

/// Why a connection did not come about.
#[derive(Debug)]
pub enum ConnectError {
    /// The server refused, or there is no way to it.
    Failed(io::Error),
    /// `timeout connect`.
    Timeout,
    /// No descriptor, port or memory was left on this side.
    Resource(io::Error),
    /// The SOCKS4 proxy before the server does not lead there.
    Socks(SocksFault),
    /// The TLS handshake failed.
    Tls(TlsFault),
}

impl ConnectError {
    /// What went wrong, in words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Failed(error) | Self::Resource(error) => error.to_string(),
            Self::Timeout => "timeout".to_owned(),
            Self::Socks(fault) => fault.text().to_owned(),
            Self::Tls(fault) => fault.text().to_owned(),
        }
    }
}

/// Where to connect and how.
#[derive(Debug, Clone)]
pub struct Route {
    /// The server's address, mapped ports resolved.
    pub address: Address,
    /// The SOCKS4 proxy that leads there, if any.
    pub via: Option<SocketAddr>,
    /// The address to come from.
    pub source: Option<SocketAddr>,
    /// Whether the source is foreign, so that the socket must be transparent.
    pub transparent: bool,
    /// The network namespace to connect in, if it is another one.
    pub namespace: Option<Arc<Namespace>>,
    /// The netfilter mark to set, if any.
    pub mark: Option<u32>,
    /// The IP type of service to set, if any.
    pub tos: Option<u8>,
    /// Whether there are bytes to send at once, so that the handshake may carry them or be completed by them (`tfo`,
    /// `option tcp-smart-connect`).
    pub sends_first: bool,
}

impl Route {
    /// Whom the socket is connected with.
    #[must_use]
    pub fn next_hop(&self) -> Address {
        match self.via {
            Some(proxy) => Address::Inet(proxy),
            None => self.address.clone(),
        }
    }
}

/// Opens a connection to a server.
///
/// # Errors
/// As [`ConnectError`] tells.
pub async fn connect(
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    route: &Route,
    buffers: SocketSizes,
    at: Option<u64>,
    deadline: &mut Deadline,
    secure: Option<Secure>,
) -> Result<Transport, ConnectError> {
    proxy.back.tally(Tally::Connects, 1);
    let speaks_http1 =
        server.config.settings.proto.as_deref() != Some("h2") && !decides_late(server);
    if proxy.config.mode == model::Mode::Http && speaks_http1 {
        proxy.back.tally(Tally::H1Opened, 1);
    }
    server.state.counters.tally(Tally::Connects, 1);
    let fd = open(proxy, server, route, buffers).map_err(ConnectError::Resource)?;
    let mut socket = follow(fd, route, at, deadline).await?;
    if let Some(secure) = secure {
        shake_hands(&mut socket, secure, at, deadline).await?;
    }
    Ok(socket)
}

/// Whether it takes a connection to a server to know what is spoken on it.
#[must_use]
pub fn decides_late(server: &ServerRuntime) -> bool {
    let settings = &server.config.settings;
    let alpn = settings.tls.common.alpn.as_ref();
    settings.proto.is_none() && settings.tls.enabled && alpn.is_some()
}

/// What a TLS connection begins with.
#[derive(Debug)]
pub struct Secure {
    /// Bytes that go in the clear before it: a PROXY protocol header.
    pub before: Vec<u8>,
    /// The connection.
    pub connection: tls::Connection,
}

/// Goes through the TLS handshake on a connection, unless there is early data to be sent on it first.
///
/// # Errors
/// As [`ConnectError`] tells.
pub async fn shake_hands(
    socket: &mut Transport,
    secure: Secure,
    at: Option<u64>,
    deadline: &mut Deadline,
) -> Result<(), ConnectError> {
    let mut before = &secure.before[..];
    let ahead = secure.connection.is_ahead();
    while !before.is_empty() {
        let sent = poll_fn(|cx| match socket.poll_write(cx, &[IoSlice::new(before)]) {
            Poll::Ready(sent) => Poll::Ready(Some(sent)),
            Poll::Pending => deadline.poll(cx, at).map(|()| None),
        });
        match sent.await {
            None => return Err(ConnectError::Timeout),
            Some(Err(error)) => return Err(ConnectError::Failed(error)),
            Some(Ok(n)) => before = before.get(n..).unwrap_or_default(),
        }
    }
    socket.secure(secure.connection);
    if ahead {
        // The request goes with the first message of the handshake.
        return Ok(());
    }
    let shaken = poll_fn(|cx| match socket.poll_handshake(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => deadline.poll(cx, at).map(|()| None),
    });
    match shaken.await {
        None => Err(ConnectError::Tls(TlsFault::Timeout)),
        Some(Err(fault)) => Err(ConnectError::Tls(TlsFault::of(fault, socket.tls()))),
        Some(Ok(())) => Ok(()),
    }
}

/// Connects a socket made by [`open`] for the same route.
///
/// # Errors
/// As [`ConnectError`] tells.
pub async fn follow(
    fd: OwnedFd,
    route: &Route,
    at: Option<u64>,
    deadline: &mut Deadline,
) -> Result<Transport, ConnectError> {
    let Some(proxy) = route.via else {
        return establish(fd, &route.address, at, deadline).await;
    };
    let socket = establish(fd, &Address::Inet(proxy), at, deadline).await?;
    socks::ask(socket.socket(), &route.address, at, deadline).await?;
    Ok(socket)
}

/// Connects a socket with who is at an address.
///
/// # Errors
/// As [`ConnectError`] tells.
pub async fn establish(
    fd: OwnedFd,
    address: &Address,
    at: Option<u64>,
    deadline: &mut Deadline,
) -> Result<Transport, ConnectError> {
    let pending = start(&fd, address).map_err(ConnectError::Failed)?;
    let socket = Socket::new(fd).map_err(ConnectError::Resource)?;
    if pending {
        finish(&socket, at, deadline).await?;
    }
    Ok(socket.into())
}

/// Makes a socket for connections to an address, without any options; `multipath` where they may take several paths.
///
/// # Errors
/// Those of the system: no descriptor, no MPTCP.
pub fn socket_for(address: &Address, multipath: bool) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let protocol = multipath.then_some(ipproto::MPTCP);
    let fd = rustix::net::socket_with(family_of(address), SocketType::STREAM, flags, protocol)?;
    Ok(fd)
}

fn family_of(address: &Address) -> AddressFamily {
    match address {
        Address::Inet(SocketAddr::V4(_)) => AddressFamily::INET,
        Address::Inet(SocketAddr::V6(_)) => AddressFamily::INET6,
        _ => AddressFamily::UNIX,
    }
}

/// Makes the socket of a connection to a server, with its options and source address set.
///
/// # Errors
/// Those of the system: no descriptor, no such source address, a missing privilege.
pub fn open(
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    route: &Route,
    buffers: SocketSizes,
) -> io::Result<OwnedFd> {
    let next_hop = route.next_hop();
    let family = family_of(&next_hop);
    let fd = within(route.namespace.as_deref(), || {
        socket_for(&next_hop, server.config.settings.multipath)
    })?;
    apply_to_server(&fd, proxy, buffers, server.config.settings.user_timeout);
    if let Some(mark) = route.mark {
        sys::set_mark(&fd, mark)?;
    }
    if let Some(tos) = route.tos {
        let _ = sys::set_tos(&fd, family == AddressFamily::INET6, tos);
    }
    if let Some(cc) = &server.config.settings.congestion {
        let _ = sockopt::set_tcp_congestion(&fd, cc);
    }
    if let (Address::Inet(peer), Some(key)) = (&next_hop, &server.config.settings.md5sig) {
        sys::set_md5_signature(&fd, Some(*peer), peer.is_ipv6(), key.as_bytes())?;
    }
    if route.sends_first && family != AddressFamily::UNIX {
        hurry(&fd, proxy, server);
    }
    let binding = binding(proxy, server);
    if let Some(interface) = binding.and_then(|binding| binding.interface.as_deref()) {
        sys::bind_to_interface(&fd, interface)?;
    }
    if let Some(source) = route.source {
        bind_source(&fd, source, route.transparent, binding)?;
    }
    Ok(fd)
}

/// Lets the first bytes go with the handshake. Where the system can't, the connection works without.
fn hurry(fd: &OwnedFd, proxy: &ProxyRuntime, server: &ServerRuntime) {
    if server.config.settings.fast_open {
        let _ = sys::set_fast_open_connect(fd);
    }
    if proxy.config.options.has(Options::SMART_CONNECT) {
        let _ = sockopt::set_tcp_quickack(fd, false);
    }
}

/// The network namespace in which a server is, unless that depends on the client.
#[must_use]
pub fn fixed_namespace(server: &Server) -> Option<Arc<Namespace>> {
    match &server.settings.namespace {
        Some(ServerNamespace::Fixed(namespace)) => Some(namespace.clone()),
        Some(ServerNamespace::Client) | None => None,
    }
}

/// The `source` setting that applies to a server: its own, else its backend's.
#[must_use]
pub fn binding<'a>(
    proxy: &'a ProxyRuntime,
    server: &'a ServerRuntime,
) -> Option<&'a SourceBinding> {
    server
        .config
        .settings
        .source
        .as_deref()
        .or(proxy.config.back.source.as_deref())
}

fn bind_source(
    fd: &OwnedFd,
    source: SocketAddr,
    transparent: bool,
    binding: Option<&SourceBinding>,
) -> io::Result<()> {
    if transparent {
        sys::set_transparent(fd, source.is_ipv6())?;
    }
    sockopt::set_socket_reuseaddr(fd, true)?;
    let (first, last) = binding.map_or((0, 0), |binding| binding.ports);
    if first == 0 || source.port() != 0 {
        if source.port() == 0 {
            sys::set_bind_address_no_port(fd)?;
        }
        return Ok(rustix::net::bind(fd, &source)?);
    }
    // Ports of the range are tried in turn, beginning where the last connection left off.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = last.saturating_sub(first).saturating_add(1);
    let mut outcome = Ok(());
    for _ in 0..count {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % count;
        outcome = rustix::net::bind(fd, &SocketAddr::new(source.ip(), port));
        if outcome.is_ok() {
            break;
        }
    }
    Ok(outcome?)
}

/// Starts connecting; says whether it is still under way.
///
/// # Errors
/// Those of the system.
pub fn start(fd: &OwnedFd, address: &Address) -> io::Result<bool> {
    let outcome = match address {
        Address::Inet(inet) => rustix::net::connect(fd, inet),
        Address::Unix(path) => rustix::net::connect(fd, &rustix::net::SocketAddrUnix::new(path)?),
        Address::Abstract { name, padded } => {
            rustix::net::connect(fd, &crate::listener::abstract_address(name, *padded)?)
        }
        Address::Fd(_) | Address::SocketPair(_) | Address::Reverse(_) => {
            return Err(io::ErrorKind::Unsupported.into());
        }
    };
    match outcome {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::INPROGRESS | rustix::io::Errno::AGAIN) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

async fn finish(
    socket: &Socket,
    at: Option<u64>,
    deadline: &mut Deadline,
) -> Result<(), ConnectError> {
    let writable = poll_fn(|cx| {
        if let Poll::Ready(ready) = socket.poll_writable(cx) {
            return Poll::Ready(Some(ready));
        }
        deadline.poll(cx, at).map(|()| None)
    });
    match writable.await {
        None => Err(ConnectError::Timeout),
        Some(Err(error)) => Err(ConnectError::Resource(error)),
        Some(Ok(())) => socket.connect_result().map_err(ConnectError::Failed),
    }
}

/// The server's address with a port taken from the client's destination where the configuration says so.
#[must_use]
pub fn address_for(server: &ServerRuntime, client_destination: Option<&Endpoint>) -> Address {
    let location = server.whereabouts.now();
    match &location.address {
        Address::Inet(inet) if location.mapped_port => {
            let port = client_destination
                .and_then(Endpoint::port)
                .unwrap_or(0)
                .wrapping_add(inet.port());
            Address::Inet(SocketAddr::new(inet.ip(), port))
        }
        address => address.clone(),
    }
}

/// The source address to bind to for a client, if any, and whether it is foreign.
#[must_use]
pub fn source_for(
    binding: Option<&SourceBinding>,
    client: Option<&Endpoint>,
    header: impl Fn(&str, i32) -> Option<IpAddr>,
) -> (Option<SocketAddr>, bool) {
    use model::UseSource;
    let Some(binding) = binding else {
        return (None, false);
    };
    let own = binding.address.map(|ip| SocketAddr::new(ip, 0));
    let inet = client.and_then(|client| match client {
        Endpoint::Inet(address) => Some(*address),
        Endpoint::Unix(_) => None,
    });
    let foreign = match &binding.use_source {
        UseSource::No => None,
        UseSource::Client => inet,
        UseSource::ClientIp => inet.map(|address| SocketAddr::new(address.ip(), 0)),
        UseSource::Address(address) => Some(*address),
        UseSource::Header(name, occurrence) => {
            header(name, *occurrence).map(|ip| SocketAddr::new(ip, 0))
        }
    };
    match foreign {
        Some(foreign) => (Some(foreign), true),
        None => (own, false),
    }
}

/// When a connection attempt beginning now is over.
#[must_use]
pub fn connect_deadline(timeout: Option<u64>) -> Option<u64> {
    timeout.map(|timeout| clock::now_ms() + timeout)
}
