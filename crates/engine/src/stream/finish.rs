//! The end of a stream: counters and its log line.

use super::{LeftConn, Phase, Source, State, Stream};
use crate::clock;
use crate::log::{self, Message};
use expr::logformat::LogFormat;
use expr::view::{Connection, View};
use model::live::tally::{Span, Tallies, Tally};
use model::live::{Counters, count};
use model::log::{LogProfile, ProxyLog};
use model::{Mode, Options};
use std::sync::Arc;

/// The level of a line about a stream that ended well.
const INFO: u8 = 6;
/// The level of a line about a failed one under `option log-separate-errors`.
const ERR: u8 = 3;

impl State {
    /// Whether the stream counts as failed for `dontlog-normal` and `log-separate-errors`.
    pub(super) fn is_failed(&self) -> bool {
        let failed = self
            .cause
            .is_some_and(|cause| !matches!(cause.source, Source::Local));
        failed || self.status >= 500 || self.retries > 0 || self.redispatched
    }
}

/// Whether `log-steps` names a step.
fn logs_at(logs: &ProxyLog, step: &str) -> bool {
    let names = model::parse::families::log::STEPS;
    logs.steps != 0
        && names
            .iter()
            .position(|name| *name == step)
            .is_some_and(|bit| logs.steps & (1 << bit) != 0)
}

