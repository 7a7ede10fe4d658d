//! Where streams go: backends of frontends, servers of `use-server`, and the load at which backends are full.

use super::bare_at;
use super::names::{Names, place};
use crate::parse::{Draft, Parser};
use crate::proxy::{Mode, Proxy, SwitchTarget};
use base::{ProxyIdx, ServerIdx};
use config::Severity;
use std::collections::{HashMap, HashSet};

pub(super) fn resolve(parser: &mut Parser<'_>, names: &Names) {
    let mut drafts = std::mem::take(&mut parser.drafts);
    for at in 0..drafts.len() {
        let Some(draft) = drafts.get(at) else { break };
        // What is switched off may name what is gone.
        if draft.proxy.disabled {
            continue;
        }
        let (default, rules, servers) = (
            default_backend(parser, names, &drafts, draft),
            use_backend(parser, names, &drafts, draft),
            use_server(parser, draft),
        );
        let Some(Draft { proxy, .. }) = drafts.get_mut(at) else {
            break;
        };
        proxy.front.default_backend_idx = default;
        for (rule, target) in rules {
            if let Some(rule) = proxy.front.switch_rules.get_mut(rule) {
                rule.target = SwitchTarget::Static(target);
            }
        }
        for (rule, target) in servers {
            if let Some(rule) = proxy.back.use_server.get_mut(rule) {
                rule.target = Ok(target);
            }
        }
    }
    parser.drafts = drafts;
}

fn default_backend(
    parser: &mut Parser<'_>,
    names: &Names,
    drafts: &[Draft],
    draft: &Draft,
) -> Option<ProxyIdx> {
    let proxy = &draft.proxy;
    let name = proxy.front.default_backend.as_ref();
    let name = name.filter(|_| proxy.caps.front)?;
    let found = backend(parser, names, proxy, name, "default_backend")?;
    check_mode(
        parser,
        proxy,
        drafts.get(place(found)),
        "as its default backend",
    );
    Some(found)
}

fn use_backend(
    parser: &mut Parser<'_>,
    names: &Names,
    drafts: &[Draft],
    draft: &Draft,
) -> Vec<(usize, ProxyIdx)> {
    let mut resolved = Vec::with_capacity(draft.switch_names.len());
    for (rule, name, _) in &draft.switch_names {
        if let Some(found) = backend(parser, names, &draft.proxy, name, "use_backend") {
            let target = drafts.get(place(found));
            check_mode(parser, &draft.proxy, target, "in a 'use_backend' rule");
            resolved.push((*rule, found));
        }
    }
    resolved
}

/// The backend of this name, which must not be the proxy that asks.
fn backend(
    parser: &mut Parser<'_>,
    names: &Names,
    proxy: &Proxy,
    name: &str,
    directive: &str,
) -> Option<ProxyIdx> {
    let (why, hint) = match names.backends.get(name).copied() {
        Some(found) if found == proxy.idx => ("loop detected for", None),
        Some(found) => return Some(found),
        None => {
            let hint = nearest(name, names)
                .unwrap_or_else(|| format!("add a section 'backend {name}' with its servers"));
            ("unable to find required", Some(hint))
        }
    };
    let message = format!("Proxy '{}': {why} {directive}: '{name}'.", proxy.name);
    bare_at(parser, Severity::Alert, message, hint);
    None
}

/// The backend that was probably meant, or what the name stands for instead.
fn nearest(name: &str, names: &Names) -> Option<String> {
    if names.frontends.contains_key(name) {
        return Some(format!("'{name}' is a frontend"));
    }
    // Comparing with every name for every fault would take for ever on a file of many thousand backends.
    const MOST: usize = 2000;
    let known = names.backends.keys().take(MOST).map(|known| &**known);
    config::suggest::nearest(name, known).map(|near| format!("did you mean '{near}'?"))
}

/// What messages call a mode here.
fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Log => "syslog",
        mode => mode.name(),
    }
}

