//! The last message of each proxy that broke the rules of HTTP/1, for `show errors`.
//!
//! It costs nothing until there is one, and then no more than a buffer per proxy and direction.

use super::Stream;
use crate::clock;
use crate::proxy::ProxyRuntime;
use crate::trace;
use base::Endpoint;
use expr::view::{Date, Side};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wire::h1::ParseError;

/// A proxy or server: name and number.
pub type Named = (Arc<str>, u32);

/// A message that was refused.
#[derive(Debug, Clone)]
pub struct BadMessage {
    /// How many there were before it in the process.
    pub number: u64,
    /// When it came.
    pub date: Date,
    /// Whether it is a request or a response.
    pub side: Side,
    /// The frontend.
    pub frontend: Named,
    /// The backend, if one was chosen.
    pub backend: Option<Named>,
    /// The server, if one was chosen.
    pub server: Option<Named>,
    /// Where the client is.
    pub source: Option<Endpoint>,
    /// What the rule that it broke is about.
    pub rule: &'static str,
    /// Where it broke it, counted from its first byte.
    pub position: usize,
    /// It, as far as it had come.
    pub bytes: Box<[u8]>,
    /// The size of the buffer.
    pub buffer_size: usize,
}

/// The last request and the last response.
pub type BadMessages = [Option<Arc<BadMessage>>; 2];

fn named(proxy: &ProxyRuntime) -> Named {
    (proxy.config.name.clone(), proxy.config.id)
}

fn behind(error: ParseError, head: usize) -> ParseError {
    ParseError {
        position: error.position + head,
        ..error
    }
}

impl Stream<'_> {
    /// Keeps the request in the client's buffer, which was refused.
    pub(super) fn keep_bad_request(&self, error: ParseError) {
        self.trace_bad_message(trace::Side::Front, error.kind.name());
        // What did not come as HTTP/1 has no such form.
        if !self.client.conn.is_multiplexed() {
            let bytes = self.client.conn.input.bytes();
            self.keep(Side::Request, &self.session.frontend, error, bytes);
        }
    }

    /// Keeps a request whose body was refused together with its head, of so many bytes, which still stands before it.
    pub(super) fn keep_bad_begun_request(&self, error: ParseError, head: usize) {
        self.trace_bad_message(trace::Side::Front, error.kind.name());
        if !self.client.conn.is_multiplexed() {
            let bytes = self.client.conn.input.rewound(head);
            let error = behind(error, head);
            self.keep(Side::Request, &self.session.frontend, error, bytes);
        }
    }

    /// Keeps a response whose body was refused together with its head, of so many bytes, which still stands before it.
    pub(super) fn keep_bad_begun_response(&self, error: ParseError, head: usize) {
        self.trace_bad_message(trace::Side::Back, error.kind.name());
        if let Some(server) = &self.state.server_conn
            && !server.conn.is_multiplexed()
        {
            let bytes = server.conn.input.rewound(head);
            self.keep(Side::Response, self.backend(), behind(error, head), bytes);
        }
    }

    /// Keeps what is left of a request whose body was refused later on.
    pub(super) fn keep_bad_body(&self) {
        if let Err(error) = self.client.conn.check_chunks(&self.session.runtime.limits) {
            self.keep_bad_request(error);
        }
    }

    /// Keeps what is left of a response whose body was refused later on.
    pub(super) fn keep_bad_response_body(&self) {
        let limits = &self.session.runtime.limits;
        let server = self.state.server_conn.as_ref();
        if let Some(Err(error)) = server.map(|server| server.conn.check_chunks(limits)) {
            self.keep_bad_response(error);
        }
    }

    /// Keeps the response in the server's buffer, which was refused.
    pub(super) fn keep_bad_response(&self, error: ParseError) {
        self.trace_bad_message(trace::Side::Back, error.kind.name());
        if let Some(server) = &self.state.server_conn
            && !server.conn.is_multiplexed()
        {
            let bytes = server.conn.input.bytes();
            self.keep(Side::Response, self.backend(), error, bytes);
        }
    }

    fn keep(&self, side: Side, proxy: &ProxyRuntime, error: ParseError, bytes: &[u8]) {
        let session = &self.session;
        let server = self.state.server.as_ref();
        let source = session.src.as_deref().or(session.real_src.as_ref());
        let runtime = &session.runtime;
        let message = BadMessage {
            number: runtime.process.bad_messages.fetch_add(1, Ordering::Relaxed),
            date: clock::date(),
            side,
            frontend: named(&session.frontend),
            backend: self.state.backend.as_deref().map(named),
            server: server.map(|server| (server.config.name.clone(), server.config.id)),
            source: source.cloned(),
            rule: error.kind.name(),
            position: error.position,
            bytes: bytes.into(),
            buffer_size: runtime.snapshot.global.buffer_size,
        };
        let mut kept = proxy.bad_messages.lock();
        kept[usize::from(side == Side::Response)] = Some(Arc::new(message));
    }
}
