//! Properties that hold for any input.

use super::{requests, responses, unsafe_requests};
use hapax_wire::h1::{
    ChunkDecoder, ChunkEvent, ConnectionHeader, Limits, Options, ParseError, Parsed, parse_request,
    parse_response, write_request,
};
use message::{Head, Method};
use proptest::prelude::*;

fn all_options() -> [Options; 2] {
    let accept_unsafe = Options {
        accept_unsafe: true,
        ..Options::default()
    };
    [Options::default(), accept_unsafe]
}

/// A head by its visible parts: method, target, then names and values in turn.
fn parts(head: &Head) -> Vec<Vec<u8>> {
    let line = [head.method_text().to_vec(), head.target().to_vec()];
    let fields = head.iter().flat_map(|(n, v)| [n.to_vec(), v.to_vec()]);
    line.into_iter().chain(fields).collect()
}

type Parse = fn(&[u8], &Options, &mut Head) -> Result<Parsed, ParseError>;

fn as_request(buf: &[u8], options: &Options, head: &mut Head) -> Result<Parsed, ParseError> {
    parse_request(buf, &Limits::default(), options, head)
}

fn as_response(buf: &[u8], options: &Options, head: &mut Head) -> Result<Parsed, ParseError> {
    parse_response(buf, Method::Get, &Limits::default(), options, head)
}

/// Any beginning of a message is incomplete, or its end already; and an error never goes away.
fn check_prefixes(parse: Parse, input: &[u8], options: &Options) {
    let (mut whole_head, mut head) = (Head::new(), Head::new());
    let whole = parse(input, options, &mut whole_head);
    for end in 0..input.len() {
        match parse(&input[..end], options, &mut head) {
            Ok(Parsed::Incomplete) => {}
            done => {
                assert_eq!(done, whole, "{}", input[..end].escape_ascii());
                if done.is_ok() {
                    assert_eq!(parts(&head), parts(&whole_head));
                }
            }
        }
    }
}

#[test]
fn splitting_changes_nothing() {
    for options in all_options() {
        for (input, _) in requests::REQUESTS
            .iter()
            .chain(unsafe_requests::UNSAFE_REQUESTS)
        {
            check_prefixes(as_request, input, &options);
        }
        for (_, input, _) in responses::RESPONSES {
            check_prefixes(as_response, input, &options);
        }
    }
}

#[test]
fn what_was_written_is_read_as_the_same() {
    let options = Options::default();
    for (input, _) in requests::REQUESTS {
        let (mut first, mut second) = (Head::new(), Head::new());
        let Ok(Parsed::Done { framing, .. }) = as_request(input, &options, &mut first) else {
            continue;
        };
        if !first.target().starts_with(b"/") {
            // A default port behind another one is taken away one at a time.
            continue;
        }
        let mut once = Vec::new();
        write_request(&first, framing, ConnectionHeader::None, None, &mut once);
        let again = as_request(&once, &options, &mut second);
        let Ok(Parsed::Done {
            consumed,
            framing: reread,
            ..
        }) = again
        else {
            panic!("{} -> {again:?}", once.escape_ascii());
        };
        assert_eq!((consumed, reread), (once.len(), framing));
        let mut twice = Vec::new();
        write_request(&second, reread, ConnectionHeader::None, None, &mut twice);
        assert_eq!(
            once.escape_ascii().to_string(),
            twice.escape_ascii().to_string()
        );
    }
}

/// All data of a chunked body fed in pieces of `step` bytes, how many bytes it took, and whether it ended.
fn decode(body: &[u8], step: usize) -> Result<(Vec<u8>, bool, Head), ParseError> {
    let (mut decoder, mut trailers) = (ChunkDecoder::new(), Head::new());
    let (mut data, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        let buf = &body[start..end];
        match decoder.feed(buf, &Limits::default(), &Options::default(), &mut trailers)? {
            ChunkEvent::Data { offset, len } => {
                data.extend_from_slice(&buf[offset..offset + len]);
                start += offset + len;
            }
            ChunkEvent::NeedMore { consumed } => {
                start += consumed;
                if end == body.len() {
                    return Ok((data, false, trailers));
                }
                end = (end + step).min(body.len());
            }
            ChunkEvent::End { .. } => return Ok((data, true, trailers)),
        }
    }
}

/// A body of the given chunks, written with the given extension and a trailer.
fn encode(chunks: &[Vec<u8>], extension: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in chunks {
        body.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\nX-Sum: 1\r\n\r\n");
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for options in all_options() {
            check_prefixes(as_request, &bytes, &options);
            check_prefixes(as_response, &bytes, &options);
        }
        let _ = decode(&bytes, 7);
    }

    #[test]
    fn spoiled_requests_never_panic(
        index in 0..requests::REQUESTS.len(),
        at in 0_usize..300,
        byte in any::<u8>(),
    ) {
        let mut input = requests::REQUESTS[index].0.to_vec();
        let at = at % input.len();
        input[at] = byte;
        for options in all_options() {
            check_prefixes(as_request, &input, &options);
        }
    }

    #[test]
    fn chunks_are_decoded_whatever_the_pieces(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
        extension in "( *(;[a-z]*(=[a-z0-9]*)?)?)",
        step in 1_usize..50,
    ) {
        let body = encode(&chunks, &extension);
        let (data, over, trailers) = decode(&body, step).expect("a proper body");
        prop_assert_eq!(data, chunks.concat());
        prop_assert!(over);
        prop_assert_eq!(trailers.get(b"x-sum"), Some(&b"1"[..]));
    }

    #[test]
    fn spoiled_chunks_end_the_same_whatever_the_pieces(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..9), 1..4),
        at in 0_usize..60,
        byte in any::<u8>(),
        step in 1_usize..9,
    ) {
        let mut body = encode(&chunks, "");
        let at = at % body.len();
        body[at] = byte;
        let whole = decode(&body, body.len());
        let pieces = decode(&body, step);
        prop_assert_eq!(whole.is_ok(), pieces.is_ok());
        if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
            prop_assert_eq!((whole.0, whole.1), (pieces.0, pieces.1));
        }
    }
}
