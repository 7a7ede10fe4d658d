//! An HTTP/2 session: requests side by side on a client's connection, each in a task of its own.

use super::http::Awaited;
use super::{Next, Phase, Source, Stream};
use crate::clock;
use crate::io::{Buffer, Deadline, Transport};
use crate::mux::Conn;
use crate::mux::h2::{Half, Multiplexed, News};
use crate::profile::{self, profiled};
use crate::session::{ClientSide, Session};
use crate::trace;
use crate::worker::Worker;
use model::Options;
use model::rules::Mux;
use std::cell::RefCell;
use std::future::poll_fn;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Serves streams until the connection ends; `input` has what was read of it already.
pub async fn serve_http2(
    session: &Rc<Session>,
    worker: &Rc<Worker>,
    socket: Transport,
    input: Buffer,
    deadline: &mut Deadline,
) {
    session.mux.set(Some(Mux::H2));
    if trace::watches(trace::Event::H2ConnNew) {
        trace::upgraded(session, socket.as_raw_fd());
    }
    let counters = session.frontend.front.clone();
    let connection = Multiplexed::new(socket, input, session.runtime.http2.0, counters);
    serve_connection(session, worker, connection, Vec::new(), deadline).await;
}

/// Serves streams until a connection ends that has begun already; `news` is what has come of that.
pub async fn serve_connection(
    session: &Rc<Session>,
    worker: &Rc<Worker>,
    connection: Rc<RefCell<Multiplexed>>,
    news: Vec<News>,
    deadline: &mut Deadline,
) {
    let mut pump = Pump::new(session, news);
    pump.act(session, worker, &connection);
    while let Turn::News = poll_fn(|cx| pump.poll(cx, &connection, deadline)).await {
        pump.act(session, worker, &connection);
    }
    // Streams whose client is gone find out by themselves, but the session lasts as long as they do.
    poll_fn(|cx| connection.borrow_mut().poll_closed(cx)).await;
}

/// Why the pump stops for a moment.
enum Turn {
    /// There are requests to be started.
    News,
    /// The connection is over.
    Over,
}

/// What drives a connection, and when it gives up.
struct Pump<'s> {
    session: &'s Session,
    news: Vec<News>,
    /// Since when no stream is open, in milliseconds since the start.
    idle_since: u64,
    /// Whether no stream is open.
    idle: bool,
    /// Since when output waits for the client.
    stuck_since: Option<u64>,
    /// Since when the client has been told to leave for want of requests.
    left_since: Option<u64>,
    /// Since when the client has been told to leave because the process ends.
    told_since: Option<u64>,
}

