use super::*;
use crate::h1::Framing;
use crate::h2::frame::{flag, kind};
use crate::h2::hpack;
use message::Kind;
use message::Version;
use proptest::prelude::*;

/// What an end has heard, in short.
#[derive(Debug, Default)]
struct Heard {
    text: Vec<String>,
    heads: Vec<Head>,
}

impl Heard {
    /// Feeds a connection with all of `input`.
    fn feed(&mut self, conn: &mut Connection<()>, mut input: &[u8]) -> Result<(), Fault> {
        loop {
            let step = conn.read(input)?;
            let quiet = step.consumed == 0 && step.event.is_none();
            if let Some(event) = step.event {
                self.note(event);
            }
            if quiet {
                assert!(input.len() < 16_393, "a whole frame is left");
                return Ok(());
            }
            input = &input[step.consumed..];
        }
    }

    fn note(&mut self, event: Event<'_>) {
        let text = match event {
            Event::Head {
                stream,
                head,
                end,
                refused,
                ..
            } => {
                let start = match head.kind() {
                    Kind::Request => String::from_utf8_lossy(head.target()).into_owned(),
                    Kind::Response => head.status().to_string(),
                };
                self.heads.push(head);
                format!("{stream} head {start} end={end} refused={refused}")
            }
            Event::Data { stream, data } => {
                format!("{stream} data {}", String::from_utf8_lossy(data))
            }
            Event::End { stream, trailers } => format!("{stream} end {}", trailers.is_some()),
            Event::Reset {
                stream,
                code,
                by_peer,
                ..
            } => {
                format!("{stream} reset {} {by_peer}", code.0)
            }
            other => format!("{other:?}"),
        };
        self.text.push(text);
    }
}

/// A client and a server in one process.
struct Pair {
    client: Connection<()>,
    server: Connection<()>,
    at_client: Heard,
    at_server: Heard,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            client: Connection::new(Config::new(Role::Client)),
            server: Connection::new(Config::new(Role::Server)),
            at_client: Heard::default(),
            at_server: Heard::default(),
        };
        pair.exchange();
        pair.at_client.text.clear();
        pair.at_server.text.clear();
        pair
    }

    fn exchange(&mut self) {
        while !self.client.pending().is_empty() || !self.server.pending().is_empty() {
            let sent = self.client.pending().to_vec();
            self.client.sent(sent.len());
            self.at_server.feed(&mut self.server, &sent).unwrap();
            let sent = self.server.pending().to_vec();
            self.server.sent(sent.len());
            self.at_client.feed(&mut self.client, &sent).unwrap();
        }
    }
}

fn request(method: &[u8]) -> Head {
    let mut head = Head::new();
    head.start_request(method, b"/a", Version::HTTP_11);
    head
}

fn response(status: u16) -> Head {
    let mut head = Head::new();
    head.start_response(Version::HTTP_11, status, b"");
    head
}

#[test]
fn a_request_gets_its_response() {
    let mut pair = Pair::new();
    let id = pair.client.open(()).unwrap();
    pair.client.send_request(id, &request(b"GET"), false);
    pair.client.finish(id, None);
    pair.exchange();
    assert_eq!(pair.at_server.text, ["1 head /a end=true refused=false"]);
    pair.server
        .send_response(1, &response(200), Framing::Length(2));
    assert_eq!(pair.server.send_data(1, b"o"), 1);
    assert_eq!(pair.server.send_data(1, b"k"), 1);
    pair.server.finish(1, None);
    // The end goes with the data, which are in one frame.
    let out = pair.server.pending();
    assert!(
        out.ends_with(&[0, 0, 2, 0, 1, 0, 0, 0, 1, b'o', b'k']),
        "{out:?}"
    );
    pair.exchange();
    let expected = [
        "1 head 200 end=false refused=false",
        "1 data ok",
        "1 end false",
    ];
    assert_eq!(pair.at_client.text, expected);
    pair.client.close(1);
    pair.server.close(1);
    assert!(pair.client.pending().is_empty() && pair.server.pending().is_empty());
    assert_eq!((pair.client.streams(), pair.server.streams()), (0, 0));
}

