//! `peers` sections (configuration manual, section 11.2).

use super::table::{self, TableDraft};
use crate::address::Allow;
use crate::parse::families::log::target::{LogLine, read as read_log};
use crate::parse::families::{bind, server};
use crate::parse::sections::OpenSection;
use crate::parse::{Draft, Open, Parsed, Parser, Statement};
use crate::proxy::{Caps, Proxy};
use config::Line;
use std::collections::HashMap;
use std::sync::Arc;

/// A `peers` section.
pub(crate) struct Peers {
    /// Its name.
    pub name: Arc<str>,
    /// Its line.
    pub origin: (Arc<str>, u32),
    /// `disabled`.
    pub disabled: bool,
    /// Its listener, logs and members.
    pub draft: Option<Box<Draft>>,
    /// `shards`
    pub shards: u32,
    /// Whether it has a member, a table or a listener.
    pub has_content: bool,
}

impl Peers {
    /// The place of the member of this name.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        let servers = &self.draft.as_ref()?.proxy.back.servers;
        servers.iter().position(|server| *server.name == *name)
    }
}

pub(super) fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("missing name for peers section."));
    }
    statement.at_most(1)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
        let message = format!("character '{bad}' is not permitted in 'peers' name '{name}'.");
        return Err(statement.fault(0, message));
    }
    if let Some(other) = parser.peers.iter().find(|peers| *peers.name == *name) {
        let (file, line) = &other.origin;
        let message = format!(
            "peers section '{name}' has the same name as another peers section declared at {file}:{line}."
        );
        return Err(statement.fault(0, message));
    }
    let name: Arc<str> = name.into();
    let mut proxy = Proxy::new(name.clone(), Caps::LISTEN, statement.origin());
    proxy.timeouts.connect = Some(CONNECT);
    parser.open = Open::Other(Box::new(Section {
        peers: Peers {
            name,
            origin: statement.origin(),
            disabled: false,
            draft: Some(Box::new(Draft::new(proxy))),
            shards: 0,
            has_content: false,
        },
        default_bind: None,
        bound: None,
        by_peer: false,
        tables: HashMap::new(),
    }));
    Ok(())
}

/// How long a connection to a peer may take to come about, in milliseconds.
const CONNECT: u64 = 5000;
const MIXED: &str = "mixing \"peer\" and \"bind\" line is forbidden";

struct Section {
    peers: Peers,
    /// `default-bind`
    default_bind: Option<Line>,
    /// Where the listener is declared.
    bound: Option<(Arc<str>, u32)>,
    /// Whether a `peer` line gives this process' address.
    by_peer: bool,
    /// The lines of its tables, by their names in the section.
    tables: HashMap<Arc<str>, (Arc<str>, u32)>,
}

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        match statement.keyword() {
            "table" => return self.table(parser, statement),
            "disabled" => self.peers.disabled = true,
            "enabled" => self.peers.disabled = false,
            "peer" | "server" => return self.member(parser, statement),
            "default-server" => {
                let read = |parser: &mut Parser<'_>| server::default_server(parser, statement);
                return self.with_draft(parser, read);
            }
            "bind" => return self.bind(parser, statement, 0),
            "default-bind" => {
                // Read once for its faults, then again for each listener.
                bind::defaults(parser, statement, "peers")?;
                self.default_bind = Some(statement.line.clone());
            }
            "log" => return self.log(parser, statement),
            "shards" => return self.shards(parser, statement),
            keyword => {
                let message = format!("unknown keyword '{keyword}' in 'peers' section");
                return Err(statement.fault_here(message));
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        parser.peers.push(self.peers);
    }
}

