//! Reading field sections.

use super::table::Table;
use super::{HpackError, huffman, integer};
use std::ops::Range;

/// Reads the field sections of one connection, in their order.
#[derive(Debug)]
pub struct Decoder {
    table: Table,
    /// The largest table that the peer may ask for.
    most: usize,
    /// Decoded strings of the field being read.
    strings: Vec<u8>,
}

/// A string: as it stands in the section, or decoded.
enum Text<'a> {
    Plain(&'a [u8]),
    Decoded(Range<usize>),
}

impl Text<'_> {
    fn bytes<'t>(&'t self, strings: &'t [u8]) -> &'t [u8] {
        match self {
            Self::Plain(text) => text,
            Self::Decoded(range) => strings.get(range.clone()).unwrap_or_default(),
        }
    }
}

impl Decoder {
    /// A decoder whose table takes at most `size` bytes (`SETTINGS_HEADER_TABLE_SIZE`).
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            table: Table::new(size),
            most: size,
            strings: Vec::new(),
        }
    }

    /// Reads a whole section and hands each field to `sink`, up to `limit` bytes of names and values.
    ///
    /// The table follows the peer's even when `sink` is not interested any more.
    ///
    /// # Errors
    /// When the section is malformed or too large. The connection cannot go on then.
    pub fn decode(
        &mut self,
        mut section: &[u8],
        limit: usize,
        mut sink: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), HpackError> {
        let (mut size, mut fields) = (0, 0);
        while let Some(&first) = section.first() {
            if first & 0xe0 == 0x20 {
                section = self.resize(section, fields)?;
                continue;
            }
            let grown;
            (section, grown) = self.field(section, first, &mut sink)?;
            size += grown;
            fields += 1;
            if size > limit {
                return Err(HpackError::TooLarge);
            }
        }
        Ok(())
    }

    fn resize<'s>(&mut self, section: &'s [u8], fields: usize) -> Result<&'s [u8], HpackError> {
        let (size, rest) = integer::read(section, 5)?;
        if size > self.most || fields > 0 {
            return Err(HpackError::Resize);
        }
        self.table.resize(size);
        Ok(rest)
    }

    /// Reads one field; gives what follows and how large the field is.
    fn field<'s>(
        &mut self,
        section: &'s [u8],
        first: u8,
        sink: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<(&'s [u8], usize), HpackError> {
        if first & 0x80 != 0 {
            let (index, rest) = integer::read(section, 7)?;
            let (name, value) = self.table.get(index)?;
            sink(name, value);
            return Ok((rest, name.len() + value.len()));
        }
        let keep = first & 0x40 != 0;
        let (index, rest) = integer::read(section, if keep { 6 } else { 4 })?;
        self.strings.clear();
        let (name, rest) = match index {
            0 => string(rest, &mut self.strings)?,
            _ => {
                let start = self.strings.len();
                self.strings.extend_from_slice(self.table.get(index)?.0);
                (Text::Decoded(start..self.strings.len()), rest)
            }
        };
        let (value, rest) = string(rest, &mut self.strings)?;
        let (name, value) = (name.bytes(&self.strings), value.bytes(&self.strings));
        sink(name, value);
        if keep {
            self.table.insert(name, value);
        }
        Ok((rest, name.len() + value.len()))
    }
}

/// Reads a string.
fn string<'s>(text: &'s [u8], decoded: &mut Vec<u8>) -> Result<(Text<'s>, &'s [u8]), HpackError> {
    let coded = text.first().is_some_and(|first| first & 0x80 != 0);
    let (len, rest) = integer::read(text, 7)?;
    let (string, rest) = rest.split_at_checked(len).ok_or(HpackError::Truncated)?;
    if !coded {
        return Ok((Text::Plain(string), rest));
    }
    let start = decoded.len();
    huffman::decode(string, decoded)?;
    Ok((Text::Decoded(start..decoded.len()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(decoder: &mut Decoder, section: &[u8]) -> Result<Vec<(String, String)>, HpackError> {
        let mut fields = Vec::new();
        let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        decoder.decode(section, 1000, |name, value| {
            fields.push((text(name), text(value)))
        })?;
        Ok(fields)
    }

    fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
        fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect()
    }

    #[test]
    fn sections_of_one_connection_build_on_each_other() {
        // RFC 7541, appendix C.4.
        let mut decoder = Decoder::new(4096);
        let first = [
            0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab,
            0x90, 0xf4, 0xff,
        ];
        let found = fields(&mut decoder, &first).unwrap();
        let expected = [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "www.example.com"),
        ];
        assert_eq!(pairs(&found), expected);
        let second = [
            0x82, 0x86, 0x84, 0xbe, 0x58, 0x86, 0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf,
        ];
        let found = fields(&mut decoder, &second).unwrap();
        assert_eq!(
            pairs(&found)[3..],
            [
                (":authority", "www.example.com"),
                ("cache-control", "no-cache")
            ]
        );
    }

    #[test]
    fn literals_without_indexing_leave_the_table_alone() {
        let mut decoder = Decoder::new(4096);
        let found = fields(&mut decoder, b"\x00\x01a\x01b\x10\x01c\x00").unwrap();
        assert_eq!(pairs(&found), [("a", "b"), ("c", "")]);
        assert_eq!(fields(&mut decoder, &[0xbe]), Err(HpackError::Index));
    }

    #[test]
    fn faults_are_named() {
        let mut decoder = Decoder::new(100);
        for (section, error) in [
            (&b"\x80"[..], HpackError::Index),
            (b"\x00\x05ab", HpackError::Truncated),
            (b"\x40", HpackError::Truncated),
            (b"\x3f\x46", HpackError::Resize),
            (b"\x82\x20", HpackError::Resize),
        ] {
            assert_eq!(fields(&mut decoder, section), Err(error), "{section:?}");
        }
        let mut long = b"\x00\x01a\x7f\xff\x07".to_vec();
        long.resize(2000, b'x');
        assert_eq!(fields(&mut decoder, &long), Err(HpackError::TooLarge));
    }

    proptest! {
        #[test]
        fn nothing_panics(section in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = fields(&mut Decoder::new(256), &section);
        }
    }
}
