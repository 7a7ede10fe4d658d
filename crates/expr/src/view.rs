//! What sample fetches and log formats read of a connection, a stream and the process around them.
//!
//! The engine implements [`View`] for its session, stream and check; every method has a default that finds nothing, so a
//! test or a check implements only what it has.

use crate::sample::Value;
use base::{Endpoint, ProxyIdx};
use message::Head;
use std::sync::Arc;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From the client to the server.
    Request,
    /// From the server to the client.
    Response,
}

/// Buffered content.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// The bytes so far.
    pub bytes: &'a [u8],
    /// Whether nothing more can come (end of message, end of connection, or the buffer is full).
    pub complete: bool,
    /// The announced length of the whole body in bytes, if any.
    pub announced: Option<u64>,
}

/// Wall-clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Date {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Microseconds of the second.
    pub micros: u32,
}

/// One connection's ends and state, client side or server side.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connection<'a> {
    /// The source as rules may have rewritten it.
    pub src: Option<&'a Endpoint>,
    /// The destination as rules may have rewritten it.
    pub dst: Option<&'a Endpoint>,
    /// The source of the transport connection itself.
    pub real_src: Option<&'a Endpoint>,
    /// The destination of the transport connection itself.
    pub real_dst: Option<&'a Endpoint>,
    /// The protocol's major version: 1, 2 or 3; 0 before it is known.
    pub http_major: u8,
    /// Whether the source came by the PROXY protocol or another relay header.
    pub proxied: bool,
    /// Whether the connection was idle and taken again (server side).
    pub reused: bool,
    /// The error the connection ended with, as the number that HAProxy gives it; 0 without one.
    pub error: u8,
    /// Streams on the connection.
    pub streams: u32,
    /// How many streams the connection may have at once.
    pub streams_limit: u32,
    /// Odd events of the protocol.
    pub glitches: u32,
    /// The number that the connection gives this stream.
    pub stream_id: Option<u64>,
    /// Whether the peer aborted this stream.
    pub aborted: bool,
    /// The code with which the peer reset this stream.
    pub reset_code: Option<u64>,
}

/// What the kernel measures of a TCP connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Smoothed round-trip time in microseconds.
    pub rtt: u32,
    /// Its variation in microseconds.
    pub rtt_variation: u32,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// Segments acknowledged out of order.
    pub sacked: u32,
    /// Segments held to be lost.
    pub lost: u32,
    /// Segments sent again.
    pub retransmitted: u32,
    /// Forward acknowledgements.
    pub forward_acks: u32,
    /// How far segments may be out of order.
    pub reordering: u32,
}

/// A proxy as fetches and logs see it.
pub trait ProxyView {
    /// Its name.
    fn name(&self) -> &str;
    /// Its numeric id.
    fn id(&self) -> u32;
    /// Present connections (frontend) or streams (backend).
    fn connections(&self) -> u64;
    /// Streams waiting in the backend's queue and in its servers' queues.
    fn queued(&self) -> u64;
    /// New sessions in the last second.
    fn session_rate(&self) -> u32;
    /// Requests in the last second.
    fn request_rate(&self) -> u32;
    /// Usable servers.
    fn usable_servers(&self) -> u32;
    /// Its servers, for fetches that name one.
    fn server(&self, name: &str) -> Option<Arc<dyn ServerView>>;
    /// All its servers in the order of the configuration.
    fn servers(&self) -> Vec<Arc<dyn ServerView>>;
    /// The server at a place.
    fn server_at(&self, at: base::ServerIdx) -> Option<Arc<dyn ServerView>> {
        self.servers().into_iter().nth(at.0 as usize)
    }
    /// The name of its default backend.
    fn default_backend(&self) -> Option<&str> {
        None
    }
    /// A timeout of the proxy by its keyword (`client`, `server`, `tunnel` …), in milliseconds.
    fn timeout(&self, name: &str) -> Option<u64>;
    /// The connection limit, 0 for none.
    fn max_connections(&self) -> u64;
    /// The name of its `defaults` section, empty for an anonymous or no such section.
    fn defaults_name(&self) -> &str {
        ""
    }
}

