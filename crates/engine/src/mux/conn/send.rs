//! The sending half of a [`Conn`]: heads and bodies that leave.

use super::{Conn, Link};
use crate::io::{Pipe, Transport, give_text, take_text};
use crate::trace::{self, Direction};
use message::Head;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};
use wire::h1::{self, CaseMap, ConnectionHeader, Framing};

/// How many bytes of chunked data and other output are gathered before they are sent, at most.
const GATHERED: usize = 65_536;

/// The most that is copied behind pending output rather than sent from where it is, in bytes.
const SMALL: usize = 4096;

/// How the body being sent is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Writer {
    /// As it comes.
    #[default]
    Plain,
    Chunked,
}

impl Conn {
    /// Puts a request's head into the output; says whether it can be said on this connection.
    pub fn write_request(
        &mut self,
        head: &Head,
        framing: Framing,
        connection: ConnectionHeader,
        cases: Option<&CaseMap>,
        upgrade: bool,
    ) -> bool {
        if let Link::Stream(stream) = &mut self.link {
            return stream.send_request(head, upgrade);
        }
        h1::write_request(head, framing, connection, cases, self.output());
        true
    }

    /// Puts a response's head into the output.
    pub fn write_response(
        &mut self,
        head: &Head,
        framing: Framing,
        connection: ConnectionHeader,
        cases: Option<&CaseMap>,
    ) {
        match &mut self.link {
            Link::Stream(stream) => stream.send_response(head, framing),
            _ => h1::write_response(head, framing, connection, cases, self.output()),
        }
    }

    /// Whether bytes may be sent past the output buffer.
    #[must_use]
    pub fn sends_plainly(&self) -> bool {
        self.writer == Writer::Plain && self.is_plain() && self.is_flushed()
    }

