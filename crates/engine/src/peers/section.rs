//! A section's live state: its tables, its members, and how far each of them is.

use super::resync::Resync;
use crate::clock;
use crate::proxy::{ProxyRuntime, ServerRuntime};
use model::Address;
use model::peers::Peers;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use stick::{Cursor, Table};
use tokio::sync::{Notify, watch};
use wire::peers::{Learned, Sent, Status as Answer};

/// A table that the members of a section share.
#[derive(Debug)]
pub struct Shared {
    /// The table.
    pub table: Arc<Table>,
    /// The name that peers know it by.
    pub name: Arc<str>,
    /// The table that takes what peers say of this one (`write-to`).
    pub also: Option<Arc<Table>>,
}

/// What a section does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It talks to its members.
    Running,
    /// The process stops: it teaches the one after it.
    Leaving,
    /// Nothing any more.
    Closed,
}

/// A `peers` section.
#[derive(Debug)]
pub struct Section {
    /// Its configuration.
    pub config: Arc<Peers>,
    /// Its listener and its members as the proxy and its servers.
    pub proxy: Arc<ProxyRuntime>,
    /// Its tables; peers know them by their place plus one.
    pub tables: Vec<Shared>,
    /// Its members, this process among them.
    pub members: Vec<Member>,
    /// When it began, in milliseconds since the start.
    pub since: u64,
    pub(super) resync: Mutex<Resync>,
    /// Rings when a table has changed.
    pub(super) news: Arc<Notify>,
    pub(super) phase: watch::Sender<Phase>,
    /// Where this process listens, which is where the one after it will.
    pub(super) address: Mutex<Option<Address>>,
    sessions: AtomicU64,
    /// There is nobody, or nobody any more, to be taught by a process that stops.
    pub(super) left: AtomicBool,
}

/// A member of a section.
#[derive(Debug)]
pub struct Member {
    /// Its server line.
    pub server: Arc<ServerRuntime>,
    /// Whether it is this process.
    pub local: bool,
    /// How far it is.
    pub state: Mutex<MemberState>,
    /// Rings when its connection is to look around, or is gone.
    pub(super) news: Notify,
}

/// What of a member is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// There never was a connection.
    #[default]
    None,
    /// One is being opened.
    Connecting,
    /// The last attempt was answered with this.
    Answered(Answer),
    /// They talk to each other.
    Established,
    /// They did.
    Lost,
}

/// How far a member is.
#[derive(Debug, Default)]
pub struct MemberState {
    /// Its connection.
    pub status: Status,
    /// The number of the connection that counts; 0 for none.
    pub session: u64,
    /// Whether this side has connected and waits for the answer.
    pub(super) calling: bool,
    /// When the next attempt is made.
    pub reconnect: Option<u64>,
    /// When the last connection came about.
    pub handshake: Option<u64>,
    /// When the next heartbeat is due.
    pub heartbeat: Option<u64>,
    /// Both ends of the connection, and whether it speaks TLS.
    pub ends: Option<(base::Endpoint, base::Endpoint, bool)>,
    /// Whether it is being taught, and whether it has been since it connected.
    pub teaching: bool,
    /// It has heard that teaching is over.
    pub confirmed: bool,
    /// It has been told everything since.
    pub(super) settled: bool,
    /// It speaks version 2.0 only.
    pub(super) downgraded: bool,
    /// Its tables.
    pub tables: Vec<TableState>,
    /// Texts that it was sent.
    pub sent: Sent,
    /// Texts that it has sent.
    pub learned: Learned,
    /// Heartbeats sent and received.
    pub heartbeats: (u64, u64),
    /// How often it was silent for too long, connected, sent what is no message, and met another connection.
    pub silences: u64,
    /// Connections that came about.
    pub connections: u64,
    /// Messages that were none.
    pub faults: u64,
    /// Connections that gave way to another one.
    pub collisions: u64,
}

/// What a member has of a table.
#[derive(Debug, Default)]
pub struct TableState {
    /// Its number for it; 0 as long as it has not defined it.
    pub remote_id: u64,
    /// The data types it sends, as bits.
    pub remote_data: u64,
    /// The last update that it has acknowledged, that was sent, and that came.
    pub last_acked: u32,
    /// The last update sent.
    pub last_pushed: u32,
    /// The last update received.
    pub last_get: u32,
    /// Everything before is known to have arrived.
    pub(super) cursor: Cursor,
}

