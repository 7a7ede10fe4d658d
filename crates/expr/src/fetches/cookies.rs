//! Cookies of requests and responses.

use super::headers::{Pick, either, request, response};
use crate::args::spec::OPT_STR;
use crate::args::{ArgSpec, Args};
use crate::cast;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::View;
use message::{FieldId, Head, Kind};
use std::borrow::Cow;

type Pair<'a> = (&'a [u8], &'a [u8]);

/// All cookies of a head; of a response the pair in front of each `Set-Cookie`.
fn pairs(head: &Head) -> impl Iterator<Item = Pair<'_>> {
    let is_request = head.kind() == Kind::Request;
    let id = if is_request {
        FieldId::Cookie
    } else {
        FieldId::SetCookie
    };
    head.all_known(id).flat_map(move |value| {
        let limit = if is_request { usize::MAX } else { 1 };
        message::cookies(value).take(limit)
    })
}

/// The values of the cookies with the given name, or of all when it is empty. Cookie names are case-sensitive.
fn values<'a>(args: &'a Args, head: &'a Head) -> impl Iterator<Item = &'a [u8]> {
    let name = args.str(0).unwrap_or_default();
    pairs(head)
        .filter(move |(n, _)| name.is_empty() || *n == name)
        .map(|(_, value)| value)
}

/// How many cookies of the given name there are. Without a name, whatever has a value counts, attributes included.
fn count(args: &Args, head: &Head) -> usize {
    if head.kind() == Kind::Request || args.str(0).is_some_and(|name| !name.is_empty()) {
        return values(args, head).count();
    }
    head.all_known(FieldId::SetCookie)
        .flat_map(|value| value.split(|&byte| matches!(byte, b';' | b',')))
        .filter(|part| part.contains(&b'='))
        .count()
}

/// The last occurrence of a named cookie; without a name, the first cookie.
fn single<'a>(args: &'a Args, view: &'a dyn View, pick: Pick) -> Option<&'a [u8]> {
    let mut values = values(args, pick(view)?);
    if args.str(0).is_none_or(<[u8]>::is_empty) {
        values.next()
    } else {
        values.last()
    }
}

fn as_text(value: &[u8]) -> Value<'_> {
    Value::Str(Cow::Borrowed(value))
}

fn as_int(value: &[u8]) -> Value<'_> {
    Value::Int(cast::short_int(value))
}

fn walk<'a>(
    args: &'a Args,
    view: &'a dyn View,
    pick: Pick,
    read: fn(&'a [u8]) -> Value<'a>,
    test: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    if let Some(head) = pick(view) {
        values(args, head).all(|value| test(read(value)));
    }
    false
}

fn names<'a>(args: &'a Args, view: &'a dyn View, pick: Pick) -> Outcome<'a> {
    let Some(head) = pick(view) else {
        return Outcome::Missing;
    };
    super::joined(args, pairs(head).map(|(name, _)| name))
}

macro_rules! cookie_fetches {
    ($($pick:ident: $text:ident $text_each:ident $int:ident $int_each:ident $count:ident $names:ident;)*) => {$(
        fn $text<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of(single(args, view, $pick).map(as_text))
        }
        fn $text_each<'a>(args: &'a Args, view: &'a dyn View, test: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
            walk(args, view, $pick, as_text, test)
        }
        #[allow(dead_code)]
        fn $int<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of(single(args, view, $pick).map(as_int))
        }
        #[allow(dead_code)]
        fn $int_each<'a>(args: &'a Args, view: &'a dyn View, test: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
            walk(args, view, $pick, as_int, test)
        }
        #[allow(dead_code)]
        fn $count<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of($pick(view).map(|head| super::count(count(args, head))))
        }
        #[allow(dead_code)]
        fn $names<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            names(args, view, $pick)
        }
    )*};
}

cookie_fetches! {
    request: req_text req_text_each req_int req_int_each req_count req_names;
    response: res_text res_text_each res_int res_int_each res_count res_names;
    either: any_text any_text_each any_int any_int_each any_count any_names;
}

const NAME: &[ArgSpec] = &[OPT_STR];
const REQ: Phases = Phases::REQUEST;
const RES: Phases = Phases::RESPONSE;

const REQ_COOK: FetchRow = FetchRow::new(
    "req.cook",
    Type::Str,
    REQ,
    req_text,
    "Value of a request cookie.",
)
.args(NAME)
.each(req_text_each);
const REQ_CNT: FetchRow = FetchRow::new(
    "req.cook_cnt",
    Type::Int,
    REQ,
    req_count,
    "Number of request cookies of a name.",
)
.args(NAME);
const REQ_VAL: FetchRow = FetchRow::new(
    "req.cook_val",
    Type::Int,
    REQ,
    req_int,
    "Value of a request cookie as an integer.",
)
.args(NAME)
.each(req_int_each);
const RES_COOK: FetchRow = FetchRow::new(
    "res.cook",
    Type::Str,
    RES,
    res_text,
    "Value of a response cookie.",
)
.args(NAME)
.each(res_text_each);
const RES_CNT: FetchRow = FetchRow::new(
    "res.cook_cnt",
    Type::Int,
    RES,
    res_count,
    "Number of response cookies of a name.",
)
.args(NAME);
const RES_VAL: FetchRow = FetchRow::new(
    "res.cook_val",
    Type::Int,
    RES,
    res_int,
    "Value of a response cookie as an integer.",
)
.args(NAME)
.each(res_int_each);

pub(super) static ROWS: &[FetchRow] = &[
    REQ_COOK,
    REQ_CNT,
    REQ_VAL,
    REQ_COOK.alias("cook"),
    REQ_CNT.alias("cook_cnt"),
    REQ_VAL.alias("cook_val"),
    FetchRow::new(
        "req.cook_names",
        Type::Str,
        REQ,
        req_names,
        "Names of the request cookies.",
    )
    .args(NAME),
    FetchRow::new(
        "cookie",
        Type::Str,
        Phases::MESSAGE,
        any_text,
        "Value of a cookie of the message at hand.",
    )
    .args(NAME)
    .each(any_text_each),
    RES_COOK,
    RES_CNT,
    RES_VAL,
    RES_COOK.alias("scook"),
    RES_CNT.alias("scook_cnt"),
    RES_VAL.alias("scook_val"),
    FetchRow::new(
        "res.cook_names",
        Type::Str,
        RES,
        res_names,
        "Names of the response cookies.",
    )
    .args(NAME),
    FetchRow::new(
        "req.hdr_names",
        Type::Str,
        REQ,
        req_hdr_names,
        "Names of the request headers.",
    )
    .args(NAME),
    FetchRow::new(
        "res.hdr_names",
        Type::Str,
        RES,
        res_hdr_names,
        "Names of the response headers.",
    )
    .args(NAME),
];

fn header_names<'a>(args: &'a Args, head: Option<&'a Head>) -> Outcome<'a> {
    let Some(head) = head else {
        return Outcome::Missing;
    };
    super::joined(args, head.iter().map(|(name, _)| name))
}

fn req_hdr_names<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    header_names(args, request(view))
}

fn res_hdr_names<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    header_names(args, response(view))
}
