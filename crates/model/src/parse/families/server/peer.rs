//! Members of `peers` sections.

use super::{OPTIONS as ALL, Place, ServerLine, check_name, push, read, start};
use crate::address::{Address, AddressRange};
use crate::parse::known::{self, Family};
use crate::parse::options::{Cursor, OptionRow};
use crate::parse::{Parsed, Parser, Statement};
use std::net::SocketAddr;

pub(super) const OPTIONS: &[OptionRow<ServerLine>] = &[OptionRow {
    name: "shard",
    args: 1,
    doc: "Which part of the entries the peer gets.",
    read: |line, cursor| {
        line.draft.shard = cursor.count();
        Ok(())
    },
}];

/// Whether a word is an option of server lines rather than an address.
pub(in crate::parse::families) fn is_option(word: &str) -> bool {
    let mut rows = ALL.iter().flat_map(|rows| rows.iter());
    rows.any(|row| row.name == word) || known::names(Family::Server).any(|name| name == word)
}

/// Reads a member of a `peers` section. Without an address it is this process, or one that only connects to it.
///
/// # Errors
/// As those of other server lines.
pub(in crate::parse::families) fn member(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    has_address: bool,
    local: bool,
    shards: u32,
) -> Parsed {
    let name = statement.arg(0);
    check_name(statement, name, "name")?;
    let (mut line, place) = match has_address {
        true => read(parser, statement, name, 1)?,
        false => without_address(parser, statement, name)?,
    };
    let check = &line.draft.check;
    if check.enabled || check.agent.enabled || line.draft.naming.resolvers.is_some() {
        let message = format!(
            "'server {name}' : init_addr, resolvers, check and agent are ignored for peers."
        );
        parser.warn(statement, message, None);
    }
    if line.draft.send_proxy.is_some() {
        let message = "'send-proxy*' server option is unsupported there, ignoring it";
        parser.warn(statement, message, None);
        line.draft.send_proxy = None;
    }
    line.draft.check.enabled = false;
    line.draft.check.agent.enabled = false;
    line.draft.naming.resolvers = None;
    if shards > 0 && line.draft.shard > shards {
        let shard = line.draft.shard;
        let message = format!(
            "'server {name}' : {shard} peer shard greater value than {shards} shards value is ignored."
        );
        parser.warn(statement, message, None);
        line.draft.shard = 0;
    }
    if local && line.draft.shard > 0 {
        let section = parser.proxy()?.name.clone();
        let message = format!("Peers section '{section}': shard ignored for '{name}' local peer");
        parser.warn(statement, message, None);
        line.draft.shard = 0;
    }
    push(parser, statement, line, place)
}

fn without_address(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    name: &str,
) -> Parsed<(ServerLine, Place)> {
    let label = format!("'server {}/{name}' : ", parser.proxy()?.name);
    let mut line = start(parser, name)?;
    let mut cursor = Cursor::new(parser, statement, 1, label);
    cursor.read_all(ALL, Family::Server, &mut line)?;
    line.draft.tls.defaults = parser.global.tls.server.clone();
    let address = Address::Inet(SocketAddr::from(([0, 0, 0, 0], 0)));
    let place = Place {
        address: address.clone(),
        range: AddressRange {
            address,
            last_port: 0,
            host: None,
            port_offset: None,
            has_port: false,
            datagram: false,
            family: None,
            multipath: false,
        },
        datagram: false,
        unresolved: false,
    };
    Ok((line, place))
}
