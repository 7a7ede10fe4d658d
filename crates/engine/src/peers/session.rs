//! A connection with a member, from the answer to the hello until it ends.

use super::learn::Learner;
use super::section::{Member, Phase, Section, Status};
use super::teach::Teacher;
use super::tell;
use crate::clock;
use crate::io::{Buffer, Deadline, Transport};
use crate::runtime::Runtime;
use crate::trace;
use model::trace::Level;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use wire::peers::{Fault, Frame, Trouble, next_frame, write_control};

/// After how many milliseconds without a message a sign of life is sent.
const HEARTBEAT: u64 = 3000;
/// After how many without one from the member it counts as gone.
const SILENCE: u64 = 5000;
/// No more is written while so many bytes wait to be sent.
const BACKLOG: usize = 65_536;
/// How long the last message before the end may take to leave, in milliseconds.
const FAREWELL: u64 = 1000;

/// A connection with what has been received and what is to be sent.
#[derive(Debug)]
pub struct Link {
    pub socket: Transport,
    pub input: Buffer,
    pub out: Vec<u8>,
    timer: Deadline,
}

/// What a connection has waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Bytes came.
    Came,
    /// The member has closed.
    Ended,
    /// Bytes left.
    Sent,
    /// What was waited for besides.
    News,
    /// The moment has come.
    Timer,
}

impl Link {
    /// A connection that nothing was said on.
    #[must_use]
    pub fn new(socket: Transport) -> Self {
        // Updates are small, and each is waited for. On a Unix socket there is nothing to be set.
        let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
        Self {
            socket,
            input: Buffer::default(),
            out: Vec::new(),
            timer: Deadline::default(),
        }
    }

    /// Sends what is to be sent, and waits until something happens.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn wait(
        &mut self,
        until: u64,
        mut news: Pin<&mut impl Future<Output = ()>>,
    ) -> io::Result<Event> {
        let Self {
            socket,
            input,
            out,
            timer,
        } = self;
        let mut left = 0;
        let event = poll_fn(|cx| {
            while left < out.len() {
                let rest = out.get(left..).unwrap_or_default();
                match socket.poll_write(cx, &[IoSlice::new(rest)]) {
                    Poll::Ready(Ok(n)) => left += n,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => break,
                }
            }
            if let Poll::Ready(Err(error)) = socket.poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            // What does not fit is told from what is not complete before anything more is read.
            match socket.poll_read(cx, input.room()) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(Event::Ended)),
                Poll::Ready(Ok(n)) => {
                    input.fill(n);
                    return Poll::Ready(Ok(Event::Came));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
            if left > 0 {
                return Poll::Ready(Ok(Event::Sent));
            }
            if news.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(Event::News));
            }
            timer.poll(cx, Some(until)).map(|()| Ok(Event::Timer))
        })
        .await;
        out.drain(..left);
        input.release_if_empty();
        event
    }

    /// Sends what is left before the connection is closed, for a little while.
    pub async fn finish(&mut self) {
        let until = clock::now_ms() + FAREWELL;
        let mut never = pin!(std::future::pending());
        while !self.out.is_empty() {
            match self.wait(until, never.as_mut()).await {
                Ok(Event::Sent | Event::Came) => {
                    let n = self.input.len();
                    self.input.consume(n);
                }
                _ => break,
            }
        }
        self.socket.shutdown_write();
    }
}

/// The events of messages that come.
const HEARD: u64 = trace::Event::PeersRx.bit() | trace::Event::PeersResync.bit();

#[cold]
fn trace_heard(
    section: &Arc<Section>,
    (at, number): (usize, u64),
    frame: &Frame<'_>,
    bytes: &[u8],
) {
    let peer = trace::Peer {
        section,
        at,
        number,
    };
    let message = trace::Message::of(frame, bytes);
    let resync = matches!(
        frame,
        Frame::ResyncRequest | Frame::ResyncFinished | Frame::ResyncPartial | Frame::ResyncConfirm
    );
    let rx = trace::Event::PeersRx;
    trace::peer(rx, Level::Proto, peer, "message received", message.clone());
    if resync {
        let event = trace::Event::PeersResync;
        trace::peer(event, Level::State, peer, "resynchronisation", message);
    }
}

/// Why a connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Another one takes its place, or this process has no use for it any more.
    Dismissed,
    /// The member has closed it, or it broke.
    Lost,
    /// Nothing was heard for too long.
    Silent,
    /// What came is no message.
    Fault(Fault),
}

/// A connection and who takes part in it.
struct Session<'s> {
    runtime: &'s Arc<Runtime>,
    section: &'s Arc<Section>,
    at: usize,
    member: &'s Member,
    number: u64,
    minor: u8,
    /// Whether the member was asked to teach this process.
    asked: bool,
    teacher: Teacher,
    learner: Learner,
    /// When the last message was sent and when one came.
    sent: u64,
    heard: u64,
}

