//! An HTTP session: one request after the other on a client's connection.

use super::counters::{ERROR, GLITCH, REQUEST};
use super::http2::serve_http2;
use super::request::Arrival;
use super::traced::Passing;
use super::{Next, Phase, Source, State, Stream};
use crate::clock;
use crate::mux::{Conn, Received};
use crate::session::{ClientSide, Session};
use crate::worker::Worker;
use model::live::count;
use model::live::tally::Tally;
use model::rules::Mux;
use model::{CloseSpread, Options};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

/// What became of a connection that was served in HTTP/1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is over.
    Over,
    /// It goes on with HTTP/2.
    Http2,
}

/// Serves requests until the connection ends. The first one may be a stream that has `begun` as TCP.
pub async fn serve_http(
    session: &Rc<Session>,
    worker: &Rc<Worker>,
    client: &mut ClientSide,
    mut begun: Option<Box<State>>,
) -> Ended {
    if speaks_http2(session) {
        return Ended::Http2;
    }
    let mut first = true;
    let mut begin = (session.accepted.0, session.handshake, session.accepted.1);
    loop {
        let arrival = match client.conn.input.is_empty() {
            true => wait_for_request(session, client, first).await,
            false => Awaited::Bytes,
        };
        if arrival == Awaited::Stop || (arrival != Awaited::Bytes && !first) {
            return Ended::Over;
        }
        if first && begun.is_none() && is_preface(session, client) {
            return Ended::Http2;
        }
        let begun = begun.take();
        let goes_on = begun.is_some();
        let mut state = begun.unwrap_or_else(|| worker.take_state());
        let mut stream = match goes_on {
            true => Stream::with(session, worker, client, &mut state),
            false => Stream::new(session, worker, client, &mut state),
        };
        if !stream.state.counted {
            stream.begin();
        }
        let times = &mut stream.state.times;
        (times.begin, times.handshake, times.begin_date) = begin;
        // Until there is one: a connection may end without a request.
        times.request_date = times.begin_date;
        // Boxed, so that a connection between two requests does not keep room for one.
        let next = Box::pin(stream.http_request(arrival)).await;
        drop(stream);
        worker.give_state(state);
        match next {
            Next::KeepAlive => {}
            Next::Close => {
                linger(client).await;
                return Ended::Over;
            }
            Next::Abort => return Ended::Over,
            Next::Http2 => return Ended::Http2,
        }
        first = false;
        client.conn.rest();
        let now = clock::now_ms();
        begin = (now, now, clock::date());
    }
}

/// Whether what has come begins with the preface of HTTP/2, where that is welcome: no stream of HTTP/1 is made of it then.
fn is_preface(session: &Session, client: &ClientSide) -> bool {
    let stays = session.frontend.config.options.has(Options::NO_H2_UPGRADE);
    let begins = client.conn.input.bytes().starts_with(wire::h2::PREFACE);
    begins && !stays && session.mux.get().is_none()
}

/// Whether the connection is one of HTTP/2 from its first byte.
fn speaks_http2(session: &Session) -> bool {
    session.mux.get() == Some(Mux::H2)
}

/// Goes on with HTTP/2.
pub async fn upgrade(session: &Rc<Session>, worker: &Rc<Worker>, client: &mut ClientSide) {
    let conn = std::mem::replace(&mut client.conn, Conn::unconnected());
    if let Some((socket, input)) = conn.into_parts() {
        serve_http2(session, worker, socket, input, &mut client.deadline).await;
    }
}

/// What ended the wait for a request's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    Bytes,
    /// The client closed.
    End,
    Timeout,
    /// The process stops.
    Stop,
}

/// Waits for the first byte of a request without holding memory.
async fn wait_for_request(session: &Session, client: &mut ClientSide, first: bool) -> Awaited {
    let timeouts = &session.frontend.config.timeouts;
    let timeout = match first {
        true => timeouts.http_request.or(timeouts.client),
        false => timeouts
            .keep_alive
            .or(timeouts.http_request)
            .or(timeouts.client),
    };
    let at = timeout.map(|timeout| clock::now_ms() + timeout);
    // A connection that has just come was promised an answer by being accepted, unless there is time for one.
    let stays = Options::IDLE_CLOSE_ON_RESPONSE;
    let spread = session.runtime.snapshot.global.close_spread != CloseSpread::AtOnce;
    let closes = spread || (!first && !session.frontend.config.options.has(stays));
    let ClientSide { conn, deadline, .. } = client;
    let came = poll_fn(|cx| match conn.poll_fill(cx) {
        Poll::Ready(Ok(Received::Bytes | Received::Full)) => Poll::Ready(Awaited::Bytes),
        Poll::Ready(Ok(Received::End) | Err(_)) => Poll::Ready(Awaited::End),
        Poll::Pending if closes && session.is_to_close() => Poll::Ready(Awaited::Stop),
        Poll::Pending => deadline.poll(cx, at).map(|()| Awaited::Timeout),
    });
    came.await
}

/// How long a closing connection's remaining input is read, in milliseconds, so that a reset does not overtake the last
/// response.
const LINGER: u64 = 1000;

