//! `set-var`, `set-var-fmt`, `unset-var`.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, RuleCursor, Stream};
use expr::logformat::{LogFormat, Usage};
use expr::view::View;
use expr::{Expr, Requirement, Scope, Value, VarId};
use std::borrow::Cow;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "set-var",
        Families::ALL,
        "Sets a variable to a sample.",
        parse_set,
    )
    .with_suffix(),
    ActionRow::new(
        "set-var-fmt",
        Families::ALL,
        "Sets a variable to a text.",
        parse_set_format,
    )
    .with_suffix(),
    ActionRow::new(
        "unset-var",
        Families::ALL,
        "Removes a variable.",
        parse_unset,
    )
    .with_suffix(),
];

#[derive(Debug)]
enum Source {
    Expr(Arc<Expr>),
    Format(Arc<LogFormat>),
}

/// A variable with what it is set to, and when.
#[derive(Debug)]
pub struct Assignment {
    var: VarId,
    requirements: Box<[Requirement]>,
    source: Source,
}

impl Assignment {
    /// The value to set, unless nothing is found or a condition does not hold.
    #[must_use]
    pub fn value(&self, view: &dyn View) -> Option<Value<'static>> {
        let value = match &self.source {
            Source::Expr(expr) => expr.eval(view).value().map(Value::into_owned),
            Source::Format(format) => {
                let mut text = Vec::new();
                format.render(view, &mut text);
                Some(Value::Str(Cow::Owned(text)))
            }
        };
        value.filter(|value| self.allows(view, value))
    }

    /// The variable.
    #[must_use]
    pub fn var(&self) -> VarId {
        self.var
    }

    fn allows(&self, stream: &dyn View, new: &Value<'_>) -> bool {
        if self.requirements.is_empty() {
            return true;
        }
        let present = match self.var.scope {
            Scope::Process => stream.process().proc_var(self.var.name),
            _ => stream.var(self.var),
        };
        self.requirements
            .iter()
            .all(|requirement| requirement.holds(self.var, present.as_ref(), new))
    }
}

impl Action for Assignment {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        if let Some(value) = self.value(stream.view()) {
            // A variable that does not fit its scope's limit stays as it is.
            let _ = stream.set_var(self.var, Some(value));
        }
        Flow::Continue
    }
}

#[derive(Debug)]
struct UnsetVar(VarId);

impl Action for UnsetVar {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        stream.set_var(self.0, None);
        Flow::Continue
    }
}

/// What a line of a health check does to a variable.
#[derive(Debug)]
pub(crate) enum VariableStep {
    Set(Assignment),
    Unset(VarId),
}

/// `set-var`, `set-var-fmt` and `unset-var` of health checks; `None` for other keywords.
pub(crate) fn check_step(
    cursor: &mut RuleCursor<'_, '_, '_>,
    name: &str,
) -> Option<Parsed<VariableStep>> {
    match name {
        "set-var" => Some(set(cursor).map(VariableStep::Set)),
        "set-var-fmt" => Some(set_format(cursor).map(VariableStep::Set)),
        "unset-var" => Some(self::name(cursor).map(|(var, _)| VariableStep::Unset(var))),
        _ => None,
    }
}

/// The variable and the requirements in the parentheses behind the action.
fn name(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<(VarId, Box<[Requirement]>)> {
    const FORMS: &str =
        "Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'";
    let action = cursor.action();
    let Some(inside) = cursor.suffix() else {
        let what = if action.contains('(') {
            "incomplete argument after"
        } else {
            "invalid or incomplete"
        };
        return Err(cursor.fault_before(format!("{what} action '{action}'. {FORMS}")));
    };
    let mut parts = inside.split(',');
    let name = parts.next().unwrap_or_default();
    if name.is_empty() {
        return Err(cursor.fault_before("Empty variable name cannot be accepted"));
    }
    let requirements: Result<_, _> = parts
        .map(|part| {
            Requirement::of(part)
                .ok_or_else(|| cursor.fault_before(format!("unknown condition \"{part}\"")))
        })
        .collect();
    let requirements = requirements?;
    Ok((cursor.variable(name)?, requirements))
}

fn set(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Assignment> {
    let (var, requirements) = name(cursor)?;
    let shown = cursor.action();
    let source = Source::Expr(cursor.expression(Some(shown))?);
    Ok(Assignment {
        var,
        requirements,
        source,
    })
}

fn set_format(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Assignment> {
    let (var, requirements) = name(cursor)?;
    let format = match cursor.at_end() {
        true => cursor.format_of("", Usage::RAW)?,
        false => cursor.format("", Usage::RAW)?,
    };
    Ok(Assignment {
        var,
        requirements,
        source: Source::Format(format),
    })
}

fn parse_set(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    Ok(Box::new(set(cursor)?))
}

fn parse_set_format(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    Ok(Box::new(set_format(cursor)?))
}

fn parse_unset(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let (var, _) = name(cursor)?;
    Ok(Box::new(UnsetVar(var)))
}
