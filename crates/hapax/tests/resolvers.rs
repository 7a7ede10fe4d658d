//! Name servers: servers that follow their names and SRV records, `do-resolve`, and what the logs and the runtime API tell
//! of it. The log lines are those of HAProxy 3.4.
mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use common::{api::ask, http_logged};
use testkit::{
    Builder, Data, NameServer, Oddity, Program, Reply, Server, Syslog, eventually, handlers,
};

/// How long what must come may take.
const WAIT: Duration = Duration::from_secs(30);

/// Short times, so that every test is over soon, but for the one that a name server has to answer in.
const RESOLVERS: &str = "global
  stats socket {tmp}/admin.sock level admin
resolvers r
  nameserver n1 {ns}
  resolve_retries 2
  timeout resolve 50ms
  timeout retry 1s
  hold nx 200ms
  hold refused 200ms
  hold timeout 200ms
  hold other 200ms
  hold valid 400ms
";

fn with(ns: &NameServer, log: &Syslog, config: &str) -> Builder {
    http_logged(log)
        .set("ns", ns.address())
        .config(RESOLVERS)
        .config(config)
}

/// Address, administrative state, weight, name, port and service of every server, by its name.
fn states(program: &Program) -> Vec<String> {
    let table = ask(program, "show servers state");
    let rows = table.lines().skip(2).filter(|line| !line.is_empty());
    rows.map(|line| {
        let cell: Vec<&str> = line.split(' ').collect();
        let wanted = [3, 4, 6, 7, 17, 18].map(|at| cell[at]);
        wanted.join(" ")
    })
    .collect()
}

#[track_caller]
fn expect_states(program: &Program, expected: &[&str]) {
    let reached = eventually(WAIT, || states(program) == expected);
    assert!(reached, "{:#?}", states(program));
}

/// A second server on the port of the first one, at 127.0.0.2.
fn at_127_0_0_2(port: u16, body: &'static str) {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), port)).expect("the port");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 2048]);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
}

fn body(program: &Program) -> String {
    let response = program.connect("fe").get("/");
    String::from_utf8_lossy(&response.body).into_owned()
}

const FRONT: &str = "frontend f
  bind {fe}
  default_backend b
backend b
";

#[test]
fn a_server_follows_its_name() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    let server = Server::start(handlers::says("one"));
    at_127_0_0_2(server.port(), "two");
    let line = format!(
        "{FRONT}  server s1 a.test:{} resolvers r init-addr none resolve-prefer ipv4",
        server.port()
    );
    ns.set("a.test", Reply::ips(&["127.0.0.1"]));
    let program = with(&ns, &log, &line).start();
    log.expect("b/s1: IP changed from '(none)' to '127.0.0.1' by 'r/n1'.");
    log.expect("Server b/s1 ('a.test') is UP/READY (resolves again).");
    log.expect("Server b/s1 administratively READY thanks to valid DNS answer.");
    assert_eq!(body(&program), "one");
    ns.set("a.test", Reply::ips(&["127.0.0.2"]));
    log.expect("b/s1: IP changed from '127.0.0.1' to '127.0.0.2' by 'r/n1'.");
    assert_eq!(body(&program), "two", "an idle connection leads elsewhere");
    ns.forget("a.test");
    log.expect(
        "Server b/s1 is going DOWN for maintenance (DNS NX status). 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.",
    );
    log.expect("backend b has no server available!");
    assert_eq!(program.connect("fe").get("/").status(), 503);
    assert!(ask(&program, "show stat").contains("MAINT (resolution)"));
    ns.set("a.test", Reply::ips(&["127.0.0.1"]));
    log.expect("b/s1: IP changed from '(none)' to '127.0.0.1' by 'r/n1'.");
    assert!(eventually(WAIT, || body(&program) == "one"));
}

