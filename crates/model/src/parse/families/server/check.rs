//! Server options about its health.

use super::ServerLine;
use crate::address::{self, Address, Allow};
use crate::parse::Parsed;
use crate::parse::options::{Cursor, OptionRow};
use crate::proxy::Mode;
use crate::rules::Mux;
use crate::server::{InitialState, Observe, OnError};

type Read<'a, 'b, 'c, 'd> = &'a mut Cursor<'b, 'c, 'd>;

pub(super) const OPTIONS: &[OptionRow<ServerLine>] = &[
    OptionRow {
        name: "addr",
        args: 1,
        doc: "Where checks go.",
        read: addr,
    },
    OptionRow {
        name: "agent-addr",
        args: 1,
        doc: "Where the agent is asked.",
        read: agent_addr,
    },
    OptionRow {
        name: "agent-check",
        args: 0,
        doc: "Asks an agent for the server's state.",
        read: |s, _| agent(s, true),
    },
    OptionRow {
        name: "agent-inter",
        args: 1,
        doc: "Time between questions to the agent.",
        read: agent_inter,
    },
    OptionRow {
        name: "agent-port",
        args: 1,
        doc: "The port of the agent.",
        read: agent_port,
    },
    OptionRow {
        name: "agent-send",
        args: 1,
        doc: "What is sent to the agent.",
        read: agent_send,
    },
    OptionRow {
        name: "check",
        args: 0,
        doc: "Checks the server's health.",
        read: |s, _| enable(s, true),
    },
    OptionRow {
        name: "check-pool-conn-name",
        args: 1,
        doc: "The name of idle connections that checks may take.",
        read: |s, c| {
            s.draft.check.pool_name = Some(c.value(": missing value")?.into());
            Ok(())
        },
    },
    OptionRow {
        name: "check-proto",
        args: 1,
        doc: "The protocol of checks.",
        read: check_proto,
    },
    OptionRow {
        name: "check-reuse-pool",
        args: 0,
        doc: "Checks take idle connections where they can.",
        read: |s, _| reuse_pool(s, true),
    },
    OptionRow {
        name: "check-send-proxy",
        args: 0,
        doc: "Starts checks with a PROXY protocol header.",
        read: |s, _| send_proxy(s, true),
    },
    OptionRow {
        name: "check-via-socks4",
        args: 0,
        doc: "Checks go through the server's SOCKS4 proxy.",
        read: |s, _| {
            s.draft.check.via_socks4 = true;
            Ok(())
        },
    },
    OptionRow {
        name: "downinter",
        args: 1,
        doc: "Time between checks of a server that is down.",
        read: downinter,
    },
    OptionRow {
        name: "error-limit",
        args: 1,
        doc: "Errors of live traffic before 'on-error' acts.",
        read: error_limit,
    },
    OptionRow {
        name: "fall",
        args: 1,
        doc: "Failed checks that take a server down.",
        read: fall,
    },
    OptionRow {
        name: "fastinter",
        args: 1,
        doc: "Time between checks of a server that changes its state.",
        read: fastinter,
    },
    OptionRow {
        name: "healthcheck",
        args: 1,
        doc: "The 'healthcheck' section that checks go by.",
        read: healthcheck,
    },
    OptionRow {
        name: "init-state",
        args: 1,
        doc: "What is thought of the server before its first checks.",
        read: initial_state,
    },
    OptionRow {
        name: "inter",
        args: 1,
        doc: "Time between checks.",
        read: inter,
    },
    OptionRow {
        name: "no-agent-check",
        args: 0,
        doc: "No agent is asked.",
        read: |s, _| agent(s, false),
    },
    OptionRow {
        name: "no-check-reuse-pool",
        args: 0,
        doc: "Checks open connections of their own.",
        read: |s, _| reuse_pool(s, false),
    },
    OptionRow {
        name: "no-check",
        args: 0,
        doc: "Does not check the server's health.",
        read: |s, _| enable(s, false),
    },
    OptionRow {
        name: "no-check-send-proxy",
        args: 0,
        doc: "No PROXY protocol header on checks.",
        read: |s, _| send_proxy(s, false),
    },
    OptionRow {
        name: "observe",
        args: 1,
        doc: "Which errors of live traffic count.",
        read: observe,
    },
    OptionRow {
        name: "on-error",
        args: 1,
        doc: "What to do when 'error-limit' is reached.",
        read: on_error,
    },
    OptionRow {
        name: "on-marked-down",
        args: 1,
        doc: "What becomes of sessions when the server goes down.",
        read: on_marked_down,
    },
    OptionRow {
        name: "on-marked-up",
        args: 1,
        doc: "What becomes of backup servers' sessions when the server comes up.",
        read: on_marked_up,
    },
    OptionRow {
        name: "port",
        args: 1,
        doc: "The port that checks go to.",
        read: port,
    },
    OptionRow {
        name: "rise",
        args: 1,
        doc: "Good checks that bring a server up.",
        read: rise,
    },
    OptionRow {
        name: "slowstart",
        args: 1,
        doc: "Time in which the server's share grows after it has come up.",
        read: slow_start,
    },
];

