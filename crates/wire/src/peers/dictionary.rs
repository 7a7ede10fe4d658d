//! Texts that are sent once and then only named by their number.

use super::{Fault, Text};
use std::sync::Arc;

/// How many texts each side of a connection keeps.
pub const DICTIONARY: usize = 128;

/// The texts that were sent over a connection, the least used giving way.
#[derive(Debug, Default)]
pub struct Sent {
    /// Each with when it was last used.
    texts: Vec<(Arc<str>, u64)>,
    clock: u64,
}

impl Sent {
    /// The number of a text, from 1, and whether the other side has it already.
    pub fn number(&mut self, text: &Arc<str>) -> (u64, bool) {
        self.clock += 1;
        let same = |(known, _): &(Arc<str>, u64)| Arc::ptr_eq(known, text) || known == text;
        if let Some(at) = self.texts.iter().position(same) {
            if let Some(entry) = self.texts.get_mut(at) {
                entry.1 = self.clock;
            }
            return (at as u64 + 1, true);
        }
        if self.texts.len() < DICTIONARY {
            self.texts.push((text.clone(), self.clock));
            return (self.texts.len() as u64, false);
        }
        let oldest = self
            .texts
            .iter()
            .enumerate()
            .min_by_key(|(_, (_, used))| *used);
        let at = oldest.map_or(0, |(at, _)| at);
        if let Some(entry) = self.texts.get_mut(at) {
            *entry = (text.clone(), self.clock);
        }
        (at as u64 + 1, false)
    }

    /// The texts, by their numbers less one.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|(text, _)| &**text)
    }
}

/// The texts that came over a connection.
#[derive(Debug, Default)]
pub struct Learned {
    texts: Vec<Option<Arc<str>>>,
}

impl Learned {
    /// The text that a field means.
    ///
    /// # Errors
    /// When its number is out of range or has no text, or the text is none.
    pub fn resolve(&mut self, field: Text<'_>) -> Result<Option<Arc<str>>, Fault> {
        let place = |number: u64| {
            let at = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
            at.filter(|at| *at < DICTIONARY).ok_or(Fault::Malformed)
        };
        match field {
            Text::None => Ok(None),
            Text::Known(number) => {
                let known = self.texts.get(place(number)?).cloned().flatten();
                known.map(Some).ok_or(Fault::Malformed)
            }
            Text::New(number, text) => {
                let at = place(number)?;
                let text: Arc<str> = std::str::from_utf8(text)
                    .map_err(|_| Fault::Malformed)?
                    .into();
                if self.texts.len() <= at {
                    self.texts.resize(at + 1, None);
                }
                if let Some(known) = self.texts.get_mut(at) {
                    *known = Some(text.clone());
                }
                Ok(Some(text))
            }
        }
    }

    /// The texts, by their numbers less one.
    pub fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        self.texts.iter().map(Option::as_deref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_sent_once_and_the_least_used_gives_way() {
        let (mut sent, mut learned) = (Sent::default(), Learned::default());
        let text = |n: usize| Arc::<str>::from(format!("s{n}"));
        for n in 0..DICTIONARY {
            assert_eq!(sent.number(&text(n)), (n as u64 + 1, false));
        }
        assert_eq!(sent.number(&text(0)), (1, true));
        assert_eq!(
            sent.number(&text(999)),
            (2, false),
            "the second was used longest ago"
        );
        assert_eq!(
            learned.resolve(Text::New(2, b"s999")).unwrap().as_deref(),
            Some("s999")
        );
        assert_eq!(
            learned.resolve(Text::Known(2)).unwrap().as_deref(),
            Some("s999")
        );
        for bad in [
            Text::Known(1),
            Text::Known(0),
            Text::New(129, b"x"),
            Text::New(1, b"\xff"),
        ] {
            assert_eq!(learned.resolve(bad), Err(Fault::Malformed));
        }
    }
}
