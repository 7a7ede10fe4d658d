//! The receiving half of a [`Conn`]: heads and bodies that come.

use super::{Conn, Link, Received};
use crate::io::{Buffer, Pipe};
use crate::mux::h2;
use crate::trace::{self, Direction};
use message::{FieldId, Head, Method};
use std::io;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};
use wire::h1::{
    self, ChunkDecoder, ChunkEvent, Framing, Limits, MessageFlags, Options, ParseError, Parsed,
};
use wire::websocket;

/// How the body being received is delimited.
#[derive(Debug, Default)]
pub(super) enum Reader {
    /// Nothing more belongs to the message.
    #[default]
    Done,
    Length(u64),
    Chunked(ChunkDecoder),
    UntilEnd,
}

impl Conn {
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
        if trace::watches_data() {
            self.trace_received(n);
        }
        Poll::Ready(Ok(Received::Bytes))
    }

    /// Reports the last `n` bytes of the input.
    #[cold]
    fn trace_received(&self, n: usize) {
        let bytes = self.input.bytes();
        let bytes = bytes
            .get(bytes.len().saturating_sub(n)..)
            .unwrap_or_default();
        if let Some(key) = self.trace_key() {
            trace::moved(key, Direction::Received, n, bytes);
        }
    }

    /// The key under which its bytes are noted for traces.
    pub fn trace_key(&self) -> Option<u64> {
        let fd = self.ask(AsRawFd::as_raw_fd)?;
        let stream = self.stream_facts().map_or(0, |facts| facts.id);
        Some(trace::key(fd, stream))
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
                // What is malformed can be looked at once more.
                let mut next = decoder.clone();
                let event = next.feed(self.input.bytes(), limits, &Options::default(), trailers)?;
                *decoder = next;
                match event {
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

    /// Looks at all of a chunked body that is at hand, and changes nothing.
    ///
    /// # Errors
    /// When chunks are malformed; the place is counted from the beginning of the input.
    pub fn check_chunks(&self, limits: &Limits) -> Result<(), h1::ParseError> {
        let Reader::Chunked(decoder) = &self.reader else {
            return Ok(());
        };
        let (mut decoder, mut trailers, mut at) = (decoder.clone(), Head::default(), 0);
        loop {
            let rest = self.input.bytes().get(at..).unwrap_or_default();
            let options = Options::default();
            match decoder.feed(rest, limits, &options, &mut trailers) {
                Ok(ChunkEvent::Data { offset, len }) => at += offset + len,
                Ok(ChunkEvent::NeedMore { .. } | ChunkEvent::End { .. }) => return Ok(()),
                Err(error) => {
                    let position = at + error.position;
                    return Err(h1::ParseError { position, ..error });
                }
            }
        }
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
        if trace::watches_data() && n > 0 {
            trace::moved(
                trace::key(socket.as_raw_fd(), 0),
                Direction::Received,
                n,
                &[],
            );
        }
        self.ended |= n == 0;
        if let Reader::Length(left) = &mut self.reader {
            *left -= (n as u64).min(*left);
            if *left == 0 {
                self.reader = Reader::Done;
            }
        }
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
