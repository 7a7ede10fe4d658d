//! Log formats: text with `%` aliases and `%[expressions]`.

use crate::context::ParseContext;
use crate::view::View;

/// A compiled log format.
#[derive(Debug)]
pub struct LogFormat {}

impl LogFormat {
    /// Reads a format.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub fn parse(_text: &str, _ctx: &mut ParseContext<'_>) -> Result<Self, String> {
        Err("log formats are not built yet".into())
    }

    /// Writes the line.
    pub fn render(&self, _view: &dyn View, _out: &mut Vec<u8>) {}
}
