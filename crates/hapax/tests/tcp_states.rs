//! Termination states of the TCP log.
mod common;

use std::time::Duration;

use common::{FRONT_AND_BACK, in_front_of, tcp_line, tcp_logged};
use testkit::{Blackhole, Program, Refused, Server, Syslog, handlers};

fn start(log: &Syslog, options: &str, server: &Server) -> Program {
    in_front_of(tcp_logged(log), options, server)
}

#[test]
fn a_good_connection() {
    let log = Syslog::udp();
    let server = Server::start(handlers::echo());
    let program = start(&log, "", &server);
    assert_eq!(
        program
            .connect("fe")
            .send("hello")
            .shutdown_write()
            .read_to_end(),
        b"hello"
    );
    let line = tcp_line(&log);
    assert_eq!((line.state.as_str(), line.bytes), ("--", 5));
    assert_eq!(
        (
            line.frontend.as_str(),
            line.backend.as_str(),
            line.server.as_str()
        ),
        ("in", "back", "s1")
    );
    assert_eq!(line.counters, ["1", "1", "0", "0", "0"]);
    assert_eq!(line.timers.len(), 3);
}

#[test]
fn client_resets() {
    let log = Syslog::udp();
    let server = Server::start(handlers::echo());
    let program = start(&log, "", &server);
    let mut client = program.connect("fe");
    client.send("x").read_exact(1);
    client.reset();
    assert_eq!(tcp_line(&log).state, "CD");
}

#[test]
fn server_resets() {
    let log = Syslog::udp();
    let server = Server::start(|conn: &mut testkit::Conn, _| {
        conn.read_exact(1)?;
        conn.reset()
    });
    let program = start(&log, "", &server);
    program.connect("fe").send("x").expect_closed();
    assert_eq!(tcp_line(&log).state, "SD");
}

#[test]
fn server_closes_first() {
    let log = Syslog::udp();
    let server = Server::start(|conn: &mut testkit::Conn, _| conn.send("bye"));
    let program = start(&log, "", &server);
    let mut client = program.connect("fe");
    assert_eq!(client.read_to_end(), b"bye");
    drop(client);
    assert_eq!(tcp_line(&log).state, "--");
}

#[test]
fn server_refuses() {
    let log = Syslog::udp();
    let refused = Refused::new();
    let program = tcp_logged(&log)
        .config("  retries 0")
        .config(FRONT_AND_BACK)
        .set("s1", refused.address)
        .start();
    program.connect("fe").expect_closed();
    let line = tcp_line(&log);
    assert_eq!(
        (line.state.as_str(), &line.timers[1..2]),
        ("SC", [-1].as_slice())
    );
}

#[test]
fn server_does_not_answer() {
    let log = Syslog::udp();
    let hole = Blackhole::new();
    let program = tcp_logged(&log)
        .config("  retries 0\n  timeout connect 100ms")
        .config(FRONT_AND_BACK)
        .set("s1", hole.address)
        .start();
    program.connect("fe").expect_closed();
    assert_eq!(tcp_line(&log).state, "sC");
}

#[test]
fn client_half_closes_while_connecting_with_abortonclose() {
    let log = Syslog::udp();
    let hole = Blackhole::new();
    let program = tcp_logged(&log)
        .config("  option abortonclose")
        .config(FRONT_AND_BACK)
        .set("s1", hole.address)
        .start();
    let mut client = program.connect("fe");
    client.expect_open(Duration::from_millis(50));
    client.shutdown_write().expect_closed();
    assert_eq!(tcp_line(&log).state, "CC");
}

#[test]
fn client_half_closes_in_the_queue_with_abortonclose() {
    let log = Syslog::udp();
    let server = Server::start(handlers::echo());
    let program = tcp_logged(&log)
        .config("  option abortonclose\nlisten in\n  bind {fe}\n  server s1 {s1} maxconn 1")
        .server("s1", &server)
        .start();
    let mut first = program.connect("fe");
    first.send("x").read_exact(1);
    let mut second = program.connect("fe");
    second.expect_open(Duration::from_millis(50));
    second.shutdown_write().expect_closed();
    assert_eq!(tcp_line(&log).state, "CQ");
}

#[test]
fn client_leaves_while_connecting() {
    let log = Syslog::udp();
    let hole = Blackhole::new();
    let program = tcp_logged(&log)
        .config(FRONT_AND_BACK)
        .set("s1", hole.address)
        .start();
    let mut client = program.connect("fe");
    client.expect_open(Duration::from_millis(50));
    client.reset();
    assert_eq!(tcp_line(&log).state, "CD");
}

#[test]
fn queue_runs_out_of_time() {
    let log = Syslog::udp();
    let server = Server::start(handlers::echo());
    let program = tcp_logged(&log)
        .config("  timeout queue 100ms\nlisten in\n  bind {fe}\n  server s1 {s1} maxconn 1")
        .server("s1", &server)
        .start();
    let mut first = program.connect("fe");
    first.send("x").read_exact(1);
    program.connect("fe").expect_closed();
    let line = tcp_line(&log);
    assert_eq!(
        (line.state.as_str(), line.server.as_str()),
        ("sQ", "<NOSRV>")
    );
}

#[test]
fn client_leaves_the_queue() {
    let log = Syslog::udp();
    let server = Server::start(handlers::echo());
    let program = tcp_logged(&log)
        .config("listen in\n  bind {fe}\n  server s1 {s1} maxconn 1")
        .server("s1", &server)
        .start();
    let mut first = program.connect("fe");
    first.send("x").read_exact(1);
    let mut second = program.connect("fe");
    second.expect_open(Duration::from_millis(50));
    second.reset();
    assert_eq!(tcp_line(&log).state, "CD");
}

#[test]
fn proxy_rejects_the_content() {
    let log = Syslog::udp();
    let server = Server::start(handlers::echo());
    let program = tcp_logged(&log)
        .config("listen in\n  bind {fe}\n  tcp-request content reject\n  server s1 {s1}")
        .server("s1", &server)
        .start();
    program.connect("fe").expect_closed();
    let line = tcp_line(&log);
    assert_eq!(
        (line.state.as_str(), line.server.as_str()),
        ("PR", "<NOSRV>")
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn no_server_is_there() {
    let log = Syslog::udp();
    let program = tcp_logged(&log)
        .config("listen in\n  bind {fe}\n  server s1 127.0.0.1:1 disabled")
        .start();
    program.connect("fe").expect_closed();
    let line = tcp_line(&log);
    assert_eq!(
        (line.state.as_str(), line.server.as_str()),
        ("SC", "<NOSRV>")
    );
}
