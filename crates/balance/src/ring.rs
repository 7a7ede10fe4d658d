//! Consistent hashing: a ring with as many nodes per server as its effective weight; also under `random`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;

use xxhash_rust::xxh32::xxh32;

use crate::farm::{Farm, Serving};
use crate::hash::full_hash;
use crate::server::{Load, MAX_EFFECTIVE, PickCtx, ServerIdx};

/// Where a server's nodes begin (`hash-key`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeKey(pub u32);

impl NodeKey {
    /// `hash-key id`: room for every possible node of each id; 28 bits of it count.
    #[must_use]
    pub const fn from_id(id: u32) -> Self {
        Self(id.wrapping_mul(MAX_EFFECTIVE))
    }

    /// `hash-key id32`: all 32 bits count, hashed so that neighbours share no nodes.
    #[must_use]
    pub fn from_id32(id: u32) -> Self {
        Self(full_hash(id.swap_bytes()))
    }

    /// `hash-key guid`.
    #[must_use]
    pub fn from_guid(guid: &str) -> Self {
        Self(xxh32(guid.as_bytes(), 0))
    }

    /// `hash-key addr` and, with a port, `addr-port`.
    #[must_use]
    pub fn from_address(ip: IpAddr, port: Option<u16>) -> Self {
        let port = port.map_or(0, |port| full_hash(u32::from(port)));
        Self(match ip {
            IpAddr::V4(v4) => full_hash(port.wrapping_add(u32::from_le_bytes(v4.octets()))),
            IpAddr::V6(v6) => xxh32(&v6.octets(), port),
        })
    }
}

/// `hash-preserve-affinity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Affinity {
    /// Keep to the hash.
    #[default]
    Always,
    /// Skip servers at their `maxconn`.
    Maxconn,
    /// Skip servers whose limited queue is full.
    Maxqueue,
}

/// Settings of a consistent hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RingOptions {
    /// `hash-balance-factor` in percent, zero for none.
    pub balance_factor: u32,
    /// `hash-preserve-affinity`.
    pub affinity: Affinity,
}

/// Position and arrival.
type Place = (u32, u64);

#[derive(Debug, Clone)]
pub(crate) struct Ring {
    options: RingOptions,
    nodes: [BTreeMap<Place, ServerIdx>; 2],
    /// The arrivals of each server's nodes, which with their positions find them again.
    owned: Vec<Vec<u64>>,
    arrivals: u64,
    last: Option<Place>,
    /// Weight of the usable servers before each one in its group.
    before: Vec<u32>,
    stale: bool,
}

impl Ring {
    pub fn new(farm: &Farm, options: RingOptions) -> Self {
        let mut ring = Self {
            options,
            nodes: Default::default(),
            owned: Vec::new(),
            arrivals: 0,
            last: None,
            before: Vec::new(),
            stale: true,
        };
        for (idx, _) in farm.iter() {
            ring.owned.push(Vec::new());
            ring.changed(farm, idx);
        }
        ring
    }

    pub fn push(&mut self) {
        self.owned.push(Vec::new());
    }

    /// Takes a server's nodes off the ring, so that they can be put elsewhere.
    pub fn clear(&mut self, farm: &Farm, idx: ServerIdx) {
        if let (Some(member), Some(owned)) = (farm.get(idx), self.owned.get_mut(idx.at())) {
            let nodes = &mut self.nodes[member.group()];
            for (nth, arrival) in owned.drain(..).enumerate() {
                let key = member.spec.node_key.0.wrapping_add(nth as u32);
                nodes.remove(&(full_hash(key), arrival));
            }
        }
    }

    /// Gives a server as many nodes as it should have now.
    pub fn changed(&mut self, farm: &Farm, idx: ServerIdx) {
        self.stale = true;
        let (Some(member), Some(owned)) = (farm.get(idx), self.owned.get_mut(idx.at())) else {
            return;
        };
        let wanted = if member.usable() {
            member.eweight as usize
        } else {
            0
        };
        let nodes = &mut self.nodes[member.group()];
        let position = |nth: usize| full_hash(member.spec.node_key.0.wrapping_add(nth as u32));
        while owned.len() > wanted {
            if let Some(arrival) = owned.pop() {
                nodes.remove(&(position(owned.len()), arrival));
            }
        }
        while owned.len() < wanted {
            nodes.insert((position(owned.len()), self.arrivals), idx);
            owned.push(self.arrivals);
            self.arrivals += 1;
        }
    }

    fn group(farm: &Farm) -> Result<usize, Option<ServerIdx>> {
        match farm.serving() {
            Serving::None => Err(None),
            Serving::Only(idx) => Err(Some(idx)),
            Serving::Group(group) => Ok(group),
        }
    }

