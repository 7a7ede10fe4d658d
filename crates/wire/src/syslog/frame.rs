//! Messages in a byte stream (RFC 6587).

use super::write_number;
use std::ops::Range;

/// What stands at the beginning of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Not all of a message yet.
    Partial,
    /// A message, and how many bytes it takes with its framing.
    Message {
        /// Where it stands in the buffer.
        range: Range<usize>,
        /// How many bytes to drop from the front.
        consumed: usize,
    },
    /// Neither framing, or a message beyond the limit, which a line must stay below.
    Invalid,
}

/// Finds the first message. A digit begins octet counting, `<` a line; with `lines_only` everything is a line.
#[must_use]
pub fn next_frame(buffer: &[u8], lines_only: bool, limit: usize) -> Frame {
    match buffer.first() {
        None => Frame::Partial,
        Some(_) if lines_only => line(buffer, limit),
        Some(b'<') => line(buffer, limit),
        Some(b'1'..=b'9') => counted(buffer, limit),
        Some(_) => Frame::Invalid,
    }
}

fn line(buffer: &[u8], limit: usize) -> Frame {
    match memchr::memchr(b'\n', buffer) {
        Some(end) if end < limit => {
            let cr = end > 0 && buffer.get(end - 1) == Some(&b'\r');
            Frame::Message {
                range: 0..end - usize::from(cr),
                consumed: end + 1,
            }
        }
        None if buffer.len() < limit => Frame::Partial,
        _ => Frame::Invalid,
    }
}

fn counted(buffer: &[u8], limit: usize) -> Frame {
    let mut len = 0usize;
    for (at, byte) in buffer.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                len = len
                    .saturating_mul(10)
                    .saturating_add(usize::from(byte - b'0'))
            }
            b' ' => {
                let start = at + 1;
                let end = start.saturating_add(len);
                return match () {
                    () if end > limit => Frame::Invalid,
                    () if end > buffer.len() => Frame::Partial,
                    () => Frame::Message {
                        range: start..end,
                        consumed: end,
                    },
                };
            }
            _ => return Frame::Invalid,
        }
        if len > limit {
            return Frame::Invalid;
        }
    }
    Frame::Partial
}

/// Writes what octet counting has in front of a message of `len` bytes.
pub fn write_octet_count(len: usize, out: &mut Vec<u8>) {
    write_number(len as u64, out);
    out.push(b' ');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(mut buffer: &[u8], lines_only: bool) -> (Vec<String>, Frame) {
        let mut messages = Vec::new();
        loop {
            match next_frame(buffer, lines_only, 100) {
                Frame::Message { range, consumed } => {
                    messages.push(
                        String::from_utf8_lossy(buffer.get(range).unwrap_or_default()).into_owned(),
                    );
                    buffer = buffer.get(consumed..).unwrap_or_default();
                }
                end => return (messages, end),
            }
        }
    }

    #[test]
    fn both_framings_may_be_mixed() {
        let (messages, end) = all(b"<3>abc\n5 hello<4>xx\r\n7 <3>w", false);
        assert_eq!(
            (messages.join("|").as_str(), end),
            ("<3>abc|hello|<4>xx", Frame::Partial)
        );
        assert_eq!(
            all(b"5  hello6 x", false),
            (vec![" hell".to_owned()], Frame::Invalid)
        );
        assert_eq!(
            all(b"5 x\nhello\n", true),
            (vec!["5 x".to_owned(), "hello".to_owned()], Frame::Partial)
        );
    }

    #[test]
    fn what_is_neither_ends_the_stream() {
        for input in [
            "hello\n",
            "0 x",
            "05 hello",
            "\n<3>x\n",
            "99999999999999999999999 x",
            "1234567x x",
            "101 x",
        ] {
            assert_eq!(
                next_frame(input.as_bytes(), false, 100),
                Frame::Invalid,
                "{input}"
            );
        }
        let long = [b'<'; 100];
        assert_eq!(next_frame(&long, false, 100), Frame::Invalid);
        assert_eq!(next_frame(&long[..99], false, 100), Frame::Partial);
        let ended = [&long[..], b"\n"].concat();
        assert_eq!(
            next_frame(&ended, false, 100),
            Frame::Invalid,
            "in one piece as in two"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn frames_stay_within_the_buffer(buffer in prop::collection::vec(prop_oneof![any::<u8>(), b'0'..=b'9', Just(b' '), Just(b'\n')], 0..60), lines in any::<bool>()) {
            if let Frame::Message { range, consumed } = next_frame(&buffer, lines, 40) {
                prop_assert!(range.start <= range.end && range.end <= consumed && consumed <= buffer.len());
            }
        }

        #[test]
        fn counted_messages_come_back(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..5)) {
            let mut stream = Vec::new();
            for message in &messages {
                write_octet_count(message.len(), &mut stream);
                stream.extend_from_slice(message);
            }
            let mut rest = &stream[..];
            for message in &messages {
                let Frame::Message { range, consumed } = next_frame(rest, false, 100) else {
                    return Err(TestCaseError::fail("no message"));
                };
                prop_assert_eq!(&rest[range], &message[..]);
                rest = &rest[consumed..];
            }
            prop_assert!(rest.is_empty());
        }
    }
}
