//! `tune.h2.*` and their like.

use super::process::on;
use super::tuning::figure;
use crate::global::Http2Side;
use crate::parse::{ANY, Parsed, Parser, Row, Statement};
use base::units::parse_size;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row::new(
        "h2-workaround-bogus-websocket-clients",
        "Does not tell clients that HTTP/2 can carry WebSockets.",
        |parser, _| on(&mut parser.global.http2.hides_websockets),
    )
    .args(0, 0),
    Row::new(
        "tune.h2.be.glitches-threshold",
        "Oddities a server may show.",
        glitches,
    ),
    Row::new(
        "tune.h2.be.initial-window-size",
        "Window of a response at first.",
        window,
    ),
    Row::new(
        "tune.h2.be.max-concurrent-streams",
        "Streams towards a server at a time.",
        streams,
    ),
    Row::new(
        "tune.h2.be.max-frames-at-once",
        "Frames of a server handled in a row.",
        inner,
    ),
    Row::new(
        "tune.h2.be.rxbuf",
        "Bytes of responses kept for slow readers.",
        buffer,
    ),
    Row::new(
        "tune.h2.fe.glitches-threshold",
        "Oddities a client may show.",
        glitches,
    ),
    Row::new(
        "tune.h2.fe.initial-window-size",
        "Window of a request at first.",
        window,
    ),
    Row {
        args: (0, ANY),
        ..Row::new(
            "tune.h2.fe.max-concurrent-streams",
            "Streams of a client at a time.",
            streams,
        )
    },
    Row::new(
        "tune.h2.fe.max-frames-at-once",
        "Frames of a client handled in a row.",
        inner,
    ),
    Row::new(
        "tune.h2.fe.max-rst-at-once",
        "Resets of a client handled in a row.",
        inner,
    ),
    Row::new(
        "tune.h2.fe.max-total-streams",
        "Streams of a client in all.",
        total,
    ),
    Row::new(
        "tune.h2.fe.rxbuf",
        "Bytes of requests kept for slow readers.",
        buffer,
    ),
    Row::new(
        "tune.h2.header-table-size",
        "Bytes of the table of header fields.",
        table,
    ),
    Row::new(
        "tune.h2.initial-window-size",
        "Window of a body at first.",
        window,
    ),
    Row::new("tune.h2.log-errors", "Which errors are logged.", log_errors),
    Row::new(
        "tune.h2.max-concurrent-streams",
        "Streams of a connection at a time.",
        streams,
    ),
    Row::new(
        "tune.h2.max-frame-size",
        "Bytes of a frame that is received.",
        frame,
    ),
    Row::new(
        "tune.h2.zero-copy-fwd-send",
        "Whether bodies are moved without copying.",
        inner,
    ),
];

/// The figures that a keyword belongs to: those of one side, or those that both sides go back to.
fn side<'p>(parser: &'p mut Parser<'_>, keyword: &str) -> &'p mut Http2Side {
    let http2 = &mut parser.global.http2;
    match keyword.get(..11) {
        Some("tune.h2.fe.") => &mut http2.clients,
        Some("tune.h2.be.") => &mut http2.servers,
        _ => &mut http2.common,
    }
}

