//! Every example under load: thousands of requests over several connections, all of which must be answered as the example
//! says.
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;
use testkit::{Builder, Program};

/// Where nothing listens.
const NOBODY: &str = "127.0.0.1:1";
/// Connections that are used at once.
const CLIENTS: usize = 4;

/// An example with every address of its own replaced by one that is free.
fn example(text: &str) -> Builder {
    let mut program = common::program();
    let mut config = String::new();
    let (mut bound, mut named) = (BTreeSet::new(), BTreeSet::new());
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', '.']))
    {
        let is_bind = line.trim_start().starts_with("bind ");
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("127.0.0.1:") {
            config += before;
            let (ports, after) = ports(after);
            let names: Vec<String> = ports.map(|port| format!("p{port}")).collect();
            let shown: Vec<String> = names.iter().map(|name| format!("{{{name}}}")).collect();
            config += &shown.join(",");
            (if is_bind { &mut bound } else { &mut named }).extend(names);
            rest = after;
        }
        config = config + rest + "\n";
    }
    for name in &bound {
        program = program.port(name);
    }
    for name in named.difference(&bound) {
        program = program.set(name, NOBODY);
    }
    program.config(&config)
}

/// A port or a range of ports at the beginning of a text, and the rest.
fn ports(text: &str) -> (RangeInclusive<u16>, &str) {
    let number = |text: &str| {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (digits, _) = text.split_at(end);
        (digits.parse::<u16>().expect("a port"), end)
    };
    let (first, end) = number(text);
    match text[end..].strip_prefix('-') {
        None => (first..=first, &text[end..]),
        Some(rest) => {
            let (last, end) = number(rest);
            (first..=last, &rest[end..])
        }
    }
}

/// Sends `requests` in turn, `total` in all, over several connections, and counts the answers: by status and by the first
/// words of the body that `key` makes of it.
fn load(
    program: &Program,
    port: &str,
    requests: &[String],
    total: usize,
    key: fn(&str) -> String,
) -> BTreeMap<(u16, String), usize> {
    let counts = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for first in 0..CLIENTS {
            let counts = &counts;
            scope.spawn(move || {
                let mut client = program.connect(port);
                client.conn().set_timeout(Duration::from_secs(60));
                for at in (first..total).step_by(CLIENTS) {
                    client.send(&requests[at % requests.len()]);
                    let answer = client.response();
                    let key = (answer.status(), key(&answer.text()));
                    let mut counts = counts.lock().expect("no client failed");
                    *counts.entry(key).or_insert(0) += 1;
                }
            });
        }
    });
    counts.into_inner().expect("no client failed")
}

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n")
}

fn nothing(_: &str) -> String {
    String::new()
}

/// What follows the port, which differs from run to run.
fn behind_port(body: &str) -> String {
    body.split_whitespace()
        .skip(2)
        .collect::<Vec<_>>()
        .join(" ")
}

fn expect(counts: &BTreeMap<(u16, String), usize>, expected: &[(u16, &str, usize)]) {
    let expected: BTreeMap<_, _> = expected
        .iter()
        .map(|(status, key, count)| ((*status, (*key).to_owned()), *count))
        .collect();
    assert_eq!(*counts, expected);
}

#[test]
fn the_quickstart_takes_turns() {
    let program = example(include_str!("../../../examples/quickstart.cfg")).start();
    let requests = [get("/", ""), get("/private/x", "")];
    let first_words = |body: &str| body.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let counts = load(&program, "p8080", &requests, 3000, first_words);
    let of = |status: u16| -> Vec<usize> {
        let wanted = counts.iter().filter(|((found, _), _)| *found == status);
        wanted.map(|(_, count)| *count).collect()
    };
    let served = of(200);
    assert_eq!(
        (served.len(), served.iter().sum::<usize>()),
        (3, 1500),
        "{counts:?}"
    );
    assert_eq!(of(403), [1500]);
}

