//! Addresses.

use super::owned;
use model::address::{Address, Allow, expand, numeric, parse, parse_list};

/// Every place an address can stand in; nothing is looked up.
fn places() -> [Allow; 6] {
    [
        Allow::BIND,
        Allow::DATAGRAM_BIND,
        Allow::SERVER,
        Allow::SOURCE,
        Allow::LOG,
        Allow::PEER,
    ]
    .map(|allow| Allow {
        resolve: false,
        ..allow
    })
}

/// What is taken keeps to what its place allows, and an IP address that is written out reads as itself.
pub fn address(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for allow in places() {
        let Ok(range) = parse(&text, allow) else {
            // A list may still hold good ones.
            let _ = parse_list(&text, allow);
            continue;
        };
        assert!(if range.datagram {
            allow.datagram
        } else {
            allow.stream
        });
        assert!(range.port_offset.is_none() || allow.offset);
        assert!(range.host.is_none(), "nothing may be looked up");
        assert!(!matches!(range.address, Address::Fd(fd) if !allow.fd || fd < 0));
        let count = range.addresses().count();
        assert!((1..=65536).contains(&count));
        if let Address::Inet(address) = range.address {
            assert!(range.last_port == 0 || range.last_port >= address.port());
            assert!(allow.range || count == 1);
            assert!(!allow.port_required || address.port() > 0 || range.port_offset.is_some());
            let written = parse(&address.to_string(), allow);
            match written {
                Ok(again) => assert_eq!(again.address, range.address),
                Err(error) => assert_eq!(address.port(), 0, "{address}: {error}"),
            }
        }
        if !text.contains(',') {
            assert_eq!(parse_list(&text, allow).as_deref(), Ok(&[range][..]));
        }
    }
    let ip = numeric(&text);
    assert!(ip.is_none_or(|ip| numeric(&ip.to_string()) == Some(ip)));
    let mut env = config::Env::empty();
    env.set("A", "127.0.0.1");
    if let Ok(expanded) = expand(&text, &env) {
        assert!(!expanded.is_empty() || text.is_empty());
        assert!(expanded.len() <= text.len() * 5);
    }
}

pub fn words() -> Vec<Vec<u8>> {
    owned([
        "127.0.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "[::1]",
        "[",
        "]",
        "*",
        ":",
        ":80",
        ":80-90",
        ":+5",
        ":-5",
        ":65535",
        "-",
        ",",
        "unix@",
        "uxdg@",
        "uxst@",
        "abns@",
        "abnsz@",
        "ipv4@",
        "ipv6@",
        "tcp@",
        "tcp4@",
        "tcp6@",
        "udp@",
        "udp4@",
        "udp6@",
        "fd@",
        "sockpair@",
        "quic4@",
        "rhttp@",
        "mptcp@",
        "stream+",
        "dgram+",
        "/run/x",
        "$A",
        "${A}",
        "${",
        "}",
        "::ffff:1.2.3.4",
    ])
}
