//! Connections that leave HTTP behind: `Upgrade`, WebSocket, CONNECT.
mod common;

use std::time::Duration;

use common::{FRONT_AND_BACK, http, http_line, http_logged};
use testkit::{Conn, Server, Syslog, handlers};

fn switching(conn: &mut Conn, answer: &str) -> std::io::Result<()> {
    conn.read_until(b"\r\n\r\n")?;
    conn.send(answer)?;
    loop {
        let bytes = conn.read_some()?;
        if bytes.is_empty() {
            return Ok(());
        }
        conn.send(bytes.to_ascii_uppercase())?;
    }
}

const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nhi";
const ASK: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n";

#[test]
fn an_upgrade_becomes_a_tunnel() {
    let log = Syslog::udp();
    let server = Server::start(|conn: &mut Conn, _| switching(conn, SWITCH));
    let program = http_logged(&log)
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    let answer = client.send(ASK).response();
    assert_eq!(
        (answer.status(), answer.header("upgrade")),
        (101, Some("foo"))
    );
    assert_eq!(answer.header("connection"), Some("Upgrade"));
    assert_eq!(client.read_exact(2), b"hi");
    assert_eq!(client.send("abc").read_exact(3), b"ABC");
    assert_eq!(client.send("x").shutdown_write().read_to_end(), b"X");
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.base.bytes > 0),
        ("---- 101", true)
    );
}

#[test]
fn bytes_sent_with_the_upgrade_reach_the_server_after_it() {
    let server = Server::start(|conn: &mut Conn, _| switching(conn, SWITCH));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    let mut client = program.connect("fe");
    client.send(format!("{ASK}early"));
    assert_eq!(client.response().status(), 101);
    assert_eq!(client.read_exact(7), b"hiEARLY");
}

#[test]
fn a_refused_upgrade_is_a_plain_answer() {
    let server = Server::start(handlers::says("no"));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    let mut client = program.connect("fe");
    assert_eq!(client.send(ASK).response().text(), "no");
    assert_eq!(client.get("/").text(), "no");
}

#[test]
fn a_websocket_handshake_passes() {
    let key = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
               Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let accept = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let server = Server::start(move |conn: &mut Conn, _| switching(conn, accept));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    let mut client = program.connect("fe");
    let answer = client.send(key).response();
    assert_eq!(
        answer.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(client.send("\u{1}abc").read_exact(4), b"\x01ABC");
}

#[test]
fn connect_becomes_a_tunnel_on_200() {
    let server =
        Server::start(|conn: &mut Conn, _| switching(conn, "HTTP/1.1 200 Connected\r\n\r\nhi"));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    let mut client = program.connect("fe");
    client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    assert_eq!(
        client.read_until(b"\r\n\r\n"),
        b"HTTP/1.1 200 Connected\r\n\r\n"
    );
    assert_eq!(client.read_exact(2), b"hi");
    assert_eq!(client.send("abc").read_exact(3), b"ABC");
    assert!(
        server
            .text(0)
            .starts_with("CONNECT example.com:443 HTTP/1.1\r\n")
    );
}

#[test]
fn a_refused_connect_is_a_plain_answer() {
    let server = Server::start(handlers::fixed(
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
    ));
    let program = http().config(FRONT_AND_BACK).server("s1", &server).start();
    let mut client = program.connect("fe");
    let answer = client
        .send("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
        .response();
    assert_eq!((answer.status(), answer.text().as_str()), (403, "no"));
}

#[test]
fn timeout_tunnel_replaces_the_others() {
    let log = Syslog::udp();
    let server = Server::start(|conn: &mut Conn, _| switching(conn, SWITCH));
    let program = http_logged(&log)
        .config("  timeout client 100ms\n  timeout server 100ms\n  timeout tunnel 500ms")
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send(ASK).response();
    client.read_exact(2);
    client.expect_open(Duration::from_millis(300));
    client.expect_closed();
}
