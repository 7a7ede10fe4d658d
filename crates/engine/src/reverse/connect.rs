//! The device's side: a listener that opens its connections itself.

use crate::backend::{self, Route, Secure, address_for, binding, connect_deadline, source_for};
use crate::clock;
use crate::io::{Buffer, Deadline, Transport};
use crate::listener::is_full;
use crate::log::{self, Message};
use crate::mux::h2::{Multiplexed, News};
use crate::proxy::{Listening, ProxyRuntime, ServerRuntime};
use crate::runtime::Runtime;
use crate::session::{self, Admitted};
use crate::worker::Worker;
use base::Endpoint;
use expr::sample::Value;
use expr::view::NoView;
use expr::{Outcome, Type};
use model::live::ListenerState;
use model::{Address, Bind, Snapshot};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinHandle;
use wire::h2::Config;
use wire::proxy::{Addresses, V2Builder, write_v1};

/// How long it takes until a connection that did not come about is tried again, in milliseconds. Nor are there more
/// attempts over this time than there are to be connections, so that an edge that closes all of them is not flooded.
const PAUSE: u64 = 1000;

const ERROR: u8 = 3;
const INFO: u8 = 6;

/// Whether a listener has a server to open connections to.
///
/// # Errors
/// Why it has none, in HAProxy's wording.
pub fn check(snapshot: &Snapshot, address: &Address) -> Result<(), String> {
    match address {
        Address::Reverse(name) => model::reverse::target(snapshot, name).map(drop),
        _ => Ok(()),
    }
}

/// Starts to keep up the connections of those listeners that are this worker's.
#[must_use]
pub fn keep_up(worker: &Rc<Worker>, runtime: &Arc<Runtime>) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    for proxy in &runtime.proxies {
        for (at, bind) in proxy.config.front.binds.iter().enumerate() {
            let Address::Reverse(name) = &bind.address else {
                continue;
            };
            let workers = workers(runtime, bind);
            if proxy.config.disabled || workers.get(at % workers.len()) != Some(&worker.index) {
                continue;
            }
            if let Some(keeper) = Keeper::new(runtime, proxy, bind, name, workers) {
                tasks.push(tokio::task::spawn_local(keeper.run(worker.clone())));
            }
        }
    }
    tasks
}

/// The workers that serve a listener's connections; never none.
fn workers(runtime: &Runtime, bind: &Bind) -> Vec<usize> {
    let all = 0..(runtime.process.threads as usize).max(1);
    let listens = |at: &usize| bind.threads.is_empty() || bind.threads.contains(&(*at as u32 + 1));
    let chosen: Vec<usize> = all.filter(listens).collect();
    if chosen.is_empty() { vec![0] } else { chosen }
}

/// What a log line has last said of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Initiating,
    Failing,
    Running,
}

/// Keeps up the connections of one listener.
struct Keeper {
    runtime: Arc<Runtime>,
    proxy: Arc<ProxyRuntime>,
    bind: Arc<Bind>,
    load: Arc<ListenerState>,
    backend: Arc<ProxyRuntime>,
    server: Arc<ServerRuntime>,
    workers: Vec<usize>,
    state: State,
    /// When the present second of attempts began, and how many there were.
    attempts: (u64, u32),
}

impl Keeper {
    fn new(
        runtime: &Arc<Runtime>,
        proxy: &Arc<ProxyRuntime>,
        bind: &Arc<Bind>,
        name: &str,
        workers: Vec<usize>,
    ) -> Option<Self> {
        let (backend, server) = name.split_once('/')?;
        let backend = runtime.backend(backend)?;
        let server = backend.server_named(server)?;
        let load = proxy.listener(bind).cloned().unwrap_or_default();
        Some(Self {
            runtime: runtime.clone(),
            proxy: proxy.clone(),
            bind: bind.clone(),
            state: match load.connections.now() {
                0 => State::Initiating,
                // Those of the configuration before this one.
                _ => State::Running,
            },
            load,
            backend,
            server,
            workers,
            attempts: (0, 0),
        })
    }

