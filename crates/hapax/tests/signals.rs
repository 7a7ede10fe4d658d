//! What signals do to a running program.
mod common;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{FRONT_AND_BACK, http, tcp};
use testkit::{Program, Server, Signal, eventually, handlers};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const WAIT: Duration = Duration::from_secs(3);

fn start(server: &Server) -> Program {
    http().config(FRONT_AND_BACK).server("s1", server).start()
}

#[test]
fn sigterm_ends_at_once() {
    let server = Server::start(handlers::silent());
    let mut program = start(&server);
    let mut client = program.connect("fe");
    client.send(GET);
    server.wait_connections(1);
    program.signal(Signal::TERM);
    let code = program.wait(WAIT);
    assert!(matches!(code, Some(0 | 143)), "{code:?}");
    client.expect_closed();
}

#[test]
fn sigint_ends_too() {
    let server = Server::start(handlers::says("ok"));
    let mut program = start(&server);
    program.signal(Signal::INT);
    assert!(program.wait(WAIT).is_some());
}

#[test]
fn sigusr1_lets_running_requests_finish() {
    let server = Server::start(handlers::delayed(
        Duration::from_millis(300),
        handlers::ok("done"),
    ));
    let mut program = start(&server);
    let mut client = program.connect("fe");
    client.send(GET);
    server.wait_connections(1);
    program.signal(Signal::USR1);
    let address = program.address("fe");
    assert!(
        eventually(WAIT, || TcpStream::connect(address).is_err()),
        "still listening"
    );
    assert!(program.running());
    let answer = client.response();
    assert_eq!(
        (answer.text().as_str(), answer.header("connection")),
        ("done", Some("close"))
    );
    assert_eq!(program.wait(WAIT), Some(0));
}

#[test]
fn sigusr1_closes_idle_connections() {
    let server = Server::start(handlers::says("ok"));
    let mut program = start(&server);
    let mut client = program.connect("fe");
    client.get("/");
    program.signal(Signal::USR1);
    assert_eq!(program.wait(WAIT), Some(0));
    client.expect_closed();
}

#[test]
fn hard_stop_after_bounds_a_soft_stop() {
    let server = Server::start(handlers::echo());
    let mut program = tcp()
        .config("global\n  hard-stop-after 300ms")
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("x").read_exact(1);
    let started = Instant::now();
    program.signal(Signal::USR1);
    assert_eq!(client.send("y").read_exact(1), b"y");
    assert!(program.wait(WAIT).is_some());
    assert!(
        started.elapsed() >= Duration::from_millis(250),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn grace_keeps_listening_for_a_while() {
    let server = Server::start(handlers::says("ok"));
    let mut program = http()
        .config("global\n  grace 300ms")
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    program.signal(Signal::USR1);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(program.connect("fe").get("/").status(), 200);
    assert_eq!(program.wait(WAIT), Some(0));
}

#[test]
fn sighup_dumps_and_goes_on() {
    let server = Server::start(handlers::says("ok"));
    let mut program = start(&server);
    program.signal(Signal::HUP);
    assert!(
        eventually(WAIT, || program.stderr().contains("SIGHUP")),
        "{}",
        program.stderr()
    );
    assert_eq!(program.connect("fe").get("/").status(), 200);
}

#[test]
fn sigttou_pauses_and_sigttin_resumes() {
    let server = Server::start(handlers::says("ok"));
    let mut program = start(&server);
    let address = program.address("fe");
    program.signal(Signal::TTOU);
    assert!(
        eventually(WAIT, || TcpStream::connect(address).is_err()),
        "still listening"
    );
    program.signal(Signal::TTIN);
    assert!(
        eventually(WAIT, || TcpStream::connect(address).is_ok()),
        "not listening again"
    );
    assert_eq!(program.connect("fe").get("/").status(), 200);
}

#[test]
fn the_pid_file_names_the_process() {
    let server = Server::start(handlers::says("ok"));
    let program = http()
        .config("global\n  pidfile {tmp}/pid")
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    assert_eq!(program.connect("fe").get("/").status(), 200);
    let text = std::fs::read_to_string(program.path("pid")).unwrap_or_default();
    assert!(
        text.is_empty() || text.trim() == program.pid().to_string(),
        "{text:?}"
    );
}

#[test]
fn an_idle_client_may_ask_once_more() {
    let server = Server::start(handlers::says("ok"));
    let mut program = http()
        .config("  option idle-close-on-response")
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").header("connection"), None);
    program.signal(Signal::USR1);
    let address = program.address("fe");
    assert!(
        eventually(WAIT, || TcpStream::connect(address).is_err()),
        "still listening"
    );
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(client.get("/").header("connection"), Some("close"));
    assert_eq!(program.wait(WAIT), Some(0));
}
