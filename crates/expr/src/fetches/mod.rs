//! Sample fetches, by family.

mod auth;
mod awaiting;
mod connection;
mod constant;
mod content;
mod cookies;
mod counters;
mod distcc;
mod extensions;
mod headers;
mod kernel;
mod line;
mod params;
mod process;
mod state;
mod stream;
mod streams;
mod tls;
mod tls_hello;
mod trace;

#[cfg(test)]
mod tests;

pub use auth::basic_credentials;
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
    tls::FAMILIES[0],
    tls::FAMILIES[1],
    tls::FAMILIES[2],
    auth::ROWS,
    state::ROWS,
    process::ROWS,
    stream::ROWS,
    extensions::ROWS,
    kernel::ROWS,
    streams::ROWS,
    trace::ROWS,
    distcc::ROWS,
    counters::ROWS[0],
    counters::ROWS[1],
    counters::ROWS[2],
    counters::ROWS[3],
    counters::ROWS[4],
    counters::ROWS[5],
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
            if delimiter.is_empty() {
                // HAProxy gets no further.
                break;
            }
            text.extend_from_slice(delimiter);
        }
        text.extend_from_slice(part);
    }
    Outcome::Found(Value::Str(Cow::Owned(text)))
}