#[test]
fn ends_change_their_roles_with_the_first_settings() {
    let turning = |role| {
        Connection::<()>::new(Config {
            turns: true,
            ..Config::new(role)
        })
    };
    let mut pair = Pair {
        client: turning(Role::Client),
        server: turning(Role::Server),
        at_client: Heard::default(),
        at_server: Heard::default(),
    };
    assert!(pair.client.is_to_turn() && pair.server.open(()).is_none());
    // The end that was connected to may ask as soon as it has heard the other's settings, in the same breath.
    let sent = pair.client.pending().to_vec();
    pair.client.sent(sent.len());
    pair.at_server.feed(&mut pair.server, &sent).unwrap();
    assert!(!pair.server.is_to_turn() && pair.client.is_to_turn());
    let id = pair.server.open(()).unwrap();
    assert_eq!(id, 1);
    pair.server.send_request(id, &request(b"GET"), false);
    pair.server.finish(id, None);
    pair.exchange();
    assert!(pair.client.is_server() && !pair.server.is_server());
    let text = ["Settings", "1 head /a end=true refused=false"];
    assert_eq!(pair.at_client.text, text);
    pair.client.send_response(1, &response(204), Framing::None);
    pair.client.finish(1, None);
    pair.exchange();
    assert_eq!(
        pair.at_server.text,
        ["Settings", "1 head 204 end=true refused=false"]
    );
    // Who has opened the connection sends no requests any more.
    assert!(pair.client.open(()).is_none());
}

#[test]
fn bodies_wait_for_the_window_and_go_on() {
    let mut pair = Pair::new();
    let id = pair.client.open(()).unwrap();
    pair.client.send_request(id, &request(b"POST"), false);
    let body = vec![b'x'; 40_000];
    let taken = pair.client.send_data(id, &body);
    assert_eq!(taken, 16_384, "the server's initial window");
    pair.exchange();
    assert!(
        pair.at_client
            .text
            .iter()
            .any(|text| text == "Writable(Some(1))")
    );
    assert_eq!(pair.client.send_data(id, &body[taken..]), 40_000 - taken);
    let mut trailers = Head::new();
    trailers.push(b"t", b"v");
    pair.client.finish(id, Some(&trailers));
    pair.exchange();
    assert_eq!(pair.at_server.text.last().unwrap(), "1 end true");
}

#[test]
fn large_heads_take_several_frames() {
    let mut pair = Pair::new();
    pair.server.config.limits = Limits::new(70_000, 0, 101);
    let id = pair.client.open(()).unwrap();
    let mut head = request(b"GET");
    head.push(b"x-long", &[b'v'; 40_000]);
    pair.client.send_request(id, &head, false);
    pair.client.finish(id, None);
    pair.exchange();
    assert_eq!(pair.at_server.text, ["1 head /a end=true refused=false"]);
    assert_eq!(
        pair.at_server.heads[0].get(b"x-long").map(<[u8]>::len),
        Some(40_000)
    );
}

#[test]
fn streams_given_up_early_are_reset() {
    let mut pair = Pair::new();
    let id = pair.client.open(()).unwrap();
    pair.client.send_request(id, &request(b"POST"), false);
    pair.exchange();
    pair.server
        .send_response(id, &response(413), Framing::Length(0));
    pair.server.finish(id, None);
    pair.server.close(id);
    pair.exchange();
    assert_eq!(
        pair.at_client.text,
        [
            "Writable(Some(1))",
            "1 head 413 end=true refused=false",
            "1 reset 0 true"
        ]
    );
    // What was on its way already is put up with.
    pair.client.streams.get_mut(&id).unwrap().reset = false;
    pair.client.send_data(id, b"late");
    pair.exchange();
    assert_eq!(pair.server.glitches(), 1);
}

