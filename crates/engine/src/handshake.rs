//! What happens between the accept and the first stream: connection rules, relay headers, session rules.

use crate::clock;
use crate::mux::Received;
use crate::session::{Accepted, ClientSide, Session};
use crate::stream::{Stream, Verdict};
use crate::trace;
use crate::worker::Worker;
use base::Endpoint;
use model::Address;
use model::live::tally::Tally;
use model::rules::{Attachment, CloseKind, Mux, RelayHeader, Rule};
use std::future::poll_fn;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use wire::proxy::{self, Addresses, CipOutcome, Command, Outcome};

/// Whether anything stands between the accept and the first stream.
#[must_use]
pub fn is_needed(session: &Session) -> bool {
    let rules = &session.frontend.config.rules;
    session.bind.tls.is_some()
        || session.bind.accept_proxy
        || session.bind.accept_netscaler.is_some()
        || !rules.tcp_connection.is_empty()
        || !rules.tcp_session.is_empty()
}

/// Takes a connection through its handshakes. `None` when it was refused.
pub async fn establish(
    session: Session,
    accepted: &Accepted,
    client: &mut ClientSide,
) -> Option<Session> {
    let worker = &accepted.worker;
    let rules = session.frontend.config.rules.clone();
    let mut attachment = None;
    let front = session.frontend.clone();
    let denied = |what| {
        front.front.tally(what, 1);
        if let Some(counters) = &accepted.listener.counters {
            counters.tally(what, 1);
        }
        None
    };
    let passed = rules_at(session, worker, client, &rules.tcp_connection, &mut None).await;
    let Some(mut session) = passed else {
        return denied(Tally::DeniedConnections);
    };
    session.begin(&accepted.listener);
    let (kept, expected) = expected_header(session, worker, client, &rules.tcp_connection)?;
    session = kept;
    if let Some(expected) = expected
        && let Err(error) = relay_header(&mut session, client, expected).await
    {
        session.error = Some(error);
        log_error(session, worker, client);
        return None;
    }
    if let Some(listener) = session.bind.tls.clone()
        && let Err(error) = secure(&mut session, client, listener).await
    {
        session.error = Some(error);
        log_error(session, worker, client);
        return None;
    }
    session.handshake = clock::now_ms();
    let list = &rules.tcp_session;
    let Some(mut session) = rules_at(session, worker, client, list, &mut attachment).await else {
        return denied(Tally::DeniedSessions);
    };
    session.count_tracked(crate::stream::SESSION);
    let Some(attachment) = attachment else {
        return Some(session);
    };
    if session.mux.get() == Some(Mux::H2) {
        crate::reverse::attach(&session, worker, client, *attachment).await;
    } else if session.tls.is_some() || session.proxied {
        session.error = Some(HandshakeError::NotReversed);
        log_error(session, worker, client);
    }
    None
}

/// The TLS handshake with a client.
async fn secure(
    session: &mut Session,
    client: &mut ClientSide,
    listener: Arc<tls::Listener>,
) -> Result<(), HandshakeError> {
    let timeouts = &session.frontend.config.timeouts;
    let timeout = timeouts.handshake.or(timeouts.client);
    let at = timeout.map(|timeout| session.accepted.0 + timeout);
    let ClientSide { conn, deadline, .. } = client;
    let mut tls = tls::Connection::accept(listener);
    // A client that does not wait for the answer to its relay header has sent the beginning of its handshake with it.
    let early = conn.input.bytes();
    if let Some(room) = tls.inbox().get_mut(..early.len()) {
        room.copy_from_slice(early);
    }
    tls.came(early.len());
    let n = early.len();
    conn.input.consume(n);
    conn.input.release_if_empty();
    let Some(socket) = conn.socket_mut() else {
        return Ok(());
    };
    if trace::watches(model::trace::Event::SslNew) {
        trace::securing(session, Some(socket.as_raw_fd()));
    }
    socket.secure(tls);
    let outcome = poll_fn(|cx| {
        if let Poll::Ready(outcome) = socket.poll_handshake(cx) {
            return Poll::Ready(Some(outcome));
        }
        deadline.poll(cx, at).map(|()| None)
    });
    let outcome = outcome.await;
    session.tls = socket.seen().cloned();
    if trace::watches(model::trace::Event::SslHandshake) && matches!(outcome, Some(Ok(()))) {
        trace::secured(session, Some(socket.as_raw_fd()));
    }
    match outcome {
        Some(Ok(())) => {
            let resumed = socket.tls().is_some_and(tls::Connection::is_resumed);
            if !resumed {
                session.runtime.process.tls.keys.add(clock::now_ms());
            }
            let mux = match socket.tls().and_then(tls::Connection::alpn) {
                Some(b"h2") => Some(Mux::H2),
                Some(b"http/1.1" | b"http/1.0") => Some(Mux::H1),
                _ => None,
            };
            session.mux.set(session.mux.get().or(mux));
            Ok(())
        }
        Some(Err(fault)) => Err(TlsFault::of(fault, socket.tls()).into()),
        None => Err(TlsFault::Timeout.into()),
    }
}

