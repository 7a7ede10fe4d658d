//! Integers with a prefix (RFC 7541, section 5.1).

use super::HpackError;

/// Reads an integer whose prefix takes the low `bits` of the first byte; gives it with what follows.
///
/// # Errors
/// When it is cut short, or exceeds 28 bits: nothing that long could be meant.
pub fn read(text: &[u8], bits: u32) -> Result<(usize, &[u8]), HpackError> {
    let (&first, mut rest) = text.split_first().ok_or(HpackError::Truncated)?;
    let most = (1_usize << bits) - 1;
    let mut value = usize::from(first) & most;
    if value < most {
        return Ok((value, rest));
    }
    for shift in [0, 7, 14, 21] {
        let (&byte, next) = rest.split_first().ok_or(HpackError::Truncated)?;
        rest = next;
        value += (usize::from(byte) & 127) << shift;
        if byte < 128 {
            return Ok((value, rest));
        }
    }
    Err(HpackError::Integer)
}

/// Appends an integer; `first` has what stands in front of the prefix.
pub fn write(first: u8, bits: u32, value: usize, out: &mut Vec<u8>) {
    let most = (1_usize << bits) - 1;
    if value < most {
        out.push(first | value as u8);
        return;
    }
    out.push(first | most as u8);
    let mut rest = value - most;
    while rest >= 128 {
        out.push((rest & 127) as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_hold() {
        // RFC 7541, appendix C.1.
        for (value, bits, bytes) in [
            (10, 5, &[10][..]),
            (1337, 5, &[31, 154, 10]),
            (42, 8, &[42]),
            (31, 5, &[31, 0]),
        ] {
            let mut out = Vec::new();
            write(0, bits, value, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(read(&out, bits), Ok((value, &[][..])));
        }
    }

    #[test]
    fn endless_and_cut_integers_are_refused() {
        assert_eq!(
            read(&[31, 255, 255, 255, 255, 1], 5),
            Err(HpackError::Integer)
        );
        assert_eq!(read(&[31, 255], 5), Err(HpackError::Truncated));
        assert_eq!(read(&[], 5), Err(HpackError::Truncated));
    }
}
