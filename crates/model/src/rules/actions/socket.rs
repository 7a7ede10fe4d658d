//! Addresses and sockets: `set-src`, `set-dst`, marks and types of service.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, End, Families, Flow, RuleCursor, SocketSetting, Stream};
use base::Endpoint;
use expr::{Expr, Type, Value};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

const CLIENT: Families = Families::TCP.and(Families::MESSAGES);
const SERVER: Families = Families::CONTENT.and(Families::REQUEST);
const ENDS: Families = Families::TCP_REQUEST.and(Families::REQUEST);

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "set-fc-mark",
        CLIENT,
        "Marks packets sent to the client.",
        |c| parse_setting(c, Which::Mark, true),
    ),
    ActionRow::new(
        "set-fc-tos",
        CLIENT,
        "Sets the type of service of packets sent to the client.",
        |c| parse_setting(c, Which::Tos, true),
    ),
    ActionRow::new("set-mark", CLIENT, "The old name of set-fc-mark.", |c| {
        parse_setting(c, Which::Mark, true)
    }),
    ActionRow::new("set-tos", CLIENT, "The old name of set-fc-tos.", |c| {
        parse_setting(c, Which::Tos, true)
    }),
    ActionRow::new(
        "set-bc-mark",
        SERVER,
        "Marks packets sent to the server.",
        |c| parse_setting(c, Which::Mark, false),
    ),
    ActionRow::new(
        "set-bc-tos",
        SERVER,
        "Sets the type of service of packets sent to the server.",
        |c| parse_setting(c, Which::Tos, false),
    ),
    ActionRow::new("set-src", ENDS, "Replaces the client's address.", |c| {
        parse_end(c, End::Source, false)
    }),
    ActionRow::new("set-src-port", ENDS, "Replaces the client's port.", |c| {
        parse_end(c, End::Source, true)
    }),
    ActionRow::new(
        "set-dst",
        ENDS,
        "Replaces the address that the client connected to.",
        |c| parse_end(c, End::Destination, false),
    ),
    ActionRow::new(
        "set-dst-port",
        ENDS,
        "Replaces the port that the client connected to.",
        |c| parse_end(c, End::Destination, true),
    ),
];

#[derive(Debug, Clone, Copy)]
enum Which {
    Mark,
    Tos,
}

#[derive(Debug)]
enum Number {
    Fixed(u32),
    Expr(Arc<Expr>),
}

#[derive(Debug)]
struct Setting {
    which: Which,
    client: bool,
    value: Number,
}

impl Action for Setting {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let value = match &self.value {
            Number::Fixed(value) => *value,
            Number::Expr(expr) => match expr.eval_as(Type::Int, stream.view()).value() {
                Some(Value::Int(value)) => value as u32,
                _ => return Flow::Continue,
            },
        };
        let setting = match self.which {
            Which::Mark => SocketSetting::Mark(value),
            Which::Tos => SocketSetting::Tos(value as u8),
        };
        stream.set_socket(self.client, setting);
        Flow::Continue
    }
}

fn parse_setting(
    cursor: &mut RuleCursor<'_, '_, '_>,
    which: Which,
    client: bool,
) -> Parsed<Box<dyn Action>> {
    if cursor.at_end() {
        return Err(cursor.fault("expects an argument"));
    }
    let value = match fixed(cursor.peek()) {
        Some(value) => {
            cursor.take();
            Number::Fixed(value)
        }
        None => Number::Expr(cursor.expression(None)?),
    };
    Ok(Box::new(Setting {
        which,
        client,
        value,
    }))
}

/// A number in decimal, octal or hexadecimal form; what does not fit is cut to its lower 32 bits.
fn fixed(text: &str) -> Option<u32> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None if text.starts_with('0') && text.len() > 1 => u64::from_str_radix(text, 8),
        None => text.parse(),
    };
    value.ok().map(|value| value as u32)
}

#[derive(Debug)]
struct SetEnd {
    end: End,
    is_port: bool,
    expr: Arc<Expr>,
}

impl SetEnd {
    fn present(&self, stream: &dyn Stream) -> Option<SocketAddr> {
        let client = stream.client()?;
        let end = match self.end {
            End::Source => client.src,
            End::Destination => client.dst,
        };
        match end? {
            Endpoint::Inet(address) => Some(*address),
            Endpoint::Unix(_) => None,
        }
    }
}

impl Action for SetEnd {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let kind = if self.is_port { Type::Int } else { Type::Addr };
        let present = self.present(stream);
        let changed = match self.expr.eval_as(kind, stream.view()).value() {
            Some(Value::Ip(ip)) => SocketAddr::new(ip, present.map_or(0, |present| present.port())),
            Some(Value::Int(port)) => {
                let ip = present.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |present| present.ip());
                SocketAddr::new(ip, port as u16)
            }
            _ => return Flow::Continue,
        };
        stream.set_end(self.end, Endpoint::Inet(changed));
        Flow::Continue
    }
}

fn parse_end(
    cursor: &mut RuleCursor<'_, '_, '_>,
    end: End,
    is_port: bool,
) -> Parsed<Box<dyn Action>> {
    let expr = cursor.expression(None)?;
    Ok(Box::new(SetEnd { end, is_port, expr }))
}

#[cfg(test)]
mod tests {
    use super::fixed;

    #[test]
    fn numbers_are_read_in_any_base() {
        assert_eq!(
            (fixed("16"), fixed("0x10"), fixed("020"), fixed("0")),
            (Some(16), Some(16), Some(16), Some(0))
        );
        assert_eq!(
            (fixed("4294967296"), fixed("0x1g"), fixed("src")),
            (Some(0), None, None)
        );
    }
}