#[test]
fn failures_have_their_causes() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    ns.set("refused.test", Reply::ips(&["127.0.0.1"]));
    ns.set("silent.test", Reply::ips(&["127.0.0.1"]));
    ns.set("failed.test", Reply::ips(&["127.0.0.1"]));
    ns.set("forged.test", Reply::ips(&["127.0.0.1"]));
    let lines = ["refused", "silent", "failed", "forged"].map(|name| {
        format!("  server {name} {name}.test:80 resolvers r init-addr none resolve-prefer ipv4\n")
    });
    let program = with(&ns, &log, &format!("{FRONT}{}", lines.concat())).start();
    for name in ["refused", "silent", "failed", "forged"] {
        log.expect(&format!("Server b/{name} administratively READY"));
    }
    let fine = Reply::ips(&["127.0.0.1"]);
    ns.set("refused.test", Reply::code(5));
    ns.set("silent.test", fine.clone().but(Oddity::Silence));
    ns.set("failed.test", Reply::code(2));
    ns.set("forged.test", fine.but(Oddity::WrongName));
    for (name, cause) in [
        ("refused", "DNS refused status"),
        ("silent", "DNS timeout status"),
        ("failed", "unspecified DNS error"),
        ("forged", "unspecified DNS error"),
    ] {
        log.expect(&format!(
            "Server b/{name} is going DOWN for maintenance ({cause})."
        ));
    }
    drop(program);
}

#[test]
fn addresses_are_shared_out() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    ns.set("a.test", Reply::ips(&["127.0.0.2", "127.0.0.4"]));
    ns.set("six.test", Reply::ips(&["127.0.0.5", "::1"]));
    let options = "resolvers r init-addr none";
    let config = format!(
        "{FRONT}  server-template x 3 a.test:80 {options} resolve-prefer ipv4
backend dup
  server-template d 3 a.test:80 {options} resolve-prefer ipv4 resolve-opts allow-dup-ip
backend near
  server n a.test:80 {options} resolve-prefer ipv4 resolve-net 127.0.0.4/32
  server six six.test:80 {options}
  server four six.test:80 {options} resolve-prefer ipv4
  server none six.test:80 {options} resolve-prefer ipv6 resolve-net 127.0.0.0/8
"
    );
    let program = with(
        &ns,
        &log,
        &format!("global\n dns-accept-family ipv4,ipv6\n{config}"),
    )
    .start();
    expect_states(
        &program,
        &[
            "x1 127.0.0.2 0 1 a.test 80",
            "x2 127.0.0.4 0 1 a.test 80",
            "x3 - 32 1 a.test 80",
            "d1 127.0.0.2 0 1 a.test 80",
            "d2 127.0.0.4 0 1 a.test 80",
            "d3 127.0.0.2 0 1 a.test 80",
            "n 127.0.0.4 0 1 a.test 80",
            "six ::1 0 1 six.test 80",
            "four 127.0.0.5 0 1 six.test 80",
            "none - 32 1 six.test 80",
        ],
    );
}

const SERVICE: &str = "_http._tcp.svc.test";

#[test]
fn services_fill_templates() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    let servers = [
        Server::start(handlers::says("n1")),
        Server::start(handlers::says("n2")),
    ];
    let [p1, p2] = [servers[0].port(), servers[1].port()];
    let places = [(10, p1, "n1.test"), (600, p2, "n2.test")];
    ns.set(
        SERVICE,
        Reply::services(&places).with("n2.test", "127.0.0.1"),
    );
    ns.set("n1.test", Reply::ips(&["127.0.0.1"]));
    let config = format!(
        "{FRONT}  balance roundrobin\n  server-template s 3 {SERVICE} resolvers r init-addr none resolve-prefer ipv4"
    );
    let program = with(&ns, &log, &config).start();
    let n2 = format!("s1 127.0.0.1 64 3 n2.test {p2}");
    let n1 = format!("s2 127.0.0.1 64 1 n1.test {p1}");
    expect_states(&program, &[&n2, &n1, "s3 - 32 1 - 0"]);
    let by = "by 'DNS additional record'.";
    log.expect(&format!(
        "b/s1: IP changed from '(none)' to '127.0.0.1', port changed from '+0' to '{p2}' {by}"
    ));
    log.expect("b/s1 changed its FQDN from (null) to n2.test by 'SRV record'");
    let bodies: Vec<String> = (0..4).map(|_| body(&program)).collect();
    assert!(
        bodies.contains(&"n1".into()) && bodies.contains(&"n2".into()),
        "{bodies:?}"
    );
    // A record that goes leaves its server without a name; one that comes takes the server that has been free for longest.
    ns.set(
        SERVICE,
        Reply::services(&[(10, p1, "n1.test"), (256, p1, "n3.test")]),
    );
    ns.set("n3.test", Reply::ips(&["127.0.0.1"]));
    log.expect("Server b/s1 is going DOWN for maintenance (entry removed from SRV record).");
    let n3 = format!("s3 127.0.0.1 64 1 n3.test {p1}");
    expect_states(&program, &["s1 - 96 3 - 0", &n1, &n3]);
    ns.forget(SERVICE);
    expect_states(
        &program,
        &["s1 - 96 3 - 0", "s2 - 96 1 - 0", "s3 - 96 1 - 0"],
    );
}

