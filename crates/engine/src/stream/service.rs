//! Having a request answered by a service or the statistics page.

use super::{Next, Phase, Source, Stream, Verdict};
use crate::proxy::ProxyRuntime;
use crate::service::{self, Answer, Asked, AskedPage, Body};
use message::{FieldId, Method};
use model::StatsPage;
use model::rules::{Reply, reason};
use std::sync::Arc;
use wire::h1::Framing;

/// How much of a body is gathered before it is sent.
const PIECE: usize = 16 * 1024;

impl Stream<'_> {
    /// Answers with a service by its name.
    pub(super) async fn serve_inside(&mut self, name: &str) -> Next {
        let named = service::installed().map_or(&[][..], |services| services.named);
        let Some((_, serve)) = named.iter().find(|(known, _)| *known == name) else {
            self.state.end(Source::Internal, Phase::Request);
            return self.send_page(500).await;
        };
        self.state.end(Source::Local, Phase::Request);
        let answer = serve(&self.asked());
        self.drop_body();
        self.send_answer(answer).await
    }

    /// Answers with the statistics page of a proxy if the request is for it.
    pub(super) async fn statistics(&mut self, proxy: &Arc<ProxyRuntime>) -> Result<(), Next> {
        let Some(page) = proxy.config.stats.as_ref().filter(|page| self.is_for(page)) else {
            return Ok(());
        };
        if !page.users.is_empty() && !self.is_known_to(page) {
            return Err(self.ask_who(page).await);
        }
        let verdict = self.run_rules(&page.rules).await;
        if !matches!(verdict, Verdict::Pass) {
            self.settle(verdict).await?;
        }
        let admin = page.admin.iter().any(|condition| condition.holds(self));
        if admin && self.state.request.method() == Method::Post {
            self.buffer_request().await?;
        }
        self.state.end(Source::Local, Phase::Request);
        let Some(services) = service::installed() else {
            return Err(self.send_page(500).await);
        };
        let answer = (services.stats)(&AskedPage {
            asked: self.asked(),
            proxy,
            page,
            admin,
        });
        self.drop_body();
        Err(self.send_answer(answer).await)
    }

    /// Takes a body that is at hand out of the way of the next request.
    fn drop_body(&mut self) {
        let conn = &mut self.client.conn;
        if !conn.is_body_at_hand() {
            return;
        }
        while !conn.is_message_over() {
            let n = conn.payload().len();
            conn.consume(n);
            if conn.is_message_over() || conn.decode(&self.session.runtime.limits).is_err() {
                return;
            }
        }
    }

    fn asked(&self) -> Asked<'_> {
        let conn = &self.client.conn;
        let body = conn.is_body_at_hand().then(|| conn.payload());
        Asked {
            runtime: &self.session.runtime,
            head: &self.state.request,
            body,
        }
    }

    fn is_for(&self, page: &StatsPage) -> bool {
        let request = &self.state.request;
        let method = request.method();
        let asks = matches!(method, Method::Get | Method::Head | Method::Post);
        asks && request.target().starts_with(page.uri.as_bytes())
    }

    /// Whether the request names a user of the page with the password.
    fn is_known_to(&self, page: &StatsPage) -> bool {
        let Some((user, password)) = expr::basic_credentials(self) else {
            return false;
        };
        let mut known = page.users.iter();
        known.any(|(name, secret)| name.as_bytes() == user && secret.as_bytes() == password)
    }

    async fn ask_who(&mut self, page: &StatsPage) -> Next {
        self.state.end(Source::Local, Phase::Request);
        let Some(mut reply) = self.page(401) else {
            return Next::Close;
        };
        if reply.head.status() == 401 {
            let challenge = format!("Basic realm=\"{}\"", page.realm);
            reply.head.set(b"www-authenticate", challenge.as_bytes());
        }
        self.send_reply(Box::new(reply)).await
    }

    async fn send_answer(&mut self, answer: Answer) -> Next {
        let mut reply = Reply::new(answer.status, reason(answer.status).as_bytes());
        for (name, value) in &answer.fields {
            reply.head.push(name.as_bytes(), value.as_bytes());
        }
        let mut pieces = match answer.body {
            Body::Whole(text) => {
                reply.body = text.into();
                let next = self.send_reply(Box::new(reply)).await;
                // What a service says counts as if a server had said it.
                self.state.bytes.1 += std::mem::take(&mut self.state.head_bytes[2]);
                return next;
            }
            Body::Pieces(pieces) => pieces,
        };
        // The body is not looked at: what the client has still to send would be taken for its next request.
        let unread = !self.client.conn.is_message_over();
        let framing = match self.state.request_flags.http10 {
            true => Framing::UntilClose,
            false => Framing::Chunked,
        };
        if framing == Framing::Chunked {
            reply.head.set_known(FieldId::TransferEncoding, b"chunked");
        }
        self.begin_answer();
        self.state.response = reply.head;
        self.state.has_response = true;
        if !self.after_response_rules().await {
            return self.send_bare_page(500).await;
        }
        self.state.status = self.state.response.status();
        let head = super::response::counted_size(&self.state.response);
        let next = self.write_response_head(framing, unread);
        let mut sent = head;
        if self.state.request.method() == Method::Head {
            self.client.conn.begin_body(Framing::None);
        } else {
            let mut text = String::new();
            let mut more = true;
            while more {
                more = pieces.fill(&self.session.runtime, &mut text);
                if text.len() >= PIECE || (!more && !text.is_empty()) {
                    if !self.deliver(text.as_bytes()).await {
                        return Next::Abort;
                    }
                    sent += text.len() as u64;
                    text.clear();
                    // Others have their turn between two pieces, however fast the client reads.
                    tokio::task::yield_now().await;
                }
            }
            self.client.conn.finish_body(None);
        }
        self.state.bytes.1 += sent;
        if self.deliver(&[]).await {
            next
        } else {
            Next::Abort
        }
    }
}
