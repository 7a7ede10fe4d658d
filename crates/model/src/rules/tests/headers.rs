//! Header fields.

use super::*;

const FIELDS: [&str; 5] = [
    "host: h.x:80",
    "x-1: ab",
    "X-1: b1, cb,b2",
    "x-2: b",
    "y-1: d",
];

/// The fields, but for `host`, that `http-request` lines leave behind.
fn fields_after(lines: &str) -> String {
    let mut fake = Fake::new("GET /p", &FIELDS);
    let flow = request(lines, &mut fake);
    assert!(matches!(flow, Flow::Continue), "{lines}: {flow:?}");
    shown(&fake.request).replacen("host: h.x:80\n", "", 1)
}

#[test]
fn fields_are_added_and_set() {
    let added = fields_after(
        "http-request add-header X-A \"%[req.hdr(nope)]\"\nhttp-request add-header Foo \"a %[path]\"",
    );
    assert_eq!(
        added,
        "x-1: ab\nx-1: b1, cb,b2\nx-2: b\ny-1: d\nx-a: \nfoo: a /p\n"
    );
    assert_eq!(
        fields_after("http-request set-header X-1 \"%[req.hdr(x-1)],z\""),
        "x-2: b\ny-1: d\nx-1: b2,z\n"
    );
}

#[test]
fn fields_are_removed_by_name() {
    assert_eq!(
        fields_after("http-request del-header x- -m beg"),
        "y-1: d\n"
    );
    assert_eq!(
        fields_after("http-request del-header X-1"),
        "x-2: b\ny-1: d\n"
    );
    assert_eq!(
        fields_after("http-request del-header ^x-.*1$ -m reg"),
        "x-2: b\ny-1: d\n"
    );
    assert_eq!(fields_after("http-request del-header 1 -m end"), "x-2: b\n");
    assert_eq!(
        fields_after("http-request del-header -1 -m sub"),
        "x-2: b\n"
    );
    assert_eq!(
        fields_after("http-request del-header X-1 -m str"),
        "x-2: b\ny-1: d\n"
    );
}

#[test]
fn values_are_replaced_where_they_match() {
    let replaced = fields_after("http-request replace-header x-1 (.)b \"[\\1]%[path]\\0\\2\"");
    assert_eq!(replaced, "x-1: [a]/pab\nx-1: [c]/pcb\nx-2: b\ny-1: d\n");
    assert_eq!(
        fields_after("http-request replace-header X-1 B Q"),
        "x-1: ab\nx-1: b1, cb,b2\nx-2: b\ny-1: d\n"
    );
    let items = fields_after("http-request replace-value X-1 \"b(.)\" \"[\\1]\"");
    assert_eq!(items, "x-1: ab\nx-1: [1], cb,[2]\nx-2: b\ny-1: d\n");
}

#[test]
fn items_keep_the_space_in_front_of_them() {
    let cases = [
        ("1a2, b", "a.*b", "1a2, b"),
        ("1ab2 , b", "a.*b", "z, b"),
        ("a,,b, c", "^$", "a,z,b, c"),
    ];
    for (value, pattern, expected) in cases {
        let mut fake = Fake::new("GET /", &[&format!("v: {value}")]);
        request(
            &format!("http-request replace-value v {pattern} z"),
            &mut fake,
        );
        assert_eq!(shown(&fake.request), format!("v: {expected}\n"));
    }
}

#[test]
fn the_length_of_the_body_is_no_business_of_rules() {
    for line in ["set-header content-length 5", "add-header Content-Length 3"] {
        let mut fake = Fake::new("POST /", &["content-length: 0"]);
        assert!(matches!(
            request(&format!("http-request {line}"), &mut fake),
            Flow::Failed
        ));
        assert_eq!(shown(&fake.request), "content-length: 0\n");
    }
    let mut fake = Fake::new("POST /", &["content-length: 3"]);
    let line = "http-request replace-header content-length 3 4";
    assert!(matches!(request(line, &mut fake), Flow::Failed));
    let line = "http-request set-header content-length 3";
    assert!(matches!(request(line, &mut fake), Flow::Continue));
    assert_eq!(shown(&fake.request), "content-length: 3\n");
    let mut fake = Fake::new("GET /", &["v: a"]);
    assert!(
        matches!(
            request("http-request replace-header v a 'z\\x4'", &mut fake),
            Flow::Failed
        ),
        "half a character"
    );
}

