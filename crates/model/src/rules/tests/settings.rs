//! Variables, addresses and settings of the stream.

use super::*;
use crate::parse::families::proxy::testing::tcp;
use crate::rules::{Mux, RelayHeader};

/// What `http-request` lines did to the stream.
fn done_by(lines: &str) -> Vec<String> {
    let mut fake = Fake::new("GET /path", &["x: 7", "n: -1"]);
    request(lines, &mut fake);
    fake.done
}

#[test]
fn variables_are_set_under_their_conditions() {
    let value = |lines: &str| {
        let lines = format!(
            "http-request set-var(txn.a) str(x)\n{lines}\nhttp-request add-header v \"%[var(txn.a)],%[var(txn.b)]\""
        );
        let mut fake = Fake::new("GET /w4", &[]);
        request(&lines, &mut fake);
        shown(&fake.request)
            .trim_start_matches("v: ")
            .trim_end()
            .to_owned()
    };
    assert_eq!(value("http-request set-var(txn.a) req.hdr(nope)"), "x,");
    assert_eq!(
        value("http-request set-var-fmt(txn.a) \"%[req.hdr(nope)]\""),
        ","
    );
    assert_eq!(
        value("http-request set-var-fmt(txn.a) \"q%[path]\""),
        "q/w4,"
    );
    assert_eq!(
        value(
            "http-request set-var(txn.a,ifempty) str(y)\nhttp-request set-var(txn.a,ifnotset) str(y)"
        ),
        "x,"
    );
    assert_eq!(
        value(
            "http-request set-var(txn.a,ifexists) str(z)\nhttp-request set-var(txn.b,ifexists) str(z)"
        ),
        "z,"
    );
    assert_eq!(
        value("http-request set-var(txn.b,ifnotexists,ifnotempty) str(z)"),
        "x,z"
    );
    assert_eq!(value("http-request unset-var(txn.a)"), ",");
    assert_eq!(
        value("http-request set-var(txn.b) int(5)\nhttp-request set-var(txn.b,iflt) int(3)"),
        "x,5"
    );
    assert_eq!(
        value("http-request set-var(txn.b) int(5)\nhttp-request set-var(txn.b,ifgt) int(3)"),
        "x,3"
    );
}

#[test]
fn addresses_are_rewritten() {
    let mut fake = Fake::new("GET /", &[]);
    let lines = "http-request set-src str(9.8.7.6)\nhttp-request set-src-port int(77)\nhttp-request set-dst str(2001:db8::1)\nhttp-request set-dst-port int(70000)\nhttp-request set-src req.hdr(nope)";
    request(lines, &mut fake);
    assert_eq!(
        (fake.src.to_string(), fake.dst.to_string()),
        ("9.8.7.6:77".into(), "[2001:db8::1]:4464".into())
    );
    fake.src = Endpoint::Unix(Arc::from(&b""[..]));
    request("http-request set-src-port int(77)", &mut fake);
    assert_eq!(fake.src.to_string(), "0.0.0.0:77");
}

#[test]
fn sockets_are_marked() {
    assert_eq!(
        done_by("http-request set-fc-mark 0x10\nhttp-request set-mark 7"),
        ["socket true Mark(16)", "socket true Mark(7)"]
    );
    assert_eq!(
        done_by("http-request set-fc-tos 256\nhttp-request set-tos 0x20"),
        ["socket true Tos(0)", "socket true Tos(32)"]
    );
    assert_eq!(
        done_by("http-request set-bc-mark req.hdr(x)\nhttp-request set-bc-tos 3"),
        ["socket false Mark(7)", "socket false Tos(3)"]
    );
}

