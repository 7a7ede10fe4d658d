//! HTTP: preferred languages, captured texts.

use super::text;
use crate::args::Args;
use crate::args::spec::{INT, OPT_STR, STR};
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::{Side, View};
use std::borrow::Cow;

/// A quality in thousandths (RFC 9110, section 12.4.2); 1000 for what is none.
fn quality(text: &[u8]) -> u32 {
    let Some((first @ b'0'..=b'9', rest)) = text.split_first() else {
        return 1000;
    };
    let digits = rest.strip_prefix(b".").unwrap_or_default();
    let mut value = u32::from(first - b'0');
    let mut digits = digits.iter().take_while(|b| b.is_ascii_digit());
    for _ in 0..3 {
        value = value * 10 + digits.next().map_or(0, |b| u32::from(b - b'0'));
    }
    value.min(1000)
}

/// The quality among the parameters of an element, which must come first there.
fn element_quality(parameters: &[u8]) -> u32 {
    let rest = parameters.trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b"q") else {
        return 1000;
    };
    match rest.trim_ascii_start().strip_prefix(b"=") {
        Some(value) => quality(value.trim_ascii_start()),
        None => 1000,
    }
}

fn is_language(language: &[u8], known: &[u8]) -> bool {
    language
        .strip_prefix(known)
        .is_some_and(|variant| variant.is_empty() || variant.starts_with(b"-"))
}

fn language<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let header = text(value)?;
    let known = args.str(0)?;
    let mut best: Option<(u32, &[u8])> = None;
    for element in header.split(|&b| b == b',') {
        let mut parts = element.splitn(2, |&b| b == b';');
        let language = parts.next().unwrap_or_default().trim_ascii();
        let quality = parts.next().map_or(1000, element_quality);
        if language.is_empty() || quality <= best.map_or(0, |(quality, _)| quality) {
            continue;
        }
        let mut known = known.split(|&b| b == b';').filter(|k| !k.is_empty());
        if let Some(found) = known.find(|known| is_language(language, known)) {
            best = Some((quality, found));
        }
    }
    let found = best.map(|(_, language)| language).or_else(|| args.str(1))?;
    Some(Value::Str(Cow::Borrowed(found)))
}

fn capture<'a>(args: &Args, side: Side, value: Value<'a>, view: &dyn View) -> Option<Value<'a>> {
    let slot = usize::try_from(args.int(0)?).ok()?;
    let text = text(value)?;
    view.capture(side, slot, &text).then_some(Value::Str(text))
}

fn capture_req<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    capture(args, Side::Request, value, view)
}

fn capture_res<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    capture(args, Side::Response, value, view)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "language",
        Type::Str,
        Type::Str,
        language,
        "The best of the known languages in an Accept-Language header.",
    )
    .args(&[STR, OPT_STR]),
    ConverterRow::new(
        "capture-req",
        Type::Str,
        Type::Str,
        capture_req,
        "Captures the text into a request slot.",
    )
    .args(&[INT])
    .impure(),
    ConverterRow::new(
        "capture-res",
        Type::Str,
        Type::Str,
        capture_res,
        "Captures the text into a response slot.",
    )
    .args(&[INT])
    .impure(),
];
