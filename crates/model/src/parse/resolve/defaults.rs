//! `defaults` sections with rules: which proxies may start from them (configuration manual, section 4.1).

use super::placed;
use crate::parse::Parser;
use crate::proxy::{Caps, Proxy};
use crate::rules::RuleLists;
use config::Severity;
use std::collections::HashMap;
use std::sync::Arc;

/// A `defaults` section with rules, and the half that its first user has.
struct Section {
    origin: (Arc<str>, u32),
    rules: Kinds,
    half: Option<Caps>,
}

/// Which rules a section has.
#[derive(Clone, Copy)]
struct Kinds {
    any: bool,
    /// `tcp-request connection` or `session`, which backends can't have.
    front_only: bool,
    /// `tcp-response content`, which frontends can't have.
    back_only: bool,
}

fn kinds(rules: &RuleLists) -> Kinds {
    let front_only = !rules.tcp_connection.is_empty() || !rules.tcp_session.is_empty();
    let back_only = !rules.tcp_response.is_empty();
    let others = [
        &rules.tcp_content,
        &rules.http_request,
        &rules.http_response,
        &rules.http_after_response,
    ];
    Kinds {
        any: front_only || back_only || others.iter().any(|list| !list.is_empty()),
        front_only,
        back_only,
    }
}

pub(super) fn check(parser: &mut Parser<'_>) {
    let mut sections: HashMap<Arc<str>, Section> = HashMap::new();
    let mut faults = Vec::new();
    for defaults in &parser.defaults {
        let proxy = &defaults.draft.proxy;
        let base = proxy
            .defaults_name
            .as_ref()
            .and_then(|name| sections.get(name));
        if let Some(base) = base {
            let message =
                "a defaults section cannot inherit from a defaults section defining TCP/HTTP rules";
            faults.push((
                proxy.origin.clone(),
                format!("{message} (defaults section at {}).", at(&base.origin)),
            ));
            continue;
        }
        let rules = kinds(&proxy.rules);
        if let Some(name) = defaults.name.clone().filter(|_| rules.any) {
            sections.insert(
                name,
                Section {
                    origin: proxy.origin.clone(),
                    rules,
                    half: None,
                },
            );
        }
    }
    for draft in &parser.drafts {
        let name = draft.proxy.defaults_name.as_ref();
        let Some(section) = name.and_then(|name| sections.get_mut(name)) else {
            continue;
        };
        if let Some(message) = complaint(&draft.proxy, section) {
            faults.push((draft.proxy.origin.clone(), message));
        }
        section.half.get_or_insert(draft.proxy.caps);
    }
    for (origin, message) in faults {
        placed(parser, Severity::Alert, &origin, message, true);
    }
}

fn complaint(proxy: &Proxy, section: &Section) -> Option<String> {
    let place = at(&section.origin);
    if proxy.caps == Caps::LISTEN {
        return Some(
            "a listen section cannot inherit from a defaults section defining TCP/HTTP rules."
                .into(),
        );
    }
    if section.half.is_some_and(|half| half != proxy.caps) {
        return Some(format!(
            "frontends and backends cannot inherit from the same defaults section if it defines TCP/HTTP rules \
             (defaults section at {place})."
        ));
    }
    if proxy.caps.back && section.rules.front_only {
        return Some(format!(
            "a backend section cannot inherit from a defaults section defining 'tcp-request connection' or \
             'tcp-request session' rules (defaults section at {place})."
        ));
    }
    (proxy.caps.front && section.rules.back_only).then(|| {
        format!(
            "a frontend section cannot inherit from a defaults section defining 'tcp-response content' rules \
             (defaults section at {place})."
        )
    })
}

fn at((file, line): &(Arc<str>, u32)) -> String {
    format!("{file}:{line}")
}

#[cfg(test)]
mod tests {
    use super::{Kinds, Section, complaint};
    use crate::proxy::{Caps, Proxy};

    fn refused(caps: Caps, half: Option<Caps>, front_only: bool, back_only: bool) -> bool {
        let rules = Kinds {
            any: true,
            front_only,
            back_only,
        };
        let section = Section {
            origin: ("t.cfg".into(), 1),
            rules,
            half,
        };
        let proxy = Proxy::new("p".into(), caps, ("t.cfg".into(), 9));
        complaint(&proxy, &section).is_some()
    }

    #[test]
    fn sections_with_rules_serve_one_half_only() {
        let (front, back) = (Caps::FRONTEND, Caps::BACKEND);
        assert!(!refused(front, None, true, false) && !refused(back, None, false, true));
        assert!(refused(Caps::LISTEN, None, false, false));
        assert!(
            refused(back, Some(front), false, false) && !refused(back, Some(back), false, false)
        );
        assert!(refused(back, None, true, false) && refused(front, None, false, true));
    }
}
