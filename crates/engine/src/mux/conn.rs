//! One end of an exchange of messages: its bodies as HTTP/1 frames them, raw bytes, or a stream of HTTP/2.
//!
//! The same type serves clients and servers, HTTP and TCP: a raw stream is a body that lasts until the end, and so is the
//! body on a stream of HTTP/2.

use super::h2;
use crate::io::{Buffer, Pipe, Transport, give_text, take_text};
use message::{FieldId, Head, Method};
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use wire::h1::{
    self, CaseMap, ChunkDecoder, ChunkEvent, ConnectionHeader, Framing, Limits, MessageFlags,
    Options, ParseError, Parsed,
};
use wire::websocket;

/// How many bytes of chunked data and other output are gathered before they are sent, at most.
const GATHERED: usize = 65_536;

/// The most that is copied behind pending output rather than sent from where it is, in bytes.
const SMALL: usize = 4096;

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

/// How the body being received is delimited.
#[derive(Debug, Default)]
enum Reader {
    /// Nothing more belongs to the message.
    #[default]
    Done,
    Length(u64),
    Chunked(ChunkDecoder),
    UntilEnd,
}

/// How the body being sent is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Writer {
    /// As it comes.
    #[default]
    Plain,
    Chunked,
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

    /// Tries to read a request's head; `None` when it is not complete. The body's first bytes are looked for at once.
    ///
    /// # Errors
    /// When the request must be refused.
    pub fn read_request(
        &mut self,
        limits: &Limits,
        options: &Options,
        head: &mut Head,
    ) -> Result<Option<(Framing, MessageFlags)>, ParseError> {
        if let Link::Stream(stream) = &mut self.link {
            let found = stream.take_head(head);
            if found.as_ref().is_some_and(|found| found.refused) {
                return Err(ParseError::of(h1::ErrorKind::Target));
            }
            let mut found = self.adopt(found);
            if let Some((framing, flags)) = &mut found
                && (flags.upgrade || head.method() == Method::Connect)
            {
                // What comes next belongs to the tunnel, if there is to be one.
                *framing = Framing::None;
                self.reader = Reader::Done;
            }
            return Ok(found);
        }
        let parsed = h1::parse_request(self.input.bytes(), limits, options, head)?;
        Ok(self.take_parsed(parsed))
    }

    fn take_parsed(&mut self, parsed: Parsed) -> Option<(Framing, MessageFlags)> {
        let Parsed::Done {
            consumed,
            framing,
            flags,
        } = parsed
        else {
            return None;
        };
        self.input.consume(consumed);
        self.expect_body(framing);
        Some((framing, flags))
    }

    /// Tries to read a response's head, as [`Conn::read_request`] does a request's.
    ///
    /// # Errors
    /// When the response is malformed.
    pub fn read_response(
        &mut self,
        request: &Head,
        limits: &Limits,
        options: &Options,
        head: &mut Head,
    ) -> Result<Option<(Framing, MessageFlags)>, ParseError> {
        if let Link::Stream(stream) = &mut self.link {
            let found = stream.take_head(head);
            let upgraded = found.as_ref().is_some_and(|found| found.upgraded);
            let mut found = self.adopt(found);
            if let Some((framing, flags)) = &mut found {
                complete_response(request, head, upgraded, framing, flags);
            }
            return Ok(found);
        }
        if self.input.is_empty() {
            return Ok(None);
        }
        let parsed =
            h1::parse_response(self.input.bytes(), request.method(), limits, options, head)?;
        Ok(self.take_parsed(parsed))
    }

    /// Takes note of what a head on a stream says of its body.
    fn adopt(&mut self, found: Option<h2::Found>) -> Option<(Framing, MessageFlags)> {
        let found = found?;
        self.received += 1;
        self.ready = 0;
        self.trailers = None;
        self.ended = found.end;
        self.reader = match found.end {
            true => Reader::Done,
            false => Reader::UntilEnd,
        };
        Some((found.framing, found.flags))
    }

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

    /// Receives more bytes into the input buffer.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Received>> {
        if self.ended {
            return Poll::Ready(Ok(Received::End));
        }
        let fresh = self.input.is_empty();
        if !fresh && self.input.room().is_empty() {
            return Poll::Ready(Ok(Received::Full));
        }
        // Waiting holds no memory: room is made when there is something to read.
        let input = &mut self.input;
        let read = match &mut self.link {
            Link::Socket(socket) => socket.poll_read_into(cx, || input.room()),
            Link::Stream(stream) => {
                if fresh && ready!(stream.poll_readable(cx))? == h2::Readable::Head {
                    return Poll::Ready(Ok(Received::Bytes));
                }
                stream.poll_read(cx, input.room())
            }
            Link::None => Poll::Ready(Ok(0)),
        };
        if fresh && !matches!(read, Poll::Ready(Ok(1..))) {
            self.input.release_if_empty();
        }
        let n = ready!(read)?;
        if n == 0 {
            self.ended = true;
            if let Link::Stream(stream) = &mut self.link {
                self.trailers = stream.take_trailers();
            }
            return Poll::Ready(Ok(Received::End));
        }
        self.input.fill(n);
        self.received += n as u64;
        Poll::Ready(Ok(Received::Bytes))
    }

    /// Says how the body that follows in the input is delimited.
    pub fn expect_body(&mut self, framing: Framing) {
        self.ready = 0;
        self.trailers = None;
        self.reader = match framing {
            Framing::None | Framing::Length(0) => Reader::Done,
            Framing::Length(n) => Reader::Length(n),
            Framing::Chunked => Reader::Chunked(ChunkDecoder::new()),
            Framing::UntilClose | Framing::Tunnel => Reader::UntilEnd,
        };
    }

    /// Takes what has already come for a stream, so that a head and its body travel on together.
    fn pull(&mut self) {
        if let Link::Stream(stream) = &mut self.link
            && self.input.is_empty()
            && stream.has_body()
        {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let _ = self.poll_fill(&mut cx);
        }
    }

    /// Looks for body bytes in the input, so that [`Conn::payload`] shows them.
    ///
    /// # Errors
    /// When chunks are malformed.
    pub fn decode(&mut self, limits: &Limits) -> Result<(), h1::ParseError> {
        self.pull();
        match &mut self.reader {
            Reader::Done => {}
            Reader::Chunked(_) if self.ready > 0 => {}
            Reader::Length(left) => {
                self.ready = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(self.input.len())
            }
            Reader::UntilEnd => self.ready = self.input.len(),
            Reader::Chunked(decoder) => {
                let trailers = self.trailers.get_or_insert_with(Box::default);
                match decoder.feed(self.input.bytes(), limits, &Options::default(), trailers)? {
                    ChunkEvent::Data { offset, len } => {
                        self.input.consume(offset);
                        self.ready = len;
                    }
                    ChunkEvent::NeedMore { consumed } => self.input.consume(consumed),
                    ChunkEvent::End { consumed } => {
                        self.input.consume(consumed);
                        self.reader = Reader::Done;
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks for body bytes as [`Conn::decode`] does, but brings what stands in several chunks together, for those who want
    /// to see the whole body.
    ///
    /// # Errors
    /// When chunks are malformed.
    pub fn gather(&mut self, limits: &Limits) -> Result<(), h1::ParseError> {
        let Reader::Chunked(decoder) = &mut self.reader else {
            return self.decode(limits);
        };
        let trailers = self.trailers.get_or_insert_with(Box::default);
        loop {
            let rest = self.input.bytes().get(self.ready..).unwrap_or_default();
            match decoder.feed(rest, limits, &Options::default(), trailers)? {
                ChunkEvent::Data { offset, len } => {
                    self.input.cut(self.ready, offset);
                    self.ready += len;
                }
                ChunkEvent::NeedMore { consumed } => {
                    self.input.cut(self.ready, consumed);
                    return Ok(());
                }
                ChunkEvent::End { consumed } => {
                    self.input.cut(self.ready, consumed);
                    self.reader = Reader::Done;
                    return Ok(());
                }
            }
        }
    }

    /// Body bytes at hand.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.input.bytes().get(..self.ready).unwrap_or_default()
    }

    /// Drops `n` body bytes that were passed on.
    pub fn consume(&mut self, n: usize) {
        let n = n.min(self.ready);
        self.ready -= n;
        self.input.consume(n);
        if let Reader::Length(left) = &mut self.reader {
            *left -= (n as u64).min(*left);
            if *left == 0 {
                self.reader = Reader::Done;
            }
        }
    }

    /// How many bytes of the body that are still to come may bypass the buffers: all of a raw stream's, or the rest of a
    /// body of known length; 0 when there are bytes in the buffer or the body is chunked.
    #[must_use]
    pub fn unbuffered(&self) -> u64 {
        if !self.input.is_empty() || self.ended || !self.is_plain() {
            return 0;
        }
        match self.reader {
            Reader::Length(left) => left,
            Reader::UntilEnd => u64::MAX,
            Reader::Done | Reader::Chunked(_) => 0,
        }
    }

    /// Whether bytes may be sent past the output buffer.
    #[must_use]
    pub fn sends_plainly(&self) -> bool {
        self.writer == Writer::Plain && self.is_plain() && self.is_flushed()
    }

    /// Receives up to `most` bytes of the body into an empty pipe; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn poll_fill_pipe(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let Link::Socket(socket) = &mut self.link else {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        };
        let n = ready!(socket.poll_splice_into(cx, pipe, most))?;
        self.received += n as u64;
        self.ended |= n == 0;
        if let Reader::Length(left) = &mut self.reader {
            *left -= (n as u64).min(*left);
            if *left == 0 {
                self.reader = Reader::Done;
            }
        }
        Poll::Ready(Ok(n))
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

    /// Whether the message being received is complete and passed on.
    #[must_use]
    pub fn is_message_over(&self) -> bool {
        self.ready == 0
            && match self.reader {
                Reader::Done => true,
                Reader::UntilEnd => self.ended && self.input.is_empty(),
                Reader::Length(_) | Reader::Chunked(_) => false,
            }
    }

    /// Whether the whole rest of the body is in the input buffer.
    #[must_use]
    pub fn is_body_at_hand(&self) -> bool {
        match self.reader {
            Reader::Done => true,
            Reader::Length(left) => self.ready as u64 >= left,
            Reader::UntilEnd | Reader::Chunked(_) => self.ended,
        }
    }

    /// Whether the input is the rest of a body of known length, and nothing else.
    #[must_use]
    pub fn is_all_at_hand(&self) -> bool {
        matches!(self.reader, Reader::Length(left) if left == self.input.len() as u64)
            && self.ready == self.input.len()
    }

    /// Takes the input for the rest of the body, which is over then.
    #[must_use]
    pub fn take_rest(&mut self) -> Buffer {
        (self.ready, self.reader) = (0, Reader::Done);
        std::mem::take(&mut self.input)
    }

    /// Whether what is sent reaches the peer as it is.
    #[must_use]
    pub fn writes_plainly(&self) -> bool {
        self.writer == Writer::Plain && matches!(self.link, Link::Socket(_))
    }

    /// Whether the peer ended its stream in the middle of a message.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.ended
            && matches!(self.reader, Reader::Length(_) | Reader::Chunked(_))
            && self.ready == 0
    }

    /// What the end of the body adds to byte counts, as HAProxy counts: a mark behind the chunks, and the trailers.
    #[must_use]
    pub fn end_size(&self) -> u64 {
        self.trailers.as_deref().map_or(0, |trailers| {
            let fields: usize = trailers
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum();
            1 + fields as u64
        })
    }

    /// Fields behind a chunked body that is over.
    #[must_use]
    pub fn trailers(&self) -> Option<&Head> {
        self.trailers.as_deref().filter(|head| !head.is_empty())
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
                return Poll::Ready(Ok(n));
            }
            Link::None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        if self.written == self.out.len() && self.chunk.is_empty() {
            let n = ready!(socket.poll_write(cx, &[IoSlice::new(payload)]))?;
            self.sent += n as u64;
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

    /// Whether the peer was told that nothing more will come.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.shut
    }
}

/// Gives a response of HTTP/2 what HTTP/1 would have said with it.
fn complete_response(
    request: &Head,
    head: &mut Head,
    upgraded: bool,
    framing: &mut Framing,
    flags: &mut MessageFlags,
) {
    let success = (200..300).contains(&head.status());
    if upgraded && success {
        head.set_status(101, h1::reason(101).as_bytes());
        head.push_known(FieldId::Connection, b"upgrade");
        let protocol = request.known(FieldId::Upgrade).unwrap_or_default();
        head.push_known(FieldId::Upgrade, protocol);
        if let Some(key) = request.known(FieldId::SecWebSocketKey) {
            head.push_known(
                FieldId::SecWebSocketAccept,
                websocket::accept(key).as_bytes(),
            );
        }
        flags.upgrade = true;
        *framing = Framing::Tunnel;
    } else if request.method() == Method::Connect && success {
        *framing = Framing::Tunnel;
    } else if *framing == Framing::None
        && request.method() != Method::Head
        && !matches!(head.status(), 100..200 | 204 | 304)
    {
        *framing = Framing::Length(0);
    }
}

/// Text from the pool, which gets it back.
#[derive(Debug, Default)]
struct Text(Vec<u8>);

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
