//! Where servers are, and whether they are spoken to in TLS.

use crate::command::Args;
use crate::reply::Reply;
use engine::backend::Location;
use engine::proxy::{ProxyRuntime, ServerRuntime};
use model::Address;
use std::net::{IpAddr, SocketAddr};

const BY: &str = " by 'stats socket command'";
const NO_PORT_MAP: &str = "can't change <port> to port map because it is incompatible with current health check port configuration (use 'port' statement from the 'server' directive).";

/// A port: a number, or one to be added to the client's destination port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Port {
    number: u16,
    mapped: bool,
}

impl Port {
    /// As C reads it: what follows the digits is left alone, and what is too large wraps.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = digits.find(|c: char| !c.is_ascii_digit());
        let digits = digits.get(..end.unwrap_or(digits.len()))?;
        let number: i64 = digits.parse().ok()?;
        let number = if text.starts_with('-') {
            -number
        } else {
            number
        };
        Some(Self {
            number: number.rem_euclid(1 << 16) as u16,
            mapped: text.starts_with(['+', '-']),
        })
    }

    fn of(location: &Location) -> Self {
        Self {
            number: location.port(),
            mapped: location.mapped_port,
        }
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.mapped { "+" } else { "" };
        write!(f, "{sign}{}", self.number)
    }
}

/// `set server … addr <address> [port <port>]`.
pub(super) fn set_address(
    reply: &mut Reply,
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    args: Args<'_>,
) {
    if server.attached.is_some() {
        return reply.error(
            "Update for the current server address family is only supported through configuration file.",
        );
    }
    let (text, port) = (args.get(2), args.get(4));
    if text.is_empty() {
        return reply.error("set server <b>/<s> addr requires an address and optionally a port.");
    }
    let Ok(ip) = text.parse::<IpAddr>() else {
        return reply.error(&format!("Invalid addr '{text}'"));
    };
    let port = match (args.get(3), Port::parse(port)) {
        ("port", None) => {
            return reply.error(&format!("problem converting port '{port}' to an int"));
        }
        ("port", port) => port,
        _ => None,
    };
    let told = relocate(proxy, server, ip, port);
    reply.info(&told);
}

/// Moves a server and says what has changed.
fn relocate(
    proxy: &ProxyRuntime,
    server: &ServerRuntime,
    ip: IpAddr,
    port: Option<Port>,
) -> String {
    let before = Location::clone(&server.whereabouts.now());
    let mut told = Vec::new();
    if before.ip() != Some(ip) {
        let from = before.ip().map_or("(none)".into(), |ip| ip.to_string());
        told.push(format!("IP changed from '{from}' to '{ip}'"));
    }
    let present = Port::of(&before);
    let mut wanted = port.filter(|port| *port != present);
    let check = &server.config.settings.check;
    if wanted.is_some_and(|port| port.mapped) && check.enabled && check.port.is_none() {
        wanted = None;
        told.push(NO_PORT_MAP.into());
    }
    if let Some(port) = wanted {
        told.push(format!("port changed from '{present}' to '{port}'"));
    }
    if before.ip() == Some(ip) && wanted.is_none() {
        return "nothing changed".into();
    }
    server.relocate(proxy, |location| {
        let port = wanted.unwrap_or(present);
        location.address = Address::Inet(SocketAddr::new(ip, port.number));
        location.known = true;
        location.mapped_port = port.mapped;
    });
    told.join(", ") + BY
}

/// `set server … ssl`.
pub(super) fn set_tls(reply: &mut Reply, server: &ServerRuntime, word: &str) {
    if server.added {
        return reply.error("'set server <srv> ssl' not supported on dynamic servers");
    }
    if server.config.tls.is_none() {
        return reply.error(
            "'set server <srv> ssl' cannot be set.  default-server should define ssl settings",
        );
    }
    match word {
        "on" => server.speak_tls(true),
        "off" => server.speak_tls(false),
        _ => return reply.error("'set server <srv> ssl' expects 'on' or 'off'."),
    }
    reply.info("server ssl setting updated.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_as_commands_give_them() {
        let read = |text| Port::parse(text).map(|port| port.to_string());
        for (text, wanted) in [
            ("80", Some("80")),
            ("+5", Some("+5")),
            ("-5", Some("+65531")),
            ("-70000", Some("+61072")),
            ("70000", Some("4464")),
            ("7x", Some("7")),
            ("", None),
            ("x", None),
            ("+x", None),
            ("-", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(read(text).as_deref(), wanted, "{text}");
        }
    }
}
