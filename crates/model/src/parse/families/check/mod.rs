//! Health checks: `tcp-check`, `http-check` and `external-check` lines, the options that choose a check, and `healthcheck`
//! sections.

mod connect;
mod draft;
mod expect;
mod external;
pub(crate) mod http;
pub(crate) mod protocols;
mod section;
mod send;
#[cfg(test)]
mod tests;

pub use draft::CheckDraft;
pub use external::ROWS as EXTERNAL_ROWS;
pub use section::{NamedCheck, SECTIONS};

use crate::check::CheckAction;
use crate::parse::{ANY, Fault, Parsed, Parser, Row, Statement, Valid};
use crate::rules::{RuleCursor, VariableStep, check_variable};
use draft::{ActionDraft, Role, RuleDraft, Rules};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "http-check",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "A step of HTTP health checks.",
        read: |parser, statement| proxy_rule(parser, statement, Kind::Http),
    },
    Row {
        name: "tcp-check",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "A step of TCP health checks.",
        read: |parser, statement| proxy_rule(parser, statement, Kind::Tcp),
    },
];

/// The two families of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `tcp-check`.
    Tcp,
    /// `http-check`.
    Http,
}

impl Kind {
    fn keyword(self) -> &'static str {
        match self {
            Self::Tcp => "tcp-check",
            Self::Http => "http-check",
        }
    }
}

fn proxy_rule(parser: &mut Parser<'_>, statement: Statement<'_>, kind: Kind) -> Parsed {
    let mut draft = std::mem::take(&mut parser.draft()?.check);
    let mut disable_on_404 = false;
    let answer = rule(parser, statement, kind, &mut draft, &mut disable_on_404);
    let own = parser.draft()?;
    own.check = draft;
    own.proxy.back.disable_on_404 |= disable_on_404;
    answer
}

/// Reads a `tcp-check` or `http-check` line into a check.
fn rule(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    kind: Kind,
    draft: &mut CheckDraft,
    disable_on_404: &mut bool,
) -> Parsed {
    match (kind, statement.arg(0)) {
        (Kind::Http, "send-state") => {
            no_more(statement)?;
            draft.send_state = true;
            return Ok(());
        }
        (Kind::Http, "disable-on-404") => {
            no_more(statement)?;
            *disable_on_404 = true;
            return Ok(());
        }
        _ => {}
    }
    let rules = match kind {
        Kind::Tcp => draft.tcp.own(),
        Kind::Http => draft.http.own(),
    };
    let new = read_rule(parser, statement, kind)?;
    fits(rules, new.role(), kind).map_err(|why| fault(statement.inner(), 0, &why))?;
    rules.steps.push(new);
    Ok(())
}

fn no_more(statement: Statement<'_>) -> Parsed {
    match statement.arg(1) {
        "" => Ok(()),
        more => {
            let message = format!(
                "'{}' cannot handle unexpected argument '{more}'.",
                statement.keyword()
            );
            Err(statement.fault(1, message))
        }
    }
}

/// A fault of a rule at one of its arguments.
fn fault(statement: Statement<'_>, index: usize, why: &str) -> Fault {
    let stop = if why.ends_with('.') { "" } else { "." };
    statement.fault(index, format!("'{}' : {why}{stop}", statement.path()))
}

fn read_rule(parser: &mut Parser<'_>, statement: Statement<'_>, kind: Kind) -> Parsed<RuleDraft> {
    let inner = statement.inner();
    let name = inner.keyword().split('(').next().unwrap_or_default();
    let mut cursor = RuleCursor::for_check(parser, inner);
    if let Some(step) = check_variable(&mut cursor, name) {
        let action = match step.map_err(|why| Fault {
            message: format!("'{}' : '{name}' : {}.", inner.path(), why.message),
            ..why
        })? {
            VariableStep::Set(assignment) => CheckAction::Set(Arc::new(assignment)),
            VariableStep::Unset(var) => CheckAction::Unset(var),
        };
        return Ok(RuleDraft {
            comment: None,
            action: ActionDraft::Ready(action),
        });
    }
    match (kind, name) {
        (_, "comment") => comment(inner),
        (_, "connect") => connect::read(&mut cursor, kind),
        (_, "expect") => expect::read(&mut cursor, kind),
        (Kind::Http, "send") => http::send(&mut cursor),
        (Kind::Tcp, "send" | "send-lf" | "send-binary" | "send-binary-lf") => {
            send::read(&mut cursor, name)
        }
        (_, other) => Err(unknown(statement, kind, other)),
    }
}

