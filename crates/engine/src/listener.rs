//! Listening sockets: binding them before the program goes on, accepting on them afterwards.

use crate::clock;
use crate::handover::Inherited;
use crate::io::{Socket, within};
use crate::log::{self, Forwards};
use crate::profile::{self, profiled};
use crate::proxy::Listening::{Paused, Running};
use crate::proxy::{self, ProxyRuntime};
use crate::runtime::Runtime;
use crate::session;
use crate::worker::Worker;
use base::ProxyIdx;
use model::live::ListenerState;
use model::namespace::Namespace;
use model::{Address, Bind, Snapshot};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, ipproto, sockopt};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// What a listening socket is for.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// A frontend.
    Frontend(ProxyIdx),
    /// The runtime API.
    RuntimeApi,
    /// The `peers` section at this place.
    Peers(usize),
}

/// A listening socket of one worker.
#[derive(Debug, Clone)]
pub struct Listening {
    /// What it is for.
    pub purpose: Purpose,
    /// Its configuration.
    pub bind: Arc<Bind>,
    /// The descriptor, which a new process may take over.
    pub fd: Arc<OwnedFd>,
}

/// A listening socket that could not be had.
#[derive(Debug)]
pub struct BindFailure {
    /// Its configuration.
    pub bind: Arc<Bind>,
    /// Whether it is for datagrams, not for connections.
    pub datagrams: bool,
    /// The proxy's name.
    pub proxy: Arc<str>,
    /// Which step failed; empty where there is nothing to bind and the address itself is wrong.
    pub step: &'static str,
    /// Why.
    pub error: io::Error,
}

/// All listening sockets, by worker.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Each worker's sockets.
    pub by_worker: Vec<Vec<Listening>>,
    /// Those of `log-forward` sections, which the first worker serves.
    pub forwards: Forwards,
}

/// Binds every listening socket of a configuration for a number of workers, or takes it from those of an old process.
///
/// # Errors
/// With every socket that could not be bound; none is kept then.
pub fn bind_all(
    snapshot: &Snapshot,
    workers: usize,
    inherited: &Inherited,
) -> Result<Listeners, Vec<BindFailure>> {
    let mut by_worker: Vec<Vec<Listening>> = (0..workers).map(|_| Vec::new()).collect();
    let mut failures = Vec::new();
    let fronts = snapshot
        .proxies
        .iter()
        .filter(|proxy| proxy.caps.front && !proxy.disabled)
        .flat_map(|proxy| {
            let backlog = backlog(snapshot, proxy.front.backlog, proxy.front.maxconn);
            proxy.front.binds.iter().map(move |bind| {
                (
                    Purpose::Frontend(proxy.idx),
                    bind.clone(),
                    proxy.name.clone(),
                    backlog,
                )
            })
        });
    let api = snapshot.global.stats_sockets.iter();
    let api = api.map(|bind| {
        (
            Purpose::RuntimeApi,
            Arc::new(bind.clone()),
            Arc::from("GLOBAL"),
            128,
        )
    });
    let peers = snapshot.peers.iter().enumerate().flat_map(|(at, peers)| {
        let binds = peers.proxy.front.binds.iter();
        binds.map(move |bind| (Purpose::Peers(at), bind.clone(), peers.name.clone(), 128))
    });
    for (purpose, bind, proxy, backlog) in fronts.chain(api).chain(peers) {
        if let Address::Reverse(_) = &bind.address {
            if let Err(why) = crate::reverse::check(snapshot, &bind.address) {
                failures.push(BindFailure {
                    bind,
                    datagrams: false,
                    proxy,
                    step: "",
                    error: io::Error::other(why),
                });
            }
            continue;
        }
        let wanted = match purpose {
            Purpose::Frontend(_) => workers,
            Purpose::RuntimeApi | Purpose::Peers(_) => 1,
        };
        let reuse = !snapshot.global.no_reuseport;
        let chosen: Vec<usize> = (0..wanted).filter(|at| listens(&bind, *at)).collect();
        let old = inherited.matching(&bind);
        match open(&bind, backlog, chosen.len(), reuse, old) {
            Ok(fds) => {
                // Workers may be fewer than an old process had: connections wait in each of its sockets.
                for (at, fd) in chosen.iter().cycle().zip(fds) {
                    if let Some(sockets) = by_worker.get_mut(*at) {
                        sockets.push(Listening {
                            purpose: purpose.clone(),
                            bind: bind.clone(),
                            fd: Arc::new(fd),
                        });
                    }
                }
            }
            Err((step, error)) => failures.push(BindFailure {
                bind,
                datagrams: false,
                proxy,
                step,
                error,
            }),
        }
    }
    let forwards = log::bind(snapshot).unwrap_or_else(|more| {
        failures.extend(more);
        Forwards::default()
    });
    match failures.is_empty() {
        true => Ok(Listeners {
            by_worker,
            forwards,
        }),
        false => Err(failures),
    }
}