/// The relay header that the listening socket or a rule asks for.
fn expected_header(
    session: Session,
    worker: &Rc<Worker>,
    client: &mut ClientSide,
    rules: &[Arc<Rule>],
) -> Option<(Session, Option<Relay>)> {
    if session.bind.accept_proxy {
        return Some((session, Some(Relay::Proxy)));
    }
    if let Some(magic) = session.bind.accept_netscaler {
        return Some((session, Some(Relay::NetScaler(magic))));
    }
    if !rules
        .iter()
        .any(|rule| rule.action.expects_relay_header().is_some())
    {
        return Some((session, None));
    }
    let session = Rc::new(session);
    let expected = {
        let mut state = worker.take_state();
        let stream = Stream::new(&session, worker, client, &mut state);
        let applies = |rule: &&Arc<Rule>| {
            rule.condition
                .as_ref()
                .is_none_or(|condition| condition.holds(&stream))
        };
        rules
            .iter()
            .filter(applies)
            .find_map(|rule| rule.action.expects_relay_header())
    };
    let magic = session.bind.accept_netscaler.unwrap_or(0);
    let relay = expected.map(|header| match header {
        RelayHeader::Proxy => Relay::Proxy,
        RelayHeader::NetScaler => Relay::NetScaler(magic),
    });
    Some((Rc::into_inner(session)?, relay))
}

/// Runs connection or session rules and takes over what they changed.
async fn rules_at(
    session: Session,
    worker: &Rc<Worker>,
    client: &mut ClientSide,
    rules: &[Arc<Rule>],
    attachment: &mut Option<Box<Attachment>>,
) -> Option<Session> {
    if rules.is_empty() {
        return Some(session);
    }
    let session = Rc::new(session);
    let (verdict, src, dst, level, counters) = {
        let mut state = worker.take_state();
        let mut stream = Stream::new(&session, worker, client, &mut state);
        let verdict = stream.run_rules(rules).await;
        let state = &mut stream.state;
        *attachment = state.attachment.take();
        (
            verdict,
            state.src.take(),
            state.dst.take(),
            state.log_level.take(),
            std::mem::take(&mut state.counters),
        )
    };
    let mut session = Rc::into_inner(session)?;
    session.counters.absorb(counters);
    match verdict {
        Verdict::Pass => {}
        Verdict::Close(CloseKind::Silent(hops)) => {
            if let Some(socket) = client.conn.socket_mut() {
                socket.close_silently(hops);
            }
            return None;
        }
        _ => return None,
    }
    session.src = src.or(session.src.take());
    session.dst = dst.or(session.dst.take());
    session.log_level = level.or(session.log_level);
    Some(session)
}

/// Which relay header is expected.
#[derive(Debug, Clone, Copy)]
enum Relay {
    Proxy,
    NetScaler(u32),
}

/// What a relay header said.
struct Told {
    consumed: usize,
    ends: Option<(Endpoint, Endpoint)>,
    extensions: Box<[u8]>,
}

/// Logs a connection that did not get through its handshake.
fn log_error(session: Session, worker: &Rc<Worker>, client: &mut ClientSide) {
    let session = Rc::new(session);
    if trace::watches_any(trace::REFUSALS) {
        let why = session.error.map(HandshakeError::line).unwrap_or_default();
        trace::refused(&session, client.conn.ask(AsRawFd::as_raw_fd), &why);
    }
    let mut state = worker.take_state();
    Stream::new(&session, worker, client, &mut state).log_handshake();
    worker.give_state(state);
}

