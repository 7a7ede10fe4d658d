//! Settings of one stream: timeouts, retries, queue priority, strict mode.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, RuleCursor, Stream};
use expr::{Expr, Type, Value};
use std::sync::Arc;

const QUEUED: Families = Families::CONTENT.and(Families::REQUEST);

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "disable-l7-retry",
        Families::REQUEST,
        "Sends the request only once.",
        |_| Ok(Box::new(DisableRetry)),
    ),
    ActionRow::new(
        "set-nice",
        QUEUED.and(Families::TCP_RESPONSE).and(Families::RESPONSE),
        "Lets other streams go first.",
        parse_nice,
    ),
    ActionRow::new(
        "set-priority-class",
        QUEUED,
        "Sets the class in queues.",
        |c| parse_priority(c, true),
    ),
    ActionRow::new(
        "set-priority-offset",
        QUEUED,
        "Moves the request ahead or back in queues.",
        |c| parse_priority(c, false),
    ),
    ActionRow::new(
        "set-retries",
        QUEUED,
        "Changes the number of connection attempts.",
        parse_retries,
    ),
    ActionRow::new(
        "set-timeout",
        Families::MESSAGES,
        "Changes a timeout.",
        parse_timeout,
    ),
    ActionRow::new(
        "strict-mode",
        Families::HTTP,
        "Says whether failed rewrites end in an error.",
        parse_strict,
    ),
];

#[derive(Debug)]
struct DisableRetry;

impl Action for DisableRetry {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        stream.disable_l7_retry();
        Flow::Continue
    }
}

#[derive(Debug)]
struct Nice(i32);

impl Action for Nice {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        stream.set_nice(self.0);
        Flow::Continue
    }
}

fn parse_nice(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let missing = "expects exactly 1 argument (integer value)";
    let text = cursor.expect(missing)?;
    let nice = leading_number(text).clamp(-1024, 1024);
    Ok(Box::new(Nice(nice as i32)))
}

/// The number that a text begins with, 0 without one, which is how HAProxy takes it.
fn leading_number(text: &str) -> i64 {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    let end = text.len() - digits.len() + len;
    text.get(..end).unwrap_or_default().parse().unwrap_or(0)
}

/// The sample as an integer.
fn integer(expr: &Expr, stream: &dyn Stream) -> Option<i64> {
    match expr.eval_as(Type::Int, stream.view()).value()? {
        Value::Int(value) => Some(value),
        _ => None,
    }
}

#[derive(Debug)]
struct Priority {
    is_class: bool,
    expr: Arc<Expr>,
}

impl Action for Priority {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let Some(value) = integer(&self.expr, stream) else {
            return Flow::Continue;
        };
        let limit = if self.is_class { 0x7ff } else { 0x7_ffff };
        let value = i32::try_from(value.clamp(-limit, limit)).unwrap_or(0);
        match self.is_class {
            true => stream.set_priority(Some(value), None),
            false => stream.set_priority(None, Some(value)),
        }
        Flow::Continue
    }
}

fn parse_priority(cursor: &mut RuleCursor<'_, '_, '_>, is_class: bool) -> Parsed<Box<dyn Action>> {
    let expr = cursor.expression(None)?;
    Ok(Box::new(Priority { is_class, expr }))
}

/// A number that is fixed or found out each time.
#[derive(Debug)]
enum Number {
    Fixed(u64),
    Expr(Arc<Expr>),
}

impl Number {
    fn value(&self, stream: &dyn Stream) -> Option<u64> {
        match self {
            Self::Fixed(value) => Some(*value),
            Self::Expr(expr) => integer(expr, stream).and_then(|value| u64::try_from(value).ok()),
        }
    }
}

#[derive(Debug)]
struct Retries(Number);

impl Action for Retries {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let retries = self
            .0
            .value(stream)
            .filter(|retries| *retries <= 100)
            .and_then(|retries| u32::try_from(retries).ok());
        if let Some(retries) = retries {
            stream.set_retries(retries);
        }
        Flow::Continue
    }
}

