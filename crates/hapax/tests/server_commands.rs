//! Commands about servers' checks, agents and addresses, with the answers of HAProxy 3.4 unless said otherwise.
mod common;

use common::api::{ask_line, converse};
use common::{checks::switched, program};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::{Program, Server, Syslog, eventually, handlers};

/// How long what must come may take.
const WAIT: Duration = Duration::from_secs(30);

const HEAD: &str = "global
  nbthread 1
  stats socket {tmp}/admin.sock level admin
defaults
  mode http
  timeout connect 20s
  timeout client 20s
  timeout server 20s
  timeout check 20s
";

/// What `show servers state` says of a server from its operation on, the time since its last change left out.
fn state(program: &Program, server: &str) -> String {
    let table = ask_line(program, "show servers state");
    let line = table
        .lines()
        .find(|line| line.split(' ').nth(3) == Some(server));
    let words: Vec<&str> = line.unwrap_or_default().split(' ').skip(4).collect();
    match words.as_slice() {
        [
            ip,
            operation,
            admin,
            weight,
            _,
            _,
            status,
            result,
            counter,
            check,
            agent,
            _,
            _,
            _,
            port,
            _,
            rest @ ..,
        ] => {
            let rest = rest.join(" ");
            format!(
                "{ip}:{port} {operation} {admin} {weight} | {status} {result} {counter} {check} {agent} | {rest}"
            )
        }
        _ => table,
    }
}

/// Backend, server and command of the dialogue, with what the server's state is after it.
#[track_caller]
fn states(program: &Program, steps: &[(&str, &str, &str)]) {
    for (command, server, wanted) in steps {
        let answer = ask_line(program, command);
        assert!(
            answer.is_empty() || answer.starts_with("New") || answer.starts_with("Server"),
            "{command}: {answer}"
        );
        assert_eq!(state(program, server), *wanted, "{command}");
    }
}

const FARM: &str = "backend be
  balance roundrobin
  server s1 127.0.0.1:9 check inter 1h init-state fully-up
  server s2 127.0.0.1:9
  server s3 127.0.0.1:9 track s1
  server s4 127.0.0.1:9 agent-check agent-port 9 check inter 1h agent-inter 1h
  server s5 127.0.0.1:9 ssl verify none
frontend fe
  bind {fe}
";

fn farm() -> Program {
    let program = program().config(HEAD).config(FARM).start();
    // The first check of all comes at once.
    let checked = || state(&program, "s1").contains("| 8 2 3 6 0 |");
    assert!(eventually(WAIT, checked), "{}", state(&program, "s1"));
    program
}

const USAGE: &str = "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr | check-port | fqdn | health | ssl | state | weight";

#[test]
fn what_is_wrong_is_said_as_haproxy_says_it() {
    let program = farm();
    converse(
        &program,
        &[
            ("set server be", "Require 'backend/server'."),
            ("set server nope/s1 health up", "No such backend."),
            ("set server be/nope health up", "No such server."),
            ("set server be/s1", USAGE),
            ("set server be/s1 foo", USAGE),
            (
                "set server be/s1 health foo",
                "'set server <srv> health' expects 'up', 'stopping', or 'down'.",
            ),
            (
                "set server be/s3 health up",
                "cannot change health on a tracking server.",
            ),
            (
                "set server be/s1 agent up",
                "agent checks are not enabled on this server.",
            ),
            (
                "set server be/s4 agent",
                "'set server <srv> agent' expects 'up' or 'down'.",
            ),
            (
                "set server be/s1 agent-addr 127.0.0.3",
                "agent checks are not enabled on this server",
            ),
            (
                "set server be/s4 agent-addr no..pe",
                "invalid addr 'no..pe'",
            ),
            (
                "set server be/s4 agent-addr",
                "set server <b>/<s> agent-addr requires an address and optionally a port.",
            ),
            (
                "set server be/s4 agent-port",
                "set server <b>/<s> agent-port requires a port.",
            ),
            (
                "set server be/s4 agent-port 5x",
                "provided port is not an integer",
            ),
            (
                "set server be/s4 agent-port 70000",
                "provided port is invalid",
            ),
            (
                "set server be/s2 agent-send hello",
                "agent checks are not enabled on this server.",
            ),
            (
                "set server be/s2 check-port 7",
                "health checks are not enabled on this server",
            ),
            ("set server be/s1 check-port -5", "provided port is invalid"),
            (
                "set server be/s1 check-addr",
                "set server <b>/<s> check-addr requires an address and optionally a port.",
            ),
            (
                "enable health be/s2",
                "Health check was not configured on this server, cannot enable.",
            ),
            (
                "enable agent be/s1",
                "Agent was not configured on this server, cannot enable.",
            ),
            ("disable health be/s2", ""),
            ("disable agent be/nope", "No such server."),
            (
                "set server be/s1 ssl on",
                "'set server <srv> ssl' cannot be set.  default-server should define ssl settings",
            ),
            (
                "set server be/s5 ssl foo",
                "'set server <srv> ssl' expects 'on' or 'off'.",
            ),
        ],
    );
}

