//! Checks of each proxy as a whole: timeouts, listeners, and what only HTTP proxies can use.

use super::bare;
use crate::address::Address;
use crate::parse::families::proxy::switches::SWITCHES;
use crate::parse::{Draft, Parser, Valid};
use crate::proxy::{Algorithm, HashKey, Mode, Options, Proxy};
use crate::server::Server;
use config::Severity;
use std::net::Ipv4Addr;
use std::sync::Arc;

pub(super) fn run(parser: &mut Parser<'_>) {
    let cookie_len = parser.global.captured_cookie_len;
    let (mut warnings, mut alerts) = (Vec::new(), Vec::new());
    for Draft { proxy, .. } in parser
        .drafts
        .iter_mut()
        .filter(|draft| !draft.proxy.disabled)
    {
        let label = format!("{} '{}'", proxy.caps.section(), proxy.name);
        if proxy.caps.front && proxy.front.binds.is_empty() {
            warnings.push(format!(
                "{label} has no 'bind' directive. Please declare it as a backend if this was intended."
            ));
        }
        if let Some(capture) = &mut proxy.front.cookie_capture
            && capture.len > cookie_len
        {
            capture.len = cookie_len;
            warnings.push(format!(
                "truncating capture length to {cookie_len} bytes for {label}."
            ));
        }
        if proxy.caps.back {
            fit_balance(proxy, &label, &mut warnings, &mut alerts);
            direct(proxy, &label, &mut warnings, &mut alerts);
        }
        if proxy.mode != Mode::Http {
            leave_http(proxy, &label, &mut warnings);
        }
        if lacks_timeouts(proxy) {
            warnings.push(format!(
                "missing timeouts for {label}.\nWhile not properly invalid, you will certainly encounter various \
                 problems\nwith such a configuration. To fix this, please ensure that all following\ntimeouts are set \
                 to a non-zero value: 'client', 'connect', 'server'."
            ));
        }
    }
    for warning in warnings {
        bare(parser, Severity::Warning, warning);
    }
    for alert in alerts {
        bare(parser, Severity::Alert, alert);
    }
}

/// Whether the proxy's mode allows its algorithm, and what the algorithm needs of the proxy.
fn fit_balance(
    proxy: &mut Proxy,
    label: &str,
    warnings: &mut Vec<String>,
    alerts: &mut Vec<String>,
) {
    let algorithm = &mut proxy.back.balance.algorithm;
    match algorithm {
        Algorithm::Hash(key) if key.needs_http() && proxy.mode != Mode::Http => {
            *algorithm = Algorithm::RoundRobin;
            warnings.push(format!(
                "Layer 7 hash not possible for {label} (needs 'mode http'). Falling back to round robin."
            ));
        }
        Algorithm::Hash(HashKey::UrlParam {
            check_post: true, ..
        }) => proxy.options.set(Options::BUFFER_REQUEST, true),
        Algorithm::Hash(HashKey::Log(_)) if proxy.mode != Mode::Log => {
            *algorithm = Algorithm::RoundRobin;
            warnings.push(format!(
                "Unusable balance algorithm for {label} (needs 'mode log'). Falling back to round robin."
            ));
        }
        Algorithm::Hash(HashKey::Log(_)) if proxy.back.balance.hash_type.consistent => {
            alerts.push(format!(
                "log {label}: failed to initialize: unsupported hash method (from \"hash-type\")."
            ));
        }
        Algorithm::Hash(HashKey::Log(_)) => {}
        Algorithm::RoundRobin | Algorithm::Random(_) | Algorithm::Sticky => {}
        _ if proxy.mode == Mode::Log => alerts.push(format!(
            "in {label}: \"balance\" only supports 'roundrobin', 'random', 'sticky' and 'log-hash'."
        )),
        _ => {}
    }
}

/// Where a proxy without balancing sends to, and whether it is one.
fn direct(proxy: &mut Proxy, label: &str, warnings: &mut Vec<String>, alerts: &mut Vec<String>) {
    let transparent = proxy.options.has(Options::TRANSPARENT);
    let back = &mut proxy.back;
    match (back.balance_given, back.direct.is_some()) {
        (true, true) => {
            back.direct = None;
            warnings.push(format!(
                "dispatch address of {label} will be ignored in balance mode."
            ));
        }
        (true, false) if transparent => alerts.push(format!(
            "{label} cannot use both transparent and balance mode."
        )),
        (false, false) if transparent => {
            let anywhere = Address::Inet((Ipv4Addr::UNSPECIFIED, 0).into());
            let server = Server::direct(anywhere, true, proxy.origin.clone());
            back.direct = Some(Arc::new(server));
        }
        _ => {}
    }
}

/// Whether a peer that says nothing would hold a connection for ever.
fn lacks_timeouts(proxy: &Proxy) -> bool {
    if proxy.mode == Mode::Log {
        return false;
    }
    let timeouts = &proxy.timeouts;
    let front = proxy.caps.front && !proxy.front.binds.is_empty() && timeouts.client.is_none();
    let served =
        timeouts.server.is_some() || (proxy.mode == Mode::Tcp && timeouts.tunnel.is_some());
    let back = proxy.caps.back
        && !proxy.back.servers.is_empty()
        && (timeouts.connect.is_none() || !served);
    front || back
}

/// Takes away what a proxy that does not speak HTTP can't use, and tells so.
fn leave_http(proxy: &mut Proxy, label: &str, warnings: &mut Vec<String>) {
    let content = &proxy.rules.tcp_content;
    if content.iter().any(|rule| rule.action.switches_to_http()) {
        return;
    }
    let lists = [
        ("http-request", &mut proxy.rules.http_request),
        ("http-response", &mut proxy.rules.http_response),
        ("http-after-response", &mut proxy.rules.http_after_response),
        ("redirect", &mut proxy.rules.redirects),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            list.clear();
            warnings.push(format!(
                "'{name}' rules ignored for {label} as they require HTTP mode."
            ));
        }
    }
    if proxy.caps.back && proxy.back.cookie.take().is_some() {
        warnings.push(format!(
            "cookie will be ignored for {label} (needs 'mode http')."
        ));
    }
    if proxy.caps.front && proxy.front.monitor_uri.take().is_some() {
        warnings.push(format!(
            "'monitor-uri' statement ignored for {label} as it requires HTTP mode."
        ));
    }
    let half = |valid: Valid| {
        (proxy.caps.front && valid.meets(Valid::FE)) || (proxy.caps.back && valid.meets(Valid::BE))
    };
    let mut options: Vec<&str> = Vec::new();
    let mut bits = proxy.options;
    for row in SWITCHES
        .iter()
        .filter(|row| row.http_only && proxy.options.has(row.bit))
    {
        bits.set(row.bit, false);
        if half(row.valid) {
            options.push(row.name);
        }
    }
    proxy.options = bits;
    for (name, set) in [
        (
            "forwarded",
            proxy.caps.back && proxy.forwarded.take().is_some(),
        ),
        ("forwardfor", proxy.forward_for.take().is_some()),
        ("originalto", proxy.original_to.take().is_some()),
    ] {
        if set {
            options.push(name);
        }
    }
    warnings.extend(
        options
            .iter()
            .map(|name| format!("'option {name}' ignored for {label} as it requires HTTP mode.")),
    );
}
