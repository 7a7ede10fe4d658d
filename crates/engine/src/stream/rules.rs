//! Evaluating rule lists.

use super::{Phase, Source, Stream};
use crate::clock;
use crate::mux::Received;
use crate::resolvers;
use crate::session::ClientSide;
use expr::Match;
use expr::sample::Value;
use model::rules::{self, CloseKind, Flow, Lookup, Mux, Reply, Rule};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

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
    /// The TCP stream becomes an HTTP stream.
    SwitchToHttp(Option<Mux>),
    /// A rule could not do its work: an internal error.
    Failed,
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
                Flow::Continue => return None,
                Flow::Stop => return Some(Verdict::Pass),
                Flow::Deny(status, reply) => return Some(Verdict::Deny(status, reply)),
                Flow::Tarpit(status, reply) => return Some(Verdict::Tarpit(status, reply)),
                Flow::Reply(reply) => return Some(Verdict::Reply(reply)),
                Flow::Close(kind) => return Some(Verdict::Close(kind)),
                Flow::SwitchToHttp(mux) => return Some(Verdict::SwitchToHttp(mux)),
                Flow::Resolve(lookup) => {
                    self.look_up(*lookup).await;
                    return None;
                }
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

    /// Waits for more bytes of the message that is being processed or for a moment (milliseconds since the start),
    /// whichever comes first; says whether the client is still there.
    async fn wait_for_data(&mut self, until: u64) -> bool {
        let limits = &self.session.runtime.limits;
        let ClientSide { conn, deadline, .. } = &mut *self.client;
        let awaited = match self
            .state
            .server_conn
            .as_mut()
            .filter(|_| self.state.has_response)
        {
            Some(server) => &mut server.conn,
            None => conn,
        };
        poll_fn(|cx| {
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
            deadline.poll(cx, Some(until)).map(|()| true)
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

    /// Evaluates content rules, which wait for more data as long as the inspect delay lasts when a condition can't be
    /// decided yet (configuration manual, `tcp-request inspect-delay`).
    pub(super) async fn run_content_rules(
        &mut self,
        rules: &[Arc<Rule>],
        delay: Option<u64>,
    ) -> Verdict {
        let until = clock::now_ms() + delay.unwrap_or(0);
        if !rules.is_empty() {
            self.take_early_bytes().await;
        }
        'again: loop {
            let open = !self.client.conn.has_ended() && !self.client.conn.input.is_full();
            self.state.may_wait = open && clock::now_ms() < until;
            for rule in rules {
                if let Some(condition) = &rule.condition {
                    match condition.matches(self) {
                        Match::Yes => {}
                        Match::No => continue,
                        Match::NotYet => {
                            if !self.state.may_wait {
                                continue;
                            }
                            if !self.wait_for_data(until).await {
                                return Verdict::Gone;
                            }
                            continue 'again;
                        }
                    }
                }
                if let Some(verdict) = self.act(rule).await {
                    self.state.may_wait = false;
                    return verdict;
                }
            }
            self.state.may_wait = false;
            return Verdict::Pass;
        }
    }

    /// The phase in which a refusal by a rule falls.
    pub(super) fn refuse(&mut self, phase: Phase) {
        self.state.end(Source::Proxy, phase);
    }
}
