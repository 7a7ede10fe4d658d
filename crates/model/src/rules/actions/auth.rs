//! `auth`: asking the client for a name and a password.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, CloseKind, Families, Flow, RuleCursor, Stream};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow::new(
    "auth",
    Families::REQUEST,
    "Answers with a request for a name and a password.",
    parse,
)];

#[derive(Debug)]
struct Auth {
    /// The complete challenge.
    challenge: Arc<str>,
}

impl Action for Auth {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        // Clients that take this for their proxy expect the status of a proxy.
        let (status, field) = match stream.is_to_proxy() {
            true => (407, &b"proxy-authenticate"[..]),
            false => (401, &b"www-authenticate"[..]),
        };
        let Some(mut reply) = stream.error_page(status) else {
            return Flow::Close(CloseKind::Reject);
        };
        // Pages of other statuses were written for something else, and go out as they are.
        if reply.head.status() == status {
            reply.head.set(field, self.challenge.as_bytes());
        }
        Flow::Reply(Box::new(reply))
    }

    fn is_final(&self) -> bool {
        true
    }
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let realm: Arc<str> = match cursor.take_if("realm") {
        true => cursor.expect("missing realm value.")?.into(),
        false => cursor.proxy()?.name.clone(),
    };
    Ok(Box::new(Auth {
        challenge: format!("Basic realm=\"{realm}\"").into(),
    }))
}
