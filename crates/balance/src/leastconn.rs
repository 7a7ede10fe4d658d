//! `leastconn`: the server with the fewest connections for its weight; turns among equals.

use std::collections::BTreeSet;

use crate::farm::{Farm, Serving};
use crate::server::{Load, MAX_EFFECTIVE, PickCtx, ServerIdx};

/// Load per weight, arrival (who has waited longest comes first), server.
type Entry = (u32, u64, ServerIdx);

#[derive(Debug, Clone, Default)]
pub(crate) struct LeastConn {
    trees: [BTreeSet<Entry>; 2],
    entries: Vec<Option<Entry>>,
    arrivals: u64,
}

/// An idle server comes first whatever its weight; another's load counts one connection more than it has.
fn key(eweight: u32, served: u32, queued: u32) -> u32 {
    match served.saturating_add(queued) {
        0 => 0,
        load => load.saturating_add(1).saturating_mul(MAX_EFFECTIVE) / eweight.max(1),
    }
}

impl LeastConn {
    pub fn new(farm: &Farm) -> Self {
        let mut all = Self::default();
        for (idx, member) in farm.iter() {
            all.entries.push(None);
            if member.usable() {
                all.insert(farm, idx, 0, 0);
            }
        }
        all
    }

    pub fn push(&mut self) {
        self.entries.push(None);
    }

    fn remove(&mut self, farm: &Farm, idx: ServerIdx) {
        let entry = self.entries.get_mut(idx.at()).and_then(Option::take);
        if let (Some(entry), Some(member)) = (entry, farm.get(idx)) {
            self.trees[member.group()].remove(&entry);
        }
    }

    fn insert(&mut self, farm: &Farm, idx: ServerIdx, served: u32, queued: u32) {
        self.remove(farm, idx);
        let Some(member) = farm.get(idx).filter(|member| member.usable()) else {
            return;
        };
        let entry = (key(member.eweight, served, queued), self.arrivals, idx);
        self.arrivals += 1;
        if let Some(slot) = self.entries.get_mut(idx.at()) {
            *slot = Some(entry);
            self.trees[member.group()].insert(entry);
        }
    }

    /// The server's load, weight or state is another now.
    pub fn reposition(&mut self, farm: &Farm, idx: ServerIdx, load: &dyn Load) {
        self.insert(farm, idx, load.served(idx), load.queued(idx));
    }

    pub fn pick(&self, farm: &Farm, ctx: &PickCtx<'_>) -> Option<ServerIdx> {
        let group = match farm.serving() {
            Serving::None => return None,
            Serving::Only(idx) => return Some(idx),
            Serving::Group(group) => group,
        };
        let mut avoided = None;
        for (_, _, idx) in &self.trees[group] {
            if !accepts(ctx.load, *idx) {
                continue;
            }
            if ctx.avoid != Some(*idx) {
                return Some(*idx);
            }
            avoided = Some(*idx);
        }
        avoided
    }
}

/// Room on the server or, when its queue is limited, in its queue.
fn accepts(load: &dyn Load, idx: ServerIdx) -> bool {
    let limit = load.limit(idx);
    limit == 0
        || load.served(idx).saturating_add(load.queued(idx))
            < limit.saturating_add(load.maxqueue(idx))
}
