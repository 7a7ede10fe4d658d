//! `source`: where connections to servers come from.

use super::ServerLine;
use crate::address::{self, Address, Allow};
use crate::parse::options::{Cursor, OptionRow};
use crate::parse::{Fault, Parsed, Parser, Statement};
use crate::server::{SourceBinding, UseSource};
use std::sync::Arc;

pub(super) const OPTIONS: &[OptionRow<ServerLine>] = &[
    OptionRow { name: "source", args: -1, doc: "Where connections to the server come from.", read: option },
    OptionRow {
        name: "usesrc",
        args: 0,
        doc: "Part of 'source'.",
        read: |_, cursor| Err(cursor.option_fault("only allowed after a 'source' statement.")),
    },
];

/// The largest occurrence of a header counted from its end.
const MAX_FROM_END: i32 = 10;

pub(super) fn misplaced_usesrc(_: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    Err(statement.fault_here("'usesrc' only allowed after a 'source' statement."))
}

/// The directive of proxies.
pub(super) fn directive(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        let message = "'source' expects <addr>[:<port>], and optionally 'usesrc' <addr>, and 'interface' <name>.";
        return Err(statement.fault_here(message));
    }
    let mut cursor = Cursor::new(parser, statement, 0, String::new());
    let source = read(&mut cursor)?;
    if cursor.at < statement.len() {
        let message = "'source' only supports optional keywords 'interface' and 'usesrc'.";
        return Err(statement.fault(cursor.at, message));
    }
    parser.proxy()?.back.source = Some(Arc::new(source));
    Ok(())
}

fn option(line: &mut ServerLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    if cursor.peek().is_empty() {
        let message =
            "expects <addr>[:<port>[-<port>]], and optionally 'usesrc' <addr>, and 'interface' <name> as argument.";
        return Err(cursor.option_fault(message));
    }
    line.draft.source = Some(Arc::new(read(cursor)?));
    Ok(())
}

/// Reads an address and the two keywords that may follow it.
fn read(cursor: &mut Cursor<'_, '_, '_>) -> Parsed<SourceBinding> {
    let text = cursor.word();
    let end = if cursor.label.is_empty() { "" } else { "." };
    let wrong = |cursor: &Cursor<'_, '_, '_>, why: String| -> Fault { cursor.fault(format!("'source {text}' : {why}{end}")) };
    let range = address::parse(text, Allow::SOURCE).map_err(|why| wrong(cursor, why.to_string()))?;
    let Address::Inet(address) = range.address else {
        return Err(wrong(cursor, "connections can only come from an IPv4 or IPv6 address".into()));
    };
    let mut source = SourceBinding {
        address: Some(address.ip()).filter(|ip| !ip.is_unspecified()),
        ports: (address.port(), range.last_port),
        use_source: UseSource::No,
        interface: None,
    };
    loop {
        match cursor.peek() {
            "usesrc" => {
                cursor.word();
                source.use_source = use_source(cursor)?;
            }
            "interface" => {
                cursor.word();
                match cursor.word() {
                    "" => return Err(cursor.fault(format!("'{}' : missing interface name.", cursor.statement.keyword()))),
                    name => source.interface = Some(name.into()),
                }
            }
            _ => return Ok(source),
        }
    }
}

fn use_source(cursor: &mut Cursor<'_, '_, '_>) -> Parsed<UseSource> {
    match cursor.word() {
        "" => {
            let message = "'usesrc' expects <addr>[:<port>], 'client', 'clientip', or 'hdr_ip(name,#)' as argument.";
            Err(cursor.fault(message))
        }
        "client" => Ok(UseSource::Client),
        "clientip" => Ok(UseSource::ClientIp),
        text => match text.strip_prefix("hdr_ip(") {
            Some(rest) => header(rest).map_err(|why| cursor.fault(why)),
            None => match address::parse(text, Allow::PEER).map(|range| range.address) {
                Ok(Address::Inet(address)) => Ok(UseSource::Address(address)),
                Ok(_) => Err(cursor.fault(format!("'usesrc {text}' : an IPv4 or IPv6 address is expected"))),
                Err(why) => Err(cursor.fault(format!("'usesrc {text}' : {why}"))),
            },
        },
    }
}

/// `name[,occurrence])`.
fn header(text: &str) -> Result<UseSource, String> {
    let text = text.strip_suffix(')').unwrap_or(text);
    let (name, occurrence) = match text.split_once(',') {
        Some((name, number)) => {
            let wrong = || format!("usesrc hdr_ip(name,num) : '{number}' is not a number.");
            (name, number.trim().parse::<i32>().map_err(|_| wrong())?)
        }
        None => (text, -1),
    };
    if occurrence < -MAX_FROM_END {
        return Err(format!("usesrc hdr_ip(name,num) does not support negative occurrences values smaller than {MAX_FROM_END}."));
    }
    Ok(UseSource::Header(name.trim().to_ascii_lowercase().into(), occurrence))
}
