//! One stream of an HTTP/2 connection, as its owner holds it.

use super::{Found, Shared};
use crate::io::Transport;
use message::Head;
use std::io;
use std::task::{Context, Poll};
use wire::h2::Code;

/// What there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// A head.
    Head,
    /// Bytes of the body, or its end.
    Body,
}

/// A stream: reading and writing go through the connection it shares with others. Dropping it gives the stream up.
#[derive(Debug)]
pub struct Half {
    shared: Shared,
    id: u32,
    /// A request asked for another protocol.
    asked_upgrade: bool,
    /// A response's head was sent.
    answered: bool,
}

/// What a stream and its connection tell of themselves.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Streams on the connection.
    pub streams: u32,
    /// How many there may be at a time.
    pub streams_limit: u32,
    /// Odd events of the protocol.
    pub glitches: u32,
    /// The stream's number.
    pub id: u32,
    /// The code with which the stream was reset.
    pub reset: Option<Code>,
}

impl Half {
    /// What the stream and its connection tell of themselves.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let mut shared = self.shared.hold();
        let core = &mut shared.core;
        Facts {
            streams: u32::try_from(core.streams()).unwrap_or(u32::MAX),
            streams_limit: core.stream_limit(),
            glitches: core.glitches(),
            id: self.id,
            reset: core.link(self.id).and_then(|link| link.reset),
        }
    }

    /// The owner's side of a stream that the connection has.
    #[must_use]
    pub fn new(shared: impl Into<Shared>, id: u32) -> Self {
        Self {
            shared: shared.into(),
            id,
            asked_upgrade: false,
            answered: false,
        }
    }

    /// Asks the connection's socket for something.
    pub fn with_socket<R>(&self, ask: impl FnOnce(&Transport) -> R) -> R {
        ask(&self.shared.hold().socket)
    }

    /// The stream's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Takes the next head that has come.
    pub fn take_head(&mut self, head: &mut Head) -> Option<Found> {
        let mut shared = self.shared.hold();
        let link = shared.core.link(self.id)?;
        let (new, mut found) = link.heads.pop_front()?;
        let old = std::mem::replace(head, new);
        shared.core.give_head(old);
        found.upgraded = self.asked_upgrade;
        Some(found)
    }

    /// Ready when a head, bytes, or the end can be read.
    ///
    /// # Errors
    /// When the stream was reset or the connection is gone, and nothing is left to read.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Readable>> {
        let mut shared = self.shared.hold();
        let half_closed = shared.half_closed;
        let Some(link) = shared.core.link(self.id) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        if !link.heads.is_empty() {
            return Poll::Ready(Ok(Readable::Head));
        }
        if !link.body.is_empty() || link.ended {
            return Poll::Ready(Ok(Readable::Body));
        }
        if link.malformed {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        if link.reset.is_some() || half_closed {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        super::note(&mut link.reader, cx);
        Poll::Pending
    }

    /// Whether bytes of the body have come, or its end.
    #[must_use]
    pub fn has_body(&self) -> bool {
        let mut shared = self.shared.hold();
        shared
            .core
            .link(self.id)
            .is_some_and(|link| link.heads.is_empty() && (!link.body.is_empty() || link.ended))
    }

    /// Reads a part of the body; 0 is its end.
    ///
    /// # Errors
    /// As [`Half::poll_readable`].
    pub fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Err(error)) = self.poll_readable(cx) {
            return Poll::Ready(Err(error));
        }
        let mut shared = self.shared.hold();
        let Some(link) = shared.core.link(self.id) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let n = link.body.read(room);
        if n == 0 {
            return match link.ended && link.heads.is_empty() {
                true => Poll::Ready(Ok(0)),
                false => Poll::Pending,
            };
        }
        shared.core.release(self.id, n);
        shared.wake_if_pending();
        Poll::Ready(Ok(n))
    }

    /// Whether the stream was reset, or the connection is gone. Otherwise the task is woken when that happens.
    pub fn poll_reset(&mut self, cx: &mut Context<'_>) -> bool {
        let mut shared = self.shared.hold();
        let Some(link) = shared.core.link(self.id) else {
            return true;
        };
        super::note(&mut link.reader, cx);
        // What is malformed is told to who reads the body.
        link.reset.is_some() && !link.malformed
    }

    /// Whether the client has ended its half of the connection.
    #[must_use]
    pub fn is_half_closed(&self) -> bool {
        self.shared.hold().half_closed
    }

    /// Whether the peer has reset the stream, or has gone.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        let mut shared = self.shared.hold();
        let link = shared.core.link(self.id);
        link.is_none_or(|link| link.reset.is_some() && !link.malformed)
    }

    /// Whether the peer has ended its half.
    #[must_use]
    pub fn has_received_end(&self) -> bool {
        self.shared.hold().core.has_received_end(self.id)
    }

    /// Fields behind a body that has ended.
    pub fn take_trailers(&mut self) -> Option<Box<Head>> {
        let mut shared = self.shared.hold();
        shared.core.link(self.id)?.trailers.take()
    }

    /// Ready once the server's settings are known, or the connection is gone.
    pub fn poll_settings(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.shared.hold();
        if shared.core.has_settings() {
            return Poll::Ready(());
        }
        match shared.core.link(self.id) {
            Some(link) if link.reset.is_none() => {
                super::note(&mut link.reader, cx);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// Sends a request's head. False when the server cannot be asked this way: another protocol is switched to by a request
    /// without a body, and only with servers that say so (RFC 8441).
    pub fn send_request(&mut self, head: &Head, upgrade: bool) -> bool {
        let mut shared = self.shared.hold();
        let possible = shared.core.peer_takes_protocols() && head.method() == message::Method::Get;
        if upgrade && !possible {
            shared.core.reset(self.id, Code::CANCEL);
            shared.wake_if_pending();
            return false;
        }
        self.asked_upgrade = upgrade;
        shared.core.send_request(self.id, head, upgrade);
        shared.wake_if_pending();
        true
    }

    /// Sends a response's head.
    pub fn send_response(&mut self, head: &Head, framing: wire::h1::Framing) {
        self.answered |= head.status() >= 200 || framing == wire::h1::Framing::Tunnel;
        let mut shared = self.shared.hold();
        shared.core.send_response(self.id, head, framing);
        shared.wake_if_pending();
    }

    /// Sends a part of a body; says how much was taken.
    ///
    /// # Errors
    /// When the stream cannot send any more.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let mut shared = self.shared.hold();
        let taken = shared.core.send_data(self.id, data);
        if taken > 0 || data.is_empty() {
            shared.wake_if_pending();
            return Poll::Ready(Ok(taken));
        }
        if !shared.core.can_send(self.id) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if let Some(link) = shared.core.link(self.id) {
            super::note(&mut link.writer, cx);
        }
        Poll::Pending
    }

    /// Ends this half of the stream. One that should have been answered, and was not, is reset.
    pub fn finish(&mut self, trailers: Option<&Head>) {
        let mut shared = self.shared.hold();
        match !self.answered && shared.core.is_server() {
            true => shared.core.reset(self.id, Code::CANCEL),
            false => shared.core.finish(self.id, trailers),
        }
        shared.wake_if_pending();
    }

    /// Gives the stream up because one of its ends did.
    pub fn abort(&mut self) {
        let mut shared = self.shared.hold();
        shared.core.abort(self.id);
        shared.wake_if_pending();
    }

    /// Whether what was handed over is on its way, or is not asked for any more because the answer has come: a server that
    /// has answered before the request's end may reset the stream (RFC 9113, section 8.1).
    ///
    /// # Errors
    /// When the stream was reset by the peer, or the connection is gone.
    pub fn check(&mut self) -> io::Result<()> {
        let mut shared = self.shared.hold();
        match shared.core.link(self.id) {
            Some(link) if link.reset.is_none() || !link.heads.is_empty() => Ok(()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        let mut shared = self.shared.hold();
        shared.core.close(self.id);
        shared.wake_closed();
    }
}