#[test]
fn settings_of_the_stream() {
    assert_eq!(
        done_by("http-request set-log-level silent\nhttp-request set-log-level err"),
        ["level None", "level Some(3)"]
    );
    assert_eq!(
        done_by("http-request strict-mode off\nhttp-request disable-l7-retry"),
        ["strict false", "no retry"]
    );
    assert_eq!(
        done_by(
            "http-request set-retries 5\nhttp-request set-retries req.hdr(x)\nhttp-request set-retries req.hdr(n)"
        ),
        ["retries 5", "retries 7"]
    );
    let priorities = done_by(
        "http-request set-priority-class int(5000)\nhttp-request set-priority-offset int(-600000)",
    );
    assert_eq!(
        priorities,
        ["priority Some(2047) None", "priority None Some(-524287)"]
    );
    let timeouts = done_by(
        "http-request set-timeout server 2s\nhttp-request set-timeout client req.hdr(x)\nhttp-request set-timeout tunnel req.hdr(n)",
    );
    assert_eq!(timeouts, ["timeout server 2000", "timeout client 7"]);
    assert_eq!(done_by("http-request do-log"), ["log http-req false"]);
}

#[test]
fn samples_are_captured() {
    let lines = "declare capture request len 4\nhttp-request capture path len 10\nhttp-request capture method id 0\nhttp-request capture req.hdr(nope) id 1";
    assert_eq!(
        done_by(lines),
        ["capture true 1 /path", "capture true 0 GET"]
    );
    let mut fake = Fake::new("GET /", &[]).answered(200, &["a: b"]);
    response(
        "declare capture response len 4\nhttp-response capture res.hdr(a) id 0",
        &mut fake,
    );
    assert_eq!(fake.done, ["capture false 0 b"]);
}

#[test]
fn waiting() {
    let mut fake = Fake::new("GET /", &["x: 30"]);
    assert!(matches!(
        request("http-request pause 50", &mut fake),
        Flow::Wait(50)
    ));
    assert!(matches!(
        request("http-request pause req.hdr(x)", &mut fake),
        Flow::Wait(30)
    ));
    fake.waited = 50;
    assert!(matches!(
        request("http-request pause 50", &mut fake),
        Flow::Continue
    ));

    let line = "http-request wait-for-body time 1s at-least 4";
    fake = Fake::new("POST /", &[]);
    fake.body_complete = false;
    assert!(matches!(request(line, &mut fake), Flow::Wait(1000)));
    fake.body = b"1234".to_vec();
    assert!(matches!(request(line, &mut fake), Flow::Continue));
    assert!(matches!(
        request("http-request wait-for-body time 1s", &mut fake),
        Flow::Wait(1000)
    ));
    fake.waited = 1000;
    let Flow::Reply(reply) = request("http-request wait-for-body time 1s", &mut fake) else {
        panic!("no reply")
    };
    assert_eq!(
        (reply.head.status(), fake.done.as_slice()),
        (408, &["no body Request".to_owned()][..])
    );
}

#[test]
fn rules_of_connections() {
    let lines = "tcp-request connection expect-proxy layer4 if { src 127.0.0.0/8 }\ntcp-request connection expect-netscaler-cip layer4\ntcp-request session accept\ntcp-request content switch-mode http proto h1\ntcp-response content reject\ntcp-request content capture src len 20";
    let outcome = tcp(lines);
    let rules = &outcome.proxy("l").rules;
    let headers: Vec<_> = rules
        .tcp_connection
        .iter()
        .map(|rule| rule.action.expects_relay_header())
        .collect();
    assert_eq!(
        headers,
        [Some(RelayHeader::Proxy), Some(RelayHeader::NetScaler)]
    );
    let mut fake = Fake::new("GET /", &[]);
    assert!(matches!(fake.run(&rules.tcp_connection), Flow::Continue));
    assert!(matches!(fake.run(&rules.tcp_session), Flow::Stop));
    assert!(matches!(
        fake.run(&rules.tcp_content),
        Flow::SwitchToHttp(Some(Mux::H1))
    ));
    assert!(matches!(
        fake.run(&rules.tcp_response),
        Flow::Close(CloseKind::Reject)
    ));
    fake.run(rules.tcp_content.get(1..).expect("a second rule"));
    assert_eq!(fake.done, ["capture true 0 127.0.0.1"]);
    assert_eq!(rules.tcp_content.first().map(|rule| rule.origin.1), Some(9));
}
