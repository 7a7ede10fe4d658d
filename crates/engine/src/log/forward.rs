//! `log-forward` sections: listening for messages.

use super::received::{Forwarder, sender_text};
use crate::clock;
use crate::io::{Buffer, Deadline, Socket, within};
use crate::listener::{BindFailure, is_welcome};
use crate::runtime::Runtime;
use base::Endpoint;
use model::log::LogForward;
use model::{Address, Bind, Snapshot};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinHandle;
use wire::syslog::{Frame, next_frame};

/// Connections of a section that says no `maxconn`.
const MAXCONN: u32 = 10;
/// The longest datagram.
const DATAGRAM: usize = 65_535;
/// Datagrams received in a row before others get their turn.
const BURST: usize = 64;
/// How long to wait when no descriptor was left for a connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// The bound listeners of all `log-forward` sections.
#[derive(Debug, Default)]
pub struct Forwards {
    streams: Vec<(Arc<LogForward>, OwnedFd)>,
    datagrams: Vec<(Arc<LogForward>, OwnedFd)>,
}

/// Binds the listeners of all `log-forward` sections, which may take privileges that the process gives up later.
///
/// # Errors
/// With every listener that can't be bound.
pub fn bind(snapshot: &Snapshot) -> Result<Forwards, Vec<BindFailure>> {
    let mut forwards = Forwards::default();
    let mut failures = Vec::new();
    for section in &snapshot.logging.forwards {
        let mut failed = |bind: &Arc<Bind>, datagrams, (step, error)| {
            failures.push(BindFailure {
                bind: bind.clone(),
                datagrams,
                proxy: section.name.clone(),
                step,
                error,
            });
        };
        for bind in &section.binds {
            let backlog = [section.backlog, section.maxconn, MAXCONN]
                .into_iter()
                .find(|n| *n > 0);
            // Shared with the process before this one, which goes on receiving until it ends.
            let reuse = !snapshot.global.no_reuseport;
            match crate::listener::open_one(bind, backlog.unwrap_or(MAXCONN) as i32, reuse) {
                Ok(fd) => forwards.streams.push((section.clone(), fd)),
                Err(failure) => failed(bind, false, failure),
            }
        }
        for bind in &section.datagram_binds {
            match bind_datagram(bind) {
                Ok(fd) => forwards.datagrams.push((section.clone(), fd)),
                Err(error) => failed(bind, true, ("cannot bind socket", error)),
            }
        }
    }
    match failures.is_empty() {
        true => Ok(forwards),
        false => Err(failures),
    }
}