impl Section {
    /// A section at its start. `follows` is whether the process takes another one's place.
    #[must_use]
    pub fn new(config: Arc<Peers>, tables: &[Arc<Table>], workers: usize, follows: bool) -> Self {
        let proxy = Arc::new(ProxyRuntime::new(config.proxy.clone(), workers));
        let shared: Vec<Shared> = config
            .tables
            .iter()
            .filter_map(|(at, name)| {
                let table = tables.get(*at as usize)?.clone();
                let also = table.config().write_to.as_ref();
                let also = also.and_then(|name| tables.iter().find(|t| t.name() == &**name));
                Some(Shared {
                    also: also.cloned(),
                    name: name.clone(),
                    table,
                })
            })
            .collect();
        let news = Arc::new(Notify::new());
        for shared in &shared {
            let news = news.clone();
            shared.table.on_change(move || news.notify_waiters());
        }
        let servers = proxy.servers.load();
        let member = |(at, server): (usize, &Arc<ServerRuntime>)| Member {
            server: server.clone(),
            local: at == config.local,
            state: Mutex::new(MemberState {
                tables: shared.iter().map(|_| TableState::default()).collect(),
                ..MemberState::default()
            }),
            news: Notify::new(),
        };
        let members = servers.iter().enumerate().map(member).collect();
        drop(servers);
        let now = clock::now_ms();
        Self {
            proxy,
            tables: shared,
            members,
            since: now,
            resync: Mutex::new(Resync::new(follows, now)),
            news,
            phase: watch::Sender::new(Phase::Running),
            address: Mutex::new(None),
            sessions: AtomicU64::new(0),
            left: AtomicBool::new(false),
            config,
        }
    }

    /// The same section after a reload that has changed some of its tables: who knows what of the others stays known.
    #[must_use]
    pub fn following(self, old: &Self) -> Self {
        *self.resync.lock() = match old.resync.lock().is_done(clock::now_ms()) {
            true => Resync::Done,
            false => Resync::new(false, clock::now_ms()),
        };
        for (new, old_member) in self.members.iter().zip(&old.members) {
            let (mut new, old_state) = (new.state.lock(), old_member.state.lock());
            for (shared, state) in self.tables.iter().zip(&mut new.tables) {
                let same = |other: &&Shared| Arc::ptr_eq(&other.table, &shared.table);
                let place = old.tables.iter().position(|other| same(&other));
                if let Some(known) = place.and_then(|at| old_state.tables.get(at)) {
                    state.cursor = known.cursor.clone();
                }
            }
        }
        self
    }

    /// Whether it shares the same tables as the section of this configuration would.
    #[must_use]
    pub fn shares(&self, config: &Peers, tables: &[Arc<Table>]) -> bool {
        let same = |((at, name), shared): (&(u32, Arc<str>), &Shared)| {
            let table = tables.get(*at as usize);
            *name == shared.name && table.is_some_and(|table| Arc::ptr_eq(table, &shared.table))
        };
        config.tables.len() == self.tables.len() && config.tables.iter().zip(&self.tables).all(same)
    }

    /// A number for a connection.
    pub(super) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How many connections there have been.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed)
    }

    /// The place of the member of this name.
    pub(super) fn place_of(&self, name: &[u8]) -> Option<usize> {
        let name_of = |member: &Member| member.server.config.name.as_bytes() == name;
        self.members.iter().position(name_of)
    }

    /// This process' name.
    #[must_use]
    pub fn local_name(&self) -> Arc<str> {
        let local = self.members.get(self.config.local);
        local.map_or_else(|| "".into(), |local| local.server.config.name.clone())
    }

    /// Whether the process after this one has been taught, or there is none.
    pub(super) fn has_left(&self) -> bool {
        let local = self.members.get(self.config.local);
        self.left.load(Ordering::Relaxed) || local.is_none_or(|local| local.state.lock().settled)
    }

    /// Whether it talks to its members.
    pub(super) fn is_running(&self) -> bool {
        *self.phase.borrow() == Phase::Running
    }

    /// How far this process has been taught.
    #[must_use]
    pub fn resync(&self) -> Resync {
        let mut resync = self.resync.lock();
        resync.advance(clock::now_ms());
        *resync
    }

    /// Where this process listens.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.address.lock().clone()
    }
}
