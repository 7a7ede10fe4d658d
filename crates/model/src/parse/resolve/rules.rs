//! Names in rules: `http-errors` sections, capture slots, log profiles.

use super::bare;
use super::names::place;
use crate::parse::Parser;
use crate::proxy::{Mode, Proxy};
use crate::rules::{Names, resolve};
use config::Severity;
use expr::Phases;
use expr::pattern::FileName;
use std::collections::HashMap;
use std::sync::Arc;

/// Looks up the names in the rules of every proxy.
pub(super) fn check(
    parser: &mut Parser<'_>,
    names: &super::Names,
    places: &HashMap<Arc<str>, u32>,
) {
    declare_lists(parser);
    let kinds = parser.tables.iter().map(|table| table.config.kind);
    let kinds: Vec<_> = kinds.collect();
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    let backends = |name: &str| {
        let at = place(*names.backends.get(name)?);
        Some(&parser.drafts.get(at)?.proxy)
    };
    for draft in &parser.drafts {
        let names = Names {
            proxy: &draft.proxy,
            backends: &backends,
            http_errors: &parser.http_errors,
            log_profiles: &parser.log_profiles,
            resolvers: &parser.resolvers,
            tables: (places, &kinds),
            patterns: &parser.expressions.patterns,
        };
        faults.extend(resolve(&names));
        let rules = draft.proxy.rules.tcp_session.iter();
        let advice = rules.filter_map(|rule| rule.action.advice(&names));
        warnings.extend(advice.map(|why| format!("Proxy '{}': {why}", draft.proxy.name)));
    }
    for (_, message) in faults {
        bare(parser, Severity::Alert, message);
    }
    for message in warnings {
        bare(parser, Severity::Warning, message);
    }
    let advice: Vec<_> = parser
        .drafts
        .iter()
        .filter(|draft| draft.proxy.caps.front && !draft.proxy.disabled)
        .flat_map(|draft| tracking_advice(&draft.proxy))
        .collect();
    for message in advice {
        bare(parser, Severity::Warning, message);
    }
}

/// What may go wrong with `tcp-request content track-sc*` rules of a frontend.
fn tracking_advice(proxy: &Proxy) -> impl Iterator<Item = String> {
    let label = format!("{} '{}'", proxy.caps.section(), proxy.name);
    let rules = &proxy.rules;
    rules.tcp_content.iter().filter_map(move |rule| {
        let key = rule.action.tracked_key()?;
        let early = Phases::FE_SESSION;
        let needs_content = !key.phases().intersects(early);
        let conditioned = rule
            .condition
            .as_ref()
            .is_some_and(|condition| condition.phase_warning(early).is_some());
        let what = match needs_content {
            true if rules.request_inspect_delay.is_none() => {
                "explicitly depending on request contents without any 'tcp-request inspect-delay' setting. This means that this rule will randomly find its contents. This can be fixed by setting the tcp-request inspect-delay."
            }
            false if !conditioned && proxy.mode == Mode::Http => {
                "not depending on request contents for an HTTP frontend should be executed at the session level, using a 'tcp-request session' rule (mandatory to track invalid HTTP requests)."
            }
            _ => return None,
        };
        Some(format!(
            "{label} : a 'tcp-request content track-sc*' rule {what}"
        ))
    })
}

/// Gives lists that rules change and nothing else names a place, where the runtime API finds them.
fn declare_lists(parser: &mut Parser<'_>) {
    for (name, is_map) in std::mem::take(&mut parser.changed_lists) {
        let patterns = &mut parser.expressions.patterns;
        if patterns.named(&name).is_none() {
            let path = FileName::of(&name).path();
            // Nothing is read, so that nothing can fail.
            let _ = patterns.file(&format!("virt@{path}"), is_map);
        }
    }
}
