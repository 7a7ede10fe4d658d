//! Getting hold of a server connection: choosing, queueing, reusing, connecting, and trying again.

use super::traced::UNCONNECTED;
use super::{Next, Phase, ServerConn, Source, Stage, Stream, Unreached};
use crate::backend::{
    Assigned, ConnectError, IdleConn, InUse, Open, Place, Route, Secure, Wish, address_for,
    begin_key, binding, connect, connect_deadline, decides_late, end_key, source_for,
};
use crate::clock;
use crate::handshake::{HandshakeError, SocksFault, TlsFault, Unconnected};
use crate::health::{self, Ending, Event};
use crate::io::Transport;
use crate::mux::h2::Attached;
use crate::mux::{Conn, Leaving, h2};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::reverse;
use crate::trace;
use base::Endpoint;
use expr::sample::Value;
use expr::view::View;
use expr::{Outcome, Type};
use message::Method;
use message::uri::Target;
use model::live::count;
use model::live::tally::Tally;
use model::namespace::ServerNamespace;
use model::rules::{Mux, Reply};
use model::{Address, Algorithm, Observe, Options, Reuse};
use std::cell::OnceCell;
use std::future::poll_fn;
use std::hash::Hash;
use std::sync::Arc;
use std::task::Poll;

/// Why there is no server connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// No server can be used.
    NoServer,
    /// `timeout queue`.
    QueueTimeout,
    /// The client gave up.
    ClientGone(Phase),
    /// Connecting failed, the last attempt included.
    Refused,
    /// Connecting took too long, the last attempt included.
    ConnectTimeout,
    /// The server has all the connections that it may have (`strict-maxconn`).
    Full,
    /// A resource was exhausted on this side.
    Resource,
    /// There are as many TLS connections as there may be.
    TooManySecure,
    /// The server's clients are to ask somewhere else (`redir`).
    Moved,
}

impl Failure {
    fn of(error: &ConnectError) -> Self {
        match error {
            ConnectError::Timeout
            | ConnectError::Socks(SocksFault::Timeout)
            | ConnectError::Tls(TlsFault::Timeout) => Self::ConnectTimeout,
            ConnectError::Failed(_) | ConnectError::Socks(_) | ConnectError::Tls(_) => {
                Self::Refused
            }
            ConnectError::Resource(_) => Self::Resource,
        }
    }
}

impl Unreached {
    /// What is left of an attempt; one that took too long leaves nothing to tell of but its TLS handshake.
    fn of(error: &ConnectError, route: &Route) -> Option<Self> {
        let error = match error {
            ConnectError::Timeout | ConnectError::Socks(SocksFault::Timeout) => return None,
            ConnectError::Tls(fault) => (*fault).into(),
            ConnectError::Socks(fault) => HandshakeError::Socks(*fault),
            ConnectError::Failed(error) | ConnectError::Resource(error) => {
                HandshakeError::Unconnected(Unconnected::of(error, &route.address))
            }
        };
        let to = match route.address {
            Address::Inet(inet) => Some(Endpoint::Inet(inet)),
            _ => None,
        };
        Some(Self { error, to })
    }
}

/// The pause before a refused connection is tried again on the same server, in milliseconds at most.
const TURN_AROUND: u64 = 1000;

