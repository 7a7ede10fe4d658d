//! Commands of the runtime API as they come in on a socket.

use super::{owned, piece};
use control::master::route::{Prefix, Target, prefix, text};
use control::reader::{Event, Fault, MAX_PAYLOAD, Reader};

const LIMIT: usize = 4096;

/// What pieces make of a reader: its events, and the fault it ends with.
fn read(input: &[u8], piece: usize, limit: usize) -> (Vec<Event>, Option<Fault>) {
    let mut reader = Reader::new(limit);
    let mut events = Vec::new();
    for part in input.chunks(piece.max(1)) {
        reader.feed(part);
        loop {
            match reader.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(fault) => return (events, Some(fault)),
            }
        }
    }
    (events, None)
}

/// Pieces read as the whole does, and commands are no larger than what they were made of.
pub fn reader(input: &[u8]) {
    let (events, fault) = read(input, input.len(), LIMIT);
    let (in_pieces, fault_in_pieces) = read(input, piece(input), LIMIT);
    assert_eq!(events, in_pieces);
    assert_eq!(fault, fault_in_pieces);
    let mut lines = 0;
    for event in &events {
        let Event::Line(commands) = event else {
            continue;
        };
        lines += 1;
        assert!(!commands.is_empty());
        let words = commands.iter().flat_map(|command| &command.words);
        // Each byte that is not UTF-8 becomes a character of three.
        assert!(words.map(String::len).sum::<usize>() <= 3 * LIMIT);
        for command in commands {
            assert!(command.payload.as_ref().map_or(0, String::len) <= 3 * MAX_PAYLOAD);
        }
        for command in commands {
            if let Prefix::One(Target::Pid(pid)) | Prefix::Whole(Target::Pid(pid)) =
                prefix(&command.words)
            {
                assert!(pid > 0);
            }
        }
        // What a master hands on reads as what it has read.
        let again = text(commands);
        let (read_again, fault) = read(again.as_bytes(), again.len(), again.len() + 1);
        assert_eq!(fault, None, "{again:?}");
        assert_eq!(read_again.last(), Some(event), "{again:?}");
        let payloads = commands.iter().filter(|command| command.payload.is_some());
        assert!(payloads.count() <= 1);
    }
    assert!(lines <= input.iter().filter(|byte| **byte == b'\n').count());
}

pub fn words() -> Vec<Vec<u8>> {
    let mut words = owned([
        "show info",
        "show stat",
        "set server b/s weight 10",
        "trace h1 sink buf0 start now",
        "prompt",
        "help",
        ";",
        "\n",
        "\r\n",
        "\\",
        "\\\n",
        "\\;",
        "\\ ",
        "\\<<",
        " <<\n",
        " <<END\n",
        "END\n",
        "END\r\n",
        " <<END;\n",
        " <<<<\n",
        "end-of-payload-0\n",
        "\n\n",
        "<<",
        " ",
        "\t",
        "@1 ",
        "@@1 ",
        "@@1\n",
        "@@!1 ",
        "@!0 ",
        "@master ",
        "@",
        "\"",
        "'",
    ]);
    // Just within limits, and just beyond them.
    for length in [64, 65] {
        let terminator = "t".repeat(length);
        words.push(format!(" <<{terminator}\n").into_bytes());
        words.push(format!("{terminator}\n").into_bytes());
    }
    for length in [LIMIT - 2, LIMIT - 1, LIMIT, 2 * LIMIT] {
        words.push("x".repeat(length).into_bytes());
    }
    words
}
