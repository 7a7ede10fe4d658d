//! The edge's side: a client's connection becomes one of a server's.

use crate::io::Deadline;
use crate::mux::Conn;
use crate::mux::h2::{Multiplexed, Terms};
use crate::session::{ClientSide, Session};
use crate::worker::Worker;
use model::rules::Attachment;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::task::Poll;
use wire::h2::Config;

/// What tells the connections of one server apart: 0 for those without a name.
#[must_use]
pub fn key(name: Option<&[u8]>) -> u64 {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return 0;
    };
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish() | 1
}

/// Waits until HTTP/2 has begun on a client's connection, and hands it to the server. Nothing is left of the session.
pub async fn attach(session: &Session, worker: &Worker, client: &mut ClientSide, to: Attachment) {
    let conn = std::mem::replace(&mut client.conn, Conn::unconnected());
    let Some((socket, input)) = conn.into_parts() else {
        return;
    };
    let runtime = &session.runtime;
    let config = Config {
        turns: true,
        ..runtime.http2.0
    };
    let counters = session.frontend.front.clone();
    let mut connection = Multiplexed::begin(socket, input, config, counters);
    let timeouts = &session.frontend.config.timeouts;
    let timeout = timeouts.http_request.or(timeouts.client);
    let at = timeout.map(|timeout| session.handshake + timeout);
    if !has_turned(session, &mut connection, &mut client.deadline, at).await {
        return;
    }
    let Some(backend) = runtime.backend(&to.backend) else {
        return;
    };
    let Some(server) = backend.server_named(&to.server) else {
        return;
    };
    let Some(attached) = &server.attached else {
        return;
    };
    let settings = &server.config.settings;
    connection.turned(&backend.back);
    let terms = Terms {
        idle: settings.pool_purge_delay,
        uses: settings.max_reuse,
        most: settings.pool_max,
    };
    attached.attach(worker.index, key(to.name.as_deref()), connection, terms);
}

/// Waits until the ends have changed their roles; `false` when that will not be.
async fn has_turned(
    session: &Session,
    connection: &mut Multiplexed,
    deadline: &mut Deadline,
    at: Option<u64>,
) -> bool {
    let mut news = Vec::new();
    let turned = poll_fn(|cx| {
        let over = connection.poll(cx, &mut news).is_ready();
        if over || !connection.is_to_turn() {
            return Poll::Ready(!over);
        }
        let stopping = session.runtime.process.is_stopping();
        if stopping || deadline.poll(cx, at).is_ready() {
            connection.go_away();
            let _ = connection.poll(cx, &mut news);
            return Poll::Ready(false);
        }
        Poll::Pending
    });
    turned.await
}
