//! What fetches and log formats read of a stream.

use super::{Cause, Stream};
use crate::clock;
use crate::handshake::HandshakeError;
use crate::io::Transport;
use crate::mux::Conn;
use crate::proxy::ServerRuntime;
use base::Endpoint;
use expr::sample::Value;
use expr::vars::{Scope, VarId};
use expr::view::{
    Connection, Content, Date, ProcessView, ProxyView, ServerView, Side, StreamFacts, TcpInfo, View,
};
use message::Head;
use model::Address;
use wire::h1::Framing;

impl Stream<'_> {
    /// What the handshake with one side failed of.
    fn fault(&self, side: Side) -> Option<HandshakeError> {
        match side {
            Side::Request => self.session.error,
            Side::Response => self
                .state
                .unreached
                .as_ref()
                .map(|unreached| unreached.error),
        }
    }

    /// The connection of one side, if it has been read as bytes only.
    fn raw_conn(&self, side: Side) -> Option<&Conn> {
        match side {
            Side::Request => Some(&self.client.conn),
            Side::Response if self.state.inspects_response => {
                Some(&self.state.server_conn.as_ref()?.conn)
            }
            Side::Response => None,
        }
    }

    /// The address of a server that a SOCKS4 proxy leads to.
    fn behind_proxy(&self, server: &ServerRuntime) -> Option<Endpoint> {
        server.config.settings.socks4?;
        let backend = self.state.backend.as_ref()?;
        match self.route(backend, server).address {
            Address::Inet(inet) => Some(Endpoint::Inet(inet)),
            _ => None,
        }
    }

    /// The head with which the bytes of a TCP stream begin.
    fn glanced(&self, side: Side) -> Option<&Head> {
        let limits = &self.session.runtime.limits;
        self.state.glance.head(side, self.raw_conn(side), limits)
    }
}

