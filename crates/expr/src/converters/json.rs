//! Texts escaped for JSON strings.

use super::{string, text};
use crate::args::Args;
use crate::args::spec::STR;
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::io::Write;

/// How the input is decoded.
#[derive(Debug, Clone, Copy)]
enum Code {
    /// Each byte is a character.
    Ascii,
    Utf8 {
        /// Drop what is wrong instead of failing.
        silent: bool,
        /// Take characters that are written with too many bytes.
        permissive: bool,
    },
}

fn check(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let utf8 = |silent, permissive| Code::Utf8 { silent, permissive };
    args.set_data(match args.str(0) {
        None | Some(b"" | b"ascii") => Code::Ascii,
        Some(b"utf8") => utf8(false, false),
        Some(b"utf8s") => utf8(true, false),
        Some(b"utf8p") => utf8(false, true),
        Some(b"utf8ps") => utf8(true, true),
        Some(_) => {
            return Err("Unexpected input code type. Allowed value are 'ascii', 'utf8', 'utf8s', 'utf8p' and 'utf8ps'".into());
        }
    });
    Ok(())
}

/// A character from the start of a text, `None` for a wrong one, and how many bytes it takes.
fn decode(text: &[u8], permissive: bool) -> (Option<u32>, usize) {
    let Some(&first) = text.first() else {
        return (None, 0);
    };
    let (length, bits) = match first {
        0..=0x7f => return (Some(u32::from(first)), 1),
        0x80..=0xbf | 0xfe..=0xff => return (None, 1),
        0xc0..=0xdf => (2, first & 0x1f),
        0xe0..=0xef => (3, first & 0x0f),
        0xf0..=0xf7 => (4, first & 0x07),
        0xf8..=0xfb => (5, first & 0x03),
        0xfc..=0xfd => (6, first & 0x01),
    };
    let mut code = u32::from(bits);
    let mut used = 1;
    for byte in text.iter().take(length).skip(1) {
        if byte & 0xc0 != 0x80 {
            break;
        }
        code = code << 6 | u32::from(byte & 0x3f);
        used += 1;
    }
    let least = [0, 0, 0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000];
    let overlong = least.get(length).is_some_and(|least| code < *least);
    let forbidden = matches!(code, 0xd800..=0xdfff | 0xfffe | 0xffff) || code > 0xffff;
    let wrong = used < length || forbidden || (overlong && !permissive);
    ((!wrong).then_some(code), used)
}

fn escape(code: u32, out: &mut Vec<u8>) {
    let short = match code {
        0x22 | 0x2f | 0x5c => code as u8,
        0x08 => b'b',
        0x0c => b'f',
        0x0a => b'n',
        0x0d => b'r',
        0x09 => b't',
        0x20..=0x7e => {
            out.push(code as u8);
            return;
        }
        // Writing to a vector can't fail.
        _ => return drop(write!(out, "\\u{code:04x}")),
    };
    out.extend([b'\\', short]);
}

fn json<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let mut out = Vec::with_capacity(text.len() + 8);
    match *args.data::<Code>()? {
        Code::Ascii => text.iter().for_each(|b| escape(u32::from(*b), &mut out)),
        Code::Utf8 { silent, permissive } => {
            let mut rest = &*text;
            while !rest.is_empty() {
                let (code, used) = decode(rest, permissive);
                match code {
                    Some(code) => escape(code, &mut out),
                    None if silent => {}
                    None => return None,
                }
                rest = rest.get(used..).unwrap_or_default();
            }
        }
    }
    string(out)
}

pub(super) static ROWS: &[ConverterRow] = &[ConverterRow::new(
    "json",
    Type::Str,
    Type::Str,
    json,
    "Escapes for a JSON string.",
)
.args(&[STR])
.check(check)];