#[test]
fn addresses_change() {
    let program = farm();
    converse(
        &program,
        &[
            (
                "set server be/s1 addr 127.0.0.7",
                "IP changed from '127.0.0.1' to '127.0.0.7' by 'stats socket command'",
            ),
            ("set server be/s1 addr 127.0.0.7", "nothing changed"),
            (
                "set server be/s1 addr 127.0.0.7 port 33",
                "port changed from '9' to '33' by 'stats socket command'",
            ),
            (
                "set server be/s1 addr ::1 port 70000",
                "IP changed from '127.0.0.7' to '::1', port changed from '33' to '4464' by 'stats socket command'",
            ),
            ("set server be/s1 addr ::1 port +34", "nothing changed"),
            (
                "set server be/s1 addr ::1 port",
                "problem converting port '' to an int",
            ),
            ("set server be/s1 addr nope", "Invalid addr 'nope'"),
            (
                "set server be/s1 addr",
                "set server <b>/<s> addr requires an address and optionally a port.",
            ),
            (
                "set server be/s2 addr 127.0.0.1 port +5",
                "port changed from '9' to '+5' by 'stats socket command'",
            ),
            (
                "set server be/s2 addr 127.0.0.1 port -5",
                "port changed from '+5' to '+65531' by 'stats socket command'",
            ),
        ],
    );
    states(
        &program,
        &[
            (
                "set server be/s4 agent-addr 127.0.0.3 port 77",
                "s4",
                "127.0.0.1:9 2 0 1 | 1 0 0 6 22 | 0 0 - 127.0.0.3 77",
            ),
            (
                "set server be/s4 agent-port 78",
                "s4",
                "127.0.0.1:9 2 0 1 | 1 0 0 6 22 | 0 0 - 127.0.0.3 78",
            ),
            (
                "set server be/s1 check-port 98",
                "s1",
                "::1:4464 2 0 1 | 8 2 3 6 0 | 0 98 - - 0",
            ),
            // HAProxy 3.4.0 refuses every address here, other than its manual says.
            (
                "set server be/s1 check-addr 127.0.0.9 port 99",
                "s1",
                "::1:4464 2 0 1 | 8 2 3 6 0 | 0 99 127.0.0.9 127.0.0.9 99",
            ),
        ],
    );
}

#[test]
fn health_by_decision() {
    let program = farm();
    let s1 = |rest: &str| format!("127.0.0.1:9 {rest} | 0 0 - - 0");
    states(
        &program,
        &[
            (
                "set server be/s1 health stopping",
                "s1",
                &s1("3 0 1 | 8 2 4 6 0"),
            ),
            ("", "s3", &s1("3 0 1 | 1 0 0 0 0")),
            (
                "set server be/s1 health down",
                "s1",
                &s1("0 0 1 | 8 2 0 6 0"),
            ),
            ("", "s3", &s1("0 0 1 | 1 0 0 0 0")),
            ("set server be/s1 health up", "s1", &s1("2 0 1 | 8 2 4 6 0")),
            ("disable health be/s1", "s1", &s1("2 0 1 | 8 2 4 2 0")),
            ("enable health be/s1", "s1", &s1("2 0 1 | 8 2 4 6 0")),
            ("disable server be/s1", "s1", &s1("0 1 1 | 8 2 0 14 0")),
            ("", "s3", &s1("0 2 1 | 1 0 0 0 0")),
            ("enable server be/s1", "s1", &s1("2 0 1 | 8 2 4 6 0")),
            ("disable server be/s2", "s2", &s1("0 1 1 | 1 0 0 0 0")),
            (
                "set server be/s4 agent down",
                "s4",
                "127.0.0.1:9 0 0 1 | 1 0 0 6 22 | 0 0 - - 9",
            ),
            (
                "disable agent be/s4",
                "s4",
                "127.0.0.1:9 0 0 1 | 1 0 0 6 18 | 0 0 - - 9",
            ),
            (
                "set server be/s4 health up",
                "s4",
                "127.0.0.1:9 2 0 1 | 1 0 4 6 18 | 0 0 - - 9",
            ),
        ],
    );
    for line in [
        "Server be/s1 is stopping, changed from CLI. 4 active",
        "Server be/s3 is DOWN via be/s1. ",
        "Server be/s1 is UP, changed from CLI. ",
        "Server be/s4 is UP, changed from CLI. ",
    ] {
        assert!(program.stderr().contains(line), "{}", program.stderr());
    }
    assert_eq!(
        ask_line(&program, "set server be/s4 agent up"),
        "agent checks are not enabled on this server."
    );
}

