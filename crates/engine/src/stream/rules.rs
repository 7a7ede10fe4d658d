//! Evaluating rule lists.

use super::relay::{Relay, RelayEnd, Shape};
use super::{Next, Phase, Source, Stream};
use crate::clock;
use crate::mux::{Conn, Leaving, Received};
use crate::resolvers;
use crate::session::ClientSide;
use expr::sample::Value;
use expr::{Expr, Match};
use model::rules::{self, CloseKind, Flow, Lookup, Mux, Reply, Rule};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// How many units of niceness are worth one more turn to wait.
const NICE_STEP: i32 = 256;

/// What a rule list came to.
#[derive(Debug)]
pub enum Verdict {
    /// The stream goes on.
    Pass,
    /// It is refused with this status, and this reply instead of the proxy's page if there is one.
    Deny(u16, Option<Box<Reply>>),
    /// The same, but later.
    Tarpit(u16, Option<Box<Reply>>),
    /// This is the answer.
    Reply(Box<Reply>),
    /// The connection is closed.
    Close(CloseKind),
    /// A service of this name answers.
    Service(&'static str),
    /// The TCP stream becomes an HTTP stream.
    SwitchToHttp(Option<Mux>),
    /// A rule could not do its work: an internal error.
    Failed,
    /// The request can't be understood.
    Invalid,
    /// The client went away while a rule waited.
    Gone,
}

impl Stream<'_> {
    /// Evaluates HTTP rules, whose conditions are decided with what is there.
    pub async fn run_rules(&mut self, rules: &[Arc<Rule>]) -> Verdict {
        for rule in rules {
            if let Some(condition) = &rule.condition
                && !condition.holds(self)
            {
                continue;
            }
            if let Some(verdict) = self.act(rule).await {
                return verdict;
            }
        }
        Verdict::Pass
    }

    /// Runs one rule's action, and notes the rule when it decided something.
    async fn act(&mut self, rule: &Arc<Rule>) -> Option<Verdict> {
        let verdict = self.run_action(rule).await;
        // What a client's leaving brought about, no rule decided.
        let left = self.state.waiting_since.is_some() && self.client.conn.has_ended();
        if !left && !matches!(verdict, None | Some(Verdict::Gone)) {
            self.state.last_rule = Some(rule.clone());
        }
        verdict
    }

    /// Runs one rule's action, again and again while it waits.
    async fn run_action(&mut self, rule: &Arc<Rule>) -> Option<Verdict> {
        self.state.waiting_since = None;
        self.settle_captures();
        loop {
            match rule.action.run(self) {
                Flow::Continue if self.state.nice > 0 => {
                    self.let_others_go_first().await;
                    return None;
                }
                Flow::Continue => return None,
                Flow::Stop => return Some(Verdict::Pass),
                Flow::Deny(status, reply) => return Some(Verdict::Deny(status, reply)),
                Flow::Tarpit(status, reply) => return Some(Verdict::Tarpit(status, reply)),
                Flow::Reply(reply) => return Some(Verdict::Reply(reply)),
                Flow::Close(kind) => return Some(Verdict::Close(kind)),
                Flow::SwitchToHttp(mux) => return Some(Verdict::SwitchToHttp(mux)),
                Flow::Service(name) => return Some(Verdict::Service(name)),
                Flow::Resolve(lookup) => {
                    self.look_up(*lookup).await;
                    return None;
                }
                Flow::Invalid => return Some(Verdict::Invalid),
                Flow::Failed => {
                    self.state.failed_rewrites += 1;
                    return self.state.strict.then_some(Verdict::Failed);
                }
                Flow::Wait(time) => {
                    let since = *self.state.waiting_since.get_or_insert_with(clock::now_ms);
                    self.state.waiting_rule = Some(rule.clone());
                    if !self.wait_for_data(since + time).await {
                        return Some(Verdict::Gone);
                    }
                    self.state.waiting_rule = None;
                }
            }
        }
    }

    /// Asks name servers for an address and puts it into a variable.
    async fn look_up(&mut self, lookup: Lookup) {
        let runtime = &self.session.runtime;
        let Lookup {
            var,
            resolvers,
            prefer,
            name,
        } = lookup;
        if let Some(ip) = resolvers::resolve(runtime, &resolvers, &name, prefer).await {
            // A variable that does not fit its scope's limit stays as it is.
            let _ = rules::Stream::set_var(self, var, Some(Value::Ip(ip)));
        }
    }

    /// Lets the other tasks of the worker take a turn, more of them the nicer the stream is.
    async fn let_others_go_first(&mut self) {
        for _ in 0..self.state.nice.div_euclid(NICE_STEP) + 1 {
            tokio::task::yield_now().await;
        }
    }

    /// The connection whose bytes are being looked at: the server's while a response is.
    fn awaited(&mut self) -> &mut Conn {
        match self.state.server_conn.as_mut() {
            Some(server) if self.state.has_response || self.state.inspects_response => {
                &mut server.conn
            }
            _ => &mut self.client.conn,
        }
    }

    /// Waits for more bytes of the message that is being processed or for a moment (milliseconds since the start),
    /// whichever comes first; says whether the client is still there.
    async fn wait_for_data(&mut self, until: u64) -> bool {
        if self.state.inspects_response && !self.client.conn.is_message_over() {
            return Box::pin(self.pass_request_on(until)).await;
        }
        if rules::Stream::awaits_handshake(self) {
            return self.wait_for_handshake(until).await;
        }
        let runtime = self.session.runtime.clone();
        let limits = &runtime.limits;
        poll_fn(|cx| {
            let awaited = self.awaited();
            if !awaited.has_ended() && !awaited.input.is_full() {
                match awaited.poll_fill(cx) {
                    Poll::Ready(Err(_)) => return Poll::Ready(false),
                    Poll::Ready(Ok(Received::Bytes | Received::End)) => {
                        let _ = awaited.gather(limits);
                        return Poll::Ready(true);
                    }
                    Poll::Ready(Ok(Received::Full)) | Poll::Pending => {}
                }
            }
            self.client.deadline.poll(cx, Some(until)).map(|()| true)
        })
        .await
    }

