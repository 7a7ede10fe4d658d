//! What a stream reports to traces.

use super::{Cause, Source as Ender, Stream, Unreached};
use crate::handshake::HandshakeError;
use crate::mux::Conn;
use crate::trace::{self, Side, Who, number_of, watches, watches_data};
use message::Head;
use model::trace::{Event, Level, Source, Subject};
use std::fmt::Write;
use std::os::fd::AsRawFd;

/// The number of the first stream in listings of streams, by which it is known to other commands as well.
const FIRST: u64 = 0x10;

/// Which head is meant, and what happens with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    /// A request comes from the client.
    RequestReceived,
    /// A request goes to the server.
    RequestSent,
    /// A response comes from the server.
    ResponseReceived,
    /// A response goes to the client.
    ResponseSent,
}

/// The events of an attempt to reach a server that nothing came of.
pub(super) const UNCONNECTED: u64 = Event::StreamConnector.bit() | Event::SslErr.bit();

const HEADS: u64 = Event::H1RxHeaders.bit()
    | Event::H1TxHeaders.bit()
    | Event::H2RxHeaders.bit()
    | Event::H2TxHeaders.bit();

impl Passing {
    fn side(self) -> Side {
        match self {
            Self::RequestReceived | Self::ResponseSent => Side::Front,
            Self::RequestSent | Self::ResponseReceived => Side::Back,
        }
    }

    fn event(self, multiplexed: bool) -> Event {
        match (self, multiplexed) {
            (Self::RequestReceived | Self::ResponseReceived, false) => Event::H1RxHeaders,
            (Self::RequestReceived | Self::ResponseReceived, true) => Event::H2RxHeaders,
            (Self::RequestSent | Self::ResponseSent, false) => Event::H1TxHeaders,
            (Self::RequestSent | Self::ResponseSent, true) => Event::H2TxHeaders,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::RequestReceived => "received request headers",
            Self::RequestSent => "sending request headers",
            Self::ResponseReceived => "received response headers",
            Self::ResponseSent => "sending response headers",
        }
    }
}

fn descriptor(conn: &Conn) -> Option<i32> {
    conn.ask(AsRawFd::as_raw_fd)
}

