//! `external-check` of proxies.

use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "external-check",
    valid: Valid::BE_DEF,
    args: (0, ANY),
    doc: "The program that checks servers.",
    read,
}];

fn read(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (what, value) = (statement.arg(0), statement.arg(1));
    match what {
        "" => return Err(statement.fault_here("missing argument after 'external-check'.")),
        "command" | "path" => {}
        other => {
            let message =
                format!("'external-check' only supports 'command' and 'path'. but got '{other}'.");
            return Err(statement.fault(0, message));
        }
    }
    if value.is_empty() {
        return Err(statement.fault(0, format!("missing argument after '{what}'.")));
    }
    statement.at_most(2)?;
    let external = &mut parser.proxy()?.back.external_check;
    match what {
        "command" => external.command = Some(value.into()),
        _ => external.path = Some(value.into()),
    }
    Ok(())
}
