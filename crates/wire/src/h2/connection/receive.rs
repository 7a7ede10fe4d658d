//! Frames as they come in.

use super::{Connection, Event, Fault, GENEROUS, Partial, REFILL, Role, Step};
use crate::h2::frame::{Code, FrameHeader, HEADER, PREFACE, flag, kind, number, write_number};

impl<T> Connection<T> {
    /// Reads the beginning of `input`; to be called until it consumes nothing and says nothing.
    ///
    /// # Errors
    /// When the peer breaks the protocol; the connection is over once the output is sent.
    pub fn read<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, Fault>
    where
        T: Default,
    {
        let step = self.read_some(input);
        step.map_err(|code| self.fail(code))
    }

    pub(super) fn read_some<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, Code>
    where
        T: Default,
    {
        if self.preface_left > 0 {
            return self.read_preface(input);
        }
        let Some(partial) = self.partial else {
            let Some(header) = FrameHeader::read(input) else {
                return Ok(Step {
                    consumed: 0,
                    event: None,
                });
            };
            self.check_frame(header)?;
            self.check_state(header)?;
            if header.kind == kind::DATA || !is_known(header.kind) {
                self.count_frame(header);
                self.partial = Some(Partial {
                    header,
                    left: header.len,
                    padding: None,
                });
                return match header.len {
                    0 => self.read_partial(HEADER, &[]),
                    _ => Ok(Step {
                        consumed: HEADER,
                        event: None,
                    }),
                };
            }
            let Some(payload) = input.get(HEADER..HEADER + header.len) else {
                return Ok(Step {
                    consumed: 0,
                    event: None,
                });
            };
            self.count_frame(header);
            let event = self.frame(header, payload)?;
            return Ok(Step {
                consumed: HEADER + header.len,
                event,
            });
        };
        let most = partial.left.min(input.len());
        match most {
            0 if partial.left > 0 => Ok(Step {
                consumed: 0,
                event: None,
            }),
            _ => self.read_partial(0, input.get(..most).unwrap_or_default()),
        }
    }

    pub(super) fn read_preface<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, Code> {
        let left = PREFACE.len() - self.preface_left;
        let expected = PREFACE.get(left..).unwrap_or_default();
        let n = input.len().min(expected.len());
        if input.get(..n) != expected.get(..n) {
            return Err(Code::PROTOCOL);
        }
        self.preface_left -= n;
        Ok(Step {
            consumed: n,
            event: None,
        })
    }

    /// What every frame has to keep to.
    pub(super) fn check_frame(&mut self, header: FrameHeader) -> Result<(), Code> {
        if header.len > self.config.max_frame as usize {
            return Err(Code::FRAME_SIZE);
        }
        let in_section = self.section.as_ref().map(|(first, _)| first.stream);
        let goes_on = header.kind == kind::CONTINUATION;
        if in_section.is_some_and(|id| !goes_on || id != header.stream) {
            return Err(Code::PROTOCOL);
        }
        if !self.peer.known && (header.kind != kind::SETTINGS || header.has(flag::ACK)) {
            return Err(Code::PROTOCOL);
        }
        let of_stream = matches!(
            header.kind,
            kind::DATA | kind::HEADERS | kind::PRIORITY | kind::RST_STREAM | kind::CONTINUATION
        );
        let of_connection = matches!(header.kind, kind::SETTINGS | kind::PING | kind::GOAWAY);
        if (of_stream && header.stream == 0) || (of_connection && header.stream != 0) {
            return Err(Code::PROTOCOL);
        }
        if header.kind == kind::PUSH_PROMISE {
            return Err(Code::PROTOCOL);
        }
        Ok(())
    }

    /// What frames a stream may get in its state. Those for a stream that is gone are refused where they could carry a
    /// request.
    fn check_state(&mut self, header: FrameHeader) -> Result<(), Code> {
        let (id, kind) = (header.stream, header.kind);
        let opens = kind == kind::HEADERS;
        let stray = kind == kind::CONTINUATION;
        if id == 0 || self.section.is_some() {
            return Ok(());
        }
        if self.config.role == Role::Client {
            return if stray { Err(Code::PROTOCOL) } else { Ok(()) };
        }
        if self.is_idle(id) {
            return match opens || kind == kind::PRIORITY {
                true => Ok(()),
                false => Err(Code::PROTOCOL),
            };
        }
        let has_section = opens || stray;
        match self.streams.get(&id) {
            Some(stream) if stream.received_end && !stream.reset && has_section => {
                Err(self.quiet(Code::PROTOCOL))
            }
            Some(_) if stray => Err(Code::PROTOCOL),
            Some(_) => Ok(()),
            None if has_section => Err(self.quiet(Code::STREAM_CLOSED)),
            None if !is_known(kind) => self.late_frame(id),
            None => Ok(()),
        }
    }

