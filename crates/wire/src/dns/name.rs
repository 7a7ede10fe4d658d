//! Domain names as messages carry them.

use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest label, in bytes.
const LONGEST_LABEL: usize = 63;
/// The longest name with the lengths of its labels and without the root's, in bytes.
const LONGEST_NAME: usize = 254;

/// A domain name. Names are equal when they differ in nothing but the case of letters.
#[derive(Clone)]
pub struct Name(Box<[u8]>);

impl Name {
    /// A name written with dots. A dot at the end changes nothing; `None` when a label is empty or something is too long.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let mut labels = Vec::with_capacity(text.len() + 1);
        for label in text.split('.') {
            let length = u8::try_from(label.len()).ok()?;
            if label.is_empty() || label.len() > LONGEST_LABEL {
                return None;
            }
            labels.push(length);
            labels.extend_from_slice(label.as_bytes());
        }
        (labels.len() <= LONGEST_NAME).then(|| Self(labels.into()))
    }

    /// The name at a place of a message, and the place behind it. Names may end in a reference to an earlier one
    /// (RFC 1035, section 4.1.4); every reference has to lead further back than where its name began, so that none goes
    /// in circles.
    #[must_use]
    pub(super) fn read(message: &[u8], start: usize) -> Option<(Self, usize)> {
        let mut labels = Vec::new();
        let (mut at, mut limit, mut end) = (start, start, None);
        loop {
            let length = *message.get(at)?;
            match length {
                0 => {
                    return Some((Self(labels.into()), end.unwrap_or(at + 1)));
                }
                1..=0x3f => {
                    let label = message.get(at..at + 1 + usize::from(length))?;
                    labels.extend_from_slice(label);
                    at += label.len();
                }
                0xc0.. => {
                    let low = *message.get(at + 1)?;
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    end = end.or(Some(at + 2));
                    if target >= limit {
                        return None;
                    }
                    (at, limit) = (target, target);
                }
                _ => return None,
            }
            if labels.len() > LONGEST_NAME {
                return None;
            }
        }
    }

    /// Its labels, each behind its length, without the root's at the end.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.0
    }

    /// Appends it to a message.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
        out.push(0);
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in &self.0 {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

/// Writes it with dots; what is not printable, or a dot within a label, as `\` and three digits.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &*self.0;
        let mut first = true;
        while let Some((&length, behind)) = rest.split_first() {
            let (label, next) = behind.split_at(usize::from(length).min(behind.len()));
            if !first {
                f.write_str(".")?;
            }
            for &byte in label {
                match byte {
                    b'.' | b'\\' | 0..=b' ' | 0x7f.. => write!(f, "\\{byte:03}")?,
                    _ => write!(f, "{}", char::from(byte))?,
                }
            }
            (rest, first) = (next, false);
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_as_written() {
        let name = Name::from_text("www.Example.org.").expect("a name");
        assert_eq!(name.labels(), b"\x03www\x07Example\x03org");
        assert_eq!(name.to_string(), "www.Example.org");
        assert_eq!(Name::from_text("WWW.example.ORG"), Some(name));
        for wrong in ["", ".", "a..b", ".a", &"a".repeat(64)] {
            assert_eq!(Name::from_text(wrong), None, "{wrong}");
        }
        assert!(Name::from_text(&vec!["a"; 127].join(".")).is_some());
        assert!(Name::from_text(&vec!["a"; 128].join(".")).is_none());
    }

    #[test]
    fn references_lead_back() {
        let message = b"\x03org\x00\x01a\xc0\x00\x01b\xc0\x05";
        let (name, end) = Name::read(message, 9).expect("a name");
        assert_eq!((name.to_string().as_str(), end), ("b.a.org", 13));
        for circle in [
            &b"\xc0\x00"[..],
            b"\xc0\x02\xc0\x00",
            b"\x01a\xc0\x00",
            b"\xc0\x02\x00",
        ] {
            assert!(Name::read(circle, 0).is_none(), "{circle:?}");
        }
        assert!(Name::read(b"\x02\xc0\x00\xc0\x03", 3).is_none(), "itself");
        assert!(Name::read(b"\x40a", 0).is_none() && Name::read(b"\x03ab", 0).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_written_is_read(labels in prop::collection::vec("[a-zA-Z0-9_-]{1,20}", 1..10)) {
            let text = labels.join(".");
            let name = Name::from_text(&text).expect("a name");
            let mut out = b"xy".to_vec();
            name.write(&mut out);
            let (read, end) = Name::read(&out, 2).expect("a name");
            prop_assert_eq!(read.to_string(), text);
            prop_assert_eq!(end, out.len());
        }
    }
}
