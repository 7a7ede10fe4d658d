//! `log` lines.

use crate::address::{self, Address, AddressError, Allow};
use crate::log::{Destination, HeaderFormat, LogTarget, Sampling};
use crate::parse::{Parsed, Parser, Statement};
use config::Env;
use std::net::SocketAddr;
use std::sync::Arc;

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2",
    "ftp", "ntp", "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];

/// Bytes of a message unless `len` says otherwise.
const DEFAULT_LENGTH: usize = 1024;

/// The port of syslog (RFC 5426).
const SYSLOG_PORT: u16 = 514;

/// What a line says.
pub(in crate::parse::families) enum LogLine {
    /// `no log`
    Clear,
    /// `log global`
    Global,
    /// A target.
    Target(Arc<LogTarget>),
}

pub(super) fn global_log(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match read(&parser.expressions.env, statement)? {
        LogLine::Clear => parser.global.logs.clear(),
        LogLine::Global => {
            return Err(statement.fault(
                0,
                "log : 'global' is not supported for a global syslog server",
            ));
        }
        LogLine::Target(target) => parser.global.logs.push(target),
    }
    Ok(())
}

pub(super) fn proxy_log(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let line = read(&parser.expressions.env, statement)?;
    let log = &mut parser.proxy()?.log;
    match line {
        LogLine::Clear => {
            log.targets.clear();
            log.global = false;
        }
        LogLine::Global => log.global = true,
        LogLine::Target(target) => log.targets.push(target),
    }
    Ok(())
}

/// The words of a line, taken one after the other.
struct Words<'l> {
    statement: Statement<'l>,
    at: usize,
}

impl<'l> Words<'l> {
    fn peek(&self) -> &'l str {
        self.statement.arg(self.at)
    }

    fn next(&mut self) -> &'l str {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn fault(&self, message: impl std::fmt::Display) -> crate::parse::Fault {
        self.statement
            .fault(self.at.saturating_sub(1), format!("log : {message}"))
    }
}

/// Reads a `log` line.
///
/// # Errors
/// When the address or an option is faulty.
pub(in crate::parse::families) fn read(env: &Env, statement: Statement<'_>) -> Parsed<LogLine> {
    if statement.is_negated() {
        return match statement.is_empty() {
            true => Ok(LogLine::Clear),
            false => Err(statement.fault(0, "log : 'no log' does not expect arguments")),
        };
    }
    if statement.arg(0) == "global" && statement.len() == 1 {
        return Ok(LogLine::Global);
    }
    if statement.len() < 2 {
        return Err(statement.fault_here("log : expects <address> and <facility>  as arguments"));
    }
    let mut words = Words { statement, at: 1 };
    let mut target = LogTarget {
        destination: destination(env, statement)?,
        format: HeaderFormat::Default,
        max_len: DEFAULT_LENGTH,
        sample: None,
        profile: None,
        profile_name: None,
        facility: 0,
        max_level: 7,
        min_level: 0,
        origin: statement.origin(),
    };
    options(&mut target, &mut words)?;
    levels(&mut target, &mut words)?;
    Ok(LogLine::Target(Arc::new(target)))
}

fn destination(env: &Env, statement: Statement<'_>) -> Parsed<Destination> {
    let wrong = |why: AddressError| statement.fault(0, format!("log : {why}"));
    let text = address::expand(statement.arg(0), env).map_err(wrong)?;
    match &*text {
        "stdout" => return Ok(Destination::Descriptor(1)),
        "stderr" => return Ok(Destination::Descriptor(2)),
        _ => {}
    }
    if let Some(name) = text.strip_prefix("ring@") {
        return Ok(Destination::Ring(name.into()));
    }
    if let Some(name) = text.strip_prefix("backend@") {
        return Ok(Destination::Backend(name.into()));
    }
    let range = address::parse(&text, Allow::LOG).map_err(wrong)?;
    Ok(match range.address {
        Address::Fd(fd) => Destination::Descriptor(fd),
        Address::Inet(inet) => {
            let port = if inet.port() == 0 {
                SYSLOG_PORT
            } else {
                inet.port()
            };
            Destination::Socket {
                address: Address::Inet(SocketAddr::new(inet.ip(), port)),
                stream: !range.datagram,
            }
        }
        address => Destination::Socket {
            address,
            stream: !range.datagram,
        },
    })
}

