//! Persistent connections on both sides, pipelining, interim responses, bodiless answers.
mod common;

use std::time::Duration;

use common::start;
use testkit::{Conn, Server, handlers};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn both_sides_stay_open() {
    let server = Server::start(handlers::says("ok"));
    let program = start("", &server);
    let mut client = program.connect("fe");
    for _ in 0..3 {
        assert_eq!(client.get("/").header("connection"), None);
    }
    client.expect_open(Duration::from_millis(30));
    assert_eq!(server.connections(), 1);
}

#[test]
fn connection_close_of_the_client_is_honoured() {
    let server = Server::start(handlers::says("ok"));
    let program = start("", &server);
    let mut client = program.connect("fe");
    let answer = client
        .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .response();
    assert_eq!(answer.header("connection"), Some("close"));
    client.expect_eof();
}

#[test]
fn an_http_10_client_must_ask_to_stay() {
    let server = Server::start(handlers::says("ok"));
    let program = start("", &server);
    let mut client = program.connect("fe");
    let answer = client.send("GET / HTTP/1.0\r\n\r\n").response();
    assert_eq!(
        (answer.start.as_str(), answer.header("connection")),
        ("HTTP/1.1 200 OK", Some("close"))
    );
    client.expect_eof();
    let mut client = program.connect("fe");
    let answer = client
        .send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .response();
    assert_eq!(answer.header("connection"), Some("keep-alive"));
    assert_eq!(
        client.send("GET / HTTP/1.0\r\n\r\n").response().text(),
        "ok"
    );
}

#[test]
fn option_httpclose_closes_both() {
    let server = Server::start(handlers::says("ok"));
    let program = start("  option httpclose", &server);
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").header("connection"), Some("close"));
    client.expect_eof();
    assert!(server.text(0).contains("\r\nconnection: close\r\n"));
}

#[test]
fn option_http_server_close_keeps_the_client() {
    let server = Server::start(handlers::says("ok"));
    let program = start("  option http-server-close", &server);
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").header("connection"), None);
    assert_eq!(client.get("/").text(), "ok");
    assert_eq!(server.connections(), 2);
    assert!(server.text(0).contains("\r\nconnection: close\r\n"));
}

#[test]
fn option_http_pretend_keepalive_hides_the_close() {
    let server = Server::start(handlers::says("ok"));
    let program = start(
        "  option http-server-close\n  option http-pretend-keepalive",
        &server,
    );
    let mut client = program.connect("fe");
    client.get("/");
    client.get("/");
    assert_eq!(server.connections(), 2);
    assert!(
        !server.text(0).contains("connection: close"),
        "{}",
        server.text(0)
    );
}

#[test]
fn a_server_that_closes_leaves_the_client_open() {
    let server = Server::start(handlers::once(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ));
    let program = start("", &server);
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").header("connection"), None);
    assert_eq!(client.get("/").text(), "ok");
    assert_eq!(server.connections(), 2);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(handlers::http(|request| handlers::ok(request.target())));
    let program = start("", &server);
    let mut client = program.connect("fe");
    let all: String = (0..20)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .collect();
    client.send(all);
    for n in 0..20 {
        assert_eq!(client.response().text(), format!("/{n}"));
    }
}

#[test]
fn pipelined_after_a_body() {
    let server = Server::start(handlers::http(|request| handlers::ok(&request.text())));
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nHost: a\r\n",
    );
    assert_eq!(client.response().text(), "abc");
    client.send(
        "Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.response().text(), "de");
    assert_eq!(client.response().text(), "");
}

#[test]
fn empty_lines_between_requests() {
    let server = Server::start(handlers::says("ok"));
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.get("/");
    assert_eq!(client.send(format!("\r\n{GET}")).response().status(), 200);
}

#[test]
fn head_has_no_body() {
    let server = Server::start(|conn: &mut Conn, _| {
        while conn.read_request()?.is_some() {
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")?;
        }
        Ok(())
    });
    let program = start("", &server);
    let mut client = program.connect("fe");
    for _ in 0..2 {
        let answer = client
            .send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            .response_to_head();
        assert_eq!(answer.header("content-length"), Some("10"));
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn no_content_and_not_modified_keep_the_connection() {
    let answers = [
        ("/204", "HTTP/1.1 204 No Content\r\n\r\n".as_bytes()),
        ("/304", b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"),
    ];
    let server = Server::start(handlers::by_path(&answers));
    let program = start("", &server);
    let mut client = program.connect("fe");
    assert_eq!(client.get("/204").status(), 204);
    assert_eq!(client.get("/304").header("etag"), Some("\"x\""));
    assert_eq!(client.get("/204").status(), 204);
    assert_eq!(server.connections(), 1);
}

#[test]
fn interim_responses_pass() {
    let server = Server::start(handlers::fixed(
        "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ));
    let program = start("", &server);
    let mut client = program.connect("fe");
    for _ in 0..2 {
        let hints = client.get("/");
        assert_eq!((hints.status(), hints.header("link")), (103, Some("a")));
        assert_eq!(client.response().status(), 102);
        assert_eq!(client.response().text(), "ok");
    }
}

#[test]
fn expect_continue_is_the_servers_to_answer() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_until(b"\r\n\r\n")?;
        conn.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        let body = conn.read_exact(3)?;
        conn.send(handlers::ok(&String::from_utf8_lossy(&body)))
    });
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.response().status(), 100);
    assert_eq!(client.send("abc").response().text(), "abc");
    assert!(server.text(0).contains("\r\nexpect: 100-continue\r\n"));
}

#[test]
fn expect_continue_is_answered_when_the_body_is_waited_for() {
    let server = Server::start(handlers::says("ok"));
    let program = start("  option http-buffer-request", &server);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    let interim = client.response();
    assert_eq!(interim.start, "HTTP/1.1 100 Continue");
    assert_eq!(server.connections(), 0);
    assert_eq!(client.send("abc").response().text(), "ok");
    assert!(!server.text(0).contains("expect"), "{}", server.text(0));
}

#[test]
fn an_idle_client_gets_no_message_when_it_leaves_in_silence() {
    let server = Server::start(handlers::says("ok"));
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.get("/");
    client.shutdown_write().expect_eof();
    let mut fresh = program.connect("fe");
    fresh.shutdown_write();
    fresh.expect_closed();
}
