//! Bodies and buffered bytes.

use crate::args::spec::{INT, OPT_STR};
use crate::args::{ArgSpec, Args};
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Content, Side, View};
use message::{Head, Kind};
use std::borrow::Cow;

fn bin(bytes: &[u8]) -> Value<'_> {
    Value::Bin(Cow::Borrowed(bytes))
}

/// A value that more data would change.
fn growing(value: Value<'_>, complete: bool) -> Outcome<'_> {
    if complete {
        Outcome::Found(value)
    } else {
        Outcome::Tentative(value)
    }
}

fn too_short<'a>(content: &Content<'_>) -> Outcome<'a> {
    if content.complete {
        Outcome::Missing
    } else {
        Outcome::NotYet
    }
}

fn body<'a>(view: &'a dyn View, side: Side) -> Outcome<'a> {
    Outcome::of(view.body(side).map(|content| bin(content.bytes)))
}

fn body_len<'a>(view: &'a dyn View, side: Side) -> Outcome<'a> {
    Outcome::of(view.body(side).map(|c| super::count(c.bytes.len())))
}

fn body_size<'a>(view: &'a dyn View, side: Side) -> Outcome<'a> {
    let size = view.body(side).map(|c| match c.announced {
        Some(size) => Value::Int(i64::try_from(size).unwrap_or(i64::MAX)),
        None => super::count(c.bytes.len()),
    });
    Outcome::of(size)
}

/// What HAProxy's representation of a message takes in the buffer: the texts of its head and body, and what it keeps
/// beside the start line and behind the last field.
fn http_len(head: &Head, body: usize) -> usize {
    const BESIDE: usize = 21;
    let start = match head.kind() {
        Kind::Request => head.method_text().len() + head.target().len(),
        Kind::Response => "200".len() + head.reason().len(),
    };
    let fields = head.iter().map(|(name, value)| name.len() + value.len());
    BESIDE + "HTTP/1.1".len() + start + fields.sum::<usize>() + body
}

fn len<'a>(view: &'a dyn View, side: Side) -> Outcome<'a> {
    if let Some(content) = view.payload(side) {
        return growing(super::count(content.bytes.len()), content.complete);
    }
    let head = match side {
        Side::Request => view.request(),
        Side::Response => view.response(),
    };
    match (head, view.body(side)) {
        (None, None) => Outcome::Missing,
        (head, body) => {
            let (bytes, complete) = body.map_or((0, true), |b| (b.bytes.len(), b.complete));
            let length = head.map_or(bytes, |head| http_len(head, bytes));
            growing(super::count(length), complete)
        }
    }
}

fn payload<'a>(args: &'a Args, view: &'a dyn View, side: Side) -> Outcome<'a> {
    let Some(content) = view.payload(side) else {
        return Outcome::Missing;
    };
    let size = |at: usize| usize::try_from(args.int(at).unwrap_or(0)).ok();
    let (Some(offset), Some(length)) = (size(0), size(1)) else {
        return Outcome::Missing;
    };
    if length == 0 {
        return match content.bytes.get(offset..) {
            Some(bytes) => growing(bin(bytes), content.complete),
            None => too_short(&content),
        };
    }
    let end = offset.saturating_add(length);
    match content.bytes.get(offset..end) {
        Some(bytes) => Outcome::Found(bin(bytes)),
        None => too_short(&content),
    }
}

/// Where the content of `payload_lv` begins.
#[derive(Debug, Clone, Copy)]
enum Start {
    Absolute(usize),
    Relative(i64),
}

fn check_payload(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    for at in [0, 1] {
        if args.int(at).is_some_and(|v| v < 0) {
            return Err("argument must be positive".into());
        }
    }
    Ok(())
}

