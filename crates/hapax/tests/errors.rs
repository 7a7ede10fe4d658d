//! What the proxy answers by itself: built-in pages, error files, error locations, `http-errors` sections.
mod common;

use common::{FRONT_AND_BACK, http};
use testkit::Refused;

const DENY: &str = "frontend in
  bind {fe}
  http-request deny deny_status 403 if { path /403 }
  http-request deny deny_status 429 if { path /429 }
  default_backend back
backend back
  retries 0
  server s1 {s1}
";

const PAGE: &str = "HTTP/1.1 503 Own page\r\nContent-Type: text/plain\r\nX-Mine: 1\r\n\r\nsorry\n";

#[test]
fn built_in_pages() {
    let refused = Refused::new();
    let program = http().config(DENY).set("s1", refused.address).start();
    let mut client = program.connect("fe");
    client.send("GET /403 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let page = "HTTP/1.1 403 Forbidden\r\ncontent-length: 93\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n\
                connection: close\r\n\r\n<html><body><h1>403 Forbidden</h1>\n\
                Request forbidden by administrative rules.\n</body></html>\n";
    assert_eq!(String::from_utf8_lossy(&client.read_to_end()), page);
    let mut client = program.connect("fe");
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let page = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 107\r\ncache-control: no-cache\r\n\
                content-type: text/html\r\nconnection: close\r\n\r\n<html><body><h1>503 Service Unavailable</h1>\n\
                No server is available to handle this request.\n</body></html>\n";
    assert_eq!(String::from_utf8_lossy(&client.read_to_end()), page);
}

#[test]
fn every_status_has_its_page() {
    let codes = [
        200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503,
        504,
    ];
    let rules: String = codes
        .iter()
        .map(|code| format!("  http-request deny deny_status {code} if {{ path /{code} }}\n"))
        .collect();
    let program = http()
        .config(&format!("frontend in\n  bind {{fe}}\n{rules}"))
        .start();
    for code in codes {
        let answer = program.connect("fe").get(&format!("/{code}"));
        assert_eq!(answer.status(), code);
        assert!(
            answer.text().contains(&format!("<h1>{code} ")) || code == 200,
            "{}",
            answer.text()
        );
    }
}

#[test]
fn errorfile_is_sent_as_it_is() {
    let refused = Refused::new();
    let program = http()
        .config("  errorfile 503 {tmp}/503.http")
        .config(DENY)
        .file("503.http", PAGE)
        .set("s1", refused.address)
        .start();
    let answer = program.connect("fe").get("/");
    assert_eq!(
        (answer.start.as_str(), answer.header("x-mine")),
        ("HTTP/1.1 503 Own page", Some("1"))
    );
    assert_eq!(
        (answer.text().as_str(), answer.header("content-length")),
        ("sorry\n", None)
    );
    assert_eq!(program.connect("fe").get("/403").header("x-mine"), None);
}

#[test]
fn errorfile_of_nothing_closes_in_silence() {
    let program = http()
        .config("  errorfile 403 /dev/null")
        .config(DENY)
        .set("s1", "127.0.0.1:1")
        .start();
    let mut client = program.connect("fe");
    client
        .send("GET /403 HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect_eof();
}

#[test]
fn errorloc_redirects() {
    for (keyword, status) in [
        ("errorloc", 302),
        ("errorloc302", 302),
        ("errorloc303", 303),
    ] {
        let program = http()
            .config(&format!("  {keyword} 403 http://sorry/page"))
            .config(DENY)
            .set("s1", "127.0.0.1:1")
            .start();
        let answer = program.connect("fe").get("/403");
        assert_eq!(
            (answer.status(), answer.header("location")),
            (status, Some("http://sorry/page"))
        );
    }
}

#[test]
fn errorfiles_take_from_a_section() {
    let program = http()
        .config("  errorfiles mine 403")
        .config(DENY)
        .config("http-errors mine\n  errorfile 403 {tmp}/page\n  errorfile 429 {tmp}/page")
        .file("page", PAGE)
        .set("s1", "127.0.0.1:1")
        .start();
    assert_eq!(
        program.connect("fe").get("/403").header("x-mine"),
        Some("1")
    );
    assert_eq!(program.connect("fe").get("/429").header("x-mine"), None);
}

#[test]
fn http_error_writes_an_answer_in_place() {
    let program = http()
        .config("  http-error status 403 content-type text/plain string \"no %[path]\" hdr x-mine %[src]")
        .config(DENY)
        .set("s1", "127.0.0.1:1")
        .start();
    let answer = program.connect("fe").get("/403");
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (403, "no %[path]")
    );
    assert_eq!(
        (answer.header("x-mine"), answer.header("content-type")),
        (Some("127.0.0.1"), Some("text/plain"))
    );
}

#[test]
fn an_error_keeps_the_connection_where_it_can() {
    let refused = Refused::new();
    let program = http()
        .config("  retries 0")
        .config(FRONT_AND_BACK)
        .set("s1", refused.address)
        .start();
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").status(), 503);
    assert_eq!(client.get("/").status(), 503);
}

#[test]
fn head_gets_an_error_without_a_body() {
    let program = http().config(DENY).set("s1", "127.0.0.1:1").start();
    let mut client = program.connect("fe");
    client.send("HEAD /403 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = String::from_utf8_lossy(&client.read_to_end()).into_owned();
    assert!(
        answer.starts_with("HTTP/1.1 403 Forbidden\r\n") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}
