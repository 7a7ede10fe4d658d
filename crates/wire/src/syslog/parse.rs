//! Reading received messages.
//!
//! Nothing is refused: what is not understood is text.

use base::calendar::MONTHS;

/// What a received message looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Text, perhaps with a priority in front.
    #[default]
    Plain,
    /// RFC 3164.
    Rfc3164,
    /// RFC 5424.
    Rfc5424,
}

/// A received message in its parts; what it lacks is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parsed<'a> {
    /// What it looked like.
    pub kind: Kind,
    /// Facility times eight, plus the level.
    pub priority: Option<u32>,
    /// The date, in the form of its kind.
    pub time: &'a [u8],
    /// The host name.
    pub hostname: &'a [u8],
    /// The tag, or application name.
    pub tag: &'a [u8],
    /// The process id.
    pub pid: &'a [u8],
    /// RFC 5424's message id.
    pub msgid: &'a [u8],
    /// RFC 5424's structured data.
    pub structured_data: &'a [u8],
    /// The text.
    pub text: &'a [u8],
}

/// Reads a message; `None` when there is no text in it.
#[must_use]
pub fn parse(input: &[u8]) -> Option<Parsed<'_>> {
    let mut parsed = match priority(input) {
        Some((priority, rest)) => Parsed {
            priority: Some(priority),
            ..after_priority(rest)
        },
        None => Parsed {
            text: input,
            ..Parsed::default()
        },
    };
    if parsed.text.is_empty() {
        return None;
    }
    while let [text @ .., b'\n'] = parsed.text {
        parsed.text = text;
    }
    Some(parsed)
}

fn after_priority(rest: &[u8]) -> Parsed<'_> {
    let plain = Parsed {
        text: rest,
        ..Parsed::default()
    };
    match rest {
        [b'1', b' ', fields @ ..] => rfc5424(fields).unwrap_or(plain),
        _ => rfc3164(rest).unwrap_or(plain),
    }
}

/// The number between angle brackets; none is zero.
fn priority(input: &[u8]) -> Option<(u32, &[u8])> {
    let inner = input.strip_prefix(b"<")?;
    let end = inner.iter().take(10).position(|byte| *byte == b'>')?;
    let (digits, rest) = (inner.get(..end)?, inner.get(end + 1..)?);
    let number = digits.iter().try_fold(0u32, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u32::from(byte - b'0')),
        _ => None,
    })?;
    Some((number, rest))
}

/// Splits at the first space; neither side's presence is optional.
fn word(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', input).filter(|end| *end > 0)?;
    Some((input.get(..end)?, input.get(end + 1..)?))
}

fn or_nil(field: &[u8]) -> &[u8] {
    if field == b"-" { b"" } else { field }
}

fn rfc5424(input: &[u8]) -> Option<Parsed<'_>> {
    let (time, rest) = word(input)?;
    let time = or_nil(time);
    if !time.is_empty() && !is_iso(time) {
        return None;
    }
    let (hostname, rest) = word(rest)?;
    let (tag, rest) = word(rest)?;
    let (pid, rest) = word(rest)?;
    let (msgid, rest) = word(rest)?;
    let end = structured_data(rest)?;
    Some(Parsed {
        kind: Kind::Rfc5424,
        priority: None,
        time,
        hostname: or_nil(hostname),
        tag: or_nil(tag),
        pid: or_nil(pid),
        msgid: or_nil(msgid),
        structured_data: or_nil(rest.get(..end)?),
        text: rest.get(end..)?.strip_prefix(b" ")?,
    })
}

/// Whether a time is `yyyy-mm-ddThh:mm:ss` with an optional fraction and a zone. Only its shape is looked at.
fn is_iso(time: &[u8]) -> bool {
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators
        .iter()
        .any(|(at, byte)| time.get(*at) != Some(byte))
    {
        return false;
    }
    let Some(rest) = time.get(19..) else {
        return false;
    };
    let zone = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            fraction.get(digits..).unwrap_or_default()
        }
        zone => zone,
    };
    matches!(zone, b"Z" | [b'+' | b'-', _, _, b':', _, _])
}

/// The length of structured data: `-`, or elements in brackets in which a backslash hides the next byte.
fn structured_data(input: &[u8]) -> Option<usize> {
    if input.first() == Some(&b'-') {
        return Some(1);
    }
    let mut at = 0;
    while input.get(at) == Some(&b'[') {
        loop {
            at += 1;
            match input.get(at)? {
                b'\\' => at += 1,
                b']' => break,
                _ => {}
            }
        }
        at += 1;
    }
    (at > 0).then_some(at)
}

