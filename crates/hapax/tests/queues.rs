//! Connection limits and the queues before them.
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{api::stat, http, http_logged};
use testkit::{Conn, HttpLog, Program, Server, Syslog, handlers};

/// How long what must come may take.
const WAIT: Duration = Duration::from_secs(30);

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server that answers once the gate is open.
fn gated() -> (Server, Arc<AtomicBool>) {
    let gate = Arc::new(AtomicBool::new(false));
    let open = gate.clone();
    let server = Server::start(move |conn: &mut Conn, _| {
        while conn.read_request()?.is_some() {
            while !open.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(2));
            }
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        }
        Ok(())
    });
    (server, gate)
}

/// Waits until so many requests are in the queue of the backend `in`.
#[track_caller]
fn wait_queued(program: &Program, count: usize) {
    let queued = || stat(program, "in", "BACKEND", "qcur") == count.to_string();
    assert!(testkit::eventually(WAIT, queued), "{count} never waited");
}

const SOCKET: &str = "global\n  stats socket {tmp}/admin.sock level admin\n";

#[test]
fn requests_wait_for_a_slot_in_order() {
    let log = Syslog::udp();
    let (server, gate) = gated();
    let program = http_logged(&log)
        .config(SOCKET)
        .config("listen in\n  bind {fe}\n  http-reuse never\n  server s1 {s1} maxconn 1")
        .server("s1", &server)
        .start();
    let mut clients: Vec<_> = (0..3)
        .map(|waiting: usize| {
            let mut client = program.connect("fe");
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            server.wait_connections(1);
            wait_queued(&program, waiting);
            client
        })
        .collect();
    std::thread::sleep(Duration::from_millis(100));
    gate.store(true, Ordering::Release);
    for client in &mut clients {
        assert_eq!(client.response().status(), 200);
    }
    let lines: Vec<HttpLog> = log
        .wait_lines(3)
        .iter()
        .filter_map(|line| HttpLog::parse(line))
        .collect();
    let queued: Vec<u64> = lines.iter().map(|line| line.base.queues[1]).collect();
    assert_eq!(queued, [0, 1, 2]);
    assert_eq!(lines[0].base.timers[1], 0);
    for line in &lines[1..] {
        assert!(line.base.timers[1] >= 80, "{:?}", line.base.timers);
    }
}

#[test]
fn maxqueue_sends_the_overflow_elsewhere() {
    let stuck = Server::start(handlers::silent());
    let other = Server::start(handlers::says("other"));
    let program = http()
        .config("listen in\n  bind {fe}\n  balance first\n  server s1 {s1} maxconn 1 maxqueue 1\n  server s2 {s2}")
        .server("s1", &stuck)
        .server("s2", &other)
        .start();
    let mut first = program.connect("fe");
    first.send(GET);
    stuck.wait_connections(1);
    assert_eq!(program.connect("fe").get("/").text(), "other");
}

fn frontend_limit(place: &str) -> Program {
    http()
        .config(&place.replace(
            "BACK",
            "  http-request return status 200 content-type text/plain string ok",
        ))
        .start()
}

#[test]
fn maxconn_of_a_frontend_holds_new_connections_back() {
    let program = frontend_limit("frontend in\n  bind {fe}\n  maxconn 1\nBACK");
    holds_back(&program);
}

#[test]
fn global_maxconn_holds_new_connections_back() {
    let program = frontend_limit("global\n  maxconn 1\nfrontend in\n  bind {fe}\nBACK");
    holds_back(&program);
}

#[test]
fn maxconn_of_a_bind_holds_new_connections_back() {
    let program = frontend_limit("frontend in\n  bind {fe} maxconn 1\nBACK");
    holds_back(&program);
}

#[track_caller]
fn holds_back(program: &Program) {
    let mut first = program.connect("fe");
    assert_eq!(first.get("/").text(), "ok");
    let mut second = program.connect("fe");
    second.send(GET);
    second.expect_open(Duration::from_millis(60));
    assert_eq!(second.received(), b"");
    drop(first);
    assert_eq!(second.response().text(), "ok");
}

#[test]
fn rate_limit_sessions_slows_accepting() {
    let program = frontend_limit("frontend in\n  bind {fe}\n  rate-limit sessions 5\nBACK");
    let started = std::time::Instant::now();
    for _ in 0..8 {
        assert_eq!(program.connect("fe").get("/").text(), "ok");
    }
    assert!(
        started.elapsed() >= Duration::from_millis(200),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn fullconn_scales_minconn() {
    let (server, gate) = gated();
    let program = http()
        .config(SOCKET)
        .config("listen in\n  bind {fe}\n  fullconn 100\n  server s1 {s1} minconn 1 maxconn 50")
        .server("s1", &server)
        .start();
    let (mut first, mut second) = (program.connect("fe"), program.connect("fe"));
    first.send(GET);
    server.wait_connections(1);
    second.send(GET);
    // Far from fullconn one connection is allowed.
    wait_queued(&program, 1);
    assert_eq!(server.connections(), 1);
    gate.store(true, Ordering::Release);
    assert_eq!(
        (first.response().status(), second.response().status()),
        (200, 200)
    );
}
