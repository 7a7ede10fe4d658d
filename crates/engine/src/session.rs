//! A session: one client connection and what stays the same over its streams.

use crate::backend::IdleConn;
use crate::clock;
use crate::handshake::HandshakeError;
use crate::io::{Deadline, Socket};
use crate::mux::Conn;
use crate::mux::h2::{Half, Multiplexed, News};
use crate::proxy::{ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use crate::stream::{Counters, Vars};
use crate::stream::{Ended, TcpEnd, serve_connection, serve_http, serve_tcp, upgrade};
use crate::worker::Worker;
use base::Endpoint;
use expr::view::Date;
use model::live::ListenerState;
use model::live::tally::Tally;
use model::rules::Mux;
use model::{Bind, CloseSpread, Mode};
use std::cell::{Cell, OnceCell, RefCell};
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

/// Facts of one client connection.
#[derive(Debug)]
pub struct Session {
    /// The configuration it was accepted under.
    pub runtime: Arc<Runtime>,
    /// The frontend.
    pub frontend: Arc<ProxyRuntime>,
    /// The listening socket.
    pub bind: Arc<Bind>,
    /// Its live state.
    pub listener: Arc<ListenerState>,
    /// The peer's address.
    pub real_src: Option<Endpoint>,
    /// This end's address; asked of the system when it is needed.
    pub real_dst: OnceCell<Option<Endpoint>>,
    /// The source, by a relay header or by a session rule; otherwise the peer's.
    pub src: Option<Arc<Endpoint>>,
    /// The destination, likewise.
    pub dst: Option<Arc<Endpoint>>,
    /// The extensions of the PROXY protocol header, as they stood in it.
    pub extensions: Box<[u8]>,
    /// What was wrong with the handshake, if anything.
    pub error: Option<HandshakeError>,
    /// Whether the ends came by a relay header.
    pub proxied: bool,
    /// When the connection was accepted, in milliseconds since the start and by the wall clock.
    pub accepted: (u64, Date),
    /// When handshakes were over, in milliseconds since the start.
    pub handshake: u64,
    /// How HTTP is carried, as far as that is settled: `proto` and its like force it.
    pub mux: Cell<Option<Mux>>,
    /// Requests so far.
    pub requests: Cell<u32>,
    /// Whether its accept has been logged already by the TCP stream that it began as.
    pub announced: Cell<bool>,
    /// What it tracks in stick tables.
    pub counters: Counters,
    /// `sess.` variables.
    pub vars: RefCell<Vars>,
    /// The log level that a session rule forced; `Some(None)` is silence.
    pub log_level: Option<Option<u8>>,
    /// What is known of the TLS connection, if it is one.
    pub tls: Option<Arc<tls::Seen>>,
    /// Server connections that only this session may use again, with their servers.
    pub kept: RefCell<Vec<(Arc<ServerRuntime>, IdleConn)>>,
}

/// The client's half of a session: what is handed from one stream to the next.
#[derive(Debug)]
pub struct ClientSide {
    /// The connection.
    pub conn: Conn,
    /// The session's timer.
    pub deadline: Deadline,
}

impl Session {
    /// Whether the process stops, and it is this connection's turn to end (`close-spread-time`).
    #[must_use]
    pub fn is_to_close(&self) -> bool {
        let process = &self.runtime.process;
        if !process.is_stopping() {
            return false;
        }
        match self.runtime.snapshot.global.close_spread {
            CloseSpread::AtOnce => true,
            CloseSpread::Never => false,
            CloseSpread::Over(time) => {
                let since = process.stopping_since.load(Ordering::Relaxed);
                clock::now_ms() >= since + self.share_of(time)
            }
        }
    }

    /// A part of some time that is this connection's own as long as it lives.
    fn share_of(&self, time: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (std::ptr::from_ref(self).addr(), self.accepted.0).hash(&mut hasher);
        hasher.finish() % time.max(1)
    }

    /// Counts the session.
    pub(crate) fn begin(&self, listener: &ListenerState) {
        let now = clock::now_ms();
        self.runtime.process.session_rate.add(now);
        self.frontend.front.begin_session(now);
        if let Some(counters) = &listener.counters {
            counters.begin_session(now);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if crate::trace::watches_any(crate::trace::SESSION_ENDS) {
            crate::trace::over(self);
        }
    }
}

impl ClientSide {
    /// A client's connection at its beginning.
    #[must_use]
    pub fn new(conn: Conn) -> Self {
        Self {
            conn,
            deadline: Deadline::default(),
        }
    }
}

impl Session {
    /// Takes a server connection that this session has kept for itself.
    pub fn take_kept(&self, server: &Arc<ServerRuntime>, key: u64) -> Option<IdleConn> {
        let mut all = self.kept.borrow_mut();
        loop {
            let at = all
                .iter()
                .rposition(|(kept, conn)| Arc::ptr_eq(kept, server) && conn.key == key)?;
            let (_, mut conn) = all.remove(at);
            if conn.socket.is_quiet() {
                return Some(conn);
            }
        }
    }
}

/// The place of a connection that has just been accepted, before it is known who serves it. Dropping it counts the
/// connection out.
#[derive(Debug)]
pub struct Admitted {
    runtime: Arc<Runtime>,
    frontend: Arc<ProxyRuntime>,
    bind: Arc<Bind>,
    listener: Arc<ListenerState>,
    /// Whether the place has gone on to [`Accepted`].
    taken: bool,
}

impl Admitted {
    /// Counts a connection in.
    #[must_use]
    pub fn new(
        runtime: &Arc<Runtime>,
        frontend: &Arc<ProxyRuntime>,
        bind: &Arc<Bind>,
        listener: &Arc<ListenerState>,
    ) -> Self {
        let process = &runtime.process;
        process.connections.enter();
        if process.connections.now() >= process.maxconn.load(Ordering::Relaxed) {
            process.maxconn_reached.fetch_add(1, Ordering::Relaxed);
        }
        listener.connections.enter();
        let now = clock::now_ms();
        model::live::count(&process.accepted, 1);
        process.connection_rate.add(now);
        if bind.tls.is_some() {
            process.tls.enter(now);
        }
        frontend.front.accept(now);
        if let Some(counters) = &listener.counters {
            counters.accept(now);
        }
        Self {
            runtime: runtime.clone(),
            frontend: frontend.clone(),
            bind: bind.clone(),
            listener: listener.clone(),
            taken: false,
        }
    }

    /// The connection, now that its worker is known.
    #[must_use]
    pub fn accepted(mut self, worker: &Rc<Worker>, peer: Option<Endpoint>) -> Accepted {
        self.taken = true;
        Accepted {
            worker: worker.clone(),
            runtime: self.runtime.clone(),
            frontend: self.frontend.clone(),
            bind: self.bind.clone(),
            listener: self.listener.clone(),
            peer,
            speaks_h1: Cell::default(),
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if !self.taken {
            leave(&self.runtime, &self.frontend, &self.bind, &self.listener);
        }
    }
}

/// Counts a connection out.
fn leave(runtime: &Runtime, frontend: &ProxyRuntime, bind: &Bind, listener: &ListenerState) {
    runtime.process.connections.leave();
    if bind.tls.is_some() {
        runtime.process.tls.leave();
    }
    frontend.front.connections.leave();
    listener.connections.leave();
    if let Some(counters) = &listener.counters {
        counters.connections.leave();
    }
}

/// A connection that has just been accepted. Dropping it counts the connection out.
#[derive(Debug)]
pub struct Accepted {
    /// The worker.
    pub worker: Rc<Worker>,
    /// The configuration.
    pub runtime: Arc<Runtime>,
    /// The frontend.
    pub frontend: Arc<ProxyRuntime>,
    /// The listening socket.
    pub bind: Arc<Bind>,
    /// Its live state.
    pub listener: Arc<ListenerState>,
    /// The peer's address.
    pub peer: Option<Endpoint>,
    /// Whether it speaks HTTP/1 by now.
    pub speaks_h1: Cell<bool>,
}

impl Drop for Accepted {
    fn drop(&mut self) {
        leave(&self.runtime, &self.frontend, &self.bind, &self.listener);
        if self.speaks_h1.get() {
            self.frontend.front.tally(Tally::H1Closed, 1);
        }
    }
}

/// Serves one client connection from its accept to its end.
///
/// Written out as a block over what it captures: an `async fn` would keep room for its arguments and for the variables they
/// are moved to.
pub fn run(accepted: Accepted, socket: Socket) -> impl Future<Output = ()> {
    let mut client = ClientSide::new(Conn::new(socket.into()));
    async move {
        let _registration = poll_fn(|cx| Poll::Ready(accepted.worker.register(cx.waker()))).await;
        // What happens once is boxed, so that the rest of the connection's life does not keep room for it.
        let session = match accepted.begin() {
            Ok(session) => {
                session.begin(&accepted.listener);
                session
            }
            Err(accepted) => match Box::pin(establish(accepted, &mut client)).await {
                Some(session) => session,
                None => return,
            },
        };
        if crate::trace::watches_any(crate::trace::SESSION_BEGINS) || crate::trace::watches_data() {
            crate::trace::accepted(&session, client.conn.ask(AsRawFd::as_raw_fd));
        }
        let mut begun = None;
        if session.frontend.config.mode != Mode::Http {
            accepted.frontend.front.tally(Tally::SessionsOther, 1);
            match Box::pin(serve_tcp(&session, &accepted.worker, &mut client)).await {
                TcpEnd::Over => return,
                TcpEnd::Http(state) => begun = Some(state),
            }
        }
        accepted.note_http(&session);
        if serve_http(&session, &accepted.worker, &mut client, begun).await == Ended::Http2 {
            accepted.note_http2();
            Box::pin(upgrade(&session, &accepted.worker, &mut client)).await;
        }
    }
}

/// Serves a connection that this process has opened and on which the other end sends the requests (`rhttp@`); `news` is
/// what has come of it already.
pub async fn run_reversed(accepted: Accepted, connection: Multiplexed, news: Vec<News>) {
    let _registration = poll_fn(|cx| Poll::Ready(accepted.worker.register(cx.waker()))).await;
    let connection = Rc::new(RefCell::new(connection));
    // The number of no stream stands for the connection as such.
    let whole = Half::new(connection.clone(), 0);
    let mut client = ClientSide::new(Conn::of_stream(whole));
    let session = match accepted.begin() {
        Ok(session) => {
            session.begin(&accepted.listener);
            session
        }
        Err(accepted) => match Box::pin(establish(accepted, &mut client)).await {
            Some(session) => session,
            None => return,
        },
    };
    session.mux.set(Some(Mux::H2));
    accepted.note_http2();
    let worker = &accepted.worker;
    serve_connection(&session, worker, connection, news, &mut client.deadline).await;
}

async fn establish(accepted: &Accepted, client: &mut ClientSide) -> Option<Rc<Session>> {
    let session = accepted.session();
    crate::handshake::establish(session, accepted, client)
        .await
        .map(Rc::new)
}

impl Accepted {
    fn note_http(&self, session: &Session) {
        if session.mux.get() == Some(Mux::H2) {
            return;
        }
        self.speaks_h1.set(true);
        let front = &self.frontend.front;
        front.tally(Tally::H1Opened, 1);
        if self.frontend.config.mode == Mode::Http {
            front.tally(Tally::SessionsH1, 1);
        }
    }

    fn note_http2(&self) {
        let front = &self.frontend.front;
        if self.speaks_h1.take() {
            front.tally(Tally::H1Closed, 1);
        }
        if self.frontend.config.mode == Mode::Http {
            front.tally(Tally::SessionsH2, 1);
        }
    }

    /// The session, unless something stands between it and its first stream.
    fn begin(&self) -> Result<Rc<Session>, &Self> {
        let session = self.session();
        match crate::handshake::is_needed(&session) {
            true => Err(self),
            false => Ok(Rc::new(session)),
        }
    }

    fn session(&self) -> Session {
        let now = (clock::now_ms(), clock::date());
        Session {
            runtime: self.runtime.clone(),
            frontend: self.frontend.clone(),
            bind: self.bind.clone(),
            listener: self.listener.clone(),
            real_src: self.peer.clone(),
            real_dst: OnceCell::new(),
            src: None,
            dst: None,
            extensions: Box::default(),
            error: None,
            proxied: false,
            accepted: now,
            handshake: now.0,
            mux: Cell::new(match self.bind.proto.as_deref() {
                Some("h1") => Some(Mux::H1),
                Some("h2") => Some(Mux::H2),
                _ => None,
            }),
            requests: Cell::new(0),
            announced: Cell::new(false),
            counters: Counters::default(),
            vars: RefCell::default(),
            log_level: None,
            tls: None,
            kept: RefCell::default(),
        }
    }
}
