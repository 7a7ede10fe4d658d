//! HTTP/1 heads and chunked bodies.

use super::{cuts, owned, piece};
use message::{FieldId, Head, Method};
use wire::h1::{
    ChunkDecoder, ChunkEvent, ConnectionHeader, ErrorKind, Framing, Limits, Options, ParseError,
    Parsed, parse_request, parse_response, write_chunk_header, write_request, write_response,
};

type Parse = fn(&[u8], &Options, &mut Head) -> Result<Parsed, ParseError>;
type Write = fn(&Head, Framing, &mut Vec<u8>);

fn as_request(buf: &[u8], options: &Options, head: &mut Head) -> Result<Parsed, ParseError> {
    parse_request(buf, &Limits::default(), options, head)
}

fn as_response(buf: &[u8], options: &Options, head: &mut Head) -> Result<Parsed, ParseError> {
    parse_response(buf, Method::Get, &Limits::default(), options, head)
}

/// Request heads.
pub fn request(input: &[u8]) {
    head(input, as_request, |head, framing, out| {
        write_request(head, framing, ConnectionHeader::None, None, out);
    });
}

/// Response heads.
pub fn response(input: &[u8]) {
    head(input, as_response, |head, framing, out| {
        write_response(head, framing, ConnectionHeader::None, None, out);
    });
    for method in [Method::Head, Method::Connect] {
        let mut head = Head::new();
        let parsed = parse_response(
            input,
            method,
            &Limits::default(),
            &Options::default(),
            &mut head,
        );
        if let Ok(Parsed::Done { framing, .. }) = parsed {
            let bodyless = matches!(framing, Framing::None | Framing::Tunnel);
            assert!(method == Method::Connect || bodyless, "{framing:?}");
        }
    }
}

/// A head's start line and fields.
fn parts(head: &Head) -> Vec<Vec<u8>> {
    let line = [head.method_text(), head.target(), head.reason()].map(<[u8]>::to_vec);
    let fields = head.iter().flat_map(|(n, v)| [n.to_vec(), v.to_vec()]);
    line.into_iter().chain(fields).collect()
}

fn head(input: &[u8], parse: Parse, write: Write) {
    for accept_unsafe in [false, true] {
        let options = Options {
            accept_unsafe,
            payload_with_any_method: accept_unsafe,
            keep_insecure_transfer_encoding: false,
        };
        let mut whole_head = Head::new();
        let whole = parse(input, &options, &mut whole_head);
        cut_short(input, parse, &options, (whole, &whole_head));
        match whole {
            Ok(Parsed::Incomplete) => assert!(input.len() < Limits::default().max_buffered),
            Ok(Parsed::Done {
                consumed, framing, ..
            }) => {
                assert!(0 < consumed && consumed <= input.len());
                check_fields(&whole_head, accept_unsafe);
                if !accept_unsafe {
                    written_again(&whole_head, framing, parse, write);
                }
            }
            Err(error) => {
                assert!(error.position <= input.len());
                assert!((400..=599).contains(&error.status));
            }
        }
    }
}

/// Any beginning of a head is incomplete, or comes to what the whole does. Only how full the buffer is may say otherwise.
fn cut_short(
    input: &[u8],
    parse: Parse,
    options: &Options,
    (whole, whole_head): (Result<Parsed, ParseError>, &Head),
) {
    let mut head = Head::new();
    for cut in cuts(input) {
        let part = parse(&input[..cut], options, &mut head);
        let full = cut >= Limits::default().max_buffered;
        match part {
            Ok(Parsed::Incomplete) => {}
            Err(error)
                if full && matches!(error.kind, ErrorKind::TooLarge | ErrorKind::TargetTooLong) => {
            }
            _ => {
                assert_eq!(part, whole, "{cut} bytes");
                if part.is_ok() {
                    assert_eq!(parts(&head), parts(whole_head));
                }
            }
        }
    }
}

/// Nothing in a head can be taken for another field or another message by who reads it next.
fn check_fields(head: &Head, accept_unsafe: bool) {
    assert!(head.len() < Limits::default().max_fields);
    for (name, value) in head.iter() {
        assert!(!name.is_empty());
        let forbidden = |b: &u8| b.is_ascii_uppercase() || b" \t\r\n\0:".contains(b);
        assert!(!name.iter().any(forbidden), "{}", name.escape_ascii());
        let ends = |b: &u8| b"\r\n".contains(b) || *b == 0 && !accept_unsafe;
        assert!(!value.iter().any(ends), "{}", value.escape_ascii());
        let blank = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t'));
        // Lists from which an item was taken keep the rest as it was written.
        let is_list = matches!(FieldId::of(name), FieldId::Connection | FieldId::Upgrade);
        assert!(
            is_list || !blank(value.first()) && !blank(value.last()),
            "untrimmed"
        );
    }
    for part in [head.method_text(), head.target()] {
        assert!(!part.iter().any(|b| b" \t\r\n\0".contains(b)));
    }
    assert!(!head.reason().iter().any(|b| b"\r\n".contains(b)));
    assert!(head.all_known(FieldId::ContentLength).count() <= 1);
    // In a response it is a field like any other.
    assert!(head.status() > 0 || head.all_known(FieldId::Host).count() <= 1);
    assert!(!head.has(FieldId::ContentLength) || !head.has(FieldId::TransferEncoding));
}

