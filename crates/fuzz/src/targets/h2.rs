//! HTTP/2 connections.

use super::cuts;
use wire::h2::{Config, Connection, Event, Fault, PREFACE, Role};

/// What an end has heard, to be compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    events: Vec<String>,
    body: Vec<u8>,
    outcome: Option<Fault>,
}

/// Input in two pieces says what the same input in one piece says; and what is answered stays in proportion to what came.
pub fn connection(input: &[u8]) {
    for role in [Role::Server, Role::Client] {
        let whole = hear(role, &[input]);
        for cut in cuts(input) {
            let (head, tail) = input.split_at(cut);
            assert_eq!(hear(role, &[head, tail]), whole);
        }
    }
}

fn hear(role: Role, pieces: &[&[u8]]) -> Heard {
    let mut connection = Connection::<()>::new(Config::new(role));
    if role == Role::Client {
        connection.open(());
    }
    let mut heard = Heard::default();
    let mut buffer = match role {
        Role::Server => PREFACE.to_vec(),
        Role::Client => Vec::new(),
    };
    for piece in pieces {
        buffer.extend_from_slice(piece);
        if heard.outcome.is_none() {
            digest(&mut connection, &mut buffer, &mut heard);
        }
    }
    let came: usize = pieces.iter().map(|piece| piece.len()).sum();
    assert!(connection.pending().len() <= 256 + 20 * came);
    heard
}

fn digest(connection: &mut Connection<()>, buffer: &mut Vec<u8>, heard: &mut Heard) {
    loop {
        let step = match connection.read(buffer) {
            Ok(step) => step,
            Err(fault) => {
                heard.outcome = Some(fault);
                return;
            }
        };
        let consumed = step.consumed;
        let quiet = consumed == 0 && step.event.is_none();
        match step.event {
            // Bodies come in as many pieces as their frames do.
            Some(Event::Data { data, .. }) => heard.body.extend_from_slice(data),
            Some(Event::Head {
                stream,
                head,
                section,
                end,
                ..
            }) => {
                assert!(head.len() < 101, "more fields than allowed");
                heard
                    .events
                    .push(format!("{stream} {head:?} {section:?} {end}"));
            }
            Some(other) => heard.events.push(format!("{other:?}")),
            None => {}
        }
        if quiet {
            return;
        }
        buffer.drain(..consumed);
    }
}

pub fn words() -> Vec<Vec<u8>> {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let mut frame = vec![0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream];
        frame.extend_from_slice(payload);
        frame
    };
    vec![
        frame(4, 0, 0, b""),
        frame(4, 0, 0, b"\0\x04\0\0\xff\xff"),
        frame(4, 1, 0, b""),
        // GET http://a/ and a response of status 200.
        frame(1, 5, 1, b"\x82\x86\x84\x41\x01a"),
        frame(1, 4, 1, b"\x83\x86\x84\x41\x01a"),
        frame(1, 4, 1, b"\x88"),
        frame(1, 5, 1, b"\x40\x01t\x01v"),
        frame(9, 4, 1, b"\x84"),
        frame(0, 0, 1, b"abc"),
        frame(0, 9, 1, b"\x01ab\0"),
        frame(3, 0, 1, b"\0\0\0\x08"),
        frame(6, 0, 0, b"12345678"),
        frame(7, 0, 0, b"\0\0\0\x01\0\0\0\0"),
        frame(8, 0, 0, b"\0\0\xff\xff"),
        frame(8, 0, 1, b"\x7f\xff\xff\xff"),
        b"\x0f\x0d\x011".to_vec(),
        b"\xbe".to_vec(),
        b"\x3f\xe1\x1f".to_vec(),
    ]
}