/// Serves a connection with the member at a place, under a number that it was given. `teach` is whether the member is told
/// everything without asking for it.
pub async fn run(
    runtime: &Arc<Runtime>,
    section: &Arc<Section>,
    at: usize,
    number: u64,
    mut link: Link,
    (minor, teach): (u8, bool),
) {
    let Some(member) = section.members.get(at) else {
        return;
    };
    let now = clock::now_ms();
    let teacher = {
        let mut state = member.state.lock();
        state.status = Status::Established;
        state.handshake = Some(now);
        state.connections += 1;
        state.calling = false;
        state.confirmed = false;
        state.sent = Default::default();
        state.learned = Default::default();
        let ends = link.socket.local().zip(link.socket.peer());
        state.ends = ends.map(|(own, peer)| (own, peer, !link.socket.is_plain()));
        for table in &mut state.tables {
            (
                table.remote_id,
                table.last_get,
                table.last_acked,
                table.last_pushed,
            ) = (0, 0, 0, 0);
        }
        let most = runtime.snapshot.global.peer_updates as usize;
        Teacher::new(&state, member.server.config.settings.shard, most)
    };
    let mut session = Session {
        runtime,
        section,
        at,
        member,
        number,
        minor,
        asked: false,
        teacher,
        learner: Learner::new(section),
        sent: now,
        heard: now,
    };
    session.trace(trace::Event::PeersNew, Level::User, "session established");
    if teach {
        session.teacher.begin_lesson();
        member.state.lock().teaching = true;
    }
    let end = session.serve(&mut link).await;
    session.close(end, &mut link).await;
}

