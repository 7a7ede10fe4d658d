//! The request's way to a server: reading it, the frontend's and the backend's rules, the headers that the proxy adds.

use super::counters::ERROR;
use super::rules::Verdict;
use super::{Next, Phase, Source, Stage, Stream};
use crate::clock;
use crate::mux::Received;
use crate::proxy::ProxyRuntime;
use expr::view::Side;
use message::{FieldId, Head, Method};
use model::rules::{self, Mux};
use model::{ForwardHeader, Options, Proxy, SwitchTarget};
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;
use wire::h1;

/// How waiting for a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// A complete head was read.
    Complete,
    /// The client closed before a head was complete.
    Aborted,
    /// The head took too long.
    Timeout,
    /// The head was refused, with this status.
    Refused(u16),
    /// What came is the preface of HTTP/2, and may be.
    Http2,
}

/// Whether the preface of HTTP/2 has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preface {
    None,
    Partial,
    Whole,
}

impl Stream<'_> {
    /// Reads a request's head. The first byte may already be in the buffer.
    pub(super) async fn receive_request(&mut self) -> Arrival {
        let timeouts = &self.session.frontend.config.timeouts;
        let timeout = timeouts.http_request.or(timeouts.client);
        let at = timeout
            .map(|timeout| self.state.times.first_byte.max(self.state.times.handshake) + timeout);
        loop {
            if !self.client.conn.input.is_empty() || self.client.conn.is_multiplexed() {
                if self.state.times.first_byte == 0 {
                    self.note_first_byte();
                }
                let preface = self.preface();
                if preface == Preface::Whole {
                    return match self.may_upgrade() {
                        true => Arrival::Http2,
                        false => Arrival::Refused(405),
                    };
                }
                let parsed = match preface {
                    Preface::Partial => Ok(false),
                    _ => self.parse_request(),
                };
                match parsed {
                    Ok(true) => return Arrival::Complete,
                    Ok(false) => {}
                    Err(error) => return Arrival::Refused(error.status),
                }
            }
            let client = &mut *self.client;
            let received = poll_fn(|cx| match client.conn.poll_fill(cx) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending => client.deadline.poll(cx, at).map(|()| None),
            });
            match received.await {
                Some(Ok(Received::Bytes)) => {}
                Some(Ok(Received::Full)) => return Arrival::Refused(400),
                Some(Ok(Received::End) | Err(_)) => return Arrival::Aborted,
                None => return Arrival::Timeout,
            }
        }
    }

    /// Whether a connection that begins with HTTP/1 may go on with HTTP/2.
    fn may_upgrade(&self) -> bool {
        let front = &self.session.frontend.config;
        self.session.mux.get() != Some(Mux::H1) && !front.options.has(Options::NO_H2_UPGRADE)
    }

    /// Whether the connection begins with the preface of HTTP/2.
    fn preface(&self) -> Preface {
        let bytes = self.client.conn.input.bytes();
        if bytes.first() != Some(&b'P') || self.session.requests.get() > 0 {
            return Preface::None;
        }
        if bytes.starts_with(wire::h2::PREFACE) {
            Preface::Whole
        } else if wire::h2::PREFACE.starts_with(bytes) {
            Preface::Partial
        } else {
            Preface::None
        }
    }

    fn note_first_byte(&mut self) {
        self.state.times.first_byte = clock::now_ms();
        self.state.times.request_date = clock::date();
    }

    /// Tries to read the head in the buffer; false when it is not complete.
    fn parse_request(&mut self) -> Result<bool, h1::ParseError> {
        let runtime = &self.session.runtime;
        let front = &self.session.frontend.config;
        let options = h1::Options {
            accept_unsafe: front.options.has(Options::UNSAFE_REQUEST),
            payload_with_any_method: runtime.snapshot.global.accept_payload_with_any_method,
            keep_insecure_transfer_encoding: runtime
                .snapshot
                .global
                .keep_on_insecure_transfer_encoding,
        };
        let state = &mut *self.state;
        let conn = &mut self.client.conn;
        let whole = conn.input.len();
        let (framing, flags) =
            match conn.read_request(&runtime.limits, &options, &mut state.request) {
                Ok(Some(read)) => read,
                Ok(None) => return Ok(false),
                Err(error) => {
                    self.keep_bad_request(error);
                    return Err(error);
                }
            };
        note_request_line(
            &state.request,
            runtime.snapshot.global.logged_uri_len.saturating_sub(1),
            &mut state.request_line,
        );
        let head = whole - conn.input.len().min(whole);
        if let Err(error) = conn.check_chunks(&runtime.limits) {
            self.keep_bad_begun_request(error, head);
            return Err(error);
        }
        conn.gather(&runtime.limits)?;
        // The preface of HTTP/2 where HTTP/2 is not spoken.
        if !conn.is_multiplexed()
            && state.request.version() == message::Version::HTTP_2
            && state.request.method_text() == b"PRI"
        {
            return Err(h1::ParseError::of(h1::ErrorKind::Version));
        }
        state.has_request = true;
        state.head_sizes[0] = state.request.stored_len();
        state.asked_head = state.request.method() == Method::Head;
        state.request_framing = framing;
        state.request_flags = flags;
        state.times.request = clock::now_ms();
        Ok(true)
    }

    /// Puts captures that expressions have made into their slots.
    pub(super) fn settle_captures(&mut self) {
        if self.state.noted_captures.get_mut().is_empty() {
            return;
        }
        for (side, slot, text) in std::mem::take(self.state.noted_captures.get_mut()) {
            rules::Stream::capture(self, side == Side::Request, slot, &text);
        }
    }

    /// Captures what the frontend's `capture request` lines name.
    pub(super) fn capture_request(&mut self) {
        let front = &self.session.frontend.config.front;
        let state = &mut *self.state;
        // Slots show up empty in the log when no response comes.
        state
            .response_captures
            .resize(front.response_captures.len(), None);
        if !front.request_captures.is_empty() {
            state
                .request_captures
                .resize(front.request_captures.len(), None);
            for (slot, capture) in front
                .request_captures
                .iter()
                .zip(&mut state.request_captures)
            {
                if let Some(value) = state.request.get_all(slot.name.as_bytes()).last() {
                    *capture = Some(value.get(..slot.len).unwrap_or(value).into());
                }
            }
        }
        if let Some(slot) = &front.cookie_capture {
            let found = state
                .request
                .all_known(FieldId::Cookie)
                .find_map(|value| captured_cookie(value, b';', slot));
            state.cookie_captures[0] = found;
        }
    }

    /// Everything between the request's head and the choice of a server. `Err` when the stream is answered already.
    pub(super) async fn process_request(&mut self) -> Result<(), Next> {
        let frontend = self.session.frontend.clone();
        if self.is_monitored(&frontend.config) {
            self.count_tracked_request();
            return Err(self.answer_monitor().await);
        }
        if frontend.config.options.has(Options::PROXY_HEADERS) {
            self.state.to_proxy = !matches!(self.state.request.target(), [b'/' | b'*', ..]);
        }
        if !self.state.content_ruled {
            self.content_rules(&frontend).await?;
        }
        self.count_tracked_request();
        if frontend.config.options.has(Options::BUFFER_REQUEST) {
            self.buffer_request().await?;
        }
        self.request_rules(&frontend).await?;
        self.mark_early();
        self.choose_backend(&frontend);
        let backend = self.backend().clone();
        if !backend.config.caps.back {
            self.state.end(Source::Server, Phase::Connect);
            return Err(self.send_page(503).await);
        }
        self.enter_backend(&backend);
        if !Arc::ptr_eq(&frontend, &backend) {
            if backend.config.options.has(Options::BUFFER_REQUEST) {
                self.buffer_request().await?;
            }
            self.content_rules(&backend).await?;
            self.request_rules(&backend).await?;
        }
        if self.state.body_cut {
            self.state.end(Source::Client, Phase::Request);
            return Err(self.send_page(400).await);
        }
        self.find_persistence(&backend);
        self.add_headers(&frontend.config, &backend.config);
        Ok(())
    }

    /// Tells the server of a request that may be a replay, since its client's handshake is not over (RFC 8470, section 5.1).
    fn mark_early(&mut self) {
        let tls = self.session.tls.as_deref();
        if tls.is_some_and(tls::Seen::is_ahead) && self.state.request.get(b"early-data").is_none() {
            self.state.request.push(b"early-data", b"1");
        }
    }

    /// Counts the stream in its backend; taken back when the stream ends.
    fn enter_backend(&mut self, backend: &Arc<ProxyRuntime>) {
        if self.state.backend.is_none() {
            self.state.backend = Some(backend.clone());
            self.note_stage(Stage::Rules);
        }
        self.state.in_backend = true;
        backend.back.begin(self.state.times.request);
    }

    async fn apply_name_restriction(&mut self, config: &Proxy) -> Result<(), Next> {
        let mode = match config.front.restrict_names {
            None | Some(model::RestrictNames::Preserve) => return Ok(()),
            Some(model::RestrictNames::Delete) => h1::RestrictNames::Delete,
            Some(model::RestrictNames::Reject) => h1::RestrictNames::Reject,
        };
        if h1::restrict_names(&mut self.state.request, mode).is_err() {
            self.refuse(Phase::Request);
            return Err(self.send_page(403).await);
        }
        Ok(())
    }

    fn is_monitored(&self, config: &Proxy) -> bool {
        config
            .front
            .monitor_uri
            .as_deref()
            .is_some_and(|uri| is_target(self.state.request.target(), uri.as_bytes()))
    }

    /// Answers `monitor-uri`: 200, or 503 when a `monitor fail` condition holds. Never logged.
    async fn answer_monitor(&mut self) -> Next {
        let frontend = self.session.frontend.clone();
        let failing = frontend
            .config
            .front
            .monitor_fail
            .iter()
            .any(|condition| condition.holds(self));
        self.state.log_level = Some(None);
        self.state.end(Source::Local, Phase::Request);
        self.send_page(if failing { 503 } else { 200 }).await
    }

    /// `tcp-request content` rules of a proxy.
    async fn content_rules(&mut self, proxy: &Arc<ProxyRuntime>) -> Result<(), Next> {
        let rules = &proxy.config.rules;
        if rules.tcp_content.is_empty() {
            return Ok(());
        }
        let verdict = self
            .run_content_rules(&rules.tcp_content, rules.request_inspect_delay)
            .await;
        self.settle(verdict).await
    }

    /// `http-request` and `redirect` rules of a proxy, and then its restriction on header names.
    async fn request_rules(&mut self, proxy: &Arc<ProxyRuntime>) -> Result<(), Next> {
        let rules = &proxy.config.rules;
        if !rules.http_request.is_empty() {
            let verdict = self.run_rules(&rules.http_request).await;
            self.settle(verdict).await?;
        }
        if proxy.config.stats.is_some() {
            self.statistics(proxy).await?;
        }
        if !rules.redirects.is_empty() {
            let verdict = self.run_rules(&rules.redirects).await;
            self.settle(verdict).await?;
        }
        if proxy.config.front.restrict_names.is_some() {
            self.apply_name_restriction(&proxy.config).await?;
        }
        Ok(())
    }

    /// Carries out what request rules came to.
    pub(super) async fn settle(&mut self, verdict: Verdict) -> Result<(), Next> {
        let next = match verdict {
            Verdict::Pass | Verdict::SwitchToHttp(_) => return Ok(()),
            Verdict::Deny(status, reply) => {
                self.refuse(Phase::Request);
                self.count_denied();
                self.count_tracked(ERROR);
                match reply {
                    Some(reply) => self.send_reply(reply).await,
                    None => self.send_page(status).await,
                }
            }
            Verdict::Tarpit(status, reply) => {
                self.count_denied();
                self.count_tracked(ERROR);
                self.hold_in_tarpit().await;
                match reply {
                    Some(reply) => self.send_reply(reply).await,
                    None => self.send_page(status).await,
                }
            }
            Verdict::Reply(reply) => {
                self.state.end(Source::Local, Phase::Request);
                self.send_reply(reply).await
            }
            Verdict::Close(kind) => {
                self.refuse(Phase::Request);
                // Nothing of the request is passed on or answered, and its times do not count.
                self.state.times.request = 0;
                self.count_denied();
                self.close_client(kind)
            }
            Verdict::Service(name) => self.serve_inside(name).await,
            Verdict::Failed => {
                self.refuse(Phase::Request);
                self.state.times.request = 0;
                self.send_page(500).await
            }
            Verdict::Invalid => {
                self.refuse(Phase::Request);
                self.state.times.request = 0;
                self.send_page(400).await
            }
            Verdict::Gone => {
                self.state.status = if self.state.has_request { 400 } else { 0 };
                self.state.end(Source::Client, Phase::Request);
                Next::Abort
            }
        };
        Err(next)
    }

    /// Holds the client for `timeout tarpit` (else `timeout connect`), or until it gives up.
    async fn hold_in_tarpit(&mut self) {
        let timeouts = &self.backend().config.timeouts;
        let time = self
            .state
            .timeouts
            .tarpit
            .or(timeouts.tarpit)
            .or(timeouts.connect)
            .unwrap_or(0);
        let until = clock::now_ms() + time;
        let client = &mut *self.client;
        let over = poll_fn(|cx| {
            // A stream of HTTP/2 that has said everything has not left.
            if client.conn.poll_leaving(cx).is_some() {
                return Poll::Ready(());
            }
            client.deadline.poll(cx, Some(until))
        });
        over.await;
        // The time in the tarpit is logged as one in a queue.
        (self.state.times.request, self.state.times.queue) = (0, clock::now_ms());
        self.state.end(Source::Proxy, Phase::Tarpit);
    }

    /// Whether a `use_backend` rule may lead to this backend now: one that takes traffic, or any when a `force-be-switch`
    /// rule of the frontend says so.
    pub(super) fn may_switch_to(&self, frontend: &ProxyRuntime, target: &ProxyRuntime) -> bool {
        target.takes_traffic()
            || frontend
                .config
                .front
                .force_switch
                .iter()
                .any(|condition| condition.holds(self))
    }

    /// `use_backend` and `default_backend`. The proxy itself serves when nothing applies and it can.
    pub(super) fn choose_backend(&mut self, frontend: &Arc<ProxyRuntime>) {
        let runtime = self.session.runtime.clone();
        let mut chosen = None;
        for rule in &frontend.config.front.switch_rules {
            if rule
                .condition
                .as_ref()
                .is_some_and(|condition| !condition.holds(self))
            {
                continue;
            }
            let target = match &rule.target {
                SwitchTarget::Static(idx) => runtime.proxy(*idx).cloned(),
                SwitchTarget::Dynamic(format) => {
                    let mut name = std::mem::take(&mut self.state.scratch);
                    name.clear();
                    format.render(self, &mut name);
                    let found = std::str::from_utf8(&name)
                        .ok()
                        .and_then(|name| runtime.backend(name));
                    self.state.scratch = name;
                    found
                }
            };
            match target {
                Some(target) if self.may_switch_to(frontend, &target) => {
                    chosen = Some(target);
                    break;
                }
                // A backend that can't take it: the next rule decides.
                Some(_) => {}
                // A name that no backend has: the rule has decided, for the default.
                None => break,
            }
        }
        let default = || {
            frontend
                .config
                .front
                .default_backend_idx
                .and_then(|idx| runtime.proxy(idx).cloned())
                .filter(|target| self.may_switch_to(frontend, target))
        };
        let chosen = chosen.or_else(default).unwrap_or_else(|| frontend.clone());
        if chosen.config.caps.back {
            self.state.backend = Some(chosen);
            self.note_stage(Stage::Rules);
            self.trace_backend();
        }
    }

    /// Waits until the whole body or a full buffer of it is there (`option http-buffer-request`).
    pub(super) async fn buffer_request(&mut self) -> Result<(), Next> {
        let timeouts = &self.session.frontend.config.timeouts;
        let timeout = timeouts.http_request.or(timeouts.client);
        let at = timeout.map(|timeout| self.state.times.first_byte + timeout);
        self.send_continue().await;
        loop {
            let conn = &self.client.conn;
            if conn.is_body_at_hand() || conn.input.is_full() {
                return Ok(());
            }
            let client = &mut *self.client;
            let received = poll_fn(|cx| match client.conn.poll_fill(cx) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending => client.deadline.poll(cx, at).map(|()| None),
            });
            match received.await {
                Some(Ok(Received::Bytes | Received::Full)) => {
                    if self
                        .client
                        .conn
                        .gather(&self.session.runtime.limits)
                        .is_err()
                    {
                        self.keep_bad_body();
                        self.refuse(Phase::Data);
                        return Err(self.send_page(400).await);
                    }
                }
                // A stream's end is that of its body.
                Some(Ok(Received::End)) if self.client.conn.is_multiplexed() => return Ok(()),
                // Rules and the choice of a backend still take place; what is there is all there will be.
                Some(Ok(Received::End) | Err(_)) => {
                    self.state.body_cut = true;
                    return Ok(());
                }
                None => {
                    self.state.end(Source::ClientTimeout, Phase::Request);
                    return Err(self.send_page(408).await);
                }
            }
        }
    }

    /// Lets a client that waits for it send its body.
    pub(super) async fn send_continue(&mut self) {
        if !self.state.request_flags.expect_continue || self.client.conn.is_body_at_hand() {
            return;
        }
        self.state.request_flags.expect_continue = false;
        self.state.request.remove_known(FieldId::Expect);
        rules::Stream::send_interim(self, 100, &[]);
        self.deliver(&[]).await;
    }

    /// The headers that options of the frontend and of the backend add.
    fn add_headers(&mut self, frontend: &Proxy, backend: &Proxy) {
        if let Some(header) = &frontend.front.unique_id_header {
            let id = expr::view::View::unique_id(self).map(<[u8]>::to_vec);
            if let Some(id) = id {
                self.state
                    .request
                    .set(header.to_ascii_lowercase().as_bytes(), &id);
            }
        }
        let same = std::ptr::eq(frontend, backend);
        let both = [Some(frontend), Some(backend).filter(|_| !same)];
        if let Some(option) = merged(both, |proxy| proxy.forward_for.as_deref()) {
            let always = both
                .iter()
                .flatten()
                .filter_map(|proxy| proxy.forward_for.as_deref())
                .any(|option| !option.if_none);
            self.add_address(option, true, always);
        }
        if let Some(option) = merged(both, |proxy| proxy.original_to.as_deref()) {
            self.add_address(option, false, true);
        }
        if let Some(option) = &backend.forwarded {
            self.add_forwarded(option);
        }
    }

    /// Adds an address; `always` says that one of the two proxies wants it next to one that is there already.
    fn add_address(&mut self, option: &ForwardHeader, source: bool, always: bool) {
        let Some(client) = expr::view::View::client(self) else {
            return;
        };
        let end = if source { client.src } else { client.dst };
        let Some(ip) = end.and_then(base::Endpoint::ip) else {
            return;
        };
        if option
            .except
            .is_some_and(|(net, bits)| contains(net, bits, ip))
        {
            return;
        }
        let name = option.name.to_ascii_lowercase();
        if !always && self.state.request.get(name.as_bytes()).is_some() {
            return;
        }
        let mut text = std::mem::take(&mut self.state.scratch);
        text.clear();
        let _ = std::io::Write::write_fmt(&mut text, format_args!("{ip}"));
        self.state.request.push(name.as_bytes(), &text);
        self.state.scratch = text;
    }
}