#[test]
fn new_servers_wait_for_their_checks_to_be_enabled() {
    let program = farm();
    let new = |rest: &str| format!("127.0.0.1:80 {rest} | 0 0 - - 0");
    let agent = |rest: &str| format!("127.0.0.1:80 {rest} | 0 0 - - 99");
    states(
        &program,
        &[
            (
                "add server be/d1 127.0.0.1:80 check rise 4 fall 3 inter 1h",
                "d1",
                &new("0 1 1 | 1 0 0 2 0"),
            ),
            ("enable health be/d1", "d1", &new("0 1 1 | 1 0 0 6 0")),
            ("enable server be/d1", "d1", &new("2 0 1 | 1 0 4 6 0")),
            ("disable server be/d1", "d1", &new("0 1 1 | 1 0 0 14 0")),
            (
                "add server be/d2 127.0.0.1:80 check inter 1h rise 4 fall 3 init-state fully-down",
                "d2",
                &new("0 1 1 | 1 0 0 2 0"),
            ),
            ("enable server be/d2", "d2", &new("0 0 1 | 1 0 0 2 0")),
            (
                "add server be/d3 127.0.0.1:80 agent-check agent-port 99 agent-inter 1h",
                "d3",
                &agent("0 1 1 | 1 0 0 0 18"),
            ),
            ("enable agent be/d3", "d3", &agent("0 1 1 | 1 0 0 0 22")),
            ("enable server be/d3", "d3", &agent("0 0 1 | 1 0 0 0 22")),
            (
                "add server be/d4 127.0.0.1:80 track s1 weight 5",
                "d4",
                &new("0 1 5 | 1 0 0 0 0"),
            ),
            ("enable server be/d4", "d4", &new("2 0 5 | 1 0 0 0 0")),
            ("disable server be/s1", "d4", &new("0 2 5 | 1 0 0 0 0")),
            // Whom its leader keeps out of service may be deleted.
            ("enable server be/s1", "d4", &new("2 0 5 | 1 0 0 0 0")),
            ("disable server be/d4", "d4", &new("0 1 5 | 1 0 0 0 0")),
        ],
    );
    let pinned = "This server cannot be removed at runtime due to other configuration elements pointing to it.";
    converse(
        &program,
        &[
            ("del server be/s1", pinned),
            ("del server be/d4", "Server deleted."),
            ("del server be/d1", "Server deleted."),
            (
                "add server be/x 127.0.0.1:80 agent-check",
                "server x does not have agent port. Agent check has been disabled.",
            ),
            (
                "add server be/x 127.0.0.1:80 track be/s2",
                "unable to use be/s2 for tracking as it does not have any check nor agent enabled.",
            ),
            (
                "add server be/x 127.0.0.1:80 track be/d2",
                "unable to use be/d2 for tracking as it is a dynamic server.",
            ),
            (
                "add server be/x 127.0.0.1:80 track nope/s1",
                "unable to find required proxy 'nope' for tracking.",
            ),
            (
                "add server be/x 127.0.0.1:80 track be/nope",
                "unable to find required server 'nope' for tracking.",
            ),
            (
                "add server be/x 127.0.0.1 check",
                "config: backend 'be': server 'x' has neither service port nor check port nor tcp_check rule 'connect' with port information.",
            ),
            (
                "add server be/x 127.0.0.1:80 enabled",
                "'enabled' option is not accepted for dynamic server",
            ),
            (
                "add server be/x 127.0.0.1:80 cookie resolvers",
                "New server registered.",
            ),
            (
                "add server be/y 127.0.0.1:80 ssl verify none",
                "New server registered.",
            ),
            (
                "set server be/y ssl off",
                "'set server <srv> ssl' not supported on dynamic servers",
            ),
        ],
    );
}

