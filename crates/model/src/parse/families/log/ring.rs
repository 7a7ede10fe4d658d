//! `ring` sections.

use super::target::header_format;
use crate::address::{self, Address, Allow};
use crate::log::{HeaderFormat, Ring};
use crate::parse::known::{self, Family};
use crate::parse::sections::OpenSection;
use crate::parse::{Open, Parsed, Parser, Statement, parse_duration};
use base::units::{TimeUnit, parse_size};
use std::net::SocketAddr;
use std::sync::Arc;

/// Bytes of a ring, and of the longest message in one, unless told.
const DEFAULT_SIZE: usize = 16384;
const DEFAULT_MAX_LEN: usize = 1024;
/// What a ring needs beside its longest message.
const OVERHEAD: usize = 197;
const SYSLOG_PORT: u16 = 514;

pub(super) fn open(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("missing ring name."));
    }
    if let Some(bad) = name.chars().find(|c| !super::may_be_in_name(*c)) {
        let message = format!("invalid ring name '{name}' (character '{bad}' is not permitted).");
        return Err(statement.fault(0, message));
    }
    if parser.logging.rings.iter().any(|ring| *ring.name == *name) {
        return Err(statement.fault(0, format!("sink named '{name}' already exists.")));
    }
    parser.open = Open::Other(Box::new(Section(Ring {
        name: name.into(),
        description: None,
        format: HeaderFormat::Default,
        max_len: DEFAULT_MAX_LEN,
        size: DEFAULT_SIZE,
        timeouts: (None, None),
        servers: Vec::new(),
    })));
    Ok(())
}

struct Section(Ring);

impl OpenSection for Section {
    fn line(&mut self, parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
        let ring = &mut self.0;
        let text = statement.arg(0);
        match statement.keyword() {
            "backing-file" if text.is_empty() => {
                let message = format!(
                    "cannot open backing-file '' for ring '{}': No such file or directory.",
                    ring.name
                );
                return Err(statement.fault_here(message));
            }
            "backing-file" => {
                let message = known::not_built("backing-file", "rings that outlive the process");
                return Err(statement.fault_here(message));
            }
            "description" if text.is_empty() => {
                return Err(statement.fault_here("missing ring description text."));
            }
            "description" => ring.description = Some(statement.args_from(0).join(" ").into()),
            "format" => {
                ring.format = header_format(text)
                    .ok_or_else(|| statement.fault(0, format!("unknown format '{text}'.")))?;
            }
            "maxlen" => ring.max_len = size(statement)?,
            "size" => ring.size = size(statement)?,
            "server" => server(&parser.expressions.env, ring, statement)?,
            "timeout" => timeout(ring, statement)?,
            other => return Err(statement.fault_here(format!("unknown statement '{other}'."))),
        }
        Ok(())
    }

    fn close(self: Box<Self>, parser: &mut Parser<'_>) {
        let mut ring = self.0;
        let most = ring.size.saturating_sub(OVERHEAD);
        if ring.max_len > most {
            let message = format!(
                "ring '{}' event max length '{}' exceeds max payload size, forced to '{most}'.",
                ring.name, ring.max_len
            );
            parser
                .diagnostics
                .global(config::Severity::Warning, message);
            ring.max_len = most;
        }
        parser.logging.rings.push(Arc::new(ring));
    }
}

fn size(statement: Statement<'_>) -> Parsed<usize> {
    let text = statement.arg(0);
    match parse_size(text) {
        Ok(size) if size > 0 => Ok(size as usize),
        _ => Err(statement.fault_here(format!("invalid size '{text}' for new sink buffer."))),
    }
}

fn timeout(ring: &mut Ring, statement: Statement<'_>) -> Parsed {
    let (name, text) = (statement.arg(0), statement.arg(1));
    let place = match name {
        "connect" => &mut ring.timeouts.0,
        "server" => &mut ring.timeouts.1,
        _ => {
            return Err(statement.fault(
                0,
                "'timeout' only supports 'connect' and 'server' in a ring section.",
            ));
        }
    };
    if text.is_empty() {
        return Err(statement.fault_here(format!("'timeout {name}' expects <time> as argument.")));
    }
    let read = parse_duration(text, TimeUnit::Millisecond);
    *place =
        Some(read.map_err(|why| {
            statement.fault(1, format!("{why} in argument to <timeout {name}>."))
        })?);
    Ok(())
}

fn server(env: &config::Env, ring: &mut Ring, statement: Statement<'_>) -> Parsed {
    if statement.len() < 2 {
        return Err(
            statement.fault_here("'server' expects <name> and <addr>[:<port>] as arguments.")
        );
    }
    let name = statement.arg(0);
    let label = format!("'server {}/{name}' : ", ring.name);
    let allow = Allow {
        offset: false,
        datagram: false,
        multipath: false,
        reverse: false,
        ..Allow::SERVER
    };
    let text = address::expand(statement.arg(1), env);
    let range = text
        .and_then(|text| address::parse(&text, allow))
        .map_err(|why| statement.fault(1, format!("{label}{why}")))?;
    let address = match range.address {
        Address::Inet(inet) if inet.port() == 0 => {
            Address::Inet(SocketAddr::new(inet.ip(), SYSLOG_PORT))
        }
        address => address,
    };
    let mut octet_counting = false;
    let mut at = 2;
    while at < statement.len() {
        let (option, value) = (statement.arg(at), statement.arg(at + 1));
        octet_counting = match (option, value) {
            ("log-proto", "legacy") => false,
            ("log-proto", "octet-count") => true,
            ("log-proto", _) => {
                let message = format!(
                    "{label}'log-proto' expects one of 'legacy' or 'octet-count' but got '{value}'"
                );
                return Err(statement.fault(at + 1, message));
            }
            _ => {
                let waits = known::waits_for(Family::Server, option).unwrap_or("servers of rings");
                let rows = || {
                    crate::parse::families::server::OPTIONS
                        .iter()
                        .flat_map(|rows| rows.iter())
                        .map(|row| row.name)
                };
                let known_option = rows().any(|row| row == option)
                    || known::names(Family::Server).any(|row| row == option);
                let message = match known_option {
                    true => format!("{label}{}", known::not_built(option, waits)),
                    false => match config::suggest::nearest(option, rows()) {
                        Some(near) => format!(
                            "{label}unknown keyword '{option}'; did you mean '{near}' maybe ?"
                        ),
                        None => format!("{label}unknown keyword '{option}'."),
                    },
                };
                return Err(statement.fault(at, message));
            }
        };
        at += 2;
    }
    ring.servers.push((name.into(), address, octet_counting));
    Ok(())
}