/// Reads a relay header and applies it.
async fn relay_header(
    session: &mut Session,
    client: &mut ClientSide,
    expected: Relay,
) -> Result<(), HandshakeError> {
    let timeouts = &session.frontend.config.timeouts;
    let timeout = timeouts.handshake.or(timeouts.client);
    let at = timeout.map(|timeout| clock::now_ms() + timeout);
    let fault = |fault| HandshakeError::Relay {
        expected: expected.kind(),
        fault,
    };
    let ClientSide { conn, deadline, .. } = client;
    let received = poll_fn(|cx| match conn.poll_fill(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => deadline.poll(cx, at).map(|()| None),
    });
    match received.await {
        Some(Ok(Received::Bytes)) => {}
        Some(Ok(_)) => return Err(fault(Fault::Empty)),
        Some(Err(_)) => return Err(fault(Fault::Aborted)),
        None => return Err(fault(Fault::Timeout)),
    }
    // A header that comes in pieces is refused, as HAProxy does: relays send it in one write.
    let told = match expected {
        Relay::Proxy => read_proxy(conn.input.bytes()),
        Relay::NetScaler(magic) => read_netscaler(magic, conn.input.bytes()),
    };
    let told = told.map_err(fault)?;
    conn.input.consume(told.consumed);
    if let Some((src, dst)) = told.ends {
        session.src = Some(Arc::new(src));
        session.dst = Some(Arc::new(dst));
        session.proxied = true;
    }
    session.extensions = told.extensions;
    Ok(())
}

fn read_proxy(bytes: &[u8]) -> Result<Told, Fault> {
    let (consumed, header) = match proxy::parse(bytes) {
        Outcome::Done { consumed, header } => (consumed, header),
        Outcome::Incomplete => return Err(Fault::Truncated),
        Outcome::Error(kind) => return Err(kind.into()),
    };
    let extensions = header.tlvs.as_bytes().into();
    let ends = match (header.command, header.addresses) {
        (Command::Proxy, Addresses::Inet { src, dst }) => {
            Some((Endpoint::Inet(src), Endpoint::Inet(dst)))
        }
        _ => None,
    };
    Ok(Told {
        consumed,
        ends,
        extensions,
    })
}

fn read_netscaler(magic: u32, bytes: &[u8]) -> Result<Told, Fault> {
    match proxy::parse_cip(magic, bytes) {
        CipOutcome::Done { consumed, header } => {
            let ends = Some((Endpoint::Inet(header.src), Endpoint::Inet(header.dst)));
            Ok(Told {
                consumed,
                ends,
                extensions: Box::default(),
            })
        }
        CipOutcome::Incomplete => Err(Fault::Truncated),
        CipOutcome::Error(kind) => Err(kind.into()),
    }
}

impl Relay {
    fn kind(self) -> RelayHeader {
        match self {
            Self::Proxy => RelayHeader::Proxy,
            Self::NetScaler(_) => RelayHeader::NetScaler,
        }
    }
}

/// What is wrong with a relay header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Empty,
    Aborted,
    Timeout,
    Truncated,
    NotHeader,
    BadHeader,
    BadProtocol,
}

impl From<proxy::ErrorKind> for Fault {
    fn from(kind: proxy::ErrorKind) -> Self {
        match kind {
            proxy::ErrorKind::Truncated => Self::Truncated,
            proxy::ErrorKind::NotHeader | proxy::ErrorKind::BadMagic => Self::NotHeader,
            proxy::ErrorKind::BadHeader | proxy::ErrorKind::TlvTooLong => Self::BadHeader,
            proxy::ErrorKind::BadProtocol => Self::BadProtocol,
        }
    }
}

/// Why a handshake failed: number, name and text are those of the `fc_err` fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeError {
    /// A relay header was expected.
    Relay {
        /// Of this kind.
        expected: RelayHeader,
        /// What came instead.
        fault: Fault,
    },
    /// TLS was expected.
    Tls(TlsFault),
    /// There is no connection to the server.
    Unconnected(Unconnected),
    /// A SOCKS4 proxy was to lead to the server.
    Socks(SocksFault),
    /// HTTP/2 was expected of a connection that was to become a server's (`attach-srv`).
    NotReversed,
}