#[test]
fn weights_of_services_may_be_ignored() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    ns.set(
        SERVICE,
        Reply::services(&[(65535, 80, "n1.test")]).with("n1.test", "127.0.0.1"),
    );
    let config = format!(
        "{FRONT}  server s {SERVICE} resolvers r resolve-opts ignore-weight weight 7\nbackend c\n  server s {SERVICE} resolvers r weight 7\n"
    );
    let program = with(&ns, &log, &config).start();
    expect_states(
        &program,
        &[
            "s 127.0.0.1 64 7 n1.test 80",
            "s 127.0.0.1 64 256 n1.test 80",
        ],
    );
}

const ASKING: &str = "frontend f
  bind {fe}
  http-request do-resolve(txn.a,r,ipv4) hdr(host),host_only
  http-request return status 200 content-type text/plain lf-string [%[var(txn.a)]]
";

fn resolved(program: &Program, host: &str) -> String {
    let mut client = program.connect("fe");
    client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    String::from_utf8_lossy(&client.response().body).into_owned()
}

#[test]
fn rules_ask_for_addresses() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    ns.set("a.test", Reply::ips(&["127.0.0.2", "127.0.0.3"]));
    ns.set("six.test", Reply::ips(&["::1"]));
    let alias = Reply {
        records: vec![Data::Alias("a.test".into())],
        ..Reply::default()
    };
    ns.set("alias.test", alias.clone());
    ns.set(
        "dangling.test",
        Reply {
            records: vec![Data::Alias("nothing.test".into())],
            ..Reply::default()
        },
    );
    ns.set("long.test", Reply::ips(&["127.0.0.9"]).but(Oddity::TooLong));
    for (host, oddity) in [
        ("id.test", Oddity::WrongId),
        ("name.test", Oddity::WrongName),
        ("cut.test", Oddity::Cut(40)),
        ("silent.test", Oddity::Silence),
    ] {
        ns.set(host, Reply::ips(&["127.0.0.9"]).but(oddity));
    }
    let lasting = "resolvers lasting\n  nameserver n1 {ns}\n  resolve_retries 2\n  timeout retry 1s\n  hold valid 1h\n";
    let asking = ASKING.replace("(txn.a,r,", "(txn.a,lasting,");
    let program = with(&ns, &log, &format!("{lasting}{asking}")).start();
    // Addresses take turns, and an answer is used for a while.
    assert_eq!(resolved(&program, "a.test"), "[127.0.0.2]");
    assert_eq!(resolved(&program, "A.test:80"), "[127.0.0.3]");
    assert_eq!(resolved(&program, "alias.test"), "[127.0.0.2]");
    assert_eq!(resolved(&program, "six.test"), "[::1]");
    assert_eq!(resolved(&program, "long.test"), "[127.0.0.9]");
    let hosts = [
        "id.test",
        "name.test",
        "cut.test",
        "silent.test",
        "nx.test",
        "dangling.test",
        "a..b",
        "",
    ];
    std::thread::scope(|scope| {
        let asked = hosts.map(|host| {
            let program = &program;
            (host, scope.spawn(move || resolved(program, host)))
        });
        for (host, answer) in asked {
            assert_eq!(answer.join().expect("an answer"), "[]", "{host}");
        }
    });
    let asked = ns.asked();
    let count = |question: &str| asked.iter().filter(|asked| *asked == question).count();
    assert_eq!(count("udp a.test A"), 1, "{asked:?}");
    assert_eq!(
        (count("udp six.test A"), count("udp six.test AAAA")),
        (1, 1),
        "{asked:?}"
    );
    assert_eq!(
        (count("udp long.test A"), count("tcp long.test A")),
        (1, 1),
        "{asked:?}"
    );
    assert_eq!(
        (count("udp nx.test A"), count("udp nx.test AAAA")),
        (2, 2),
        "{asked:?}"
    );
    assert_eq!(
        (count("udp silent.test A"), count("udp silent.test AAAA")),
        (2, 0),
        "{asked:?}"
    );
}

