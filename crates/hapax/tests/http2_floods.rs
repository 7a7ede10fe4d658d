//! Clients of HTTP/2 that do harm: what they send is bounded, costs them their connection where that is due, and others are
//! served meanwhile.
mod common;

use common::{FRONT_AND_BACK, http};
use std::io;
use testkit::h2::{END, END_HEADERS, Frame, Peer, kind};
use testkit::{Client, Program, Server, handlers};

fn start(global: &str) -> (Server, Program) {
    let server = Server::start(handlers::says("ok"));
    let program = http()
        .config(&format!("global\n  {global}\n{FRONT_AND_BACK}"))
        .server("s1", &server)
        .start();
    (server, program)
}

/// The code of the last thing that a client hears.
fn last_code(client: &mut Client, script: impl FnOnce(&mut Peer<'_>) -> io::Result<()>) -> u32 {
    let mut peer = Peer::client(client.conn()).expect("a connection");
    // The program may have closed before everything was sent.
    let _ = script(&mut peer);
    let frame = peer.wait_for(kind::GOAWAY, 0).expect("GOAWAY");
    code(&frame)
}

fn code(frame: &Frame) -> u32 {
    let bytes = frame.payload.get(4..8).unwrap_or_default();
    bytes
        .iter()
        .fold(0, |code, &byte| code << 8 | u32::from(byte))
}

/// A request whose name in upper case has to be refused.
const BAD: [(&str, &str); 5] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "a.example"),
    ("Bad", "x"),
];

#[track_caller]
fn still_serves(program: &Program) {
    assert_eq!(program.connect("fe").get("/").text(), "ok");
}

#[test]
fn glitches_end_the_connection_at_their_threshold() {
    let (_server, program) = start("tune.h2.fe.glitches-threshold 20");
    let mut client = program.connect("fe");
    let mut peer = Peer::client(client.conn()).expect("a connection");
    let mut go_aways = Vec::new();
    for stream in (1..60).step_by(2) {
        peer.headers(stream, &BAD, true).expect("a request");
        // One by one, so that nothing is unread when the connection ends.
        let over = |frame: &Frame| frame.kind == kind::RST_STREAM && frame.stream == stream;
        while let Ok(frame) = peer.read_frame() {
            if frame.kind == kind::GOAWAY {
                go_aways.push((stream, code(&frame)));
            }
            if over(&frame) || (frame.kind == kind::GOAWAY && code(&frame) == 11) {
                break;
            }
        }
        if go_aways.last().is_some_and(|(_, code)| *code == 11) {
            break;
        }
    }
    // A warning at three quarters; then the end.
    assert_eq!(go_aways, [(29, 0), (39, 11)]);
    // Without a threshold they are borne.
    let (_server, program) = start("maxconn 100");
    let mut client = program.connect("fe");
    let mut peer = Peer::client(client.conn()).expect("a connection");
    for n in 0..60 {
        peer.headers(1 + 2 * n, &BAD, true).expect("a request");
    }
    peer.get(121, "/").expect("a request");
    assert_eq!(peer.finish(121).expect("an answer").status(), Some(200));
}

#[test]
fn streams_in_all_are_limited() {
    let (_server, program) = start("tune.h2.fe.max-total-streams 3");
    let mut client = program.connect("fe");
    let mut peer = Peer::client(client.conn()).expect("a connection");
    for stream in [1, 3, 5] {
        peer.get(stream, "/").expect("a request");
        assert_eq!(peer.finish(stream).expect("an answer").status(), Some(200));
    }
    let frame = peer.wait_for(kind::GOAWAY, 0).expect("GOAWAY");
    assert_eq!(code(&frame), 0);
    client.expect_closed();
}

#[test]
fn streams_at_a_time_are_limited() {
    let server = Server::start(handlers::silent());
    let program = http()
        .config(&format!(
            "global\n  tune.h2.fe.max-concurrent-streams 2\n{FRONT_AND_BACK}"
        ))
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    let mut peer = Peer::client(client.conn()).expect("a connection");
    for stream in [1, 3, 5] {
        peer.get(stream, "/").expect("a request");
    }
    assert_eq!(peer.finish(5).expect("an answer").reset, Some(7));
    server.wait_connections(2);
    assert_eq!(server.connections(), 2);
}

#[test]
fn rapid_resets_leave_nothing_behind() {
    let (_server, program) = start("maxconn 100");
    let before = program.rss();
    let mut client = program.connect("fe");
    let mut peer = Peer::client(client.conn()).expect("a connection");
    let mut outcome = Ok(());
    for n in 0..5_000 {
        let stream = 1 + 2 * n;
        outcome = peer
            .get(stream, "/")
            .and_then(|()| peer.send(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]));
        if outcome.is_err() {
            break;
        }
    }
    outcome.expect("a connection that stands");
    peer.get(10_001, "/").expect("a request");
    assert_eq!(peer.finish(10_001).expect("an answer").status(), Some(200));
    drop(client);
    still_serves(&program);
    let grown = program.rss().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
}

#[test]
fn a_head_without_an_end_is_cut_off() {
    let (_server, program) = start("maxconn 100");
    let mut client = program.connect("fe");
    let part = vec![0; 16_000];
    let before = program.rss();
    let mut peer = Peer::client(client.conn()).expect("a connection");
    let mut sent = peer.send(kind::HEADERS, 0, 1, &part);
    for _ in 0..2_000 {
        if sent.is_err() {
            break;
        }
        sent = peer.send(9, 0, 1, &part);
    }
    // 32 MB were not taken in.
    assert!(sent.is_err(), "a head without an end was borne");
    drop(client);
    still_serves(&program);
    let grown = program.rss().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
}

#[test]
fn fields_that_grow_from_the_table_are_refused() {
    let (_server, program) = start("maxconn 100");
    let before = program.rss();
    let mut client = program.connect("fe");
    let code = last_code(&mut client, |peer| {
        // One field of 4000 bytes put into the table, and asked for again with one byte each.
        let mut section = vec![0x82, 0x86, 0x84, 0x40, 1, b'a', 127];
        section.extend_from_slice(&[0x81, 0x1e]);
        section.extend_from_slice(&[b'x'; 3968]);
        section.extend_from_slice(&[0xbe; 10_000]);
        peer.send(kind::HEADERS, END_HEADERS | END, 1, &section)
    });
    assert_ne!(code, 0);
    still_serves(&program);
    let grown = program.rss().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
}

#[test]
fn who_asks_without_listening_is_not_answered_without_end() {
    for (kind, payload) in [(kind::PING, &[0; 8][..]), (kind::SETTINGS, &[])] {
        let (_server, program) = start("maxconn 100");
        let before = program.rss();
        let mut client = program.connect("fe");
        client.conn().set_timeout(std::time::Duration::from_secs(2));
        let mut peer = Peer::client(client.conn()).expect("a connection");
        // Answers fill up both sockets' buffers; from then on nothing more is read, and sending fails or stands still.
        let mut frames = Vec::new();
        for _ in 0..4_000 {
            frames.extend_from_slice(&[0, 0, payload.len() as u8, kind, 0, 0, 0, 0, 0]);
            frames.extend_from_slice(payload);
        }
        for _ in 0..200 {
            if peer.conn().send(&frames).is_err() {
                break;
            }
        }
        still_serves(&program);
        let grown = program.rss().saturating_sub(before);
        assert!(grown < 16 << 20, "{grown} bytes more");
    }
}
