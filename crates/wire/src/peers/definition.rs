//! What a peer says of a table before it sends entries of it.

use super::integer::{put_integer, take_bytes, take_integer, take_word};
use super::{Fault, Form, form_of};

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// A 32-bit number.
    Integer,
    /// A text with its length.
    String,
    /// So many bytes.
    Fixed(u32),
}

/// A data type of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeDefinition {
    /// Its number, the bit that stands for it.
    pub bit: u8,
    /// How many values there are: 1, or the length of an array.
    pub elements: u16,
    /// The period of rates, in milliseconds; 0 for others.
    pub period: u32,
}

impl TypeDefinition {
    /// How its values are written.
    #[must_use]
    pub fn form(&self) -> Form {
        form_of(self.bit).map_or(Form::Integer, |(form, _)| form)
    }
}

/// The definition of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition<'b> {
    /// The sender's number for it.
    pub id: u64,
    /// The name under which peers know it.
    pub name: &'b [u8],
    /// The number of the type of its keys: 2 integer, 4 IPv4, 5 IPv6, 6 string, 7 binary.
    pub key_type: u64,
    /// The length of keys; of texts, with the NUL behind the longest one.
    pub key_len: u64,
    /// The data types, in the order of their bits.
    pub types: Vec<TypeDefinition>,
    /// After how many milliseconds entries expire; 0 for never.
    pub expire: u64,
    /// What a later version, or another program, has to say beyond that.
    pub extension: &'b [u8],
}

/// The most elements of an array.
const MOST_ELEMENTS: u64 = 100;

impl<'b> Definition<'b> {
    /// Reads the body of a definition.
    ///
    /// # Errors
    /// When a field is missing or can't be, or a data type is not known, whose values could not be skipped.
    pub fn read(mut body: &'b [u8]) -> Result<Self, Fault> {
        let bytes = &mut body;
        let id = take_integer(bytes)?;
        let len = usize::try_from(take_integer(bytes)?).map_err(|_| Fault::Malformed)?;
        let name = take_bytes(bytes, len)?;
        let (key_type, key_len) = (take_integer(bytes)?, take_integer(bytes)?);
        let bits = take_integer(bytes)?;
        let expire = take_integer(bytes)?;
        let mut types = Vec::with_capacity(bits.count_ones() as usize);
        for bit in (0..64).filter(|bit| bits >> bit & 1 == 1) {
            types.push(read_type(bit, bytes)?);
        }
        Ok(Self {
            id,
            name,
            key_type,
            key_len,
            types,
            expire,
            extension: body,
        })
    }

    /// Writes the body of a definition.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_integer(out, self.id);
        put_integer(out, self.name.len() as u64);
        out.extend_from_slice(self.name);
        put_integer(out, self.key_type);
        put_integer(out, self.key_len);
        let bits = self
            .types
            .iter()
            .fold(0, |bits, kind| bits | 1u64 << kind.bit);
        put_integer(out, bits);
        put_integer(out, self.expire);
        for kind in &self.types {
            let (form, array) = form_of(kind.bit).unwrap_or((Form::Integer, false));
            if form == Form::Rate || array {
                put_integer(out, kind.bit.into());
            }
            if array {
                put_integer(out, kind.elements.into());
            }
            if form == Form::Rate {
                put_integer(out, kind.period.into());
            }
        }
        out.extend_from_slice(self.extension);
    }

    /// How its keys are written.
    ///
    /// # Errors
    /// When their type is not known.
    pub fn key_form(&self) -> Result<KeyForm, Fault> {
        match self.key_type {
            2 => Ok(KeyForm::Integer),
            6 => Ok(KeyForm::String),
            4 | 5 | 7 => u32::try_from(self.key_len)
                .map(KeyForm::Fixed)
                .map_err(|_| Fault::Malformed),
            _ => Err(Fault::Malformed),
        }
    }
}

fn read_type(bit: u8, bytes: &mut &[u8]) -> Result<TypeDefinition, Fault> {
    let (form, array) = form_of(bit).ok_or(Fault::Malformed)?;
    let (mut elements, mut period) = (1, 0);
    if form == Form::Rate || array {
        // The list repeats which type it speaks of.
        if take_integer(bytes)? != u64::from(bit) {
            return Err(Fault::Malformed);
        }
    }
    if array {
        let count = take_integer(bytes)?;
        if !(1..=MOST_ELEMENTS).contains(&count) {
            return Err(Fault::Malformed);
        }
        elements = count as u16;
    }
    if form == Form::Rate {
        period = take_word(bytes)?;
    }
    Ok(TypeDefinition {
        bit,
        elements,
        period,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As HAProxy 3.4 wrote them.
    #[test]
    fn recorded_definitions_are_read_and_written() {
        let bytes = b"\x05\x03/st\x06\x15\xff\xf5\x82\x01\xf0\xc4\x0d\x03\xf0\xe2\x03";
        let definition = Definition::read(bytes).unwrap();
        let kind = |bit, period| TypeDefinition {
            bit,
            elements: 1,
            period,
        };
        let types: Vec<_> = [0, 1, 2, 3, 6, 13, 19]
            .map(|bit| kind(bit, if bit == 3 { 10_000 } else { 0 }))
            .into();
        assert_eq!((definition.id, definition.name), (5, &b"/st"[..]));
        assert_eq!(
            (definition.key_type, definition.key_len, definition.expire),
            (6, 21, 30_000)
        );
        assert_eq!(definition.types, types);
        let mut out = Vec::new();
        definition.write(&mut out);
        assert_eq!(out, bytes);

        let arrays =
            b"\x04\x04/arr\x04\x04\xf0\xf1\xfen\xf0\xc4\x0d\x16\x03\x17\x02\x18\x02\xf8\xa9\x01";
        let definition = Definition::read(arrays).unwrap();
        let shapes: Vec<_> = definition
            .types
            .iter()
            .map(|t| (t.bit, t.elements, t.period))
            .collect();
        assert_eq!(shapes, [(22, 3, 0), (23, 2, 0), (24, 2, 5000)]);
        let mut out = Vec::new();
        definition.write(&mut out);
        assert_eq!(out, arrays);
    }

    #[test]
    fn what_can_not_be_skipped_is_refused() {
        // A type that is not known, an array without elements, a list that speaks of another type.
        for body in [
            &b"\x01\x01t\x02\x04\xf0\xf1\xfe\xfe\x7f\0"[..],
            b"\x01\x01t\x02\x04\xf0\xf1\xfe\x0e\0\x16\0",
            b"\x01\x01t\x02\x04\x08\0\x05\x05",
            b"\x01\x09t\x02\x04\0\0",
        ] {
            assert_eq!(Definition::read(body), Err(Fault::Malformed), "{body:x?}");
        }
        let longer = Definition::read(b"\x01\x01t\x02\x04\0\0more").map(|d| d.extension);
        assert_eq!(longer, Ok(&b"more"[..]));
    }
}
