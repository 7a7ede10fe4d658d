//! Sending the request, waiting for the response, and passing it on.

use super::counters::FAILURE;
use super::relay::{Relay, RelayEnd, RelayTimeouts, Shape};
use super::reply::Undelivered;
use super::rules::Verdict;
use super::{Card, Next, Phase, Source, Stage, Stream};
use crate::backend::IdleConn;
use crate::clock;
use crate::health::{Ending, Event};
use crate::mux::{Leaving, Received};
use crate::session::ClientSide;
use message::{FieldId, Head, Kind, Method};
use model::live::count;
use model::rules::CloseKind;
use model::{Options, RetryOn, Reuse};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use wire::h1::{self, Framing, MessageFlags};

/// Why no response head was got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// The server closed without a byte.
    Empty,
    /// It closed in the middle of the head, or broke the connection.
    Cut,
    /// What it sent is not HTTP.
    Junk,
    /// `timeout server`.
    Timeout,
    /// The request could not be sent.
    Unsent,
    /// The client went away, in this phase.
    Client(Phase),
    /// The client did not send its body in time.
    ClientTimeout,
    /// The client's body is malformed.
    BadBody,
    /// The server's sessions were ended.
    Ended(Ending),
}

/// A response head and what it means for the connection.
struct Answer {
    framing: Framing,
    flags: MessageFlags,
}

