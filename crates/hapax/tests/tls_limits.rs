//! `maxsslconn` and `maxsslrate`: how many TLS connections there may be, and how many new ones per second.
mod common;

use common::{api, certificates::certificate, http_logged};
use std::time::{Duration, Instant};
use testkit::{Client, Program, Syslog, eventually};

const WAIT: Duration = Duration::from_secs(30);

/// `fe` leads to `tls` over TLS.
fn start(log: &Syslog, limits: &str, pem: &str) -> Program {
    http_logged(log)
        .config(&format!(
            "global
  stats socket {{tmp}}/admin.sock level admin
{limits}
defaults
  mode http
  option httpclose
  timeout connect 20s
  timeout client 20s
  timeout server 20s
frontend in
  bind {{fe}}
  log global
  log-format \"%ST %ts\"
  default_backend back
backend back
  server s {{tls}} ssl verify none
frontend secure
  bind {{tls}} ssl crt {pem}
  http-request return status 200
"
        ))
        .start()
}

fn fact(program: &Program, name: &str) -> u32 {
    let all = api::ask(program, "show info");
    let value = all
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value
        .and_then(|value| value.parse().ok())
        .expect("a number")
}

#[test]
fn no_more_connections_are_made_than_there_may_be() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = Syslog::udp();
    let program = start(
        &log,
        "  maxsslconn 2",
        &certificate(dir.path(), "a.pem", &["a.example"]),
    );
    assert_eq!(fact(&program, "MaxSslConns"), 2);
    assert_eq!(fact(&program, "CurrSslConns"), 0);
    // A connection that is deciphered and ciphered again counts twice.
    assert_eq!(program.connect("fe").get("/").status(), 200);
    assert!(eventually(WAIT, || fact(&program, "CurrSslConns") == 0));
    assert_eq!(fact(&program, "CumSslConns"), 2);
    // Who has said nothing yet counts as well; a third one waits in the listening socket.
    let address = program.address("tls");
    let mut waiting: Vec<Client> = (0..3).map(|_| Client::connect(address)).collect();
    assert!(eventually(WAIT, || fact(&program, "CurrSslConns") == 2));
    assert_eq!(program.connect("fe").get("/").status(), 500);
    assert!(log.wait_lines(2)[1].ends_with(": 500 IC"));
    assert_eq!(fact(&program, "CumSslConns"), 4);
    waiting.remove(0);
    assert!(eventually(WAIT, || fact(&program, "CumSslConns") == 5));
    assert_eq!(fact(&program, "CurrSslConns"), 2);
    drop(waiting);
    assert!(eventually(WAIT, || fact(&program, "CurrSslConns") == 0));
    assert_eq!(program.connect("fe").get("/").status(), 200);
}

#[test]
fn no_more_connections_are_accepted_per_second_than_allowed() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = Syslog::udp();
    let program = start(
        &log,
        "  maxsslrate 2",
        &certificate(dir.path(), "a.pem", &["a.example"]),
    );
    assert_eq!(fact(&program, "SslRateLimit"), 2);
    let began = Instant::now();
    for _ in 0..6 {
        assert_eq!(program.connect("fe").get("/").status(), 200);
    }
    assert!(
        began.elapsed() >= Duration::from_millis(900),
        "{:?}",
        began.elapsed()
    );
    assert!(fact(&program, "MaxSslRate") >= 1);
    let said = api::ask(&program, "set rate-limit ssl-sessions global 7");
    assert_eq!(said.trim(), "");
    assert_eq!(fact(&program, "SslRateLimit"), 7);
}