    async fn run(mut self, worker: Rc<Worker>) {
        let mut ended = self.runtime.process.reversed_ended.subscribe();
        let mut listening = self.proxy.listening.subscribe();
        let mut served = 0;
        if self.state == State::Initiating {
            self.tell(INFO, "Initiating.");
        }
        loop {
            ended.borrow_and_update();
            if *listening.borrow_and_update() == Listening::Stopped {
                return;
            }
            if self.has_all() {
                self.turn_to(State::Running);
                let full = self.load.connections.now() < self.bind.connections;
                tokio::select! {
                    changed = ended.changed() => if changed.is_err() { return },
                    changed = listening.changed() => if changed.is_err() { return },
                    // Room in the frontend or the process is nothing that anybody is told of.
                    () = tokio::time::sleep(Duration::from_millis(PAUSE)), if full => {}
                }
                continue;
            }
            self.hold_back().await;
            let began = clock::now_ms();
            match self.open().await {
                Some((connection, news)) => {
                    let at = self.workers.get(served % self.workers.len());
                    self.serve(&worker, at.copied(), connection, news);
                    served += 1;
                }
                None => {
                    self.turn_to(State::Failing);
                    let rest = (began + PAUSE).saturating_sub(clock::now_ms());
                    tokio::time::sleep(Duration::from_millis(rest)).await;
                }
            }
        }
    }

    fn has_all(&self) -> bool {
        self.load.connections.now() >= self.bind.connections
            || is_full(&self.runtime, &self.proxy, &self.bind, &self.load)
    }

    /// Waits when there were as many attempts as connections within a moment.
    async fn hold_back(&mut self) {
        let now = clock::now_ms();
        let (since, count) = self.attempts;
        if now >= since + PAUSE {
            self.attempts = (now, 1);
            return;
        }
        if count < self.bind.connections {
            self.attempts.1 += 1;
            return;
        }
        tokio::time::sleep(Duration::from_millis(since + PAUSE - now)).await;
        self.attempts = (clock::now_ms(), 1);
    }

    /// Opens a connection, and waits until the other end may send requests on it.
    async fn open(&self) -> Option<(Multiplexed, Vec<News>)> {
        let at = connect_deadline(self.backend.config.timeouts.connect);
        let mut deadline = Deadline::default();
        let route = self.route();
        let buffers = self.runtime.snapshot.global.socket_buffers;
        let buffers = buffers.server;
        let fd = backend::open(&self.backend, &self.server, &route, buffers).ok()?;
        let followed = backend::follow(fd, &route, at, &mut deadline);
        let mut socket = followed.await.ok()?;
        let header = self.relay_header(&socket);
        let plain = match self.secure(&header)? {
            Some(secure) => {
                let shaken = backend::shake_hands(&mut socket, secure, at, &mut deadline);
                shaken.await.ok()?;
                false
            }
            None => true,
        };
        let config = Config {
            turns: true,
            ..self.runtime.http2.1
        };
        let counters = self.backend.back.clone();
        let mut connection = Multiplexed::begin(socket, Buffer::default(), config, counters);
        if plain {
            connection.send_first(&header);
        }
        let mut news = Vec::new();
        let turned = poll_fn(|cx| {
            let over = connection.poll(cx, &mut news).is_ready();
            if over || !connection.is_to_turn() {
                return Poll::Ready(!over);
            }
            deadline.poll(cx, at).map(|()| false)
        });
        turned.await.then_some((connection, news))
    }

    fn route(&self) -> Route {
        let binding = binding(&self.backend, &self.server);
        let (source, transparent) = source_for(binding, None, |_, _| None);
        Route {
            address: address_for(&self.server, None),
            via: self.server.config.settings.socks4,
            source,
            transparent,
            namespace: backend::fixed_namespace(&self.server.config),
            mark: None,
            tos: None,
            sends_first: true,
        }
    }

