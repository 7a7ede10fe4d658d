//! Sending the request and waiting for the response's head.

use super::relay::{Relay, RelayEnd, Shape};
use super::response::counted_size;
use super::retry::Lost;
use super::traced::Passing;
use super::{Card, Phase, Stage, Stream};
use crate::clock;
use crate::mux::{Leaving, Received};
use crate::session::ClientSide;
use message::{FieldId, Method};
use model::Options;
use std::future::poll_fn;
use std::task::Poll;
use wire::h1::{self, Framing, MessageFlags};

/// A response head and what it means for the connection.
pub(super) struct Answer {
    pub(super) framing: Framing,
    pub(super) flags: MessageFlags,
}

impl Stream<'_> {
    pub(super) async fn exchange_unless_ended(&mut self) -> Result<Answer, Lost> {
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

    /// Sends the request and reads the response's head, interim responses passed on.
    async fn exchange(&mut self) -> Result<Answer, Lost> {
        self.add_websocket_key();
        if !self.write_request() {
            return Err(Lost::Junk);
        }
        let began = clock::now_ms();
        self.send_request().await?;
        // Waiting for the server holds no memory on the client's side.
        self.client.conn.input.release_if_empty();
        // What was sent may not count as activity of the server.
        let since = if self.independent().1 {
            began
        } else {
            clock::now_ms()
        };
        let mut at = self.server_timeout().map(|timeout| since + timeout);
        loop {
            if let Some(answer) = self.parse_response()? {
                let status = self.state.response.status();
                if (100..200).contains(&status) && status != 101 {
                    self.pass_interim().await;
                    continue;
                }
                self.state.times.response = clock::now_ms();
                self.note_server_tls();
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

    pub(super) fn server_timeout(&self) -> Option<u64> {
        self.state
            .timeouts
            .server
            .or(self.backend().config.timeouts.server)
    }

    pub(super) fn client_timeout(&self) -> Option<u64> {
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
            && !server.config.is_apart()
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
        self.trace_head(Passing::RequestSent);
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
        let independent = self.independent();
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
        .brake(&self.state.brakes)
        .independent(independent.0, independent.1);
        let end = relay.run(deadline).await;
        let spliced = relay.spliced();
        self.state.bytes.0 += relay.moved().0;
        self.state.note_spliced(spliced);
        match end {
            RelayEnd::ClientAborted => Err(Lost::Client(Phase::Headers)),
            RelayEnd::ClientTimeout => Err(Lost::ClientTimeout),
            RelayEnd::ServerTimeout => Err(Lost::Timeout),
            RelayEnd::ServerAborted => Err(Lost::Empty),
            RelayEnd::BadRequest => {
                self.keep_bad_body();
                Err(Lost::BadBody)
            }
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
        let whole = server.conn.input.len();
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
        if let Err(error) = server.conn.check_chunks(limits) {
            let head = whole - server.conn.input.len().min(whole);
            self.keep_bad_begun_response(error, head);
            return Err(Lost::Junk);
        }
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
        self.trace_head(Passing::ResponseReceived);
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
}
