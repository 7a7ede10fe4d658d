//! Limits of a request's head: its number of headers, its size, and how late it may come apart.
mod common;

use std::time::Duration;

use common::{FRONT_AND_BACK, http, http_line, http_logged};
use testkit::{Server, Syslog, handlers};

fn with_headers(count: usize) -> String {
    let headers: String = (0..count)
        .map(|number| format!("X-{number}: v\r\n"))
        .collect();
    format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n")
}

#[test]
fn too_many_headers() {
    let server = Server::start(handlers::says("ok"));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    assert_eq!(
        program
            .connect("fe")
            .send(with_headers(99))
            .response()
            .status(),
        200
    );
    assert_eq!(
        program
            .connect("fe")
            .send(with_headers(100))
            .response()
            .status(),
        400
    );
    assert_eq!(server.connections(), 1);
}

#[test]
fn the_number_of_headers_is_configurable() {
    let server = Server::start(handlers::says("ok"));
    let program = http()
        .config("global\n  tune.http.maxhdr 20")
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    assert_eq!(
        program
            .connect("fe")
            .send(with_headers(18))
            .response()
            .status(),
        200
    );
    assert_eq!(
        program
            .connect("fe")
            .send(with_headers(19))
            .response()
            .status(),
        400
    );
}

#[test]
fn a_head_larger_than_the_buffer() {
    let server = Server::start(handlers::says("ok"));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    let request = |size: usize| {
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "x".repeat(size)
        )
    };
    assert_eq!(
        program
            .connect("fe")
            .send(request(14_000))
            .response()
            .status(),
        200
    );
    assert_eq!(
        program
            .connect("fe")
            .send(request(17_000))
            .response()
            .status(),
        431
    );
}

#[test]
fn a_larger_buffer_takes_a_larger_head() {
    let server = Server::start(handlers::says("ok"));
    let program = http()
        .config("global\n  tune.bufsize 65536")
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    assert_eq!(program.connect("fe").send(request).response().status(), 200);
}

#[test]
fn a_response_head_larger_than_the_buffer() {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n",
        "x".repeat(17_000)
    );
    let server = Server::start(handlers::once(answer));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    assert_eq!(program.connect("fe").get("/").status(), 502);
}

#[test]
fn a_head_in_single_bytes() {
    let server = Server::start(handlers::says("ok"));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    let mut client = program.connect("fe");
    client.send_slowly(
        "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n",
        1,
        Duration::from_millis(1),
    );
    assert_eq!(client.response().text(), "ok");
    assert_eq!(server.text(0), "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn a_response_in_single_bytes() {
    let server = Server::start(handlers::slow(
        handlers::ok("slow"),
        1,
        Duration::from_millis(1),
    ));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    assert_eq!(program.connect("fe").get("/").text(), "slow");
}

#[test]
fn a_refused_request_is_logged_as_bad() {
    let log = Syslog::udp();
    let server = Server::start(handlers::says("ok"));
    let program = http_logged(&log)
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let answer = program
        .connect("fe")
        .send("GET / HTTP/1.1\r\nbad header: x\r\n\r\n")
        .response();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.header("connection"), Some("close"));
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.request.as_str()),
        ("PR-- 400", "<BADREQ>")
    );
    assert_eq!(
        (line.base.backend.as_str(), line.base.server.as_str()),
        ("in", "<NOSRV>")
    );
}
