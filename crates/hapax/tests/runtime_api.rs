//! The runtime API on a running program.
mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use common::api::{PATIENCE, SOCKETS, ask, ask_on, connect, stat};
use common::{http, program};
use testkit::{Builder, Program, Server, handlers};

fn with_api(config: &str) -> Builder {
    http().config(SOCKETS).config(config)
}

/// Reads until the text ends with `end`.
fn read_until(stream: &mut UnixStream, end: &str) -> String {
    let (mut text, mut room) = (String::new(), [0; 4096]);
    while !text.ends_with(end) {
        let n = stream.read(&mut room).expect("more of an answer");
        assert!(n > 0, "closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&room[..n]));
    }
    text
}

fn two_servers() -> (Server, Server, Program) {
    let (one, two) = (
        Server::start(handlers::says("one")),
        Server::start(handlers::says("two")),
    );
    let program = with_api(
        "frontend in\n  bind {fe}\n  default_backend back\nbackend back\n  balance roundrobin\n  server s1 {s1}\n  server s2 {s2} weight 10",
    )
    .server("s1", &one)
    .server("s2", &two)
    .start();
    (one, two, program)
}

fn served(program: &Program, requests: usize) -> Vec<String> {
    let mut client = program.connect("fe");
    (0..requests).map(|_| client.get("/").text()).collect()
}

#[test]
fn one_line_is_answered_and_the_connection_closed() {
    let program = with_api("").start();
    let ask = |text: &str| ask_on(&program, "admin.sock", text);
    assert_eq!(ask("show version\n"), "3.4.0\n\n");
    assert_eq!(ask("show version;quit;show version\n"), "3.4.0\n\n");
    assert_eq!(
        ask("   show    version   ;  ;show version\nshow version\n"),
        "3.4.0\n\n\n3.4.0\n\n"
    );
    assert_eq!(ask("\n"), "\n");
    assert_eq!(ask("echo a\\;b\\ c\n"), "a;b c\n\n");
    let unknown = ask("show foo\n");
    let begin = "Unknown command: 'show', but maybe one of the following ones is a better match:\n";
    assert!(unknown.starts_with(begin), "{unknown}");
}

#[test]
fn a_prompt_makes_it_interactive() {
    let program = with_api("").start();
    let mut stream = connect(&program, "admin.sock");
    stream.write_all(b"prompt\n").expect("a command");
    assert_eq!(read_until(&mut stream, "> "), "\n> ");
    stream
        .write_all(b"show version;show version\n")
        .expect("a command");
    assert_eq!(read_until(&mut stream, "> "), "3.4.0\n\n3.4.0\n\n> ");
    stream.write_all(b"show version <<E\n").expect("a command");
    assert_eq!(read_until(&mut stream, "+ "), "+ ");
    stream.write_all(b"x;y\n\nE\n").expect("a payload");
    assert_eq!(read_until(&mut stream, "> "), "3.4.0\n\n> ");
    stream.write_all(b"prompt timed\n").expect("a command");
    let timed = read_until(&mut stream, "> ");
    assert!(timed.starts_with("\n[0:00:00:0"), "{timed}");
    stream.write_all(b"quit\n").expect("a command");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("the end");
    assert_eq!(rest, "");
}

#[test]
fn levels_are_kept() {
    let program = with_api("frontend in\n  bind {fe}\n").start();
    let user = |text: &str| ask_on(&program, "user.sock", text);
    let operator = |text: &str| ask_on(&program, "operator.sock", text);
    assert_eq!(user("disable frontend in\n"), "Permission denied\n\n");
    assert_eq!(user("show env\n"), "Permission denied\n\n");
    assert_eq!(user("clear counters\n"), "Permission denied\n\n");
    assert_eq!(operator("clear counters\n"), "\n");
    assert_eq!(operator("clear counters all\n"), "Permission denied\n\n");
    assert_eq!(operator("user;show cli level\n"), "\nuser\n\n");
    assert_eq!(user("operator\n"), "Permission denied\n\n");
    assert_eq!(stat(&program, "in", "FRONTEND", "status"), "OPEN");
}

#[test]
fn severity_is_put_before_messages() {
    let (_one, _two, program) = two_servers();
    let answer = ask(
        &program,
        "set severity-output number;get weight back/zz;get weight back/s1;show cli level",
    );
    assert_eq!(
        answer,
        "\n[3]: No such server.\n\n1 (initial 1)\n\n[6]: admin\n\n"
    );
    let answer = ask(&program, "set severity-output string;get weight zz/zz");
    assert_eq!(answer, "\n[err]: No such backend.\n\n");
}

#[test]
fn servers_follow_their_state_and_weight() {
    let (_one, _two, program) = two_servers();
    assert_eq!(ask(&program, "set server back/s2 state maint"), "\n");
    assert_eq!(served(&program, 4), ["one"; 4]);
    assert_eq!(stat(&program, "back", "s2", "status"), "MAINT");
    assert_eq!(ask(&program, "set server back/s2 state drain"), "\n");
    assert_eq!(served(&program, 4), ["one"; 4]);
    let state = ask(&program, "show servers state back");
    let line = state.lines().nth(3).unwrap_or_default();
    assert!(
        line.starts_with("3 back 2 s2 127.0.0.1 2 8 10 10 "),
        "{state}"
    );
    assert_eq!(
        ask(&program, "enable server back/s2;disable server back/s1"),
        "\n\n"
    );
    assert_eq!(served(&program, 4), ["two"; 4]);
    assert_eq!(stat(&program, "back", "BACKEND", "act"), "1");
    assert_eq!(
        ask(&program, "enable server back/s1;set weight back/s2 0"),
        "\n\n"
    );
    assert_eq!(served(&program, 4), ["one"; 4]);
    assert_eq!(ask(&program, "set server back/s2 weight 50%"), "\n");
    assert_eq!(ask(&program, "get weight back/s2"), "5 (initial 10)\n\n");
    let answers = served(&program, 12);
    let twos = answers.iter().filter(|answer| *answer == "two").count();
    assert_eq!(twos, 10, "{answers:?}");
    assert_eq!(
        ask(&program, "set weight back/s2 300"),
        "Absolute weight can only be between 0 and 256 inclusive.\n\n"
    );
}

#[test]
fn without_a_server_left_requests_are_refused() {
    let (_one, _two, program) = two_servers();
    ask(&program, "disable server back/s1;disable server back/s2");
    assert_eq!(program.connect("fe").get("/").status(), 503);
    assert_eq!(stat(&program, "back", "BACKEND", "status"), "DOWN");
}

#[test]
fn those_who_wait_for_a_server_in_maintenance_go_elsewhere() {
    let stuck = Server::start(handlers::silent());
    let other = Server::start(handlers::says("other"));
    let program = with_api("listen in\n  bind {fe}\n  balance first\n  use-server s1 if { path /s1 }\n  server s1 {s1} maxconn 1\n  server s2 {s2}")
        .server("s1", &stuck)
        .server("s2", &other)
        .start();
    let get = "GET /s1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let (mut first, mut second) = (program.connect("fe"), program.connect("fe"));
    first.send(get);
    stuck.wait_connections(1);
    second.send(get);
    let started = Instant::now();
    while stat(&program, "in", "s1", "qcur") != "1" {
        assert!(started.elapsed() < PATIENCE, "nobody queued");
    }
    ask(&program, "disable server in/s1");
    assert_eq!(second.response().text(), "other");
    assert_eq!(stat(&program, "in", "s1", "qcur"), "0");
}

#[test]
fn checked_servers_show_their_health_and_followers_follow() {
    let server = Server::start(handlers::says("up"));
    let program = with_api(
        "backend back
  server up {s1} check inter 50ms rise 1 fall 3
  server down {dead} check inter 50ms
  server follows {s1} track back/up
frontend in
  bind {fe}",
    )
    .server("s1", &server)
    .set("dead", "127.0.0.1:1")
    .start();
    let started = Instant::now();
    while stat(&program, "back", "down", "status") != "DOWN"
        || stat(&program, "back", "up", "check_status") != "L4OK"
    {
        assert!(started.elapsed() < PATIENCE, "no result");
    }
    assert_eq!(stat(&program, "back", "up", "status"), "UP");
    assert_eq!(stat(&program, "back", "down", "check_status"), "L4CON");
    assert_eq!(stat(&program, "back", "down", "chkdown"), "1");
    assert_eq!(stat(&program, "back", "follows", "tracked"), "back/up");
    let state = |at: usize| {
        let answer = ask(&program, "show servers state back");
        let line = answer.lines().nth(at + 1).unwrap_or_default().to_owned();
        let words: Vec<_> = line.split(' ').skip(3).map(str::to_owned).collect();
        (words[2].clone(), words[3].clone(), words[7..11].join(" "))
    };
    let expected = |op: &str, admin: &str, check: &str| (op.into(), admin.into(), check.into());
    assert_eq!(state(1), expected("2", "0", "6 3 3 6"));
    assert_eq!(state(2), expected("0", "0", "8 2 0 6"));
    assert_eq!(state(3), expected("2", "0", "1 0 0 0"));
    assert_eq!(ask(&program, "set server back/up state maint"), "\n");
    assert_eq!(
        stat(&program, "back", "follows", "status"),
        "MAINT (via back/up)"
    );
    assert_eq!(state(3), expected("0", "2", "1 0 0 0"));
    assert_eq!(ask(&program, "set server back/up state drain"), "\n");
    assert_eq!(state(3), expected("2", "16", "1 0 0 0"));
    assert_eq!(ask(&program, "set server back/up state ready"), "\n");
    assert_eq!(state(3), expected("2", "0", "1 0 0 0"));
    let started = Instant::now();
    while stat(&program, "back", "follows", "status") != "UP" {
        assert!(started.elapsed() < PATIENCE, "not safely up");
    }
}

#[test]
fn frontends_pause_resume_and_stop() {
    let place = "frontend in\n  bind {fe}\n  http-request return status 200 content-type text/plain string ok";
    let program = with_api(place).start();
    assert_eq!(program.connect("fe").get("/").text(), "ok");
    assert_eq!(ask(&program, "disable frontend in"), "\n");
    let address = program.address("fe");
    let started = Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(started.elapsed() < PATIENCE, "still listening");
    }
    assert_eq!(stat(&program, "in", "FRONTEND", "status"), "PAUSED");
    assert_eq!(
        ask(&program, "disable frontend in"),
        "All sockets are already disabled.\n\n"
    );
    assert_eq!(ask(&program, "enable frontend in"), "\n");
    let started = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(started.elapsed() < PATIENCE, "not listening again");
    }
    assert_eq!(program.connect("fe").get("/").text(), "ok");
    assert_eq!(ask(&program, "shutdown frontend in"), "\n");
    let refusal = "Frontend was previously shut down, cannot enable.\n\n";
    assert_eq!(ask(&program, "enable frontend in"), refusal);
    let started = Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(started.elapsed() < PATIENCE, "still listening");
    }
}

