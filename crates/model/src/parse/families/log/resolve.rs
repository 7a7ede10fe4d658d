//! What `log` lines refer to, once everything has been read.

use crate::log::{Destination, LogTarget};
use crate::parse::Parser;
use crate::proxy::Mode;
use config::Severity;
use std::sync::Arc;

/// Resolves profiles and checks rings and backends of `log` lines; gives proxies and forwarders with `log global` the
/// global targets.
pub fn resolve(parser: &mut Parser<'_>) {
    let mut complaints = Vec::new();
    let mut logs = std::mem::take(&mut parser.global.logs);
    for target in &mut logs {
        finish(parser, target, "global section", &mut complaints);
    }
    let mut drafts = std::mem::take(&mut parser.drafts);
    for draft in &mut drafts {
        let log = &mut draft.proxy.log;
        if log.global {
            log.targets.extend(logs.iter().cloned());
        }
    }
    parser.drafts = drafts;
    for at in 0..parser.drafts.len() {
        let Some(draft) = parser.drafts.get_mut(at) else {
            break;
        };
        let section = format!("proxy section '{}'", draft.proxy.name);
        let mut targets = std::mem::take(&mut draft.proxy.log.targets);
        for target in &mut targets {
            finish(parser, target, &section, &mut complaints);
        }
        if let Some(draft) = parser.drafts.get_mut(at) {
            draft.proxy.log.targets = targets;
        }
    }
    let mut forwards = std::mem::take(&mut parser.logging.forwards);
    for forward in &mut forwards {
        let forward = Arc::make_mut(forward);
        if forward.global {
            forward.targets.extend(logs.iter().cloned());
        }
        let section = format!("proxy section '{}'", forward.name);
        for target in &mut forward.targets {
            finish(parser, target, &section, &mut complaints);
        }
    }
    parser.logging.forwards = forwards;
    parser.global.logs = logs;
    for (_, message) in complaints {
        parser.diagnostics.bare(Severity::Alert, message);
    }
}

type Complaint = ((Arc<str>, u32), String);

fn finish(
    parser: &Parser<'_>,
    target: &mut Arc<LogTarget>,
    section: &str,
    complaints: &mut Vec<Complaint>,
) {
    let origin = target.origin.clone();
    let mut complain = |what: String| {
        // A global line shows up once more in every proxy.
        if !complaints.iter().any(|(known, _)| *known == origin) {
            let (file, line) = &origin;
            let message = format!(
                "log directive declared in {section} in file '{file}' at line {line} {what}"
            );
            complaints.push((origin.clone(), message));
        }
    };
    match &target.destination {
        Destination::Ring(name) if !parser.logging.rings.iter().any(|ring| ring.name == *name) => {
            complain(format!("uses unknown ring named '{name}'."));
        }
        Destination::Backend(name) => {
            let mut backends = parser
                .drafts
                .iter()
                .map(|draft| &draft.proxy)
                .filter(|proxy| proxy.caps.back);
            match backends.find(|proxy| proxy.name == *name) {
                None => complain(format!("uses unknown log backend '{name}'.")),
                Some(proxy) if proxy.mode != Mode::Log => {
                    complain(format!("uses incompatible log backend '{name}'."));
                }
                Some(_) => {}
            }
        }
        _ => {}
    }
    if let (Some(name), None) = (&target.profile_name, &target.profile) {
        match parser.log_profiles.get(name) {
            None => complain(format!("unknown log-profile '{name}'.")),
            Some(profile) => Arc::make_mut(target).profile = Some(profile.clone()),
        }
    }
}
