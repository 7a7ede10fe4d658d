//! Failed attempts: `retries`, `option redispatch`, `retry-on`.
mod common;

use common::{FRONT_AND_BACK, http, http_line, http_logged};
use testkit::{Builder, Conn, Refused, Server, Syslog, handlers};

const TWO: &str =
    "listen in\n  bind {fe}\n  balance roundrobin\n  server s1 {s1}\n  server s2 {s2}";
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn one(options: &str, server: &Server) -> Builder {
    http()
        .config(options)
        .config("listen in\n  bind {fe}\n  server s1 {s1}")
        .server("s1", server)
}

#[test]
fn a_refused_server_is_left_for_another_by_redispatch() {
    let (log, refused, good) = (
        Syslog::udp(),
        Refused::new(),
        Server::start(handlers::says("good")),
    );
    let program = http_logged(&log)
        .config("  option redispatch\n  retries 2\n  timeout connect 100ms")
        .config(TWO)
        .set("s1", refused.address)
        .server("s2", &good)
        .start();
    for _ in 0..2 {
        assert_eq!(program.connect("fe").get("/").text(), "good");
    }
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.base.server.as_str()),
        ("---- 200", "s2")
    );
    assert_eq!(line.base.counters[4], "+1");
}

#[test]
fn without_redispatch_the_server_is_kept() {
    let (log, refused, good) = (
        Syslog::udp(),
        Refused::new(),
        Server::start(handlers::says("good")),
    );
    let program = http_logged(&log)
        .config("  no option redispatch\n  retries 1\n  timeout connect 100ms")
        .config(TWO)
        .set("s1", refused.address)
        .server("s2", &good)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let line = http_line(&log);
    assert_eq!(
        (line.base.server.as_str(), line.base.counters[4].as_str()),
        ("s1", "1")
    );
}

#[test]
fn redispatch_at_once() {
    let (log, refused, good) = (
        Syslog::udp(),
        Refused::new(),
        Server::start(handlers::says("good")),
    );
    let program = http_logged(&log)
        .config("  option redispatch 1\n  retries 3\n  timeout connect 100ms")
        .config(TWO)
        .set("s1", refused.address)
        .server("s2", &good)
        .start();
    assert_eq!(program.connect("fe").get("/").text(), "good");
    assert_eq!(http_line(&log).base.counters[4], "+1");
}

/// Fails the first attempt with these bytes, then answers.
fn fails_once(first: &'static str) -> Server {
    Server::start(move |conn: &mut Conn, number| {
        conn.read_request()?;
        if number == 0 {
            conn.send(first)
        } else {
            conn.send(handlers::ok("again"))
        }
    })
}

#[test]
fn an_empty_response_is_retried_on_request() {
    let server = fails_once("");
    assert_eq!(
        one("", &server).start().connect("fe").get("/").status(),
        502
    );
    let server = fails_once("");
    assert_eq!(
        one("  retry-on empty-response", &server)
            .start()
            .connect("fe")
            .get("/")
            .text(),
        "again"
    );
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_status_is_retried_on_request() {
    let answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    let server = fails_once(answer);
    assert_eq!(
        one("", &server).start().connect("fe").get("/").start,
        "HTTP/1.1 503 Busy"
    );
    let server = fails_once(answer);
    assert_eq!(
        one("  retry-on 503", &server)
            .start()
            .connect("fe")
            .get("/")
            .text(),
        "again"
    );
}

#[test]
fn a_bad_response_is_retried_on_request() {
    let server = fails_once("HTTP/1.1 200 OK\r\nbad header: x\r\n\r\n");
    assert_eq!(
        one("  retry-on junk-response", &server)
            .start()
            .connect("fe")
            .get("/")
            .text(),
        "again"
    );
}

#[test]
fn a_response_timeout_is_retried_on_request() {
    let server = Server::start(|conn: &mut Conn, number| {
        conn.read_request()?;
        if number == 0 {
            conn.read_to_end().map(drop)
        } else {
            conn.send(handlers::ok("again"))
        }
    });
    let program = one(
        "  retry-on response-timeout\n  timeout server 150ms",
        &server,
    )
    .start();
    assert_eq!(program.connect("fe").get("/").text(), "again");
}

#[test]
fn all_retryable_errors_and_a_body() {
    let server = fails_once("");
    let program = one("  retry-on all-retryable-errors", &server).start();
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(client.response().text(), "again");
    assert!(
        server.text(1).ends_with("\r\n\r\nabc"),
        "{}",
        server.text(1)
    );
}

#[test]
fn disable_l7_retry_by_rule() {
    let server = fails_once("");
    let program = http()
        .config("  retry-on all-retryable-errors\nlisten in\n  bind {fe}\n  http-request disable-l7-retry if METH_POST\n  server s1 {s1}")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.response().status(), 502);
}

#[test]
fn retries_run_out() {
    let server = Server::start(handlers::once(""));
    let program = one("  retry-on empty-response\n  retries 2", &server).start();
    assert_eq!(program.connect("fe").send(GET).response().status(), 502);
    assert_eq!(server.connections(), 3);
}

#[test]
fn connections_are_not_tried_again_unless_retry_on_says_so() {
    for (line, retries) in [("retry-on none", "0"), ("retry-on conn-failure", "1")] {
        let log = Syslog::udp();
        let refused = Refused::new();
        let program = http_logged(&log)
            .config(&format!("  retries 1\n  timeout connect 50ms\n  {line}"))
            .config(FRONT_AND_BACK)
            .set("s1", refused.address)
            .start();
        assert_eq!(program.connect("fe").get("/").status(), 503);
        let counters = http_line(&log).base.counters;
        let last = counters.last().map(|n| n.trim_start_matches('+'));
        assert_eq!(last, Some(retries), "{line}");
    }
}
