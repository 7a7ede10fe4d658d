//! Proxies and servers that expressions name.

use super::names::{Names, place};
use super::placed;
use crate::parse::Parser;
use base::{ProxyIdx, ServerIdx};
use config::{Diagnostic, Severity};
use expr::{ArgKind, Reference, Target};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What expressions name.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Servers.
    pub servers: HashSet<(ProxyIdx, ServerIdx)>,
    /// Proxies, those of the servers among them.
    pub proxies: HashSet<ProxyIdx>,
}

/// Resolves them, and yields what is named.
pub(super) fn resolve(
    parser: &mut Parser<'_>,
    names: &Names,
    tables: &HashMap<Arc<str>, u32>,
) -> Named {
    let references = std::mem::take(&mut parser.expressions.references);
    let mut servers = Servers {
        parser,
        known: HashMap::new(),
    };
    let mut faults = Vec::new();
    let mut named = Named::default();
    for reference in references {
        let found = match reference.kind {
            ArgKind::Table => table(&servers, tables, &reference),
            _ => find(&mut servers, names, &reference),
        };
        match found {
            Ok(target) => {
                if let Target::Server(proxy, server) = target {
                    named.servers.insert((proxy, server));
                    named.proxies.insert(proxy);
                }
                if let Target::Proxy(proxy) = target {
                    named.proxies.insert(proxy);
                }
                // A condition that several proxies inherit resolves to the same target every time.
                let _ = reference.slot.set(target);
            }
            Err(fault) => faults.push((reference, fault)),
        }
    }
    for (reference, Unfound { what, end }) in faults {
        let message = format!(
            "{what} {} in proxy '{}'{end}.",
            place_of(&reference),
            reference.proxy
        );
        placed(
            parser,
            Severity::Alert,
            &(reference.file.as_str().into(), reference.line),
            message,
            false,
        );
    }
    named
}

/// A name that stands for nothing: what a message says before and behind its place.
struct Unfound {
    what: String,
    end: &'static str,
}

impl From<String> for Unfound {
    fn from(what: String) -> Self {
        Self { what, end: "" }
    }
}

/// Alerts of event sinks that are neither built in nor rings of the configuration.
pub(super) fn check_sinks(parser: &mut Parser<'_>) {
    const BUILT_IN: [&str; 4] = ["stdout", "stderr", "buf0", "dpapi"];
    for (sink, file, line) in std::mem::take(&mut parser.expressions.sinks) {
        let is_ring = parser.logging.rings.iter().any(|ring| *ring.name == *sink);
        if !is_ring && !BUILT_IN.contains(&sink.as_str()) {
            let message = format!("debug converter: sink '{sink}' doesn't exist.");
            let mut diagnostic = Diagnostic::global(Severity::Alert, message, false);
            (diagnostic.file, diagnostic.line) = (Some(file.into()), line);
            parser.diagnostics.push(diagnostic);
        }
    }
}

fn place_of(reference: &Reference) -> String {
    format!("in arg {} of {}", reference.argument, reference.owner)
}

/// Servers of backends by name, gathered for the backends that are asked for.
struct Servers<'p, 'd> {
    parser: &'p Parser<'d>,
    known: HashMap<ProxyIdx, HashMap<Arc<str>, ServerIdx>>,
}

impl Servers<'_, '_> {
    fn find(&mut self, backend: ProxyIdx, name: &str) -> Option<ServerIdx> {
        let parser = self.parser;
        let servers = self.known.entry(backend).or_insert_with(|| {
            let servers = parser
                .drafts
                .get(place(backend))
                .map(|draft| draft.proxy.back.servers.iter());
            servers
                .into_iter()
                .flatten()
                .map(|server| (server.name.clone(), server.idx))
                .collect()
        });
        servers.get(name).copied()
    }
}

fn find(
    servers: &mut Servers<'_, '_>,
    names: &Names,
    reference: &Reference,
) -> Result<Target, Unfound> {
    let name = if reference.name.is_empty() {
        reference.proxy.as_str()
    } else {
        reference.name.as_str()
    };
    let of_defaults = reference.name.is_empty() && {
        let mut defaults = servers.parser.defaults.iter();
        defaults.any(|defaults| defaults.name.as_deref() == Some(name))
    };
    match reference.kind {
        ArgKind::Frontend if of_defaults => Ok(Target::OwnFrontend),
        ArgKind::Backend if of_defaults => Ok(Target::OwnBackend),
        ArgKind::Frontend => match names.frontends.get(name) {
            Some(found) => Ok(Target::Proxy(*found)),
            None => Err(missing(
                "frontend",
                ", has not frontend capability",
                reference,
            )),
        },
        ArgKind::Backend => match names.backends.get(name) {
            Some(found) => Ok(Target::Proxy(*found)),
            None => Err(missing(
                "backend",
                ", has not backend capability",
                reference,
            )),
        },
        ArgKind::Server => server(servers, names, reference).map_err(Unfound::from),
        ArgKind::UserList => user_list(servers.parser, reference),
        _ => Err(missing("object", "", reference)),
    }
}

/// A table of this name, or of the proxy's name.
fn table(
    servers: &Servers<'_, '_>,
    tables: &HashMap<Arc<str>, u32>,
    reference: &Reference,
) -> Result<Target, Unfound> {
    let name = match reference.name.as_str() {
        "" => reference.proxy.as_str(),
        name => name,
    };
    if let Some(at) = tables.get(name) {
        return Ok(Target::Table(*at));
    }
    let of_defaults = servers
        .parser
        .defaults
        .iter()
        .any(|defaults| defaults.name.as_deref() == Some(name));
    Err(match reference.name.is_empty() && of_defaults {
        true => "table name must be set".to_owned().into(),
        false => format!("unable to find table '{name}' referenced").into(),
    })
}

fn user_list(parser: &Parser<'_>, reference: &Reference) -> Result<Target, Unfound> {
    let mut lists = parser.user_lists.iter();
    lists
        .position(|list| *list.name == *reference.name)
        .and_then(|at| u32::try_from(at).ok())
        .map(Target::UserList)
        .ok_or_else(|| missing("userlist", "", reference))
}

/// Nothing has the name; or none was given, and the proxy at hand is none of the kind that is wanted.
fn missing(what: &str, lacking: &'static str, reference: &Reference) -> Unfound {
    match (reference.name.as_str(), reference.proxy.as_str()) {
        ("", proxy) if !proxy.is_empty() && !lacking.is_empty() => Unfound {
            what: format!("proxy '{proxy}', referenced"),
            end: lacking,
        },
        ("", _) => format!("missing {what} name").into(),
        (name, _) => format!("unable to find {what} '{name}' referenced").into(),
    }
}

fn server(
    servers: &mut Servers<'_, '_>,
    names: &Names,
    reference: &Reference,
) -> Result<Target, String> {
    let (backend, name) = match reference.name.split_once('/') {
        Some((backend, name)) => (backend, name),
        None => (reference.proxy.as_str(), reference.name.as_str()),
    };
    let Some(found) = names.backends.get(backend).copied() else {
        let of_defaults = servers
            .parser
            .defaults
            .iter()
            .any(|defaults| defaults.name.as_deref() == Some(backend));
        return Err(match reference.name.contains('/') {
            true => format!("unable to find proxy '{backend}' referenced"),
            false if of_defaults => "backend name must be set".into(),
            false => format!("unable to find server '{name}' in proxy '{backend}', referenced"),
        });
    };
    match servers.find(found, name) {
        Some(server) => Ok(Target::Server(found, server)),
        None => Err(format!(
            "unable to find server '{name}' in proxy '{backend}', referenced"
        )),
    }
}
