//! Writing message heads and chunks.

use super::{CaseMap, ConnectionHeader, Framing, list, reason};
use message::uri::Target;
use message::{FieldId, Head, Method, Version};

/// The last chunk, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends a request head to `out`.
///
/// `framing` is that of the body as it will be written; `Content-Length` and `Transfer-Encoding` are made to agree with
/// it. Whatever the request came as, it leaves as HTTP/1.1 unless it came as less.
pub fn write_request(
    head: &Head,
    framing: Framing,
    connection: ConnectionHeader,
    cases: Option<&CaseMap>,
    out: &mut Vec<u8>,
) {
    out.reserve(head.wire_len() + SLACK);
    out.extend_from_slice(head.method_text());
    out.push(b' ');
    out.extend_from_slice(written_target(head));
    out.push(b' ');
    write_version(head.version(), out);
    out.extend_from_slice(b"\r\n");
    let plan = Plan {
        length: matches!(framing, Framing::Length(_)) && head.method() != Method::Connect,
        chunked: framing == Framing::Chunked,
    };
    write_fields(head, plan, framing, connection, cases, out);
}

/// The target as it is sent: one that was put together from parts loses what `Host` says.
fn written_target(head: &Head) -> &[u8] {
    if !head.is_assembled() || head.method() == Method::Connect {
        return head.target();
    }
    let target = Target::parse(head.target());
    // Only where HTTP itself is asked for, `Host` says the rest.
    let is_http = [&b"http"[..], b"https"]
        .iter()
        .any(|known| target.scheme.eq_ignore_ascii_case(known));
    if !is_http {
        return head.target();
    }
    match target.path_and_query {
        Some(path) => path,
        None if head.method() == Method::Options => b"*",
        None => head.target(),
    }
}

/// Appends a response head to `out`.
///
/// As with [`write_request`]; a response without a body for the sake of its request or its status 304 keeps the framing
/// fields that tell what the body would have been, and one without a reason gets the usual one.
pub fn write_response(
    head: &Head,
    framing: Framing,
    connection: ConnectionHeader,
    cases: Option<&CaseMap>,
    out: &mut Vec<u8>,
) {
    out.reserve(head.wire_len() + SLACK);
    write_version(head.version(), out);
    out.push(b' ');
    let status = head.status();
    write_status(status, out);
    out.push(b' ');
    if head.reason().is_empty() {
        out.extend_from_slice(reason(status).as_bytes());
    } else {
        out.extend_from_slice(head.reason());
    }
    out.extend_from_slice(b"\r\n");
    let bodyless = framing == Framing::None && status != 204 && !(100..200).contains(&status);
    let plan = Plan {
        length: matches!(framing, Framing::Length(_)) || bodyless,
        chunked: framing == Framing::Chunked || bodyless && head.has(FieldId::TransferEncoding),
    };
    write_fields(head, plan, framing, connection, cases, out);
}

/// What the start line, the added headers and the final empty line take beyond [`Head::wire_len`].
const SLACK: usize = 96;

/// Which framing fields a head is written with.
#[derive(Clone, Copy)]
struct Plan {
    length: bool,
    chunked: bool,
}

fn write_version(version: Version, out: &mut Vec<u8>) {
    if version >= Version::HTTP_11 {
        out.extend_from_slice(b"HTTP/1.1");
        return;
    }
    out.extend_from_slice(b"HTTP/");
    out.push(b'0' + version.major.min(9));
    out.push(b'.');
    out.push(b'0' + version.minor.min(9));
}

fn write_status(status: u16, out: &mut Vec<u8>) {
    let digit = |n: u16| b'0' + (n % 10) as u8;
    if status > 9999 {
        out.push(digit(status / 10000));
    }
    if status > 999 {
        out.push(digit(status / 1000));
    }
    out.extend_from_slice(&[digit(status / 100), digit(status / 10), digit(status)]);
}

