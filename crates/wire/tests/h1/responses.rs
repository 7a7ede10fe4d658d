//! What HAProxy 3.4 made of responses, after the request in front of each: the input and what it did.

use super::Outcome::{self, Forwarded, Refused, Waiting};
use hapax_wire::h1::ConnectionHeader;

pub const RESPONSES: &[(&[u8], &[u8], Outcome)] = &[
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200  OK \r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK \r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1  200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1\t200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200\tOK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 20 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 099 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 099 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 000 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 000 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 600 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 600 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 999 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 999 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/0.9 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.2 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/3.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1x 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"http/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"ICY 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"FOO 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b" HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 O\x00K\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 O\x00K\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 O\x01K\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 O\x01K\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 O\x80K\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 O\x80K\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 O\rK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 \r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"abc\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 \t OK\t \r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\t \r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 418 I am   a\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 418 I am   a\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\na : b\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n: b\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\na\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\na(: c\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\na\x00: c\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\na: b\x00c\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\na: b\r\n c\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\na: b   c\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n a: b\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nA:  \x01\x80 \r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\na: \x01\x80\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\na: b\rc\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nHost: a b\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nhost: a b\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTE: gzip\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTrailer: x\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntrailer: x\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 03\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3,3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length:\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: +3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: x\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nKeep-Alive: x\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nkeep-alive: x\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nProxy-Connection: x\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nproxy-connection: x\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nExpect: x\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nexpect: x\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: foo\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nupgrade: foo\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: upgrade\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: upgrade\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: upgrade\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nupgrade: websocket\r\nconnection: upgrade\r\nSec-Websocket-Accept: X7sdFi1aZDLMcFz+yURsFmFjwvU=\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nset-cookie: a\r\nset-cookie: b\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close, foo  ,  bar\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo,bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: foo , bar\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo , bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: , ,\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection:\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive,,foo bar,\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: \"close\"\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: \"close\"\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close;q=1\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close;q=1\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: identity\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: ,chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: false },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: false },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 204 X\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 204 X\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 304 X\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 304 X\r\ncontent-length: 3\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 205 X\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 205 X\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 100 X\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 101 X\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 102 X\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 103 X\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 199 X\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 150 X\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 101 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 102 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 102 X\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 199 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 199 X\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 100 X\r\nA: b\r\nTransfer-encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 100 X\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.0 100 X\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.0 100 X\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 204 X\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 304 X\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 204 X\r\nTransfer-Encoding: gzip\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 304 X\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n03\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000003\r\nabc\r\n00\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\t\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0;x\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 ; a=b\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"\x01\"\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\x00\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\x80\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\rx\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"\r\n\"\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\rabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nabc",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n80000000\r\nabc",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\nabc",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nabc",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\nabc",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000000fff\r\nabc",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\nX: y\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: b\r\nx: y\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA : b\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 3\r\nHost: a\r\nTransfer-Encoding: x\r\nConnection: close\r\nTE: x\r\nUpgrade: z\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA:  b  \r\n c\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: b     c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n A: b\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\x00\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\nC: d\n\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: b\r\nc: d\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nabcdefghij\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\nabcdefghij\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabcdefghij\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\nabcdefghij\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 x\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3  ;x\r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b  \r\nabc\r\n0\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3,\r\nabc\r\n0\r\n\r\n",
        Refused(502),
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        Forwarded { head: b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 299 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 299 OK\r\ncontent-length: 3\r\nx: y\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 300 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 300 OK\r\ncontent-length: 3\r\nx: y\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 204 OK\r\nContent-Length: 3\r\nX: y\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 204 OK\r\nx: y\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 404 OK\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 404 OK\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        Forwarded { head: b"HTTP/1.0 200 OK\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 299 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 299 OK\r\nx: y\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 300 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 300 OK\r\ncontent-length: 3\r\nx: y\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 204 OK\r\nContent-Length: 3\r\nX: y\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 204 OK\r\nx: y\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 404 OK\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 404 OK\r\nconnection: close\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 299\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 299 Success\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 299 \r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 299 Success\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 404\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 999 \r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 999 Other\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 2 Other\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 0 \r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 0 Other\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 42 x\r\nContent-Length: 3\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 42 x\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 65535\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 70000\r\nContent-Length: 3\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: foo,,bar\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo,,bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: foo , close\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo \r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: , foo\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: , foo\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: foo ,\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo \r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: foo,, ,bar\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo,, ,bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close,foo , bar\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo,bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: foo , bar, close\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo , bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: Close\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: KEEP-ALIVE\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: foo  bar , close , x y\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo  bar ,x y\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: upgrade, close\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: upgrade\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: foo;\"a,close\"\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: foo;\"a,close\"\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: \"a, close\"\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: \"a, close\"\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: h2c, foo\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nupgrade: foo\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: foo, h2c , bar\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nupgrade: foo,bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: h2\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: H2C\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade:\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: h2c/1\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nupgrade: h2c/1\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: foo,,bar\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nupgrade: foo,,bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: foo\r\nUpgrade: h2c\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nupgrade: foo\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ncontent-length: 3\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nHost: a\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nhost: a\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTransfer-Encoding: x\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nConnection: close\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nconnection: close\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTE: x\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nte: x\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nUpgrade: z\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nupgrade: z\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ntrailer: x\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nKeep-Alive: 3\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nkeep-alive: 3\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 3,3\r\nContent-Length: x\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ntransfer-encoding: chunked\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nHost: a b\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nExpect: x\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nexpect: x\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na:b\r\na:c\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: b\r\na: c\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nHost: a\r\nHost: b\r\n\r\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nConnection: foo\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nconnection: foo\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTE: trailers\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nte: trailers\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3x",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 ",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcx",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\rx",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nfoo\x01",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\rx",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na:b\r\n",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nF",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2x",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2000",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2000 ",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 \r",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1\r",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"FOO ",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"FOO 200 OK\r\n",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"h",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200\rx",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 x",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\nF",
        Waiting,
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 65536",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 100000",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nUpgrade: foo\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: bar\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: bar\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade, close\r\nUpgrade: foo\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: foo\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nabc",
        Refused(502),
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nabc",
        Forwarded { head: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nabc", connection: ConnectionHeader::None, open: true },
    ),
    (
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-length: 0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        Forwarded { head: b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: upgrade\r\nupgrade: websocket\r\nSec-Websocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", connection: ConnectionHeader::None, open: true },
    ),
];