#[test]
fn old_answers_are_not_used_again() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    ns.set("a.test", Reply::ips(&["127.0.0.2"]));
    let program = with(&ns, &log, ASKING).start();
    assert_eq!(resolved(&program, "a.test"), "[127.0.0.2]");
    ns.set("a.test", Reply::ips(&["127.0.0.7"]));
    let renewed = || resolved(&program, "a.test") == "[127.0.0.7]";
    assert!(eventually(WAIT, renewed));
}

#[test]
fn content_rules_choose_the_destination() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    let server = Server::start(handlers::says("found"));
    ns.set("a.test", Reply::ips(&["127.0.0.1"]));
    let config = format!(
        "listen t
  mode tcp
  bind {{fe}}
  tcp-request inspect-delay 3s
  tcp-request content do-resolve(sess.a,r,ipv4) req.hdr(host) if HTTP
  tcp-request content set-dst var(sess.a)
  tcp-request content set-dst-port int({})
  server s 0.0.0.0:0
",
        server.port()
    );
    let program = with(&ns, &log, &config).start();
    let mut client = program.connect("fe");
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(client.response().body, b"found");
}

#[test]
fn content_rules_see_what_came_with_the_connection() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    let server = Server::start(handlers::says("found"));
    ns.set("a.test", Reply::ips(&["127.0.0.1"]));
    let config = format!(
        "listen t
  mode tcp
  bind {{fe}}
  tcp-request inspect-delay 3s
  tcp-request content do-resolve(sess.a,r,ipv4) req.payload(5,6)
  tcp-request content reject unless {{ var(sess.a) -m found }}
  tcp-request content set-dst var(sess.a)
  tcp-request content set-dst-port int({})
  server s 0.0.0.0:0
",
        server.port()
    );
    let program = with(&ns, &log, &config).start();
    // Bytes may come too late for rules that wait for none.
    let found = eventually(WAIT, || {
        let mut stream = TcpStream::connect(program.address("fe")).expect("a connection");
        let _ = stream.write_all(b"GET /a.test HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let (mut answer, mut room) = (Vec::new(), [0; 512]);
        while !answer.ends_with(b"found")
            && let Ok(n @ 1..) = stream.read(&mut room)
        {
            answer.extend_from_slice(&room[..n]);
        }
        answer.ends_with(b"found")
    });
    assert!(found);
}

#[test]
fn name_servers_may_be_asked_over_tcp() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    ns.set("a.test", Reply::ips(&["127.0.0.2"]));
    let config = ASKING.replace("(txn.a,r,", "(txn.a,t,");
    let config = format!("resolvers t\n  nameserver n tcp@{{ns}} maxconn 1\n{config}");
    let program = with(&ns, &log, &config).start();
    assert_eq!(resolved(&program, "a.test"), "[127.0.0.2]");
    assert_eq!(resolved(&program, "nx.test"), "[]");
    assert!(
        ns.asked().iter().all(|asked| asked.starts_with("tcp ")),
        "{:?}",
        ns.asked()
    );
}

#[test]
fn one_good_answer_is_enough() {
    let (good, bad, log) = (NameServer::start(), NameServer::start(), Syslog::udp());
    good.set("a.test", Reply::ips(&["127.0.0.2"]));
    let config = format!(
        "resolvers two\n  nameserver bad {{bad}}\n  nameserver good {{ns}}\n  hold valid 0\n{}",
        ASKING.replace("(txn.a,r,", "(txn.a,two,")
    );
    let program = with(&good, &log, &config).set("bad", bad.address()).start();
    assert_eq!(resolved(&program, "a.test"), "[127.0.0.2]");
    // The bad answer may come first or too late.
    assert!(eventually(WAIT, || bad.asked() == ["udp a.test A"]));
    let table = ask(&program, "show resolvers two");
    assert!(
        table.starts_with(
            "Resolvers section two\n nameserver bad:\n  sent:        1\n  snd_error:   0\n"
        ),
        "{table}"
    );
    assert!(table.contains("  valid:       1\n"), "{table}");
}

