//! What JSON Web Tokens in compact form say, without regard to their signatures (RFC 7515, section 3.1).

use super::super::base64::decode_url;
use super::super::json_path::Query;
use super::super::text;
use crate::args::Args;
use crate::args::spec::OPT_STR;
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;

fn check(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let query = Query::from_args(args, 0)?;
    args.set_data(query);
    Ok(())
}

fn query<'a>(args: &Args, part: usize, value: Value<'_>) -> Option<Value<'a>> {
    let token = text(value)?;
    let part = token.split(|&b| b == b'.').nth(part)?;
    args.data::<Query>()?.run(&decode_url(part)?)
}

fn header<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    query(args, 0, value)
}

fn payload<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    query(args, 1, value)
}

pub(in crate::converters) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "jwt_header_query",
        Type::Bin,
        Type::Any,
        header,
        "The value at a path of a token's header.",
    )
    .args(&[OPT_STR, OPT_STR])
    .check(check),
    ConverterRow::new(
        "jwt_payload_query",
        Type::Bin,
        Type::Any,
        payload,
        "The value at a path of a token's payload.",
    )
    .args(&[OPT_STR, OPT_STR])
    .check(check),
];
