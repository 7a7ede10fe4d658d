//! `set-status`.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, RuleCursor, Stream, reason};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow::new(
    "set-status",
    Families::RESPONSES,
    "Changes the status of the response.",
    parse,
)];

#[derive(Debug)]
struct SetStatus {
    status: u16,
    reason: Option<Arc<str>>,
}

impl Action for SetStatus {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let Some(head) = stream.response_mut() else {
            return Flow::Failed;
        };
        let phrase = self
            .reason
            .as_deref()
            .unwrap_or_else(|| reason(self.status));
        head.set_status(self.status, phrase.as_bytes());
        Flow::Continue
    }
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let text =
        cursor.expect("expects 1 argument: <status>; or 3 arguments: <status> reason <fmt>")?;
    let status = text
        .parse()
        .ok()
        .filter(|status| (100..=999).contains(status));
    let status = status
        .ok_or_else(|| cursor.fault_before("expects an integer status code between 100 and 999"))?;
    let has_reason = cursor.peek() == "reason" && !cursor.peek_second().is_empty();
    let reason = has_reason.then(|| {
        cursor.take();
        cursor.take().into()
    });
    Ok(Box::new(SetStatus { status, reason }))
}
