//! A stream: one request with its response, or one TCP connection, on its way through the proxy.

mod access;
mod bad_message;
mod brakes;
mod cacheability;
mod card;
mod cause;
mod counters;
mod dispatch;
mod exchange;
mod finish;
mod forwarded;
mod glance;
mod hash;
mod http;
mod http2;
mod pages;
mod persistence;
mod relay;
mod relay_header;
mod reply;
mod request;
mod response;
mod retry;
mod rules;
mod service;
mod sticking;
pub(crate) use pages::page;
pub use rules::Verdict;
mod tcp;
mod times;
mod traced;
mod vars;
mod view;
mod websocket;

pub use bad_message::{BadMessage, BadMessages, Named};
pub use card::{Card, Carrier, ConnectionEnd, Party, Seen, Stage};
pub use cause::{Cause, Phase, Source};
pub use counters::Counters;
pub(crate) use counters::SESSION;
pub use http::{Ended, serve_http, upgrade};
pub use http2::serve_connection;
pub use persistence::{Persistence, cookie_of};
pub use relay::{Relay, RelayEnd, RelayTimeouts, Shape};
pub use tcp::{TcpEnd, serve_tcp};
pub use times::Times;
pub use vars::Vars;
pub(crate) use vars::{size as var_size, text_size};

use self::brakes::Brakes;
use self::glance::Glance;
use crate::backend::{InUse, Slot};
use crate::mux::Conn;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::session::{ClientSide, Session};
use crate::worker::Worker;
use base::Endpoint;
use expr::view::Side;
use message::Head;
use model::Mode;
use model::live::tally::Tally;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use wire::h1::{Framing, MessageFlags};

