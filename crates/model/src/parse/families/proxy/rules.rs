//! Rules: `http-request`, `tcp-request` and their like.

use crate::parse::Row;

/// The rows of this family.
pub const ROWS: &[Row] = &[];
