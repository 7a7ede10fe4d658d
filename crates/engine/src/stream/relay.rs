//! Moving bodies both ways at once, with half-closes and timeouts.

use super::brakes::Brakes;
use crate::clock;
use crate::io::{Buffer, Deadline, Pipe};
use crate::mux::{Conn, Leaving, Received};
use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Context, Poll};
use wire::h1::Limits;

/// Timeouts of a relay in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct RelayTimeouts {
    /// Inactivity of the client.
    pub client: Option<u64>,
    /// Inactivity of the server.
    pub server: Option<u64>,
    /// Inactivity of the client once one direction is closed.
    pub client_fin: Option<u64>,
    /// Inactivity of the server once one direction is closed.
    pub server_fin: Option<u64>,
    /// Inactivity of both ends of a tunnel.
    pub tunnel: Option<u64>,
}

/// How a relay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayEnd {
    /// Both messages are over and delivered.
    Complete,
    /// Both messages are over and the request is delivered; the response's end is yet to be delivered.
    Received,
    /// The response is over and delivered; the request was not.
    ResponseOnly,
    /// The client ended or broke its connection before its message was over.
    ClientAborted,
    /// The server did.
    ServerAborted,
    /// The client's inactivity timeout passed.
    ClientTimeout,
    /// The server's did.
    ServerTimeout,
    /// The request's chunks were malformed.
    BadRequest,
    /// The response's chunks were malformed.
    BadResponse,
    /// The client could not be written to.
    ClientUnwritable,
    /// The server's response head is due: the caller asked to stop for it.
    ResponseStarted,
}

/// Activity of the peers for whom sending and receiving are counted apart.
#[derive(Debug)]
struct Apart {
    client: Option<LastSeen>,
    server: Option<LastSeen>,
}

/// When a peer was last heard, and when it last took something.
#[derive(Debug, Clone, Copy)]
struct LastSeen {
    heard: u64,
    took: u64,
}

impl LastSeen {
    /// The moment from which a peer is idle that is waited for.
    fn since(self, reading: bool, writing: bool) -> u64 {
        match (reading, writing) {
            (true, false) => self.heard,
            (false, _) => self.took,
            (true, true) => self.heard.min(self.took),
        }
    }
}

/// One direction of a relay.
#[derive(Debug, Default)]
struct Flow {
    /// The message is over and everything was handed to the receiving side's output.
    finished: bool,
    /// Everything was delivered.
    delivered: bool,
    /// Waiting for the sender, as opposed to being blocked by the receiver.
    waits_for_source: bool,
    /// Whether the end of the message closes the receiver's stream (raw bytes).
    closes: bool,
    /// The receiver does not take anything any more; what still comes is dropped.
    discarding: bool,
    /// The body is not passed on, only its end.
    skips: bool,
    /// Fields behind the body are not passed on.
    drops_trailers: bool,
    /// Body bytes passed on.
    moved: u64,
    /// Those of them that bypassed the buffers.
    spliced: u64,
    /// Whether the last read filled a whole buffer: only then bypassing it pays.
    bulk: bool,
    /// Whether bypassing the buffers is allowed and has not failed.
    splices: bool,
    /// The pipe in use.
    pipe: Option<Pipe>,
    /// Whether it goes to the client.
    outgoing: bool,
    /// Whether to stop before the end of the message leaves.
    pauses: bool,
    /// What is left to be delivered behind the receiver's output, when it has stopped for that.
    rest: Option<Buffer>,
    /// When a limit lets more pass.
    held_until: Option<u64>,
}

impl Drop for Flow {
    fn drop(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            pipe.give();
        }
    }
}

/// The least that a body of known length must still have for bypassing the buffers to pay, in bytes.
const BULK: u64 = 16_384;
/// The most that is moved at once, in bytes.
const AT_ONCE: usize = 1 << 20;

/// A fault in one direction.
enum FlowFault {
    SourceAborted,
    SinkBroken,
    Malformed,
}

/// What the relay is to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A request body, stopping when the server begins to answer.
    RequestUntilResponse,
    /// HTTP bodies.
    Http,
    /// Raw bytes both ways; each end of stream is passed on by itself.
    Tunnel,
}