#[test]
fn the_web_site_routes() {
    let program = example(include_str!("../../../examples/web.cfg")).start();
    let requests = [
        get("/", ""),
        get("/api/users", ""),
        get("/logo.png", ""),
        get("/old/page", ""),
    ];
    let counts = load(&program, "p8090", &requests, 4000, behind_port);
    expect(
        &counts,
        &[
            (200, "got GET / for 127.0.0.1.", 1000),
            (200, "got GET /api/users for 127.0.0.1.", 1000),
            (200, "got GET /logo.png for .", 1000),
            (301, "", 1000),
        ],
    );
}

#[test]
fn the_databases_spread_reads_and_keep_writes_together() {
    let program = example(include_str!("../../../examples/database.cfg")).start();
    let reads = load(&program, "p8106", &[get("/", "")], 2000, nothing);
    let port = |body: &str| {
        body.split_whitespace()
            .nth(4)
            .unwrap_or_default()
            .to_owned()
    };
    let writes = load(&program, "p8107", &[get("/", "")], 2000, port);
    expect(&reads, &[(200, "", 2000)]);
    let primary = program.port("p8103").to_string();
    expect(&writes, &[(200, &primary, 2000)]);
}

#[test]
fn the_web_socket_example_tells_upgrades_apart() {
    let program = example(include_str!("../../../examples/websocket.cfg")).start();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";
    let requests = [get("/", ""), get("/chat", upgrade)];
    let counts = load(&program, "p8116", &requests, 2000, behind_port);
    expect(
        &counts,
        &[
            (200, "got GET /, upgrade to ''.", 1000),
            (200, "got GET /chat, upgrade to 'websocket'.", 1000),
        ],
    );
}

#[test]
fn the_rate_limit_refuses_what_is_too_much() {
    let program = example(include_str!("../../../examples/rate-limit.cfg")).start();
    let counts = load(&program, "p8146", &[get("/", "")], 2000, nothing);
    let of = |status: u16| counts.get(&(status, String::new())).copied().unwrap_or(0);
    assert_eq!(of(200) + of(429), 2000, "{counts:?}");
    // A slow machine takes more than the ten seconds, in which others are let through.
    assert!(of(200) >= 100 && of(429) > 0, "{counts:?}");
}

#[test]
fn the_logs_are_written_while_there_is_load() {
    let program = example(include_str!("../../../examples/logging.cfg")).start();
    let requests = [get("/", "User-Agent: demo\r\n"), get("/alive", "")];
    let counts = load(&program, "p8126", &requests, 2000, nothing);
    expect(&counts, &[(200, "", 2000)]);
    let counted = || program.stdout().matches("{a.example|demo}").count();
    let all_there = testkit::eventually(Duration::from_secs(30), || counted() >= 1000);
    assert!(all_there, "{} of 1000 lines", counted());
    assert!(!program.stdout().contains("/alive"), "silence is not kept");
}

#[test]
fn tls_is_spoken_on_both_sides() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.expect("a certificate");
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    // There is no client here that speaks TLS: one more backend stands in for it.
    let text = include_str!("../../../examples/tls.cfg").replace("demo.pem", "{tmp}/demo.pem");
    let client = "listen client
    bind {plain}
    http-reuse always
    server s {p8137} ssl verify required ca-file {tmp}/demo.pem sni str(localhost)
";
    let program = example(&text).config(client).file("demo.pem", pem).start();
    let counts = load(&program, "plain", &[get("/page", "")], 2000, behind_port);
    expect(
        &counts,
        &[(200, "got GET /page over TLSv1.3, from https.", 2000)],
    );
    let answer = program.connect("plain").get("/");
    assert_eq!(answer.header("x-tls"), Some("TLSv1.3"));
    let moved = program.connect("p8136").get("/x?y");
    let to = format!("https://localhost:{}/x?y", 8137);
    assert_eq!(
        (moved.status(), moved.header("location")),
        (301, Some(&*to))
    );
}
