//! Where log lines go, in which format, and which are not written.
mod common;

use std::time::Duration;

use common::{FRONT_AND_BACK, http_line, http_logged, program};
use testkit::{Builder, Client, Prefix, Server, Syslog, handlers};

const DEFAULTS: &str = "defaults
  mode http
  log global
  option httplog
  timeout connect 3s
  timeout client 3s
  timeout server 3s
";
const RETURN: &str = "frontend in
  bind {fe}
  http-request return status 200 content-type text/plain string hi
";

fn logged(global: &str, log: &Syslog) -> Builder {
    program()
        .config(&format!(
            "global\n  nbthread 1\n  {global}\n{DEFAULTS}{RETURN}"
        ))
        .log(log)
}

fn line(global: &str) -> String {
    let log = Syslog::udp();
    let program = logged(global, &log).start();
    program.connect("fe").get("/x");
    log.expect("GET /x")
}

#[test]
fn rfc3164_is_the_default() {
    let line = line("log {log} local0");
    assert_eq!(
        Prefix::parse(&line),
        Some(Prefix {
            priority: 134,
            tag: "haproxy".into()
        })
    );
    assert_eq!(line.as_bytes()[8], b' ');
}

#[test]
fn rfc5424_and_iso() {
    let line5424 = line("log {log} format rfc5424 local1");
    assert!(
        line5424.starts_with("<142>1 20")
            && line5424.contains(" haproxy ")
            && line5424.contains(" - - "),
        "{line5424}"
    );
    let iso = line("log {log} format iso local0");
    assert!(
        iso.starts_with("20") && iso.contains("+00:00 127.0.0.1:"),
        "{iso}"
    );
}

#[test]
fn short_priority_timed_raw_local() {
    assert!(line("log {log} format short local0").starts_with("<6>127.0.0.1:"));
    assert!(line("log {log} format priority local0").starts_with("<134>127.0.0.1:"));
    assert!(line("log {log} format timed local0").starts_with("<6>20"));
    assert!(line("log {log} format raw local0").starts_with("127.0.0.1:"));
    let local = line("log {log} format local local0");
    assert!(
        local.starts_with("<134>") && local.contains(" haproxy["),
        "{local}"
    );
}

#[test]
fn facility_and_levels() {
    let log = Syslog::udp();
    let program = logged("log {log} daemon notice", &log).start();
    program.connect("fe").get("/");
    assert!(
        log.find(Duration::from_millis(80), |line| line.contains("GET /"))
            .is_none(),
        "info is below notice"
    );
    assert!(line("log {log} local7 info info").starts_with("<190>"));
    assert!(
        line("log {log} local0 debug notice").starts_with("<134>"),
        "the second level only caps graver ones"
    );
}

#[test]
fn len_cuts_the_line() {
    let log = Syslog::udp();
    let program = logged("log {log} len 100 local0", &log).start();
    program.connect("fe").get(&format!("/{}", "x".repeat(200)));
    assert_eq!(log.wait_lines(1)[0].len(), 99);
}

#[test]
fn tag_and_host() {
    let log = Syslog::udp();
    let program = logged(
        "log {log} local0\n  log-tag mine\n  log-send-hostname box",
        &log,
    )
    .start();
    program.connect("fe").get("/");
    let line = log.expect("GET /");
    assert!(line.contains(" box mine["), "{line}");
}

#[test]
fn to_a_unix_socket() {
    let log = Syslog::unix();
    let program = logged("log {log} local0", &log).start();
    program.connect("fe").get("/x");
    assert!(log.expect("GET /x").starts_with("<134>"));
}

#[test]
fn to_standard_output_and_a_descriptor() {
    for (target, is_out) in [("stdout", true), ("stderr", false), ("fd@2", false)] {
        let program = logged(&format!("log {target} format raw local0"), &Syslog::udp()).start();
        program.connect("fe").get("/x");
        let text = || {
            if is_out {
                program.stdout()
            } else {
                program.stderr()
            }
        };
        assert!(
            testkit::eventually(Duration::from_secs(2), || text().contains("GET /x")),
            "{target}: {}",
            text()
        );
    }
}

#[test]
fn over_tcp_through_a_ring() {
    let log = Syslog::tcp();
    let ring = "ring out\n  format rfc3164\n  maxlen 1200\n  size 32764\n  timeout connect 1s\n  timeout server 3s\n  server s {log}";
    let program = logged("log ring@out local0", &log).config(ring).start();
    program.connect("fe").get("/x");
    assert!(log.expect("GET /x").contains("haproxy["));
}

