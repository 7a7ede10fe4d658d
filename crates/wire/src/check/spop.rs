//! The greeting of a stream processing agent (SPOE document, section 3.2.5).

use super::Judgement;

const INVALID: &[u8] = b"invalid frame received";

/// Takes a number in the protocol's variable form.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut take = || {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(byte)
    };
    let mut value = u64::from(take()?);
    if value < 240 {
        return Some(value);
    }
    let mut shift = 4;
    loop {
        let byte = take()?;
        value = value.checked_add(u64::from(byte).checked_shl(shift)?)?;
        shift += 7;
        if byte < 128 {
            return Some(value);
        }
    }
}

/// Takes a text: its length, then its bytes.
fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(text)
}

/// A typed value, as far as a greeting may hold one.
enum Item<'a> {
    Number(u64),
    Text(&'a [u8]),
    Other,
}

fn item<'a>(bytes: &mut &'a [u8]) -> Option<Item<'a>> {
    let (&kind, rest) = bytes.split_first()?;
    *bytes = rest;
    let skip = |bytes: &mut &'a [u8], n: usize| {
        *bytes = bytes.get(n..)?;
        Some(Item::Other)
    };
    match kind & 0x0f {
        0 | 1 => Some(Item::Other),
        2..=5 => number(bytes).map(Item::Number),
        6 => skip(bytes, 4),
        7 => skip(bytes, 16),
        8 | 9 => text(bytes).map(Item::Text),
        _ => None,
    }
}

/// What was found in a greeting.
#[derive(Default)]
struct Found<'a> {
    version: Option<&'a [u8]>,
    frame_size: Option<u64>,
    capabilities: bool,
}

/// Reads the list of a greeting up to its end, or to what can't be read.
fn items(mut rest: &[u8]) -> Found<'_> {
    let mut found = Found::default();
    while let Some(name) = text(&mut rest) {
        match (name, item(&mut rest)) {
            (_, None) => break,
            (b"version", Some(Item::Text(version))) => found.version = Some(version),
            (b"max-frame-size", Some(Item::Number(size))) => found.frame_size = Some(size),
            (b"capabilities", Some(Item::Text(_))) => found.capabilities = true,
            _ => {}
        }
    }
    found
}

/// Judges the frame with which an agent answers the proxy's greeting.
#[must_use]
pub fn agent_hello(bytes: &[u8]) -> Judgement<'_> {
    let Some((len, rest)) = bytes.split_first_chunk::<4>() else {
        return Judgement::Incomplete;
    };
    let len = u32::from_be_bytes(*len) as usize;
    let Some(frame) = rest.get(..len).filter(|frame| !frame.is_empty()) else {
        return Judgement::Incomplete;
    };
    // Kind, flags (the last part of the frame), stream and frame number.
    let [_, 0, 0, 0, 1, 0, 0, list @ ..] = frame else {
        return Judgement::Invalid(INVALID);
    };
    match items(list) {
        Found { version: None, .. } => Judgement::Invalid(b"version value not found"),
        Found {
            version: Some(version),
            ..
        } if version != b"2.0" => Judgement::Invalid(b"unsupported version"),
        Found {
            frame_size: None, ..
        } => Judgement::Invalid(b"max-frame-size value not found"),
        Found {
            capabilities: false,
            ..
        } => Judgement::Invalid(b"capabilities value not found"),
        _ => Judgement::Good(b"SPOA server is ok"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of an agent's greeting.
    const AGENT_HELLO: u8 = 101;

    fn frame(kind: u8, list: &[u8]) -> Vec<u8> {
        let mut out = (7 + list.len() as u32).to_be_bytes().to_vec();
        out.extend([kind, 0, 0, 0, 1, 0, 0]);
        out.extend(list);
        out
    }

    #[test]
    fn greetings() {
        let full =
            b"\x07version\x08\x032.0\x0emax-frame-size\x03\xfc\xf0\x06\x0ccapabilities\x08\x00";
        let good = frame(AGENT_HELLO, full);
        assert_eq!(agent_hello(&good), Judgement::Good(b"SPOA server is ok"));
        for n in 0..good.len() {
            assert_eq!(agent_hello(&good[..n]), Judgement::Incomplete, "{n}");
        }
        let judge = |list: &[u8]| match agent_hello(&frame(AGENT_HELLO, list)) {
            Judgement::Invalid(text) => String::from_utf8_lossy(text).into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(judge(b""), "version value not found");
        assert_eq!(judge(b"\x07version\x08\x031.0"), "unsupported version");
        assert_eq!(
            judge(b"\x07version\x08\x032.0"),
            "max-frame-size value not found"
        );
        assert_eq!(judge(b"\x07version\x08\x09"), "version value not found");
        assert_eq!(agent_hello(&[0, 0, 0, 0]), Judgement::Incomplete);
        assert_eq!(agent_hello(&[0, 0, 0, 1, 101]), Judgement::Invalid(INVALID));
    }

    #[test]
    fn numbers() {
        assert_eq!(number(&mut &b"\xef"[..]), Some(239));
        assert_eq!(number(&mut &b"\xfc\xf0\x06"[..]), Some(16380));
        assert_eq!(number(&mut &b"\xf0\xff"[..]), None);
        assert_eq!(number(&mut &[0xff; 20][..]), None);
    }
}