fn reuse_pool(line: &mut ServerLine, on: bool) -> Parsed {
    line.draft.check.reuse_pool = on;
    Ok(())
}

fn enable(line: &mut ServerLine, on: bool) -> Parsed {
    line.draft.check.enabled = on;
    Ok(())
}

fn send_proxy(line: &mut ServerLine, on: bool) -> Parsed {
    line.draft.check.send_proxy = on;
    Ok(())
}

fn addr(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let text = cursor.value("expects <ipv4|ipv6> as argument.")?;
    let range = address::parse(text, Allow::PEER)
        .map_err(|why| cursor.option_fault(format!(": {why}.")))?;
    if let Address::Inet(address) = range.address {
        line.draft.check.port = Some(address.port())
            .filter(|port| *port != 0)
            .or(line.draft.check.port);
    }
    line.draft.check.address = Some(range.address);
    Ok(())
}

/// How small a bare number of milliseconds makes HAProxy ask whether seconds were meant.
const SUSPICIOUSLY_SHORT: u64 = 100;

/// A delay between checks.
fn interval(line: &ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed<u64> {
    let text = cursor.value("expects a delay as argument.")?;
    cursor.at -= 1;
    let (option, name) = (cursor.option(), &line.name);
    let delay = cursor.duration(&format!("in '{option}' argument of server {name}"))?;
    if delay == 0 {
        return Err(cursor.fault(format!(
            "invalid value 0 for argument '{option}' of server {name}."
        )));
    }
    if delay < SUSPICIOUSLY_SHORT && text.bytes().all(|b| b.is_ascii_digit()) {
        let message = format!(
            "'{option} {text}' in server '{name}' is suspiciously small for a value in milliseconds. \
             Please use an explicit unit ('{text}ms') if that was the intent."
        );
        cursor.warn(message, None);
    }
    Ok(delay)
}

fn initial_state(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check.initial_state = match cursor.word() {
        "none" => None,
        "fully-up" => Some(InitialState::FullyUp),
        "up" => Some(InitialState::Up),
        "down" => Some(InitialState::Down),
        "fully-down" => Some(InitialState::FullyDown),
        other => {
            let message = format!(
                "expects one of 'none', 'fully-up', 'up', 'down', or 'fully-down' but got '{other}'."
            );
            return Err(cursor.option_fault(message));
        }
    };
    Ok(())
}

fn inter(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check.interval = interval(line, cursor)?;
    Ok(())
}

fn fastinter(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check.fast_interval = Some(interval(line, cursor)?);
    Ok(())
}

fn downinter(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check.down_interval = Some(interval(line, cursor)?);
    Ok(())
}

/// A count that is not 0.
fn positive(cursor: Read<'_, '_, '_, '_>, what: &str) -> Parsed<u32> {
    cursor.value("expects an integer argument.")?;
    cursor.at -= 1;
    let (value, _) = crate::parse::options::leading_integer(cursor.word());
    u32::try_from(value)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| cursor.fault(format!("{what} has to be > 0.")))
}

fn rise(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check.rise = positive(cursor, "'rise'")?;
    Ok(())
}

fn fall(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check.fall = positive(cursor, "'fall'")?;
    Ok(())
}

fn error_limit(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.error_limit = positive(cursor, "error-limit")?;
    Ok(())
}

