//! `set-bandwidth-limit`.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, Names, RuleCursor, Stream};
use base::units::parse_size;
use expr::{Expr, Type, Value};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow::new(
    "set-bandwidth-limit",
    Families::CONTENT
        .and(Families::TCP_RESPONSE)
        .and(Families::REQUEST)
        .and(Families::RESPONSE),
    "Limits the bytes that the stream passes on in a time.",
    parse,
)];

/// A figure that is fixed or found out each time.
#[derive(Debug)]
enum Figure {
    Fixed(u64),
    Expr(Arc<Expr>),
}

impl Figure {
    fn get(&self, stream: &dyn Stream) -> Option<u64> {
        let value = match self {
            Self::Fixed(value) => return Some(*value),
            Self::Expr(expr) => expr.eval_as(Type::Int, stream.view()).value()?,
        };
        match value {
            Value::Int(value) => u64::try_from(value).ok(),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct SetLimit {
    name: Arc<str>,
    limit: Option<Figure>,
    period: Option<Figure>,
}

impl Action for SetLimit {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let get = |figure: &Option<Figure>| {
            let value = figure.as_ref().and_then(|figure| figure.get(stream));
            value.filter(|value| *value > 0)
        };
        let (limit, period) = (get(&self.limit), get(&self.period));
        stream.limit_bandwidth(&self.name, limit, period);
        Flow::Continue
    }

    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        let limiters = &names.proxy.limiters;
        let shared = limiters
            .iter()
            .any(|limiter| limiter.name == self.name && limiter.is_shared());
        let fault = |what: &str| {
            format!("set-bandwidth-limit rule cannot define a {what} for a shared bwlim filter.")
        };
        match (shared, &self.limit, &self.period) {
            (true, Some(_), _) => Err(fault("limit")),
            (true, None, Some(_)) => Err(fault("period")),
            _ => Ok(()),
        }
    }
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let name = cursor.expect("missing bwlim filter name")?.into();
    let (mut limit, mut period) = (None, None);
    loop {
        if cursor.take_if("limit") {
            let fixed = parse_size(cursor.peek()).map(u64::from).ok();
            limit = Some(figure(cursor, fixed, "limit", "size")?);
        } else if cursor.take_if("period") {
            let fixed = cursor.milliseconds(cursor.peek(), "").ok();
            period = Some(figure(cursor, fixed, "period", "time")?);
        } else {
            break;
        }
    }
    Ok(Box::new(SetLimit {
        name,
        limit,
        period,
    }))
}

fn figure(
    cursor: &mut RuleCursor<'_, '_, '_>,
    fixed: Option<u64>,
    option: &str,
    kind: &str,
) -> Parsed<Figure> {
    let word = cursor.peek();
    if let Some(value) = fixed.filter(|_| !word.is_empty()) {
        cursor.take();
        return Ok(Figure::Fixed(value));
    }
    let invalid = format!("'{option}': invalid {kind} value or unknown fetch method '{word}'");
    let is_fetch = cursor
        .in_context(|ctx| Ok(Expr::parse(&[word], ctx).is_ok()))
        .unwrap_or(false);
    if !is_fetch {
        return Err(cursor.fault(invalid));
    }
    cursor.expression(None).map(Figure::Expr)
}
