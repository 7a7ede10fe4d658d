//! What has happened, told by the runtime API: rings, messages that were refused, the start.
mod common;

use std::io::{Read, Write};

use common::api::{PATIENCE, SOCKETS, ask, ask_on, ask_until, connect};
use common::http;
use testkit::{Client, Program, Server, eventually, handlers};

const RINGS: &str = "ring r1
  description a ring for tests
  format raw
  maxlen 8000
  size 65536
frontend web
  bind {web}
  http-request set-var(txn.a) path,debug(one)
  http-request set-var(txn.b) path,debug(two,r1)
  http-request return status 200
";

fn visit(program: &Program, path: &str) {
    assert_eq!(
        Client::connect(program.address("web")).get(path).status(),
        200
    );
}

#[test]
fn rings_are_listed_and_read() {
    let program = http().config(SOCKETS).config(RINGS).start();
    assert_eq!(
        ask_on(&program, "user.sock", "show events\n"),
        "Supported events sinks are listed below. Add -0(zero), -w(wait), -n(new). Any key to stop.\n    \
         stdout     : type=fd, 0 dropped, standard output (fd#1)\n    \
         stderr     : type=fd, 0 dropped, standard output (fd#2)\n    \
         buf0       : type=buffer, 0 dropped, in-memory ring buffer\n    \
         r1         : type=buffer, 0 dropped, a ring for tests\n\n"
    );
    for path in ["/a", "/b"] {
        visit(&program, path);
    }
    let kept = ask(&program, "show events buf0");
    let lines: Vec<&str> = kept.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("<0>20"), "{kept}");
    assert!(lines[1].ends_with(" [debug] one: type=str </b>"), "{kept}");
    let ring = ask(&program, "show events r1");
    assert_eq!(
        ring,
        "[debug] two: type=str </a>\n[debug] two: type=str </b>\n\n"
    );
    assert_eq!(
        ask(&program, "show events r1 -0"),
        "[debug] two: type=str </a>\0[debug] two: type=str </b>\0\n"
    );
    assert_eq!(ask(&program, "show events r1 -n"), "\n");
    for (command, expected) in [
        ("show events nope", "No such event sink"),
        ("show events stdout", "Nothing to report for this sink"),
        ("show events r1 -x", "unknown option"),
    ] {
        assert_eq!(ask(&program, command), format!("{expected}\n\n"));
    }
}

#[test]
fn a_ring_is_followed_until_something_is_said() {
    let program = http().config(SOCKETS).config(RINGS).start();
    visit(&program, "/before");
    let mut all = connect(&program, "admin.sock");
    all.write_all(b"prompt i; show events r1 -w\n")
        .expect("a command");
    let mut read = String::new();
    let mut take = |end: &str, stream: &mut std::os::unix::net::UnixStream| {
        let mut room = [0; 512];
        while !read.ends_with(end) {
            let n = stream.read(&mut room).expect("more");
            assert!(n > 0, "closed after {read:?}");
            read.push_str(&String::from_utf8_lossy(&room[..n]));
        }
    };
    take("</before>\n", &mut all);
    visit(&program, "/after");
    take("</after>\n", &mut all);
    all.write_all(b"stop\n").expect("a word");
    // What was said is not a command; the next one is.
    take("</after>\n\n", &mut all);
    all.write_all(b"show version\n").expect("a command");
    take("3.4.0\n\n", &mut all);
}

/// A follower that reads nothing misses what had to make room; nothing is kept for it, and nothing waits.
#[test]
fn a_slow_follower_costs_nothing() {
    let program = http().config(SOCKETS).config(RINGS).start();
    let mut followers: Vec<_> = (0..5)
        .map(|_| {
            let mut follower = connect(&program, "admin.sock");
            follower
                .write_all(b"show events r1 -nw\n")
                .expect("a command");
            follower
        })
        .collect();
    let mut client = Client::connect(program.address("web"));
    let path = format!("/{}", "x".repeat(4000));
    let mut visit = |times: u32| {
        for _ in 0..times {
            assert_eq!(client.get(&path).status(), 200);
        }
    };
    // Rings and buffers have their size after this.
    visit(1000);
    let before = program.rss();
    visit(3000);
    let grown = program.rss().saturating_sub(before);
    // Kept for each of them, the events would take 60 MB.
    assert!(grown < 16 << 20, "{grown} bytes more");
    let list = ask(&program, "show events");
    assert!(
        list.contains("r1         : type=buffer, 0 dropped"),
        "{list}"
    );
    // They are served as soon as they read.
    for follower in &mut followers {
        let mut room = [0; 64];
        let n = follower.read(&mut room).expect("an event");
        assert!(String::from_utf8_lossy(&room[..n]).starts_with("[debug] two: "));
    }
}

