//! `roundrobin`: smooth weighted turns that follow weight changes at once.
//!
//! Each server holds a position on a line that advances by one with every pick; after its turn it moves ahead by the
//! farm's weight divided by its own, remainders carried along. The order is HAProxy's, also as servers go and return;
//! right after a weight change in the middle of a round it may still differ from HAProxy's by a few turns. Servers stand in one of three orders: those not yet
//! placed in this round (heaviest first), those with a position in it, and those whose position lies beyond it.

use std::collections::BTreeSet;

use crate::farm::{Change, Farm, Serving};
use crate::server::{MAX_EFFECTIVE, MAX_WEIGHT, PickCtx, ServerIdx, WEIGHT_SCALE};

/// Sorting key, arrival (equal keys keep their order), server.
type Entry = (i64, u64, ServerIdx);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the group's tree with this number.
    Tree(usize),
    /// Picked up, or out of service.
    Out,
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Position of the next turn.
    next: i64,
    /// Position of the last one.
    last: i64,
    /// Remainder of the steps so far.
    rest: u32,
    place: Place,
    entry: (i64, u64),
}

#[derive(Debug, Clone, Default)]
struct Group {
    /// Two of these swap the roles of "unplaced" and "beyond"; the third is this round's.
    trees: [BTreeSet<Entry>; 3],
    /// Which tree holds the unplaced servers, 0 or 1.
    unplaced: usize,
    position: i64,
    /// Weight that this round began with.
    weight: i64,
    /// Weight that counts for steps and for the next round.
    next_weight: i64,
}

const ROUND: usize = 2;

impl Group {
    fn beyond(&self) -> usize {
        1 - self.unplaced
    }

    /// Starts the next round: who lay beyond becomes unplaced.
    fn turn_over(&mut self) {
        self.unplaced = self.beyond();
        self.weight = self.next_weight;
        self.position = self.weight;
    }
}

#[derive(Debug, Clone)]
pub(crate) struct RoundRobin {
    groups: [Group; 2],
    turns: Vec<Turn>,
    arrivals: u64,
}

impl RoundRobin {
    pub fn new(farm: &Farm) -> Self {
        let mut all = Self {
            groups: Default::default(),
            turns: Vec::new(),
            arrivals: 0,
        };
        for (group, state) in all.groups.iter_mut().enumerate() {
            state.weight = i64::from(farm.total(group));
            state.next_weight = state.weight;
            state.position = state.weight;
        }
        for (idx, member) in farm.iter() {
            all.turns.push(Turn {
                next: 0,
                last: 0,
                rest: 0,
                place: Place::Out,
                entry: (0, 0),
            });
            if member.usable() {
                let tree = all.groups[member.group()].unplaced;
                all.insert_by_weight(member.group(), tree, idx, member.eweight);
            }
        }
        all
    }

    /// Knows a server added later, which is out of service until `changed` says otherwise.
    pub fn push(&mut self) {
        self.turns.push(Turn {
            next: 0,
            last: 0,
            rest: 0,
            place: Place::Out,
            entry: (0, 0),
        });
    }

    fn insert(&mut self, group: usize, tree: usize, idx: ServerIdx, key: i64) {
        self.remove(group, idx);
        let entry = (key, self.arrivals);
        self.arrivals += 1;
        if let Some(turn) = self.turns.get_mut(idx.at()) {
            turn.place = Place::Tree(tree);
            turn.entry = entry;
            self.groups[group].trees[tree].insert((entry.0, entry.1, idx));
        }
    }

    fn insert_by_weight(&mut self, group: usize, tree: usize, idx: ServerIdx, eweight: u32) {
        self.insert(
            group,
            tree,
            idx,
            i64::from(MAX_EFFECTIVE) - i64::from(eweight),
        );
    }

    /// Takes a server from the tree it stands in.
    fn remove(&mut self, group: usize, idx: ServerIdx) {
        if let Some(turn) = self.turns.get_mut(idx.at())
            && let Place::Tree(tree) = turn.place
        {
            turn.place = Place::Out;
            self.groups[group].trees[tree].remove(&(turn.entry.0, turn.entry.1, idx));
        }
    }

    /// Puts a server where its position belongs.
    fn enqueue(&mut self, group: usize, idx: ServerIdx, eweight: u32) {
        let (weight, next_weight) = (self.groups[group].weight, self.groups[group].next_weight);
        let Some(turn) = self.turns.get_mut(idx.at()) else {
            return;
        };
        if turn.next >= 2 * weight || turn.next >= weight + next_weight {
            turn.next -= weight;
            let tree = self.groups[group].beyond();
            self.insert_by_weight(group, tree, idx, eweight);
        } else {
            let finer = (MAX_EFFECTIVE + turn.rest).saturating_sub(eweight) / WEIGHT_SCALE;
            let key = i64::from(MAX_WEIGHT) * turn.next + i64::from(finer);
            self.insert(group, ROUND, idx, key);
        }
    }

