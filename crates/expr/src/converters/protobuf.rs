//! Fields of Protocol Buffers messages, plain or inside gRPC's frames.

use super::{block, text};
use crate::args::spec::OPT_STR;
use crate::args::{Arg, ArgKind, ArgSpec, Args};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;

/// How the bytes of a field become an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Varint,
    ZigZag,
    Fixed64,
    Double,
    Fixed32,
    SignedFixed32,
    Float,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "int32" | "int64" | "uint32" | "uint64" | "bool" | "enum" => Self::Varint,
            "sint32" | "sint64" => Self::ZigZag,
            "fixed64" | "sfixed64" => Self::Fixed64,
            "double" => Self::Double,
            "fixed32" => Self::Fixed32,
            "sfixed32" => Self::SignedFixed32,
            "float" => Self::Float,
            _ => return None,
        })
    }

    fn wire_type(self) -> u64 {
        match self {
            Self::Varint | Self::ZigZag => VARINT,
            Self::Fixed64 | Self::Double => FIXED64,
            Self::Fixed32 | Self::SignedFixed32 | Self::Float => FIXED32,
        }
    }

    fn read(self, bytes: &[u8]) -> Option<i64> {
        let four = || Some(u32::from_le_bytes(bytes.try_into().ok()?));
        let eight = || Some(u64::from_le_bytes(bytes.try_into().ok()?));
        Some(match self {
            Self::Varint => varint(bytes)?.0 as i64,
            Self::ZigZag => {
                let n = varint(bytes)?.0;
                (n >> 1) as i64 ^ -((n & 1) as i64)
            }
            Self::Fixed64 => eight()? as i64,
            Self::Double => truncate(f64::from_bits(eight()?)),
            Self::Fixed32 => i64::from(four()?),
            Self::SignedFixed32 => i64::from(four()? as i32),
            Self::Float => {
                let number = f64::from(f32::from_bits(four()?));
                i64::from(to_i64(number) as u32)
            }
        })
    }
}

/// The integral part, `i64::MIN` for what is out of range.
fn to_i64(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

/// The integral part as 64 unsigned bits, of negative numbers as signed ones.
fn truncate(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if number >= LIMIT {
        to_i64(number - LIMIT) ^ i64::MIN
    } else {
        to_i64(number)
    }
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const DELIMITED: u64 = 2;
const FIXED32: u64 = 5;

/// The varint at the start of some bytes, and its length; 0 when there are none.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    if bytes.is_empty() {
        return Some((0, 0));
    }
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// One field of a message.
struct Field<'m> {
    number: u64,
    wire_type: u64,
    bytes: &'m [u8],
}

/// Takes the first field off a message; `None` when that is broken.
fn next<'m>(message: &mut &'m [u8]) -> Option<Field<'m>> {
    let (key, used) = varint(message)?;
    let rest = message.get(used..)?;
    let wire_type = key & 7;
    let (skip, length) = match wire_type {
        VARINT => (0, varint(rest)?.1),
        FIXED64 => (0, 8),
        FIXED32 => (0, 4),
        DELIMITED => {
            let (length, used) = varint(rest)?;
            (used, usize::try_from(length).ok()?)
        }
        _ => return None,
    };
    let end = skip.checked_add(length)?;
    let bytes = rest.get(skip..end)?;
    *message = rest.get(end..)?;
    Some(Field {
        number: key >> 3,
        wire_type,
        bytes,
    })
}

/// The field at a path; of repeated messages the first that has it. Outer `None` for a broken message or one whose field
/// is of another wire type.
fn find<'m>(mut message: &'m [u8], path: &[u64], kind: Option<Kind>) -> Option<Option<&'m [u8]>> {
    let (wanted, below) = path.split_first()?;
    while !message.is_empty() {
        let field = next(&mut message)?;
        if field.number != *wanted {
            continue;
        }
        if below.is_empty() {
            return match kind {
                Some(kind) if kind.wire_type() != field.wire_type => None,
                _ => Some(Some(field.bytes)),
            };
        }
        if field.wire_type != DELIMITED {
            return None;
        }
        if let Some(found) = find(field.bytes, below, kind)? {
            return Some(Some(found));
        }
    }
    Some(None)
}

fn check(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    if !args.has(1) {
        args.set_data(None::<Kind>);
        return Ok(());
    }
    let name = args.text(1).unwrap_or_default();
    let kind = Kind::of(&name).ok_or_else(|| format!("Wrong protocol buffer type '{name}'"))?;
    args.set_data(Some(kind));
    Ok(())
}

/// What an argument list asks of a message; outer `None` for a broken one.
fn extract<'a>(args: &Args, message: &[u8]) -> Option<Option<Value<'a>>> {
    let Some(Arg::FieldPath(path)) = args.get(0) else {
        return None;
    };
    let kind = *args.data::<Option<Kind>>()?;
    let Some(bytes) = find(message, path, kind)? else {
        return Some(None);
    };
    Some(match kind {
        Some(kind) => Some(Value::Int(kind.read(bytes)?)),
        None => block(bytes.to_vec()),
    })
}

fn protobuf<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    extract(args, &text(value)?)?
}

/// Each frame is a flag, a length of four bytes, and a message.
fn ungrpc<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    let body = text(value)?;
    let mut rest = &*body;
    loop {
        let (head, tail) = rest.split_first_chunk::<5>()?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let (message, tail) = tail.split_at_checked(usize::try_from(length).ok()?)?;
        if let Some(found) = extract(args, message)? {
            return Some(found);
        }
        rest = tail;
    }
}

const ARGS: &[ArgSpec] = &[ArgSpec::required(ArgKind::ProtobufField), OPT_STR];

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "protobuf",
        Type::Bin,
        Type::Bin,
        protobuf,
        "A field of a Protocol Buffers message.",
    )
    .args(ARGS)
    .check(check),
    ConverterRow::new(
        "ungrpc",
        Type::Bin,
        Type::Bin,
        ungrpc,
        "A field of a gRPC message.",
    )
    .args(ARGS)
    .check(check),
];
