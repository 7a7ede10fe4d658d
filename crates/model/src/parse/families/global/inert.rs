//! `tune.*` and its like that have no counterpart here: accepted, with one notice for each file that says so.

use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};

/// Figures of subsystems that are not built yet. They are harmless without their subsystem.
pub const LATER: &[Row] = &[
    later("tune.h1.fe.glitches-threshold", 1, 1),
    later("tune.h1.be.glitches-threshold", 1, 1),
    later("tune.glitches.kill.cpu-usage", 1, 1),
    later("tune.bufsize.large", 1, 1),
    later("tune.cli.max-payload-size", 1, 1),
    later("tune.comp.maxlevel", 1, 1),
    later("tune.zlib.memlevel", 1, 1),
    later("tune.zlib.windowsize", 1, 1),
    later("tune.lua.bool-sample-conversion", 1, 1),
    later("tune.lua.burst-timeout", 1, 1),
    later("tune.lua.forced-yield", 1, 1),
    later("tune.lua.log.loggers", 1, 1),
    later("tune.lua.log.stderr", 1, 1),
    later("tune.lua.maxmem", 1, 1),
    later("tune.lua.openlibs", 1, ANY),
    later("tune.lua.service-timeout", 1, 1),
    later("tune.lua.session-timeout", 1, 1),
    later("tune.lua.task-timeout", 1, 1),
    later("tune.max-checks-per-thread", 1, 1),
    later("tune.quic.be.cc.cubic-min-losses", 1, 1),
    later("tune.quic.be.cc.hystart", 1, 1),
    later("tune.quic.be.cc.max-frame-loss", 1, 1),
    later("tune.quic.be.cc.max-win-size", 1, 1),
    later("tune.quic.be.cc.reorder-ratio", 1, 1),
    later("tune.quic.be.max-idle-timeout", 1, 1),
    later("tune.quic.be.sec.glitches-threshold", 1, 1),
    later("tune.quic.be.stream.data-ratio", 1, 1),
    later("tune.quic.be.stream.max-concurrent", 1, 1),
    later("tune.quic.be.stream.rxbuf", 1, 1),
    later("tune.quic.be.tx.pacing", 1, 1),
    later("tune.quic.be.tx.udp-gso", 1, 1),
    later("tune.quic.cc-hystart", 1, 1),
    later("tune.quic.cc.cubic.min-losses", 1, 1),
    later("tune.quic.disable-tx-pacing", 0, 0),
    later("tune.quic.disable-udp-gso", 0, 0),
    later("tune.quic.fe.cc.cubic-min-losses", 1, 1),
    later("tune.quic.fe.cc.hystart", 1, 1),
    later("tune.quic.fe.cc.max-frame-loss", 1, 1),
    later("tune.quic.fe.cc.max-win-size", 1, 1),
    later("tune.quic.fe.cc.reorder-ratio", 1, 1),
    later("tune.quic.fe.max-idle-timeout", 1, 1),
    later("tune.quic.fe.sec.glitches-threshold", 1, 1),
    later("tune.quic.fe.sec.retry-threshold", 1, 1),
    later("tune.quic.fe.sock-per-conn", 1, 1),
    later("tune.quic.fe.stream.data-ratio", 1, 1),
    later("tune.quic.fe.stream.max-concurrent", 1, 1),
    later("tune.quic.fe.stream.max-total", 1, 1),
    later("tune.quic.fe.stream.rxbuf", 1, 1),
    later("tune.quic.fe.tx.pacing", 1, 1),
    later("tune.quic.fe.tx.udp-gso", 1, 1),
    later("tune.quic.frontend.default-max-window-size", 1, 1),
    later("tune.quic.frontend.glitches-threshold", 1, 1),
    later("tune.quic.frontend.max-data-size", 1, 1),
    later("tune.quic.frontend.max-idle-timeout", 1, 1),
    later("tune.quic.frontend.max-streams-bidi", 1, 1),
    later("tune.quic.frontend.max-tx-mem", 1, 1),
    later("tune.quic.frontend.stream-data-ratio", 1, 1),
    later("tune.quic.listen", 1, 1),
    later("tune.quic.max-frame-loss", 1, 1),
    later("tune.quic.mem.tx-max", 1, 1),
    later("tune.quic.reorder-ratio", 1, 1),
    later("tune.quic.retry-threshold", 1, 1),
    later("tune.quic.socket-owner", 1, 1),
    later("tune.quic.zero-copy-fwd-send", 1, 1),
    later("tune.ssl.certificate-compression", 1, 1),
];