const BAD_RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nBad\x01Header: x\r\n\r\n";

#[test]
fn messages_that_break_rules_are_kept() {
    let server = Server::start(handlers::stall_after(BAD_RESPONSE.to_vec()));
    let program = http()
        .config(SOCKETS)
        .config(
            "frontend web\n  bind {web}\n  default_backend back\nbackend back\n  server s1 {s1}\n",
        )
        .server("s1", &server)
        .start();
    let none = ask(&program, "show errors");
    assert!(
        none.starts_with("Total events captured on [") && none.ends_with("] : 0\n\n"),
        "{none}"
    );
    let mut client = Client::connect(program.address("web"));
    client.send("GET / HTTP/1.1\r\nHo\x01st: a\r\n\r\n");
    assert_eq!(client.response().status(), 400);
    assert_eq!(
        Client::connect(program.address("web")).get("/").status(),
        502
    );
    let all = ask_until(&program, "show errors", |answer| answer.contains("] : 2\n"));
    let masked: String = all
        .lines()
        .skip(1)
        .map(|line| match line.split_once(']') {
            Some((_, rest)) if line.starts_with('[') => format!("[date]{rest}\n"),
            _ => match line.split_once(", src 127.0.0.1:") {
                Some((begin, _)) => format!("{begin}, src\n"),
                None => format!("{line}\n"),
            },
        })
        .collect();
    let request = " \n[date] frontend web (#2): invalid request
  backend <NONE> (#-1), server <NONE> (#-1), event #0, src
  buffer starts at 0 (including 0 out), 16356 free,
  len 28, wraps at 16384, error at position 18
  H1 rule broken: name of a field :
  \n  00000  GET / HTTP/1.1\\r\\n
  00016  Ho\\x01st: a\\r\\n
  00026  \\r\\n\n";
    let response = " \n[date] backend back (#3): invalid response
  frontend web (#2), server s1 (#1), event #1, src
  buffer starts at 0 (including 0 out), 16350 free,
  len 34, wraps at 16384, error at position 20
  H1 rule broken: name of a field :
  \n  00000  HTTP/1.1 200 OK\\r\\n
  00017  Bad\\x01Header: x\\r\\n
  00032  \\r\\n\n";
    assert_eq!(masked, format!("{request}{response}\n"));
    let count = |command: &str| ask(&program, command).matches(": invalid ").count();
    for (command, expected) in [
        ("show errors web", 1),
        ("show errors back", 1),
        ("show errors back request", 0),
        ("show errors -1 response", 1),
        ("show errors 3", 1),
        ("show errors 17", 0),
    ] {
        assert_eq!(count(command), expected, "{command}");
    }
    assert_eq!(ask(&program, "show errors nope"), "No such proxy.\n\n");
    assert_eq!(
        ask_on(&program, "user.sock", "show errors\n"),
        "Permission denied\n\n"
    );
}

#[test]
fn the_process_tells_of_its_start_and_its_inside() {
    let program = http()
        .config("global\n  nbthread 2\n")
        .config(SOCKETS)
        .config("frontend web\n  bind {web}\n  mode http\nfrontend noisy\n  mode tcp\n  option httplog\n  bind {tcp}\n")
        .start();
    let said = ask(&program, "show startup-logs");
    assert!(
        said.contains("'option httplog' not usable with frontend 'noisy'"),
        "{said}"
    );
    let activity = ask(&program, "show activity");
    assert!(
        activity.starts_with("thread_id: 1 (1..2)\ndate_now: "),
        "{activity}"
    );
    let tasks = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("tasks: "))?;
        line.split(' ').nth(1)?.parse::<u64>().ok()
    };
    assert!(tasks(&activity) > Some(0), "{activity}");
    assert!(!ask(&program, "show activity 0").contains('['));
    assert_eq!(
        ask(&program, "show activity 3"),
        "Thread ID number must be between -1 and nbthread\n\n"
    );
    assert!(ask(&program, "show threads").contains("  Thread 2 : loops="));
    assert!(ask(&program, "show tasks").starts_with("Tasks: "));
    assert!(ask(&program, "show dev").contains(&format!("\n  pid: {}\n", program.pid())));
    assert!(ask(&program, "show libs").contains("/hapax\n"));
    let listeners = ask(&program, "show fd l");
    assert!(
        listeners.contains(&format!(" local={}\n", program.address("web"))),
        "{listeners}"
    );
    assert!(!listeners.contains("eventpoll"), "{listeners}");
    assert_eq!(ask(&program, "show fd x"), "Unsupported FD type 'x'.\n\n");
    assert_eq!(
        ask(&program, "set profiling"),
        "Expects either 'tasks' or 'memory'.\n\n"
    );
    assert_eq!(
        ask(&program, "set profiling memory on"),
        "Memory profiling not compiled in.\n\n"
    );
    assert!(
        ask(&program, "show profiling status")
            .starts_with("Per-task CPU profiling              : off ")
    );
    assert_eq!(ask(&program, "set profiling tasks on"), "\n");
    assert_eq!(
        Client::connect(program.address("web")).get("/").status(),
        503
    );
    let costs = ask(&program, "show profiling");
    assert!(
        costs.starts_with("Per-task CPU profiling              : on  "),
        "{costs}"
    );
    assert!(
        costs.contains("\n  session                 ") && costs.contains("us"),
        "{costs}"
    );
    ask(&program, "set profiling tasks off");
    let answer = ask(&program, "set profiling tasks lock");
    assert_eq!(
        answer,
        "The time that tasks spend on locks is not measured.\n\n"
    );
    for command in [
        "show activity",
        "show fd",
        "show libs",
        "show startup-logs",
        "show profiling",
        "show config",
    ] {
        let answer = ask_on(&program, "user.sock", &format!("{command}\n"));
        assert_eq!(answer, "Permission denied\n\n", "{command}");
    }
    let served = eventually(PATIENCE, || {
        Client::connect(program.address("web")).get("/").status() == 503
    });
    assert!(served);
}

