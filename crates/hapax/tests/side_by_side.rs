//! The same configuration and the same bytes through an installed `haproxy` and through hapax: what the client
//! received, how the connection ended, what the server received and what was logged must be the same. Only cases in
//! which old and new versions of HAProxy agree are here.
mod common;

use testkit::side_by_side;

/// A title, what the client sends, what the server answers (nothing: it closes).
type Case = (&'static str, &'static [u8], &'static [u8]);

const DEFAULTS: &str = "global
  nbthread 1
  log {log} local0
defaults
  log global
  option httplog
  mode http
  retries 0
  timeout connect 3s
  timeout client 3s
  timeout server 3s
";

fn compare(rest: &str, cases: &[Case]) {
    side_by_side(common::HAPAX, &format!("{DEFAULTS}{rest}"), |side| {
        for (title, request, answer) in cases {
            side.exchange(title, request, answer);
        }
    });
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CLOSE: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[rustfmt::skip]
const REQUESTS: &[Case] = &[
    ("get", CLOSE, OK),
    ("get kept", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", OK),
    ("http 1.0", b"GET / HTTP/1.0\r\n\r\n", OK),
    ("http 1.0 kept", b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", OK),
    ("post", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", OK),
    ("post chunked", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n", OK),
    ("post with trailers", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n", OK),
    ("head", b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("options", b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("odd method", b"PURGE /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("headers keep order and value", b"GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nA:  2 \r\nB: 3\r\nConnection: close\r\n\r\n", OK),
    ("folded", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n  b\r\nConnection: close\r\n\r\n", OK),
    ("absolute target", b"GET http://a/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("query", b"GET /p?a=b&c=%20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("two lengths alike", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", OK),
    ("te and cl", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", OK),
    ("expect", b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", OK),
    ("upgrade refused", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", OK),
    ("cookie", b"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=d\r\nCookie: e=f\r\nConnection: close\r\n\r\n", OK),
];

#[test]
fn requests() {
    compare(common::FRONT_AND_BACK, REQUESTS);
}

#[rustfmt::skip]
const REFUSED: &[Case] = &[
    ("differing lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", OK),
    ("bad length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", OK),
    ("negative length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", OK),
    ("space before colon", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", OK),
    ("bad name", b"GET / HTTP/1.1\r\nHost: a\r\nX(: a\r\n\r\n", OK),
    ("bare cr", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", OK),
    ("http 0.9", b"GET /\r\n", OK),
    ("version", b"GET / HTTP/1.x\r\nHost: a\r\n\r\n", OK),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", OK),
    ("other authority", b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", OK),
    ("chunked not last", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", OK),
    ("body of a 1.0 get", b"GET / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab", OK),
    ("junk", b"\x16\x03\x01\x00\xff\r\n\r\n", OK),
];

#[test]
fn refused_requests() {
    compare(common::FRONT_AND_BACK, REFUSED);
}

#[rustfmt::skip]
const RESPONSES: &[Case] = &[
    ("empty", CLOSE, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("chunked", CLOSE, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
    ("chunk extension", CLOSE, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\n\r\n"),
    ("trailers", CLOSE, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n"),
    ("until close", CLOSE, b"HTTP/1.1 200 OK\r\n\r\nabc"),
    ("http 1.0", CLOSE, b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"),
    ("no content", CLOSE, b"HTTP/1.1 204 No Content\r\n\r\n"),
    ("not modified", CLOSE, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\nETag: x\r\n\r\n"),
    ("early hints", CLOSE, b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("odd status", CLOSE, b"HTTP/1.1 299 Odd  one\r\nContent-Length: 0\r\n\r\n"),
    ("keep-alive header", CLOSE, b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
    ("server error", CLOSE, b"HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\nx"),
    ("cut body", CLOSE, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart"),
    ("nothing", CLOSE, b""),
    ("not http", CLOSE, b"hello\r\n\r\n"),
    ("bad header", CLOSE, b"HTTP/1.1 200 OK\r\nX y: z\r\nContent-Length: 0\r\n\r\n"),
    ("bad status", CLOSE, b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"),
    ("differing lengths", CLOSE, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("101 not asked for", CLOSE, b"HTTP/1.1 101 Switching\r\nContent-Length: 0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
];

#[test]
fn responses() {
    compare(common::FRONT_AND_BACK, RESPONSES);
}

const RULES: &str = "frontend in
  bind {fe}
  option forwardfor
  monitor-uri /alive
  capture request header Host len 8
  capture response header Server len 8
  http-request deny if { path /deny }
  http-request deny deny_status 429 if { path /429 }
  http-request redirect location /to code 301 if { path /from }
  http-request redirect prefix http://other drop-query if { path_beg /pre }
  http-request redirect scheme https if { path /tls }
  http-request return status 200 content-type text/plain lf-string \"m=%[method] p=%[path]\" if { path /return }
  http-request set-header X-Path %[path,upper] if { path_beg /set }
  http-request add-header X-Add 1 if { path_beg /set }
  http-request del-header X-Del if { path_beg /set }
  http-request replace-header X-Rep (.*)a \\1b if { path_beg /set }
  http-request set-path /new%[path] if { path /set/path }
  http-request set-query q=1 if { path /set/query }
  http-request set-method PUT if { path /set/method }
  http-response set-header X-Status %[status]
  http-response del-header X-Gone
  use_backend none if { path /none }
  default_backend back
backend back
  server s1 {s1}
backend none
  server s2 127.0.0.1:1 disabled
";

#[rustfmt::skip]
const RULED: &[Case] = &[
    ("plain", b"GET /x HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 OK\r\nServer: testing-it\r\nX-Gone: 1\r\nContent-Length: 0\r\n\r\n"),
    ("monitor", b"GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("deny", b"GET /deny HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("deny kept", b"GET /deny HTTP/1.1\r\nHost: a\r\n\r\n", OK),
    ("deny with status", b"GET /429 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("redirect", b"GET /from HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("redirect a post", b"POST /from HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", OK),
    ("redirect prefix", b"GET /pre/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("redirect scheme", b"GET /tls HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("return", b"GET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("set headers", b"GET /set HTTP/1.1\r\nHost: a\r\nX-Del: 1\r\nX-Rep: xa\r\nX-Path: own\r\nConnection: close\r\n\r\n", OK),
    ("set path", b"GET /set/path?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("set query", b"GET /set/query?old HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("set method", b"GET /set/method HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("no server", b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK),
    ("forwarded before", b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nConnection: close\r\n\r\n", OK),
    ("error of the server", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b""),
];

#[test]
fn rules() {
    compare(RULES, RULED);
}

#[test]
fn close_modes() {
    for option in [
        "option httpclose",
        "option http-server-close",
        "option http-keep-alive",
    ] {
        compare(
            &format!("  {option}\n{}", common::FRONT_AND_BACK),
            &[
                ("kept", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", OK),
                ("closed", CLOSE, OK),
            ],
        );
    }
}

#[test]
fn tcp() {
    compare(
        "listen in\n  bind {fe}\n  mode tcp\n  option tcplog\n  server s1 {s1}",
        &[
            (
                "passes as it is",
                b"GET / HTTP/1.1\r\nhOST:a\r\n\r\n",
                b"HTTP/1.1 200 OK\r\n\r\nabc",
            ),
            ("closed", CLOSE, b""),
        ],
    );
}