fn listens(bind: &Bind, worker: usize) -> bool {
    bind.threads.is_empty() || bind.threads.contains(&(worker as u32 + 1))
}

fn backlog(snapshot: &Snapshot, configured: u32, maxconn: u32) -> i32 {
    let wanted = [configured, maxconn, snapshot.global.maxconn.unwrap_or(0)]
        .into_iter()
        .find(|n| *n > 0)
        .unwrap_or(1024);
    i32::try_from(wanted.max(16)).unwrap_or(i32::MAX)
}

pub(crate) type Step<T> = Result<T, (&'static str, io::Error)>;

/// Opens one configured address, once for each worker at least; `old` are sockets that an old process listens on there.
fn open(
    bind: &Bind,
    backlog: i32,
    workers: usize,
    reuse_port: bool,
    mut old: Vec<OwnedFd>,
) -> Step<Vec<OwnedFd>> {
    let backlog = if bind.backlog > 0 {
        i32::try_from(bind.backlog).unwrap_or(i32::MAX)
    } else {
        backlog
    };
    for fd in &old {
        let failed = |error: rustix::io::Errno| ("cannot listen to socket", error.into());
        rustix::net::listen(fd, backlog).map_err(failed)?;
        rustix::io::ioctl_fionbio(fd, true).map_err(failed)?;
    }
    let mut shared = !reuse_port || !matches!(bind.address, Address::Inet(_));
    if shared {
        // All of them are one socket, unless the old process did not share it.
        old.truncate(1);
    }
    let first = match old.is_empty() {
        true => open_one(bind, backlog, reuse_port)?,
        false => {
            shared |= !rustix::net::sockopt::socket_reuseport(&old[0]).unwrap_or(false);
            old.remove(0)
        }
    };
    let mut fds = old;
    while fds.len() + 1 < workers {
        let fd = match shared {
            true => sys::duplicate(first.as_raw_fd())
                .map_err(|error| ("cannot duplicate socket", error))?,
            false => open_one(bind, backlog, reuse_port)?,
        };
        fds.push(fd);
    }
    fds.push(first);
    Ok(fds)
}

/// Opens one address by itself, as no proxy's.
///
/// # Errors
/// With the step that failed.
pub fn open_single(bind: &Bind) -> Result<OwnedFd, (&'static str, io::Error)> {
    open_one(bind, 128, false)
}

pub(crate) fn open_one(bind: &Bind, backlog: i32, reuse_port: bool) -> Step<OwnedFd> {
    let fd = match &bind.address {
        Address::Inet(address) => {
            let fd = bind_inet(bind, address, reuse_port)?;
            if bind.fast_open {
                sys::set_fast_open(&fd, backlog)
                    .map_err(|error| ("cannot enable TCP_FASTOPEN", error))?;
            }
            fd
        }
        Address::Unix(path) => return bind_unix(bind, path, backlog),
        Address::Abstract { name, padded } => {
            let fd = stream_socket(AddressFamily::UNIX, false, None)?;
            let address = abstract_address(name, *padded)
                .map_err(|error| ("cannot bind UNIX socket", error))?;
            rustix::net::bind(&fd, &address)
                .map_err(|error| ("cannot bind UNIX socket", error.into()))?;
            fd
        }
        Address::Fd(number) => return inherit(*number),
        Address::SocketPair(_) | Address::Reverse(_) => {
            return Err((
                "cannot listen on such an address",
                io::ErrorKind::Unsupported.into(),
            ));
        }
    };
    rustix::net::listen(&fd, backlog).map_err(|error| ("cannot listen to socket", error.into()))?;
    Ok(fd)
}

/// A descriptor that was opened by somebody else and already listens.
fn inherit(number: i32) -> Step<OwnedFd> {
    let fd = sys::duplicate(number)
        .map_err(|error| ("socket's inherited descriptor is not open", error))?;
    rustix::io::ioctl_fionbio(&fd, true)
        .map_err(|error| ("cannot make socket non-blocking", error.into()))?;
    Ok(fd)
}

fn stream_socket(
    family: AddressFamily,
    multipath: bool,
    namespace: Option<&Namespace>,
) -> Step<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let protocol = multipath.then_some(ipproto::MPTCP);
    within(namespace, || {
        let fd = rustix::net::socket_with(family, SocketType::STREAM, flags, protocol)?;
        Ok(fd)
    })
    .map_err(|error| ("cannot create listening socket", error))
}