fn bind_datagram(bind: &Bind) -> io::Result<OwnedFd> {
    let family = match &bind.address {
        Address::Inet(SocketAddr::V4(_)) => AddressFamily::INET,
        Address::Inet(SocketAddr::V6(_)) => AddressFamily::INET6,
        Address::Unix(_) | Address::Abstract { .. } => AddressFamily::UNIX,
        Address::Fd(number) => {
            let fd = sys::duplicate(*number)?;
            rustix::io::ioctl_fionbio(&fd, true)?;
            return Ok(fd);
        }
        Address::SocketPair(_) | Address::Reverse(_) => {
            return Err(io::ErrorKind::Unsupported.into());
        }
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let fd = within(bind.namespace.as_deref(), || {
        Ok(rustix::net::socket_with(
            family,
            SocketType::DGRAM,
            flags,
            None,
        )?)
    })?;
    if let Some(interface) = &bind.interface {
        sys::bind_to_interface(&fd, interface)?;
    }
    match &bind.address {
        Address::Inet(inet) => {
            sockopt::set_socket_reuseaddr(&fd, true)?;
            if bind.transparent {
                sys::set_transparent(&fd, inet.is_ipv6())?;
            }
            if inet.is_ipv6() {
                sockopt::set_ipv6_v6only(&fd, bind.v6only.unwrap_or(false))?;
            }
            rustix::net::bind(&fd, inet)?;
        }
        Address::Unix(path) => {
            // What is left of an earlier process is in the way.
            let _ = std::fs::remove_file(path);
            rustix::net::bind(&fd, &SocketAddrUnix::new(path)?)?;
        }
        Address::Abstract { name, padded } => {
            rustix::net::bind(&fd, &crate::listener::abstract_address(name, *padded)?)?;
        }
        Address::Fd(_) | Address::SocketPair(_) | Address::Reverse(_) => {}
    }
    Ok(fd)
}

impl Forwards {
    /// The addresses the listeners are bound to, datagram listeners first.
    #[must_use]
    pub fn addresses(&self) -> Vec<Endpoint> {
        let fds = self.datagrams.iter().chain(&self.streams);
        fds.filter_map(|(_, fd)| {
            rustix::net::getsockname(fd)
                .ok()
                .and_then(crate::io::endpoint)
        })
        .collect()
    }

    /// Starts receiving.
    pub(super) fn start(self, runtime: &Arc<Runtime>, tasks: &mut Vec<JoinHandle<()>>) {
        for (section, fd) in self.datagrams {
            let forwarder = Forwarder::new(&section, runtime);
            tasks.push(tokio::task::spawn_local(receive(forwarder, fd)));
        }
        for (section, fd) in self.streams {
            let forwarder = Forwarder::new(&section, runtime);
            tasks.push(tokio::task::spawn_local(accept(forwarder, fd)));
        }
    }
}

async fn receive(forwarder: Forwarder, fd: OwnedFd) {
    let Ok(fd) = sys::watch(fd) else {
        return;
    };
    let mut room = vec![0; DATAGRAM];
    loop {
        let Ok(mut ready) = fd.readable().await else {
            return;
        };
        for _ in 0..BURST {
            match rustix::net::recvfrom(fd.as_fd(), &mut room[..], RecvFlags::DONTWAIT) {
                Ok((n, _, peer)) => {
                    let sender = sender_text(peer.and_then(crate::io::endpoint).as_ref());
                    forwarder.forward(room.get(..n).unwrap_or_default(), sender.as_bytes());
                }
                Err(Errno::AGAIN) => {
                    ready.clear_ready();
                    break;
                }
                Err(_) => {}
            }
        }
        drop(ready);
        tokio::task::yield_now().await;
    }
}

/// Counts a connection for as long as it lasts.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn accept(forwarder: Forwarder, fd: OwnedFd) {
    let Ok(fd) = sys::watch(fd) else {
        return;
    };
    let limit = if forwarder.section.maxconn > 0 {
        forwarder.section.maxconn
    } else {
        MAXCONN
    };
    let connections = Rc::new(Cell::new(0));
    // Connections end with the listener.
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        while connections.get() >= limit {
            tasks.join_next().await;
        }
        while tasks.try_join_next().is_some() {}
        let Ok(mut ready) = fd.readable().await else {
            return;
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match rustix::net::acceptfrom_with(fd.as_fd(), flags) {
            Ok((accepted, _)) if !is_welcome(&forwarder.runtime, &accepted) => {}
            Ok((accepted, peer)) => {
                let Ok(socket) = Socket::new(accepted) else {
                    continue;
                };
                let sender = sender_text(peer.and_then(crate::io::endpoint).as_ref());
                connections.set(connections.get() + 1);
                let counted = Counted(connections.clone());
                tasks.spawn_local(read(forwarder.clone(), socket, sender, counted));
            }
            Err(Errno::AGAIN) => ready.clear_ready(),
            Err(Errno::INTR | Errno::CONNABORTED) => {}
            Err(_) => tokio::time::sleep(EXHAUSTED).await,
        }
    }
}

/// Reads messages from a connection until it ends, is silent for too long, or sends what is no message.
async fn read(forwarder: Forwarder, socket: Socket, sender: String, _counted: Counted) {
    let section = forwarder.section.clone();
    let limit = forwarder.runtime.snapshot.global.buffer_size;
    let (mut buffer, mut deadline) = (Buffer::default(), Deadline::default());
    loop {
        let until = section.timeout_client.map(|ms| clock::now_ms() + ms);
        let outcome = poll_fn(|cx| {
            if let Poll::Ready(outcome) = socket.poll_read(cx, buffer.room()) {
                return Poll::Ready(outcome);
            }
            deadline
                .poll(cx, until)
                .map(|()| Err(io::ErrorKind::TimedOut.into()))
        });
        match outcome.await {
            Ok(n) if n > 0 => buffer.fill(n),
            _ => return,
        }
        loop {
            match next_frame(buffer.bytes(), section.assume_ntf, limit) {
                Frame::Partial if buffer.is_full() => return,
                Frame::Partial => break,
                Frame::Invalid => return,
                Frame::Message { range, consumed } => {
                    forwarder.forward(
                        buffer.bytes().get(range).unwrap_or_default(),
                        sender.as_bytes(),
                    );
                    buffer.consume(consumed);
                }
            }
        }
        buffer.release_if_empty();
        tokio::task::yield_now().await;
    }
}
