//! MySQL's client protocol as far as checks read it (MySQL internals manual, "Connection Phase").

use super::Judgement;

/// The length and the body of the packet at the start of `bytes`; `None` while it is incomplete.
fn packet(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let [a, b, c, _] = *bytes.first_chunk::<4>()?;
    let len = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
    Some((4 + len, bytes.get(4..4 + len)?))
}

/// Judges a packet; what follows its first byte is looked at only in packets that tell of an error.
fn judge(body: &[u8]) -> Option<Judgement<'_>> {
    match body {
        [] => Some(Judgement::Invalid(b"")),
        [0xff, rest @ ..] => {
            let byte = |at: usize| u16::from(rest.get(at).copied().unwrap_or(0));
            let text = rest.get(2..).unwrap_or_default();
            Some(Judgement::Refused(byte(0) | byte(1) << 8, text))
        }
        _ => None,
    }
}

/// Judges the packet with which a server greets. A good one names the server's version.
#[must_use]
pub fn handshake(bytes: &[u8]) -> Judgement<'_> {
    let Some((_, body)) = packet(bytes) else {
        return Judgement::Incomplete;
    };
    judge(body).unwrap_or_else(|| {
        let version = body.get(1..).unwrap_or_default();
        let version = version.split(|byte| *byte == 0).next();
        Judgement::Good(version.unwrap_or_default())
    })
}

/// Judges the greeting with the answer to the login behind it.
#[must_use]
pub fn outcome(bytes: &[u8]) -> Judgement<'_> {
    let greeting = handshake(bytes);
    let Judgement::Good(version) = greeting else {
        return greeting;
    };
    let rest = packet(bytes).and_then(|(len, _)| bytes.get(len..));
    match packet(rest.unwrap_or_default()) {
        None => Judgement::Incomplete,
        Some((_, body)) => judge(body).unwrap_or(Judgement::Good(version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: &[u8] = b"\x07\0\0\0\x0a8.0.1\0";

    #[test]
    fn greetings() {
        assert_eq!(handshake(GREETING), Judgement::Good(b"8.0.1"));
        for n in 0..GREETING.len() {
            assert_eq!(handshake(&GREETING[..n]), Judgement::Incomplete, "{n}");
        }
        assert_eq!(handshake(&[0, 0, 0, 0]), Judgement::Invalid(b""));
        assert_eq!(
            handshake(b"\x05\0\0\0\xff\x6a\x04no"),
            Judgement::Refused(1130, b"no")
        );
        assert_eq!(
            handshake(b"\x02\0\0\0\xff\x6a"),
            Judgement::Refused(106, b"")
        );
        assert_eq!(handshake(b"\x03\0\0\0\x0a12"), Judgement::Good(b"12"));
    }

    #[test]
    fn answers_to_logins() {
        let with = |rest: &[u8]| [GREETING, rest].concat();
        assert_eq!(outcome(GREETING), Judgement::Incomplete);
        assert_eq!(
            outcome(&with(b"\x03\0\0\x02\0\0\0")),
            Judgement::Good(b"8.0.1")
        );
        assert_eq!(
            outcome(&with(b"\x05\0\0\x02\xff\xe3\x04no")),
            Judgement::Refused(1251, b"no")
        );
        assert_eq!(outcome(&with(b"\0\0\0\x02")), Judgement::Invalid(b""));
    }
}
