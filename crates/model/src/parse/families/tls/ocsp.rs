//! `ocsp-update.*`: OCSP responses that are fetched.

use crate::address::{self, Address, Allow};
use crate::parse::options::leading_integer;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use std::net::SocketAddr;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    row(
        "ocsp-update.disable",
        ANY,
        "No OCSP response is fetched unless a command says so.",
        disable,
    ),
    row(
        "ocsp-update.httpproxy",
        1,
        "An HTTP proxy that responders are asked through.",
        proxy,
    ),
    row(
        "ocsp-update.maxdelay",
        ANY,
        "The most seconds between two updates of a response.",
        delay,
    ),
    row(
        "ocsp-update.mindelay",
        ANY,
        "The least seconds between two updates of a response.",
        delay,
    ),
    row(
        "ocsp-update.mode",
        ANY,
        "Whether OCSP responses are fetched unless a certificate says otherwise.",
        mode,
    ),
    row(
        "tune.ssl.ocsp-update.maxdelay",
        ANY,
        "Older form of 'ocsp-update.maxdelay'.",
        delay,
    ),
    row(
        "tune.ssl.ocsp-update.mindelay",
        ANY,
        "Older form of 'ocsp-update.mindelay'.",
        delay,
    ),
];

type Reader = fn(&mut Parser<'_>, Statement<'_>) -> Parsed;

const fn row(name: &'static str, args: usize, doc: &'static str, read: Reader) -> Row {
    Row {
        name,
        valid: Valid::ALL,
        args: (0, args),
        doc,
        read,
    }
}

/// `on` or `off`; anything else is warned of and changes nothing.
fn switch(parser: &mut Parser<'_>, statement: Statement<'_>) -> Option<bool> {
    match statement.arg(0) {
        "on" => Some(true),
        "off" => Some(false),
        _ => {
            let message = format!("'{}' : expecting <on|off>", statement.keyword());
            parser.warn(statement, message, None);
            None
        }
    }
}

fn mode(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if let Some(on) = switch(parser, statement) {
        parser.global.tls.ocsp_update = on;
    }
    Ok(())
}

fn disable(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if let Some(on) = switch(parser, statement) {
        parser.global.ocsp_updates.disabled = on;
    }
    Ok(())
}

/// The port of a proxy that is named without one.
const PORT: u16 = 80;

fn proxy(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.arg(0);
    let wrong = |why: &dyn std::fmt::Display| {
        statement.fault(
            0,
            format!("ocsp-update: Failed to parse destination address in '{text}': {why}."),
        )
    };
    let allow = Allow {
        range: false,
        fd: false,
        port_required: false,
        ..Allow::BIND
    };
    let expanded = address::expand(text, &parser.expressions.env).map_err(|why| wrong(&why))?;
    let range = address::parse(&expanded, allow).map_err(|why| wrong(&why))?;
    parser.global.ocsp_updates.proxy = Some(match range.address {
        Address::Inet(inet) if inet.port() == 0 => Address::Inet(SocketAddr::new(inet.ip(), PORT)),
        other => other,
    });
    Ok(())
}

fn delay(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    let text = match statement.arg(0) {
        "" => {
            let message = format!("'{keyword}' expects an integer argument.");
            return Err(statement.fault_here(message));
        }
        text => text,
    };
    let (value, _) = leading_integer(text);
    let value = u32::try_from(value).map_err(|_| {
        statement.fault(0, format!("'{keyword}' expects a positive numeric value."))
    })?;
    let (least, most) = &mut parser.global.ocsp_updates.delays;
    let (place, fault) = match keyword.ends_with("maxdelay") {
        true if value < *least => (most, Some("lower than tune.ssl.ocsp-update.mindelay")),
        true => (most, None),
        false if value > *most => (least, Some("higher than tune.ssl.ocsp-update.maxdelay")),
        false => (least, None),
    };
    if let Some(fault) = fault {
        return Err(statement.fault(0, format!("'{keyword}' can not be {fault}.")));
    }
    *place = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;
    use crate::{Address, Global};

    fn global(lines: &str) -> (Option<Global>, Vec<String>) {
        let (snapshot, messages) = load_text(&format!("global\n{lines}\n"));
        (snapshot.map(|snapshot| snapshot.global), messages)
    }

    #[test]
    fn settings_and_their_defaults() {
        let plain = global("").0.expect("valid").ocsp_updates;
        assert!(plain.delays == (300, 3600) && !plain.disabled && plain.proxy.is_none());
        let (set, messages) = global(
            " ocsp-update.maxdelay 500\n tune.ssl.ocsp-update.mindelay 20\n ocsp-update.disable on\n ocsp-update.mode on\n ocsp-update.httpproxy 192.0.2.1:3128",
        );
        let set = set.unwrap_or_else(|| panic!("{messages:?}"));
        assert!(set.tls.ocsp_update && set.ocsp_updates.disabled);
        assert_eq!(set.ocsp_updates.delays, (20, 500));
        let proxy = |lines: &str| match global(lines).0?.ocsp_updates.proxy? {
            Address::Inet(inet) => Some(inet.to_string()),
            _ => None,
        };
        let with_port = proxy(" ocsp-update.httpproxy 192.0.2.1:3128");
        assert_eq!(with_port.as_deref(), Some("192.0.2.1:3128"));
        let without = proxy(" ocsp-update.httpproxy 192.0.2.1");
        assert_eq!(without.as_deref(), Some("192.0.2.1:80"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, message) in [
            ("mode", "W 2: 'ocsp-update.mode' : expecting <on|off>"),
            (
                "disable foo",
                "W 2: 'ocsp-update.disable' : expecting <on|off>",
            ),
            (
                "maxdelay",
                "A 2: 'ocsp-update.maxdelay' expects an integer argument.",
            ),
            (
                "maxdelay 10",
                "A 2: 'ocsp-update.maxdelay' can not be lower than tune.ssl.ocsp-update.mindelay.",
            ),
            (
                "mindelay -1",
                "A 2: 'ocsp-update.mindelay' expects a positive numeric value.",
            ),
            (
                "mindelay 4000",
                "A 2: 'ocsp-update.mindelay' can not be higher than tune.ssl.ocsp-update.maxdelay.",
            ),
        ] {
            let (_, messages) = global(&format!(" ocsp-update.{line}"));
            assert!(
                messages.iter().any(|m| m == message),
                "{line}: {messages:?}"
            );
        }
        for line in ["", " http://192.0.2.1:80"] {
            let (global, messages) = global(&format!(" ocsp-update.httpproxy{line}"));
            assert!(global.is_none(), "{messages:?}");
        }
    }
}
