//! HTTP/2 connections to servers: who has which, and the task that pumps each.

use super::{Half, Multiplexed, open_stream};
use crate::backend::Open;
use crate::clock;
use crate::io::{Buffer, Deadline, Transport};
use crate::profile::{self, profiled};
use crate::proxy::ServerRuntime;
use model::live::Counters;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use wire::h2::Config;

/// A worker's HTTP/2 connections to servers.
#[derive(Debug, Default)]
pub struct Pool {
    connections: RefCell<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    server: Arc<ServerRuntime>,
    /// What tells connections to the same server apart; see `IdleConn::key`.
    key: u64,
    connection: Rc<RefCell<Multiplexed>>,
}

impl Pool {
    /// Opens a stream on a connection to `server` that has room; `usable` judges by how many streams it has served. Gives
    /// the stream with that number.
    pub fn take(
        &self,
        server: &Arc<ServerRuntime>,
        key: u64,
        usable: impl Fn(u32) -> bool,
    ) -> Option<(Half, u32)> {
        let connections = self.connections.borrow();
        let fits = |entry: &&Entry| Arc::ptr_eq(&entry.server, server) && entry.key == key;
        connections.iter().filter(fits).find_map(|entry| {
            let served = entry.connection.borrow().opened();
            let open = usable(served) && !entry.connection.borrow().is_leaving();
            let half = open.then(|| open_stream(&entry.connection)).flatten()?;
            Some((half, served))
        })
    }

    /// Closes a connection to `server` that no stream is on.
    pub fn shed(&self, server: &Arc<ServerRuntime>) {
        let connections = self.connections.borrow();
        let idle = connections.iter().find(|entry| {
            Arc::ptr_eq(&entry.server, server) && entry.connection.borrow().streams() == 0
        });
        if let Some(entry) = idle {
            entry.connection.borrow_mut().go_away();
        }
    }

    fn remove(&self, connection: &Rc<RefCell<Multiplexed>>) {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|entry| !Rc::ptr_eq(&entry.connection, connection));
    }
}

/// Begins to speak HTTP/2 on a connection to a server, and opens its first stream. With `shared`, others may open streams
/// on it as well. `header` is sent in front of everything else.
pub fn open(
    pool: &Rc<Pool>,
    server: &Arc<ServerRuntime>,
    key: u64,
    shared: bool,
    (socket, place): (Transport, Option<Open>),
    (config, header, counters): (Config, Vec<u8>, Arc<Counters>),
) -> Option<Half> {
    let connection = Multiplexed::new(socket, Buffer::default(), config, counters);
    connection.borrow_mut().core.send_first(&header);
    let half = open_stream(&connection)?;
    if shared {
        pool.connections.borrow_mut().push(Entry {
            server: server.clone(),
            key,
            connection: connection.clone(),
        });
    }
    let idle = server.config.settings.pool_purge_delay;
    let pumped = pump(pool.clone(), connection, idle, shared);
    tokio::task::spawn_local(profiled(profile::SharedServer, async move {
        pumped.await;
        drop(place);
    }));
    Some(half)
}

/// Pumps until the connection ends, or nobody has used it for `idle` milliseconds.
async fn pump(pool: Rc<Pool>, connection: Rc<RefCell<Multiplexed>>, idle: u64, shared: bool) {
    let mut deadline = Deadline::default();
    let mut idle_since = None;
    let mut news = Vec::new();
    poll_fn(|cx| {
        let mut connection = connection.borrow_mut();
        if connection.poll(cx, &mut news).is_ready() {
            return Poll::Ready(());
        }
        news.clear();
        if connection.streams() > 0 {
            idle_since = None;
            return Poll::Pending;
        }
        if connection.is_leaving() || !shared {
            return Poll::Ready(());
        }
        let since = *idle_since.get_or_insert_with(clock::now_ms);
        deadline.poll(cx, Some(since + idle))
    })
    .await;
    pool.remove(&connection);
}
