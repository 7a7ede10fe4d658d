//! `capture` and `declare capture`.

use super::{Half, clamp, number};
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use crate::proxy::{CookieCapture, HeaderCapture};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "capture",
        valid: Valid::FE,
        args: (0, ANY),
        doc: "Keep a header or cookie for the log.",
        read: capture,
    },
    Row {
        name: "declare",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "Reserve a slot that rules capture into.",
        read: declare,
    },
];

fn capture(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match (statement.arg(0), statement.arg(1)) {
        ("cookie", _) => cookie(parser, statement),
        (side @ ("request" | "response"), "header") => header(parser, statement, side),
        _ => Err(statement.fault(
            0,
            "'capture' expects 'cookie' or 'request header' or 'response header'.",
        )),
    }
}

fn cookie(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (name, len) = (statement.arg(1), statement.arg(2));
    if name.is_empty() || len != "len" || statement.arg(3).is_empty() {
        return Err(statement.fault(1, "'capture' expects 'cookie' <cookie_name> 'len' <len>."));
    }
    let len = length(parser, statement, 3)?;
    parser.proxy()?.front.cookie_capture = Some(CookieCapture {
        name: name.into(),
        len,
    });
    Ok(())
}

fn header(parser: &mut Parser<'_>, statement: Statement<'_>, side: &str) -> Parsed {
    let name = statement.arg(2);
    if name.is_empty() || statement.arg(3) != "len" || statement.arg(4).is_empty() {
        return Err(statement.fault(
            2,
            format!("'capture {side}' expects 'header' <header_name> 'len' <len>."),
        ));
    }
    let extra = statement.arg(5);
    if !extra.is_empty() {
        return Err(statement.fault(
            5,
            format!("'capture {side}' cannot handle unexpected argument '{extra}'."),
        ));
    }
    let len = length(parser, statement, 4)?;
    let capture = HeaderCapture {
        name: name.to_ascii_lowercase().into(),
        len,
    };
    slots(parser, side)?.push(capture);
    Ok(())
}

fn slots<'p>(parser: &'p mut Parser<'_>, side: &str) -> Parsed<&'p mut Vec<HeaderCapture>> {
    let front = &mut parser.proxy()?.front;
    Ok(if side == "request" {
        &mut front.request_captures
    } else {
        &mut front.response_captures
    })
}

fn length(parser: &mut Parser<'_>, statement: Statement<'_>, at: usize) -> Parsed<usize> {
    number(parser, statement, at, "").map(|len| clamp(len) as usize)
}

fn declare(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let caps = parser.proxy()?.caps;
    if caps.defaults {
        return Err(statement.fault_here("'declare' not available in default section"));
    }
    if !Half::Front.is_in(caps) {
        return Err(statement.fault_here("'declare' only available in frontend or listen section"));
    }
    if statement.arg(0) != "capture" {
        return Err(statement.fault(
            0,
            "'declare' needs a second keyword that specify the type of declaration ('capture')",
        ));
    }
    let side = statement.arg(1);
    if !matches!(side, "request" | "response") {
        return Err(statement.fault(
            1,
            "'declare capture' requires a direction ('request' or 'response')",
        ));
    }
    if statement.arg(2) != "len" {
        return Err(statement.fault(2, "'declare capture' requires a capture length ('len')"));
    }
    let text = statement.arg(3);
    if text.is_empty() {
        let message =
            "'declare capture': 'len' requires a numeric value that represents the capture length";
        return Err(statement.fault(3, message));
    }
    let len: usize = text.parse().map_err(|_| {
        statement.fault(
            3,
            format!("'declare capture': cannot parse the length '{text}'."),
        )
    })?;
    if len == 0 {
        return Err(statement.fault(3, "length must be > 0"));
    }
    statement.at_most(4)?;
    slots(parser, side)?.push(HeaderCapture {
        name: "".into(),
        len,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::listen;

    #[test]
    fn slots_are_numbered_in_the_order_of_the_file() {
        let out = listen(
            " capture request header Host len 20\n declare capture request len 5\n capture response header X-A len 7\n capture cookie SID= len 9",
        );
        let front = &out.proxy("l").front;
        let request: Vec<_> = front
            .request_captures
            .iter()
            .map(|c| (&*c.name, c.len))
            .collect();
        assert_eq!(request, [("host", 20), ("", 5)]);
        assert_eq!(front.response_captures.len(), 1);
        let cookie = front.cookie_capture.as_ref().expect("a cookie");
        assert_eq!((&*cookie.name, cookie.len), ("SID=", 9));
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (
                " capture foo",
                "'capture' expects 'cookie' or 'request header' or 'response header'.",
            ),
            (
                " capture cookie X",
                "'capture' expects 'cookie' <cookie_name> 'len' <len>.",
            ),
            (
                " capture request header X",
                "'capture request' expects 'header' <header_name> 'len' <len>.",
            ),
            (
                " capture request header X len 3 4",
                "'capture request' cannot handle unexpected argument '4'.",
            ),
            (" declare capture request len 0", "length must be > 0"),
            (
                " declare capture request len a",
                "'declare capture': cannot parse the length 'a'.",
            ),
            (
                " declare capture foo",
                "'declare capture' requires a direction ('request' or 'response')",
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
    fn long_cookies_are_cut() {
        let out = listen(" capture cookie X len 9999");
        assert!(
            out.messages
                .contains("truncating capture length to 63 bytes for proxy 'l'."),
            "{}",
            out.messages
        );
        assert_eq!(
            out.proxy("l").front.cookie_capture.as_ref().map(|c| c.len),
            Some(63)
        );
    }
}
