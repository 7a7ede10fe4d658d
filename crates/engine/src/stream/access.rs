//! What rules may do to a stream.

use super::{Phase, Source, Stream};
use crate::clock;
use base::Endpoint;
use expr::sample::Value;
use expr::vars::VarId;
use expr::view::{Side, View};
use message::{BLOCK, Head, Version};
use model::bandwidth::{Scope, Shared};
use model::rules::{self, End, Reply, SocketSetting};
use std::sync::Arc;
use stick::{DataType, Tracked};
use wire::h1;

/// What HAProxy's form of a message takes of a buffer next to its blocks.
const MESSAGE: usize = 40;

impl Stream<'_> {
    /// What a limit shared between streams counts this one's bytes in, and over how many milliseconds.
    fn shared_count(&self, shared: &Shared, rate: DataType) -> Option<(u32, Tracked)> {
        let process = self.process();
        let table = process.table(*shared.table.get()?)?;
        let period = table.config().layout.get(rate)?.period;
        let key = expr::stick::key(shared.key.eval(self).value()?, table.config().kind)?;
        Some((period, table.track(&key, clock::now_ms())?))
    }
}

impl rules::Stream for Stream<'_> {
    fn view(&self) -> &dyn View {
        self
    }

    fn request_mut(&mut self) -> Option<&mut Head> {
        self.state.has_request.then_some(&mut self.state.request)
    }

    fn response_mut(&mut self) -> Option<&mut Head> {
        self.state.has_response.then_some(&mut self.state.response)
    }

    fn track(&mut self, counter: usize, entry: stick::Tracked) {
        self.begin_tracking(counter, entry);
    }

    fn set_aside_response(&mut self, aside: bool) {
        let state = &mut *self.state;
        match aside {
            true => {
                state.response_aside = std::mem::replace(&mut state.has_response, false);
            }
            false => state.has_response = std::mem::take(&mut state.response_aside),
        }
    }

    fn set_var(&mut self, name: VarId, value: Option<Value<'static>>) -> bool {
        self.store_var(name, value)
    }

    fn set_end(&mut self, which: End, to: Endpoint) {
        match which {
            End::Source => self.state.src = Some(Arc::new(to)),
            End::Destination => self.state.dst = Some(Arc::new(to)),
        }
    }

    fn set_socket(&mut self, client: bool, setting: SocketSetting) {
        if !client {
            match setting {
                SocketSetting::Mark(mark) => self.state.server_socket.0 = Some(mark),
                SocketSetting::Tos(tos) => self.state.server_socket.1 = Some(tos),
            }
            return;
        }
        let v6 =
            matches!(self.session.real_src, Some(Endpoint::Inet(address)) if address.is_ipv6());
        // What concerns the connection is not one stream's to change.
        let Some(socket) = self.client.conn.socket() else {
            return;
        };
        // Without the privilege the packets simply keep their marks, as in HAProxy.
        let _ = match setting {
            SocketSetting::Mark(mark) => sys::set_mark(socket, mark),
            SocketSetting::Tos(tos) => sys::set_tos(socket, v6, tos),
        };
    }

    fn set_log_level(&mut self, level: Option<u8>) {
        self.state.log_level = Some(level);
    }

    fn set_timeout(&mut self, name: &'static str, value: u64) {
        let timeouts = &mut self.state.timeouts;
        let slot = match name {
            "client" => &mut timeouts.client,
            "server" => &mut timeouts.server,
            "tunnel" => &mut timeouts.tunnel,
            "connect" => &mut timeouts.connect,
            "queue" => &mut timeouts.queue,
            "tarpit" => &mut timeouts.tarpit,
            _ => return,
        };
        *slot = Some(value);
    }

    fn capture(&mut self, request: bool, slot: usize, value: &[u8]) {
        let front = &self.session.frontend.config.front;
        let (slots, captures) = match request {
            true => (&front.request_captures, &mut self.state.request_captures),
            false => (&front.response_captures, &mut self.state.response_captures),
        };
        let Some(len) = slots.get(slot).map(|slot| slot.len) else {
            return;
        };
        captures.resize(slots.len(), None);
        if let Some(capture) = captures.get_mut(slot) {
            *capture = Some(value.get(..len).unwrap_or(value).into());
        }
    }

    fn attach(&mut self, to: rules::Attachment) {
        self.state.attachment = Some(Box::new(to));
    }

    fn set_priority(&mut self, class: Option<i32>, offset: Option<i32>) {
        let (old_class, old_offset) = self.state.priority;
        self.state.priority = (class.unwrap_or(old_class), offset.unwrap_or(old_offset));
    }

    fn set_nice(&mut self, nice: i32) {
        self.state.nice = nice;
    }

    fn set_retries(&mut self, retries: u32) {
        self.state.retry_limit = Some(retries);
    }

    fn set_strict(&mut self, on: bool) {
        self.state.strict = on;
    }

    fn limit_bandwidth(&mut self, name: &str, limit: Option<u64>, period: Option<u64>) {
        let backend = self.state.backend.as_ref().map(|backend| &backend.config);
        let all = std::iter::once(&self.session.frontend.config)
            .chain(backend)
            .flat_map(|proxy| &proxy.limiters);
        let found = all.enumerate().find(|(_, limiter)| *limiter.name == *name);
        let Some((order, limiter)) = found.map(|(at, limiter)| (at, limiter.clone())) else {
            return;
        };
        let (period, entry) = match &limiter.scope {
            Scope::Stream(default) => (period.unwrap_or(*default), None),
            Scope::Shared(shared) => match self.shared_count(shared, limiter.counter()) {
                Some((period, entry)) => (u64::from(period), Some(entry)),
                None => return,
            },
        };
        let limit = limit.unwrap_or(u64::from(limiter.limit));
        let figures = (limit.min(u64::from(u32::MAX)), period);
        self.state.brakes.put(order, limiter, figures, entry);
    }

    fn awaits_handshake(&self) -> bool {
        self.session.tls.as_deref().is_some_and(tls::Seen::is_ahead)
    }

    fn disable_l7_retry(&mut self) {
        self.state.no_l7_retry = true;
    }

    fn send_interim(&mut self, status: u16, headers: &[(&[u8], &[u8])]) {
        if self.state.request_flags.http10 {
            return;
        }
        let mut head = Head::new();
        head.start_response(Version::HTTP_11, status, rules::reason(status).as_bytes());
        for (name, value) in headers {
            head.push(name, value);
        }
        self.client
            .conn
            .write_response(&head, h1::Framing::None, h1::ConnectionHeader::None, None);
    }

    fn log_now(&mut self, step: &'static str, profile: Option<&model::log::LogProfile>) {
        self.log_step(step, profile);
    }

    fn waited(&self) -> u64 {
        self.state
            .waiting_since
            .map_or(0, |since| clock::now_ms().saturating_sub(since))
    }

    fn error_page(&self, status: u16) -> Option<Reply> {
        self.page(status)
    }

    fn body_timed_out(&mut self, side: Side) {
        match side {
            Side::Request => self.state.end(Source::ClientTimeout, Phase::Request),
            Side::Response => self.state.end(Source::ServerTimeout, Phase::Data),
        }
    }

    fn head_room(&self, side: Side) -> isize {
        let global = &self.session.runtime.snapshot.global;
        let room = global.buffer_size.saturating_sub(MESSAGE);
        let (head, conn) = match side {
            Side::Request => (&self.state.request, Some(&self.client.conn)),
            Side::Response => {
                let server = self.state.server_conn.as_ref();
                (&self.state.response, server.map(|server| &server.conn))
            }
        };
        // Only so much of a body comes into the same buffer that the head, as it was then, and the reserve have room.
        let received = self.state.head_sizes[usize::from(side == Side::Response)];
        let body = conn.map_or(0, |conn| conn.payload().len());
        let body = match body {
            0 => 0,
            body => (body + BLOCK).min(room.saturating_sub(global.rewrite_reserve + received)),
        };
        room.cast_signed() - (head.stored_len() + body).cast_signed()
    }

    fn take_scratch(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.state.scratch)
    }

    fn give_scratch(&mut self, scratch: Vec<u8>) {
        self.state.scratch = scratch;
    }
}