/// Closes the sending half and reads what the client still sends for a moment. A client that has sent nothing beyond its
/// request has nothing on the way that could provoke a reset, and is closed at once.
async fn linger(client: &mut ClientSide) {
    let conn = &client.conn;
    if conn.has_ended() || (conn.is_message_over() && conn.input.is_empty()) {
        return;
    }
    client.conn.shutdown();
    let until = clock::now_ms() + LINGER;
    let ClientSide { conn, deadline, .. } = client;
    poll_fn(|cx| {
        loop {
            let n = conn.input.len();
            conn.input.consume(n);
            match conn.poll_fill(cx) {
                Poll::Ready(Ok(Received::Bytes | Received::Full)) => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return deadline.poll(cx, Some(until)),
            }
        }
    })
    .await;
}

impl Stream<'_> {
    /// One request from its first byte to its log line.
    pub(super) async fn http_request(&mut self, awaited: Awaited) -> Next {
        let next = self.unless_killed(async |stream| stream.whole_request(awaited).await);
        match next.await {
            Some(next) => next,
            None => self.end_killed(),
        }
    }

    async fn whole_request(&mut self, awaited: Awaited) -> Next {
        let arrival = match awaited {
            Awaited::Bytes => self.receive_request().await,
            Awaited::Timeout => Arrival::Timeout,
            Awaited::End | Awaited::Stop => Arrival::Aborted,
        };
        let next = match arrival {
            Arrival::Complete => {
                self.begin_request();
                self.process_and_serve().await
            }
            Arrival::Aborted => {
                if self.state.times.first_byte != 0 {
                    self.session.count_tracked(REQUEST);
                    self.session.count_tracked(ERROR);
                }
                self.state.end(Source::Client, Phase::Request);
                self.bad_request(400).await
            }
            Arrival::Timeout => {
                self.count_timed_out();
                self.state.end(Source::ClientTimeout, Phase::Request);
                self.bad_request(408).await
            }
            Arrival::Http2 => {
                self.state.logged = true;
                return Next::Http2;
            }
            Arrival::Refused(status) => {
                self.count_request();
                for what in [REQUEST, ERROR, GLITCH] {
                    self.session.count_tracked(what);
                }
                self.refuse(Phase::Request);
                self.bad_request(status).await
            }
        };
        self.finish();
        next
    }

    /// A request that never came counts as one, unless nothing came at all and nobody wants to hear of that.
    fn count_timed_out(&self) {
        let options = self.session.frontend.config.options;
        let silent = options.has(Options::DONT_LOG_NULL) || options.has(Options::IGNORE_PROBES);
        if self.state.times.first_byte != 0 || !silent {
            self.session.count_tracked(REQUEST);
        }
    }

    fn begin_request(&mut self) {
        self.session.requests.set(self.session.requests.get() + 1);
        let process = &self.session.runtime.process;
        self.state.number = process
            .streams
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.show();
        self.trace_new();
        self.trace_head(Passing::RequestReceived);
        self.state.head_bytes[0] = super::response::counted_size(&self.state.request);
        self.count_request();
        let frontend = &self.session.frontend;
        frontend.front.request_rate.add(self.state.times.request);
        self.capture_request();
        self.log_connect();
        self.log_stage("accept");
        self.log_stage("request");
    }

    fn count_request(&self) {
        let front = &self.session.frontend.front;
        count(&front.requests, 1);
        front.tally(
            match self.client.conn.is_multiplexed() {
                true => Tally::RequestsH2,
                false => Tally::RequestsH1,
            },
            1,
        );
    }

    async fn process_and_serve(&mut self) -> Next {
        match self.process_request().await {
            Ok(()) => {
                if self.client.conn.is_reset() {
                    return self.give_up();
                }
                if let Err(next) = self.keep_body_for_retries().await {
                    return next;
                }
                self.serve().await
            }
            Err(next) => next,
        }
    }

    /// Ends a stream of HTTP/2 whose client has reset it before a server was looked for.
    fn give_up(&mut self) -> Next {
        self.state.end(Source::Client, Phase::Request);
        count(&self.backend().back.aborts[0], 1);
        self.state.status = match self.client.conn.has_received_end() {
            true => 0,
            false => 400,
        };
        Next::Close
    }

    /// Keeps the request's body when the backend may have to send it again; one that does not fit a buffer is sent once.
    async fn keep_body_for_retries(&mut self) -> Result<(), Next> {
        let retry_on = self.backend().config.back.retry_on;
        if !retry_on.needs_request() || self.state.no_l7_retry || self.client.conn.is_message_over()
        {
            return Ok(());
        }
        self.buffer_request().await?;
        if !self.client.conn.is_body_at_hand() {
            return Ok(());
        }
        let mut body = Vec::new();
        while !self.client.conn.is_message_over() {
            if self
                .client
                .conn
                .decode(&self.session.runtime.limits)
                .is_err()
            {
                self.keep_bad_body();
                self.refuse(Phase::Data);
                return Err(self.send_page(400).await);
            }
            let n = self.client.conn.payload().len();
            body.extend_from_slice(self.client.conn.payload());
            self.client.conn.consume(n);
        }
        self.state.replay = Some(body);
        Ok(())
    }

    /// Answers a request that was never complete. Its page goes out as raw text: there is no message yet that rules could
    /// see.
    async fn bad_request(&mut self, status: u16) -> Next {
        let frontend = self.session.frontend.clone();
        self.count_faulty();
        self.state.status = status;
        let ignored = frontend.config.options.has(Options::IGNORE_PROBES);
        if ignored && self.state.times.first_byte == 0 {
            self.state.log_level = Some(None);
            return Next::Close;
        }
        let body = self.write_raw_page(status);
        if self.deliver(&body).await {
            Next::Close
        } else {
            Next::Abort
        }
    }
}
