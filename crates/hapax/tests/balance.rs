//! Which server is chosen.
mod common;

use common::http;
use testkit::{Program, Server, handlers};

fn farm(lines: &str, servers: &[&Server]) -> Program {
    let mut builder = http().config(&format!(
        "listen in\n  bind {{fe}}\n  balance roundrobin\n{lines}"
    ));
    for (number, server) in servers.iter().enumerate() {
        builder = builder.server(&format!("s{}", number + 1), server);
    }
    builder.start()
}

fn three() -> [Server; 3] {
    ["a", "b", "c"].map(|name| Server::start(handlers::says(name)))
}

/// Who answers `count` requests, each on a connection of its own.
fn answers(program: &Program, count: usize) -> String {
    (0..count)
        .map(|_| program.connect("fe").get("/").text())
        .collect()
}

#[test]
fn roundrobin_takes_turns() {
    let [a, b, c] = three();
    let program = farm(
        "  server s1 {s1}\n  server s2 {s2}\n  server s3 {s3}",
        &[&a, &b, &c],
    );
    assert_eq!(answers(&program, 7), "abcabca");
}

#[test]
fn roundrobin_by_weight() {
    let [a, b, c] = three();
    let program = farm(
        "  server s1 {s1} weight 3\n  server s2 {s2} weight 1\n  server s3 {s3} weight 0",
        &[&a, &b, &c],
    );
    let got = answers(&program, 8);
    assert_eq!(got.matches('a').count(), 6, "{got}");
    assert_eq!(got.matches('b').count(), 2, "{got}");
}

#[test]
fn static_rr_by_weight() {
    let [a, b, c] = three();
    let program = farm(
        "  balance static-rr\n  server s1 {s1} weight 2\n  server s2 {s2} weight 1\n  server s3 {s3} weight 1",
        &[&a, &b, &c],
    );
    assert_eq!(answers(&program, 8), "aabcaabc");
}

#[test]
fn first_fills_one_after_the_other() {
    let [a, b, c] = three();
    let program = farm(
        "  balance first\n  server s1 {s1} maxconn 10\n  server s2 {s2}\n  server s3 {s3}",
        &[&a, &b, &c],
    );
    assert_eq!(answers(&program, 4), "aaaa");
}

#[test]
fn leastconn_takes_the_least_used() {
    let busy = Server::start(handlers::silent());
    let [a, b, _] = three();
    let program = farm(
        "  balance leastconn\n  server s1 {s1}\n  server s2 {s2}\n  server s3 {s3}",
        &[&busy, &a, &b],
    );
    let asked = || -> usize {
        let servers = [&busy, &a, &b];
        let received = servers.map(|server| server.all_received().concat().len());
        received.iter().sum()
    };
    let mut stuck = Vec::new();
    while busy.connections() == 0 && stuck.len() < 20 {
        let before = asked();
        let mut client = program.connect("fe");
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        testkit::eventually(std::time::Duration::from_secs(10), || asked() > before);
        stuck.push(client);
    }
    // On one connection, so that each request ends before the next begins: the busy server is never the least used.
    let mut client = program.connect("fe");
    let got: String = (0..6).map(|_| client.get("/").text()).collect();
    assert_eq!((got.len(), busy.connections()), (6, 1), "{got}");
}

#[test]
fn random_reaches_all() {
    let [a, b, c] = three();
    let program = farm(
        "  balance random\n  server s1 {s1}\n  server s2 {s2}\n  server s3 {s3}",
        &[&a, &b, &c],
    );
    let got = answers(&program, 60);
    assert!(
        ["a", "b", "c"].iter().all(|name| got.contains(name)),
        "{got}"
    );
}

#[test]
fn backup_waits_until_all_others_are_gone() {
    let [a, b, c] = three();
    let program = farm(
        "  server s1 {s1} backup\n  server s2 {s2}\n  server s3 {s3} backup",
        &[&a, &b, &c],
    );
    assert_eq!(answers(&program, 3), "bbb");
    let program = farm(
        "  server s1 {s1} backup\n  server s2 {s2} disabled\n  server s3 {s3} backup",
        &[&a, &b, &c],
    );
    assert_eq!(answers(&program, 3), "aaa");
    let program = farm(
        "  option allbackups\n  server s1 {s1} backup\n  server s2 {s2} disabled\n  server s3 {s3} backup",
        &[&a, &b, &c],
    );
    assert_eq!(answers(&program, 4), "acac");
}

#[test]
fn disabled_servers_are_left_out() {
    let [a, b, c] = three();
    let program = farm(
        "  server s1 {s1} disabled\n  server s2 {s2}\n  server s3 {s3}",
        &[&a, &b, &c],
    );
    assert_eq!(answers(&program, 4), "bcbc");
}

#[test]
fn use_backend_by_rule_and_by_name() {
    let [a, b, c] = three();
    let program = http()
        .config(
            "frontend in
  bind {fe}
  use_backend one if { path_beg /one }
  use_backend %[path,field(2,/)] if { path_beg /t }
  default_backend three
backend one
  server s1 {s1}
backend two
  server s2 {s2}
backend three
  server s3 {s3}",
        )
        .server("s1", &a)
        .server("s2", &b)
        .server("s3", &c)
        .start();
    let mut client = program.connect("fe");
    let got: String = ["/one", "/two", "/tnone", "/x"]
        .map(|path| client.get(path).text())
        .concat();
    assert_eq!(got, "abcc");
}

#[test]
fn use_server_by_rule() {
    let [a, b, c] = three();
    let program = farm(
        "  use-server s3 if { path /three }\n  server s1 {s1}\n  server s2 {s2}\n  server s3 {s3}",
        &[&a, &b, &c],
    );
    let mut client = program.connect("fe");
    assert_eq!(
        [client.get("/three").text(), client.get("/three").text()],
        ["c", "c"]
    );
}
