//! Converters, by family.

use crate::row::{Awaiting, ConverterRow};

/// All families.
pub static FAMILIES: &[&[ConverterRow]] = &[];

/// Known converters that are not built yet.
pub static AWAITING: &[Awaiting] = &[];
