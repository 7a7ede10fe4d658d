//! What HAProxy 3.4 made of responses with `option accept-unsafe-violations-in-http-response`: the input and what it did.

use super::Outcome::{self, Forwarded, Refused, Waiting};
use hapax_wire::h1::ConnectionHeader;

pub const UNSAFE_RESPONSES: &[(&[u8], &[u8], Outcome)] = &[
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 2000 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 65535 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 65536 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 00200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 00200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 20 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"RTSP/1.0 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"ICY 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"ICY 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.10 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.10 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"http/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"FOO 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"FOO 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na b: c\r\nd: e\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\nd: e\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n(: c\x00\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: b\x00c\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\na: b\x00c\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/0.9 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: ,chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked,,chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: ,\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nContent-Length: 15\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na b: c\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: \x00\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: \x00\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
        Refused(502),
    ),
];
