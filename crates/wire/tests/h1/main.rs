//! The HTTP/1 codec beside what HAProxy 3.4 did with the same bytes.

mod limits;
mod properties;
mod requests;
mod responses;
mod unsafe_requests;
mod unsafe_responses;

use hapax_wire::h1::{
    ChunkDecoder, ChunkEvent, ConnectionHeader, ConnectionMode, Framing, LAST_CHUNK, Limits,
    MessageFlags, Options, ParseError, Parsed, RequestFacts, client_side, parse_request,
    parse_response, server_side, take_connection_tokens, write_chunk_header, write_request,
    write_response, write_trailers,
};
use message::{Head, Method};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered with this status.
    Refused(u16),
    /// Nothing happened: more bytes were waited for.
    Waiting,
    /// It went on.
    Forwarded {
        /// What the other side received: the head, and for responses the body.
        head: &'static [u8],
        /// What the client was told in the response to a request.
        connection: ConnectionHeader,
        /// Whether the client's connection stayed open.
        open: bool,
    },
}

/// What the codec makes of a request that is answered with an empty HTTP/1.1 response.
fn request(input: &[u8], options: &Options) -> (Outcome, Vec<u8>) {
    let mut head = Head::new();
    let parsed = parse_request(input, &Limits::default(), options, &mut head);
    let (consumed, framing, flags) = match parsed {
        Err(error) => return (Outcome::Refused(error.status), Vec::new()),
        Ok(Parsed::Incomplete) => return (Outcome::Waiting, Vec::new()),
        Ok(Parsed::Done {
            consumed,
            framing,
            flags,
        }) => (consumed, framing, flags),
    };
    let facts = RequestFacts::from(&flags);
    let tokens = take_connection_tokens(&mut head);
    let keep = ConnectionMode::KeepAlive;
    let server = server_side(&facts, tokens, keep, keep, false);
    let mut out = Vec::new();
    write_request(&head, framing, server.header, None, &mut out);
    // What follows may be a next request that is refused, which closes the connection.
    let garbage = framing == Framing::None
        && parse_request(
            &input[consumed..],
            &Limits::default(),
            options,
            &mut Head::new(),
        )
        .is_err();
    let answer = if head.method() == Method::Connect {
        Framing::Tunnel
    } else {
        Framing::Length(0)
    };
    let none = take_connection_tokens(&mut Head::new());
    let client = client_side(&facts, none, keep, &MessageFlags::default(), answer);
    let outcome = Outcome::Forwarded {
        head: &[],
        connection: client.header,
        open: client.stays_open && !garbage || answer == Framing::Tunnel,
    };
    (outcome, out)
}

/// Whether HAProxy writes something that a [`Head`] does not carry: a version of unusual form or a status of other than
/// three digits as they came, and the WebSocket key or answer that it makes up where there is none (which takes randomness
/// and is the connection's business). Of these only that they pass is compared.
fn is_rewritten(input: &[u8], sent: &[u8]) -> bool {
    let line = sent.split(|&b| b == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&b| b == b' ');
    let plain = |version: &[u8]| matches!(version, [b'H', b'T', b'T', b'P', b'/', _, b'.', _]);
    let usual = if input.starts_with(b"GET") {
        words.nth(2).is_some_and(plain)
    } else {
        words.next().is_some_and(plain) && words.next().is_some_and(|code| code.len() == 3)
    };
    !usual || sent.windows(16).any(|part| part == b"\r\nSec-Websocket-")
}

