//! Strings in HPACK's Huffman code (RFC 7541, section 5.2 and appendix B).
//!
//! The code is canonical: symbols of one length have consecutive codes in their order, and longer codes follow the shorter
//! ones. So the lengths say it all.

use super::HpackError;

/// The length of each byte's code in bits; the last is that of the end mark.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const LONGEST: usize = 30;
const END: u16 = 256;

/// The codes of one length.
#[derive(Clone, Copy)]
struct Class {
    /// The first code.
    first: u32,
    /// How many there are.
    count: u32,
    /// Where their symbols begin in [`Code::sorted`].
    offset: u16,
}

struct Code {
    classes: [Class; LONGEST + 1],
    /// All symbols, by length and value.
    sorted: [u16; 257],
    /// By the first eight bits: the symbol and its length, 0 when the code is longer.
    short: [(u8, u8); 256],
}

static CODE: Code = build();

const fn build() -> Code {
    let empty = Class {
        first: 0,
        count: 0,
        offset: 0,
    };
    let mut code = Code {
        classes: [empty; LONGEST + 1],
        sorted: [0; 257],
        short: [(0, 0); 256],
    };
    let (mut len, mut next, mut at) = (1, 0_u32, 0);
    while len <= LONGEST {
        code.classes[len].first = next;
        code.classes[len].offset = at as u16;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == len {
                code.sorted[at] = symbol as u16;
                at += 1;
                if len <= 8 {
                    let spare = 8 - len;
                    let mut fill = 0;
                    while fill < 1 << spare {
                        code.short[((next as usize) << spare) + fill] = (symbol as u8, len as u8);
                        fill += 1;
                    }
                }
                code.classes[len].count += 1;
                next += 1;
            }
            symbol += 1;
        }
        next <<= 1;
        len += 1;
    }
    code
}

/// Decodes `text` and appends what it says to `out`.
///
/// # Errors
/// When the padding is longer than seven bits or not all ones, or the end mark occurs.
pub fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), HpackError> {
    // The bits not yet used are the lowest of `bits`.
    let (mut bits, mut count) = (0_u64, 0_u32);
    let mut rest = text.iter();
    out.reserve(text.len() * 2);
    loop {
        while count <= 56 {
            let Some(&byte) = rest.next() else { break };
            bits = bits << 8 | u64::from(byte);
            count += 8;
        }
        // Left-aligned, with ones behind the end, as the padding is.
        let window = match count {
            0 => return Ok(()),
            32.. => (bits >> (count - 32)) as u32,
            _ => (bits << (32 - count)) as u32 | u32::MAX >> count,
        };
        let (symbol, len) = match CODE.short[(window >> 24) as usize] {
            (symbol, len @ 1..) => (u16::from(symbol), u32::from(len)),
            _ => long(window).ok_or(HpackError::Huffman)?,
        };
        if len > count {
            // What is left is no whole code: padding, all ones by the choice of the window.
            let padding = bits & ((1 << count) - 1);
            let ones = padding == (1 << count) - 1;
            return if count < 8 && ones {
                Ok(())
            } else {
                Err(HpackError::Huffman)
            };
        }
        if symbol == END {
            return Err(HpackError::Huffman);
        }
        out.push(symbol as u8);
        count -= len;
    }
}

/// Finds a code of more than eight bits at the front of `window`.
fn long(window: u32) -> Option<(u16, u32)> {
    for len in 9..=LONGEST {
        let class = CODE.classes.get(len)?;
        let code = window >> (32 - len);
        if let Some(nth) = code.checked_sub(class.first)
            && nth < class.count
        {
            let symbol = CODE.sorted.get(usize::from(class.offset) + nth as usize)?;
            return Some((*symbol, len as u32));
        }
    }
    None
}

/// Appends the code of `text` to `out`.
#[cfg(test)]
pub fn encode(text: &[u8], out: &mut Vec<u8>) {
    let (mut bits, mut count) = (0_u64, 0_u32);
    for &byte in text {
        let len = usize::from(LENGTHS[usize::from(byte)]);
        let class = CODE.classes[len];
        let from = usize::from(class.offset);
        let nth = CODE.sorted[from..]
            .iter()
            .position(|&s| s == u16::from(byte))
            .unwrap();
        bits = bits << len | u64::from(class.first + nth as u32);
        count += len as u32;
        while count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    if count > 0 {
        let spare = 8 - count;
        out.push((bits << spare) as u8 | ((1 << spare) - 1) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(text: &[u8]) -> Result<Vec<u8>, HpackError> {
        let mut out = Vec::new();
        decode(text, &mut out).map(|()| out)
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 7541, appendix C.4.
        let text = [
            0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff,
        ];
        assert_eq!(decoded(&text).unwrap(), b"www.example.com");
        assert_eq!(
            decoded(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).unwrap(),
            b"no-cache"
        );
        assert_eq!(decoded(&[]).unwrap(), b"");
    }

    #[test]
    fn wrong_padding_and_the_end_mark_are_refused() {
        assert!(decoded(&[0xff]).is_err(), "eight bits of padding");
        assert!(decoded(&[0xff, 0xff, 0xff, 0xff]).is_err(), "the end mark");
        assert!(
            decoded(&[0b0001_1000]).is_err(),
            "padding of zeros behind an 'a'"
        );
        assert_eq!(decoded(&[0b0001_1111]).unwrap(), b"a");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut code = Vec::new();
            encode(&text, &mut code);
            prop_assert_eq!(decoded(&code).unwrap(), text);
        }

        #[test]
        fn nothing_panics(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decoded(&text);
        }
    }
}
