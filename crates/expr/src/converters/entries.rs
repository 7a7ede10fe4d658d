//! Stick tables: what they know of a sample.

use crate::args::spec::{INT, OPT_INT, TABLE};
use crate::args::{ArgSpec, Args};
use crate::entries::{Gpc, Place};
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use stick::{DataType, Entry};

const OF_TABLE: &[ArgSpec] = &[TABLE];
const ELEMENT: &[ArgSpec] = &[INT, TABLE];
const WITH_DEFAULT: &[ArgSpec] = &[TABLE, OPT_INT];

fn int<'a>(value: Option<i64>) -> Option<Value<'a>> {
    value.map(Value::Int)
}

fn get<'a, const KIND: u8>(
    args: &'a Args,
    value: Value<'a>,
    view: &'a dyn View,
) -> Option<Value<'a>> {
    let kind = *DataType::ALL.get(usize::from(KIND))?;
    int(Place::sample(args, 0, value, view)?.get(view, kind, 0))
}

fn kilo<'a, const KIND: u8>(
    args: &'a Args,
    value: Value<'a>,
    view: &'a dyn View,
) -> Option<Value<'a>> {
    let kind = *DataType::ALL.get(usize::from(KIND))?;
    let bytes = Place::sample(args, 0, value, view)?.get(view, kind, 0)?;
    int(Some(bytes >> 10))
}

fn element<'a, const KIND: u8>(
    args: &'a Args,
    value: Value<'a>,
    view: &'a dyn View,
) -> Option<Value<'a>> {
    let kind = *DataType::ALL.get(usize::from(KIND))?;
    let at = usize::try_from(args.int(0)?).ok()?;
    int(Place::sample(args, 1, value, view)?.get(view, kind, at))
}

fn gpc(args: &Args, which: Option<Gpc>) -> Option<(Gpc, usize)> {
    match which {
        Some(gpc) => Some((gpc, 0)),
        None => {
            let at = usize::try_from(args.int(0)?).ok()?;
            Some((Gpc::of_array(at), 1))
        }
    }
}

fn increment<'a>(
    args: &'a Args,
    value: Value<'a>,
    view: &'a dyn View,
    which: Option<Gpc>,
) -> Option<Value<'a>> {
    let (gpc, at) = gpc(args, which)?;
    int(Place::sample(args, at, value, view)?.increment(view, gpc))
}

fn clear<'a>(
    args: &'a Args,
    value: Value<'a>,
    view: &'a dyn View,
    which: Option<Gpc>,
) -> Option<Value<'a>> {
    let (gpc, at) = gpc(args, which)?;
    int(Place::sample(args, at, value, view)?.clear(view, gpc))
}

fn in_table<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let there = Place::sample(args, 0, value, view)?
        .read(view, |_| ())
        .is_some();
    Some(Value::Bool(there))
}

/// A figure of the entry itself, or the default of the second argument where there is no entry.
fn of_entry<'a>(
    args: &'a Args,
    value: Value<'a>,
    view: &'a dyn View,
    read: fn(&Entry<'_>) -> u32,
) -> Option<Value<'a>> {
    let found = Place::sample(args, 0, value, view)?.read(view, read);
    int(found.map(i64::from).or_else(|| args.int(1)))
}

/// Those that track the entry. To HAProxy the converter itself is one of them.
fn trackers<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let found = Place::sample(args, 0, value, view)?.read(view, |entry| entry.references());
    int(Some(
        found.map_or(0, |references| i64::from(references) + 1),
    ))
}

macro_rules! row {
    ($name:literal, $args:expr, $convert:expr, $doc:literal) => {
        ConverterRow::new($name, Type::Any, Type::Int, $convert, $doc)
            .args($args)
            .impure()
    };
}

macro_rules! gets {
    ($($name:literal $kind:ident $doc:literal;)*) => {
        [$(row!($name, OF_TABLE, get::<{ DataType::$kind as u8 }>, $doc)),*]
    };
}

