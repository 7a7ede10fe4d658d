//! What can be said of servers once everything has been read.

use super::checks;
use crate::address::Address;
use crate::parse::{Draft, Parser, known};
use crate::proxy::{Mode, Proxy};
use crate::server::{Server, UseSource};
use config::{Diagnostic, Severity};
use std::collections::HashSet;
use std::sync::Arc;

/// Gives every server and listener its number, and checks what servers refer to.
pub fn finish(parser: &mut Parser<'_>) {
    let mut faults = Vec::new();
    for draft in &mut parser.drafts {
        number_servers(&mut draft.proxy);
        number_binds(&mut draft.proxy);
        checks::resolve(draft, &parser.global, &parser.healthchecks, &mut faults);
    }
    for draft in &parser.drafts {
        for server in &draft.proxy.back.servers {
            check_server(&draft.proxy, server, &mut faults);
            if let Some(complaint) = server
                .settings
                .track
                .as_ref()
                .and_then(|track| tracking(&parser.drafts, &draft.proxy, server, track))
            {
                let label = format!(
                    "'server {}/{}' : {complaint}",
                    draft.proxy.name, server.name
                );
                faults.push(at(server, label));
            }
        }
        check_threads(&draft.proxy, parser.global.threads, &mut faults);
    }
    for fault in faults {
        parser.diagnostics.push(fault);
    }
}

/// An alert where the server's line stands.
fn at(server: &Server, message: String) -> Diagnostic {
    let (file, line) = server.origin.clone();
    Diagnostic {
        file: Some(file),
        line,
        ..Diagnostic::global(Severity::Alert, message, false)
    }
    .tight()
}

/// What does not go together with the proxy's mode, or lacks a port.
fn check_server(proxy: &Proxy, server: &Server, faults: &mut Vec<Diagnostic>) {
    let (section, name, settings) = (proxy.caps.section(), &server.name, &server.settings);
    let mut say = |severity, text: String| {
        faults.push(Diagnostic::global(
            severity,
            format!("{section} '{}' : {text}", proxy.name),
            false,
        ));
    };
    if proxy.mode != Mode::Http {
        if matches!(server.address, Address::Reverse(_)) {
            let message = format!(
                "server {name} uses reverse HTTP addressing which can only be used with HTTP mode."
            );
            say(Severity::Alert, message);
        }
        if settings.cookie.is_some() {
            say(
                Severity::Warning,
                format!("ignoring cookie for server '{name}' as HTTP mode is disabled."),
            );
        }
        if settings.redirect_prefix.is_some() {
            say(
                Severity::Alert,
                "server cannot have cookie or redirect prefix in non-HTTP mode.".into(),
            );
        }
        if let Some(UseSource::Header(header, _)) =
            settings.source.as_ref().map(|source| &source.use_source)
        {
            let message =
                format!("server {name} cannot use header {header} as source IP in non-HTTP mode.");
            say(Severity::Warning, message);
        }
        if let Some(mux) = settings.proto.as_deref().filter(|mux| *mux == "h1") {
            let (file, line) = &server.origin;
            say(
                Severity::Alert,
                format!(
                    "MUX protocol '{mux}' is not usable for server '{name}' at [{file}:{line}]."
                ),
            );
        }
    }
    let has_port = match server.address {
        // A server at no address at all is not held to its port.
        Address::Inet(address) if address.ip().is_unspecified() => true,
        Address::Inet(address) => !server.mapped_port && address.port() != 0,
        _ => true,
    };
    let script = settings.check.script.as_ref().unwrap_or(&proxy.back.check);
    let by_rule = || {
        script
            .first_connect()
            .is_some_and(|connect| connect.port.is_some())
    };
    // The port of a service comes with its records.
    let may_have_port = has_port || server.service.is_some() || settings.check.port.is_some();
    if settings.check.enabled && !may_have_port && !by_rule() {
        let message = format!(
            "config: {section} '{}': server '{name}' has neither service port nor check port.",
            proxy.name
        );
        faults.push(Diagnostic::global(Severity::Alert, message, false));
    }
    if proxy.mode == Mode::Log && (server.unresolved || settings.naming.resolvers.is_some()) {
        let label = format!("'server {}/{name}' : ", proxy.name);
        let what = known::not_built("a name that is resolved while running", "log servers");
        faults.push(at(server, format!("{label}{what}")));
    }
    if proxy.mode == Mode::Log && settings.namespace.is_some() {
        let label = format!("'server {}/{name}' : ", proxy.name);
        let what = known::not_built("namespace", "log servers");
        faults.push(at(server, format!("{label}{what}")));
    }
    if server.datagram && proxy.mode != Mode::Log {
        faults.push(at(
            server,
            format!(
                "unsupported transport for server address in '{}' backend.",
                proxy.mode.name()
            ),
        ));
    }
}

