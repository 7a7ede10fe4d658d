//! Rules: `http-request`, `tcp-request` and their like.

use super::{errorfile, not_in_anonymous_defaults};
use crate::errors::ErrorPage;
use crate::parse::{ANY, Draft, Parsed, Parser, Read, Row, Statement, Valid};
use crate::proxy::Proxy;
use crate::rules::{Action, Family, Rule, RuleCursor, actions};
use base::units::{self, TimeError, TimeUnit};
use expr::Condition;
use std::sync::Arc;

const fn row(name: &'static str, doc: &'static str, read: Read) -> Row {
    Row::new(name, doc, read).args(0, ANY)
}

/// The rows of this family.
pub const ROWS: &[Row] = &[
    row(
        "tcp-request",
        "Rules for connections, sessions and what clients send.",
        tcp_request,
    ),
    row("tcp-response", "Rules for what servers send.", tcp_response),
    row("http-request", "Rules for requests.", |p, s| {
        rule(p, s, Family::HttpRequest)
    }),
    row(
        "http-response",
        "Rules for responses from servers.",
        |p, s| rule(p, s, Family::HttpResponse),
    ),
    row("http-after-response", "Rules for all responses.", |p, s| {
        rule(p, s, Family::HttpAfterResponse)
    }),
    Row {
        name: "redirect",
        valid: Valid::FE_BE,
        args: (0, ANY),
        doc: "Redirections, evaluated after the rules for requests.",
        read: redirect,
    },
];

fn tcp_request(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let family = match statement.arg(0) {
        "connection" => Family::TcpConnection,
        "session" => Family::TcpSession,
        "content" => Family::TcpContent,
        "inspect-delay" => {
            return inspect_delay(parser, statement, |proxy| {
                &mut proxy.rules.request_inspect_delay
            });
        }
        other => {
            return Err(unknown_kind(
                parser,
                statement,
                other,
                "'inspect-delay', 'connection', or 'content'",
            ));
        }
    };
    let proxy = parser.proxy()?;
    if !proxy.caps.front && family != Family::TcpContent {
        let (keyword, section, name) = (family.keyword(), proxy.caps.section(), &proxy.name);
        let message =
            format!("{keyword} is not allowed because {section} {name} is not a frontend");
        return Err(statement.fault(0, message));
    }
    rule(parser, statement.inner(), family)
}

fn tcp_response(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "content" => {}
        "inspect-delay" => {
            return inspect_delay(parser, statement, |proxy| {
                &mut proxy.rules.response_inspect_delay
            });
        }
        other => {
            return Err(unknown_kind(
                parser,
                statement,
                other,
                "'inspect-delay' or 'content'",
            ));
        }
    }
    if !parser.proxy()?.caps.back {
        let message = "tcp-response content is only allowed in 'backend' sections or 'defaults' section with a name";
        return Err(statement.fault(0, message));
    }
    rule(parser, statement.inner(), Family::TcpResponse)
}

fn unknown_kind(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    word: &str,
    known: &str,
) -> crate::parse::Fault {
    let keyword = statement.keyword();
    let proxy = parser
        .proxy()
        .map(|proxy| format!("{} '{}'", proxy.caps.section(), proxy.name))
        .unwrap_or_default();
    match word {
        "" => statement.fault_here(format!("missing argument for '{keyword}' in {proxy}")),
        _ => statement.fault(
            0,
            format!("'{keyword}' expects {known} in {proxy} (got '{word}')"),
        ),
    }
}

fn inspect_delay(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    slot: fn(&mut Proxy) -> &mut Option<u64>,
) -> Parsed {
    let name = format!("{} inspect-delay", statement.keyword());
    let text = statement.arg(1);
    let proxy = parser.proxy()?;
    let titled = format!("{} '{}'", proxy.caps.section(), proxy.name);
    let usage = format!("'{name}' expects a positive delay in milliseconds, in {titled}");
    let delay = match units::parse_time(text, TimeUnit::Millisecond) {
        Ok(time) if time.trailing.is_none() => time.value,
        Ok(_) | Err(TimeError::Empty) => return Err(statement.fault(1, usage)),
        Err(TimeError::Character(at)) => {
            let wrong = text
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .unwrap_or_default();
            return Err(statement.fault(1, format!("{usage} (unexpected character '{wrong}')")));
        }
        Err(TimeError::Overflow) => {
            return Err(statement.fault(1, format!("{usage} (timer overflow)")));
        }
    };
    if slot(proxy).is_some_and(|before| before != 0) && !proxy.caps.defaults {
        parser.warn(
            statement,
            format!("ignoring {name} (was already defined) in {titled}"),
            None,
        );
        return Ok(());
    }
    *slot(proxy) = Some(delay);
    Ok(())
}

