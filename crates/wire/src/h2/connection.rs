//! A connection and its streams.

use super::fields::Section;
use super::frame::{Code, FrameHeader, MAX_PAYLOAD, PREFACE, setting, write_settings};
use super::hpack::Decoder;
use super::stream::Stream;
use crate::h1::Limits;
use hashbrown::HashMap;
use message::Head;

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
    /// Whether the peer is told that WebSockets can be had (RFC 8441, section 3).
    pub websockets: bool,
    /// Whether the ends change their roles as soon as the peer's settings have come: who has opened the connection waits
    /// for requests from then on.
    pub turns: bool,
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
            websockets: true,
            turns: false,
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
        /// Fields behind the body were malformed: the request is refused, not given up.
        malformed: bool,
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
pub struct Fault {
    /// What GOAWAY says.
    pub code: Code,
    /// HAProxy logs this one as a bad request.
    pub logged: bool,
}

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

/// What has happened since [`Connection::take_counts`] was last asked, as HAProxy counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// HEADERS frames received.
    pub headers: u32,
    /// DATA frames received.
    pub data: u32,
    /// SETTINGS frames received; the first one counts twice.
    pub settings: u32,
    /// RST_STREAM frames received.
    pub resets: u32,
    /// GOAWAY frames received.
    pub go_aways: u32,
    /// Faults of the connection, each answered with GOAWAY.
    pub faults: u32,
    /// Faults of streams, each answered with RST_STREAM.
    pub stream_faults: u32,
    /// Streams begun.
    pub begun: u32,
    /// Streams ended.
    pub ended: u32,
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
    counts: Counts,
    /// The fault that is coming up is one of those that are not logged.
    unlogged: bool,
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
        if config.websockets {
            settings.push((setting::ENABLE_CONNECT_PROTOCOL, 1));
        }
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
            counts: Counts::default(),
            unlogged: false,
        }
    }

    /// Whether the peer is a client.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.config.role == Role::Server
    }

    /// Whether the ends are still to change their roles ([`Config::turns`]).
    #[must_use]
    pub fn is_to_turn(&self) -> bool {
        self.config.turns
    }

    /// Changes the roles. What was announced holds for the connection, whoever sends requests on it.
    fn turn(&mut self) {
        self.config.turns = false;
        self.config.role = match self.config.role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
    }

    /// How many streams there are.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// How many streams may be open at a time: to a server its own limit, to a client its peer's.
    #[must_use]
    pub fn stream_limit(&self) -> u32 {
        match self.config.role {
            Role::Server => self.config.max_streams,
            Role::Client => self.peer.max_streams,
        }
    }

    /// How many streams there have been.
    #[must_use]
    pub fn opened(&self) -> u32 {
        self.opened
    }

    /// How many oddities the peer has shown.
    #[must_use]
    pub fn glitches(&self) -> u32 {
        self.glitches
    }

    /// What has happened since this was last asked; `None` for nothing.
    pub fn take_counts(&mut self) -> Option<Counts> {
        let counts = std::mem::take(&mut self.counts);
        (counts != Counts::default()).then_some(counts)
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

    /// Whether the peer has ended its half of a stream, rightly or not.
    #[must_use]
    pub fn has_received_end(&self, stream: u32) -> bool {
        let stream = self.streams.get(&stream);
        stream.is_none_or(|stream| stream.received_end)
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

    /// Whether so much is to be sent, or so many streams that were reset are still being cleared away, that reading more
    /// should wait.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        let most = (self.config.max_streams as usize).saturating_mul(2);
        self.pending().len() > GATHERED || (self.is_server() && self.streams.len() > most)
    }

    /// Whether the peer has as many streams as it may have; those it has reset do not count.
    fn is_crowded(&self) -> bool {
        let most = self.config.max_streams as usize;
        self.streams.len() >= most
            && self
                .streams
                .values()
                .filter(|stream| !stream.is_over())
                .count()
                >= most
    }

    /// A head to be filled, used before if possible.
    pub fn take_head(&mut self) -> Head {
        self.spare.pop().unwrap_or_else(Head::with_room)
    }

    /// Keeps a head for another message.
    pub fn give_head(&mut self, head: Head) {
        if self.spare.len() < SPARE {
            self.spare.push(head);
        }
    }
}

mod control;
mod receive;
mod sections;
mod send;
#[cfg(test)]
mod tests;