/// Keeps the request line for logs, as it was after normalisation and before any rule.
fn note_request_line(head: &Head, limit: usize, line: &mut Vec<u8>) {
    let version = head.version();
    line.clear();
    line.extend_from_slice(head.method_text());
    line.push(b' ');
    line.extend_from_slice(head.target());
    line.extend_from_slice(b" HTTP/");
    line.extend_from_slice(&[b'0' + version.major % 10, b'.', b'0' + version.minor % 10]);
    line.truncate(limit);
}

/// An option that the frontend or the backend may set; the backend's wins.
fn merged<'p, T: ?Sized>(
    both: [Option<&'p Proxy>; 2],
    option: impl Fn(&'p Proxy) -> Option<&'p T>,
) -> Option<&'p T> {
    both[1]
        .and_then(&option)
        .or_else(|| both[0].and_then(&option))
}

/// Whether an address is in a network.
fn contains(net: IpAddr, bits: u8, ip: IpAddr) -> bool {
    let mask = |width: u32| {
        if bits == 0 {
            0
        } else {
            u128::MAX << (width - u32::from(bits).min(width))
        }
    };
    match (net, ip) {
        (IpAddr::V4(net), IpAddr::V4(ip)) => {
            (u128::from(u32::from(net)) ^ u128::from(u32::from(ip))) & mask(32) == 0
        }
        (IpAddr::V6(net), IpAddr::V6(ip)) => (u128::from(net) ^ u128::from(ip)) & mask(128) == 0,
        _ => false,
    }
}

