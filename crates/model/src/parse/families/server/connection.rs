//! Server options that say how connections are made, kept and used.

use super::ServerLine;
use crate::address::{self, Address, Allow};
use crate::parse::options::{Cursor, OptionRow};
use crate::parse::{Parsed, parse_duration};
use crate::rules::Mux;
use base::units::TimeUnit;
use expr::{Expr, Phases};
use std::sync::Arc;

type Read<'a, 'b, 'c, 'd> = &'a mut Cursor<'b, 'c, 'd>;

pub(super) const OPTIONS: &[OptionRow<ServerLine>] = &[
    OptionRow {
        name: "cc",
        args: 1,
        doc: "TCP congestion control algorithm.",
        read: congestion,
    },
    OptionRow {
        name: "idle-ping",
        args: 1,
        doc: "Delay before an idle connection is probed.",
        read: idle_ping,
    },
    OptionRow {
        name: "log-proto",
        args: 1,
        doc: "How messages to a log server are framed.",
        read: log_proto,
    },
    OptionRow {
        name: "max-reuse",
        args: 1,
        doc: "How often a connection is reused.",
        read: max_reuse,
    },
    OptionRow {
        name: "no-tfo",
        args: 0,
        doc: "No TCP fast open.",
        read: |s, _| fast_open(s, false),
    },
    OptionRow {
        name: "pool-conn-name",
        args: 1,
        doc: "What else idle connections must agree in.",
        read: pool_name,
    },
    OptionRow {
        name: "pool-low-conn",
        args: 1,
        doc: "Idle connections from which other threads' are taken.",
        read: pool_low,
    },
    OptionRow {
        name: "pool-max-conn",
        args: 1,
        doc: "Idle connections kept at most.",
        read: pool_max,
    },
    OptionRow {
        name: "pool-purge-delay",
        args: 1,
        doc: "How often superfluous idle connections are closed.",
        read: purge_delay,
    },
    OptionRow {
        name: "proto",
        args: 1,
        doc: "The protocol to speak, whatever is negotiated.",
        read: proto,
    },
    OptionRow {
        name: "socks4",
        args: 1,
        doc: "The SOCKS4 proxy that leads to the server.",
        read: socks4,
    },
    OptionRow {
        name: "tcp-md5sig",
        args: 1,
        doc: "Password of TCP MD5 signatures.",
        read: md5sig,
    },
    OptionRow {
        name: "tcp-ut",
        args: 1,
        doc: "TCP user timeout.",
        read: user_timeout,
    },
    OptionRow {
        name: "tfo",
        args: 0,
        doc: "TCP fast open.",
        read: |s, _| fast_open(s, true),
    },
    OptionRow {
        name: "ws",
        args: 1,
        doc: "The protocol for WebSocket requests.",
        read: ws,
    },
];

fn fast_open(line: &mut ServerLine, on: bool) -> Parsed {
    line.draft.fast_open = on;
    Ok(())
}

fn congestion(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.congestion = Some(
        cursor
            .value(": missing TCP congestion control algorithm")?
            .into(),
    );
    Ok(())
}

fn idle_ping(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    cursor.value("expects an argument.")?;
    cursor.at -= 1;
    let place = format!("in 'idle-ping' argument of server {}", line.name);
    cursor.duration(&place)?;
    let statement = cursor.statement;
    cursor.parser.notice_once(
        statement,
        "'idle-ping' has no effect in hapax: idle connections are not probed yet.",
    );
    Ok(())
}

fn log_proto(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.octet_counting = match cursor.word() {
        "legacy" => false,
        "octet-count" => true,
        other => {
            return Err(cursor.option_fault(format!(
                "expects one of 'legacy' or 'octet-count' but got '{other}'"
            )));
        }
    };
    Ok(())
}

/// A figure where -1 lifts the limit.
fn limit(cursor: Read<'_, '_, '_, '_>) -> Parsed<Option<u32>> {
    cursor.value("expects <value> as argument.")?;
    cursor.at -= 1;
    let value = cursor.number();
    if value < -1 {
        return Err(cursor.option_fault("must be >= -1"));
    }
    Ok(u32::try_from(value).ok())
}

fn max_reuse(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    cursor.value("expects <value> as argument.")?;
    cursor.at -= 1;
    line.draft.max_reuse = u32::try_from(cursor.number()).ok();
    Ok(())
}

fn pool_max(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.pool_max = limit(cursor)?;
    Ok(())
}

fn pool_low(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    cursor.value("expects <value> as argument.")?;
    cursor.at -= 1;
    line.draft.pool_low = cursor.count();
    Ok(())
}

fn purge_delay(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    cursor.value("expects <value> as argument.")?;
    cursor.at -= 1;
    line.draft.pool_purge_delay = cursor.duration("in argument to <pool-purge-delay>")?;
    Ok(())
}

fn pool_name(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let name = name_expression(cursor, "expects <value> as argument")?;
    line.draft.pool_name = Some(name);
    Ok(())
}

/// The expression of a server's name; `missing` is what is said where there is none.
pub fn name_expression(cursor: Read<'_, '_, '_, '_>, missing: &str) -> Parsed<Arc<Expr>> {
    let text = cursor.value(missing)?;
    let statement = cursor.statement;
    let expression = cursor
        .parser
        .in_context(statement, Phases::SERVER_SOURCE, |ctx| {
            Expr::parse_str(text, ctx)
        });
    let wrong = |why| {
        cursor.fault(format!(
            "error detected while parsing sni or pool-conn-name expressions : {why}."
        ))
    };
    expression.map(Arc::new).map_err(wrong)
}

fn proto(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let name = cursor.value(": missing value")?;
    super::super::check_mux(name).map_err(|why| cursor.fault(why))?;
    line.draft.proto = Some(name.into());
    Ok(())
}

fn socks4(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let text = cursor.value("expects <addr>:<port> as argument.")?;
    let allow = Allow {
        port_required: true,
        offset: false,
        ..Allow::SERVER
    };
    let range = address::parse(text, allow)
        .map_err(|why| cursor.fault(format!("'socks4 {text}' : {why}")))?;
    match range.address {
        Address::Inet(inet) if inet.port() > 0 => line.draft.socks4 = Some(inet),
        Address::Inet(_) => {
            return Err(cursor.fault(format!("'socks4 {text}' : invalid port '0'")));
        }
        // HAProxy takes it, and fails to connect.
        _ => {
            let message = format!("'socks4 {text}' : expects the IP address of a proxy");
            return Err(cursor.fault(message));
        }
    }
    Ok(())
}

fn md5sig(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.md5sig = Some(cursor.value(": missing TCP MD5 signature password")?.into());
    Ok(())
}

fn user_timeout(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing TCP User Timeout value")?;
    match parse_duration(value, TimeUnit::Millisecond) {
        Ok(timeout) => line.draft.user_timeout = Some(timeout),
        Err(_) => return Err(cursor.option_fault(": expects a positive delay in milliseconds")),
    }
    Ok(())
}

fn ws(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.ws = match cursor.word() {
        "auto" => None,
        "h1" => Some(Mux::H1),
        "h2" => Some(Mux::H2),
        _ => return Err(cursor.option_fault("has to be 'auto', 'h1' or 'h2'")),
    };
    Ok(())
}