/// A server as fetches and logs see it.
pub trait ServerView {
    /// Its name.
    fn name(&self) -> &str;
    /// Its numeric id.
    fn id(&self) -> u32;
    /// Whether traffic may go to it.
    fn is_usable(&self) -> bool;
    /// Present streams.
    fn connections(&self) -> u64;
    /// Streams waiting for it.
    fn queued(&self) -> u64;
    /// Its connection limit at this moment, 0 for none.
    fn max_connections(&self) -> u64;
    /// The limit of its queue, 0 for none.
    fn max_queued(&self) -> u64 {
        0
    }
    /// Its effective and its configured weight.
    fn weight(&self) -> (u32, u32);
    /// The weight as the operator set it last, before slow start and the like.
    fn user_weight(&self) -> u32 {
        self.weight().0
    }
    /// New sessions in the last second.
    fn session_rate(&self) -> u32;
}

/// The process as fetches and logs see it.
pub trait ProcessView {
    /// Process id.
    fn pid(&self) -> u32;
    /// Present connections of the whole process.
    fn connections(&self) -> u64;
    /// The process' `node` name, else the host name.
    fn node(&self) -> &str;
    /// The host name.
    fn hostname(&self) -> &str;
    /// Milliseconds since start.
    fn uptime_ms(&self) -> u64;
    /// Number of worker threads and of the thread that asks, from 1.
    fn threads(&self) -> (u32, u32);
    /// A proxy by its place.
    fn proxy(&self, at: ProxyIdx) -> Option<&dyn ProxyView>;
    /// A 32-bit random number.
    fn random(&self) -> u32;
    /// A process-wide variable (`proc.`).
    fn proc_var(&self, name: u32) -> Option<Value<'static>>;
    /// Whether the process is stopping.
    fn is_stopping(&self) -> bool {
        false
    }
    /// Whether an address is one of this host's own.
    fn is_own_address(&self, address: std::net::IpAddr) -> bool {
        address.is_loopback()
    }
    /// How many seconds local time is ahead of UTC at a time in seconds since 1970.
    fn utc_offset(&self, seconds: i64) -> i32 {
        let _ = seconds;
        0
    }
    /// The size of a buffer in bytes (`tune.bufsize`); converters yield nothing longer.
    fn buffer_size(&self) -> usize {
        16_384
    }
    /// The abbreviation of the local time zone at a time in seconds since 1970.
    fn zone_name(&self, seconds: i64) -> &str {
        let _ = seconds;
        "UTC"
    }
    /// The frontend of this name.
    fn frontend_named(&self, name: &[u8]) -> Option<&dyn ProxyView> {
        let _ = name;
        None
    }
    /// The backend of this name.
    fn backend_named(&self, name: &[u8]) -> Option<Arc<dyn ProxyView>> {
        let _ = name;
        None
    }
    /// Hands a line to the event sink of this name (a ring, `stdout`, `stderr`).
    fn event(&self, sink: &[u8], line: &[u8]) {
        let _ = (sink, line);
    }
    /// The stick table at a place of the snapshot.
    fn table(&self, at: u32) -> Option<&std::sync::Arc<::stick::Table>> {
        let _ = at;
        None
    }
    /// A number that no other log line or stream of this process has.
    fn next_number(&self) -> u64;
}

/// Durations of a stream's life in milliseconds; `-1` for a step that was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Handshakes (PROXY, TLS) after the accept.
    pub handshake: i64,
    /// From the end of the handshake or of the previous response to the request's first byte.
    pub idle: i64,
    /// From the request's first byte to the end of its head.
    pub request: i64,
    /// In queues.
    pub queue: i64,
    /// Connecting to the server.
    pub connect: i64,
    /// From the sent request to the end of the response's head.
    pub response: i64,
    /// From the response's head to the end of the response.
    pub data: i64,
    /// From the accept, or from the end of the previous response, to the end.
    pub total: i64,
}

