//! `filter`: what works on the bytes that streams pass on.

use crate::bandwidth::{Limiter, Scope, Shared};
use crate::parse::{ANY, Fault, Parsed, Parser, Row, Statement, Valid, known};
use base::units::{SizeError, TimeError, TimeUnit, parse_size, parse_time};
use config::Severity;
use expr::{Expr, Phases};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "filter",
    valid: Valid::FE_BE,
    args: (0, ANY),
    doc: "What works on the bytes that streams pass on.",
    read: filter,
}];

/// Filters of HAProxy that are not built.
const AWAITING: &[&str] = &[
    "cache",
    "comp-req",
    "comp-res",
    "compression",
    "fcgi-app",
    "opentelemetry",
    "opentracing",
    "spoe",
    "trace",
];

fn filter(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => {
            let (file, line) = statement.origin();
            let proxy = parser.proxy()?;
            Err(statement.fault_here(format!(
                "parsing [{file}:{line}] : missing argument for 'filter' in {} '{}'.",
                proxy.caps.section(),
                proxy.name
            )))
        }
        kind @ ("bwlim-in" | "bwlim-out") => bandwidth(parser, statement, kind),
        other if AWAITING.contains(&other) => {
            Err(statement.fault(0, known::not_built(&format!("filter {other}"), "filters")))
        }
        other => Err(statement.fault(
            0,
            format!("'filter' : unknown keyword '{other}'. Registered keywords : 'bwlim-in', 'bwlim-out'"),
        )),
    }
}

/// What the words of a bandwidth filter say.
#[derive(Default)]
struct Draft {
    default_limit: Option<u32>,
    default_period: Option<u64>,
    limit: Option<u32>,
    key: Option<Arc<Expr>>,
    table: Option<Arc<str>>,
    least: u32,
}

/// Goes through the words of a bandwidth filter.
struct Words<'l> {
    statement: Statement<'l>,
    kind: &'l str,
    at: usize,
}

impl<'l> Words<'l> {
    fn said(&self, message: impl std::fmt::Display) -> Fault {
        self.statement
            .fault(self.at, format!("'filter' : '{}' : {message}", self.kind))
    }

    fn argument(&mut self, option: &str) -> Parsed<&'l str> {
        self.at += 1;
        match self.statement.arg(self.at) {
            "" => Err(self.said(format!("the value is missing for '{option}' option"))),
            text => Ok(text),
        }
    }

    fn stray(&self, option: &str, text: &str, at: usize) -> Fault {
        let stray = text.get(at..).and_then(|rest| rest.chars().next());
        let stray = stray.map(String::from).unwrap_or_default();
        self.said(format!(
            "invalid value for option '{option}' (unexpected character '{stray}')"
        ))
    }

    fn size(&mut self, option: &str) -> Parsed<u32> {
        let text = self.argument(option)?;
        parse_size(text).map_err(|why: SizeError| self.stray(option, text, why.offset()))
    }

    fn time(&mut self, option: &str) -> Parsed<u64> {
        let text = self.argument(option)?;
        parse_time(text, TimeUnit::Millisecond)
            .map(|time| time.value)
            .map_err(|why| match why {
                TimeError::Overflow => self.said(format!(
                    "invalid value for option '{option}' (timer overflow)"
                )),
                TimeError::Character(at) => self.stray(option, text, at),
                TimeError::Empty => self.stray(option, text, 0),
            })
    }
}

fn bandwidth<'l>(parser: &mut Parser<'_>, statement: Statement<'l>, kind: &'l str) -> Parsed {
    let mut words = Words {
        statement,
        kind,
        at: 1,
    };
    let name: Arc<str> = match statement.arg(1) {
        "" => return Err(words.said("a name is expected as first argument ")),
        name => name.into(),
    };
    if parser
        .proxy()?
        .limiters
        .iter()
        .any(|other| other.name == name)
    {
        let of = parser.proxy()?.name.clone();
        let message = format!("'filter' : bwlim filter '{name}' already declared for proxy '{of}'");
        return Err(statement.fault(1, message));
    }
    let mut draft = Draft::default();
    words.at = 2;
    while words.at < statement.len() {
        option(parser, &mut words, &mut draft)?;
        words.at += 1;
    }
    let proxy = parser.proxy()?;
    let limiter = finish(draft, &words, name, proxy.name.clone())?;
    proxy.limiters.push(Arc::new(limiter));
    Ok(())
}