    /// Sends what it can of a pipe.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn poll_send_pipe(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<io::Result<usize>> {
        let Link::Socket(socket) = &mut self.link else {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        };
        let n = ready!(socket.poll_splice_from(cx, pipe))?;
        self.sent += n as u64;
        Poll::Ready(Ok(n))
    }

    /// Whether what is sent reaches the peer as it is.
    #[must_use]
    pub fn writes_plainly(&self) -> bool {
        self.writer == Writer::Plain && matches!(self.link, Link::Socket(_))
    }

    /// The text to be sent next, for a message's head. It goes out with the next send or flush.
    pub fn output(&mut self) -> &mut Vec<u8> {
        if self.out.capacity() == 0 {
            self.out.0 = take_text();
        }
        if self.written > 0 && self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
        &mut self.out
    }

    /// Says how the body that is sent next is delimited.
    pub fn begin_body(&mut self, framing: Framing) {
        self.writer = if framing == Framing::Chunked && !self.is_multiplexed() {
            Writer::Chunked
        } else {
            Writer::Plain
        };
    }

    /// Whether everything handed over has reached the socket.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.written == self.out.len()
            && self.chunk.is_empty()
            && self.socket().is_none_or(Transport::is_flushed)
    }

    /// Sends pending output and then as much of `payload` as the socket takes; returns how much of `payload` was taken.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, payload: &[u8]) -> Poll<io::Result<usize>> {
        if self.writer == Writer::Chunked {
            return self.poll_send_chunk(cx, payload);
        }
        let socket = match &mut self.link {
            Link::Socket(socket) => socket,
            Link::Stream(stream) => {
                let n = ready!(stream.poll_write(cx, payload))?;
                self.sent += n as u64;
                if trace::watches_data() {
                    let key = stream.with_socket(AsRawFd::as_raw_fd);
                    trace_sent(trace::key(key, stream.id()), payload, n);
                }
                return Poll::Ready(Ok(n));
            }
            Link::None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        if self.written == self.out.len() && self.chunk.is_empty() {
            let n = ready!(socket.poll_write(cx, &[IoSlice::new(payload)]))?;
            self.sent += n as u64;
            if trace::watches_data() {
                trace_sent(trace::key(socket.as_raw_fd(), 0), payload, n);
            }
            return Poll::Ready(Ok(n));
        }
        if payload.len() <= SMALL {
            // One buffer costs the kernel less than two, and the copy costs next to nothing.
            self.out.extend_from_slice(payload);
            let flushed = self.poll_flush(cx);
            return match flushed {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Ready(Ok(payload.len())),
            };
        }
        loop {
            let pending = self.out.get(self.written..).unwrap_or_default();
            let slices = [IoSlice::new(pending), IoSlice::new(payload)];
            let n = ready!(socket.poll_write(cx, &slices))?;
            self.sent += n as u64;
            if trace::watches_data() {
                let all = [pending, payload].concat();
                trace_sent(trace::key(socket.as_raw_fd(), 0), &all, n);
            }
            if let Some(beyond) = n.checked_sub(pending.len()) {
                self.written = self.out.len();
                if beyond > 0 || payload.is_empty() {
                    return Poll::Ready(Ok(beyond));
                }
                return self.poll_send(cx, payload);
            }
            self.written += n;
        }
    }

    /// Data is gathered until the next flush, so that what comes in many small chunks leaves in one.
    fn poll_send_chunk(&mut self, cx: &mut Context<'_>, payload: &[u8]) -> Poll<io::Result<usize>> {
        if self.chunk.len() + self.out.len() - self.written > GATHERED {
            ready!(self.poll_flush(cx))?;
        }
        if self.chunk.capacity() == 0 {
            self.chunk.0 = take_text();
        }
        self.chunk.extend_from_slice(payload);
        Poll::Ready(Ok(payload.len()))
    }

    /// Puts the gathered chunk behind the pending output.
    fn close_chunk(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        let chunk = std::mem::take(&mut self.chunk);
        let out = self.output();
        h1::write_chunk_header(chunk.len() as u64, out);
        out.extend_from_slice(&chunk);
        out.extend_from_slice(b"\r\n");
    }

    /// Ends the body being sent; `trailers` follow a chunked one.
    pub fn finish_body(&mut self, trailers: Option<&Head>) {
        if let Link::Stream(stream) = &mut self.link {
            return stream.finish(trailers);
        }
        if self.writer == Writer::Chunked {
            self.close_chunk();
            let out = self.output();
            match trailers {
                Some(trailers) => h1::write_trailers(trailers, None, out),
                None => out.extend_from_slice(h1::LAST_CHUNK),
            }
        }
        self.writer = Writer::Plain;
    }

    /// Sends all pending output.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close_chunk();
        let socket = match &mut self.link {
            Link::Socket(socket) => socket,
            Link::Stream(stream) => return Poll::Ready(stream.check()),
            Link::None => return Poll::Ready(Ok(())),
        };
        while self.written < self.out.len() {
            let pending = self.out.get(self.written..).unwrap_or_default();
            let n = ready!(socket.poll_write(cx, &[IoSlice::new(pending)]))?;
            self.sent += n as u64;
            if trace::watches_data() {
                trace_sent(trace::key(socket.as_raw_fd(), 0), pending, n);
            }
            self.written += n;
        }
        self.written = 0;
        self.out.clear();
        socket.poll_flush(cx)
    }

    /// Drops output that can no longer be sent.
    pub fn drop_output(&mut self) {
        self.out.clear();
        self.written = 0;
    }

    /// Tells the peer that nothing more will come.
    pub fn shutdown(&mut self) {
        if !self.shut {
            self.shut = true;
            match &mut self.link {
                Link::Socket(socket) => socket.shutdown_write(),
                Link::Stream(stream) => stream.finish(None),
                Link::None => {}
            }
        }
    }
}

/// Reports the first `n` of these bytes.
#[cold]
fn trace_sent(key: u64, bytes: &[u8], n: usize) {
    trace::moved(key, Direction::Sent, n, bytes.get(..n).unwrap_or(bytes));
}

/// Text from the pool, which gets it back.
#[derive(Debug, Default)]
pub(super) struct Text(Vec<u8>);

impl std::ops::Deref for Text {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl std::ops::DerefMut for Text {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        give_text(std::mem::take(&mut self.0));
    }
}