#[test]
fn switching_passes_unpublished_backends_over() {
    let place = "frontend in
  bind {fe}
  force-be-switch if { req.hdr(x-force) 1 }
  use_backend %[req.hdr(x-target)] if { req.hdr(x-target) -m found }
  use_backend be
  default_backend other
backend be
  http-request return status 200 content-type text/plain string be
backend other
  http-request return status 200 content-type text/plain string other
backend off
  disabled
  http-request return status 200 content-type text/plain string off";
    let program = with_api(place).start();
    let get = |headers: &str| {
        let mut client = program.connect("fe");
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n"));
        client.response().text()
    };
    assert_eq!(
        (get(""), get("x-target: off\r\n")),
        ("be".into(), "be".into())
    );
    assert_eq!(get("x-target: nobody\r\n"), "other");
    assert_eq!(
        ask(&program, "unpublish backend off"),
        "No effect on a disabled backend.\n\n"
    );
    assert_eq!(
        ask(&program, "unpublish backend be"),
        "Backend unpublished.\n\n"
    );
    assert_eq!(
        (get(""), get("x-target: be\r\n")),
        ("other".into(), "other".into())
    );
    assert_eq!(get("x-force: 1\r\n"), "be");
    assert_eq!(stat(&program, "be", "BACKEND", "status"), "UP (UNPUB)");
    assert_eq!(
        ask(&program, "publish backend be"),
        "Backend published.\n\n"
    );
    assert_eq!(get(""), "be");
}

