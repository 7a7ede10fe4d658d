//! TCP mode: half-close, bulk data, content inspection.
mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{FRONT_AND_BACK, tcp};
use testkit::{Checksum, Client, Conn, Program, Server, handlers};

fn start(server: &Server) -> Program {
    tcp().config(FRONT_AND_BACK).server("s1", server).start()
}

#[test]
fn bytes_pass_both_ways() {
    let server = Server::start(handlers::echo());
    let program = start(&server);
    let mut client = program.connect("fe");
    for part in ["a", "bc", "def"] {
        assert_eq!(client.send(part).read_exact(part.len()), part.as_bytes());
    }
}

#[test]
fn the_client_half_closes() {
    let server = Server::start(|conn: &mut Conn, _| {
        let all = conn.read_to_end()?;
        conn.send(format!("{} bytes", all.len()))
    });
    let program = start(&server);
    assert_eq!(
        program
            .connect("fe")
            .send("hello")
            .shutdown_write()
            .read_to_end(),
        b"5 bytes"
    );
}

#[test]
fn the_server_half_closes() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.send("banner")?;
        conn.shutdown_write()?;
        conn.read_to_end().map(drop)
    });
    let program = start(&server);
    let mut client = program.connect("fe");
    assert_eq!(client.read_to_end(), b"banner");
    client.send("late");
    client.send(" words").shutdown_write();
    server.wait_received(0, "late words");
}

#[test]
fn the_server_speaks_first() {
    let server = Server::start(|conn: &mut Conn, _| conn.send("220 ready\r\n"));
    let program = start(&server);
    assert_eq!(program.connect("fe").read_until(b"\n"), b"220 ready\r\n");
}

#[test]
fn a_reset_of_the_server_reaches_the_client() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_exact(1)?;
        conn.reset()
    });
    let program = start(&server);
    program.connect("fe").send("x").expect_closed();
}

const BULK: usize = 50 << 20;

fn block() -> Vec<u8> {
    (0..1_000_003_usize)
        .map(|n| u8::try_from(n * 31 % 251).unwrap_or(0))
        .collect()
}

/// Sends the bulk and returns what its checksum must be.
fn pour(conn: &mut Conn) -> std::io::Result<u64> {
    let (block, mut left, mut sum) = (block(), BULK, Checksum::default());
    while left > 0 {
        let part = &block[..left.min(block.len())];
        conn.send(part)?;
        sum.add(part);
        left -= part.len();
    }
    conn.shutdown_write()?;
    Ok(sum.value())
}

fn bulk(options: &str) {
    let server = Server::start(|conn: &mut Conn, _| pour(conn).map(drop));
    let program = tcp()
        .config(options)
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut sum = Checksum::default();
    let (block, mut left) = (block(), BULK);
    while left > 0 {
        let part = &block[..left.min(block.len())];
        sum.add(part);
        left -= part.len();
    }
    let mut client: Client = program.connect("fe");
    assert_eq!(
        client.drain().expect("all of it"),
        (BULK as u64, sum.value())
    );
}

#[test]
fn bulk_from_the_server() {
    bulk("");
}

#[test]
fn bulk_from_the_server_spliced() {
    bulk("  option splice-auto");
}

#[test]
fn bulk_from_the_client() {
    let server = Server::start(|conn: &mut Conn, _| {
        let (count, sum) = conn.drain()?;
        conn.send(format!("{count} {sum}"))
    });
    let program = start(&server);
    let mut client = program.connect("fe");
    let sum = pour(client.conn()).expect("sent");
    assert_eq!(
        String::from_utf8_lossy(&client.read_to_end()),
        format!("{BULK} {sum}")
    );
}

#[test]
fn bulk_both_ways_at_once() {
    let server = Server::start(handlers::echo());
    let program = start(&server);
    let mut client = program.connect("fe");
    let address = client.local();
    assert!(address.is_some());
    let data: Vec<u8> = block().into_iter().cycle().take(8 << 20).collect();
    thread::scope(|scope| {
        let mut writer = client.try_clone().expect("a second handle");
        let data = &data;
        scope.spawn(move || {
            writer.send(data).expect("sent");
            writer.shutdown_write().expect("ended");
        });
        assert!(
            client.read_to_end() == *data,
            "the bytes changed on their way"
        );
    });
}

#[test]
fn inspection_waits_for_what_it_needs() {
    let (plain, named) = (
        Server::start(handlers::echo()),
        Server::start(handlers::echo()),
    );
    let program = tcp()
        .config(
            "frontend in
  bind {fe}
  tcp-request inspect-delay 2s
  tcp-request content accept if { req.payload(0,5) -m found }
  use_backend named if { req.payload(0,5) -m str HELLO }
  default_backend plain
backend plain
  server s1 {s1}
backend named
  server s2 {s2}",
        )
        .server("s1", &plain)
        .server("s2", &named)
        .start();
    let mut client = program.connect("fe");
    client.send("HEL").expect_open(Duration::from_millis(60));
    assert_eq!((plain.connections(), named.connections()), (0, 0));
    assert_eq!(client.send("LO you").read_exact(9), b"HELLO you");
    assert_eq!((plain.connections(), named.connections()), (0, 1));
    assert_eq!(program.connect("fe").send("other").read_exact(5), b"other");
    assert_eq!(plain.connections(), 1);
}

#[test]
fn inspection_ends_after_its_delay() {
    let server = Server::start(|conn: &mut Conn, _| conn.send("welcome"));
    let program = tcp()
        .config(
            "listen in
  bind {fe}
  tcp-request inspect-delay 150ms
  tcp-request content accept if { req.len gt 0 }
  server s1 {s1}",
        )
        .server("s1", &server)
        .start();
    let started = Instant::now();
    assert_eq!(program.connect("fe").read_exact(7), b"welcome");
    assert!(
        started.elapsed() >= Duration::from_millis(140),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn connection_rules_reject_before_anything() {
    let server = Server::start(handlers::echo());
    let program = tcp()
        .config("listen in\n  bind {fe}\n  tcp-request connection reject if { src 127.0.0.1 }\n  server s1 {s1}")
        .server("s1", &server)
        .start();
    Client::expect_rejected(program.address("fe"));
    assert_eq!(server.connections(), 0);
}
