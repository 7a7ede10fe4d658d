//! Termination states of the HTTP log: who ended a stream, and in which phase.
mod common;

use std::time::Duration;

use common::{FRONT_AND_BACK, http_line, http_logged, in_front_of};
use testkit::{Blackhole, HttpLog, Program, Refused, Server, Syslog, handlers};

struct Run {
    log: Syslog,
    server: Server,
    program: Program,
}

fn run(options: &str, server: Server) -> Run {
    let log = Syslog::udp();
    let program = in_front_of(http_logged(&log), options, &server);
    Run {
        log,
        server,
        program,
    }
}

fn run_with_rule(rule: &str) -> Run {
    let (log, server) = (Syslog::udp(), Server::start(handlers::says("ok")));
    let rest = format!(
        "frontend in\n  bind {{fe}}\n  {rule}\n  default_backend back\nbackend back\n  server s1 {{s1}}"
    );
    let program = http_logged(&log)
        .config(&rest)
        .server("s1", &server)
        .start();
    Run {
        log,
        server,
        program,
    }
}

impl Run {
    #[track_caller]
    fn ends_with(&self, outcome: &str) -> HttpLog {
        let line = http_line(&self.log);
        assert_eq!(line.outcome(), outcome, "{}", self.log.lines().join("\n"));
        line
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_good_exchange() {
    let run = run("", Server::start(handlers::says("ok")));
    run.program.connect("fe").get("/x");
    let line = run.ends_with("---- 200");
    assert_eq!(
        (
            line.base.frontend.as_str(),
            line.base.backend.as_str(),
            line.base.server.as_str()
        ),
        ("in", "back", "s1")
    );
    assert_eq!(line.request, "GET /x HTTP/1.1");
    assert_eq!(line.base.counters, ["1", "1", "0", "0", "0"]);
    assert_eq!(line.base.queues, [0, 0]);
    assert!(
        line.base
            .timers
            .iter()
            .all(|&timer| (0..500).contains(&timer)),
        "{:?}",
        line.base.timers
    );
    // Not the bytes on the wire: 20 for a start line and its words, names and values alone, 1 for the end of the head.
    let words = ["HTTP/1.1", "200", "OK", "Content-Length", "2", "ok"].concat();
    assert_eq!(line.base.bytes, 20 + 1 + words.len() as u64);
}

#[test]
fn client_leaves_within_the_head() {
    let run = run("", Server::start(handlers::says("ok")));
    run.program
        .connect("fe")
        .send("GET / HTTP/1.1\r\nHo")
        .shutdown_write()
        .expect_closed();
    let line = run.ends_with("CR-- 400");
    assert_eq!(line.request, "<BADREQ>");
}

#[test]
fn client_leaves_without_a_byte() {
    let run = run("", Server::start(handlers::says("ok")));
    drop(run.program.connect("fe"));
    run.ends_with("CR-- 400");
}

#[test]
fn client_is_reset_within_the_head() {
    let run = run("", Server::start(handlers::says("ok")));
    let mut client = run.program.connect("fe");
    client.send("GET / HTTP/1.1\r\nHo");
    std::thread::sleep(Duration::from_millis(30));
    client.reset();
    run.ends_with("CR-- 400");
}

#[test]
fn client_leaves_within_the_request_body() {
    let run = run("", Server::start(handlers::silent()));
    let mut client = run.program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    run.server.wait_received(0, "abc");
    client.reset();
    run.ends_with("CH-- 400");
}

#[test]
fn client_leaves_while_waiting_for_the_answer() {
    let run = run("", Server::start(handlers::silent()));
    let mut client = run.program.connect("fe");
    client.send(GET);
    run.server.wait_received(0, "GET");
    client.reset();
    run.ends_with("CD-- 400");
}

#[test]
fn client_half_closes_while_waiting_with_abortonclose() {
    let run = run("  option abortonclose", Server::start(handlers::silent()));
    let mut client = run.program.connect("fe");
    client.send(GET);
    run.server.wait_received(0, "GET");
    client.shutdown_write();
    client.expect_closed();
    run.ends_with("CH-- 400");
}

#[test]
fn client_half_closes_while_waiting_without_abortonclose() {
    let run = run(
        "  no option abortonclose",
        Server::start(handlers::delayed(
            Duration::from_millis(100),
            handlers::ok("ok"),
        )),
    );
    let mut client = run.program.connect("fe");
    client.send(GET).shutdown_write();
    assert_eq!(client.response().text(), "ok");
    run.ends_with("---- 200");
}

#[test]
fn client_leaves_within_the_answer() {
    let run = run(
        "",
        Server::start(handlers::stall_after(
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        )),
    );
    let mut client = run.program.connect("fe");
    client.send(GET).read_until(b"abc");
    client.reset();
    run.ends_with("CD-- 200");
}

#[test]
fn client_leaves_while_connecting() {
    let hole = Blackhole::new();
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config("  option abortonclose")
        .config(FRONT_AND_BACK)
        .set("s1", hole.address)
        .start();
    let mut client = program.connect("fe");
    client.send(GET);
    client.expect_open(Duration::from_millis(60));
    client.reset();
    let line = http_line(&log);
    assert_eq!(&line.outcome()[..4], "CC--", "{}", line.outcome());
}

#[test]
fn client_leaves_the_queue() {
    let log = Syslog::udp();
    let server = Server::start(handlers::silent());
    let program = http_logged(&log)
        .config("  option abortonclose\nlisten in\n  bind {fe}\n  server s1 {s1} maxconn 1")
        .server("s1", &server)
        .start();
    let mut first = program.connect("fe");
    first.send(GET);
    server.wait_connections(1);
    let mut second = program.connect("fe");
    second.send(GET);
    second.expect_open(Duration::from_millis(50));
    second.reset();
    let line = http_line(&log);
    assert_eq!(&line.outcome()[..4], "CQ--", "{}", line.outcome());
}

#[test]
fn server_refuses() {
    let refused = Refused::new();
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config("  retries 0")
        .config(FRONT_AND_BACK)
        .set("s1", refused.address)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.base.server.as_str()),
        ("SC-- 503", "s1")
    );
}

