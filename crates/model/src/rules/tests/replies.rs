//! Answers: `return`, `deny`, `tarpit`, `redirect`, `auth`.

use super::*;

/// The reply of an `http-request` line.
fn reply_to(line: &str, rule: &str) -> String {
    let mut fake = Fake::new(line, &["host: h.x:80"]);
    match request(&format!("http-request {rule}"), &mut fake) {
        Flow::Reply(reply) => shown_reply(&reply),
        other => panic!("{rule}: {other:?}"),
    }
}

fn location_of(line: &str, rule: &str) -> String {
    let reply = reply_to(line, &format!("redirect {rule}"));
    let location = reply
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    location.expect("a location").to_owned()
}

#[test]
fn redirections_have_these_fields_in_this_order() {
    let found = "302 Found\ncontent-length: 0\nlocation: /loc\ncache-control: no-cache\n";
    assert_eq!(
        reply_to("GET /", "redirect location /loc"),
        format!("{found}\n")
    );
    let moved = "301 Moved Permanently\ncontent-length: 0\nlocation: /loc\n\n";
    assert_eq!(reply_to("GET /", "redirect location /loc code 301"), moved);
    let cookies = [
        ("set-cookie SEEN=1", "SEEN=1; path=/;"),
        ("clear-cookie SEEN", "SEEN; path=/; Max-Age=0;"),
        ("clear-cookie SEEN=", "SEEN=; path=/; Max-Age=0;"),
        ("set-cookie-fmt a=%[path]", "a=/rf; path=/;"),
        ("clear-cookie A set-cookie B", "B; path=/;"),
    ];
    for (arguments, cookie) in cookies {
        let expected = format!("{found}set-cookie: {cookie}\n\n");
        assert_eq!(
            reply_to("GET /rf", &format!("redirect location /loc {arguments}")),
            expected
        );
    }
}

#[test]
fn locations_are_made_of_the_request() {
    let cases = [
        (
            "GET /r3/a?b=c",
            "prefix http://x.y/p",
            "http://x.y/p/r3/a?b=c",
        ),
        (
            "GET /r4/a?b=c",
            "prefix http://x.y/p drop-query",
            "http://x.y/p/r4/a",
        ),
        (
            "GET /r5/a?b=c",
            "prefix http://x.y/p drop-query append-slash",
            "http://x.y/p/r5/a/",
        ),
        (
            "GET /r5/a/?b=c",
            "prefix http://x.y/p drop-query append-slash",
            "http://x.y/p/r5/a/",
        ),
        (
            "GET /rh/a?b",
            "prefix http://x.y append-slash",
            "http://x.y/rh/a?b/",
        ),
        (
            "GET /rh/",
            "prefix http://x.y append-slash",
            "http://x.y/rh/",
        ),
        (
            "GET /rk?a=b",
            "prefix http://x.y/p keep-query drop-query",
            "http://x.y/p/rk",
        ),
        ("GET /re?x", "prefix /", "/re?x"),
        ("GET /O?a", "prefix / append-slash", "/O?a/"),
        ("GET /D?a", "prefix http://a/", "http://a//D?a"),
        ("GET /r6/a?b", "scheme https", "https://h.x:80/r6/a?b"),
        ("GET http://q.r/F/a", "scheme https", "https://q.r/F/a"),
        (
            "GET /rl/a?b",
            "scheme https drop-query append-slash",
            "https://h.x:80/rl/a/",
        ),
        (
            "GET /ra?c=d",
            "location /loc?a=b keep-query",
            "/loc?a=b&c=d",
        ),
        ("GET /ra", "location /loc?a=b keep-query", "/loc?a=b"),
        ("GET /rb?c=d", "location /loc keep-query", "/loc?c=d"),
        (
            "GET /rm/a?b",
            "location /loc drop-query append-slash",
            "/loc",
        ),
        ("GET /J?z", "location \"%[req.hdr(x)]\" keep-query", "?z"),
        ("GET /L", "prefix \"%[req.hdr(x)]\" ignore-empty", "/L"),
    ];
    for (line, rule, expected) in cases {
        assert_eq!(location_of(line, rule), expected, "{rule}");
    }
    let mut fake = Fake::new("GET /K?z", &[]);
    let flow = request(
        "http-request redirect location \"%[req.hdr(x)]\" ignore-empty keep-query",
        &mut fake,
    );
    assert!(matches!(flow, Flow::Continue));
}

#[test]
fn the_keyword_of_proxies_takes_its_texts_as_they_are() {
    let outcome = http("redirect location /l%[path] if TRUE");
    let mut fake = Fake::new("GET /a", &[]);
    let Flow::Reply(reply) = fake.run(&outcome.proxy("l").rules.redirects) else {
        panic!("no reply")
    };
    assert_eq!(reply.head.get(b"location"), Some(&b"/l%[path]"[..]));
}

#[test]
fn returned_responses() {
    let cases = [
        ("return", "200 OK\ncontent-length: 0\n\n"),
        ("return status 404", "404 Not Found\ncontent-length: 0\n\n"),
        (
            "return status 200 content-type text/plain string hello hdr X-A b hdr x-b \"%[path]\"",
            "200 OK\nx-a: b\nx-b: /t4\ncontent-length: 5\ncontent-type: text/plain\n\nhello",
        ),
        (
            "return status 201 content-type text/plain lf-string \"p=%[path]\"",
            "201 Created\ncontent-length: 5\ncontent-type: text/plain\n\np=/t4",
        ),
        (
            "return status 444 content-type t string a",
            "444 Client Error\ncontent-length: 1\ncontent-type: t\n\na",
        ),
        (
            "return content-type t string a hdr Foo \"%[req.hdr(nope)]\"",
            "200 OK\ncontent-length: 1\ncontent-type: t\n\na",
        ),
        (
            "return content-type t lf-string \"%[req.hdr(nope)]\"",
            "200 OK\ncontent-length: 0\n\n",
        ),
        (
            "return content-type t string a hdr Date c hdr Date d",
            "200 OK\ndate: c\ndate: d\ncontent-length: 1\ncontent-type: t\n\na",
        ),
        ("return status 404 default-errorfiles", "404 Not Found\n\n"),
    ];
    for (rule, expected) in cases {
        assert_eq!(reply_to("GET /t4", rule), expected, "{rule}");
    }
}

