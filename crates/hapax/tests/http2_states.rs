//! Termination states of streams of HTTP/2: who gave up, in which phase. The states are those that HAProxy 3.4.0 logs.
mod common;

use common::{http_line, program};
use std::io;
use std::time::{Duration, Instant};
use testkit::h2::{Peer, kind};
use testkit::{Client, Conn, Program, Refused, Server, Syslog};

const CONFIG: &str = "global
  nbthread 1
  log {log} local0
defaults
  mode http
  log global
  option httplog
  retries 0
  timeout connect 20s
  timeout client 20s
  timeout server 20s
frontend in
  bind {fe}
  timeout tarpit 300ms
  http-request wait-for-body time 20s if { path /body }
  http-request wait-for-body time 300ms if { path /short }
  http-request tarpit if { path /tarpit }
  use_backend dead if { path /dead }
  use_backend slow if { path_beg /slow }
  use_backend queue if { path /queue }
  default_backend back
frontend impatient
  bind {impatient}
  timeout client 1s
  default_backend back
backend back
  server s1 {s1}
backend slow
  timeout server 2s
  server s1 {s1}
backend queue
  timeout queue 300ms
  server s1 {s1} maxconn 1
backend dead
  server s1 {dead}
";

struct Run {
    log: Syslog,
    server: Server,
    program: Program,
    _dead: Refused,
}

/// A server that does what the path says.
fn server() -> Server {
    Server::start(|conn: &mut Conn, _| {
        let Some(head) = conn.read_head()? else {
            return Ok(());
        };
        let part = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
        match head.start.split(' ').nth(1).unwrap_or_default() {
            "/reset" => conn.reset(),
            "/close" => Ok(()),
            "/junk" => conn.send("junk\r\n\r\n"),
            "/cut" => conn.send(part),
            "/part" | "/slow-part" => {
                conn.send(part)?;
                conn.read_to_end().map(drop)
            }
            "/early" => {
                conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
                conn.read_to_end().map(drop)
            }
            _ => conn.read_to_end().map(drop),
        }
    })
}

fn run() -> Run {
    let (log, server, dead) = (Syslog::udp(), server(), Refused::new());
    let program = program()
        .config(CONFIG)
        .server("s1", &server)
        .set("dead", dead.address)
        .log(&log)
        .start();
    Run {
        log,
        server,
        program,
        _dead: dead,
    }
}

fn open(peer: &mut Peer<'_>, method: &str, path: &str) -> io::Result<()> {
    let fields = [
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", "a.example"),
    ];
    peer.headers(1, &fields, method == "GET")
}

/// How a client gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It resets the stream.
    Stream,
    /// It ends its half of the connection.
    Half,
    /// It resets the connection.
    Connection,
}

/// What a client waits for before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The program has read the request, as it says by answering a ping behind it.
    Read,
    /// The server has the request's head.
    Forwarded,
    /// A part of the body has come.
    Data,
    /// All of the answer has come.
    Answer,
}

/// Has a client give up, and says how the stream was logged.
fn giving_up(method: &str, path: &str, until: Until, way: Way) -> String {
    let run = run();
    let mut client: Client = run.program.connect("fe");
    let asked = (|| {
        let mut peer = Peer::client(client.conn())?;
        open(&mut peer, method, path)?;
        match until {
            Until::Read => {
                peer.send(kind::PING, 0, 0, &[0; 8])?;
                peer.wait_for(kind::PING, 0)?;
            }
            Until::Forwarded => run.server.wait_received(0, "\r\n\r\n"),
            Until::Data => drop(peer.until(1, |seen| !seen.body.is_empty())?),
            Until::Answer => drop(peer.until(1, |seen| seen.ended)?),
        }
        match way {
            Way::Stream => peer.send(kind::RST_STREAM, 0, 1, &[0, 0, 0, 8]),
            Way::Half => peer.conn().shutdown_write(),
            Way::Connection => peer.conn().reset(),
        }
    })();
    asked.unwrap_or_else(|error| panic!("{path}: {error}"));
    http_line(&run.log).outcome()
}

#[test]
fn clients_give_up() {
    use Until::{Answer, Data, Forwarded, Read};
    for (method, path, until, states) in [
        ("GET", "/", Forwarded, ["CD-- 400", "CH-- 400", "CD-- 400"]),
        ("POST", "/", Forwarded, ["CH-- 400", "CH-- 400", "CH-- 400"]),
        ("GET", "/part", Data, ["CD-- 200", "CD-- 200", "CD-- 200"]),
        ("POST", "/body", Read, ["CR-- 400", "CR-- 400", "CR-- 400"]),
        (
            "POST",
            "/early",
            Answer,
            ["CL-- 200", "CL-- 200", "CL-- 200"],
        ),
        ("GET", "/tarpit", Read, ["PT-- 500", "PT-- 500", "PT-- 500"]),
    ] {
        let ways = [Way::Stream, Way::Half, Way::Connection];
        for (way, state) in ways.into_iter().zip(states) {
            let seen = giving_up(method, path, until, way);
            assert_eq!(seen, state, "{method} {path}, {until:?}, {way:?}");
        }
    }
}

/// Asks and waits for the end; says how the stream was logged and how long it took.
fn asking(run: &Run, bind: &str, method: &str, path: &str) -> (String, Duration) {
    run.log.clear();
    let start = Instant::now();
    let mut client = run.program.connect(bind);
    let mut peer = Peer::client(client.conn()).expect("a connection");
    open(&mut peer, method, path).expect("a request");
    peer.finish(1).expect("an answer");
    (http_line(&run.log).outcome(), start.elapsed())
}

#[test]
fn servers_give_up() {
    let run = run();
    for (path, state) in [
        ("/reset", "SH-- 502"),
        ("/close", "SH-- 502"),
        ("/junk", "PH-- 502"),
        ("/cut", "SD-- 200"),
        ("/dead", "SC-- 503"),
    ] {
        assert_eq!(asking(&run, "fe", "GET", path).0, state, "{path}");
    }
    for (path, state) in [("/reset", "SH-- 502"), ("/close", "SH-- 502")] {
        assert_eq!(asking(&run, "fe", "POST", path).0, state, "POST {path}");
    }
}

#[test]
fn nobody_comes_forward() {
    let run = run();
    for (bind, method, path, state) in [
        ("fe", "GET", "/slow", "sH-- 504"),
        ("fe", "GET", "/slow-part", "sD-- 200"),
        ("fe", "POST", "/short", "cR-- 408"),
        ("impatient", "POST", "/", "cH-- 400"),
    ] {
        assert_eq!(asking(&run, bind, method, path).0, state, "{path}");
    }
}

#[test]
fn a_tarpit_holds_clients_that_have_said_everything() {
    let (state, time) = asking(&run(), "fe", "GET", "/tarpit");
    assert_eq!(state, "PT-- 500");
    assert!(time >= Duration::from_millis(290), "{time:?}");
}

#[test]
fn a_queue_is_left_after_a_time() {
    let run = run();
    let mut first = run.program.connect("fe");
    let mut peer = Peer::client(first.conn()).expect("a connection");
    open(&mut peer, "GET", "/queue").expect("a request");
    run.server.wait_received(0, "\r\n\r\n");
    assert_eq!(asking(&run, "fe", "GET", "/queue").0, "sQ-- 503");
}
