//! Another configuration in place of the running one, without another process.
mod common;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::{api::ask, change, program};
use testkit::{Builder, Client, Program, Server, Signal, eventually, handlers};

const WAIT: Duration = Duration::from_secs(5);
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn builder(workers: usize) -> Builder {
    program().config(&format!(
        "global
  nbthread {workers}
  stats socket {{tmp}}/admin.sock level admin
defaults
  mode http
  timeout connect 3s
  timeout client 3s
  timeout server 3s
  timeout queue 3s
"
    ))
}

/// Replaces a part of the configuration and puts it in place.
#[track_caller]
fn reload(program: &Program, from: &str, to: &str) -> String {
    change(program, from, to);
    let told = ask(program, "reload");
    assert!(told.starts_with("Success=1\n--\n"), "{told}");
    told
}

#[test]
fn no_connection_notices_many_reloads() {
    let echo = Server::start(handlers::echo());
    let program = builder(2)
        .config("frontend in\n  bind {fe}\n  http-request return status 200 hdr turn 0 content-type text/plain string hello\nlisten raw\n  mode tcp\n  bind {raw}\n  timeout client 60s\n  timeout server 60s\n  server s {s1}")
        .server("s1", &echo)
        .start();
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (stop, done, address) = (stop.clone(), done.clone(), program.address("fe"));
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                while !stop.load(Ordering::Relaxed) {
                    // Two of them never open another connection.
                    if number < 2 {
                        client = Client::connect(address);
                    }
                    client.send(GET);
                    let answer = client.response();
                    assert_eq!(answer.header("connection"), None);
                    assert_eq!(answer.text(), "hello");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut tunnel = program.connect("raw");
    tunnel.send("before");
    assert_eq!(tunnel.conn().read_exact(6).expect("an echo"), b"before");
    for turn in 0..30 {
        reload(
            &program,
            &format!("turn {turn} "),
            &format!("turn {} ", turn + 1),
        );
        tunnel.send("during");
        let echo = tunnel.conn().read_exact(6).expect("an echo");
        assert_eq!(echo, b"during");
    }
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").header("turn"), Some("30"));
    assert!(done.load(Ordering::Relaxed) > 30);
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("a client that lost nothing");
    }
}

#[test]
fn live_state_goes_on() {
    let (a, b) = (
        Server::start(handlers::says("a")),
        Server::start(handlers::says("b")),
    );
    let program = builder(1)
        .config("frontend in\n  bind {fe}\n  default_backend back\nbackend back\n  http-reuse always\n  server a {a}\n  server b {b} weight 5")
        .server("a", &a)
        .server("b", &b)
        .start();
    for _ in 0..3 {
        program.connect("fe").get("/");
    }
    ask(&program, "disable server back/a");
    ask(&program, "set weight back/b 3");
    let told = reload(&program, "bind", "http-response set-header new yes\n  bind");
    assert!(
        told.contains("frontend in: changed\n  + http-response set-header new yes\n"),
        "{told}"
    );
    let answer = program.connect("fe").get("/");
    assert_eq!(
        (answer.text().as_str(), answer.header("new")),
        ("b", Some("yes"))
    );
    assert_eq!(ask(&program, "get weight back/b"), "3 (initial 5)\n\n");
    let stat = ask(&program, "show stat -1 1 -1");
    let requests = stat
        .lines()
        .find(|line| line.starts_with("in,FRONTEND,"))
        .expect("a row");
    assert_eq!(requests.split(',').nth(7), Some("4"), "{stat}");
    // The connection to the server that was idle is used on.
    assert_eq!(b.connections(), 1);
    let told = reload(&program, " weight 5", " weight 9");
    assert!(told.contains("backend back: changed\n"), "{told}");
    assert_eq!(ask(&program, "get weight back/b"), "9 (initial 9)\n\n");
    assert_eq!(
        program.connect("fe").get("/").text(),
        "b",
        "a is still in maintenance"
    );
}

