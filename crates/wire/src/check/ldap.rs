//! The answer to an anonymous LDAPv3 bind (RFC 4511, sections 4.1.1, 4.1.9 and 4.2.2).

use super::Judgement;

const OTHER_PROTOCOL: &[u8] = b"Not LDAPv3 protocol";
const SEE: &[u8] = b"See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9";

/// Takes tag and length of an element and returns the length with what follows; `None` while they are incomplete.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.get(1..)?.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let length = digits.iter().fold(0usize, |sum, byte| {
        sum.saturating_mul(256) + usize::from(*byte)
    });
    Some((length, rest))
}

/// Judges the answer to a bind request with the message number 1.
#[must_use]
pub fn bind_response(bytes: &[u8]) -> Judgement<'static> {
    if bytes.first().is_some_and(|tag| *tag != 0x30) {
        return Judgement::Invalid(OTHER_PROTOCOL);
    }
    let Some((len, message)) = length(bytes) else {
        return Judgement::Incomplete;
    };
    if message.len() < len {
        return Judgement::Incomplete;
    }
    let code = message
        .strip_prefix(&[0x02, 0x01, 0x01])
        .filter(|answer| answer.first() == Some(&0x61))
        .and_then(length)
        .and_then(|(_, answer)| answer.strip_prefix(&[0x0a, 0x01]))
        .and_then(<[u8]>::first);
    match code {
        None => Judgement::Invalid(OTHER_PROTOCOL),
        Some(0) => Judgement::Good(b"Success"),
        Some(code) => Judgement::Refused(u16::from(*code), SEE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(hex: &str) -> Judgement<'static> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| {
                u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16).expect("hex")
            })
            .collect();
        bind_response(&bytes)
    }

    #[test]
    fn answers() {
        assert_eq!(
            judge("300C020101 61 070A01 00 04000400"),
            Judgement::Good(b"Success")
        );
        assert_eq!(
            judge("308400000010020101 61 84000000070A01 00 04000400"),
            Judgement::Good(b"Success")
        );
        assert_eq!(
            judge("300C020101 61 070A01 31 04000400"),
            Judgement::Refused(49, SEE)
        );
        for other in [
            "300C020101 60 070A01 00 04000400",
            "300C020102 61 070A01 00 04000400",
            "300C020101 61 070A02 0000 040004",
            "31",
            "308100",
        ] {
            assert_eq!(judge(other), Judgement::Invalid(OTHER_PROTOCOL), "{other}");
        }
        for part in ["", "30", "300C0201", "300C020101 61 07", "3084000000"] {
            assert_eq!(judge(part), Judgement::Incomplete, "{part}");
        }
        assert_eq!(judge("3088ffffffffffffffff00"), Judgement::Incomplete);
    }
}
