//! One backend's algorithm with its servers.

use crate::farm::{Change, Farm};
use crate::first::First;
use crate::leastconn::LeastConn;
use crate::map::Map;
use crate::ring::{NodeKey, Ring, RingOptions};
use crate::roundrobin::RoundRobin;
use crate::server::{Load, MAX_EFFECTIVE, PickCtx, ServerIdx, ServerSpec};
use crate::sticky::Sticky;

/// `balance` with `hash-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `roundrobin`.
    RoundRobin,
    /// `static-rr`.
    StaticRr,
    /// `leastconn`.
    LeastConn,
    /// `first`.
    First,
    /// `random`, with its number of draws; takes `hash-balance-factor`.
    Random {
        /// Draws, at least 1; HAProxy's default is 2.
        draws: u32,
        /// Settings of the ring underneath.
        ring: RingOptions,
    },
    /// `sticky`.
    Sticky,
    /// A hash algorithm with `hash-type map-based`.
    HashMap,
    /// A hash algorithm with `hash-type consistent`.
    HashRing(RingOptions),
}

#[derive(Debug, Clone)]
enum State {
    RoundRobin(RoundRobin),
    StaticRr(Map),
    LeastConn(LeastConn),
    First(First),
    Random(Ring, u32),
    Sticky(Sticky),
    HashMap(Map),
    HashRing(Ring),
}

/// Picks servers. Meant to stand behind one short lock per backend.
#[derive(Debug, Clone)]
pub struct Balancer {
    farm: Farm,
    state: State,
}

impl Balancer {
    /// A balancer over servers in their order of configuration; `all_backups` is `option allbackups`.
    #[must_use]
    pub fn new(algorithm: Algorithm, servers: &[ServerSpec], all_backups: bool) -> Self {
        let farm = Farm::new(servers, all_backups);
        let state = match algorithm {
            Algorithm::RoundRobin => State::RoundRobin(RoundRobin::new(&farm)),
            Algorithm::StaticRr => State::StaticRr(Map::new(&farm)),
            Algorithm::LeastConn => State::LeastConn(LeastConn::new(&farm)),
            Algorithm::First => State::First(First::new(&farm)),
            Algorithm::Random { draws, ring } => State::Random(Ring::new(&farm, ring), draws),
            Algorithm::Sticky => State::Sticky(Sticky::new(&farm)),
            Algorithm::HashMap => State::HashMap(Map::new(&farm)),
            Algorithm::HashRing(options) => State::HashRing(Ring::new(&farm, options)),
        };
        Self { farm, state }
    }

    /// The server for the next request; `None` when none is in service or all that may be considered are full, in
    /// which case the request waits in the backend's queue.
    ///
    /// An algorithm that repositions by load needs [`Balancer::on_conn_change`] once the request is counted.
    pub fn pick(&mut self, ctx: &PickCtx<'_>) -> Option<ServerIdx> {
        let farm = &self.farm;
        match &mut self.state {
            State::RoundRobin(turns) => turns.pick(farm, ctx),
            State::StaticRr(map) => map.in_turn(farm, ctx),
            State::LeastConn(least) => least.pick(farm, ctx),
            State::First(first) => first.pick(farm, ctx),
            State::Random(ring, draws) => ring.random(farm, ctx, *draws),
            State::Sticky(sticky) => sticky.pick(farm, ctx),
            State::HashMap(map) => match ctx.hash {
                Some(hash) => map.by_hash(farm, hash),
                None => map.in_turn(farm, ctx),
            },
            State::HashRing(ring) => match ctx.hash {
                Some(hash) => ring.by_hash(farm, ctx, hash),
                None => ring.in_turn(farm, ctx),
            },
        }
    }

    /// Whether weights may be changed while running. Where not, only zero and the configured weight make sense, and
    /// HAProxy's CLI takes nothing else.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        !matches!(self.state, State::StaticRr(_) | State::HashMap(_))
    }

    /// Sets a server's effective weight (`effective_weight(user)`, less during a slow start; 0..=4096).
    ///
    /// Zero takes it out of service.
    pub fn set_weight(&mut self, idx: ServerIdx, eweight: u32, load: &dyn Load) {
        self.update(idx, None, Some(eweight.min(MAX_EFFECTIVE)), load);
    }

    /// Sets whether a server may be given connections (up, and neither draining nor in maintenance).
    pub fn set_usable(&mut self, idx: ServerIdx, usable: bool, load: &dyn Load) {
        self.update(idx, Some(usable), None, load);
    }

    /// Sets both at once, as for a server that comes up in a slow start.
    pub fn update(
        &mut self,
        idx: ServerIdx,
        usable: Option<bool>,
        eweight: Option<u32>,
        load: &dyn Load,
    ) {
        let (change, before) = self.farm.update(idx, usable, eweight);
        if change == Change::None {
            return;
        }
        let farm = &self.farm;
        match &mut self.state {
            State::RoundRobin(turns) => turns.changed(farm, idx, change, before),
            State::StaticRr(map) | State::HashMap(map) => map.changed(),
            State::LeastConn(least) => least.reposition(farm, idx, load),
            State::First(first) => first.changed(farm, idx),
            State::Random(ring, _) | State::HashRing(ring) => ring.changed(farm, idx),
            State::Sticky(sticky) => sticky.changed(farm, idx),
        }
    }

    /// Moves a server's nodes on a consistent hash's ring.
    pub fn set_node_key(&mut self, idx: ServerIdx, key: NodeKey) {
        if let State::Random(ring, _) | State::HashRing(ring) = &mut self.state {
            ring.clear(&self.farm, idx);
            self.farm.set_node_key(idx, key);
            ring.changed(&self.farm, idx);
        }
    }

    /// Adds a server while running (`add server`) and says its index.
    pub fn add(&mut self, spec: ServerSpec, load: &dyn Load) -> ServerIdx {
        let idx = self.farm.push(ServerSpec { up: false, ..spec });
        match &mut self.state {
            State::RoundRobin(turns) => turns.push(),
            State::StaticRr(map) | State::HashMap(map) => *map = Map::new(&self.farm),
            State::LeastConn(least) => least.push(),
            State::First(_) => {}
            State::Random(ring, _) | State::HashRing(ring) => ring.push(),
            State::Sticky(sticky) => sticky.push(),
        }
        self.set_usable(idx, spec.up, load);
        idx
    }

    /// Whether [`Balancer::on_conn_change`] does anything.
    #[must_use]
    pub fn needs_conn_change(&self) -> bool {
        matches!(self.state, State::LeastConn(_))
    }

    /// To be called after a server's served or queued count changed.
    pub fn on_conn_change(&mut self, idx: ServerIdx, load: &dyn Load) {
        if let State::LeastConn(least) = &mut self.state {
            least.reposition(&self.farm, idx, load);
        }
    }

    /// Whether a server is among those that get traffic now, so that it may take from the backend's queue: an active
    /// one, or with no active one left the first backup, or any with `option allbackups`.
    #[must_use]
    pub fn serves(&self, idx: ServerIdx) -> bool {
        match self.farm.serving() {
            crate::farm::Serving::None => false,
            crate::farm::Serving::Only(only) => only == idx,
            crate::farm::Serving::Group(group) => self
                .farm
                .get(idx)
                .is_some_and(|member| member.usable() && member.group() == group),
        }
    }

    /// How many active and how many backup servers are in service.
    #[must_use]
    pub fn in_service(&self) -> (usize, usize) {
        self.farm.in_service()
    }

    /// Whether `option allbackups` is set.
    #[must_use]
    pub fn all_backups(&self) -> bool {
        self.farm.all_backups()
    }
}
