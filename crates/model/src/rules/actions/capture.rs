//! `capture`: keeping a sample for the log.

use super::ActionRow;
use crate::parse::{Fault, Parsed};
use crate::proxy::HeaderCapture;
use crate::rules::{Action, Families, Family, Flow, Names, RuleCursor, Stream};
use expr::view::Side;
use expr::{Expr, Type, Value};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow::new(
    "capture",
    Families::CONTENT.and(Families::HTTP),
    "Keeps the text of a sample for the log.",
    parse,
)];

#[derive(Debug)]
struct Capture {
    expr: Arc<Expr>,
    is_request: bool,
    slot: usize,
    /// The list, when the slot was named by its number and has to be looked for.
    named_in: Option<Family>,
}

impl Action for Capture {
    fn awaited(&self) -> Option<&Expr> {
        Some(&self.expr)
    }

    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let mut text = stream.take_scratch();
        text.clear();
        let found = match self.expr.eval_as(Type::Str, stream.view()).value() {
            Some(Value::Str(value)) => {
                text.extend_from_slice(&value);
                true
            }
            _ => false,
        };
        if found {
            stream.capture(self.is_request, self.slot, &text);
        }
        stream.give_scratch(text);
        Flow::Continue
    }

    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        let Some(family) = self.named_in else {
            return Ok(());
        };
        // Which frontend a backend will serve is only known at run time.
        if !names.proxy.caps.front || names.proxy.caps.defaults {
            return Ok(());
        }
        let front = &names.proxy.front;
        let slots = if self.is_request {
            front.request_captures.len()
        } else {
            front.response_captures.len()
        };
        if self.slot < slots {
            return Ok(());
        }
        Err(format!(
            "unable to find capture id '{}' referenced by {} capture rule.",
            self.slot,
            family.keyword()
        ))
    }
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    match cursor.family() {
        Family::TcpContent => parse_tcp(cursor),
        Family::HttpRequest => {
            parse_http(cursor, "expects <expression> [ 'len' <length> | id <idx> ]")
        }
        _ => parse_http(cursor, "expects <expression> id <idx>"),
    }
}

fn parse_tcp(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let path = cursor.path();
    let named = |fault: Fault| Fault {
        message: format!("'{path}' : {}", fault.message),
        ..fault
    };
    let expr = cursor.expression(None).map_err(named)?;
    let len = match cursor.take_if("len") {
        true => cursor.take().parse::<usize>().unwrap_or(0),
        false => 0,
    };
    if len == 0 {
        return Err(named(
            cursor.plain_fault("a positive 'len' argument is mandatory"),
        ));
    }
    let slot = declare(cursor, len)?;
    Ok(Box::new(Capture {
        expr,
        is_request: true,
        slot,
        named_in: None,
    }))
}

fn parse_http(cursor: &mut RuleCursor<'_, '_, '_>, usage: &str) -> Parsed<Box<dyn Action>> {
    let family = cursor.family();
    if cursor.at_end() {
        return Err(cursor.fault(usage));
    }
    let expr = cursor.expression(None)?;
    let is_request = family.side() == Side::Request;
    match cursor.peek() {
        "len" if is_request && !cursor.peek_second().is_empty() => {
            cursor.take();
            let len = cursor.take().parse::<usize>().unwrap_or(0);
            if len == 0 {
                return Err(cursor.fault_before("length must be > 0"));
            }
            let slot = declare(cursor, len)?;
            Ok(Box::new(Capture {
                expr,
                is_request,
                slot,
                named_in: None,
            }))
        }
        "id" if !cursor.peek_second().is_empty() => {
            cursor.take();
            let text = cursor.take();
            let slot = text
                .parse()
                .map_err(|_| cursor.fault_before(format!("cannot parse id '{text}'")))?;
            Ok(Box::new(Capture {
                expr,
                is_request,
                slot,
                named_in: Some(family),
            }))
        }
        "" | "id" => Err(cursor.fault(usage)),
        other if !is_request => Err(cursor.fault(format!("expects 'id', found '{other}'"))),
        _ => Err(cursor.fault(usage)),
    }
}

/// Adds a slot of this length and returns its number.
fn declare(cursor: &mut RuleCursor<'_, '_, '_>, len: usize) -> Parsed<usize> {
    let proxy = cursor.proxy()?;
    if !proxy.caps.front {
        let message = format!("proxy '{}' has no frontend capability", proxy.name);
        return Err(cursor.fault(message));
    }
    let slots = &mut proxy.front.request_captures;
    slots.push(HeaderCapture {
        name: "".into(),
        len,
    });
    Ok(slots.len() - 1)
}
