//! A TCP session: one stream of bytes each way.

use super::glance::Glance;
use super::relay::{Relay, Shape};
use super::retry::Lost;
use super::rules::Verdict;
use super::{Card, Phase, Source, Stage, State, Stream};
use crate::clock;
use crate::proxy::ProxyRuntime;
use crate::session::{ClientSide, Session};
use crate::worker::Worker;
use model::Mode;
use model::live::count;
use model::rules::CloseKind;
use std::rc::Rc;
use std::sync::Arc;
use wire::h1::Framing;

/// What a TCP session came to.
#[derive(Debug)]
pub enum TcpEnd {
    /// It is over.
    Over,
    /// It goes on as HTTP, with what the stream has gathered so far.
    Http(Box<State>),
}

/// Serves a TCP session.
pub async fn serve_tcp(
    session: &Rc<Session>,
    worker: &Rc<Worker>,
    client: &mut ClientSide,
) -> TcpEnd {
    let mut state = worker.take_state();
    let mut stream = Stream::new(session, worker, client, &mut state);
    stream.begin();
    let times = &mut stream.state.times;
    (times.begin, times.handshake, times.begin_date) =
        (session.accepted.0, session.handshake, session.accepted.1);
    times.request_date = times.begin_date;
    stream.client.conn.expect_body(Framing::Tunnel);
    stream.state.glance.open();
    let process = &session.runtime.process;
    stream.state.number = process
        .streams
        .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    stream.log_connect();
    stream.log_stage("accept");
    stream.show();
    stream.trace_new();
    let end = stream.unless_killed(async |stream| stream.tcp().await);
    let mut end = end.await.unwrap_or_else(|| {
        stream.end_killed();
        Tcp::Over
    });
    // The listening socket is for raw bytes and nothing else.
    if end == Tcp::Http && session.bind.proto.as_deref() == Some("none") {
        stream.refuse(Phase::Request);
        stream.finish();
        end = Tcp::Over;
    }
    match end {
        Tcp::Over => {
            drop(stream);
            worker.give_state(state);
            TcpEnd::Over
        }
        Tcp::Http => {
            // It goes on, so it is not to be counted out with this view of it.
            let counted = std::mem::take(&mut stream.state.counted);
            drop(stream);
            state.counted = counted;
            state.content_ruled = true;
            state.glance = Glance::default();
            TcpEnd::Http(state)
        }
    }
}

/// How far the stream gets as TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tcp {
    Over,
    Http,
}

