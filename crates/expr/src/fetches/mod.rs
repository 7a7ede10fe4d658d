//! Sample fetches, by family.

mod connection;
mod constant;
mod headers;
mod line;

use crate::row::FetchRow;

/// All families.
pub static FAMILIES: &[&[FetchRow]] =
    &[constant::ROWS, connection::ROWS, line::ROWS, headers::ROWS];