/// The `name=value` text of a cookie that `capture cookie` names: the first that begins as the directive says.
pub(super) fn captured_cookie(
    value: &[u8],
    separator: u8,
    slot: &model::CookieCapture,
) -> Option<Box<[u8]>> {
    value
        .split(|&b| b == separator)
        .map(<[u8]>::trim_ascii)
        .find_map(|pair| {
            let equals = pair.iter().position(|&b| b == b'=').unwrap_or(pair.len());
            let (name, rest) = pair.split_at(equals);
            let value = rest.get(1..).unwrap_or_default().trim_ascii_start();
            let equals = rest.get(..1).unwrap_or_default();
            let mut text = [name.trim_ascii_end(), equals, value].concat();
            let fits = text.starts_with(slot.name.as_bytes());
            text.truncate(slot.len);
            fits.then(|| text.into())
        })
}

/// Whether a request is for a configured target: a path is looked for in absolute targets as well.
fn is_target(target: &[u8], wanted: &[u8]) -> bool {
    let own_path = || message::uri::Target::parse(target).path_and_query;
    target == wanted || (wanted.starts_with(b"/") && own_path() == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(contains(ip("127.0.0.0"), 8, ip("127.9.9.9")));
        assert!(!contains(ip("127.0.0.0"), 8, ip("128.0.0.1")));
        assert!(contains(ip("0.0.0.0"), 0, ip("8.8.8.8")));
        assert!(contains(ip("2001:db8::"), 32, ip("2001:db8:1::1")));
        assert!(!contains(ip("2001:db8::"), 32, ip("1.2.3.4")));
    }

    #[test]
    fn cookies_are_captured_by_name_or_prefix() {
        let slot = |name: &str, len| model::CookieCapture {
            name: name.into(),
            len,
        };
        let header = b"a=1; SESSID42=abcdef; b=2";
        assert_eq!(
            captured_cookie(header, b';', &slot("SESSID", 12)).as_deref(),
            Some(&b"SESSID42=abc"[..])
        );
        assert_eq!(captured_cookie(header, b';', &slot("SESSID=", 12)), None);
        assert_eq!(
            captured_cookie(header, b';', &slot("b", 12)).as_deref(),
            Some(&b"b=2"[..])
        );
    }
}
