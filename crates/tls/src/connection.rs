//! A TLS connection without its socket: records in, plain bytes out, and the other way round.

use crate::early::Early;
use crate::failure::Failure;
use crate::hello::{self, ClientHello};
use crate::observed::{self, Observed};
use crate::records::Records;
use crate::seen::Seen;
use crate::server::{Chosen, Listener};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, ReadEarlyData, TransmitTlsData,
    UnbufferedStatus,
};
use rustls::{CommonState, HandshakeKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The most plain text in one record, in bytes.
const FRAGMENT: usize = 16_384;
/// What a record adds to its plain text, in bytes at most (RFC 5246, section 6.2.3; less for the ciphers offered).
const OVERHEAD: usize = 256;

/// A TLS connection.
pub struct Connection {
    state: State,
    incoming: Records,
    outgoing: Records,
    /// Plain bytes beyond the reader's room.
    surplus: Vec<u8>,
    /// Whether `incoming` may have whole records that were left for want of room.
    backlog: bool,
    handshaking: bool,
    closed: bool,
    notified: bool,
    /// Whether the connection is in use before its handshake is over.
    ahead: bool,
    /// Whether what is in the outbox can wait for what is written next.
    held: bool,
    /// The most plain text that goes into one record.
    record: u16,
    /// Its place among those that are counted.
    counted: Option<Counted>,
    /// What is sent to the server before its answer, where that may be.
    early: Option<Box<Early>>,
    /// What was seen of the handshake.
    pub observed: Box<Observed>,
}

enum State {
    /// The ClientHello decides the rest.
    Hello(Arc<Listener>),
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
    Failed(Failure),
}

/// One of those that a gauge counts.
struct Counted(Arc<AtomicU32>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("handshaking", &self.handshaking)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl Connection {
    fn new(state: State, observed: Observed) -> Self {
        Self {
            state,
            incoming: Records::default(),
            outgoing: Records::default(),
            surplus: Vec::new(),
            backlog: false,
            handshaking: true,
            closed: false,
            notified: false,
            ahead: false,
            held: false,
            record: FRAGMENT as u16,
            counted: None,
            early: None,
            observed: Box::new(observed),
        }
    }

    /// The server's end of a connection that a client is about to open.
    #[must_use]
    pub fn accept(listener: Arc<Listener>) -> Self {
        let most = listener.line.max_record;
        Self::new(State::Hello(listener), Observed::default()).limit_records(most)
    }

    /// Puts no more than this much plain text into one record (`tune.ssl.maxrecord`).
    #[must_use]
    pub(crate) fn limit_records(mut self, most: Option<usize>) -> Self {
        self.record = most.unwrap_or(FRAGMENT).clamp(1, FRAGMENT) as u16;
        self
    }

    /// Counts the connection as long as it lives.
    pub fn count_in(&mut self, gauge: &Arc<AtomicU32>) {
        gauge.fetch_add(1, Ordering::Relaxed);
        self.counted = Some(Counted(gauge.clone()));
    }

    /// The client's end of a connection; its ClientHello is ready to be sent.
    #[must_use]
    pub(crate) fn connect(
        client: UnbufferedClientConnection,
        observed: Observed,
        early: Option<Box<Early>>,
    ) -> Self {
        let mut connection = Self::new(State::Client(Box::new(client)), observed);
        connection.early = early;
        let _ = connection.process(&mut []);
        let hello = connection.outgoing.bytes();
        connection.observed.see_client_hello(hello);
        connection.ahead = connection
            .early
            .as_ref()
            .is_some_and(|early| early.is_open());
        connection
    }

    /// Whether the connection is, or was, used before its handshake was over: early data is sent to the server, or a client's
    /// is being answered.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.ahead
    }

    /// Says that everybody knows of the handshake's end.
    pub fn caught_up(&mut self) {
        self.ahead = false;
    }

    /// Begins to use an accepted connection before its handshake is over, if the client has sent early data and the protocol
    /// it is in is agreed on.
    pub fn go_ahead(&mut self) -> bool {
        self.ahead |= self.handshaking
            && self.is_server()
            && self.observed.early_data
            && !self.surplus.is_empty()
            && self.alpn().is_some();
        self.ahead
    }

    /// Whether something may be written now; otherwise the handshake has to go on first.
    #[must_use]
    pub fn may_write(&self) -> bool {
        let open = || self.early.as_ref().is_some_and(|early| early.is_open());
        match self.state {
            State::Client(_) if self.handshaking => open() && self.incoming.is_empty(),
            _ => true,
        }
    }

    /// Whether the handshake is still going on.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.handshaking
    }

    /// Whether the peer said that nothing more will come, and everything that came was read.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.closed && self.surplus.is_empty()
    }

    /// Whether plain bytes may be had without receiving anything.
    #[must_use]
    pub fn has_backlog(&self) -> bool {
        !self.surplus.is_empty() || self.backlog
    }

    /// Why the connection failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        match self.state {
            State::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Whether any byte of the peer has come.
    #[must_use]
    pub fn has_heard(&self) -> bool {
        self.observed.heard
    }

    /// Room for records to be received.
    pub fn inbox(&mut self) -> &mut [u8] {
        self.incoming.room(FRAGMENT + OVERHEAD + 5)
    }

    /// Says that nothing came into the room, so that it may be given back.
    pub fn nothing_came(&mut self) {
        self.incoming.release_if_empty();
    }

    /// Says that `n` bytes came into the room; [`Connection::process`] looks at them.
    pub fn came(&mut self, n: usize) {
        self.observed.heard |= n > 0;
        self.incoming.fill(n);
    }

    /// Bytes to be sent.
    #[must_use]
    pub fn outbox(&self) -> &[u8] {
        self.outgoing.bytes()
    }

    /// Lets what is in the outbox wait for the answer to what has come already: after a handshake, these are session tickets.
    /// Says whether there is something to be answered.
    pub fn hold(&mut self) -> bool {
        self.held = self.is_server() && !self.handshaking && !self.surplus.is_empty();
        self.held
    }

    /// Whether what is in the outbox waits for what is written next.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Says that `n` bytes were sent.
    pub fn sent(&mut self, n: usize) {
        self.held = false;
        self.outgoing.consume(n);
    }

    /// Processes what came, puts plain bytes into `room` and says how many. Answers may be in the outbox afterwards, even in
    /// case of failure.
    ///
    /// # Errors
    /// When the connection can't go on; always the same one from then on.
    pub fn process(&mut self, room: &mut [u8]) -> Result<usize, Failure> {
        let mut sink = Sink {
            room,
            filled: 0,
            surplus: &mut self.surplus,
            ended: false,
        };
        sink.drain_surplus();
        if let State::Hello(listener) = &self.state {
            match hello::read(self.incoming.bytes()) {
                hello::Outcome::More => return Ok(0),
                hello::Outcome::Broken => {
                    let failure = self.refuse_stranger();
                    return Err(failure);
                }
                hello::Outcome::Hello(hello) => {
                    let listener = listener.clone();
                    if let Err(failure) = self.begin(&listener, hello) {
                        return Err(self.fail(failure));
                    }
                    return self.process(room);
                }
            }
        }
        if sink.is_full() && sink.filled > 0 {
            return Ok(sink.filled);
        }
        if let State::Client(_) = self.state
            && self.handshaking
        {
            self.observed.see_server_hello(self.incoming.bytes());
        }
        let mut traffic = Traffic {
            incoming: &mut self.incoming,
            outgoing: &mut self.outgoing,
            observed: &mut self.observed,
            closed: &mut self.closed,
            early: self.early.as_deref_mut(),
        };
        let progress = match &mut self.state {
            State::Server(server) => traffic.drive(&mut **server, &mut sink),
            State::Client(client) => traffic.drive(&mut **client, &mut sink),
            State::Failed(failure) => Err(*failure),
            State::Hello(_) => Ok(false),
        };
        let filled = sink.filled;
        let fresh = self.handshaking;
        // Data may come right behind the last message of the handshake.
        if self.handshaking {
            self.handshaking = self.agreed().is_none_or(CommonState::is_handshaking);
        }
        let mut recalled = Ok(());
        if fresh && !self.handshaking {
            recalled = self.note_agreement();
        }
        observed::collect(&mut self.observed);
        let progress = progress.and_then(|backlog| recalled.map(|()| backlog));
        match progress {
            Ok(backlog) => {
                self.backlog = backlog;
                Ok(filled)
            }
            Err(failure) => Err(self.fail(failure)),
        }
    }

    /// Takes note of what a finished handshake means for those to come.
    fn note_agreement(&self) -> Result<(), Failure> {
        if let Some(early) = &self.early {
            early.remember(self.agreed().and_then(CommonState::alpn_protocol));
        }
        match self.is_resumed() {
            true => self.recall_judgement(),
            false => Ok(()),
        }
    }

    /// A client that takes a session up again shows no certificate; the one that it has shown counts, as it is judged by now.
    fn recall_judgement(&self) -> Result<(), Failure> {
        let instance = self.observed.instance.as_ref();
        let auth = instance.and_then(|instance| instance.auth.as_ref());
        let certificates = self.agreed().and_then(CommonState::peer_certificates);
        if let (Some(auth), Some(certificates)) = (auth, certificates) {
            auth.recall(certificates)?;
        }
        Ok(())
    }

    /// Goes on with the configuration that fits a ClientHello.
    fn begin(&mut self, listener: &Listener, hello: Box<ClientHello>) -> Result<(), Failure> {
        let chosen = listener.choose(&hello);
        self.observed.take_hello(hello, listener.capture());
        let Chosen { config, instance } = match chosen {
            Ok(chosen) => chosen,
            Err(failure) => {
                self.alert(if failure == Failure::NO_NAME { 112 } else { 40 });
                return Err(failure);
            }
        };
        self.observed.instance = Some(instance);
        let server =
            UnbufferedServerConnection::new(config).map_err(|error| Failure::from(&error))?;
        self.state = State::Server(Box::new(server));
        Ok(())
    }

    fn refuse_stranger(&mut self) -> Failure {
        let bytes = self.incoming.bytes();
        let methods: [&[u8]; 4] = [b"GET ", b"POST", b"HEAD", b"PUT "];
        let is_http = methods.iter().any(|method| bytes.starts_with(method));
        let failure = if is_http {
            Failure::HTTP_REQUEST
        } else {
            self.alert(70);
            Failure::WRONG_VERSION
        };
        self.fail(failure)
    }

    /// Puts a fatal alert before any keys are known into the outbox.
    fn alert(&mut self, description: u8) {
        let record = [21, 3, 3, 0, 2, 2, description];
        if let Some(room) = self.outgoing.room(record.len()).first_chunk_mut() {
            *room = record;
        }
        self.outgoing.fill(record.len());
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        // rustls queues an alert of its own before it gives up.
        let (input, out) = (&mut self.incoming, &mut self.outgoing);
        match &mut self.state {
            State::Server(server) => drain(&mut **server, input, out),
            State::Client(client) => drain(&mut **client, input, out),
            State::Hello(_) | State::Failed(_) => {}
        }
        self.state = State::Failed(failure);
        failure
    }

    /// Encrypts as much of `plain` as fits next to what is in the outbox, and says how much that was.
    ///
    /// # Errors
    /// When the connection failed, or its keys are used up.
    pub fn encrypt(&mut self, plain: &[u8]) -> Result<usize, Failure> {
        if self.handshaking && matches!(self.state, State::Client(_)) {
            return self.encrypt_early(plain);
        }
        let mut done = 0;
        // One call encrypts what one buffer of records holds.
        for part in plain.chunks(self.record.into()) {
            if done > 0 && self.outgoing.room(0).len() < part.len() + OVERHEAD {
                break;
            }
            let mut sink = Sink {
                room: &mut [],
                filled: 0,
                surplus: &mut self.surplus,
                ended: false,
            };
            let (input, out) = (&mut self.incoming, &mut self.outgoing);
            let written = match &mut self.state {
                State::Server(server) => write(&mut **server, part, input, out, &mut sink),
                State::Client(client) => write(&mut **client, part, input, out, &mut sink),
                State::Hello(_) => Err(Failure::UNEXPECTED_MESSAGE),
                State::Failed(failure) => Err(*failure),
            };
            self.closed |= sink.ended;
            if let Err(failure) = written {
                return Err(self.fail(failure));
            }
            done += part.len();
        }
        Ok(done)
    }

    /// Encrypts one record of early data, as far as the server takes any.
    fn encrypt_early(&mut self, plain: &[u8]) -> Result<usize, Failure> {
        let part = plain.get(..self.record.into()).unwrap_or(plain);
        let (State::Client(client), Some(early)) = (&mut self.state, &mut self.early) else {
            return Ok(0);
        };
        if part.is_empty() || !early.is_open() || !self.incoming.is_empty() {
            return Ok(0);
        }
        let written = match client.process_tls_records(&mut []).state {
            Ok(ConnectionState::TransmitTlsData(mut transmit)) => {
                let room = self.outgoing.room(part.len() + OVERHEAD);
                early.encrypt(&mut transmit, part, room)
            }
            _ => Err(Failure::INTERNAL),
        };
        match written {
            Ok((plain, n)) => {
                self.outgoing.fill(n);
                Ok(plain)
            }
            Err(failure) => Err(self.fail(failure)),
        }
    }

    /// Puts the notice that nothing more will come into the outbox, once.
    pub fn notify_close(&mut self) {
        let early = self.handshaking && !(self.ahead && self.is_server());
        if std::mem::replace(&mut self.notified, true) || early {
            return;
        }
        let (input, out) = (&mut self.incoming, &mut self.outgoing);
        match &mut self.state {
            State::Server(server) => notify(&mut **server, input, out),
            State::Client(client) => notify(&mut **client, input, out),
            State::Hello(_) | State::Failed(_) => {}
        }
    }

    /// What was agreed on, as far as the handshake has come.
    #[must_use]
    pub fn agreed(&self) -> Option<&CommonState> {
        match &self.state {
            State::Server(server) => Some(server),
            State::Client(client) => Some(client),
            State::Hello(_) | State::Failed(_) => None,
        }
    }

    /// What is known of the connection once its handshake is over, to be kept apart from it.
    #[must_use]
    pub fn seen(&mut self) -> Seen {
        let observed = std::mem::take(&mut *self.observed);
        // This much is asked again.
        self.observed.judgement = observed.judgement;
        self.observed.heard = observed.heard;
        let agreed = self.agreed();
        let certificates = agreed.and_then(CommonState::peer_certificates);
        Seen {
            version: agreed.and_then(CommonState::protocol_version),
            suite: agreed
                .and_then(CommonState::negotiated_cipher_suite)
                .map(|suite| suite.suite()),
            group: agreed
                .and_then(CommonState::negotiated_key_exchange_group)
                .map(|group| group.name()),
            alpn: self.alpn().map(Into::into),
            resumed: self.is_resumed(),
            ahead: self.handshaking.then(Box::default),
            certificates: certificates
                .unwrap_or_default()
                .iter()
                .map(|der| der.as_ref().into())
                .collect(),
            observed,
        }
    }

    /// Whether this end accepted the connection.
    #[must_use]
    pub fn is_server(&self) -> bool {
        matches!(self.state, State::Hello(_) | State::Server(_))
    }

    /// The application protocol agreed on.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        match &self.early {
            // Early data is taken in this protocol or not at all (RFC 8446, section 4.2.10).
            Some(early) if self.handshaking && self.ahead => early.protocol(),
            _ => self.agreed()?.alpn_protocol(),
        }
    }

    /// Whether a session was taken up again.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        let kind = self.agreed().and_then(CommonState::handshake_kind);
        kind == Some(HandshakeKind::Resumed)
    }
}

