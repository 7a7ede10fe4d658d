//! Finding the tables that proxies, rules and other tables name.

use super::Peers;
use crate::parse::{Draft, Parser};
use config::{Diagnostic, Severity};
use std::collections::HashMap;
use std::sync::Arc;

/// Gives every `stick` rule its table, checks what tables say of each other and of peers sections, and answers with the
/// places of tables by name.
pub(crate) fn resolve(parser: &mut Parser<'_>) -> HashMap<Arc<str>, u32> {
    let names: HashMap<Arc<str>, u32> = (0..)
        .zip(&parser.tables)
        .map(|(at, table)| (table.config.name.clone(), at))
        .collect();
    let mut alerts = Vec::new();
    stick_rules(parser, &names, &mut alerts);
    targets(parser, &names, &mut alerts);
    sections(parser, &mut alerts);
    for alert in alerts {
        parser.diagnostics.bare(Severity::Alert, alert);
    }
    names
}

fn stick_rules(parser: &mut Parser<'_>, names: &HashMap<Arc<str>, u32>, alerts: &mut Vec<String>) {
    let Parser { drafts, tables, .. } = parser;
    for Draft { proxy, .. } in drafts {
        for rule in &mut proxy.back.stick {
            let name = &rule.table_name;
            let Some((at, table)) = names
                .get(name)
                .and_then(|at| Some((*at, tables.get_mut(*at as usize)?)))
            else {
                alerts.push(format!(
                    "Proxy '{}': unable to find stick-table '{name}'.",
                    proxy.name
                ));
                continue;
            };
            if !expr::stick::accepts(rule.expr.output(), table.config.kind) {
                alerts.push(format!(
                    "Proxy '{}': type of fetch not usable with type of stick-table '{name}'.",
                    proxy.name
                ));
            }
            rule.table = at;
            table.config.store_server();
        }
    }
}

/// `write-to`
fn targets(parser: &Parser<'_>, names: &HashMap<Arc<str>, u32>, alerts: &mut Vec<String>) {
    for table in &parser.tables {
        let (config, of) = (&table.config, &table.config.name);
        let Some(name) = &config.write_to else {
            continue;
        };
        let failed = format!("Proxy '{of}': failed to initialize stick-table: write-to:");
        let target = names
            .get(name)
            .and_then(|at| parser.tables.get(*at as usize));
        match target {
            None => alerts.push(format!("{failed} table '{name}' doesn't exist.")),
            Some(target) if target.config.kind.name() != config.kind.name() => {
                alerts.push(format!(
                    "{failed} cannot mix table types ('{name}' has '{}' type and '{of}' has '{}' type).",
                    target.config.kind.name(),
                    config.kind.name()
                ));
            }
            Some(target) if target.config.kind != config.kind => alerts.push(format!(
                "{failed} cannot mix key sizes ('{name}' and '{of}' differ in the length of their keys)."
            )),
            Some(_) => {}
        }
    }
}

/// Peers sections: with the local peer among its members, a section may have nobody else to talk to; without, it does
/// nothing.
fn sections(parser: &mut Parser<'_>, alerts: &mut Vec<String>) {
    let local = parser.env.get("HAPROXY_LOCALPEER").unwrap_or_default();
    let local = local.to_owned();
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let mut notices = Vec::new();
    let faulty = parser.diagnostics.alerts() > 0;
    for peers in parser
        .peers
        .iter()
        .filter(|peers| !peers.disabled && !faulty)
    {
        let is_local = |name: &Arc<str>| **name == *local;
        let name = &peers.name;
        if !peers.members.iter().any(|(member, _)| is_local(member)) {
            if peers.has_content {
                warnings.push(format!(
                    "Removing incomplete section 'peers {name}' (no peer named '{local}')."
                ));
            }
            continue;
        }
        match peers.members.iter().find(|(member, _)| !is_local(member)) {
            Some((_, line)) => faults.push(line.clone()),
            None => notices.push(format!(
                "peers section '{name}' has no other peer: its tables are kept, and it does not listen."
            )),
        }
    }
    for table in &parser.tables {
        let config = &table.config;
        let Some(name) = config.peers.as_ref() else {
            continue;
        };
        match parser.peers.iter().find(|peers| peers.name == *name) {
            None => alerts.push(format!(
                "Proxy '{}': unable to find sync peers '{name}'.",
                config.name
            )),
            Some(peers) if lacks_local(peers) => alerts.push(format!(
                "Proxy '{}': unable to find local peer '{local}' in peers section '{name}'.",
                config.name
            )),
            Some(_) => {}
        }
    }
    for line in faults {
        let message = crate::parse::known::not_built(line.word(0), "the peers protocol");
        parser
            .diagnostics
            .push(Diagnostic::at(Severity::Alert, &line, 0, message));
    }
    for (severity, messages) in [(Severity::Warning, warnings), (Severity::Notice, notices)] {
        for message in messages {
            parser.diagnostics.bare(severity, message);
        }
    }
}

/// Whether a section that a table takes part in is empty.
fn lacks_local(peers: &Peers) -> bool {
    !peers.disabled && !peers.has_content
}
