//! Sending the request, waiting for the response, and passing it on.

use super::exchange::Answer;
use super::relay::{Relay, RelayEnd, RelayTimeouts, Shape};
use super::reply::Undelivered;
use super::retry::Lost;
use super::rules::Verdict;
use super::{Card, Next, Phase, Source, Stream};
use crate::backend::IdleConn;
use crate::clock;
use crate::session::ClientSide;
use message::{FieldId, Head, Kind, Method};
use model::live::count;
use model::rules::CloseKind;
use model::{Options, Reuse};
use std::sync::Arc;
use wire::h1::{self, Framing};

impl Stream<'_> {
    /// Gets the request answered by a server and the answer delivered.
    pub(super) async fn serve(&mut self) -> Next {
        loop {
            if let Err(next) = self.reach_server().await {
                return next;
            }
            let mut exchanged = self.exchange_unless_ended().await;
            if self
                .state
                .server_conn
                .as_ref()
                .is_some_and(|server| server.early)
            {
                exchanged = exchanged.map_err(|lost| self.settle_early(lost));
            }
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
        let sets_cookie = self.sets_cookie();
        self.write_cookie();
        if sets_cookie && let Err(next) = self.refuse_cacheable_cookie().await {
            self.drop_server_conn();
            return next;
        }
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
    pub(super) fn dropped_trailers(&self) -> (bool, bool) {
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
        let independent = self.independent();
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
                .independent(independent.0, independent.1)
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
        match end {
            RelayEnd::BadRequest => self.keep_bad_body(),
            RelayEnd::BadResponse => self.keep_bad_response_body(),
            _ => {}
        }
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
        let independent = self.independent();
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
                .brake(&self.state.brakes)
                .independent(independent.0, independent.1);
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

    /// For whom, the client and the server, sending does not count as activity while it is waited for.
    pub(super) fn independent(&self) -> (bool, bool) {
        let proxies = [&self.session.frontend, self.backend()];
        let [client, server] = proxies.map(|proxy| proxy.config.options.has(Options::INDEPENDENT));
        (client, server)
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

    pub(super) async fn settle_response(&mut self, verdict: Verdict) -> Result<(), Next> {
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
        self.note_server_gone();
        self.note_server_conn();
        self.state.server_conn = None;
    }

    /// Keeps the connection to the server for later if both sides agree, and lets the next stream onto the server.
    fn release_server_conn(&mut self, answer: &Answer) {
        self.note_server_gone();
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
            open: server.open,
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