pub(super) static COUNTED: &[ConverterRow] = &gets! {
    "table_bytes_in_rate" BytesInRate "Bytes per period from clients of this key.";
    "table_bytes_out_rate" BytesOutRate "Bytes per period to clients of this key.";
    "table_conn_cnt" ConnCnt "Connections so far of this key.";
    "table_conn_cur" ConnCur "Present connections of this key.";
    "table_conn_rate" ConnRate "Connections per period of this key.";
    "table_glitch_cnt" GlitchCnt "Protocol oddities so far of this key.";
    "table_glitch_rate" GlitchRate "Protocol oddities per period of this key.";
    "table_gpc0" Gpc0 "The first general purpose counter of this key.";
    "table_gpc0_rate" Gpc0Rate "Increments per period of the first general purpose counter of this key.";
    "table_gpc1" Gpc1 "The second general purpose counter of this key.";
    "table_gpc1_rate" Gpc1Rate "Increments per period of the second general purpose counter of this key.";
    "table_gpt0" Gpt0 "The first general purpose tag of this key.";
    "table_http_err_cnt" HttpErrCnt "Requests so far of this key that failed by the client's fault.";
    "table_http_err_rate" HttpErrRate "Requests per period of this key that failed by the client's fault.";
    "table_http_fail_cnt" HttpFailCnt "Requests so far of this key that failed by the server's fault.";
    "table_http_fail_rate" HttpFailRate "Requests per period of this key that failed by the server's fault.";
    "table_http_req_cnt" HttpReqCnt "Requests so far of this key.";
    "table_http_req_rate" HttpReqRate "Requests per period of this key.";
    "table_server_id" ServerId "The server that this key sticks to, 0 without one.";
    "table_sess_cnt" SessCnt "Sessions so far of this key.";
    "table_sess_rate" SessRate "Sessions per period of this key.";
};

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "in_table",
        Type::Any,
        Type::Bool,
        in_table,
        "Whether a table has this key.",
    )
    .args(OF_TABLE)
    .impure(),
    row!(
        "table_kbytes_in",
        OF_TABLE,
        kilo::<{ DataType::BytesInCnt as u8 }>,
        "Kilobytes from clients of this key so far."
    ),
    row!(
        "table_kbytes_out",
        OF_TABLE,
        kilo::<{ DataType::BytesOutCnt as u8 }>,
        "Kilobytes to clients of this key so far."
    ),
    row!(
        "table_gpc",
        ELEMENT,
        element::<{ DataType::Gpc as u8 }>,
        "A general purpose counter of this key's array."
    ),
    row!(
        "table_gpc_rate",
        ELEMENT,
        element::<{ DataType::GpcRate as u8 }>,
        "Increments per period of a general purpose counter of this key's array."
    ),
    row!(
        "table_gpt",
        ELEMENT,
        element::<{ DataType::Gpt as u8 }>,
        "A general purpose tag of this key's array."
    ),
    row!(
        "table_inc_gpc",
        ELEMENT,
        |args, value, view| increment(args, value, view, None),
        "Counts one in a general purpose counter of this key's array."
    ),
    row!(
        "table_inc_gpc0",
        OF_TABLE,
        |args, value, view| increment(args, value, view, Some(Gpc::FIRST)),
        "Counts one in the first general purpose counter of this key."
    ),
    row!(
        "table_inc_gpc1",
        OF_TABLE,
        |args, value, view| increment(args, value, view, Some(Gpc::SECOND)),
        "Counts one in the second general purpose counter of this key."
    ),
    row!(
        "table_clr_gpc",
        ELEMENT,
        |args, value, view| clear(args, value, view, None),
        "Clears a general purpose counter of this key's array and yields what it was."
    ),
    row!(
        "table_clr_gpc0",
        OF_TABLE,
        |args, value, view| clear(args, value, view, Some(Gpc::FIRST)),
        "Clears the first general purpose counter of this key and yields what it was."
    ),
    row!(
        "table_clr_gpc1",
        OF_TABLE,
        |args, value, view| clear(args, value, view, Some(Gpc::SECOND)),
        "Clears the second general purpose counter of this key and yields what it was."
    ),
    row!(
        "table_expire",
        WITH_DEFAULT,
        |args, value, view| of_entry(args, value, view, |entry| entry.expires_in()),
        "Milliseconds until this key's entry expires."
    ),
    row!(
        "table_idle",
        WITH_DEFAULT,
        |args, value, view| of_entry(args, value, view, |entry| entry.idle()),
        "Milliseconds since this key's entry was refreshed."
    ),
    row!(
        "table_trackers",
        OF_TABLE,
        trackers,
        "How many track this key's entry."
    ),
];