#[test]
fn limits_change_while_running() {
    let place = "frontend in\n  bind {fe}\n  http-request return status 200 content-type text/plain string ok";
    let program = with_api(place).start();
    assert_eq!(ask(&program, "set maxconn frontend in 1"), "\n");
    let mut first = program.connect("fe");
    assert_eq!(first.get("/").text(), "ok");
    let mut second = program.connect("fe");
    second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    second.expect_open(Duration::from_millis(60));
    assert_eq!(ask(&program, "set maxconn frontend in 2"), "\n");
    assert_eq!(second.response().text(), "ok");
    assert_eq!(
        ask(&program, "set maxconn frontend in -1"),
        "Value out of range.\n\n"
    );
    assert_eq!(
        ask(&program, "set maxconn global 999999"),
        "Value out of range.\n\n"
    );
}

#[test]
fn counters_count_and_are_cleared() {
    let (_one, _two, program) = two_servers();
    served(&program, 11);
    assert_eq!(stat(&program, "in", "FRONTEND", "req_tot"), "11");
    assert_eq!(stat(&program, "back", "BACKEND", "lbtot"), "11");
    assert_eq!(stat(&program, "back", "s2", "stot"), "10");
    assert_eq!(stat(&program, "back", "s2", "hrsp_2xx"), "10");
    ask(&program, "clear counters");
    assert_eq!(stat(&program, "back", "s2", "stot"), "10");
    assert_eq!(stat(&program, "back", "s2", "smax"), "0");
    ask(&program, "clear counters all");
    assert_eq!(stat(&program, "back", "s2", "stot"), "0");
    assert_eq!(stat(&program, "in", "FRONTEND", "req_tot"), "0");
}

