//! `timeout`.

use super::Half;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid, parse_duration};
use crate::proxy::Timeouts;
use base::units::TimeUnit;

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "timeout",
    valid: Valid::ALL,
    args: (0, ANY),
    doc: "How long to wait for something.",
    read: timeout,
}];

/// One timeout.
struct TimeoutRow {
    name: &'static str,
    half: Half,
    place: fn(&mut Timeouts) -> &mut Option<u64>,
}

const TIMEOUTS: &[TimeoutRow] = &[
    TimeoutRow {
        name: "client",
        half: Half::Front,
        place: |t| &mut t.client,
    },
    TimeoutRow {
        name: "server",
        half: Half::Back,
        place: |t| &mut t.server,
    },
    TimeoutRow {
        name: "connect",
        half: Half::Back,
        place: |t| &mut t.connect,
    },
    TimeoutRow {
        name: "check",
        half: Half::Back,
        place: |t| &mut t.check,
    },
    TimeoutRow {
        name: "queue",
        half: Half::Back,
        place: |t| &mut t.queue,
    },
    TimeoutRow {
        name: "client-hs",
        half: Half::Front,
        place: |t| &mut t.handshake,
    },
    TimeoutRow {
        name: "http-keep-alive",
        half: Half::Any,
        place: |t| &mut t.keep_alive,
    },
    TimeoutRow {
        name: "http-request",
        half: Half::Any,
        place: |t| &mut t.http_request,
    },
    TimeoutRow {
        name: "tunnel",
        half: Half::Back,
        place: |t| &mut t.tunnel,
    },
    TimeoutRow {
        name: "tarpit",
        half: Half::Any,
        place: |t| &mut t.tarpit,
    },
    TimeoutRow {
        name: "client-fin",
        half: Half::Front,
        place: |t| &mut t.client_fin,
    },
    TimeoutRow {
        name: "server-fin",
        half: Half::Back,
        place: |t| &mut t.server_fin,
    },
];

fn timeout(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if let Some(modern) = modern_name(name) {
        super::legacy::outdated_timeout(parser, statement, name, modern)?;
        return set(parser, statement.inner(), modern);
    }
    set(parser, statement.inner(), name)
}

/// The present name of a timeout that once was a keyword of its own.
pub(super) fn modern_name(name: &str) -> Option<&'static str> {
    match name {
        "clitimeout" => Some("client"),
        "contimeout" => Some("connect"),
        "srvtimeout" => Some("server"),
        _ => None,
    }
}

/// Sets a timeout by its name from the statement's first argument.
pub(super) fn set(parser: &mut Parser<'_>, statement: Statement<'_>, name: &str) -> Parsed {
    let Some(at) = TIMEOUTS.iter().position(|row| row.name == name) else {
        return Err(unknown(statement, name));
    };
    let Some(row) = TIMEOUTS.get(at) else {
        return Ok(());
    };
    let value = value(statement, name)?;
    if !super::has_half(parser, statement, row.half, &format!("'timeout {name}'"))? {
        return Ok(());
    }
    let draft = parser.draft()?;
    let again = draft.notes.timeouts & 1 << at != 0 && !draft.proxy.caps.defaults;
    draft.notes.timeouts |= 1 << at;
    *(row.place)(&mut draft.proxy.timeouts) = Some(value).filter(|ms| *ms != 0);
    if again {
        parser.warn(
            statement,
            format!("overwriting 'timeout {name}' which was already specified"),
            None,
        );
    }
    Ok(())
}

fn value(statement: Statement<'_>, name: &str) -> Parsed<u64> {
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here(format!(
            "'timeout {name}' expects an integer value (in milliseconds)"
        )));
    }
    let value = parse_duration(text, TimeUnit::Millisecond).map_err(|why| {
        // The manual's limit stands at the end of the sentence, the argument before it.
        let message = match why.split_once(" (") {
            Some((short, limit)) => {
                format!("{short} in argument '{text}' to 'timeout {name}' ({limit}")
            }
            None => format!("{why} in 'timeout {name}'"),
        };
        statement.fault(0, message)
    })?;
    match statement.arg(1) {
        "" => Ok(value),
        extra => Err(statement.fault(
            1,
            format!("'timeout {name}' : unexpected extra argument '{extra}' after value '{text}'."),
        )),
    }
}

