//! What happens between the accept and the first stream: connection rules, relay headers, session rules.

use crate::clock;
use crate::mux::Received;
use crate::session::{ClientSide, Session};
use crate::stream::{Stream, Verdict};
use crate::worker::Worker;
use base::Endpoint;
use model::rules::{CloseKind, RelayHeader, Rule};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use wire::proxy::{self, Addresses, CipOutcome, Command, Outcome};

/// Takes a connection through its handshakes. `None` when it was refused.
pub async fn establish(
    session: Session,
    worker: &Rc<Worker>,
    client: &mut ClientSide,
) -> Option<Session> {
    let rules = session.frontend.config.rules.clone();
    let mut session = rules_at(session, worker, client, &rules.tcp_connection).await?;
    let (kept, expected) = expected_header(session, worker, client, &rules.tcp_connection)?;
    session = kept;
    if let Some(expected) = expected {
        relay_header(&mut session, client, expected).await?;
    }
    session.handshake = clock::now_ms();
    rules_at(session, worker, client, &rules.tcp_session).await
}

/// The relay header that the listening socket or a rule asks for.
fn expected_header(
    session: Session,
    worker: &Rc<Worker>,
    client: &mut ClientSide,
    rules: &[Arc<Rule>],
) -> Option<(Session, Option<Relay>)> {
    if session.bind.accept_proxy {
        return Some((session, Some(Relay::Proxy)));
    }
    if let Some(magic) = session.bind.accept_netscaler {
        return Some((session, Some(Relay::NetScaler(magic))));
    }
    if !rules
        .iter()
        .any(|rule| rule.action.expects_relay_header().is_some())
    {
        return Some((session, None));
    }
    let session = Rc::new(session);
    let expected = {
        let stream = Stream::new(&session, worker, client);
        let applies = |rule: &&Arc<Rule>| {
            rule.condition
                .as_ref()
                .is_none_or(|condition| condition.holds(&stream))
        };
        rules
            .iter()
            .filter(applies)
            .find_map(|rule| rule.action.expects_relay_header())
    };
    let magic = session.bind.accept_netscaler.unwrap_or(0);
    let relay = expected.map(|header| match header {
        RelayHeader::Proxy => Relay::Proxy,
        RelayHeader::NetScaler => Relay::NetScaler(magic),
    });
    Some((Rc::into_inner(session)?, relay))
}

/// Runs connection or session rules and takes over what they changed.
async fn rules_at(
    session: Session,
    worker: &Rc<Worker>,
    client: &mut ClientSide,
    rules: &[Arc<Rule>],
) -> Option<Session> {
    if rules.is_empty() {
        return Some(session);
    }
    let session = Rc::new(session);
    let (verdict, src, dst, level) = {
        let mut stream = Stream::new(&session, worker, client);
        let verdict = stream.run_rules(rules).await;
        let state = &mut stream.state;
        (
            verdict,
            state.src.take(),
            state.dst.take(),
            state.log_level.take(),
        )
    };
    let mut session = Rc::into_inner(session)?;
    match verdict {
        Verdict::Pass => {}
        Verdict::Close(CloseKind::Silent) => {
            model::live::count(&session.frontend.front.denied_requests, 1);
            // A reset is sent to nobody: the peer finds out by its own timeouts only when the kernel drops the socket.
            client.conn.socket().linger_zero();
            return None;
        }
        _ => {
            model::live::count(&session.frontend.front.denied_requests, 1);
            return None;
        }
    }
    session.src = src.or(session.src);
    session.dst = dst.or(session.dst);
    session.log_level = level.or(session.log_level);
    Some(session)
}

/// Which relay header is expected.
#[derive(Debug, Clone, Copy)]
enum Relay {
    Proxy,
    NetScaler(u32),
}

/// What a relay header said.
struct Told {
    consumed: usize,
    ends: Option<(Endpoint, Endpoint)>,
    authority: Option<Box<[u8]>>,
}

/// Reads a relay header and applies it. `None` when it is missing or faulty.
async fn relay_header(
    session: &mut Session,
    client: &mut ClientSide,
    expected: Relay,
) -> Option<()> {
    let timeouts = &session.frontend.config.timeouts;
    let at = timeouts
        .handshake
        .or(timeouts.client)
        .map(|timeout| clock::now_ms() + timeout);
    let ClientSide { conn, deadline, .. } = client;
    let received = poll_fn(|cx| match conn.poll_fill(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => deadline.poll(cx, at).map(|()| None),
    });
    if !matches!(received.await, Some(Ok(Received::Bytes))) {
        return None;
    }
    // A header that comes in pieces is refused, as HAProxy does: relays send it in one write.
    let told = match expected {
        Relay::Proxy => read_proxy(conn.input.bytes())?,
        Relay::NetScaler(magic) => read_netscaler(magic, conn.input.bytes())?,
    };
    conn.input.consume(told.consumed);
    if let Some((src, dst)) = told.ends {
        session.src = Some(Arc::new(src));
        session.dst = Some(Arc::new(dst));
        session.proxied = true;
    }
    session.authority = told.authority;
    Some(())
}

fn read_proxy(bytes: &[u8]) -> Option<Told> {
    let Outcome::Done { consumed, header } = proxy::parse(bytes) else {
        return None;
    };
    let authority = header.tlvs.find(proxy::kind::AUTHORITY).map(Box::from);
    let ends = match (header.command, header.addresses) {
        (Command::Proxy, Addresses::Inet { src, dst }) => {
            Some((Endpoint::Inet(src), Endpoint::Inet(dst)))
        }
        _ => None,
    };
    Some(Told {
        consumed,
        ends,
        authority,
    })
}

fn read_netscaler(magic: u32, bytes: &[u8]) -> Option<Told> {
    let CipOutcome::Done { consumed, header } = proxy::parse_cip(magic, bytes) else {
        return None;
    };
    Some(Told {
        consumed,
        ends: Some((Endpoint::Inet(header.src), Endpoint::Inet(header.dst))),
        authority: None,
    })
}