impl Stream<'_> {
    fn conn(&self, side: Side) -> Option<&Conn> {
        match side {
            Side::Front => Some(&self.client.conn),
            Side::Back => self.state.server_conn.as_ref().map(|server| &server.conn),
        }
    }

    fn subject(&self, side: Side) -> Subject {
        let connection = self.conn(side).and_then(descriptor);
        let server = self.state.server.as_ref();
        // It is numbered once its request is there.
        let numbered = self.state.has_request || !self.is_http();
        Subject {
            backend: self.state.backend.as_ref().map(number_of),
            server: server.map(number_of),
            stream: numbered.then_some(self.state.number + FIRST),
            ..trace::subject(&self.session, connection)
        }
    }

    fn who(&self) -> Who {
        let server = self.state.server.as_ref();
        let backend = self.state.backend.as_ref();
        Who {
            backend: backend.map(|backend| backend.config.name.clone()),
            server: server.map(|server| server.config.name.clone()),
            ..trace::who(&self.session)
        }
    }

    fn tell(&self, side: Side, subject: &Subject, verbosity: usize, out: &mut String) {
        let _ = write!(out, " [{}]", side.letter());
        self.who().push(out);
        if verbosity > 1 {
            trace::push_numbers(subject, out);
        }
    }

    /// A head passes.
    #[inline]
    #[track_caller]
    pub(super) fn trace_head(&self, passing: Passing) {
        if trace::watches_any(HEADS) {
            let head = match passing {
                Passing::RequestReceived | Passing::RequestSent => &self.state.request,
                Passing::ResponseReceived | Passing::ResponseSent => &self.state.response,
            };
            self.report_head(passing, head);
        }
    }

    /// A head passes that is not the stream's own.
    #[inline]
    #[track_caller]
    pub(super) fn trace_head_of(&self, passing: Passing, head: &Head) {
        if trace::watches_any(HEADS) {
            self.report_head(passing, head);
        }
    }

    #[cold]
    #[track_caller]
    fn report_head(&self, passing: Passing, head: &Head) {
        let side = passing.side();
        let multiplexed = self.conn(side).is_some_and(Conn::is_multiplexed);
        let event = passing.event(multiplexed);
        if !watches(event) {
            return;
        }
        let subject = self.subject(side);
        trace::report(
            event,
            Level::User,
            &subject,
            passing.text(),
            |verbosity, out| {
                self.tell(side, &subject, verbosity, out);
                tell_head(head, verbosity, out);
            },
        );
    }

    /// A message could not be understood.
    #[track_caller]
    pub(super) fn trace_bad_message(&self, side: Side, why: &str) {
        let multiplexed = self.conn(side).is_some_and(Conn::is_multiplexed);
        let event = match multiplexed {
            true => Event::H2StreamErr,
            false => Event::H1StreamErr,
        };
        if watches(event) {
            let what = format!("message refused: {why}");
            self.report_plainly(event, Level::Error, side, &what);
        }
    }

    #[track_caller]
    fn report_plainly(&self, event: Event, level: Level, side: Side, what: &str) {
        let subject = self.subject(side);
        trace::report(event, level, &subject, what, |verbosity, out| {
            self.tell(side, &subject, verbosity, out);
        });
    }

    /// The stream has begun.
    #[inline]
    #[track_caller]
    pub(super) fn trace_new(&self) {
        const NEW: u64 =
            Event::StreamNew.bit() | Event::H1StreamNew.bit() | Event::H2StreamNew.bit();
        if trace::watches_any(NEW) || watches_data() {
            self.report_new();
        }
    }

    #[cold]
    #[track_caller]
    fn report_new(&self) {
        self.note_conn(Side::Front);
        if watches(Event::StreamNew) {
            self.report_plainly(Event::StreamNew, Level::State, Side::Front, "new stream");
        }
        let event = match self.client.conn.is_multiplexed() {
            true => Event::H2StreamNew,
            false => Event::H1StreamNew,
        };
        if watches(event) && self.is_http() {
            self.report_plainly(event, Level::State, Side::Front, "new stream");
        }
    }

    /// Lets bytes of a connection be reported with what they are about.
    fn note_conn(&self, side: Side) {
        let Some(conn) = self.conn(side).filter(|_| watches_data()) else {
            return;
        };
        let source = match (conn.is_multiplexed(), self.is_http()) {
            (true, _) => Source::H2,
            (false, true) => Source::H1,
            (false, false) => Source::Pt,
        };
        if let Some(key) = conn.trace_key() {
            trace::note(key, source, side, self.subject(side), self.who());
        }
    }

    /// The backend is chosen.
    #[inline]
    #[track_caller]
    pub(super) fn trace_backend(&self) {
        let event = match self.is_http() {
            true => Event::StreamHttp,
            false => Event::StreamTcp,
        };
        if watches(event) {
            self.report_stream(event, Level::Proto, "backend chosen");
        }
    }

    /// A connection to the server is there.
    #[inline]
    #[track_caller]
    pub(super) fn trace_connected(&self) {
        const CONNECTED: u64 = Event::StreamConnector.bit()
            | Event::PtNew.bit()
            | Event::H1ConnNew.bit()
            | Event::H2ConnNew.bit()
            | Event::SslHandshake.bit();
        if trace::watches_any(CONNECTED) || watches_data() {
            self.report_connected();
        }
    }

    #[cold]
    #[track_caller]
    fn report_connected(&self) {
        let Some(server) = &self.state.server_conn else {
            return;
        };
        self.note_conn(Side::Back);
        let what = match server.reused {
            true => "connection to the server reused",
            false => "connected to the server",
        };
        if watches(Event::StreamConnector) {
            self.report_plainly(Event::StreamConnector, Level::State, Side::Back, what);
        }
        if server.reused {
            return;
        }
        if let Some(tls) = &server.tls
            && watches(Event::SslHandshake)
        {
            let subject = self.subject(Side::Back);
            let what = "handshake with the server done";
            trace::report(
                Event::SslHandshake,
                Level::User,
                &subject,
                what,
                |verbosity, out| {
                    self.tell(Side::Back, &subject, verbosity, out);
                    trace::push_tls(tls, verbosity, out);
                },
            );
        }
        let event = match (server.conn.is_multiplexed(), self.is_http()) {
            (true, _) => Event::H2ConnNew,
            (false, true) => Event::H1ConnNew,
            (false, false) => Event::PtNew,
        };
        if watches(event) {
            self.report_plainly(event, Level::State, Side::Back, "new connection");
        }
    }

    /// No connection to the server came of an attempt.
    #[cold]
    #[track_caller]
    pub(super) fn trace_unconnected(&self, why: &str) {
        let unreached = self.state.unreached.as_deref();
        if let Some(Unreached {
            error: HandshakeError::Tls(fault),
            ..
        }) = unreached
            && watches(Event::SslErr)
        {
            let what = format!("handshake with the server failed: {}", fault.text());
            self.report_plainly(Event::SslErr, Level::Error, Side::Back, &what);
        }
        if watches(Event::StreamConnector) {
            let what = format!("not connected to the server: {why}");
            self.report_plainly(Event::StreamConnector, Level::Error, Side::Back, &what);
        }
    }

    /// The stream is over.
    #[inline]
    #[track_caller]
    pub(super) fn trace_end(&self) {
        const END: u64 = Event::StreamFree.bit()
            | Event::StreamErr.bit()
            | Event::H1StreamEnd.bit()
            | Event::H2StreamEnd.bit()
            | Event::H2StreamErr.bit()
            | Event::H1ConnErr.bit()
            | Event::PtErr.bit();
        if trace::watches_any(END) {
            self.report_end();
        }
    }

    #[cold]
    #[track_caller]
    fn report_end(&self) {
        if watches(Event::StreamErr) && self.state.is_failed() {
            let letters = Cause::letters(self.state.cause);
            let what = format!(
                "stream failed: {}{}",
                char::from(letters[0]),
                char::from(letters[1])
            );
            self.report_stream(Event::StreamErr, Level::Error, &what);
        }
        self.report_broken();
        let multiplexed = self.client.conn.is_multiplexed();
        if multiplexed && watches(Event::H2StreamErr) && self.client.conn.is_reset() {
            self.report_plainly(
                Event::H2StreamErr,
                Level::Error,
                Side::Front,
                "stream reset",
            );
        }
        let event = match multiplexed {
            true => Event::H2StreamEnd,
            false => Event::H1StreamEnd,
        };
        if watches(event) && self.is_http() {
            self.report_plainly(event, Level::State, Side::Front, "end of stream");
        }
        if watches(Event::StreamFree) {
            self.report_stream(Event::StreamFree, Level::User, "end of stream");
        }
    }

    /// A connection ended the stream, by its end or by keeping everybody waiting.
    #[track_caller]
    fn report_broken(&self) {
        let Some(cause) = self.state.cause else {
            return;
        };
        let (side, what) = match cause.source {
            Ender::Client => (Side::Front, "connection closed too early"),
            Ender::ClientTimeout => (Side::Front, "connection too slow"),
            Ender::Server => (Side::Back, "connection closed too early"),
            Ender::ServerTimeout => (Side::Back, "connection too slow"),
            _ => return,
        };
        let event = match self.is_http() {
            true => Event::H1ConnErr,
            false => Event::PtErr,
        };
        // One that carries several streams says so for each of them.
        let shared = self.conn(side).is_some_and(Conn::is_multiplexed);
        if !shared && watches(event) {
            self.report_plainly(event, Level::Error, side, what);
        }
    }

    #[track_caller]
    fn report_stream(&self, event: Event, level: Level, what: &str) {
        let subject = self.subject(Side::Front);
        trace::report(event, level, &subject, what, |verbosity, out| {
            self.tell(Side::Front, &subject, verbosity, out);
            let state = &self.state;
            if state.status > 0 {
                let _ = write!(out, " status={}", state.status);
            }
            let heads = [
                (state.has_request, &state.request),
                (state.has_response, &state.response),
            ];
            let heads = heads.into_iter().filter(|(is_there, _)| *is_there);
            if verbosity > 2 {
                for (_, head) in heads.clone() {
                    trace::first_line(head, out);
                }
            }
            if verbosity > 3 {
                let times = state.times.durations(crate::clock::now_ms());
                let _ = write!(
                    out,
                    " wait={} connect={} response={} total={} retries={} in={} out={}",
                    times.queue,
                    times.connect,
                    times.response,
                    times.total,
                    state.retries,
                    state.bytes.0,
                    state.bytes.1
                );
            }
            if verbosity > 4 {
                for (_, head) in heads {
                    trace::push_fields(head, out);
                }
            }
        });
    }
}

fn tell_head(head: &Head, verbosity: usize, out: &mut String) {
    if verbosity > 2 {
        trace::first_line(head, out);
    }
    if verbosity > 3 {
        trace::push_fields(head, out);
    }
}
