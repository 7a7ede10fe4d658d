//! Answers that the proxy makes by itself.

use super::rules::Verdict;
use super::traced::Passing;
use super::{Cause, Next, Phase, Source, Stream, pages};
use bytes::Bytes;
use message::{FieldId, Head};
use model::rules::Reply;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use wire::h1::{self, ConnectionHeader, Framing};

/// What there is of a reply next to its head.
struct ReplyRest {
    body: bytes::Bytes,
    /// Whether the head says how long the body is.
    measured: bool,
    /// Whether the status allows no body.
    bodyless: bool,
    close: bool,
}

impl Stream<'_> {
    /// Answers with the proxy's page for a status: the backend's, else the frontend's, else the built-in one.
    pub(super) async fn send_page(&mut self, status: u16) -> Next {
        match self.page(status) {
            Some(reply) => self.send_reply(Box::new(reply)).await,
            None => {
                self.state.status = status;
                Next::Close
            }
        }
    }

    /// Puts the head of the frontend's page for a request that could not be read into the client's output, and gives the
    /// body.
    pub(super) fn write_raw_page(&mut self, status: u16) -> Bytes {
        let Some(reply) = self.page(status) else {
            return Bytes::new();
        };
        self.trace_head_of(Passing::ResponseSent, &reply.head);
        let conn = &mut self.client.conn;
        if !conn.is_multiplexed() && !reply.verbatim && reply.head.status() == status {
            pages::write_raw(status, &reply, conn.output());
            return Bytes::new();
        }
        let framing = match reply.head.has(FieldId::ContentLength) || !reply.verbatim {
            true => Framing::Length(reply.body.len() as u64),
            false => Framing::UntilClose,
        };
        conn.write_response(&reply.head, framing, ConnectionHeader::Close, None);
        reply.body
    }

    /// The page for a status; `None` closes the connection without a word.
    pub(super) fn page(&self, status: u16) -> Option<Reply> {
        let page = self
            .backend()
            .config
            .errors
            .get(&status)
            .or_else(|| self.session.frontend.config.errors.get(&status));
        match page {
            None => Some(pages::page(status)),
            Some(page) => model::rules::page_reply(page, self),
        }
    }

    /// Sends a reply after `http-after-response` rules and says what becomes of the connection.
    pub(super) async fn send_reply(&mut self, reply: Box<Reply>) -> Next {
        self.begin_answer();
        let rest = self.take_reply(*reply);
        match self.after_response_rules().await {
            true => self.write_reply(rest).await,
            false => {
                if self.state.cause == Some(Cause::new(Source::Local, Phase::Request)) {
                    self.state.times.request = 0;
                }
                self.send_bare_page(500).await
            }
        }
    }

    /// Answers with the proxy's page for a status, without `http-after-response` rules, one of which has failed.
    pub(super) async fn send_bare_page(&mut self, status: u16) -> Next {
        match self.page(status) {
            Some(reply) => {
                let rest = self.take_reply(reply);
                self.write_reply(rest).await
            }
            None => {
                self.state.status = status;
                Next::Close
            }
        }
    }

    /// Makes a reply's head the response, and returns the rest of the reply.
    fn take_reply(&mut self, reply: Reply) -> ReplyRest {
        self.state.response = reply.head;
        self.state.has_response = true;
        let bodyless = matches!(self.state.response.status(), 100..=199 | 204 | 304);
        // A stored page goes out as it was written: without a length its end is that of the connection.
        let measured = !reply.verbatim || self.state.response.has(FieldId::ContentLength);
        if !bodyless && !self.state.response.has(FieldId::ContentLength) && measured {
            prepend_length(&mut self.state.response, reply.body.len());
        }
        ReplyRest {
            body: reply.body,
            measured,
            bodyless,
            close: reply.close,
        }
    }

    async fn write_reply(&mut self, reply: ReplyRest) -> Next {
        self.state.status = self.state.response.status();
        let head_only = reply.bodyless || self.state.request.method() == message::Method::Head;
        let unread = !self.client.conn.is_message_over();
        let framing = match reply.measured {
            true => Framing::Length(reply.body.len() as u64),
            false => Framing::UntilClose,
        };
        let next = self.write_response_head(framing, reply.close || unread);
        let payload: &[u8] = if head_only { &[] } else { &reply.body };
        let head = super::response::counted_size(&self.state.response);
        self.state.head_bytes[2] = head + payload.len() as u64;
        if !self.deliver(payload).await {
            return Next::Abort;
        }
        self.client.conn.finish_body(None);
        next
    }

    /// `http-after-response` rules of the backend, then of the frontend; false when one of them failed.
    pub(super) async fn after_response_rules(&mut self) -> bool {
        let frontend = self.session.frontend.clone();
        let backend = self.backend().clone();
        let both = [Some(&backend), Some(&frontend)];
        let skipped = usize::from(Arc::ptr_eq(&frontend, &backend));
        for proxy in both.into_iter().skip(skipped).flatten() {
            let rules = &proxy.config.rules.http_after_response;
            if !rules.is_empty() && matches!(self.run_rules(rules).await, Verdict::Failed) {
                return false;
            }
        }
        true
    }

    /// Turns from the request to the response: variables and failures are those of the response from here on.
    pub(super) fn begin_answer(&mut self) {
        if !self.state.answering {
            (self.state.answering, self.state.strict) = (true, true);
            self.state.vars.get_mut().end(expr::Scope::Request);
        }
    }

    /// Puts the response's head into the client's output and says what becomes of the connection.
    pub(super) fn write_response_head(&mut self, framing: Framing, close: bool) -> Next {
        let facts = h1::RequestFacts::from(&self.state.request_flags);
        let facts = if self.state.has_request {
            facts
        } else {
            h1::RequestFacts::default()
        };
        let http10 = self.state.response.version() < message::Version::HTTP_11;
        let mode = connection_mode(self.session.frontend.config.close_mode);
        let tokens = h1::take_connection_tokens(&mut self.state.response);
        let flags = h1::MessageFlags {
            http10,
            ..self.state.response_flags
        };
        let side = h1::client_side(&facts, tokens, mode, &flags, framing);
        let stopping = self.session.is_to_close();
        let (header, stays) = if close || stopping {
            let told = if http10 || framing == Framing::Tunnel {
                ConnectionHeader::None
            } else {
                ConnectionHeader::Close
            };
            (told, false)
        } else {
            (side.header, side.stays_open)
        };
        let cases = self.client_cases();
        self.client.conn.write_response(
            &self.state.response,
            framing,
            header,
            cases.as_ref().and_then(|r| r.cases.as_ref()),
        );
        self.client.conn.begin_body(framing);
        self.trace_head(Passing::ResponseSent);
        if stays { Next::KeepAlive } else { Next::Close }
    }

    fn client_cases(&self) -> Option<Arc<crate::runtime::Runtime>> {
        let adjust = self
            .session
            .frontend
            .config
            .options
            .has(model::Options::ADJUST_CLIENT_CASE);
        adjust.then(|| self.session.runtime.clone())
    }

    /// Sends what is in the client's output and `payload` behind it; says whether it was all delivered in time.
    pub(super) async fn deliver(&mut self, payload: &[u8]) -> bool {
        let timeout = self.session.frontend.config.timeouts.client;
        self.deliver_within(payload, timeout).await.is_ok()
    }

    /// Does so before a timeout in milliseconds has passed.
    pub(super) async fn deliver_within(
        &mut self,
        payload: &[u8],
        timeout: Option<u64>,
    ) -> Result<(), Undelivered> {
        let client = &mut *self.client;
        let at = timeout.map(|timeout| crate::clock::now_ms() + timeout);
        let mut sent = 0;
        poll_fn(|cx| {
            loop {
                let rest = payload.get(sent..).unwrap_or_default();
                let outcome = if rest.is_empty() {
                    client.conn.poll_flush(cx).map_ok(|()| 0)
                } else {
                    client.conn.poll_send(cx, rest)
                };
                match outcome {
                    Poll::Ready(Ok(_)) if rest.is_empty() => return Poll::Ready(Ok(())),
                    Poll::Ready(Ok(n)) => sent += n,
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(Undelivered::Broken)),
                    Poll::Pending => {
                        return client
                            .deadline
                            .poll(cx, at)
                            .map(|()| Err(Undelivered::Late));
                    }
                }
            }
        })
        .await
    }
}

/// Why the client did not get everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undelivered {
    /// Its connection is broken.
    Broken,
    /// It took too long.
    Late,
}

/// Puts `content-length` in front of the other fields, where HAProxy has it in its own answers.
fn prepend_length(head: &mut Head, len: usize) {
    let mut digits = [0u8; 20];
    let text = decimal(len as u64, &mut digits);
    let mut with_length = Head::new();
    with_length.start_response(head.version(), head.status(), head.reason());
    with_length.push_known(FieldId::ContentLength, text);
    for (name, value) in head.iter() {
        with_length.push(name, value);
    }
    *head = with_length;
}

/// Writes a number in decimal.
pub fn decimal(mut n: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (n % 10) as u8;
        }
        n /= 10;
        if n == 0 {
            return digits.get(at..).unwrap_or_default();
        }
    }
}

/// The codec's name for a proxy's way of closing connections.
pub fn connection_mode(mode: model::CloseMode) -> h1::ConnectionMode {
    match mode {
        model::CloseMode::KeepAlive => h1::ConnectionMode::KeepAlive,
        model::CloseMode::ServerClose => h1::ConnectionMode::ServerClose,
        model::CloseMode::Close => h1::ConnectionMode::Close,
    }
}
