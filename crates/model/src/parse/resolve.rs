//! What can be said only once everything has been read: names are resolved, numbers given out, and the proxies checked
//! as a whole.
//!
//! Every step takes the parser as the one before has left it; all of them look names up in [`Names`], so that a file with
//! many thousand proxies takes time in proportion to its length.

mod checks;
mod defaults;
mod identity;
mod logs;
mod names;
mod pages;
mod references;
mod rules;
mod switching;
#[cfg(test)]
mod tests;

use super::{Loaded, Parser};
use crate::Snapshot;
use crate::proxy::SwitchTarget;
use base::{ProxyIdx, ServerIdx};
use config::{Diagnostic, Line, Severity};
use names::Names;
use std::sync::Arc;

/// Resolves names and checks the whole configuration; `None` when there is an error.
pub(super) fn finish(mut parser: Parser<'_>) -> Option<Loaded> {
    let faulty = parser.diagnostics.alerts() > 0;
    super::families::stick::lend(&mut parser);
    super::families::log::resolve(&mut parser);
    super::families::server::finish(&mut parser);
    super::families::resolvers::finish(&mut parser);
    super::families::client::finish(&mut parser);
    super::families::tls::resolve(&mut parser);
    super::families::stick::take_back(&mut parser);
    identity::assign(&mut parser);
    let names = Names::new(&parser.drafts);
    defaults::check(&mut parser);
    switching::resolve(&mut parser, &names);
    pages::resolve(&mut parser);
    logs::resolve(&mut parser);
    let (table_names, peers) = super::families::stick::resolve(&mut parser);
    super::families::proxy::filter::resolve(&mut parser, &table_names);
    let mut named = references::resolve(&mut parser, &names, &table_names);
    references::check_sinks(&mut parser);
    super::families::traces::resolve(&mut parser);
    super::families::check_groups(&mut parser);
    rules::check(&mut parser, &names, &table_names);
    if !faulty {
        // A proxy that lacks something because its line is faulty needs no warning of its own.
        checks::run(&mut parser);
    }
    switching::derive_fullconn(&mut parser);
    if parser.diagnostics.alerts() > 0 {
        return None;
    }
    named.servers.extend(by_rules(&parser));
    named.proxies.extend(switched_to(&parser));
    let defaults = parser.defaults.iter();
    let defaults = defaults
        .filter_map(|section| Some((section.name.clone()?, section.draft.proxy.clone().into())))
        .collect();
    let proxies = parser
        .drafts
        .drain(..)
        .map(|draft| Arc::new(draft.proxy))
        .collect();
    let tables = parser.tables.drain(..).map(|table| table.config).collect();
    let logging = std::mem::take(&mut parser.logging);
    let patterns = std::mem::take(&mut parser.expressions.patterns);
    patterns.freeze();
    let resolvers = std::mem::take(&mut parser.resolvers);
    let certificate_settings = parser.global.tls.clone();
    let Names {
        frontends,
        backends,
    } = names;
    Some(Loaded {
        snapshot: Snapshot {
            global: parser.global,
            proxies,
            backends,
            frontends,
            tables,
            table_names,
            peers,
            defaults,
            pinned: named.servers,
            pinned_proxies: named.proxies,
            logging,
            user_lists: parser.user_lists,
            namespaces: parser.namespaces,
            patterns,
            variables: parser.expressions.names,
            resolvers,
            certificates: Arc::new(tls::Inventory::new(
                std::mem::take(&mut parser.certificates),
                parser.expressions.tokens.clone(),
                certificate_settings,
            )),
            environment: config::Env::empty(),
        },
        env: parser.expressions.env,
    })
}

/// Servers that `use-server` rules name.
fn by_rules(parser: &Parser<'_>) -> Vec<(ProxyIdx, ServerIdx)> {
    let mut found = Vec::new();
    for proxy in parser.drafts.iter().map(|draft| &draft.proxy) {
        let targets = proxy.back.use_server.iter();
        let targets = targets.filter_map(|rule| rule.target.as_ref().ok());
        found.extend(targets.map(|server| (proxy.idx, *server)));
    }
    found
}

/// Backends that `use_backend` and `default_backend` lines name.
fn switched_to(parser: &Parser<'_>) -> Vec<ProxyIdx> {
    let mut found = Vec::new();
    for proxy in parser.drafts.iter().map(|draft| &draft.proxy) {
        found.extend(proxy.front.default_backend_idx);
        let targets = proxy.front.switch_rules.iter();
        found.extend(targets.filter_map(|rule| match &rule.target {
            SwitchTarget::Static(backend) => Some(*backend),
            SwitchTarget::Dynamic(_) => None,
        }));
    }
    found
}

/// A message about a whole proxy, as HAProxy words it: without a place.
fn bare(parser: &mut Parser<'_>, severity: Severity, message: impl Into<String>) {
    parser.diagnostics.bare(severity, message);
}

/// A message that HAProxy words without a place, and of which we know the line to show.
fn bare_at(
    parser: &mut Parser<'_>,
    severity: Severity,
    message: impl Into<String>,
    hint: Option<String>,
) {
    let mut diagnostic = Diagnostic::global(severity, message, false);
    diagnostic.hint = hint;
    parser.diagnostics.push(diagnostic);
}

/// A message at a file and line of which the text is not at hand any more.
fn placed(
    parser: &mut Parser<'_>,
    severity: Severity,
    origin: &(Arc<str>, u32),
    message: impl Into<String>,
    context: bool,
) {
    let mut diagnostic = Diagnostic::global(severity, message, context).tight();
    diagnostic.file = Some(origin.0.clone());
    diagnostic.line = origin.1;
    parser.diagnostics.push(diagnostic);
}

/// An error at a word of a line.
fn alert_at(parser: &mut Parser<'_>, line: &Line, word: usize, message: impl Into<String>) {
    parser
        .diagnostics
        .push(Diagnostic::at(Severity::Alert, line, word, message));
}
