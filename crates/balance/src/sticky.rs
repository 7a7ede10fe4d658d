//! `sticky`: one server until it goes down; who comes back queues up at the end.

use std::collections::BTreeSet;

use crate::farm::{Farm, Serving};
use crate::server::{PickCtx, ServerIdx};

#[derive(Debug, Clone, Default)]
pub(crate) struct Sticky {
    order: [BTreeSet<(u64, ServerIdx)>; 2],
    entries: Vec<Option<u64>>,
    arrivals: u64,
}

impl Sticky {
    pub fn new(farm: &Farm) -> Self {
        let mut sticky = Self::default();
        for (idx, _) in farm.iter() {
            sticky.entries.push(None);
            sticky.changed(farm, idx);
        }
        sticky
    }

    pub fn push(&mut self) {
        self.entries.push(None);
    }

    pub fn changed(&mut self, farm: &Farm, idx: ServerIdx) {
        let (Some(member), Some(slot)) = (farm.get(idx), self.entries.get_mut(idx.at())) else {
            return;
        };
        let order = &mut self.order[member.group()];
        match (member.usable(), *slot) {
            (true, None) => {
                *slot = Some(self.arrivals);
                order.insert((self.arrivals, idx));
                self.arrivals += 1;
            }
            (false, Some(arrival)) => {
                *slot = None;
                order.remove(&(arrival, idx));
            }
            _ => {}
        }
    }

    pub fn pick(&self, farm: &Farm, _ctx: &PickCtx<'_>) -> Option<ServerIdx> {
        match farm.serving() {
            Serving::None => None,
            Serving::Only(idx) => Some(idx),
            Serving::Group(group) => self.order[group].first().map(|(_, idx)| *idx),
        }
    }
}