/// What a stream knows and has done. Kept apart from [`Stream`] so that it can be pooled: an idle connection has none.
#[derive(Debug, Default)]
pub struct State {
    /// The request's head.
    pub request: Head,
    /// The response's head.
    pub response: Head,
    /// Whether `request` holds a request.
    pub has_request: bool,
    /// Whether `response` holds a response.
    pub has_response: bool,
    /// Whether the client asked for nothing but a head, whatever rules have made of the method since.
    pub asked_head: bool,
    /// Whether the response is being made, by the server or by the proxy itself.
    pub answering: bool,
    /// Whether `response` holds a response that is hidden for the moment.
    pub response_aside: bool,
    /// How large the heads of request and response were when they came, as [`Head::stored_len`] counts.
    pub head_sizes: [usize; 2],
    /// How the request's body is delimited.
    pub request_framing: Framing,
    /// What the request's connection headers said.
    pub request_flags: MessageFlags,
    /// What the response's connection headers said.
    pub response_flags: MessageFlags,
    /// The source as rules rewrote it.
    pub src: Option<Arc<Endpoint>>,
    /// The destination as rules rewrote it.
    pub dst: Option<Arc<Endpoint>>,
    /// The backend, once chosen.
    pub backend: Option<Arc<ProxyRuntime>>,
    /// Whether the stream counts among the backend's.
    pub in_backend: bool,
    /// The server, once chosen.
    pub server: Option<Arc<ServerRuntime>>,
    /// The place on it.
    pub slot: Option<Slot>,
    /// The connection to it.
    pub server_conn: Option<ServerConn>,
    /// What is known of its TLS, once it is given up.
    pub server_tls: Option<Arc<tls::Seen>>,
    /// Moments.
    pub times: Times,
    /// How it ended; the first cause counts.
    pub cause: Option<Cause>,
    /// The status sent to the client, 0 before.
    pub status: u16,
    /// Connection attempts that were repeated.
    pub retries: u32,
    /// Whether another server was tried.
    pub redispatched: bool,
    /// How many were ahead in the server's and in the backend's queue.
    pub queue_ahead: [u64; 2],
    /// The request line as received.
    pub request_line: Vec<u8>,
    /// Captured request headers.
    pub request_captures: Vec<Option<Box<[u8]>>>,
    /// Captured response headers.
    pub response_captures: Vec<Option<Box<[u8]>>>,
    /// Captured cookies of request and response.
    pub cookie_captures: [Option<Box<[u8]>>; 2],
    /// The unique id, once made.
    pub unique_id: OnceCell<Vec<u8>>,
    /// The log level that a rule forced; `Some(None)` is silence.
    pub log_level: Option<Option<u8>>,
    /// What persistence has found and done.
    pub persistence: Persistence,
    /// Entries in which its server will be noted.
    pub noted: Vec<sticking::Noted>,
    /// What it tracks in stick tables.
    pub counters: Counters,
    /// Variables of the transaction, the request and the response.
    pub vars: RefCell<Vars>,
    /// Captures made within expressions, to be put into their slots.
    pub noted_captures: RefCell<Vec<NotedCapture>>,
    /// Timeouts that rules changed, in milliseconds.
    pub timeouts: TimeoutOverrides,
    /// `set-priority-class` and `-offset`.
    pub priority: (i32, i32),
    /// `set-nice`.
    pub nice: i32,
    /// `set-retries`.
    pub retry_limit: Option<u32>,
    /// `strict-mode`.
    pub strict: bool,
    /// `disable-l7-retry`.
    pub no_l7_retry: bool,
    /// Marks and types of service for the coming server connection.
    pub server_socket: (Option<u32>, Option<u8>),
    /// The last rule that decided something.
    pub last_rule: Option<Arc<model::rules::Rule>>,
    /// The rule that waits, or was waiting when the stream ended.
    pub waiting_rule: Option<Arc<model::rules::Rule>>,
    /// What became of the last attempt to reach a server, unless that was reached.
    pub unreached: Option<Box<Unreached>>,
    /// What the log line tells of a connection to the server that was given up before.
    pub left: Option<Box<LeftConn>>,
    /// When the rule that waits began to, in milliseconds since the start.
    pub waiting_since: Option<u64>,
    /// Bytes passed on from the client and from the server, as logs and statistics count them.
    pub bytes: (u64, u64),
    /// Those of them that went past the buffers.
    pub spliced: (u64, u64),
    /// What heads add to `bytes`: the request's as received and as sent; and a reply of the proxy's own with its body.
    pub head_bytes: [u64; 3],
    /// What the client's connection had received and sent when the stream began.
    pub client_base: (u64, u64),
    /// What connections to servers have received and sent for this stream.
    pub server_bytes: (u64, u64),
    /// How many rules found no room for what they were to write.
    pub failed_rewrites: u32,
    /// Whether the request has been counted in what was tracked by then.
    pub request_counted: bool,
    /// The number of this stream in the process.
    pub number: u64,
    /// Whether the server's connection may serve another request, as far as the request is concerned.
    pub reusable: bool,
    /// Whether the client left before its body was complete, while the body was waited for.
    pub body_cut: bool,
    /// Whether the client takes this for its proxy (`option http-use-proxy-header`).
    pub to_proxy: bool,
    /// Whether the server's connection belongs to this client alone.
    pub private: bool,
    /// What a server must answer to the key of WebSocket that was made for it.
    pub websocket_accept: Option<String>,
    /// A body kept for a repeated request.
    pub replay: Option<Vec<u8>>,
    /// Whether it counts among the streams that there are.
    pub counted: bool,
    /// Whether a log line has been sent already (`logasap`).
    pub logged: bool,
    /// Whether the line being logged comes before the end.
    pub early_log: bool,
    /// Whether the frontend's content rules have been run, while this was a TCP stream.
    pub content_ruled: bool,
    /// Whether content rules look at what the server of a TCP stream sends.
    pub inspects_response: bool,
    /// Limits for the bytes that it passes on.
    pub brakes: Brakes,
    /// What a TCP stream carries, read as HTTP.
    pub glance: Glance,
    /// Whether content rules may still wait for more data.
    pub may_wait: bool,
    /// Which step is being logged.
    pub log_step: &'static str,
    /// Text to build things in.
    pub scratch: Vec<u8>,
    /// What others may know of the stream.
    pub card: Option<Rc<Card>>,
    /// The server that rules of the session hand the connection to.
    pub attachment: Option<Box<model::rules::Attachment>>,
}

/// A capture made within an expression: of which message, into which slot, and the text.
pub type NotedCapture = (Side, usize, Box<[u8]>);

/// Timeouts that rules changed, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeoutOverrides {
    /// `client`
    pub client: Option<u64>,
    /// `server`
    pub server: Option<u64>,
    /// `tunnel`
    pub tunnel: Option<u64>,
    /// `connect`
    pub connect: Option<u64>,
    /// `queue`
    pub queue: Option<u64>,
    /// `tarpit`
    pub tarpit: Option<u64>,
}

/// An attempt to connect that came to nothing.
#[derive(Debug)]
pub struct Unreached {
    /// Why it did not come about.
    pub error: crate::handshake::HandshakeError,
    /// Where it was to lead.
    pub to: Option<Endpoint>,
}

/// What is left of a connection to a server.
#[derive(Debug)]
pub struct LeftConn {
    /// Its source.
    pub src: Option<Endpoint>,
    /// Its destination.
    pub dst: Option<Endpoint>,
    /// Whether it was idle before.
    pub reused: bool,
    /// Whether it was shared with other streams.
    pub multiplexed: bool,
}