#[test]
fn information_comes_in_every_form() {
    let (_one, _two, program) = two_servers();
    let info = ask(&program, "show info");
    assert!(
        info.starts_with("Name: HAProxy\nVersion: 3.4.0\n"),
        "{info}"
    );
    assert!(
        info.contains(&format!("\nPid: {}\n", program.pid())),
        "{info}"
    );
    let typed = ask(&program, "show info typed");
    let line = format!("\n6.Pid.1:SGPV:u32:{}\n", program.pid());
    assert!(typed.contains(&line), "{typed}");
    let typed = ask(&program, "show stat back 4 1 typed");
    assert!(
        typed.starts_with("S.3.1.0.pxname.1:KNSV:str:back\n"),
        "{typed}"
    );
    let json = ask(&program, "show stat in 1 -1 json");
    let begin = r#"[[{"objType":"Frontend","proxyId":2,"id":0,"field":{"pos":0,"name":"pxname"},"processNum":1,"tags":{"origin":"Key","nature":"Name","scope":"Service"},"value":{"type":"str","value":"in"}}"#;
    assert!(
        json.starts_with(begin) && json.ends_with("}]]\n\n"),
        "{json}"
    );
    let user = ask_on(&program, "user.sock", "show stat\n");
    assert!(
        !user.contains("127.0.0.1"),
        "addresses are not for users: {user}"
    );
    let header = ask(&program, "show stat");
    let header = header.lines().next().unwrap_or_default();
    assert_eq!(header.split(',').count(), 214, "{header}");
}

#[test]
fn wait_takes_its_time() {
    let program = with_api("").start();
    let started = Instant::now();
    assert_eq!(ask(&program, "wait 60"), "Done.\n\n");
    assert!(started.elapsed() >= Duration::from_millis(60));
    assert_eq!(ask(&program, "wait 0"), "Invalid duration.\n\n");
}

#[test]
fn idle_connections_time_out_and_full_sockets_hold_back() {
    let program = with_api("global\n  stats timeout 300ms\n  stats maxconn 1").start();
    let mut idle = connect(&program, "admin.sock");
    let started = Instant::now();
    assert_eq!(ask(&program, "show version"), "3.4.0\n\n");
    assert!(
        started.elapsed() >= Duration::from_millis(200),
        "two at a time"
    );
    let mut rest = String::new();
    assert_eq!(idle.read_to_string(&mut rest).ok(), Some(0));
}

#[test]
fn lines_are_bounded() {
    let program = with_api("").start();
    let long = format!("{}\n", "x".repeat(20_000));
    let mut stream = connect(&program, "admin.sock");
    // The other end may close before all is written.
    let _ = stream.write_all(long.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let begin = "The command line is too big for the buffer size.";
    assert!(answer.is_empty() || answer.starts_with(begin), "{answer}");
    assert_eq!(ask(&program, "show version"), "3.4.0\n\n");
    let words = "x ".repeat(70);
    let answer = ask(&program, &words);
    assert!(answer.starts_with("Too many arguments."), "{answer}");
}

#[test]
fn a_slow_reader_holds_nobody_up_and_costs_no_memory() {
    let mut config = String::from(SOCKETS);
    config.push_str(
        "defaults\n  mode http\n  timeout connect 3s\n  timeout client 3s\n  timeout server 3s\n",
    );
    config.push_str("frontend in\n  bind {fe}\n  http-request return status 200 content-type text/plain string ok\n");
    for at in 0..3000 {
        config.push_str(&format!("backend b{at}\n  server s 127.0.0.1:1\n"));
    }
    let program = program()
        .config("global\n  nbthread 1")
        .config(&config)
        .start();
    let line = format!("{}\n", ["show stat typed"; 50].join(";"));
    let mut slow = connect(&program, "admin.sock");
    let before = program.rss();
    slow.write_all(line.as_bytes()).expect("a command");
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(program.connect("fe").get("/").text(), "ok");
    // The whole answer would take more than a gigabyte.
    assert!(program.rss() < before + 32 * 1024 * 1024, "memory grows");
    let _ = slow.shutdown(Shutdown::Both);
}

#[test]
fn warnings_the_start_and_the_limit_on_connections_are_counted() {
    let program = common::program()
        .config(
            "global
  maxconn 2
  stats socket {tmp}/admin.sock level admin
listen in
  bind {fe}
  mode http
  timeout connect 20s
  timeout server 20s
",
        )
        .start();
    let figure = |name: &str| {
        let info = ask(&program, "show info");
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.parse::<u64>().ok())
    };
    assert!(figure("TotalWarnings: ") >= Some(1), "no client timeout");
    assert!(figure("BootTime_ms: ") >= Some(1));
    assert_eq!(figure("MaxconnReached: "), Some(0));
    let _one = program.connect("fe");
    let _two = program.connect("fe");
    let reached = || figure("MaxconnReached: ") >= Some(1);
    assert!(testkit::eventually(
        std::time::Duration::from_secs(20),
        reached
    ));
}
