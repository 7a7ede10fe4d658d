//! `option forwarded`: the `Forwarded` header (RFC 7239).

use crate::parse::{Parsed, Parser, Statement};
use crate::proxy::Forwarded;
use expr::{Expr, Phases};
use std::sync::Arc;

const ONLY: &str = "'proto', 'host', 'host-expr', 'by', 'by-expr', 'by_port', 'by_port-expr', 'for', 'for-expr', 'for_port' and 'for_port-expr'";

pub(super) fn forwarded(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_negated() || statement.is_default() {
        parser.proxy()?.forwarded = None;
        return Ok(());
    }
    let mut forwarded = Forwarded::default();
    if statement.is_empty() {
        // Without parameters: the protocol and the client.
        forwarded.proto = true;
        forwarded.for_ = Some(None);
    }
    let mut at = 0;
    while at < statement.len() {
        let name = statement.arg(at);
        let (field, has_expression) = match name.strip_suffix("-expr") {
            Some(field) => (field, true),
            None => (name, false),
        };
        if name == "proto" {
            forwarded.proto = true;
            at += 1;
            continue;
        }
        let Some(place) = place(&mut forwarded, field) else {
            return Err(statement.fault(
                at,
                format!("'option forwarded' only supports optional values: {ONLY}."),
            ));
        };
        if has_expression {
            *place = Some(Some(expression(parser, statement, at + 1, name)?));
            at += 2;
        } else {
            *place = Some(None);
            at += 1;
        }
    }
    warn_of_lonely_ports(parser, statement, &mut forwarded);
    parser.proxy()?.forwarded = Some(Arc::new(forwarded));
    Ok(())
}

fn place<'f>(forwarded: &'f mut Forwarded, field: &str) -> Option<&'f mut Option<Option<Expr>>> {
    Some(match field {
        "host" => &mut forwarded.host,
        "by" => &mut forwarded.by,
        "by_port" => &mut forwarded.by_port,
        "for" => &mut forwarded.for_,
        "for_port" => &mut forwarded.for_port,
        _ => return None,
    })
}

fn expression(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    at: usize,
    name: &str,
) -> Parsed<Expr> {
    let text = statement.arg(at);
    if text.is_empty() {
        return Err(statement.fault(at, format!("'{name}' expects <expr> as argument.")));
    }
    let place = Phases::BE_REQUEST_HEADERS;
    let read = parser.in_context(statement, place, |ctx| Expr::parse_str(text, ctx));
    let expr = read.map_err(|why| {
        statement.fault(
            at,
            format!("failed to parse 'option forwarded' expression '{text}' in : {why}."),
        )
    })?;
    if !expr.phases().intersects(place) {
        let message = format!(
            "in 'option forwarded' sample expression '{text}' : it extracts information that is not available in a {}.",
            place.place()
        );
        parser.warn(statement, message, None);
    }
    Ok(expr)
}

/// A port without its address can't be written (RFC 7239, section 6).
fn warn_of_lonely_ports(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    forwarded: &mut Forwarded,
) {
    let pairs = [
        ("by", forwarded.by.is_none(), &mut forwarded.by_port),
        ("for", forwarded.for_.is_none(), &mut forwarded.for_port),
    ];
    for (name, address_missing, port) in pairs {
        if address_missing && port.take().is_some() {
            let message = format!(
                "'option forwarded' : '{name}_port-expr' will be ignored because both '{name}' and '{name}-expr' are unset"
            );
            parser.warn(
                statement,
                message,
                Some(format!("add '{name}' to the line")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::listen;

    #[test]
    fn without_parameters_it_tells_protocol_and_client() {
        let out = listen(" option forwarded");
        let forwarded = out.proxy("l").forwarded.clone().expect("set");
        assert!(
            forwarded.proto
                && forwarded.for_.is_some()
                && forwarded.host.is_none()
                && forwarded.by.is_none()
        );
    }

    #[test]
    fn every_field() {
        let out =
            listen(" option forwarded proto host-expr src by by_port-expr src_port for for_port");
        let forwarded = out.proxy("l").forwarded.clone().expect("set");
        assert!(matches!(forwarded.host, Some(Some(_))) && matches!(forwarded.by, Some(None)));
        assert!(
            matches!(forwarded.by_port, Some(Some(_))) && matches!(forwarded.for_port, Some(None))
        );
    }

    #[test]
    fn faults_and_warnings() {
        let out = listen(" option forwarded foo");
        assert!(
            out.messages
                .contains("'option forwarded' only supports optional values: 'proto', 'host'"),
            "{}",
            out.messages
        );
        let out = listen(" option forwarded for_port");
        assert!(
            out.messages.contains(
                "'for_port-expr' will be ignored because both 'for' and 'for-expr' are unset"
            ),
            "{}",
            out.messages
        );
        let out = listen(" option forwarded host-expr foo");
        assert!(
            out.messages
                .contains("failed to parse 'option forwarded' expression 'foo'"),
            "{}",
            out.messages
        );
    }
}
