//! `option`, `no option` and `default option`.

use super::switches::{OptionRow, SWITCHES};
use super::{Half, legacy, number};
use crate::log::DefaultLine;
use crate::parse::families::check;
use crate::parse::{ANY, Fault, Parsed, Parser, Row, Statement, Valid};
use crate::proxy::{CloseMode, Options, RestrictNames};
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "option",
    valid: Valid::ALL,
    args: (0, ANY),
    doc: "Switches a feature of the proxy.",
    read: option,
}];

/// An option with parameters or a meaning of its own.
struct Special {
    name: &'static str,
    /// How the warning of a missing half calls it.
    named: &'static str,
    valid: Valid,
    /// Whether `no option` is allowed.
    negatable: bool,
    read: fn(&mut Parser<'_>, Statement<'_>) -> Parsed,
}

const fn special(
    name: &'static str,
    valid: Valid,
    negatable: bool,
    read: fn(&mut Parser<'_>, Statement<'_>) -> Parsed,
) -> Special {
    Special {
        name,
        named: name,
        valid,
        negatable,
        read,
    }
}

/// An option that chooses the health check.
const fn check(name: &'static str) -> Special {
    special(name, Valid::BE_DEF, false, check::protocols::read)
}

const SPECIALS: &[Special] = &[
    Special {
        named: "option forwarded",
        ..special(
            "forwarded",
            Valid::BE_DEF,
            true,
            super::forwarded::forwarded,
        )
    },
    special(
        "forwardfor",
        Valid::ALL,
        false,
        super::forwardfor::forward_for,
    ),
    special("http-keep-alive", Valid::ALL, true, |p, s| {
        close_mode(p, s, CloseMode::KeepAlive)
    }),
    special(
        "http-restrict-req-hdr-names",
        Valid::ALL,
        false,
        restrict_names,
    ),
    special("http-server-close", Valid::ALL, true, |p, s| {
        close_mode(p, s, CloseMode::ServerClose)
    }),
    check("external-check"),
    check("httpchk"),
    check("ldap-check"),
    check("mysql-check"),
    check("pgsql-check"),
    check("redis-check"),
    check("smtpchk"),
    check("spop-check"),
    check("ssl-hello-chk"),
    check("tcp-check"),
    special("httpclose", Valid::ALL, true, |p, s| {
        close_mode(p, s, CloseMode::Close)
    }),
    special("httplog", Valid::ALL, false, |p, s| {
        log_line(p, s, DefaultLine::Http)
    }),
    special("httpslog", Valid::ALL, false, |p, s| {
        log_line(p, s, DefaultLine::Https)
    }),
    special(
        "originalto",
        Valid::ALL,
        false,
        super::forwardfor::original_to,
    ),
    special("redispatch", Valid::BE_DEF, true, redispatch),
    special("tcpka", Valid::ALL, false, tcp_keepalive),
    special("tcplog", Valid::ALL, false, |p, s| {
        log_line(p, s, DefaultLine::Tcp)
    }),
    special("use-small-buffers", Valid::BE_DEF, true, small_buffers),
];

/// All option names.
pub fn names() -> impl Iterator<Item = &'static str> {
    let switches = SWITCHES.iter().map(|row| row.name);
    switches.chain(SPECIALS.iter().map(|row| row.name))
}

fn option(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'option' expects an option name."));
    }
    if let Some(answer) = legacy::option(parser, statement, name) {
        return answer;
    }
    if let Some(row) = SWITCHES.iter().find(|row| row.name == name) {
        return switch(parser, statement.inner(), row);
    }
    let special = SPECIALS.iter().find(|row| row.name == name);
    if (statement.is_negated() || statement.is_default())
        && special.is_none_or(|row| !row.negatable)
    {
        return Err(statement.fault(
            0,
            format!("negation/default is not supported for option '{name}'."),
        ));
    }
    match special {
        Some(row) if is_useful(parser, statement, row.named, row.valid)? => {
            (row.read)(parser, statement.inner())
        }
        Some(_) => Ok(()),
        None => Err(unknown(statement, name)),
    }
}

fn unknown(statement: Statement<'_>, name: &str) -> Fault {
    let fault = statement.fault(
        0,
        match config::suggest::nearest(name, names()) {
            Some(near) => format!("unknown option '{name}'; did you mean '{near}' maybe ?"),
            None => format!("unknown option '{name}'."),
        },
    );
    match name {
        "host" | "dont-parse-log" | "assume-rfc6587-ntf" => {
            fault.hint("this option belongs in a log-forward section")
        }
        _ => fault,
    }
}

