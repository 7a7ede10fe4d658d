//! Figures of `show info` that count what rarely happens.
mod common;

use common::api::{SOCKETS, ask, ask_until};
use common::http;
use testkit::{Client, NameServer, Program};

fn fact(program: &Program, name: &str) -> String {
    value(&ask(program, "show info"), name)
}

fn value(info: &str, name: &str) -> String {
    let mut lines = info.lines();
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found
        .unwrap_or_else(|| panic!("no {name} in {info}"))
        .to_owned()
}

#[test]
fn commands_for_experts_are_counted_and_leave_their_mark() {
    let program = http().config(SOCKETS).start();
    assert_eq!(fact(&program, "DebugCommandsIssued"), "0");
    assert_eq!(fact(&program, "Tainted"), "0");
    ask(&program, "expert-mode on; experimental-mode on");
    assert_eq!(fact(&program, "Tainted"), "0");
    ask(&program, "expert-mode on; debug dev log x");
    assert_eq!(fact(&program, "DebugCommandsIssued"), "1");
    assert_eq!(fact(&program, "Tainted"), "0x4");
    ask(&program, "experimental-mode on; set var proc.x int(1)");
    assert_eq!(fact(&program, "Tainted"), "0xc");
}

#[test]
fn patterns_that_come_and_go_are_counted() {
    let map = "a 1\nb 2\nc 3\n";
    let program = http()
        .config(SOCKETS)
        .file("m.map", map)
        .config("frontend web\n  bind {web}\n  http-request return status 200 content-type text/plain lf-string %[path,map({tmp}/m.map)]\n")
        .start();
    let counts = || {
        let info = ask(&program, "show info");
        let number = |name| value(&info, name).parse::<u64>().expect("a number");
        (number("PatternsAdded"), number("PatternsFreed"))
    };
    let (added, freed) = counts();
    assert_eq!(freed, 0);
    let path = program.path("m.map");
    let path = path.display();
    ask(&program, &format!("add map {path} d 4"));
    assert_eq!(counts(), (added + 1, 0));
    ask(&program, &format!("del map {path} a"));
    assert_eq!(counts(), (added + 1, 1));
    ask(&program, &format!("clear map {path}"));
    assert_eq!(counts(), (added + 1, 4));
}

#[test]
fn names_that_could_not_be_resolved_are_counted() {
    let names = NameServer::start();
    let program = http()
        .config(SOCKETS)
        .set("ns", names.address())
        .config(
            "resolvers r
  nameserver n1 {ns}
  timeout resolve 100
  timeout retry 200
  hold nx 100
backend b
  server s1 nobody.test:80 resolvers r init-addr none
",
        )
        .start();
    ask_until(&program, "show info", |info| {
        value(info, "FailedResolutions") != "0"
    });
}

#[test]
fn tls_connections_are_counted_on_both_sides() {
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a certificate");
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    let program = http()
        .config(SOCKETS)
        .file("a.pem", pem)
        .config(
            "frontend web
  bind {web}
  default_backend b
backend b
  server s1 {inner} ssl verify none
frontend inner
  bind {inner} ssl crt {tmp}/a.pem
  http-request return status 200
",
        )
        .start();
    assert_eq!(fact(&program, "CumSslConns"), "0");
    assert_eq!(
        Client::connect(program.address("web")).get("/").status(),
        200
    );
    // One as a client, and one as a server.
    assert_eq!(fact(&program, "CumSslConns"), "2");
    ask_until(&program, "show info", |info| {
        value(info, "CurrSslConns") == "2"
    });
    ask_until(&program, "show pools match tls_connection", |pools| {
        pools.contains(" 2 allocated ")
    });
}

#[test]
fn tls_connections_that_are_over_count_no_more() {
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a certificate");
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    let program = http()
        .config(SOCKETS)
        .file("a.pem", pem)
        .config(
            "frontend web
  bind {web}
  default_backend b
backend b
  http-reuse never
  server s1 {inner} ssl verify none
frontend inner
  bind {inner} ssl crt {tmp}/a.pem
  http-request return status 200
",
        )
        .start();
    for _ in 0..3 {
        let mut client = Client::connect(program.address("web"));
        assert_eq!(client.get("/").status(), 200);
    }
    ask_until(&program, "show pools match tls_connection", |pools| {
        pools.contains(" 0 allocated ")
    });
    assert_eq!(fact(&program, "CumSslConns"), "6");
}

#[test]
fn pools_are_told_of() {
    let program = http()
        .config(SOCKETS)
        .config("frontend web\n  bind {web}\n  http-request return status 200\n")
        .start();
    assert_eq!(
        Client::connect(program.address("web")).get("/").status(),
        200
    );
    let pools = ask(&program, "show pools");
    assert!(
        pools.starts_with("Dumping pools usage.\n  - Pool buffer ("),
        "{pools}"
    );
    assert!(pools.contains("\nTotal: "), "{pools}");
    let mut client = Client::connect(program.address("web"));
    client.send("GET / HTTP/1.1\r\n");
    // What has come of the request is in a buffer.
    ask_until(&program, "show pools match session", |pools| {
        let used = pools
            .split(" : ")
            .nth(1)
            .and_then(|text| text.split(' ').next());
        used.is_some_and(|used| used != "0")
    });
    assert_eq!(
        ask(&program, "show pools match nothing"),
        "Dumping pools usage.\nTotal: 0 pools, 0 bytes allocated, 0 used (~0 by thread caches).\n\n"
    );
    assert!(ask(&program, "show pools foo").starts_with("Expects either 'byname', "));
}