    /// The PROXY protocol header that the server asks for: it tells of no client.
    fn relay_header(&self, socket: &Transport) -> Vec<u8> {
        let mut header = Vec::new();
        let Some(send) = &self.server.config.settings.send_proxy else {
            return header;
        };
        let addresses = match (socket.local(), socket.peer()) {
            (Some(Endpoint::Inet(src)), Some(Endpoint::Inet(dst))) => Addresses::Inet { src, dst },
            _ => Addresses::Unknown,
        };
        match send.version {
            0 => {}
            1 => write_v1(&addresses, &mut header),
            _ => {
                let builder = V2Builder::new(addresses).crc32c(send.crc32c);
                // Without values of variable length it always fits.
                let _ = builder.write(&mut header);
            }
        }
        header
    }

    /// What the TLS connection begins with; `Some(None)` for a plain one.
    fn secure(&self, header: &[u8]) -> Option<Option<Secure>> {
        let config = &self.server.config;
        let Some(connector) = config.tls.as_ref().filter(|_| self.server.speaks_tls()) else {
            return Some(None);
        };
        // There is no request to take a name from.
        let name = config.settings.sni.as_ref();
        let name = name.and_then(|name| match name.eval_as(Type::Str, &NoView) {
            Outcome::Found(Value::Str(name)) if !name.is_empty() => Some(name.into_owned()),
            _ => None,
        });
        let connection = connector.connect(name.as_deref(), None).ok()?;
        let before = header.to_vec();
        Some(Some(Secure { before, connection }))
    }

    /// Has a worker serve a connection: this one, unless it is another one's turn.
    fn serve(
        &self,
        worker: &Rc<Worker>,
        at: Option<usize>,
        mut connection: Multiplexed,
        news: Vec<News>,
    ) {
        connection.turned(&self.proxy.front);
        let (peer, _) = connection.ends();
        let (runtime, proxy) = (self.runtime.clone(), self.proxy.clone());
        let (bind, load) = (self.bind.clone(), self.load.clone());
        // It counts from now on, whenever the other worker gets round to it.
        let admitted = Admitted::new(&runtime, &proxy, &bind, &load);
        let moves = at.is_some_and(|at| at != worker.index);
        let start = move |worker: &Rc<Worker>| {
            if moves && connection.rehome().is_err() {
                return;
            }
            let ended = runtime.process.clone();
            let accepted = admitted.accepted(worker, peer);
            tokio::task::spawn_local(async move {
                session::run_reversed(accepted, connection, news).await;
                ended.reversed_ended.send_replace(());
            });
        };
        match at.filter(|_| moves) {
            // The answer is of no interest.
            Some(at) => drop(self.runtime.process.orders.ask(at, start)),
            None => start(worker),
        }
    }

    fn turn_to(&mut self, state: State) {
        if self.state == state {
            return;
        }
        self.state = state;
        match state {
            State::Initiating => {}
            State::Failing => self.tell(ERROR, "Error encountered."),
            State::Running => {
                let count = self.bind.connections;
                self.tell(INFO, &format!("Running with nbconn {count} reached."));
            }
        }
    }

    fn tell(&self, level: u8, what: &str) {
        let (proxy, backend) = (&self.proxy.config, &self.backend.config.name);
        let name = &self.server.config.name;
        let text = format!("preconnect {}::{backend}/{name}: {what}", proxy.name);
        let tag = proxy.log.tag.as_deref();
        let tag = tag.or(self.runtime.snapshot.global.log_tag.as_deref());
        let message = Message {
            level,
            tag: tag.unwrap_or("haproxy"),
            structured_data: b"",
            text: text.as_bytes(),
        };
        log::emit(&self.runtime, &proxy.log.targets, &message);
    }
}
