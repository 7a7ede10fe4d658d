//! Idle connections to servers and who may use them.
mod common;

use std::time::Duration;

use common::{FRONT_AND_BACK, http, http_line, http_logged, start};
use testkit::{Conn, Server, Syslog, handlers};

/// Connections made when two clients, one after the other, ask twice each.
fn connections(options: &str) -> usize {
    let server = Server::start(handlers::says("ok"));
    let program = start(options, &server);
    let (mut first, mut second) = (program.connect("fe"), program.connect("fe"));
    for client in [&mut first, &mut second] {
        client.get("/");
        client.get("/");
    }
    server.connections()
}

#[test]
fn never_keeps_to_the_own_connection() {
    assert_eq!(connections("  http-reuse never"), 2);
}

#[test]
fn safe_shares_for_later_requests() {
    assert_eq!(connections(""), 2);
    assert_eq!(connections("  http-reuse safe"), 2);
}

#[test]
fn aggressive_shares_what_has_proved_itself() {
    assert_eq!(connections("  http-reuse aggressive"), 1);
}

#[test]
fn always_shares_everything() {
    assert_eq!(connections("  http-reuse always"), 1);
}

#[test]
fn an_idle_connection_outlives_its_client() {
    let server = Server::start(handlers::says("ok"));
    let program = start("  http-reuse always", &server);
    program.connect("fe").get("/");
    std::thread::sleep(Duration::from_millis(30));
    program.connect("fe").get("/");
    assert_eq!(server.connections(), 1);
}

/// Whichever worker the next client comes to finds the connection of the one before, who has hardly had its response.
#[test]
fn a_connection_is_idle_before_its_response_is_over() {
    let server = Server::start(|conn: &mut Conn, number| match number {
        0 => handlers::says(&"x".repeat(6000))(conn, number),
        _ => handlers::says("another connection")(conn, number),
    });
    let program = common::program()
        .config("global\n  nbthread 2\ndefaults\n  mode http\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s")
        .config("  http-reuse always\nlisten in\n  bind {fe}\n  server s1 {s1} pool-purge-delay 1h")
        .server("s1", &server)
        .start();
    for _ in 0..200 {
        assert_eq!(program.connect("fe").get("/").text().len(), 6000);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn pool_max_conn_of_zero_keeps_none_for_others() {
    let server = Server::start(handlers::says("ok"));
    let program = http()
        .config("  http-reuse always\nlisten in\n  bind {fe}\n  server s1 {s1} pool-max-conn 0")
        .server("s1", &server)
        .start();
    program.connect("fe").get("/");
    std::thread::sleep(Duration::from_millis(30));
    program.connect("fe").get("/");
    assert_eq!(server.connections(), 2);
}

#[test]
fn an_idle_connection_closed_by_the_server_is_not_used() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_request()?;
        conn.send(handlers::ok("ok"))
    });
    let program = start("", &server);
    let mut client = program.connect("fe");
    for _ in 0..3 {
        assert_eq!(client.get("/").status(), 200);
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_reused_connection_that_dies_leaves_the_retry_to_the_client() {
    let log = Syslog::udp();
    let server = Server::start(|conn: &mut Conn, number| {
        conn.read_request()?;
        conn.send(handlers::ok("ok"))?;
        if number == 0 {
            conn.read_request()?;
            return Ok(());
        }
        handlers::says("again")(conn, number)
    });
    let program = http_logged(&log)
        .config("  retries 0")
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").status(), 200);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    // The very connection is dropped, as a server's idle timeout would have done it, so the client asks again.
    client.expect_eof();
    assert_eq!(http_line(&log).outcome(), "---- 200");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(log.lines().len(), 1, "the second request is not logged");
}

/// The servers that answer four requests of a client, in the order of their answers.
fn served_by(options: &str) -> String {
    let servers = ["a", "b"].map(|name| Server::start(handlers::says(name)));
    let program = http()
        .config(options)
        .config("listen in\n  bind {fe}\n  balance roundrobin\n  server a {a}\n  server b {b}")
        .server("a", &servers[0])
        .server("b", &servers[1])
        .start();
    let mut client = program.connect("fe");
    (0..4).map(|_| client.get("/").text()).collect()
}

#[test]
fn the_last_server_is_preferred_where_its_connection_is_the_clients_own() {
    assert_eq!(
        served_by("  http-reuse never\n  option prefer-last-server"),
        "aaaa"
    );
    assert_eq!(
        served_by("  http-reuse never\n  option prefer-last-server\n  max-keep-alive-queue 0"),
        "aaaa"
    );
    assert_eq!(served_by("  http-reuse never"), "abab");
    assert_eq!(served_by("  option prefer-last-server"), "abab");
}
