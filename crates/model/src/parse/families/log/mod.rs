//! Logging: `log` lines, formats, and the sections that carry log messages.

mod forward;
mod profile;
mod resolve;
mod ring;
pub(in crate::parse::families) mod target;

pub use resolve::resolve;
pub(super) use target::read as read_target;

use crate::parse::sections::SectionRow;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use crate::proxy::Proxy;
use std::sync::Arc;

/// The rows of `global`.
pub const GLOBAL_ROWS: &[Row] = &[
    Row {
        name: "log",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Where log messages go.",
        read: target::global_log,
    },
    Row {
        name: "log-tag",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The tag in log headers.",
        read: global_tag,
    },
];

/// The rows of proxies.
pub const PROXY_ROWS: &[Row] = &[
    Row {
        name: "error-log-format",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "The log line of failed connections.",
        read: error_format,
    },
    Row {
        name: "log",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Where log messages go.",
        read: target::proxy_log,
    },
    Row {
        name: "log-format",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "The log line.",
        read: format,
    },
    Row {
        name: "log-format-sd",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Structured data of RFC 5424 headers.",
        read: structured_data,
    },
    Row {
        name: "log-steps",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "When a stream is logged.",
        read: steps,
    },
    Row {
        name: "log-tag",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "The tag in log headers.",
        read: tag,
    },
];

/// The sections of this family.
pub const SECTIONS: &[SectionRow] = &[
    SectionRow {
        name: "log-forward",
        doc: "Receives and forwards log messages.",
        open: forward::open,
    },
    SectionRow {
        name: "log-profile",
        doc: "Formats by the step at which a line is logged.",
        open: profile::open,
    },
    SectionRow {
        name: "ring",
        doc: "A buffer of log messages.",
        open: ring::open,
    },
];

/// The steps at which a stream can be logged, in the order of their bits in `ProxyLog::steps`.
pub const STEPS: [&str; 13] = [
    "accept",
    "request",
    "connect",
    "response",
    "close",
    "quic-init",
    "http-req",
    "http-res",
    "http-after-res",
    "tcp-req-conn",
    "tcp-req-sess",
    "tcp-req-cont",
    "tcp-res-cont",
];

const NO_TAG: &str = "'log-tag' expects a tag for use in syslog.";

fn global_tag(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => return Err(statement.fault_here(NO_TAG)),
        tag => parser.global.log_tag = Some(tag.into()),
    }
    Ok(())
}

fn tag(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "" => return Err(statement.fault_here(NO_TAG)),
        tag => parser.proxy()?.log.tag = Some(tag.into()),
    }
    Ok(())
}

/// `log-send-hostname`: the given name or the system's.
pub(super) fn send_hostname(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = match statement.arg(0) {
        "" => match std::fs::read_to_string("/proc/sys/kernel/hostname") {
            Ok(name) => name.trim_end().to_owned(),
            Err(_) => {
                return Err(statement
                    .fault_here("'log-send-hostname' : the system does not tell its host name."));
            }
        },
        name => name.to_owned(),
    };
    parser.global.log_hostname = Some(name.into());
    Ok(())
}

/// A format's text with the place where it stands.
type Written = Option<(Arc<str>, Arc<str>, u32)>;

/// Reads the one argument of a format directive into `place`.
fn format_text(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    place: fn(&mut Proxy) -> &mut Written,
) -> Parsed<bool> {
    let keyword = statement.keyword();
    if statement.is_empty() {
        return Err(statement.fault_here(format!("{keyword} expects an argument.")));
    }
    if statement.len() > 1 {
        let message =
            format!("{keyword} expects only one argument, don't forget to escape spaces!");
        return Err(statement
            .fault(1, message)
            .hint("put the whole format into quotes"));
    }
    let (file, line) = statement.origin();
    let proxy = parser.proxy()?;
    if !proxy.caps.front {
        let message = format!(
            "backend '{}' : '{keyword}' directive is ignored in backends.",
            proxy.name
        );
        parser.warn(statement, message, None);
        return Ok(false);
    }
    *place(proxy) = Some((statement.arg(0).into(), file, line));
    Ok(true)
}

fn format(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if format_text(parser, statement, |proxy| &mut proxy.log.format_text)? {
        parser.proxy()?.log.line = crate::log::DefaultLine::Custom;
    }
    Ok(())
}

fn error_format(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    format_text(parser, statement, |proxy| &mut proxy.log.error_format_text).map(drop)
}

fn structured_data(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    format_text(parser, statement, |proxy| {
        &mut proxy.log.structured_data_text
    })
    .map(drop)
}

fn steps(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let proxy = parser.proxy()?;
    if !proxy.caps.front {
        let message = format!(
            "log-steps will be ignored because backend '{}' has no frontend capability",
            proxy.name
        );
        parser.warn(statement, message, None);
        return Ok(());
    }
    let mut bits = 0;
    for name in statement.arg(0).split(',').filter(|name| !name.is_empty()) {
        bits |= match STEPS.iter().position(|step| *step == name) {
            Some(at) => 1 << at,
            None if name == "all" => (1 << STEPS.len()) - 1,
            None => {
                let expected = STEPS.join(", ");
                let message =
                    format!("invalid log step name ({name}). Expected values are: {expected}");
                return Err(statement.fault(0, message));
            }
        };
    }
    parser.proxy()?.log.steps = bits;
    Ok(())
}

/// The name of a section, checked.
/// The name of a section, which must be there and well-formed.
///
/// # Errors
/// What is wrong with it.
pub(super) fn section_name(statement: Statement<'_>) -> Parsed<&str> {
    let (keyword, name) = (statement.keyword(), statement.arg(0));
    if name.is_empty() {
        return Err(statement.fault_here(format!("missing name for {keyword} section.")));
    }
    statement.at_most(1)?;
    match name.chars().find(|c| !may_be_in_name(*c)) {
        Some(bad) => Err(statement.fault(
            0,
            format!("character '{bad}' is not permitted in '{keyword}' name '{name}'."),
        )),
        None => Ok(name),
    }
}

fn may_be_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.:".contains(c)
}

#[cfg(test)]
mod tests;
