//! `balance`.

use super::not_built;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use crate::proxy::{Algorithm, BalanceSettings};

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "balance",
    valid: Valid::BE_DEF,
    args: (0, ANY),
    doc: "How a server is chosen.",
    read: balance,
}];

const HASHING: [&str; 7] = [
    "source",
    "uri",
    "url_param",
    "hdr",
    "rdp-cookie",
    "hash",
    "log-hash",
];
const BUILT: [&str; 6] = [
    "roundrobin",
    "static-rr",
    "leastconn",
    "first",
    "random",
    "sticky",
];

fn balance(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.arg(0);
    let (name, draws) = match text.split_once('(') {
        Some((name, rest)) => (name, Some(rest)),
        None => (text, None),
    };
    let algorithm = match (name, draws) {
        ("" | "roundrobin", None) => Algorithm::RoundRobin,
        ("static-rr", None) => Algorithm::StaticRoundRobin,
        ("leastconn", None) => Algorithm::LeastConn,
        ("first", None) => Algorithm::First,
        ("sticky", None) => Algorithm::Sticky,
        ("random", None) => Algorithm::Random(2),
        ("random", Some(rest)) => Algorithm::Random(self::draws(statement, rest)?),
        (hash, _) if HASHING.contains(&hash) => {
            return Err(not_built(
                statement,
                0,
                &format!("balance {hash}"),
                "balancing by hash",
            ));
        }
        _ => {
            let fault = statement.fault(
                0,
                "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source', 'uri', 'url_param', 'hash', \
                 'hdr(name)', 'rdp-cookie(name)', 'log-hash' and 'sticky' options.",
            );
            return Err(
                match config::suggest::nearest(name, BUILT.into_iter().chain(HASHING)) {
                    Some(near) => fault.hint(format!("did you mean '{near}'?")),
                    None => fault,
                },
            );
        }
    };
    if statement.len() > 1 {
        // What follows such an algorithm has never meant anything.
        let message = format!(
            "'balance {name}' ignores what follows it: '{}'",
            statement.arg(1)
        );
        parser.warn(statement, message, Some(format!("write: balance {text}")));
    }
    parser.proxy()?.back.balance = BalanceSettings { algorithm };
    Ok(())
}

fn draws(statement: Statement<'_>, rest: &str) -> Parsed<u32> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, after) = rest.split_at(digits);
    if !after.starts_with(')') {
        return Err(statement.fault(
            0,
            match after.chars().next() {
                None => "balance random : missing closing parenthesis.".to_owned(),
                Some(c) => format!("balance random : unexpected character '{c}' after argument."),
            },
        ));
    }
    match number.parse() {
        Ok(0) => Err(statement.fault(0, "balance random : number of draws must be at least 1.")),
        Ok(draws) => Ok(draws),
        Err(_) => Err(statement.fault(0, "balance random : number of draws expected.")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::listen;
    use crate::proxy::Algorithm;

    #[test]
    fn algorithms() {
        let of = |line: &str| {
            listen(&format!(" balance {line}"))
                .proxy("l")
                .back
                .balance
                .algorithm
                .clone()
        };
        assert!(matches!(of("static-rr"), Algorithm::StaticRoundRobin));
        assert!(matches!(of("leastconn"), Algorithm::LeastConn));
        assert!(matches!(of("first"), Algorithm::First));
        assert!(matches!(of("random"), Algorithm::Random(2)));
        assert!(matches!(of("random(5)"), Algorithm::Random(5)));
        assert!(matches!(of("sticky"), Algorithm::Sticky));
        assert!(matches!(of(""), Algorithm::RoundRobin));
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (
                " balance roundrobi",
                "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source'",
            ),
            (
                " balance random(0)",
                "balance random : number of draws must be at least 1.",
            ),
            (
                " balance random(a)",
                "balance random : unexpected character 'a' after argument.",
            ),
            (
                " balance random(2",
                "balance random : missing closing parenthesis.",
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
}
