//! What others may know of a stream, and how they end it: `show sess`, `shutdown session`.
//!
//! A stream belongs to its task. What the runtime API asks about it stands on a card, which its worker knows too; the stream
//! notes there where it has come to, which costs a few stores.

use super::{Next, Phase, Source, Stream};
use crate::clock;
use crate::mux::Conn;
use crate::proxy::ProxyRuntime;
use crate::session::Session;
use base::{Endpoint, ProxyIdx, ServerIdx};
use expr::view::Date;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::os::fd::AsRawFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// What a stream waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Rules, and what they wait for.
    #[default]
    Rules,
    /// A server, or a connection to it.
    Server,
    /// The server's response.
    Response,
    /// Data is passed on.
    Data,
}

/// How a connection carries a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// As raw bytes.
    Raw,
    /// In HTTP/1.
    H1,
    /// In HTTP/2.
    H2,
}

/// One end of a stream: a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionEnd {
    /// Its descriptor.
    pub fd: i32,
    /// Whether there is TLS on it.
    pub secure: bool,
    /// How it carries the stream.
    pub carrier: Carrier,
}

/// A stream's card.
#[derive(Debug, Default)]
pub struct Card {
    session: RefCell<Option<Rc<Session>>>,
    number: Cell<u64>,
    begun: Cell<(u64, Date)>,
    backend: Cell<Option<ProxyIdx>>,
    server: Cell<Option<ServerIdx>>,
    stage: Cell<Stage>,
    /// The client's connection, and the server's while there is one.
    ends: Cell<[Option<ConnectionEnd>; 2]>,
    request_line: RefCell<Vec<u8>>,
    killed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Bytes that a relay under way has passed on from the client and from the server.
    moved: Cell<(u64, u64)>,
    /// Whether its worker knows it.
    filed: Cell<bool>,
}

/// A backend or frontend as it is told of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Its number.
    pub id: u32,
    /// Its mode.
    pub mode: &'static str,
}

/// What is known of a stream at a moment.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its number in the process.
    pub number: u64,
    /// Its age in milliseconds.
    pub age: u64,
    /// When it began.
    pub date: Date,
    /// Where the client is.
    pub source: Option<Endpoint>,
    /// The frontend.
    pub frontend: Party,
    /// The listening socket: name and number.
    pub listener: (Option<String>, u32),
    /// The backend, once it is chosen.
    pub backend: Option<Party>,
    /// The server, once it is chosen: name, number, and where it is.
    pub server: Option<(String, u32, model::Address)>,
    /// What it waits for.
    pub stage: Stage,
    /// The client's connection, and the server's while there is one.
    pub ends: [Option<ConnectionEnd>; 2],
    /// How often the session has had a request.
    pub requests: u32,
    /// The request line as captured.
    pub request_line: Vec<u8>,
    /// The worker, from 0.
    pub worker: usize,
    /// Bytes that are being passed on: from the client and from the server, those of earlier messages left aside.
    pub moved: (u64, u64),
    /// Whether it was told to end and is still there.
    pub lingers: bool,
}

impl Card {
    /// Whether a stream is behind it.
    pub(crate) fn is_open(&self) -> bool {
        self.session.borrow().is_some()
    }

    /// The stream's number.
    pub(crate) fn number(&self) -> u64 {
        self.number.get()
    }

    /// Bytes that a relay under way has passed on.
    pub(super) fn moved(&self) -> &Cell<(u64, u64)> {
        &self.moved
    }

    /// Ends the stream.
    pub(crate) fn kill(&self) {
        self.killed.set(true);
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Whether the stream is on this server.
    pub(crate) fn is_on(&self, backend: &str, server: &str) -> bool {
        let seen = self.names();
        seen.is_some_and(|(b, s)| *b == *backend && *s == *server)
    }

    fn names(&self) -> Option<(Arc<str>, Arc<str>)> {
        let proxy = self.backend()?;
        let server = proxy.server_at(self.server.get()?)?;
        Some((proxy.config.name.clone(), server.config.name.clone()))
    }

    fn backend(&self) -> Option<Arc<ProxyRuntime>> {
        let session = self.session.borrow();
        let runtime = &session.as_ref()?.runtime;
        let at = self.backend.get()?;
        let known = runtime.proxy(at).cloned();
        known.or_else(|| {
            let added = runtime.added.load();
            added.iter().find(|p| p.config.idx == at).cloned()
        })
    }

    /// What is known of the stream.
    pub(crate) fn seen(&self, worker: usize) -> Option<Seen> {
        let session = self.session.borrow();
        let session = session.as_ref()?;
        let backend = self.backend();
        let server = backend
            .as_ref()
            .zip(self.server.get())
            .and_then(|(backend, at)| backend.server_at(at));
        let side = |proxy: &ProxyRuntime| Party {
            name: proxy.config.name.to_string(),
            id: proxy.config.id,
            mode: proxy.config.mode.name(),
        };
        let (begun, date) = self.begun.get();
        let source = session.src.as_deref().or(session.real_src.as_ref());
        Some(Seen {
            number: self.number.get(),
            age: clock::now_ms().saturating_sub(begun),
            date,
            source: source.cloned(),
            frontend: side(&session.frontend),
            listener: (
                session.bind.name.as_deref().map(str::to_owned),
                session.bind.id,
            ),
            // A proxy that can serve by itself does so unless something else is chosen.
            backend: match &backend {
                Some(backend) => Some(side(backend)),
                None if session.frontend.config.caps.back => Some(side(&session.frontend)),
                None => None,
            },
            server: server.map(|server| {
                let location = server.whereabouts.now();
                (
                    server.config.name.to_string(),
                    server.config.id,
                    location.address.clone(),
                )
            }),
            stage: self.stage.get(),
            ends: self.ends.get(),
            requests: session.requests.get(),
            request_line: self.request_line.borrow().clone(),
            worker,
            moved: self.moved.get(),
            lingers: self.killed.get(),
        })
    }

    /// Empties the card: the stream is over.
    pub(super) fn close(&self) {
        *self.session.borrow_mut() = None;
        *self.waker.borrow_mut() = None;
        self.backend.set(None);
        self.server.set(None);
        self.stage.set(Stage::Rules);
        self.ends.set([None; 2]);
        self.killed.set(false);
        self.moved.set((0, 0));
    }
}

impl Stream<'_> {
    /// The stream's card.
    fn card(&mut self) -> Rc<Card> {
        self.state.card.get_or_insert_default().clone()
    }