    /// The server whose node stands closest to the hash, then onwards to one that may be used.
    pub fn by_hash(&mut self, farm: &Farm, ctx: &PickCtx<'_>, hash: u32) -> Option<ServerIdx> {
        let group = match Self::group(farm) {
            Ok(group) => group,
            Err(only) => return only,
        };
        self.refresh(farm);
        let nodes = &self.nodes[group];
        let above = nodes
            .range((hash, 0)..)
            .next()
            .or_else(|| nodes.iter().next())?;
        let below = nodes
            .range(..(hash, 0))
            .next_back()
            .or_else(|| nodes.iter().next_back())?;
        let closer_below = hash.wrapping_sub(below.0.0) <= above.0.0.wrapping_sub(hash);
        let (start, closest) = if closer_below { below } else { above };
        let serves = |idx| ctx.avoid != Some(idx) && self.admits(farm, ctx.load, group, idx);
        if serves(*closest) {
            return Some(*closest);
        }
        let mut last = None;
        for (_, idx) in nodes.range(start..).chain(nodes.range(..start)) {
            last = Some(*idx);
            if serves(*idx) {
                return last;
            }
        }
        last
    }

    fn admits(&self, farm: &Farm, load: &dyn Load, group: usize, idx: ServerIdx) -> bool {
        let limit = load.limit(idx);
        let kept = match self.options.affinity {
            Affinity::Always => true,
            Affinity::Maxconn => limit == 0 || load.served(idx) < limit,
            Affinity::Maxqueue => {
                let maxqueue = load.maxqueue(idx);
                limit == 0 || maxqueue == 0 || load.queued(idx) < maxqueue
            }
        };
        kept && (self.options.balance_factor == 0 || self.in_bounds(farm, load, group, idx))
    }

    /// Whether the server has less than its share of the permitted total (`hash-balance-factor`).
    fn in_bounds(&self, farm: &Farm, load: &dyn Load, group: usize, idx: ServerIdx) -> bool {
        let weight = farm.get(idx).map_or(0, |member| u64::from(member.eweight));
        let total = u64::from(farm.total(group)).max(1);
        let slots = (u64::from(load.backend_served()) + 1) * u64::from(self.options.balance_factor);
        let slots = slots.div_ceil(100);
        // What does not divide evenly goes to servers along their order, so that all shares add up to the total.
        let (each, rest) = (slots / total, slots % total);
        let before = self.before.get(idx.at()).copied().map_or(0, u64::from);
        let share = weight * each + (before + weight) * rest / total - before * rest / total;
        u64::from(load.served(idx)) < share.max(1)
    }

    fn refresh(&mut self, farm: &Farm) {
        if !self.stale || self.options.balance_factor == 0 {
            return;
        }
        self.stale = false;
        self.before.clear();
        let mut sums = [0; 2];
        for (_, member) in farm.iter() {
            let sum = &mut sums[member.group()];
            self.before.push(*sum);
            if member.usable() {
                *sum += member.eweight;
            }
        }
    }

    /// For a request without a key: the next server along the ring.
    pub fn in_turn(&mut self, farm: &Farm, ctx: &PickCtx<'_>) -> Option<ServerIdx> {
        let group = match Self::group(farm) {
            Ok(group) => group,
            Err(only) => return only,
        };
        let nodes = &self.nodes[group];
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let until = self.last.unwrap_or((0, 0));
        let rest = nodes
            .range(..=until)
            .take(if self.last.is_some() { usize::MAX } else { 0 });
        let mut avoided = None;
        for (place, idx) in nodes.range((after, Bound::Unbounded)).chain(rest) {
            if !ctx.load.has_room(*idx) {
                continue;
            }
            if ctx.avoid != Some(*idx) {
                self.last = Some(*place);
                return Some(*idx);
            }
            avoided = Some((*place, *idx));
        }
        let (place, idx) = avoided?;
        self.last = Some(place);
        Some(idx)
    }

    /// Whether all nodes of the server's group are its own.
    fn is_alone(&self, farm: &Farm, idx: ServerIdx) -> bool {
        let group = farm.get(idx).map_or(0, |member| member.group());
        let own = self.owned.get(idx.at()).map_or(0, Vec::len);
        own == self.nodes[group].len()
    }

    /// The least loaded of several servers drawn by chance; nobody when even that one is full.
    pub fn random(&mut self, farm: &Farm, ctx: &PickCtx<'_>, draws: u32) -> Option<ServerIdx> {
        let mut best: Option<ServerIdx> = None;
        for _ in 0..draws.max(1) {
            let drawn = self.by_hash(farm, ctx, (ctx.random)())?;
            if self.is_alone(farm, drawn) {
                best = Some(drawn);
                break;
            }
            best = Some(best.map_or(drawn, |held| lighter(farm, ctx.load, held, drawn)));
        }
        best.filter(|idx| ctx.load.has_room(*idx))
    }
}

/// The lighter of two servers for its weight, then the one asked less often, then the one drawn later.
fn lighter(farm: &Farm, load: &dyn Load, held: ServerIdx, drawn: ServerIdx) -> ServerIdx {
    let weight = |idx| farm.get(idx).map_or(1, |member| u64::from(member.eweight));
    let relative = |own: u32, other| u64::from(own) * weight(other);
    if held == drawn {
        return drawn;
    }
    let (a, b) = (
        relative(load.served(held), drawn),
        relative(load.served(drawn), held),
    );
    let (a, b) = if a == b {
        (
            relative(load.rate(held), drawn),
            relative(load.rate(drawn), held),
        )
    } else {
        (a, b)
    };
    if a < b { held } else { drawn }
}
