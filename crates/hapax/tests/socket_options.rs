//! Options of sockets on both sides, and limits on how fast connections are taken.
mod common;

use std::time::{Duration, Instant};

use common::http;
use testkit::{Server, handlers};

/// The status of an answer that goes through a server connection with an option, from a listening socket with another.
fn status(bind: &str, server: &str, more: &str) -> u16 {
    let end = Server::start(handlers::says("ok"));
    let program = http()
        .config(&format!(
            "  retries 0
  timeout connect 500ms
frontend in
  bind {{fe}}
  default_backend far
backend far
  {more}
  server s {{mid}} {server}
listen mid
  bind {{mid}} {bind}
  server s {{end}}
"
        ))
        .server("end", &end)
        .start();
    program.connect("fe").get("/").status()
}

#[test]
fn fast_open_carries_traffic() {
    assert_eq!(status("tfo", "tfo", ""), 200);
    assert_eq!(status("", "tfo no-tfo", ""), 200);
}

#[test]
fn smart_connects_carry_traffic() {
    assert_eq!(status("", "", "option tcp-smart-connect"), 200);
    assert_eq!(status("tfo", "tfo", "option tcp-smart-connect"), 200);
}

#[test]
fn signatures_must_agree() {
    assert_eq!(status("tcp-md5sig secret", "tcp-md5sig secret", ""), 200);
    assert_eq!(status("tcp-md5sig secret", "tcp-md5sig other", ""), 503);
    assert_eq!(status("tcp-md5sig secret", "", ""), 503);
}

/// Connections that were taken within so many milliseconds when three come at once.
fn taken(line: &str, within: u64) -> usize {
    let program = http()
        .config(&format!(
            "listen in\n  bind {{fe}}\n  http-request return status 200\nglobal\n  {line}\n"
        ))
        .start();
    let begin = Instant::now();
    let mut taken = 0;
    while begin.elapsed() < Duration::from_millis(within) && taken < 3 {
        program.connect("fe").get("/");
        taken += 1;
    }
    taken
}

#[test]
fn rates_of_the_process_are_kept() {
    for line in ["maxconnrate 1", "maxsessrate 1"] {
        let begin = Instant::now();
        assert_eq!(taken(line, 10_000), 3);
        assert!(begin.elapsed() > Duration::from_millis(1500), "{line}");
    }
    assert_eq!(taken("maxconnrate 1000", 1000), 3);
}

/// How many connections of several paths this machine has taken; `None` where it knows none.
fn multipath_connections() -> Option<u64> {
    let enabled = std::fs::read_to_string("/proc/sys/net/mptcp/enabled").ok()?;
    let counters = std::fs::read_to_string("/proc/net/netstat").ok()?;
    let mut lines = counters
        .lines()
        .filter(|line| line.starts_with("MPTcpExt:"));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let mut pairs = names.split_whitespace().zip(numbers.split_whitespace());
    let (_, taken) = pairs.find(|(name, _)| *name == "MPCapableACKRX")?;
    taken.parse().ok().filter(|_| enabled.trim() == "1")
}

#[test]
fn connections_may_take_several_paths() {
    let Some(before) = multipath_connections() else {
        eprintln!("SKIPPED: this system has no MPTCP");
        return;
    };
    let end = Server::start(handlers::says("ok"));
    let program = http()
        .config(
            "frontend in
  bind {fe}
  default_backend far
backend far
  server s mptcp@{mid} check inter 100ms
listen mid
  bind mptcp4@{mid}
  server s {end}
",
        )
        .server("end", &end)
        .port("mid")
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 200);
    assert!(multipath_connections().is_some_and(|now| now > before));
}
