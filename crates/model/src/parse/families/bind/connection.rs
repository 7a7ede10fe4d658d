//! Options of listening lines about the listener and its connections.

use super::BindLine;
use crate::parse::Parsed;
use crate::parse::options::{Cursor, OptionRow};

pub(super) const OPTIONS: &[OptionRow<BindLine>] = &[
    OptionRow {
        name: "accept-netscaler-cip",
        args: 1,
        doc: "Expects a NetScaler Client IP header.",
        read: accept_netscaler,
    },
    OptionRow {
        name: "accept-proxy",
        args: 0,
        doc: "Expects a PROXY protocol header.",
        read: accept_proxy,
    },
    OptionRow {
        name: "backlog",
        args: 1,
        doc: "Connections the kernel holds before they are accepted.",
        read: backlog,
    },
    OptionRow {
        name: "guid-prefix",
        args: 1,
        doc: "What identifiers of the line's addresses begin with.",
        read: |line, cursor| {
            line.bind.guid_prefix = Some(cursor.value(": missing prefix")?.into());
            Ok(())
        },
    },
    OptionRow {
        name: "id",
        args: 1,
        doc: "The listener's numeric identifier.",
        read: id,
    },
    OptionRow {
        name: "idle-ping",
        args: 1,
        doc: "Delay before an idle connection is probed.",
        read: idle_ping,
    },
    OptionRow {
        name: "label",
        args: 1,
        doc: "A name for a group of sockets.",
        read: label,
    },
    OptionRow {
        name: "maxconn",
        args: 1,
        doc: "Connections accepted at once.",
        read: maxconn,
    },
    OptionRow {
        name: "name",
        args: 1,
        doc: "The listener's name in statistics.",
        read: name,
    },
    OptionRow {
        name: "nbconn",
        args: 1,
        doc: "How many connections a listener of 'rhttp@' opens.",
        read: connections,
    },
    OptionRow {
        name: "nice",
        args: 1,
        doc: "Scheduling priority.",
        read: nice,
    },
    OptionRow {
        name: "process",
        args: 1,
        doc: "Older form of 'thread'.",
        read: process,
    },
    OptionRow {
        name: "proto",
        args: 1,
        doc: "The protocol to speak, whatever is negotiated.",
        read: proto,
    },
    OptionRow {
        name: "shards",
        args: 1,
        doc: "How many sockets share the address.",
        read: shards,
    },
    OptionRow {
        name: "thread",
        args: 1,
        doc: "Threads that listen.",
        read: thread,
    },
];

fn accept_netscaler(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing value")?;
    match value.parse::<u32>() {
        Ok(magic) if magic > 0 => line.bind.accept_netscaler = Some(magic),
        _ => {
            return Err(cursor.option_fault(format!(
                ": invalid value {}, must be >= 0",
                value.parse::<i64>().unwrap_or(0)
            )));
        }
    }
    Ok(())
}

fn accept_proxy(line: &mut BindLine, _: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.accept_proxy = true;
    Ok(())
}

fn backlog(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.backlog = positive(cursor)?;
    Ok(())
}

fn maxconn(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.maxconn = positive(cursor)?;
    Ok(())
}

fn positive(cursor: &mut Cursor<'_, '_, '_>) -> Parsed<u32> {
    if cursor.peek().is_empty() {
        return Err(cursor.option_fault(": missing value"));
    }
    let value = cursor.number();
    u32::try_from(value)
        .map_err(|_| cursor.option_fault(format!(": invalid value {value}, must be >= 0")))
}

fn id(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    if line.addresses.len() != 1 {
        return Err(cursor.option_fault("can only be used with a single socket"));
    }
    let value = cursor.value(": expects an integer argument")?;
    match value.parse::<i64>() {
        Ok(id) if id > 0 => line.bind.id = u32::try_from(id).unwrap_or(u32::MAX),
        Ok(_) => return Err(cursor.option_fault(": custom id has to be > 0")),
        Err(_) => {
            return Err(
                cursor.option_fault(format!(": expects an integer argument, found '{value}'"))
            );
        }
    }
    Ok(())
}

fn idle_ping(_: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    cursor.value(": expects an argument")?;
    cursor.at -= 1;
    cursor.duration("in 'idle-ping' argument on bind line")?;
    let statement = cursor.statement;
    cursor.parser.notice_once(
        statement,
        "'idle-ping' has no effect in hapax: idle connections are not probed yet.",
    );
    Ok(())
}

