//! Header fields of requests and responses.

use crate::args::spec::{OPT_INT, OPT_STR};
use crate::args::{Arg, Args};
use crate::cast;
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::View;
use message::{Head, list};
use std::borrow::Cow;
use std::net::IpAddr;

pub(super) type Pick = for<'a> fn(&'a dyn View) -> Option<&'a Head>;

pub(super) fn request(view: &dyn View) -> Option<&Head> {
    view.request()
}
pub(super) fn response(view: &dyn View) -> Option<&Head> {
    view.response()
}
/// The message at hand: the response once it is there.
pub(super) fn either(view: &dyn View) -> Option<&Head> {
    view.response().or_else(|| view.request())
}

/// Puts the field's name in lower case once.
pub(super) fn check_name(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    if let Some(name) = args.str(0).map(<[u8]>::to_ascii_lowercase) {
        args.set(0, Arg::Str(name.into()));
    }
    if args.int(1).is_some_and(|at| at < -10) {
        return Err("header occurrence must be >= -10".into());
    }
    Ok(())
}

/// The values of the field named by the first argument, or of all fields, split at commas.
fn items<'a>(args: &'a Args, head: &'a Head) -> impl Iterator<Item = &'a [u8]> + Clone {
    fields(args, head).flat_map(list::items)
}

fn fields<'a>(args: &'a Args, head: &'a Head) -> impl Iterator<Item = &'a [u8]> + Clone {
    let name = args.str(0).unwrap_or_default();
    head.iter()
        .filter(move |(n, _)| name.is_empty() || *n == name)
        .map(|(_, value)| trimmed(value))
}

/// A value without the blanks around it, which rules may have left there.
fn trimmed(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = value.iter().position(blank).unwrap_or(value.len());
    let end = value.iter().rposition(blank).map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

/// Picks an occurrence: positive ones count from the first, negative ones from the last.
pub(super) fn occurrence<'a>(
    mut values: impl Iterator<Item = &'a [u8]> + Clone,
    at: i64,
) -> Option<&'a [u8]> {
    if at > 0 {
        return values.nth(usize::try_from(at - 1).ok()?);
    }
    let back = usize::try_from(at.unsigned_abs().max(1)).ok()?;
    let count = values.clone().count();
    values.nth(count.checked_sub(back)?)
}

fn picked<'a>(args: &'a Args, view: &'a dyn View, pick: Pick, full: bool) -> Option<&'a [u8]> {
    let head = pick(view)?;
    if !args.has(0) && !args.has(1) {
        return None;
    }
    let at = args.int(1).unwrap_or(-1);
    if full {
        occurrence(fields(args, head), at)
    } else {
        occurrence(items(args, head), at)
    }
}

fn walk<'a>(
    args: &'a Args,
    view: &'a dyn View,
    pick: Pick,
    full: bool,
    read: fn(&'a [u8]) -> Option<Value<'a>>,
    test: &mut dyn FnMut(Value<'a>) -> bool,
) {
    let Some(head) = pick(view) else { return };
    if args.has(1) {
        if let Some(value) = picked(args, view, pick, full).and_then(read) {
            test(value);
        }
        return;
    }
    let mut go_on = |value: &'a [u8]| read(value).is_none_or(&mut *test);
    if full {
        fields(args, head).all(&mut go_on);
    } else {
        items(args, head).all(&mut go_on);
    }
}

fn as_text(value: &[u8]) -> Option<Value<'_>> {
    Some(Value::Str(Cow::Borrowed(value)))
}

fn as_int(value: &[u8]) -> Option<Value<'_>> {
    Some(Value::Int(cast::short_int(value)))
}

fn as_ip(value: &[u8]) -> Option<Value<'_>> {
    header_ip(value).map(Value::Ip)
}

/// An address as headers carry it: plain, IPv4 with a port, or IPv6 in brackets.
pub(super) fn header_ip(value: &[u8]) -> Option<IpAddr> {
    if let Some(ip) = cast::parse_ip(value) {
        return Some(ip);
    }
    if let Some(rest) = value.strip_prefix(b"[") {
        return cast::parse_ip(rest.strip_suffix(b"]")?).filter(IpAddr::is_ipv6);
    }
    let (host, port) = message::uri::host_and_port(value);
    port?;
    cast::parse_ip(host).filter(IpAddr::is_ipv4)
}

macro_rules! header_fetches {
    ($($pick:ident: $hdr:ident $hdr_each:ident $fhdr:ident $fhdr_each:ident $val:ident $val_each:ident
       $ip:ident $ip_each:ident $cnt:ident $fcnt:ident;)*) => {$(
        fn $hdr<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of(picked(args, view, $pick, false).and_then(as_text))
        }
        fn $hdr_each<'a>(args: &'a Args, view: &'a dyn View, test: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
            walk(args, view, $pick, false, as_text, test);
            false
        }
        fn $fhdr<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of(picked(args, view, $pick, true).and_then(as_text))
        }
        fn $fhdr_each<'a>(args: &'a Args, view: &'a dyn View, test: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
            walk(args, view, $pick, true, as_text, test);
            false
        }
        fn $val<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of(picked(args, view, $pick, false).and_then(as_int))
        }
        fn $val_each<'a>(args: &'a Args, view: &'a dyn View, test: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
            walk(args, view, $pick, false, as_int, test);
            false
        }
        fn $ip<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of(picked(args, view, $pick, false).and_then(as_ip))
        }
        fn $ip_each<'a>(args: &'a Args, view: &'a dyn View, test: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
            walk(args, view, $pick, false, as_ip, test);
            false
        }
        fn $cnt<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of($pick(view).map(|head| count(items(args, head))))
        }
        fn $fcnt<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            Outcome::of($pick(view).map(|head| count(fields(args, head))))
        }
    )*};
}

