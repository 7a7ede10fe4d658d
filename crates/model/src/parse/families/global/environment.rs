//! The configuration's environment and variables of the process.

use crate::parse::view::EarlyView;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use expr::logformat::Usage;
use expr::{Expr, LogFormat, Phases, Scope, Value};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "presetenv",
        valid: Valid::ALL,
        args: (0, 2),
        doc: "Sets an environment variable that is not set.",
        read: preset_env,
    },
    Row {
        name: "resetenv",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Removes all environment variables but those named.",
        read: reset_env,
    },
    Row {
        name: "set-var",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Sets a variable of the process.",
        read: set_var,
    },
    Row {
        name: "set-var-fmt",
        valid: Valid::ALL,
        args: (0, 2),
        doc: "Sets a variable of the process from a format.",
        read: set_var_fmt,
    },
    Row {
        name: "setenv",
        valid: Valid::ALL,
        args: (0, 2),
        doc: "Sets an environment variable.",
        read: set_env,
    },
    Row {
        name: "unsetenv",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Removes environment variables.",
        read: unset_env,
    },
];

/// The name and the value of a variable to set.
fn name_and_value(statement: Statement<'_>) -> Parsed<(&str, &[u8])> {
    let keyword = statement.keyword();
    if statement.is_empty() {
        return Err(statement.fault_here(format!("'{keyword}' expects environment variable name.")));
    }
    let name = statement.arg(0);
    if statement.len() < 2 {
        return Err(statement.fault_here(format!(
            "'{keyword}' expects environment variable value for '{name}'."
        )));
    }
    Ok((name, statement.arg_bytes(1)))
}

fn set_env(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (name, value) = name_and_value(statement)?;
    parser.expressions.env.set(name, value);
    Ok(())
}

fn preset_env(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (name, value) = name_and_value(statement)?;
    parser.expressions.env.preset(name, value);
    Ok(())
}

fn unset_env(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here("'unsetenv' expects at least one variable name."));
    }
    for name in statement.args_from(0) {
        parser.expressions.env.unset(name);
    }
    Ok(())
}

fn reset_env(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.expressions.env.reset(&statement.args_from(0));
    Ok(())
}

/// The variable that a line sets, which must be the process'.
fn variable(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<expr::VarId> {
    let keyword = statement.keyword();
    if statement.len() < 2 {
        let message = format!(
            "'{keyword}' requires a process-wide variable name ('proc.<name>') and a sample expression."
        );
        return Err(statement.fault_here(message));
    }
    let name = statement.arg(0);
    let id = parser
        .expressions
        .names
        .intern(name)
        .map_err(|why| statement.fault(0, format!("'{keyword}': {why}.")))?;
    if id.scope != Scope::Process {
        let message = format!(
            "'{keyword}': cannot set variable '{name}', only scope 'proc' is permitted in the global section."
        );
        return Err(statement.fault(0, message));
    }
    Ok(id)
}

fn set_var(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let id = variable(parser, statement)?;
    let words = statement.args_from(1);
    let read = parser.in_context(statement, Phases::CONFIGURATION, |ctx| {
        Expr::parse(&words, ctx)
    });
    let (expression, used) = read.map_err(|why| statement.fault(1, why))?;
    if used < words.len() {
        let extra = statement.arg(1 + used);
        return Err(statement.fault(
            1 + used,
            format!("'set-var' cannot handle unexpected argument '{extra}'."),
        ));
    }
    let view = EarlyView::new(&parser.global.variables);
    let value = expression.eval(&view).value().map(Value::into_owned);
    if let Some(value) = value {
        parser.global.variables.push((id, value));
    }
    Ok(())
}

fn set_var_fmt(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let id = variable(parser, statement)?;
    let text = statement.arg(1);
    let format = parser.in_context(statement, Phases::CONFIGURATION, |ctx| {
        LogFormat::parse(text, Usage::RAW, ctx)
    });
    let format = format.map_err(|why| statement.fault(1, why))?;
    let mut value = Vec::new();
    format.render(&EarlyView::new(&parser.global.variables), &mut value);
    parser.global.variables.push((id, Value::Str(value.into())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn variables_act_on_the_lines_below() {
        let text = "global\n setenv NAME web\n presetenv NAME other\n presetenv PORT 8080\n description \"$NAME:$PORT\"\n unsetenv NAME\n node \"n${NAME}\"\n";
        let (snapshot, messages) = load_text(text);
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        assert_eq!(snapshot.global.description.as_deref(), Some("web:8080"));
        assert_eq!(snapshot.global.node.as_deref(), Some("n"));
    }

    #[test]
    fn process_variables_are_computed_at_once() {
        let (snapshot, messages) =
            load_text("global\n set-var proc.limit int(5)\n set-var proc.name str(x)\n");
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        assert_eq!(snapshot.global.variables.len(), 2);
    }

    #[test]
    fn what_is_missing_is_said() {
        for (line, message) in [
            ("setenv", "'setenv' expects environment variable name."),
            (
                "setenv A",
                "'setenv' expects environment variable value for 'A'.",
            ),
            (
                "setenv A b c",
                "'setenv' cannot handle unexpected argument 'c'.",
            ),
            ("unsetenv", "'unsetenv' expects at least one variable name."),
            (
                "set-var proc.x",
                "'set-var' requires a process-wide variable name ('proc.<name>') and a sample expression.",
            ),
            (
                "set-var txn.x int(5)",
                "'set-var': cannot set variable 'txn.x', only scope 'proc' is permitted in the global section.",
            ),
            ("set-var proc.x foo(5)", "unknown fetch method 'foo'"),
        ] {
            let (_, messages) = load_text(&format!("global\n {line}\n"));
            assert_eq!(
                messages.first().map(String::as_str),
                Some(format!("A 2: {message}").as_str()),
                "{line}"
            );
        }
    }
}
