//! Process-wide limits.

use crate::parse::options::leading_integer;
use crate::parse::{Parsed, Parser, Row, Statement, Valid};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "fd-hard-limit",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Descriptors used at most.",
        read: fd_hard_limit,
    },
    Row {
        name: "max-spread-checks",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "How far checks are spread at the start.",
        read: max_spread_checks,
    },
    Row {
        name: "maxconn",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Connections at once.",
        read: maxconn,
    },
    Row {
        name: "maxconnrate",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "New connections per second.",
        read: max_rate,
    },
    Row {
        name: "maxsessrate",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "New sessions per second.",
        read: max_rate,
    },
    Row {
        name: "maxsslconn",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "TLS connections at once, on both sides.",
        read: maxsslconn,
    },
    Row {
        name: "maxsslrate",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "New TLS connections of clients per second.",
        read: max_rate,
    },
    Row {
        name: "spread-checks",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "Percentage by which intervals between checks vary.",
        read: spread_checks,
    },
    Row {
        name: "ulimit-n",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "The limit of descriptors to set.",
        read: ulimit_n,
    },
];

/// A figure as HAProxy reads one: leading digits count, and none are 0. What is no number is warned of.
pub(super) fn figure(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<u64> {
    let keyword = statement.keyword();
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here(format!("'{keyword}' expects an integer argument.")));
    }
    let (value, clean) = leading_integer(text);
    if !clean {
        let message = format!("'{keyword}' : '{text}' is not a number and is taken for {value}.");
        parser.warn(statement, message, None);
    }
    Ok(u64::try_from(value).unwrap_or(0))
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn maxconn(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here("'maxconn' expects an integer argument."));
    }
    let value = text.parse::<u32>();
    let value = value.map_err(|_| {
        statement.fault(
            0,
            format!("cannot parse 'maxconn' value '{text}', an integer is expected."),
        )
    })?;
    parser.global.maxconn = Some(value).filter(|n| *n != 0);
    Ok(())
}

fn max_rate(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let rate = small(figure(parser, statement)?);
    let [connections, sessions, tls] = &mut parser.global.max_rates;
    let limit = match statement.keyword() {
        "maxconnrate" => connections,
        "maxsslrate" => tls,
        _ => sessions,
    };
    *limit = rate;
    Ok(())
}

fn maxsslconn(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.max_tls_connections = small(figure(parser, statement)?);
    Ok(())
}

fn ulimit_n(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.ulimit_n = Some(figure(parser, statement)?).filter(|n| *n != 0);
    Ok(())
}

fn fd_hard_limit(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.fd_hard_limit = Some(figure(parser, statement)?).filter(|n| *n != 0);
    Ok(())
}

fn spread_checks(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here("'spread-checks' expects an integer argument (0..50)."));
    }
    match figure(parser, statement)? {
        percent @ 0..=50 => parser.global.spread_checks = small(percent),
        _ => {
            return Err(
                statement.fault(0, "'spread-checks' needs a positive value in range 0..50.")
            );
        }
    }
    Ok(())
}

fn max_spread_checks(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(
            statement.fault_here("'max-spread-checks' expects an integer argument (0..50).")
        );
    }
    let delay = statement.duration(0).map_err(|_| {
        let wrong = statement
            .arg(0)
            .chars()
            .find(|c| !c.is_ascii_digit())
            .unwrap_or('?');
        statement.fault(
            0,
            format!(
                "unsupported character '{wrong}' in 'max-spread-checks' (wants an integer delay)."
            ),
        )
    })?;
    parser.global.max_spread_checks = Some(delay);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn limits_are_kept() {
        let text = "global\n maxconn 100\n maxconnrate 5\n maxsessrate 6\n maxsslrate 8\n maxsslconn 9\n ulimit-n 1000\n spread-checks 7\n max-spread-checks 2s\n";
        let (snapshot, messages) = load_text(text);
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        let global = snapshot.global;
        assert_eq!(
            (global.maxconn, global.max_rates, global.ulimit_n),
            (Some(100), [5, 6, 8], Some(1000))
        );
        assert_eq!(global.max_tls_connections, 9);
        assert_eq!(
            (global.spread_checks, global.max_spread_checks),
            (7, Some(2000))
        );
        assert!(messages.is_empty(), "{messages:?}");
    }

    #[test]
    fn wrong_figures_are_named() {
        for (line, message) in [
            ("maxconn", "'maxconn' expects an integer argument."),
            (
                "maxconn abc",
                "cannot parse 'maxconn' value 'abc', an integer is expected.",
            ),
            (
                "maxconn 10 20",
                "'maxconn' cannot handle unexpected argument '20'.",
            ),
            ("ulimit-n", "'ulimit-n' expects an integer argument."),
            (
                "spread-checks 80",
                "'spread-checks' needs a positive value in range 0..50.",
            ),
            (
                "max-spread-checks x",
                "unsupported character 'x' in 'max-spread-checks' (wants an integer delay).",
            ),
            (
                "maxcomprate 5",
                "'maxcomprate' is known but not built yet in hapax (waits for: compression).",
            ),
            (
                "maxcon 5",
                "unknown keyword 'maxcon' in 'global' section; did you mean 'maxconn' maybe ?",
            ),
        ] {
            let (_, messages) = load_text(&format!("global\n {line}\n"));
            assert_eq!(
                messages.first().map(String::as_str),
                Some(format!("A 2: {message}").as_str()),
                "{line}"
            );
        }
    }
}
