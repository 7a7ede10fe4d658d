//! `early-hint`: interim responses (RFC 8297).

use super::ActionRow;
use super::headers::field_name;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, RuleCursor, Stream};
use expr::logformat::{LogFormat, Usage};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow::new(
    "early-hint",
    Families::REQUEST,
    "Sends a field to the client in a 103 response ahead of the response.",
    parse,
)];

/// The fields of a 103 response.
#[derive(Debug, Clone)]
pub struct EarlyHint {
    fields: Vec<(Arc<str>, Arc<LogFormat>)>,
}

impl EarlyHint {
    /// The same response with the fields of `next` behind its own.
    #[must_use]
    pub fn joined_with(&self, next: &Self) -> Self {
        Self {
            fields: self.fields.iter().chain(&next.fields).cloned().collect(),
        }
    }
}

impl Action for EarlyHint {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let mut text = stream.take_scratch();
        text.clear();
        let mut ends = Vec::with_capacity(self.fields.len());
        for (_, format) in &self.fields {
            format.render(stream.view(), &mut text);
            ends.push(text.len());
        }
        let mut start = 0;
        let mut fields: Vec<(&[u8], &[u8])> = Vec::with_capacity(ends.len());
        for ((name, _), end) in self.fields.iter().zip(ends) {
            fields.push((name.as_bytes(), text.get(start..end).unwrap_or_default()));
            start = end;
        }
        stream.send_interim(103, &fields);
        stream.give_scratch(text);
        Flow::Continue
    }

    fn early_hint(&self) -> Option<&EarlyHint> {
        Some(self)
    }
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let missing = "expects exactly 2 arguments";
    let name = field_name(cursor, missing)?;
    let format = cursor.format(missing, Usage::HTTP)?;
    Ok(Box::new(EarlyHint {
        fields: vec![(name, format)],
    }))
}
