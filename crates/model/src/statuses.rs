//! Sets of HTTP statuses (`http-err-codes`, `http-fail-codes`).

use std::ops::RangeInclusive;

const FIRST: u16 = 100;
const LAST: u16 = 599;
const WORDS: usize = 8;

/// A set of statuses from 100 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusSet([u64; WORDS]);

impl StatusSet {
    /// No status.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// What counts as the client's fault unless told otherwise: 400 to 499.
    #[must_use]
    pub fn errors() -> Self {
        let mut set = Self::EMPTY;
        set.change(400..=499, true);
        set
    }

    /// What counts as the server's fault unless told otherwise: 500 to 599, but what clients bring about.
    #[must_use]
    pub fn failures() -> Self {
        let mut set = Self::EMPTY;
        set.change(500..=599, true);
        set.change(501..=501, false);
        set.change(505..=505, false);
        set
    }

    /// Whether a status is in the set.
    #[must_use]
    pub fn has(&self, status: u16) -> bool {
        let bit = usize::from(status.wrapping_sub(FIRST));
        self.0
            .get(bit / 64)
            .is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Adds or removes statuses.
    pub fn change(&mut self, range: RangeInclusive<u16>, add: bool) {
        for status in range.filter(|status| (FIRST..=LAST).contains(status)) {
            let bit = usize::from(status - FIRST);
            if let Some(word) = self.0.get_mut(bit / 64) {
                match add {
                    true => *word |= 1 << (bit % 64),
                    false => *word &= !(1 << (bit % 64)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_sets() {
        let (errors, failures) = (StatusSet::errors(), StatusSet::failures());
        let of = |set: &StatusSet| (0..=700).filter(|s| set.has(*s)).count();
        assert_eq!((of(&errors), of(&failures)), (100, 98));
        assert!(errors.has(400) && !errors.has(500) && failures.has(500) && !failures.has(501));
    }
}