fn check_mode(parser: &mut Parser<'_>, from: &Proxy, to: Option<&Draft>, how: &str) {
    let Some(Draft { proxy: to, .. }) = to else {
        return;
    };
    // A TCP frontend is upgraded to HTTP by an HTTP backend.
    if from.mode == to.mode || (from.mode, to.mode) == (Mode::Tcp, Mode::Http) {
        return;
    }
    let message = format!(
        "{} frontend '{}' ({}:{}) tries to use incompatible {} backend '{}' ({}:{}) {how} (see 'mode').",
        mode_name(from.mode),
        from.name,
        from.origin.0,
        from.origin.1,
        mode_name(to.mode),
        to.name,
        to.origin.0,
        to.origin.1
    );
    let hint = format!(
        "write 'mode {}' into backend '{}', or into the 'defaults' section before it",
        from.mode.name(),
        to.name
    );
    bare_at(parser, Severity::Alert, message, Some(hint));
}

fn use_server(parser: &mut Parser<'_>, draft: &Draft) -> Vec<(usize, ServerIdx)> {
    if draft.use_server_names.is_empty() {
        return Vec::new();
    }
    let proxy = &draft.proxy;
    let servers: HashMap<&str, ServerIdx> = proxy
        .back
        .servers
        .iter()
        .map(|server| (&*server.name, server.idx))
        .collect();
    let mut resolved = Vec::with_capacity(draft.use_server_names.len());
    for (rule, name, _) in &draft.use_server_names {
        match servers.get(&**name) {
            Some(found) => resolved.push((*rule, *found)),
            None => {
                let message = format!(
                    "{} '{}' : unable to find server '{name}' referenced in a 'use-server' rule.",
                    proxy.caps.section(),
                    proxy.name
                );
                let near = config::suggest::nearest(name, servers.keys().copied());
                bare_at(
                    parser,
                    Severity::Alert,
                    message,
                    near.map(|near| format!("did you mean '{near}'?")),
                );
            }
        }
    }
    resolved
}

/// A backend without `fullconn` is full at a tenth of the connections that its frontends take (configuration manual,
/// `fullconn`). Where one of them has no limit of its own the figure depends on the process' limit and stays open.
pub(super) fn derive_fullconn(parser: &mut Parser<'_>) {
    const SHARE: u64 = 10;
    let default = parser.global.maxconn.unwrap_or(0);
    let mut sums: HashMap<ProxyIdx, Option<u64>> = HashMap::new();
    for Draft { proxy, .. } in parser.drafts.iter().filter(|draft| draft.proxy.caps.front) {
        let limit = match proxy.front.maxconn {
            0 => default,
            limit => limit,
        };
        let limit = Some(u64::from(limit)).filter(|limit| *limit != 0);
        for target in targets(proxy) {
            let sum = sums.entry(target).or_insert(Some(0));
            *sum = sum.zip(limit).map(|(sum, limit)| sum + limit);
        }
    }
    for Draft { proxy, .. } in parser
        .drafts
        .iter_mut()
        .filter(|draft| draft.proxy.back.fullconn == 0)
    {
        if let Some(Some(sum)) = sums.get(&proxy.idx) {
            proxy.back.fullconn = u32::try_from(sum.div_ceil(SHARE)).unwrap_or(u32::MAX);
        }
    }
}

/// The backends that a frontend may lead to by name, each once.
fn targets(proxy: &Proxy) -> HashSet<ProxyIdx> {
    let rules = proxy
        .front
        .switch_rules
        .iter()
        .filter_map(|rule| match rule.target {
            SwitchTarget::Static(target) => Some(target),
            SwitchTarget::Dynamic(_) => None,
        });
    let own = Some(proxy.idx).filter(|_| proxy.caps.back);
    rules
        .chain(proxy.front.default_backend_idx)
        .chain(own)
        .collect()
}
