//! `strict-maxconn`: idle connections count against a server's limit as well. All outcomes are HAProxy 3.4.0's.
mod common;

use common::http;
use testkit::{Builder, Program, Server, handlers};

/// A server that keeps its connections open, and one that may have a single connection before it.
fn limited(server: &Server, lines: &str) -> Builder {
    http()
        .config("listen f\n  bind {fe}\n  retries 0\n  timeout queue 20s\n  timeout client 20s")
        .config(lines)
        .config("  server s {s} maxconn 1 strict-maxconn")
        .server("s", server)
}

fn statuses(program: &Program) -> [u16; 3] {
    let (mut a, mut b) = (program.connect("fe"), program.connect("fe"));
    [
        a.get("/").status(),
        b.get("/").status(),
        a.get("/").status(),
    ]
}

#[test]
fn a_connection_that_one_client_keeps_is_in_the_way_of_another() {
    let server = Server::start(handlers::says("ok"));
    let program = limited(&server, "  http-reuse never").start();
    assert_eq!(statuses(&program), [200, 503, 200]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_idle_connection_is_closed_for_the_next_attempt() {
    let server = Server::start(handlers::says("ok"));
    let program = limited(&server, "  http-reuse safe").start();
    assert_eq!(statuses(&program), [200, 503, 200]);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_retry_finds_the_room_that_was_made() {
    let server = Server::start(handlers::says("ok"));
    let program = limited(&server, "  http-reuse safe\n  retries 1").start();
    assert_eq!(statuses(&program), [200, 200, 200]);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_connection_is_shared_where_that_is_allowed() {
    let server = Server::start(handlers::says("ok"));
    let program = limited(&server, "  http-reuse always").start();
    assert_eq!(statuses(&program), [200, 200, 200]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_client_that_leaves_leaves_room() {
    let server = Server::start(handlers::says("ok"));
    let program = limited(&server, "  http-reuse never\n  retries 0").start();
    assert_eq!(program.connect("fe").get("/").status(), 200);
    assert!(testkit::eventually(
        std::time::Duration::from_secs(20),
        || { program.connect("fe").get("/").status() == 200 }
    ));
}

#[test]
fn without_it_idle_connections_do_not_count() {
    let server = Server::start(handlers::says("ok"));
    let program = http()
        .config("listen f\n  bind {fe}\n  http-reuse never\n  server s {s} maxconn 1")
        .server("s", &server)
        .start();
    assert_eq!(statuses(&program), [200, 200, 200]);
}
