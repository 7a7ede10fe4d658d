//! Commands of the runtime API as they come in on a socket.

use super::{owned, piece};
use control::reader::{Event, Fault, MAX_PAYLOAD, Reader};

const LIMIT: usize = 4096;

/// What pieces make of a reader: its events, and the fault it ends with.
fn read(input: &[u8], piece: usize) -> (Vec<Event>, Option<Fault>) {
    let mut reader = Reader::new(LIMIT);
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
    let (events, fault) = read(input, input.len());
    let (in_pieces, fault_in_pieces) = read(input, piece(input));
    assert_eq!(events, in_pieces);
    assert_eq!(fault, fault_in_pieces);
    let mut lines = 0;
    for event in &events {
        let Event::Line(commands) = event else {
            continue;
        };
        lines += 1;
        assert!(!commands.is_empty());
        let text = commands.iter().flat_map(|command| &command.words);
        // Each byte that is not UTF-8 becomes a character of three.
        assert!(text.map(String::len).sum::<usize>() <= 3 * LIMIT);
        for command in commands {
            assert!(command.payload.as_ref().map_or(0, String::len) <= 3 * MAX_PAYLOAD);
        }
        let payloads = commands.iter().filter(|command| command.payload.is_some());
        assert!(payloads.count() <= 1);
    }
    assert!(lines <= input.iter().filter(|byte| **byte == b'\n').count());
}

pub fn words() -> Vec<Vec<u8>> {
    owned([
        "show info",
        "show stat",
        "set server b/s weight 10",
        "prompt",
        "help",
        ";",
        "\n",
        "\r\n",
        "\\",
        "\\\n",
        "\\;",
        "\\ ",
        " <<\n",
        " <<END\n",
        "END\n",
        "\n\n",
        "<<",
        " ",
        "\t",
        "@1 ",
        "\"",
        "'",
    ])
}
