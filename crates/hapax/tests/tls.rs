//! TLS on both sides: one frontend speaks it to another, through the same program.
mod common;

use common::{certificates::certificate, http, http_logged};
use testkit::{Program, Server, Syslog, handlers};

/// A frontend `fe` that speaks TLS to `tls`, which answers what it knows of the connection.
fn start(bind: &str, server: &str, answer: &str) -> Program {
    http()
        .config(&format!(
            "frontend in
  bind {{fe}}
  default_backend back
backend back
  retries 0
  server s {{tls}} ssl {server}
frontend secure
  bind {{tls}} ssl {bind}
  http-request return status 200 content-type text/plain lf-string \"{answer}\"
"
        ))
        .start()
}

#[test]
fn a_request_goes_through_tls_and_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    let program = start(
        &format!("crt {pem} alpn http/1.1"),
        &format!("verify required ca-file {pem} sni str(a.example) alpn http/1.1"),
        "%[ssl_fc] %sslv %sslc %[ssl_fc_alpn] %[ssl_fc_sni] %[ssl_f_s_dn] %[ssl_fc_crtname,field(-1,/)] %[ssl_fc_curve]",
    );
    let answer = program.connect("fe").get("/");
    assert_eq!(
        answer.text(),
        "1 TLSv1.3 TLS_AES_256_GCM_SHA384 http/1.1 a.example /CN=rcgen self signed cert a.pem X25519"
    );
}

#[test]
fn versions_and_ciphers_can_be_chosen() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    let program = start(
        &format!("crt {pem} ssl-max-ver TLSv1.2 ciphers ECDHE+AES128"),
        "verify none",
        "%sslv %sslc %[ssl_fc_alg_keysize] %[ssl_fc_is_resumed]",
    );
    let answer = |program: &Program| program.connect("fe").get("/").text();
    assert_eq!(
        answer(&program),
        "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 128 0"
    );
    // The next connection takes the session up again.
    assert_eq!(
        answer(&program),
        "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 128 1"
    );
}

#[test]
fn a_server_with_a_wrong_name_is_not_trusted() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    let program = start(
        &format!("crt {pem}"),
        &format!("verify required ca-file {pem} sni str(b.example)"),
        "never",
    );
    assert_eq!(program.connect("fe").get("/").status(), 503);
}

#[test]
fn the_name_asked_for_chooses_the_certificate() {
    let dir = tempfile::tempdir().expect("a directory");
    let one = certificate(dir.path(), "1.pem", &["a.example"]);
    let two = certificate(dir.path(), "2.pem", &["*.b.example"]);
    let list = dir.path().join("list");
    let text = format!("{one}\n{two} [ssl-max-ver TLSv1.2] *.b.example !no.b.example\n");
    std::fs::write(&list, text).expect("written");
    let program = start(
        &format!("crt-list {}", list.display()),
        "verify none sni req.hdr(x-name)",
        "%[ssl_fc_crtname,field(-1,/)] %sslv",
    );
    let ask = |name: &str| {
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\nx-name: {name}\r\n\r\n");
        program.connect("fe").send(&request).response().text()
    };
    assert_eq!(ask("a.example"), "1.pem TLSv1.3");
    assert_eq!(ask("x.b.example"), "2.pem TLSv1.2");
    assert_eq!(ask("no.b.example"), "1.pem TLSv1.3");
    assert_eq!(ask("other"), "1.pem TLSv1.3");
}

#[test]
fn large_bodies_arrive_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    let body: String = (0..200_000u32)
        .map(|n| char::from(b'a' + (n % 23) as u8))
        .collect();
    let server = Server::start(handlers::says(&body));
    let program = http()
        .config(&format!(
            "listen in
  bind {{fe}}
  server s {{tls}} ssl verify none
listen secure
  bind {{tls}} ssl crt {pem}
  server s1 {{s1}}
"
        ))
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    for _ in 0..3 {
        assert!(client.get("/").text() == body);
    }
}

#[test]
fn strangers_are_logged_as_operators_know_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    let log = Syslog::udp();
    let program = http_logged(&log)
        .config(&format!(
            "frontend in\n  bind {{fe}} ssl crt {pem}\n  http-request deny\n"
        ))
        .start();
    let mut client = program.connect("fe");
    client.send("GET / HTTP/1.1\r\n\r\n");
    let line = log.wait_lines(1).remove(0);
    assert!(
        line.ends_with("in/1: SSL handshake failure (error:0A00009C:SSL routines::http request)"),
        "{line}"
    );
}

#[test]
fn clients_show_certificates_where_they_must() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    let own = certificate(dir.path(), "own.pem", &["client"]);
    let bind = format!("crt {pem} ca-file {own} verify required");
    let answer = "%[ssl_c_used] %[ssl_c_verify] %[ssl_c_s_dn(CN)] %[ssl_fc_has_crt]";
    let with = start(&bind, &format!("verify none crt {own}"), answer);
    assert_eq!(
        with.connect("fe").get("/").text(),
        "1 0 rcgen self signed cert 1"
    );
    let without = start(&bind, "verify none", answer);
    assert_ne!(without.connect("fe").get("/").status(), 200);
    let wrong = start(&bind, &format!("verify none crt {pem}"), answer);
    assert_ne!(wrong.connect("fe").get("/").status(), 200);
    let bind = format!("{bind} crt-ignore-err all");
    let forgiven = start(&bind, &format!("verify none crt {pem}"), answer);
    assert_eq!(
        forgiven.connect("fe").get("/").text(),
        "1 18 rcgen self signed cert 1"
    );
}

#[test]
fn websockets_are_carried_by_http1_where_it_is_offered() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = certificate(dir.path(), "a.pem", &["a.example"]);
    for (offered, agreed) in [("h2,http/1.1", "http/1.1"), ("h2", "h2")] {
        let program = http()
            .config(&format!(
                "frontend in
  bind {{fe}}
  default_backend back
backend back
  http-response set-header x-alpn %[ssl_bc_alpn]
  server s {{tls}} ssl verify none alpn {offered}
frontend secure
  bind {{tls}} ssl crt {pem} alpn h2,http/1.1
  http-request return status 200 hdr connection upgrade hdr upgrade websocket hdr sec-websocket-accept %[req.hdr(sec-websocket-key),concat(258EAFA5-E914-47DA-95CA-C5AB0DC85B11,,),sha1,base64] if {{ req.hdr(upgrade) websocket }}
  http-request return status 200
  http-after-response set-status 101 if {{ res.hdr(upgrade) websocket }}
"
            ))
            .start();
        let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let answer = program.connect("fe").send(upgrade).response();
        assert_eq!(answer.start, "HTTP/1.1 101 Switching Protocols");
        assert_eq!(answer.header("x-alpn"), Some(agreed));
        let answer = program.connect("fe").get("/");
        assert_eq!(answer.header("x-alpn"), Some("h2"));
    }
}
