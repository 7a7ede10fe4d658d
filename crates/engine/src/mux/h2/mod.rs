//! HTTP/2: a connection shared by streams.
//!
//! [`Multiplexed`] is the connection: its socket, its codec, and what has come for streams that have not read it yet. One
//! task per connection pumps between the two ([`Multiplexed::poll`]). Each stream has a task of its own, which reads and
//! writes through its [`Half`]; what several streams write meanwhile leaves in one system call.

mod attached;
mod body;
mod half;
mod server;
mod shared;

pub use attached::{Attached, Terms};
pub use half::{Facts, Half, Readable};
pub use server::{Pool, open};
pub use shared::Shared;

use crate::io::{Buffer, Transport};
use crate::trace;
use base::Endpoint;
use body::Body;
use message::Head;
use model::live::Counters;
use model::live::tally::Tally;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wire::h1::{Framing, MessageFlags};
use wire::h2::{Code, Config, Connection, Event};

/// What a head on a stream says.
#[derive(Debug)]
pub struct Found {
    /// How the body is delimited, as HTTP/1 would say it.
    pub framing: Framing,
    /// What the stream must know about the message.
    pub flags: MessageFlags,
    /// The message has no body.
    pub end: bool,
    /// The request is to be answered with status 400.
    pub refused: bool,
    /// The response may switch to the protocol that was asked for.
    pub upgraded: bool,
}

/// What has come for a stream, and who waits for it.
#[derive(Debug, Default)]
struct Link {
    heads: VecDeque<(Head, Found)>,
    body: Body,
    trailers: Option<Box<Head>>,
    ended: bool,
    reset: Option<Code>,
    /// What came behind the body was malformed.
    malformed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Link {
    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    fn wake(&mut self) {
        self.wake_reader();
        self.wake_writer();
    }
}

/// Remembers who waits.
fn note(place: &mut Option<Waker>, cx: &mut Context<'_>) {
    match place {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        _ => *place = Some(cx.waker().clone()),
    }
}

/// What the pump has to tell its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A head has come on this stream: to a server's side, a request.
    Request(u32),
    /// A request came that could not be understood.
    BadRequest,
}

/// A connection shared by streams.
#[derive(Debug)]
pub struct Multiplexed {
    socket: Transport,
    input: Buffer,
    core: Connection<Link>,
    /// The pump's task.
    pump: Option<Waker>,
    /// Bytes received and sent.
    bytes: (u64, u64),
    /// The connection is over: broken, or ended by both sides.
    dead: bool,
    /// The client has ended its half; what is under way may still be answered.
    half_closed: bool,
    /// Whether it counts as one of those connections: not before its ends have changed their roles.
    counted: bool,
    /// The frontend's or backend's counters.
    counters: Arc<Counters>,
}

/// Opens a stream of this end's.
fn open_stream<C>(connection: &C) -> Option<Half>
where
    C: Clone + Into<Shared>,
{
    let shared = connection.clone().into();
    let id = shared.hold().core.open(Link::default())?;
    Some(Half::new(shared, id))
}

/// How often the pump reads before it lets other tasks run.
const READS: usize = 8;

impl Multiplexed {
    /// A connection at its beginning; `input` has what was read of it already.
    #[must_use]
    pub fn new(
        socket: Transport,
        input: Buffer,
        config: Config,
        counters: Arc<Counters>,
    ) -> Rc<RefCell<Self>> {
        let connection = Self::begin(socket, input, config, counters);
        Rc::new(RefCell::new(connection))
    }

    /// The same, in the hands of its owner alone.
    #[must_use]
    pub fn begin(
        socket: Transport,
        input: Buffer,
        config: Config,
        counters: Arc<Counters>,
    ) -> Self {
        let counted = !config.turns;
        counters.tally(Tally::H2Opened, counted.into());
        Self {
            socket,
            input,
            core: Connection::new(config),
            pump: None,
            bytes: (0, 0),
            dead: false,
            half_closed: false,
            counted,
            counters,
        }
    }

    /// Puts bytes in front of everything else that is sent.
    pub fn send_first(&mut self, bytes: &[u8]) {
        self.core.send_first(bytes);
    }

    /// Whether the ends are still to change their roles.
    #[must_use]
    pub fn is_to_turn(&self) -> bool {
        self.core.is_to_turn()
    }