/// A head that is written reads as the same head with the same framing.
fn written_again(head: &Head, framing: Framing, parse: Parse, write: Write) {
    if framing == Framing::Tunnel || head.method() == Method::Connect {
        return;
    }
    let mut written = Vec::new();
    write(head, framing, &mut written);
    let mut again = Head::new();
    let parsed = parse(&written, &Options::default(), &mut again);
    let Ok(Parsed::Done {
        consumed,
        framing: reread,
        ..
    }) = parsed
    else {
        // What a proxy writes itself may take a head over the limit that its reader has.
        let too_large = matches!(parsed, Err(e) if matches!(e.kind, ErrorKind::TooLarge | ErrorKind::TooManyFields));
        assert!(too_large, "{} -> {parsed:?}", written.escape_ascii());
        return;
    };
    assert_eq!(consumed, written.len(), "{}", written.escape_ascii());
    assert_eq!(reread, framing, "{}", written.escape_ascii());
    let fields = |head: &Head| {
        head.iter()
            .map(|(n, v)| [n.to_vec(), v.trim_ascii().to_vec()])
            .collect::<Vec<_>>()
    };
    let framed = |name: &[u8]| {
        matches!(
            FieldId::of(name),
            FieldId::ContentLength | FieldId::TransferEncoding | FieldId::Te
        )
    };
    let others = |head: &Head| {
        fields(head)
            .into_iter()
            .filter(|[n, _]| !framed(n))
            .collect::<Vec<_>>()
    };
    // A default port behind another one is taken away one at a time, from the target and from `Host`.
    if !(head.target().contains(&b':')
        || head
            .known(FieldId::Host)
            .is_some_and(|host| host.contains(&b':')))
    {
        assert_eq!(others(&again), others(head), "{}", written.escape_ascii());
    }
}

/// What a decoder made of a body: its data, its trailers, and how many bytes it took when it ended.
type Decoded = Result<(Vec<u8>, Vec<Vec<u8>>, Option<usize>), ErrorKind>;

fn decode(body: &[u8], step: usize) -> Decoded {
    let (limits, options) = (Limits::default(), Options::default());
    let (mut decoder, mut trailers) = (ChunkDecoder::new(), Head::new());
    let (mut data, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        let buf = &body[start..end];
        match decoder.feed(buf, &limits, &options, &mut trailers) {
            Ok(ChunkEvent::Data { offset, len }) => {
                assert!(len > 0 && offset + len <= buf.len());
                data.extend_from_slice(&buf[offset..offset + len]);
                start += offset + len;
            }
            Ok(ChunkEvent::NeedMore { consumed }) => {
                assert!(consumed <= buf.len());
                start += consumed;
                if end == body.len() {
                    return Ok((data, Vec::new(), None));
                }
                end = (end + step).min(body.len());
            }
            Ok(ChunkEvent::End { consumed }) => {
                assert!(consumed <= buf.len() && decoder.is_over());
                return Ok((data, parts(&trailers), Some(start + consumed)));
            }
            Err(error) => {
                assert!(error.position <= buf.len());
                return Err(error.kind);
            }
        }
    }
}

/// Pieces decode as the whole does, and any data can be sent in chunks.
pub fn chunks(input: &[u8]) {
    let whole = decode(input, input.len().max(1));
    let in_pieces = decode(input, piece(input));
    if whole != Err(ErrorKind::TooLarge) && in_pieces != Err(ErrorKind::TooLarge) {
        assert_eq!(whole, in_pieces);
    }
    if let Ok((data, _, end)) = &whole {
        assert!(data.len() <= end.unwrap_or(input.len()));
    }
    let mut body = Vec::new();
    for part in input.chunks(piece(input)) {
        write_chunk_header(part.len() as u64, &mut body);
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(wire::h1::LAST_CHUNK);
    let expected = (input.to_vec(), parts(&Head::new()), Some(body.len()));
    assert_eq!(decode(&body, body.len()), Ok(expected));
}

pub fn words() -> Vec<Vec<u8>> {
    owned([
        "GET ",
        "HEAD ",
        "POST ",
        "CONNECT ",
        "OPTIONS ",
        "PRI ",
        "/",
        "*",
        "http://a:80/",
        "a:443",
        " HTTP/1.1",
        " HTTP/1.0",
        " HTTP/2.0",
        "HTTP/1.1 ",
        "200 OK",
        "101 ",
        "204 ",
        "304 ",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        "\r\n ",
        "\r\n\t",
        ": ",
        " :",
        ",",
        "Host: a\r\n",
        "Host: a:80\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: ",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: ",
        "chunked",
        "Connection: close\r\n",
        "Connection: keep-alive, x\r\n",
        "Connection: upgrade\r\n",
        "Upgrade: websocket\r\n",
        "Upgrade: h2c, x\r\n",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n",
        "Sec-WebSocket-Accept: x\r\n",
        "Expect: 100-continue\r\n",
        "TE: trailers, gzip\r\n",
        "X: y\r\n",
        "#",
        "?a=b",
        "@",
        "[::1]",
        "%00",
    ])
}

pub fn chunk_words() -> Vec<Vec<u8>> {
    let mut words = owned([
        "0\r\n\r\n",
        "0\r\n",
        "5\r\nhello\r\n",
        "a",
        "A\r\n",
        "1;x=y\r\n",
        ";x=\"y\"",
        "1 ;\r\n",
        "fffffffffffff\r\n",
        "10000000000000\r\n",
        "\r\n",
        "\r",
        "\n",
        "X-Sum: 1\r\n",
        "Host: a\r\n",
        "Content-Length: 1\r\n",
        "00000000000000000001\r\n",
    ]);
    words.push(b"\x80".to_vec());
    words
}
