//! What checks, agents and live traffic do to servers and to those who use them.
mod common;

use common::checks::{switched, without_duration};
use common::{http, program};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::{Program, Refused, Server, handlers};

const WAIT: Duration = Duration::from_secs(30);

/// What was said of the servers of `b`, from the server's name on.
fn news(program: &Program) -> Vec<String> {
    let stderr = program.stderr();
    let lines = stderr.lines().filter(|line| line.contains("erver b/"));
    let told = lines.filter_map(|line| {
        let (_, text) = line.split_once(") : ")?;
        Some(without_duration(text))
    });
    told.collect()
}

#[track_caller]
fn wait_news(program: &Program, text: &str) -> String {
    testkit::eventually(WAIT, || {
        news(program).iter().any(|line| line.contains(text))
    });
    let news = news(program);
    let found = news.iter().find(|line| line.contains(text));
    found
        .cloned()
        .unwrap_or_else(|| panic!("no {text:?} in {news:#?}"))
}

/// An agent that says what the test sets.
fn agent(lines: &'static [&'static str]) -> Server {
    Server::start(move |conn, number| {
        conn.send(
            lines
                .get(number)
                .or(lines.last())
                .copied()
                .unwrap_or_default(),
        )
    })
}

fn with_agent(agent: &Server, options: &str) -> Program {
    let server = "  server s 127.0.0.1:9 agent-check agent-port {agent} agent-addr 127.0.0.1 agent-inter 100ms";
    http()
        .config(&format!(
            "frontend f\n  bind {{fe}}\nbackend b\n  option log-health-checks\n{server} {options}\n"
        ))
        .set("agent", agent.port())
        .start()
}

#[test]
fn agents_take_servers_down_and_up() {
    let agent = agent(&["down #going away\n", "75%\n", "up\r\n"]);
    let program = with_agent(&agent, "weight 100");
    let failed = "Agent check for server b/s failed, reason: Layer7 wrong status, code: 0, info: \"via agent : down (going away)\", \
                  check duration: Nms, status: 0/1 DOWN.";
    assert_eq!(wait_news(&program, "Agent check"), failed);
    wait_news(
        &program,
        "Server b/s is DOWN. 0 active and 0 backup servers left.",
    );
    wait_news(
        &program,
        "Agent check for server b/s succeeded, reason: Layer7 check passed, code: 0, info: \"via agent : up\", \
         check duration: Nms, status: 1/1 UP.",
    );
    wait_news(
        &program,
        "Server b/s is UP. 1 active and 0 backup servers online.",
    );
}

#[test]
fn agents_decide_about_maintenance_and_drain() {
    let agent = agent(&["drain\n", "maint\n", "up ready\n"]);
    let program = with_agent(&agent, "");
    let wanted = [
        "Server b/s enters drain state. 0 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.",
        "Server b/s is going DOWN for maintenance. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.",
        "Server b/s is UP/READY (leaving forced maintenance).",
    ];
    wait_news(&program, "Agent check");
    assert_eq!(news(&program)[..3], wanted);
}

#[test]
fn an_agent_that_is_not_there_changes_nothing() {
    let refused = Refused::new();
    let port = refused.address.port();
    let program = http()
        .config(
            "frontend f\n  bind {fe}\nbackend b\n  option log-health-checks\n  server s 127.0.0.1:9 agent-check agent-port {agent} agent-inter 100ms\n",
        )
        .set("agent", port)
        .start();
    let line = wait_news(
        &program,
        "Agent check for server b/s failed, reason: Layer4 connection problem",
    );
    assert!(line.ends_with("status: 0/1 DOWN."), "{line}");
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(news(&program).len(), 1);
}

