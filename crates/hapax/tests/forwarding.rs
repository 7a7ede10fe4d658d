//! Headers that tell the server about the client, and the monitoring page.
mod common;

use std::time::Duration;

use common::{http, http_logged};
use testkit::{Program, Server, Syslog, handlers};

fn start(front: &str, server: &Server) -> Program {
    let config = format!(
        "frontend in\n  bind {{fe}}\n{front}\n  default_backend back\nbackend back\n  server s1 {{s1}}"
    );
    http().config(&config).server("s1", server).start()
}

fn forwarded(front: &str, request: &str) -> String {
    let server = Server::start(handlers::says("ok"));
    start(front, &server).connect("fe").send(request).response();
    server.text(0)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const GET_FROM: &str = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";

#[test]
fn forwardfor() {
    assert!(forwarded("  option forwardfor", GET).contains("\r\nx-forwarded-for: 127.0.0.1\r\n"));
    let both = forwarded("  option forwardfor", GET_FROM);
    assert!(
        both.contains("\r\nx-forwarded-for: 1.2.3.4\r\nx-forwarded-for: 127.0.0.1\r\n"),
        "{both}"
    );
}

#[test]
fn forwardfor_options() {
    assert!(!forwarded("  option forwardfor except 127.0.0.0/8", GET).contains("x-forwarded-for"));
    assert!(
        forwarded("  option forwardfor except 10.0.0.0/8", GET)
            .contains("x-forwarded-for: 127.0.0.1\r\n")
    );
    assert!(
        forwarded("  option forwardfor header X-Client", GET)
            .contains("\r\nx-client: 127.0.0.1\r\n")
    );
    assert!(!forwarded("  option forwardfor if-none", GET_FROM).contains("127.0.0.1"));
}

#[test]
fn originalto() {
    assert!(forwarded("  option originalto", GET).contains("\r\nx-original-to: 127.0.0.1\r\n"));
    assert!(
        forwarded("  option originalto header X-Dst", GET).contains("\r\nx-dst: 127.0.0.1\r\n")
    );
    assert!(!forwarded("  option originalto except 127.0.0.1", GET).contains("original-to"));
}

#[test]
fn forwarded_header_of_rfc_7239() {
    let server = Server::start(handlers::says("ok"));
    let config = "frontend in\n  bind {fe}\n  default_backend back\nbackend back\n  option forwarded\n  server s1 {s1}";
    let program = http().config(config).server("s1", &server).start();
    program.connect("fe").send(GET).response();
    assert!(
        server
            .text(0)
            .contains("\r\nforwarded: proto=http;for=127.0.0.1\r\n"),
        "{}",
        server.text(0)
    );
}

#[test]
fn monitor_uri_answers_and_is_not_logged() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = http_logged(&log)
        .config("frontend in\n  bind {fe}\n  monitor-uri /alive\n  default_backend back\nbackend back\n  server s1 {s1}")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    let answer = client
        .send("GET /alive HTTP/1.1\r\nHost: a\r\n\r\n")
        .response();
    assert_eq!((answer.status(), server.connections()), (200, 0));
    assert!(
        answer.text().contains("Service ready."),
        "{}",
        answer.text()
    );
    assert!(log.find(Duration::from_millis(50), |_| true).is_none());
    assert_eq!(program.connect("fe").get("/alive2").text(), "ok");
}

#[test]
fn monitor_fail_turns_the_answer() {
    let server = Server::start(handlers::says("ok"));
    let program = start(
        "  monitor-uri /alive\n  monitor fail if { nbsrv(back) lt 2 }",
        &server,
    );
    assert_eq!(program.connect("fe").get("/alive").status(), 503);
}

#[test]
fn a_unique_id_is_made_and_sent() {
    let seen = forwarded(
        "  unique-id-format %{+X}o-%ci:%fi\n  unique-id-header X-Id",
        GET,
    );
    let id = seen
        .lines()
        .find_map(|line| line.strip_prefix("x-id: "))
        .expect("a header")
        .to_owned();
    assert_eq!(id, "-7F000001:7F000001");
}
