//! Log formats: which line a frontend logs, compiled once for all frontends that log the same.

use super::bare;
use crate::log::{DefaultLine, ProxyLog};
use crate::parse::{Draft, Parser};
use crate::proxy::Mode;
use config::{Diagnostic, Severity};
use expr::logformat::{CLF_HTTP_LOG, HTTP_LOG, HTTPS_LOG, TCP_LOG, Usage};
use expr::{AclSet, LogFormat, ParseContext, Phases};
use std::collections::HashMap;
use std::sync::Arc;

/// The line of `option tcplog clf` (configuration manual, section 8.2.2).
const TCP_CLF: &str = "%{+Q}o %{-Q}ci - - [%T] \"TCP \" 000 %B \"\" \"\" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- \
                       %ac %fc %bc %sc %rc %sq %bq \"\" \"\" ";

fn built_in(line: DefaultLine) -> Option<&'static str> {
    match line {
        DefaultLine::Connect | DefaultLine::Custom => None,
        DefaultLine::Tcp => Some(TCP_LOG),
        DefaultLine::TcpClf => Some(TCP_CLF),
        DefaultLine::Http => Some(HTTP_LOG),
        DefaultLine::HttpClf => Some(CLF_HTTP_LOG),
        DefaultLine::Https => Some(HTTPS_LOG),
    }
}

/// Formats that are compiled already, by their text. Those that name the proxy at hand are not among them.
type Compiled = HashMap<Arc<str>, Arc<LogFormat>>;

pub(super) fn resolve(parser: &mut Parser<'_>) {
    // Of a file with errors only the errors count: its log lines may be among them.
    let faulty = parser.diagnostics.alerts() > 0;
    let mut compiled = Compiled::new();
    let mut drafts = std::mem::take(&mut parser.drafts);
    for draft in drafts
        .iter_mut()
        .filter(|draft| draft.proxy.caps.front && !draft.proxy.disabled)
    {
        fall_back(parser, draft);
        let name = draft.proxy.name.clone();
        let section = draft.proxy.caps.section();
        let log = &mut draft.proxy.log;
        let unused = !faulty && log.targets.is_empty();
        if unused && (log.line != DefaultLine::Connect || log.structured_data_text.is_some()) {
            bare(
                parser,
                Severity::Warning,
                format!("log format ignored for {section} '{name}' since it has no log address."),
            );
        }
        compile(parser, &mut compiled, &name, log, &draft.proxy.origin);
    }
    parser.drafts = drafts;
}

/// HTTP log lines of a proxy that does not speak HTTP become TCP log lines.
fn fall_back(parser: &mut Parser<'_>, draft: &mut Draft) {
    let proxy = &mut draft.proxy;
    let (named, tcp, tcp_named) = match proxy.log.line {
        DefaultLine::Http => ("httplog", DefaultLine::Tcp, "tcplog"),
        DefaultLine::HttpClf => ("httplog clf", DefaultLine::TcpClf, "tcplog clf"),
        DefaultLine::Https => ("httpslog", DefaultLine::Tcp, "tcplog"),
        _ => return,
    };
    if proxy.mode == Mode::Http {
        return;
    }
    proxy.log.line = tcp;
    let message = format!(
        "'option {named}' not usable with {} '{}' (needs 'mode http'). Falling back to 'option {tcp_named}'.",
        proxy.caps.section(),
        proxy.name
    );
    let mut diagnostic = match &draft.notes.log_option {
        Some(line) => Diagnostic::at(Severity::Warning, line, 1, message),
        None => {
            let mut diagnostic = Diagnostic::global(Severity::Warning, message, false);
            diagnostic.file = Some(proxy.origin.0.clone());
            diagnostic.line = proxy.origin.1;
            diagnostic
        }
    };
    diagnostic.context = false;
    parser.diagnostics.push(diagnostic);
}

fn compile(
    parser: &mut Parser<'_>,
    compiled: &mut Compiled,
    name: &str,
    log: &mut ProxyLog,
    origin: &(Arc<str>, u32),
) {
    let line = match built_in(log.line) {
        Some(text) => Some((text.into(), origin.0.clone(), origin.1)),
        None => log
            .format_text
            .clone()
            .filter(|_| log.line == DefaultLine::Custom),
    };
    let what = match log.line {
        DefaultLine::Https => "option httpslog",
        _ => "log-format",
    };
    log.format = one(parser, compiled, name, line, what);
    log.error_format = one(
        parser,
        compiled,
        name,
        log.error_format_text.clone(),
        "error-log-format",
    );
    log.structured_data = one(
        parser,
        compiled,
        name,
        log.structured_data_text.clone(),
        "log-format-sd",
    );
}

fn one(
    parser: &mut Parser<'_>,
    compiled: &mut Compiled,
    name: &str,
    text: Option<(Arc<str>, Arc<str>, u32)>,
    what: &str,
) -> Option<Arc<LogFormat>> {
    let (text, file, line) = text?;
    if let Some(format) = compiled.get(&text) {
        return Some(format.clone());
    }
    let mut none = AclSet::default();
    let before = parser.expressions.references.len();
    let mut context = ParseContext::new(&mut parser.expressions, &mut none, Phases::LOG)
        .at(name, &file, line)
        .of(what);
    let answer = LogFormat::parse(&text, Usage::LOG, &mut context);
    let warnings = std::mem::take(&mut context.warnings);
    for warning in warnings {
        say(parser, Severity::Warning, &file, line, warning);
    }
    match answer {
        Ok(format) => {
            let format = Arc::new(format);
            if parser.expressions.references.len() == before {
                compiled.insert(text, format.clone());
            }
            Some(format)
        }
        Err(why) => {
            say(
                parser,
                Severity::Alert,
                &file,
                line,
                format!("failed to parse {what} : {}.", why.trim_end_matches('.')),
            );
            None
        }
    }
}

fn say(parser: &mut Parser<'_>, severity: Severity, file: &Arc<str>, line: u32, message: String) {
    let mut diagnostic = Diagnostic::global(severity, message, false).tight();
    diagnostic.file = Some(file.clone());
    diagnostic.line = line;
    parser.diagnostics.push(diagnostic);
}