fn rfc3164(input: &[u8]) -> Option<Parsed<'_>> {
    let time = input.get(..15)?;
    let is_month = MONTHS.iter().any(|name| time.starts_with(name.as_bytes()));
    let separators = [(3, b' '), (6, b' '), (9, b':'), (12, b':')];
    if !is_month
        || separators
            .iter()
            .any(|(at, byte)| time.get(*at) != Some(byte))
    {
        return None;
    }
    let (hostname, rest) = word(input.get(15..)?.strip_prefix(b" ")?)?;
    let (tag, pid, text) = tag(rest);
    Some(Parsed {
        kind: Kind::Rfc3164,
        time,
        hostname,
        tag,
        pid,
        text,
        ..Parsed::default()
    })
}

/// Tag, process id and text of `tag: text` or `tag[pid]: text`; the whole is text otherwise.
fn tag(input: &[u8]) -> (&[u8], &[u8], &[u8]) {
    try_tag(input).unwrap_or((b"", b"", input))
}

fn try_tag(input: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let end = input.iter().position(|byte| matches!(byte, b' ' | b':'))?;
    let token = input.get(..end)?;
    let open = memchr::memchr(b'[', token);
    let name = open
        .filter(|open| *open > 0)
        .map_or(token, |open| token.get(..open).unwrap_or(token));
    let text = input.get(end..)?.strip_prefix(b": ")?;
    let Some(open) = open else {
        return Some((name, b"", text));
    };
    let inner = token.get(open + 1..)?;
    match memchr::memchr(b']', inner) {
        Some(close) if close + 1 == inner.len() => Some((name, inner.get(..close)?, text)),
        // Something stands between the bracket and the colon: it belongs to the text, and so does all before it.
        Some(_) => Some((name, b"", input)),
        None => Some((name, b"", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(input: &str) -> String {
        let Some(p) = parse(input.as_bytes()) else {
            return "nothing".to_owned();
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let kind = match p.kind {
            Kind::Plain => "plain",
            Kind::Rfc3164 => "3164",
            Kind::Rfc5424 => "5424",
        };
        let priority = p.priority.map_or("none".to_owned(), |n| n.to_string());
        let fields = [
            p.time,
            p.hostname,
            p.tag,
            p.pid,
            p.msgid,
            p.structured_data,
            p.text,
        ]
        .map(text);
        format!("{kind}|{priority}|{}", fields.join("|"))
    }

    #[test]
    fn classic_messages() {
        let cases = [
            (
                "<13>Oct 11 22:14:15 host app[123]: hello world",
                "3164|13|Oct 11 22:14:15|host|app|123|||hello world",
            ),
            (
                "<13>Oct  1 22:14:15 host app: hello\n\n",
                "3164|13|Oct  1 22:14:15|host|app||||hello",
            ),
            (
                "<13>Oct 11 22:14:15 app: hello",
                "3164|13|Oct 11 22:14:15|app:|||||hello",
            ),
            (
                "<13>Oct 11 22:14:15 host app hello",
                "3164|13|Oct 11 22:14:15|host|||||app hello",
            ),
            (
                "<13>Oct 11 22:14:15 host a b: c",
                "3164|13|Oct 11 22:14:15|host|||||a b: c",
            ),
            (
                "<13>Oct 11 22:14:15 host app[12]",
                "3164|13|Oct 11 22:14:15|host|||||app[12]",
            ),
            (
                "<13>Oct 11 22:14:15 host app[12]:hello",
                "3164|13|Oct 11 22:14:15|host|||||app[12]:hello",
            ),
            (
                "<13>Oct 11 22:14:15 host app[12]:  hello",
                "3164|13|Oct 11 22:14:15|host|app|12||| hello",
            ),
            (
                "<13>Oct 11 22:14:15 host app[12: hello",
                "3164|13|Oct 11 22:14:15|host|app||||hello",
            ),
            (
                "<13>Oct 11 22:14:15 host app]12[: hello",
                "3164|13|Oct 11 22:14:15|host|app]12||||hello",
            ),
            (
                "<3>Oct 11 22:14:15 host a:b: hello",
                "3164|3|Oct 11 22:14:15|host|||||a:b: hello",
            ),
            (
                "<3>Oct 11 22:14:15 host : hello",
                "3164|3|Oct 11 22:14:15|host|||||hello",
            ),
            (
                "<3>Oct 11 22:14:15 host a[1]b: hello",
                "3164|3|Oct 11 22:14:15|host|a||||a[1]b: hello",
            ),
            (
                "<3>Oct 11 22:14:15 host [1]: hello",
                "3164|3|Oct 11 22:14:15|host|[1]|1|||hello",
            ),
            (
                "<13>Oct 41 22:74:15 host app[12]: hello",
                "3164|13|Oct 41 22:74:15|host|app|12|||hello",
            ),
            (
                "<13>oct 11 22:14:15 host a: b",
                "plain|13|||||||oct 11 22:14:15 host a: b",
            ),
            (
                "<13>Oct 11 22:14:15  host a: b",
                "plain|13|||||||Oct 11 22:14:15  host a: b",
            ),
            ("<13>Oct 11 22:14:15 x", "plain|13|||||||Oct 11 22:14:15 x"),
            ("<13>Oct 11 22:14:15 host ", "nothing"),
            (
                "Oct 11 22:14:15 host a: b",
                "plain|none|||||||Oct 11 22:14:15 host a: b",
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(parts(input), expected, "{input}");
        }
    }

    #[test]
    fn structured_messages() {
        let cases = [
            (
                "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% hi",
                "5424|165|2003-08-24T05:14:15.000003-07:00|192.0.2.1|myproc|8710|||%% hi",
            ),
            ("<165>1 - - - - - - hi", "5424|165|||||||hi"),
            (
                "<165>1 2003-13-24T05:14:15Z h a p m [a][b]  hi",
                "5424|165|2003-13-24T05:14:15Z|h|a|p|m|[a][b]| hi",
            ),
            (
                "<1>1 - h a p m [a b=\"c\\]\"] hi",
                "5424|1||h|a|p|m|[a b=\"c\\]\"]|hi",
            ),
            ("<1>1 - h a p m [] hi", "5424|1||h|a|p|m|[]|hi"),
            ("<1>1 - h a p m - - x", "5424|1||h|a|p|m||- x"),
            (
                "<1>1 - h a p m [a b=\"c]\"] hi",
                "plain|1|||||||1 - h a p m [a b=\"c]\"] hi",
            ),
            ("<1>1 - h a p m [a][b]", "plain|1|||||||1 - h a p m [a][b]"),
            ("<1>1 - h a p m [a hi", "plain|1|||||||1 - h a p m [a hi"),
            ("<1>1 -  a p m - hi", "plain|1|||||||1 -  a p m - hi"),
            (
                "<1>1 2003-08-24T05:14:15 h a p m - hi",
                "plain|1|||||||1 2003-08-24T05:14:15 h a p m - hi",
            ),
            (
                "<1>1 2003-08-24t05:14:15z h a p m - hi",
                "plain|1|||||||1 2003-08-24t05:14:15z h a p m - hi",
            ),
            ("<1>1 - h a p m - ", "nothing"),
            ("<1>2 - h a p m - hi", "plain|1|||||||2 - h a p m - hi"),
        ];
        for (input, expected) in cases {
            assert_eq!(parts(input), expected, "{input}");
        }
    }

    #[test]
    fn priorities() {
        let cases = [
            ("<>x", "plain|0|||||||x"),
            ("<013>x", "plain|13|||||||x"),
            ("<12345>x", "plain|12345|||||||x"),
            ("< 3>x", "plain|none|||||||< 3>x"),
            ("<3", "plain|none|||||||<3"),
            ("<191>", "nothing"),
            ("", "nothing"),
            ("\n", "plain|none|||||||"),
            ("a\r\n", "plain|none|||||||a\r"),
        ];
        for (input, expected) in cases {
            assert_eq!(parts(input), expected, "{input:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn any_bytes_are_read(input in prop::collection::vec(any::<u8>(), 0..80)) {
            let text_len = parse(&input).map_or(0, |parsed| parsed.text.len());
            prop_assert!(text_len <= input.len());
        }

        #[test]
        fn a_header_that_was_written_is_read_again(
            host in "[a-z0-9.]{1,8}", tag in "[a-z/.-]{1,8}", pid in "[0-9]{1,5}", text in "[ -~]{1,30}", priority in 0u32..192,
        ) {
            use crate::syslog::{Dates, Fields, Format, Time};
            let dates = Dates::default();
            let fields = Fields {
                priority, time: Time::Now, dates: &dates, micros: 1, hostname: host.as_bytes(), hostname_suffix: b"",
                tag: tag.as_bytes(), pid: pid.as_bytes(), msgid: b"", structured_data: b"",
            };
            for (format, kind) in [(Format::Rfc3164, Kind::Rfc3164), (Format::Rfc5424, Kind::Rfc5424)] {
                let mut line = Vec::new();
                fields.write(format, &mut line);
                line.extend_from_slice(text.as_bytes());
                let parsed = parse(&line).unwrap_or_default();
                prop_assert_eq!(parsed.kind, kind);
                prop_assert_eq!(parsed.priority, Some(priority));
                prop_assert_eq!(parsed.hostname, host.as_bytes());
                if tag != "-" {
                    prop_assert_eq!(parsed.tag, tag.as_bytes());
                }
                prop_assert_eq!(parsed.pid, pid.as_bytes());
                prop_assert_eq!(parsed.text, text.as_bytes());
            }
        }
    }
}