#[test]
fn new_servers_are_checked_until_they_go() {
    let log = Syslog::udp();
    let status = Arc::new(AtomicUsize::new(500));
    let server = switched(&status);
    let agent = Server::start(|conn, _| {
        conn.read_until(b"hi")?;
        conn.send("ready up\n")
    });
    let program = program()
        .log(&log)
        .config(HEAD)
        .config("backend be\n  log {log} local0\n  balance roundrobin\n  option httpchk\n  option log-health-checks\nfrontend fe\n  bind {fe}\n  default_backend be")
        .start();
    let address = server.address();
    let added = ask_line(
        &program,
        &format!("add server be/d {address} check inter 50ms rise 1 fall 1 slowstart 100ms"),
    );
    assert_eq!(added, "New server registered.");
    ask_line(&program, "enable server be/d");
    log.expect("Server be/d is UP/READY (leaving forced maintenance).");
    assert_eq!(server.connections(), 0, "not yet");
    ask_line(&program, "enable health be/d");
    log.expect("Health check for server be/d failed, reason: Layer7 wrong status, code: 500");
    log.expect("Server be/d is DOWN.");
    assert_eq!(program.connect("fe").get("/").status(), 503);
    status.store(200, Ordering::Relaxed);
    log.expect("Server be/d is UP.");
    // Warm after a while, it is at its full weight.
    assert!(eventually(WAIT, || state(&program, "d").contains(" 2 0 1 |")));
    assert_eq!(program.connect("fe").get("/").text(), "a");
    // Its checks go elsewhere.
    let other = Server::start(handlers::says("b"));
    ask_line(
        &program,
        &format!("set server be/d check-port {}", other.port()),
    );
    other.wait_connections(1);
    converse(&program, &[("disable server be/d", "")]);
    converse(
        &program,
        &[
            ("wait 20s srv-removable be/d", "Done."),
            ("del server be/d", "Server deleted."),
        ],
    );
    // An agent brings another one into service.
    let port = agent.port();
    ask_line(
        &program,
        &format!(
            "add server be/e {address} agent-check agent-addr 127.0.0.1 agent-port {port} agent-send hi agent-inter 50ms"
        ),
    );
    ask_line(&program, "enable agent be/e");
    log.expect("Server be/e is UP/READY (leaving forced maintenance).");
    assert!(eventually(WAIT, || {
        program.connect("fe").get("/").status() == 200
    }));
    ask_line(&program, "disable agent be/e;disable server be/e");
    assert_eq!(ask_line(&program, "wait 20s srv-removable be/e"), "Done.");
    assert_eq!(ask_line(&program, "del server be/e"), "Server deleted.");
    // Nobody is checked any more: what is under way may end.
    std::thread::sleep(Duration::from_millis(100));
    let before = (other.connections(), agent.connections());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!((other.connections(), agent.connections()), before);
}

#[test]
fn followers_that_commands_add_come_first() {
    let log = Syslog::udp();
    let program = program()
        .log(&log)
        .config(HEAD)
        .config("backend be\n  log {log} local0\n  balance roundrobin\n  server s 127.0.0.1:9 check inter 1h init-state fully-up\n  server t 127.0.0.1:9 track s\nfrontend fe\n  bind {fe}")
        .start();
    for name in ["a", "b"] {
        ask_line(
            &program,
            &format!("add server be/{name} 127.0.0.1:9 track s;enable server be/{name}"),
        );
    }
    log.expect("Server be/b is UP/READY (leaving forced maintenance).");
    log.clear();
    ask_line(&program, "disable server be/s");
    ask_line(&program, "del server be/a");
    ask_line(&program, "enable server be/s");
    let lines: Vec<String> = log
        .wait_lines(7)
        .iter()
        .filter_map(|line| {
            Some(
                line.split_once("Server be/")?
                    .1
                    .split(" is ")
                    .next()?
                    .to_owned(),
            )
        })
        .collect();
    assert_eq!(lines, ["s", "b", "a", "t", "s", "b", "t"]);
    ask_line(&program, "set server be/s health down");
    log.expect("Server be/b is DOWN via be/s.");
}

#[test]
fn servers_are_spoken_to_in_tls_or_not() {
    let plain = Server::start(handlers::says("plain"));
    let program = program()
        .config(HEAD)
        .config("backend be\n  timeout connect 1s\n  retries 0\n  default-server ssl verify none\n  server s {s} no-ssl\n  server t {s}\nfrontend fe\n  bind {fe}\n  default_backend be")
        .server("s", &plain)
        .start();
    ask_line(&program, "disable server be/t");
    assert_eq!(program.connect("fe").get("/").text(), "plain");
    assert!(state(&program, "s").ends_with("| 0 0 - - 0"));
    let updated = "server ssl setting updated.";
    assert_eq!(ask_line(&program, "set server be/s ssl on"), updated);
    assert!(state(&program, "s").ends_with("| 1 0 - - 0"));
    assert_eq!(
        program.connect("fe").get("/").status(),
        503,
        "it speaks no TLS"
    );
    assert_eq!(ask_line(&program, "set server be/s ssl off"), updated);
    assert_eq!(program.connect("fe").get("/").text(), "plain");
}