fn bind_inet(bind: &Bind, address: &SocketAddr, reuse_port: bool) -> Step<OwnedFd> {
    let v6 = address.is_ipv6();
    let family = match v6 {
        true => AddressFamily::INET6,
        false => AddressFamily::INET,
    };
    let fd = stream_socket(family, bind.multipath, bind.namespace.as_deref())?;
    let option = |step: &'static str| move |error: io::Error| (step, error);
    sockopt::set_socket_reuseaddr(&fd, true).map_err(|e| ("cannot do so_reuseaddr", e.into()))?;
    if reuse_port {
        let _ = sockopt::set_socket_reuseport(&fd, true);
    }
    if v6 {
        let only = bind.v6only.unwrap_or(false);
        sockopt::set_ipv6_v6only(&fd, only).map_err(|e| ("cannot set IPV6_V6ONLY", e.into()))?;
    }
    if bind.transparent {
        sys::set_transparent(&fd, v6)
            .map_err(option("cannot make listening socket transparent"))?;
    }
    if let Some(interface) = &bind.interface {
        sys::bind_to_interface(&fd, interface).map_err(option("cannot bind listener to device"))?;
    }
    if let Some(mss) = bind.mss {
        sys::set_mss(&fd, mss).map_err(option("cannot set MSS"))?;
    }
    if let Some(ms) = bind.user_timeout {
        let ms = u32::try_from(ms).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(&fd, ms)
            .map_err(|e| ("cannot set TCP User Timeout", e.into()))?;
    }
    if let Some(cc) = &bind.congestion {
        sockopt::set_tcp_congestion(&fd, cc)
            .map_err(|e| ("cannot set congestion control algorithm", e.into()))?;
    }
    if bind.defer_accept {
        sys::set_defer_accept(&fd, 1).map_err(option("cannot enable DEFER_ACCEPT"))?;
    }
    if bind.save_syn > 0 {
        sys::save_syn(&fd, bind.save_syn).map_err(option("cannot enable TCP_SAVE_SYN"))?;
    }
    if let Some(key) = &bind.md5sig {
        sys::set_md5_signature(&fd, None, v6, key.as_bytes())
            .map_err(option("cannot set TCP MD5 signature"))?;
    }
    rustix::net::bind(&fd, address).map_err(|error| ("cannot bind socket", error.into()))?;
    Ok(fd)
}

/// Binds under a temporary name first, so that a socket of this name that somebody still listens on keeps working until
/// this one is complete.
fn bind_unix(bind: &Bind, path: &Path, backlog: i32) -> Step<OwnedFd> {
    let fail = |step: &'static str| move |error: rustix::io::Errno| (step, io::Error::from(error));
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let _ = std::fs::remove_file(&temporary);
    let fd = stream_socket(AddressFamily::UNIX, false, None)?;
    let address = SocketAddrUnix::new(&temporary).map_err(fail("socket path too long"))?;
    rustix::net::bind(&fd, &address).map_err(fail("cannot bind UNIX socket"))?;
    let finish = || -> Step<()> {
        if let Some(mode) = bind.unix_mode {
            rustix::fs::chmod(&temporary, rustix::fs::Mode::from_raw_mode(mode))
                .map_err(fail("cannot change UNIX socket mode"))?;
        }
        let (uid, gid) = bind.unix_owner;
        if uid.is_some() || gid.is_some() {
            let (uid, gid) = (
                uid.map(rustix::fs::Uid::from_raw),
                gid.map(rustix::fs::Gid::from_raw),
            );
            rustix::fs::chown(&temporary, uid, gid)
                .map_err(fail("cannot change UNIX socket ownership"))?;
        }
        rustix::net::listen(&fd, backlog).map_err(fail("cannot listen to UNIX socket"))?;
        std::fs::rename(&temporary, path).map_err(|error| ("cannot rename UNIX socket", error))
    };
    match finish() {
        Ok(()) => Ok(fd),
        Err(failure) => {
            let _ = std::fs::remove_file(&temporary);
            Err(failure)
        }
    }
}

