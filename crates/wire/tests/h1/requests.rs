//! What HAProxy 3.4 made of requests: the input and what it did.

use super::Outcome::{self, Forwarded, Refused, Waiting};
use hapax_wire::h1::ConnectionHeader;

pub const REQUESTS: &[(&[u8], Outcome)] = &[
    (
        b"GET  / HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1 \r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /  HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / x HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b" GET / HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"\nGET / HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"\rGET / HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"\r\r\n\n\rGET / HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\n\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\nHost: a\n\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\rHost: a\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\r\n",
        Refused(400),
    ),
    (
        b"GET\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\n",
        Refused(400),
    ),
    (
        b"GET \r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/2.0\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/3.0\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.2\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.9\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/0.9\r\n\r\n",
        Forwarded { head: b"GET / HTTP/0.9\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.1x\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.10\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/01.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / http/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/11\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / RTSP/1.0\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/9.9\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / FOO\r\n\r\n",
        Refused(400),
    ),
    (
        b"get / HTTP/1.1\r\n\r\n",
        Forwarded { head: b"get / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n\r\n",
        Forwarded { head: b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"G\x01T / HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"G(T / HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"G:T / HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"\x80 / HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"\x16\x03\x01\x00",
        Refused(400),
    ),
    (
        b"G\x00",
        Refused(400),
    ),
    (
        b"GET /\x01 HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\x7f HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\x80 HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\xff HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\t HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET /#a HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /a?b#a HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\"<>\\^`{|} HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET /\"<>\\^`{|} HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET * HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        Forwarded { head: b"OPTIONS * HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET foo HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET *a HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET ?a HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET foo:bar HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET //foo HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET //foo HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET #foo HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"OPTIONS foo HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET a:80 HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET mailto:a HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET 1http://a HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET ht+tp://a/ HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET ht+tp://a/ HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET urn:a:b HTTP/1.1\r\nHost: x\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET foo://bar/ HTTP/1.1\r\nHost: bar\r\n\r\n",
        Forwarded { head: b"GET foo://bar/ HTTP/1.1\r\nhost: bar\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET foo://bar HTTP/1.1\r\nHost: bar\r\n\r\n",
        Forwarded { head: b"GET foo://bar/ HTTP/1.1\r\nhost: bar\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"G",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\nHo",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\nHo\x01",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHo: \x00",
        Refused(400),
    ),
    (
        b"GET /\x01",
        Refused(400),
    ),
    (
        b"GET / HTTX",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\nContent-length: x\r\n",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\nContent-length: x",
        Waiting,
    ),
    (
        b"GET /",
        Waiting,
    ),
    (
        b"GET / HTTP/2.0\r\n",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na : b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na\t: b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na b: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na(: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na/b: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na\x80: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na\x00: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na;: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na@: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nA!#$%&'*+-.^_`|~1: c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na!#$%&'*+-.^_`|~1: c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n{: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n\":c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na:b\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na:   b  \r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na:\tb\t \t\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na:\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: \r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\r\n c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b   c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\r\n\tc\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b  \tc\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\r\n  \t c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b    \t c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\r\n \r\n c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b      c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: \r\n b\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b \r\n  \r\nx: y\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\r\nx: y\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\t\r\n c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\t   c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n a: b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: \x01\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: \x01\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\x0bc\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\x0bc\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: \x1f\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: \x1f\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: \x7f\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: \x7f\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: \x80\xff\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: \x80\xff\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\x00c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\rc\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\r\r\nc: d\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\nc: d\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\r\nc: d\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\n c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b  c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\n\nc\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\r\n\r\n", connection: ConnectionHeader::None, open: false },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nHOST: A\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\nHost: a\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: A\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nx: 1\r\nX: 2\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\nx: 2\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost:\r\nHost:\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a:80:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a:x\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a:80\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 \r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,5\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 , 5\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,6\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ,5\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5.\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 05\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 000000000000000000000000005\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 05\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length:\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 18446744073709551615\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9223372036854775807\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9223372036854775808\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\tx\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n 6\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n \r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5;a\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nx: y\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,\t5\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,05\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1152921504606846976\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1152921504606846976\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1152921504606846975\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1152921504606846975\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775799\r\n\r\nhello",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9223372036854775799\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED \r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(422),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(422),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(422),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked ,\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunkedx\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked x\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip;q=\"a,chunked\", chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(422),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nx: y\r\nTransfer-Encoding: chunked\r\nz: w\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nx: y\r\ntransfer-encoding: chunked\r\nz: w\r\nexpect: 100-continue\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: trailers, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(422),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip,, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Refused(413),
    ),
    (
        b"GET / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"GET / HTTP/1.0\r\nhost: a\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"HEAD / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Refused(413),
    ),
    (
        b"HEAD / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"HEAD / HTTP/1.0\r\nhost: a\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"DELETE / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Refused(413),
    ),
    (
        b"DELETE / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"DELETE / HTTP/1.0\r\nhost: a\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"OPTIONS / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"OPTIONS / HTTP/1.0\r\nhost: a\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"OPTIONS / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"OPTIONS / HTTP/1.0\r\nhost: a\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"TRACE / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"TRACE / HTTP/1.0\r\nhost: a\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"TRACE / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"TRACE / HTTP/1.0\r\nhost: a\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"PUT / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"PUT / HTTP/1.0\r\nhost: a\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"PUT / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"PUT / HTTP/1.0\r\nhost: a\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"PATCH / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"PATCH / HTTP/1.0\r\nhost: a\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"PATCH / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"PATCH / HTTP/1.0\r\nhost: a\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"HEAD / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"HEAD / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"DELETE / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"DELETE / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"OPTIONS / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"OPTIONS / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"TRACE / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"TRACE / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        Forwarded { head: b"PATCH / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nhello",
        Forwarded { head: b"PATCH / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Refused(413),
    ),
    (
        b"TRACE / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Forwarded { head: b"TRACE / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"TRACE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Forwarded { head: b"TRACE / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.0\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"POST / HTTP/1.1\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: foo\r\nContent-Length: 5\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nexpect: foo\r\ncontent-length: 5\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers;q=0.5\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTE: gzip\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: Trailers\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE:\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTrailer: foo\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\ntrailer: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\nConnection: TE\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nconnection: TE\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers \r\nTE: trailers\r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nte: trailers\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers, \r\n\r\n",
        Forwarded { head: b"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: H\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: H\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h:\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h:\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h:443\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h:8080\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: \r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: g\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h:080\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h?a HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h?a/b HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:80/a HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://h/a HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80/a HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET http://h/a HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80/a HTTP/1.1\r\nHost: h:\r\n\r\n",
        Forwarded { head: b"GET http://h/a HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80/a HTTP/1.1\r\nHost: h:81\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:080/ HTTP/1.1\r\nHost: h:080\r\n\r\n",
        Forwarded { head: b"GET http://h:080/ HTTP/1.1\r\nhost: h:080\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:080/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:080/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:8080/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:8080/ HTTP/1.1\r\nHost: h:8080\r\n\r\n",
        Forwarded { head: b"GET http://h:8080/ HTTP/1.1\r\nhost: h:8080\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:8080/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET https://h:443/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET https://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET https://h:443/ HTTP/1.1\r\nHost: h:443\r\n\r\n",
        Forwarded { head: b"GET https://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET https://h:443/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET https://h:443/ HTTP/1.1\r\nHost: h:\r\n\r\n",
        Forwarded { head: b"GET https://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET https://h/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET https://h/ HTTP/1.1\r\nHost: h:443\r\n\r\n",
        Forwarded { head: b"GET https://h/ HTTP/1.1\r\nhost: h:443\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://u:p@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://u:p@h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://u:p@h/ HTTP/1.1\r\nHost: u:p@h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://u@h:80/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://u@h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://@h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://u@v@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://u@v@h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://u@v@h/ HTTP/1.1\r\nHost: v@h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET HTTP://h:80/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET HTTP://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET hTTp://h:80/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET hTTp://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET foo://h:80/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET foo://h:80/ HTTP/1.1\r\nhost: h:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET foo://h:80/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET ws://h:80/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET ws://h:80/ HTTP/1.1\r\nhost: h:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET ws://h:80/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET wss://h:443/ HTTP/1.1\r\nHost: h:443\r\n\r\n",
        Forwarded { head: b"GET wss://h:443/ HTTP/1.1\r\nhost: h:443\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET wss://h:443/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http:// HTTP/1.1\r\nHost: \r\n\r\n",
        Forwarded { head: b"GET http:/// HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http:// HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http:///a HTTP/1.1\r\nHost: \r\n\r\n",
        Forwarded { head: b"GET http:///a HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://:80/ HTTP/1.1\r\nHost: \r\n\r\n",
        Forwarded { head: b"GET http:/// HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://:80/ HTTP/1.1\r\nHost: :80\r\n\r\n",
        Forwarded { head: b"GET http:/// HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://:80/ HTTP/1.1\r\nHost: :\r\n\r\n",
        Forwarded { head: b"GET http:/// HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://: HTTP/1.1\r\nHost: :80\r\n\r\n",
        Forwarded { head: b"GET http:/// HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://: HTTP/1.1\r\nHost: \r\n\r\n",
        Forwarded { head: b"GET http:/// HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://[::1]/ HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        Forwarded { head: b"GET http://[::1]/ HTTP/1.1\r\nhost: [::1]\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://[::1]/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        Forwarded { head: b"GET http://[::1]/ HTTP/1.1\r\nhost: [::1]:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://[::1]/ HTTP/1.1\r\nHost: ::1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://[::1]:80/ HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        Forwarded { head: b"GET http://[::1]/ HTTP/1.1\r\nhost: [::1]\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://[::1]:80/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        Forwarded { head: b"GET http://[::1]/ HTTP/1.1\r\nhost: [::1]\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
        Forwarded { head: b"GET http://[::1]:8080/ HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:x/ HTTP/1.1\r\nHost: h:x\r\n\r\n",
        Forwarded { head: b"GET http://h:x/ HTTP/1.1\r\nhost: h:x\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:x/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:80:80/ HTTP/1.1\r\nHost: h:80:80\r\n\r\n",
        Forwarded { head: b"GET http://h:80/ HTTP/1.1\r\nhost: h:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80:80/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:80:80/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:99999/ HTTP/1.1\r\nHost: h:99999\r\n\r\n",
        Forwarded { head: b"GET http://h:99999/ HTTP/1.1\r\nhost: h:99999\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:0/ HTTP/1.1\r\nHost: h:0\r\n\r\n",
        Forwarded { head: b"GET http://h:0/ HTTP/1.1\r\nhost: h:0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:0/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:80x/ HTTP/1.1\r\nHost: h:80x\r\n\r\n",
        Forwarded { head: b"GET http://h:80x/ HTTP/1.1\r\nhost: h:80x\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http:/h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http:h HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http: HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET ://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET ht tp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET h-t.t+p1://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET h-t.t+p1://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET ht_tp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /a HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET /a HTTP/1.1\r\nhost: h:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET /a HTTP/1.1\r\nHost: h:443\r\n\r\n",
        Forwarded { head: b"GET /a HTTP/1.1\r\nhost: h:443\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET /a HTTP/1.1\r\nHost: h:\r\n\r\n",
        Forwarded { head: b"GET /a HTTP/1.1\r\nhost: h:\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h,i/ HTTP/1.1\r\nHost: h,i\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h@/ HTTP/1.1\r\nHost: \r\n\r\n",
        Forwarded { head: b"GET http://h@/ HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h@/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h\"/ HTTP/1.1\r\nHost: h\"\r\n\r\n",
        Forwarded { head: b"GET http://h\"/ HTTP/1.1\r\nhost: h\"\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h\\i/ HTTP/1.1\r\nHost: h\\i\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h%41/ HTTP/1.1\r\nHost: h%41\r\n\r\n",
        Forwarded { head: b"GET http://h%41/ HTTP/1.1\r\nhost: h%41\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h%41/ HTTP/1.1\r\nHost: hA\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h;i/ HTTP/1.1\r\nHost: h;i\r\n\r\n",
        Forwarded { head: b"GET http://h;i/ HTTP/1.1\r\nhost: h;i\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h#i/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h/ HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80/ HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: H\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h:80\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h:80\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h:80/a HTTP/1.1\r\nHost: h:80\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET http://h/a HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.0\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET http://H/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://H/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: \r\n\r\n",
        Refused(400),
    ),
    (
        b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"OPTIONS http://h HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"OPTIONS https://h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"OPTIONS https://h HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"OPTIONS http://h?x HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"FOO * HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"FOO * HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h:\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h:\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"CONNECT h:443 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
        Forwarded { head: b"CONNECT h:443 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:8443 HTTP/1.1\r\nHost: h:8443\r\n\r\n",
        Forwarded { head: b"CONNECT h:8443 HTTP/1.1\r\nhost: h:8443\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:8443 HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:8443 HTTP/1.1\r\n\r\n",
        Forwarded { head: b"CONNECT h:8443 HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h: HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h: HTTP/1.1\r\nHost: h:\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT :80 HTTP/1.1\r\nHost: :80\r\n\r\n",
        Forwarded { head: b"CONNECT :80 HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT :80 HTTP/1.1\r\nHost: \r\n\r\n",
        Forwarded { head: b"CONNECT :80 HTTP/1.1\r\nhost: \r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT * HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT http://h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT http://h:80/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:80/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"CONNECT h:80/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80/a HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"CONNECT h:80/a HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT u@h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"CONNECT u@h:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT u@h:80 HTTP/1.1\r\nHost: u@h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        Forwarded { head: b"CONNECT [::1]:80 HTTP/1.1\r\nhost: [::1]\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT [::1] HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:0 HTTP/1.1\r\nHost: h:0\r\n\r\n",
        Forwarded { head: b"CONNECT h:0 HTTP/1.1\r\nhost: h:0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:99999 HTTP/1.1\r\nHost: h:99999\r\n\r\n",
        Forwarded { head: b"CONNECT h:99999 HTTP/1.1\r\nhost: h:99999\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:080 HTTP/1.1\r\nHost: h:080\r\n\r\n",
        Forwarded { head: b"CONNECT h:080 HTTP/1.1\r\nhost: h:080\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:080 HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:65536 HTTP/1.1\r\nHost: h:65536\r\n\r\n",
        Forwarded { head: b"CONNECT h:65536 HTTP/1.1\r\nhost: h:65536\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:8x HTTP/1.1\r\nHost: h:8x\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT a:b:80 HTTP/1.1\r\nHost: a:b:80\r\n\r\n",
        Forwarded { head: b"CONNECT a:b:80 HTTP/1.1\r\nhost: a:b\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: H\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: H\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: g\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80?a HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:00000000080 HTTP/1.1\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:8080 HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:80 HTTP/1.0\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n",
        Refused(502),
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x, chunked\r\n\r\n",
        Refused(422),
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nContent-length: x\r\nF",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nF",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a b\r\nF",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nTransfer-encoding: x\r\nF",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\nTransfer-encoding: chunked,chunked\r\nF",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nTransfer-encoding: x,chunked\r\nF",
        Waiting,
    ),
    (
        b"GET foo HTTP/1.1\r\nF",
        Waiting,
    ),
    (
        b"GET foo ",
        Waiting,
    ),
    (
        b"GET /#a ",
        Refused(400),
    ),
    (
        b"GET /#",
        Refused(400),
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: g\r\nF",
        Waiting,
    ),
    (
        b"CONNECT h HTTP/1.1\r\nF",
        Waiting,
    ),
    (
        b"GET / FOO",
        Waiting,
    ),
    (
        b"GET / FOO\r",
        Waiting,
    ),
    (
        b"GET / FOO\r\n",
        Waiting,
    ),
    (
        b"GET / FOO\n",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\rx",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1 x",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1x",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1x\r",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1x\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1x\r\nF",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1x\r\nFoo: bar\r\n",
        Refused(400),
    ),
    (
        b"GET \n",
        Refused(400),
    ),
    (
        b"GET\n",
        Refused(400),
    ),
    (
        b"(",
        Refused(400),
    ),
    (
        b"GET\t",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\na:b\rx",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\na:b\r\n\rx",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\n\rx",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\n x",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\n\x01",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.0\r\nContent-length: 5\r\nF",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\na\r",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\na ",
        Refused(400),
    ),
    (
        b"GET / \x01",
        Refused(400),
    ),
    (
        b"GET / H\x00",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\x00",
        Refused(400),
    ),
    (
        b"\r\n\x01",
        Refused(400),
    ),
    (
        b"\r",
        Waiting,
    ),
    (
        b"\r\r",
        Refused(400),
    ),
    (
        b"\n\n",
        Waiting,
    ),
    (
        b"\n\r",
        Waiting,
    ),
    (
        b"\r\n\r\nG",
        Waiting,
    ),
    (
        b"GET\x0b/ HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\x0b HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET\t/ HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET /\tHTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\t\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\t\t HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET \t / HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade, foo\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: foo, upgrade , bar\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: foo,bar\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade:\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: HTTP2-Settings\r\nhttp2-settings: AA\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c, foo\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: foo\r\nUpgrade: bar\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: Upgrade\r\nupgrade: foo\r\nupgrade: bar\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo, websocket\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key:\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: close\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nupgrade: foo\r\nconnection: upgrade\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: TLS/1.0\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: TLS/1.0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: close, upgrade\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nConnection: foo\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: foo\r\nUpgrade: bar\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Key: y\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: foo\r\nsec-websocket-key: x\r\nsec-websocket-key: y\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Key: y\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nContent-Length: 0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nTransfer-encoding: chunked\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n0\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        Forwarded { head: b"OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h HTTP/1.1\r\nHost: H\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80/ HTTP/1.1\r\nHost: H:80\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://H:80/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET http://H/ HTTP/1.1\r\nhost: H\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT H:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"CONNECT H:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET foo://h HTTP/1.1\r\nHost: H\r\n\r\n",
        Forwarded { head: b"GET foo://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"OPTIONS http://h HTTP/1.1\r\nHost: H\r\n\r\n",
        Forwarded { head: b"OPTIONS http://h HTTP/1.1\r\nhost: H\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"OPTIONS http://h:80 HTTP/1.1\r\nHost: H\r\n\r\n",
        Forwarded { head: b"OPTIONS http://h HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST * HTTP/1.1\r\nHost: a\r\n\r\n",
        Refused(400),
    ),
    (
        b"OPTIONS */ HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: [\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: ]\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: []\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: []\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a[b]\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: [a b]\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: [a]b:80\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: [::1]:\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: [::1]:\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: [a]]\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: [a[b]\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZ===\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25j!Q==\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAAAA\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: x\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-key: x\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
];