fn unknown(statement: Statement<'_>, name: &str) -> crate::parse::Fault {
    let fault = statement.fault_here(format!(
        "'timeout' supports 'client', 'server', 'connect', 'check', 'queue', 'handshake', 'http-keep-alive', \
         'http-request', 'tunnel', 'tarpit', 'client-fin' and 'server-fin' (got '{name}')"
    ));
    match (
        name,
        config::suggest::nearest(name, TIMEOUTS.iter().map(|row| row.name)),
    ) {
        ("handshake", _) => fault.hint("it is written: timeout client-hs"),
        (_, Some(near)) => fault.hint(format!("did you mean '{near}'?")),
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_with, tcp};

    #[test]
    fn every_timeout_finds_its_place() {
        let out = tcp(
            " timeout queue 1s\n timeout check 2s\n timeout client-hs 3s\n timeout http-keep-alive 4s\n timeout http-request 5s\n timeout tunnel 1m\n timeout tarpit 7\n timeout client-fin 8s\n timeout server-fin 0",
        );
        let t = out.proxy("l").timeouts;
        assert_eq!(
            (t.queue, t.check, t.handshake, t.keep_alive),
            (Some(1000), Some(2000), Some(3000), Some(4000))
        );
        assert_eq!(
            (t.http_request, t.tunnel, t.tarpit),
            (Some(5000), Some(60_000), Some(7))
        );
        assert_eq!((t.client_fin, t.server_fin), (Some(8000), None));
    }

    #[test]
    fn faults_are_worded_as_expected() {
        for (line, message) in [
            (" timeout clien 3", "(got 'clien')"),
            (
                " timeout client",
                "'timeout client' expects an integer value (in milliseconds)",
            ),
            (
                " timeout client a",
                "unexpected character 'a' in 'timeout client'",
            ),
            (
                " timeout client 3s 4",
                "'timeout client' : unexpected extra argument '4' after value '3s'.",
            ),
            (
                " timeout client 100d",
                "timer overflow in argument '100d' to 'timeout client' (maximum value is 2147483647 ms or ~24.8 days)",
            ),
        ] {
            let out = tcp(line);
            assert!(
                out.loaded.is_none() && out.messages.contains(message),
                "{line}: {}",
                out.messages
            );
        }
    }

    #[test]
    fn setting_one_twice_and_setting_one_of_the_other_half_warn() {
        let out = tcp(" timeout server 2s");
        assert!(
            out.messages
                .contains("overwriting 'timeout server' which was already specified"),
            "{}",
            out.messages
        );
        assert_eq!(out.proxy("l").timeouts.server, Some(2000));
        let out = read("frontend f\n bind 127.0.0.1:80\n timeout client 1s\n timeout server 1s\n");
        assert!(
            out.messages.contains(
                "'timeout server' will be ignored because frontend 'f' has no backend capability"
            ),
            "{}",
            out.messages
        );
        let out = read(
            "defaults\n timeout client 1s\nfrontend f\n bind 127.0.0.1:80\n timeout client 2s\n",
        );
        assert!(!out.messages.contains("overwriting"), "{}", out.messages);
    }

    #[test]
    fn the_old_keywords_are_translated() {
        let text =
            "listen l\n bind 127.0.0.1:80\n contimeout 5000\n clitimeout 1m\n srvtimeout 2s\n";
        let out = read(text);
        let t = out.proxy("l").timeouts;
        assert_eq!(
            (t.connect, t.client, t.server),
            (Some(5000), Some(60_000), Some(2000))
        );
        assert!(
            out.messages.contains("timeout client 1m"),
            "{}",
            out.messages
        );
        assert!(read_with(text, true).loaded.is_none());
    }
}