#[test]
fn too_many_streams_are_refused() {
    let mut pair = Pair::new();
    pair.server.config.max_streams = 1;
    for _ in 0..2 {
        let id = pair.client.open(()).unwrap();
        pair.client.send_request(id, &request(b"GET"), false);
        pair.client.finish(id, None);
    }
    pair.exchange();
    assert_eq!(pair.at_client.text, ["3 reset 7 true"]);
    pair.server.go_away();
    pair.exchange();
    assert_eq!(pair.at_client.text.last().unwrap(), "GoAway { last: 3 }");
    assert!(!pair.client.can_open());
}

/// Sends a server its preface, settings, and then `frames`.
fn server_hears(frames: &[u8]) -> (Heard, Result<(), Fault>) {
    let mut server = Connection::new(Config::new(Role::Server));
    let mut heard = Heard::default();
    let mut input = PREFACE.to_vec();
    write_settings(&[], &mut input);
    input.extend_from_slice(frames);
    let outcome = heard.feed(&mut server, &input);
    (heard, outcome)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    FrameHeader {
        len: payload.len(),
        kind,
        flags,
        stream,
    }
    .write(&mut out);
    out.extend_from_slice(payload);
    out
}

fn get() -> Vec<u8> {
    let mut section = Vec::new();
    for (name, value) in [(":method", "GET"), (":scheme", "http"), (":path", "/a")] {
        hpack::write_field(name.as_bytes(), value.as_bytes(), &mut section);
    }
    section
}

