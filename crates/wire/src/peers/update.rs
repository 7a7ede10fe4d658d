//! An entry's key and values.

use super::definition::{Definition, KeyForm, TypeDefinition};
use super::integer::{take_bytes, take_integer, take_word};
use super::{Fault, Form};

/// What a text field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'b> {
    /// There is none.
    None,
    /// The text that came under this number before.
    Known(u64),
    /// This text, which has this number from now on.
    New(u64, &'b [u8]),
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'b> {
    /// A number.
    Integer(u64),
    /// A frequency counter: how many milliseconds ago its period began, its events, those of the period before.
    Rate {
        /// The period's age.
        age: u32,
        /// Events of the present period.
        current: u32,
        /// Events of the period before.
        previous: u32,
    },
    /// A text.
    Text(Text<'b>),
}

/// Reads an update.
#[derive(Debug, Clone, Copy)]
pub struct UpdateReader<'b> {
    /// The key's bytes: a number's and an address's in network order.
    pub key: &'b [u8],
    rest: &'b [u8],
}

impl<'b> UpdateReader<'b> {
    /// Takes the key off an update's body.
    ///
    /// # Errors
    /// When it is cut off, or longer than the definition says.
    pub fn new(
        definition: &Definition<'_>,
        form: KeyForm,
        mut body: &'b [u8],
    ) -> Result<Self, Fault> {
        let len = match form {
            KeyForm::Integer => 4,
            KeyForm::Fixed(len) => u64::from(len),
            KeyForm::String => {
                let len = take_integer(&mut body)?;
                if len >= definition.key_len {
                    return Err(Fault::Malformed);
                }
                len
            }
        };
        let len = usize::try_from(len).map_err(|_| Fault::Malformed)?;
        Ok(Self {
            key: take_bytes(&mut body, len)?,
            rest: body,
        })
    }

    /// The values, in the order of the definition's types, the elements of an array one after the other.
    #[must_use]
    pub fn values<'d>(self, types: &'d [TypeDefinition]) -> Values<'d, 'b> {
        Values {
            types: types.iter(),
            now: None,
            rest: self.rest,
        }
    }
}

/// The values of an update.
#[derive(Debug, Clone)]
pub struct Values<'d, 'b> {
    types: std::slice::Iter<'d, TypeDefinition>,
    /// The type whose elements come next, and which of them.
    now: Option<(&'d TypeDefinition, u16)>,
    rest: &'b [u8],
}

impl<'d, 'b> Values<'d, 'b> {
    /// The next value with its type and which element of it it is; `None` after the last one.
    ///
    /// # Errors
    /// When it is cut off or can't be.
    pub fn take(&mut self) -> Result<Option<(&'d TypeDefinition, u16, Value<'b>)>, Fault> {
        let (kind, element) = match self.now.take() {
            Some(now) => now,
            None => match self.types.next() {
                Some(kind) => (kind, 0),
                None => return Ok(None),
            },
        };
        if element + 1 < kind.elements {
            self.now = Some((kind, element + 1));
        }
        let value = match kind.form() {
            Form::Integer => Value::Integer(take_integer(&mut self.rest)?),
            Form::Rate => Value::Rate {
                age: take_word(&mut self.rest)?,
                current: take_word(&mut self.rest)?,
                previous: take_word(&mut self.rest)?,
            },
            Form::Text => Value::Text(self.text()?),
        };
        Ok(Some((kind, element, value)))
    }

    fn text(&mut self) -> Result<Text<'b>, Fault> {
        let len = usize::try_from(take_integer(&mut self.rest)?).map_err(|_| Fault::Malformed)?;
        if len == 0 {
            return Ok(Text::None);
        }
        let mut field = take_bytes(&mut self.rest, len)?;
        let number = take_integer(&mut field)?;
        if field.is_empty() {
            return Ok(Text::Known(number));
        }
        let len = usize::try_from(take_integer(&mut field)?).map_err(|_| Fault::Malformed)?;
        Ok(Text::New(number, take_bytes(&mut field, len)?))
    }
}
