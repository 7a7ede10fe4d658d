//! Reading DER (ITU-T X.690), as far as certificates, keys and OCSP responses need it.

/// A tag byte and the names used here.
pub type Tag = u8;

/// BOOLEAN.
pub const BOOLEAN: Tag = 0x01;
/// INTEGER.
pub const INTEGER: Tag = 0x02;
/// BIT STRING.
pub const BIT_STRING: Tag = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: Tag = 0x04;
/// NULL.
pub const NULL: Tag = 0x05;
/// OBJECT IDENTIFIER.
pub const OID: Tag = 0x06;
/// ENUMERATED.
pub const ENUMERATED: Tag = 0x0a;
/// UTCTime.
pub const UTC_TIME: Tag = 0x17;
/// GeneralizedTime.
pub const GENERALIZED_TIME: Tag = 0x18;
/// SEQUENCE.
pub const SEQUENCE: Tag = 0x30;
/// SET.
pub const SET: Tag = 0x31;

/// A constructed context-specific tag.
#[must_use]
pub const fn context(number: u8) -> Tag {
    0xa0 | number
}

/// A primitive context-specific tag.
#[must_use]
pub const fn context_primitive(number: u8) -> Tag {
    0x80 | number
}

/// What is read is no DER, or not the element that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// One element: its tag, its content, and all of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The tag.
    pub tag: Tag,
    /// The content.
    pub content: &'a [u8],
    /// Tag, length and content.
    pub whole: &'a [u8],
}

/// Takes elements off the front of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was not read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes the next element, whatever it is. Only tags of one byte and definite lengths are known.
    ///
    /// # Errors
    /// When it is malformed or cut short.
    pub fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let bytes = self.rest;
        let (&[tag, first], after) = bytes.split_first_chunk::<2>().ok_or(Malformed)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x81..=0x84 => {
                let width = usize::from(first & 0x7f);
                let digits = after.get(..width).ok_or(Malformed)?;
                let length = digits.iter().fold(0, |n, &byte| n << 8 | usize::from(byte));
                (length, 2 + width)
            }
            _ => return Err(Malformed),
        };
        let end = header.checked_add(length).ok_or(Malformed)?;
        let (whole, rest) = bytes.split_at_checked(end).ok_or(Malformed)?;
        self.rest = rest;
        Ok(Element {
            tag,
            content: whole.get(header..).unwrap_or_default(),
            whole,
        })
    }

    /// Takes the next element, which must have this tag.
    ///
    /// # Errors
    /// When it has not, or is malformed.
    pub fn expect(&mut self, tag: Tag) -> Result<Element<'a>, Malformed> {
        let element = self.any()?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(Malformed)
        }
    }

    /// Takes the next element if it has this tag.
    ///
    /// # Errors
    /// When it has it and is malformed.
    pub fn optional(&mut self, tag: Tag) -> Result<Option<Element<'a>>, Malformed> {
        match self.rest.first() {
            Some(&next) if next == tag => self.any().map(Some),
            _ => Ok(None),
        }
    }

    /// Takes the next element, which must have this tag, and reads its content.
    ///
    /// # Errors
    /// When it has not, or is malformed.
    pub fn enter(&mut self, tag: Tag) -> Result<Reader<'a>, Malformed> {
        Ok(Reader::new(self.expect(tag)?.content))
    }
}

impl<'a> Element<'a> {
    /// A reader over the content.
    #[must_use]
    pub const fn reader(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// A small non-negative INTEGER or ENUMERATED.
    ///
    /// # Errors
    /// When it is negative or larger than fits.
    pub fn small(&self) -> Result<u32, Malformed> {
        let digits = match self.content {
            [] => return Err(Malformed),
            [first, ..] if first & 0x80 != 0 => return Err(Malformed),
            [0, digits @ ..] => digits,
            digits => digits,
        };
        if digits.len() > 4 {
            return Err(Malformed);
        }
        Ok(digits.iter().fold(0, |n, &byte| n << 8 | u32::from(byte)))
    }

    /// The bytes of a BIT STRING without unused bits.
    ///
    /// # Errors
    /// When the last byte is not used as a whole, or there is none that says so.
    pub fn bits(&self) -> Result<&'a [u8], Malformed> {
        match self.content {
            [0, bits @ ..] => Ok(bits),
            _ => Err(Malformed),
        }
    }
}

/// The elements of a constructed one's content, up to the first that is malformed.
pub fn elements(content: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut reader = Reader::new(content);
    std::iter::from_fn(move || reader.any().ok())
}

/// Writes an element.
#[must_use]
pub fn element(tag: Tag, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let from = digits.iter().position(|&d| d != 0).unwrap_or(digits.len());
        let digits = digits.get(from..).unwrap_or_default();
        out.push(0x80 | digits.len() as u8);
        out.extend_from_slice(digits);
    }
    out.extend_from_slice(content);
    out
}

/// An object identifier in dotted form.
#[must_use]
pub fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    for &byte in oid {
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first);
                arcs.push(arc - first * 40);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    let arcs: Vec<String> = arcs.iter().map(u64::to_string).collect();
    arcs.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest() {
        let inner = [element(INTEGER, &[0, 200]), element(OID, &[0x55, 4, 3])].concat();
        let bytes = element(SEQUENCE, &inner);
        let mut reader = Reader::new(&bytes);
        let mut inner = reader.enter(SEQUENCE).unwrap();
        assert_eq!(inner.expect(INTEGER).unwrap().small(), Ok(200));
        assert_eq!(inner.optional(BOOLEAN), Ok(None));
        assert_eq!(dotted(inner.expect(OID).unwrap().content), "2.5.4.3");
        assert!(inner.is_empty() && reader.is_empty());
    }

    #[test]
    fn long_lengths_are_read_as_written() {
        for length in [0, 127, 128, 255, 256, 70_000] {
            let bytes = element(OCTET_STRING, &vec![7; length]);
            let element = Reader::new(&bytes).any().unwrap();
            assert_eq!(element.content.len(), length);
            assert_eq!(Reader::new(&bytes[..bytes.len() - 1]).any(), Err(Malformed));
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            for element in elements(&bytes) {
                let _ = (element.small(), element.bits(), dotted(element.content));
            }
        }
    }
}
