//! `tune.*` directives with a counterpart here.

use crate::parse::options::leading_integer;
use crate::parse::{Parsed, Parser, Row, Statement};
use base::units::{SizeError, parse_size};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row::new("tune.bufsize", "Bytes of a buffer.", bufsize),
    Row::new(
        "tune.http.cookielen",
        "Bytes of a captured cookie.",
        cookie_len,
    ),
    Row::new(
        "tune.http.logurilen",
        "Bytes of a logged request line.",
        uri_len,
    ),
    Row::new("tune.http.maxhdr", "Headers of a message.", max_headers),
    Row::new(
        "tune.idle-pool.shared",
        "Whether threads share idle server connections.",
        idle_pool_shared,
    ),
    Row::new(
        "tune.idletimer",
        "How long a stream is silent before it is idle.",
        idle_timer,
    ),
    Row::new(
        "tune.maxaccept",
        "Connections accepted in a row.",
        max_accept,
    ),
    Row::new(
        "tune.maxrewrite",
        "Bytes kept free for rewritten headers.",
        max_rewrite,
    ),
    Row::new(
        "tune.peers.max-updates-at-once",
        "Updates of stick tables written to a peer in a row.",
        peer_updates,
    ),
    Row::new(
        "tune.pipesize",
        "Bytes of a pipe used to forward in the kernel.",
        size,
    ),
    Row::new(
        "tune.rcvbuf.client",
        "Receive buffer of client sockets.",
        size,
    ),
    Row::new(
        "tune.rcvbuf.server",
        "Receive buffer of server sockets.",
        size,
    ),
    Row::new(
        "tune.notsent-lowat.client",
        "Unsent bytes with which a client's socket is full.",
        size,
    ),
    Row::new(
        "tune.notsent-lowat.server",
        "Unsent bytes with which a server's socket is full.",
        size,
    ),
    Row::new("tune.sndbuf.client", "Send buffer of client sockets.", size),
    Row::new("tune.sndbuf.server", "Send buffer of server sockets.", size),
    Row::new(
        "tune.stick-counters",
        "How many keys may be tracked at once.",
        stick_counters,
    ),
];

/// Bytes with an optional unit.
fn bytes(statement: Statement<'_>, end: &str) -> Parsed<usize> {
    let (keyword, text) = (statement.keyword(), statement.arg(0));
    if text.is_empty() {
        return Err(statement.fault_here(format!("'{keyword}' expects an integer argument{end}")));
    }
    parse_size(text).map(|size| size as usize).map_err(|why| {
        let message = match why {
            SizeError::Overflow(_) => format!("'{keyword}' value '{text}' is too large"),
            _ => {
                let wrong = text
                    .get(why.offset()..)
                    .and_then(|rest| rest.chars().next())
                    .unwrap_or('?');
                format!("unexpected '{wrong}' after size passed to '{keyword}'")
            }
        };
        statement.fault(0, message)
    })
}

fn stick_counters(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    const MOST: i64 = 100;
    let text = statement.arg(0);
    // Nothing is 0 to HAProxy.
    let number = match text {
        "" => 0,
        _ => text.parse::<i64>().map_err(|_| {
            let message = format!("tune.stick-counters: '{text}' is an invalid number");
            statement.fault(0, message)
        })?,
    };
    parser.global.stick_counters = usize::try_from(number)
        .ok()
        .filter(|_| number <= MOST)
        .ok_or_else(|| {
            statement.fault(
                0,
                format!(
                    "tune.stick-counters: the number of stick-counters must be between 1 and {MOST} (was {number})"
                ),
            )
        })?;
    Ok(())
}