/// Why there is no connection to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unconnected {
    /// Nobody listens there.
    Refused,
    /// This side can't use the address that connections are to come from.
    Source,
    /// Anything else.
    Other,
}

/// What came of asking a SOCKS4 proxy for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocksFault {
    /// The request could not be sent.
    Unsent,
    /// The proxy closed.
    Closed,
    /// The proxy refused.
    Denied,
    /// The connection broke.
    Aborted,
    /// It took too long.
    Timeout,
}

impl SocksFault {
    fn facts(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Unsent => (
                39,
                "SOCKS4_SEND",
                "SOCKS4 Proxy write error during handshake",
            ),
            Self::Closed | Self::Timeout => (
                40,
                "SOCKS4_RECV",
                "SOCKS4 Proxy read error during handshake",
            ),
            Self::Denied => (41, "SOCKS4_DENY", "SOCKS4 Proxy deny the request"),
            Self::Aborted => (
                42,
                "SOCKS4_ABORT",
                "SOCKS4 Proxy handshake aborted by server",
            ),
        }
    }

    /// The text that `bc_err_str` gives.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.facts().2
    }
}

impl Unconnected {
    /// The reason that the system gives.
    #[must_use]
    pub fn of(error: &io::Error, to: &Address) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused if matches!(to, Address::Inet(_)) => Self::Refused,
            io::ErrorKind::AddrNotAvailable => Self::Source,
            _ => Self::Other,
        }
    }

    fn facts(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Refused => (47, "EREFUSED", "ECONNREFUSED returned by OS"),
            Self::Source => (8, "CANT_BIND", "Can't bind to source address"),
            Self::Other => (6, "SOCK_ERR", "General socket error"),
        }
    }
}

/// What is wrong with a TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// The peer closed.
    Empty,
    /// The connection broke.
    Aborted,
    /// It took too long.
    Timeout,
    /// An authority of the peer's certificate is not trusted.
    Authority(tls::Failure),
    /// The peer's certificate is not trusted.
    Certificate(tls::Failure),
    /// The server's certificate is for another name.
    Name(tls::Failure),
    /// The server did not take early data.
    EarlyRefused,
    /// Anything else.
    Failed(tls::Failure),
}

impl From<TlsFault> for HandshakeError {
    fn from(fault: TlsFault) -> Self {
        Self::Tls(fault)
    }
}

impl TlsFault {
    /// The fault of a handshake on a connection.
    #[must_use]
    pub fn of(fault: crate::io::HandshakeFault, tls: Option<&tls::Connection>) -> Self {
        use crate::io::HandshakeFault;
        let judgement = tls.map(|tls| tls.observed.judgement).unwrap_or_default();
        match (fault, judgement.refused) {
            (HandshakeFault::Empty, _) => Self::Empty,
            (HandshakeFault::Aborted, _) => Self::Empty,
            (HandshakeFault::Failed(failure), Some(true)) => Self::Authority(failure),
            (HandshakeFault::Failed(failure), Some(false))
                if judgement.result == tls::verify::code::HOST_MISMATCH =>
            {
                Self::Name(failure)
            }
            (HandshakeFault::Failed(failure), Some(false)) => Self::Certificate(failure),
            (HandshakeFault::Failed(failure), None) => Self::Failed(failure),
        }
    }

    fn facts(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Empty => (24, "SSL_EMPTY", "Connection closed during SSL handshake"),
            Self::Aborted => (25, "SSL_ABORT", "Connection error during SSL handshake"),
            Self::Timeout => (26, "SSL_TIMEOUT", "Timeout during SSL handshake"),
            Self::Authority(_) => (30, "SSL_CA_FAIL", "SSL client CA chain cannot be verified"),
            Self::Certificate(_) => (31, "SSL_CRT_FAIL", "SSL client certificate not trusted"),
            Self::Name(_) => (
                32,
                "SSL_MISMATCH",
                "Server presented an SSL certificate different from the configured one",
            ),
            Self::Failed(_) => (34, "SSL_HANDSHAKE", "SSL handshake failure"),
            Self::EarlyRefused => (38, "SSL_EARLY_FAILED", "Server refused early data"),
        }
    }

    /// The text that `fc_err_str` gives.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.facts().2
    }

    /// What TLS itself says about it.
    #[must_use]
    pub fn failure(self) -> Option<tls::Failure> {
        match self {
            Self::Empty | Self::Aborted | Self::Timeout | Self::EarlyRefused => None,
            Self::Authority(failure)
            | Self::Certificate(failure)
            | Self::Name(failure)
            | Self::Failed(failure) => Some(failure),
        }
    }
}