    /// Makes a server's position comparable with its group's whatever tree it stands in.
    fn settle(&mut self, group: usize, idx: ServerIdx) {
        let state = &self.groups[group];
        let (unplaced, beyond) = (state.unplaced, state.beyond());
        let Some(turn) = self.turns.get_mut(idx.at()) else {
            return;
        };
        match turn.place {
            Place::Tree(tree) if tree == unplaced => (turn.next, turn.rest) = (0, 0),
            Place::Tree(tree) if tree == beyond => turn.next += state.weight,
            Place::Tree(_) => {}
            Place::Out => turn.next = state.position,
        }
    }

    /// The server whose turn has come; between turns, one that has no place yet.
    fn due(&mut self, group: usize) -> Option<ServerIdx> {
        let state = &self.groups[group];
        let placed = state.trees[ROUND].first().map(|entry| entry.2);
        let next = placed
            .and_then(|idx| self.turns.get(idx.at()))
            .map(|turn| turn.next);
        if next.is_some_and(|next| next <= state.position) {
            return placed;
        }
        let unplaced = state.trees[state.unplaced].first().map(|entry| entry.2);
        if let Some(turn) = unplaced.and_then(|idx| self.turns.get_mut(idx.at())) {
            (turn.next, turn.rest) = (0, 0);
            return unplaced;
        }
        placed
    }

    /// Moves a server ahead by one step.
    fn advance(&mut self, group: usize, idx: ServerIdx, eweight: u32) {
        let state = &self.groups[group];
        let Some(turn) = self.turns.get_mut(idx.at()) else {
            return;
        };
        if turn.next == 0 {
            turn.next = state.position;
        }
        turn.last = turn.next;
        let own = i64::from(eweight.max(1));
        turn.next += state.next_weight / own;
        turn.rest += (state.next_weight % own) as u32;
        if turn.rest >= eweight {
            turn.rest -= eweight;
            turn.next += 1;
        }
    }

    pub fn pick(&mut self, farm: &Farm, ctx: &PickCtx<'_>) -> Option<ServerIdx> {
        let group = match farm.serving() {
            Serving::None => return None,
            Serving::Only(idx) => return Some(idx),
            Serving::Group(group) => group,
        };
        let weight_of = |idx| farm.get(idx).map_or(0, |member| member.eweight);
        let mut turned = false;
        let mut avoided = None;
        let mut passed = Vec::new();
        let picked = loop {
            let state = &mut self.groups[group];
            if state.weight == 0 {
                (state.position, state.weight) = (state.next_weight, state.next_weight);
            }
            let Some(idx) = self.due(group) else {
                if turned {
                    break avoided;
                }
                turned = true;
                self.groups[group].turn_over();
                continue;
            };
            self.advance(group, idx, weight_of(idx));
            self.remove(group, idx);
            self.groups[group].position += 1;
            if ctx.load.has_room(idx) {
                if ctx.avoid != Some(idx) || avoided.is_some() {
                    break Some(idx);
                }
                avoided = Some(idx);
            }
            passed.push(idx);
        };
        if let Some(idx) = picked {
            self.enqueue(group, idx, weight_of(idx));
        }
        for idx in passed.into_iter().rev().filter(|idx| picked != Some(*idx)) {
            if turned {
                let tree = self.groups[group].unplaced;
                self.insert_by_weight(group, tree, idx, weight_of(idx));
            } else {
                self.enqueue(group, idx, weight_of(idx));
            }
        }
        picked
    }

    pub fn changed(&mut self, farm: &Farm, idx: ServerIdx, change: Change, before: u32) {
        let Some(member) = farm.get(idx) else { return };
        let (group, eweight) = (member.group(), member.eweight);
        match change {
            Change::None => {}
            Change::Down => {
                self.groups[group].next_weight -= i64::from(before);
                self.remove(group, idx);
            }
            Change::Up => {
                self.groups[group].next_weight += i64::from(eweight);
                self.join(group, idx, eweight);
            }
            Change::Weight => {
                self.groups[group].next_weight += i64::from(eweight) - i64::from(before);
                self.reweigh(group, idx, eweight);
            }
        }
    }

    /// Gives a returning server a place in what is left of this round.
    fn join(&mut self, group: usize, idx: ServerIdx, eweight: u32) {
        let state = &self.groups[group];
        let left = state.next_weight + state.weight - state.position;
        // 32-bit unsigned on purpose: an overdrawn round counts as endless, which sends the server to the next one.
        let step = i64::from(left as u32 / eweight.max(1));
        let position = state.position;
        if let Some(turn) = self.turns.get_mut(idx.at()) {
            turn.next = position + step;
        }
        self.enqueue(group, idx, eweight);
    }

    /// Gives a server that weighs something else now a place one step ahead, unless its own comes sooner.
    fn reweigh(&mut self, group: usize, idx: ServerIdx, eweight: u32) {
        let state = &self.groups[group];
        let (position, step) = (
            state.position,
            state.next_weight / i64::from(eweight.max(1)),
        );
        self.settle(group, idx);
        if let Some(turn) = self.turns.get_mut(idx.at()) {
            turn.next = turn.next.min(turn.last + step);
            turn.rest = 0;
            if turn.next < position + 2 {
                turn.next = position + step;
            }
        }
        self.enqueue(group, idx, eweight);
    }
}
