//! `pause` and `wait-for-body`.

use super::ActionRow;
use super::tuning::{Duration, parse_duration};
use crate::parse::Parsed;
use crate::rules::{Action, CloseKind, Families, Flow, RuleCursor, Stream};
use expr::view::Side;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "pause",
        Families::MESSAGES,
        "Waits before going on.",
        parse_pause,
    ),
    ActionRow::new(
        "wait-for-body",
        Families::MESSAGES,
        "Waits for the message's body.",
        parse_body,
    ),
    ActionRow::new(
        "wait-for-handshake",
        Families::REQUEST,
        "Waits for the end of the TLS handshake when the request came before it.",
        |_| Ok(Box::new(WaitForHandshake)),
    ),
];

#[derive(Debug)]
struct Pause(Duration);

impl Action for Pause {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        match self.0.value(stream) {
            Some(time) if stream.waited() < time => Flow::Wait(time),
            _ => Flow::Continue,
        }
    }
}

fn parse_pause(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    Ok(Box::new(Pause(parse_duration(cursor, "pause")?)))
}

/// How long the end of a handshake is waited for before it is looked at again, in milliseconds.
const GLANCE: u64 = 1000;

#[derive(Debug)]
struct WaitForHandshake;

impl Action for WaitForHandshake {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        match stream.awaits_handshake() {
            true => Flow::Wait(stream.waited() + GLANCE),
            false => Flow::Continue,
        }
    }
}

#[derive(Debug)]
struct WaitForBody {
    side: Side,
    /// Milliseconds.
    time: u64,
    /// Bytes that will do; 0 for the whole body.
    at_least: u64,
}

impl Action for WaitForBody {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let enough = match stream.body(self.side) {
            None => true,
            Some(body) => {
                body.complete || (self.at_least > 0 && body.bytes.len() as u64 >= self.at_least)
            }
        };
        if enough {
            return Flow::Continue;
        }
        if stream.waited() < self.time {
            return Flow::Wait(self.time);
        }
        stream.body_timed_out(self.side);
        let status = if self.side == Side::Request { 408 } else { 504 };
        match stream.error_page(status) {
            Some(reply) => Flow::Reply(Box::new(reply)),
            None => Flow::Close(CloseKind::Reject),
        }
    }
}

fn parse_body(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let usage = "expects time <time> [ at-least <bytes> ]";
    let (mut time, mut at_least) = (None, 0);
    while !cursor.at_end() {
        match cursor.peek() {
            "time" => {
                cursor.take();
                let text = cursor.expect("missing argument for 'time'")?;
                time = Some(cursor.milliseconds(text, "")?);
            }
            "at-least" => {
                cursor.take();
                let text = cursor.expect("missing argument for 'at-least'")?;
                at_least = cursor.bytes(text)?;
            }
            "use-large-buffer" => {
                return Err(cursor.not_built("wait-for-body use-large-buffer", "large buffers"));
            }
            _ => break,
        }
    }
    let time = time.ok_or_else(|| cursor.fault(usage))?;
    Ok(Box::new(WaitForBody {
        side: cursor.family().side(),
        time,
        at_least,
    }))
}
