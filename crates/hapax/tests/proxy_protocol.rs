//! The PROXY protocol (proxy-protocol.txt), received and sent, versions 1 and 2.
mod common;

use common::{http, tcp};
use testkit::{Conn, Server, handlers};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A version 2 header: command, family, the rest.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    out.extend_from_slice(&[0x20 | command, family]);
    out.extend_from_slice(&u16::try_from(rest.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(rest);
    out
}

const FROM_10: &[u8] = &[10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 80];
const SHOW: &str = "listen in
  bind {fe} accept-proxy
  http-request return status 200 content-type text/plain lf-string \"%[src]:%[src_port] %[dst]:%[dst_port]\"
";

fn shown(header: &[u8]) -> String {
    let program = http().config(SHOW).start();
    let mut client = program.connect("fe");
    client.send([header, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
    client.response().text()
}

#[test]
fn version_1_is_believed() {
    assert_eq!(
        shown(b"PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\n"),
        "10.0.0.1:12345 10.0.0.2:80"
    );
    assert_eq!(
        shown(b"PROXY TCP6 ::1 2001:db8::2 1 2\r\n"),
        "::1:1 2001:db8::2:2"
    );
    assert!(shown(b"PROXY UNKNOWN\r\n").starts_with("127.0.0.1:"));
}

#[test]
fn version_2_is_believed() {
    assert_eq!(shown(&v2(1, 0x11, FROM_10)), "10.0.0.1:12345 10.0.0.2:80");
    let tlv = [FROM_10, &[0x04, 0, 3, 1, 2, 3]].concat();
    assert_eq!(shown(&v2(1, 0x11, &tlv)), "10.0.0.1:12345 10.0.0.2:80");
    assert!(shown(&v2(0, 0, &[])).starts_with("127.0.0.1:"));
}

#[test]
fn bad_headers_end_the_connection() {
    let program = http().config(SHOW).start();
    let bad = [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"PROXY TCP4 10.0.0.1 10.0.0.2 12345\r\n".to_vec(),
        b"PROXY TCP5 10.0.0.1 10.0.0.2 1 2\r\n".to_vec(),
        v2(5, 0x11, FROM_10),
        v2(1, 0x11, &FROM_10[..6]),
    ];
    for header in bad {
        let mut client = program.connect("fe");
        client.send(&header).expect_closed();
        assert_eq!(client.received(), b"", "{header:?}");
    }
}

#[test]
fn a_header_in_pieces_is_refused() {
    let program = http().config(SHOW).start();
    let mut client = program.connect("fe");
    let header = "PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    // The proxy may have closed before the last piece.
    let _ = client
        .conn()
        .send_slowly(header, 5, std::time::Duration::from_millis(4));
    client.expect_closed();
    assert_eq!(client.received(), b"");
}

#[test]
fn expect_proxy_by_rule() {
    let program = http()
        .config(
            "listen in
  bind {fe}
  tcp-request connection expect-proxy layer4 if { src 127.0.0.0/8 }
  http-request return status 200 content-type text/plain lf-string \"%[src]\"
",
        )
        .start();
    let mut client = program.connect("fe");
    client.send("PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().text(), "10.0.0.1");
}

#[test]
fn version_1_is_sent() {
    let server = Server::start(|conn: &mut Conn, _| {
        conn.read_until(b"\r\n")?;
        handlers::says("ok")(conn, 0)
    });
    let program = http()
        .config("listen in\n  bind {fe}\n  server s1 {s1} send-proxy")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    assert_eq!(client.get("/").text(), "ok");
    let (from, to) = (client.local().expect("tcp"), client.peer().expect("tcp"));
    let line = format!(
        "PROXY TCP4 127.0.0.1 127.0.0.1 {} {}\r\nGET / ",
        from.port(),
        to.port()
    );
    assert!(server.text(0).starts_with(&line), "{}", server.text(0));
}

#[test]
fn version_2_is_sent() {
    let server = Server::start(handlers::silent());
    let program = tcp()
        .config("listen in\n  bind {fe}\n  server s1 {s1} send-proxy-v2")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("hello");
    server.wait_received(0, "hello");
    let (from, to) = (
        client.local().expect("tcp").port(),
        client.peer().expect("tcp").port(),
    );
    let mut addresses = vec![127, 0, 0, 1, 127, 0, 0, 1];
    addresses.extend_from_slice(&from.to_be_bytes());
    addresses.extend_from_slice(&to.to_be_bytes());
    assert_eq!(
        server.received(0),
        [v2(1, 0x11, &addresses).as_slice(), b"hello"].concat()
    );
}

#[test]
fn version_2_with_options() {
    let server = Server::start(handlers::silent());
    let program = tcp()
        .config("listen in\n  bind {fe}\n  unique-id-format xyz\n  server s1 {s1} send-proxy-v2 proxy-v2-options unique-id,crc32c set-proxy-v2-tlv-fmt(0xE1) v%[src_port]")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("hello");
    server.wait_received(0, "hello");
    let received = server.received(0);
    let tlvs = &received[28..received.len() - 5];
    let custom = format!("v{}", client.local().expect("tcp").port());
    assert!(
        tlvs.windows(6)
            .any(|part| part == [5, 0, 3, b'x', b'y', b'z']),
        "{tlvs:?}"
    );
    assert!(tlvs.windows(3).any(|part| part == [3, 0, 4]), "{tlvs:?}");
    assert!(
        tlvs.windows(custom.len())
            .any(|part| part == custom.as_bytes()),
        "{tlvs:?}"
    );
}

#[test]
fn what_was_received_is_sent_on() {
    let server = Server::start(handlers::silent());
    let program = tcp()
        .config("listen in\n  bind {fe} accept-proxy\n  server s1 {s1} send-proxy")
        .server("s1", &server)
        .start();
    let mut client = program.connect("fe");
    client.send("PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\nhello");
    server.wait_received(0, "hello");
    assert_eq!(
        server.text(0),
        "PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\nhello"
    );
}

/// What a header says of TLS, in the order of HAProxy 3.4.0, for a client with TLS 1.3 and for one without any.
#[test]
fn tls_is_told_of() {
    let dir = tempfile::tempdir().expect("a directory");
    let pem = common::certificates::certificate(dir.path(), "a.pem", &["a.example"]);
    let server = Server::start(|conn, _| {
        conn.read_until(b"\r\n\r\n\0\r\nQUIT\n")?;
        conn.read_until(b"\r\n\r\n")?;
        conn.send(handlers::ok("ok"))
    });
    let program = http()
        .config(&format!(
            "listen plain
  bind {{fe}}
  server s1 {{s1}} send-proxy-v2-ssl
listen outer
  bind {{outer}}
  server in {{inner}} ssl verify none sni str(a.example) crt {pem} alpn http/1.1 ciphersuites TLS_AES_128_GCM_SHA256
listen inner
  bind {{inner}} ssl crt {pem} ca-file {pem} verify optional alpn http/1.1
  server s1 {{s1}} send-proxy-v2 proxy-v2-options ssl,cert-cn,cert-key,cert-sig,ssl-cipher,authority
"
        ))
        .server("s1", &server)
        .start();
    // Signature, command, family, length and addresses come first.
    let extensions = |number: usize| {
        let received = server.received(number);
        let length = usize::from(u16::from_be_bytes([received[14], received[15]]));
        received[28..16 + length].to_vec()
    };
    assert_eq!(program.connect("fe").get("/").status(), 200);
    assert_eq!(extensions(0), b"\x20\0\x05\0\0\0\0\0");
    assert_eq!(program.connect("outer").get("/").status(), 200);
    let part = |kind: u8, value: &[u8]| {
        let length = u8::try_from(value.len()).expect("a short value");
        [&[kind, 0, length], value].concat()
    };
    let facts = [
        vec![7, 0, 0, 0, 0],
        part(0x21, b"TLSv1.3"),
        part(0x22, b"rcgen self signed cert"),
        part(0x25, b"EC256"),
        part(0x24, b"ecdsa-with-SHA256"),
        part(0x23, b"TLS_AES_128_GCM_SHA256"),
    ];
    let expected = [
        part(0x01, b"http/1.1"),
        part(0x02, b"a.example"),
        part(0x20, &facts.concat()),
    ];
    assert_eq!(
        String::from_utf8_lossy(&extensions(1)),
        String::from_utf8_lossy(&expected.concat())
    );
}
