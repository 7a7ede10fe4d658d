//! Variables: how long each scope lasts, and how much it may hold; and which rule decided.
mod common;

use std::time::Duration;
use testkit::{Program, Server, Syslog, eventually, handlers};

const WAIT: Duration = Duration::from_secs(20);

struct Run {
    program: Program,
    log: Syslog,
    _server: Server,
}

fn run(global: &str, rules: &str) -> Run {
    let (log, server) = (Syslog::udp(), Server::start(handlers::says("ok")));
    let program = common::program()
        .log(&log)
        .config(&format!(
            "global
  nbthread 1
  log {{log}} local0
{global}
defaults
  mode http
  log global
  timeout connect 3s
  timeout client 3s
  timeout server 3s
backend be
  http-response set-var(res.b) str(response)
  http-response set-header X-Back \"%[var(req.a)]/%[var(res.b)]/%[var(txn.a)]\"
  server s1 {{s1}}
frontend fe
  bind {{fe}}
  log-format \"%[var(req.a)]/%[var(res.b)]/%[var(txn.a)] %[last_rule_line] %[waiting_entity]\"
{rules}
  default_backend be
"
        ))
        .server("s1", &server)
        .start();
    Run {
        program,
        log,
        _server: server,
    }
}

impl Run {
    fn header(&self, path: &str, name: &str) -> String {
        let answer = self.program.connect("fe").get(path);
        answer.header(name).unwrap_or("none").to_owned()
    }

    #[track_caller]
    fn logged(&self, text: &str) {
        self.log.find(std::time::Duration::from_secs(3), |line| {
            line.ends_with(text)
        });
        let lines = self.log.lines().join("\n");
        assert!(lines.contains(text), "no {text:?} in {lines}");
    }
}

const SCOPES: &str = "  http-request set-var(req.a) str(request)
  http-request set-var(txn.a) str(both)
  http-request set-var(res.b) str(early)
  http-request set-var(psess.a) str(parent)
  http-request deny if { path /deny }
  http-request deny if { var(psess.a) -m found }
  http-after-response set-header X-After \"%[var(req.a)]/%[var(res.b)]/%[var(txn.a)]\"";

#[test]
fn variables_of_the_request_end_where_those_of_the_response_begin() {
    let run = run("", SCOPES);
    assert_eq!(run.header("/", "X-Back"), "/response/both");
    assert_eq!(run.header("/", "X-After"), "/response/both");
    run.logged("-/response/both - -");
    assert_eq!(run.header("/deny", "X-After"), "//both");
    run.logged("-/-/both 22 -");
}

#[test]
fn values_are_shown_in_a_ring() {
    let sink = Syslog::tcp();
    let program = common::http()
        .log(&sink)
        .config(
            "ring events
  format raw
  size 8192
  timeout connect 1s
  timeout server 3s
  server s1 {log}
frontend fe
  bind {fe}
  http-request set-var(txn.a) path,debug(seen,events)
  http-request return status 200
",
        )
        .start();
    program.connect("fe").get("/shown");
    let seen = sink.find(std::time::Duration::from_secs(5), |line| {
        line.contains("[debug] seen: type=str </shown>")
    });
    assert!(seen.is_some(), "{:?}", sink.lines());
}

#[test]
fn a_variable_beyond_a_limit_is_not_set() {
    // Each variable counts 88 bytes and its text.
    let text = |length: usize| "x".repeat(length);
    let rules = format!(
        "  http-request set-var(txn.a) str({})
  http-request set-var(txn.b) str({})
  http-request set-var(txn.c) int(1)
  http-request set-var(req.a) int(1)
  http-request set-header X-Set \"%[var(txn.a),length] %[var(txn.b),length] %[var(txn.c)] %[var(req.a)]\"
  http-request return status 200 hdr X-Set %[req.hdr(X-Set)]",
        text(100),
        text(25)
    );
    // 188 and 113 leave no room for 88 more.
    let limited = run("  tune.vars.txn-max-size 300", &rules);
    assert_eq!(limited.header("/", "X-Set"), "100  1");
    let larger = run("  tune.vars.txn-max-size 301", &rules);
    assert_eq!(larger.header("/", "X-Set"), "100 25");
    let free = run("  tune.vars.reqres-max-size 87", &rules);
    assert_eq!(free.header("/", "X-Set"), "100 25 1");
    let session = run("  tune.vars.sess-max-size 188", &rules);
    assert_eq!(session.header("/", "X-Set"), "100");
}

/// A variable of the process counts 88 bytes from the moment it is named, and everything else counts for the process.
#[test]
fn the_process_limits_all_variables_together() {
    let rules = format!(
        "  http-request set-var(proc.a) str({0})
  http-request set-var(txn.b) str({0})
  http-request set-var(req.c) int(1)
  http-request set-var(proc.c) int(1)
  http-request set-header X-Set \"%[var(txn.b),length]/%[var(proc.a),length]/%[var(proc.c)]\"
  http-request return status 200 hdr X-Set %[req.hdr(X-Set)]",
        "x".repeat(100)
    );
    for limit in ["proc", "global"] {
        let keyword = format!("  tune.vars.{limit}-max-size");
        let fits = run(&format!("{keyword} 464"), &rules);
        for _ in 0..3 {
            // What a stream has taken is given back at its end, which the next request may overtake.
            let all = eventually(WAIT, || fits.header("/", "X-Set") == "100/100/1");
            assert!(all, "{limit}");
        }
        let lacks = run(&format!("{keyword} 363"), &rules);
        assert_eq!(lacks.header("/", "X-Set"), "/100/1");
        let session = run(
            &format!("{keyword} 88"),
            "  http-request set-var(sess.b) int(1)
  http-request set-var(txn.c) int(1)
  http-request return status 200 hdr X-Set %[var(sess.b)]/%[var(txn.c)]",
        );
        assert_eq!(session.header("/", "X-Set"), "1/");
        let without = run(
            &format!("{keyword} 87"),
            "  http-request set-var(sess.b) int(1)
  http-request return status 200 hdr X-Set /%[var(sess.b)]",
        );
        assert_eq!(without.header("/", "X-Set"), "/");
    }
}
