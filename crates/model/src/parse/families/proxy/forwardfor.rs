//! `option forwardfor` and `option originalto`.

use crate::parse::{Parsed, Parser, Statement};
use crate::proxy::ForwardHeader;
use std::net::IpAddr;
use std::sync::Arc;

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

pub(super) fn forward_for(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let header = forward_header(
        statement,
        "x-forwarded-for",
        true,
        "'except', 'header' and 'if-none'",
    )?;
    parser.proxy()?.forward_for = Some(Arc::new(header));
    Ok(())
}

pub(super) fn original_to(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let header = forward_header(statement, "x-original-to", false, "'except' and 'header'")?;
    parser.proxy()?.original_to = Some(Arc::new(header));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::listen;
    use super::network;

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
}
