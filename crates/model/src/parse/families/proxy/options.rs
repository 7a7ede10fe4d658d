//! `option`, `no option` and `default option`.

use super::{Half, legacy, not_built, number};
use crate::log::DefaultLine;
use crate::parse::{ANY, Fault, Parsed, Parser, Row, Statement, Valid, known};
use crate::proxy::{CloseMode, ForwardHeader, HttpCheck, Options, RestrictNames};
use std::net::IpAddr;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "option",
    valid: Valid::ALL,
    args: (0, ANY),
    doc: "Switches a feature of the proxy.",
    read: option,
}];

/// An option that is only on or off.
pub struct OptionRow {
    /// Its name.
    pub name: &'static str,
    /// Its bit.
    pub bit: Options,
    /// Where it is valid.
    pub valid: Valid,
    /// Whether it does nothing outside of HTTP mode.
    pub http_only: bool,
    /// One line of documentation.
    pub doc: &'static str,
}

const fn plain(name: &'static str, bit: Options, valid: Valid, doc: &'static str) -> OptionRow {
    OptionRow {
        name,
        bit,
        valid,
        http_only: false,
        doc,
    }
}

const fn http(name: &'static str, bit: Options, valid: Valid, doc: &'static str) -> OptionRow {
    OptionRow {
        name,
        bit,
        valid,
        http_only: true,
        doc,
    }
}

/// The options that are only on or off.
pub const SWITCHES: &[OptionRow] = &[
    plain(
        "abortonclose",
        Options::ABORT_ON_CLOSE,
        Valid::ALL,
        "Give up queued requests of clients that left.",
    ),
    http(
        "accept-unsafe-violations-in-http-request",
        Options::UNSAFE_REQUEST,
        Valid::FE_DEF,
        "Take requests that break the rules.",
    ),
    http(
        "accept-unsafe-violations-in-http-response",
        Options::UNSAFE_RESPONSE,
        Valid::BE_DEF,
        "Take responses that break the rules.",
    ),
    plain(
        "allbackups",
        Options::ALL_BACKUPS,
        Valid::BE_DEF,
        "Balance over all backup servers.",
    ),
    http(
        "checkcache",
        Options::CHECK_CACHE,
        Valid::BE_DEF,
        "Refuse cacheable responses that set cookies.",
    ),
    plain(
        "clitcpka",
        Options::CLIENT_KEEPALIVE,
        Valid::FE_DEF,
        "TCP keep-alive probes to clients.",
    ),
    plain(
        "contstats",
        Options::CONTINUOUS_STATS,
        Valid::FE_DEF,
        "Update traffic counters while transfers last.",
    ),
    http(
        "disable-h2-upgrade",
        Options::NO_H2_UPGRADE,
        Valid::FE_DEF,
        "No upgrade from HTTP/1 to HTTP/2.",
    ),
    plain(
        "dontlog-normal",
        Options::DONT_LOG_NORMAL,
        Valid::FE_DEF,
        "Log only what went wrong.",
    ),
    plain(
        "dontlognull",
        Options::DONT_LOG_NULL,
        Valid::FE_DEF,
        "Don't log connections without data.",
    ),
    plain(
        "h1-case-adjust-bogus-client",
        Options::ADJUST_CLIENT_CASE,
        Valid::FE_DEF,
        "Restore header case for clients.",
    ),
    plain(
        "h1-case-adjust-bogus-server",
        Options::ADJUST_SERVER_CASE,
        Valid::BE_DEF,
        "Restore header case for servers.",
    ),
    http(
        "http-buffer-request",
        Options::BUFFER_REQUEST,
        Valid::ALL,
        "Wait for the request's body.",
    ),
    http(
        "http-drop-request-trailers",
        Options::DROP_REQUEST_TRAILERS,
        Valid::BE_DEF,
        "Don't pass on request trailers.",
    ),
    http(
        "http-drop-response-trailers",
        Options::DROP_RESPONSE_TRAILERS,
        Valid::FE_DEF,
        "Don't pass on response trailers.",
    ),
    http(
        "http-ignore-probes",
        Options::IGNORE_PROBES,
        Valid::FE_DEF,
        "No answer to browsers' idle connections.",
    ),
    http(
        "http-no-delay",
        Options::NO_DELAY,
        Valid::ALL,
        "Send every piece of a body at once.",
    ),
    http(
        "http-pretend-keepalive",
        Options::PRETEND_KEEPALIVE,
        Valid::BE_DEF,
        "Announce keep-alive to servers that are closed.",
    ),
    http(
        "http-use-proxy-header",
        Options::USE_PROXY_HEADER,
        Valid::FE_DEF,
        "Use Proxy-Connection instead of Connection.",
    ),
    http(
        "idle-close-on-response",
        Options::IDLE_CLOSE_ON_RESPONSE,
        Valid::FE_DEF,
        "Close idle clients only with a response when stopping.",
    ),
    plain(
        "independent-streams",
        Options::INDEPENDENT_STREAMS,
        Valid::ALL,
        "Time out each direction by itself.",
    ),
    plain(
        "log-health-checks",
        Options::LOG_HEALTH_CHECKS,
        Valid::BE_DEF,
        "Log every change of a check's result.",
    ),
    plain(
        "log-separate-errors",
        Options::LOG_SEPARATE_ERRORS,
        Valid::FE_DEF,
        "Log errors at level err.",
    ),
    plain(
        "logasap",
        Options::LOG_ASAP,
        Valid::FE_DEF,
        "Log before the end of the transfer.",
    ),
    plain(
        "nolinger",
        Options::NO_LINGER,
        Valid::ALL,
        "Close with a reset.",
    ),
    plain(
        "persist",
        Options::PERSIST,
        Valid::BE_DEF,
        "Stay with a server that is down.",
    ),
    http(
        "prefer-last-server",
        Options::PREFER_LAST_SERVER,
        Valid::BE_DEF,
        "Stay with a client's last server.",
    ),
    plain(
        "socket-stats",
        Options::SOCKET_STATS,
        Valid::FE_DEF,
        "Count per listening socket.",
    ),
    plain(
        "splice-auto",
        Options::SPLICE_AUTO,
        Valid::ALL,
        "Splice where it pays.",
    ),
    plain(
        "splice-request",
        Options::SPLICE_REQUEST,
        Valid::ALL,
        "Splice requests.",
    ),
    plain(
        "splice-response",
        Options::SPLICE_RESPONSE,
        Valid::ALL,
        "Splice responses.",
    ),
    plain(
        "srvtcpka",
        Options::SERVER_KEEPALIVE,
        Valid::BE_DEF,
        "TCP keep-alive probes to servers.",
    ),
    plain(
        "tcp-smart-accept",
        Options::SMART_ACCEPT,
        Valid::FE_DEF,
        "No immediate ACK of a connection.",
    ),
    plain(
        "tcp-smart-connect",
        Options::SMART_CONNECT,
        Valid::BE_DEF,
        "No ACK before the data when connecting.",
    ),
    plain(
        "transparent",
        Options::TRANSPARENT,
        Valid::BE_DEF,
        "Connect to the original destination.",
    ),
];

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
    special("forwardfor", Valid::ALL, false, forward_for),
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
    special("httpchk", Valid::BE_DEF, false, http_check),
    special("httpclose", Valid::ALL, true, |p, s| {
        close_mode(p, s, CloseMode::Close)
    }),
    special("httplog", Valid::ALL, false, |p, s| {
        log_line(p, s, DefaultLine::Http)
    }),
    special("httpslog", Valid::ALL, false, |p, s| {
        log_line(p, s, DefaultLine::Https)
    }),
    special("originalto", Valid::ALL, false, original_to),
    special("redispatch", Valid::BE_DEF, true, redispatch),
    special("tcpka", Valid::ALL, false, tcp_keepalive),
    special("tcplog", Valid::ALL, false, |p, s| {
        log_line(p, s, DefaultLine::Tcp)
    }),
];