fn option(parser: &mut Parser<'_>, words: &mut Words<'_>, draft: &mut Draft) -> Parsed {
    let statement = words.statement;
    match statement.arg(words.at) {
        "default-limit" => draft.default_limit = Some(words.size("default-limit")?),
        "default-period" => draft.default_period = Some(words.time("default-period")?),
        "limit" => draft.limit = Some(words.size("limit")?),
        "min-size" => draft.least = words.size("min-size")?,
        "table" => draft.table = Some(words.argument("table")?.into()),
        "key" => {
            words.at += 1;
            let rest = statement.args_from(words.at);
            if rest.is_empty() {
                return Err(words.said("the sample expression is missing for 'key' option"));
            }
            let places = Phases::REQUEST | Phases::RESPONSE;
            let (expr, used) = parser
                .in_context(statement, places, |ctx| Expr::parse(&rest, ctx))
                .map_err(|why| statement.fault(words.at, format!("'filter' : {why}")))?;
            draft.key = Some(Arc::new(expr));
            words.at += used.saturating_sub(1);
        }
        other => {
            let message = format!("'filter {}' : unknown keyword '{other}'.", words.kind);
            return Err(statement.fault(words.at, message));
        }
    }
    Ok(())
}

fn finish(draft: Draft, words: &Words<'_>, name: Arc<str>, proxy: Arc<str>) -> Parsed<Limiter> {
    let missing = |option: &str| words.said(format!("<{option}> option is missing"));
    let given = |value: Option<u32>| value.filter(|value| *value > 0);
    let shared = draft.limit.is_some() || draft.key.is_some() || draft.table.is_some();
    if shared && (draft.default_limit.is_some() || draft.default_period.is_some()) {
        return Err(words.said("cannot mix per-stream and shared parameter"));
    }
    let (limit, scope) = match shared {
        true => {
            let key = draft.key.ok_or_else(|| missing("key"))?;
            let limit = given(draft.limit).ok_or_else(|| missing("limit"))?;
            let shared = Shared {
                key,
                table_name: draft.table.unwrap_or(proxy),
                table: OnceLock::new(),
            };
            (limit, Scope::Shared(shared))
        }
        false => {
            let period = draft.default_period.filter(|period| *period > 0);
            let period = period.ok_or_else(|| missing("default-period"))?;
            let limit = given(draft.default_limit).ok_or_else(|| missing("default-limit"))?;
            (limit, Scope::Stream(period))
        }
    };
    Ok(Limiter {
        name,
        outgoing: words.kind == "bwlim-out",
        least: draft.least,
        limit,
        scope,
    })
}

/// Finds the tables of limits that streams share.
pub(in crate::parse) fn resolve(parser: &mut Parser<'_>, tables: &HashMap<Arc<str>, u32>) {
    let mut alerts = Vec::new();
    for draft in &parser.drafts {
        for limiter in &draft.proxy.limiters {
            let Scope::Shared(shared) = &limiter.scope else {
                continue;
            };
            let found = tables.get(&shared.table_name);
            let table = found.and_then(|at| Some((*at, parser.tables.get(*at as usize)?)));
            let said = match table {
                None => format!("unable to find table '{}' referenced by", shared.table_name),
                Some((at, table)) => {
                    let config = &table.config;
                    let kind = limiter.counter();
                    if !expr::stick::accepts(shared.key.output(), config.kind) {
                        format!(
                            "stick-table '{}' uses a type incompatible with",
                            config.name
                        )
                    } else if config.layout.get(kind).is_none() {
                        alerts.push(format!(
                            "Proxy {} : stick-table '{}' uses a data type incompatible with bwlim filter '{}'. It must be '{}'",
                            draft.proxy.name, config.name, limiter.name, kind.name()
                        ));
                        continue;
                    } else {
                        let _ = shared.table.set(at);
                        continue;
                    }
                }
            };
            alerts.push(format!(
                "Proxy {} : {said} bwlim filter '{}'",
                draft.proxy.name, limiter.name
            ));
        }
    }
    for alert in alerts {
        parser.diagnostics.bare(Severity::Alert, alert);
    }
}