fn positive(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed<u32> {
    let keyword = statement.keyword();
    u32::try_from(figure(parser, statement)?)
        .map_err(|_| statement.fault(0, format!("'{keyword}' expects a positive numeric value.")))
}

fn within(parser: &mut Parser<'_>, statement: Statement<'_>, least: u32, most: u32) -> Parsed<u32> {
    let keyword = statement.keyword();
    match u32::try_from(figure(parser, statement)?) {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => {
            let message =
                format!("'{keyword}' expects a numeric value between {least} and {most}.");
            Err(statement.fault(0, message))
        }
    }
}

fn window(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let window = positive(parser, statement)?.min(0x7fff_ffff);
    side(parser, statement.keyword()).initial_window = Some(window);
    Ok(())
}

fn glitches(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    side(parser, statement.keyword()).max_glitches = Some(positive(parser, statement)?);
    Ok(())
}

fn total(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.http2.max_total_streams = positive(parser, statement)?;
    Ok(())
}

fn streams(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    side(parser, keyword).max_streams = Some(positive(parser, statement)?);
    let mut at = 1;
    while !statement.arg(at).is_empty() {
        if !matches!(statement.arg(at), "rq-load" | "min") {
            let message = format!(
                "'{keyword}' only supports 'rq-load' or 'min' after the numeric value, but found '{}'.",
                statement.arg(at)
            );
            return Err(statement.fault(at, message));
        }
        if !matches!(statement.arg(at + 1), "ignore") {
            let message = format!("'{keyword}': the limit does not follow the load in hapax.");
            parser.notice_once(statement, message);
        }
        at += 2;
    }
    Ok(())
}

fn buffer(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let (keyword, text) = (statement.keyword(), statement.arg(0));
    let size = parse_size(text).map_err(|why| {
        let wrong = text
            .get(why.offset()..)
            .and_then(|rest| rest.chars().next());
        let wrong = wrong.unwrap_or('?');
        let message =
            format!("'{keyword}': unexpected character '{wrong}' in size argument '{text}'.");
        statement.fault(0, message)
    })?;
    side(parser, keyword).stream_window = Some(size.min(0x7fff_0000));
    Ok(())
}

fn table(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.http2.header_table = within(parser, statement, 4096, 65_536)?;
    Ok(())
}

fn frame(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    parser.global.http2.max_frame = within(parser, statement, 16_384, 16_777_215)?;
    Ok(())
}

fn log_errors(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    match statement.arg(0) {
        "stream" => Ok(()),
        "none" | "connection" => inner(parser, statement),
        _ => {
            let message = "'tune.h2.log-errors' expects 'none', 'connection', or 'stream'";
            Err(statement.fault(0, message))
        }
    }
}

/// What has no counterpart: a worker turns to other connections after a fixed number of reads.
fn inner(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    let message = format!("'{keyword}' only tunes HAProxy's internals and has no effect in hapax.");
    parser.notice_once(statement, message);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn figures_are_kept_for_their_side() {
        let text = "global\n tune.h2.fe.max-concurrent-streams 50\n tune.h2.be.rxbuf 64k\n tune.h2.initial-window-size 30000\n tune.h2.fe.max-total-streams 1000\n tune.h2.fe.glitches-threshold 7\n tune.h2.header-table-size 8192\n tune.h2.max-frame-size 20000\n";
        let (snapshot, messages) = load_text(text);
        assert!(messages.is_empty(), "{messages:?}");
        let http2 = snapshot.unwrap().global.http2;
        let (clients, servers) = (http2.of_clients(), http2.of_servers());
        assert_eq!((clients.max_streams, servers.max_streams), (50, 100));
        assert_eq!(
            (clients.stream_window, servers.stream_window),
            (1_638_400, 65_536)
        );
        assert_eq!(
            (clients.initial_window, servers.initial_window),
            (30_000, 30_000)
        );
        assert_eq!((clients.max_glitches, servers.max_glitches), (7, 0));
        assert_eq!(
            (http2.max_total_streams, http2.header_table, http2.max_frame),
            (1000, 8192, 20_000)
        );
    }

    #[test]
    fn wrong_figures_are_told_as_in_haproxy() {
        for (line, message) in [
            (
                "tune.h2.header-table-size 70000",
                "'tune.h2.header-table-size' expects a numeric value between 4096 and 65536.",
            ),
            (
                "tune.h2.fe.initial-window-size -5",
                "'tune.h2.fe.initial-window-size' expects a positive numeric value.",
            ),
            (
                "tune.h2.max-frame-size 100",
                "'tune.h2.max-frame-size' expects a numeric value between 16384 and 16777215.",
            ),
            (
                "tune.h2.fe.rxbuf x",
                "'tune.h2.fe.rxbuf': unexpected character 'x' in size argument 'x'.",
            ),
            (
                "tune.h2.fe.max-concurrent-streams 10 foo",
                "'tune.h2.fe.max-concurrent-streams' only supports 'rq-load' or 'min' after the numeric value, but found 'foo'.",
            ),
            (
                "tune.h2.log-errors foo",
                "'tune.h2.log-errors' expects 'none', 'connection', or 'stream'",
            ),
        ] {
            let (_, messages) = load_text(&format!("global\n {line}\n"));
            assert_eq!(messages, [format!("A 2: {message}")]);
        }
    }
}