impl Session<'_> {
    async fn serve(&mut self, link: &mut Link) -> End {
        loop {
            if let Some(end) = self.turn(link) {
                return end;
            }
            let mut phase = self.section.phase.subscribe();
            let changes = self.section.news.notified();
            let own = self.member.news.notified();
            let (mut changes, mut own) = (pin!(changes), pin!(own));
            changes.as_mut().enable();
            own.as_mut().enable();
            for shared in &self.section.tables {
                shared.table.arm();
            }
            // Whatever changes from here on rings.
            if self.is_dismissed(*phase.borrow_and_update()) {
                return End::Dismissed;
            }
            let busy = link.out.len() < BACKLOG && self.teacher.has_work(self.section);
            if !busy && link.out.is_empty() {
                self.settle();
            }
            let news = async {
                if busy {
                    return;
                }
                let mut ended = pin!(phase.changed());
                poll_fn(|cx| {
                    let ready = changes.as_mut().poll(cx).is_ready()
                        | own.as_mut().poll(cx).is_ready()
                        | ended.as_mut().poll(cx).is_ready();
                    if ready {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
            };
            let event = link.wait(self.next_moment(), pin!(news)).await;
            match event {
                Err(_) | Ok(Event::Ended) => return End::Lost,
                Ok(Event::Sent) => {
                    self.sent = clock::now_ms();
                    self.trace(trace::Event::PeersTx, Level::Proto, "messages sent");
                }
                Ok(_) => {}
            }
            // Others have their turn, too.
            tokio::task::yield_now().await;
        }
    }

    /// Whether this connection is not wanted any more.
    fn is_dismissed(&self, phase: Phase) -> bool {
        let wanted = match phase {
            Phase::Running => true,
            Phase::Leaving => self.member.local,
            Phase::Closed => false,
        };
        !wanted || self.member.state.lock().session != self.number
    }

    /// When to look around if nothing happens.
    fn next_moment(&self) -> u64 {
        let mut moment = self.sent + HEARTBEAT;
        if self.minor > 0 {
            moment = moment.min(self.heard + SILENCE);
        }
        if !self.member.local
            && let Some(wait) = self.section.resync.lock().wait(clock::now_ms())
        {
            moment = moment.min(clock::now_ms() + wait.max(10));
        }
        moment
    }

    /// Reads what came and writes what is to be said.
    fn turn(&mut self, link: &mut Link) -> Option<End> {
        let now = clock::now_ms();
        if let Err(end) = self.hear(link, now) {
            return Some(end);
        }
        if self.minor > 0 && now >= self.heard + SILENCE {
            return Some(End::Silent);
        }
        self.learner.acknowledge(&mut link.out);
        // A member that did not know everything itself is not asked again over this connection.
        if !self.member.local && !self.asked && self.section.resync.lock().ask(self.at, now) {
            self.asked = true;
            write_control(&mut link.out, &Frame::ResyncRequest);
        }
        if link.out.len() < BACKLOG && self.teacher.has_work(self.section) {
            let finished = match self.section.resync.lock().is_done(now) {
                true => Frame::ResyncFinished,
                false => Frame::ResyncPartial,
            };
            let mut state = self.member.state.lock();
            self.teacher
                .fill(self.section, &mut state, now, &finished, &mut link.out);
        }
        if link.out.is_empty() && now >= self.sent + HEARTBEAT && self.minor > 0 {
            write_control(&mut link.out, &Frame::Heartbeat);
            self.member.state.lock().heartbeats.0 += 1;
            self.sent = now;
        }
        self.member.state.lock().heartbeat = Some(self.sent + HEARTBEAT);
        None
    }

    /// Takes the messages that have come.
    fn hear(&mut self, link: &mut Link, now: u64) -> Result<(), End> {
        let longest = self.runtime.snapshot.global.buffer_size;
        let name = &*self.member.server.config.name;
        let mut state = self.member.state.lock();
        if state.session != self.number {
            // What still comes here is older than what has come over the connection that took this one's place.
            return Err(End::Dismissed);
        }
        let mut used = 0;
        let outcome = loop {
            let rest = link.input.bytes().get(used..).unwrap_or_default();
            let (frame, len) = match next_frame(rest, longest) {
                Ok(Some(found)) => found,
                Ok(None) => break Ok(()),
                Err(fault) => break Err(End::Fault(fault)),
            };
            used += len;
            self.heard = now;
            if trace::watches_any(HEARD) {
                let bytes = rest.get(..len).unwrap_or_default();
                trace_heard(self.section, (self.at, self.number), &frame, bytes);
            }
            let learner = &mut self.learner;
            let taken = match frame {
                Frame::Define(definition) => learner.define(self.section, &mut state, &definition),
                Frame::Switch(id) => {
                    learner.switch(id);
                    Ok(())
                }
                Frame::Update {
                    number,
                    expires_in,
                    body,
                } => {
                    let other = (!self.member.local).then_some(name);
                    let place = (number, expires_in);
                    learner.update(self.section, &mut state, place, body, (other, now))
                }
                Frame::Ack { table, update } => {
                    self.teacher.acknowledged(&mut state, table, update);
                    Ok(())
                }
                Frame::Heartbeat => {
                    state.heartbeats.1 += 1;
                    Ok(())
                }
                Frame::ResyncRequest => {
                    state.teaching = true;
                    state.confirmed = false;
                    self.teacher.begin_lesson();
                    Ok(())
                }
                Frame::ResyncFinished | Frame::ResyncPartial => {
                    let fully = frame == Frame::ResyncFinished;
                    let mut resync = self.section.resync.lock();
                    resync.taught(self.at, self.member.local, fully, now);
                    write_control(&mut link.out, &Frame::ResyncConfirm);
                    Ok(())
                }
                Frame::ResyncConfirm => {
                    state.teaching = false;
                    state.confirmed = true;
                    Ok(())
                }
                Frame::Error(_) => break Err(End::Lost),
                Frame::Unknown => Ok(()),
            };
            if let Err(fault) = taken {
                break Err(End::Fault(fault));
            }
        };
        drop(state);
        link.input.consume(used);
        outcome
    }

    /// Everything has been said for now.
    fn settle(&self) {
        let mut state = self.member.state.lock();
        state.settled = state.confirmed;
    }

    fn trace(&self, event: trace::Event, level: Level, what: &str) {
        if trace::watches(event) {
            let peer = trace::Peer {
                section: self.section,
                at: self.at,
                number: self.number,
            };
            trace::peer(event, level, peer, what, trace::Message::default());
        }
    }

    async fn close(self, end: End, link: &mut Link) {
        match end {
            End::Dismissed | End::Lost => {}
            End::Silent => self.trace(
                trace::Event::PeersErr,
                Level::Error,
                "nothing heard for too long",
            ),
            End::Fault(Fault::Malformed) => {
                self.trace(trace::Event::PeersErr, Level::Error, "malformed message");
            }
            End::Fault(Fault::TooLong) => {
                self.trace(trace::Event::PeersErr, Level::Error, "message too long");
            }
        }
        self.trace(trace::Event::PeersEnd, Level::User, "session ended");
        let (section, member) = (self.section, self.member);
        let name = &member.server.config.name;
        let from = link.socket.peer().map(|peer| format!(" ({peer})"));
        let from = from.unwrap_or_default();
        let text = match end {
            End::Dismissed | End::Lost => None,
            End::Silent => Some(format!(
                "nothing heard from peer {name}{from} for too long."
            )),
            End::Fault(Fault::Malformed) => {
                Some(format!("peer {name}{from} has sent a malformed message."))
            }
            End::Fault(Fault::TooLong) => Some(format!(
                "peer {name}{from} has sent a message that is too long."
            )),
        };
        if let Some(text) = text {
            let text = format!("peers {}: {text}", section.config.name);
            tell(self.runtime, section, &text);
        }
        section.resync.lock().lost(self.at, clock::now_ms());
        {
            let mut state = member.state.lock();
            match end {
                End::Silent => state.silences += 1,
                End::Fault(_) => state.faults += 1,
                _ => {}
            }
            if state.session == self.number {
                state.session = 0;
                state.status = Status::Lost;
                state.teaching = false;
                state.ends = None;
                state.reconnect = Some(clock::now_ms() + super::connect::short_delay());
            }
        }
        member.news.notify_waiters();
        if let End::Fault(fault) = end {
            let trouble = match fault {
                Fault::Malformed => Trouble::Protocol,
                Fault::TooLong => Trouble::Size,
            };
            // What had been said before need not arrive, but must not be cut in its middle.
            write_control(&mut link.out, &Frame::Error(trouble));
            link.finish().await;
        }
    }
}
