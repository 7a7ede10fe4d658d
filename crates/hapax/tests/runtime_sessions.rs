//! Streams on the runtime API: `show sess`, `shutdown session`, `shutdown sessions server`.
mod common;

use std::io::{Read, Write};

use common::api::{SOCKETS, ask, ask_on, ask_until, connect};
use common::{http, http_logged};
use testkit::{Client, Server, Syslog, handlers};

const TIMES: &str = "  timeout client 60s\n  timeout server 60s\n";

fn lines(answer: &str) -> Vec<&str> {
    answer
        .lines()
        .filter(|line| line.starts_with("0x"))
        .collect()
}

fn id(line: &str) -> &str {
    line.split(':').next().unwrap_or_default()
}

#[test]
fn streams_are_listed_with_what_they_are_on() {
    let (quiet, echo) = (
        Server::start(handlers::silent()),
        Server::start(handlers::echo()),
    );
    let program = http()
        .config(TIMES)
        .config(SOCKETS)
        .config("frontend web\n  bind {web}\n  default_backend back\n")
        .config("backend back\n  server s1 {quiet}\n")
        .config("listen raw\n  mode tcp\n  bind {raw}\n  server s2 {echo}\n")
        .server("quiet", &quiet)
        .server("echo", &echo)
        .start();
    let mut web = Client::connect(program.address("web"));
    web.send("GET /slow?a=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut raw = Client::connect(program.address("raw"));
    raw.send("hello").read_exact(5);
    // A connection without a request has no stream.
    let _idle = Client::connect(program.address("web"));

    let all = ask_until(&program, "show sess", |answer| {
        lines(answer).len() == 2 && answer.contains("srv=s1")
    });
    let found = lines(&all);
    let of = |name: &str| {
        *found
            .iter()
            .find(|line| line.contains(name))
            .expect("a line")
    };
    let (slow, tunnel) = (of("fe=web "), of("fe=raw "));
    assert!(slow.contains(" proto=tcpv4 src=127.0.0.1:"), "{slow}");
    assert!(
        slow.contains(" fe=web be=back srv=s1 ts=00 epoch=0 age="),
        "{slow}"
    );
    assert!(tunnel.contains(" fe=raw be=raw srv=s2 "), "{tunnel}");

    for (filter, expected) in [
        ("frontend web", vec![slow]),
        ("backend raw", vec![tunnel]),
        ("server back/s1", vec![slow]),
        ("server raw/s2", vec![tunnel]),
        ("older 1h", vec![]),
        ("susp", vec![]),
    ] {
        let answer = ask(&program, &format!("show sess {filter}"));
        let ids: Vec<_> = lines(&answer).into_iter().map(id).collect();
        let wanted: Vec<_> = expected.into_iter().map(id).collect();
        assert_eq!(ids, wanted, "{filter}: {answer}");
    }
    let with_line = ask(&program, "show sess show-uri frontend web");
    assert!(
        with_line.contains(" uri=\"GET /slow?a=1 HTTP/1.1\""),
        "{with_line}"
    );
    let one = ask(&program, &format!("show sess {}", id(tunnel)));
    assert!(
        one.contains("frontend=raw (id=") && one.contains("server=s2 (id=1) addr=127.0.0.1:"),
        "{one}"
    );
    assert!(one.contains("stage=data requests=0 in=5 out=5"), "{one}");
    assert_eq!(lines(&ask(&program, "show sess all")).len(), 2);
    let hashed = ask(&program, "set anon on 123; show sess");
    assert!(
        !hashed.contains("127.0.0.1") && !hashed.contains("fe=web"),
        "{hashed}"
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    let program = http()
        .config(SOCKETS)
        .config("frontend web\n  bind {web}\nbackend back\n  server s1 127.0.0.1:1\n")
        .start();
    for (command, expected) in [
        (
            "show sess foo",
            "Unsupported option 'foo', try 'help' for more info.",
        ),
        (
            "show sess older",
            "Expects a minimum age (in seconds by default).",
        ),
        ("show sess older x", "Invalid age."),
        (
            "show sess server",
            "Missing server name (<backend>/<server>).",
        ),
        ("show sess server x/y", "No such backend."),
        ("show sess server back/y", "No such server."),
        ("show sess backend nope", "No such backend."),
        ("show sess 0x123456", "Session not found."),
        (
            "shutdown session",
            "Session pointer expected (use 'show sess').",
        ),
        (
            "shutdown session 0x123456",
            "No such session (use 'show sess').",
        ),
        ("shutdown session xyz", "No such session (use 'show sess')."),
        ("shutdown sessions server", "Require 'backend/server'."),
        ("shutdown sessions server back/x", "No such server."),
    ] {
        assert_eq!(
            ask(&program, command),
            format!("{expected}\n\n"),
            "{command}"
        );
    }
    for (socket, command) in [
        ("user.sock", "show sess"),
        ("operator.sock", "shutdown session 0x10"),
        ("operator.sock", "shutdown sessions server back/s1"),
    ] {
        let answer = ask_on(&program, socket, &format!("{command}\n"));
        assert_eq!(answer, "Permission denied\n\n", "{command}");
    }
}

#[test]
fn a_stream_that_is_shut_down_ends_and_is_logged() {
    let (log, server) = (Syslog::udp(), Server::start(handlers::silent()));
    let partly = Server::start(handlers::stall_after(
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok".to_vec(),
    ));
    let program = http_logged(&log)
        .config(TIMES)
        .config(SOCKETS)
        .config("frontend web\n  bind {web}\n  use_backend half if { path /half }\n  default_backend back\n")
        .config("backend back\n  server s1 {s1}\n")
        .config("backend half\n  server s2 {s2}\n")
        .server("s1", &server)
        .server("s2", &partly)
        .start();
    let end = |path: &str| {
        let mut client = Client::connect(program.address("web"));
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        if path == "/half" {
            client.read_until(b"\r\n\r\nok");
        }
        let listed = ask_until(&program, "show sess frontend web", |answer| {
            answer.contains("srv=s")
        });
        let command = format!("shutdown session {}", id(lines(&listed)[0]));
        assert_eq!(ask(&program, &command), "\n");
        let rest = client.read_to_end();
        ask_until(&program, "show sess", |answer| lines(answer).is_empty());
        rest
    };
    // HAProxy sends nothing, whatever the status in the log.
    assert_eq!(end("/slow"), b"");
    let line = log.expect("GET /slow");
    assert!(
        line.contains(" back/s1 ") && line.contains(" 500 0 - - KC-- "),
        "{line}"
    );
    end("/half");
    let line = log.expect("GET /half");
    assert!(
        line.contains(" half/s2 ") && line.contains(" KC-- "),
        "{line}"
    );
    // What was passed on before counts.
    let sent: u32 = line
        .split(" 500 ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .and_then(|count| count.parse().ok())
        .expect("a size");
    assert_eq!(sent, 52, "{line}");
}

#[test]
fn sessions_of_a_server_end_together() {
    let (one, two) = (
        Server::start(handlers::echo()),
        Server::start(handlers::echo()),
    );
    let program = http()
        .config(TIMES)
        .config(SOCKETS)
        .config("listen raw\n  mode tcp\n  bind {raw}\n  balance roundrobin\n  server s1 {s1}\n  server s2 {s2}\n")
        .server("s1", &one)
        .server("s2", &two)
        .start();
    let mut clients: Vec<_> = (0..6)
        .map(|_| {
            let mut client = Client::connect(program.address("raw"));
            client.send("hi").read_exact(2);
            client
        })
        .collect();
    assert_eq!(lines(&ask(&program, "show sess server raw/s1")).len(), 3);
    assert_eq!(ask(&program, "shutdown sessions server raw/s1"), "\n");
    ask_until(&program, "show sess", |answer| lines(answer).len() == 3);
    assert_eq!(lines(&ask(&program, "show sess server raw/s2")).len(), 3);
    for (at, client) in clients.iter_mut().enumerate() {
        match at % 2 {
            0 => client.expect_closed(),
            _ => {
                client.send("ho").read_exact(2);
            }
        }
    }
}

/// A reader that reads nothing holds back its own answer only.
#[test]
fn a_reader_that_reads_nothing_keeps_nobody_waiting() {
    let server = Server::start(handlers::says("here"));
    let config: String = (0..20_000)
        .map(|n| format!("  server s{n} 127.0.0.1:1 disabled\n"))
        .collect();
    let program = http()
        .config(SOCKETS)
        .config(
            "frontend web\n  bind {web}\n  default_backend good\nbackend good\n  server s {s}\n",
        )
        .config(&format!("backend many\n{config}"))
        .server("s", &server)
        .start();
    ask(&program, "show servers state good");
    let before = program.rss();
    let mut readers = Vec::new();
    for command in [
        "show stat",
        "show servers state",
        "show servers conn",
        "show stat json",
    ] {
        for _ in 0..2 {
            let mut reader = connect(&program, "admin.sock");
            reader
                .write_all(format!("{command}\n").as_bytes())
                .expect("a command");
            readers.push(reader);
        }
    }
    // All of them have begun to answer.
    for reader in &mut readers {
        reader
            .read_exact(&mut [0; 1])
            .expect("the beginning of an answer");
    }
    for _ in 0..20 {
        assert_eq!(
            Client::connect(program.address("web")).get("/").text(),
            "here"
        );
    }
    assert_eq!(
        ask_on(&program, "user.sock", "show version\n")
            .lines()
            .count(),
        2
    );
    // A dump of 20,000 servers has some 10 MB; there are eight.
    let grown = program.rss().saturating_sub(before);
    assert!(
        grown < 24 << 20,
        "{grown} bytes more for readers that do not read"
    );
}

#[test]
fn details_tell_what_carries_a_stream() {
    let (quiet, echo) = (
        Server::start(handlers::silent()),
        Server::start(handlers::echo()),
    );
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a certificate");
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    let program = http()
        .config(TIMES)
        .config(SOCKETS)
        .file("a.pem", pem)
        .config("frontend web\n  bind {web}\n  default_backend back\n")
        .config("frontend secure\n  bind {secure} ssl crt {tmp}/a.pem\n  default_backend back\n")
        .config("backend back\n  server s1 {quiet}\n")
        .config("frontend plain\n  bind {plain}\n  default_backend hidden\n")
        .config("backend hidden\n  server s3 {secure} ssl verify none\n")
        .config("listen raw\n  mode tcp\n  bind {raw}\n  server s2 {echo}\n")
        .config("listen undecided\n  mode tcp\n  bind {undecided}\n  tcp-request inspect-delay 50s\n  tcp-request content accept if { req.len gt 1000 }\n  server s4 {echo}\n")
        .server("quiet", &quiet)
        .server("echo", &echo)
        .start();
    let mut h1 = Client::connect(program.address("web"));
    h1.send("GET /h1 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut over_h2 = Client::connect(program.address("web"));
    let mut h2 = testkit::h2::Peer::client(over_h2.conn()).expect("a connection");
    h2.get(1, "/h2").expect("a request");
    let mut tls = Client::connect(program.address("plain"));
    tls.send("GET /tls HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut raw = Client::connect(program.address("raw"));
    raw.send("hello").read_exact(5);
    let mut undecided = Client::connect(program.address("undecided"));
    undecided.send("hello");

    let all = ask_until(&program, "show sess all", |all| {
        all.matches("stage=").count() == 6 && all.matches("stage=response").count() == 4
    });
    let of = |mark: &str| {
        let mut streams = all.split("\n0x");
        let found = streams.find(|stream| stream.contains(mark));
        found
            .unwrap_or_else(|| panic!("{mark} in {all}"))
            .to_owned()
    };
    for (mark, client, server) in [
        (
            "uri=\"GET /h1 HTTP/1.1\"",
            "xprt=RAW mux=H1",
            "xprt=RAW mux=H1",
        ),
        ("/h2 HTTP/2.0\"", "xprt=RAW mux=H2", "xprt=RAW mux=H1"),
        ("frontend=plain ", "xprt=RAW mux=H1", "xprt=SSL mux=H1"),
        ("frontend=secure ", "xprt=SSL mux=H1", "xprt=RAW mux=H1"),
        ("frontend=raw ", "xprt=RAW mux=PASS", "xprt=RAW mux=PASS"),
    ] {
        let stream = of(mark);
        assert!(
            stream.contains(&format!(
                "\n      co0 ctrl=tcpv4 {client} target=LISTENER fd="
            )),
            "{stream}"
        );
        assert!(
            stream.contains(&format!(
                "\n      co1 ctrl=tcpv4 {server} target=SERVER fd="
            )),
            "{stream}"
        );
    }
    let undecided = of("frontend=undecided ");
    assert!(
        undecided.contains("\n  backend=undecided (id="),
        "{undecided}"
    );
    assert!(!undecided.contains("co1 "), "{undecided}");
    let short = ask(&program, "show sess");
    for line in lines(&short) {
        let server = line.contains(" srv=<none> ");
        assert_eq!(line.contains(" scb=[0,0h,fd=-1,"), server, "{line}");
        assert!(!line.contains(" scf=[8,0h,fd=-1,"), "{line}");
    }
    for (filter, count) in [
        ("frontend web", 2),
        ("backend back", 3),
        ("server back/s1", 3),
        ("server hidden/s3", 1),
        ("older 1h", 0),
    ] {
        let found = ask(&program, &format!("show sess {filter}"));
        assert_eq!(lines(&found).len(), count, "{filter}: {found}");
    }
}

/// Streams on a connection, and connections.
const SHAPE: (u32, u32) = (100, 200);

#[test]
fn twenty_thousand_streams_are_listed_while_others_are_served() {
    let program = http()
        .config(TIMES)
        .config(SOCKETS)
        .config("global\n  tune.h2.fe.max-concurrent-streams 100\n")
        .config("frontend web\n  bind {web}\n  http-request wait-for-body time 60s if { path /hold }\n  http-request return status 200\n")
        .start();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", "/hold"),
        ("content-length", "1"),
    ];
    let mut held = Vec::new();
    for _ in 0..SHAPE.1 {
        let mut client = Client::connect(program.address("web"));
        let mut h2 = testkit::h2::Peer::client(client.conn()).expect("a connection");
        for number in 0..SHAPE.0 {
            h2.headers(2 * number + 1, &fields, false)
                .expect("a request");
        }
        held.push(client);
    }
    let count = (SHAPE.0 * SHAPE.1) as usize;
    ask_until(&program, "show activity 0", |answer| {
        answer.contains(&format!("\nstreams: {count}\n"))
    });
    let before = program.rss();
    let mut stream = connect(&program, "admin.sock");
    stream.write_all(b"show sess all\n").expect("a command");
    let (mut read, mut room, mut served) = (0, vec![0; 65_536], 0);
    let mut listed = 0;
    let mut client = Client::connect(program.address("web"));
    loop {
        let n = stream.read(&mut room).expect("more of the list");
        if n == 0 {
            break;
        }
        listed += room[..n].windows(6).filter(|six| six == b"stage=").count();
        read += n;
        // In between, with the rest of the list still to come, others are answered.
        if read / 1_000_000 > served {
            served = read / 1_000_000;
            assert_eq!(client.get("/").status(), 200);
        }
    }
    assert!(served > 1, "{read} bytes");
    // Where two pieces of what is read meet, one of them may have been overlooked.
    assert!(
        listed + read / 1000 >= count && listed <= count + 5,
        "{listed}"
    );
    let grown = program.rss().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
    let few = ask(&program, "show sess older 1h");
    assert_eq!(lines(&few), Vec::<&str>::new());
    drop(held);
}