impl<'s> Pump<'s> {
    fn new(session: &'s Session, news: Vec<News>) -> Self {
        Self {
            session,
            news,
            idle_since: session.handshake,
            idle: true,
            stuck_since: None,
            left_since: None,
            told_since: None,
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &RefCell<Multiplexed>,
        deadline: &mut Deadline,
    ) -> Poll<Turn> {
        let mut connection = connection.borrow_mut();
        let over = connection.poll(cx, &mut self.news).is_ready();
        if !self.news.is_empty() {
            return Poll::Ready(Turn::News);
        }
        if over {
            return Poll::Ready(Turn::Over);
        }
        let stopping = self.session.is_to_close();
        if stopping && self.told_since.is_none() {
            // A request that is under way to here must not be lost.
            connection.announce_leave();
            self.told_since = Some(clock::now_ms());
            let over = connection.poll(cx, &mut self.news).is_ready();
            if over && self.news.is_empty() {
                return Poll::Ready(Turn::Over);
            }
            if !self.news.is_empty() {
                return Poll::Ready(Turn::News);
            }
        }
        let idle = connection.streams() == 0;
        if idle && !self.idle {
            self.idle_since = clock::now_ms();
        }
        self.idle = idle;
        let lingers = self.left_since.is_some();
        if idle && !lingers && connection.is_leaving() && connection.is_flushed() {
            return Poll::Ready(Turn::Over);
        }
        self.stuck_since = match connection.is_flushed() {
            true => None,
            false => self.stuck_since.or_else(|| Some(clock::now_ms())),
        };
        let limit = self.limit(connection.opened());
        if deadline.poll(cx, limit).is_pending() {
            return Poll::Pending;
        }
        // A client that has nothing under way is told to leave, and has some time to do so by itself.
        let told = lingers || self.told_since.is_some();
        let at_once = told || self.stuck_since.is_some() || connection.is_in_frame();
        match at_once {
            true if lingers => connection.say_goodbye(),
            true => connection.go_away(),
            false => {
                connection.go_away();
                self.left_since = Some(clock::now_ms());
            }
        }
        // What can be sent at once is.
        let over = connection.poll(cx, &mut self.news).is_ready();
        if at_once || over {
            return Poll::Ready(Turn::Over);
        }
        match deadline.poll(cx, self.limit(connection.opened())) {
            Poll::Ready(()) => Poll::Ready(Turn::Over),
            Poll::Pending => Poll::Pending,
        }
    }

    /// When the connection is given up unless something happens.
    fn limit(&self, opened: u32) -> Option<u64> {
        let timeouts = &self.session.frontend.config.timeouts;
        let stuck = self
            .stuck_since
            .zip(timeouts.client)
            .map(|(since, timeout)| since + timeout);
        if let Some(since) = self.left_since {
            let linger = timeouts.client_fin.or(timeouts.client);
            let leave = since + linger.unwrap_or(0);
            return Some(stuck.map_or(leave, |stuck| stuck.min(leave)));
        }
        let idle = match opened {
            0 => timeouts.http_request.or(timeouts.client),
            _ => timeouts
                .keep_alive
                .or(timeouts.http_request)
                .or(timeouts.client),
        };
        let (idle, since) = match self.told_since {
            Some(told) => (
                timeouts.client_fin.or(timeouts.client),
                self.idle_since.max(told),
            ),
            None => (idle, self.idle_since),
        };
        let idle = idle.filter(|_| self.idle).map(|timeout| since + timeout);
        match (stuck, idle) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn act(
        &mut self,
        session: &Rc<Session>,
        worker: &Rc<Worker>,
        connection: &Rc<RefCell<Multiplexed>>,
    ) {
        for news in self.news.drain(..) {
            match news {
                News::Request(id) => {
                    let half = Half::new(connection.clone(), id);
                    let serve = serve_stream(session.clone(), worker.clone(), half);
                    tokio::task::spawn_local(profiled(profile::SharedStream, serve));
                }
                News::BadRequest => note_bad_request(session, worker),
            }
        }
    }
}

/// One request with its response.
async fn serve_stream(session: Rc<Session>, worker: Rc<Worker>, half: Half) {
    let mut client = ClientSide {
        conn: Conn::of_stream(half),
        deadline: worker.take_deadline(),
    };
    let mut state = worker.take_state();
    let mut stream = Stream::new(&session, &worker, &mut client, &mut state);
    begin(&mut stream);
    // Boxed, for a task is moved several times before it runs.
    let next = Box::pin(stream.http_request(Awaited::Bytes)).await;
    drop(stream);
    worker.give_state(state);
    match next {
        Next::KeepAlive | Next::Close | Next::Http2 => client.conn.finish_body(None),
        Next::Abort => client.conn.abort(),
    }
    worker.give_deadline(client.deadline);
}

fn begin(stream: &mut Stream<'_>) {
    let now = clock::now_ms();
    let times = &mut stream.state.times;
    (times.begin, times.handshake, times.begin_date) = (now, now, clock::date());
}

/// Counts and logs a request that never became one.
fn note_bad_request(session: &Rc<Session>, worker: &Rc<Worker>) {
    let front = &session.frontend;
    if front.config.options.has(Options::IGNORE_PROBES) {
        return;
    }
    // There is nobody to answer: only the log line is wanted.
    let mut client = ClientSide {
        conn: Conn::unconnected(),
        deadline: Deadline::default(),
    };
    let mut state = worker.take_state();
    let mut stream = Stream::new(session, worker, &mut client, &mut state);
    begin(&mut stream);
    stream.state.times.request_date = clock::date();
    stream.state.end(Source::Proxy, Phase::Request);
    stream.finish();
    drop(stream);
    worker.give_state(state);
}