fn label(_: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    cursor.value(": missing label")?;
    let statement = cursor.statement;
    cursor.parser.notice_once(
        statement,
        "'label' has no effect: nothing asks for sockets by their labels.",
    );
    Ok(())
}

fn connections(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let [experimental, _] = cursor.parser.global.exposes;
    if !experimental {
        let label = cursor
            .label
            .replace("section 'frontend'", "section 'listen'");
        let message = "'nbconn' is experimental, must be allowed via a global 'expose-experimental-directives'";
        return Err(cursor
            .statement
            .fault(cursor.at - 1, format!("{label}{message}")));
    }
    if !line.is_reverse() {
        cursor.at -= 1;
        return Err(cursor.option_fault(": only valid for reverse HTTP listeners."));
    }
    if cursor.peek().is_empty() {
        return Err(cursor.option_fault(": missing value."));
    }
    let value = cursor.number();
    match u32::try_from(value) {
        Ok(count) if count > 0 => line.bind.connections = count,
        _ => {
            return Err(cursor.option_fault(format!(": invalid value {value}, must be > 0.")));
        }
    }
    Ok(())
}

fn name(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    line.bind.name = Some(cursor.value(": missing name")?.into());
    Ok(())
}

fn nice(_: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    cursor.value(": missing value")?;
    cursor.at -= 1;
    let value = cursor.number();
    if !(-1024..=1024).contains(&value) {
        return Err(cursor.option_fault(format!(
            ": invalid value {value}, allowed range is -1024..1024"
        )));
    }
    let statement = cursor.statement;
    cursor.parser.notice_once(
        statement,
        "'nice' has no effect: tasks of a thread take turns evenly here.",
    );
    Ok(())
}

/// `process 1/1-2` bound threads of a process until there was only one process.
fn process(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing value")?;
    let set = value.split_once('/').map_or("all", |(_, threads)| threads);
    let threads = thread_set(set).map_err(|why| cursor.option_fault(format!(": {why}")))?;
    let message = format!(
        "{}'process {value}' on 'bind' lines is not supported anymore, please use 'thread' instead.",
        cursor.label
    );
    let statement = cursor.statement;
    cursor
        .parser
        .outdated(statement, message, format!("thread {set}"))?;
    line.bind.threads = threads;
    Ok(())
}

fn proto(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    let value = cursor.value(": missing value")?;
    crate::parse::families::check_mux(value).map_err(|why| cursor.fault(why))?;
    line.bind.proto = Some(value.into());
    Ok(())
}

fn shards(_: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    match cursor.value(": missing value")? {
        // What is done anyway.
        "by-thread" => return Ok(()),
        "by-group" => {}
        number => match number.parse::<u32>() {
            Ok(1..=1024) => {}
            other => {
                let message = format!(
                    ": invalid value {}, allowed range is 1..1024 or 'by-thread'",
                    other.unwrap_or(0)
                );
                return Err(cursor.option_fault(message));
            }
        },
    }
    let statement = cursor.statement;
    cursor.parser.notice_once(
        statement,
        "'shards' has no effect: each thread has a socket of its own here, as with 'shards by-thread'.",
    );
    Ok(())
}

fn thread(line: &mut BindLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    // Sets given by several options add up.
    let set = thread_set(cursor.word()).map_err(|why| cursor.fault(why))?;
    line.bind.threads.extend(set);
    line.bind.threads.sort_unstable();
    line.bind.threads.dedup();
    Ok(())
}

/// The largest thread number.
const MAX_THREADS: u32 = 1024;

/// Reads a set of threads: `all` (an empty list), `odd`, `even`, `n`, `n-m`, each behind an optional `group/`. All
/// threads are in one group here.
fn thread_set(text: &str) -> Result<Vec<u32>, String> {
    let mut threads = Vec::new();
    for part in text.split(',') {
        let part = part.split_once('/').map_or(part, |(_, threads)| threads);
        let number = |which: &str, text: &str| {
            text.parse::<u32>().ok().filter(|n| (1..=MAX_THREADS).contains(n)).ok_or_else(|| {
                format!("invalid {which} thread number '{text}', permitted range is 1..{MAX_THREADS}, or 'all', 'odd', 'even'.")
            })
        };
        match part {
            "" | "all" => return Ok(Vec::new()),
            "odd" => threads.extend((1..=MAX_THREADS).step_by(2)),
            "even" => threads.extend((2..=MAX_THREADS).step_by(2)),
            _ => {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last) = (number("first", first)?, number("last", last)?);
                threads.extend(first.min(last)..=first.max(last));
            }
        }
    }
    Ok(threads)
}
