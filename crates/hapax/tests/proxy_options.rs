//! `option independent-streams`, `option http-use-proxy-header` and `option checkcache`.
mod common;

use std::time::{Duration, Instant};

use common::{FRONT_AND_BACK, http, http_line, http_logged, tcp_line, tcp_logged};
use testkit::{Program, Server, Syslog, handlers};

/// Longer than any timeout that is to pass here.
const LONG: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

#[test]
fn a_server_that_only_takes_is_idle() {
    let log = Syslog::udp();
    let server = Server::start(handlers::silent());
    let program = http_logged(&log)
        .config(FRONT_AND_BACK)
        .config("  option independent-streams\n  timeout server 500ms\n")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    let end = Instant::now() + LONG;
    // Bytes flow all the time, but only to the server.
    while log.lines().is_empty() && Instant::now() < end {
        if client.conn().send("x").is_err() {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    assert_eq!(http_line(&log).outcome(), "sH-- 504");
}

#[test]
fn a_client_that_only_takes_is_idle() {
    let log = Syslog::udp();
    let server = Server::start(|conn, _| {
        let end = Instant::now() + LONG;
        while Instant::now() < end {
            conn.send("x")?;
            std::thread::sleep(PAUSE);
        }
        Ok(())
    });
    let program = tcp_logged(&log)
        .config(
            "frontend in
  bind {fe}
  option independent-streams
  timeout client 500ms
  default_backend back
backend back
  server s1 {s1}
",
        )
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("hello");
    assert_eq!(tcp_line(&log).state, "cD");
}

const PROXIED: &str = "userlist people
  user bob insecure-password secret
listen in
  bind {fe}
  option http-use-proxy-header
  http-request set-header x-auth %[http_auth_user],%[http_auth_type]
  http-request auth realm in unless { http_auth(people) }
  server s1 {s1}
";

fn asked(program: &Program, request: &str) -> (u16, String, String) {
    let mut client = program.connect("fe");
    let answer = client.send(request).response();
    let field = |name| answer.header(name).unwrap_or_default().to_owned();
    (
        answer.status(),
        field("www-authenticate"),
        field("proxy-authenticate"),
    )
}

#[test]
fn who_takes_this_for_a_proxy_authenticates_as_to_a_proxy() {
    let server = Server::start(handlers::says("ok"));
    let program = http().config(PROXIED).server("s1", &server).start();
    let known = "Basic Ym9iOnNlY3JldA==";
    let challenge = "Basic realm=\"in\"";
    let ok = (200, String::new(), String::new());
    for (target, field, wanted) in [
        ("http://a/", "x", (407, String::new(), challenge.to_owned())),
        (
            "http://a/",
            "Authorization",
            (407, String::new(), challenge.to_owned()),
        ),
        ("http://a/", "Proxy-Authorization", ok.clone()),
        ("/", "x", (401, challenge.to_owned(), String::new())),
        ("/", "Authorization", ok.clone()),
        (
            "/",
            "Proxy-Authorization",
            (401, challenge.to_owned(), String::new()),
        ),
        ("*", "Authorization", ok),
    ] {
        let method = if target == "*" { "OPTIONS" } else { "GET" };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{field}: {known}\r\n\r\n");
        assert_eq!(asked(&program, &request), wanted, "{target} {field}");
    }
    assert!(
        server.text(0).contains("x-auth: bob,Basic"),
        "{}",
        server.text(0)
    );
}

#[test]
fn cookies_that_caches_may_keep_are_refused() {
    let log = Syslog::udp();
    let server = Server::start(handlers::by_path(&[
        ("/kept", b"HTTP/1.1 200 OK\r\nETag: x\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"),
        ("/plain", b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 2\r\n\r\nok"),
        ("/private", b"HTTP/1.1 200 OK\r\nETag: x\r\nSet-Cookie: a=b\r\nCache-Control: private\r\nContent-Length: 2\r\n\r\nok"),
        ("/cleaned", b"HTTP/1.1 200 OK\r\nETag: x\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"),
    ]));
    let program = http_logged(&log)
        .config(FRONT_AND_BACK)
        .config("  option checkcache\n  http-response del-header set-cookie if { capture.req.uri /cleaned }\n")
        .server("s1", &server)
        .start();
    for (path, status) in [
        ("/plain", 200),
        ("/private", 200),
        ("/cleaned", 200),
        ("/kept", 502),
    ] {
        assert_eq!(program.connect("fe").get(path).status(), status, "{path}");
    }
    let alert = log.expect("Blocking cacheable cookie in response from instance back, server s1.");
    assert!(alert.starts_with("<129>"), "local0.alert: {alert}");
    let line = log.expect("GET /kept ");
    assert!(line.contains(" 502 ") && line.contains(" PH-- "), "{line}");
}

#[test]
fn a_cookie_of_our_own_does_not_make_a_response_dangerous() {
    let server = Server::start(handlers::by_path(&[
        (
            "/plain",
            b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 2\r\n\r\nok",
        ),
        (
            "/set",
            b"HTTP/1.1 200 OK\r\nETag: x\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok",
        ),
    ]));
    for (cookie, status) in [("insert", 502), ("insert nocache", 200)] {
        let program = http()
            .config("listen in\n  bind {fe}\n  option checkcache\n  server s1 {s1} cookie one\n")
            .config(&format!("  cookie SRV {cookie}\n"))
            .server("s1", &server)
            .start();
        assert_eq!(program.connect("fe").get("/plain").status(), 200);
        assert_eq!(
            program.connect("fe").get("/set").status(),
            status,
            "{cookie}"
        );
    }
}