fn port(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    cursor.value("expects a port number as argument.")?;
    cursor.at -= 1;
    let port = cursor.number();
    let port =
        u16::try_from(port).map_err(|_| cursor.option_fault(format!(": invalid port '{port}'")))?;
    line.draft.check.port = Some(port).filter(|port| *port != 0);
    Ok(())
}

fn observe(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let mode = cursor.value("expects <mode> as argument.")?;
    line.draft.check.observe = match mode {
        "none" => Observe::Nothing,
        "layer4" => Observe::Layer4,
        "layer7" if cursor.parser.proxy()?.mode != Mode::Http => {
            return Err(cursor.fault("'layer7' can only be used in http proxies."));
        }
        "layer7" => Observe::Layer7,
        _ => {
            let message = format!("expects one of 'none', 'layer4', 'layer7' but got '{mode}'");
            return Err(cursor.option_fault(message));
        }
    };
    Ok(())
}

fn agent(line: &mut ServerLine, on: bool) -> Parsed {
    line.draft.check.agent.enabled = on;
    Ok(())
}

fn agent_addr(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let text = cursor.value("expects an address as argument.")?;
    let range = address::parse(text, Allow::PEER);
    match range.map(|range| range.address) {
        Ok(Address::Inet(inet)) if inet.port() == 0 => {
            line.draft.check.agent.address = Some(inet.ip());
            Ok(())
        }
        _ => {
            let message =
                format!("parsing agent-addr failed. Check if '{text}' is correct address.");
            Err(cursor.fault(message))
        }
    }
}

fn agent_inter(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check.agent.interval = Some(interval(line, cursor)?);
    Ok(())
}

fn agent_port(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    cursor.value("expects a port number as argument.")?;
    cursor.at -= 1;
    let port = cursor.number();
    line.draft.check.agent.port =
        u16::try_from(port).map_err(|_| cursor.option_fault(format!(": invalid port '{port}'")))?;
    Ok(())
}

fn agent_send(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.check.agent.send = Some(cursor.value("expects a string as argument.")?.into());
    Ok(())
}

fn check_proto(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let name = cursor.value(": missing value")?;
    line.draft.check.proto = match name {
        "h1" => Some(Mux::H1),
        "h2" => Some(Mux::H2),
        _ => None,
    };
    match name {
        // What carries a check that is not HTTP is the connection itself.
        "h1" | "none" => Ok(()),
        other => match crate::parse::families::check_mux(other) {
            Err(why) if why.starts_with("'proto' :  unknown") => {
                Err(cursor.option_fault(format!(":  unknown MUX protocol '{other}'")))
            }
            Err(why) => Err(cursor.fault(why)),
            Ok(()) => Ok(()),
        },
    }
}

fn healthcheck(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let name = cursor.value("expects a healthcheck name as argument.")?;
    line.draft.check.named = Some(name.into());
    Ok(())
}

fn on_marked_down(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    match cursor.word() {
        "shutdown-sessions" => line.draft.ends_sessions_when_down = true,
        other => {
            let message = format!("expects 'shutdown-sessions' but got '{other}'");
            return Err(cursor.option_fault(message));
        }
    }
    Ok(())
}

fn on_marked_up(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    match cursor.word() {
        "shutdown-backup-sessions" => line.draft.ends_backup_sessions_when_up = true,
        other => {
            let message = format!("expects 'shutdown-backup-sessions' but got '{other}'");
            return Err(cursor.option_fault(message));
        }
    }
    Ok(())
}

fn slow_start(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    let place = format!("in 'slowstart' argument of server {}", line.name);
    line.draft.slow_start = cursor.duration(&place)?;
    Ok(())
}

fn on_error(line: &mut ServerLine, cursor: Read<'_, '_, '_, '_>) -> Parsed {
    line.draft.on_error = match cursor.word() {
        "fastinter" => OnError::FastInterval,
        "fail-check" => OnError::FailCheck,
        "sudden-death" => OnError::SuddenDeath,
        "mark-down" => OnError::MarkDown,
        other => {
            let message = format!(
                "expects one of 'fastinter', 'fail-check', 'sudden-death' or 'mark-down' but got '{other}'"
            );
            return Err(cursor.option_fault(message));
        }
    };
    Ok(())
}