    /// Lets others know of the stream, whose number and time are settled.
    pub(super) fn show(&mut self) {
        let card = self.card();
        if !card.filed.replace(true) {
            self.worker.file(&card);
        }
        card.number.set(self.state.number);
        let times = &self.state.times;
        card.begun.set((times.begin, times.begin_date));
        let mut line = card.request_line.borrow_mut();
        line.clear();
        line.extend_from_slice(&self.state.request_line);
        *card.session.borrow_mut() = Some(self.session.clone());
        card.ends.set([self.end(&self.client.conn), None]);
    }

    /// Notes that the stream is on no server's connection any more.
    pub(super) fn note_server_gone(&self) {
        if let Some(card) = &self.state.card {
            let [client, _] = card.ends.get();
            card.ends.set([client, None]);
        }
    }

    /// Notes which connection to a server the stream is on.
    pub(super) fn note_server_end(&self) {
        if let Some(card) = &self.state.card {
            let [client, _] = card.ends.get();
            let server = self.state.server_conn.as_ref();
            card.ends
                .set([client, server.and_then(|server| self.end(&server.conn))]);
        }
    }

    fn end(&self, conn: &Conn) -> Option<ConnectionEnd> {
        let (fd, secure) = conn.ask(|socket| (socket.as_raw_fd(), !socket.is_plain()))?;
        let carrier = match (conn.is_multiplexed(), self.is_http()) {
            (true, _) => Carrier::H2,
            (false, true) => Carrier::H1,
            (false, false) => Carrier::Raw,
        };
        Some(ConnectionEnd {
            fd,
            secure,
            carrier,
        })
    }

    /// Notes what the stream waits for, and which backend and server it is on.
    pub(super) fn note_stage(&self, stage: Stage) {
        if let Some(card) = &self.state.card {
            card.stage.set(stage);
            let backend = self.state.backend.as_ref();
            card.backend.set(backend.map(|backend| backend.config.idx));
            let server = self.state.server.as_ref();
            card.server.set(server.map(|server| server.config.idx));
        }
    }

    /// Takes over what a relay had passed on that was given up.
    pub(super) fn count_progress(&mut self) {
        let card = self.state.card.as_ref();
        let (sent, received) = card.map(|card| card.moved.take()).unwrap_or_default();
        self.state.bytes.0 += sent;
        self.state.bytes.1 += received;
    }

    /// Forgets what a relay had passed on, which is counted already.
    pub(super) fn forget_progress(&self) {
        if let Some(card) = &self.state.card {
            card.moved.set((0, 0));
        }
    }

    /// Does some work of the stream, unless somebody ends the stream before.
    pub(super) async fn unless_killed<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let card = self.card();
        let mut work = pin!(work(self));
        poll_fn(|cx| {
            if card.killed.get() {
                return Poll::Ready(None);
            }
            let done = work.as_mut().poll(cx).map(Some);
            if done.is_pending() {
                let mut waker = card.waker.borrow_mut();
                if !waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
                    *waker = Some(cx.waker().clone());
                }
            }
            done
        })
        .await
    }

    /// Ends a stream that was killed: nothing more is sent, and the log tells.
    pub(super) fn end_killed(&mut self) -> Next {
        let phase = match (&self.state.server, &self.state.backend) {
            (Some(_), _) => Phase::Connect,
            (None, Some(_)) => Phase::Queue,
            (None, None) => Phase::Request,
        };
        self.count_progress();
        // HAProxy's word, whatever had come to pass before.
        self.state.cause = None;
        self.state.end(Source::Killed, phase);
        if self.is_http() {
            self.state.status = 500;
        }
        self.drop_server_conn();
        self.finish();
        Next::Abort
    }
}
