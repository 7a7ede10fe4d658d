//! Every timeout, the answer it leads to and how it is logged.
mod common;

use std::time::{Duration, Instant};

use common::{FRONT_AND_BACK, http_line, http_logged, in_front_of, tcp_line, tcp_logged};
use testkit::{Blackhole, Conn, Program, Server, Syslog, handlers};

fn start(log: &Syslog, options: &str, server: &Server) -> Program {
    in_front_of(http_logged(log), options, server)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn http_request_for_an_incomplete_head() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = start(&log, "  timeout http-request 200ms", &server);
    let started = Instant::now();
    let mut client = program.connect("fe");
    assert_eq!(client.send("GET / HTTP/1.1\r\nHo").response().status(), 408);
    assert!(
        started.elapsed() >= Duration::from_millis(150),
        "{:?}",
        started.elapsed()
    );
    client.expect_eof();
    assert_eq!(http_line(&log).outcome(), "cR-- 408");
}

#[test]
fn http_request_for_silence() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = start(&log, "  timeout http-request 100ms", &server);
    assert_eq!(program.connect("fe").response().status(), 408);
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.request.as_str()),
        ("cR-- 408", "<BADREQ>")
    );
    assert_eq!(&line.base.timers[1..4], [-1, -1, -1]);
}

#[test]
fn http_request_is_not_extended_by_slow_bytes() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = start(&log, "  timeout http-request 150ms", &server);
    let mut client = program.connect("fe");
    // The proxy may close while the bytes still come.
    let _ = client
        .conn()
        .send_slowly(&GET[..GET.len() - 4], 2, Duration::from_millis(30));
    assert_eq!(http_line(&log).outcome(), "cR-- 408");
}

#[test]
fn http_request_covers_the_body_when_it_is_buffered() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = start(
        &log,
        "  timeout http-request 150ms\n  option http-buffer-request",
        &server,
    );
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    assert_eq!(client.response().status(), 408);
    assert_eq!(http_line(&log).outcome(), "cR-- 408");
    assert_eq!(server.connections(), 0);
}

#[test]
fn http_keep_alive_ends_in_silence() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = start(&log, "  timeout http-keep-alive 100ms", &server);
    let mut client = program.connect("fe");
    client.get("/");
    let started = Instant::now();
    client.expect_eof();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(log.lines().len(), 1);
}

#[test]
fn client_for_a_request_body() {
    let log = Syslog::udp();
    let server = Server::start(handlers::silent());
    let program = start(&log, "  timeout client 200ms", &server);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    assert_eq!(client.response().status(), 400);
    assert_eq!(http_line(&log).outcome(), "cH-- 400");
}

#[test]
fn server_for_the_answer() {
    let log = Syslog::udp();
    let server = Server::start(handlers::silent());
    let program = start(&log, "  timeout server 150ms", &server);
    assert_eq!(program.connect("fe").get("/").status(), 504);
    let line = http_line(&log);
    assert_eq!(line.outcome(), "sH-- 504");
    assert_eq!(line.base.timers[3], -1);
    assert!(line.base.timers[4] >= 140, "{:?}", line.base.timers);
}

#[test]
fn server_within_a_body() {
    let log = Syslog::udp();
    let server = Server::start(handlers::stall_after(
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    ));
    let program = start(&log, "  timeout server 150ms", &server);
    let mut client = program.connect("fe");
    client.send(GET);
    client.expect_closed();
    assert_eq!(http_line(&log).outcome(), "sD-- 200");
}

#[test]
fn connect_unanswered() {
    let log = Syslog::udp();
    let hole = Blackhole::new();
    let program = http_logged(&log)
        .config("  timeout connect 150ms\n  retries 0")
        .config(FRONT_AND_BACK)
        .set("s1", hole.address)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let line = http_line(&log);
    assert_eq!(line.outcome(), "sC-- 503");
    assert_eq!(&line.base.timers[2..4], [-1, -1]);
}

#[test]
fn connect_unanswered_is_retried() {
    let log = Syslog::udp();
    let hole = Blackhole::new();
    let program = http_logged(&log)
        .config("  timeout connect 100ms\n  retries 2")
        .config(FRONT_AND_BACK)
        .set("s1", hole.address)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.base.counters[4].as_str()),
        ("sC-- 503", "2")
    );
    assert!(line.base.timers[4] >= 280, "{:?}", line.base.timers);
}

#[test]
fn queue() {
    let log = Syslog::udp();
    let server = Server::start(handlers::silent());
    let program = http_logged(&log)
        .config("  timeout queue 150ms\nlisten in\n  bind {fe}\n  server s1 {s1} maxconn 1")
        .server("s1", &server)
        .start();
    let mut first = program.connect("fe");
    first.send(GET);
    server.wait_connections(1);
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.base.server.as_str()),
        ("sQ-- 503", "<NOSRV>")
    );
    assert!(line.base.timers[1] >= 140, "{:?}", line.base.timers);
}

#[test]
fn tarpit() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = http_logged(&log)
        .config("  timeout tarpit 150ms\nlisten in\n  bind {fe}\n  http-request tarpit if { path /t }\n  server s1 {s1}")
        .server("s1", &server)
        .start();
    let started = Instant::now();
    assert_eq!(program.connect("fe").get("/t").status(), 500);
    assert!(
        started.elapsed() >= Duration::from_millis(140),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(http_line(&log).outcome(), "PT-- 500");
}

#[test]
fn tcp_client_and_server() {
    for (options, state) in [
        ("  timeout client 150ms", "cD"),
        ("  timeout server 150ms", "sD"),
        ("  timeout tunnel 150ms", "sD"),
    ] {
        let log = Syslog::udp();
        let server = Server::start(handlers::echo());
        let program = tcp_logged(&log)
            .config(options)
            .config(FRONT_AND_BACK)
            .server("s1", &server)
            .start();
        let mut client = program.connect("fe");
        assert_eq!(client.send("abc").read_exact(3), b"abc");
        client.expect_closed();
        let line = tcp_line(&log);
        assert!(
            line.state == state || options.contains("tunnel"),
            "{options}: {}",
            line.state
        );
        assert_eq!(line.bytes, 3);
    }
}

#[test]
fn client_fin_shortens_a_half_closed_connection() {
    let log = Syslog::udp();
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_to_end()?;
        std::thread::sleep(Duration::from_millis(1500));
        Ok(())
    });
    let program = tcp_logged(&log)
        .config("  timeout client-fin 100ms\n  timeout server-fin 100ms")
        .config(FRONT_AND_BACK);
    let program = program.server("s1", &server).start();
    let mut client = program.connect("fe");
    let started = Instant::now();
    client.send("abc").shutdown_write().expect_closed();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}