/// Facts of a stream that only logs and a few fetches want; gathered when asked for.
#[derive(Debug, Clone)]
pub struct StreamFacts<'a> {
    /// Durations.
    pub timers: Timers,
    /// When the connection was accepted.
    pub accept_date: Date,
    /// When the request's first byte came.
    pub request_date: Date,
    /// The four letters of the termination state (a TCP proxy's log shows the first two).
    pub termination: [u8; 4],
    /// Bytes received from the client.
    pub bytes_from_client: u64,
    /// Bytes sent to the client.
    pub bytes_to_client: u64,
    /// Bytes sent to the server.
    pub bytes_to_server: u64,
    /// Bytes received from the server.
    pub bytes_from_server: u64,
    /// The status sent to the client; 0 before there is one.
    pub status: u16,
    /// Connection retries.
    pub retries: u32,
    /// Whether a redispatch took place.
    pub redispatched: bool,
    /// Streams of the process, connections of the frontend, streams of the backend and of the server, at this moment.
    pub connections: [u64; 4],
    /// Position in the server's queue and in the backend's queue when it entered them.
    pub queue_positions: [u64; 2],
    /// The request line as it was received.
    pub request_line: Option<&'a [u8]>,
    /// Captured request header values, one per `capture request header` slot.
    pub request_captures: &'a [Option<Box<[u8]>>],
    /// Captured response header values.
    pub response_captures: &'a [Option<Box<[u8]>>],
    /// Captured request and response cookies.
    pub cookie_captures: [Option<&'a [u8]>; 2],
    /// The log level forced by a rule, 0 to 7.
    pub log_level: Option<u8>,
    /// The stream's number in its session and in its process.
    pub ids: [u64; 2],
}