/// A figure as HAProxy reads one.
pub(super) fn figure(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<i64> {
    let keyword = statement.keyword();
    let text = statement.arg(0);
    if text.is_empty() {
        let end = if keyword == "tune.maxaccept" { "" } else { "." };
        return Err(statement.fault_here(format!("'{keyword}' expects an integer argument{end}")));
    }
    let (value, clean) = leading_integer(text);
    if !clean {
        parser.warn(
            statement,
            format!("'{keyword}' : '{text}' is not a number and is taken for {value}."),
            None,
        );
    }
    Ok(value)
}

/// The smallest buffer that a head of a request fits in.
const LEAST_BUFFER: usize = 1024;

fn bufsize(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let size = bytes(statement, "")?;
    if size < LEAST_BUFFER {
        return Err(statement.fault(
            0,
            format!("'tune.bufsize' expects at least {LEAST_BUFFER} bytes."),
        ));
    }
    parser.global.buffer_size = size;
    Ok(())
}

fn max_rewrite(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let reserve = figure(parser, statement)?;
    // A negative figure restores the default.
    if let Ok(reserve) = usize::try_from(reserve) {
        parser.global.rewrite_reserve = reserve;
    }
    Ok(())
}

fn max_headers(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match usize::try_from(figure(parser, statement)?) {
        Ok(headers @ 1..=32767) => parser.global.max_headers = headers,
        _ => {
            return Err(statement.fault(
                0,
                "'tune.http.maxhdr' expects a numeric value between 1 and 32767",
            ));
        }
    }
    Ok(())
}

fn cookie_len(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.captured_cookie_len = usize::try_from(figure(parser, statement)?).unwrap_or(0);
    Ok(())
}

fn uri_len(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.logged_uri_len = usize::try_from(figure(parser, statement)?).unwrap_or(0);
    Ok(())
}

fn idle_pool_shared(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.idle_pool_shared = match statement.arg(0) {
        "on" | "full" => true,
        "off" => false,
        other => {
            let message =
                format!("'tune.idle-pool.shared' expects 'full', 'on' or 'off' but got '{other}'.");
            return Err(statement.fault_here(message));
        }
    };
    Ok(())
}

fn idle_timer(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    const RANGE: &str = "'tune.idletimer' expects a timer value between 0 and 65535 ms.";
    let text = statement.arg(0);
    if text.is_empty() {
        return Err(statement.fault_here(RANGE));
    }
    match crate::parse::parse_duration(text, base::units::TimeUnit::Millisecond) {
        Ok(0..=65535) => {}
        Ok(_) => return Err(statement.fault(0, RANGE)),
        Err(why) => {
            return Err(statement.fault(0, format!("{why} in argument to <tune.idletimer>.")));
        }
    }
    parser.notice_once(
        statement,
        "'tune.idletimer' has no effect: what is sent is never held back here.",
    );
    Ok(())
}

fn peer_updates(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let updates = statement.arg(0).parse().ok().filter(|n| *n > 0);
    parser.global.peer_updates = updates.ok_or_else(|| {
        statement.fault_here(
            "'tune.peers.max-updates-at-once' expects an integer argument greater than 0.",
        )
    })?;
    Ok(())
}

fn max_accept(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    // Zero and negative figures lift the limit.
    let accept = figure(parser, statement)?;
    parser.global.max_accept = u32::try_from(accept)
        .ok()
        .filter(|n| *n != 0)
        .unwrap_or(u32::MAX);
    Ok(())
}

fn size(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let size = bytes(statement, ".")?;
    let keyword = statement.keyword();
    let global = &mut parser.global;
    let buffers = &mut global.socket_buffers;
    let place = match keyword {
        "tune.rcvbuf.client" => &mut buffers.client.receive,
        "tune.rcvbuf.server" => &mut buffers.server.receive,
        "tune.sndbuf.client" => &mut buffers.client.send,
        "tune.sndbuf.server" => &mut buffers.server.send,
        "tune.notsent-lowat.client" => &mut buffers.client.unsent,
        "tune.notsent-lowat.server" => &mut buffers.server.unsent,
        _ => &mut global.pipe_size,
    };
    if *place != 0 && keyword != "tune.pipesize" {
        parser.warn(
            statement,
            format!("'{keyword}' already specified. Continuing."),
            None,
        );
        return Ok(());
    }
    *place = size;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn figures_take_effect() {
        let text = "global\n tune.bufsize 32k\n tune.http.maxhdr 200\n tune.rcvbuf.client 64k\n tune.notsent-lowat.server 16k\n tune.maxaccept -1\n tune.idle-pool.shared off\n";
        let (snapshot, messages) = load_text(text);
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        let global = snapshot.global;
        assert_eq!((global.buffer_size, global.max_headers), (32768, 200));
        assert_eq!(global.socket_buffers.client.receive, 65536);
        assert_eq!(global.socket_buffers.server.unsent, 16384);
        assert_eq!(
            (global.max_accept, global.idle_pool_shared),
            (u32::MAX, false)
        );
        assert!(messages.is_empty(), "{messages:?}");
    }

    #[test]
    fn faults_are_named() {
        for (line, message) in [
            (
                "tune.bufsize",
                "A 2: 'tune.bufsize' expects an integer argument",
            ),
            (
                "tune.bufsize x",
                "A 2: unexpected 'x' after size passed to 'tune.bufsize'",
            ),
            (
                "tune.bufsize 1k x",
                "A 2: 'tune.bufsize' cannot handle unexpected argument 'x'.",
            ),
            (
                "tune.maxaccept",
                "A 2: 'tune.maxaccept' expects an integer argument",
            ),
            (
                "tune.http.maxhdr 0",
                "A 2: 'tune.http.maxhdr' expects a numeric value between 1 and 32767",
            ),
            (
                "tune.idletimer 70s",
                "A 2: 'tune.idletimer' expects a timer value between 0 and 65535 ms.",
            ),
            (
                "tune.idle-pool.shared x",
                "A 2: 'tune.idle-pool.shared' expects 'full', 'on' or 'off' but got 'x'.",
            ),
            (
                "tune.rcvbuf.client 100\n tune.rcvbuf.client 200",
                "W 3: 'tune.rcvbuf.client' already specified. Continuing.",
            ),
            (
                "tune.foo 1",
                "A 2: unknown keyword 'tune.foo' in 'global' section",
            ),
        ] {
            let (_, messages) = load_text(&format!("global\n {line}\n"));
            assert_eq!(
                messages.first().map(String::as_str),
                Some(message),
                "{line}"
            );
        }
    }
}
