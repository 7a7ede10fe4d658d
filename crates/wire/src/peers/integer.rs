//! Integers of one byte below 240 and of more, seven bits each, above.

use super::Fault;

/// Below this, an integer is one byte.
const SHORT: u64 = 0xf0;

/// Writes an integer.
pub fn put_integer(out: &mut Vec<u8>, value: u64) {
    if value < SHORT {
        return out.push(value as u8);
    }
    out.push(value as u8 | 0xf0);
    let mut rest = (value - SHORT) >> 4;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest = (rest - 0x80) >> 7;
    }
    out.push(rest as u8);
}

/// Reads an integer at the beginning of `bytes`, and says how many bytes it takes; `None` when it is cut off.
///
/// # Errors
/// When it is larger than 64 bits.
pub(super) fn integer(bytes: &[u8]) -> Result<Option<(u64, usize)>, Fault> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let mut value = u64::from(first);
    if value < SHORT {
        return Ok(Some((value, 1)));
    }
    let mut shift = 4;
    for (at, &byte) in rest.iter().enumerate() {
        let part = u64::from(byte);
        if shift >= 64 || (part << shift) >> shift != part {
            return Err(Fault::Malformed);
        }
        value = value.checked_add(part << shift).ok_or(Fault::Malformed)?;
        if byte < 0x80 {
            return Ok(Some((value, at + 2)));
        }
        shift += 7;
    }
    Ok(None)
}

/// Takes an integer off the front of a message that is complete.
///
/// # Errors
/// When there is none.
pub(super) fn take_integer(bytes: &mut &[u8]) -> Result<u64, Fault> {
    let (value, len) = integer(bytes)?.ok_or(Fault::Malformed)?;
    *bytes = bytes.get(len..).unwrap_or_default();
    Ok(value)
}

/// Takes an integer of at most 32 bits.
///
/// # Errors
/// As [`take_integer`], and when it is larger.
pub(super) fn take_word(bytes: &mut &[u8]) -> Result<u32, Fault> {
    u32::try_from(take_integer(bytes)?).map_err(|_| Fault::Malformed)
}

/// Takes a number of bytes off the front.
///
/// # Errors
/// When there are not so many.
pub(super) fn take_bytes<'b>(bytes: &mut &'b [u8], len: usize) -> Result<&'b [u8], Fault> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or(Fault::Malformed)?;
    *bytes = rest;
    Ok(taken)
}

/// Takes a 32-bit number in network order.
///
/// # Errors
/// When it is cut off.
pub(super) fn take_fixed(bytes: &mut &[u8]) -> Result<u32, Fault> {
    let taken = take_bytes(bytes, 4)?;
    Ok(taken
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_the_bytes_of_the_specification() {
        for (value, bytes) in [
            (0, &[0][..]),
            (0xef, &[0xef]),
            (0xf0, &[0xf0, 0]),
            (0x1234, &[0xf4, 0x94, 0x01]),
            (2287, &[0xff, 0x7f]),
            (2288, &[0xf0, 0x80, 0x00]),
            (30_000, &[0xf0, 0xc4, 0x0d]),
        ] {
            let mut out = Vec::new();
            put_integer(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(integer(bytes), Ok(Some((value, bytes.len()))));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(integer(&[]), Ok(None));
        assert_eq!(integer(&[0xff, 0x80]), Ok(None));
        let mut most = Vec::new();
        put_integer(&mut most, u64::MAX);
        assert_eq!(integer(&most), Ok(Some((u64::MAX, most.len()))));
        assert_eq!(integer(&[0xff; 12]), Err(Fault::Malformed));
        assert_eq!(
            take_word(&mut &[0xf0, 0xff, 0xff, 0xff, 0xff, 0x7f][..]),
            Err(Fault::Malformed)
        );
    }
}
