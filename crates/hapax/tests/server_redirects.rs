//! Servers that send their clients elsewhere (`redir`).
mod common;

use common::{http_line, http_logged};
use testkit::{Server, Syslog, handlers};

#[test]
fn safe_requests_are_redirected_and_others_served() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = http_logged(&log)
        .config("listen in\n  bind {fe}\n  http-after-response set-header x-after 1\n  server s {s} redir http://img.example/x")
        .server("s", &server)
        .start();
    let mut client = program.connect("fe");
    let answer = client.get("/a?b=c");
    assert_eq!(answer.status(), 302);
    assert_eq!(
        (
            answer.header("location"),
            answer.header("cache-control"),
            answer.header("x-after")
        ),
        (
            Some("http://img.example/x/a?b=c"),
            Some("no-cache"),
            Some("1")
        )
    );
    let line = http_line(&log);
    assert_eq!((&*line.base.server, &*line.base.state), ("s", "LC--"));
    assert_eq!(server.connections(), 0);
    client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.response().text(), "ok");
}
