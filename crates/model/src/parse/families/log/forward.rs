//! `log-forward` sections.

use super::target::{self, LogLine};
use crate::address::Allow;
use crate::log::LogForward;
use crate::parse::families::bind::bind_line;
use crate::parse::options::leading_integer;
use crate::parse::sections::OpenSection;
use crate::parse::{Open, Parsed, Parser, Statement, parse_duration};
use base::units::TimeUnit;
use config::{Diagnostic, Severity};
use std::sync::Arc;

pub(super) fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = super::section_name(statement)?;
    let origins = parser
        .drafts
        .iter()
        .map(|draft| (&draft.proxy, draft.proxy.caps));
    if let Some((other, caps)) = origins
        .clone()
        .find(|(proxy, caps)| caps.front && *proxy.name == *name)
    {
        let (file, line) = &other.origin;
        let message = format!(
            "log forward section '{name}' has the same name as {} '{name}' declared at {file}:{line}.",
            caps.section()
        );
        return Err(statement.fault(0, message));
    }
    if let Some(other) = parser
        .logging
        .forwards
        .iter()
        .find(|other| *other.name == *name)
    {
        let (file, line) = &other.origin;
        let message = format!(
            "log-forward section '{name}' has the same name as another log-forward section declared at {file}:{line}."
        );
        return Err(statement.fault(0, message));
    }
    let section = LogForward {
        name: name.into(),
        origin: statement.origin(),
        ..LogForward::default()
    };
    parser.open = Open::Other(Box::new(Section(section)));
    Ok(())
}

struct Section(LogForward);

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let forward = &mut self.0;
        match statement.keyword() {
            "bind" => {
                let line = bind_line(parser, statement, 0, Allow::BIND, "log-forward")?;
                forward.binds.extend(line.into_binds().map(Arc::new));
            }
            "dgram-bind" => {
                let line = bind_line(parser, statement, 0, Allow::DATAGRAM_BIND, "log-forward")
                    .map_err(|mut fault| {
                        if let Some(rest) = fault.message.strip_prefix("unknown keyword '") {
                            let (word, rest) = rest.split_once('\'').unwrap_or((rest, ""));
                            fault.message =
                                format!("unknown keyword '{word}' in 'log-forward' section{rest}");
                        }
                        fault
                    })?;
                forward
                    .datagram_binds
                    .extend(line.into_binds().map(Arc::new));
            }
            "log" => match target::read(&parser.expressions.env, statement)? {
                LogLine::Clear => {
                    forward.targets.clear();
                    forward.global = false;
                }
                LogLine::Global => forward.global = true,
                LogLine::Target(target) => forward.targets.push(target),
            },
            "maxconn" => forward.maxconn = count(statement)?,
            "backlog" => forward.backlog = count(statement)?,
            "timeout" => forward.timeout_client = Some(timeout(statement)?),
            "option" => option(forward, statement)?,
            other => {
                return Err(statement
                    .fault_here(format!("unknown keyword '{other}' in log-forward section.")));
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        let forward = self.0;
        if forward.binds.is_empty() && forward.datagram_binds.is_empty() {
            let message = format!(
                "frontend '{}' has no 'bind' directive. Please declare it as a backend if this was intended.",
                forward.name
            );
            parser
                .diagnostics
                .push(Diagnostic::global(Severity::Warning, message, false));
        }
        parser.logging.forwards.push(Arc::new(forward));
    }
}

fn count(statement: Statement<'_>) -> Parsed<u32> {
    match statement.arg(0) {
        "" => Err(statement.fault_here(format!(
            "'{}' expects an integer argument.",
            statement.keyword()
        ))),
        text => Ok(u32::try_from(leading_integer(text).0).unwrap_or(0)),
    }
}

fn timeout(statement: Statement<'_>) -> Parsed<u64> {
    match (statement.arg(0), statement.arg(1)) {
        ("client", "") => Err(statement.fault_here("missing timeout client value.")),
        ("client", text) => parse_duration(text, TimeUnit::Millisecond)
            .map_err(|why| statement.fault(1, format!("timeout : {why} in 'timeout client'"))),
        (other, _) => Err(statement.fault(
            0,
            format!("unknown keyword 'timeout {other}' in log-forward section."),
        )),
    }
}

fn option(forward: &mut LogForward, statement: Statement<'_>) -> Parsed {
    let on = !statement.is_negated() && !statement.is_default();
    match statement.arg(0) {
        "" => return Err(statement.fault_here("'option' expects an option name.")),
        "dont-parse-log" => forward.dont_parse = on,
        "assume-rfc6587-ntf" => forward.assume_ntf = on,
        "host" => {
            forward.host = match statement.arg(1) {
                _ if !on => 1,
                "replace" => 0,
                "fill" => 1,
                "keep" => 2,
                "append" => 3,
                _ => {
                    return Err(
                        statement.fault(1, "option 'host' expects {replace|fill|keep|append}.")
                    );
                }
            }
        }
        other => {
            return Err(statement.fault(
                0,
                format!("unknown option '{other}' in log-forward section."),
            ));
        }
    }
    Ok(())
}
