//! Changes by the runtime API while traffic goes on: servers, backends, lists and limits.
mod common;

use common::api::{ask_line, converse};
use common::{http, program};
use testkit::{Server, handlers};

const DYNAMIC: &str = "global
  stats socket {tmp}/admin.sock level admin
defaults plain
  timeout client 3s
  timeout server 3s
  timeout connect 3s
defaults web
  mode http
  timeout client 3s
  timeout server 3s
  timeout connect 3s
frontend fe from web
  bind {fe}
  use_backend %[req.hdr(x-be)] if { req.hdr(x-be) -m found }
  default_backend be
backend be from web
  balance roundrobin
  acl busy srv_conn(s1) gt 1000
  server s1 {s1}
  server s2 {s1} disabled
backend fixed from web
  balance static-rr
  server s1 {s1}
";

#[test]
fn servers_come_and_go() {
    let (one, two) = (
        Server::start(handlers::says("one")),
        Server::start(handlers::says("two")),
    );
    let program = program()
        .config(DYNAMIC)
        .port("fe")
        .server("s1", &one)
        .server("s2", &two)
        .start();
    let address = two.address();
    let mut client = program.connect("fe");
    let mut seen = |count: usize| -> Vec<String> {
        let mut texts: Vec<String> = (0..count).map(|_| client.get("/").text()).collect();
        texts.sort();
        texts.dedup();
        texts
    };
    assert_eq!(seen(4), ["one"]);
    converse(
        &program,
        &[
            (
                &format!("add server be/new {address} weight 3 maxconn 7"),
                "New server registered.",
            ),
            (
                &format!("add server be/new {address}"),
                "Already exists a server with the same name in backend.",
            ),
            (
                "add server be/x 127.0.0.1:x",
                "invalid character 'x' in port number 'x' in '127.0.0.1:x'",
            ),
            (
                "add server fixed/x 127.0.0.1:1",
                "Backend does not support dynamic servers : backend 'fixed' uses a non dynamic load balancing method.",
            ),
            ("add server nope/x 127.0.0.1:1", "No such backend."),
            (
                "add server be/x",
                "'server' expects <name> and <addr>[:<port>] as arguments.",
            ),
            ("add server be", "Require 'backend/server'."),
            (
                "add server be/x 127.0.0.1:1 check track s1",
                "unable to enable checks and tracking at the same time!",
            ),
            (
                "add server be/x 127.0.0.1:1 init-addr none",
                "'init-addr' option is not accepted for dynamic server",
            ),
        ],
    );
    assert_eq!(seen(4), ["one"], "a new server is in maintenance");
    converse(&program, &[("enable server be/new", "")]);
    assert_eq!(seen(8), ["one", "two"], "on a connection from before, too");
    converse(
        &program,
        &[
            ("get weight be/new", "3 (initial 3)"),
            (
                "del server be/new",
                "Only servers in maintenance mode can be deleted.",
            ),
            (
                "del server be/s1",
                "This server cannot be removed at runtime due to other configuration elements pointing to it.",
            ),
            (
                "wait 1s srv-removable be/s1",
                "Failed. This server cannot be removed at runtime due to other configuration elements pointing to it.",
            ),
            ("disable server be/new", ""),
            ("wait 2s srv-removable be/new", "Done."),
            ("del server be/new", "Server deleted."),
            ("del server be/new", "No such server."),
            ("wait 1s srv-removable be/new", "Failed. No such server."),
            ("del server be/s2", "Server deleted."),
        ],
    );
    assert_eq!(seen(4), ["one"]);
    for _ in 0..20 {
        let added = ask_line(
            &program,
            &format!("add server be/again {address};enable server be/again"),
        );
        assert!(added.starts_with("New server registered."), "{added}");
        assert!(seen(4).contains(&"two".to_owned()));
        let gone = ask_line(
            &program,
            "disable server be/again;wait 2s srv-removable be/again;del server be/again",
        );
        assert!(gone.ends_with("Server deleted."), "{gone}");
    }
}