/// Options come in this order only.
fn options(target: &mut LogTarget, words: &mut Words<'_>) -> Parsed {
    if words.peek() == "len" {
        words.next();
        let text = words.next();
        match text.parse::<usize>() {
            Ok(len @ 80..=65535) => target.max_len = len,
            _ => {
                return Err(words.fault(format_args!(
                    "invalid log length '{text}', must be between 80 and 65535"
                )));
            }
        }
    }
    if words.peek() == "format" {
        words.next();
        let name = words.next();
        target.format = header_format(name)
            .ok_or_else(|| words.fault(format_args!("unknown log format '{name}'")))?;
    }
    if words.peek() == "sample" {
        words.next();
        target.sample = Some(sampling(words.next()).map_err(|why| words.fault(why))?);
    }
    if words.peek() == "profile" {
        words.next();
        target.profile_name = Some(words.next())
            .filter(|name| !name.is_empty())
            .map(Into::into);
    }
    Ok(())
}

/// The format of this name.
pub(super) fn header_format(name: &str) -> Option<HeaderFormat> {
    Some(match name {
        "local" => HeaderFormat::Local,
        "rfc3164" => HeaderFormat::Rfc3164,
        "rfc5424" => HeaderFormat::Rfc5424,
        "priority" => HeaderFormat::Priority,
        "short" => HeaderFormat::Short,
        "timed" => HeaderFormat::Timed,
        "iso" => HeaderFormat::Iso,
        "raw" => HeaderFormat::Raw,
        _ => return None,
    })
}

fn levels(target: &mut LogTarget, words: &mut Words<'_>) -> Parsed {
    let facility = words.next();
    let Some(at) = FACILITIES.iter().position(|name| *name == facility) else {
        let fault = words.fault(format_args!("unknown log facility '{facility}'"));
        return Err(match config::suggest::nearest(facility, FACILITIES) {
            Some(near) => fault.hint(format!("did you mean '{near}'?")),
            None => fault,
        });
    };
    target.facility = at as u8;
    let level = |text: &str| {
        LEVELS
            .iter()
            .position(|name| *name == text)
            .map(|at| at as u8)
    };
    match words.next() {
        "" => return Ok(()),
        text => {
            let wrong = || words.fault(format_args!("unknown optional log level '{text}'"));
            target.max_level = level(text).ok_or_else(wrong)?;
        }
    }
    match words.next() {
        "" => return Ok(()),
        text => {
            let wrong = || words.fault(format_args!("unknown optional minimum log level '{text}'"));
            target.min_level = level(text).ok_or_else(wrong)?;
        }
    }
    match words.next() {
        "" => Ok(()),
        extra => Err(words.fault(format_args!("cannot handle unexpected argument '{extra}'"))),
    }
}

/// `<ranges>:<size>`.
fn sampling(text: &str) -> Result<Sampling, String> {
    let (ranges, size) = text.split_once(':').ok_or("Missing sample size")?;
    let size = match size.parse::<u32>() {
        Ok(size) if size > 0 => size,
        _ => {
            return Err(format!(
                "wrong sample size '{size}' for sample range '{ranges}'"
            ));
        }
    };
    let mut list = Vec::new();
    for range in ranges.split(',') {
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        match (low.parse::<u32>(), high.parse::<u32>()) {
            (Ok(low), Ok(high)) if low > 0 && low <= high => list.push((low, high)),
            _ => return Err(format!("wrong sample range '{range}'")),
        }
    }
    list.sort_unstable();
    if list
        .windows(2)
        .any(|pair| matches!(pair, [first, second] if second.0 <= first.1))
    {
        return Err("ranges are overlapping".into());
    }
    match list.last() {
        Some((_, highest)) if *highest > size => Err(format!(
            "sample size {size} should be greater or equal to {highest} the maximum of the high ranges limits"
        )),
        _ => Ok(Sampling { ranges: list, size }),
    }
}
