//! Who is in service: states, weights and the two groups, active and backup.

use std::collections::BTreeSet;

use crate::ring::NodeKey;
use crate::server::{ServerIdx, ServerSpec, effective_weight};

/// Which servers get the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serving {
    /// A group: 0 active, 1 backup.
    Group(usize),
    /// The first backup, whatever its load.
    Only(ServerIdx),
    /// Nobody.
    None,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub spec: ServerSpec,
    pub eweight: u32,
    pub up: bool,
}

impl Member {
    pub fn usable(&self) -> bool {
        self.up && self.eweight > 0
    }

    pub fn group(&self) -> usize {
        usize::from(self.spec.backup)
    }
}

/// What a state or weight change means to an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Up,
    Down,
    Weight,
}

#[derive(Debug, Clone)]
pub(crate) struct Farm {
    members: Vec<Member>,
    all_backups: bool,
    count: [usize; 2],
    total: [u32; 2],
    backups: BTreeSet<ServerIdx>,
}

impl Farm {
    pub fn new(servers: &[ServerSpec], all_backups: bool) -> Self {
        let mut farm = Self {
            members: Vec::with_capacity(servers.len()),
            all_backups,
            count: [0; 2],
            total: [0; 2],
            backups: BTreeSet::new(),
        };
        for spec in servers {
            farm.push(*spec);
        }
        farm
    }

    pub fn push(&mut self, spec: ServerSpec) -> ServerIdx {
        let idx = ServerIdx(self.members.len() as u32);
        self.members.push(Member {
            spec,
            eweight: effective_weight(spec.weight),
            up: spec.up,
        });
        self.count_in(idx);
        idx
    }

    pub fn set_node_key(&mut self, idx: ServerIdx, key: NodeKey) {
        if let Some(member) = self.members.get_mut(idx.at()) {
            member.spec.node_key = key;
        }
    }

    pub fn get(&self, idx: ServerIdx) -> Option<&Member> {
        self.members.get(idx.at())
    }

    pub fn iter(&self) -> impl Iterator<Item = (ServerIdx, &Member)> {
        self.members
            .iter()
            .enumerate()
            .map(|(at, member)| (ServerIdx(at as u32), member))
    }

    /// Effective weight of all usable servers of a group.
    pub fn total(&self, group: usize) -> u32 {
        self.total.get(group).copied().unwrap_or(0)
    }

    pub fn all_backups(&self) -> bool {
        self.all_backups
    }

    /// How many active and backup servers are usable.
    pub fn in_service(&self) -> (usize, usize) {
        (self.count[0], self.count[1])
    }

    pub fn serving(&self) -> Serving {
        if self.count[0] > 0 {
            return Serving::Group(0);
        }
        match self.backups.first() {
            None => Serving::None,
            Some(_) if self.all_backups => Serving::Group(1),
            Some(first) => Serving::Only(*first),
        }
    }

    /// Sets state and effective weight and tells what that changed, with the weight before.
    pub fn update(
        &mut self,
        idx: ServerIdx,
        up: Option<bool>,
        eweight: Option<u32>,
    ) -> (Change, u32) {
        let Some(before) = self.get(idx).copied() else {
            return (Change::None, 0);
        };
        self.count_out(idx);
        if let Some(member) = self.members.get_mut(idx.at()) {
            member.up = up.unwrap_or(member.up);
            member.eweight = eweight.unwrap_or(member.eweight);
        }
        self.count_in(idx);
        let after = self.get(idx).copied().unwrap_or(before);
        let change = match (before.usable(), after.usable()) {
            (false, true) => Change::Up,
            (true, false) => Change::Down,
            (true, true) if before.eweight != after.eweight => Change::Weight,
            _ => Change::None,
        };
        (change, before.eweight)
    }

    fn count_in(&mut self, idx: ServerIdx) {
        if let Some(member) = self.members.get(idx.at()).filter(|m| m.usable()) {
            let group = member.group();
            self.count[group] += 1;
            self.total[group] += member.eweight;
            if member.spec.backup {
                self.backups.insert(idx);
            }
        }
    }

    fn count_out(&mut self, idx: ServerIdx) {
        if let Some(member) = self.members.get(idx.at()).filter(|m| m.usable()) {
            let group = member.group();
            self.count[group] -= 1;
            self.total[group] -= member.eweight;
            self.backups.remove(&idx);
        }
    }
}