/// A connection to a server in use.
#[derive(Debug)]
pub struct ServerConn {
    /// The connection.
    pub conn: Conn,
    /// The server, and the connection's place among those in use.
    pub server: InUse,
    /// What tells it apart from other connections to the same server.
    pub key: u64,
    /// What is known of its TLS, if it has any.
    pub tls: Option<Arc<tls::Seen>>,
    /// Whether it was idle before.
    pub reused: bool,
    /// Whether the request goes, or went, to the server as early data.
    pub early: bool,
    /// How many streams it has served, this one included.
    pub uses: u32,
    /// Its place among the connections to a server that may only have so many.
    pub open: Option<crate::backend::Open>,
    /// Its source and destination, asked of the system when they are needed.
    pub ends: OnceCell<(Option<Endpoint>, Option<Endpoint>)>,
}

impl State {
    /// Empties the state and keeps its memory.
    pub fn reset(&mut self) {
        let (mut request, mut response) = (
            std::mem::take(&mut self.request),
            std::mem::take(&mut self.response),
        );
        let (mut line, mut scratch) = (
            std::mem::take(&mut self.request_line),
            std::mem::take(&mut self.scratch),
        );
        let card = self.card.take();
        let (mut captures, mut other) = (
            std::mem::take(&mut self.request_captures),
            std::mem::take(&mut self.response_captures),
        );
        request.clear();
        response.clear();
        line.clear();
        scratch.clear();
        captures.clear();
        other.clear();
        request.shrink_to(65_536);
        response.shrink_to(65_536);
        *self = Self {
            request,
            response,
            request_line: line,
            scratch,
            request_captures: captures,
            response_captures: other,
            card,
            ..Self::default()
        };
    }

    /// Takes note of bytes that went past the buffers.
    pub fn note_spliced(&mut self, (request, response): (u64, u64)) {
        self.spliced.0 += request;
        self.spliced.1 += response;
    }

    /// Takes note of how the stream ended, unless that is settled already.
    pub fn end(&mut self, source: Source, phase: Phase) {
        self.cause.get_or_insert(Cause { source, phase });
    }
}

/// What becomes of the client's connection after a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another request may come.
    KeepAlive,
    /// It is closed once everything is delivered.
    Close,
    /// It is closed with a reset, or without telling the peer.
    Abort,
    /// What came is the preface of HTTP/2.
    Http2,
}

/// A stream in progress.
pub struct Stream<'c> {
    /// The session it belongs to.
    pub session: Rc<Session>,
    /// The worker.
    pub worker: Rc<Worker>,
    /// The client's connection.
    pub client: &'c mut ClientSide,
    /// Everything else; of the worker's pool ([`Worker::take_state`]).
    pub state: &'c mut State,
}

impl<'c> Stream<'c> {
    /// A stream at its beginning.
    pub fn new(
        session: &Rc<Session>,
        worker: &Rc<Worker>,
        client: &'c mut ClientSide,
        state: &'c mut State,
    ) -> Self {
        state.strict = true;
        let conn = &client.conn;
        let unread = conn.input.len() as u64;
        state.client_base = (conn.received.saturating_sub(unread), conn.sent);
        Self::with(session, worker, client, state)
    }

    /// A stream that goes on with what another one has gathered.
    pub fn with(
        session: &Rc<Session>,
        worker: &Rc<Worker>,
        client: &'c mut ClientSide,
        state: &'c mut State,
    ) -> Self {
        Self {
            session: session.clone(),
            worker: worker.clone(),
            client,
            state,
        }
    }

    /// Counts the stream among those that there are.
    pub(super) fn begin(&mut self) {
        self.state.counted = true;
        self.count_as(Tally::H1Begun);
    }

    fn count_as(&self, what: Tally) {
        // Its connection counts streams of HTTP/2.
        let is_http2 = self.client.conn.is_multiplexed();
        let session = &self.session;
        session.runtime.process.tallies.add(what, 1);
        if session.frontend.config.mode == Mode::Http && !is_http2 {
            session.frontend.front.tally(what, 1);
        }
    }

    /// The backend, or the frontend as long as there is none.
    #[must_use]
    pub fn backend(&self) -> &Arc<ProxyRuntime> {
        self.state
            .backend
            .as_ref()
            .unwrap_or(&self.session.frontend)
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if self.state.counted {
            self.count_as(Tally::H1Ended);
        }
        if let Some(card) = &self.state.card {
            card.close();
        }
    }
}
