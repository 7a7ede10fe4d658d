//! `filter bwlim-in`, `filter bwlim-out` and `set-bandwidth-limit`: how long bodies take. Only lower bounds are held
//! against the clock, which a slow machine meets all the more.
mod common;

use common::{http, tcp};
use std::io;
use std::time::{Duration, Instant};
use testkit::{Client, Conn, Message, Program, Server, handlers};

/// Long enough for a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose answers have the size that the path names, in bytes.
fn sized() -> Server {
    Server::start(handlers::http(|request| {
        let path = request.target().split('?').next().unwrap_or_default();
        let size = path.trim_start_matches('/').parse().unwrap_or(5);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; size]].concat()
    }))
}

fn start(server: &Server, frontend: &str, more: &str) -> Program {
    http()
        .config("frontend in\n  bind {fe}\n")
        .config(frontend)
        .config("  default_backend back\nbackend back\n  server s1 {s1}\n")
        .config(more)
        .server("s1", server)
        .start()
}

fn client(program: &Program) -> Client {
    let mut client = program.connect("fe");
    client.conn().set_timeout(PATIENCE);
    client
}

fn timed(client: &mut Client, path: &str) -> (Message, Duration) {
    let start = Instant::now();
    let answer = client.get(path);
    (answer, start.elapsed())
}

/// What passes in a time at a limit: a whole limit at once, and then as much per period.
#[track_caller]
fn assert_slow(took: Duration, at_least: u64) {
    assert!(took >= Duration::from_millis(at_least), "took {took:?}");
}

#[test]
fn what_goes_to_a_client_is_held() {
    let server = sized();
    let program = start(
        &server,
        "  filter bwlim-out out default-limit 100k default-period 1s\n  http-request set-bandwidth-limit out if { path /300000 }\n",
        "",
    );
    let mut client = client(&program);
    let (answer, took) = timed(&mut client, "/300000");
    assert_eq!(answer.body.len(), 300_000);
    // Two windows at most are full at once.
    assert_slow(took, 900);
    let (answer, _) = timed(&mut client, "/300001");
    assert_eq!(answer.body.len(), 300_001);
}

#[test]
fn what_comes_from_a_client_is_held() {
    let server = sized();
    let program = start(
        &server,
        "  filter bwlim-in in default-limit 1m default-period 1s min-size 2896\n  http-request set-bandwidth-limit in limit 50k period 500ms\n",
        "",
    );
    let mut client = client(&program);
    let start = Instant::now();
    client.send("POST /5 HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
    client.send(vec![b'y'; 200_000]);
    assert_eq!(client.response().body, b"xxxxx");
    assert_slow(start.elapsed(), 450);
}

#[test]
fn rules_say_other_figures_by_expressions_and_the_last_one_counts() {
    let server = sized();
    let program = start(
        &server,
        "  filter bwlim-out out default-limit 10 default-period 1h
  http-request set-bandwidth-limit out
  http-request set-bandwidth-limit out limit url_param(l) period url_param(p)
",
        "",
    );
    let mut client = client(&program);
    let (answer, _) = timed(&mut client, "/9000?l=100000&p=1000");
    assert_eq!(answer.status(), 200);
    // Without figures in the request the filter's own hold.
    let mut other = self::client(&program);
    other.send("GET /60000 HTTP/1.1\r\nHost: a\r\n\r\n");
    other.read_until(b"\r\n\r\n");
    assert_eq!(other.read_exact(10), b"xxxxxxxxxx");
    other.expect_open(Duration::from_millis(300));
}

#[test]
fn streams_share_a_limit_by_key() {
    let server = sized();
    let program = start(
        &server,
        "  filter bwlim-out shared key url_param(who) table rates limit 100k
  http-request set-bandwidth-limit shared
",
        "backend rates\n  stick-table type string len 16 size 10 expire 1m store bytes_out_rate(1s)\n",
    );
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (answer, _) = timed(&mut client(&program), "/150000?who=one");
                assert_eq!(answer.body.len(), 150_000);
            });
        }
    });
    // Twice 150,000 bytes through 100k a second.
    assert_slow(start.elapsed(), 900);
}

#[test]
fn a_server_that_waits_for_a_held_client_is_not_timed_out() {
    let server = sized();
    let program = http()
        .config(
            "frontend in
  bind {fe}
  timeout client 300ms
  filter bwlim-out out default-limit 60k default-period 1s
  http-request set-bandwidth-limit out
  default_backend back
backend back
  timeout server 300ms
  server s1 {s1}
",
        )
        .server("s1", &server)
        .start();
    let (answer, _) = timed(&mut client(&program), "/180000");
    assert_eq!(answer.body.len(), 180_000);
}

#[test]
fn tcp_streams_are_held_both_ways() {
    let server = Server::start(|conn: &mut Conn, _| -> io::Result<()> {
        conn.set_timeout(PATIENCE);
        let upload = conn.read_exact(100_000)?;
        conn.send(vec![b'z'; upload.len()])
    });
    let program = tcp()
        .config(
            "frontend in
  bind {fe}
  filter bwlim-in up default-limit 50k default-period 1s
  filter bwlim-out down default-limit 50k default-period 1s
  tcp-request content set-bandwidth-limit up
  default_backend back
backend back
  filter bwlim-out down2 default-limit 40k default-period 1s
  tcp-response content set-bandwidth-limit down2
  server s1 {s1}
",
        )
        .server("s1", &server)
        .start();
    let mut client = client(&program);
    let start = Instant::now();
    client.send(vec![b'a'; 100_000]);
    assert_eq!(client.read_exact(100_000).len(), 100_000);
    assert_slow(start.elapsed(), 900);
}
