//! What the end-to-end tests share: the program's path and the sections most configurations begin with.
#![allow(
    dead_code,
    reason = "every test file is a program of its own and uses a part of this"
)]

pub mod api;
pub mod certificates;
pub mod checks;

use testkit::{Builder, HttpLog, Program, Server, Syslog, TcpLog};

/// The program under test.
pub const HAPAX: &str = env!("CARGO_BIN_EXE_hapax");

/// The program with nothing but what the test adds.
pub fn program() -> Builder {
    Program::hapax(HAPAX)
}

/// One worker, HTTP mode, timeouts that no test reaches by accident; checks wait longer than their interval.
pub fn http() -> Builder {
    program().config(
        "global
  nbthread 1
defaults
  mode http
  timeout connect 3s
  timeout client 3s
  timeout server 3s
  timeout check 10s
",
    )
}

/// As [`http`], with `option httplog` to `log`.
pub fn http_logged(log: &Syslog) -> Builder {
    program().log(log).config(
        "global
  nbthread 1
  log {log} local0
defaults
  mode http
  log global
  option httplog
  timeout connect 3s
  timeout client 3s
  timeout server 3s
  timeout check 10s
",
    )
}

/// One worker, TCP mode.
pub fn tcp() -> Builder {
    program().config(
        "global
  nbthread 1
defaults
  mode tcp
  timeout connect 3s
  timeout client 3s
  timeout server 3s
  timeout check 10s
",
    )
}

/// As [`tcp`], with `option tcplog` to `log`.
pub fn tcp_logged(log: &Syslog) -> Builder {
    program().log(log).config(
        "global
  nbthread 1
  log {log} local0
defaults
  mode tcp
  log global
  option tcplog
  timeout connect 3s
  timeout client 3s
  timeout server 3s
  timeout check 10s
",
    )
}

/// A frontend on `{fe}` with one server on `{s1}`.
pub const FRONT_AND_BACK: &str = "frontend in
  bind {fe}
  default_backend back
backend back
  server s1 {s1}
";

/// The program in front of a server, with `options` before [`FRONT_AND_BACK`].
pub fn in_front_of(builder: Builder, options: &str, server: &Server) -> Program {
    builder
        .config(options)
        .config(FRONT_AND_BACK)
        .server("s1", server)
        .start()
}

/// [`http`] in front of a server.
pub fn start(options: &str, server: &Server) -> Program {
    in_front_of(http(), options, server)
}

/// Replaces a part of the program's configuration file.
#[track_caller]
pub fn change(program: &Program, from: &str, to: &str) {
    let path = program.path("haproxy.cfg");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replace(from, to)).expect("the configuration");
}

/// The next HTTP log line, taken apart.
#[track_caller]
pub fn http_line(log: &Syslog) -> HttpLog {
    let line = log.wait_lines(1).remove(0);
    HttpLog::parse(&line).unwrap_or_else(|| panic!("not an HTTP log line: {line}"))
}

/// The next TCP log line, taken apart.
#[track_caller]
pub fn tcp_line(log: &Syslog) -> TcpLog {
    let line = log.wait_lines(1).remove(0);
    TcpLog::parse(&line).unwrap_or_else(|| panic!("not a TCP log line: {line}"))
}
