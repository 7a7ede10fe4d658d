//! A connection and its streams.

use super::fields::{Malformed, Section, read_section};
use super::frame::{
    Code, FrameHeader, HEADER, MAX_PAYLOAD, PREFACE, flag, kind, number, setting, write_number,
    write_settings,
};
use super::hpack::Decoder;
use super::stream::{MAX_WINDOW, Stream};
use crate::h1::Limits;
use hashbrown::HashMap;
use message::{Head, Kind};

/// Which end of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The peer is a client.
    Server,
    /// The peer is a server.
    Client,
}

/// What this end announces and holds the peer to.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Which end this is.
    pub role: Role,
    /// How much a new stream may receive at first, in bytes (`tune.h2.*.initial-window-size`).
    pub initial_window: u32,
    /// How much a stream may receive at once when its body goes on, in bytes (`tune.h2.*.rxbuf`).
    pub stream_window: u32,
    /// How many streams may be open at a time (`tune.h2.*.max-concurrent-streams`).
    pub max_streams: u32,
    /// How many streams the connection may have in all, 0 for any number (`tune.h2.fe.max-total-streams`).
    pub max_total_streams: u32,
    /// How large HPACK's table may be, in bytes (`tune.h2.header-table-size`).
    pub header_table: u32,
    /// The largest payload of a frame that is received, in bytes (`tune.h2.max-frame-size`).
    pub max_frame: u32,
    /// How many oddities are put up with, 0 for any number (`tune.h2.*.glitches-threshold`).
    pub max_glitches: u32,
    /// How large heads may be.
    pub limits: Limits,
}

impl Config {
    /// The figures that HAProxy has by default.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            initial_window: 16_384,
            stream_window: 1_409_024,
            max_streams: 100,
            max_total_streams: 0,
            header_table: 4096,
            max_frame: MAX_PAYLOAD as u32,
            max_glitches: 0,
            limits: Limits::default(),
        }
    }
}

/// What a peer said in its settings.
#[derive(Debug, Clone, Copy)]
struct PeerSettings {
    initial_window: i64,
    max_streams: u32,
    max_frame: usize,
    connect_protocol: bool,
    /// Whether the first settings have come.
    known: bool,
}

/// Something that happened on a connection.
#[derive(Debug)]
pub enum Event<'i> {
    /// A head: of a new request, of a response, or of an interim response.
    Head {
        /// The stream.
        stream: u32,
        /// The head.
        head: Head,
        /// What the section said.
        section: Section,
        /// The message has no body.
        end: bool,
        /// The request is to be answered with status 400.
        refused: bool,
    },
    /// A part of a body.
    Data {
        /// The stream.
        stream: u32,
        /// The bytes.
        data: &'i [u8],
    },
    /// The peer has ended its half of a stream, with trailers or without.
    End {
        /// The stream.
        stream: u32,
        /// Fields behind the body.
        trailers: Option<Head>,
    },
    /// A stream was reset by the peer, or by this end for what the peer did.
    Reset {
        /// The stream.
        stream: u32,
        /// Why.
        code: Code,
        /// The peer did so.
        by_peer: bool,
    },
    /// A request that could not be understood; its stream is reset already.
    BadRequest,
    /// Streams may send more: one, or all of them.
    Writable(Option<u32>),
    /// The peer's settings have changed.
    Settings,
    /// The peer takes no new streams; those above the number were not processed.
    GoAway {
        /// The last stream that the peer may have processed.
        last: u32,
    },
}

/// What a step of reading did.
#[derive(Debug)]
pub struct Step<'i> {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// What happened, if anything.
    pub event: Option<Event<'i>>,
}

/// The connection is broken; GOAWAY is in the output already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault(pub Code);

/// The frame whose payload is being received in parts.
#[derive(Debug, Clone, Copy)]
struct Partial {
    header: FrameHeader,
    /// Payload still to come, padding included.
    left: usize,
    /// Padding at its end; `None` until the byte that says so has come.
    padding: Option<usize>,
}

/// A frame in the output that may still be changed.
#[derive(Debug, Clone, Copy)]
struct LastFrame {
    stream: u32,
    /// Where its header begins.
    at: usize,
    /// It may grow, being the last of all and a DATA frame.
    data: Option<usize>,
}

