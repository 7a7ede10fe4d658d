//! `do-resolve`: asking name servers for an address.

use super::ActionRow;
use crate::address::IpFamily;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, Lookup, Names, RuleCursor, Stream};
use expr::{Expr, Type, Value, VarId};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[ActionRow::new(
    "do-resolve",
    Families::CONTENT.and(Families::REQUEST),
    "Asks name servers for an address.",
    parse,
)
.with_suffix()];

const USAGE: &str = "Expects 'do-resolve(<varname>,<resolvers>[,<options>]) <expr>'. Available options are 'ipv4' and 'ipv6'.";

#[derive(Debug)]
struct Resolve {
    var: VarId,
    resolvers: Arc<str>,
    prefer: IpFamily,
    expr: Arc<Expr>,
}

impl Action for Resolve {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let found = self.expr.eval_as(Type::Str, stream.view());
        let Some(Value::Str(name)) = found.value() else {
            return Flow::Continue;
        };
        match std::str::from_utf8(&name) {
            Ok(name) => Flow::Resolve(Box::new(Lookup {
                var: self.var,
                resolvers: self.resolvers.clone(),
                prefer: self.prefer,
                name: name.into(),
            })),
            Err(_) => Flow::Continue,
        }
    }

    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        let mut all = names.resolvers.iter();
        match all.any(|resolvers| resolvers.name == self.resolvers) {
            true => Ok(()),
            false => Err(format!(
                "Can't find resolvers section '{}' for do-resolve action.",
                self.resolvers
            )),
        }
    }
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let wrong = |cursor: &RuleCursor<'_, '_, '_>| {
        cursor.fault_before(format!("Can't parse '{}'. {USAGE}", cursor.action()))
    };
    let arguments: Vec<&str> = cursor.suffix().unwrap_or_default().split(',').collect();
    let (var, resolvers, prefer) = match arguments.as_slice() {
        [var, resolvers] => (*var, *resolvers, IpFamily::V6),
        [var, resolvers, "ipv4"] => (*var, *resolvers, IpFamily::V4),
        [var, resolvers, "ipv6"] => (*var, *resolvers, IpFamily::V6),
        _ => return Err(wrong(cursor)),
    };
    if var.is_empty() || resolvers.is_empty() {
        return Err(wrong(cursor));
    }
    let var = cursor.variable(var)?;
    if cursor.at_end() {
        return Err(cursor.fault(format!("Can't parse '': missing fetch method. {USAGE}")));
    }
    Ok(Box::new(Resolve {
        var,
        resolvers: resolvers.into(),
        prefer,
        expr: cursor.expression(None)?,
    }))
}