    fn count_frame(&mut self, header: FrameHeader) {
        let first = u32::from(!self.peer.known);
        let counts = &mut self.counts;
        match header.kind {
            kind::HEADERS => counts.headers += 1,
            kind::DATA => counts.data += 1,
            kind::SETTINGS => counts.settings += 1 + first,
            kind::RST_STREAM => counts.resets += 1,
            kind::GOAWAY => counts.go_aways += 1,
            _ => {}
        }
    }

    /// A fault that HAProxy does not log.
    pub(super) fn quiet(&mut self, code: Code) -> Code {
        self.unlogged = true;
        code
    }

    /// Takes in a part of a DATA frame's payload, or skips one of an unknown frame's.
    pub(super) fn read_partial<'i>(
        &mut self,
        before: usize,
        payload: &'i [u8],
    ) -> Result<Step<'i>, Code> {
        let Some(mut partial) = self.partial.take() else {
            return Ok(Step {
                consumed: before,
                event: None,
            });
        };
        let (mut rest, mut consumed) = (payload, before);
        if partial.header.kind != kind::DATA {
            partial.left -= rest.len();
            self.partial = Some(partial).filter(|partial| partial.left > 0);
            return Ok(Step {
                consumed: before + rest.len(),
                event: None,
            });
        }
        let mut counted = 0;
        let padding = match partial.padding {
            Some(padding) => padding,
            None if !partial.header.has(flag::PADDED) => 0,
            None => {
                let (&padding, after) = rest.split_first().ok_or(Code::FRAME_SIZE)?;
                (rest, consumed, counted) = (after, consumed + 1, 1);
                partial.left -= 1;
                if usize::from(padding) > partial.left {
                    return Err(Code::PROTOCOL);
                }
                usize::from(padding)
            }
        };
        partial.padding = Some(padding);
        // Of a payload that comes in parts, some of the padding may have been skipped already.
        let body = partial.left.saturating_sub(padding);
        let data = rest.get(..rest.len().min(body)).unwrap_or_default();
        let skipped = match data.len() == body {
            true => rest.len() - data.len(),
            false => 0,
        };
        partial.left -= data.len() + skipped;
        consumed += data.len() + skipped;
        let header = partial.header;
        let over = partial.left == 0;
        if !over {
            self.partial = Some(partial);
        }
        let event = self.data(header, counted + data.len() + skipped, data, over)?;
        Ok(Step { consumed, event })
    }

    pub(super) fn data<'i>(
        &mut self,
        header: FrameHeader,
        counted: usize,
        data: &'i [u8],
        over: bool,
    ) -> Result<Option<Event<'i>>, Code> {
        self.return_connection_window(counted as u32);
        let id = header.stream;
        let end = over && header.has(flag::END_STREAM);
        let known = self.streams.contains_key(&id);
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.reset) else {
            return match known || !over {
                true => self.glitch_unless_idle(id).map(|()| None),
                false => self.late_frame(id).map(|()| None),
            };
        };
        if stream.received_end {
            return Ok(Some(self.reset_for(id, Code::STREAM_CLOSED)));
        }
        if !stream.has_head {
            return Err(Code::STREAM_CLOSED);
        }
        let mut outcome = stream.receive(counted, data.len());
        if end && data.is_empty() {
            outcome = outcome.and_then(|()| stream.receive_end());
        }
        if let Err(code) = outcome {
            return Ok(Some(self.reset_for(id, code)));
        }
        if data.is_empty() && !end && over {
            self.glitch()?;
        }
        if !data.is_empty() {
            if end {
                // The end is told by itself, with the next step.
                let header = FrameHeader { len: 0, ..header };
                self.partial = Some(Partial {
                    header,
                    left: 0,
                    padding: Some(0),
                });
            }
            return Ok(Some(Event::Data { stream: id, data }));
        }
        Ok(end.then_some(Event::End {
            stream: id,
            trailers: None,
        }))
    }

    /// A frame for a stream that is gone. It may have crossed the end; a client is told so again.
    fn late_frame(&mut self, id: u32) -> Result<(), Code> {
        self.glitch_unless_idle(id)?;
        self.counts.stream_faults += 1;
        if self.config.role == Role::Server {
            write_number(kind::RST_STREAM, id, Code::STREAM_CLOSED.0, &mut self.out);
        }
        Ok(())
    }

    fn glitch_unless_idle(&mut self, id: u32) -> Result<(), Code> {
        match self.is_idle(id) {
            true => Err(Code::PROTOCOL),
            false => self.glitch(),
        }
    }

    /// Whether nobody has opened a stream yet.
    pub(super) fn is_idle(&self, id: u32) -> bool {
        let own = (id % 2 == 1) == (self.config.role == Role::Client);
        match own {
            true => id >= self.next_own,
            false => id > self.highest_peer,
        }
    }

    pub(super) fn glitch(&mut self) -> Result<(), Code> {
        self.glitches = self.glitches.saturating_add(1);
        let most = self.config.max_glitches;
        if most == 0 {
            return Ok(());
        }
        // A client that is a little odd is asked to begin anew before it comes to the worst.
        if self.is_server() && self.glitches == most - most / 4 && self.glitches < most {
            let room = self.config.max_streams.saturating_sub(1).saturating_mul(2);
            self.write_last_stream(self.highest_peer.saturating_add(room), Code::NONE);
        }
        match self.glitches < most {
            true => Ok(()),
            false => Err(Code::CALM),
        }
    }

    /// A whole frame other than DATA.
    pub(super) fn frame<'i>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Option<Event<'i>>, Code>
    where
        T: Default,
    {
        match header.kind {
            kind::HEADERS => self.headers(header, payload),
            kind::CONTINUATION => self.continuation(header, payload),
            kind::PRIORITY if payload.len() != 5 => Err(Code::FRAME_SIZE),
            // A stream cannot depend on itself (RFC 7540, section 5.3.1).
            kind::PRIORITY if number(payload).map(|n| n & 0x7fff_ffff) == Some(header.stream) => {
                Err(self.quiet(Code::PROTOCOL))
            }
            kind::PRIORITY => Ok(None),
            kind::RST_STREAM => self.rst_stream(header.stream, payload),
            kind::SETTINGS => self.settings(header, payload),
            kind::PING => self.ping(header, payload).map(|()| None),
            kind::GOAWAY if payload.len() < 8 => Err(Code::FRAME_SIZE),
            kind::GOAWAY => {
                let last = number(payload).ok_or(Code::FRAME_SIZE)? & 0x7fff_ffff;
                self.peer_leaves = true;
                Ok(Some(Event::GoAway { last }))
            }
            kind::WINDOW_UPDATE => self.window_update(header.stream, payload),
            _ => Ok(None),
        }
    }

    /// Lets the peer send more on the connection once enough was received.
    pub(super) fn return_connection_window(&mut self, n: u32) {
        self.unreturned += n;
        let more = match self.raised {
            true if self.unreturned < REFILL => return,
            true => 0,
            false if n == 0 => return,
            false => GENEROUS,
        };
        write_number(
            kind::WINDOW_UPDATE,
            0,
            self.unreturned + more,
            &mut self.out,
        );
        self.raised = true;
        self.unreturned = 0;
    }

    pub(super) fn fail(&mut self, code: Code) -> Fault {
        if !self.failed {
            self.failed = true;
            self.counts.faults += 1;
            self.write_go_away(code);
        }
        for stream in self.streams.values_mut() {
            stream.reset = true;
        }
        Fault {
            code,
            logged: self.is_server() && !self.unlogged,
        }
    }

    /// Resets a stream for what the peer did.
    pub(super) fn reset_for<'i>(&mut self, id: u32, code: Code) -> Event<'i> {
        self.counts.stream_faults += 1;
        self.reset(id, code);
        Event::Reset {
            stream: id,
            code,
            by_peer: false,
            malformed: false,
        }
    }
}

/// Whether a frame type is one that means something here.
fn is_known(kind: u8) -> bool {
    kind <= kind::CONTINUATION
}
