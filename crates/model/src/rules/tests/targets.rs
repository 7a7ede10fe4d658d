//! The request line.

use super::*;

/// The request line that an `http-request` line leaves behind.
fn line_after(line: &str, rule: &str) -> String {
    let mut fake = Fake::new(line, &["host: h.x"]);
    let flow = request(&format!("http-request {rule}"), &mut fake);
    assert!(matches!(flow, Flow::Continue), "{rule}: {flow:?}");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{} {}",
        text(fake.request.method_text()),
        text(fake.request.target())
    )
}

#[test]
fn parts_are_set() {
    let cases = [
        ("GET /m1", "set-method FOO", "FOO /m1"),
        ("GET /p1/a?b", "set-path /x/%[path]", "GET /x//p1/a?b"),
        ("GET /p4?b", "set-path \"/x?q\"", "GET /x?q?b"),
        ("GET /p6?b", "set-pathq \"/x?q\"", "GET /x?q"),
        ("GET /p7?b", "set-pathq /x", "GET /x"),
        (
            "GET http://f.g/p1/a?b",
            "set-path /x/%[path]",
            "GET http://f.g/x//p1/a?b",
        ),
        ("OPTIONS *", "set-path /x", "OPTIONS /x"),
        ("GET /q1?b", "set-query \"%[req.hdr(nope)]\"", "GET /q1?"),
        ("GET /q1", "set-query \"%[req.hdr(nope)]\"", "GET /q1"),
        ("GET /q2?b", "set-query a=b", "GET /q2?a=b"),
        ("GET /q2", "set-query a=b", "GET /q2?a=b"),
        ("GET /q2?", "set-query a=b", "GET /q2?a=b"),
        ("GET /q3?b", "set-query ?a=b", "GET /q3??a=b"),
        ("GET /u1", "set-uri http://a.b/c?d", "GET http://a.b/c?d"),
        ("GET http://a.b/u3", "set-uri /foo", "GET /foo"),
    ];
    for (line, rule, expected) in cases {
        assert_eq!(line_after(line, rule), expected, "{rule}");
    }
}

#[test]
fn parts_are_replaced_where_they_match() {
    let cases = [
        (
            "GET /v1abc?q",
            "replace-path /(.)1(.*) /\\2/\\1",
            "GET /abc/v?q",
        ),
        ("GET /v2", "replace-path nope x", "GET /v2"),
        (
            "GET /v4?a",
            "replace-pathq ([^?]*)(\\?(.*))? \\1/foo\\2",
            "GET /v4/foo?a",
        ),
        (
            "GET http://a.b/v5",
            "replace-uri ^http://(.*) https://\\1",
            "GET https://a.b/v5",
        ),
        ("GET /v6/v6", "replace-uri v(.) \\0\\0", "GET v6v6"),
        (
            "GET http://a.b/v1x?q",
            "replace-path /(.)1(.*) /\\2/\\1",
            "GET http://a.b/x/v?q",
        ),
        ("OPTIONS *", "replace-path .* /x", "OPTIONS *"),
    ];
    for (line, rule, expected) in cases {
        assert_eq!(line_after(line, rule), expected, "{rule}");
    }
}

#[test]
fn the_host_follows_a_complete_target() {
    let mut fake = Fake::new("GET /", &["host: h.x"]);
    request("http-request set-uri http://new.host/x", &mut fake);
    assert_eq!(shown(&fake.request), "host: new.host\n");
}

#[test]
fn targets_are_normalised() {
    let cases = [
        ("GET /a#b", "normalize-uri fragment-encode", "GET /a%23b"),
        ("GET /a#b", "normalize-uri fragment-strip", "GET /a"),
        (
            "GET http://a.b//n3//x?c//d",
            "normalize-uri path-merge-slashes",
            "GET http://a.b/n3/x?c//d",
        ),
        (
            "GET /n4/./a/.",
            "normalize-uri path-strip-dot",
            "GET /n4/a/",
        ),
        (
            "GET /../a/../b",
            "normalize-uri path-strip-dotdot if TRUE",
            "GET /../b",
        ),
        (
            "GET /../a/../b",
            "normalize-uri path-strip-dotdot full",
            "GET /b",
        ),
        (
            "GET /%61",
            "normalize-uri percent-decode-unreserved",
            "GET /a",
        ),
        (
            "GET /%6f",
            "normalize-uri percent-to-uppercase strict",
            "GET /%6F",
        ),
        (
            "GET /nb?c=3&a=1&b=2",
            "normalize-uri query-sort-by-name",
            "GET /nb?a=1&b=2&c=3",
        ),
        ("OPTIONS *", "normalize-uri path-merge-slashes", "OPTIONS *"),
    ];
    for (line, rule, expected) in cases {
        assert_eq!(line_after(line, rule), expected, "{rule}");
    }
    let mut fake = Fake::new("GET /%zz", &[]);
    let flow = request(
        "http-request normalize-uri percent-to-uppercase strict",
        &mut fake,
    );
    assert!(matches!(flow, Flow::Invalid));
}