#[test]
fn backends_come_and_go() {
    let server = Server::start(handlers::says("dynamic"));
    let program = program()
        .config(DYNAMIC)
        .port("fe")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    let mut status = || {
        client.send("GET / HTTP/1.1\r\nhost: a\r\nx-be: late\r\n\r\n");
        client.response().text()
    };
    let address = server.address();
    assert_eq!(
        status(),
        "dynamic",
        "without it the default backend is taken"
    );
    converse(
        &program,
        &[
            ("add backend", "Require backend name."),
            (
                "add backend late",
                "Usage: add backend <name> from <defproxy>.",
            ),
            (
                "add backend late from nope",
                "Cannot find default proxy 'nope'.",
            ),
            (
                "add backend late from plain",
                "Mode is required as 'plain' default proxy does not explicitly defines it.",
            ),
            (
                "add backend be from web",
                "Error during backend creation : name is already used by other proxy 'backend be'.",
            ),
            ("add backend late from web", "New backend registered."),
            ("show backend", "# name\nbe\nfixed\nlate"),
            (
                &format!("add server late/s {address}"),
                "New server registered.",
            ),
            ("enable server late/s", ""),
            ("publish backend late", "Backend published."),
        ],
    );
    assert_eq!(status(), "dynamic");
    let row = ask_line(&program, "show stat late 4 -1");
    let served = row
        .lines()
        .find(|line| line.starts_with("late,s,"))
        .expect("a row");
    assert_eq!(served.split(',').nth(7), Some("1"), "{served}");
    converse(
        &program,
        &[
            (
                "del backend late",
                "Backend must be unpublished prior to its deletion.",
            ),
            ("unpublish backend late", "Backend unpublished."),
            (
                "del backend late",
                "Only a backend without server can be deleted.",
            ),
            (
                "del backend be",
                "This proxy cannot be removed at runtime due to other configuration elements pointing to it.",
            ),
            (
                "disable server late/s;wait 2s srv-removable late/s",
                "\nDone.",
            ),
            ("del server late/s", "Server deleted."),
            ("del backend late", "Backend deleted."),
            ("del backend late", "No such backend."),
            ("show backend", "# name\nbe\nfixed"),
        ],
    );
}

#[test]
fn lists_and_maps_change_under_traffic() {
    let program = http()
        .config("global\n  stats socket {tmp}/admin.sock level admin\n")
        .config("defaults\n  mode http\n  timeout client 3s\nfrontend fe\n  bind {fe}\n  http-request deny if { path -f {tmp}/paths }\n  http-request return status 200 content-type text/plain lf-string %[path,map({tmp}/words,none)]\n")
        .file("paths", "/secret\n")
        .file("words", "/a alpha\n")
        .port("fe")
        .start();
    let (paths, words) = (program.path("paths"), program.path("words"));
    let (paths, words) = (paths.display(), words.display());
    let get = |path: &str| {
        let answer = program.connect("fe").get(path);
        (answer.status(), answer.text().trim().to_owned())
    };
    assert_eq!(get("/a"), (200, "alpha".into()));
    converse(
        &program,
        &[
            (&format!("add acl {paths} /b\\ c"), ""),
            (&format!("add acl {paths} /late"), ""),
            (
                &format!("get acl {paths} /late"),
                "type=str, case=sensitive, match=yes, idx=tree, pattern=\"/late\"",
            ),
            (&format!("add map {words} <<\n/m many words\n/n more\n"), ""),
            (&format!("set map {words} /a beta"), ""),
            (&format!("set map {words} /zz beta"), "entry not found."),
            (
                &format!("get map {words} /n"),
                "type=str, case=sensitive, found=yes, idx=tree, key=\"/n\", value=\"more\", type=\"str\"",
            ),
            (&format!("del map {words} /zz"), "Key not found."),
            (
                "del map nope x",
                "Unknown map identifier. Please use #<id> or <file>.",
            ),
        ],
    );
    assert_eq!(get("/late").0, 403);
    assert_eq!(get("/a"), (200, "beta".into()));
    assert_eq!(get("/m"), (200, "many words".into()));
    converse(
        &program,
        &[
            (&format!("prepare map {words}"), "New version created: 1"),
            (&format!("add map @1 {words} /a gamma"), ""),
            (
                &format!("add map @2 {words} /a gamma"),
                "Version number in the future, please use 'prepare map' before.",
            ),
        ],
    );
    assert_eq!(
        get("/a"),
        (200, "beta".into()),
        "not before it is committed"
    );
    converse(&program, &[(&format!("commit map @1 {words}"), "")]);
    assert_eq!(get("/a"), (200, "gamma".into()));
    assert_eq!(get("/m"), (200, "none".into()));
    converse(&program, &[(&format!("clear acl {paths}"), "")]);
    assert_eq!(get("/late").0, 200);
    let shown = ask_line(&program, &format!("show map {words}"));
    assert!(
        shown.starts_with("0x") && shown.ends_with(" /a gamma"),
        "{shown}"
    );
}
