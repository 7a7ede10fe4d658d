//! Writing message heads and chunks.

use super::{CaseMap, ConnectionHeader, Framing};
use message::{Head, Version};

/// The last chunk, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends a request head to `out`.
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
    out.extend_from_slice(head.target());
    out.push(b' ');
    write_version(head.version(), out);
    out.extend_from_slice(b"\r\n");
    write_fields(head, framing, connection, cases, out);
}

/// Appends a response head to `out`.
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
    write_status(head.status(), out);
    out.push(b' ');
    out.extend_from_slice(head.reason());
    out.extend_from_slice(b"\r\n");
    write_fields(head, framing, connection, cases, out);
}

/// What the start line, the added headers and the final empty line take beyond [`Head::wire_len`].
const SLACK: usize = 64;

fn write_version(version: Version, out: &mut Vec<u8>) {
    if version == Version::HTTP_11 {
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
    if status > 999 {
        out.extend_from_slice(status.to_string().as_bytes());
    } else {
        out.extend_from_slice(&[digit(status / 100), digit(status / 10), digit(status)]);
    }
}

fn write_fields(
    head: &Head,
    framing: Framing,
    connection: ConnectionHeader,
    cases: Option<&CaseMap>,
    out: &mut Vec<u8>,
) {
    for (name, value) in head.iter() {
        write_field(name, value, cases, out);
    }
    if framing == Framing::Chunked && !head.has(message::FieldId::TransferEncoding) {
        write_field(b"transfer-encoding", b"chunked", cases, out);
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