impl View for Stream<'_> {
    fn now(&self) -> Date {
        clock::date()
    }

    fn process(&self) -> &dyn ProcessView {
        &*self.session.runtime
    }

    fn client(&self) -> Option<Connection<'_>> {
        let session = &*self.session;
        let real_dst = session
            .real_dst
            .get_or_init(|| self.client.conn.ask(Transport::destination).flatten())
            .as_ref();
        let src = self.state.src.as_deref().or(session.src.as_deref());
        let dst = self.state.dst.as_deref().or(session.dst.as_deref());
        let end = Connection {
            src: src.or(session.real_src.as_ref()),
            dst: dst.or(real_dst),
            real_src: session.real_src.as_ref(),
            real_dst,
            http_major: match self.client.conn.is_multiplexed() {
                true => 2,
                false => u8::from(self.state.has_request),
            },
            proxied: session.proxied,
            reused: session.requests.get() > 1,
            error: session.error.map_or(0, HandshakeError::code),
            ..Connection::default()
        };
        Some(with_stream(end, &self.client.conn))
    }

    fn connection_error(&self, side: Side) -> Option<(&str, &str)> {
        let error = self.fault(side)?;
        Some((error.name(), error.text()))
    }

    fn tls(&self, side: Side) -> Option<&tls::Seen> {
        match side {
            Side::Request => self.session.tls.as_deref(),
            Side::Response => match &self.state.server_conn {
                Some(server) => server.tls.as_deref(),
                None => self.state.server_tls.as_deref(),
            },
        }
    }

    fn tls_failure(&self, side: Side) -> Option<tls::Failure> {
        self.fault(side)?.failure()
    }

    fn extension(&self, kind: u8, nth: usize) -> Option<&[u8]> {
        let tlvs = wire::proxy::Tlvs::over(&self.session.extensions);
        tlvs.filter(|tlv| tlv.kind == kind)
            .nth(nth)
            .map(|tlv| tlv.value)
    }

    fn server_connection(&self) -> Option<Connection<'_>> {
        let Some(server) = &self.state.server_conn else {
            if let Some(unreached) = &self.state.unreached {
                return Some(Connection {
                    dst: unreached.to.as_ref(),
                    real_dst: unreached.to.as_ref(),
                    error: unreached.error.code(),
                    ..Connection::default()
                });
            }
            let left = self.state.left.as_ref()?;
            return Some(Connection {
                src: left.src.as_ref(),
                dst: left.dst.as_ref(),
                real_src: left.src.as_ref(),
                real_dst: left.dst.as_ref(),
                http_major: 1 + u8::from(left.multiplexed),
                reused: left.reused,
                ..Connection::default()
            });
        };
        let (src, dst) = server.ends.get_or_init(|| {
            let ends = server.conn.ask(|socket| (socket.local(), socket.peer()));
            let (local, peer) = ends.unwrap_or_default();
            (local, self.behind_proxy(server.server.server()).or(peer))
        });
        let end = Connection {
            src: src.as_ref(),
            dst: dst.as_ref(),
            real_src: src.as_ref(),
            real_dst: dst.as_ref(),
            http_major: 1 + u8::from(server.conn.is_multiplexed()),
            proxied: false,
            reused: server.reused,
            ..Connection::default()
        };
        Some(with_stream(end, &server.conn))
    }

    fn frontend(&self) -> Option<&dyn ProxyView> {
        Some(&*self.session.frontend)
    }

    fn backend(&self) -> Option<&dyn ProxyView> {
        self.state
            .backend
            .as_deref()
            .map(|backend| backend as &dyn ProxyView)
    }

    fn server(&self) -> Option<&dyn ServerView> {
        self.state
            .server
            .as_deref()
            .filter(|server| !server.config.is_apart())
            .map(|server| server as &dyn ServerView)
    }

    fn listener(&self) -> Option<(&str, u32)> {
        let bind = &self.session.bind;
        Some((bind.name.as_deref().unwrap_or_default(), bind.id))
    }

    fn request(&self) -> Option<&Head> {
        match self.state.has_request {
            true => Some(&self.state.request),
            false => self.glanced(Side::Request),
        }
    }

    fn response(&self) -> Option<&Head> {
        match self.state.has_response {
            true => Some(&self.state.response),
            false => self.glanced(Side::Response),
        }
    }

    fn is_to_proxy(&self) -> bool {
        self.state.to_proxy
    }

    fn is_tcp(&self) -> bool {
        self.state.glance.is_open()
    }

    fn is_head_pending(&self, side: Side) -> bool {
        let limits = &self.session.runtime.limits;
        self.state
            .glance
            .is_pending(side, self.raw_conn(side), limits)
    }

    fn body(&self, side: Side) -> Option<Content<'_>> {
        if self.state.glance.is_open() {
            // What a TCP stream carries has no body.
            return Some(Content {
                bytes: &[],
                complete: true,
                announced: None,
            });
        }
        let conn = match side {
            Side::Request => &self.client.conn,
            Side::Response => &self.state.server_conn.as_ref()?.conn,
        };
        let announced = match (side, self.state.request_framing) {
            (Side::Request, Framing::Length(n)) => Some(n),
            _ => None,
        };
        let complete = conn.is_body_at_hand() || conn.input.is_full();
        Some(Content {
            bytes: conn.payload(),
            complete,
            announced,
        })
    }

    fn payload(&self, side: Side) -> Option<Content<'_>> {
        // Once it has been read as HTTP there is no payload any more.
        if self.state.has_request {
            return None;
        }
        let conn = match side {
            Side::Request => &self.client.conn,
            Side::Response => &self.state.server_conn.as_ref()?.conn,
        };
        let complete = conn.has_ended() || conn.input.is_full();
        Some(Content {
            bytes: conn.input.bytes(),
            complete,
            announced: None,
        })
    }

    fn var(&self, name: VarId) -> Option<Value<'_>> {
        match name.scope {
            Scope::Process => self.session.runtime.proc_var(name.name),
            Scope::Session => self.session.vars.borrow().get(name).cloned(),
            scope if self.has_scope(scope) => self.state.vars.borrow().get(name).cloned(),
            _ => None,
        }
    }

    fn set_var(&self, name: VarId, value: Option<Value<'_>>) -> bool {
        self.store_var(name, value.map(Value::into_owned))
    }

    fn capture(&self, side: Side, slot: usize, text: &[u8]) -> bool {
        let front = &self.session.frontend.config.front;
        let slots = match side {
            Side::Request => &front.request_captures,
            Side::Response => &front.response_captures,
        };
        let there = slot < slots.len();
        if there {
            self.state
                .noted_captures
                .borrow_mut()
                .push((side, slot, text.into()));
        }
        there
    }

    fn tracked(&self, number: usize) -> Option<&stick::Tracked> {
        self.state
            .counters
            .get(number)
            .or_else(|| self.session.counters.get(number))
    }

    fn facts(&self) -> Option<StreamFacts<'_>> {
        let state = &*self.state;
        let two = Cause::letters(state.cause);
        let backend = self.backend();
        // Heads are counted once they have been passed on, which rules come before.
        let heads = match state.log_step {
            "" => [0; 3],
            _ => state.head_bytes,
        };
        Some(StreamFacts {
            timers: state.times.durations(clock::now_ms()),
            accept_date: state.times.begin_date,
            request_date: state.times.request_date,
            termination: [
                two[0],
                two[1],
                state.persistence.request,
                state.persistence.response,
            ],
            bytes_from_client: state.bytes.0 + heads[0],
            bytes_to_client: state.bytes.1,
            bytes_to_server: state.bytes.0 + heads[1],
            bytes_from_server: state.bytes.1,
            status: match state.status {
                0 if state.has_response => state.response.status(),
                status => status,
            },
            retries: state.retries,
            redispatched: state.redispatched,
            connections: [
                self.session.runtime.process.connections.now().into(),
                self.session.frontend.front.connections.now().into(),
                backend.back.connections.now().into(),
                state
                    .server
                    .as_ref()
                    .map_or(0, |server| server.state.counters.connections.now().into()),
            ],
            queue_positions: state.queue_ahead,
            request_line: (!state.request_line.is_empty()).then_some(&state.request_line[..]),
            request_captures: &state.request_captures,
            response_captures: &state.response_captures,
            cookie_captures: [
                state.cookie_captures[0].as_deref(),
                state.cookie_captures[1].as_deref(),
            ],
            log_level: state.log_level.flatten(),
            ids: [self.session.requests.get().into(), state.number],
        })
    }

    fn unique_id(&self) -> Option<&[u8]> {
        let format = self.session.frontend.config.front.unique_id.as_deref()?;
        if let Some(id) = self.state.unique_id.get() {
            return Some(id);
        }
        let mut text = Vec::new();
        format.render(self, &mut text);
        // Rendering may have asked for the id itself, in which case that inner answer stands.
        Some(self.state.unique_id.get_or_init(|| text))
    }

    fn current_timeout(&self, name: &str) -> Option<u64> {
        let (changed, backend) = (&self.state.timeouts, &self.backend().config.timeouts);
        match name {
            "client" => changed
                .client
                .or(self.session.frontend.config.timeouts.client),
            "server" => changed.server.or(backend.server),
            "tunnel" => changed.tunnel.or(backend.tunnel),
            "connect" => changed.connect.or(backend.connect),
            "queue" => changed.queue.or(backend.queue),
            "tarpit" => changed.tarpit.or(backend.tarpit),
            _ => None,
        }
    }

    fn tcp_info(&self, side: Side) -> Option<TcpInfo> {
        let conn = match side {
            Side::Request => &self.client.conn,
            Side::Response => &self.state.server_conn.as_ref()?.conn,
        };
        let info = conn.ask(|socket| sys::tcp_info(socket).ok()).flatten()?;
        Some(TcpInfo {
            rtt: info.rtt,
            rtt_variation: info.rtt_variation,
            unacked: info.unacked,
            sacked: info.sacked,
            lost: info.lost,
            retransmitted: info.retransmitted,
            forward_acks: info.forward_acks,
            reordering: info.reordering,
        })
    }

    fn saved_syn(&self) -> Option<Vec<u8>> {
        let conn = &self.client.conn;
        conn.ask(|socket| sys::saved_syn(socket).ok()).flatten()
    }

    fn last_rule(&self) -> Option<(&str, u32)> {
        let rule = self.state.last_rule.as_deref()?;
        Some((&rule.origin.0, rule.origin.1))
    }

    fn waiting_rule(&self) -> Option<(&str, u32)> {
        let rule = self.state.waiting_rule.as_deref()?;
        Some((&rule.origin.0, rule.origin.1))
    }

    fn priority(&self) -> Option<(i32, i32)> {
        Some(self.state.priority)
    }

    fn listener_connections(&self) -> Option<u64> {
        Some(self.session.listener.connections.now().into())
    }

    fn each_var(&self, scope: Scope, each: &mut dyn FnMut(&str, &Value<'_>)) {
        let names = &self.session.runtime.snapshot.variables;
        match scope {
            Scope::Process => {
                let vars = self.session.runtime.process.vars.read();
                vars.iter()
                    .for_each(|(id, value)| each(names.name(*id), value));
            }
            Scope::Session => {
                let vars = self.session.vars.borrow();
                vars.of_scope(scope)
                    .for_each(|(id, value)| each(names.name(id.name), value));
            }
            scope if self.has_scope(scope) => {
                let vars = self.state.vars.borrow();
                vars.of_scope(scope)
                    .for_each(|(id, value)| each(names.name(id.name), value));
            }
            _ => {}
        }
    }

    fn authenticate(&self, list: u32, user: &[u8], password: &[u8]) -> Option<&[Box<str>]> {
        let lists = &self.session.runtime.snapshot.user_lists;
        lists.get(list as usize)?.groups_of(user, password)
    }

    fn is_early_log(&self) -> bool {
        self.state.early_log
    }

    fn is_response(&self) -> bool {
        self.state.has_response || self.state.inspects_response
    }

    fn is_final(&self) -> bool {
        !self.state.may_wait
    }

    fn log_origin(&self) -> &str {
        match self.state.log_step {
            "accept" => "txn_accept",
            "request" => "txn_request",
            "connect" => "txn_connect",
            "response" => "txn_response",
            "close" => "txn_close",
            "" => "unspec",
            // The rule set of a `do-log`.
            step => step,
        }
    }
}

/// An end with what its connection tells of the stream; a connection without streams is one of its own.
fn with_stream<'a>(end: Connection<'a>, conn: &Conn) -> Connection<'a> {
    match conn.stream_facts() {
        Some(facts) => Connection {
            streams: facts.streams,
            streams_limit: facts.streams_limit,
            glitches: facts.glitches,
            stream_id: Some(facts.id.into()),
            aborted: facts.reset.is_some(),
            reset_code: facts.reset.map(|code| code.0.into()),
            ..end
        },
        None => Connection {
            streams: 1,
            streams_limit: 1,
            stream_id: Some(0),
            aborted: conn.has_ended(),
            ..end
        },
    }
}