/// A relay between a client's and a server's connection.
pub struct Relay<'a> {
    /// The client's connection.
    pub client: &'a mut Conn,
    /// The server's connection.
    pub server: &'a mut Conn,
    /// Limits for trailers.
    pub limits: &'a Limits,
    /// What is moved.
    pub shape: Shape,
    /// Timeouts.
    pub timeouts: RelayTimeouts,
    stops_before_end: bool,
    request: Flow,
    response: Flow,
    client_active: u64,
    server_active: u64,
    /// Activity of peers for whom sending and receiving are counted apart.
    apart: Option<Box<Apart>>,
    /// Limits for what passes, if there are any.
    brakes: Option<&'a Brakes>,
    /// Where it is noted what has been moved, as long as the relay is under way.
    progress: Option<&'a Cell<(u64, u64)>>,
}

impl<'a> Relay<'a> {
    /// A relay whose connections have been told what to expect and what they send.
    pub fn new(
        client: &'a mut Conn,
        server: &'a mut Conn,
        limits: &'a Limits,
        shape: Shape,
        timeouts: RelayTimeouts,
    ) -> Self {
        let now = clock::now_ms();
        let flow = |outgoing| {
            let mut flow = Flow::default();
            (flow.closes, flow.splices) = (shape == Shape::Tunnel, true);
            flow.outgoing = outgoing;
            flow
        };
        Self {
            client,
            server,
            limits,
            shape,
            timeouts,
            stops_before_end: false,
            request: flow(false),
            response: flow(true),
            client_active: now,
            server_active: now,
            apart: None,
            brakes: None,
            progress: None,
        }
    }

    /// Says where it is noted, while the relay is under way, what [`Self::moved`] would tell: a relay may be given up.
    #[must_use]
    pub fn note_progress(mut self, progress: Option<&'a Cell<(u64, u64)>>) -> Self {
        self.progress = progress;
        self
    }

    /// Lets bytes pass only as fast as limits allow, which bypassing the buffers would not heed.
    #[must_use]
    pub fn brake(mut self, brakes: &'a Brakes) -> Self {
        if !brakes.is_empty() {
            self.request.splices &= !brakes.holds(false);
            self.response.splices &= !brakes.holds(true);
            self.brakes = Some(brakes);
        }
        self
    }

    /// Says for whom, the client and the server, sending does not count as activity while its bytes are waited for
    /// (`option independent-streams`).
    #[inline]
    #[must_use]
    pub fn independent(mut self, client: bool, server: bool) -> Self {
        if client || server {
            let now = clock::now_ms();
            self.apart = Some(Box::new(Apart {
                client: client.then_some(LastSeen {
                    heard: now,
                    took: now,
                }),
                server: server.then_some(LastSeen {
                    heard: now,
                    took: now,
                }),
            }));
        }
        self
    }

    /// Says that the request has been delivered already.
    #[must_use]
    pub fn request_done(mut self) -> Self {
        (self.request.finished, self.request.delivered) = (true, true);
        self
    }

    /// Says that the response's body is not passed on: the client asked for nothing but a head.
    #[must_use]
    pub fn skip_response(mut self) -> Self {
        (self.response.skips, self.response.splices) = (true, false);
        self.response.drops_trailers = true;
        self
    }

    /// Stops with [`RelayEnd::Received`] before the end of the response is on its way to the client.
    #[must_use]
    pub fn stop_before_end(mut self) -> Self {
        self.stops_before_end = true;
        self
    }

    /// What is to be delivered behind the client's output after [`RelayEnd::Received`].
    pub fn take_rest(&mut self) -> Buffer {
        self.response.rest.take().unwrap_or_default()
    }

    /// Says whether bulk data may bypass the buffers (`no splice` forbids it).
    #[must_use]
    pub fn splice(mut self, allowed: bool) -> Self {
        self.request.splices = allowed;
        self.response.splices = allowed;
        self
    }

    /// Says that fields behind the request's and the response's body are not passed on.
    #[must_use]
    pub fn drop_trailers(mut self, of_request: bool, of_response: bool) -> Self {
        self.request.drops_trailers = of_request;
        self.response.drops_trailers = of_response;
        self
    }

    /// Those of [`Relay::moved`] that bypassed the buffers.
    #[must_use]
    pub fn spliced(&self) -> (u64, u64) {
        (self.request.spliced, self.response.spliced)
    }

    /// Body bytes passed on from the client and from the server.
    #[must_use]
    pub fn moved(&self) -> (u64, u64) {
        (self.request.moved, self.response.moved)
    }