fn unknown(statement: Statement<'_>, kind: Kind, name: &str) -> Fault {
    let forms = match kind {
        Kind::Tcp => "'comment', 'connect', 'send', 'send-binary', 'expect'",
        Kind::Http => "'disable-on-404', 'send-state', 'comment', 'connect', 'send', 'expect'",
    };
    let message = format!(
        "'{}' only supports {forms}, 'set-var-fmt(*)', 'set-var(*)', 'unset-var(*)'. but got '{name}'",
        kind.keyword()
    );
    statement.fault(0, message)
}

fn comment(statement: Statement<'_>) -> Parsed<RuleDraft> {
    match statement.arg(0) {
        "" => Err(fault(statement, 0, "expects a string as argument")),
        text => Ok(RuleDraft {
            comment: Some(text.into()),
            action: ActionDraft::Ready(CheckAction::Comment),
        }),
    }
}

/// Whether a rule may follow those that are there.
fn fits(rules: &Rules, role: Role, kind: Kind) -> Result<(), String> {
    let number = rules.steps.len() + 1;
    let refuse = |what: &str, missing: &str| {
        Err(format!(
            "unable to add http-check {what} rule at step {number} (missing {missing} rule)"
        ))
    };
    match (role, kind, rules.last_role()) {
        (Role::Connect, ..) if rules.first_role().is_some_and(|first| first != Role::Connect) => {
            Err("first step MUST also be a 'connect', optionally preceded by a 'set-var', an 'unset-var' or a \
                 'comment', when there is a 'connect' step in the tcp-check ruleset"
                .into())
        }
        (Role::Send, Kind::Http, Some(Role::Send | Role::Expect)) => refuse("send", "connect"),
        (Role::Expect, Kind::Http, Some(Role::Connect)) => refuse("expect", "send"),
        _ => Ok(()),
    }
}

/// Takes what follows `comment`.
fn take_comment(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Arc<str>> {
    Ok(take_value(cursor, "'comment' expects a string as argument")?.into())
}

/// Takes the next word, which must be there.
fn take_value<'l>(cursor: &mut RuleCursor<'_, '_, 'l>, missing: &str) -> Parsed<&'l str> {
    match cursor.take() {
        "" => Err(at(cursor, missing)),
        word => Ok(word),
    }
}

/// A fault at the word last taken.
fn at(cursor: &RuleCursor<'_, '_, '_>, why: &str) -> Fault {
    fault(cursor.statement(), cursor.index().saturating_sub(1), why)
}

/// Takes a log format.
fn take_format(
    cursor: &mut RuleCursor<'_, '_, '_>,
    usage: expr::logformat::Usage,
) -> Parsed<Arc<expr::LogFormat>> {
    let text = cursor.peek();
    let statement = cursor.statement();
    let index = cursor.index();
    let format = match text {
        "" => cursor.format_of("", usage),
        _ => cursor.format("", usage),
    };
    format.map_err(|why| {
        let message = format!("'{text}' invalid log-format string ({})", why.message);
        fault(statement, index, &message)
    })
}

/// Bytes written as hexadecimal digits.
fn hex(text: &str) -> Result<Arc<[u8]>, String> {
    if let Some(other) = text.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(format!("an hex digit is expected (found '{other}')"));
    }
    if !text.len().is_multiple_of(2) {
        return Err("an even number of hex digit is expected".into());
    }
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    let pairs = text.as_bytes().chunks_exact(2);
    Ok(pairs
        .map(|pair| pair.iter().fold(0, |sum, byte| sum << 4 | digit(*byte)))
        .collect())
}