#[test]
fn the_configuration_is_shown_with_its_places() {
    let program = http()
        .config(SOCKETS)
        .config("frontend web\n  bind {web}\n.if defined(NO_SUCH_VARIABLE)\n  maxconn 7\n.else\n  maxconn 8\n.endif\n")
        .start();
    let shown = ask(&program, "show config frontend web");
    let words: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let has = |begin: &[&str]| words.iter().any(|line| line.starts_with(begin));
    assert!(
        has(&["frontend", "web", "#"]) && has(&["mode", "http", "#"]),
        "{shown}"
    );
    assert!(
        has(&["maxconn", "8", "#"]) && !shown.contains("maxconn 7"),
        "{shown}"
    );
    let at = shown.lines().next().unwrap_or_default();
    assert!(at.contains(".cfg:") || at.contains(':'), "{at}");
    assert!(ask(&program, "show config").starts_with("global "));
    assert_eq!(ask(&program, "show config nope"), "No such section.\n\n");
    assert!(
        ask(&program, "set anon on 1; show config").contains("not shown while names are hashed")
    );
}

const CHUNKED: &str = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What of the last message that was kept does not change from run to run, in HAProxy's form: who, how much, where, and the
/// bytes.
fn last_kept(program: &Program, event: u32) -> String {
    let mark = format!("event #{event},");
    let all = ask_until(program, "show errors", |all| all.contains(&mark));
    let found = all.split("\n \n").find(|message| message.contains(&mark));
    let message = found.unwrap_or_default();
    let (_, who) = message.split_once("] ").unwrap_or_default();
    let (who, _) = who.split_once(", src").unwrap_or_default();
    let (_, rest) = message.split_once("\n  len ").unwrap_or_default();
    let (len, rest) = rest.split_once(',').unwrap_or_default();
    let (_, position) = rest.split_once("error at ").unwrap_or_default();
    let (position, bytes) = position.split_once('\n').unwrap_or_default();
    let lines = bytes.lines().filter(|line| line.starts_with("  0"));
    let lines: Vec<&str> = lines.map(str::trim_start).collect();
    format!("{who}\nlen {len} {position}\n{}", lines.join("\n"))
}

