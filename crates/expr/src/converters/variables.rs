//! Variables, conditions and debugging in the middle of an expression.

use super::{text, variable};
use crate::acl::Acl;
use crate::args::spec::{OPT_STR, STR};
use crate::args::{Arg, Args};
use crate::cast;
use crate::condition::{self, Match};
use crate::context::ParseContext;
use crate::expr::borrowed;
use crate::phases::Phases;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::vars::Requirement;
use crate::view::View;
use std::sync::Arc;

fn check_set(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_unset(args, ctx)?;
    let mut conditions = Vec::new();
    for at in 1..args.len() {
        let name = args.text(at).unwrap_or_default();
        let condition =
            Requirement::of(&name).ok_or_else(|| format!("unknown condition \"{name}\""))?;
        conditions.push(condition);
    }
    args.set_data(conditions);
    Ok(())
}

fn set_var<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let id = args.var(0)?;
    let conditions = args.data::<Vec<Requirement>>()?;
    if !conditions.is_empty() {
        let old = variable(view, id);
        let mut all = conditions.iter();
        all.all(|condition| condition.holds(id, old.as_ref(), &value))
            .then_some(())?;
    }
    view.set_var(id, Some(borrowed(&value))).then_some(value)
}

fn check_unset(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let name = args.text(0).unwrap_or_default();
    let id = ctx.compiler.names.intern(&name)?;
    args.set(0, Arg::Var(id));
    Ok(())
}

fn unset_var<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    view.set_var(args.var(0)?, None).then_some(value)
}

/// What `when` asks.
enum Selector {
    Stopping,
    Normal,
    Error,
    Forwarded,
    ToApplet,
    Processed,
    Acl(Arc<Acl>),
}

impl Selector {
    fn holds(&self, view: &dyn View) -> bool {
        // A pseudo server other than the one for no server at all is the name of an applet.
        let forwarded = || view.server().is_some();
        let to_applet = || !forwarded() && view.pseudo_server() != "<NOSRV>";
        match self {
            Self::Stopping => view.process().is_stopping(),
            Self::Normal => !has_failed(view),
            Self::Error => has_failed(view),
            Self::Forwarded => forwarded(),
            Self::ToApplet => to_applet(),
            Self::Processed => forwarded() || to_applet(),
            Self::Acl(acl) => acl.matches(view, Phases::ALL) == Match::Yes,
        }
    }
}

/// Whether something went wrong on a stream, by the rules of `option dontlog-normal`.
fn has_failed(view: &dyn View) -> bool {
    let Some(facts) = view.facts() else {
        return false;
    };
    let cause = facts.termination[0];
    facts.redispatched
        || !matches!(cause, b'-' | b'L')
        || (cause == b'-' && facts.retries > 0)
        || (500..600).contains(&facts.status)
}

const SELECTORS: &str = "{stopping,normal,error,forwarded,toapplet,processed,acl}";

fn check_when(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let given = args.text(0).unwrap_or_default();
    let (negated, name) = match given.strip_prefix('!') {
        Some(name) => (true, name),
        None => (false, given.as_str()),
    };
    let selector = match name {
        "stopping" => Selector::Stopping,
        "normal" => Selector::Normal,
        "error" => Selector::Error,
        "forwarded" => Selector::Forwarded,
        "toapplet" => Selector::ToApplet,
        "processed" => Selector::Processed,
        "acl" => {
            let acl = args
                .text(1)
                .filter(|name| !name.is_empty())
                .ok_or("'acl' selector requires an extra argument with the ACL name")?;
            let found =
                condition::named(&acl, ctx).map_err(|_| format!("ACL '{acl}' not found"))?;
            Selector::Acl(found)
        }
        other => {
            return Err(format!(
                "expects a supported keyword among {SELECTORS} but got '{other}'"
            ));
        }
    };
    args.set_data((negated, selector));
    Ok(())
}

fn when<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let (negated, selector) = args.data::<(bool, Selector)>()?;
    (selector.holds(view) != *negated).then_some(value)
}

fn check_debug(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    if let Some(sink) = args.text(1) {
        let place = (sink, ctx.file.to_owned(), ctx.line);
        ctx.compiler.sinks.push(place);
    }
    Ok(())
}

/// The line for a value: its type and its text, with dots for what can't be printed.
fn debug_line(prefix: &[u8], value: &Value<'_>) -> Vec<u8> {
    let mut line = b"[debug] ".to_vec();
    line.extend_from_slice(prefix);
    line.extend_from_slice(b": type=");
    line.extend_from_slice(value.kind().name().as_bytes());
    line.extend_from_slice(b" <");
    let shown = match value {
        Value::Bin(bytes) => Some(std::borrow::Cow::Borrowed(&**bytes)),
        other => cast::cast(borrowed(other), Type::Str).and_then(text),
    };
    let shown = shown.unwrap_or_default();
    line.extend(
        shown
            .iter()
            .map(|b| if (32..127).contains(b) { *b } else { b'.' }),
    );
    line.push(b'>');
    line
}

fn debug<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let line = debug_line(args.str(0).unwrap_or_default(), &value);
    let sink = args.str(1).filter(|sink| !sink.is_empty());
    view.process().event(sink.unwrap_or(b"buf0"), &line);
    Some(value)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new("set-var", Type::Any, Type::Any, set_var, "Sets a variable.")
        .args(&[STR, OPT_STR, OPT_STR, OPT_STR, OPT_STR])
        .check(check_set)
        .impure(),
    ConverterRow::new(
        "unset-var",
        Type::Any,
        Type::Any,
        unset_var,
        "Unsets a variable.",
    )
    .args(&[STR])
    .check(check_unset)
    .impure(),
    ConverterRow::new(
        "when",
        Type::Any,
        Type::Any,
        when,
        "The sample, if a condition holds.",
    )
    .args(&[STR, OPT_STR, OPT_STR])
    .check(check_when)
    .impure(),
    ConverterRow::new(
        "debug",
        Type::Any,
        Type::Same,
        debug,
        "Hands the sample to an event sink as well.",
    )
    .args(&[OPT_STR, OPT_STR])
    .check(check_debug)
    .impure(),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    #[test]
    fn debug_lines_name_type_and_text() {
        let line = |prefix: &str, value| {
            String::from_utf8(debug_line(prefix.as_bytes(), &value)).expect("text")
        };
        assert_eq!(line("", Value::Int(5)), "[debug] : type=sint <5>");
        assert_eq!(line("b", Value::Bool(true)), "[debug] b: type=bool <1>");
        let block = Value::Bin(Cow::Borrowed(&[1, 2]));
        assert_eq!(line("pfx", block), "[debug] pfx: type=bin <..>");
    }
}
