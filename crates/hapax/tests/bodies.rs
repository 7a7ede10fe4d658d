//! Message bodies in both directions, and answers that come before the request's end.
mod common;

use std::time::Duration;

use common::start;
use testkit::{Conn, Server, handlers};

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|n| b'a' + u8::try_from(n * 7 % 26).unwrap_or(0))
        .collect()
}

#[test]
fn a_large_body_of_known_length_both_ways() {
    let server = Server::start(handlers::http(|request| {
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            request.body.len()
        )
        .into_bytes();
        answer.extend_from_slice(&request.body);
        answer
    }));
    let program = start("", &server);
    let body = pattern(3_000_000);
    let mut client = program.connect("fe");
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    client.send(&body);
    assert!(
        client.response().body == body,
        "the body changed on its way"
    );
}

#[test]
fn a_large_chunked_body_both_ways() {
    let server = Server::start(handlers::http(|request| {
        let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for part in request.body.chunks(10_000) {
            answer.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
            answer.extend_from_slice(part);
            answer.extend_from_slice(b"\r\n");
        }
        answer.extend_from_slice(b"0\r\n\r\n");
        answer
    }));
    let program = start("", &server);
    let body = pattern(1_000_000);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for part in body.chunks(33_333) {
        client
            .send(format!("{:X};ext\r\n", part.len()))
            .send(part)
            .send("\r\n");
    }
    client.send("0\r\n\r\n");
    assert!(
        client.response().body == body,
        "the body changed on its way"
    );
}

#[test]
fn trailers_pass_both_ways() {
    let server = Server::start(handlers::fixed(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: v\r\n\r\n",
    ));
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nY-T: w\r\n\r\n");
    assert_eq!(
        client.response().trailers,
        [("x-t".to_owned(), "v".to_owned())]
    );
    assert!(
        server.text(0).ends_with("0\r\ny-t: w\r\n\r\n"),
        "{}",
        server.text(0)
    );
}

#[test]
fn trailers_dropped_by_option() {
    let server = Server::start(handlers::fixed(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: v\r\n\r\n",
    ));
    let program = start(
        "  option http-drop-request-trailers\n  option http-drop-response-trailers",
        &server,
    );
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nY-T: w\r\n\r\n");
    assert_eq!(client.response().trailers, []);
    assert!(server.text(0).ends_with("0\r\n\r\n"), "{}", server.text(0));
}

#[test]
fn an_http_10_client_gets_the_chunks_too() {
    let server = Server::start(handlers::fixed(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    ));
    let program = start("", &server);
    let mut client = program.connect("fe");
    let answer = client.send("GET / HTTP/1.0\r\n\r\n").response();
    assert_eq!(
        (answer.is_chunked(), answer.text().as_str()),
        (true, "abcde")
    );
}

#[test]
fn a_body_until_close() {
    let server = Server::start(handlers::once("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
    let program = start("", &server);
    let answer = program.connect("fe").get("/");
    assert_eq!(
        (answer.header("connection"), answer.text().as_str()),
        (Some("close"), "until the end")
    );
}

#[test]
fn a_body_in_slow_pieces_is_not_held_back() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_request()?;
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")?;
        // The rest leaves only when the client has shown that it got the first half.
        conn.read_until(b"next")?;
        conn.send("def")
    });
    let program = start("  option http-no-delay", &server);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert!(
        client
            .read_until(b"abc")
            .starts_with(b"HTTP/1.1 200 OK\r\n")
    );
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    let server_waits = client.ending(Duration::from_millis(50));
    assert_eq!(server_waits, testkit::End::Open);
}

#[test]
fn an_answer_before_the_end_of_the_request() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_until(b"\r\n\r\n")?;
        conn.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    });
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome");
    let answer = client.response();
    assert_eq!((answer.status(), answer.text().as_str()), (413, "big"));
}

#[test]
fn an_early_answer_does_not_stop_the_upload() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_until(b"\r\n\r\n")?;
        conn.send(handlers::ok("early"))?;
        conn.read_exact(6)?;
        conn.read_to_end().map(drop)
    });
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    assert_eq!(client.response().text(), "early");
    client.send("def");
    server.wait_received(0, "abcdef");
}

#[test]
fn buffered_requests_reach_no_server_before_their_body() {
    let server = Server::start(handlers::says("ok"));
    let program = start("  option http-buffer-request", &server);
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    client.expect_open(Duration::from_millis(60));
    assert_eq!(server.connections(), 0);
    assert_eq!(client.send("def").response().status(), 200);
}

#[test]
fn a_body_cut_by_the_server() {
    let server = Server::start(handlers::once(
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    ));
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        client.read_to_end(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"
    );
}

#[test]
fn chunks_cut_by_the_server() {
    let server = Server::start(handlers::once(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ));
    let program = start("", &server);
    let mut client = program.connect("fe");
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let received = client.read_to_end();
    assert_eq!(
        received,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
    );
}