fn count<'a>(values: impl Iterator<Item = &'a [u8]>) -> Value<'static> {
    Value::Int(i64::try_from(values.count()).unwrap_or(i64::MAX))
}

header_fetches! {
    request: req_hdr req_hdr_each req_fhdr req_fhdr_each req_val req_val_each req_ip req_ip_each req_cnt req_fcnt;
    response: res_hdr res_hdr_each res_fhdr res_fhdr_each res_val res_val_each res_ip res_ip_each res_cnt res_fcnt;
}

fn any_hdr<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(picked(args, view, either, false).and_then(as_text))
}

fn any_hdr_each<'a>(
    args: &'a Args,
    view: &'a dyn View,
    test: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    walk(args, view, either, false, as_text, test);
    false
}

const REQ: Phases = Phases::REQUEST;
const RES: Phases = Phases::RESPONSE;
const NAME: &[crate::args::ArgSpec] = &[OPT_STR];
const NAME_AT: &[crate::args::ArgSpec] = &[OPT_STR, OPT_INT];

const REQ_HDR: FetchRow = FetchRow::new(
    "req.hdr",
    Type::Str,
    REQ,
    req_hdr,
    "Comma-separated item of a request header.",
)
.args(NAME_AT)
.check(check_name)
.each(req_hdr_each);
const REQ_CNT: FetchRow = FetchRow::new(
    "req.hdr_cnt",
    Type::Int,
    REQ,
    req_cnt,
    "Number of items of a request header.",
)
.args(NAME)
.check(check_name);
const REQ_VAL: FetchRow = FetchRow::new(
    "req.hdr_val",
    Type::Int,
    REQ,
    req_val,
    "Item of a request header as an integer.",
)
.args(NAME_AT)
.check(check_name)
.each(req_val_each);
const REQ_IP: FetchRow = FetchRow::new(
    "req.hdr_ip",
    Type::Addr,
    REQ,
    req_ip,
    "Item of a request header as an address.",
)
.args(NAME_AT)
.check(check_name)
.each(req_ip_each);
const RES_HDR: FetchRow = FetchRow::new(
    "res.hdr",
    Type::Str,
    RES,
    res_hdr,
    "Comma-separated item of a response header.",
)
.args(NAME_AT)
.check(check_name)
.each(res_hdr_each);
const RES_CNT: FetchRow = FetchRow::new(
    "res.hdr_cnt",
    Type::Int,
    RES,
    res_cnt,
    "Number of items of a response header.",
)
.args(NAME)
.check(check_name);
const RES_VAL: FetchRow = FetchRow::new(
    "res.hdr_val",
    Type::Int,
    RES,
    res_val,
    "Item of a response header as an integer.",
)
.args(NAME_AT)
.check(check_name)
.each(res_val_each);
const RES_IP: FetchRow = FetchRow::new(
    "res.hdr_ip",
    Type::Addr,
    RES,
    res_ip,
    "Item of a response header as an address.",
)
.args(NAME_AT)
.check(check_name)
.each(res_ip_each);

pub(super) static ROWS: &[FetchRow] = &[
    REQ_HDR,
    REQ_CNT,
    REQ_VAL,
    REQ_IP,
    FetchRow::new(
        "hdr",
        Type::Str,
        Phases::MESSAGE,
        any_hdr,
        "Comma-separated item of a header of the message at hand.",
    )
    .args(NAME_AT)
    .check(check_name)
    .each(any_hdr_each),
    REQ_CNT.alias("hdr_cnt"),
    REQ_VAL.alias("hdr_val"),
    REQ_IP.alias("hdr_ip"),
    FetchRow::new(
        "req.fhdr",
        Type::Str,
        REQ,
        req_fhdr,
        "Whole value of a request header.",
    )
    .args(NAME_AT)
    .check(check_name)
    .each(req_fhdr_each),
    FetchRow::new(
        "req.fhdr_cnt",
        Type::Int,
        REQ,
        req_fcnt,
        "Number of occurrences of a request header.",
    )
    .args(NAME)
    .check(check_name),
    RES_HDR,
    RES_CNT,
    RES_VAL,
    RES_IP,
    RES_HDR.alias("shdr"),
    RES_CNT.alias("shdr_cnt"),
    RES_VAL.alias("shdr_val"),
    RES_IP.alias("shdr_ip"),
    FetchRow::new(
        "res.fhdr",
        Type::Str,
        RES,
        res_fhdr,
        "Whole value of a response header.",
    )
    .args(NAME_AT)
    .check(check_name)
    .each(res_fhdr_each),
    FetchRow::new(
        "res.fhdr_cnt",
        Type::Int,
        RES,
        res_fcnt,
        "Number of occurrences of a response header.",
    )
    .args(NAME)
    .check(check_name),
];