    /// Waits for the end of a handshake that the request came ahead of, or for a moment; says whether the client is still
    /// there.
    async fn wait_for_handshake(&mut self, until: u64) -> bool {
        let ClientSide { conn, deadline, .. } = &mut *self.client;
        poll_fn(|cx| {
            let over = if let Some(socket) = conn.socket_mut() {
                socket.poll_completion(cx).map(|outcome| outcome.is_ok())
            } else if conn.poll_leaving(cx) == Some(Leaving::Broken) {
                Poll::Ready(false)
            } else if let Some(tls) = &self.session.tls {
                tls.poll_caught_up(cx).map(|()| true)
            } else {
                Poll::Ready(true)
            };
            match over {
                Poll::Ready(over) => Poll::Ready(over),
                Poll::Pending => deadline.poll(cx, Some(until)).map(|()| true),
            }
        })
        .await
    }

    /// Takes what has come along with a new connection, so that rules see it from the first evaluation on.
    async fn take_early_bytes(&mut self) {
        let conn = &mut self.client.conn;
        let message = self.state.has_request || self.state.has_response;
        if message || !conn.input.is_empty() || conn.has_ended() {
            return;
        }
        // The event loop knows of a socket's bytes only after its next turn.
        tokio::task::yield_now().await;
        poll_fn(|cx| {
            // Errors are found again by whoever needs the bytes.
            let _ = conn.poll_fill(cx);
            Poll::Ready(())
        })
        .await;
    }

    /// Moves what the client of a TCP stream sends until something comes from the server or the moment has come; says
    /// whether the client is still there.
    async fn pass_request_on(&mut self, until: u64) -> bool {
        let timeouts = self.relay_timeouts();
        let independent = self.independent();
        let Some(server) = self.state.server_conn.as_mut() else {
            return false;
        };
        let limits = &self.session.runtime.limits;
        let ClientSide { conn, deadline, .. } = &mut *self.client;
        let (conn, server) = (conn, &mut server.conn);
        let shape = Shape::RequestUntilResponse;
        let mut relay = Relay::new(conn, server, limits, shape, timeouts)
            .splice(false)
            .brake(&self.state.brakes)
            .independent(independent.0, independent.1);
        let end = tokio::select! {
            end = relay.run(deadline) => Some(end),
            () = tokio::time::sleep_until(clock::instant(until).into()) => None,
        };
        self.state.bytes.0 += relay.moved().0;
        match end {
            Some(RelayEnd::ClientAborted | RelayEnd::ClientUnwritable) => false,
            Some(RelayEnd::ClientTimeout) => {
                self.state.end(Source::ClientTimeout, Phase::Data);
                false
            }
            _ => true,
        }
    }

    /// Evaluates content rules, which wait for more data as long as the inspect delay lasts when a condition can't be
    /// decided yet (configuration manual, `tcp-request inspect-delay`).
    pub(super) async fn run_content_rules(
        &mut self,
        rules: &[Arc<Rule>],
        delay: Option<u64>,
    ) -> Verdict {
        let until = clock::now_ms() + delay.unwrap_or(0);
        if !rules.is_empty() && !self.state.inspects_response {
            self.take_early_bytes().await;
        }
        let mut from = 0;
        loop {
            let awaited = self.awaited();
            let open = !awaited.has_ended() && !awaited.input.is_full();
            self.state.may_wait = open && clock::now_ms() < until;
            self.state.glance.renew();
            let verdict = self.pass_content_rules(rules, &mut from).await;
            self.state.may_wait = false;
            match verdict {
                Some(verdict) => return verdict,
                None if self.wait_for_data(until).await => {}
                None => return Verdict::Gone,
            }
        }
    }

    /// Goes through content rules from one on; `None` when a condition, or what a rule tracks, needs more data. A rule that
    /// waits is the one to go on from.
    async fn pass_content_rules(
        &mut self,
        rules: &[Arc<Rule>],
        from: &mut usize,
    ) -> Option<Verdict> {
        for (at, rule) in rules.iter().enumerate().skip(*from) {
            let decided = match &rule.condition {
                None => Match::Yes,
                Some(condition) => condition.matches(self),
            };
            match decided {
                Match::Yes => {}
                Match::NotYet if self.state.may_wait => return None,
                Match::No | Match::NotYet => continue,
            }
            let awaited = |expr: &Expr| expr.eval(self).is_settled();
            if self.state.may_wait && !rule.action.awaited().is_none_or(awaited) {
                *from = at;
                return None;
            }
            // What other actions read has to be there by then.
            let may_wait = std::mem::take(&mut self.state.may_wait);
            let verdict = self.act(rule).await;
            self.state.may_wait = may_wait;
            if let Some(verdict) = verdict {
                return Some(verdict);
            }
        }
        Some(Verdict::Pass)
    }

    /// What becomes of the client's connection when a rule closes it.
    pub(super) fn close_client(&mut self, kind: CloseKind) -> Next {
        match kind {
            CloseKind::Reject | CloseKind::Server => Next::Close,
            CloseKind::Silent(hops) => {
                if let Some(socket) = self.client.conn.socket_mut() {
                    socket.close_silently(hops);
                }
                Next::Abort
            }
        }
    }

    /// The phase in which a refusal by a rule falls.
    pub(super) fn refuse(&mut self, phase: Phase) {
        self.state.end(Source::Proxy, phase);
    }
}
