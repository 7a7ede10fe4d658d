//! What the client offered, for fingerprints (`tune.ssl.capture-buffer-size`).

use super::FRONT;
use crate::args::spec::OPT_INT;
use crate::args::{ArgSpec, Args};
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Side, View};
use std::borrow::Cow;
use tls::hello::{ClientHello, List, numbers};

const FILTER: &[ArgSpec] = &[OPT_INT];

/// The rows of this family.
pub const ROWS: &[FetchRow] = &[
    FetchRow::new(
        "ssl_fc_cipherlist_bin",
        Type::Str,
        FRONT,
        ciphers,
        "The ciphers offered.",
    )
    .args(FILTER),
    FetchRow::new(
        "ssl_fc_cipherlist_hex",
        Type::Bin,
        FRONT,
        ciphers_hex,
        "The ciphers offered, in hexadecimal digits.",
    )
    .args(FILTER),
    FetchRow::new(
        "ssl_fc_cipherlist_str",
        Type::Str,
        FRONT,
        ciphers_text,
        "The names of the ciphers offered.",
    )
    .args(FILTER),
    FetchRow::new(
        "ssl_fc_cipherlist_xxh",
        Type::Int,
        FRONT,
        ciphers_hash,
        "A hash over the ciphers offered.",
    ),
    FetchRow::new(
        "ssl_fc_ecformats_bin",
        Type::Str,
        FRONT,
        formats,
        "The point formats offered.",
    ),
    FetchRow::new(
        "ssl_fc_eclist_bin",
        Type::Str,
        FRONT,
        groups,
        "The groups offered.",
    )
    .args(FILTER),
    FetchRow::new(
        "ssl_fc_extlist_bin",
        Type::Str,
        FRONT,
        extensions,
        "The extensions, in their order.",
    )
    .args(FILTER),
    FetchRow::new(
        "ssl_fc_protocol_hello_id",
        Type::Int,
        FRONT,
        version,
        "The version within the ClientHello.",
    ),
    FetchRow::new(
        "ssl_fc_sigalgs_bin",
        Type::Bin,
        FRONT,
        signatures,
        "The signature schemes offered.",
    )
    .args(FILTER),
    FetchRow::new(
        "ssl_fc_supported_versions_bin",
        Type::Bin,
        FRONT,
        versions,
        "The versions offered.",
    )
    .args(FILTER),
];

fn hello(view: &dyn View) -> Option<&ClientHello> {
    view.tls(Side::Request)?.observed.hello.as_deref()
}

/// Values that clients send to keep servers used to unknown ones (RFC 8701).
fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

/// A list of numbers, without GREASE when the argument is 1.
fn filtered<'a>(args: &Args, list: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
    match args.int(0) {
        Some(1) => numbers(&list)
            .filter(|number| !is_grease(*number))
            .flat_map(u16::to_be_bytes)
            .collect(),
        _ => list,
    }
}

fn list<'a>(
    args: &Args,
    view: &'a dyn View,
    which: List,
    wrap: fn(Cow<'a, [u8]>) -> Value<'a>,
) -> Outcome<'a> {
    let found = hello(view).map(|hello| filtered(args, hello.captured(which)));
    Outcome::of(found.filter(|list| !list.is_empty()).map(wrap))
}

fn ciphers<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    list(args, view, List::Ciphers, Value::Str)
}

fn ciphers_hex<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let found = hello(view).map(|hello| filtered(args, hello.captured(List::Ciphers)));
    let digits = found.map(|list| {
        list.iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>()
    });
    Outcome::of(digits.map(|digits| Value::Str(Cow::Owned(digits.into_bytes()))))
}

fn ciphers_text<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let found = hello(view).map(|hello| filtered(args, hello.captured(List::Ciphers)));
    let names = found.map(|list| {
        numbers(&list)
            .map(tls::words::cipher_name)
            .collect::<Vec<_>>()
    });
    Outcome::of(names.map(|names| Value::Str(Cow::Owned(names.join(",").into_bytes()))))
}

fn ciphers_hash<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let hash = hello(view).map(|hello| xxhash_rust::xxh64::xxh64(hello.ciphers(), 0));
    Outcome::of(hash.map(|hash| Value::Int(hash.cast_signed())))
}

fn formats<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    list(args, view, List::Formats, Value::Str)
}

fn groups<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    list(args, view, List::Groups, Value::Str)
}

fn signatures<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    list(args, view, List::Signatures, Value::Bin)
}

fn versions<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    list(args, view, List::Versions, Value::Bin)
}

fn extensions<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    list(args, view, List::Extensions, Value::Str)
}

fn version<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(hello(view).map(|hello| Value::Int(hello.legacy_version().into())))
}
