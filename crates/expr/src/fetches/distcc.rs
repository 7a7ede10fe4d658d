//! The distcc protocol: tokens of four letters, each with a number of eight hexadecimal digits, which for some is the
//! length of what follows.

use crate::args::Args;
use crate::args::spec::{OPT_INT, STR};
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Side, View};
use std::borrow::Cow;

/// A token's number, and its body when it has one.
struct Token<'a> {
    number: u32,
    body: Option<&'a [u8]>,
    /// Whether the whole body has come.
    complete: bool,
}

/// Tokens whose number is not the length of a body.
const WITHOUT_BODY: [&[u8; 4]; 4] = [b"DIST", b"ARGC", b"DONE", b"STAT"];

/// The `nth` token (from 1; 0 is the first as well) of a name.
fn find<'a>(mut bytes: &'a [u8], name: &[u8], nth: i64) -> Result<Token<'a>, Outcome<'static>> {
    let mut seen = 0;
    loop {
        let Some((head, rest)) = bytes.split_at_checked(12) else {
            return Err(Outcome::NotYet);
        };
        let (token, digits) = head.split_at(4);
        let number = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or(Outcome::Missing)?;
        let has_body = !WITHOUT_BODY.iter().any(|without| *without == token);
        let length = if has_body { number as usize } else { 0 };
        if token == name {
            seen += 1;
            if seen >= nth {
                let body = rest.get(..length.min(rest.len())).filter(|_| has_body);
                return Ok(Token {
                    number,
                    body,
                    complete: length <= rest.len(),
                });
            }
        }
        bytes = rest.get(length..).ok_or(Outcome::NotYet)?;
    }
}

fn token<'a>(args: &'a Args, view: &'a dyn View) -> Result<Token<'a>, Outcome<'a>> {
    let content = view.payload(Side::Request).ok_or(Outcome::Missing)?;
    let found = find(
        content.bytes,
        args.str(0).unwrap_or_default(),
        args.int(1).unwrap_or(0),
    );
    found.map_err(|outcome| match outcome {
        Outcome::NotYet if content.complete => Outcome::Missing,
        other => other,
    })
}

fn distcc_param<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    match token(args, view) {
        Ok(token) => Outcome::Found(Value::Int(token.number.into())),
        Err(outcome) => outcome,
    }
}

fn distcc_body<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    match token(args, view) {
        Ok(token) => {
            let Some(body) = token.body else {
                return Outcome::Missing;
            };
            let body = Value::Bin(Cow::Borrowed(body));
            if token.complete {
                Outcome::Found(body)
            } else {
                Outcome::Tentative(body)
            }
        }
        Err(outcome) => outcome,
    }
}

fn check(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    match args.str(0) {
        Some(name) if name.len() == 4 => Ok(()),
        _ => Err("token name must be exactly 4 characters".into()),
    }
}

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new(
        "distcc_param",
        Type::Int,
        Phases::MESSAGE,
        distcc_param,
        "Number of a token of distcc.",
    )
    .args(&[STR, OPT_INT])
    .check(check),
    FetchRow::new(
        "distcc_body",
        Type::Bin,
        Phases::MESSAGE,
        distcc_body,
        "What follows a token of distcc.",
    )
    .args(&[STR, OPT_INT])
    .check(check),
];