#[test]
fn bodies_come_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let text = file("txt", "file %[path]\n");
    let raw = reply_to("GET /te", &format!("return content-type t file {text}"));
    assert_eq!(
        raw,
        "200 OK\ncontent-length: 13\ncontent-type: t\n\nfile %[path]\n"
    );
    let format = reply_to("GET /tf", &format!("return content-type t lf-file {text}"));
    assert_eq!(
        format,
        "200 OK\ncontent-length: 9\ncontent-type: t\n\nfile /tf\n"
    );
    let page = file(
        "503.http",
        "HTTP/1.0 503 Oops\r\nX-Foo: bar\r\n\r\nerr body\n",
    );
    assert_eq!(
        reply_to("GET /", &format!("return status 503 errorfile {page}")),
        "503 Oops\nx-foo: bar\n\nerr body\n"
    );
    let empty = file("empty", "");
    assert_eq!(
        reply_to("GET /", &format!("return content-type t file {empty}")),
        "200 OK\ncontent-length: 0\n\n"
    );
    let mut fake = Fake::new("GET /", &[]);
    let flow = request(&format!("http-request return errorfile {empty}"), &mut fake);
    assert!(matches!(flow, Flow::Close(CloseKind::Reject)));
}

#[test]
fn pages_of_a_section_that_stands_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("404.http");
    std::fs::write(&path, "HTTP/1.1 404 Nope\r\n\r\nno").expect("written");
    let sections = format!(
        "http-request deny status 404 errorfiles pages\nhttp-errors pages\n errorfile 404 {}",
        path.display()
    );
    let mut fake = Fake::new("GET /", &[]);
    let Flow::Deny(404, Some(reply)) = request(&sections, &mut fake) else {
        panic!("no reply")
    };
    assert_eq!(shown_reply(&reply), "404 Nope\n\nno");
}

#[test]
fn refusals() {
    let run = |rule: &str| {
        request(
            &format!("http-request {rule}"),
            &mut Fake::new("GET /", &[]),
        )
    };
    assert!(matches!(run("deny"), Flow::Deny(403, None)));
    assert!(matches!(run("deny if TRUE"), Flow::Deny(403, None)));
    assert!(matches!(run("deny deny_status 429"), Flow::Deny(429, None)));
    assert!(matches!(run("tarpit"), Flow::Tarpit(500, None)));
    assert!(matches!(
        run("tarpit deny_status 429"),
        Flow::Tarpit(429, None)
    ));
    assert!(matches!(run("reject"), Flow::Close(CloseKind::Reject)));
    assert!(matches!(
        run("silent-drop"),
        Flow::Close(CloseKind::Silent(None))
    ));
    assert!(matches!(run("allow"), Flow::Stop));
    let made = [
        (
            "deny status 404 hdr X-A b",
            404,
            "404 Not Found\nx-a: b\ncontent-length: 0\n\n",
        ),
        ("deny status 200", 200, "200 OK\ncontent-length: 0\n\n"),
        (
            "deny hdr X-A b",
            403,
            "403 Forbidden\nx-a: b\ncontent-length: 0\n\n",
        ),
        (
            "deny status 333",
            333,
            "333 Redirection\ncontent-length: 0\n\n",
        ),
        (
            "deny content-type t string hi",
            403,
            "403 Forbidden\ncontent-length: 2\ncontent-type: t\n\nhi",
        ),
    ];
    for (rule, wanted, text) in made {
        let Flow::Deny(status, Some(reply)) = run(rule) else {
            panic!("{rule}")
        };
        assert_eq!((status, shown_reply(&reply).as_str()), (wanted, text));
    }
    let mut answered = Fake::new("GET /", &[]).answered(200, &[]);
    assert!(matches!(
        response("http-response deny", &mut answered),
        Flow::Deny(502, None)
    ));
}

#[test]
fn asking_for_a_password() {
    let challenge =
        |realm: &str| format!("401 Unauthorized\nwww-authenticate: Basic realm=\"{realm}\"\n\n");
    assert_eq!(reply_to("GET /a1", "auth"), challenge("l"));
    assert_eq!(reply_to("GET /a3", "auth realm \"a b\""), challenge("a b"));
    assert_eq!(reply_to("GET http://a.g/u", "auth"), challenge("l"));
    let mut fake = Fake::new("GET http://a.g/u", &[]);
    fake.is_proxied = true;
    let Flow::Reply(reply) = request("http-request auth", &mut fake) else {
        panic!("no reply")
    };
    let expected = "407 Proxy Authentication Required\nproxy-authenticate: Basic realm=\"l\"\n\n";
    assert_eq!(shown_reply(&reply), expected);
}

#[test]
fn a_response_may_close_the_connection() {
    let mut fake = Fake::new("GET /", &[]);
    let Flow::Reply(reply) = request("http-request return hdr Connection close", &mut fake) else {
        panic!("no reply")
    };
    assert!(reply.close && !reply.head.has(message::FieldId::Connection));
}
