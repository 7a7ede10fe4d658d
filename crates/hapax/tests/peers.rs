//! Stick tables that processes share (`peers`).
mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use common::{api::ask, program};
use testkit::{Builder, PortGuard, Program, Syslog, eventually, free_port};

/// How long anything may take on a slow machine.
const LONG: Duration = Duration::from_secs(30);

const TABLES: &str = "  table text type string size 1m expire 10m store server_id,gpc0,conn_cur,conn_rate(50s),server_key,gpt0,bytes_in_cnt
  table array type ip size 1k store gpt(3),gpc(2),gpc_rate(2,10s)
  table v6 type ipv6 size 1k store http_req_rate(100s)
  table number type integer size 1k expire 1h store bytes_out_rate(100s)
";

/// Waits until an answer has all of these parts.
#[track_caller]
fn expect(program: &Program, command: &str, parts: &[&str]) {
    let mut answer = String::new();
    let there = eventually(LONG, || {
        answer = ask(program, command);
        parts.iter().all(|part| answer.contains(part))
    });
    assert!(
        there,
        "{command}: {parts:?} not in\n{answer}\n{}",
        ask(program, "show peers")
    );
}

/// The ports of members `a`, `b` and so on.
fn ports<const N: usize>() -> [PortGuard; N] {
    std::array::from_fn(|_| free_port().expect("a port"))
}

/// A member of a section of so many.
fn member(builder: Builder, name: &str, ports: &[PortGuard], tables: &str) -> Builder {
    let members: String = ('a'..)
        .zip(ports)
        .map(|(name, guard)| format!("  peer {name} 127.0.0.1:{}\n", guard.port))
        .collect();
    builder.arg("-L").arg(name).config(&format!(
        "global
  nbthread 2
  stats socket {{tmp}}/admin.sock level admin
defaults
  timeout client 10s
  timeout server 10s
  timeout connect 10s
peers p
{members}{tables}frontend f
  bind unix@{{tmp}}/f.sock
"
    ))
}

fn fill(one: &Program, other: &Program) {
    for key in ["x", "y", "z"] {
        let values = "data.gpc0 5 data.conn_rate 6 data.server_id 2 data.gpt0 4000000000 data.bytes_in_cnt 5000000000";
        ask(one, &format!("set table p/text key {key} {values}"));
    }
    ask(
        one,
        "set table p/array key 1.2.3.4 data.gpt 9 data.gpc 8 data.gpc_rate 7",
    );
    ask(other, "set table p/v6 key ::1 data.http_req_rate 9");
    ask(other, "set table p/number key 77 data.bytes_out_rate 900");
}

/// What both know once they have told each other.
#[track_caller]
fn expect_all(programs: &[&Program]) {
    for program in programs {
        let text = [
            "used:3",
            "key=x ",
            "server_id=2 ",
            "gpc0=5 ",
            "conn_rate(50000)=6 ",
            "gpt0=4000000000 ",
            "bytes_in_cnt=5000000000",
        ];
        expect(program, "show table p/text", &text);
        let array = ask(program, "show table p/array");
        assert!(array.contains("key=1.2.3.4 "), "{array}");
        expect(
            program,
            "show table p/v6",
            &["key=::1 ", "http_req_rate(100000)=9"],
        );
        expect(
            program,
            "show table p/number",
            &["key=77 ", "bytes_out_rate(100000)=900"],
        );
    }
}

