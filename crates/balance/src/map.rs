//! `static-rr` and map-based hashing: an array with as many places per server as its weight says, spread evenly.

use crate::farm::{Farm, Serving};
use crate::server::{PickCtx, ServerIdx};

#[derive(Debug, Clone)]
pub(crate) struct Map {
    /// Weights divided by their greatest common divisor; never changed at run time.
    weights: Vec<u32>,
    places: Vec<ServerIdx>,
    stale: bool,
    turn: usize,
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Map {
    pub fn new(farm: &Farm) -> Self {
        let divisor = farm
            .iter()
            .fold(0, |d, (_, member)| gcd(d, member.spec.weight))
            .max(1);
        let weights = farm
            .iter()
            .map(|(_, member)| member.spec.weight / divisor)
            .collect();
        Self {
            weights,
            places: Vec::new(),
            stale: true,
            turn: 0,
        }
    }

    /// Servers went up or down.
    pub fn changed(&mut self) {
        self.stale = true;
    }

    fn refresh(&mut self, farm: &Farm) {
        if !self.stale {
            return;
        }
        self.stale = false;
        self.places.clear();
        let group = match farm.serving() {
            Serving::None => return,
            Serving::Only(idx) => return self.places.push(idx),
            Serving::Group(group) => group,
        };
        // Every place goes to the server with the most credit, the first of several.
        let mut credits: Vec<(ServerIdx, i64, i64)> = farm
            .iter()
            .filter(|(_, member)| member.usable() && member.group() == group)
            .filter_map(|(idx, _)| Some((idx, i64::from(*self.weights.get(idx.at())?), 0)))
            .collect();
        let total: i64 = credits.iter().map(|(_, weight, _)| weight).sum();
        for _ in 0..total {
            let mut best: Option<(i64, usize)> = None;
            for (at, (_, weight, credit)) in credits.iter_mut().enumerate() {
                *credit += *weight;
                let score = (*credit + total) / total;
                if best.is_none_or(|(high, _)| score > high) {
                    best = Some((score, at));
                }
            }
            if let Some(winner) = best.and_then(|(_, at)| credits.get_mut(at)) {
                winner.2 -= total;
                self.places.push(winner.0);
            }
        }
    }

    pub fn by_hash(&mut self, farm: &Farm, hash: u32) -> Option<ServerIdx> {
        self.refresh(farm);
        let count = self.places.len();
        (count > 0)
            .then(|| self.places.get(hash as usize % count).copied())
            .flatten()
    }

    pub fn in_turn(&mut self, farm: &Farm, ctx: &PickCtx<'_>) -> Option<ServerIdx> {
        self.refresh(farm);
        let count = self.places.len();
        if count == 0 {
            return None;
        }
        if self.turn >= count {
            self.turn = 0;
        }
        let mut avoided = None;
        for offset in 0..count {
            let at = (self.turn + offset) % count;
            let idx = *self.places.get(at)?;
            if !ctx.load.has_room(idx) {
                continue;
            }
            if ctx.avoid != Some(idx) {
                self.turn = at + 1;
                return Some(idx);
            }
            avoided = Some((idx, at + 1));
        }
        let (idx, turn) = avoided?;
        self.turn = turn;
        Some(idx)
    }
}