/// Reads a rule; the statement's first argument is its action.
fn rule(parser: &mut Parser<'_>, statement: Statement<'_>, family: Family) -> Parsed {
    not_in_anonymous_defaults(parser, statement)?;
    warn_of_order(parser, statement, Some(family))?;
    let word = statement.arg(0);
    let Some(row) = actions::find(family, word) else {
        let proxy = parser.proxy()?;
        let titled = format!("{} '{}'", proxy.caps.section(), proxy.name);
        return Err(statement.fault(0, actions::unknown(family, word, &titled)));
    };
    let mut cursor = RuleCursor::new(parser, statement.inner(), family)?;
    let action = (row.parse)(&mut cursor)?;
    let condition = cursor.condition()?;
    let before = own_rules(parser.draft()?, family).last().cloned();
    if family.is_http()
        && before
            .as_ref()
            .is_some_and(|rule| rule.action.is_final() && rule.condition.is_none())
    {
        let keyword = family.keyword();
        let message = format!(
            "previous '{keyword}' action is final and has no condition attached, further entries are NOOP."
        );
        parser.warn(statement, message, None);
    }
    let list = parser.proxy()?.rules.list_mut(family);
    let origin = (statement.line.file.clone(), statement.line.number);
    if let Some(joined) = joined_hint(before.as_deref(), &*action, condition.as_ref()) {
        list.pop();
        list.push(Arc::new(Rule {
            condition: None,
            action: joined,
            origin,
        }));
        return Ok(());
    }
    list.push(Arc::new(Rule {
        condition,
        action,
        origin,
    }));
    Ok(())
}

/// The rules of this very section, without those of its `defaults` section.
fn own_rules(draft: &Draft, family: Family) -> &[Arc<Rule>] {
    let inherited = draft.inherited_rules.get(family as usize).copied();
    draft
        .proxy
        .rules
        .list(family)
        .get(inherited.unwrap_or(0)..)
        .unwrap_or_default()
}

/// One action for this `early-hint` and the one before it, which go out in the same response when nothing lies between.
fn joined_hint(
    before: Option<&Rule>,
    action: &dyn Action,
    condition: Option<&Condition>,
) -> Option<Box<dyn Action>> {
    let before = before.filter(|rule| rule.condition.is_none() && condition.is_none())?;
    Some(Box::new(
        before
            .action
            .early_hint()?
            .joined_with(action.early_hint()?),
    ))
}

fn redirect(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    warn_of_order(parser, statement, None)?;
    let mut cursor = RuleCursor::for_redirect(parser, statement)?;
    let action = actions::parse_redirect(&mut cursor, false)?;
    let condition = cursor.condition()?;
    let origin = (statement.line.file.clone(), statement.line.number);
    parser.proxy()?.rules.redirects.push(Arc::new(Rule {
        condition,
        action,
        origin,
    }));
    Ok(())
}

/// Warns when rules that are evaluated later stand in front of this one; `None` is the proxy keyword `redirect`.
fn warn_of_order(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    family: Option<Family>,
) -> Parsed {
    let step = match family {
        Some(Family::TcpConnection) => 0,
        Some(Family::TcpSession) => 1,
        Some(Family::TcpContent) => 2,
        Some(Family::HttpRequest) => 3,
        None => 4,
        Some(_) => return Ok(()),
    };
    let draft = parser.draft()?;
    let is_empty = |family| own_rules(draft, family).is_empty();
    let proxy = &draft.proxy;
    let later = [
        ("a 'tcp-request session'", is_empty(Family::TcpSession)),
        ("a 'tcp-request content'", is_empty(Family::TcpContent)),
        ("an 'http-request'", is_empty(Family::HttpRequest)),
        ("a 'redirect'", proxy.rules.redirects.is_empty()),
        ("a 'use_backend'", proxy.front.switch_rules.is_empty()),
    ];
    let Some((after, _)) = later.into_iter().skip(step).find(|(_, is_empty)| !is_empty) else {
        return Ok(());
    };
    let keyword = family.map_or("redirect", Family::keyword);
    let message =
        format!("a '{keyword}' rule placed after {after} rule will still be processed before.");
    parser.warn(statement, message, None);
    Ok(())
}

/// Reads the error file that the cursor's next word names.
///
/// # Errors
/// When it can't be read, or is no response that could be sent.
pub(crate) fn error_file(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<ErrorPage> {
    let what = cursor.fault("").message;
    let (statement, index) = (cursor.statement(), cursor.index());
    errorfile::load(
        cursor.parser,
        statement,
        index,
        what.trim_end_matches(['.', ' ', ':']),
    )
}