#[test]
fn a_session_keeps_its_configuration_but_knows_its_servers() {
    let (a, b) = (
        Server::start(handlers::says("a")),
        Server::start(handlers::says("b")),
    );
    let program = builder(1)
        .config("listen in\n  bind {fe}\n  http-response set-header turn 1\n  server a {a}\n  server b {b} backup")
        .server("a", &a)
        .server("b", &b)
        .start();
    let mut old = program.connect("fe");
    assert_eq!(old.get("/").text(), "a");
    reload(&program, "turn 1", "turn 2");
    let answer = program.connect("fe").get("/");
    assert_eq!(
        (answer.text().as_str(), answer.header("turn")),
        ("a", Some("2"))
    );
    ask(&program, "disable server in/a");
    let answer = old.get("/");
    assert_eq!(
        (answer.text().as_str(), answer.header("turn")),
        ("b", Some("1"))
    );
}

#[test]
fn queues_go_on_in_both() {
    let slow = Server::start(handlers::delayed(
        Duration::from_millis(300),
        handlers::ok("ok"),
    ));
    let program = builder(1)
        .config(
            "listen in\n  bind {fe}\n  http-response set-header turn 1\n  server a {a} maxconn 1",
        )
        .server("a", &slow)
        .start();
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..2 {
        let mut client = program.connect("fe");
        client.send(GET);
        clients.push(client);
    }
    assert!(eventually(WAIT, || ask(&program, "show servers conn in")
        .lines()
        .count()
        > 1
        && slow.connections() == 1));
    reload(&program, "turn 1", "turn 2");
    let mut third = program.connect("fe");
    third.send(GET);
    clients.push(third);
    for client in &mut clients {
        assert_eq!(client.response().status(), 200);
    }
}

#[test]
fn a_fault_changes_nothing() {
    let program = builder(1)
        .config("frontend in\n  bind {fe}\n  http-request return status 200 content-type text/plain string one")
        .start();
    change(&program, "string one", "string two\n  bogus");
    let told = ask(&program, "reload");
    assert!(told.starts_with("Success=0\n--\n[ALERT] "), "{told}");
    assert!(
        told.contains("unknown keyword 'bogus'") && told.ends_with("Nothing has changed.\n\n"),
        "{told}"
    );
    assert_eq!(program.connect("fe").get("/").text(), "one");
    change(&program, "\n  bogus", "");
    change(&program, "nbthread 1", "nbthread 2");
    let told = ask(&program, "reload");
    assert!(
        told.starts_with(
            "Success=0\n--\n'nbthread' in the global section can't change in place.\n"
        ),
        "{told}"
    );
    change(&program, "nbthread 2", "nbthread 1");
    // An address that somebody else has is another fault.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    change(
        &program,
        "frontend in",
        &format!("frontend other\n  bind {address}\nfrontend in"),
    );
    let told = ask(&program, "reload");
    assert!(
        told.starts_with("Success=0\n") && told.contains("cannot bind socket"),
        "{told}"
    );
    assert_eq!(program.connect("fe").get("/").text(), "one");
    drop(taken);
    assert!(ask(&program, "reload").starts_with("Success=1\n"));
    assert_eq!(program.connect("fe").get("/").text(), "two");
}

#[test]
fn a_dry_run_tells_and_does_nothing() {
    let program = builder(1)
        .config("frontend in\n  bind {fe}\n  http-request return status 200 content-type text/plain string one")
        .start();
    assert_eq!(
        ask(&program, "reload --dry-run"),
        "Success=1\n--\nNothing changes but what files hold that the configuration names.\n\n"
    );
    change(&program, "string one", "string two");
    for _ in 0..2 {
        let told = ask(&program, "reload --dry-run");
        assert!(told.contains("frontend in: changed\n  - "), "{told}");
        assert_eq!(program.connect("fe").get("/").text(), "one");
    }
    assert!(ask(&program, "reload bogus").contains("only supports '--dry-run'"));
}

#[test]
fn listeners_come_and_go() {
    let mut program = builder(2)
        .config("frontend in\n  bind {fe}\n  bind {other}\n  http-request return status 200 content-type text/plain string one")
        .start();
    let other = program.address("other");
    let line = format!("  bind {other}\n");
    reload(&program, &line, "");
    assert!(TcpStream::connect(other).is_err());
    assert_eq!(program.connect("fe").get("/").text(), "one");
    let added = format!(
        "frontend again\n{line}  http-request return status 200 content-type text/plain string two\nfrontend in"
    );
    reload(&program, "frontend in", &added);
    assert_eq!(program.connect("other").get("/").text(), "two");
    program.signal(Signal::USR1);
    assert_eq!(program.wait(WAIT), Some(0), "{}", program.stderr());
    assert!(TcpStream::connect(other).is_err());
}
