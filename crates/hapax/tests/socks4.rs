//! Servers behind a SOCKS4 proxy: `socks4`, `check-via-socks4`, `via-socks4`.
mod common;

use common::{http, program};
use std::time::Duration;
use testkit::{Builder, Conn, Program, Refused, Server, Syslog, eventually};

const WAIT: Duration = Duration::from_secs(30);
const REQUEST: &[u8] = b"\x04\x01\x1f\x90\x0a\x01\x02\x03HAProxy\0";
const GRANTED: &[u8] = b"\0\x5a\0\0\0\0\0\0";
const DENIED: &[u8] = b"\0\x5b\0\0\0\0\0\0";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// A proxy that answers every request for a connection with these bytes, and what follows as an HTTP server does.
fn proxy(reply: &'static [u8]) -> Server {
    Server::start(move |conn: &mut Conn, _| {
        conn.read_exact(REQUEST.len())?;
        conn.send(reply)?;
        if reply.get(1) == Some(&0x5a) && conn.read_request()?.is_some() {
            conn.send(OK)?;
        }
        Ok(())
    })
}

/// A frontend before a server at 10.1.2.3:8080 with these options, logging how it went.
fn behind(log: &Syslog, options: &str) -> Builder {
    let format = "%ts %ST %[bc_err] %[bc_err_name] %[bc_err_str] %[bc_dst]:%[bc_dst_port]";
    program().log(log).config(&format!(
        "global
  nbthread 1
  log {{log}} local0
defaults
  mode http
  log global
  retries 0
  timeout connect 10s
  timeout client 10s
  timeout server 10s
frontend f
  bind {{fe}}
  log-format \"{format}\"
  default_backend b
backend b
  server s 10.1.2.3:8080 {options}
"
    ))
}

/// What is logged of a request through a proxy that does this.
fn logged(server: &Server) -> String {
    let log = Syslog::udp();
    let program = behind(&log, "socks4 {p}").server("p", server).start();
    let _ = program.connect("fe").get("/");
    let line = log.wait_lines(1).remove(0);
    line.split_once("]: ")
        .map_or(String::new(), |(_, text)| text.trim().to_owned())
}

#[test]
fn the_proxy_is_asked_for_the_server() {
    let proxy = proxy(GRANTED);
    assert_eq!(logged(&proxy), "-- 200 0 - Success 10.1.2.3:8080");
    let received = proxy.received(0);
    assert!(received.starts_with(REQUEST));
    assert!(received[REQUEST.len()..].starts_with(b"GET / HTTP/1.1\r\n"));
}

#[test]
fn an_answer_may_come_in_pieces_and_be_followed_by_more() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_exact(REQUEST.len())?;
        conn.send_slowly(GRANTED, 1, Duration::from_millis(5))?;
        conn.read_request()?;
        conn.send(OK)
    });
    assert_eq!(logged(&server), "-- 200 0 - Success 10.1.2.3:8080");
    let eager = Server::start(|conn: &mut Conn, _| {
        conn.read_exact(REQUEST.len())?;
        conn.send([GRANTED, b"220 ready\r\n"].concat())?;
        conn.drain().map(drop)
    });
    let program = common::tcp()
        .config("listen f\n  bind {fe}\n  server s 10.1.2.3:8080 socks4 {p}")
        .server("p", &eager)
        .start();
    assert_eq!(program.connect("fe").read_exact(11), b"220 ready\r\n");
}

#[test]
fn what_a_proxy_does_wrong_is_a_failed_connection() {
    let denied = "SC 503 41 SOCKS4_DENY SOCKS4 Proxy deny the request 10.1.2.3:8080";
    assert_eq!(logged(&proxy(DENIED)), denied);
    assert_eq!(logged(&proxy(b"HTTP/1.1 400 Bad request\r\n\r\n")), denied);
    let closing = Server::start(|conn: &mut Conn, _| conn.read_exact(REQUEST.len()).map(drop));
    assert_eq!(
        logged(&closing),
        "SC 503 40 SOCKS4_RECV SOCKS4 Proxy read error during handshake 10.1.2.3:8080"
    );
    let resetting = Server::start(|conn: &mut Conn, _| {
        conn.read_exact(REQUEST.len())?;
        conn.reset()
    });
    assert_eq!(
        logged(&resetting),
        "SC 503 42 SOCKS4_ABORT SOCKS4 Proxy handshake aborted by server 10.1.2.3:8080"
    );
}

#[test]
fn a_proxy_that_is_not_there() {
    let (log, refused) = (Syslog::udp(), Refused::new());
    let program = behind(&log, "socks4 {p}").set("p", refused.address).start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    log.expect("SC 503 47 EREFUSED ECONNREFUSED returned by OS 10.1.2.3:8080");
}

#[test]
fn a_proxy_that_says_nothing_is_waited_for_as_for_a_connection() {
    let log = Syslog::udp();
    let silent = Server::start(testkit::handlers::silent());
    let program = behind(&log, "socks4 {p}")
        .config("  timeout connect 200ms")
        .server("p", &silent)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    log.expect("sC 503 - - - ");
}

#[test]
fn a_proxy_header_comes_behind_the_request_and_before_tls() {
    let (log, server) = (Syslog::udp(), proxy(GRANTED));
    let program = behind(&log, "socks4 {p} send-proxy ssl verify none")
        .server("p", &server)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let received = server.received(0);
    let rest = received.strip_prefix(REQUEST).expect("the request first");
    let line = rest.iter().position(|byte| *byte == b'\n').expect("a line");
    assert!(rest.starts_with(b"PROXY TCP4 127.0.0.1 "));
    assert_eq!(rest.get(line + 1..line + 3), Some(&b"\x16\x03"[..]));
}