#[test]
fn two_tell_each_other_everything() {
    let ports = ports::<2>();
    let a = member(program(), "a", &ports, TABLES).start();
    let b = member(program(), "b", &ports, TABLES).start();
    expect(&a, "show peers", &["id=b(remote,active)"]);
    expect(&b, "show peers", &["id=a(remote,active)"]);
    fill(&a, &b);
    expect_all(&[&a, &b]);
    ask(&b, "set table p/text key x data.gpc0 6");
    expect(&a, "show table p/text key x", &["gpc0=6"]);
    let info = ask(&a, "show info");
    assert!(info.contains("\nConnectedPeers: 1\n"), "{info}");
    // A member that comes late is taught, with the time that entries have left.
    drop(b);
    let b = member(program(), "b", &ports, TABLES).start();
    expect(&b, "show table p/text", &["used:3", "gpc0=6"]);
    expect_all(&[&a]);
    let shown = ask(&b, "show table p/text");
    let left: u32 = shown
        .split("exp=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .unwrap_or(0);
    assert!(left > 0 && left < 600_000, "{shown}");
}

#[test]
fn shares_go_to_their_members_alone() {
    let ports = ports::<3>();
    let tables = "  table number type integer size 1k store gpc0\n";
    let text = format!(
        "global
  stats socket {{tmp}}/admin.sock level admin
peers p
  shards 2
  peer a 127.0.0.1:{}
  peer b 127.0.0.1:{} shard 1
  peer c 127.0.0.1:{} shard 2
{tables}frontend f
  bind unix@{{tmp}}/f.sock
",
        ports[0].port, ports[1].port, ports[2].port
    );
    let start = |name: &str| program().arg("-L").arg(name).config(&text).start();
    let (a, b, c) = (start("a"), start("b"), start("c"));
    expect(
        &a,
        "show peers",
        &["id=b(remote,active)", "id=c(remote,active)"],
    );
    for key in 0..20 {
        ask(&a, &format!("set table p/number key {key} data.gpc0 1"));
    }
    let shown = ask(&a, "show table p/number");
    for (member, share) in [(&b, " shard=1 "), (&c, " shard=2 ")] {
        let count = shown.matches(share).count();
        assert!((1..20).contains(&count), "{shown}");
        expect(member, "show table p/number", &[&format!("used:{count}\n")]);
    }
}

#[test]
fn a_process_teaches_the_one_that_takes_its_place() {
    let ports = ports::<1>();
    let old = member(program(), "a", &ports, TABLES).start();
    for key in 0..500 {
        ask(
            &old,
            &format!("set table p/text key k{key} data.gpc0 {key}"),
        );
    }
    let mut old = old;
    let new = member(program(), "a", &ports, TABLES)
        .arg("-sf")
        .arg(&old.pid().to_string())
        .start();
    expect(&new, "show table p/text", &["used:500"]);
    expect(&new, "show table p/text key k499", &["gpc0=499"]);
    assert!(old.wait(LONG).is_some(), "it ends once it has taught all");
}

/// A connection of somebody who speaks the protocol by hand.
struct Stranger(TcpStream);

impl Stranger {
    fn connect(guard: &PortGuard, hello: &str) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], guard.port));
        let started = Instant::now();
        let mut stream = loop {
            match TcpStream::connect_timeout(&address, LONG) {
                Ok(stream) => break stream,
                Err(error) => assert!(started.elapsed() < LONG, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        stream.set_read_timeout(Some(LONG)).expect("a timeout");
        stream.write_all(hello.as_bytes()).expect("a hello");
        Self(stream)
    }

    fn status(&mut self) -> String {
        let mut line = [0; 4];
        self.0.read_exact(&mut line).expect("a status");
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    fn send(&mut self, bytes: &[u8]) {
        // The other side may have closed already.
        let _ = self.0.write_all(bytes);
    }

    /// Everything until the end of the connection.
    fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = self.0.read_to_end(&mut rest);
        rest
    }
}

/// The definition of an integer table `/number` with `gpc0`, under number 9.
const DEFINITION: &[u8] = b"\x0a\x82\x0d\x09\x07/number\x02\x04\x04\0";

#[test]
fn whoever_does_not_belong_is_refused() {
    let (ports, log) = (ports::<2>(), Syslog::udp());
    let tables = "  log {log} local0\n  table number type integer size 100 store gpc0\n";
    let a = member(program().log(&log), "a", &ports, tables).start();
    for (hello, status) in [
        ("HAProxyS 2.1\nb\na 1 0\n", "503"),
        ("HAProxyS 2.1\na\nc 1 0\n", "504"),
        ("HAProxyS 2.2\na\nb 1 0\n", "502"),
        ("GET / HTTP/1.1\r\n\r\n", "501"),
        ("HAProxyS 2.1\na\nb 1 0\n", "200"),
        ("HAProxyS 2.0\na\nb 1 0\n", "200"),
    ] {
        let mut stranger = Stranger::connect(&ports[0], hello);
        assert_eq!(stranger.status(), status, "{hello:?}");
    }
    let refused = log.find(LONG, |line| line.contains("refused with 504."));
    let refused = refused.expect("a line about it");
    assert!(
        refused.contains("peers p: connection from 127.0.0.1:"),
        "{refused}"
    );
    // What is malformed changes nothing, and ends the connection.
    let hello = "HAProxyS 2.1\na\nb 1 0\n";
    for (bytes, error) in [
        (&b"\x0a\x81\x04\0\0\0\x05"[..], &b"\x01\0"[..]),
        (b"\x0a\x81\x03\0\0\0", b"\x01\0"),
        (b"\x0a\x82\x02\x01\xff", b"\x01\0"),
        (b"\x0a\x80\xff\xff\xff\xff\xff\x7f", b"\x01\x01"),
    ] {
        let mut stranger = Stranger::connect(&ports[0], hello);
        assert_eq!(stranger.status(), "200");
        stranger.send(DEFINITION);
        stranger.send(bytes);
        let rest = stranger.rest();
        assert!(rest.ends_with(error), "{bytes:x?}: {rest:x?}");
    }
    let malformed = log.find(LONG, |line| line.contains("malformed message"));
    let malformed = malformed.expect("a line about it");
    assert!(
        malformed.contains("peers p: peer b (127.0.0.1:"),
        "{malformed}"
    );
    assert!(ask(&a, "show table p/number").contains("used:0\n"));
    expect(&a, "show peers", &["proto_err=4"]);
}

#[test]
fn a_flood_does_not_grow_a_table() {
    let ports = ports::<2>();
    let tables = "  table number type integer size 100 store gpc0\n";
    let a = member(program(), "a", &ports, tables).start();
    let mut stranger = Stranger::connect(&ports[0], "HAProxyS 2.1\na\nb 1 0\n");
    assert_eq!(stranger.status(), "200");
    stranger.send(DEFINITION);
    let mut flood = Vec::new();
    for key in 0u32..50_000 {
        flood.extend_from_slice(b"\x0a\x81\x05");
        flood.extend_from_slice(&key.to_be_bytes());
        flood.push(7);
    }
    stranger.send(&flood);
    stranger.send(b"\x01\0");
    stranger.rest();
    expect(&a, "show table p/number", &["used:100\n", "key=49999 "]);
}

/// A member that is an installed haproxy; `None` without one.
fn haproxy(name: &str, ports: &[PortGuard]) -> Option<Program> {
    match Program::haproxy() {
        Some(builder) => Some(member(builder, name, ports, TABLES).start()),
        None => {
            eprintln!("skipped: haproxy not installed");
            None
        }
    }
}

#[test]
fn a_mixed_pair_survives_restarts_of_either() {
    for (ours, theirs) in [("a", "b"), ("b", "a")] {
        let ports = ports::<2>();
        let Some(mut other) = haproxy(theirs, &ports) else {
            return;
        };
        let mut own = member(program(), ours, &ports, TABLES).start();
        let connected = format!("id={theirs}(remote,active)");
        expect(&own, "show peers", &[&connected]);
        fill(&own, &other);
        expect_all(&[&own, &other]);
        drop(other);
        other = haproxy(theirs, &ports).expect("it was there before");
        expect_all(&[&other]);
        drop(own);
        own = member(program(), ours, &ports, TABLES).start();
        expect_all(&[&own]);
        ask(&own, "set table p/text key x data.gpc0 55");
        expect(&other, "show table p/text key x", &["gpc0=55"]);
    }
}

/// Three processes that hold one limit together, each of them with its own clients.
#[test]
fn three_hold_one_limit_together() {
    const LIMIT: u32 = 30;
    let ports = ports::<3>();
    let tables = "  table t type ip size 1k expire 10m store http_req_rate(600s),gpt0 aggregate\n";
    let start = |name: &str| {
        member(program(), name, &ports, tables)
            .config(&format!(
                "frontend in
  mode http
  bind {{fe}}
  http-request track-sc0 src table p/t
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {LIMIT} }}
  http-request return status 200"
            ))
            .start()
    };
    let nodes = [start("a"), start("b"), start("c")];
    for node in &nodes {
        let shown = ask(node, "show peers");
        let known = [
            "id=a(remote,active)",
            "id=b(remote,active)",
            "id=c(remote,active)",
        ];
        let connected = || {
            let shown = ask(node, "show peers");
            known.iter().filter(|part| shown.contains(**part)).count() == 2
        };
        assert!(eventually(LONG, connected), "{shown}");
    }
    let status = |node: &Program| {
        let mut client = TcpStream::connect(node.address("fe")).expect("a connection");
        client.set_read_timeout(Some(LONG)).expect("a timeout");
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        client.write_all(request).expect("a request");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("an answer");
        answer.get(9..12).unwrap_or_default().to_owned()
    };
    // Once all know of a request, the figures of all are the same, and exact.
    let mut slowest = Duration::ZERO;
    for count in 1..=LIMIT + 6 {
        let node = &nodes[count as usize % 3];
        let expected = if count <= LIMIT { "200" } else { "429" };
        assert_eq!(status(node), expected, "request {count}");
        let sent = Instant::now();
        for node in &nodes {
            expect_figure(node, count);
        }
        slowest = slowest.max(sent.elapsed());
    }
    println!("all three knew of each request after {slowest:?} at most, asking them included");
    // Tags are told as ever; figures that others have counted are no entries of this process.
    ask(
        &nodes[0],
        "set table p/t key 10.0.0.1 data.gpt0 5 data.http_req_rate 7",
    );
    for node in &nodes[1..] {
        expect(
            node,
            "show table p/t key 10.0.0.1",
            &["gpt0=5", "http_req_rate(600000)=7"],
        );
    }
}

/// Waits until a process shows this rate for the only client.
#[track_caller]
fn expect_figure(node: &Program, figure: u32) {
    let text = format!("http_req_rate(600000)={figure}\n");
    let alone = format!("http_req_rate(600000)={figure} ");
    let mut shown = String::new();
    let there = eventually(LONG, || {
        shown = ask(node, "show table p/t key 127.0.0.1");
        // Of a client that only others have seen, no entry is shown here.
        shown.contains(&text) || shown.contains(&alone) || !shown.contains("key=127.0.0.1")
    });
    let peers = ask(node, "show peers");
    assert!(there, "{figure} expected in {shown}\n{peers}");
}
