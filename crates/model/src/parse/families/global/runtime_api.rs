//! Stub.
use crate::parse::Row;
/// Rows.
pub const ROWS: &[Row] = &[];