    /// Notes that they have: the connection is counted by the other side from now on.
    pub fn turned(&mut self, counters: &Arc<Counters>) {
        self.count();
        self.counters = counters.clone();
        self.counted = true;
        self.counters.tally(Tally::H2Opened, 1);
    }

    /// Both ends of the connection.
    #[must_use]
    pub fn ends(&self) -> (Option<Endpoint>, Option<Endpoint>) {
        (self.socket.peer(), self.socket.local())
    }

    /// Registers the socket with the event loop of this worker instead of another's.
    ///
    /// # Errors
    /// As [`Transport::rehome`].
    pub fn rehome(&mut self) -> io::Result<()> {
        self.pump = None;
        self.socket.move_here()
    }

    /// Takes no new streams any more, and ends once there are none.
    fn retire(&mut self) {
        self.core.go_away_silently();
        self.wake_closed();
    }

    /// How many streams there are.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.core.streams()
    }

    /// How many streams there have been.
    #[must_use]
    pub fn opened(&self) -> u32 {
        self.core.opened()
    }

    /// Whether the connection is gone.
    fn is_dead(&self) -> bool {
        self.dead
    }

    /// Whether the connection is of no use for new streams.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.dead || self.core.is_leaving()
    }

    /// Whether all output has reached the socket.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.core.pending().is_empty() && self.socket.is_flushed()
    }

    /// Tells the peer that no new streams are taken.
    pub fn go_away(&mut self) {
        self.core.go_away();
    }

    /// Tells the peer that no new streams will be taken some time from now.
    pub fn announce_leave(&mut self) {
        self.core.announce_leave();
    }

    /// Tells it so once more, as the last thing it hears.
    pub fn say_goodbye(&mut self) {
        self.core.say_goodbye();
    }

    /// Whether a frame has come in part.
    #[must_use]
    pub fn is_in_frame(&self) -> bool {
        !self.input.is_empty()
    }

    /// Wakes the pump if there is something to send.
    fn wake_if_pending(&mut self) {
        if !self.core.pending().is_empty()
            && let Some(pump) = self.pump.take()
        {
            pump.wake();
        }
    }

    fn wake_closed(&mut self) {
        if let Some(pump) = self.pump.take() {
            pump.wake();
        }
    }

    /// Moves bytes between the socket and the streams, and appends what the task must act on to `news`. Ready when the
    /// connection has ended, and from then on.
    pub fn poll(&mut self, cx: &mut Context<'_>, news: &mut Vec<News>) -> Poll<()> {
        if self.dead {
            return Poll::Ready(());
        }
        let outcome = self.exchange(cx, news);
        self.count();
        if outcome.is_err() {
            self.die();
            return Poll::Ready(());
        }
        if self.core.streams() == 0 {
            self.input.release_if_empty();
            self.core.rest();
        }
        note(&mut self.pump, cx);
        Poll::Pending
    }

    fn exchange(&mut self, cx: &mut Context<'_>, news: &mut Vec<News>) -> io::Result<()> {
        if self.half_closed {
            self.flush(cx)?;
            return match self.core.streams() == 0 && self.is_flushed() {
                true => Err(io::ErrorKind::UnexpectedEof.into()),
                false => Ok(()),
            };
        }
        for _ in 0..READS {
            self.flush(cx)?;
            if self.core.is_congested() {
                return Ok(());
            }
            self.digest(news)?;
            match self.poll_fill(cx) {
                Poll::Pending => return self.flush(cx),
                Poll::Ready(Ok(0)) if self.core.is_server() && self.core.streams() > 0 => {
                    self.half_closed = true;
                    self.core.go_away_silently();
                    self.core.links().for_each(Link::wake);
                    cx.waker().wake_by_ref();
                    return Ok(());
                }
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Poll::Ready(outcome) => outcome?,
            };
            self.digest(news)?;
        }
        cx.waker().wake_by_ref();
        self.flush(cx)
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.is_empty() {
            // An idle connection holds no memory.
            match self.socket.poll_readable(cx) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => {
                    self.input.release_if_empty();
                    return Poll::Pending;
                }
            }
        }
        let read = self.socket.poll_read(cx, self.input.room());
        if let Poll::Ready(Ok(n)) = read {
            self.input.fill(n);
            self.bytes.0 += n as u64;
        }
        read
    }

    /// Sends what is pending, and lets streams that waited for room go on.
    fn flush(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let congested = self.core.is_congested();
        while !self.core.pending().is_empty() {
            match self
                .socket
                .poll_write(cx, &[IoSlice::new(self.core.pending())])
            {
                Poll::Ready(n) => {
                    let n = n?;
                    self.core.sent(n);
                    self.bytes.1 += n as u64;
                }
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(flushed) = self.socket.poll_flush(cx) {
            flushed?;
        }
        if !self.core.is_congested() && (congested || self.core.pending().is_empty()) {
            self.core.links().for_each(Link::wake_writer);
        }
        Ok(())
    }

    /// Takes in what has been read.
    fn digest(&mut self, news: &mut Vec<News>) -> io::Result<()> {
        loop {
            let step = self.core.read(self.input.bytes());
            let step = match step {
                Ok(step) => step,
                Err(fault) => {
                    if trace::watches(trace::Event::H2ConnErr) {
                        let fd = self.socket.as_raw_fd();
                        trace::broken(fd, &format!("{:?}", fault.code));
                    }
                    news.extend(fault.logged.then_some(News::BadRequest));
                    return Err(io::ErrorKind::InvalidData.into());
                }
            };
            let consumed = step.consumed;
            let quiet = consumed == 0 && step.event.is_none();
            if let Some(event) = step.event {
                let told = take_in(&mut self.core, event);
                news.extend(told);
            }
            if quiet {
                return Ok(());
            }
            self.input.consume(consumed);
        }
    }

    /// Ready once no stream is left on a connection that is gone.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        note(&mut self.pump, cx);
        match self.core.streams() {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Hands on what the codec has counted.
    fn count(&mut self) {
        let Some(counts) = self.core.take_counts() else {
            return;
        };
        for (what, n) in [
            (Tally::H2Headers, counts.headers),
            (Tally::H2Data, counts.data),
            (Tally::H2Settings, counts.settings),
            (Tally::H2Reset, counts.resets),
            (Tally::H2GoAway, counts.go_aways),
            (Tally::H2ConnectionErrors, counts.faults),
            (Tally::H2GoAwaySent, counts.faults),
            (Tally::H2StreamErrors, counts.stream_faults),
            (Tally::H2ResetSent, counts.stream_faults),
            (Tally::H2Begun, counts.begun),
            (Tally::H2Ended, counts.ended),
        ] {
            if n > 0 {
                self.counters.tally(what, n.into());
            }
        }
    }

    /// Tells all streams that the connection is gone, after sending what can still be sent at once.
    fn die(&mut self) {
        self.dead = true;
        let mut cx = Context::from_waker(Waker::noop());
        let _ = self.flush(&mut cx);
        self.socket.shutdown_write();
        for link in self.core.links() {
            link.reset.get_or_insert(Code::CANCEL);
            link.wake();
        }
    }
}

impl Drop for Multiplexed {
    fn drop(&mut self) {
        self.count();
        self.counters.tally(Tally::H2Closed, self.counted.into());
    }
}

/// Puts what has come where the stream finds it.
fn take_in(core: &mut Connection<Link>, event: Event<'_>) -> Option<News> {
    match event {
        Event::Head {
            stream,
            head,
            section,
            end,
            refused,
        } => {
            let framing = section.framing(end);
            let (flags, upgraded) = (section.flags, false);
            let found = Found {
                framing,
                flags,
                end,
                refused,
                upgraded,
            };
            let link = core.link(stream)?;
            link.heads.push_back((head, found));
            link.ended |= end;
            link.wake_reader();
            return Some(News::Request(stream));
        }
        Event::Data { stream, data } => {
            let link = core.link(stream)?;
            link.body.push(data);
            link.wake_reader();
        }
        Event::End { stream, trailers } => {
            let link = core.link(stream)?;
            link.trailers = trailers.filter(|head| !head.is_empty()).map(Box::new);
            link.ended = true;
            link.wake_reader();
        }
        Event::Reset {
            stream,
            code,
            malformed,
            ..
        } => {
            let link = core.link(stream)?;
            (link.reset, link.malformed) = (Some(code), malformed);
            link.wake();
            return (malformed && core.is_server()).then_some(News::BadRequest);
        }
        Event::Writable(Some(stream)) => core.link(stream)?.wake_writer(),
        Event::Writable(None) => core.links().for_each(Link::wake_writer),
        Event::Settings => core.links().for_each(Link::wake),
        Event::BadRequest => return Some(News::BadRequest),
        Event::GoAway { last } => core.abandon_above(last, |link| {
            link.reset = Some(Code::REFUSED);
            link.wake();
        }),
    }
    None
}