#[test]
fn server_refuses_and_is_retried() {
    let refused = Refused::new();
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config("  retries 2\n  timeout connect 100ms")
        .config(FRONT_AND_BACK)
        .set("s1", refused.address)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.base.counters[4].as_str()),
        ("SC-- 503", "2")
    );
}

#[test]
fn server_closes_without_an_answer() {
    let run = run("  retries 0", Server::start(handlers::once("")));
    assert_eq!(run.program.connect("fe").get("/").status(), 502);
    run.ends_with("SH-- 502");
}

#[test]
fn server_resets_without_an_answer() {
    let run = run("  retries 0", Server::start(handlers::reset_after("")));
    assert_eq!(run.program.connect("fe").get("/").status(), 502);
    run.ends_with("SH-- 502");
}

#[test]
fn server_closes_within_the_head() {
    let run = run(
        "  retries 0",
        Server::start(handlers::once("HTTP/1.1 200 OK\r\nConte")),
    );
    assert_eq!(run.program.connect("fe").get("/").status(), 502);
    run.ends_with("PH-- 502");
}

#[test]
fn server_answers_badly() {
    let run = run(
        "  retries 0",
        Server::start(handlers::once("HTTP/1.1 200 OK\r\nbad header: x\r\n\r\n")),
    );
    assert_eq!(run.program.connect("fe").get("/").status(), 502);
    run.ends_with("PH-- 502");
}

#[test]
fn server_closes_within_the_body() {
    let run = run(
        "",
        Server::start(handlers::once(
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        )),
    );
    run.program.connect("fe").send(GET).read_to_end();
    run.ends_with("SD-- 200");
}

#[test]
fn server_resets_within_the_body() {
    let run = run(
        "",
        Server::start(handlers::reset_after(
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        )),
    );
    run.program.connect("fe").send(GET).expect_closed();
    run.ends_with("SD-- 200");
}

#[test]
fn proxy_denies() {
    let run = run_with_rule("http-request deny if { path /no }");
    assert_eq!(run.program.connect("fe").get("/no").status(), 403);
    let line = run.ends_with("PR-- 403");
    assert_eq!(
        (line.base.backend.as_str(), line.base.server.as_str()),
        ("in", "<NOSRV>")
    );
}

#[test]
fn proxy_denies_the_answer() {
    let run = run_with_rule("http-response deny");
    assert_eq!(run.program.connect("fe").get("/").status(), 502);
    run.ends_with("PH-- 502");
}

#[test]
fn proxy_answers_itself() {
    let run = run_with_rule(
        "http-request redirect location /y if { path /x }\n  http-request return status 200 if { path /r }",
    );
    assert_eq!(run.program.connect("fe").get("/x").status(), 302);
    run.ends_with("LR-- 302");
    run.log.clear();
    assert_eq!(run.program.connect("fe").get("/r").status(), 200);
    run.ends_with("LR-- 200");
}

#[test]
fn no_server_is_there() {
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config("frontend in\n  bind {fe}\n  default_backend back\nbackend back\n  server s1 127.0.0.1:1 disabled")
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let line = http_line(&log);
    assert_eq!(
        (
            line.outcome().as_str(),
            line.base.backend.as_str(),
            line.base.server.as_str()
        ),
        ("SC-- 503", "back", "<NOSRV>")
    );
}

#[test]
fn no_backend_is_there() {
    let log = Syslog::udp();
    let program = http_logged(&log).config("frontend in\n  bind {fe}").start();
    assert_eq!(program.connect("fe").get("/").status(), 503);
    let line = http_line(&log);
    assert_eq!(
        (line.outcome().as_str(), line.base.backend.as_str()),
        ("SC-- 503", "in")
    );
}
