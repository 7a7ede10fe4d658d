//! HTTP authentication (RFC 9110, section 11; RFC 7617).

use crate::args::Args;
use crate::args::spec::{OPT_STR, USER_LIST};
use crate::context::{ParseContext, Target};
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::View;
use message::FieldId;
use std::borrow::Cow;

/// What the request authenticates with; a client that takes this for its proxy does so to a proxy.
fn authorization(view: &dyn View) -> Option<&[u8]> {
    let head = view.request()?;
    match view.is_to_proxy() {
        true => head.get(b"proxy-authorization"),
        false => head.known(FieldId::Authorization),
    }
}

/// Scheme and credentials.
fn credentials(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', value)?;
    Some((value.get(..space)?, value.get(space..)?.trim_ascii()))
}

/// User and password that a request gives by the Basic scheme (RFC 7617).
#[must_use]
pub fn basic_credentials(view: &dyn View) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, text) = credentials(authorization(view)?)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let mut user = decode_base64(text)?;
    let colon = memchr::memchr(b':', &user)?;
    let password = user.split_off(colon + 1);
    user.pop();
    Some((user, password))
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0);
    for &byte in text.iter().take_while(|b| **b != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Some(out)
}

fn owned<'a>(text: Option<Vec<u8>>) -> Outcome<'a> {
    Outcome::of(text.map(|t| Value::Str(Cow::Owned(t))))
}

fn user<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    owned(basic_credentials(view).map(|(user, _)| user))
}

fn pass<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    owned(basic_credentials(view).map(|(_, password)| password))
}

fn kind<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let scheme = authorization(view).and_then(credentials).map(|(s, _)| s);
    let known = scheme.and_then(|scheme| {
        ["Basic", "Digest", "Bearer"]
            .into_iter()
            .find(|name| name.as_bytes().eq_ignore_ascii_case(scheme))
    });
    Outcome::of(known.map(|name| Value::Str(Cow::Borrowed(name.as_bytes()))))
}

fn check_bearer(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    super::headers::check_name(args, ctx)
}

fn bearer<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let value = match args.str(0) {
        Some(name) => view.request().and_then(|head| head.get(name)),
        None => authorization(view),
    };
    let token = value.and_then(bearer_token);
    Outcome::of(token.map(|t| Value::Str(Cow::Borrowed(t))))
}

fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let space = memchr::memchr(b' ', value)?;
    let scheme = value.get(..space)?;
    scheme
        .eq_ignore_ascii_case(b"bearer")
        .then(|| value.get(space..))?
        .map(<[u8]>::trim_ascii)
}

fn groups<'a>(args: &'a Args, view: &'a dyn View) -> Option<&'a [Box<str>]> {
    let Some(Target::UserList(list)) = args.reference(0)?.get() else {
        return None;
    };
    let (user, password) = basic_credentials(view)?;
    view.authenticate(*list, &user, &password)
}

fn auth<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Bool(groups(args, view).is_some()))
}

/// Outside of conditions: the user, when the password is right.
fn group<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    match groups(args, view) {
        Some(_) => user(args, view),
        None => Outcome::Missing,
    }
}

fn group_each<'a>(
    args: &'a Args,
    view: &'a dyn View,
    test: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    groups(args, view)
        .unwrap_or_default()
        .iter()
        .all(|name| test(Value::Str(Cow::Borrowed(name.as_bytes()))));
    false
}

const REQ: Phases = Phases::REQUEST;

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new(
        "http_auth",
        Type::Bool,
        REQ,
        auth,
        "Whether user and password are in a user list.",
    )
    .args(&[USER_LIST]),
    FetchRow::new(
        "http_auth_group",
        Type::Str,
        REQ,
        group,
        "Groups of the user in a user list.",
    )
    .args(&[USER_LIST])
    .each(group_each),
    FetchRow::new(
        "http_auth_user",
        Type::Str,
        REQ,
        user,
        "User name of the Basic scheme.",
    ),
    FetchRow::new(
        "http_auth_pass",
        Type::Str,
        REQ,
        pass,
        "Password of the Basic scheme.",
    ),
    FetchRow::new(
        "http_auth_type",
        Type::Str,
        REQ,
        kind,
        "Authentication scheme.",
    ),
    FetchRow::new(
        "http_auth_bearer",
        Type::Str,
        REQ,
        bearer,
        "Token of the Bearer scheme.",
    )
    .args(&[OPT_STR])
    .check(check_bearer),
];
