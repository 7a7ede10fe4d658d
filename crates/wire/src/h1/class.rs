//! Byte classes.

/// The byte may stand in a token (RFC 9110, section 5.6.2).
pub(crate) const TOKEN: u8 = 1;
/// The byte may stand in a request target.
pub(crate) const TARGET: u8 = 2;
/// The byte may stand where a version is expected.
pub(crate) const VERSION: u8 = 4;
/// The byte may stand in an authority, outside the brackets of an address.
pub(crate) const AUTHORITY: u8 = 8;
/// The byte may stand in a chunk's extension.
pub(crate) const EXTENSION: u8 = 16;

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const TOKEN_SIGNS: &[u8] = b"!#$%&'*+-.^_`|~";
const NOT_AUTHORITY: &[u8] = b"#,/?@[\\]";

const fn mark(mut table: [u8; 256], bytes: &[u8], class: u8) -> [u8; 256] {
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] |= class;
        at += 1;
    }
    table
}

const fn unmark(mut table: [u8; 256], bytes: &[u8], class: u8) -> [u8; 256] {
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] &= !class;
        at += 1;
    }
    table
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        table[byte] |= TARGET | AUTHORITY;
        byte += 1;
    }
    let mut byte = 0x20;
    while byte < 0x100 {
        table[byte] |= EXTENSION;
        byte += 1;
    }
    table = mark(table, b"\t", EXTENSION);
    table = unmark(table, b"\"\\\x7f", EXTENSION);
    table = mark(table, ALPHANUMERIC, TOKEN);
    table = mark(table, TOKEN_SIGNS, TOKEN);
    table = unmark(table, b"#", TARGET);
    table = unmark(table, NOT_AUTHORITY, AUTHORITY);
    mark(table, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/.", VERSION)
}

const CLASSES: [u8; 256] = classes();
static CLASS_OF: [u8; 256] = CLASSES;

const fn lower_case_tokens() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        if CLASSES[byte as usize] & TOKEN != 0 {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
}

/// Bytes of tokens in lower case; 0 for those that may not stand in one.
static LOWER_CASE_TOKENS: [u8; 256] = lower_case_tokens();

/// Puts the token at the beginning of `text` into lower case, and says where it ends; `None` when the text ends first.
#[inline]
pub(crate) fn lower_token(text: &mut [u8]) -> Option<usize> {
    text.iter_mut().position(|byte| {
        let lower = LOWER_CASE_TOKENS[usize::from(*byte)];
        if lower != 0 {
            *byte = lower;
        }
        lower == 0
    })
}

/// Whether `byte` belongs to one of the classes in `mask`.
#[inline]
pub(crate) fn is(byte: u8, mask: u8) -> bool {
    CLASS_OF[byte as usize] & mask != 0
}