#[test]
fn a_head_stays_within_its_limit() {
    let mut fake = Fake::new("GET /", &[]);
    fake.limit = 80;
    assert!(matches!(
        request("http-request set-header a b", &mut fake),
        Flow::Continue
    ));
    let long = "c".repeat(40);
    assert!(matches!(
        request(&format!("http-request set-header a {long}"), &mut fake),
        Flow::Failed
    ));
    assert!(matches!(
        request(&format!("http-request set-path /{long}"), &mut fake),
        Flow::Failed
    ));
    assert_eq!(
        (shown(&fake.request).as_str(), fake.request.target()),
        ("", &b"/"[..]),
        "the field that was to be replaced is gone, as in HAProxy"
    );
}

#[test]
fn the_host_and_a_complete_target_agree() {
    let mut fake = Fake::new("GET http://a.g/h", &["host: a.g"]);
    request("http-request set-header Host new.h", &mut fake);
    assert_eq!(fake.request.target(), b"http://new.h/h");
    let mut fake = Fake::new("GET http://a.g/g?q", &["host: a.g"]);
    request(
        "http-request replace-header Host (.*)\\.g \\1.hh",
        &mut fake,
    );
    assert_eq!(
        (fake.request.target(), shown(&fake.request).as_str()),
        (&b"http://a.hh/g?q"[..], "host: a.hh\n")
    );
}

#[test]
fn responses_have_fields_and_a_status() {
    let mut fake = Fake::new("GET /", &[]).answered(200, &["server: x", "a: 1"]);
    response(
        "http-response set-header Server y\nhttp-response del-header a\nhttp-response set-status 404",
        &mut fake,
    );
    let head = fake.response.clone().expect("a response");
    assert_eq!(
        (head.status(), head.reason(), shown(&head).as_str()),
        (404, &b"Not Found"[..], "server: y\n")
    );
    response("http-response set-status 799", &mut fake);
    response(
        "http-response set-status 503 reason \"Slow Down\"",
        &mut fake,
    );
    let head = fake.response.expect("a response");
    assert_eq!((head.status(), head.reason()), (503, &b"Slow Down"[..]));
}

#[test]
fn rules_after_the_response_see_the_response() {
    let mut fake = Fake::new("GET /", &[]).answered(200, &["cache-control: max-age=3600, public"]);
    let outcome = http(
        "http-after-response replace-value Cache-control ^public$ private\nhttp-after-response allow",
    );
    assert!(matches!(
        fake.run(&outcome.proxy("l").rules.http_after_response),
        Flow::Stop
    ));
    assert_eq!(
        shown(&fake.response.expect("a response")),
        "cache-control: max-age=3600,private\n"
    );
}

#[test]
fn interim_responses_are_joined_when_nothing_lies_between() {
    let lines = "http-request early-hint A a\nhttp-request early-hint B \"%[req.hdr(nope)]\"\nhttp-request early-hint C c if FALSE\nhttp-request early-hint D d if TRUE";
    let mut fake = Fake::new("GET /", &[]);
    request(lines, &mut fake);
    assert_eq!(fake.done, ["interim 103 a=a,b=", "interim 103 d=d"]);
}

#[test]
fn fields_in_binary_form() {
    // Names and values behind their lengths; an empty field ends the list.
    let expr = "bin(03782d3102616203782d310263640000)";
    let run = |line: &str| {
        let mut fake = Fake::new("GET /", &["x-1: old", "y: 1"]);
        request(&line.replace("EXPR", expr), &mut fake);
        shown(&fake.request)
    };
    assert_eq!(
        run("http-request add-headers-bin EXPR"),
        "x-1: old\ny: 1\nx-1: ab\nx-1: cd\n"
    );
    assert_eq!(run("http-request set-headers-bin EXPR"), "y: 1\nx-1: cd\n");
    assert_eq!(
        run("http-request set-headers-bin EXPR prefix Y"),
        "x-1: old\ny: 1\n"
    );
    assert_eq!(run("http-request del-headers-bin bin(0179)"), "x-1: old\n");
    assert_eq!(
        run("http-request del-headers-bin bin(02782d) -m beg"),
        "y: 1\n"
    );
}