fn parse_retries(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    if cursor.at_end() {
        return Err(cursor
            .fault("expects exactly 1 argument (an expression or an integer between 1 and 100)"));
    }
    let caps = cursor.proxy()?.caps;
    if !caps.back || caps.defaults {
        return Err(cursor.fault("'set-retries' only available in backend or listen section"));
    }
    if !cursor.peek().starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(Box::new(Retries(Number::Expr(cursor.expression(None)?))));
    }
    let value = cursor.take().parse().ok().filter(|retries| *retries <= 100);
    let value = value.ok_or_else(|| {
        cursor.fault_before("expects an expression or an integer between 1 and 100")
    })?;
    Ok(Box::new(Retries(Number::Fixed(value))))
}

const TIMEOUTS: [&str; 6] = ["client", "connect", "queue", "server", "tarpit", "tunnel"];

#[derive(Debug)]
struct Timeout {
    name: &'static str,
    value: Number,
}

impl Action for Timeout {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        if let Some(value) = self.value.value(stream).filter(|value| *value > 0) {
            stream.set_timeout(self.name, value.min(i32::MAX as u64));
        }
        Flow::Continue
    }
}

fn parse_timeout(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    if cursor.peek().is_empty() || cursor.peek_second().is_empty() {
        return Err(cursor.fault("expects exactly 2 arguments"));
    }
    let word = cursor.take();
    let Some(name) = TIMEOUTS.into_iter().find(|name| *name == word) else {
        return Err(cursor.fault_before(format!(
            "'set-timeout' rule supports 'client'/'connect'/'queue'/'server'/'tarpit'/'tunnel' (got '{word}')"
        )));
    };
    let (caps, proxy) = (cursor.proxy()?.caps, cursor.proxy()?.name.clone());
    match name {
        "tarpit" => {}
        "client" if !caps.front => {
            return Err(cursor.fault_before(format!("'{proxy}' has no frontend capability")));
        }
        "client" => {}
        _ if !caps.back => {
            return Err(cursor.fault_before(format!("'{proxy}' has no backend capability")));
        }
        _ => {}
    }
    let value = duration_or_expression(cursor, &format!("set-timeout {name}"))?;
    Ok(Box::new(Timeout { name, value }))
}

/// A duration in milliseconds, or an expression that yields one.
fn duration_or_expression(cursor: &mut RuleCursor<'_, '_, '_>, rule: &str) -> Parsed<Number> {
    let word = cursor.peek();
    let wrong = match cursor.milliseconds(word, &format!(" in rule '{rule}'")) {
        Ok(0) => return Err(cursor.fault(format!("null value is not valid for a '{rule}' rule"))),
        Ok(value) => {
            cursor.take();
            return Ok(Number::Fixed(value));
        }
        Err(wrong) => wrong,
    };
    // What is neither is most probably a mistyped duration.
    cursor.expression(None).map(Number::Expr).map_err(|fault| {
        match word.contains(['(', ',', '.']) {
            true => fault,
            false => wrong,
        }
    })
}

/// The same for `pause`, as a function of the stream.
pub(super) fn parse_duration(cursor: &mut RuleCursor<'_, '_, '_>, rule: &str) -> Parsed<Duration> {
    duration_or_expression(cursor, rule).map(Duration)
}

/// A duration that is fixed or found out each time.
#[derive(Debug)]
pub(super) struct Duration(Number);

impl Duration {
    /// Milliseconds; `None` when the expression has none.
    pub(super) fn value(&self, stream: &dyn Stream) -> Option<u64> {
        self.0.value(stream).filter(|value| *value > 0)
    }
}

#[derive(Debug)]
struct Strict(bool);

impl Action for Strict {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        stream.set_strict(self.0);
        Flow::Continue
    }
}

fn parse_strict(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    match cursor.expect("expects exactly 1 arguments")? {
        "on" => Ok(Box::new(Strict(true))),
        "off" => Ok(Box::new(Strict(false))),
        other => Err(cursor.fault_before(format!(
            "Unexpected value '{other}'. Only 'on' and 'off' are supported"
        ))),
    }
}