#[test]
fn relayed_by_log_forward() {
    let log = Syslog::udp();
    let program = logged("log {log} local0\n  stats socket {tmp}/api", &log)
        .config("log-forward relay\n  dgram-bind {in}\n  log {log} format rfc3164 local2")
        .port("in")
        .start();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket
        .send_to(
            b"<13>Feb  6 12:14:14 host app[1]: relayed text",
            program.address("in"),
        )
        .expect("sent");
    let line = log.expect("relayed text");
    assert!(line.contains("app[1]"), "{line}");
    let mut client = Client::unix(program.path("api"));
    client.send("show info\n").shutdown_write();
    let info = client.conn().read_to_end().expect("an answer");
    let info = String::from_utf8_lossy(&info);
    assert!(info.contains("\nCumRecvLogs: 1\n"), "{info}");
}

fn with(options: &str, log: &Syslog, server: &Server) -> Builder {
    http_logged(log)
        .config(options)
        .config(FRONT_AND_BACK)
        .server("s1", server)
}

#[test]
fn dontlognull_skips_empty_connections() {
    let (log, server) = (Syslog::udp(), Server::start(handlers::says("ok")));
    let program = with("  option dontlognull", &log, &server).start();
    drop(program.connect("fe"));
    program.connect("fe").get("/");
    log.expect("GET /");
    assert_eq!(log.lines().len(), 1);
}

#[test]
fn dontlog_normal_keeps_errors() {
    let (log, server) = (
        Syslog::udp(),
        Server::start(handlers::by_path(&[("/ok", &handlers::ok("ok"))])),
    );
    let program = with("  option dontlog-normal", &log, &server).start();
    program.connect("fe").get("/ok");
    let bad = "GET / HTTP/1.1\r\nbad header: x\r\n\r\n";
    assert_eq!(program.connect("fe").send(bad).response().status(), 400);
    log.expect("<BADREQ>");
    assert_eq!(log.lines().len(), 1);
}

#[test]
fn log_separate_errors_raises_the_level() {
    let (log, server) = (Syslog::udp(), Server::start(handlers::once("")));
    let program = with("  option log-separate-errors\n  retries 0", &log, &server).start();
    program.connect("fe").get("/");
    assert!(log.expect("GET /").starts_with("<131>"));
}

#[test]
fn logasap_logs_at_the_head() {
    let (log, server) = (
        Syslog::udp(),
        Server::start(handlers::stall_after(
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        )),
    );
    let program = with("  option logasap", &log, &server).start();
    let mut client = program.connect("fe");
    client
        .send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .read_until(b"abc");
    let line = log.expect("GET /");
    assert!(line.contains("/+") && line.contains(" 200 +"), "{line}");
}

#[test]
fn captures_of_headers_and_cookies() {
    let (log, server) = (
        Syslog::udp(),
        Server::start(handlers::fixed(
            "HTTP/1.1 200 OK\r\nServer: x\r\nSet-Cookie: sid=abc; path=/\r\nContent-Length: 0\r\n\r\n",
        )),
    );
    let program = http_logged(&log)
        .config(
            "frontend in
  bind {fe}
  capture request header Host len 10
  capture request header X-None len 5
  capture response header Server len 5
  capture cookie sid= len 20
  default_backend back
backend back
  server s1 {s1}",
        )
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client
        .send("GET / HTTP/1.1\r\nHost: www.example.com\r\nCookie: a=b; sid=def\r\n\r\n")
        .response();
    let line = http_line(&log);
    assert_eq!(line.captures, ["www.exampl|", "x"]);
    assert_eq!(
        (line.request_cookie.as_str(), line.response_cookie.as_str()),
        ("sid=def", "sid=abc")
    );
}

fn formatted(format: &str) -> String {
    let (log, server) = (Syslog::udp(), Server::start(handlers::says("ok")));
    let config = format!(
        "global\n  nbthread 1\n  log {{log}} format raw local0\n{DEFAULTS}frontend in\n  bind {{fe}}\n  unique-id-format id%rt\n  {format}\n  default_backend back\nbackend back\n  server s1 {{s1}}"
    );
    let program = program()
        .config(&config)
        .server("s1", &server)
        .log(&log)
        .start();
    program
        .connect("fe")
        .send("GET /p?q=\"1 HTTP/1.1\r\nHost: a\r\nX-Q: a\"b]\r\n\r\n")
        .response();
    log.wait_lines(1).remove(0)
}

