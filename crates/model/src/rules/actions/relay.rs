//! `expect-proxy` and `expect-netscaler-cip`: relay headers by rule.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, RelayHeader, RuleCursor, Stream};

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "expect-proxy",
        Families::TCP_REQUEST,
        "Wants a PROXY protocol header in front of the traffic.",
        parse_proxy,
    ),
    ActionRow::new(
        "expect-netscaler-cip",
        Families::TCP_REQUEST,
        "Wants a NetScaler header in front of the traffic.",
        parse_netscaler,
    ),
];

/// The engine reads the header right after the rules of the connection, so that there is nothing to run.
#[derive(Debug)]
struct Expect(RelayHeader);

impl Action for Expect {
    fn run(&self, _: &mut dyn Stream) -> Flow {
        Flow::Continue
    }

    fn expects_relay_header(&self) -> Option<RelayHeader> {
        Some(self.0)
    }
}

fn parse_proxy(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse(cursor, RelayHeader::Proxy)
}

fn parse_netscaler(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    parse(cursor, RelayHeader::NetScaler)
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>, header: RelayHeader) -> Parsed<Box<dyn Action>> {
    let (proxy, path, family) = (cursor.titled_proxy()?, cursor.path(), cursor.family());
    let word = cursor.peek();
    if word != "layer4" {
        return Err(cursor.plain_fault(format!(
            "'{path}' only supports 'layer4' in {proxy} (got '{word}')"
        )));
    }
    if !Families::CONNECTION.has(family) {
        let (action, keyword) = (cursor.action(), family.keyword());
        return Err(cursor.plain_fault(format!(
            "'{action} layer4' is not allowed in '{keyword}' rules in {proxy}"
        )));
    }
    cursor.take();
    Ok(Box::new(Expect(header)))
}
