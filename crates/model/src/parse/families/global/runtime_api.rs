//! `stats` in the global section: the runtime API's sockets.

use crate::address::Allow;
use crate::parse::families::bind::bind_line;
use crate::parse::options::leading_integer;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid, known, parse_duration};
use base::units::TimeUnit;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "anonkey",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "The key with which the runtime API makes names unrecognisable.",
        read: anonymous_key,
    },
    Row {
        name: "stats",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "The runtime API's sockets and their limits.",
        read: stats,
    },
    Row {
        name: "stats-file",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "A file with counters to start from.",
        read: stats_file,
    },
];

fn anonymous_key(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here("a key is expected after 'anonkey'."));
    }
    let Ok(key) = u32::try_from(leading_integer(statement.arg(0)).0) else {
        let message = format!(
            "'anonkey' value must be within range 0-4294967295 (was '{}').",
            statement.arg(0)
        );
        return Err(statement.fault(0, message));
    };
    parser.global.anonymous_key = key;
    Ok(())
}

fn stats_file(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.len() != 1 {
        return Err(statement.fault_here("'stats-file' expect one argument: a file path."));
    }
    parser.global.stats_file = Some(statement.arg(0).into());
    Ok(())
}

fn stats(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "socket" => socket(parser, statement.inner()),
        "timeout" => timeout(parser, statement),
        "maxconn" => maxconn(parser, statement),
        "bind-process" => Err(statement.fault(0, "'stats bind-process' is not supported anymore.")),
        "calculate-max-counters" => Err(statement.fault(0, known::not_built("stats calculate-max-counters", "statistics"))),
        other => Err(statement.fault_here(format!(
            "'stats' only supports 'socket', 'maxconn', 'bind-process', 'calculate-max-counters'  and 'timeout' (got '{other}')"
        ))),
    }
}

fn socket(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        let message =
            "'stats socket' in global section expects an address or a path to a UNIX socket";
        return Err(statement.fault_here(message));
    }
    let line = bind_line(parser, statement, 0, Allow::BIND, "global")?;
    parser.global.stats_sockets.extend(line.into_binds());
    Ok(())
}

fn timeout(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let timeout = parse_duration(statement.arg(1), TimeUnit::Millisecond)
        .map_err(|why| statement.fault(1, format!("'stats timeout' : {why}")))?;
    if timeout == 0 {
        return Err(statement.fault(1, "'stats timeout' expects a positive value"));
    }
    parser.global.stats_timeout = timeout;
    Ok(())
}

fn maxconn(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match u32::try_from(leading_integer(statement.arg(1)).0) {
        Ok(maxconn) if maxconn > 0 => parser.global.stats_maxconn = maxconn,
        _ => return Err(statement.fault(1, "'stats maxconn' expects a positive value")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn sockets_have_levels() {
        let text = "global\n stats socket /tmp/x.sock level admin mode 660 user root expose-fd listeners\n stats socket 127.0.0.1:9 severity-output number\n stats timeout 2m\n stats maxconn 5\n";
        let (snapshot, messages) = load_text(text);
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        let [first, second] = snapshot.global.stats_sockets.as_slice() else {
            panic!("two sockets")
        };
        assert_eq!(
            (first.level, first.unix_mode, first.unix_owner.0),
            (2, Some(0o660), Some(0))
        );
        assert_eq!((second.level, second.severity_output), (1, 1));
        assert_eq!(
            (snapshot.global.stats_timeout, snapshot.global.stats_maxconn),
            (120_000, 5)
        );
    }

    #[test]
    fn faults_are_named() {
        for (line, message) in [
            (
                "stats foo",
                "'stats' only supports 'socket', 'maxconn', 'bind-process', 'calculate-max-counters'  and 'timeout' (got 'foo')",
            ),
            (
                "stats socket",
                "'stats socket' in global section expects an address or a path to a UNIX socket",
            ),
            (
                "stats socket /tmp/x mode",
                "'stats socket' : 'mode' : missing or invalid mode '' (octal integer expected)",
            ),
            (
                "stats socket /tmp/x lvel",
                "'stats socket' : unknown keyword 'lvel'; did you mean 'level' maybe ?",
            ),
            (
                "stats timeout x",
                "'stats timeout' : unexpected character 'x'",
            ),
            (
                "stats timeout 0",
                "'stats timeout' expects a positive value",
            ),
            (
                "stats maxconn x",
                "'stats maxconn' expects a positive value",
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
