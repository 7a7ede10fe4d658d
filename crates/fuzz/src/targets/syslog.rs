//! Received log messages and their framing.

use super::{cuts, owned};
use wire::syslog::{Frame, Kind, next_frame, parse, write_octet_count};

/// Parts lie in the message in their order, and none is made up.
pub fn message(input: &[u8]) {
    let Some(parsed) = parse(input) else {
        return;
    };
    let parts = [
        parsed.time,
        parsed.hostname,
        parsed.tag,
        parsed.msgid,
        parsed.structured_data,
    ];
    let within = input.as_ptr_range();
    let mut end = within.start;
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let part = part.as_ptr_range();
        assert!(part.start >= end && part.end <= within.end);
        end = part.end;
    }
    // What is odd about a tag and its process id is in more than one part.
    for part in [parsed.pid, parsed.text].map(<[u8]>::as_ptr_range) {
        assert!(part.is_empty() || part.start >= within.start && part.end <= within.end);
    }
    assert!(!parsed.text.ends_with(b"\n"));
    assert!(parsed.kind == Kind::Plain || parsed.priority.is_some());
    assert_eq!(parse(input), Some(parsed));
}

/// A message that is complete stays as it is whatever follows, and what is cut off is never taken for another one.
pub fn frames(input: &[u8]) {
    const LIMIT: usize = 200;
    for lines_only in [false, true] {
        let mut rest = input;
        let mut count = 0;
        loop {
            let frame = next_frame(rest, lines_only, LIMIT);
            for cut in cuts(rest.get(..LIMIT + 8).unwrap_or(rest)) {
                let part = next_frame(&rest[..cut], lines_only, LIMIT);
                assert!(
                    part == Frame::Partial || part == frame,
                    "{part:?} {frame:?}"
                );
            }
            let Frame::Message { range, consumed } = frame else {
                assert!(frame == Frame::Invalid || rest.len() <= LIMIT);
                break;
            };
            assert!(range.start <= range.end && range.end <= consumed && consumed <= rest.len());
            assert!(consumed > 0 && range.len() <= LIMIT);
            rest = &rest[consumed..];
            count += 1;
            if count == 16 {
                break;
            }
        }
    }
    if !input.is_empty() {
        let mut counted = Vec::new();
        write_octet_count(input.len(), &mut counted);
        let start = counted.len();
        counted.extend_from_slice(input);
        let expected = Frame::Message {
            range: start..counted.len(),
            consumed: counted.len(),
        };
        assert_eq!(next_frame(&counted, false, counted.len()), expected);
    }
}

pub fn words() -> Vec<Vec<u8>> {
    owned([
        "<",
        ">",
        "<13>",
        "<0>",
        "<191>",
        "<999999999>",
        "1 ",
        "- ",
        "Nov 21 04:18:02 ",
        "Jan  1 00:00:00 ",
        "Feb 30 ",
        "2026-11-21T04:18:02.627091+00:00 ",
        "2026-11-21T04:18:02Z ",
        "host ",
        "tag[12]: ",
        "tag: ",
        "[",
        "]",
        "[a b=\"c\"]",
        "\\\"",
        "\\]",
        "\n",
        "\r\n",
        "10 ",
        "5 <1>xx",
        "200 ",
        "201 ",
        "99999999999999999999 ",
    ])
}