/// The address of an abstract Unix socket; `abns@` names are padded with NUL bytes to the full length.
///
/// # Errors
/// When the name is too long.
pub fn abstract_address(name: &[u8], padded: bool) -> io::Result<SocketAddrUnix> {
    const LEN: usize = 107;
    let mut full = name.to_vec();
    if padded {
        full.resize(LEN.max(name.len()), 0);
    }
    Ok(SocketAddrUnix::new_abstract_name(&full)?)
}

/// How long to wait when no descriptor was left for a connection.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How often a full proxy looks for room.
const FULL: Duration = Duration::from_millis(5);

/// Accepts connections until the task is ended.
pub async fn accept(worker: Rc<Worker>, runtime: Arc<Runtime>, listening: Listening) {
    let Listening { purpose, bind, fd } = listening;
    let Ok(fd) = sys::watch_shared(fd) else {
        return;
    };
    let proxy = match purpose {
        Purpose::Frontend(idx) => match runtime.proxy(idx) {
            Some(proxy) => proxy.clone(),
            None => return,
        },
        Purpose::RuntimeApi => return crate::api::accept(runtime, bind, fd).await,
        Purpose::Peers(at) => match runtime.peers.get(at).cloned() {
            Some(section) => return crate::peers::accept(runtime, section, bind, fd).await,
            None => return,
        },
    };
    let load = proxy.listener(&bind).cloned().unwrap_or_default();
    let burst = runtime.snapshot.global.max_accept.max(1);
    let mut state = proxy.listening.subscribe();
    loop {
        if *state.borrow_and_update() != Running {
            if !pause(&fd, &bind, &mut state).await {
                return;
            }
            continue;
        }
        wait_for_room(&runtime, &proxy, &bind, &load).await;
        let ready = tokio::select! {
            ready = fd.readable() => ready,
            _ = state.changed() => continue,
        };
        let Ok(mut ready) = ready else {
            return;
        };
        for _ in 0..burst {
            match accept_one(fd.as_fd()) {
                Ok((socket, peer)) => {
                    start(&worker, &runtime, &proxy, (&bind, &load), socket, peer);
                    if is_full(&runtime, &proxy, &bind, &load) {
                        break;
                    }
                }
                Err(rustix::io::Errno::AGAIN) => {
                    ready.clear_ready();
                    break;
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
                Err(_) => {
                    tokio::time::sleep(EXHAUSTED).await;
                    break;
                }
            }
        }
        drop(ready);
        tokio::task::yield_now().await;
    }
}

/// Takes in the connections that wait in a socket that is about to be closed, which would reset them.
pub(crate) fn drain(worker: &Rc<Worker>, runtime: &Arc<Runtime>, listening: &Listening) {
    let Purpose::Frontend(idx) = listening.purpose else {
        return;
    };
    let Some(proxy) = runtime.proxy(idx) else {
        return;
    };
    if *proxy.listening.borrow() != Running {
        return;
    }
    let bind = &listening.bind;
    let load = proxy.listener(bind).cloned().unwrap_or_default();
    while !is_full(runtime, proxy, bind, &load) {
        match accept_one(listening.fd.as_fd()) {
            Ok((socket, peer)) => start(worker, runtime, proxy, (bind, &load), socket, peer),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
            Err(_) => return,
        }
    }
}

/// Waits while the frontend is paused; `false` when it has been stopped.
///
/// A TCP socket stops listening, so that clients are refused; connections to a Unix socket, which could not be opened
/// again, wait in its backlog.
async fn pause(
    fd: &AsyncFd<Arc<OwnedFd>>,
    bind: &Bind,
    state: &mut tokio::sync::watch::Receiver<proxy::Listening>,
) -> bool {
    let inet = matches!(bind.address, Address::Inet(_));
    if inet && *state.borrow() == Paused {
        let _ = rustix::net::shutdown(fd, rustix::net::Shutdown::Read);
    }
    let ended = state.wait_for(|state| *state != Paused).await;
    if !matches!(ended.as_deref(), Ok(Running)) {
        // Whoever else still holds the descriptor: clients are refused from now on.
        if inet {
            let _ = rustix::net::shutdown(fd, rustix::net::Shutdown::Both);
        }
        return false;
    }
    drop(ended);
    if inet {
        let backlog = i32::try_from(bind.backlog.max(1024)).unwrap_or(i32::MAX);
        return rustix::net::listen(fd, backlog).is_ok();
    }
    true
}

fn accept_one(fd: impl AsFd) -> Result<(OwnedFd, Option<base::Endpoint>), rustix::io::Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, peer) = rustix::net::acceptfrom_with(fd, flags)?;
    Ok((socket, peer.and_then(crate::io::endpoint)))
}