fn check_payload_lv(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_payload(args, ctx)?;
    if args.int(1) == Some(0) {
        return Err("payload length must be > 0".into());
    }
    let Some(text) = args.text(2) else {
        return Ok(());
    };
    let number: i64 = text
        .parse()
        .map_err(|_| format!("payload offset2 is not a number: '{text}'"))?;
    if !text.starts_with(['+', '-']) {
        // HAProxy keeps both kinds in one number whose lowest bit tells them apart, and forgets to make room for it here.
        args.set_data(match number % 2 {
            0 => Start::Absolute(usize::try_from(number / 2).unwrap_or(0)),
            _ => Start::Relative(number / 2),
        });
        return Ok(());
    }
    let default = args.int(0).unwrap_or(0) + args.int(1).unwrap_or(0);
    if default + number < 0 {
        return Err(format!("payload offset2 too negative: '{text}'"));
    }
    args.set_data(Start::Relative(number));
    Ok(())
}

fn payload_lv<'a>(args: &'a Args, view: &'a dyn View, side: Side) -> Outcome<'a> {
    let Some(content) = view.payload(side) else {
        return Outcome::Missing;
    };
    let size = |at: usize| usize::try_from(args.int(at).unwrap_or(0)).ok();
    let (Some(at), Some(width)) = (size(0), size(1)) else {
        return Outcome::Missing;
    };
    let behind = at.saturating_add(width);
    let Some(prefix) = content.bytes.get(at..behind) else {
        return too_short(&content);
    };
    let length = prefix
        .iter()
        .fold(0usize, |n, &byte| n.wrapping_shl(8) | usize::from(byte));
    if length == 0 {
        return Outcome::Missing;
    }
    let start = match args.data::<Start>() {
        None => behind,
        Some(Start::Absolute(start)) => *start,
        Some(Start::Relative(by)) => {
            let behind = i64::try_from(behind).unwrap_or(i64::MAX);
            usize::try_from(behind.saturating_add(*by)).unwrap_or(usize::MAX)
        }
    };
    match content.bytes.get(start..start.saturating_add(length)) {
        Some(bytes) => Outcome::Found(bin(bytes)),
        None => too_short(&content),
    }
}

macro_rules! sides {
    ($($side:ident: $body:ident $body_len:ident $body_size:ident $len:ident $payload:ident $lv:ident;)*) => {$(
        fn $body<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            body(view, Side::$side)
        }
        fn $body_len<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            body_len(view, Side::$side)
        }
        fn $body_size<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            body_size(view, Side::$side)
        }
        fn $len<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            len(view, Side::$side)
        }
        fn $payload<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            payload(args, view, Side::$side)
        }
        fn $lv<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            payload_lv(args, view, Side::$side)
        }
    )*};
}

sides! {
    Request: req_body req_body_len req_body_size req_len req_payload req_payload_lv;
    Response: res_body res_body_len res_body_size res_len res_payload res_payload_lv;
}

/// The direction at hand: the response once its head is there.
fn side(view: &dyn View) -> Side {
    if view.is_response() {
        Side::Response
    } else {
        Side::Request
    }
}

fn any_payload<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    payload(args, view, side(view))
}

fn any_payload_lv<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    payload_lv(args, view, side(view))
}

/// A head in HTTP/1 form without its start line.
fn hdrs<'a>(head: Option<&Head>) -> Outcome<'a> {
    Outcome::of(head.map(|head| {
        let mut text = Vec::with_capacity(head.wire_len() + 2);
        for (name, value) in head.iter() {
            for part in [name, b": ", value, b"\r\n"] {
                text.extend_from_slice(part);
            }
        }
        text.extend_from_slice(b"\r\n");
        Value::Bin(Cow::Owned(text))
    }))
}

/// A head as pairs of texts, each behind its length as SPOP's variable-length integers have it, and two empty texts.
fn hdrs_bin<'a>(head: Option<&Head>) -> Outcome<'a> {
    Outcome::of(head.map(|head| {
        let mut block = Vec::with_capacity(head.wire_len());
        for (name, value) in head.iter() {
            for part in [name, value] {
                write_varint(part.len() as u64, &mut block);
                block.extend_from_slice(part);
            }
        }
        block.extend_from_slice(&[0, 0]);
        Value::Bin(Cow::Owned(block))
    }))
}

