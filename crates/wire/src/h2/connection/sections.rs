//! Field sections: requests, responses, trailers.

use super::{Connection, Event, Role};
use crate::h2::fields::{Malformed, Section, read_section};
use crate::h2::frame::{Code, FrameHeader, flag, kind, number, write_number};
use crate::h2::stream::Stream;
use message::{Head, Kind};

impl<T> Connection<T> {
    pub(super) fn headers<'i>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Option<Event<'i>>, Code>
    where
        T: Default,
    {
        let section = strip(header, payload)?;
        if payload.len() == usize::from(header.has(flag::PADDED)) + padding(header, payload) {
            return Err(Code::FRAME_SIZE);
        }
        if header.has(flag::END_HEADERS) {
            return self.section(header, section);
        }
        self.section = Some((header, section.to_vec()));
        Ok(None)
    }

    pub(super) fn continuation<'i>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Option<Event<'i>>, Code>
    where
        T: Default,
    {
        let Some((first, mut text)) = self.section.take() else {
            return Err(Code::PROTOCOL);
        };
        text.extend_from_slice(payload);
        if text.len() > self.config.limits.max_buffered {
            return Err(Code::CALM);
        }
        if header.has(flag::END_HEADERS) {
            return self.section(first, &text);
        }
        self.section = Some((first, text));
        // Parts that bring nothing only cost time.
        if payload.len() < 64 {
            self.glitch()?;
        }
        Ok(None)
    }