#[test]
fn log_format_aliases_and_expressions() {
    assert_eq!(
        formatted("log-format \"%HM %HP %HQ %HV %ST %ts %b/%s %ci %f\""),
        "GET /p ?q=#221 HTTP/1.1 200 -- back/s1 127.0.0.1 in"
    );
    assert_eq!(
        formatted("log-format \"%ID %[fe_name,upper] %% %rc\""),
        "id0 IN % 0"
    );
    assert_eq!(
        formatted("log-format \"%{+Q}HM %{+Q}[fe_name]\""),
        "\"GET\" \"in\""
    );
    assert_eq!(
        formatted("log-format \"%{+X}ci %[var(txn.none)] %{+M}o%[var(txn.none)]\""),
        "7F000001 - -"
    );
}

#[test]
fn log_format_json() {
    let line = formatted(
        "log-format \"%{+json}o %(status)ST %(path)HP %(name:str)[fe_name] %(id:sint)[fe_id] %(q)HQ\"",
    );
    assert_eq!(
        line,
        "{\"status\": 200, \"path\": \"/p\", \"name\": \"in\", \"id\": 2, \"q\": \"?q=#221\"}"
    );
}

#[test]
fn clf() {
    let line = formatted("option httplog clf");
    assert!(
        line.starts_with("127.0.0.1 - - [") && line.contains("\"GET /p?q="),
        "{line}"
    );
}

#[test]
fn error_log_format_for_broken_connections() {
    let (log, server) = (Syslog::udp(), Server::start(handlers::says("ok")));
    let program = http_logged(&log)
        .config("frontend in\n  bind {fe} accept-proxy\n  error-log-format \"error %ci %[fc_err] %[fc_err_str]\"\n  default_backend back\nbackend back\n  server s1 {s1}")
        .server("s1", &server)
        .start();
    program
        .connect("fe")
        .send("no proxy header\r\n\r\n")
        .expect_closed();
    let line = log.expect("error 127.0.0.1");
    assert!(line.ends_with("PROXY protocol header"), "{line}");
}

#[test]
fn a_rule_logs_by_the_profile_it_names() {
    let log = Syslog::udp();
    let program = program()
        .config(
            "log-profile brief
  log-tag briefly
  on http-req format \"met %HU\"
global
  nbthread 1
  log {log} format raw local0
defaults
  mode http
  log global
  timeout client 3s
frontend in
  bind {fe}
  log-format \"over %HU %ST\"
  http-request do-log profile brief if { path /met }
  http-request do-log if { path /own }
  http-request return status 200
",
        )
        .log(&log)
        .start();
    program.connect("fe").get("/met");
    assert_eq!(log.expect("met ").trim_end(), "met /met");
    log.expect("over /met 200");
    program.connect("fe").get("/own");
    log.expect("over /own -1");
    log.expect("over /own 200");
    assert_eq!(log.lines().len(), 4);
}

#[test]
fn a_forwarder_that_cannot_listen_is_named_at_the_start() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = taken.local_addr().expect("an address");
    let told = program()
        .config(&format!(
            "log-forward relay\n  dgram-bind {address}\n  log stdout format raw local0\n{DEFAULTS}{RETURN}"
        ))
        .try_start()
        .expect_err("no start");
    let wanted = format!(
        "for frontend relay: protocol udp4: cannot bind socket (Address already in use) for [{address}]."
    );
    assert!(told.stderr.contains(&wanted), "{}", told.stderr);
}

#[test]
fn messages_with_one_key_go_to_one_server() {
    let (zero, one) = (Syslog::udp(), Syslog::udp());
    let program = program()
        .config(
            "global
  nbthread 1
defaults
  timeout client 20s
  timeout connect 20s
  timeout server 20s
frontend in
  mode http
  bind {fe}
  log backend@l format raw local0
  log-format \"%HU done\"
  http-request return status 200
backend l
  mode log
  balance log-hash 'field(2,/),field(1, )'
  hash-type map-based none
  server s1 udp@{zero}
  server s2 udp@{one}
",
        )
        .set("zero", zero.target())
        .set("one", one.target())
        .start();
    for path in ["/0", "/1", "/1", "/0", "/1", "/2"] {
        program.connect("fe").get(path);
    }
    let told = |log: &Syslog| -> Vec<String> {
        let lines = log.wait_lines(3);
        lines
            .iter()
            .map(|line| line.trim_end().to_owned())
            .collect()
    };
    assert_eq!(told(&zero), ["/0 done", "/0 done", "/2 done"]);
    assert_eq!(told(&one), ["/1 done"; 3]);
}

#[test]
fn a_connection_without_a_request_has_the_date_of_its_accept() {
    let log = Syslog::udp();
    let program = logged("log {log} local0", &log).start();
    drop(program.connect("fe"));
    let line = log.expect("<BADREQ>");
    assert!(line.contains("/20") && !line.contains("/1970:"), "{line}");
}