/// Writes an integer in the encoding of the SPOE protocol (SPOE.txt, 3.1).
fn write_varint(value: u64, out: &mut Vec<u8>) {
    if value < 240 {
        return out.push(value as u8);
    }
    out.push(value as u8 | 240);
    let mut rest = (value - 240) >> 4;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest = (rest - 128) >> 7;
    }
    out.push(rest as u8);
}

fn req_hdrs<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    hdrs(view.request())
}
fn res_hdrs<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    hdrs(view.response())
}
fn req_hdrs_bin<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    hdrs_bin(view.request())
}
fn res_hdrs_bin<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    hdrs_bin(view.response())
}

const REQ: Phases = Phases::REQUEST;
const RES: Phases = Phases::RESPONSE;
const RANGE: &[ArgSpec] = &[INT, INT];
const PREFIXED: &[ArgSpec] = &[INT, INT, OPT_STR];

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new(
        "req.body",
        Type::Bin,
        REQ,
        req_body,
        "Buffered part of the request body.",
    ),
    FetchRow::new(
        "req.body_len",
        Type::Int,
        REQ,
        req_body_len,
        "Length of the buffered part of the request body.",
    ),
    FetchRow::new(
        "req.body_size",
        Type::Int,
        REQ,
        req_body_size,
        "Announced length of the request body.",
    ),
    FetchRow::new(
        "res.body",
        Type::Bin,
        RES,
        res_body,
        "Buffered part of the response body.",
    ),
    FetchRow::new(
        "res.body_len",
        Type::Int,
        RES,
        res_body_len,
        "Length of the buffered part of the response body.",
    ),
    FetchRow::new(
        "res.body_size",
        Type::Int,
        RES,
        res_body_size,
        "Announced length of the response body.",
    ),
    FetchRow::new(
        "req.len",
        Type::Int,
        REQ,
        req_len,
        "Bytes in the request buffer.",
    ),
    FetchRow::new(
        "req_len",
        Type::Int,
        REQ,
        req_len,
        "Bytes in the request buffer.",
    ),
    FetchRow::new(
        "res.len",
        Type::Int,
        RES,
        res_len,
        "Bytes in the response buffer.",
    ),
    FetchRow::new(
        "req.payload",
        Type::Bin,
        REQ,
        req_payload,
        "Block of the request buffer.",
    )
    .args(RANGE)
    .check(check_payload),
    FetchRow::new(
        "res.payload",
        Type::Bin,
        RES,
        res_payload,
        "Block of the response buffer.",
    )
    .args(RANGE)
    .check(check_payload),
    FetchRow::new(
        "payload",
        Type::Bin,
        Phases::MESSAGE,
        any_payload,
        "Block of the buffer at hand.",
    )
    .args(RANGE)
    .check(check_payload),
    FetchRow::new(
        "req.payload_lv",
        Type::Bin,
        REQ,
        req_payload_lv,
        "Block of the request buffer behind its own length.",
    )
    .args(PREFIXED)
    .check(check_payload_lv),
    FetchRow::new(
        "res.payload_lv",
        Type::Bin,
        RES,
        res_payload_lv,
        "Block of the response buffer behind its own length.",
    )
    .args(PREFIXED)
    .check(check_payload_lv),
    FetchRow::new(
        "payload_lv",
        Type::Bin,
        Phases::MESSAGE,
        any_payload_lv,
        "Block of the buffer at hand behind its own length.",
    )
    .args(PREFIXED)
    .check(check_payload_lv),
    FetchRow::new(
        "req.hdrs",
        Type::Bin,
        REQ,
        req_hdrs,
        "All request headers as text.",
    ),
    FetchRow::new(
        "res.hdrs",
        Type::Bin,
        RES,
        res_hdrs,
        "All response headers as text.",
    ),
    FetchRow::new(
        "req.hdrs_bin",
        Type::Bin,
        REQ,
        req_hdrs_bin,
        "All request headers as pairs with their lengths.",
    ),
    FetchRow::new(
        "res.hdrs_bin",
        Type::Bin,
        RES,
        res_hdrs_bin,
        "All response headers as pairs with their lengths.",
    ),
];