    /// Moves bytes until the relay comes to an end.
    pub async fn run(&mut self, deadline: &mut Deadline) -> RelayEnd {
        poll_fn(|cx| {
            let end = self.poll(cx, deadline);
            if let Some(progress) = self.progress {
                progress.set(if end.is_pending() {
                    self.moved()
                } else {
                    (0, 0)
                });
            }
            end
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>, deadline: &mut Deadline) -> Poll<RelayEnd> {
        loop {
            if let Some(end) = self.poll_request(cx) {
                return Poll::Ready(end);
            }
            if let Some(end) = self.poll_response(cx) {
                return Poll::Ready(end);
            }
            let Some(held_until) = self.held_until() else {
                return self.poll_deadline(cx, deadline);
            };
            // Who waits for a limit is not idle.
            let now = clock::now_ms();
            (self.client_active, self.server_active) = (now, now);
            for client in [true, false] {
                self.note_heard(client);
                self.note_taken(client);
            }
            if deadline.poll(cx, Some(held_until)).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn seen(&self, client: bool) -> Option<LastSeen> {
        let apart = self.apart.as_deref()?;
        if client { apart.client } else { apart.server }
    }

    fn note_heard(&mut self, client: bool) {
        if let Some(seen) = self.seen_mut(client) {
            seen.heard = clock::now_ms();
        }
    }

    fn note_taken(&mut self, client: bool) {
        if let Some(seen) = self.seen_mut(client) {
            seen.took = clock::now_ms();
        }
    }

    fn seen_mut(&mut self, client: bool) -> Option<&mut LastSeen> {
        let apart = self.apart.as_deref_mut()?;
        if client {
            apart.client.as_mut()
        } else {
            apart.server.as_mut()
        }
    }

    /// When the first direction that a limit holds goes on.
    fn held_until(&self) -> Option<u64> {
        self.brakes?;
        let times = [&self.request, &self.response].map(|flow| flow.held_until);
        times.into_iter().flatten().min()
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Option<RelayEnd> {
        if self.request.delivered {
            return self.watch_client(cx);
        }
        let (from, to) = (self.client.received, self.server.sent);
        let (flow, limits) = (&mut self.request, self.limits);
        let moved = poll_flow(cx, self.client, self.server, flow, limits, self.brakes);
        if self.client.received != from {
            self.client_active = clock::now_ms();
            self.note_heard(true);
        }
        if self.server.sent != to {
            self.server_active = clock::now_ms();
            self.note_taken(false);
        }
        match moved {
            Ok(()) => None,
            Err(FlowFault::SourceAborted) => Some(RelayEnd::ClientAborted),
            Err(FlowFault::Malformed) => Some(RelayEnd::BadRequest),
            // The server may have answered before it closed: its response decides.
            Err(FlowFault::SinkBroken) => {
                self.request.discarding = true;
                self.server.drop_output();
                cx.waker().wake_by_ref();
                None
            }
        }
    }

    /// A client that waits for the rest of a response is watched: a broken connection must not wait for a timeout.
    fn watch_client(&mut self, cx: &mut Context<'_>) -> Option<RelayEnd> {
        if self.shape != Shape::Http {
            return None;
        }
        match self.client.poll_leaving(cx) {
            Some(Leaving::Broken) => Some(RelayEnd::ClientAborted),
            // Who closes a connection of HTTP/2 wants no more of its streams.
            Some(Leaving::Closed) if self.client.is_multiplexed() => Some(RelayEnd::ClientAborted),
            Some(Leaving::Closed) | None => None,
        }
    }

    fn poll_response(&mut self, cx: &mut Context<'_>) -> Option<RelayEnd> {
        if self.shape == Shape::RequestUntilResponse {
            return self.poll_response_start(cx);
        }
        if !self.response.delivered {
            let (from, to) = (self.server.received, self.client.sent);
            self.response.pauses = self.stops_before_end && self.request.delivered;
            let (flow, limits) = (&mut self.response, self.limits);
            let moved = poll_flow(cx, self.server, self.client, flow, limits, self.brakes);
            if self.server.received != from {
                self.server_active = clock::now_ms();
                self.note_heard(false);
            }
            if self.client.sent != to {
                self.client_active = clock::now_ms();
                self.note_taken(true);
            }
            match moved {
                Ok(()) => {}
                Err(FlowFault::SourceAborted) => return Some(RelayEnd::ServerAborted),
                Err(FlowFault::Malformed) => return Some(RelayEnd::BadResponse),
                Err(FlowFault::SinkBroken) => return Some(RelayEnd::ClientUnwritable),
            }
            if self.response.rest.is_some() {
                return Some(RelayEnd::Received);
            }
        }
        match (self.request.delivered, self.response.delivered) {
            (true, true) => Some(RelayEnd::Complete),
            (false, true) if self.shape == Shape::Http && self.gives_up_request() => {
                Some(RelayEnd::ResponseOnly)
            }
            _ => None,
        }
    }

    /// Once the response is delivered, the rest of the request matters only while the server still takes it.
    fn gives_up_request(&self) -> bool {
        self.request.discarding || self.server.has_ended()
    }

    fn poll_response_start(&mut self, cx: &mut Context<'_>) -> Option<RelayEnd> {
        if self.request.delivered {
            return Some(RelayEnd::Complete);
        }
        match self.server.poll_fill(cx) {
            Poll::Ready(Ok(Received::Bytes | Received::Full)) => Some(RelayEnd::ResponseStarted),
            Poll::Ready(Ok(Received::End) | Err(_)) => Some(RelayEnd::ServerAborted),
            Poll::Pending => None,
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: &mut Deadline) -> Poll<RelayEnd> {
        let (client, server) = (self.client_deadline(), self.server_deadline());
        let next = match (client, server) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if deadline.poll(cx, next).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(if client == next {
            RelayEnd::ClientTimeout
        } else {
            RelayEnd::ServerTimeout
        })
    }

    /// When the client counts as too slow: while its bytes are waited for, or while it does not take any.
    fn client_deadline(&self) -> Option<u64> {
        let reading =
            !self.request.delivered && self.request.waits_for_source && !self.client.has_ended();
        let writing = !self.response.delivered && !self.client.is_flushed_or_idle(&self.response);
        if !(reading || writing) {
            return None;
        }
        let half_closed =
            self.shape == Shape::Tunnel && (self.request.finished || self.response.finished);
        let timeout = self.timeout(self.timeouts.client, self.timeouts.client_fin, half_closed);
        let active = match self.seen(true) {
            Some(seen) => seen.since(reading, writing),
            None if self.shape == Shape::Tunnel => self.client_active.max(self.server_active),
            None => self.client_active,
        };
        timeout.map(|timeout| active + timeout)
    }

    fn server_deadline(&self) -> Option<u64> {
        let seen = self.seen(false);
        let reading =
            !self.response.delivered && self.response.waits_for_source && !self.server.has_ended();
        // The time until a response begins is measured from the end of the request.
        let awaited = match self.shape {
            Shape::RequestUntilResponse => seen.is_some(),
            _ => reading,
        };
        let writing = !self.request.delivered && !self.request.waits_for_source;
        if !(awaited || writing) {
            return None;
        }
        let half_closed =
            self.shape == Shape::Tunnel && (self.request.finished || self.response.finished);
        let timeout = self.timeout(self.timeouts.server, self.timeouts.server_fin, half_closed);
        let active = match seen {
            Some(seen) => seen.since(awaited, writing),
            None if self.shape == Shape::Tunnel => self.client_active.max(self.server_active),
            None => self.server_active,
        };
        timeout.map(|timeout| active + timeout)
    }

    fn timeout(&self, normal: Option<u64>, fin: Option<u64>, half_closed: bool) -> Option<u64> {
        if half_closed && fin.is_some() {
            return fin;
        }
        match self.shape {
            Shape::Tunnel => self.timeouts.tunnel.or(normal),
            _ => normal,
        }
    }
}

impl Conn {
    /// Whether nothing is held up on the way to this peer.
    fn is_flushed_or_idle(&self, flow: &Flow) -> bool {
        flow.waits_for_source && self.is_flushed()
    }
}

/// Moves what can be moved from `source` to `sink`.
fn poll_flow(
    cx: &mut Context<'_>,
    source: &mut Conn,
    sink: &mut Conn,
    flow: &mut Flow,
    limits: &Limits,
    brakes: Option<&Brakes>,
) -> Result<(), FlowFault> {
    flow.held_until = None;
    loop {
        flow.waits_for_source = false;
        source.decode(limits).map_err(|_| FlowFault::Malformed)?;
        if !source.payload().is_empty() {
            let taken = if flow.discarding || flow.skips {
                source.payload().len()
            } else if flow.pauses
                && brakes.is_none()
                && sink.writes_plainly()
                && source.is_all_at_hand()
            {
                let rest = source.take_rest();
                flow.moved += rest.len() as u64;
                flow.finished = true;
                sink.finish_body(None);
                flow.rest = Some(rest);
                return Ok(());
            } else {
                let payload = match flow.passing(source.payload(), brakes) {
                    Some(payload) => payload,
                    None => return flow.hold(cx, sink),
                };
                match sink.poll_send(cx, payload) {
                    Poll::Ready(Ok(taken)) => {
                        if let Some(brakes) = brakes {
                            brakes.charge(flow.outgoing, taken);
                        }
                        taken
                    }
                    Poll::Ready(Err(_)) => return Err(FlowFault::SinkBroken),
                    Poll::Pending => return Ok(()),
                }
            };
            source.consume(taken);
            flow.moved += if flow.skips { 0 } else { taken as u64 };
            continue;
        }
        if !flow.finished && flow.pipe.is_none() && source.is_message_over() {
            flow.finished = true;
            let trailers = source.trailers().filter(|_| !flow.drops_trailers);
            sink.finish_body(trailers);
            flow.moved += source.end_size();
            if flow.pauses {
                flow.rest = Some(Buffer::default());
                return Ok(());
            }
        }
        if !flow.discarding {
            match sink.poll_flush(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Err(FlowFault::SinkBroken),
                Poll::Pending => return Ok(()),
            }
        }
        if flow.finished {
            flow.delivered = true;
            if flow.closes {
                sink.shutdown();
            }
            return Ok(());
        }
        if source.is_cut_short() {
            return Err(FlowFault::SourceAborted);
        }
        if flow.pipe.is_some() || flow.may_splice(source, sink) {
            match poll_splice(cx, source, sink, flow)? {
                Poll::Ready(()) => continue,
                Poll::Pending => return Ok(()),
            }
        }
        flow.waits_for_source = true;
        match source.poll_fill(cx) {
            Poll::Ready(Ok(Received::Bytes | Received::End)) => {
                flow.bulk = source.input.is_full();
            }
            // A full buffer without a decodable byte is a chunk line that never ends.
            Poll::Ready(Ok(Received::Full)) => return Err(FlowFault::Malformed),
            Poll::Ready(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(FlowFault::Malformed);
            }
            Poll::Ready(Err(_)) => return Err(FlowFault::SourceAborted),
            Poll::Pending => return Ok(()),
        }
    }
}

impl Flow {
    /// As much of a payload as limits let pass now; nothing when they hold all of it.
    fn passing<'p>(&mut self, payload: &'p [u8], brakes: Option<&Brakes>) -> Option<&'p [u8]> {
        let Some(brakes) = brakes else {
            return Some(payload);
        };
        match brakes.grant(self.outgoing, payload.len()) {
            Ok(length) => payload.get(..length),
            Err(until) => {
                self.held_until = Some(until);
                None
            }
        }
    }

    /// What has passed is delivered while the rest waits.
    fn hold(&self, cx: &mut Context<'_>, sink: &mut Conn) -> Result<(), FlowFault> {
        match sink.poll_flush(cx) {
            Poll::Ready(Err(_)) => Err(FlowFault::SinkBroken),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Whether bypassing the buffers is possible now and pays.
    fn may_splice(&self, source: &Conn, sink: &Conn) -> bool {
        let left = source.unbuffered();
        self.splices && !self.discarding && self.bulk && left >= BULK && sink.sends_plainly()
    }
}

/// Moves bytes past the buffers. Ready when the pipe is empty and something else is to be done: the end of the message was
/// reached, or bypassing does not work on these sockets.
fn poll_splice(
    cx: &mut Context<'_>,
    source: &mut Conn,
    sink: &mut Conn,
    flow: &mut Flow,
) -> Result<Poll<()>, FlowFault> {
    let mut pipe = match flow.pipe.take() {
        Some(pipe) => pipe,
        None => match Pipe::take() {
            Ok(pipe) => pipe,
            Err(_) => {
                flow.splices = false;
                return Ok(Poll::Ready(()));
            }
        },
    };
    loop {
        while pipe.held > 0 {
            match sink.poll_send_pipe(cx, &mut pipe) {
                Poll::Ready(Ok(n)) => {
                    flow.moved += n as u64;
                    flow.spliced += n as u64;
                }
                Poll::Ready(Err(_)) => return Err(FlowFault::SinkBroken),
                Poll::Pending => {
                    flow.waits_for_source = false;
                    flow.pipe = Some(pipe);
                    return Ok(Poll::Pending);
                }
            }
        }
        let left = source.unbuffered();
        if left == 0 {
            pipe.give();
            return Ok(Poll::Ready(()));
        }
        let most = usize::try_from(left).unwrap_or(AT_ONCE).min(AT_ONCE);
        flow.waits_for_source = true;
        match source.poll_fill_pipe(cx, &mut pipe, most) {
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) if error.kind() == std::io::ErrorKind::InvalidInput => {
                flow.splices = false;
                pipe.give();
                return Ok(Poll::Ready(()));
            }
            Poll::Ready(Err(_)) => return Err(FlowFault::SourceAborted),
            Poll::Pending => {
                // Waiting holds no descriptors.
                pipe.give();
                return Ok(Poll::Pending);
            }
        }
    }
}
