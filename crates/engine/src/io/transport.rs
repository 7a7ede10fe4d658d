//! A connection's transport: a socket, with TLS over it or without.

use super::secure::{self, HandshakeFault};
use super::{Pipe, Socket};
use base::Endpoint;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// A socket, with TLS over it or without. What plain connections have of TLS is one empty pointer.
#[derive(Debug)]
pub struct Transport {
    socket: Socket,
    tls: Option<Box<Counted>>,
    seen: Option<Arc<tls::Seen>>,
}

impl From<Socket> for Transport {
    fn from(socket: Socket) -> Self {
        Self {
            socket,
            tls: None,
            seen: None,
        }
    }
}

/// TLS connections in memory.
static TLS: AtomicU64 = AtomicU64::new(0);

/// How many TLS connections are in memory; how many there are for limits is counted from their accept on
/// (`TlsFigures::connections`).
#[must_use]
pub fn tls_connections() -> u64 {
    TLS.load(Ordering::Relaxed)
}

/// A TLS connection, counted as long as it is there.
#[derive(Debug)]
struct Counted(tls::Connection);

impl Counted {
    fn new(connection: tls::Connection) -> Self {
        TLS.fetch_add(1, Ordering::Relaxed);
        Self(connection)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        TLS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::ops::Deref for Counted {
    type Target = tls::Connection;
    fn deref(&self) -> &tls::Connection {
        &self.0
    }
}

impl std::ops::DerefMut for Counted {
    fn deref_mut(&mut self) -> &mut tls::Connection {
        &mut self.0
    }
}

impl Transport {
    /// Registers the socket with the event loop of this worker instead of another's.
    ///
    /// # Errors
    /// As [`Socket::new`].
    pub fn rehome(mut self) -> io::Result<Self> {
        self.move_here()?;
        Ok(self)
    }

    /// As [`Transport::rehome`], in its place.
    ///
    /// # Errors
    /// As [`Socket::new`].
    pub fn move_here(&mut self) -> io::Result<()> {
        self.socket = Socket::new(self.socket.as_fd().try_clone_to_owned()?)?;
        Ok(())
    }

    /// The socket below.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Speaks TLS from now on.
    pub fn secure(&mut self, tls: tls::Connection) {
        self.tls = Some(Box::new(Counted::new(tls)));
    }

    /// The TLS connection, if it is one.
    #[must_use]
    pub fn tls(&self) -> Option<&tls::Connection> {
        self.tls.as_deref().map(|tls| &**tls)
    }

    /// What is known of the TLS connection, once its handshake is over or has failed.
    #[must_use]
    pub fn seen(&self) -> Option<&Arc<tls::Seen>> {
        self.seen.as_ref()
    }

    /// Whether bytes may bypass this side, since they go over the wire as they are.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.tls.is_none()
    }

    /// Reads into `room`; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of `read(2)`, and those of TLS.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        match &mut self.tls {
            Some(tls) => {
                let read = secure::poll_read(&self.socket, tls, cx, room);
                self.catch_up();
                read
            }
            None => self.socket.poll_read(cx, room),
        }
    }

    /// Reads into the room that is asked for when there is something to read; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of `read(2)`, and those of TLS.
    pub fn poll_read_into<'b>(
        &mut self,
        cx: &mut Context<'_>,
        room: impl FnOnce() -> &'b mut [u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.tls {
            Some(tls) => {
                if !secure::is_readable(tls) {
                    ready!(self.socket.poll_readable(cx))?;
                }
                let read = secure::poll_read(&self.socket, tls, cx, room());
                self.catch_up();
                read
            }
            None => self.socket.poll_read_into(cx, room),
        }
    }

    /// Ready when bytes, the end or an error can be read, or when TLS has something to look at.
    ///
    /// # Errors
    /// When the event loop is gone.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.tls {
            Some(tls) if secure::is_readable(tls) => Poll::Ready(Ok(())),
            _ => self.socket.poll_readable(cx),
        }
    }

    /// Writes what it can of `slices`. With TLS, bytes count as written once they are encrypted: see
    /// [`Transport::poll_flush`].
    ///
    /// # Errors
    /// Those of `writev(2)`, and those of TLS.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.tls {
            Some(tls) => {
                let written = secure::poll_write(&self.socket, tls, cx, slices);
                self.catch_up();
                written
            }
            None => self.socket.poll_write(cx, slices),
        }
    }

    /// Whether everything that was accepted for writing has been handed to the system.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.tls
            .as_deref()
            .is_none_or(|tls| tls.outbox().is_empty())
    }

    /// Hands everything that was accepted for writing to the system.
    ///
    /// # Errors
    /// Those of `send(2)`.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.tls {
            Some(tls) => secure::poll_flush(&self.socket, tls, cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Goes on with the TLS handshake until it is over.
    ///
    /// # Errors
    /// Why it failed.
    pub fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), HandshakeFault>> {
        let Some(tls) = &mut self.tls else {
            return Poll::Ready(Ok(()));
        };
        let outcome = secure::poll_handshake(&self.socket, tls, cx);
        if outcome.is_ready() {
            self.seen = Some(Arc::new(tls.seen()));
        }
        outcome
    }

    /// Goes on with a handshake that the connection is ahead of.
    ///
    /// # Errors
    /// Why it failed.
    pub fn poll_completion(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), HandshakeFault>> {
        let Some(tls) = &mut self.tls else {
            return Poll::Ready(Ok(()));
        };
        let outcome = secure::poll_completion(&self.socket, tls, cx);
        self.catch_up();
        outcome
    }

    /// Says so where the connection was ahead of its handshake and is no more.
    fn catch_up(&mut self) {
        let Some(tls) = self.tls.as_mut().filter(|tls| tls.is_ahead()) else {
            return;
        };
        let failed = tls.failure().is_some();
        if tls.is_handshaking() && !failed {
            return;
        }
        tls.caught_up();
        match &self.seen {
            // What was early stays in doubt when the handshake fails.
            Some(seen) if !failed => seen.catch_up(),
            Some(_) => {}
            None => self.seen = Some(Arc::new(tls.seen())),
        }
    }

    /// Whether the server did not take the early data sent to it.
    #[must_use]
    pub fn was_refused_early(&self) -> bool {
        let failure = self.tls().and_then(tls::Connection::failure);
        failure == Some(tls::Failure::EARLY_REFUSED)
    }

    /// Moves up to `most` bytes of a plain connection into an empty pipe; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of `splice(2)`.
    pub fn poll_splice_into(
        &self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_splice_into(cx, pipe, most)
    }

    /// Moves what it can of a pipe's bytes to the peer of a plain connection.
    ///
    /// # Errors
    /// Those of `splice(2)`.
    pub fn poll_splice_from(
        &self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_splice_from(cx, pipe)
    }

    /// Whether an idle connection has been closed, or has something to say that nobody asked for. Asks the system.
    #[must_use]
    pub fn is_disturbed(&mut self) -> bool {
        match &mut self.tls {
            Some(tls) => !secure::is_quiet(&self.socket, tls),
            None => self.socket.is_disturbed(),
        }
    }

    /// Whether the event loop of this worker has heard nothing of an idle connection.
    #[must_use]
    pub fn is_quiet(&mut self) -> bool {
        match &mut self.tls {
            Some(tls) => secure::is_quiet(&self.socket, tls),
            None => self.socket.is_quiet(),
        }
    }

    /// Tells the peer that nothing more will be written. Errors only mean that the connection is gone already.
    pub fn shutdown_write(&mut self) {
        if let Some(tls) = &mut self.tls {
            secure::notify_close(&self.socket, tls);
        }
        self.socket.shutdown_write();
    }

    /// Makes closing send a reset, and nothing before it.
    pub fn linger_zero(&mut self) {
        self.tls = None;
        self.socket.linger_zero();
    }

    /// Makes closing invisible to the peer; see [`Socket::close_silently`].
    pub fn close_silently(&mut self, hops: Option<u8>) {
        self.tls = None;
        self.socket.close_silently(hops);
    }

    /// This end's address.
    #[must_use]
    pub fn local(&self) -> Option<Endpoint> {
        self.socket.local()
    }

    /// The address that the peer has asked for; see [`Socket::destination`].
    #[must_use]
    pub fn destination(&self) -> Option<Endpoint> {
        self.socket.destination()
    }

    /// The peer's address.
    #[must_use]
    pub fn peer(&self) -> Option<Endpoint> {
        self.socket.peer()
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        // A TLS peer is told that the end is meant.
        if let Some(tls) = &mut self.tls {
            secure::notify_close(&self.socket, tls);
        }
    }
}

impl AsFd for Transport {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Transport {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}
