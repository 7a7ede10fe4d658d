//! The TCP side of a proxy: source addresses and keep-alive probes.

use super::{Half, clamp, has_half, integer};
use crate::address::{self, Address, Allow};
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid, parse_duration};
use crate::proxy::KeepAliveProbe;
use crate::server::{SourceBinding, UseSource};
use base::units::TimeUnit;
use std::net::SocketAddr;
use std::sync::Arc;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "source",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "The address that servers are connected from.",
        read: source,
    },
    Row {
        name: "usesrc",
        valid: Valid::BE_DEF,
        args: (0, ANY),
        doc: "Part of 'source'.",
        read: lone_usesrc,
    },
    Row {
        name: "clitcpka-cnt",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Probes to a silent client.",
        read: keep_alive,
    },
    Row {
        name: "clitcpka-idle",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Silence before probing a client.",
        read: keep_alive,
    },
    Row {
        name: "clitcpka-intvl",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Time between probes to a client.",
        read: keep_alive,
    },
    Row {
        name: "srvtcpka-cnt",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Probes to a silent server.",
        read: keep_alive,
    },
    Row {
        name: "srvtcpka-idle",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Silence before probing a server.",
        read: keep_alive,
    },
    Row {
        name: "srvtcpka-intvl",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Time between probes to a server.",
        read: keep_alive,
    },
];

fn source(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here(
            "'source' expects <addr>[:<port>], and optionally 'usesrc' <addr>, and 'interface' <name>.",
        ));
    }
    let ports = Allow {
        range: false,
        ..Allow::SOURCE
    };
    let (source, used) = read_source(statement, 0, ports)?;
    if used < statement.len() {
        return Err(statement.fault(
            used,
            "'source' only supports optional keywords 'interface' and 'usesrc'.",
        ));
    }
    parser.proxy()?.back.source = Some(Arc::new(source));
    Ok(())
}

fn lone_usesrc(_: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    Err(statement.fault_here("'usesrc' only allowed after a 'source' statement."))
}

/// Reads an address with `usesrc` and `interface` from the arguments at `from` on, and says at which argument it ended.
///
/// # Errors
/// When an address or a name is missing or faulty.
pub(crate) fn read_source(
    statement: Statement<'_>,
    from: usize,
    ports: Allow,
) -> Parsed<(SourceBinding, usize)> {
    let (address, last_port) = local_address(statement, from, "source", ports)?;
    let first_port = address.map_or(0, |address| address.port());
    let mut source = SourceBinding {
        address: address
            .map(|address| address.ip())
            .filter(|ip| !ip.is_unspecified()),
        ports: (first_port, last_port),
        use_source: UseSource::No,
        interface: None,
    };
    let mut at = from + 1;
    loop {
        match statement.arg(at) {
            "usesrc" => source.use_source = use_source(statement, at + 1)?,
            "interface" => match statement.arg(at + 1) {
                "" => return Err(statement.fault(at, "'source' : missing interface name.")),
                name => source.interface = Some(name.into()),
            },
            _ => return Ok((source, at)),
        }
        at += 2;
    }
}

fn local_address(
    statement: Statement<'_>,
    at: usize,
    keyword: &str,
    ports: Allow,
) -> Parsed<(Option<SocketAddr>, u16)> {
    let text = statement.arg(at);
    let range = address::parse(text, ports)
        .map_err(|why| statement.fault(at, format!("'{keyword} {text}' : {why}")))?;
    match range.address {
        Address::Inet(address) => Ok((Some(address), range.last_port)),
        _ => Err(statement.fault(
            at,
            format!("'{keyword} {text}' : only IPv4 and IPv6 addresses can be bound to"),
        )),
    }
}

fn use_source(statement: Statement<'_>, at: usize) -> Parsed<UseSource> {
    Ok(match statement.arg(at) {
        "" => {
            return Err(statement.fault(
                at - 1,
                "'usesrc' expects <addr>[:<port>], 'client', or 'clientip' as argument.",
            ));
        }
        "client" => UseSource::Client,
        "clientip" => UseSource::ClientIp,
        text => match text.strip_prefix("hdr_ip(") {
            Some(rest) => header(rest),
            None => match local_address(
                statement,
                at,
                "usesrc",
                Allow {
                    range: false,
                    ..Allow::SOURCE
                },
            )?
            .0
            {
                Some(address) => UseSource::Address(address),
                None => UseSource::No,
            },
        },
    })
}

