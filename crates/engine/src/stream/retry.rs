//! What follows when a server gave no answer: another try, or a page.

use super::counters::FAILURE;
use super::{Next, Phase, Source, Stream, Unreached};
use crate::handshake::TlsFault;
use crate::health::{Ending, Event};
use crate::io::Transport;
use expr::view::View;
use model::RetryOn;
use model::live::count;
use wire::h1::Framing;

/// Why no response head was got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The server closed without a byte.
    Empty,
    /// It closed in the middle of the head, or broke the connection.
    Cut,
    /// What it sent is not HTTP.
    Junk,
    /// `timeout server`.
    Timeout,
    /// The request could not be sent.
    Unsent,
    /// The server did not take it as early data.
    Early,
    /// The client went away, in this phase.
    Client(Phase),
    /// The client did not send its body in time.
    ClientTimeout,
    /// The client's body is malformed.
    BadBody,
    /// The server's sessions were ended.
    Ended(Ending),
}

impl Stream<'_> {
    pub(super) fn note_retry(&mut self) {
        let backend = self.backend().clone();
        self.state.retries += 1;
        count(&backend.back.retries, 1);
        let limit = self
            .state
            .retry_limit
            .unwrap_or(backend.config.back.retries);
        // Another server is preferred after a failure that came with a connection that stood.
        if backend.config.back.redispatch.is_some()
            && !self.state.persistence.is_forced()
            && (self.state.retries >= limit || backend.servers.load().len() > 1)
        {
            self.state.slot = None;
            self.state.redispatched = true;
            self.leave_server();
            count(&backend.back.redispatches, 1);
        }
        self.state.has_response = false;
    }

    fn can_retry(&self) -> Option<RetryOn> {
        let back = &self.backend().config.back;
        let limit = self.state.retry_limit.unwrap_or(back.retries);
        let kept = self.state.replay.is_some()
            || matches!(
                self.state.request_framing,
                Framing::None | Framing::Length(0)
            );
        (!self.state.no_l7_retry && self.state.retries < limit && kept).then_some(back.retry_on)
    }

    pub(super) fn is_retried(&self, lost: Lost) -> bool {
        let Some(retry_on) = self.can_retry() else {
            return false;
        };
        match lost {
            Lost::Empty | Lost::Unsent => retry_on.empty_response,
            Lost::Cut => {
                retry_on.empty_response
                    && self
                        .state
                        .server_conn
                        .as_ref()
                        .is_some_and(|s| s.conn.received == 0)
            }
            Lost::Junk => retry_on.junk_response,
            Lost::Timeout => retry_on.response_timeout,
            Lost::Early => retry_on.zero_rtt_rejected,
            Lost::Client(_) | Lost::ClientTimeout | Lost::BadBody | Lost::Ended(_) => false,
        }
    }

    /// Whether a request that is refused as early data would be sent again.
    pub(super) fn is_early_retried(&self) -> bool {
        self.is_retried(Lost::Early)
    }

    /// Takes note of how the handshake ended that the request went ahead of, and says what it means for the request.
    pub(super) fn settle_early(&mut self, lost: Lost) -> Lost {
        let Some(server) = self
            .state
            .server_conn
            .as_mut()
            .filter(|server| server.early)
        else {
            return lost;
        };
        let ask = |socket: &Transport| (socket.seen().cloned(), socket.was_refused_early());
        let Some((seen, refused)) = server.conn.ask(ask) else {
            return lost;
        };
        server.tls = seen;
        if !refused {
            return lost;
        }
        let to = View::server_connection(self).and_then(|conn| conn.dst.cloned());
        let error = TlsFault::EarlyRefused.into();
        self.state.unreached = Some(Box::new(Unreached { error, to }));
        Lost::Early
    }

    /// Takes note of the handshake that the request went ahead of, once the server has answered.
    pub(super) fn note_server_tls(&mut self) {
        if let Some(server) = self
            .state
            .server_conn
            .as_mut()
            .filter(|server| server.early)
        {
            let seen = server.conn.ask(|socket| socket.seen().cloned());
            server.tls = seen.flatten();
        }
    }

    /// Tells the server's health of what came of a request (`observe layer7`).
    pub(super) fn observe_answer(&self, lost: Option<Lost>) {
        let status = self.state.response.status();
        let event = match lost {
            None if matches!(status, 100..=499 | 501 | 505) => Event::Answered,
            None => Event::BadStatus,
            Some(Lost::Empty | Lost::Cut) => Event::BrokenRead,
            Some(Lost::Unsent) => Event::BrokenWrite,
            Some(Lost::Junk) => Event::BadResponse,
            Some(Lost::Timeout) => Event::ResponseTimeout,
            Some(
                Lost::Early
                | Lost::Client(_)
                | Lost::ClientTimeout
                | Lost::BadBody
                | Lost::Ended(_),
            ) => return,
        };
        self.observe_server(event);
    }

    pub(super) fn is_status_retried(&self) -> bool {
        let status = self.state.response.status();
        let Some(bit) = RetryOn::STATUSES
            .iter()
            .position(|&retried| retried == status)
        else {
            return false;
        };
        self.can_retry()
            .is_some_and(|retry_on| retry_on.statuses & (1 << bit) != 0)
    }

    /// Whether what was lost went over a connection that had served others before, so that it may have been on its way
    /// out already. On its own connection a client's first request has no such excuse.
    fn is_untold(&self, lost: Lost) -> bool {
        let server = self.state.server_conn.as_ref();
        let Some(server) = server.filter(|server| server.reused) else {
            return false;
        };
        match lost {
            Lost::Empty | Lost::Unsent => {
                server.conn.is_multiplexed() || self.session.requests.get() > 1
            }
            Lost::Cut => server.conn.is_multiplexed(),
            _ => false,
        }
    }

    pub(super) async fn answer_lost(&mut self, lost: Lost) -> Next {
        let untold = self.is_untold(lost);
        let backend = self.backend().clone();
        let (source, phase, status) = match lost {
            Lost::Empty | Lost::Cut | Lost::Unsent => (Source::Server, Phase::Headers, 502),
            Lost::Early => (Source::Server, Phase::Headers, 425),
            Lost::Junk => (Source::Proxy, Phase::Headers, 502),
            Lost::Timeout => (Source::ServerTimeout, Phase::Headers, 504),
            Lost::Client(phase) => (Source::Client, phase, 400),
            Lost::ClientTimeout => (Source::ClientTimeout, Phase::Headers, 400),
            // What is malformed on a stream of HTTP/2 is found by its connection, not by the body's reader.
            Lost::BadBody if self.client.conn.is_multiplexed() => {
                (Source::Proxy, Phase::Headers, 400)
            }
            Lost::BadBody => (Source::Proxy, Phase::Data, 400),
            Lost::Ended(why) => (Source::of_ending(why), Phase::Headers, 502),
        };
        self.state.end(source, phase);
        match source {
            Source::Client | Source::ClientTimeout => count(&backend.back.aborts[0], 1),
            _ => {
                self.count_tracked(FAILURE);
                count(&backend.back.response_errors, 1);
                if let Some(server) = &self.state.server {
                    count(&server.state.counters.response_errors, 1);
                }
            }
        }
        self.drop_server_conn();
        // A kept connection that died under the request: the client is told nothing, so that it tries again by itself.
        if untold {
            self.state.log_level = Some(None);
            return Next::Abort;
        }
        self.send_page(status).await
    }
}