/// A connection without its socket.
///
/// `T` is what the owner keeps with each stream. A stream lives until [`Connection::close`], so that one whose request is
/// still being worked on counts even when the peer has reset it.
#[derive(Debug)]
pub struct Connection<T> {
    config: Config,
    peer: PeerSettings,
    decoder: Decoder,
    streams: HashMap<u32, Stream<T>>,
    out: Vec<u8>,
    sent: usize,
    /// The last frame of a stream in `out`, as long as none of it is sent.
    last_frame: Option<LastFrame>,
    send_window: i64,
    /// Received bytes that the peer's window has not got back.
    unreturned: u32,
    partial: Option<Partial>,
    /// Field section in parts: its HEADERS frame and what has come.
    section: Option<(FrameHeader, Vec<u8>)>,
    spare: Vec<Head>,
    preface_left: usize,
    highest_peer: u32,
    next_own: u32,
    opened: u32,
    glitches: u32,
    /// The connection's window has its full size.
    raised: bool,
    /// Streams whose windows have their full size.
    raised_streams: u32,
    /// The peer takes no new streams.
    peer_leaves: bool,
    /// The peer was told that no new streams are taken.
    leaving: bool,
    failed: bool,
}

/// How much the connection's window is short of before it is refilled, in bytes.
const REFILL: u32 = 1 << 20;
/// What the connection's window is raised by at first: streams' windows and their number bound the memory.
const GENEROUS: u32 = 0x7fff_0000;
/// How much output is gathered before streams have to wait, in bytes.
const GATHERED: usize = 65_536;
/// How many heads are kept for later.
const SPARE: usize = 8;