/// Either end of a connection.
trait End {
    type Data: EarlyData;
    fn advance<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

/// What either end does with early data.
trait EarlyData: Sized {
    /// Takes what has come.
    fn read(early: ReadEarlyData<'_, '_, Self>, take: &mut dyn FnMut(&[u8]));
    /// Whether some may be sent.
    fn may_send(transmit: &mut TransmitTlsData<'_, Self>) -> bool;
}

impl End for UnbufferedServerConnection {
    type Data = ServerConnectionData;
    fn advance<'c, 'i>(
        &'c mut self,
        input: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, ServerConnectionData> {
        self.process_tls_records(input)
    }
}

impl End for UnbufferedClientConnection {
    type Data = ClientConnectionData;
    fn advance<'c, 'i>(
        &'c mut self,
        input: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, ClientConnectionData> {
        self.process_tls_records(input)
    }
}

impl EarlyData for ServerConnectionData {
    fn read(mut early: ReadEarlyData<'_, '_, Self>, take: &mut dyn FnMut(&[u8])) {
        while let Some(Ok(record)) = early.next_record() {
            take(record.payload);
        }
    }

    fn may_send(_: &mut TransmitTlsData<'_, Self>) -> bool {
        false
    }
}

impl EarlyData for ClientConnectionData {
    fn read(_: ReadEarlyData<'_, '_, Self>, _: &mut dyn FnMut(&[u8])) {}

