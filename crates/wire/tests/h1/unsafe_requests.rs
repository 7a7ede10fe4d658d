//! What HAProxy 3.4 made of requests with `option accept-unsafe-violations-in-http-request`: the input and what it did.

use super::Outcome::{self, Forwarded, Refused, Waiting};
use hapax_wire::h1::ConnectionHeader;

pub const UNSAFE_REQUESTS: &[(&[u8], Outcome)] = &[
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na : b\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na\t: b\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
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
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na(: c\r\nd: e\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\nd: e\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na\x80: c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na\x00: c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n(: c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na\r: c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n a: b\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\x00c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b\x00c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: \x00\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: \x00\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\rc\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na: b\r\n c\x00d\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\na: b   c\x00d\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n(a: chunked\r\n b: c\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\n\x00\x01: d\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na(\r\nb: c\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\na:b\r\na b\r\nc:d\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\n(a: b\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n a: b\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\x01",
        Waiting,
    ),
    (
        b"GET /\x80\xff HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET /\x80\xff HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
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
        b"GET /a#b HTTP/1.1\r\n\r\n",
        Forwarded { head: b"GET /a#b HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET #b HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET foo HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET * HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET /\r\n",
        Forwarded { head: b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET /\n",
        Forwarded { head: b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / \r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"POST /\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET /\r\nHost: a\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"HEAD /\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / RTSP/1.0\r\n\r\n",
        Forwarded { head: b"GET / RTSP/1.0\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.10\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.10\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/10.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/10.1\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/01.01\r\n\r\n",
        Forwarded { head: b"GET / HTTP/01.01\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/.1\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / FOO/1.1\r\n\r\n",
        Forwarded { head: b"GET / FOO/1.1\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / FOO\r\n\r\n",
        Forwarded { head: b"GET / FOO\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1.1\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / HTTP/1.1x\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / http/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/2.0\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.A\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"G(T / HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/0.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/0.1\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET / RTSP/2.0\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / RTSP/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTPS/1.1\r\n\r\n",
        Forwarded { head: b"GET / HTTPS/1.1\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::Close, open: false },
    ),
    (
        b"GET http://h/ HTTP/1.1\r\nHost: g\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: g\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80/ HTTP/1.1\r\nHost: g:80\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: g\r\nHost: h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nHost: g h\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET http://h HTTP/1.1\r\nHost: g\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h?a HTTP/1.1\r\nHost: g\r\n\r\n",
        Forwarded { head: b"GET http://h?a/ HTTP/1.1\r\nhost: h?a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h HTTP/1.1\r\nHost: g\r\n\r\n",
        Forwarded { head: b"CONNECT h HTTP/1.1\r\nhost: g\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: g:80\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: g:80\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT /a HTTP/1.1\r\nHost: g\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h: HTTP/1.1\r\nHost: g\r\n\r\n",
        Forwarded { head: b"CONNECT h: HTTP/1.1\r\nhost: g\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET foo:bar HTTP/1.1\r\n\r\n",
        Refused(400),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        Forwarded { head: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nSec-Websocket-Key: eQb7yrzTUzGBlzcgRkCLlA==\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nHost: g\r\nHost: h\r\nHost: i\r\n\r\n",
        Refused(400),
    ),
    (
        b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET http://h:80/ HTTP/1.1\r\nHost: h\r\n\r\n",
        Forwarded { head: b"GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,6\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhello",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
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
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        Refused(400),
    ),
];