#[test]
fn a_404_stops_a_server_softly() {
    let status = Arc::new(AtomicUsize::new(200));
    let server = switched(&status);
    let program = http()
        .config(
            "frontend f\n  bind {fe}\n  default_backend b\nbackend b\n  option httpchk\n  http-check disable-on-404\n  \
             option log-health-checks\n  server s {s} check inter 50ms rise 1 fall 1\n",
        )
        .server("s", &server)
        .start();
    wait_news(&program, "succeeded");
    status.store(404, Ordering::Relaxed);
    wait_news(
        &program,
        "conditionally succeeded, reason: Layer7 check conditionally passed, code: 404, ",
    );
    wait_news(
        &program,
        "Server b/s is stopping. 0 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.",
    );
    assert_eq!(program.connect("fe").get("/").status(), 503);
    status.store(200, Ordering::Relaxed);
    wait_news(&program, "Server b/s is UP. 1 active");
    assert_eq!(program.connect("fe").get("/").status(), 200);
}

#[test]
fn sessions_end_with_their_server() {
    let status = Arc::new(AtomicUsize::new(200));
    let checked = switched(&status);
    let slow = Server::start(handlers::stall_after(
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart".as_slice(),
    ));
    let program = http()
        .config(
            "defaults\n  mode http\n  timeout connect 1h\n  timeout client 1h\n  timeout server 1h\n  timeout check 1h\n\
             frontend f\n  bind {fe}\n  default_backend b\nbackend b\n  option httpchk\n  \
             server s {s} check port {port} inter 50ms rise 1 fall 1 on-marked-down shutdown-sessions\n",
        )
        .server("s", &slow)
        .set("port", checked.port())
        .start();
    let mut client = program.connect("fe");
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_until(b"part");
    status.store(500, Ordering::Relaxed);
    client.expect_closed();
}

#[test]
fn errors_of_traffic_take_a_server_down() {
    let server = Server::start(|conn, _| {
        while let Some(request) = conn.read_request()? {
            let status = if request.method() == "OPTIONS" {
                200
            } else {
                500
            };
            conn.send(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"))?;
        }
        Ok(())
    });
    let program = http()
        .config(
            "frontend f\n  bind {fe}\n  default_backend b\nbackend b\n  option httpchk\n  option log-health-checks\n  \
             server s {s} check inter 1h rise 1 fall 3 observe layer7 error-limit 2 on-error mark-down\n",
        )
        .server("s", &server)
        .start();
    wait_news(&program, "succeeded");
    let status = || program.connect("fe").get("/").status();
    assert_eq!((status(), status(), status()), (500, 500, 503));
    wait_news(
        &program,
        "Health check for server b/s failed, reason: Health analyze, info: \"Detected 2 consecutive errors, last one was: ",
    );
    wait_news(&program, "Server b/s is DOWN.");
}

/// How many of forty requests a server gets beside another of the same weight once it has come up with this
/// `slowstart`, and at full speed when that is awaited.
fn share_of_starting(slow_start: &str, await_full_speed: bool) -> usize {
    let status = Arc::new(AtomicUsize::new(500));
    let slow = switched(&status);
    let other = Server::start(handlers::says("b"));
    let program = program()
        .config(&format!(
            "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 20s\n  timeout client 20s\n  timeout server 20s\n  \
             timeout check 20s\nfrontend f\n  bind {{fe}}\n  default_backend b\nbackend b\n  balance roundrobin\n  option httpchk\n  \
             server s {{s}} weight 100 check inter 50ms rise 1 fall 1 slowstart {slow_start}\n  server t {{t}} weight 100\n",
        ))
        .server("s", &slow)
        .server("t", &other)
        .start();
    wait_news(&program, "Server b/s is DOWN");
    status.store(200, Ordering::Relaxed);
    wait_news(&program, "Server b/s is UP");
    // Full speed is told once more.
    let told = || {
        let news = news(&program);
        let up = news.iter().filter(|line| line.contains("Server b/s is UP"));
        up.count()
    };
    assert!(!await_full_speed || testkit::eventually(WAIT, || told() == 2));
    let answers: String = (0..40)
        .map(|_| program.connect("fe").get("/").text())
        .collect();
    answers.matches('a').count()
}

#[test]
fn a_server_that_came_up_starts_slowly() {
    let early = share_of_starting("120s", false);
    assert!(early < 15, "{early}");
    let late = share_of_starting("500ms", true);
    assert!((18..=22).contains(&late), "{late}");
}