fn check_requests(table: &[(&[u8], Outcome)], options: &Options) {
    let mut wrong = Vec::new();
    for &(input, expected) in table {
        let (outcome, out) = request(input, options);
        let same = match (outcome, expected) {
            (
                Outcome::Forwarded {
                    connection, open, ..
                },
                Outcome::Forwarded {
                    head,
                    connection: told,
                    open: stayed,
                },
            ) => (out == head || is_rewritten(input, head)) && connection == told && open == stayed,
            _ => outcome == expected,
        };
        if !same {
            wrong.push(format!(
                "{}\n  expected {expected:?}\n  was      {outcome:?} {}",
                input.escape_ascii(),
                out.escape_ascii()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Decodes what stands behind a response's head and writes it again as HAProxy does: what is there at once as one chunk.
fn chunked_body(input: &[u8], options: &Options, out: &mut Vec<u8>) -> Result<bool, ParseError> {
    let (mut decoder, mut trailers) = (ChunkDecoder::new(), Head::new());
    let (mut data, mut rest) = (Vec::new(), input);
    let over = loop {
        match decoder.feed(rest, &Limits::default(), options, &mut trailers)? {
            ChunkEvent::Data { offset, len } => {
                data.extend_from_slice(&rest[offset..offset + len]);
                rest = &rest[offset + len..];
            }
            ChunkEvent::NeedMore { .. } => break false,
            ChunkEvent::End { .. } => break true,
        }
    };
    if !data.is_empty() {
        write_chunk_header(data.len() as u64 + decoder.remaining(), out);
        out.extend_from_slice(&data);
        if decoder.remaining() == 0 {
            out.extend_from_slice(b"\r\n");
        }
    }
    match over {
        true if trailers.is_empty() => out.extend_from_slice(LAST_CHUNK),
        true => write_trailers(&trailers, None, out),
        false => {}
    }
    Ok(over)
}

/// What the client receives of a response, and whether it is whole.
fn response(
    facts: &RequestFacts,
    method: Method,
    mut input: &[u8],
    options: &Options,
) -> Result<(Vec<u8>, bool), u16> {
    let (mut head, mut out) = (Head::new(), Vec::new());
    let limits = Limits::default();
    let keep = ConnectionMode::KeepAlive;
    loop {
        let (consumed, framing, flags) =
            match parse_response(input, method, &limits, options, &mut head) {
                Err(_) => return Err(502),
                Ok(Parsed::Incomplete) => return Ok((out, false)),
                Ok(Parsed::Done {
                    consumed,
                    framing,
                    flags,
                }) => (consumed, framing, flags),
            };
        let interim = (100..200).contains(&head.status()) && head.status() != 101;
        if head.status() == 101 && !facts.upgrade {
            return Err(502);
        }
        let tokens = take_connection_tokens(&mut head);
        let mut client = client_side(facts, tokens, keep, &flags, framing);
        if interim {
            client.header = ConnectionHeader::None;
        }
        write_response(&head, framing, client.header, None, &mut out);
        input = &input[consumed..];
        if interim {
            continue;
        }
        let whole = match framing {
            Framing::None => true,
            Framing::Length(len) => {
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                let there = len.min(input.len());
                out.extend_from_slice(&input[..there]);
                there == len
            }
            Framing::Chunked => chunked_body(input, options, &mut out).map_err(|_| 502_u16)?,
            Framing::UntilClose | Framing::Tunnel => {
                out.extend_from_slice(input);
                true
            }
        };
        return Ok((out, whole));
    }
}

fn check_responses(table: &[(&[u8], &[u8], Outcome)], options: &Options) {
    let mut wrong = Vec::new();
    for &(asked, input, expected) in table {
        let mut head = Head::new();
        let parsed = parse_request(asked, &Limits::default(), options, &mut head);
        let Ok(Parsed::Done { flags, .. }) = parsed else {
            panic!("the request {} is not one", asked.escape_ascii());
        };
        let facts = RequestFacts::from(&flags);
        let outcome = response(&facts, head.method(), input, options);
        let same = match (&outcome, expected) {
            (Err(status), Outcome::Refused(expected)) => *status == expected,
            // What HAProxy had at hand it may have held back for more.
            (Ok((out, whole)), Outcome::Waiting) => out.is_empty() || !whole,
            (Ok((out, _)), Outcome::Forwarded { head, .. }) => {
                out == head || is_rewritten(input, head)
            }
            _ => false,
        };
        if !same {
            let was = outcome.map(|(out, _)| out.escape_ascii().to_string());
            wrong.push(format!(
                "{}\n  expected {}\n  was      {was:?}",
                input.escape_ascii(),
                match expected {
                    Outcome::Forwarded { head, .. } => head.escape_ascii().to_string(),
                    other => format!("{other:?}"),
                },
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn requests_are_forwarded_and_refused_as_by_haproxy() {
    check_requests(requests::REQUESTS, &Options::default());
}

#[test]
fn responses_are_forwarded_and_refused_as_by_haproxy() {
    check_responses(responses::RESPONSES, &Options::default());
}

/// The options that loosen the rules.
fn unsafe_options() -> Options {
    Options {
        accept_unsafe: true,
        ..Options::default()
    }
}

#[test]
fn unsafe_requests_are_accepted_as_by_haproxy() {
    check_requests(unsafe_requests::UNSAFE_REQUESTS, &unsafe_options());
}

#[test]
fn unsafe_responses_are_accepted_as_by_haproxy() {
    check_responses(unsafe_responses::UNSAFE_RESPONSES, &unsafe_options());
}