pub(crate) fn is_full(
    runtime: &Runtime,
    proxy: &ProxyRuntime,
    bind: &Bind,
    load: &ListenerState,
) -> bool {
    if bind.maxconn > 0 && load.connections.now() >= bind.maxconn {
        return true;
    }
    let process = &runtime.process;
    let most = runtime.snapshot.global.max_tls_connections;
    if bind.tls.is_some() && process.tls.is_full(most) {
        return true;
    }
    let limit = proxy.maxconn();
    process.connections.now() >= process.maxconn.load(Ordering::Relaxed)
        || (limit > 0 && proxy.front.connections.now() >= limit)
}

/// Waits while the process or the proxy has all the connections it may have, or the session rate is reached.
async fn wait_for_room(runtime: &Runtime, proxy: &ProxyRuntime, bind: &Bind, load: &ListenerState) {
    while is_full(runtime, proxy, bind, load) {
        tokio::time::sleep(FULL).await;
    }
    loop {
        match rate_delay(runtime, proxy, bind) {
            0 => break,
            ms => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
    }
}

/// How many milliseconds it takes until the frontend and the process may begin another session (`rate-limit sessions`,
/// `maxconnrate`, `maxsessrate`, `maxsslrate`).
fn rate_delay(runtime: &Runtime, proxy: &ProxyRuntime, bind: &Bind) -> u64 {
    let now = clock::now_ms();
    let limit = |at: usize| {
        runtime
            .process
            .max_rates
            .get(at)
            .map_or(0, |limit| limit.load(Ordering::Relaxed))
    };
    let (connections, sessions) = (limit(0), limit(1));
    let tls = if bind.tls.is_some() { limit(2) } else { 0 };
    let own = proxy.config.front.session_rate_limit;
    let process = &runtime.process;
    let delays = [
        process.connection_rate.wait_for_room(now, connections),
        process.session_rate.wait_for_room(now, sessions),
        process.tls.accepted.wait_for_room(now, tls),
        proxy.front.session_rate.wait_for_room(now, own),
    ];
    delays.into_iter().max().unwrap_or(0)
}

/// Whether a peer comes from a port that only the system's own programs may use.
fn is_privileged(peer: Option<&base::Endpoint>) -> bool {
    peer.and_then(base::Endpoint::port)
        .is_some_and(|port| (1..1024).contains(&port))
}

/// Whether a connection that was accepted for something else than a frontend is one to be talked to
/// (`harden.reject-privileged-ports.tcp`).
pub(crate) fn is_welcome(runtime: &Runtime, fd: impl AsFd) -> bool {
    if !runtime.snapshot.global.rejects_privileged_ports {
        return true;
    }
    let peer = rustix::net::getpeername(fd).ok().flatten();
    !is_privileged(peer.and_then(crate::io::endpoint).as_ref())
}

fn start(
    worker: &Rc<Worker>,
    runtime: &Arc<Runtime>,
    proxy: &Arc<ProxyRuntime>,
    (bind, load): (&Arc<Bind>, &Arc<ListenerState>),
    fd: OwnedFd,
    peer: Option<base::Endpoint>,
) {
    if runtime.snapshot.global.rejects_privileged_ports && is_privileged(peer.as_ref()) {
        return;
    }
    let buffers = runtime.snapshot.global.socket_buffers;
    crate::io::apply_to_client(&fd, proxy, buffers.client);
    let Ok(socket) = Socket::new(fd) else {
        return;
    };
    let admitted = session::Admitted::new(runtime, proxy, bind, load);
    let accepted = admitted.accepted(worker, peer);
    tokio::task::spawn_local(profiled(profile::Session, session::run(accepted, socket)));
}
