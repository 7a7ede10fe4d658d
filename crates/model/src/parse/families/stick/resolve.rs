//! Finding the tables that proxies, rules and other tables name.

use super::Peers;
use crate::parse::{Draft, Parser};
use config::Severity;
use std::collections::HashMap;
use std::sync::Arc;

/// Gives every `stick` rule its table, checks what tables say of each other and of peers sections, and answers with the
/// places of tables by name, and the peers sections that this process takes part in.
pub(crate) fn resolve(
    parser: &mut Parser<'_>,
) -> (HashMap<Arc<str>, u32>, Vec<Arc<crate::peers::Peers>>) {
    let names: HashMap<Arc<str>, u32> = (0..)
        .zip(&parser.tables)
        .map(|(at, table)| (table.config.name.clone(), at))
        .collect();
    let mut alerts = Vec::new();
    stick_rules(parser, &names, &mut alerts);
    targets(parser, &names, &mut alerts);
    let peers = sections(parser, &mut alerts);
    for alert in alerts {
        parser.diagnostics.bare(Severity::Alert, alert);
    }
    (names, peers)
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

/// Peers sections: without this process among its members, a section does nothing, and its tables are nobody else's.
fn sections(parser: &mut Parser<'_>, alerts: &mut Vec<String>) -> Vec<Arc<crate::peers::Peers>> {
    let local = parser
        .expressions
        .env
        .get("HAPROXY_LOCALPEER")
        .unwrap_or_default();
    let local = local.to_owned();
    let mut found = Vec::new();
    for (at, table) in parser.tables.iter().enumerate() {
        let config = &table.config;
        let earlier = parser.tables.iter().take(at);
        let same = |other: &&super::TableDraft| other.config.persist == config.persist;
        if let Some(path) = &config.persist
            && let Some(other) = earlier.clone().find(same)
        {
            alerts.push(format!(
                "stick-table '{}': '{path}' keeps stick-table '{}' already: give each a file of its own.",
                config.name, other.config.name
            ));
        }
        let Some(name) = config.peers.as_ref() else {
            if config.aggregate {
                alerts.push(format!(
                    "stick-table '{}': 'aggregate' adds up what peers have counted: say whose with 'peers <section>'.",
                    config.name
                ));
            }
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
    if parser.diagnostics.alerts() > 0 || !alerts.is_empty() {
        return found;
    }
    let Parser {
        tables,
        peers,
        diagnostics,
        ..
    } = parser;
    for section in peers {
        let place = section.place_of(&local);
        let of_section = (0u32..)
            .zip(tables.iter_mut())
            .filter(|(_, table)| table.config.peers.as_ref() == Some(&section.name));
        let (Some(local_at), Some(draft), false) = (place, &section.draft, section.disabled) else {
            of_section.for_each(|(_, table)| table.config.peers = None);
            if !section.disabled {
                let message = format!(
                    "Removing incomplete section 'peers {}' (no peer named '{local}').",
                    section.name
                );
                diagnostics.bare(Severity::Warning, message);
            }
            continue;
        };
        let proxy = &draft.proxy;
        warn_of_local(proxy, local_at, diagnostics);
        let own = format!("{}/", section.name);
        let tables = of_section.map(|(at, table)| {
            table.config.shards = section.shards;
            let name = &table.config.name;
            // A table of the section itself cannot be taken for a proxy's of the same name.
            let shown = name
                .strip_prefix(&own)
                .map(|name| format!("/{name}").into());
            (at, shown.unwrap_or_else(|| name.clone()))
        });
        let tables = tables.collect();
        found.push(Arc::new(crate::peers::Peers {
            name: section.name.clone(),
            proxy: Arc::new(proxy.clone()),
            local: local_at,
            shards: section.shards,
            tables,
        }));
    }
    found
}

/// A process cannot teach its successor when only one of its listener and its own server line speaks TLS.
fn warn_of_local(proxy: &crate::Proxy, local: usize, diagnostics: &mut config::Diagnostics) {
    let (Some(server), Some(bind)) = (proxy.back.servers.get(local), proxy.front.binds.first())
    else {
        return;
    };
    let (file, line) = &server.origin;
    let kinds = match (bind.tls_settings.enabled, server.settings.tls.enabled) {
        (true, false) => ("SSL", "non-SSL"),
        (false, true) => ("non-SSL", "SSL"),
        _ => return,
    };
    diagnostics.bare(
        Severity::Warning,
        format!(
            "Peers section '{}': local peer have a {} listener and a {} server configured at line {file}:{line}.",
            proxy.name, kinds.0, kinds.1
        ),
    );
}

/// Whether a section that a table takes part in is empty.
fn lacks_local(peers: &Peers) -> bool {
    !peers.disabled && !peers.has_content
}