impl<T> Connection<T> {
    /// A connection at its beginning; settings, and a client's preface, are in its output.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let mut out = Vec::new();
        let client = config.role == Role::Client;
        let mut settings = Vec::with_capacity(6);
        if client {
            out.extend_from_slice(PREFACE);
            settings.push((setting::ENABLE_PUSH, 0));
        }
        if config.header_table != 4096 {
            settings.push((setting::HEADER_TABLE_SIZE, config.header_table));
        }
        settings.push((setting::ENABLE_CONNECT_PROTOCOL, 1));
        settings.push((setting::INITIAL_WINDOW_SIZE, config.initial_window));
        settings.push((setting::MAX_CONCURRENT_STREAMS, config.max_streams));
        if config.max_frame as usize != MAX_PAYLOAD {
            settings.push((setting::MAX_FRAME_SIZE, config.max_frame));
        }
        write_settings(&settings, &mut out);
        Self {
            config,
            peer: PeerSettings {
                initial_window: 65_535,
                max_streams: u32::MAX,
                max_frame: MAX_PAYLOAD,
                connect_protocol: false,
                known: false,
            },
            decoder: Decoder::new(config.header_table as usize),
            streams: HashMap::new(),
            out,
            sent: 0,
            last_frame: None,
            send_window: 65_535,
            unreturned: 0,
            partial: None,
            section: None,
            spare: Vec::new(),
            preface_left: if client { 0 } else { PREFACE.len() },
            highest_peer: 0,
            next_own: 1,
            opened: 0,
            glitches: 0,
            raised: false,
            raised_streams: 0,
            peer_leaves: false,
            leaving: false,
            failed: false,
        }
    }

    /// Whether the peer is a client.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.config.role == Role::Server
    }

    /// How many streams there are.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// How many streams there have been.
    #[must_use]
    pub fn opened(&self) -> u32 {
        self.opened
    }

    /// The last stream that the peer has opened.
    #[must_use]
    pub fn highest_peer_stream(&self) -> u32 {
        self.highest_peer
    }

    /// How many oddities the peer has shown.
    #[must_use]
    pub fn glitches(&self) -> u32 {
        self.glitches
    }

    /// Whether the peer's first settings have come.
    #[must_use]
    pub fn has_settings(&self) -> bool {
        self.peer.known
    }

    /// Whether the peer understands the extended CONNECT (RFC 8441).
    #[must_use]
    pub fn peer_takes_protocols(&self) -> bool {
        self.peer.connect_protocol
    }

    /// The owner's part of a stream.
    pub fn link(&mut self, stream: u32) -> Option<&mut T> {
        self.streams.get_mut(&stream).map(|stream| &mut stream.link)
    }

    /// The owner's parts of all streams.
    pub fn links(&mut self) -> impl Iterator<Item = &mut T> {
        self.streams.values_mut().map(|stream| &mut stream.link)
    }

    /// Gives up the streams above `last`, which the peer will not process, telling `each` of their owners.
    pub fn abandon_above(&mut self, last: u32, mut each: impl FnMut(&mut T)) {
        let own = u32::from(self.config.role == Role::Client);
        for (id, stream) in &mut self.streams {
            if *id > last && id % 2 == own {
                stream.reset = true;
                each(&mut stream.link);
            }
        }
    }

    /// What is to be sent.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.out.get(self.sent..).unwrap_or_default()
    }

    /// Says that `n` pending bytes were sent.
    pub fn sent(&mut self, n: usize) {
        self.sent = (self.sent + n).min(self.out.len());
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
            self.last_frame = None;
        } else if self.last_frame.is_some_and(|last| last.at < self.sent) {
            self.last_frame = None;
        }
    }

    /// Gives back the memory of an idle connection.
    pub fn rest(&mut self) {
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        if self.streams.is_empty() {
            self.streams.shrink_to(0);
            self.spare.clear();
        }
    }

    /// Whether so much is to be sent that reading more should wait.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        self.pending().len() > GATHERED
    }

    /// A head to be filled, used before if possible.
    pub fn take_head(&mut self) -> Head {
        self.spare.pop().unwrap_or_default()
    }

    /// Keeps a head for another message.
    pub fn give_head(&mut self, head: Head) {
        if self.spare.len() < SPARE {
            self.spare.push(head);
        }
    }

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

    fn read_some<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, Code>
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
            if header.kind == kind::DATA || !is_known(header.kind) {
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

    fn read_preface<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, Code> {
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
    fn check_frame(&mut self, header: FrameHeader) -> Result<(), Code> {
        if header.len > self.config.max_frame as usize {
            return Err(Code::FRAME_SIZE);
        }
        let in_section = self.section.as_ref().map(|(first, _)| first.stream);
        let goes_on = header.kind == kind::CONTINUATION;
        if in_section.is_some() != goes_on || in_section.is_some_and(|id| id != header.stream) {
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

    /// Takes in a part of a DATA frame's payload, or skips one of an unknown frame's.
    fn read_partial<'i>(&mut self, before: usize, payload: &'i [u8]) -> Result<Step<'i>, Code> {
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
        let data = rest
            .get(..rest.len().min(partial.left - padding))
            .unwrap_or_default();
        let skipped = match data.len() == partial.left - padding {
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

    fn data<'i>(
        &mut self,
        header: FrameHeader,
        counted: usize,
        data: &'i [u8],
        over: bool,
    ) -> Result<Option<Event<'i>>, Code> {
        self.return_connection_window(counted as u32);
        let id = header.stream;
        let end = over && header.has(flag::END_STREAM);
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.reset) else {
            return self.late_frame(id).map(|()| None);
        };
        if stream.received_end || !stream.has_head {
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

    /// A frame for a stream that is gone: it may have crossed the end.
    fn late_frame(&mut self, id: u32) -> Result<(), Code> {
        if self.is_idle(id) {
            return Err(Code::PROTOCOL);
        }
        self.glitch()
    }

    /// Whether nobody has opened a stream yet.
    fn is_idle(&self, id: u32) -> bool {
        let own = (id % 2 == 1) == (self.config.role == Role::Client);
        match own {
            true => id >= self.next_own,
            false => id > self.highest_peer,
        }
    }

    fn glitch(&mut self) -> Result<(), Code> {
        self.glitches = self.glitches.saturating_add(1);
        match self.config.max_glitches {
            0 => Ok(()),
            most if self.glitches <= most => Ok(()),
            _ => Err(Code::CALM),
        }
    }

    /// A whole frame other than DATA.
    fn frame<'i>(&mut self, header: FrameHeader, payload: &[u8]) -> Result<Option<Event<'i>>, Code>
    where
        T: Default,
    {
        match header.kind {
            kind::HEADERS => self.headers(header, payload),
            kind::CONTINUATION => self.continuation(header, payload),
            kind::PRIORITY if payload.len() != 5 => Err(Code::FRAME_SIZE),
            kind::PRIORITY => Ok(None),
            kind::RST_STREAM => self.rst_stream(header.stream, payload),
            kind::SETTINGS => self.settings(header, payload),
            kind::PING => self.ping(header, payload).map(|()| None),
            kind::GOAWAY => {
                let last = number(payload).ok_or(Code::FRAME_SIZE)? & 0x7fff_ffff;
                self.peer_leaves = true;
                Ok(Some(Event::GoAway { last }))
            }
            kind::WINDOW_UPDATE => self.window_update(header.stream, payload),
            _ => Ok(None),
        }
    }

    fn headers<'i>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Option<Event<'i>>, Code>
    where
        T: Default,
    {
        let section = strip(header, payload)?;
        if header.has(flag::END_HEADERS) {
            return self.section(header, section);
        }
        self.section = Some((header, section.to_vec()));
        Ok(None)
    }

    fn continuation<'i>(
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
    fn section<'i>(&mut self, header: FrameHeader, text: &[u8]) -> Result<Option<Event<'i>>, Code>
    where
        T: Default,
    {
        let id = header.stream;
        let known = self
            .streams
            .get(&id)
            .map(|stream| (stream.reset, stream.received_end, stream.has_head));
        match known {
            Some((false, true, _)) => Err(Code::STREAM_CLOSED),
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
    fn drop_section<'i>(&mut self, text: &[u8]) -> Result<Option<Event<'i>>, Code> {
        let limit = self.config.limits.max_head;
        self.decoder
            .decode(text, limit, |_, _| {})
            .map_err(|_| Code::COMPRESSION)?;
        Ok(None)
    }

    fn decode(&mut self, text: &[u8], trailers: bool) -> (Head, Result<Section, Malformed>) {
        let kind = match self.config.role {
            Role::Server => Kind::Request,
            Role::Client => Kind::Response,
        };
        let mut head = self.take_head();
        let limits = self.config.limits;
        let section = read_section(&mut self.decoder, text, kind, trailers, &limits, &mut head);
        (head, section)
    }

    fn request<'i>(&mut self, header: FrameHeader, text: &[u8]) -> Result<Option<Event<'i>>, Code>
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
        let crowded = self.streams.len() >= self.config.max_streams as usize;
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

    fn refuse<'i>(&mut self, id: u32, head: Head) -> Result<Option<Event<'i>>, Code> {
        self.give_head(head);
        self.glitch()?;
        write_number(kind::RST_STREAM, id, Code::PROTOCOL.0, &mut self.out);
        Ok(Some(Event::BadRequest))
    }

    fn new_stream(&self) -> Stream<T>
    where
        T: Default,
    {
        let window = i64::from(self.config.initial_window);
        Stream::new(T::default(), self.peer.initial_window, window)
    }

    fn response<'i>(
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

    fn trailers<'i>(
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
        let sound = section.is_ok() && header.has(flag::END_STREAM);
        match stream.receive_end() {
            Ok(()) if sound => Ok(Some(Event::End {
                stream: id,
                trailers: Some(head),
            })),
            _ => Ok(Some(self.reset_for(id, Code::PROTOCOL))),
        }
    }

    fn rst_stream<'i>(&mut self, id: u32, payload: &[u8]) -> Result<Option<Event<'i>>, Code> {
        let code = number(payload)
            .filter(|_| payload.len() == 4)
            .ok_or(Code::FRAME_SIZE)?;
        if self.is_idle(id) {
            return Err(Code::PROTOCOL);
        }
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.reset) else {
            return Ok(None);
        };
        stream.reset = true;
        Ok(Some(Event::Reset {
            stream: id,
            code: Code(code),
            by_peer: true,
        }))
    }

    fn settings<'i>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Option<Event<'i>>, Code> {
        if header.has(flag::ACK) {
            return if payload.is_empty() {
                Ok(None)
            } else {
                Err(Code::FRAME_SIZE)
            };
        }
        if !payload.len().is_multiple_of(6) {
            return Err(Code::FRAME_SIZE);
        }
        for setting in payload.chunks_exact(6) {
            if let [a, b, value @ ..] = setting {
                let value = number(value).unwrap_or(0);
                self.setting(u16::from_be_bytes([*a, *b]), value)?;
            }
        }
        self.peer.known = true;
        FrameHeader {
            len: 0,
            kind: kind::SETTINGS,
            flags: flag::ACK,
            stream: 0,
        }
        .write(&mut self.out);
        Ok(Some(Event::Settings))
    }

    fn setting(&mut self, id: u16, value: u32) -> Result<(), Code> {
        match id {
            setting::ENABLE_PUSH if value > 1 => return Err(Code::PROTOCOL),
            setting::MAX_CONCURRENT_STREAMS => self.peer.max_streams = value,
            setting::INITIAL_WINDOW_SIZE => {
                if i64::from(value) > MAX_WINDOW {
                    return Err(Code::FLOW_CONTROL);
                }
                let change = i64::from(value) - self.peer.initial_window;
                self.peer.initial_window = i64::from(value);
                for stream in self.streams.values_mut() {
                    stream.send_window += change;
                    if stream.send_window > MAX_WINDOW {
                        return Err(Code::FLOW_CONTROL);
                    }
                }
            }
            setting::MAX_FRAME_SIZE => {
                let size = value as usize;
                if !(MAX_PAYLOAD..=0xff_ffff).contains(&size) {
                    return Err(Code::PROTOCOL);
                }
                self.peer.max_frame = size.min(GATHERED);
            }
            setting::ENABLE_CONNECT_PROTOCOL if value > 1 => return Err(Code::PROTOCOL),
            setting::ENABLE_CONNECT_PROTOCOL => self.peer.connect_protocol = value == 1,
            _ => {}
        }
        Ok(())
    }

    fn ping(&mut self, header: FrameHeader, payload: &[u8]) -> Result<(), Code> {
        if payload.len() != 8 {
            return Err(Code::FRAME_SIZE);
        }
        if !header.has(flag::ACK) {
            FrameHeader {
                flags: flag::ACK,
                ..header
            }
            .write(&mut self.out);
            self.out.extend_from_slice(payload);
        }
        Ok(())
    }

    fn window_update<'i>(&mut self, id: u32, payload: &[u8]) -> Result<Option<Event<'i>>, Code> {
        let change = number(payload)
            .filter(|_| payload.len() == 4)
            .ok_or(Code::FRAME_SIZE)?;
        let change = i64::from(change & 0x7fff_ffff);
        if id == 0 {
            self.send_window += change;
            if change == 0 {
                return Err(Code::PROTOCOL);
            }
            return match self.send_window > MAX_WINDOW {
                true => Err(Code::FLOW_CONTROL),
                false => Ok(Some(Event::Writable(None))),
            };
        }
        if self.is_idle(id) {
            return Err(Code::PROTOCOL);
        }
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.reset) else {
            return Ok(None);
        };
        stream.send_window += change;
        if change == 0 {
            return Ok(Some(self.reset_for(id, Code::PROTOCOL)));
        }
        if stream.send_window > MAX_WINDOW {
            return Ok(Some(self.reset_for(id, Code::FLOW_CONTROL)));
        }
        Ok(Some(Event::Writable(Some(id))))
    }

    /// Lets the peer send more on the connection once enough was received.
    fn return_connection_window(&mut self, n: u32) {
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

    fn fail(&mut self, code: Code) -> Fault {
        if !self.failed {
            self.failed = true;
            self.write_go_away(code);
        }
        for stream in self.streams.values_mut() {
            stream.reset = true;
        }
        Fault(code)
    }

    /// Resets a stream for what the peer did.
    fn reset_for<'i>(&mut self, id: u32, code: Code) -> Event<'i> {
        self.reset(id, code);
        Event::Reset {
            stream: id,
            code,
            by_peer: false,
        }
    }
}

/// Whether a frame type is one that means something here.
fn is_known(kind: u8) -> bool {
    kind <= kind::CONTINUATION
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

mod send;
#[cfg(test)]
mod tests;