impl Stream<'_> {
    async fn tcp(&mut self) -> Tcp {
        let frontend = self.session.frontend.clone();
        match self.tcp_rules(&frontend).await {
            Some(Tcp::Http) => return Tcp::Http,
            Some(Tcp::Over) => {
                self.finish();
                return Tcp::Over;
            }
            None => {}
        }
        self.choose_backend(&frontend);
        let backend = self.backend().clone();
        if !backend.config.caps.back {
            self.take_in_what_came().await;
            self.state.end(Source::Server, Phase::Connect);
            self.finish();
            return Tcp::Over;
        }
        if backend.config.mode == Mode::Http {
            return Tcp::Http;
        }
        self.enter_tcp_backend(&backend);
        if !Arc::ptr_eq(&frontend, &backend)
            && let Some(end) = self.tcp_rules(&backend).await
        {
            self.finish();
            return end;
        }
        self.state.times.request = clock::now_ms();
        self.state.times.first_byte = self.state.times.handshake.max(1);
        self.find_persistence(&backend);
        self.pass_bytes().await;
        self.finish();
        Tcp::Over
    }

    /// Reads what the client has sent by now: left unread, it would make the end of the connection a reset.
    async fn take_in_what_came(&mut self) {
        tokio::task::yield_now().await;
        let conn = &mut self.client.conn;
        std::future::poll_fn(|cx| {
            let _ = conn.poll_fill(cx);
            std::task::Poll::Ready(())
        })
        .await;
    }

    fn enter_tcp_backend(&mut self, backend: &Arc<ProxyRuntime>) {
        self.state.in_backend = true;
        backend.back.begin(clock::now_ms());
        self.state.backend = Some(backend.clone());
        self.note_stage(Stage::Rules);
    }

    /// `tcp-request content` rules of a proxy; `Some` when the stream does not go on as TCP.
    async fn tcp_rules(&mut self, proxy: &Arc<ProxyRuntime>) -> Option<Tcp> {
        let rules = &proxy.config.rules;
        if rules.tcp_content.is_empty() {
            return None;
        }
        match self
            .run_content_rules(&rules.tcp_content, rules.request_inspect_delay)
            .await
        {
            Verdict::Pass => None,
            Verdict::SwitchToHttp(mux) => {
                self.session.mux.set(mux.or(self.session.mux.get()));
                Some(Tcp::Http)
            }
            Verdict::Gone => {
                self.state.end(Source::Client, Phase::Request);
                Some(Tcp::Over)
            }
            Verdict::Failed | Verdict::Invalid | Verdict::Service(_) => {
                self.state.end(Source::Internal, Phase::Request);
                Some(Tcp::Over)
            }
            verdict @ (Verdict::Deny(..)
            | Verdict::Tarpit(..)
            | Verdict::Reply(_)
            | Verdict::Close(_)) => {
                if let Verdict::Close(kind) = verdict {
                    self.close_client(kind);
                }
                self.refuse(Phase::Request);
                self.count_denied();
                Some(Tcp::Over)
            }
        }
    }

    /// `tcp-response content` rules of the backend; false when the stream does not go on.
    async fn tcp_response_rules(&mut self) -> bool {
        let backend = self.backend().clone();
        let rules = &backend.config.rules;
        if rules.tcp_response.is_empty() {
            return true;
        }
        self.state.inspects_response = true;
        let verdict = self
            .run_content_rules(&rules.tcp_response, rules.response_inspect_delay)
            .await;
        self.state.inspects_response = false;
        if !matches!(verdict, Verdict::Pass)
            && let Some(server) = &self.state.server_conn
        {
            // What is not passed on counts as received nevertheless.
            self.state.bytes.1 += server.conn.input.len() as u64;
        }
        match verdict {
            Verdict::Pass => return true,
            Verdict::Gone => self.state.end(Source::Client, Phase::Data),
            Verdict::Failed => self.state.end(Source::Internal, Phase::Data),
            Verdict::Close(CloseKind::Server) => self.reset_server(),
            verdict => {
                if let Verdict::Close(kind) = verdict {
                    self.close_client(kind);
                }
                self.refuse(Phase::Data);
                count(&backend.back.denied_responses, 1);
            }
        }
        false
    }

    /// Connects and moves bytes until both ends are closed.
    async fn pass_bytes(&mut self) {
        if self.reach_server().await.is_err() {
            return;
        }
        self.store_server();
        self.log_early();
        let Some(server) = self.state.server_conn.as_mut() else {
            return;
        };
        server.conn.expect_body(Framing::Tunnel);
        self.state.times.response = clock::now_ms();
        self.note_stage(Stage::Data);
        self.begin_answer();
        if !self.tcp_response_rules().await {
            self.drop_server_conn();
            return;
        }
        // From here on bytes leave.
        self.state.glance = Glance::default();
        let timeouts = self.relay_timeouts();
        let independent = self.independent();
        let ending = self.ending();
        let Some(server) = self.state.server_conn.as_mut() else {
            return;
        };
        let limits = &self.session.runtime.limits;
        let splice = !self.session.runtime.snapshot.global.no_splice;
        let ClientSide { conn, deadline, .. } = &mut *self.client;
        let mut relay = Relay::new(conn, &mut server.conn, limits, Shape::Tunnel, timeouts)
            .note_progress(self.state.card.as_deref().map(Card::moved))
            .splice(splice)
            .brake(&self.state.brakes)
            .independent(independent.0, independent.1);
        let end = match ending {
            None => Ok(relay.run(deadline).await),
            Some(ending) => tokio::select! {
                biased;
                end = relay.run(deadline) => Ok(end),
                why = ending => Err(why),
            },
        };
        let (from_client, from_server) = relay.moved();
        self.state.bytes.0 += from_client;
        self.state.bytes.1 += from_server;
        self.forget_progress();
        self.settle_early(Lost::Empty);
        match end {
            Ok(end) => self.end_tunnel(end),
            Err(why) => self.state.end(Source::of_ending(why), Phase::Data),
        }
        self.drop_server_conn();
    }
}