#[test]
fn commands_rename_servers() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    ns.set("a.test", Reply::ips(&["127.0.0.2"]));
    ns.set("b.test", Reply::ips(&["127.0.0.3"]));
    let config = format!(
        "{FRONT}  server plain 127.0.0.1:80
  server s a.test:80 resolvers r resolve-prefer ipv4 init-addr none
  server t 127.0.0.1:80 resolvers r resolve-prefer ipv4
  server u {SERVICE} resolvers r
"
    );
    let program = with(&ns, &log, &config).start();
    log.expect("Server b/s administratively READY");
    let by = "by 'stats socket command'";
    for (command, answer) in [
        (
            "plain fqdn b.test",
            "set server <b>/<s> fqdn failed because no resolution is configured.".to_owned(),
        ),
        (
            "u fqdn b.test",
            "set server <b>/<s> fqdn failed because SRV resolution is configured.".into(),
        ),
        ("s fqdn", "set server <b>/<s> fqdn requires a FQDN.".into()),
        ("s fqdn a..b", format!("could not update b/s FQDN {by}")),
        ("s fqdn a.test", format!("no need to change the FDQN {by}")),
        (
            "s fqdn b.test",
            format!("b/s changed its FQDN from a.test to b.test {by}"),
        ),
        (
            "t fqdn b.test",
            format!("b/t changed its FQDN from (null) to b.test {by}"),
        ),
    ] {
        assert_eq!(
            ask(&program, &format!("set server b/{command}")),
            format!("{answer}\n\n"),
            "{command}"
        );
    }
    log.expect("b/s: IP changed from '127.0.0.2' to '127.0.0.3' by 'r/n1'.");
    log.expect("Server b/t is going DOWN for maintenance (No IP for server ).");
    expect_states(
        &program,
        &[
            "plain 127.0.0.1 0 1 - 80",
            "s 127.0.0.3 64 1 b.test 80",
            "t - 96 1 b.test 80",
            "u - 32 1 - 0",
        ],
    );
    let columns = ask(&program, "show stat domain resolvers");
    assert!(columns.starts_with("# id,pid,sent,send_error,valid,update,cname,cname_error,any_err,nx,timeout,refused,other,invalid,too_big,truncated,outdated,\nn1,r,"), "{columns}");
    assert_eq!(
        ask(&program, "show resolvers x"),
        "Can't find that resolvers section\n\n"
    );
}

#[test]
fn servers_that_follow_others_go_with_them() {
    let (ns, log) = (NameServer::start(), Syslog::udp());
    let server = Server::start(handlers::says("x"));
    let config = format!(
        "{FRONT}  server s1 a.test:{} resolvers r resolve-prefer ipv4 init-addr none check inter 100ms\n  server s2 127.0.0.1:1 track s1\n",
        server.port()
    );
    let program = with(&ns, &log, &config).start();
    assert_eq!(states(&program)[1], "s2 127.0.0.1 2 1 - 1");
    ns.set("a.test", Reply::ips(&["127.0.0.1"]));
    log.expect("Server b/s2 is UP/READY (leaving maintenance).");
    ns.forget("a.test");
    log.expect("Server b/s2 is going DOWN for maintenance (DNS NX status) via b/s1.");
}

/// Both programs give the same addresses and hosts to the same servers.
#[test]
fn the_same_server_gets_the_same_address() {
    let Some(haproxy) = Program::haproxy() else {
        return;
    };
    let run = |builder: Builder| {
        let ns = NameServer::start();
        let ips = [
            "10.0.0.9",
            "10.0.0.1",
            "10.0.0.5",
            "192.168.7.1",
            "10.0.0.2",
            "1.1.1.1",
        ];
        ns.set("many.test", Reply::ips(&ips));
        let hosts = [
            "n1.test",
            "n2.test",
            "n3.test",
            "n4.test",
            "n5.test",
            "abc.example",
        ];
        let places = hosts.map(|host| (300, 80, host));
        let mut services = Reply::services(&places);
        for (at, host) in hosts.iter().enumerate() {
            services = services.with(host, &format!("10.1.0.{at}"));
        }
        ns.set(SERVICE, services);
        let options = "resolvers r init-addr none resolve-prefer ipv4";
        let config = format!(
            "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 3s\n  timeout client 3s\n  timeout server 3s\n{RESOLVERS}{FRONT}  server-template m 6 many.test:80 {options}\nbackend c\n  server-template s 7 {SERVICE} {options}\n"
        );
        let program = builder.set("ns", ns.address()).config(&config).start();
        let settled = || {
            let states = states(&program);
            states
                .iter()
                .filter(|state| state.contains(" - 32 "))
                .count()
                == 1
        };
        assert!(eventually(WAIT, settled), "{:#?}", states(&program));
        states(&program)
    };
    assert_eq!(run(common::program()), run(haproxy));
}