fn header(rest: &str) -> UseSource {
    let rest = rest.strip_suffix(')').unwrap_or(rest);
    let (name, occurrence) = match rest.split_once(',') {
        Some((name, number)) => (name, number.trim().parse().unwrap_or(-1)),
        None => (rest, -1),
    };
    UseSource::Header(name.trim().to_ascii_lowercase().into(), occurrence)
}

fn keep_alive(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    let half = if keyword.starts_with("cli") {
        Half::Front
    } else {
        Half::Back
    };
    let value = if keyword.ends_with("-cnt") {
        clamp(integer(statement, 0, "expects an integer value")?)
    } else {
        seconds(statement)?
    };
    statement.at_most(1)?;
    if !has_half(parser, statement, half, keyword)? {
        return Ok(());
    }
    let proxy = parser.proxy()?;
    let probe: &mut KeepAliveProbe = match half {
        Half::Front => &mut proxy.front.keepalive_probe,
        _ => &mut proxy.back.keepalive_probe,
    };
    // Zero leaves the figure to the system.
    let value = Some(value).filter(|value| *value != 0);
    match keyword.rsplit('-').next() {
        Some("cnt") => probe.count = value,
        Some("idle") => probe.idle = value,
        _ => probe.interval = value,
    }
    Ok(())
}

fn seconds(statement: Statement<'_>) -> Parsed<u32> {
    let keyword = statement.keyword();
    match statement.arg(0) {
        "" => Err(statement.fault_here(format!("'{keyword}' expects an integer value"))),
        text => match parse_duration(text, TimeUnit::Second) {
            Ok(ms) => Ok(u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX)),
            Err(why) => Err(statement.fault(0, format!("{why} in argument to <{keyword}>."))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listen, read};
    use crate::server::UseSource;

    #[test]
    fn sources() {
        let of = |line: &str| {
            listen(&format!(" source {line}"))
                .proxy("l")
                .back
                .source
                .clone()
                .expect("a source")
        };
        let plain = of("10.0.0.1:80 interface eth0");
        assert_eq!(
            (plain.address, plain.ports, plain.interface.as_deref()),
            (
                Some("10.0.0.1".parse().expect("ip")),
                (80, 80),
                Some("eth0")
            )
        );
        assert!(of("0.0.0.0 usesrc clientip").address.is_none());
        assert!(matches!(
            of("0.0.0.0 usesrc client").use_source,
            UseSource::Client
        ));
        assert!(
            matches!(&of("0.0.0.0 usesrc hdr_ip(X-Real,-2)").use_source, UseSource::Header(name, -2) if &**name == "x-real")
        );
        assert!(
            matches!(of("0.0.0.0 usesrc 10.1.1.1:5").use_source, UseSource::Address(a) if a.port() == 5)
        );
    }

    #[test]
    fn probes() {
        let out =
            listen(" clitcpka-cnt 3\n clitcpka-idle 1m\n srvtcpka-intvl 10\n srvtcpka-idle 100ms");
        let proxy = out.proxy("l");
        assert_eq!(
            (
                proxy.front.keepalive_probe.count,
                proxy.front.keepalive_probe.idle
            ),
            (Some(3), Some(60))
        );
        assert_eq!(
            (
                proxy.back.keepalive_probe.interval,
                proxy.back.keepalive_probe.idle
            ),
            (Some(10), Some(1))
        );
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (
                " source",
                "'source' expects <addr>[:<port>], and optionally 'usesrc' <addr>, and 'interface' <name>.",
            ),
            (
                " source 0.0.0.0 usesrc",
                "'usesrc' expects <addr>[:<port>], 'client', or 'clientip' as argument.",
            ),
            (
                " source 0.0.0.0 interface",
                "'source' : missing interface name.",
            ),
            (
                " source 0.0.0.0 foo",
                "'source' only supports optional keywords 'interface' and 'usesrc'.",
            ),
            (
                " usesrc 1.2.3.4",
                "'usesrc' only allowed after a 'source' statement.",
            ),
            (" clitcpka-cnt", "'clitcpka-cnt' expects an integer value"),
            (
                " clitcpka-cnt a",
                "'clitcpka-cnt' : unexpected character 'a' in integer value 'a'",
            ),
            (
                " clitcpka-idle a",
                "unexpected character 'a' in argument to <clitcpka-idle>.",
            ),
        ] {
            let out = listen(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
        let out = read("backend b\n clitcpka-cnt 3\n timeout connect 1s\n timeout server 1s\n");
        assert!(
            out.messages.contains(
                "clitcpka-cnt will be ignored because backend 'b' has no frontend capability"
            ),
            "{}",
            out.messages
        );
    }
}