impl Section {
    /// Lets a line be read as one of the section's hidden proxy.
    fn with_draft(
        &mut self,
        parser: &mut Parser<'_>,
        read: impl FnOnce(&mut Parser<'_>) -> Parsed,
    ) -> Parsed {
        let Some(draft) = self.peers.draft.take() else {
            return Ok(());
        };
        parser.open = Open::Proxy(draft);
        let answer = read(parser);
        if let Open::Proxy(draft) = std::mem::take(&mut parser.open) {
            self.peers.draft = Some(draft);
        }
        answer
    }

    fn table(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let (name, section) = (statement.arg(0), &self.peers.name);
        if let Some((file, line)) = self.tables.get(name) {
            let message = format!(
                "stick-table name '{name}' conflicts with table declared in peers '{section}' at {file}:{line}."
            );
            return Err(statement.fault(0, message));
        }
        let full = format!("{section}/{name}").into();
        let mut config = table::read(parser, statement, 1, full, false)?;
        config.peers = Some(section.clone());
        self.tables.insert(name.into(), statement.origin());
        self.peers.has_content = true;
        parser.tables.push(TableDraft {
            config,
            origin: statement.origin(),
        });
        Ok(())
    }

    /// `bind`, or the address of a `peer` line that names this process.
    fn bind(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>, at: usize) -> Parsed {
        self.peers.has_content = true;
        if at == 0 && self.by_peer {
            return Err(statement.fault_here(MIXED));
        }
        if let Some((file, line)) = &self.bound {
            let message = format!(
                "One listener per \"peers\" section is authorized but another is already configured at [{file}:{line}]."
            );
            return Err(statement.fault_here(message));
        }
        let defaults = self.default_bind.clone();
        let defaults = defaults.as_ref().map(Statement::new);
        let line = match at {
            0 => bind::bind_line_after(parser, statement, 0, Allow::BIND, "peers", defaults)?,
            _ => bind::address_only(parser, statement, at, Allow::BIND, "peers", defaults)?,
        };
        if line.addresses.len() > 1 {
            return Err(statement.fault_here(
                "Only one listener per \"peers\" section is authorized. Multiple listening addresses or port range are not supported.",
            ));
        }
        self.bound = Some(statement.origin());
        if let Some(draft) = &mut self.peers.draft {
            draft
                .proxy
                .front
                .binds
                .extend(line.into_binds().map(Arc::new));
        }
        Ok(())
    }

    fn member(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let (name, is_peer) = (statement.arg(0), statement.keyword() == "peer");
        if name.is_empty() || (is_peer && statement.len() < 2 && self.bound.is_none()) {
            let message = format!(
                "'{} {name}' : ignoring invalid peer definition (missing address:port)",
                statement.keyword()
            );
            parser.warn(statement, message, None);
            return Ok(());
        }
        let local = parser.expressions.env.get("HAPROXY_LOCALPEER") == Some(name);
        if is_peer && self.bound.is_some() && !self.by_peer {
            return Err(statement.fault_here(MIXED));
        }
        if let Some(other) = self.peers.place_of(name) {
            let servers = self
                .peers
                .draft
                .as_ref()
                .map(|draft| &draft.proxy.back.servers);
            let origin = servers
                .and_then(|servers| servers.get(other))
                .map(|s| s.origin.clone());
            let (file, line) = origin.unwrap_or_default();
            let message = match local {
                true => format!(
                    "'{} {name}' : local peer name already referenced at {file}:{line}. {name}",
                    statement.keyword()
                ),
                false => format!(
                    "Peer section '{}': another peer named '{name}' was already defined at line {file}:{line}, please use distinct names.",
                    self.peers.name
                ),
            };
            return Err(statement.fault_here(message));
        }
        self.peers.has_content = true;
        let next = statement.arg(1);
        // This process' address may stand on the `bind` line, and options follow the name at once.
        let has_address = !next.is_empty() && !server::is_option(next);
        if !local && !has_address {
            let message = format!(
                "'{} {name}' : without an address, this peer is waited for but never connected to.",
                statement.keyword()
            );
            parser.warn(
                statement,
                message,
                Some(format!("give it one: server {name} <address>:<port>")),
            );
        }
        if local && has_address {
            if self.bound.is_some() {
                let message = format!(
                    "'server {}/{name}' : unknown keyword '{next}'. Hint: no address was expected for this server.",
                    self.peers.name
                );
                return Err(statement.fault(1, message));
            }
            self.bind(parser, statement, 1)?;
            self.by_peer = true;
        }
        let shards = self.peers.shards;
        self.with_draft(parser, |parser| {
            server::member(parser, statement, has_address, local, shards)
        })
    }

    fn shards(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let text = statement.arg(0);
        if text.is_empty() {
            return Err(statement.fault_here("'shards' : missing value"));
        }
        let shards: u32 = text.parse().map_err(|_| {
            let message = format!("'shards' : expects an integer argument, found '{text}'");
            statement.fault(0, message)
        })?;
        if shards == 0 {
            return Err(
                statement.fault(0, "'shards' : expects a strictly positive integer argument")
            );
        }
        if self.peers.shards > 0 {
            parser.warn(statement, "'shards' : the last value given counts.", None);
        }
        self.peers.shards = shards;
        Ok(())
    }

    fn log(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let read = read_log(&parser.expressions.env, statement)?;
        let Some(draft) = &mut self.peers.draft else {
            return Ok(());
        };
        let log = &mut draft.proxy.log;
        match read {
            LogLine::Clear => {
                log.targets.clear();
                log.global = false;
            }
            LogLine::Global => log.global = true,
            LogLine::Target(target) => log.targets.push(target),
        }
        Ok(())
    }
}

/// Puts the hidden proxies of all sections behind the others, for what is resolved for all alike.
pub(crate) fn lend(parser: &mut Parser<'_>) {
    for peers in &mut parser.peers {
        if let Some(draft) = peers.draft.take() {
            parser.drafts.push(*draft);
        }
    }
}

/// Takes them back.
pub(crate) fn take_back(parser: &mut Parser<'_>) {
    let first = parser.drafts.len().saturating_sub(parser.peers.len());
    let lent = parser.drafts.split_off(first);
    for (peers, draft) in parser.peers.iter_mut().zip(lent) {
        peers.draft = Some(Box::new(draft));
    }
}
