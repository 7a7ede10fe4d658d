//! Extensions of the PROXY protocol header that the client's connection began with.

use crate::args::Args;
use crate::args::spec::STR;
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::View;
use std::borrow::Cow;

/// PP2_TYPE_AUTHORITY.
const AUTHORITY: u8 = 0x02;
/// PP2_TYPE_UNIQUE_ID.
const UNIQUE_ID: u8 = 0x05;

/// The fetches.
pub const ROWS: &[FetchRow] = &[
    FetchRow::new(
        "fc_pp_authority",
        Type::Str,
        Phases::CLIENT,
        authority,
        "Name the client asked for, from the PROXY protocol header.",
    ),
    FetchRow::new(
        "fc_pp_tlv",
        Type::Str,
        Phases::CLIENT_SESSION,
        tlv,
        "Value of an extension of the PROXY protocol header.",
    )
    .args(&[STR])
    .check(check_kind)
    .each(each_tlv),
    FetchRow::new(
        "fc_pp_unique_id",
        Type::Str,
        Phases::CLIENT,
        unique_id,
        "Unique id from the PROXY protocol header.",
    ),
];

fn found(value: Option<&[u8]>) -> Outcome<'_> {
    match value {
        Some(value) => Outcome::Found(Value::Str(Cow::Borrowed(value))),
        None => Outcome::Missing,
    }
}

fn authority<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    found(view.extension(AUTHORITY, 0))
}

fn unique_id<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    found(view.extension(UNIQUE_ID, 0))
}

fn kind(args: &Args) -> u8 {
    args.data::<u8>().copied().unwrap_or(0)
}

fn tlv<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    found(view.extension(kind(args), 0))
}

fn each_tlv<'a>(
    args: &'a Args,
    view: &'a dyn View,
    take: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    let values = (0..).map_while(|nth| view.extension(kind(args), nth));
    for value in values {
        if !take(Value::Str(Cow::Borrowed(value))) {
            break;
        }
    }
    false
}

/// The type is a number from 0 to 255, in decimal or hexadecimal; it is kept beside the argument as the row's data.
fn check_kind(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let text = args.text(0).unwrap_or_default();
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    let number = number.map_err(|_| format!("Could not convert type '{text}'"))?;
    let kind = u8::try_from(number).map_err(|_| format!("Invalid TLV Type '{text}'"))?;
    args.set_data(kind);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_a_byte_in_either_notation() {
        let mut compiler = crate::Compiler::new(&crate::tables::TABLES);
        let mut acls = crate::AclSet::default();
        let mut ctx = ParseContext::new(&mut compiler, &mut acls, Phases::ALL);
        for (text, kind) in [
            ("0xEE", Some(0xee)),
            ("5", Some(5)),
            ("256", None),
            ("x", None),
        ] {
            let mut args = Args::new(vec![crate::args::Arg::Str(text.as_bytes().into())]);
            let checked = check_kind(&mut args, &mut ctx)
                .ok()
                .map(|()| super::kind(&args));
            assert_eq!(checked, kind, "{text}");
        }
    }
}
