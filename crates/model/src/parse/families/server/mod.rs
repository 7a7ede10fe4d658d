//! `server`, `server-template` and `default-server` lines.

mod check;
mod checks;
mod connection;
mod finish;
mod load;
mod naming;
mod peer;
mod send_proxy;
mod source;

pub(super) use connection::name_expression;
pub use finish::finish;
pub(super) use peer::{is_option, member};

use crate::address::{self, Address, AddressRange, Allow};
use crate::parse::known::Family;
use crate::parse::options::{Cursor, OptionRow};
use crate::parse::{ANY, Fault, Parsed, Parser, Row, Statement, Valid};
use crate::server::{Server, ServerDraft};
use base::ServerIdx;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "default-server",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "Options that servers start from.",
        read: default_server,
    },
    Row {
        name: "server",
        valid: Valid::BE,
        args: (0, ANY),
        doc: "A server.",
        read: server,
    },
    Row {
        name: "server-template",
        valid: Valid::BE,
        args: (0, ANY),
        doc: "Several servers of one kind.",
        read: server_template,
    },
];

/// The options of server lines.
pub const OPTIONS: &[&[OptionRow<ServerLine>]] = &[
    check::OPTIONS,
    connection::OPTIONS,
    load::OPTIONS,
    naming::OPTIONS,
    peer::OPTIONS,
    send_proxy::OPTIONS,
    source::OPTIONS,
    super::namespaces::SERVER,
    super::tls::server::OPTIONS,
];

/// A server line while it is read.
pub struct ServerLine {
    /// The options so far.
    pub draft: ServerDraft,
    /// The server's name, empty on `default-server`.
    pub name: Arc<str>,
    /// `id`.
    pub id: Option<u32>,
    /// `guid`.
    pub guid: Option<Arc<str>>,
}

impl ServerLine {
    /// Whether this is a `default-server` line.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.name.is_empty()
    }
}

fn start(parser: &mut Parser<'_>, name: &str) -> Parsed<ServerLine> {
    let draft = parser.proxy()?.back.default_server.clone();
    Ok(ServerLine {
        draft,
        name: name.into(),
        id: None,
        guid: None,
    })
}

pub(super) fn default_server(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let mut line = start(parser, "")?;
    let mut cursor = Cursor::new(parser, statement, 0, String::new());
    cursor
        .read_all(OPTIONS, Family::Server, &mut line)
        .map_err(|mut fault| {
            if fault.message.starts_with("unknown keyword") {
                fault
                    .message
                    .push_str(" Hint: no address was expected for this server.");
            }
            fault
        })?;
    line.draft.check.settled = true;
    parser.proxy()?.back.default_server = line.draft;
    Ok(())
}

fn server(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.len() < 2 {
        return Err(
            statement.fault_here("'server' expects <name> and <addr>[:<port>] as arguments.")
        );
    }
    let name = statement.arg(0);
    check_name(statement, name, "name")?;
    let (line, place) = read(parser, statement, name, 1)?;
    if let Some(id) = line.id {
        check_id(parser, statement, name, id)?;
    }
    let draft = parser.draft()?;
    if let Some(earlier) = draft
        .server_lines
        .insert(name.into(), statement.line.number)
    {
        let (section, proxy) = (draft.proxy.caps.section(), &draft.proxy.name);
        let message = format!(
            "{section} '{proxy}', another server named '{name}' was already defined at line {earlier}, please use distinct names."
        );
        return Err(statement.fault(0, message));
    }
    push(parser, statement, line, place)
}

fn server_template(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.len() < 3 {
        return Err(statement.fault_here(
            "'server-template' expects <prefix> <nb | range> <addr>[:<port>] as arguments.",
        ));
    }
    let prefix = statement.arg(0);
    check_name(statement, prefix, "prefix")?;
    let numbers = statement.arg(1);
    let Some((first, last)) = template_range(numbers) else {
        return Err(statement.fault(
            1,
            format!("Wrong server-template number or range arg '{numbers}'."),
        ));
    };
    let (mut line, place) = read(parser, statement, prefix, 2)?;
    for number in first..=last {
        let name: Arc<str> = format!("{prefix}{number}").into();
        let copy = ServerLine {
            draft: line.draft.clone(),
            name,
            id: line.id,
            guid: line.guid.clone(),
        };
        push(parser, statement, copy, place.clone())?;
        // Identifiers are the first server's; the others are numbered by their place.
        line.id = None;
        line.guid = None;
        line.draft.check.settled = true;
    }
    Ok(())
}

/// `n` or `n-m`, counted from 1.
fn template_range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
        None => (1, text.parse().ok()?),
    };
    (1..=last).contains(&first).then_some((first, last))
}

