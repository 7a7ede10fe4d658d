//! Ends of the evaluation: `allow`, `accept`, `reject`, `silent-drop`, `switch-mode`.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, CloseKind, Families, Flow, Mux, RuleCursor, Stream};

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "accept",
        Families::TCP,
        "Ends the evaluation and lets the traffic pass.",
        parse_accept,
    ),
    ActionRow::new(
        "allow",
        Families::HTTP,
        "Ends the evaluation and lets the message pass.",
        parse_allow,
    ),
    ActionRow::new(
        "close",
        Families::TCP_RESPONSE,
        "Closes the server's connection.",
        |_| Ok(Box::new(Close(CloseKind::Server))),
    ),
    ActionRow::new(
        "reject",
        Families::TCP.and(Families::REQUEST),
        "Closes the connection without an answer.",
        parse_reject,
    ),
    ActionRow::new(
        "silent-drop",
        Families::TCP.and(Families::MESSAGES),
        "Forgets the connection without telling the client.",
        parse_silent_drop,
    ),
    ActionRow::new(
        "switch-mode",
        Families::CONTENT,
        "Goes on with the TCP stream as an HTTP stream.",
        parse_switch_mode,
    ),
];

#[derive(Debug)]
struct Pass {
    is_final: bool,
}

impl Action for Pass {
    fn run(&self, _: &mut dyn Stream) -> Flow {
        Flow::Stop
    }

    fn is_final(&self) -> bool {
        self.is_final
    }
}

#[derive(Debug)]
struct Close(CloseKind);

impl Action for Close {
    fn run(&self, _: &mut dyn Stream) -> Flow {
        Flow::Close(self.0)
    }
}

#[derive(Debug)]
struct SwitchToHttp(Option<Mux>);

impl Action for SwitchToHttp {
    fn run(&self, _: &mut dyn Stream) -> Flow {
        Flow::SwitchToHttp(self.0)
    }

    fn switches_to_http(&self) -> bool {
        true
    }
}

fn parse_accept(_: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    Ok(Box::new(Pass { is_final: false }))
}

fn parse_allow(_: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    Ok(Box::new(Pass { is_final: true }))
}

fn parse_reject(_: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    Ok(Box::new(Close(CloseKind::Reject)))
}

fn parse_silent_drop(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    if !cursor.take_if("rst-ttl") {
        return Ok(Box::new(Close(CloseKind::Silent(None))));
    }
    let text = cursor.expect("missing rst-ttl value")?;
    if let Some(at) = text.find(|c: char| !c.is_ascii_digit()) {
        let rest = text.get(at..).unwrap_or_default();
        return Err(cursor.fault_before(format!(
            "invalid character starting at '{rest}' (value 1-255 expected)"
        )));
    }
    match text.parse().ok().filter(|hops| *hops > 0) {
        Some(hops) => Ok(Box::new(Close(CloseKind::Silent(Some(hops))))),
        None => Err(cursor.fault_before("valid rst-ttl values are [1-255]")),
    }
}

fn parse_switch_mode(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let proxy = cursor.titled_proxy()?;
    if !cursor.proxy()?.caps.front {
        let message = format!(
            "'tcp-request switch-mode' not allowed because {proxy} has no frontend capability"
        );
        return Err(cursor.plain_fault(message));
    }
    match cursor.peek() {
        "http" => cursor.take(),
        "" => {
            return Err(cursor.plain_fault("'tcp-request switch-mode' expects a mode as argument."));
        }
        other => {
            return Err(cursor.plain_fault(format!(
                "'tcp-request switch-mode' expects a valid mode (got '{other}')."
            )));
        }
    };
    let mut mux = None;
    if cursor.take_if("proto") {
        mux = match cursor.peek() {
            "h1" => Some(Mux::H1),
            "h2" => Some(Mux::H2),
            other => {
                return Err(cursor.plain_fault(format!(
                    "'tcp-request switch-mode': 'proto' expects a valid MUX protocol, if specified (got '{other}')"
                )));
            }
        };
        cursor.take();
    }
    Ok(Box::new(SwitchToHttp(mux)))
}