impl Stream<'_> {
    /// Gets a connection to a server. `Err` when the stream is answered already.
    pub(super) async fn reach_server(&mut self) -> Result<(), Next> {
        match self.find_connection().await {
            Ok(()) => {
                self.log_stage("connect");
                Ok(())
            }
            Err(failure) => Err(self.answer_failure(failure).await),
        }
    }

    async fn answer_failure(&mut self, failure: Failure) -> Next {
        let (source, phase, status) = match failure {
            Failure::Moved => return self.send_elsewhere().await,
            Failure::NoServer | Failure::Refused | Failure::Full => {
                (Source::Server, Phase::Connect, 503)
            }
            Failure::QueueTimeout => (Source::ServerTimeout, Phase::Queue, 503),
            Failure::ConnectTimeout => (Source::ServerTimeout, Phase::Connect, 503),
            Failure::Resource => (Source::Resource, Phase::Connect, 503),
            Failure::TooManySecure => (Source::Internal, Phase::Connect, 500),
            Failure::ClientGone(phase) => {
                self.state.end(Source::Client, phase);
                // Whole requests over HTTP/2 that are given up in a queue have no status.
                let silent = phase == Phase::Queue && self.client.conn.has_received_end();
                self.state.status = match self.state.has_request && !silent {
                    true => 400,
                    false => 0,
                };
                return Next::Close;
            }
        };
        self.state.end(source, phase);
        count(&self.backend().back.connection_errors, 1);
        if let (Some(server), Phase::Connect) = (&self.state.server, phase) {
            count(&server.state.counters.connection_errors, 1);
        }
        if self.state.has_request {
            self.send_page(status).await
        } else {
            Next::Close
        }
    }

    async fn find_connection(&mut self) -> Result<(), Failure> {
        let backend = self.backend().clone();
        let limit = self
            .state
            .retry_limit
            .unwrap_or(backend.config.back.retries);
        loop {
            if self.state.slot.is_none() {
                self.assign_server(&backend).await?;
            }
            let Some(server) = self.state.server.clone() else {
                return Err(Failure::NoServer);
            };
            if self.moved_location(&server).is_some() {
                return Err(Failure::Moved);
            }
            if let Some(attached) = &server.attached {
                // Nobody can be asked again for another connection.
                let taken = self.take_attached(&backend, &server, attached);
                return taken.then_some(()).ok_or(Failure::Refused);
            }
            if self.take_idle(&backend, &server) {
                return Ok(());
            }
            let failure = match self.open_connection(&backend, &server).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            if matches!(
                failure,
                Failure::ClientGone(_) | Failure::Resource | Failure::TooManySecure
            ) || self.state.retries >= limit
                || !backend.config.back.retry_on.connection_failure
            {
                return Err(failure);
            }
            self.prepare_retry(&backend, &server, failure, limit)
                .await?;
        }
    }

    /// Where `redir` sends a request that is safe to repeat.
    fn moved_location(&self, server: &ServerRuntime) -> Option<Vec<u8>> {
        let prefix = server.config.settings.redirect_prefix.as_deref()?;
        if !self.state.has_request
            || !matches!(self.state.request.method(), Method::Get | Method::Head)
        {
            return None;
        }
        let path = Target::parse(self.state.request.target()).path_and_query?;
        // A lone slash stands for the same host.
        let prefix = if prefix == "/" { "" } else { prefix };
        Some([prefix.as_bytes(), path].concat())
    }

    async fn send_elsewhere(&mut self) -> Next {
        let server = self.state.server.clone();
        let location = server.and_then(|server| self.moved_location(&server));
        self.state.end(Source::Local, Phase::Connect);
        let mut reply = Reply::new(302, b"Found");
        reply.head.push(b"cache-control", b"no-cache");
        reply.head.push(b"content-length", b"0");
        reply.head.push(b"location", &location.unwrap_or_default());
        self.send_reply(Box::new(reply)).await
    }

    /// Decides where the next attempt goes, and pauses when it is the same server that has just refused.
    async fn prepare_retry(
        &mut self,
        backend: &Arc<ProxyRuntime>,
        server: &Arc<ServerRuntime>,
        failure: Failure,
        limit: u32,
    ) -> Result<(), Failure> {
        self.state.retries += 1;
        count(&backend.back.retries, 1);
        count(&server.state.counters.retries, 1);
        if self.is_redispatch_due(backend, limit)
            && !self.state.persistence.is_forced()
            && !server.config.is_apart()
            && (backend.servers.load().len() > 1 || backend.direct.is_some())
        {
            self.state.slot = None;
            self.state.redispatched = true;
            self.leave_server();
            count(&backend.back.redispatches, 1);
            count(&server.state.counters.redispatches, 1);
            return Ok(());
        }
        count(&server.state.counters.total, 1);
        if failure == Failure::Refused {
            let pause = backend
                .config
                .timeouts
                .connect
                .unwrap_or(TURN_AROUND)
                .min(TURN_AROUND);
            self.pause(clock::now_ms() + pause).await?;
        }
        if failure == Failure::Full {
            // What is being closed may do so.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// `option redispatch`: on every n-th retry, or only on the last one.
    ///
    /// Algorithms that take turns have nothing to lose by trying the next server at once.
    fn is_redispatch_due(&self, backend: &ProxyRuntime, limit: u32) -> bool {
        let takes_turns = matches!(
            backend.config.back.balance.algorithm,
            Algorithm::RoundRobin | Algorithm::StaticRoundRobin | Algorithm::Random(_)
        );
        match backend.config.back.redispatch {
            Some(n) if n != 0 && takes_turns => true,
            None | Some(0) => false,
            Some(n @ 1..) => self.state.retries.is_multiple_of(n.unsigned_abs()),
            Some(n) => {
                let every = limit.saturating_add(1).saturating_sub(n.unsigned_abs());
                every != 0 && self.state.retries.is_multiple_of(every)
            }
        }
    }

    async fn pause(&mut self, until: u64) -> Result<(), Failure> {
        let watch = self.watches_client();
        let client = &mut *self.client;
        let gone = poll_fn(|cx| {
            if watch && client.conn.poll_leaving(cx).is_some() {
                return Poll::Ready(true);
            }
            client.deadline.poll(cx, Some(until)).map(|()| false)
        });
        if gone.await {
            Err(Failure::ClientGone(Phase::Connect))
        } else {
            Ok(())
        }
    }

    /// Whether the client's going away ends the attempt to reach a server (`option abortonclose`).
    pub(super) fn watches_client(&self) -> bool {
        let config = &self.backend().config;
        let by_default =
            config.mode == model::Mode::Http && !config.options.has(Options::NO_ABORT_ON_CLOSE);
        config.options.has(Options::ABORT_ON_CLOSE) || by_default
    }

    async fn assign_server(&mut self, backend: &Arc<ProxyRuntime>) -> Result<(), Failure> {
        let slot = loop {
            let wish = Wish {
                server: self.forced_server(backend),
                avoid: self
                    .state
                    .server
                    .as_ref()
                    .filter(|_| self.state.redispatched)
                    .map(|server| server.config.idx),
                even_down: self.state.persistence.even_down,
                hash: self.key_hash(&backend.config.back.balance),
                priority: self.state.priority,
            };
            match backend.dispatch.assign(backend, &wish) {
                Assigned::Server(slot) => break slot,
                Assigned::None => return Err(Failure::NoServer),
                Assigned::Queued(place) => {
                    if let Some(slot) = self.wait_in_queue(backend, place).await? {
                        break slot;
                    }
                }
            }
        };
        self.state.server = Some(slot.server.clone());
        self.state.slot = Some(slot);
        self.note_stage(Stage::Server);
        if self.state.times.queue == 0 {
            self.state.times.queue = clock::now_ms();
        }
        Ok(())
    }

    /// The server that rules or the client's past choose, before balancing does.
    fn forced_server(&mut self, backend: &Arc<ProxyRuntime>) -> Option<base::ServerIdx> {
        if self.state.redispatched {
            return None;
        }
        self.server_by_rule(backend)
            .or(self.state.persistence.server)
            .or_else(|| self.last_server(backend))
    }

    /// `option prefer-last-server`: the server to which this client still has a connection of its own, unless too many
    /// wait for it (`max-keep-alive-queue`).
    fn last_server(&self, backend: &Arc<ProxyRuntime>) -> Option<base::ServerIdx> {
        if !backend.config.options.has(Options::PREFER_LAST_SERVER) {
            return None;
        }
        let waiting = backend.config.back.max_keep_alive_queue;
        let kept = self.session.kept.borrow();
        let kept = kept.iter().rev().map(|(server, _)| server);
        let mut last = kept.filter(|server| {
            backend
                .server_at(server.config.idx)
                .is_some_and(|own| Arc::ptr_eq(&own, server))
        });
        last.find(|server| {
            server.state.is_usable() && backend.dispatch.welcomes(backend, server, waiting)
        })
        .map(|server| server.config.idx)
    }

    /// `use-server`: the first rule whose condition holds and whose server can be used.
    pub(super) fn server_by_rule(
        &mut self,
        backend: &Arc<ProxyRuntime>,
    ) -> Option<base::ServerIdx> {
        for rule in &backend.config.back.use_server {
            if rule
                .condition
                .as_ref()
                .is_some_and(|condition| !condition.holds(self))
            {
                continue;
            }
            let server = match &rule.target {
                Ok(idx) => backend.server_at(*idx),
                Err(format) => {
                    let mut name = std::mem::take(&mut self.state.scratch);
                    name.clear();
                    format.render(self, &mut name);
                    let server = std::str::from_utf8(&name)
                        .ok()
                        .and_then(|name| backend.server_named(name));
                    self.state.scratch = name;
                    server
                }
            };
            return server
                .filter(|server| server.state.is_usable())
                .map(|server| server.config.idx);
        }
        None
    }

    async fn wait_in_queue(
        &mut self,
        backend: &Arc<ProxyRuntime>,
        mut place: Place,
    ) -> Result<Option<crate::backend::Slot>, Failure> {
        self.state.queue_ahead = place.entered();
        let timeouts = &backend.config.timeouts;
        let timeout = self
            .state
            .timeouts
            .queue
            .or(timeouts.queue)
            .or(timeouts.connect);
        let at = timeout.map(|timeout| clock::now_ms() + timeout);
        let watch = self.watches_client();
        let client = &mut *self.client;
        let outcome = poll_fn(|cx| {
            if let Poll::Ready(slot) = place.poll_granted(cx) {
                return Poll::Ready(Ok(slot));
            }
            match client.conn.poll_leaving(cx) {
                Some(_) if watch => {
                    return Poll::Ready(Err(Failure::ClientGone(Phase::Queue)));
                }
                Some(Leaving::Broken) => {
                    return Poll::Ready(Err(Failure::ClientGone(Phase::Data)));
                }
                _ => {}
            }
            client
                .deadline
                .poll(cx, at)
                .map(|()| Err(Failure::QueueTimeout))
        });
        let outcome = outcome.await;
        if outcome.is_err() {
            self.state.times.queue = clock::now_ms();
        }
        outcome
    }

    /// Takes an idle connection to the server if the backend's policy allows it for this request.
    fn take_idle(&mut self, backend: &Arc<ProxyRuntime>, server: &Arc<ServerRuntime>) -> bool {
        if !self.state.has_request {
            return false;
        }
        let key = self.connection_key(backend, server);
        if let Some(kept) = self.session.take_kept(server, key) {
            self.adopt(Conn::new(kept.socket), kept.uses, server, (key, kept.open));
            return true;
        }
        // What shares its connection with others is not what a client begins with.
        let first = self.session.requests.get() <= 1 && !self.client.conn.is_multiplexed();
        let usable = |conn: &IdleConn| match backend.config.back.reuse {
            Reuse::Never => false,
            Reuse::Safe => !first,
            Reuse::Aggressive => !first || conn.uses > 1,
            Reuse::Always => true,
        };
        if backend.config.back.reuse == Reuse::Never
            || (first && backend.config.back.reuse == Reuse::Safe)
        {
            return false;
        }
        let wanted = self.websocket_mux(server);
        let forced = server.config.settings.proto.is_some() || wanted.is_some();
        if may_speak_http2(server, wanted) {
            let served = |served| match backend.config.back.reuse {
                Reuse::Never => false,
                Reuse::Safe => !first,
                Reuse::Aggressive => !first || served > 1,
                Reuse::Always => true,
            };
            if let Some((half, served)) = self.worker.multiplexed.take(server, key, served) {
                self.adopt(Conn::of_stream(half), served, server, (key, None));
                return true;
            }
            if forced {
                return false;
            }
        }
        let worker = self.worker.index;
        if let Some(idle) = server.idle.take(worker, key, usable) {
            self.adopt(Conn::new(idle.socket), idle.uses, server, (key, idle.open));
            return true;
        }
        if !self.session.runtime.snapshot.global.idle_pool_shared {
            return false;
        }
        let Some(idle) = server.idle.take_over(worker, key, usable) else {
            return false;
        };
        let Ok(socket) = idle.socket.rehome() else {
            return false;
        };
        self.adopt(Conn::new(socket), idle.uses, server, (key, idle.open));
        true
    }

    /// Takes a connection that a client has handed to the server under the name that the request asks for.
    fn take_attached(
        &mut self,
        backend: &ProxyRuntime,
        server: &Arc<ServerRuntime>,
        attached: &Attached,
    ) -> bool {
        // What is not to be shared can't be had from others.
        if !self.state.has_request || backend.config.back.reuse == Reuse::Never {
            return false;
        }
        let settings = &server.config.settings;
        let name = match &settings.pool_name {
            Some(name) => match name.eval_as(Type::Str, self) {
                Outcome::Found(Value::Str(name)) => Some(name.into_owned()),
                _ => None,
            },
            None if settings.tls.enabled || settings.sni.is_some() => self.server_name(server),
            None => None,
        };
        let key = reverse::key(name.as_deref());
        let Some((half, served)) = attached.take(key, settings.max_reuse) else {
            return false;
        };
        self.adopt(Conn::of_stream(half), served, server, (key, None));
        true
    }

    /// Goes on with a connection that has served streams before.
    fn adopt(
        &mut self,
        conn: Conn,
        served: u32,
        server: &Arc<ServerRuntime>,
        (key, open): (u64, Option<Open>),
    ) {
        server.state.counters.tally(Tally::Reuses, 1);
        self.backend().back.tally(Tally::Reuses, 1);
        self.state.times.connect = clock::now_ms();
        self.note_stage(Stage::Response);
        let conn_tls = conn.ask(|socket| socket.seen().cloned()).flatten();
        self.state.server_conn = Some(ServerConn {
            conn,
            server: InUse::new(server),
            key,
            tls: conn_tls,
            reused: true,
            early: false,
            open,
            uses: served + 1,
            ends: OnceCell::new(),
        });
        self.note_server_end();
        self.trace_connected();
    }

    async fn open_connection(
        &mut self,
        backend: &Arc<ProxyRuntime>,
        server: &Arc<ServerRuntime>,
    ) -> Result<(), Failure> {
        let route = self.route(backend, server);
        let buffers = self.session.runtime.snapshot.global.socket_buffers;
        let timeout = self
            .state
            .timeouts
            .connect
            .or(backend.config.timeouts.connect);
        let at = connect_deadline(timeout);
        let watch = self.watches_client();
        let secure = self.secure(server)?;
        self.state.unreached = None;
        let mut place = self.claim(server)?;
        let opened = {
            let crate::session::ClientSide { conn, deadline, .. } = &mut *self.client;
            let attempt = connect(
                backend,
                server,
                &route,
                buffers.server,
                at,
                deadline,
                secure,
            );
            let mut attempt = std::pin::pin!(attempt);
            poll_fn(|cx| {
                if let Poll::Ready(outcome) = attempt.as_mut().poll(cx) {
                    return Poll::Ready(Ok(outcome));
                }
                match conn.poll_leaving(cx) {
                    Some(_) if watch => Poll::Ready(Err(Phase::Connect)),
                    Some(Leaving::Broken) => Poll::Ready(Err(Phase::Data)),
                    _ => Poll::Pending,
                }
            })
            .await
        };
        let socket = match opened {
            Err(phase) => return Err(Failure::ClientGone(phase)),
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => {
                let watched = trace::watches_any(UNCONNECTED);
                let text = watched.then(|| error.text());
                if !matches!(error, ConnectError::Resource(_)) {
                    self.observe_server(Event::Unconnected);
                }
                self.state.unreached = Unreached::of(&error, &route).map(Box::new);
                if let Some(text) = text {
                    self.trace_unconnected(&text);
                }
                return Err(Failure::of(&error));
            }
        };
        self.observe_server(Event::Connected);
        self.state.times.connect = clock::now_ms();
        self.note_stage(Stage::Response);
        let key = if self.state.has_request {
            self.connection_key(backend, server)
        } else {
            0
        };
        self.state.unreached = None;
        let early = socket.tls().is_some_and(tls::Connection::is_ahead);
        if socket.tls().is_some_and(|tls| !tls.is_resumed()) && !early {
            let keys = &self.session.runtime.process.tls.server_keys;
            keys.add(clock::now_ms());
        }
        let mut conn = self.begin_protocol(backend, server, key, (socket, &mut place))?;
        if self.state.request_flags.upgrade && !self.await_settings(&mut conn, at).await {
            return Err(Failure::ConnectTimeout);
        }
        let conn_tls = conn.ask(|socket| socket.seen().cloned()).flatten();
        self.state.server_conn = Some(ServerConn {
            conn,
            server: InUse::new(server),
            key,
            tls: conn_tls,
            reused: false,
            early,
            open: place,
            uses: 1,
            ends: OnceCell::new(),
        });
        self.note_server_end();
        self.trace_connected();
        Ok(())
    }

    /// A place for one more connection where their number is limited (`strict-maxconn`).
    fn claim(&self, server: &Arc<ServerRuntime>) -> Result<Option<Open>, Failure> {
        let limit = server.maxconn();
        if !server.config.settings.strict_maxconn || limit == 0 {
            return Ok(None);
        }
        let place = Open::claim(&server.idle, limit);
        if place.is_none() {
            self.worker.multiplexed.shed(server);
        }
        place.map(Some).ok_or(Failure::Full)
    }

    /// What the first bytes on a new connection are, and who carries the message then.
    fn begin_protocol(
        &self,
        backend: &ProxyRuntime,
        server: &Arc<ServerRuntime>,
        key: u64,
        (socket, place): (Transport, &mut Option<Open>),
    ) -> Result<Conn, Failure> {
        let is_plain = socket.is_plain();
        let decided = self.state.has_request && decides_late(server);
        if !self.state.has_request || !speaks_http2(server, &socket, self.websocket_mux(server)) {
            backend.back.tally(Tally::H1Opened, u64::from(decided));
            let mut conn = Conn::new(socket);
            // With TLS, it went ahead of the handshake.
            if is_plain {
                self.write_relay_header(server, conn.output());
            }
            return Ok(conn);
        }
        let mut header = Vec::new();
        if is_plain {
            self.write_relay_header(server, &mut header);
        }
        let shared = backend.config.back.reuse != Reuse::Never && !self.state.private;
        let config = self.session.runtime.http2.1;
        let (pool, counters) = (&self.worker.multiplexed, backend.back.clone());
        let half = h2::open(
            pool,
            server,
            key,
            shared,
            (socket, place.take()),
            (config, header, counters),
        );
        half.map(Conn::of_stream).ok_or(Failure::Resource)
    }

    /// Waits for the settings of a server of HTTP/2, without which it can't be asked for another protocol.
    async fn await_settings(&mut self, conn: &mut Conn, at: Option<u64>) -> bool {
        let deadline = &mut self.client.deadline;
        poll_fn(|cx| match conn.poll_settings(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => deadline.poll(cx, at).map(|()| false),
        })
        .await
    }

    /// Tells the server's health what was met with (`observe`).
    pub(super) fn observe_server(&self, event: Event) {
        if let (Some(backend), Some(server)) = (&self.state.backend, &self.state.server)
            && server.config.settings.check.observe != Observe::Nothing
        {
            health::observe(&self.session.runtime, backend, server, event);
        }
    }

    /// Ready when the sessions of the stream's server are ended; `None` where that can't come about.
    pub(super) fn ending(&self) -> Option<impl Future<Output = Ending> + use<>> {
        let server = self.state.server.as_ref()?;
        let settings = &server.config.settings;
        if !settings.ends_sessions_when_down && !settings.backup {
            return None;
        }
        let mut endings = server.endings();
        Some(async move {
            while endings.changed().await.is_ok() {
                if let (_, Some(why)) = *endings.borrow() {
                    return why;
                }
            }
            std::future::pending().await
        })
    }

    /// What a TLS connection to the server begins with; `None` for a plain one.
    fn secure(&self, server: &ServerRuntime) -> Result<Option<Secure>, Failure> {
        let config = &server.config;
        let Some(connector) = config.tls.as_ref().filter(|_| server.speaks_tls()) else {
            return Ok(None);
        };
        let runtime = &self.session.runtime;
        let figures = &runtime.process.tls;
        if figures.is_full(runtime.snapshot.global.max_tls_connections) {
            return Err(Failure::TooManySecure);
        }
        let name = self.server_name(server);
        let alpn = self.websocket_mux(server).map(|mux| match mux {
            Mux::H1 => [b"http/1.1".to_vec()],
            Mux::H2 => [b"h2".to_vec()],
        });
        let connection = match &alpn {
            None if self.may_send_early(server) => connector.connect_early(name.as_deref()),
            _ => connector.connect(name.as_deref(), alpn.as_ref().map(|alpn| &alpn[..])),
        };
        let mut connection = connection.map_err(|_| Failure::Resource)?;
        figures.count_server(&mut connection);
        let mut before = Vec::new();
        self.write_relay_header(server, &mut before);
        Ok(Some(Secure { before, connection }))
    }

    /// Whether what there is to be sent may be sent to a server before it answers the handshake: to those that allow it, when
    /// it came as early data itself, so that the client knows what to do about a refusal, or when it can be sent again.
    fn may_send_early(&self, server: &ServerRuntime) -> bool {
        if !server.config.settings.tls.common.early_data {
            return false;
        }
        let client = self.session.tls.as_deref();
        let came_early = client.is_some_and(|tls| tls.observed.early_data);
        match self.state.has_request {
            true => came_early || (self.state.retries == 0 && self.is_early_retried()),
            false => {
                let retried = self.backend().config.back.retry_on.zero_rtt_rejected;
                (came_early || retried) && !self.client.conn.input.is_empty()
            }
        }
    }

    /// What a request of WebSocket is to be carried by (`ws`).
    fn websocket_mux(&self, server: &ServerRuntime) -> Option<Mux> {
        let websocket = self.state.has_request && self.state.request_flags.websocket;
        let settings = &server.config.settings;
        // By itself, a server that offers HTTP/1 next to others is spoken to in that: not all know RFC 8441.
        let offered = settings.tls.common.alpn.as_deref().unwrap_or_default();
        let offers = server.speaks_tls() && offered.iter().any(|name| name == b"http/1.1");
        let by_itself = (settings.proto.is_none() && offers).then_some(Mux::H1);
        settings.ws.or(by_itself).filter(|_| websocket)
    }

    /// The name to ask a TLS server for: by `sni`, else the host that the request asks for (`sni-auto`).
    fn server_name(&self, server: &ServerRuntime) -> Option<Vec<u8>> {
        let settings = &server.config.settings;
        if let Some(expression) = &settings.sni {
            return match expression.eval_as(Type::Str, self) {
                Outcome::Found(Value::Str(name)) if !name.is_empty() => Some(name.into_owned()),
                _ => None,
            };
        }
        if !self.state.has_request || settings.sni_auto == Some(false) {
            return None;
        }
        let host = self.state.request.get(b"host")?;
        let host = host.split(|&byte| byte == b':').next()?;
        Some(host.to_vec()).filter(|host| !host.is_empty())
    }

    /// Where a connection to the server goes for this client.
    pub(super) fn route(&self, backend: &ProxyRuntime, server: &ServerRuntime) -> Route {
        let client = View::client(self).unwrap_or_default();
        let mut address = address_for(server, client.dst);
        if let (Address::Inet(inet), Some(Endpoint::Inet(dst))) = (&mut address, client.dst)
            && inet.ip().is_unspecified()
        {
            inet.set_ip(dst.ip());
        }
        let header = |name: &str, _occurrence: i32| {
            let value = self.state.request.get(name.as_bytes())?;
            std::str::from_utf8(value).ok()?.trim().parse().ok()
        };
        let (source, transparent) = source_for(binding(backend, server), client.src, header);
        let (mark, tos) = self.state.server_socket;
        Route {
            address,
            via: server.config.settings.socks4,
            source,
            transparent,
            namespace: match &server.config.settings.namespace {
                Some(ServerNamespace::Client) => self.client_namespace().cloned(),
                Some(ServerNamespace::Fixed(namespace)) => Some(namespace.clone()),
                None => None,
            },
            mark,
            tos,
            sends_first: self.state.has_request || server.config.settings.send_proxy.is_some(),
        }
    }

    /// What tells connections to one server apart: they may only be shared when all of it is equal.
    fn connection_key(&self, backend: &ProxyRuntime, server: &ServerRuntime) -> u64 {
        let settings = &server.config.settings;
        let sourced = binding(backend, server)
            .is_some_and(|binding| !matches!(binding.use_source, model::UseSource::No));
        let location = server.whereabouts.now();
        let addressed = location.mapped_port
            || matches!(&location.address, Address::Inet(inet) if inet.ip().is_unspecified());
        let (mark, tos) = self.state.server_socket;
        let named = settings.tls.enabled && settings.pool_name.is_none();
        let plain = !named
            && settings.pool_name.is_none()
            && settings.send_proxy.is_none()
            && location.moves == 0
            && !sourced
            && !addressed
            && settings.namespace.is_none();
        if plain && mark.is_none() && tos.is_none() {
            return 0;
        }
        let pool_name = settings.pool_name.as_ref();
        let pool_name = pool_name.map(|name| name.eval_as(Type::Str, self));
        let pool_name = match &pool_name {
            Some(Outcome::Found(Value::Str(name))) => Some(&**name),
            _ => None,
        };
        let tls_name = named.then(|| self.server_name(server));
        let tls_name = tls_name.as_ref().map(Option::as_deref);
        let mut hasher = begin_key((mark, tos), location.moves, pool_name, tls_name);
        let client = View::client(self).unwrap_or_default();
        if settings.send_proxy.is_some() {
            // The header is the first thing the server has heard: only the same one can stand for another client.
            let mut header = Vec::new();
            self.write_relay_header(server, &mut header);
            header.hash(&mut hasher);
        }
        if let Some(ServerNamespace::Client) = &settings.namespace {
            self.client_namespace()
                .map(|namespace| &namespace.name)
                .hash(&mut hasher);
        }
        if sourced {
            client.src.hash(&mut hasher);
        }
        if addressed {
            client.dst.hash(&mut hasher);
        }
        end_key(&hasher)
    }
}

/// Whether there may be connections to a server that speak HTTP/2, unless something else is `wanted`.
fn may_speak_http2(server: &ServerRuntime, wanted: Option<Mux>) -> bool {
    if let Some(mux) = wanted {
        return mux == Mux::H2;
    }
    let settings = &server.config.settings;
    match settings.proto.as_deref() {
        Some(proto) => proto == "h2",
        None => {
            let alpn = settings.tls.common.alpn.as_deref();
            settings.tls.enabled && alpn.is_some_and(|alpn| alpn.iter().any(|name| name == b"h2"))
        }
    }
}

/// Whether a server is spoken to in HTTP/2: because that is configured, or because it was agreed on.
fn speaks_http2(server: &ServerRuntime, socket: &Transport, wanted: Option<Mux>) -> bool {
    if let Some(mux) = wanted {
        return mux == Mux::H2;
    }
    match server.config.settings.proto.as_deref() {
        Some(proto) => proto == "h2",
        None => socket.tls().and_then(tls::Connection::alpn) == Some(b"h2"),
    }
}