fn write_fields(
    head: &Head,
    plan: Plan,
    framing: Framing,
    connection: ConnectionHeader,
    cases: Option<&CaseMap>,
    out: &mut Vec<u8>,
) {
    let (mut length, mut chunked) = (plan.length, plan.chunked);
    for field in head.fields() {
        let mut value = head.slice(field.value);
        match field.id {
            FieldId::ContentLength if !plan.length => continue,
            FieldId::ContentLength => length = false,
            FieldId::TransferEncoding if !chunked => continue,
            FieldId::TransferEncoding => (chunked, value) = (false, b"chunked"),
            // Other transfer codings are between the peer and this proxy.
            FieldId::Te if !list::items(value).any(|item| item == b"trailers") => continue,
            FieldId::Te => value = b"trailers",
            _ => {}
        }
        write_field(head.slice(field.name), value, cases, out);
    }
    match framing {
        Framing::Chunked if chunked => write_field(b"transfer-encoding", b"chunked", cases, out),
        Framing::Length(bytes) if length => {
            let name = cases.map_or(&b"content-length"[..], |c| c.adjust(b"content-length"));
            out.extend_from_slice(name);
            out.extend_from_slice(b": ");
            write_decimal(bytes, out);
            out.extend_from_slice(b"\r\n");
        }
        _ => {}
    }
    match connection {
        ConnectionHeader::None => {}
        ConnectionHeader::Close => write_field(b"connection", b"close", cases, out),
        ConnectionHeader::KeepAlive => write_field(b"connection", b"keep-alive", cases, out),
    }
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn write_field(name: &[u8], value: &[u8], cases: Option<&CaseMap>, out: &mut Vec<u8>) {
    let name = cases.map_or(name, |cases| cases.adjust(name));
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_decimal(mut number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// Appends the line that opens a chunk of `len` bytes. The data must be followed by CR LF.
pub fn write_chunk_header(len: u64, out: &mut Vec<u8>) {
    let digits = (64 - len.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (len >> (4 * place)) as usize & 15;
        out.push(b"0123456789ABCDEF"[digit]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the last chunk and the fields of `trailers` behind it.
pub fn write_trailers(trailers: &Head, cases: Option<&CaseMap>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.iter() {
        write_field(name, value, cases, out);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn chunk_headers_are_upper_case_hexadecimal() {
        for (len, line) in [
            (0, "0\r\n"),
            (10, "A\r\n"),
            (0x1000, "1000\r\n"),
            (u64::MAX, "FFFFFFFFFFFFFFFF\r\n"),
        ] {
            assert_eq!(text(|out| write_chunk_header(len, out)), line);
        }
    }

    #[test]
    fn framing_fields_always_agree_with_the_framing() {
        let mut head = Head::new();
        head.start_request(b"POST", b"/", Version::HTTP_2);
        head.push(b"content-length", b"3");
        head.push(b"transfer-encoding", b"Chunked");
        let write =
            |framing| text(|out| write_request(&head, framing, ConnectionHeader::None, None, out));
        assert_eq!(
            write(Framing::Chunked),
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        assert_eq!(
            write(Framing::Length(3)),
            "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n"
        );
        assert_eq!(write(Framing::None), "POST / HTTP/1.1\r\n\r\n");
        head.remove(b"content-length");
        let added = text(|out| {
            write_request(
                &head,
                Framing::Length(40),
                ConnectionHeader::Close,
                None,
                out,
            );
        });
        assert_eq!(
            added,
            "POST / HTTP/1.1\r\ncontent-length: 40\r\nconnection: close\r\n\r\n"
        );
    }

    #[test]
    fn names_are_written_in_the_case_that_was_asked_for() {
        let mut cases = CaseMap::new();
        assert_eq!(cases.insert(b"x-a", b"X-A"), Ok(()));
        assert_eq!(cases.insert(b"connection", b"Connection"), Ok(()));
        let mut head = Head::new();
        head.start_response(Version::HTTP_11, 299, b"");
        head.push(b"X-a", b"1");
        head.push(b"X-b", b"2");
        let written = text(|out| {
            write_response(
                &head,
                Framing::UntilClose,
                ConnectionHeader::Close,
                Some(&cases),
                out,
            );
        });
        assert_eq!(
            written,
            "HTTP/1.1 299 Success\r\nX-A: 1\r\nx-b: 2\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn an_assembled_target_is_sent_as_a_path() {
        for (method, target, sent) in [
            (&b"GET"[..], &b"https://ex.com/a?b"[..], "GET /a?b HTTP/1.1"),
            (b"OPTIONS", b"http://ex.com", "OPTIONS * HTTP/1.1"),
            (b"CONNECT", b"ex.com:443", "CONNECT ex.com:443 HTTP/1.1"),
            (b"GET", b"/x", "GET /x HTTP/1.1"),
        ] {
            let mut head = Head::new();
            head.start_request(method, target, Version::HTTP_2);
            head.set_assembled(true);
            let written = text(|out| {
                write_request(&head, Framing::None, ConnectionHeader::None, None, out);
            });
            assert_eq!(written, format!("{sent}\r\n\r\n"));
        }
    }

    #[test]
    fn a_version_below_1_1_stays() {
        let mut head = Head::new();
        head.start_response(Version::HTTP_10, 20, b"X");
        let written = text(|out| {
            write_response(&head, Framing::None, ConnectionHeader::KeepAlive, None, out);
        });
        assert_eq!(written, "HTTP/1.0 020 X\r\nconnection: keep-alive\r\n\r\n");
    }
}