impl Stream<'_> {
    /// Gets the request answered by a server and the answer delivered.
    pub(super) async fn serve(&mut self) -> Next {
        loop {
            if let Err(next) = self.reach_server().await {
                return next;
            }
            let exchanged = self.exchange_unless_ended().await;
            self.observe_answer(exchanged.as_ref().err().copied());
            match exchanged {
                Ok(answer) if self.is_status_retried() => {
                    self.drop_server_conn();
                    self.note_retry();
                    let _ = answer;
                }
                Ok(answer) => return self.respond_unless_ended(answer).await,
                Err(lost) if self.is_retried(lost) => {
                    self.drop_server_conn();
                    self.note_retry();
                }
                Err(lost) => return self.answer_lost(lost).await,
            }
        }
    }

    fn note_retry(&mut self) {
        let backend = self.backend().clone();
        self.state.retries += 1;
        count(&backend.back.retries, 1);
        let limit = self
            .state
            .retry_limit
            .unwrap_or(backend.config.back.retries);
        // Another server is preferred after a failure that came with a connection that stood.
        if backend.config.back.redispatch.is_some()
            && !self.state.persistence.is_forced()
            && (self.state.retries >= limit || backend.servers.load().len() > 1)
        {
            self.state.slot = None;
            self.state.redispatched = true;
            self.leave_server();
            count(&backend.back.redispatches, 1);
        }
        self.state.has_response = false;
    }

    fn can_retry(&self) -> Option<RetryOn> {
        let back = &self.backend().config.back;
        let limit = self.state.retry_limit.unwrap_or(back.retries);
        let kept = self.state.replay.is_some()
            || matches!(
                self.state.request_framing,
                Framing::None | Framing::Length(0)
            );
        (!self.state.no_l7_retry && self.state.retries < limit && kept).then_some(back.retry_on)
    }

    fn is_retried(&self, lost: Lost) -> bool {
        let Some(retry_on) = self.can_retry() else {
            return false;
        };
        match lost {
            Lost::Empty | Lost::Unsent => retry_on.empty_response,
            Lost::Cut => {
                retry_on.empty_response
                    && self
                        .state
                        .server_conn
                        .as_ref()
                        .is_some_and(|s| s.conn.received == 0)
            }
            Lost::Junk => retry_on.junk_response,
            Lost::Timeout => retry_on.response_timeout,
            Lost::Client(_) | Lost::ClientTimeout | Lost::BadBody | Lost::Ended(_) => false,
        }
    }

    /// Tells the server's health of what came of a request (`observe layer7`).
    fn observe_answer(&self, lost: Option<Lost>) {
        let status = self.state.response.status();
        let event = match lost {
            None if matches!(status, 100..=499 | 501 | 505) => Event::Answered,
            None => Event::BadStatus,
            Some(Lost::Empty | Lost::Cut) => Event::BrokenRead,
            Some(Lost::Unsent) => Event::BrokenWrite,
            Some(Lost::Junk) => Event::BadResponse,
            Some(Lost::Timeout) => Event::ResponseTimeout,
            Some(Lost::Client(_) | Lost::ClientTimeout | Lost::BadBody | Lost::Ended(_)) => return,
        };
        self.observe_server(event);
    }

    async fn exchange_unless_ended(&mut self) -> Result<Answer, Lost> {
        let Some(ending) = self.ending() else {
            return self.exchange().await;
        };
        tokio::select! {
            biased;
            exchanged = self.exchange() => exchanged,
            why = ending => {
                self.count_progress();
                Err(Lost::Ended(why))
            }
        }
    }

    async fn respond_unless_ended(&mut self, answer: Answer) -> Next {
        let Some(ending) = self.ending() else {
            return self.respond(answer).await;
        };
        let why = tokio::select! {
            biased;
            next = self.respond(answer) => return next,
            why = ending => why,
        };
        self.count_progress();
        self.state.end(Source::of_ending(why), Phase::Data);
        self.drop_server_conn();
        Next::Abort
    }

    fn is_status_retried(&self) -> bool {
        let status = self.state.response.status();
        let Some(bit) = RetryOn::STATUSES
            .iter()
            .position(|&retried| retried == status)
        else {
            return false;
        };
        self.can_retry()
            .is_some_and(|retry_on| retry_on.statuses & (1 << bit) != 0)
    }

    async fn answer_lost(&mut self, lost: Lost) -> Next {
        let reused = self
            .state
            .server_conn
            .as_ref()
            .is_some_and(|server| server.reused);
        let backend = self.backend().clone();
        let (source, phase, status) = match lost {
            Lost::Empty | Lost::Cut | Lost::Unsent => (Source::Server, Phase::Headers, 502),
            Lost::Junk => (Source::Proxy, Phase::Headers, 502),
            Lost::Timeout => (Source::ServerTimeout, Phase::Headers, 504),
            Lost::Client(phase) => (Source::Client, phase, 400),
            Lost::ClientTimeout => (Source::ClientTimeout, Phase::Headers, 400),
            // What is malformed on a stream of HTTP/2 is found by its connection, not by the body's reader.
            Lost::BadBody if self.client.conn.is_multiplexed() => {
                (Source::Proxy, Phase::Headers, 400)
            }
            Lost::BadBody => (Source::Proxy, Phase::Data, 400),
            Lost::Ended(why) => (Source::of_ending(why), Phase::Headers, 502),
        };
        self.state.end(source, phase);
        match source {
            Source::Client | Source::ClientTimeout => count(&backend.back.aborts[0], 1),
            _ => {
                self.count_tracked(FAILURE);
                count(&backend.back.response_errors, 1);
                if let Some(server) = &self.state.server {
                    count(&server.state.counters.response_errors, 1);
                }
            }
        }
        self.drop_server_conn();
        // A kept connection that died under the request: the client is told nothing, so that it tries again by itself.
        if reused && matches!(lost, Lost::Empty | Lost::Unsent) && self.session.requests.get() > 1 {
            self.state.log_level = Some(None);
            return Next::Abort;
        }
        self.send_page(status).await
    }

    /// Sends the request and reads the response's head, interim responses passed on.
    async fn exchange(&mut self) -> Result<Answer, Lost> {
        self.add_websocket_key();
        if !self.write_request() {
            return Err(Lost::Junk);
        }
        self.send_request().await?;
        // Waiting for the server holds no memory on the client's side.
        self.client.conn.input.release_if_empty();
        let mut at = self
            .server_timeout()
            .map(|timeout| clock::now_ms() + timeout);
        loop {
            if let Some(answer) = self.parse_response()? {
                let status = self.state.response.status();
                if (100..200).contains(&status) && status != 101 {
                    self.pass_interim().await;
                    continue;
                }
                self.state.times.response = clock::now_ms();
                // A tunnel has no length (RFC 9110, section 9.3.6).
                if answer.framing == Framing::Tunnel && status != 101 {
                    self.state.response.remove_known(FieldId::ContentLength);
                }
                self.note_stage(Stage::Data);
                self.state.bytes.1 += counted_size(&self.state.response);
                return Ok(answer);
            }
            if self.client.conn.is_message_over() {
                self.receive_response(at).await?;
            } else {
                // After an interim response the client's body goes on.
                self.send_request().await?;
                at = self
                    .server_timeout()
                    .map(|timeout| clock::now_ms() + timeout);
            }
        }
    }

    fn server_timeout(&self) -> Option<u64> {
        self.state
            .timeouts
            .server
            .or(self.backend().config.timeouts.server)
    }

    fn client_timeout(&self) -> Option<u64> {
        self.state
            .timeouts
            .client
            .or(self.session.frontend.config.timeouts.client)
    }

    /// Puts the request's head into the server's output; says whether it can be said on this connection.
    fn write_request(&mut self) -> bool {
        let backend = self.backend().clone();
        let frontend = &self.session.frontend.config;
        let facts = h1::RequestFacts::from(&self.state.request_flags);
        let tokens = h1::take_connection_tokens(&mut self.state.request);
        let side = h1::server_side(
            &facts,
            tokens,
            super::reply::connection_mode(frontend.close_mode),
            super::reply::connection_mode(backend.config.close_mode),
            backend.config.options.has(Options::PRETEND_KEEPALIVE),
        );
        if let (Some(header), Some(server)) =
            (&backend.config.back.send_name_header, &self.state.server)
        {
            self.state.request.set(
                header.to_ascii_lowercase().as_bytes(),
                server.config.name.as_bytes(),
            );
        }
        let runtime = &self.session.runtime;
        let cases = runtime
            .cases
            .as_ref()
            .filter(|_| backend.config.options.has(Options::ADJUST_SERVER_CASE));
        let framing = self.state.request_framing;
        self.state.head_bytes[1] = counted_size(&self.state.request);
        let Some(server) = self.state.server_conn.as_mut() else {
            return false;
        };
        let request = &self.state.request;
        let upgrade = self.state.request_flags.upgrade;
        let written = server
            .conn
            .write_request(request, framing, side.header, cases, upgrade);
        server.conn.begin_body(framing);
        self.state.reusable = side.reusable;
        written
    }

    /// Sends the request's head and body; stops early when the server answers before its end.
    async fn send_request(&mut self) -> Result<(), Lost> {
        if self.state.replay.is_some() {
            return self.send_replay().await;
        }
        let body = !self.client.conn.is_message_over();
        let drops = self.dropped_trailers();
        let timeouts = self.relay_timeouts();
        let Some(server) = self.state.server_conn.as_mut() else {
            return Err(Lost::Unsent);
        };
        let ClientSide { conn, deadline, .. } = &mut *self.client;
        if !body {
            // On a stream of HTTP/2 a tunnel must be left open.
            let tunnels =
                self.state.request_flags.upgrade || self.state.request.method() == Method::Connect;
            if !(tunnels && server.conn.is_multiplexed()) {
                // All of a short body may have come by now, with fields behind it.
                server
                    .conn
                    .finish_body(conn.trailers().filter(|_| !drops.0));
            }
            let at = timeouts.server.map(|timeout| clock::now_ms() + timeout);
            let flushed = poll_fn(|cx| match server.conn.poll_flush(cx) {
                Poll::Ready(outcome) => Poll::Ready(outcome.map_err(|_| Lost::Unsent)),
                Poll::Pending => deadline.poll(cx, at).map(|()| Err(Lost::Timeout)),
            });
            return flushed.await;
        }
        let limits = &self.session.runtime.limits;
        let splice = !self.session.runtime.snapshot.global.no_splice;
        let mut relay = Relay::new(
            conn,
            &mut server.conn,
            limits,
            Shape::RequestUntilResponse,
            timeouts,
        )
        .note_progress(self.state.card.as_deref().map(Card::moved))
        .drop_trailers(drops.0, drops.1)
        .splice(splice)
        .brake(&self.state.brakes);
        let end = relay.run(deadline).await;
        let spliced = relay.spliced();
        self.state.bytes.0 += relay.moved().0;
        self.state.note_spliced(spliced);
        match end {
            RelayEnd::ClientAborted => Err(Lost::Client(Phase::Headers)),
            RelayEnd::ClientTimeout => Err(Lost::ClientTimeout),
            RelayEnd::ServerTimeout => Err(Lost::Timeout),
            RelayEnd::ServerAborted => Err(Lost::Empty),
            RelayEnd::BadRequest => Err(Lost::BadBody),
            _ => Ok(()),
        }
    }

    /// Sends a body that was kept for repeated requests.
    async fn send_replay(&mut self) -> Result<(), Lost> {
        let at = self
            .server_timeout()
            .map(|timeout| clock::now_ms() + timeout);
        let (Some(server), Some(body)) = (
            self.state.server_conn.as_mut(),
            self.state.replay.as_deref(),
        ) else {
            return Err(Lost::Unsent);
        };
        let deadline = &mut self.client.deadline;
        let mut sent = 0;
        let mut finished = false;
        poll_fn(|cx| {
            loop {
                let rest = body.get(sent..).unwrap_or_default();
                if rest.is_empty() && !finished {
                    finished = true;
                    server.conn.finish_body(None);
                }
                let outcome = match rest.is_empty() {
                    true => server.conn.poll_flush(cx).map_ok(|()| 0),
                    false => server.conn.poll_send(cx, rest),
                };
                match outcome {
                    Poll::Ready(Ok(_)) if rest.is_empty() => return Poll::Ready(Ok(())),
                    Poll::Ready(Ok(n)) => sent += n,
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(Lost::Unsent)),
                    Poll::Pending => return deadline.poll(cx, at).map(|()| Err(Lost::Timeout)),
                }
            }
        })
        .await
    }

    /// Waits for bytes of the response.
    async fn receive_response(&mut self, at: Option<u64>) -> Result<(), Lost> {
        let watch = self.watches_client();
        let Some(server) = self.state.server_conn.as_mut() else {
            return Err(Lost::Cut);
        };
        let ClientSide { conn, deadline, .. } = &mut *self.client;
        let received = poll_fn(|cx| {
            match server.conn.poll_fill(cx) {
                Poll::Ready(Ok(Received::Bytes)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(Received::End)) if server.conn.received == 0 => {
                    return Poll::Ready(Err(Lost::Empty));
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Lost::Cut)),
                Poll::Ready(Ok(Received::End | Received::Full)) => {
                    return Poll::Ready(Err(Lost::Junk));
                }
                Poll::Pending => {}
            }
            match conn.poll_leaving(cx) {
                Some(Leaving::Broken) => return Poll::Ready(Err(Lost::Client(Phase::Data))),
                Some(Leaving::Closed) if watch => {
                    return Poll::Ready(Err(Lost::Client(Phase::Headers)));
                }
                _ => {}
            }
            deadline.poll(cx, at).map(|()| Err(Lost::Timeout))
        });
        received.await
    }

    /// Tries to read the response's head.
    fn parse_response(&mut self) -> Result<Option<Answer>, Lost> {
        let backend = self
            .state
            .backend
            .as_ref()
            .unwrap_or(&self.session.frontend);
        let options = h1::Options {
            accept_unsafe: backend.config.options.has(Options::UNSAFE_RESPONSE),
            ..h1::Options::default()
        };
        let limits = &self.session.runtime.limits;
        let state = &mut *self.state;
        let Some(server) = state.server_conn.as_mut() else {
            return Err(Lost::Cut);
        };
        let read = server
            .conn
            .read_response(&state.request, limits, &options, &mut state.response);
        let (framing, flags) = match read {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.keep_bad_response(error);
                return Err(Lost::Junk);
            }
        };
        // A body that is malformed from the start still gets a proper answer.
        server.conn.decode(limits).map_err(|_| Lost::Junk)?;
        state.has_response = true;
        state.head_sizes[1] = state.response.stored_len();
        state.response_flags = flags;
        // Nobody asked for another protocol: the server's answer makes no sense.
        // Nor is there a way to switch in the middle of a request's body.
        let unasked = state.response.status() == 101
            && !(state.request_flags.upgrade && self.client.conn.is_message_over());
        if unasked || !self.is_websocket_accepted() {
            return Err(Lost::Junk);
        }
        Ok(Some(Answer { framing, flags }))
    }

    /// Passes an interim response on to a client that can understand it.
    async fn pass_interim(&mut self) {
        self.state.has_response = false;
        if self.state.request_flags.http10 {
            return;
        }
        self.client.conn.write_response(
            &self.state.response,
            Framing::None,
            h1::ConnectionHeader::None,
            None,
        );
        self.state.bytes.1 += counted_size(&self.state.response);
        self.deliver(&[]).await;
    }

    /// Response rules, then the response itself.
    async fn respond(&mut self, answer: Answer) -> Next {
        let status = self.state.response.status();
        self.begin_answer();
        self.count_tracked_status();
        self.capture_response();
        self.note_private();
        if let Err(next) = self.response_rules().await {
            self.drop_server_conn();
            return next;
        }
        self.write_cookie();
        self.store_server();
        if !self.after_response_rules().await {
            self.drop_server_conn();
            self.refuse(Phase::Headers);
            return self.send_bare_page(500).await;
        }
        self.state.status = self.state.response.status();
        let tunnel = answer.framing == Framing::Tunnel;
        if tunnel || status == 101 {
            return self.tunnel(answer).await;
        }
        let next = self.write_response_head(answer.framing, false);
        if self.state.asked_head {
            self.client.conn.begin_body(Framing::None);
        }
        self.log_stage("response");
        self.log_early();
        self.forward_response(answer, next).await
    }

    /// Whether trailers of the request and of the response are dropped by option.
    fn dropped_trailers(&self) -> (bool, bool) {
        let front = self.session.frontend.config.options;
        (
            self.backend()
                .config
                .options
                .has(Options::DROP_REQUEST_TRAILERS),
            front.has(Options::DROP_RESPONSE_TRAILERS),
        )
    }

    async fn forward_response(&mut self, answer: Answer, next: Next) -> Next {
        let request_over = self.client.conn.is_message_over();
        let drops = self.dropped_trailers();
        let timeouts = self.relay_timeouts();
        let (end, rest) = {
            let Some(server) = self.state.server_conn.as_mut() else {
                return Next::Abort;
            };
            let limits = &self.session.runtime.limits;
            let splice = !self.session.runtime.snapshot.global.no_splice;
            let ClientSide { conn, deadline, .. } = &mut *self.client;
            let mut relay = Relay::new(conn, &mut server.conn, limits, Shape::Http, timeouts)
                .note_progress(self.state.card.as_deref().map(Card::moved))
                .drop_trailers(drops.0, drops.1)
                .splice(splice)
                .brake(&self.state.brakes)
                .stop_before_end();
            if request_over || self.state.replay.is_some() {
                relay = relay.request_done();
            }
            if self.state.asked_head {
                relay = relay.skip_response();
            }
            let end = relay.run(deadline).await;
            let (from_client, from_server) = relay.moved();
            let (spliced, rest) = (relay.spliced(), relay.take_rest());
            self.state.note_spliced(spliced);
            self.state.bytes.0 += from_client;
            self.state.bytes.1 += from_server;
            (end, rest)
        };
        if end != RelayEnd::Received {
            return self.conclude(end, answer, next);
        }
        // A client that has the whole response may ask again at once, and finds this connection.
        self.release_server_conn(&answer);
        let end = match self.deliver_within(rest.bytes(), timeouts.client).await {
            Ok(()) => RelayEnd::Complete,
            Err(Undelivered::Late) => RelayEnd::ClientTimeout,
            Err(Undelivered::Broken) => RelayEnd::ClientUnwritable,
        };
        self.conclude(end, answer, next)
    }

    /// What the end of a relay means for the log and for both connections.
    fn conclude(&mut self, end: RelayEnd, answer: Answer, next: Next) -> Next {
        let (source, next) = match end {
            RelayEnd::Complete => {
                self.release_server_conn(&answer);
                return next;
            }
            RelayEnd::ResponseOnly => {
                self.drop_server_conn();
                return Next::Close;
            }
            RelayEnd::ClientAborted | RelayEnd::ClientUnwritable => (Source::Client, Next::Abort),
            RelayEnd::ClientTimeout => (Source::ClientTimeout, Next::Abort),
            RelayEnd::ServerAborted | RelayEnd::ResponseStarted | RelayEnd::Received => {
                (Source::Server, Next::Abort)
            }
            RelayEnd::BadResponse => (Source::Proxy, Next::Abort),
            RelayEnd::ServerTimeout => (Source::ServerTimeout, Next::Abort),
            RelayEnd::BadRequest => (Source::Proxy, Next::Abort),
        };
        let server_done = self
            .state
            .server_conn
            .as_ref()
            .is_none_or(|server| server.conn.is_message_over());
        let phase = if server_done && matches!(source, Source::Client | Source::ClientTimeout) {
            Phase::Last
        } else {
            Phase::Data
        };
        self.state.end(source, phase);
        let side = usize::from(!matches!(source, Source::Client | Source::ClientTimeout));
        if let Some(counter) = self.backend().back.aborts.get(side) {
            count(counter, 1);
        }
        self.drop_server_conn();
        next
    }

    /// A connection that has become a tunnel: bytes both ways until both ends are closed.
    async fn tunnel(&mut self, _answer: Answer) -> Next {
        let _ = self.write_response_head(Framing::Tunnel, false);
        let timeouts = self.relay_timeouts();
        let end = {
            let Some(server) = self.state.server_conn.as_mut() else {
                return Next::Abort;
            };
            self.client.conn.expect_body(Framing::Tunnel);
            server.conn.expect_body(Framing::Tunnel);
            server.conn.begin_body(Framing::Tunnel);
            let limits = &self.session.runtime.limits;
            let splice = !self.session.runtime.snapshot.global.no_splice;
            let ClientSide { conn, deadline, .. } = &mut *self.client;
            let mut relay = Relay::new(conn, &mut server.conn, limits, Shape::Tunnel, timeouts)
                .note_progress(self.state.card.as_deref().map(Card::moved))
                .splice(splice)
                .brake(&self.state.brakes);
            let end = relay.run(deadline).await;
            let (from_client, from_server) = relay.moved();
            let spliced = relay.spliced();
            self.state.note_spliced(spliced);
            self.state.bytes.0 += from_client;
            self.state.bytes.1 += from_server;
            end
        };
        self.end_tunnel(end);
        self.drop_server_conn();
        Next::Close
    }

    /// The cause that the end of a tunnel or of a TCP stream leaves.
    pub(super) fn end_tunnel(&mut self, end: RelayEnd) {
        match end {
            RelayEnd::ClientTimeout => self.state.end(Source::ClientTimeout, Phase::Data),
            RelayEnd::ServerTimeout => self.state.end(Source::ServerTimeout, Phase::Data),
            RelayEnd::ClientAborted | RelayEnd::ClientUnwritable => {
                self.state.end(Source::Client, Phase::Data)
            }
            RelayEnd::ServerAborted => self.state.end(Source::Server, Phase::Data),
            _ => {}
        }
    }

    /// Timeouts in force for moving data.
    pub(super) fn relay_timeouts(&self) -> RelayTimeouts {
        let (front, back) = (
            &self.session.frontend.config.timeouts,
            &self.backend().config.timeouts,
        );
        RelayTimeouts {
            client: self.client_timeout(),
            server: self.server_timeout(),
            client_fin: front.client_fin,
            server_fin: back.server_fin,
            tunnel: self.state.timeouts.tunnel.or(back.tunnel),
        }
    }

    fn capture_response(&mut self) {
        let front = &self.session.frontend.config.front;
        let state = &mut *self.state;
        if !front.response_captures.is_empty() {
            state
                .response_captures
                .resize(front.response_captures.len(), None);
            for (slot, capture) in front
                .response_captures
                .iter()
                .zip(&mut state.response_captures)
            {
                if let Some(value) = state.response.get_all(slot.name.as_bytes()).last() {
                    *capture = Some(value.get(..slot.len).unwrap_or(value).into());
                }
            }
        }
        if let Some(slot) = &front.cookie_capture {
            let mut cookies = state.response.all_known(FieldId::SetCookie);
            state.cookie_captures[1] =
                cookies.find_map(|value| super::request::captured_cookie(value, b';', slot));
        }
    }

    /// NTLM and Negotiate authenticate the connection: it then belongs to this client alone.
    fn note_private(&mut self) {
        if !matches!(self.state.response.status(), 401 | 407) {
            return;
        }
        let challenges = [FieldId::WwwAuthenticate, FieldId::ProxyAuthenticate];
        let mut values = challenges
            .iter()
            .flat_map(|id| self.state.response.all_known(*id));
        let private = values.any(|value| {
            let scheme = value.split(|&b| b == b' ').next().unwrap_or_default();
            scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate")
        });
        self.state.private |= private;
    }

    async fn response_rules(&mut self) -> Result<(), Next> {
        let frontend = self.session.frontend.clone();
        let backend = self.backend().clone();
        let same = Arc::ptr_eq(&frontend, &backend);
        for proxy in [Some(&backend), Some(&frontend).filter(|_| !same)]
            .into_iter()
            .flatten()
        {
            let rules = &proxy.config.rules;
            if !rules.tcp_response.is_empty() {
                let verdict = self
                    .run_content_rules(&rules.tcp_response, rules.response_inspect_delay)
                    .await;
                self.settle_response(verdict).await?;
            }
            if !rules.http_response.is_empty() {
                let verdict = self.run_rules(&rules.http_response).await;
                self.settle_response(verdict).await?;
            }
        }
        Ok(())
    }

    async fn settle_response(&mut self, verdict: Verdict) -> Result<(), Next> {
        if !matches!(verdict, Verdict::Pass | Verdict::SwitchToHttp(_))
            && let Some(server) = &self.state.server_conn
        {
            // What is not passed on counts as received nevertheless.
            self.state.bytes.1 += server.conn.payload().len() as u64;
        }
        let next = match verdict {
            Verdict::Pass | Verdict::SwitchToHttp(_) => return Ok(()),
            Verdict::Deny(status, reply) | Verdict::Tarpit(status, reply) => {
                self.refuse(Phase::Headers);
                count(&self.backend().back.denied_responses, 1);
                match reply {
                    Some(reply) => self.send_reply(reply).await,
                    None => self.send_page(status).await,
                }
            }
            Verdict::Reply(reply) => {
                self.state.end(Source::Local, Phase::Headers);
                self.send_reply(reply).await
            }
            Verdict::Close(CloseKind::Server) => {
                self.reset_server();
                return Err(self.answer_lost(Lost::Cut).await);
            }
            Verdict::Close(kind) => {
                self.refuse(Phase::Headers);
                self.close_client(kind)
            }
            Verdict::Failed | Verdict::Invalid | Verdict::Service(_) => {
                self.refuse(Phase::Headers);
                self.send_page(500).await
            }
            Verdict::Gone => {
                self.state.end(Source::Client, Phase::Headers);
                Next::Abort
            }
        };
        Err(next)
    }

    /// Breaks the connection to the server off.
    pub(super) fn reset_server(&mut self) {
        let mut server = self.state.server_conn.take();
        if let Some(socket) = server.as_mut().and_then(|server| server.conn.socket_mut()) {
            socket.linger_zero();
        }
    }

    /// Gives up the connection to the server.
    pub(super) fn drop_server_conn(&mut self) {
        self.note_server_conn();
        self.state.server_conn = None;
    }

    /// Keeps the connection to the server for later if both sides agree, and lets the next stream onto the server.
    fn release_server_conn(&mut self, answer: &Answer) {
        self.note_server_conn();
        let Some(server) = self.state.server_conn.take() else {
            return;
        };
        let side = h1::ServerSide {
            header: h1::ConnectionHeader::None,
            reusable: self.state.reusable,
        };
        let stays = h1::server_stays_open(&side, &answer.flags, answer.framing);
        let quiet =
            server.conn.input.is_empty() && !server.conn.has_ended() && server.conn.is_flushed();
        let owner = server.server.server().clone();
        let settings = &owner.config.settings;
        let spent = settings.max_reuse.is_some_and(|most| server.uses > most);
        if !stays || !quiet || spent || self.state.request.method() == Method::Connect {
            return;
        }
        let backend = self.backend().clone();
        let (key, uses) = (server.key, server.uses);
        // A stream of a shared connection is given up; the connection has its own life.
        let Some(socket) = server.conn.into_socket() else {
            return;
        };
        let idle = IdleConn {
            key,
            since: clock::now_ms(),
            uses,
            socket,
        };
        if self.state.private || backend.config.back.reuse == Reuse::Never {
            self.session.kept.borrow_mut().push((owner, idle));
            return;
        }
        // The connection still counts as in use here.
        let has_room = || owner.idle.has_room(settings.pool_low, settings.pool_max);
        let room = has_room() || {
            owner.idle.weed();
            has_room()
        };
        if room && owner.idle.put(self.worker.index, idle) {
            self.worker.note_pooled(&owner);
        }
        drop(server.server);
    }
}

/// What a head adds to the byte counts of logs and statistics: HAProxy counts its own form of a message, in which a start
/// line takes 20 bytes next to its text and separators take none.
pub(super) fn counted_size(head: &Head) -> u64 {
    let start = match head.kind() {
        Kind::Request => head.method_text().len() + head.target().len() + 8,
        Kind::Response => 8 + 3 + head.reason().len(),
    };
    let fields: usize = head
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    (20 + start + fields + 1) as u64
}
