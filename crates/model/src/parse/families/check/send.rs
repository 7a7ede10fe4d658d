//! `tcp-check send`, `send-lf`, `send-binary` and `send-binary-lf`.

use super::draft::{ActionDraft, RuleDraft};
use super::{at, hex, take_comment, take_format};
use crate::check::{CheckAction, Payload};
use crate::parse::Parsed;
use crate::rules::RuleCursor;
use expr::logformat::Usage;

/// Reads a rule behind its keyword.
pub(super) fn read(cursor: &mut RuleCursor<'_, '_, '_>, name: &str) -> Parsed<RuleDraft> {
    let text = cursor.peek();
    if text.is_empty() {
        cursor.take();
        let what = if name == "send-binary" {
            "binary string"
        } else {
            "string"
        };
        return Err(at(
            cursor,
            &format!("'{what}' expects a {name} as argument"),
        ));
    }
    let payload = match name {
        "send" => Payload::Bytes(cursor.statement().arg_bytes(0).into()),
        "send-binary" => Payload::Bytes(hex(text).map_err(|why| {
            let message = format!("'{text}' invalid binary string ({why})");
            super::fault(cursor.statement(), 0, &message)
        })?),
        "send-lf" => Payload::Format(take_format(cursor, Usage::RAW)?),
        _ => Payload::HexFormat(take_format(cursor, Usage::RAW)?),
    };
    if cursor.index() == 0 {
        cursor.take();
    }
    let mut comment = None;
    while !cursor.peek().is_empty() {
        match cursor.take() {
            "comment" => comment = Some(take_comment(cursor)?),
            other => {
                let message = format!("expects 'comment' but got '{other}' as argument");
                return Err(at(cursor, &message));
            }
        }
    }
    Ok(RuleDraft {
        comment,
        action: ActionDraft::Ready(CheckAction::Send(payload)),
    })
}
