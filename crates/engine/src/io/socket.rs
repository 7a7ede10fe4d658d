//! A non-blocking stream socket.

use super::Pipe;
use base::Endpoint;
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketAddrUnix};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;

/// A non-blocking stream socket registered with the worker's event loop.
///
/// A read that brings less than there was room for has emptied the socket, so readiness is cleared at once: the next wait
/// costs no system call that would only say "not yet".
#[derive(Debug)]
pub struct Socket {
    fd: AsyncFd<OwnedFd>,
}

impl Socket {
    /// Registers a non-blocking socket.
    ///
    /// # Errors
    /// When the event loop refuses it, for want of descriptors or memory.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            fd: sys::watch(fd)?,
        })
    }

    /// Reads into `room`; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of `read(2)`.
    pub fn poll_read(&self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read_into(cx, || room)
    }

    /// Reads into the room that is asked for when there is something to read; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of `read(2)`.
    pub fn poll_read_into<'b>(
        &self,
        cx: &mut Context<'_>,
        room: impl FnOnce() -> &'b mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut ready = ready!(self.fd.poll_read_ready(cx))?;
        let room = room();
        loop {
            match rustix::net::recv(&self.fd, &mut *room, RecvFlags::empty()).map(|(n, _)| n) {
                Ok(n) => {
                    if n < room.len() && n > 0 {
                        ready.clear_ready();
                    }
                    return Poll::Ready(Ok(n));
                }
                Err(rustix::io::Errno::AGAIN) => {
                    ready.clear_ready();
                    ready = ready!(self.fd.poll_read_ready(cx))?;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Ready when bytes, the end or an error can be read.
    ///
    /// # Errors
    /// When the event loop is gone.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fd.poll_read_ready(cx).map_ok(drop)
    }

    /// Writes what it can of `slices`.
    ///
    /// # Errors
    /// Those of `writev(2)`.
    pub fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.fd.poll_write_ready(cx))?;
            let sent = match slices {
                [one] => rustix::net::send(&self.fd, one, SendFlags::NOSIGNAL),
                several => rustix::io::writev(&self.fd, several),
            };
            match sent {
                Ok(n) => return Poll::Ready(Ok(n)),
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Moves up to `most` bytes into an empty pipe; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of `splice(2)`.
    pub fn poll_splice_into(
        &self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.fd.poll_read_ready(cx))?;
            match splice(self.as_fd(), pipe.input.as_fd(), most) {
                Ok(n) => {
                    pipe.held += n;
                    return Poll::Ready(Ok(n));
                }
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Moves what it can of a pipe's bytes to the peer.
    ///
    /// # Errors
    /// Those of `splice(2)`.
    pub fn poll_splice_from(
        &self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.fd.poll_write_ready(cx))?;
            match splice(pipe.output.as_fd(), self.as_fd(), pipe.held) {
                Ok(n) => {
                    pipe.held -= n.min(pipe.held);
                    return Poll::Ready(Ok(n));
                }
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Ready when bytes can be written, or when a connection attempt has come to its end.
    ///
    /// # Errors
    /// When the event loop is gone.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fd.poll_write_ready(cx).map_ok(drop)
    }

    /// Whether an idle connection has been closed, or has something to say that nobody asked for.
    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        let mut byte = [0];
        !matches!(
            rustix::net::recv(
                &self.fd,
                &mut byte,
                rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT
            ),
            Err(rustix::io::Errno::AGAIN)
        )
    }

    /// Whether the connection is closed in both directions or broken, whatever there may be left to read.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        use rustix::event::{PollFd, PollFlags};
        let mut poll = [PollFd::new(&self.fd, PollFlags::empty())];
        let now = rustix::event::Timespec::default();
        rustix::event::poll(&mut poll, Some(&now)).is_ok_and(|found| found > 0)
    }

    /// Whether the event loop of this worker has heard nothing of an idle connection. Costs no system call as long as that
    /// is so.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match self.fd.poll_read_ready(&mut cx) {
            Poll::Pending => true,
            Poll::Ready(Ok(mut ready)) => {
                let quiet = !self.is_disturbed();
                if quiet {
                    ready.clear_ready();
                }
                quiet
            }
            Poll::Ready(Err(_)) => false,
        }
    }

    /// The outcome of a connection attempt.
    ///
    /// # Errors
    /// The error the attempt ended with.
    pub fn connect_result(&self) -> io::Result<()> {
        match rustix::net::sockopt::socket_error(&self.fd)? {
            Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the peer that nothing more will be written. Errors only mean that the connection is gone already.
    pub fn shutdown_write(&self) {
        let _ = rustix::net::shutdown(&self.fd, Shutdown::Write);
    }

    /// Makes closing send a reset.
    pub fn linger_zero(&self) {
        let _ = rustix::net::sockopt::set_socket_linger(&self.fd, Some(std::time::Duration::ZERO));
    }

    /// Makes closing the socket invisible to the peer. Where that needs a privilege the process lacks, a reset is sent that
    /// does not get beyond the first router; `hops` asks for such a reset with that reach.
    pub fn close_silently(&self, hops: Option<u8>) {
        if hops.is_none() && sys::set_repair(&self.fd).is_ok() {
            return;
        }
        let hops = hops.unwrap_or(1);
        // Only one of the two exists on a socket of either family.
        let _ = rustix::net::sockopt::set_ip_ttl(&self.fd, hops.into());
        let _ = rustix::net::sockopt::set_ipv6_unicast_hops(&self.fd, Some(hops));
        self.linger_zero();
    }

    /// This end's address.
    #[must_use]
    pub fn local(&self) -> Option<Endpoint> {
        rustix::net::getsockname(&self.fd).ok().and_then(endpoint)
    }

    /// The address that the peer has asked for: this end's, but for what the system has translated.
    #[must_use]
    pub fn destination(&self) -> Option<Endpoint> {
        let local = self.local()?;
        if !matches!(local, Endpoint::Inet(SocketAddr::V4(_))) {
            return Some(local);
        }
        let original = sys::original_destination(&self.fd).map(|v4| Endpoint::Inet(v4.into()));
        Some(original.unwrap_or(local))
    }

    /// The peer's address.
    #[must_use]
    pub fn peer(&self) -> Option<Endpoint> {
        rustix::net::getpeername(&self.fd)
            .ok()
            .flatten()
            .and_then(endpoint)
    }

    /// Takes the descriptor out of this worker's event loop, for another worker to register.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd.into_inner()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.get_ref().as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.fd.as_raw_fd()
    }
}

fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, most: usize) -> rustix::io::Result<usize> {
    let flags = rustix::pipe::SpliceFlags::MOVE | rustix::pipe::SpliceFlags::NONBLOCK;
    rustix::pipe::splice(from, None, to, None, most, flags)
}

/// The endpoint of a socket address; `None` for families the proxy does not speak.
pub fn endpoint(address: SocketAddrAny) -> Option<Endpoint> {
    if let Ok(inet) = SocketAddr::try_from(address.clone()) {
        return Some(Endpoint::Inet(inet));
    }
    let unix = SocketAddrUnix::try_from(address).ok()?;
    let name = unix
        .path_bytes()
        .or_else(|| unix.abstract_name())
        .unwrap_or_default();
    Some(Endpoint::Unix(name.into()))
}