#[test]
fn broken_frames_end_the_connection() {
    let get = get();
    for (frames, code) in [
        (frame(kind::DATA, 0, 1, b"x"), Code::PROTOCOL),
        (frame(kind::DATA, 0, 0, b"x"), Code::PROTOCOL),
        (frame(kind::HEADERS, 5, 2, &get), Code::PROTOCOL),
        (
            frame(kind::HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"),
            Code::COMPRESSION,
        ),
        (frame(kind::CONTINUATION, 4, 1, &get), Code::PROTOCOL),
        (
            [
                frame(kind::HEADERS, 1, 1, &get),
                frame(kind::PING, 0, 0, &[0; 8]),
            ]
            .concat(),
            Code::PROTOCOL,
        ),
        (frame(kind::PING, 0, 0, &[0; 7]), Code::FRAME_SIZE),
        (frame(kind::GOAWAY, 0, 0, &[0; 7]), Code::FRAME_SIZE),
        (
            frame(kind::PRIORITY, 0, 1, &[0, 0, 0, 1, 0]),
            Code::PROTOCOL,
        ),
        (frame(99, 0, 1, b""), Code::PROTOCOL),
        (frame(kind::HEADERS, 5, 1, b""), Code::FRAME_SIZE),
        (
            [
                frame(kind::HEADERS, 4, 1, &get),
                frame(kind::HEADERS, 4, 1, b"\0\x01t\x01v"),
            ]
            .concat(),
            Code::PROTOCOL,
        ),
        (
            [
                frame(kind::HEADERS, 4, 1, &get),
                frame(kind::HEADERS, 5, 1, b"\0\0\x01v"),
            ]
            .concat(),
            Code::COMPRESSION,
        ),
        (
            [
                frame(kind::HEADERS, 5, 3, &get),
                frame(kind::HEADERS, 5, 1, &get),
            ]
            .concat(),
            Code::STREAM_CLOSED,
        ),
        (frame(kind::SETTINGS, 0, 0, &[0; 7]), Code::FRAME_SIZE),
        (
            frame(kind::SETTINGS, 0, 0, &[0, 4, 255, 0, 0, 0]),
            Code::FLOW_CONTROL,
        ),
        (frame(kind::WINDOW_UPDATE, 0, 0, &[0; 4]), Code::PROTOCOL),
        (
            frame(kind::WINDOW_UPDATE, 0, 0, &[0x7f, 255, 255, 255]),
            Code::FLOW_CONTROL,
        ),
        (frame(kind::RST_STREAM, 0, 1, &[0; 4]), Code::PROTOCOL),
        (frame(kind::PUSH_PROMISE, 4, 1, &get), Code::PROTOCOL),
        (
            FrameHeader {
                len: 16_385,
                kind: 0,
                flags: 0,
                stream: 1,
            }
            .bytes(),
            Code::FRAME_SIZE,
        ),
    ] {
        let (_, outcome) = server_hears(&frames);
        assert_eq!(outcome.map_err(|fault| fault.code), Err(code), "{frames:?}");
    }
}

impl FrameHeader {
    fn bytes(self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

#[test]
fn padding_and_priority_are_taken_off() {
    let mut payload = vec![3, 0, 0, 0, 0, 0];
    payload.extend_from_slice(&get());
    payload.extend_from_slice(&[0; 3]);
    let flags = flag::END_HEADERS | flag::PADDED | flag::PRIORITY;
    let frames = [
        frame(kind::HEADERS, flags, 1, &payload),
        frame(kind::DATA, flag::PADDED, 1, b"\x02ab\0\0"),
        frame(99, 0, 1, b"unknown"),
        frame(kind::DATA, flag::PADDED | flag::END_STREAM, 1, b"\x00c"),
    ];
    let (heard, outcome) = server_hears(&frames.concat());
    assert_eq!(outcome, Ok(()));
    let expected = [
        "1 head /a end=false refused=false",
        "1 data ab",
        "1 data c",
        "1 end false",
    ];
    assert_eq!(heard.text[1..], expected);
}

#[test]
fn refused_requests_do_not_hurt_the_connection() {
    let mut bad = get();
    hpack::write_field(b"connection", b"close", &mut bad);
    let mut short = get();
    hpack::write_field(b"content-length", b"5", &mut short);
    let frames = [
        frame(kind::HEADERS, 5, 1, &bad),
        frame(kind::HEADERS, 5, 3, &short),
        frame(kind::HEADERS, 4, 5, &short),
        frame(kind::DATA, 1, 5, b"1234567"),
        frame(kind::HEADERS, 5, 7, &get()),
    ];
    let (heard, outcome) = server_hears(&frames.concat());
    assert_eq!(outcome, Ok(()));
    let expected = [
        "BadRequest",
        "BadRequest",
        "5 head /a end=false refused=false",
        "5 reset 1 false",
        "7 head /a end=true refused=false",
    ];
    assert_eq!(heard.text[1..], expected);
}

proptest! {
    #[test]
    fn nothing_panics_and_input_may_come_in_any_pieces(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        kinds in proptest::collection::vec((0_u8..11, any::<u8>(), 0_u32..6, 0_usize..40), 0..12),
        cut in 1_usize..50,
    ) {
        let mut input = PREFACE.to_vec();
        write_settings(&[], &mut input);
        let mut rest = &bytes[..];
        for (kind, flags, stream, len) in kinds {
            let (payload, after) = rest.split_at(len.min(rest.len()));
            input.extend_from_slice(&frame(kind, flags, stream, payload));
            rest = after;
        }
        input.extend_from_slice(rest);
        let mut whole = Heard::default();
        let mut one = Connection::new(Config::new(Role::Server));
        let first = whole.feed(&mut one, &input);
        // Cut input must come to the same end.
        let mut other = Connection::<()>::new(Config::new(Role::Server));
        let mut buffer = Vec::new();
        let mut outcome = Ok(());
        'pieces: for piece in input.chunks(cut) {
            buffer.extend_from_slice(piece);
            loop {
                match other.read(&buffer) {
                    Err(fault) => {
                        outcome = Err(fault);
                        break 'pieces;
                    }
                    Ok(Step { consumed: 0, event: None }) => break,
                    Ok(Step { consumed, .. }) => drop(buffer.drain(..consumed)),
                }
            }
        }
        prop_assert_eq!(first, outcome);
    }
}
