//! `stick on`, `stick match`, `stick store-request` and `stick store-response`.

use super::super::proxy::condition;
use crate::parse::{Parsed, Parser, Statement};
use crate::persistence::StickRule;
use expr::{Condition, Expr, Phases};
use std::sync::Arc;

pub(super) fn stick(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (matches, stores, place, missing) = match statement.arg(0) {
        "match" => (true, false, Phases::BE_SET_SERVER, "during request"),
        "on" => (true, true, Phases::BE_SET_SERVER, "during request"),
        "store-request" => (false, true, Phases::BE_SET_SERVER, "during request"),
        "store-response" => (false, true, Phases::BE_STORE, "for 'store-response'"),
        _ => {
            return Err(statement.fault(0, "'stick' expects 'on', 'match', or 'store'."));
        }
    };
    let words = statement.args_from(1);
    if words.is_empty() {
        return Err(statement.fault_here("'stick' expects a fetch method."));
    }
    let (expr, used) = parser
        .in_context(statement, place, |ctx| Expr::parse(&words, ctx))
        .map_err(|why| statement.fault(1, format!("'stick': {why}")))?;
    if !expr.phases().intersects(place) {
        let message = format!(
            "'stick': fetch method '{}' extracts information from '{}', none of which is available {missing}.",
            expr.fetch().name,
            expr.need()
        );
        return Err(statement.fault(1, message));
    }
    let mut at = 1 + used;
    let mut table: Option<Arc<str>> = None;
    if statement.arg(at) == "table" {
        table = Some(statement.arg(at + 1).into());
        at += 2;
    }
    let condition = match statement.arg(at) {
        "" => None,
        word if Condition::opens(word) => {
            Some(condition(parser, statement, at, place).map_err(|why| {
                let message =
                    format!("'stick': error detected while parsing sticking condition : {why}.");
                statement.fault(at, message)
            })?)
        }
        word => return Err(statement.fault(at, format!("'stick': unknown keyword '{word}'."))),
    };
    let proxy = parser.proxy()?;
    let table = table.unwrap_or_else(|| proxy.name.clone());
    proxy.back.stick.push(StickRule {
        expr: Arc::new(expr),
        table_name: table,
        table: 0,
        matches,
        stores,
        on_response: place == Phases::BE_STORE,
        condition,
    });
    Ok(())
}