    fn may_send(transmit: &mut TransmitTlsData<'_, Self>) -> bool {
        transmit.may_encrypt_early_data().is_some()
    }
}

/// Puts one message that is due into the outbox.
fn encode<D>(mut message: EncodeTlsData<'_, D>, out: &mut Records) -> Result<(), Failure> {
    let mut written = message.encode(out.room(OVERHEAD));
    if let Err(EncodeError::InsufficientSize(needs)) = written {
        written = message.encode(out.room(needs.required_size));
    }
    out.fill(written.map_err(|_| Failure::INTERNAL)?);
    Ok(())
}

/// Puts all messages that are due into the outbox. The input must be what it was: rustls knows places in it.
fn drain<E: End>(end: &mut E, input: &mut Records, out: &mut Records) {
    // Nothing comes behind the alert, and what it was about is not to be looked at again.
    let before = out.bytes().len();
    while !ends_in_alert(out.bytes().get(before..).unwrap_or_default()) {
        let status = end.advance(input.bytes_mut());
        let discard = status.discard;
        let goes_on = match status.state {
            Ok(ConnectionState::EncodeTlsData(message)) => encode(message, out).is_ok(),
            Ok(ConnectionState::TransmitTlsData(transmit)) => {
                transmit.done();
                true
            }
            _ => false,
        };
        input.consume(discard);
        if !goes_on {
            return;
        }
    }
}

/// Whether the last of these records is an alert: one by its type, or by the length that only encrypted alerts have.
fn ends_in_alert(mut records: &[u8]) -> bool {
    let mut alert = false;
    while let Some((&[kind, _, _, high, low], rest)) = records.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([high, low]));
        alert = kind == 21 || kind == 23 && len == 2 + 1 + 16;
        records = rest.get(len..).unwrap_or_default();
    }
    alert
}

/// Encrypts one record's worth.
fn write<E: End>(
    end: &mut E,
    plain: &[u8],
    input: &mut Records,
    out: &mut Records,
    sink: &mut Sink<'_>,
) -> Result<(), Failure> {
    loop {
        let status = end.advance(input.bytes_mut());
        let discard = status.discard;
        let written = match status.state {
            Ok(ConnectionState::EncodeTlsData(message)) => encode(message, out).map(|()| false),
            Ok(ConnectionState::TransmitTlsData(transmit)) => {
                transmit.done();
                Ok(false)
            }
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(Ok(record)) = traffic.next_record() {
                    sink.put(record.payload);
                }
                Ok(false)
            }
            Ok(ConnectionState::ReadEarlyData(early)) => {
                E::Data::read(early, &mut |payload| sink.put(payload));
                Ok(false)
            }
            Ok(ConnectionState::PeerClosed) => {
                sink.ended = true;
                Ok(false)
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                let mut written = traffic.encrypt(plain, out.room(plain.len() + OVERHEAD));
                if let Err(EncryptError::InsufficientSize(needs)) = written {
                    written = traffic.encrypt(plain, out.room(needs.required_size));
                }
                written
                    .map(|n| out.fill(n))
                    .map(|()| true)
                    .map_err(|_| Failure::INTERNAL)
            }
            Ok(_) => Err(Failure::UNEXPECTED_MESSAGE),
            Err(error) => Err(Failure::from(&error)),
        };
        input.consume(discard);
        if written? {
            return Ok(());
        }
    }
}

fn notify<E: End>(end: &mut E, input: &mut Records, out: &mut Records) {
    drain(end, input, out);
    let status = end.advance(input.bytes_mut());
    if let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state {
        let n = traffic.queue_close_notify(out.room(OVERHEAD)).unwrap_or(0);
        out.fill(n);
        out.release_if_empty();
    }
}

/// Where plain bytes go.
struct Sink<'a> {
    room: &'a mut [u8],
    filled: usize,
    surplus: &'a mut Vec<u8>,
    /// Whether the end of the stream came.
    ended: bool,
}

