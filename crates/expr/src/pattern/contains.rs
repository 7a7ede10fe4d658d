//! Texts that samples may contain, searched together.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use memchr::memmem::Finder;

/// As many texts as this are searched for one after the other.
const FEW: usize = 8;

/// The texts.
#[derive(Debug, Default, Clone)]
pub(super) struct Contains {
    /// The slots of the automaton's patterns.
    slots: Vec<u32>,
    automaton: Option<AhoCorasick>,
    /// Texts that the automaton does not know yet.
    recent: Vec<(u32, Finder<'static>)>,
}

impl Contains {
    /// Adds a text. The automaton is built anew whenever that pays.
    pub(super) fn insert<'t>(
        &mut self,
        slot: u32,
        text: &[u8],
        fold: bool,
        key: impl Fn(u32) -> &'t [u8],
    ) {
        let finder = if fold {
            Finder::new(&text.to_ascii_lowercase()).into_owned()
        } else {
            Finder::new(text).into_owned()
        };
        self.recent.push((slot, finder));
        if self.recent.len() > FEW.max(self.slots.len()) * 2 {
            self.settle(fold, key);
        }
    }

    /// Builds the automaton of everything there is, when there is much.
    pub(super) fn settle<'t>(&mut self, fold: bool, key: impl Fn(u32) -> &'t [u8]) {
        if self.recent.len() <= FEW {
            return;
        }
        let mut slots = self.slots.clone();
        slots.extend(self.recent.iter().map(|(slot, _)| *slot));
        let built = AhoCorasickBuilder::new()
            .ascii_case_insensitive(fold)
            .build(slots.iter().map(|&slot| key(slot)));
        // What is too large for an automaton is searched one by one.
        if let Ok(automaton) = built {
            self.automaton = Some(automaton);
            self.slots = slots;
            self.recent.clear();
        }
    }

    /// Removes a text.
    pub(super) fn remove(&mut self, slot: u32) {
        self.recent.retain(|(at, _)| *at != slot);
        if let Some(at) = self.slots.iter().position(|old| *old == slot)
            && let Some(old) = self.slots.get_mut(at)
        {
            *old = u32::MAX;
        }
    }

    /// The first of the texts that a sample contains.
    pub(super) fn find(&self, sample: &[u8], fold: bool) -> Option<u32> {
        let mut best = u32::MAX;
        if let Some(automaton) = &self.automaton {
            for found in automaton.find_overlapping_iter(sample) {
                let slot = self.slots.get(found.pattern().as_usize());
                best = best.min(slot.copied().unwrap_or(u32::MAX));
                if best == 0 {
                    return Some(0);
                }
            }
        }
        if self.recent.is_empty() {
            return (best != u32::MAX).then_some(best);
        }
        let folded;
        let sample = if fold {
            folded = sample.to_ascii_lowercase();
            &folded[..]
        } else {
            sample
        };
        for (slot, finder) in &self.recent {
            if *slot < best && finder.find(sample).is_some() {
                best = *slot;
            }
        }
        (best != u32::MAX).then_some(best)
    }
}
