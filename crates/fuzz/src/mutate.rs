//! Small changes to an input.

use crate::random::Random;

/// Bytes at which parsers tend to decide something.
const TELLING: &[u8] = b"\0\t\n\r !\"#$%&'()*+,-./0123456789:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\xc3\xff";

/// Numbers at which arithmetic tends to go wrong.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "255",
    "256",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "ffffffffffffffff",
    "1e9",
    "0x7f",
];

/// Changes `input` in one to eight places; it then has at most `max_len` bytes.
pub fn mutate(
    input: &mut Vec<u8>,
    others: &[Vec<u8>],
    words: &[Vec<u8>],
    max_len: usize,
    random: &mut Random,
) {
    for _ in 0..=random.below(8) {
        match random.below(12) {
            0 => flip_bit(input, random),
            1 => set_byte(input, random),
            2 => insert(input, &[random.byte()], random),
            3 => {
                let byte = random.pick(TELLING).copied().unwrap_or_default();
                insert(input, &[byte], random);
            }
            4 => remove(input, random),
            5 => repeat(input, max_len, random),
            6 => splice(input, others, random),
            7 => {
                let number = random.pick(NUMBERS).copied().unwrap_or_default();
                replace_digits(input, number.as_bytes(), random);
            }
            8 => swap(input, random),
            _ => {
                let word = random.pick(words).cloned().unwrap_or_default();
                place_word(input, &word, random);
            }
        }
        input.truncate(max_len);
    }
}

fn flip_bit(input: &mut [u8], random: &mut Random) {
    let at = random.below(input.len());
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn set_byte(input: &mut [u8], random: &mut Random) {
    let at = random.below(input.len());
    if let (Some(byte), Some(new)) = (input.get_mut(at), random.pick(TELLING)) {
        *byte = *new;
    }
}

fn insert(input: &mut Vec<u8>, bytes: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    input.splice(at..at, bytes.iter().copied());
}

/// A range of the input, mostly a short one.
fn range(input: &[u8], random: &mut Random) -> std::ops::Range<usize> {
    let start = random.below(input.len());
    let longest = match random.below(4) {
        0 => input.len() - start,
        _ => (input.len() - start).min(8),
    };
    start..start + random.below(longest + 1)
}

fn remove(input: &mut Vec<u8>, random: &mut Random) {
    let range = range(input, random);
    input.drain(range);
}

/// Doubles a part once or many times, for what is meant to be short.
fn repeat(input: &mut Vec<u8>, max_len: usize, random: &mut Random) {
    let range = range(input, random);
    let part = input.get(range.clone()).unwrap_or_default().to_vec();
    let times = match random.below(16) {
        0 => max_len / part.len().max(1),
        _ => 1 + random.below(4),
    };
    input.splice(range.end..range.end, part.repeat(times));
}

fn splice(input: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let Some(other) = random.pick(others) else {
        return;
    };
    let part = other.get(range(other, random)).unwrap_or_default();
    let at = range(input, random);
    input.splice(at, part.iter().copied());
}

fn replace_digits(input: &mut Vec<u8>, number: &[u8], random: &mut Random) {
    let from = random.below(input.len());
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let rest = input.get(from..).unwrap_or_default();
    let start = from + rest.iter().position(is_digit).unwrap_or(rest.len());
    let digits = input.get(start..).unwrap_or_default();
    let len = digits.iter().take_while(|byte| is_digit(byte)).count();
    input.splice(start..start + len, number.iter().copied());
}

fn swap(input: &mut [u8], random: &mut Random) {
    if !input.is_empty() {
        let (a, b) = (random.below(input.len()), random.below(input.len()));
        input.swap(a, b);
    }
}

/// Puts a word somewhere, or in the place of a word.
fn place_word(input: &mut Vec<u8>, word: &[u8], random: &mut Random) {
    if random.below(2) == 0 {
        return insert(input, word, random);
    }
    let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let from = random.below(input.len());
    let rest = input.get(from..).unwrap_or_default();
    let start = from + rest.iter().position(in_word).unwrap_or(rest.len());
    let old = input.get(start..).unwrap_or_default();
    let len = old.iter().take_while(|byte| in_word(byte)).count();
    input.splice(start..start + len, word.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::mutate;
    use crate::random::Random;

    #[test]
    fn mutations_differ_and_stay_within_the_limit() {
        let others = [b"other words".to_vec(), Vec::new()];
        let words = [b"word".to_vec()];
        let mut random = Random::new(7, "mutations");
        let mut seen = std::collections::HashSet::new();
        for _ in 0..2000 {
            let mut input = b"GET / HTTP/1.1".to_vec();
            mutate(&mut input, &others, &words, 40, &mut random);
            assert!(input.len() <= 40);
            seen.insert(input);
            let mut empty = Vec::new();
            mutate(&mut empty, &[], &[], 40, &mut random);
            assert!(empty.len() <= 40);
        }
        assert!(seen.len() > 1500, "{} different ones", seen.len());
    }
}