    /// A whole field section: a new request, a response, or trailers.
    pub(super) fn section<'i>(
        &mut self,
        header: FrameHeader,
        text: &[u8],
    ) -> Result<Option<Event<'i>>, Code>
    where
        T: Default,
    {
        let id = header.stream;
        let known = self
            .streams
            .get(&id)
            .map(|stream| (stream.reset, stream.received_end, stream.has_head));
        match known {
            Some((false, true, _)) => Err(self.quiet(Code::PROTOCOL)),
            Some((false, false, true)) => self.trailers(header, text),
            Some((false, false, false)) => self.response(header, text),
            Some((true, ..)) => self.drop_section(text),
            None if !self.is_idle(id) => {
                self.drop_section(text)?;
                self.glitch()?;
                write_number(kind::RST_STREAM, id, Code::STREAM_CLOSED.0, &mut self.out);
                Ok(None)
            }
            None if self.config.role == Role::Client || id.is_multiple_of(2) => Err(Code::PROTOCOL),
            None => self.request(header, text),
        }
    }

    /// Decodes a section that nobody wants, for the sake of the table.
    pub(super) fn drop_section<'i>(&mut self, text: &[u8]) -> Result<Option<Event<'i>>, Code> {
        let limit = self.config.limits.max_head;
        self.decoder
            .decode(text, limit, |_, _| {})
            .map_err(|_| Code::COMPRESSION)?;
        Ok(None)
    }

    pub(super) fn decode(
        &mut self,
        text: &[u8],
        trailers: bool,
    ) -> (Head, Result<Section, Malformed>) {
        let kind = match self.config.role {
            Role::Server => Kind::Request,
            Role::Client => Kind::Response,
        };
        let mut head = self.take_head();
        let limits = self.config.limits;
        let section = read_section(&mut self.decoder, text, kind, trailers, &limits, &mut head);
        (head, section)
    }

    pub(super) fn request<'i>(
        &mut self,
        header: FrameHeader,
        text: &[u8],
    ) -> Result<Option<Event<'i>>, Code>
    where
        T: Default,
    {
        let id = header.stream;
        self.highest_peer = id;
        self.opened += 1;
        let (head, section) = self.decode(text, false);
        let end = header.has(flag::END_STREAM);
        let (section, refused) = match section {
            Ok(section) => (section, false),
            Err(Malformed::Connection(code)) => return Err(code),
            Err(Malformed::Request) => (
                Section {
                    flags: Default::default(),
                    length: None,
                },
                true,
            ),
            Err(Malformed::Stream) => return self.refuse(id, head),
        };
        let crowded = self.is_crowded();
        if crowded || self.leaving {
            self.give_head(head);
            if crowded {
                self.glitch()?;
            }
            write_number(kind::RST_STREAM, id, Code::REFUSED.0, &mut self.out);
            return Ok(None);
        }
        let mut stream = self.new_stream();
        stream.has_head = true;
        stream.expected = section.length;
        if end && stream.receive_end().is_err() {
            return self.refuse(id, head);
        }
        let small = stream
            .expected
            .is_some_and(|n| n <= u64::from(self.config.initial_window));
        self.streams.insert(id, stream);
        self.counts.begun += 1;
        if !end && !small {
            self.raise(id);
        }
        let most = self.config.max_total_streams;
        if most > 0 && self.opened >= most {
            self.go_away();
        }
        Ok(Some(Event::Head {
            stream: id,
            head,
            section,
            end,
            refused,
        }))
    }

    pub(super) fn refuse<'i>(&mut self, id: u32, head: Head) -> Result<Option<Event<'i>>, Code> {
        self.give_head(head);
        self.glitch()?;
        self.counts.stream_faults += 1;
        write_number(kind::RST_STREAM, id, Code::PROTOCOL.0, &mut self.out);
        Ok(Some(Event::BadRequest))
    }

    pub(super) fn new_stream(&self) -> Stream<T>
    where
        T: Default,
    {
        let window = i64::from(self.config.initial_window);
        Stream::new(T::default(), self.peer.initial_window, window)
    }

    pub(super) fn response<'i>(
        &mut self,
        header: FrameHeader,
        text: &[u8],
    ) -> Result<Option<Event<'i>>, Code> {
        let id = header.stream;
        let (head, section) = self.decode(text, false);
        let section = match section {
            Ok(section) => section,
            Err(Malformed::Connection(code)) => return Err(code),
            Err(_) => return Ok(Some(self.reset_for(id, Code::PROTOCOL))),
        };
        let end = header.has(flag::END_STREAM);
        let interim = (100..200).contains(&head.status());
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(None);
        };
        stream.has_head = !interim;
        if !interim {
            stream.expected = section.length;
        }
        if end && (interim || stream.receive_end().is_err()) {
            return Ok(Some(self.reset_for(id, Code::PROTOCOL)));
        }
        if !end && !interim {
            self.raise(id);
        }
        Ok(Some(Event::Head {
            stream: id,
            head,
            section,
            end,
            refused: false,
        }))
    }

    pub(super) fn trailers<'i>(
        &mut self,
        header: FrameHeader,
        text: &[u8],
    ) -> Result<Option<Event<'i>>, Code> {
        let id = header.stream;
        let (head, section) = self.decode(text, true);
        if let Err(Malformed::Connection(code)) = section {
            return Err(code);
        }
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(None);
        };
        // Trailers end the stream (RFC 9113, section 8.1).
        if !header.has(flag::END_STREAM) {
            return Err(Code::PROTOCOL);
        }
        match stream.receive_end() {
            Ok(()) if section.is_ok() => Ok(Some(Event::End {
                stream: id,
                trailers: Some(head),
            })),
            _ => {
                self.glitch()?;
                self.counts.stream_faults += 1;
                self.reset(id, Code::PROTOCOL);
                Ok(Some(Event::Reset {
                    stream: id,
                    code: Code::PROTOCOL,
                    by_peer: false,
                    malformed: true,
                }))
            }
        }
    }
}

/// How many bytes of a HEADERS frame are padding.
fn padding(header: FrameHeader, payload: &[u8]) -> usize {
    let padding = payload.first().filter(|_| header.has(flag::PADDED));
    padding.map_or(0, |&n| usize::from(n))
}

/// The field section of a HEADERS frame without padding and priority.
fn strip(header: FrameHeader, payload: &[u8]) -> Result<&[u8], Code> {
    let mut section = payload;
    if header.has(flag::PADDED) {
        let (&padding, rest) = section.split_first().ok_or(Code::FRAME_SIZE)?;
        let len = rest
            .len()
            .checked_sub(usize::from(padding))
            .ok_or(Code::PROTOCOL)?;
        section = rest.get(..len).unwrap_or_default();
    }
    if header.has(flag::PRIORITY) {
        let dependency = number(section).ok_or(Code::FRAME_SIZE)? & 0x7fff_ffff;
        section = section.get(5..).ok_or(Code::FRAME_SIZE)?;
        // A stream cannot depend on itself (RFC 7540, section 5.3.1).
        if dependency == header.stream {
            return Err(Code::PROTOCOL);
        }
    }
    Ok(section)
}