/// Whether an option is valid in the open section; warns where its half is missing.
fn is_useful(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    name: &str,
    valid: Valid,
) -> Parsed<bool> {
    let proxy = parser.proxy()?;
    let caps = proxy.caps;
    if caps.defaults
        || (caps.front && valid.meets(Valid::FE))
        || (caps.back && valid.meets(Valid::BE))
    {
        return Ok(true);
    }
    let missing = if valid.meets(Valid::FE) {
        Half::Front
    } else {
        Half::Back
    };
    let message = format!(
        "'{name}' ignored because {} '{}' has no {} capability.",
        caps.section(),
        proxy.name,
        missing.name()
    );
    parser.warn(statement, message, None);
    Ok(false)
}

pub(super) fn switch(parser: &mut Parser<'_>, statement: Statement<'_>, row: &OptionRow) -> Parsed {
    statement.at_most(0)?;
    if !is_useful(parser, statement, row.name, row.valid)? {
        return Ok(());
    }
    let on = !statement.is_negated() && !statement.is_default();
    if let Some(reason) = row.holds.filter(|_| on) {
        parser.notice_once(
            statement,
            format!("'option {}' has no effect: {reason}.", row.name),
        );
    }
    let options = &mut parser.proxy()?.options;
    options.set(row.bit, on);
    if row.bit == Options::ABORT_ON_CLOSE {
        // On by default in HTTP backends, so that switching it off is more than not switching it on.
        options.set(Options::NO_ABORT_ON_CLOSE, statement.is_negated());
    }
    Ok(())
}

fn close_mode(parser: &mut Parser<'_>, statement: Statement<'_>, mode: CloseMode) -> Parsed {
    statement.at_most(0)?;
    let off = statement.is_negated() || statement.is_default();
    let proxy = parser.proxy()?;
    if !off {
        proxy.close_mode = mode;
    } else if proxy.close_mode == mode {
        proxy.close_mode = CloseMode::KeepAlive;
    }
    Ok(())
}

fn log_line(parser: &mut Parser<'_>, statement: Statement<'_>, line: DefaultLine) -> Parsed {
    let name = statement.keyword();
    let line = match (line, statement.arg(0)) {
        (DefaultLine::Https, _) | (_, "") => line,
        (DefaultLine::Http, "clf") => DefaultLine::HttpClf,
        (_, "clf") => DefaultLine::TcpClf,
        _ => {
            return Err(statement.fault(0, format!("keyword '{name}' only supports option 'clf'.")));
        }
    };
    if line != DefaultLine::Https {
        statement.at_most(1)?;
    }
    let draft = parser.draft()?;
    if !draft.proxy.caps.front {
        let message = format!(
            "backend '{}' : 'option {name}' directive is ignored in backends.",
            draft.proxy.name
        );
        parser.warn(statement, message, None);
        return Ok(());
    }
    draft.proxy.log.line = line;
    draft.proxy.log.format_text = None;
    draft.notes.log_option = Some(Arc::new(statement.line.clone()));
    Ok(())
}

fn tcp_keepalive(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    statement.at_most(0)?;
    let proxy = parser.proxy()?;
    if proxy.caps.front {
        proxy.options.set(Options::CLIENT_KEEPALIVE, true);
    }
    if proxy.caps.back {
        proxy.options.set(Options::SERVER_KEEPALIVE, true);
    }
    Ok(())
}

fn redispatch(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let interval = match statement.arg(0) {
        "" => -1,
        _ => number(parser, statement, 0, "")?,
    };
    statement.at_most(1)?;
    let interval =
        i32::try_from(interval.clamp(i64::from(i32::MIN), i64::from(i32::MAX))).unwrap_or(-1);
    let off = statement.is_negated() || statement.is_default() || interval == 0;
    parser.proxy()?.back.redispatch = (!off).then_some(interval);
    Ok(())
}

fn restrict_names(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    const CHOICE: &str =
        "option 'http-restrict-req-hdr-names' expects 'preserve', 'reject' or 'delete' option.";
    let policy = match statement.arg(0) {
        "preserve" => RestrictNames::Preserve,
        "delete" => RestrictNames::Delete,
        "reject" => RestrictNames::Reject,
        "" => return Err(statement.fault_here(format!("missing parameter. {CHOICE}"))),
        other => return Err(statement.fault(0, format!("invalid parameter '{other}'. {CHOICE}"))),
    };
    statement.at_most(1)?;
    parser.proxy()?.front.restrict_names = Some(policy);
    Ok(())
}