#[test]
fn socks4_knows_ipv4_only() {
    let (log, server) = (Syslog::udp(), proxy(GRANTED));
    let program = behind(&log, "disabled\n  server t [2001:db8::1]:80 socks4 {p}")
        .server("p", &server)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    log.expect("SC 503 6 SOCK_ERR General socket error 2001:db8::1:80");
}

/// Why the check of a server behind this proxy failed, as warnings tell.
fn reason(server: &Server, lines: &str) -> String {
    let program: Program = http()
        .config(&format!(
            "listen f\n  bind {{fe}}\n{lines}\n  server s 10.1.2.3:8080 socks4 {{p}} fall 1 check inter 10s check-via-socks4"
        ))
        .server("p", server)
        .start();
    let said = || {
        let stderr = program.stderr();
        let line = stderr.lines().find(|line| line.contains("f/s is DOWN"))?;
        let (_, rest) = line.split_once("reason: ")?;
        let (reason, _) = rest.split_once(", check duration")?;
        Some(reason.to_owned())
    };
    assert!(
        eventually(WAIT, || said().is_some()),
        "{}",
        program.stderr()
    );
    said().unwrap_or_default()
}

#[test]
fn failed_checks() {
    let deny = r#"Socket error, info: "SOCKS4 Proxy deny the request""#;
    assert_eq!(reason(&proxy(DENIED), ""), deny);
    assert_eq!(reason(&proxy(DENIED), "  option httpchk"), deny);
    let steps = "  option tcp-check\n  tcp-check connect via-socks4\n  tcp-check send x";
    assert_eq!(
        reason(&proxy(DENIED), steps),
        r#"Socket error, info: "SOCKS4 Proxy deny the request at step 1 of tcp-check (connect)""#
    );
    let closing = Server::start(|conn: &mut Conn, _| conn.read_exact(REQUEST.len()).map(drop));
    assert_eq!(
        reason(&closing, ""),
        r#"Socket error, info: "SOCKS4 Proxy read error during handshake""#
    );
    let silent = Server::start(testkit::handlers::silent());
    assert_eq!(reason(&silent, "  timeout check 500ms"), "Layer7 timeout");
}

#[test]
fn checks_go_through_the_proxy_when_they_are_told_to() {
    let (server, direct) = (proxy(GRANTED), Server::start(testkit::handlers::says("")));
    let _program = http()
        .config(
            "listen told
  bind {fe}
  option httpchk
  server s 10.1.2.3:8080 check inter 5s socks4 {p} check-via-socks4
backend elsewhere
  option httpchk
  server s 10.1.2.3:8080 check inter 5s addr 10.9.9.9 port 77 socks4 {p} check-via-socks4
backend rule
  option tcp-check
  tcp-check connect via-socks4 addr 10.8.8.8 port 88
  tcp-check send x
  server s 10.1.2.3:8080 check inter 5s socks4 {p}
backend direct
  option httpchk
  server s {d} check inter 5s socks4 {p}
  server t {d} check inter 5s check-via-socks4",
        )
        .server("p", &server)
        .server("d", &direct)
        .start();
    let asked = |to: &[u8]| {
        let all = server.all_received();
        all.iter().any(|bytes| bytes.starts_with(to))
    };
    assert!(eventually(WAIT, || {
        asked(REQUEST)
            && asked(b"\x04\x01\0\x4d\x0a\x09\x09\x09")
            && asked(b"\x04\x01\0\x58\x0a\x08\x08\x08")
    }));
    assert!(eventually(WAIT, || {
        let all = direct.all_received();
        all.iter()
            .filter(|bytes| bytes.starts_with(b"OPTIONS / "))
            .count()
            >= 2
    }));
    let asked_for_direct = server
        .all_received()
        .into_iter()
        .any(|bytes| bytes.get(2..4) == Some(&direct.port().to_be_bytes()[..]));
    assert!(!asked_for_direct);
}

#[test]
fn a_check_tells_of_the_server_it_is_led_to() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_exact(REQUEST.len())?;
        conn.send(GRANTED)?;
        conn.read_until(b"\n").map(drop)
    });
    let _program = http()
        .config(
            "listen b
  bind {fe}
  server s 10.1.2.3:8080 check inter 5s send-proxy socks4 {p} check-via-socks4",
        )
        .server("p", &server)
        .start();
    assert!(eventually(WAIT, || {
        let text = server.all_received();
        let mut lines = text.iter().filter_map(|bytes| bytes.get(REQUEST.len()..));
        lines.any(|line| {
            let line = String::from_utf8_lossy(line);
            line.starts_with("PROXY TCP4 127.0.0.1 10.1.2.3 ") && line.ends_with(" 8080\r\n")
        })
    }));
}

#[test]
fn bad_addresses_of_proxies() {
    for (words, message) in [
        (
            "socks4",
            "'server b/s' : 'socks4' expects <addr>:<port> as argument.",
        ),
        (
            "socks4 127.0.0.1",
            "'server b/s' : 'socks4 127.0.0.1' : missing port specification in '127.0.0.1'",
        ),
        (
            "socks4 127.0.0.1:0",
            "'server b/s' : 'socks4 127.0.0.1:0' : invalid port '0'",
        ),
        (
            "socks4 127.0.0.1:1-2",
            "'server b/s' : 'socks4 127.0.0.1:1-2' : port range not permitted here in '127.0.0.1:1-2'",
        ),
    ] {
        let exit = http()
            .config(&format!("backend b\n  server s 10.1.2.3:8080 {words}"))
            .check();
        assert!(exit.stderr.contains(message), "{words}: {}", exit.stderr);
    }
}