impl Sink<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let free = self.room.get_mut(self.filled..).unwrap_or_default();
        let n = free.len().min(bytes.len());
        let (fits, beyond) = bytes.split_at(n);
        if let Some(free) = free.get_mut(..n) {
            free.copy_from_slice(fits);
        }
        self.filled += n;
        self.surplus.extend_from_slice(beyond);
    }

    fn drain_surplus(&mut self) {
        if self.surplus.is_empty() {
            return;
        }
        let surplus = std::mem::take(self.surplus);
        self.put(&surplus);
    }

    fn is_full(&self) -> bool {
        self.filled == self.room.len() || !self.surplus.is_empty()
    }
}

/// A connection's records and what they tell.
struct Traffic<'a> {
    incoming: &'a mut Records,
    outgoing: &'a mut Records,
    observed: &'a mut Observed,
    closed: &'a mut bool,
    early: Option<&'a mut Early>,
}

impl Traffic<'_> {
    /// Lets the connection process records until it needs more, or the sink is full: then whole records may be left, and
    /// the result says so.
    fn drive<E: End>(&mut self, end: &mut E, sink: &mut Sink<'_>) -> Result<bool, Failure> {
        loop {
            let status = end.advance(self.incoming.bytes_mut());
            let discard = status.discard;
            let step = match status.state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        sink.put(record.payload);
                    }
                    Step::Read
                }
                Ok(ConnectionState::ReadEarlyData(early)) => {
                    self.observed.early_data = true;
                    E::Data::read(early, &mut |payload| sink.put(payload));
                    Step::Read
                }
                Ok(ConnectionState::EncodeTlsData(message)) => {
                    let before = self.outgoing.bytes().len();
                    encode(message, self.outgoing)?;
                    let fresh = self.outgoing.bytes().get(before..).unwrap_or_default();
                    self.observed.see_server_hello(fresh);
                    if let Some(early) = &mut self.early
                        && let Err(failure) = early.see_message(fresh)
                    {
                        self.incoming.consume(discard);
                        return Err(failure);
                    }
                    Step::On
                }
                Ok(ConnectionState::TransmitTlsData(mut transmit)) => {
                    let may_send = E::Data::may_send(&mut transmit);
                    // Once it is said that all is sent, no early data can follow.
                    let early = self.early.as_deref_mut();
                    if early.is_some_and(|early| early.stays_open(may_send)) {
                        Step::Wait
                    } else {
                        transmit.done();
                        Step::On
                    }
                }
                Ok(ConnectionState::PeerClosed) => {
                    *self.closed = true;
                    Step::On
                }
                Ok(_) => Step::Wait,
                Err(error) => {
                    self.incoming.consume(discard);
                    return Err(Failure::from(&error));
                }
            };
            self.incoming.consume(discard);
            match step {
                Step::Read if sink.is_full() => return Ok(!self.incoming.is_empty()),
                Step::Read | Step::On => {}
                Step::Wait => return Ok(false),
            }
        }
    }
}

/// What follows one step of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Plain bytes came.
    Read,
    /// Something else happened.
    On,
    /// Nothing happens until more comes.
    Wait,
}

#[cfg(test)]
mod tests;