/// Requests that wait in queues or for another try, and those of health checks, take no more memory than they are long.
fn small_buffers(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let known = ["queue", "l7-retries", "check"];
    let words = statement.args_from(0);
    if let Some(at) = words.iter().position(|word| !known.contains(word)) {
        let message = format!(
            "invalid parameter '{}'. option 'use-small-buffers' expects 'queue', 'l7-retries' or 'check' value.",
            words.get(at).unwrap_or(&"")
        );
        return Err(statement.fault(at, message));
    }
    if !statement.is_negated() && !statement.is_default() {
        parser.notice_once(
            statement,
            "'option use-small-buffers' has no effect: what waits takes no more memory than it is long.",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listen, read, tcp};
    use crate::log::DefaultLine;
    use crate::proxy::{CloseMode, Options, RestrictNames};

    #[test]
    fn switches_go_on_and_off() {
        let out = listen(
            " option nolinger\n option dontlognull\n no option dontlognull\n option tcpka\n option http-no-delay",
        );
        let options = out.proxy("l").options;
        assert!(
            options.has(Options::NO_LINGER)
                && !options.has(Options::DONT_LOG_NULL)
                && options.has(Options::NO_DELAY)
        );
        assert!(options.has(Options::CLIENT_KEEPALIVE) && options.has(Options::SERVER_KEEPALIVE));
    }

    #[test]
    fn an_option_of_defaults_can_be_switched_off() {
        let out = read(
            "defaults\n option http-server-close\n option logasap\n option redispatch 3\n timeout client 1s\nfrontend f\n bind 127.0.0.1:80\n no option logasap\n no option http-server-close\n",
        );
        let proxy = out.proxy("f");
        assert!(!proxy.options.has(Options::LOG_ASAP));
        assert_eq!(
            (proxy.close_mode, proxy.back.redispatch),
            (CloseMode::KeepAlive, Some(3))
        );
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (" option", "'option' expects an option name."),
            (
                " option httplo",
                "unknown option 'httplo'; did you mean 'httplog' maybe ?",
            ),
            (
                " no option httplog",
                "negation/default is not supported for option 'httplog'.",
            ),
            (
                " option httplog foo",
                "keyword 'httplog' only supports option 'clf'.",
            ),
            (
                " option nolinger x",
                "'option nolinger' cannot handle unexpected argument 'x'.",
            ),
            (
                " option forwardfor x",
                "'option forwardfor' only supports optional values: 'except', 'header' and 'if-none'.",
            ),
            (
                " option forwardfor except foo",
                "'option forwardfor except' expects <address>[/mask] as argument.",
            ),
            (
                " option originalto if-none",
                "'option originalto' only supports optional values: 'except' and 'header'.",
            ),
            (
                " option http-restrict-req-hdr-names foo",
                "invalid parameter 'foo'. option 'http-restrict-req-hdr-names' expects",
            ),
            (
                " option mysql-check foo",
                "'option mysql-check' only supports optional values: 'user' (got 'foo').",
            ),
        ] {
            let out = listen(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
    }

    #[test]
    fn log_lines() {
        let out = listen(
            " option httplog\n option tcplog clf\n option http-restrict-req-hdr-names reject",
        );
        assert_eq!(out.proxy("l").log.line, DefaultLine::TcpClf);
        assert_eq!(
            out.proxy("l").front.restrict_names,
            Some(RestrictNames::Reject)
        );
    }

    #[test]
    fn http_options_warn_in_tcp_mode_and_other_halves_are_named() {
        let out = tcp(" option forwardfor\n option http-no-delay");
        assert!(
            out.messages
                .contains("'option forwardfor' ignored for proxy 'l' as it requires HTTP mode."),
            "{}",
            out.messages
        );
        assert!(
            out.messages
                .contains("'option http-no-delay' ignored for proxy 'l' as it requires HTTP mode."),
            "{}",
            out.messages
        );
        let out = read(
            "backend b\n option logasap\n option httplog\n timeout connect 1s\n timeout server 1s\n",
        );
        assert!(
            out.messages
                .contains("'logasap' ignored because backend 'b' has no frontend capability."),
            "{}",
            out.messages
        );
        assert!(
            out.messages
                .contains("backend 'b' : 'option httplog' directive is ignored in backends."),
            "{}",
            out.messages
        );
        assert!(out.loaded.is_some());
    }
}
