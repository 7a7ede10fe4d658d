//! What responses of servers HAProxy refuses, and how it repairs the others.
mod common;

use common::{FRONT_AND_BACK, http};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{Conn, End, Server, show};

/// A name, what the server sends, what the client receives; `502` stands for the built-in page.
type Case = (&'static str, &'static [u8], &'static [u8]);

#[rustfmt::skip]
const STRICT: &[Case] = &[
    ("plain", b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 0\r\n\r\n"),
    ("no_reason", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ("odd_reason", b"HTTP/1.1 299 Something  else\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 299 Something  else\r\ncontent-length: 0\r\n\r\n"),
    ("http_10", b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"),
    ("both_lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ("same_length_twice", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na"),
    ("differing_lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"502"),
    ("bad_length", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab", b"502"),
    ("folded", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: a   b\r\ncontent-length: 0\r\n\r\n"),
    ("space_before_colon", b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("bare_lf", b"HTTP/1.1 200 OK\nX: a\nContent-Length: 0\n\n", b"HTTP/1.1 200 OK\r\nx: a\r\ncontent-length: 0\r\n\r\n"),
    ("bare_cr", b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("nul", b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("bad_name", b"HTTP/1.1 200 OK\r\nX(: a\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("no_colon", b"HTTP/1.1 200 OK\r\nXyz\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("not_http", b"hello\r\n\r\n", b"502"),
    ("other_protocol", b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("status_four_digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("status_not_a_number", b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("status_600", b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 600 OK\r\ncontent-length: 0\r\n\r\n"),
    ("status_below_100", b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n"),
    ("chunked_not_last", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", b"502"),
    ("chunked_after_gzip", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"502"),
    ("chunk_size_not_hex", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na\r\n0\r\n\r\n", b"502"),
    ("chunk_extension", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ("trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: v\r\n\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-t: v\r\n\r\n"),
    ("until_close", b"HTTP/1.1 200 OK\r\n\r\nabc", b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc"),
    ("until_close_http_10", b"HTTP/1.0 200 OK\r\n\r\nabc", b"HTTP/1.0 200 OK\r\n\r\nabc"),
    ("no_content_with_length", b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ("not_modified_with_length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n"),
    ("connection_headers", b"HTTP/1.1 200 OK\r\nConnection: x-y, keep-alive\r\nKeep-Alive: 3\r\nX-Y: 1\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nconnection: x-y\r\nkeep-alive: 3\r\nx-y: 1\r\ncontent-length: 0\r\n\r\n"),
    ("connection_close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ("switching_not_asked", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello", b"502"),
    ("early_hints", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ("short_body", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc"),
    ("long_body", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na"),
    ("high_byte_in_value", b"HTTP/1.1 200 OK\r\nX: a\x80b\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: a\x80b\r\ncontent-length: 0\r\n\r\n"),
    ("empty_name", b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n", b"502"),
    ("leading_empty_line", b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ("nothing", b"", b"502"),
];

#[test]
fn responses() {
    check("  retries 0", STRICT);
}

/// What `option accept-unsafe-violations-in-http-response` lets pass.
#[rustfmt::skip]
const LOOSE: &[Case] = &[
];

#[test]
fn unsafe_violations_accepted() {
    check(
        "  retries 0\n  option accept-unsafe-violations-in-http-response",
        LOOSE,
    );
}

fn check(option: &str, cases: &[Case]) {
    let answer = Arc::new(Mutex::new(Vec::new()));
    let known = Arc::clone(&answer);
    let server = Server::start(move |conn: &mut Conn, _| {
        conn.read_request()?;
        let answer: Vec<u8> = known.lock().map(|bytes| bytes.clone()).unwrap_or_default();
        conn.send(answer)
    });
    let program = http()
        .config(option)
        .config(FRONT_AND_BACK)
        .server("s1", &server)
        .start();
    let mut wrong = String::new();
    for (name, response, expected) in cases {
        *answer.lock().expect("not poisoned") = response.to_vec();
        let mut client = program.connect("fe");
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        // A kept-alive connection says nothing more, a closed one ends at once.
        while client.ending(Duration::from_millis(60)) == End::Open && client.received().is_empty()
        {
        }
        let mut received = client.received();
        if received.starts_with(b"HTTP/1.1 502 Bad Gateway\r\n") {
            received = b"502".to_vec();
        }
        if received != *expected {
            wrong.push_str(&format!(
                "{name}: the client received:\n{}\n",
                show(&received)
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
