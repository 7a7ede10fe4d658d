//! Parameters of queries and of form bodies.

use crate::args::Args;
use crate::args::spec::OPT_STR;
use crate::cast;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Side, View};
use message::Head;
use std::borrow::Cow;

/// The values of `name=value` pairs with the given name (or all for an empty one), separated by `&`, `;` or `delimiter`.
fn values<'a>(
    text: &'a [u8],
    name: &'a [u8],
    delimiter: u8,
    fold: bool,
) -> impl Iterator<Item = &'a [u8]> {
    text.split(move |&b| b == b'&' || b == b';' || b == delimiter)
        .filter_map(move |pair| {
            let equals = memchr::memchr(b'=', pair)?;
            let key = pair.get(..equals)?;
            let same = if fold {
                key.eq_ignore_ascii_case(name)
            } else {
                key == name
            };
            (name.is_empty() || same).then(|| pair.get(equals + 1..))?
        })
}

/// The values in the query of the request target, which begins behind the first `?` or delimiter.
fn url_values<'a>(args: &'a Args, view: &'a dyn View) -> Option<impl Iterator<Item = &'a [u8]>> {
    let target = view.request().map(Head::target)?;
    let delimiter = args.str(1).and_then(|d| d.first().copied()).unwrap_or(b'?');
    let start = memchr::memchr2(b'?', delimiter, target)? + 1;
    Some(values(
        target.get(start..)?,
        args.str(0).unwrap_or_default(),
        delimiter,
        folds(args, 2),
    ))
}

/// Whether the option at a place asks for names in any letter case. HAProxy refuses no other word there.
fn folds(args: &Args, at: usize) -> bool {
    args.str(at).is_some_and(|option| option.starts_with(b"i"))
}

fn text(value: &[u8]) -> Value<'_> {
    Value::Str(Cow::Borrowed(value))
}

fn int(value: &[u8]) -> Value<'_> {
    Value::Int(cast::short_int(value))
}

fn urlp<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(url_values(args, view).and_then(|mut v| v.next()).map(text))
}

fn urlp_each<'a>(
    args: &'a Args,
    view: &'a dyn View,
    test: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    if let Some(mut all) = url_values(args, view) {
        all.all(|value| test(text(value)));
    }
    false
}

fn urlp_val<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(url_values(args, view).and_then(|mut v| v.next()).map(int))
}

fn urlp_val_each<'a>(
    args: &'a Args,
    view: &'a dyn View,
    test: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    if let Some(mut all) = url_values(args, view) {
        all.all(|value| test(int(value)));
    }
    false
}

fn body_values<'a>(args: &'a Args, view: &'a dyn View) -> Option<impl Iterator<Item = &'a [u8]>> {
    let body = view.body(Side::Request)?;
    Some(values(
        body.bytes,
        args.str(0).unwrap_or_default(),
        b'&',
        folds(args, 1),
    ))
}

fn body_param<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let value = body_values(args, view).and_then(|mut v| v.next());
    Outcome::of(value.map(|v| Value::Bin(Cow::Borrowed(v))))
}

fn body_param_each<'a>(
    args: &'a Args,
    view: &'a dyn View,
    test: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    if let Some(mut all) = body_values(args, view) {
        all.all(|value| test(Value::Bin(Cow::Borrowed(value))));
    }
    false
}

const URLP: FetchRow = FetchRow::new(
    "urlp",
    Type::Str,
    Phases::REQUEST,
    urlp,
    "Parameter of the query.",
)
.args(&[OPT_STR, OPT_STR, OPT_STR])
.each(urlp_each);

pub(super) static ROWS: &[FetchRow] = &[
    URLP,
    URLP.alias("url_param"),
    FetchRow::new(
        "urlp_val",
        Type::Int,
        Phases::REQUEST,
        urlp_val,
        "Parameter of the query as an integer.",
    )
    .args(&[OPT_STR, OPT_STR, OPT_STR])
    .each(urlp_val_each),
    FetchRow::new(
        "req.body_param",
        Type::Bin,
        Phases::REQUEST,
        body_param,
        "Parameter of a form in the request body.",
    )
    .args(&[OPT_STR, OPT_STR])
    .each(body_param_each),
];
