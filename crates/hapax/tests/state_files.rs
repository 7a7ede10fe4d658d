//! Servers' states taken over from a file.
mod common;

use common::{api::ask, program};
use testkit::Program;

const LINES: &str = "1
# be_id be_name srv_id srv_name
2 b 1 down 127.0.0.1 0 0 1 1 100 8 2 0 6 0 0 0 - 9001 - 0 0 - - 0
2 b 2 maint 127.0.0.1 0 1 1 1 100 6 3 4 14 0 0 0 - 9002 - 0 0 - - 0
2 b 3 drain 127.0.0.1 2 8 5 10 100 6 3 4 6 0 0 0 - 9003 - 0 0 - - 0
2 b 4 other 127.0.0.1 2 0 5 9 100 6 3 4 6 0 0 0 - 9004 - 0 0 - - 0
2 b 5 cleared 127.0.0.1 0 5 1 1 100 6 3 4 6 0 0 0 - 9005 - 0 0 - - 0
2 c 1 s 127.0.0.1 0 0 1 1 100 8 2 0 6 0 0 0 - 9006 - 0 0 - - 0
2 b 6 wrong 127.0.0.1 9 0 1 1 100 8 2 0 6 0 0 0 - 9001 - 0 0 - - 0
";

/// Operation, administrative state, weight and counter of a server.
fn state(program: &Program, server: &str) -> String {
    let text = ask(program, "show servers state");
    let line = text
        .lines()
        .find(|line| line.split(' ').nth(3) == Some(server));
    let words: Vec<&str> = line.unwrap_or_default().split(' ').collect();
    [5, 6, 7, 12]
        .map(|at| words.get(at).copied().unwrap_or("?"))
        .join(" ")
}

#[test]
fn states_come_from_the_file() {
    let program = program()
        .file("states", LINES)
        .config(
            "global
  nbthread 1
  stats socket {tmp}/admin.sock level admin
  server-state-base {tmp}
  server-state-file states
defaults
  timeout connect 1s
  timeout client 1s
  timeout server 1s
listen l
  bind {fe}
backend b
  load-server-state-from-file global
  default-server check inter 1h
  server first 127.0.0.1:9
  server down 127.0.0.1:9
  server maint 127.0.0.1:9
  server drain 127.0.0.1:9 weight 10
  server other 127.0.0.1:9 weight 10
  server cleared 127.0.0.1:9
  server wrong 127.0.0.1:9
backend c
  server s 127.0.0.1:9
",
        )
        .start();
    for (server, wanted) in [
        ("down", "0 0 1 0"),
        ("maint", "0 1 1 4"),
        ("drain", "2 8 5 4"),
        ("other", "2 0 10 4"),
        ("cleared", "0 0 1 4"),
        ("s", "2 0 1 0"),
    ] {
        assert_eq!(state(&program, server), wanted, "{server}");
    }
    let warning =
        "server-state application failed for server 'b/wrong', invalid srv_op_state value '9'";
    assert!(program.stderr().contains(warning), "{}", program.stderr());
}

#[test]
fn servers_return_to_where_they_were() {
    let lines = "1
# be_id be_name srv_id srv_name
2 b 1 numbered 127.0.0.9 2 0 1 1 100 6 3 4 6 0 0 0 - 77 - 0 0 - - 0
2 b 2 named 127.0.0.8 2 0 1 1 100 6 3 4 6 0 0 0 localhost 99 - 0 0 - - 0
2 b 4 lookedup 127.0.0.6 2 0 1 1 100 6 3 4 6 0 0 0 localhost 97 - 0 0 - - 0
2 b 5 late 127.0.0.5 2 0 1 1 100 6 3 4 6 0 0 0 name.invalid 96 - 0 0 - - 0
";
    let program = program()
        .file("states", lines)
        .config(
            "global
  nbthread 1
  stats socket {tmp}/admin.sock level admin
  server-state-file {tmp}/states
listen l
  bind {fe}
  timeout connect 1s
  timeout client 1s
  timeout server 1s
backend b
  load-server-state-from-file global
  server numbered 127.0.0.1:9
  server named localhost:9
  server lookedup localhost:9 init-addr libc,last resolve-prefer ipv4
  server late name.invalid:9 init-addr libc,last,none
",
        )
        .start();
    let text = ask(&program, "show servers state b");
    let place = |server: &str| {
        let line = text
            .lines()
            .find(|line| line.split(' ').nth(3) == Some(server));
        let words: Vec<&str> = line.unwrap_or_default().split(' ').collect();
        [4, 6, 18]
            .map(|at| words.get(at).copied().unwrap_or("?"))
            .join(" ")
    };
    for (server, wanted) in [
        ("numbered", "127.0.0.1 0 77"),
        ("named", "127.0.0.8 0 99"),
        ("lookedup", "127.0.0.1 0 97"),
        ("late", "127.0.0.5 0 96"),
    ] {
        assert_eq!(place(server), wanted, "{server}");
    }
}
