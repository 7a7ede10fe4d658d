//! Sample fetches, by family.

mod auth;
mod awaiting;
mod connection;
mod constant;
mod content;
mod cookies;
mod extensions;
mod headers;
mod line;
mod params;
mod process;
mod state;
mod stream;
mod tls_hello;

pub use awaiting::AWAITING;

use crate::args::Args;
use crate::row::FetchRow;
use crate::sample::{Outcome, Value};
use std::borrow::Cow;

/// All families.
pub static FAMILIES: &[&[FetchRow]] = &[
    constant::ROWS,
    connection::ROWS,
    line::ROWS,
    headers::ROWS,
    cookies::ROWS,
    params::ROWS,
    content::ROWS,
    tls_hello::ROWS,
    auth::ROWS,
    state::ROWS,
    process::ROWS,
    stream::ROWS,
    extensions::ROWS,
];

fn count<'a>(value: usize) -> Value<'a> {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Parts joined by the first argument, or by commas.
fn joined<'a>(args: &Args, parts: impl Iterator<Item = &'a [u8]>) -> Outcome<'a> {
    let delimiter = args.str(0).unwrap_or(b",");
    let mut text = Vec::new();
    for (at, part) in parts.enumerate() {
        if at > 0 {
            text.extend_from_slice(delimiter);
        }
        text.extend_from_slice(part);
    }
    Outcome::Found(Value::Str(Cow::Owned(text)))
}

/// Spreads a 32-bit hash over all its bits: Bob Jenkins' six-shift integer hash, then a multiplication.
pub(crate) fn avalanche(hash: u32) -> u32 {
    let mut a = hash;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    ((a ^ 0xb55a_4f09) ^ (a >> 16)).wrapping_mul(3_221_225_473)
}
