//! Heads to field sections (RFC 9113, section 8.3).

use super::hpack;
use crate::h1::Framing;
use message::uri::Target;
use message::{FieldId, Head, Method};

/// Places of names in the static table of HPACK.
const AUTHORITY: u8 = 1;
const METHOD: u8 = 2;
const PATH: u8 = 4;
const SCHEME: u8 = 6;

/// Fields behind the last colon-name whose place is fixed.
const INDEXED: u8 = 0x80;

/// Appends the field section of a request.
///
/// A target that is only a path leaves without `:authority`, and with `Host` as it stands. With `upgrade`, the protocol
/// that the `Upgrade` field names is asked for by an extended CONNECT (RFC 8441, section 4).
pub fn write_request(head: &Head, upgrade: bool, out: &mut Vec<u8>) {
    let target = Target::parse(head.target());
    let mut authority = target.authority;
    let protocol = head.known(FieldId::Upgrade).filter(|_| upgrade);
    if let Some(protocol) = protocol {
        hpack::write_named(METHOD, b"CONNECT", out);
        hpack::write_field(b":protocol", protocol, out);
        if authority.is_empty() {
            authority = head.known(FieldId::Host).unwrap_or_default();
        }
    } else {
        match head.method() {
            Method::Get => out.push(INDEXED | 2),
            Method::Post => out.push(INDEXED | 3),
            _ => hpack::write_named(METHOD, head.method_text(), out),
        }
    }
    if head.method() == Method::Connect && protocol.is_none() {
        hpack::write_named(AUTHORITY, head.target(), out);
        return write_fields(head, true, out);
    }
    match target.scheme {
        // What came in clear over HTTP/1 has no scheme; HAProxy says this one.
        b"" | b"https" => out.push(INDEXED | 7),
        b"http" => out.push(INDEXED | 6),
        other => hpack::write_named(SCHEME, other, out),
    }
    if !authority.is_empty() {
        hpack::write_named(AUTHORITY, authority, out);
    }
    let star = target.path_and_query.is_none()
        && (head.method() == Method::Options || head.target() == b"*");
    match target.path_and_query {
        Some(b"/") => out.push(INDEXED | 4),
        Some(path) => hpack::write_named(PATH, path, out),
        None if star => hpack::write_named(PATH, b"*", out),
        None => out.push(INDEXED | 4),
    }
    write_fields(head, !authority.is_empty(), out);
}

/// Appends the field section of a response. One that switches protocols says 200 (RFC 8441, section 5).
pub fn write_response(head: &Head, framing: Framing, out: &mut Vec<u8>) {
    let tunnel = framing == Framing::Tunnel;
    let status = match head.status() {
        101 => 200,
        status => status,
    };
    hpack::write_status(status, out);
    for field in head.fields() {
        let dropped = match field.id {
            FieldId::SecWebSocketAccept => tunnel,
            FieldId::ContentLength => {
                tunnel
                    || status == 204
                    || (100..200).contains(&status)
                    || framing == Framing::Chunked
            }
            id => is_of_connection(id),
        };
        if !dropped {
            hpack::write_field(head.slice(field.name), head.slice(field.value), out);
        }
    }
    if let Framing::Length(length) = framing
        && !head.has(FieldId::ContentLength)
    {
        hpack::write_field(b"content-length", length.to_string().as_bytes(), out);
    }
}

/// Appends the field section of trailers.
pub fn write_trailers(trailers: &Head, out: &mut Vec<u8>) {
    for field in trailers.fields() {
        if !is_of_connection(field.id) {
            hpack::write_field(trailers.slice(field.name), trailers.slice(field.value), out);
        }
    }
}

fn write_fields(head: &Head, has_authority: bool, out: &mut Vec<u8>) {
    for field in head.fields() {
        let mut value = head.slice(field.value);
        match field.id {
            FieldId::Host if has_authority => continue,
            FieldId::Te => {
                let trailers = value
                    .split(|&b| b == b',')
                    .any(|item| item.trim_ascii() == b"trailers");
                if !trailers {
                    continue;
                }
                value = b"trailers";
            }
            id if is_of_connection(id) => continue,
            _ => {}
        }
        hpack::write_field(head.slice(field.name), value, out);
    }
}

/// Whether a field means the HTTP/1 connection and has no place in HTTP/2 (RFC 9113, section 8.2.2).
fn is_of_connection(id: FieldId) -> bool {
    matches!(
        id,
        FieldId::Connection
            | FieldId::ProxyConnection
            | FieldId::KeepAlive
            | FieldId::Upgrade
            | FieldId::TransferEncoding
            | FieldId::Http2Settings
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use message::Version;

    fn read(section: &[u8]) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        hpack::Decoder::new(0)
            .decode(section, 10_000, |name, value| {
                fields.push((text(name), text(value)))
            })
            .unwrap();
        fields
    }

    fn request(target: &[u8], method: &[u8], upgrade: bool) -> Vec<(String, String)> {
        let mut head = Head::new();
        head.start_request(method, target, Version::HTTP_11);
        for (name, value) in [
            ("host", "Foo:80"),
            ("te", "gzip, trailers"),
            ("connection", "x-t"),
        ] {
            head.push(name.as_bytes(), value.as_bytes());
        }
        if upgrade {
            head.push(b"upgrade", b"websocket");
        }
        let mut out = Vec::new();
        write_request(&head, upgrade, &mut out);
        read(&out)
    }

    fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
        fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect()
    }

    #[test]
    fn a_path_leaves_with_its_host_field() {
        let found = request(b"/abc", b"GET", false);
        let expected = [
            (":method", "GET"),
            (":scheme", "https"),
            (":path", "/abc"),
            ("host", "Foo:80"),
            ("te", "trailers"),
        ];
        assert_eq!(pairs(&found), expected);
    }

    #[test]
    fn an_absolute_target_is_taken_apart() {
        let found = request(b"http://abs/p", b"HEAD", false);
        let expected = [
            (":method", "HEAD"),
            (":scheme", "http"),
            (":authority", "abs"),
            (":path", "/p"),
            ("te", "trailers"),
        ];
        assert_eq!(pairs(&found), expected);
        let found = request(b"*", b"OPTIONS", false);
        assert_eq!(pairs(&found)[2], (":path", "*"));
        let found = request(b"a:443", b"CONNECT", false);
        assert_eq!(
            pairs(&found)[..2],
            [(":method", "CONNECT"), (":authority", "a:443")]
        );
    }

    #[test]
    fn an_upgrade_becomes_an_extended_connect() {
        let found = request(b"/", b"GET", true);
        let expected = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https"),
            (":authority", "Foo:80"),
            (":path", "/"),
            ("te", "trailers"),
        ];
        assert_eq!(pairs(&found), expected);
    }

    #[test]
    fn responses_lose_what_is_of_the_connection() {
        let mut head = Head::new();
        head.start_response(Version::HTTP_11, 200, b"OK");
        for (name, value) in [("keep-alive", "x"), ("content-length", "2"), ("a", "b")] {
            head.push(name.as_bytes(), value.as_bytes());
        }
        let written = |framing| {
            let mut out = Vec::new();
            write_response(&head, framing, &mut out);
            read(&out)
        };
        let found = written(Framing::Length(2));
        assert_eq!(
            pairs(&found),
            [(":status", "200"), ("content-length", "2"), ("a", "b")]
        );
        let found = written(Framing::Tunnel);
        assert_eq!(pairs(&found), [(":status", "200"), ("a", "b")]);
    }
}
