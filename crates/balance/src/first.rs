//! `first`: the server with the lowest id that has a free slot.

use std::collections::BTreeSet;

use crate::farm::{Farm, Serving};
use crate::server::{PickCtx, ServerIdx};

#[derive(Debug, Clone, Default)]
pub(crate) struct First {
    order: [BTreeSet<(u32, ServerIdx)>; 2],
}

impl First {
    pub fn new(farm: &Farm) -> Self {
        let mut first = Self::default();
        for (idx, _) in farm.iter() {
            first.changed(farm, idx);
        }
        first
    }

    pub fn changed(&mut self, farm: &Farm, idx: ServerIdx) {
        if let Some(member) = farm.get(idx) {
            let entry = (member.spec.id, idx);
            let order = &mut self.order[member.group()];
            if member.usable() {
                order.insert(entry)
            } else {
                order.remove(&entry)
            };
        }
    }

    pub fn pick(&self, farm: &Farm, ctx: &PickCtx<'_>) -> Option<ServerIdx> {
        let group = match farm.serving() {
            Serving::None => return None,
            Serving::Only(idx) => return Some(idx),
            Serving::Group(group) => group,
        };
        let mut avoided = None;
        for (_, idx) in self.order[group]
            .iter()
            .filter(|(_, idx)| ctx.load.has_room(*idx))
        {
            if ctx.avoid != Some(*idx) {
                return Some(*idx);
            }
            avoided = Some(*idx);
        }
        avoided
    }
}
