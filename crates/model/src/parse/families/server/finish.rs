//! What can be said of servers once everything has been read.

use crate::parse::{Draft, Parser};
use crate::proxy::Proxy;
use config::{Diagnostic, Severity};
use std::collections::HashSet;
use std::sync::Arc;

/// Gives every server and listener its number, and checks what servers refer to.
pub fn finish(parser: &mut Parser<'_>) {
    for draft in &mut parser.drafts {
        number_servers(&mut draft.proxy);
        number_binds(&mut draft.proxy);
    }
    let mut faults = Vec::new();
    for draft in &parser.drafts {
        for server in &draft.proxy.back.servers {
            let complaint = server.settings.track.as_ref().and_then(|track| tracking(&parser.drafts, &draft.proxy, track));
            if let Some(complaint) = complaint {
                let label = format!("'server {}/{}' : {complaint}", draft.proxy.name, server.name);
                let (file, line) = server.origin.clone();
                faults.push(Diagnostic { file: Some(file), line, ..Diagnostic::global(Severity::Alert, label, true) });
            }
        }
    }
    for fault in faults {
        parser.diagnostics.push(fault);
    }
}

/// Numbers that were not given are the lowest free ones, in the order of the file.
fn number_servers(proxy: &mut Proxy) {
    let taken: HashSet<u32> = proxy.back.servers.iter().map(|server| server.id).filter(|id| *id != 0).collect();
    let mut next = 1;
    for server in proxy.back.servers.iter_mut().filter(|server| server.id == 0) {
        while taken.contains(&next) {
            next += 1;
        }
        Arc::make_mut(server).id = next;
        next += 1;
    }
}

fn number_binds(proxy: &mut Proxy) {
    let taken: HashSet<u32> = proxy.front.binds.iter().map(|bind| bind.id).filter(|id| *id != 0).collect();
    let mut next = 1;
    for bind in proxy.front.binds.iter_mut().filter(|bind| bind.id == 0) {
        while taken.contains(&next) {
            next += 1;
        }
        Arc::make_mut(bind).id = next;
        next += 1;
    }
}

/// What is wrong with `track [<proxy>/]<server>`.
fn tracking(drafts: &[Draft], own: &Proxy, track: &str) -> Option<String> {
    let (backend, name) = match track.split_once('/') {
        Some((backend, name)) => {
            let mut found = drafts.iter().map(|draft| &draft.proxy).filter(|proxy| proxy.caps.back);
            (found.find(|proxy| &*proxy.name == backend), name)
        }
        None => (Some(own), track),
    };
    let Some(backend) = backend else {
        let (backend, _) = track.split_once('/').unwrap_or_default();
        return Some(format!("unable to find required proxy '{backend}' for tracking."));
    };
    match backend.back.servers.iter().find(|server| &*server.name == name) {
        Some(_) => None,
        None => Some(format!("unable to find required server '{name}' for tracking.")),
    }
}
