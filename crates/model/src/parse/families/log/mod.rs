//! Logging.
use crate::parse::{Parser, Row, sections::SectionRow};
/// Rows.
pub const GLOBAL_ROWS: &[Row] = &[];
/// Rows.
pub const PROXY_ROWS: &[Row] = &[];
/// Sections.
pub const SECTIONS: &[SectionRow] = &[];
/// Resolves.
pub fn resolve(_: &mut Parser<'_>) {}
