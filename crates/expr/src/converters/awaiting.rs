//! Converters of subsystems that are still to come.

use crate::row::Awaiting;

/// Known converters that are not built yet.
pub static AWAITING: &[Awaiting] = &[];