/// What tunes the reference implementation's inside only.
pub const INNER: &[Row] = &[
    inner("tune.applet.zero-copy-forwarding", 1, 1),
    inner("tune.buffers.limit", 1, 1),
    inner("tune.buffers.reserve", 1, 1),
    inner("tune.bufsize.small", 1, 1),
    inner("tune.defaults.purge", 1, 1),
    inner("tune.disable-fast-forward", 0, 0),
    inner("tune.disable-zero-copy-forwarding", 0, 0),
    inner("tune.epoll.mask-events", 1, 1),
    inner("tune.events.max-events-at-once", 1, 1),
    inner("tune.fail-alloc", 1, 1),
    inner("tune.fd.edge-triggered", 1, 1),
    inner("tune.h1.zero-copy-fwd-recv", 1, 1),
    inner("tune.h1.zero-copy-fwd-send", 1, 1),
    inner("tune.listener.default-shards", 1, 1),
    inner("tune.listener.multi-queue", 1, 1),
    inner("tune.max-rules-at-once", 1, 1),
    inner("tune.maxpollevents", 1, 1),
    inner("tune.memory.hot-size", 1, 1),
    inner("tune.pattern.cache-size", 1, 1),
    inner("tune.pool-high-fd-ratio", 1, 1),
    inner("tune.pool-low-fd-ratio", 1, 1),
    inner("tune.pt.zero-copy-forwarding", 1, 1),
    inner("tune.rcvbuf.backend", 1, 1),
    inner("tune.rcvbuf.frontend", 1, 1),
    inner("tune.recv_enough", 1, 1),
    inner("tune.renice.runtime", 1, 1),
    inner("tune.renice.startup", 1, 1),
    inner("tune.ring.queues", 1, 1),
    inner("tune.runqueue-depth", 1, 1),
    inner("tune.sched.low-latency", 1, 1),
    inner("tune.sndbuf.backend", 1, 1),
    inner("tune.sndbuf.frontend", 1, 1),
    inner("tune.streams-elasticity", 1, 1),
    inner("tune.takeover-other-tg-connections", 1, 1),
    inner("busy-polling", 0, 0),
    inner("cpu-affinity", 1, ANY),
    inner("cpu-policy", 1, 1),
    inner("cpu-set", 1, ANY),
    inner("max-threads-per-group", 1, 1),
    inner("maxpipes", 1, 1),
    inner("no-memory-trimming", 0, 0),
    inner("noepoll", 0, 0),
    inner("noevports", 0, 0),
    inner("nogetaddrinfo", 0, 0),
    inner("nokqueue", 0, 0),
    inner("noktls", 0, 0),
    inner("nopoll", 0, 0),
    inner("numa-cpu-mapping", 0, ANY),
    inner("prealloc-fd", 0, 0),
    inner("stress-level", 1, 1),
    inner("warn-blocked-traffic-after", 1, 1),
];

const fn later(name: &'static str, least: usize, most: usize) -> Row {
    Row {
        name,
        valid: Valid::ALL,
        args: (least, most),
        doc: "No effect until its subsystem is built.",
        read: read_later,
    }
}

const fn inner(name: &'static str, least: usize, most: usize) -> Row {
    Row {
        name,
        valid: Valid::ALL,
        args: (least, most),
        doc: "No effect: it has no counterpart here.",
        read: read_inner,
    }
}

fn read_later(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    let subsystem = subsystem(keyword);
    parser.notice_once(
        statement,
        format!("'{keyword}' has no effect in hapax until {subsystem} is built."),
    );
    Ok(())
}

fn read_inner(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    parser.notice_once(
        statement,
        format!("'{keyword}' only tunes HAProxy's internals and has no effect in hapax."),
    );
    Ok(())
}

/// The part that a figure belongs to.
fn subsystem(keyword: &str) -> &'static str {
    const SUBSYSTEMS: &[(&str, &str)] = &[
        ("tune.bufsize.large", "the large buffer"),
        ("tune.cli.", "the limit of payloads"),
        ("tune.comp.", "compression"),
        ("tune.glitches.", "the glitch limit"),
        ("tune.h1.", "the glitch limit"),
        ("tune.lua.", "Lua"),
        ("tune.max-checks-per-thread", "the limit of checks at once"),
        ("tune.quic.", "QUIC"),
        (
            "tune.ssl.certificate-compression",
            "compression of certificates",
        ),
        ("tune.ssl.", "its part of TLS"),
        ("tune.zlib.", "compression"),
    ];
    SUBSYSTEMS
        .iter()
        .find(|(prefix, _)| keyword.starts_with(prefix))
        .map_or("its subsystem", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn each_is_told_once() {
        let text = "global\n tune.quic.listen 5\n tune.quic.listen 6\n tune.recv_enough 100\n no numa-cpu-mapping\n";
        let (snapshot, messages) = load_text(text);
        assert!(snapshot.is_some());
        assert_eq!(
            messages,
            [
                "N 2: 'tune.quic.listen' has no effect in hapax until QUIC is built.",
                "N 4: 'tune.recv_enough' only tunes HAProxy's internals and has no effect in hapax.",
                "N 5: 'numa-cpu-mapping' only tunes HAProxy's internals and has no effect in hapax.",
            ]
        );
    }

    #[test]
    fn a_missing_value_is_a_fault() {
        let (_, messages) = load_text("global\n tune.recv_enough\n");
        assert_eq!(
            messages,
            ["A 2: 'tune.recv_enough' expects at least 1 argument(s)."]
        );
    }
}
