//! Places, numeric and global identifiers.

use super::alert_at;
use crate::parse::{Draft, Parser};
use crate::proxy::Proxy;
use base::{ProxyIdx, ServerIdx};
use config::Line;
use std::collections::HashMap;
use std::sync::Arc;

/// The runtime API counts as the first proxy, so that numbers for others begin after it.
const FIRST_ID: u32 = 2;

pub(super) fn assign(parser: &mut Parser<'_>) {
    for (at, draft) in parser.drafts.iter_mut().enumerate() {
        draft.proxy.idx = ProxyIdx(u32::try_from(at).unwrap_or(u32::MAX));
        for (at, server) in draft.proxy.back.servers.iter_mut().enumerate() {
            Arc::make_mut(server).idx = ServerIdx(u32::try_from(at).unwrap_or(u32::MAX));
        }
    }
    number_proxies(parser);
    check_guids(parser);
}

/// What something is called in messages: its section and name.
fn label(proxy: &Proxy) -> String {
    format!("{} {}", proxy.caps.section(), proxy.name)
}

fn number_proxies(parser: &mut Parser<'_>) {
    let mut taken: HashMap<u32, usize> = HashMap::new();
    let mut faults: Vec<(Line, String)> = Vec::new();
    for (at, draft) in parser
        .drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| draft.proxy.id != 0)
    {
        let Some(other) = taken
            .insert(draft.proxy.id, at)
            .and_then(|other| parser.drafts.get(other))
        else {
            continue;
        };
        if let Some(line) = &draft.notes.id {
            let (file, number) = &other.proxy.origin;
            let message = format!(
                "{} reuses same custom id as {} (declared at {file}:{number}).",
                label(&draft.proxy),
                label(&other.proxy)
            );
            faults.push((line.clone(), message));
        }
    }
    for draft in &mut parser.drafts {
        draft.proxy.id_given = draft.proxy.id != 0;
    }
    let mut next = FIRST_ID;
    for draft in parser.drafts.iter_mut().filter(|draft| draft.proxy.id == 0) {
        while taken.contains_key(&next) {
            next += 1;
        }
        draft.proxy.id = next;
        next += 1;
    }
    for (line, message) in faults {
        alert_at(parser, &line, 1, message);
    }
}

fn check_guids(parser: &mut Parser<'_>) {
    let mut seen: HashMap<Arc<str>, String> = HashMap::new();
    let mut faults = Vec::new();
    for Draft { proxy, notes, .. } in &parser.drafts {
        let Some(guid) = &proxy.guid else { continue };
        if let Some(other) = seen.insert(guid.clone(), label(proxy))
            && let Some(line) = &notes.guid
        {
            faults.push((
                line.clone(),
                format!("'guid': duplicate entry with {other}"),
            ));
        }
    }
    for (line, message) in faults {
        alert_at(parser, &line, 1, message);
    }
}