fn check_name(statement: Statement<'_>, name: &str, what: &str) -> Parsed {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    match name.chars().find(|c| !allowed(*c)) {
        Some(c) => {
            let keyword = statement.keyword();
            Err(statement.fault(
                0,
                format!("character '{c}' is not permitted in {keyword} {what} '{name}'."),
            ))
        }
        None => Ok(()),
    }
}

fn check_id(parser: &mut Parser<'_>, statement: Statement<'_>, name: &str, id: u32) -> Parsed {
    let proxy = parser.proxy()?;
    let Some(other) = proxy.back.servers.iter().find(|other| other.id == id) else {
        return Ok(());
    };
    let (file, number) = &other.origin;
    let message = format!(
        "'server {}/{name}' : 'id' : custom id {id} already used at {file}:{number} ('server {}').",
        proxy.name, other.name
    );
    Err(statement.fault_here(message))
}

/// Where a server is.
#[derive(Clone)]
pub(super) struct Place {
    address: Address,
    range: AddressRange,
    datagram: bool,
    /// Whether there is no address yet.
    unresolved: bool,
}

/// Reads address and options of a server line.
fn read(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    name: &str,
    at: usize,
) -> Parsed<(ServerLine, Place)> {
    let label = format!("'server {}/{name}' : ", parser.proxy()?.name);
    let text = statement.arg(at);
    let expanded = address::expand(text, &parser.expressions.env);
    // Whether and how the name is looked up is said by options that follow it.
    let allow = Allow {
        defer: true,
        ..Allow::SERVER
    };
    let range = expanded
        .and_then(|text| address::parse(&text, allow))
        .map_err(|error| statement.fault(at, format!("{label}{error}")))?;
    address::check_experimental(&range.address, parser.global.exposes)
        .map_err(|why| statement.fault(at, format!("{label}{why}")))?;
    let mut line = start(parser, name)?;
    let mut cursor = Cursor::new(parser, statement, at + 1, label.clone());
    cursor.read_all(OPTIONS, Family::Server, &mut line)?;
    line.draft.multipath = range.multipath;
    line.draft.tls.defaults = parser.global.tls.server.clone();
    if let Some(what) = conflicts_with_track(&line.draft) {
        let message = format!("{label}unable to {what} and tracking at the same time!");
        return Err(statement.fault_here(message));
    }
    if line.draft.check.agent.enabled && line.draft.check.agent.port == 0 {
        let message = format!(
            "{label}server {name} does not have agent port. Agent check has been disabled."
        );
        return Err(statement
            .fault_here(message)
            .hint("say where the agent listens: agent-port <port>"));
    }
    let place = naming::start(parser, statement, at, &label, range, &line.draft.naming)?;
    if line.draft.minconn > line.draft.maxconn {
        line.draft.maxconn = line.draft.minconn;
    }
    Ok((line, place))
}

/// What a server that follows another one can't do.
fn conflicts_with_track(draft: &ServerDraft) -> Option<&'static str> {
    draft.track.as_ref()?;
    if draft.check.enabled {
        Some("enable checks")
    } else if draft.check.initial_state.is_some() {
        Some("set init-state")
    } else if draft.check.agent.enabled {
        Some("enable agent checks")
    } else {
        None
    }
}

/// Adds a server to the open proxy.
fn push(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    line: ServerLine,
    place: Place,
) -> Parsed {
    if let Some(guid) = &line.guid {
        let owner = format!("{}/{}", parser.proxy()?.name, line.name);
        if let Some(other) = parser.server_guids.insert(guid.clone(), owner.clone()) {
            let message =
                format!("'server {owner}' : 'guid': duplicate entry with server {other}.");
            return Err(statement.fault_here(message));
        }
    }
    let servers = &mut parser.proxy()?.back.servers;
    let idx = u32::try_from(servers.len()).map_err(|_| Fault::at(0, "too many servers."))?;
    let range = place.range;
    let offset = range.port_offset;
    let service = range.host.clone();
    let service = service.filter(|host| host.0.starts_with('_'));
    let (mut address, mut mapped_port) = (place.address, false);
    if let Address::Inet(inet) = &mut address {
        mapped_port = offset.is_some() || inet.port() == 0;
        if let Some(offset) = offset {
            inet.set_port(offset.rem_euclid(1 << 16) as u16);
        }
    }
    servers.push(Arc::new(Server {
        idx: ServerIdx(idx),
        name: line.name,
        id: line.id.unwrap_or(0),
        id_given: line.id.is_some(),
        guid: line.guid,
        origin: statement.origin(),
        address,
        datagram: place.datagram,
        mapped_port,
        host: range.host.filter(|_| service.is_none()),
        service,
        unresolved: place.unresolved,
        settings: line.draft,
        tls: None,
    }));
    Ok(())
}

#[cfg(test)]
mod tests;