impl Stream<'_> {
    /// Counts and logs the stream, and gives up its places.
    pub(super) fn finish(&mut self) {
        self.count_stream();
        self.count_tracked_bytes();
        // A line about a finished stream does not count the stream itself.
        self.state.slot = None;
        if let Some(backend) = self
            .state
            .backend
            .as_ref()
            .filter(|_| self.state.in_backend)
        {
            backend.back.connections.leave();
        }
        if !self.state.logged {
            self.log_end();
        }
        self.trace_end();
    }

    fn count_stream(&self) {
        let frontend = &self.session.frontend;
        let listener = frontend.listener_counters(&self.session.bind);
        let backend = self.state.backend.as_ref().map(|backend| &*backend.back);
        let server = self.state.server.as_ref();
        let server = server.map(|server| &server.state.counters);
        let reached = self.state.times.connect != 0;
        let process = &self.session.runtime.process.tallies;
        process.add(
            Tally::BytesOut,
            self.state.bytes.1 + self.state.head_bytes[2],
        );
        if self.state.spliced.1 > 0 {
            process.add(Tally::H1SplicedOut, self.state.spliced.1);
        }
        self.count_bytes(&frontend.front);
        self.count_client_side(&frontend.front);
        for counters in listener.into_iter().chain(backend).chain(server) {
            self.count_bytes(counters);
        }
        if let Some(backend) = backend {
            self.count_server_side(backend);
        }
        if self.state.status > 0 {
            let server = server.filter(|_| reached);
            for counters in [&*frontend.front].into_iter().chain(backend).chain(server) {
                counters.count_response(self.state.status);
            }
        }
        if let (Some(backend), Some(server), true) = (backend, server, reached) {
            server.tally(Tally::RequestsH1, u64::from(self.state.has_request));
            self.count_times(&[&backend.tallies, &server.tallies]);
        }
    }

    /// What frontends, listeners, backends and servers have in common.
    fn count_bytes(&self, counters: &Counters) {
        let (sent, received) = self.state.bytes;
        let [request_in, request_out, reply] = self.state.head_bytes;
        let request = request_in + sent;
        let reached = self.state.times.connect != 0;
        counters.tallies.add_all([
            (Tally::BytesIn, request),
            (Tally::RequestIn, request),
            (Tally::BytesOut, received),
            (Tally::ResponseIn, received),
            (
                Tally::RequestOut,
                if reached { request_out + sent } else { 0 },
            ),
            // A reply of the proxy's own has come from nowhere.
            (Tally::ResponseOut, if reply > 0 { reply } else { received }),
        ]);
        if self.state.failed_rewrites > 0 {
            counters.tally(Tally::FailedRewrites, self.state.failed_rewrites.into());
        }
        if self.ended_by(Source::Internal) {
            counters.tally(Tally::InternalErrors, 1);
        }
    }

    fn ended_by(&self, source: Source) -> bool {
        self.state.cause.is_some_and(|cause| cause.source == source)
    }

    /// What the client's connection carried over HTTP/1 for this stream.
    fn count_client_side(&self, front: &Counters) {
        if !self.is_http() {
            return;
        }
        let conn = &self.client.conn;
        let (received, sent) = self.state.client_base;
        let unread = conn.input.len() as u64;
        if !conn.is_multiplexed() {
            front.tallies.add_all([
                (Tally::H1In, conn.received.saturating_sub(received + unread)),
                (Tally::H1Out, conn.sent.saturating_sub(sent)),
            ]);
        }
        if self.state.spliced != (0, 0) {
            front.tally(Tally::H1SplicedIn, self.state.spliced.0);
            front.tally(Tally::H1SplicedOut, self.state.spliced.1);
        }
        if self.ended_by(Source::Local) {
            front.tally(Tally::Intercepted, 1);
        }
    }

    /// What the server's connections carried over HTTP/1 for this stream.
    fn count_server_side(&self, back: &Counters) {
        let (received, sent) = self.state.server_bytes;
        if !self.is_http() || (received, sent) == (0, 0) {
            return;
        }
        back.tallies
            .add_all([(Tally::H1In, received), (Tally::H1Out, sent)]);
        if self.state.spliced != (0, 0) {
            back.tally(Tally::H1SplicedIn, self.state.spliced.1);
            back.tally(Tally::H1SplicedOut, self.state.spliced.0);
        }
    }

    pub(super) fn is_http(&self) -> bool {
        self.session.frontend.config.mode == Mode::Http || self.state.has_request
    }

    fn count_times(&self, tallies: &[&Tallies; 2]) {
        let times = self.state.times.durations(clock::now_ms());
        let response = if self.is_http() { times.response } else { 0 };
        let spans = [
            (Span::Queue, times.queue),
            (Span::Connect, times.connect),
            (Span::Response, response),
            (Span::Total, times.total),
        ];
        for (span, ms) in spans {
            if let Ok(ms) = u64::try_from(ms) {
                tallies.iter().for_each(|tallies| tallies.time(span, ms));
            }
        }
    }

    /// Counts a request that rules have refused, wherever it had got to.
    pub(super) fn count_denied(&self) {
        let frontend = &self.session.frontend;
        let backend = self
            .state
            .backend
            .as_ref()
            .filter(|_| self.state.in_backend);
        let listener = frontend.listener_counters(&self.session.bind);
        let all = [&*frontend.front].into_iter().chain(listener);
        for counters in all.chain(backend.map(|backend| &*backend.back)) {
            count(&counters.denied_requests, 1);
        }
    }

    /// Counts a request that was never complete, or could not be read.
    pub(super) fn count_faulty(&self) {
        let frontend = &self.session.frontend;
        let listener = frontend.listener_counters(&self.session.bind);
        for counters in [&*frontend.front].into_iter().chain(listener) {
            count(&counters.request_errors, 1);
        }
    }

    /// Takes note of what the connection to the server carried before it is given up.
    pub(super) fn note_server_conn(&mut self) {
        self.remember_server_conn();
        let Some(server) = &mut self.state.server_conn else {
            return;
        };
        self.state.server_tls = server.tls.take();
        if !server.conn.is_multiplexed() {
            self.state.server_bytes.0 += server.conn.received;
            self.state.server_bytes.1 += server.conn.sent;
        }
    }

    /// Keeps what the log line tells of a connection to the server that is about to be given up.
    fn remember_server_conn(&mut self) {
        let format = self.session.frontend.config.log.format.as_ref();
        if self.state.server_conn.is_none() || self.state.logged {
            return;
        }
        if !format.is_some_and(|format| format.reads_server_connection()) {
            return;
        }
        let Some(Connection { src, dst, .. }) = View::server_connection(self) else {
            return;
        };
        let (src, dst) = (src.cloned(), dst.cloned());
        let left = self.state.server_conn.as_ref().map(|server| LeftConn {
            src,
            dst,
            reused: server.reused,
            multiplexed: server.conn.is_multiplexed(),
        });
        self.state.left = left.map(Box::new);
    }

    /// A proxy without a format logs each connection as it comes (configuration manual, section 8.2.1).
    pub(super) fn log_connect(&mut self) {
        let proxy = self.session.frontend.config.clone();
        if proxy.log.format.is_none()
            && !proxy.log.targets.is_empty()
            && !proxy.options.has(Options::DONT_LOG_NORMAL)
        {
            // A TCP stream that goes on as HTTP has said it for its first request.
            if !self.session.announced.take() {
                self.write_log(&proxy.log, INFO, false, None);
            }
            self.session.announced.set(!self.state.has_request);
            self.state.logged = true;
        }
    }

    /// Logs a connection whose handshake failed: by `error-log-format`, else in HAProxy's fixed form.
    pub(crate) fn log_handshake(&mut self) {
        let proxy = self.session.frontend.config.clone();
        let Some(error) = self.session.error.filter(|_| !proxy.log.targets.is_empty()) else {
            return;
        };
        let times = &mut self.state.times;
        (times.begin, times.handshake) = (self.session.accepted.0, self.session.accepted.0);
        (times.begin_date, times.request_date) = (self.session.accepted.1, self.session.accepted.1);
        self.state.end(Source::Proxy, Phase::Request);
        self.state.log_step = "error";
        if proxy.log.error_format.is_some() {
            return self.write_log(&proxy.log, INFO, true, None);
        }
        let mut text = Vec::new();
        if let Some(format) = &self.session.runtime.handshake_log {
            format.render(self, &mut text);
        }
        text.extend_from_slice(error.line().as_bytes());
        self.send_line(&proxy.log, INFO, &text, None);
    }

    fn log_end(&mut self) {
        let proxy = self.session.frontend.config.clone();
        let logs = &proxy.log;
        if logs.targets.is_empty() || (logs.steps != 0 && !logs_at(logs, "close")) {
            return;
        }
        let options = proxy.options;
        let failed = self.state.is_failed();
        if options.has(Options::DONT_LOG_NORMAL) && !failed {
            return;
        }
        let nothing_came = self.state.times.first_byte == 0
            && self.state.request_line.is_empty()
            && self.state.bytes == (0, 0);
        if options.has(Options::DONT_LOG_NULL) && nothing_came {
            return;
        }
        let level = if failed && options.has(Options::LOG_SEPARATE_ERRORS) {
            ERR
        } else {
            INFO
        };
        self.state.log_step = "close";
        self.write_log(logs, level, failed, None);
    }

    /// Logs when the response begins, if that is asked for (`option logasap`) or nothing in the format comes later.
    pub(super) fn log_early(&mut self) {
        let proxy = &self.session.frontend.config;
        if proxy.options.has(Options::LOG_ASAP) {
            self.log_asap("connect");
        } else if proxy.log.steps == 0 && !self.state.logged {
            let is_http = self.state.has_response;
            if proxy
                .log
                .format
                .as_ref()
                .is_some_and(|format| format.is_early())
            {
                self.log_asap(if is_http { "response" } else { "connect" });
            }
        }
    }

    fn log_asap(&mut self, step: &'static str) {
        let proxy = self.session.frontend.config.clone();
        if !proxy.log.targets.is_empty() && !proxy.options.has(Options::DONT_LOG_NORMAL) {
            self.state.log_step = step;
            self.state.early_log = true;
            self.write_log(&proxy.log, INFO, false, None);
        }
        self.state.logged = true;
    }

    /// Logs a step of the stream if the frontend asks for it (`log-steps`).
    pub(super) fn log_stage(&mut self, step: &'static str) {
        if logs_at(&self.session.frontend.config.log, step) {
            let before = std::mem::replace(&mut self.state.early_log, true);
            self.log_step(step, None);
            self.state.early_log = before;
        }
    }

    /// Logs one step of the stream (`do-log`, `log-steps`).
    pub(super) fn log_step(&mut self, step: &'static str, profile: Option<&LogProfile>) {
        let proxy = self.session.frontend.config.clone();
        if !proxy.log.targets.is_empty() {
            let before = std::mem::replace(&mut self.state.log_step, step);
            self.write_log(&proxy.log, INFO, false, profile);
            self.state.log_step = before;
        }
    }

    /// Writes a line, as `profile` wants it if it is given.
    fn write_log(
        &mut self,
        logs: &ProxyLog,
        level: u8,
        failed: bool,
        profile: Option<&LogProfile>,
    ) {
        let session_level = self.session.log_level;
        let level = match self.state.log_level.or(session_level) {
            Some(None) => return,
            Some(Some(forced)) => forced,
            None => level,
        };
        self.settle_captures();
        let mut text = std::mem::take(&mut self.state.scratch);
        text.clear();
        let erroneous = failed && !self.state.has_request;
        let format = logs
            .error_format
            .as_ref()
            .filter(|_| erroneous)
            .or(logs.format.as_ref());
        self.render_line(format, &mut text);
        if erroneous {
            self.state.log_step = "error";
        }
        self.send_line(logs, level, &text, profile);
        self.state.scratch = text;
    }

    fn send_line(&self, logs: &ProxyLog, level: u8, text: &[u8], profile: Option<&LogProfile>) {
        let mut structured = Vec::new();
        if let Some(format) = &logs.structured_data {
            format.render(self, &mut structured);
        }
        let global = &self.session.runtime.snapshot.global;
        let tag = logs
            .tag
            .as_deref()
            .or(global.log_tag.as_deref())
            .unwrap_or("haproxy");
        let message = Message {
            level,
            tag,
            structured_data: &structured,
            text,
        };
        let runtime = &self.session.runtime;
        let step = (self.state.log_step, profile);
        log::emit_step(runtime, &logs.targets, step, &message, self);
    }

    fn render_line(&self, format: Option<&Arc<LogFormat>>, text: &mut Vec<u8>) {
        match format {
            Some(format) => format.render(self, text),
            None => self.connect_line(text),
        }
    }

    /// The line of a proxy that has no format: who connected to what.
    fn connect_line(&self, text: &mut Vec<u8>) {
        use std::io::Write;
        let client = View::client(self).unwrap_or_default();
        let show = |end: Option<&base::Endpoint>| match end {
            Some(base::Endpoint::Inet(address)) => format!("{}:{}", address.ip(), address.port()),
            Some(base::Endpoint::Unix(_)) => format!("unix:{}", self.session.bind.id),
            None => "unknown:0".into(),
        };
        let config = &self.session.frontend.config;
        let mode = if config.mode == model::Mode::Http {
            "HTTP"
        } else {
            "TCP"
        };
        let (from, to) = (show(client.src), show(client.dst));
        let _ = write!(text, "Connect from {from} to {to} ({}/{mode})", config.name);
    }
}