/// What sample fetches and log formats read.
#[allow(unused_variables)]
pub trait View {
    /// Wall-clock time now.
    fn now(&self) -> Date;
    /// The process.
    fn process(&self) -> &dyn ProcessView;
    /// The client's connection.
    fn client(&self) -> Option<Connection<'_>> {
        None
    }
    /// The value of the `nth` (from 0) extension of a type in the PROXY protocol header of the client's connection.
    fn extension(&self, kind: u8, nth: usize) -> Option<&[u8]> {
        None
    }
    /// The server's connection.
    fn server_connection(&self) -> Option<Connection<'_>> {
        None
    }
    /// The frontend.
    fn frontend(&self) -> Option<&dyn ProxyView> {
        None
    }
    /// The backend, once it is chosen.
    fn backend(&self) -> Option<&dyn ProxyView> {
        None
    }
    /// The server, once it is chosen.
    fn server(&self) -> Option<&dyn ServerView> {
        None
    }
    /// The name and numeric id of the listening socket.
    fn listener(&self) -> Option<(&str, u32)> {
        None
    }
    /// The request head.
    fn request(&self) -> Option<&Head> {
        None
    }
    /// The response head.
    fn response(&self) -> Option<&Head> {
        None
    }
    /// Whether the client takes this for its proxy, and may think so (`option http-use-proxy-header`).
    fn is_to_proxy(&self) -> bool {
        false
    }
    /// Whether this is a TCP stream, whatever it carries.
    fn is_tcp(&self) -> bool {
        false
    }
    /// Whether a head is on its way of which only a part has come, on a TCP stream that carries HTTP/1.
    fn is_head_pending(&self, side: Side) -> bool {
        false
    }
    /// The buffered part of an HTTP body.
    fn body(&self, side: Side) -> Option<Content<'_>> {
        None
    }
    /// The buffered bytes of a TCP stream.
    fn payload(&self, side: Side) -> Option<Content<'_>> {
        None
    }
    /// A variable of the session, transaction, request, response or check scope, by its interned name.
    fn var(&self, name: crate::vars::VarId) -> Option<Value<'_>> {
        None
    }
    /// Sets a variable of any scope, or unsets it for `None`. Returns whether the place keeps variables of that scope.
    fn set_var(&self, name: crate::vars::VarId, value: Option<Value<'_>>) -> bool {
        false
    }
    /// Puts a text into a slot of captured headers. Returns whether there is such a slot.
    fn capture(&self, side: Side, slot: usize, text: &[u8]) -> bool {
        false
    }
    /// Stream facts for logs.
    fn facts(&self) -> Option<StreamFacts<'_>> {
        None
    }
    /// The unique id of the stream, made when it is first asked for.
    fn unique_id(&self) -> Option<&[u8]> {
        None
    }
    /// A timeout in force on this stream by its keyword, in milliseconds.
    fn current_timeout(&self, name: &str) -> Option<u64> {
        None
    }
    /// Why the stream or a log step is being logged: `close`, `error`, `accept` …, for profiles.
    fn log_origin(&self) -> &str {
        ""
    }
    /// The TLS version (`TLSv1.3`) and cipher of the client's connection, when it is one.
    fn client_tls(&self) -> Option<(&str, &str)> {
        let tls = self.tls(Side::Request)?;
        Some((tls.version_name()?, tls.cipher_name()?))
    }
    /// The TLS connection of the client (request side) or of the server.
    fn tls(&self, side: Side) -> Option<&tls::Seen> {
        None
    }
    /// Why the TLS handshake with the client (request side) or the server failed.
    fn tls_failure(&self, side: Side) -> Option<tls::Failure> {
        None
    }
    /// What stands for the server's name when no server was chosen: `<NOSRV>`, `<STATS>`, an applet's name.
    fn pseudo_server(&self) -> &str {
        "<NOSRV>"
    }
    /// Whether a log line is written before the end of the response (`option logasap`).
    fn is_early_log(&self) -> bool {
        false
    }
    /// How many lines the frontend has logged before this one.
    fn log_count(&self) -> u64 {
        0
    }
    /// Name and text of the error that the client's (request side) or the server's connection ended with.
    fn connection_error(&self, side: Side) -> Option<(&str, &str)> {
        None
    }
    /// What the kernel measures of the client's (request side) or the server's connection.
    fn tcp_info(&self, side: Side) -> Option<TcpInfo> {
        None
    }
    /// The SYN packet of the client's connection, when the system kept it.
    fn saved_syn(&self) -> Option<Vec<u8>> {
        None
    }
    /// File and line of the last rule that decided something.
    fn last_rule(&self) -> Option<(&str, u32)> {
        None
    }
    /// File and line of the rule that is waited for.
    fn waiting_rule(&self) -> Option<(&str, u32)> {
        None
    }
    /// Priority class, and offset in milliseconds, in queues.
    fn priority(&self) -> Option<(i32, i32)> {
        None
    }
    /// Present connections of the listening socket.
    fn listener_connections(&self) -> Option<u64> {
        None
    }
    /// Hands name (without its scope) and value of every variable of a scope to `each`.
    fn each_var(&self, scope: crate::vars::Scope, each: &mut dyn FnMut(&str, &Value<'_>)) {}
    /// Whether it is the response that is being processed.
    fn is_response(&self) -> bool {
        self.response().is_some()
    }
    /// The groups of a user whose password is right in the user list at a place of the snapshot; `None` when it is not.
    fn authenticate(&self, list: u32, user: &[u8], password: &[u8]) -> Option<&[Box<str>]> {
        None
    }
    /// The entry that a counter (`track-sc*`) tracks.
    fn tracked(&self, number: usize) -> Option<&::stick::Tracked> {
        None
    }
    /// Whether nothing that is missing now can still come, so that conditions must be settled.
    fn is_final(&self) -> bool {
        true
    }
}

/// A view of nothing: for constants and for the time before there is traffic.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoView;

impl View for NoView {
    fn now(&self) -> Date {
        Date::default()
    }
    fn process(&self) -> &dyn ProcessView {
        self
    }
}

impl ProcessView for NoView {
    fn pid(&self) -> u32 {
        0
    }
    fn connections(&self) -> u64 {
        0
    }
    fn node(&self) -> &str {
        ""
    }
    fn hostname(&self) -> &str {
        ""
    }
    fn uptime_ms(&self) -> u64 {
        0
    }
    fn threads(&self) -> (u32, u32) {
        (1, 1)
    }
    fn proxy(&self, _: ProxyIdx) -> Option<&dyn ProxyView> {
        None
    }
    fn random(&self) -> u32 {
        0
    }
    fn proc_var(&self, _: u32) -> Option<Value<'static>> {
        None
    }
    fn next_number(&self) -> u64 {
        0
    }
}