/// All option names.
pub fn names() -> impl Iterator<Item = &'static str> {
    let built = SWITCHES
        .iter()
        .map(|row| row.name)
        .chain(SPECIALS.iter().map(|row| row.name));
    built.chain(known::names(known::Family::ProxyOption))
}

fn option(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'option' expects an option name."));
    }
    if let Some(answer) = legacy::option(parser, statement, name) {
        return answer;
    }
    if let Some(waits) = known::waits_for(known::Family::ProxyOption, name) {
        return Err(not_built(statement, 0, &format!("option {name}"), waits));
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
    if row.bit == Options::TRANSPARENT && !statement.is_negated() {
        legacy::transparent(parser, statement)?;
    }
    let on = !statement.is_negated() && !statement.is_default();
    parser.proxy()?.options.set(row.bit, on);
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

/// A network in address/bits or address/mask form; bare addresses are networks of their own.
pub(super) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match mask {
        None => most,
        Some(mask) => match mask.parse::<u8>() {
            Ok(bits) => bits,
            Err(_) => contiguous(mask)?,
        },
    };
    (bits <= most).then_some((address, bits))
}

fn contiguous(mask: &str) -> Option<u8> {
    let (bits, ones) = match mask.parse().ok()? {
        IpAddr::V4(mask) => (
            u128::from(u32::from(mask)) << 96,
            u32::from(mask).leading_ones(),
        ),
        IpAddr::V6(mask) => (u128::from(mask), u128::from(mask).leading_ones()),
    };
    (bits.count_ones() == ones).then(|| u8::try_from(ones).unwrap_or(128))
}