/// Recorded from HAProxy 3.4.0.
#[test]
fn chunks_that_break_rules_are_kept_with_their_place() {
    let server = Server::start(|conn: &mut testkit::Conn, _| {
        let request = conn.read_request()?;
        let body = match request.as_ref().map(testkit::Message::target) {
            Some("/first") => "xyz\r\n",
            Some("/second") => "5\r\nhello\r\nZZ\r\n",
            _ => "0\r\n\r\n",
        };
        conn.send(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
        ))?;
        conn.drain().map(|_| ())
    });
    let program = http()
        .config(SOCKETS)
        .config(
            "frontend web\n  bind {web}\n  default_backend back\nbackend back\n  server s1 {s1}\n",
        )
        .server("s1", &server)
        .start();
    let head = "00000  POST /c HTTP/1.1\\r\\n\n00018  Host: a\\r\\n\n00027  Transfer-Encoding: chunked\\r\\n\n00055  \\r\\n";
    let request = |body: &str, event: u32| {
        let mut client = Client::connect(program.address("web"));
        client.send(format!("{CHUNKED}{body}"));
        assert_eq!(client.response().status(), 400, "{body}");
        last_kept(&program, event)
    };
    let who = |event: u32| {
        format!(
            "frontend web (#2): invalid request\n  backend <NONE> (#-1), server <NONE> (#-1), event #{event}"
        )
    };
    assert_eq!(
        request("5\r\nhello\r\nZZ\r\n", 0),
        format!(
            "{}\nlen 71 position 67\n{head}\n00057  5\\r\\n\n00060  hello\\r\\n\n00067  ZZ\\r\\n",
            who(0)
        )
    );
    assert_eq!(
        request("5\r\nhelloXX3\r\nabc\r\n0\r\n\r\n", 1),
        format!(
            "{}\nlen 80 position 65\n{head}\n00057  5\\r\\n\n00060  helloXX3\\r\\n\n00070  abc\\r\\n\n00075  0\\r\\n\n00078  \\r\\n",
            who(1)
        )
    );
    assert_eq!(
        request("fffffffffffffffffff\r\n", 2),
        format!(
            "{}\nlen 78 position 70\n{head}\n00057  fffffffffffffffffff\\r\\n",
            who(2)
        )
    );
    for (path, event, len, rest) in [
        (
            "/first",
            3,
            52,
            "position 47\n00000  HTTP/1.1 200 OK\\r\\n\n00017  Transfer-Encoding: chunked\\r\\n\n00045  \\r\\n\n00047  xyz\\r\\n",
        ),
        (
            "/second",
            4,
            61,
            "position 57\n00000  HTTP/1.1 200 OK\\r\\n\n00017  Transfer-Encoding: chunked\\r\\n\n00045  \\r\\n\n00047  5\\r\\n\n00050  hello\\r\\n\n00057  ZZ\\r\\n",
        ),
    ] {
        assert_eq!(
            Client::connect(program.address("web")).get(path).status(),
            502
        );
        assert_eq!(
            last_kept(&program, event),
            format!(
                "backend back (#3): invalid response\n  frontend web (#2), server s1 (#1), event #{event}\nlen {len} {rest}"
            )
        );
    }
    // What comes later is kept without what has been passed on.
    let mut client = Client::connect(program.address("web"));
    client.send(CHUNKED);
    client.send("5\r\nhello\r\n");
    let passed = eventually(PATIENCE, || {
        ask(&program, "show sess all").contains(" in=5 ")
    });
    assert!(passed, "{}", ask(&program, "show sess all"));
    client.send("Q\r\n");
    let kept = last_kept(&program, 5);
    assert!(
        kept.ends_with("\nlen 3 position 0\n00000  Q\\r\\n"),
        "{kept}"
    );
}
