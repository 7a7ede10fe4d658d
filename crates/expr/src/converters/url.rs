//! Percent encoding (RFC 3986, section 2.1).

use super::{string, text};
use crate::args::Args;
use crate::args::spec::{OPT_INT, STR};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;

fn decode(text: &[u8], in_form: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut in_form = in_form;
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'+' if in_form => out.push(b' '),
            b'%' => {
                let [high, low, tail @ ..] = tail else {
                    return None;
                };
                let digit = |b: &u8| char::from(*b).to_digit(16);
                out.push((digit(high)? << 4 | digit(low)?) as u8);
                rest = tail;
            }
            b'?' => {
                in_form = true;
                out.push(b'?');
            }
            other => out.push(*other),
        }
    }
    Some(out)
}

fn url_dec<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let in_form = args.int(0).is_some_and(|form| form != 0);
    if memchr::memchr2(b'%', b'+', &text).is_none() {
        return Some(Value::Str(text));
    }
    string(decode(&text, in_form)?)
}

fn check_enc(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    match args.str(0) {
        None | Some(b"" | b"query") => Ok(()),
        Some(_) => Err("Unexpected encode type. Allowed value is 'query'".into()),
    }
}

fn url_enc<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let text = text(value)?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if text.iter().all(plain) {
        return Some(Value::Str(text));
    }
    let mut out = Vec::with_capacity(text.len() * 3);
    for byte in text.iter() {
        if plain(byte) {
            out.push(*byte);
        } else {
            out.push(b'%');
            crate::cast::write_hex(&[*byte], &mut out);
        }
    }
    string(out)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "url_dec",
        Type::Str,
        Type::Str,
        url_dec,
        "Decodes percent encoding.",
    )
    .args(&[OPT_INT]),
    ConverterRow::new(
        "url_enc",
        Type::Str,
        Type::Str,
        url_enc,
        "Encodes in percent encoding.",
    )
    .args(&[STR])
    .check(check_enc),
];
