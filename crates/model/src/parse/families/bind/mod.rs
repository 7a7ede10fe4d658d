//! `bind` lines and their options, which other listening lines share.

mod access;
mod connection;
mod socket;

use crate::address::{self, Address, Allow};
use crate::bind::Bind;
use crate::parse::known::Family;
use crate::parse::options::{Cursor, OptionRow};
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "bind",
    valid: Valid::FE,
    args: (0, ANY),
    doc: "Listens on addresses.",
    read: bind,
}];

/// The options of `bind` lines.
pub const OPTIONS: &[&[OptionRow<BindLine>]] = &[
    connection::OPTIONS,
    socket::OPTIONS,
    access::OPTIONS,
    super::namespaces::BIND,
    super::tls::bind::OPTIONS,
];

/// A line that listens, while it is read.
pub struct BindLine {
    /// The options so far; the address is the first one's.
    pub bind: Bind,
    /// All addresses, and whether each is one of MPTCP.
    pub addresses: Vec<(Address, bool)>,
}

impl BindLine {
    /// Whether every address is one to which connections are opened (`rhttp@`).
    #[must_use]
    pub fn is_reverse(&self) -> bool {
        let mut addresses = self.addresses.iter();
        addresses.all(|(address, _)| matches!(address, Address::Reverse(_)))
    }

    /// One bind per address.
    pub fn into_binds(self) -> impl Iterator<Item = Bind> {
        let bind = self.bind;
        let addresses = self.addresses.into_iter();
        addresses.map(move |(address, multipath)| Bind {
            address,
            multipath,
            ..bind.clone()
        })
    }
}

fn bind(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let line = bind_line(parser, statement, 0, Allow::FRONTEND, "frontend")?;
    let id = line.bind.id;
    let proxy = parser.proxy()?;
    if let Some(other) = proxy
        .front
        .binds
        .iter()
        .find(|other| id != 0 && other.id == id)
    {
        let (file, number) = &other.origin;
        let message = format!(
            "'bind {}' in section 'frontend' : 'id' : custom id {id} already used at {file}:{number} ('bind {}')",
            statement.arg(0),
            other.written,
        );
        return Err(statement.fault_here(message));
    }
    proxy.front.binds.extend(line.into_binds().map(Arc::new));
    Ok(())
}

/// Reads addresses and options of a listening line from the argument at `at` on.
///
/// # Errors
/// When there is no address, or it or an option is faulty.
pub fn bind_line(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    allow: Allow,
    section: &str,
) -> Parsed<BindLine> {
    bind_line_after(parser, statement, at, allow, section, None)
}

/// As [`bind_line`], starting from the options of another line.
///
/// # Errors
/// As [`bind_line`].
pub(in crate::parse::families) fn bind_line_after(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    allow: Allow,
    section: &str,
    defaults: Option<Statement<'_>>,
) -> Parsed<BindLine> {
    let path = statement.path();
    let text = statement.arg(at);
    if text.is_empty() {
        let message = format!(
            "'{path}' expects {{<path>|[addr1]:port1[-end1]}}{{,[addr]:port[-end]}}... as arguments."
        );
        return Err(statement.fault_here(message));
    }
    let label = match path.as_str() {
        "dgram-bind" => String::new(),
        "bind" => format!("'bind {text}' in section '{section}' : "),
        _ => format!("'{path}' : "),
    };
    let mut line = addresses(parser, statement, at, allow)?;
    if let Some(defaults) = defaults {
        read_defaults(parser, defaults, section, &mut line)?;
    }
    let mut cursor = Cursor::new(parser, statement, at + 1, label);
    cursor.read_allowed(OPTIONS, Family::Bind, &mut line, refused)?;
    super::tls::bind::take_defaults(parser, &mut line);
    Ok(line)
}

/// Options that have a meaning for connections that the listener opens itself.
const REVERSE_OPTIONS: &[&str] = &[
    "guid-prefix",
    "id",
    "idle-ping",
    "label",
    "name",
    "nbconn",
    "thread",
];

/// What is wrong with an option on a line with such addresses.
fn refused(line: &BindLine, option: &str) -> Option<String> {
    let mut addresses = line.addresses.iter();
    let reverse = addresses.any(|(address, _)| matches!(address, Address::Reverse(_)));
    (reverse && !REVERSE_OPTIONS.contains(&option))
        .then(|| format!("'{option}' option is not accepted for reverse HTTP"))
}

/// Reads an address that stands elsewhere than on a `bind` line, whose options are those of another line.
///
/// # Errors
/// When it is faulty, or an option is.
pub(in crate::parse::families) fn address_only(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    allow: Allow,
    section: &str,
    defaults: Option<Statement<'_>>,
) -> Parsed<BindLine> {
    let mut line = addresses(parser, statement, at, allow)?;
    if let Some(defaults) = defaults {
        read_defaults(parser, defaults, section, &mut line)?;
    }
    super::tls::bind::take_defaults(parser, &mut line);
    Ok(line)
}

/// Checks a line of options that others start from (`default-bind`).
///
/// # Errors
/// When one of them is faulty.
pub(in crate::parse::families) fn defaults(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    section: &str,
) -> Parsed {
    let nowhere = Address::Inet(std::net::SocketAddr::from(([0, 0, 0, 0], 0)));
    let mut line = BindLine {
        bind: Bind::new(nowhere, statement.origin()),
        addresses: Vec::new(),
    };
    read_defaults(parser, statement, section, &mut line)
}

fn read_defaults(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    section: &str,
    line: &mut BindLine,
) -> Parsed {
    let label = format!("'default-bind' in section '{section}' : ");
    let mut cursor = Cursor::new(parser, statement, 0, label);
    cursor.read_all(OPTIONS, Family::Bind, line)
}

/// A line with its addresses and what `unix-bind` says for Unix sockets.
fn addresses(
    parser: &Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    allow: Allow,
) -> Parsed<BindLine> {
    let text = statement.arg(at);
    let expanded = address::expand(text, &parser.expressions.env);
    let ranges = expanded
        .and_then(|text| address::parse_list(&text, allow))
        .map_err(|error| {
            let fault = statement.fault(at, format!("'{}' : {error}", statement.path()));
            match text.bytes().all(|b| b.is_ascii_digit()) {
                true => fault.hint(format!("a port alone is written ':{text}'")),
                false => fault,
            }
        })?;
    for range in &ranges {
        address::check_experimental(&range.address, parser.global.exposes)
            .map_err(|why| statement.fault(at, format!("'{}' : {why}", statement.path())))?;
    }
    let all = ranges.iter().flat_map(|range| {
        let addresses = range.addresses();
        addresses.map(|address| (address, range.multipath))
    });
    let mut addresses: Vec<(Address, bool)> = all.collect();
    let unix = &parser.global.unix_bind;
    for (address, _) in &mut addresses {
        if let (Address::Unix(path), Some(prefix)) = (address, &unix.prefix) {
            let mut prefixed = prefix.clone().into_os_string();
            prefixed.push(path.as_os_str());
            *path = prefixed.into();
        }
    }
    let Some((first, _)) = addresses.first().cloned() else {
        return Err(statement.fault(
            at,
            format!("'{}' : no address in '{text}'", statement.path()),
        ));
    };
    let mut bind = Bind::new(first, statement.origin());
    bind.written = text.into();
    (bind.unix_mode, bind.unix_owner) = (unix.mode, (unix.uid, unix.gid));
    Ok(BindLine { bind, addresses })
}

#[cfg(test)]
mod tests;