/// Binds on threads that there are not.
fn check_threads(proxy: &Proxy, threads: Option<u32>, faults: &mut Vec<Diagnostic>) {
    let machine =
        || std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
    for bind in proxy
        .front
        .binds
        .iter()
        .filter(|bind| !bind.threads.is_empty())
    {
        let threads = threads.unwrap_or_else(machine);
        if bind.threads.iter().all(|thread| *thread > threads) {
            let (file, line) = &bind.origin;
            let message = format!(
                "{} '{}': 'thread' directive only references non-existing threads in 'bind {}' at [{file}:{line}].",
                proxy.caps.section(),
                proxy.name,
                bind.written
            );
            faults.push(Diagnostic::global(Severity::Alert, message, false));
        }
    }
}

/// The first number from `at` on that nobody has.
fn free_from(taken: &HashSet<u32>, at: u32) -> u32 {
    (at..).find(|id| !taken.contains(id)).unwrap_or(at)
}

/// A number that was not given follows the one before it; given ones are passed over, but counted.
fn number_servers(proxy: &mut Proxy) {
    let servers = &mut proxy.back.servers;
    let mut taken: HashSet<u32> = servers.iter().map(|server| server.id).collect();
    let mut next = 1;
    for server in servers {
        if server.id == 0 {
            next = free_from(&taken, next);
            taken.insert(next);
            Arc::make_mut(server).id = next;
        }
        next += 1;
    }
}

/// A number that was not given is the line's place among its proxy's, or the next free one.
fn number_binds(proxy: &mut Proxy) {
    let binds = &mut proxy.front.binds;
    let mut taken: HashSet<u32> = binds.iter().map(|bind| bind.id).collect();
    for (place, bind) in (1..).zip(binds) {
        if bind.id == 0 {
            let id = free_from(&taken, place);
            taken.insert(id);
            Arc::make_mut(bind).id = id;
        }
    }
}

/// What is wrong with `track [<proxy>/]<server>`.
fn tracking(drafts: &[Draft], own: &Proxy, server: &Server, track: &str) -> Option<String> {
    let (proxy, followed) = match tracked(drafts, own, track) {
        Ok(found) => found,
        Err(complaint) => return Some(complaint),
    };
    let name = format!("{}/{}", proxy.name, followed.name);
    let check = &followed.settings.check;
    if !check.enabled && !check.agent.enabled && followed.settings.track.is_none() {
        return Some(format!(
            "unable to use {name} for tracking as it does not have any check nor agent enabled."
        ));
    }
    loops(drafts, own, server).then(|| {
        format!(
            "unable to track {name} as it belongs to a tracking chain looping back to {}/{}.",
            own.name, server.name
        )
    })
}

/// The server that `track` names, and its proxy.
fn tracked<'a>(
    drafts: &'a [Draft],
    own: &'a Proxy,
    track: &str,
) -> Result<(&'a Proxy, &'a Server), String> {
    let (backend, name) = match track.split_once('/') {
        Some((backend, name)) => {
            let mut found = drafts
                .iter()
                .map(|draft| &draft.proxy)
                .filter(|proxy| proxy.caps.back);
            let found = found.find(|proxy| &*proxy.name == backend);
            let missing = || format!("unable to find required proxy '{backend}' for tracking.");
            (found.ok_or_else(missing)?, name)
        }
        None => (own, track),
    };
    let servers = &backend.back.servers;
    match servers.iter().find(|server| &*server.name == name) {
        Some(server) => Ok((backend, server)),
        None => Err(format!(
            "unable to find required server '{name}' for tracking."
        )),
    }
}

/// Whether following servers from one leads back to it. Of a loop's servers only the last one of the file is told: up to
/// there the chain was open.
fn loops(drafts: &[Draft], own: &Proxy, server: &Server) -> bool {
    let place = |proxy: &Proxy, server: &Server| {
        let found = drafts.iter().position(|d| std::ptr::eq(&d.proxy, proxy));
        (found, server.idx.0)
    };
    let here = place(own, server);
    let mut seen = HashSet::new();
    let (mut proxy, mut at) = (own, server);
    while let Some(track) = at.settings.track.as_deref()
        && let Ok((next_proxy, next)) = tracked(drafts, proxy, track)
    {
        let there = place(next_proxy, next);
        if there == here {
            return true;
        }
        if there > here || !seen.insert(there) {
            return false;
        }
        (proxy, at) = (next_proxy, next);
    }
    false
}
