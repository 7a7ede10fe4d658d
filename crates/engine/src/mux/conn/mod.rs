//! One end of an exchange of messages: its bodies as HTTP/1 frames them, raw bytes, or a stream of HTTP/2.
//!
//! The same type serves clients and servers, HTTP and TCP: a raw stream is a body that lasts until the end, and so is the
//! body on a stream of HTTP/2.

mod receive;
mod send;

use self::receive::Reader;
use self::send::{Text, Writer};
use super::h2;
use crate::io::{Buffer, Transport};
use message::Head;
use std::task::{Context, Poll};

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Bytes.
    Bytes,
    /// The end of the stream.
    End,
    /// Nothing, because the buffer is full.
    Full,
}

/// How a peer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// It has closed its sending half.
    Closed,
    /// The connection is broken, or the stream was reset.
    Broken,
}

/// What carries the messages.
#[derive(Debug)]
enum Link {
    Socket(Transport),
    Stream(h2::Half),
    /// Nothing: for streams that only leave a log line.
    None,
}

/// One connection, or one stream of a connection, with its buffers.
#[derive(Debug)]
pub struct Conn {
    link: Link,
    /// Bytes received and not consumed.
    pub input: Buffer,
    ended: bool,
    reader: Reader,
    /// Bytes of body at the front of `input`.
    ready: usize,
    /// Fields behind a chunked body.
    trailers: Option<Box<Head>>,
    out: Text,
    written: usize,
    writer: Writer,
    /// Data of the chunk that is being gathered.
    chunk: Text,
    shut: bool,
    /// Bytes received in all.
    pub received: u64,
    /// Bytes sent in all.
    pub sent: u64,
}

impl Conn {
    /// A connection at its beginning.
    #[must_use]
    pub fn new(socket: Transport) -> Self {
        Self::over(Link::Socket(socket))
    }

    /// A stream of an HTTP/2 connection at its beginning.
    #[must_use]
    pub fn of_stream(stream: h2::Half) -> Self {
        Self::over(Link::Stream(stream))
    }

    /// An end that leads nowhere.
    #[must_use]
    pub fn unconnected() -> Self {
        Self::over(Link::None)
    }

    fn over(link: Link) -> Self {
        Self {
            link,
            input: Buffer::default(),
            ended: false,
            reader: Reader::Done,
            ready: 0,
            trailers: None,
            out: Text::default(),
            written: 0,
            writer: Writer::Plain,
            chunk: Text::default(),
            shut: false,
            received: 0,
            sent: 0,
        }
    }

    /// The socket, unless other streams use it as well.
    #[must_use]
    pub fn socket(&self) -> Option<&Transport> {
        match &self.link {
            Link::Socket(socket) => Some(socket),
            Link::Stream(_) | Link::None => None,
        }
    }

    /// The socket, to be changed, unless other streams use it as well.
    pub fn socket_mut(&mut self) -> Option<&mut Transport> {
        match &mut self.link {
            Link::Socket(socket) => Some(socket),
            Link::Stream(_) | Link::None => None,
        }
    }

    /// Whether there is a socket of its own without TLS.
    fn is_plain(&self) -> bool {
        self.socket().is_some_and(Transport::is_plain)
    }

    /// Asks the socket for something, whoever else uses it.
    pub fn ask<R>(&self, ask: impl FnOnce(&Transport) -> R) -> Option<R> {
        match &self.link {
            Link::Socket(socket) => Some(ask(socket)),
            Link::Stream(stream) => Some(stream.with_socket(ask)),
            Link::None => None,
        }
    }

    /// Takes the socket out, dropping what is buffered. `None` when other streams use it as well.
    #[must_use]
    pub fn into_socket(self) -> Option<Transport> {
        match self.link {
            Link::Socket(socket) => Some(socket),
            Link::Stream(_) | Link::None => None,
        }
    }

    /// Takes socket and input for another way of using them. `None` when other streams use the socket as well.
    #[must_use]
    pub fn into_parts(mut self) -> Option<(Transport, Buffer)> {
        let input = std::mem::take(&mut self.input);
        self.into_socket().map(|socket| (socket, input))
    }

    /// Whether this is one stream of several on its connection.
    #[must_use]
    pub fn is_multiplexed(&self) -> bool {
        matches!(self.link, Link::Stream(_))
    }

    /// What a stream of several tells of itself and of its connection.
    #[must_use]
    pub fn stream_facts(&self) -> Option<h2::Facts> {
        match &self.link {
            Link::Stream(stream) => Some(stream.facts()),
            _ => None,
        }
    }

    /// Whether the peer has ended its stream.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the peer has closed or broken its connection, or reset the stream. Bytes that come early are kept.
    pub fn poll_leaving(&mut self, cx: &mut Context<'_>) -> Option<Leaving> {
        if let Link::Stream(stream) = &mut self.link {
            let closed = stream.is_half_closed().then_some(Leaving::Closed);
            return match stream.poll_reset(cx) {
                true => Some(Leaving::Broken),
                false => closed,
            };
        }
        if self.ended {
            return Some(Leaving::Closed);
        }
        // A full buffer hides the end behind bytes that nobody reads yet.
        while !self.input.is_full() {
            match self.poll_fill(cx) {
                Poll::Ready(Ok(Received::End)) => return Some(Leaving::Closed),
                Poll::Ready(Err(_)) => return Some(Leaving::Broken),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return None,
            }
        }
        None
    }

    /// Whether this is a stream of HTTP/2 that its peer has reset or left.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        matches!(&self.link, Link::Stream(stream) if stream.is_reset())
    }

    /// Whether the peer of a stream of HTTP/2 has ended its half.
    #[must_use]
    pub fn has_received_end(&self) -> bool {
        matches!(&self.link, Link::Stream(stream) if stream.has_received_end())
    }

    /// Gives up a stream of HTTP/2; other connections are simply closed by their owners.
    pub fn abort(&mut self) {
        if let Link::Stream(stream) = &mut self.link {
            stream.abort();
        }
    }

    /// Waits until the server's settings are known, where it has any.
    pub fn poll_settings(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.link {
            Link::Stream(stream) => stream.poll_settings(cx),
            Link::Socket(_) | Link::None => Poll::Ready(()),
        }
    }

    /// Gives back the memory of an idle connection.
    pub fn rest(&mut self) {
        self.input.release_if_empty();
        if self.out.len() == self.written {
            self.written = 0;
            self.out = Text::default();
        }
        self.trailers = None;
    }
}
