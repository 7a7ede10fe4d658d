//! What becomes of HTTP/2 connections while the process ends softly: clients are told, and lose nothing.
mod common;

use common::http;
use std::time::Duration;
use testkit::h2::{Peer, kind};
use testkit::{Client, Server, Signal, handlers};

const WAIT: Duration = Duration::from_secs(30);

/// GOAWAY that names a last stream, without a fault.
fn go_away(last: u32) -> Vec<u8> {
    [last.to_be_bytes(), [0; 4]].concat()
}

#[test]
fn requests_are_served_until_the_client_leaves() {
    let (gate, opened) = std::sync::mpsc::channel::<()>();
    let opened = std::sync::Mutex::new(opened);
    let slow = Server::start(move |conn, _| {
        conn.read_request()?;
        let waiting = opened.lock().expect("not poisoned");
        let _ = waiting.recv_timeout(WAIT);
        conn.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow")
    });
    let server = Server::start(handlers::says("ok"));
    let mut program = http()
        .config(
            "frontend in
  bind {fe}
  timeout client 60s
  use_backend slow if { path /slow }
  default_backend back
backend slow
  timeout server 60s
  server s {slow}
backend back
  server s {s1}
",
        )
        .server("s1", &server)
        .server("slow", &slow)
        .start();
    let mut client = program.connect("fe");
    let mut peer = Peer::client(client.conn()).expect("connected");
    peer.get(1, "/slow").expect("sent");
    // By now the first one is known.
    peer.get(3, "/").expect("sent");
    assert_eq!(peer.finish(3).expect("answered").status(), Some(200));
    program.signal(Signal::USR1);
    let told = peer.wait_for(kind::GOAWAY, 0).expect("GOAWAY");
    assert_eq!(told.payload, go_away(0x7fff_ffff));
    peer.get(5, "/").expect("sent");
    assert_eq!(peer.finish(5).expect("answered").status(), Some(200));
    gate.send(()).expect("the server waits");
    let answer = peer.finish(1).expect("answered");
    assert_eq!(
        (answer.status(), &answer.body[..]),
        (Some(200), &b"slow"[..])
    );
    assert!(program.running());
    drop(client);
    assert_eq!(program.wait(WAIT), Some(0));
}

#[test]
fn a_client_that_stays_is_left_in_the_end() {
    let mut program = http()
        .config(
            "frontend in
  bind {fe}
  timeout client 60s
  timeout client-fin 300ms
  timeout http-keep-alive 60s
  http-request return status 200
",
        )
        .start();
    let mut client: Client = program.connect("fe");
    let mut peer = Peer::client(client.conn()).expect("connected");
    peer.get(1, "/").expect("sent");
    assert_eq!(peer.finish(1).expect("answered").status(), Some(200));
    program.signal(Signal::USR1);
    let mut seen = Vec::new();
    while let Ok(frame) = peer.read_frame() {
        seen.push((frame.kind, frame.payload));
    }
    let expected = [go_away(0x7fff_ffff), go_away(1)].map(|payload| (kind::GOAWAY, payload));
    assert_eq!(seen, expected);
    assert_eq!(program.wait(WAIT), Some(0));
}