impl HandshakeError {
    fn facts(self) -> (u8, &'static str, &'static str) {
        let (expected, fault) = match self {
            Self::Relay { expected, fault } => (expected, fault),
            Self::Tls(fault) => return fault.facts(),
            Self::Unconnected(why) => return why.facts(),
            Self::Socks(fault) => return fault.facts(),
            Self::NotReversed => return (45, "REVERSE", "Reverse connect failure"),
        };
        match (expected, fault) {
            (RelayHeader::Proxy, Fault::Empty) => (
                11,
                "PRX_EMPTY",
                "Connection closed while waiting for PROXY protocol header",
            ),
            (RelayHeader::Proxy, Fault::Aborted) => (
                12,
                "PRX_ABORT",
                "Connection error while waiting for PROXY protocol header",
            ),
            (RelayHeader::Proxy, Fault::Timeout) => (
                13,
                "PRX_TIMEOUT",
                "Timeout while waiting for PROXY protocol header",
            ),
            (RelayHeader::Proxy, Fault::Truncated) => (
                14,
                "PRX_TRUNCATED",
                "Truncated PROXY protocol header received",
            ),
            (RelayHeader::Proxy, Fault::NotHeader) => (
                15,
                "PRX_NOT_HDR",
                "Received something which does not look like a PROXY protocol header",
            ),
            (RelayHeader::Proxy, Fault::BadHeader) => (
                16,
                "PRX_BAD_HDR",
                "Received an invalid PROXY protocol header",
            ),
            (RelayHeader::Proxy, Fault::BadProtocol) => (
                17,
                "PRX_BAD_PROTO",
                "Received an unhandled protocol in the PROXY protocol header",
            ),
            (RelayHeader::NetScaler, Fault::Empty) => (
                18,
                "CIP_EMPTY",
                "Connection closed while waiting for NetScaler Client IP header",
            ),
            (RelayHeader::NetScaler, Fault::Aborted) => (
                19,
                "CIP_ABORT",
                "Connection error while waiting for NetScaler Client IP header",
            ),
            (RelayHeader::NetScaler, Fault::Timeout) => (
                20,
                "CIP_TIMEOUT",
                "Timeout while waiting for a NetScaler Client IP header",
            ),
            (RelayHeader::NetScaler, Fault::Truncated | Fault::BadHeader) => (
                21,
                "CIP_TRUNCATED",
                "Truncated NetScaler Client IP header received",
            ),
            (RelayHeader::NetScaler, Fault::NotHeader) => (
                22,
                "CIP_BAD_MAGIC",
                "Received an invalid NetScaler Client IP magic number",
            ),
            (RelayHeader::NetScaler, Fault::BadProtocol) => (
                23,
                "CIP_BAD_PROTO",
                "Received an unhandled protocol in the NetScaler Client IP header",
            ),
        }
    }

    /// What a log line says: the text, with the reason that TLS gives for a failed handshake.
    #[must_use]
    pub fn line(self) -> String {
        match self {
            // What the peer complains of is not repeated.
            Self::Tls(TlsFault::Failed(failure)) if failure.reason < 1000 => {
                format!("{} ({})", self.text(), failure.describe())
            }
            _ => self.text().to_owned(),
        }
    }

    /// What TLS says about it, if it was about TLS.
    #[must_use]
    pub fn failure(self) -> Option<tls::Failure> {
        match self {
            Self::Relay { .. } | Self::Unconnected(_) | Self::Socks(_) | Self::NotReversed => None,
            Self::Tls(fault) => fault.failure(),
        }
    }

    /// The number that `fc_err` gives.
    #[must_use]
    pub fn code(self) -> u8 {
        self.facts().0
    }

    /// The name that `fc_err_name` gives.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().1
    }

    /// The text that `fc_err_str` gives.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.facts().2
    }
}