fn forward_header(
    statement: Statement<'_>,
    default: &str,
    allow_if_none: bool,
    only: &str,
) -> Parsed<ForwardHeader> {
    let name = statement.keyword();
    let mut header = ForwardHeader {
        name: default.into(),
        except: None,
        if_none: false,
    };
    let mut at = 0;
    while at < statement.len() {
        match statement.arg(at) {
            "except" => {
                let expected =
                    || format!("'option {name} except' expects <address>[/mask] as argument.");
                header.except = Some(
                    network(statement.arg(at + 1))
                        .ok_or_else(|| statement.fault(at + 1, expected()))?,
                );
                at += 2;
            }
            "header" => {
                let given = statement.arg(at + 1);
                if given.is_empty() {
                    return Err(statement.fault(
                        at,
                        format!("'option {name} header' expects <header_name> as argument."),
                    ));
                }
                header.name = given.to_ascii_lowercase().into();
                at += 2;
            }
            "if-none" if allow_if_none => {
                header.if_none = true;
                at += 1;
            }
            _ => {
                return Err(statement.fault(
                    at,
                    format!("'option {name}' only supports optional values: {only}."),
                ));
            }
        }
    }
    Ok(header)
}

fn forward_for(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let header = forward_header(
        statement,
        "x-forwarded-for",
        true,
        "'except', 'header' and 'if-none'",
    )?;
    parser.proxy()?.forward_for = Some(Arc::new(header));
    Ok(())
}

fn original_to(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let header = forward_header(statement, "x-original-to", false, "'except' and 'header'")?;
    parser.proxy()?.original_to = Some(Arc::new(header));
    Ok(())
}

fn http_check(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (method, uri, version) = match statement.len() {
        0 => ("OPTIONS", "/", ""),
        1 => ("OPTIONS", statement.arg(0), ""),
        _ => (statement.arg(0), statement.arg(1), statement.arg(2)),
    };
    statement.at_most(4)?;
    let mut headers: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    if !statement.arg(3).is_empty() {
        headers.push(("host".into(), statement.arg(3).into()));
    }
    let mut lines = version.split("\r\n");
    let version = lines.next().unwrap_or_default();
    let hidden: Vec<&str> = lines.collect();
    if !hidden.is_empty() {
        hidden_headers(parser, statement, version, &hidden, &mut headers)?;
    }
    let version = if version.is_empty() {
        "HTTP/1.0"
    } else {
        version
    };
    let draft = parser.draft()?;
    draft.check_option = Some("httpchk");
    draft.proxy.back.http_check = Some(Arc::new(HttpCheck {
        method: method.into(),
        uri: uri.into(),
        version: version.into(),
        headers,
    }));
    Ok(())
}

/// Headers behind the version, as was common before `http-check send` existed.
fn hidden_headers(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    version: &str,
    hidden: &[&str],
    headers: &mut Vec<(Arc<str>, Arc<str>)>,
) -> Parsed {
    let end = hidden
        .iter()
        .position(|line| line.is_empty())
        .unwrap_or(hidden.len());
    let (lines, body) = hidden.split_at(end);
    if body.iter().any(|line| !line.is_empty()) {
        return Err(statement
            .fault(
                2,
                "'option httpchk' : hiding a body at the end of the version string is unsupported.",
            )
            .hint("write: http-check send body <string>"));
    }
    let mut modern = format!(
        "http-check send meth {} uri {} ver {version}",
        statement.arg(0),
        statement.arg(1)
    );
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            return Err(statement.fault(2, format!("'option httpchk' : '{line}' is no header.")));
        };
        let value = value.trim();
        modern.push_str(&format!(" hdr {name} \"{value}\""));
        headers.push((name.to_ascii_lowercase().into(), value.into()));
    }
    let message = "'option httpchk' : hiding headers or body at the end of the version string is unsupported. \
                   Use 'http-check send' directive instead.";
    parser.outdated(statement, message, modern)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listen, read, tcp};
    use super::network;
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
                " option mysql-check",
                "'option mysql-check' is known but not built yet in hapax (waits for: health checks).",
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
    fn forwarding_headers() {
        let out = listen(
            " option forwardfor except 127.0.0.0/255.0.0.0 header X-Client if-none\n option originalto except ::1",
        );
        let proxy = out.proxy("l");
        let (to, from) = (
            proxy.forward_for.as_deref().expect("set"),
            proxy.original_to.as_deref().expect("set"),
        );
        assert_eq!(
            (&*to.name, to.except, to.if_none),
            (
                "x-client",
                Some(("127.0.0.0".parse().expect("ip"), 8)),
                true
            )
        );
        assert_eq!(
            (&*from.name, from.except),
            ("x-original-to", Some(("::1".parse().expect("ip"), 128)))
        );
    }

    #[test]
    fn networks() {
        assert_eq!(network("10.0.0.0/33"), None);
        assert_eq!(network("10.0.0.0/255.0.255.0"), None);
        assert_eq!(network("10.0.0.0/0.0.0.0").map(|n| n.1), Some(0));
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

    #[test]
    fn headers_behind_the_version_of_a_check() {
        let out = listen(r#" option httpchk HEAD /up "HTTP/1.1\r\nHost:\ www.example.org""#);
        let check = out.proxy("l").back.http_check.clone().expect("a check");
        assert_eq!(
            (&*check.method, &*check.uri, &*check.version),
            ("HEAD", "/up", "HTTP/1.1")
        );
        assert_eq!(check.headers, [("host".into(), "www.example.org".into())]);
        assert!(
            out.messages
                .contains("http-check send meth HEAD uri /up ver HTTP/1.1 hdr Host"),
            "{}",
            out.messages
        );
    }
}
