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
            early: None,
            observed: Box::new(observed),
        }
    }

    /// The server's end of a connection that a client is about to open.
    #[must_use]
    pub fn accept(listener: Arc<Listener>) -> Self {
        Self::new(State::Hello(listener), Observed::default())
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

    /// Says that `n` bytes were sent.
    pub fn sent(&mut self, n: usize) {
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
        // Data may come right behind the last message of the handshake.
        if self.handshaking {
            self.handshaking = self.agreed().is_none_or(CommonState::is_handshaking);
            if !self.handshaking {
                self.note_agreement();
            }
        }
        observed::collect(&mut self.observed);
        match progress {
            Ok(backlog) => {
                self.backlog = backlog;
                Ok(filled)
            }
            Err(failure) => Err(self.fail(failure)),
        }
    }

    /// Takes note of what a finished handshake means for those to come.
    fn note_agreement(&self) {
        if self.is_resumed() {
            self.recall_judgement();
        }
        if let Some(early) = &self.early {
            early.remember(self.agreed().and_then(CommonState::alpn_protocol));
        }
    }

    /// A client that takes a session up again shows no certificate; the one that it has shown counts.
    fn recall_judgement(&self) {
        let instance = self.observed.instance.as_ref();
        let auth = instance.and_then(|instance| instance.auth.as_ref());
        let certificates = self.agreed().and_then(CommonState::peer_certificates);
        if let (Some(auth), Some(certificates)) = (auth, certificates) {
            auth.recall(certificates);
        }
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
        for part in plain.chunks(FRAGMENT).take(2) {
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
        let part = plain.get(..FRAGMENT).unwrap_or(plain);
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
    loop {
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
mod tests {
    use super::*;
    use crate::bundle::Bundle;
    use crate::client::{Connector, Plan};
    use crate::names::Names;
    use crate::resume::{Resumption, SessionCache};
    use crate::server::{Instance, Line, Trust};
    use crate::settings::{BindSettings, Common, Ignored, Verify};
    use crate::verify::Authorities;

    fn bundle(names: &[&str]) -> (Arc<Bundle>, Vec<u8>) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let text = made.cert.pem() + &made.signing_key.serialize_pem();
        let mut bundle = Bundle::default();
        bundle.take_pem(text.as_bytes(), &|| None).unwrap();
        assert!(bundle.is_consistent());
        (Arc::new(bundle), made.cert.der().to_vec())
    }

    fn listener(common: &Common, trust: &Trust, names: &[&str]) -> (Arc<Listener>, Vec<u8>) {
        listener_with(common, trust, bundle(names))
    }

    fn listener_with(
        common: &Common,
        trust: &Trust,
        (bundle, der): (Arc<Bundle>, Vec<u8>),
    ) -> (Arc<Listener>, Vec<u8>) {
        let cache = Arc::new(SessionCache::new(100));
        let line = Line {
            strict: false,
            capture: true,
            ignored: (Ignored::default(), Ignored::default()),
            prefer_client: false,
            resumption: Arc::new(Resumption::new(&cache, true, None, 300).unwrap()),
            max_record: None,
            keylog: true,
        };
        let instance = Arc::new(Instance::new(&line, common, trust, bundle).unwrap());
        let mut table = Names::default();
        table.add(&instance, &[], 0);
        table.add_default(&instance);
        (
            Arc::new(Listener::new(line, BindSettings::default(), table)),
            der,
        )
    }

    fn connector(der: &[u8], verify: Verify) -> Connector {
        connector_with(der, verify, Common::default())
    }

    fn connector_with(der: &[u8], verify: Verify, common: Common) -> Connector {
        let mut authorities = Authorities::default();
        authorities.add(der);
        let common = Common {
            verify: Some(verify),
            ..common
        };
        let trust = Trust {
            authorities: Some(Arc::new(authorities)),
            ..Trust::default()
        };
        Connector::new(Plan {
            common,
            trust,
            bundle: None,
            verify_host: None,
            reuse: true,
            tickets: true,
            keylog: true,
        })
        .unwrap()
    }

    /// Carries what one end has to send to the other.
    fn carry(
        from: &mut Connection,
        to: &mut Connection,
        room: &mut [u8],
    ) -> Result<usize, Failure> {
        let mut filled = 0;
        while !from.outbox().is_empty() {
            let inbox = to.inbox();
            let n = inbox.len().min(from.outbox().len()).min(1000);
            inbox[..n].copy_from_slice(&from.outbox()[..n]);
            to.came(n);
            from.sent(n);
            filled += to.process(&mut room[filled..])?;
        }
        Ok(filled)
    }

    fn shake(client: &mut Connection, server: &mut Connection) -> Result<(), Failure> {
        for _ in 0..6 {
            carry(client, server, &mut [])?;
            carry(server, client, &mut [])?;
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
        Ok(())
    }

    #[test]
    fn bytes_go_both_ways_and_sessions_are_taken_up_again() {
        let (listener, der) = listener(&Common::default(), &Trust::default(), &["a.example"]);
        let connector = connector(&der, Verify::Required);
        for resumed in [false, true] {
            let mut client = connector.connect(Some(b"a.example"), None).unwrap();
            let mut server = Connection::accept(listener.clone());
            shake(&mut client, &mut server).unwrap();
            assert_eq!(
                (client.is_resumed(), server.is_resumed()),
                (resumed, resumed)
            );
            let text: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
            let (mut sent, mut got) = (0, Vec::new());
            let mut room = vec![0; 5000];
            while got.len() < text.len() {
                if sent < text.len() {
                    sent += client.encrypt(&text[sent..]).unwrap();
                }
                let n = client.outbox().len().min(server.inbox().len());
                let (from, to) = (client.outbox()[..n].to_vec(), server.inbox());
                to[..n].copy_from_slice(&from);
                server.came(n);
                client.sent(n);
                loop {
                    let n = server.process(&mut room).unwrap();
                    got.extend_from_slice(&room[..n]);
                    if n == 0 {
                        break;
                    }
                }
            }
            assert!(got == text);
            assert_eq!(
                server.observed.server_name.as_deref(),
                Some(&b"a.example"[..])
            );
            assert_eq!(server.observed.client_random, client.observed.client_random);
            assert_eq!(server.observed.server_hello, client.observed.server_hello);
            let label = "SERVER_TRAFFIC_SECRET_0";
            assert!(server.observed.secret(label).is_some());
            assert_eq!(server.observed.secret(label), client.observed.secret(label));
            client.notify_close();
            carry(&mut client, &mut server, &mut []).unwrap();
            assert!(server.has_ended());
        }
    }

    #[test]
    fn names_of_servers_are_checked() {
        let (listener, der) = listener(&Common::default(), &Trust::default(), &["a.example"]);
        let connector = connector(&der, Verify::Required);
        let mut client = connector.connect(Some(b"b.example"), None).unwrap();
        let mut server = Connection::accept(listener);
        assert_eq!(shake(&mut client, &mut server), Err(Failure::VERIFY_FAILED));
        assert_eq!(
            client.observed.judgement.result,
            crate::verify::code::HOST_MISMATCH
        );
        let failure = carry(&mut client, &mut server, &mut []).unwrap_err();
        assert_eq!(failure.text, "sslv3 alert bad certificate");
    }

    #[test]
    fn clients_without_a_certificate_are_refused() {
        let (_, der) = bundle(&["ca"]);
        let mut authorities = Authorities::default();
        authorities.add(&der);
        let trust = Trust {
            authorities: Some(Arc::new(authorities)),
            ..Trust::default()
        };
        let common = Common {
            verify: Some(Verify::Required),
            ..Common::default()
        };
        let (listener, der) = listener(&common, &trust, &["a.example"]);
        let mut client = connector(&der, Verify::None).connect(None, None).unwrap();
        let mut server = Connection::accept(listener);
        assert_eq!(
            shake(&mut client, &mut server),
            Err(Failure::NO_CERTIFICATE)
        );
        let failure = carry(&mut server, &mut client, &mut []).unwrap_err();
        assert_eq!(failure.text, "tlsv13 alert certificate required");
    }

    #[test]
    fn strangers_are_told_apart() {
        let (listener, _) = listener(&Common::default(), &Trust::default(), &["a.example"]);
        for (text, failure) in [
            (&b"GET / HTTP/1.1\r\n"[..], Failure::HTTP_REQUEST),
            (b"SSH-2.0-x\r\n", Failure::WRONG_VERSION),
        ] {
            let mut server = Connection::accept(listener.clone());
            server.inbox()[..text.len()].copy_from_slice(text);
            server.came(text.len());
            assert_eq!(server.process(&mut []), Err(failure));
            assert_eq!(server.process(&mut []), Err(failure));
        }
    }

    /// What early data takes on both ends, for a protocol agreed on.
    fn early() -> Common {
        Common {
            early_data: true,
            alpn: Some([b"http/1.1".to_vec()].into()),
            ..Common::default()
        }
    }

    /// A server, a connector that has a session with it, and a server with the same certificate that knows of no session.
    fn acquainted() -> (Arc<Listener>, Connector, Arc<Listener>) {
        let bundle = bundle(&["a.example"]);
        let (listener, der) = listener_with(&early(), &Trust::default(), bundle.clone());
        let (stranger, _) = listener_with(&early(), &Trust::default(), bundle);
        let connector = connector_with(&der, Verify::Required, early());
        // The first connection does not know whether the server takes any.
        let mut client = connector.connect_early(Some(b"a.example")).unwrap();
        assert!(!client.is_ahead() && !client.may_write());
        let mut server = Connection::accept(listener.clone());
        shake(&mut client, &mut server).unwrap();
        assert_eq!(server.alpn(), Some(&b"http/1.1"[..]));
        (listener, connector, stranger)
    }

    #[test]
    fn early_data_arrives_and_is_answered_before_the_handshake_is_over() {
        let (listener, connector, _) = acquainted();
        let mut client = connector.connect_early(Some(b"a.example")).unwrap();
        assert!(client.is_ahead() && client.may_write());
        assert_eq!(client.alpn(), Some(&b"http/1.1"[..]));
        assert_eq!(client.encrypt(b"early").unwrap(), 5);
        let mut server = Connection::accept(listener);
        assert_eq!(carry(&mut client, &mut server, &mut []).unwrap(), 0);
        assert!(server.go_ahead() && server.is_handshaking() && server.has_backlog());
        let seen = server.seen();
        assert!(seen.is_ahead() && seen.is_resumed() && seen.observed.early_data);
        let mut room = [0; 100];
        assert_eq!(server.process(&mut room).unwrap(), 5);
        assert_eq!(&room[..5], b"early");
        assert_eq!(server.encrypt(b"answer").unwrap(), 6);
        assert_eq!(carry(&mut server, &mut client, &mut room).unwrap(), 6);
        assert_eq!(&room[..6], b"answer");
        assert!(!client.is_handshaking() && client.is_resumed());
        carry(&mut client, &mut server, &mut []).unwrap();
        assert!(!server.is_handshaking());
        seen.catch_up();
        assert!(!seen.is_ahead());
        // The tickets that came with this connection serve for the next.
        let client = connector.connect_early(Some(b"a.example")).unwrap();
        assert!(client.is_ahead());
    }

    #[test]
    fn no_more_early_data_is_sent_than_the_server_takes() {
        let (listener, connector, _) = acquainted();
        let mut client = connector.connect_early(Some(b"a.example")).unwrap();
        let text: Vec<u8> = (0..40_000u32).map(|n| n as u8).collect();
        let mut sent = 0;
        while client.may_write() {
            sent += client.encrypt(&text[sent..]).unwrap();
        }
        assert_eq!(sent, 16_384);
        let mut server = Connection::accept(listener);
        let mut room = vec![0; 50_000];
        let mut got = carry(&mut client, &mut server, &mut room).unwrap();
        carry(&mut server, &mut client, &mut []).unwrap();
        while sent < text.len() {
            sent += client.encrypt(&text[sent..]).unwrap();
            got += carry(&mut client, &mut server, &mut room[got..]).unwrap();
        }
        assert!(room[..got] == text);
    }

    #[test]
    fn refused_early_data_ends_the_connection_and_is_not_tried_again() {
        let (_, connector, stranger) = acquainted();
        let mut client = connector.connect_early(Some(b"a.example")).unwrap();
        client.encrypt(b"early").unwrap();
        let mut server = Connection::accept(stranger.clone());
        let mut room = [0; 100];
        assert_eq!(carry(&mut client, &mut server, &mut room).unwrap(), 0);
        assert!(!server.go_ahead());
        let refused = carry(&mut server, &mut client, &mut []);
        assert_eq!(refused, Err(Failure::EARLY_REFUSED));
        assert_eq!(client.failure(), Some(Failure::EARLY_REFUSED));
        // What else is known of the server's sessions is forgotten.
        let mut client = connector.connect_early(Some(b"a.example")).unwrap();
        assert!(!client.is_ahead());
        let mut server = Connection::accept(stranger);
        shake(&mut client, &mut server).unwrap();
        assert!(!client.is_resumed());
    }

    #[test]
    fn early_data_is_not_taken_where_other_machines_understand_the_tickets() {
        let keys = crate::tickets::TicketKeys::new("f", (1..4).map(|n| vec![n; 48]).collect());
        let keys = Arc::new(keys.unwrap());
        let cache = Arc::new(SessionCache::new(0));
        for (keys, taken) in [(None, true), (Some(&keys), false)] {
            let resumption = Resumption::new(&cache, true, keys, 300).unwrap();
            let mut config = rustls::ServerConfig::builder_with_provider(
                crate::provider::provider(&Common::default()).unwrap(),
            )
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
            resumption.apply(&mut config, true);
            assert_eq!(config.max_early_data_size > 0, taken);
            assert_eq!(config.ticketer.enabled(), !taken);
        }
    }
}
