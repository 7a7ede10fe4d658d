//! Hashes that are not for security.

use super::text;
use crate::args::Args;
use crate::args::spec::OPT_INT;
use crate::row::{Convert, ConverterRow};
use crate::sample::{Type, Value};
use crate::view::View;
use base::hash;

fn hash32<'a>(args: &Args, value: Value<'a>, hash: fn(&[u8]) -> u32) -> Option<Value<'a>> {
    let mut value = hash(&text(value)?);
    if args.int(0).is_some_and(|avalanche| avalanche != 0) {
        value = hash::avalanche(value);
    }
    Some(Value::Int(i64::from(value)))
}

/// One function per row.
macro_rules! hashes {
    ($($name:ident |$args:ident, $value:ident| $result:expr;)*) => {
        $(fn $name<'a>($args: &'a Args, $value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
            $result
        })*
    };
}

hashes! {
    crc32 |args, value| hash32(args, value, hash::crc32);
    crc32c |args, value| hash32(args, value, hash::crc32c);
    djb2 |args, value| hash32(args, value, hash::djb2);
    sdbm |args, value| hash32(args, value, hash::sdbm);
    wt6 |args, value| hash32(args, value, hash::wt6);
    xxh32 |args, value| {
        let seed = args.int(0).unwrap_or(0) as u32;
        let hash = xxhash_rust::xxh32::xxh32(&text(value)?, seed);
        Some(Value::Int(i64::from(hash)))
    };
    xxh64 |args, value| {
        let seed = args.int(0).unwrap_or(0) as u64;
        Some(Value::Int(xxhash_rust::xxh64::xxh64(&text(value)?, seed) as i64))
    };
    xxh3 |args, value| {
        let seed = args.int(0).unwrap_or(0) as u64;
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(&text(value)?, seed);
        Some(Value::Int(hash as i64))
    };
}

const fn row(name: &'static str, convert: Convert, doc: &'static str) -> ConverterRow {
    ConverterRow::new(name, Type::Bin, Type::Int, convert, doc).args(&[OPT_INT])
}

pub(super) static ROWS: &[ConverterRow] = &[
    row(
        "crc32",
        crc32,
        "The CRC of Ethernet and gzip; avalanche if asked for.",
    ),
    row(
        "crc32c",
        crc32c,
        "The Castagnoli CRC; avalanche if asked for.",
    ),
    row("djb2", djb2, "The djb2 hash; avalanche if asked for."),
    row("sdbm", sdbm, "The sdbm hash; avalanche if asked for."),
    row("wt6", wt6, "The wt6 hash; avalanche if asked for."),
    row("xxh32", xxh32, "XXH32 with a seed."),
    row("xxh64", xxh64, "XXH64 with a seed."),
    row("xxh3", xxh3, "XXH3 of 64 bits with a seed."),
];
