//! Stick tables: what counters track (`sc_*`), and what tables know of the client's address (`src_*`).

use crate::args::spec::{INT, OPT_TABLE, TABLE};
use crate::args::{ArgSpec, Args};
use crate::entries::{Gpc, Place, table};
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::stick as keys;
use crate::view::View;
use stick::DataType;

const ANY_COUNTER: &[ArgSpec] = &[INT, OPT_TABLE];
const ONE_COUNTER: &[ArgSpec] = &[OPT_TABLE];
const ELEMENT: &[ArgSpec] = &[INT, INT, OPT_TABLE];
const ELEMENT_OF_ONE: &[ArgSpec] = &[INT, OPT_TABLE];
const OF_SOURCE: &[ArgSpec] = &[TABLE];
const ELEMENT_OF_SOURCE: &[ArgSpec] = &[INT, TABLE];

fn int<'a>(value: Option<i64>) -> Outcome<'a> {
    Outcome::of(value.map(Value::Int))
}

/// A figure in the argument at `at` that counts something from 0.
fn index(args: &Args, at: usize) -> Option<usize> {
    usize::try_from(args.int(at)?).ok()
}

fn data_type(kind: u8) -> DataType {
    DataType::ALL
        .get(usize::from(kind))
        .copied()
        .unwrap_or(DataType::ServerId)
}

/// What is done with an entry.
type Use = fn(&Place<'_>, &dyn View) -> Option<i64>;

fn get<const KIND: u8>(place: &Place<'_>, view: &dyn View) -> Option<i64> {
    place.get(view, data_type(KIND), 0)
}

/// Kilobytes of a count of bytes.
fn kilo<const KIND: u8>(place: &Place<'_>, view: &dyn View) -> Option<i64> {
    place.get(view, data_type(KIND), 0).map(|bytes| bytes >> 10)
}

fn increment<const SECOND: bool>(place: &Place<'_>, view: &dyn View) -> Option<i64> {
    place.increment(view, if SECOND { Gpc::SECOND } else { Gpc::FIRST })
}

fn clear<const SECOND: bool>(place: &Place<'_>, view: &dyn View) -> Option<i64> {
    place.clear(view, if SECOND { Gpc::SECOND } else { Gpc::FIRST })
}

fn trackers(place: &Place<'_>, view: &dyn View) -> Option<i64> {
    place
        .read(view, |entry| entry.references().into())
        .or(Some(0))
}

/// Uses what the counter of the first argument tracks.
fn with_any<'a>(args: &Args, view: &'a dyn View, with: Use) -> Outcome<'a> {
    let place = index(args, 0).and_then(|number| Place::counter(args, number, 1, view));
    int(place.and_then(|place| with(&place, view)))
}

/// Uses what one certain counter tracks.
fn with_one<'a>(args: &Args, view: &'a dyn View, number: usize, with: Use) -> Outcome<'a> {
    int(Place::counter(args, number, 0, view).and_then(|place| with(&place, view)))
}

fn with_source<'a>(args: &Args, view: &'a dyn View, with: Use) -> Outcome<'a> {
    int(Place::source(args, 0, view).and_then(|place| with(&place, view)))
}

macro_rules! row {
    ($prefix:literal, $name:literal, $doc:literal, $args:expr, $phases:expr, $fetch:expr) => {
        FetchRow::new(concat!($prefix, $name), Type::Int, $phases, $fetch, $doc).args($args)
    };
}

/// The rows of a value: by the counter's number in an argument and in the name, and by the client's address.
macro_rules! rows {
    ($name:literal, $doc:literal, $with:expr) => {
        rows!($name, $doc, $with, Phases::INTERNAL)
    };
    ($name:literal, $doc:literal, $with:expr, $phases:expr) => {
        [
            row!("sc_", $name, $doc, ANY_COUNTER, $phases, |args, view| {
                with_any(args, view, $with)
            }),
            row!("sc0_", $name, $doc, ONE_COUNTER, $phases, |args, view| {
                with_one(args, view, 0, $with)
            }),
            row!("sc1_", $name, $doc, ONE_COUNTER, $phases, |args, view| {
                with_one(args, view, 1, $with)
            }),
            row!("sc2_", $name, $doc, ONE_COUNTER, $phases, |args, view| {
                with_one(args, view, 2, $with)
            }),
            row!(
                "src_",
                $name,
                $doc,
                OF_SOURCE,
                Phases::CLIENT,
                |args, view| { with_source(args, view, $with) }
            ),
        ]
    };
}

macro_rules! counted {
    ($($name:literal $kind:ident $doc:literal;)*) => {
        [$(rows!($name, $doc, get::<{ DataType::$kind as u8 }>)),*]
    };
}

static COUNTED: [[FetchRow; 5]; 20] = counted! {
    "bytes_in_rate" BytesInRate "Bytes per period from clients.";
    "bytes_out_rate" BytesOutRate "Bytes per period to clients.";
    "conn_cnt" ConnCnt "Connections so far.";
    "conn_cur" ConnCur "Present connections.";
    "conn_rate" ConnRate "Connections per period.";
    "get_gpc0" Gpc0 "The first general purpose counter.";
    "get_gpc1" Gpc1 "The second general purpose counter.";
    "get_gpt0" Gpt0 "The first general purpose tag.";
    "glitch_cnt" GlitchCnt "Protocol oddities so far.";
    "glitch_rate" GlitchRate "Protocol oddities per period.";
    "gpc0_rate" Gpc0Rate "Increments per period of the first general purpose counter.";
    "gpc1_rate" Gpc1Rate "Increments per period of the second general purpose counter.";
    "http_err_cnt" HttpErrCnt "Requests so far that failed by the client's fault.";
    "http_err_rate" HttpErrRate "Requests per period that failed by the client's fault.";
    "http_fail_cnt" HttpFailCnt "Requests so far that failed by the server's fault.";
    "http_fail_rate" HttpFailRate "Requests per period that failed by the server's fault.";
    "http_req_cnt" HttpReqCnt "Requests so far.";
    "http_req_rate" HttpReqRate "Requests per period.";
    "sess_cnt" SessCnt "Sessions so far.";
    "sess_rate" SessRate "Sessions per period.";
};

static CHANGED: [[FetchRow; 5]; 4] = [
    rows!(
        "inc_gpc0",
        "Counts one in the first general purpose counter.",
        increment::<false>
    ),
    rows!(
        "inc_gpc1",
        "Counts one in the second general purpose counter.",
        increment::<true>
    ),
    rows!(
        "clr_gpc0",
        "Clears the first general purpose counter and yields what it was.",
        clear::<false>
    ),
    rows!(
        "clr_gpc1",
        "Clears the second general purpose counter and yields what it was.",
        clear::<true>
    ),
];

static KILO: [[FetchRow; 5]; 2] = [
    rows!(
        "kbytes_in",
        "Kilobytes from clients so far.",
        kilo::<{ DataType::BytesInCnt as u8 }>,
        Phases::CLIENT
    ),
    rows!(
        "kbytes_out",
        "Kilobytes to clients so far.",
        kilo::<{ DataType::BytesOutCnt as u8 }>,
        Phases::CLIENT
    ),
];

/// Uses one element of an array: by the counter's number in the second argument, or by the client's address.
type UseElement = fn(&Place<'_>, &dyn View, usize) -> Option<i64>;

fn get_element<const KIND: u8>(place: &Place<'_>, view: &dyn View, at: usize) -> Option<i64> {
    place.get(view, data_type(KIND), at)
}

fn increment_element(place: &Place<'_>, view: &dyn View, at: usize) -> Option<i64> {
    place.increment(view, Gpc::of_array(at))
}

fn clear_element(place: &Place<'_>, view: &dyn View, at: usize) -> Option<i64> {
    place.clear(view, Gpc::of_array(at))
}

fn element_of_any<'a>(args: &Args, view: &'a dyn View, with: UseElement) -> Outcome<'a> {
    let place = index(args, 1).and_then(|number| Place::counter(args, number, 2, view));
    let value = index(args, 0).zip(place);
    int(value.and_then(|(at, place)| with(&place, view, at)))
}

fn element_of_source<'a>(args: &Args, view: &'a dyn View, with: UseElement) -> Outcome<'a> {
    let value = index(args, 0).zip(Place::source(args, 1, view));
    int(value.and_then(|(at, place)| with(&place, view, at)))
}

fn element_of_second<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let value = index(args, 0).zip(Place::counter(args, 1, 1, view));
    int(value.and_then(|(at, place)| clear_element(&place, view, at)))
}

macro_rules! elements {
    ($name:literal, $doc:literal, $with:expr) => {
        [
            row!(
                "sc_",
                $name,
                $doc,
                ELEMENT,
                Phases::INTERNAL,
                |args, view| { element_of_any(args, view, $with) }
            ),
            row!(
                "src_",
                $name,
                $doc,
                ELEMENT_OF_SOURCE,
                Phases::CLIENT,
                |args, view| { element_of_source(args, view, $with) }
            ),
        ]
    };
}

static ELEMENTS: [[FetchRow; 2]; 5] = [
    elements!(
        "get_gpt",
        "A general purpose tag of an array.",
        get_element::<{ DataType::Gpt as u8 }>
    ),
    elements!(
        "get_gpc",
        "A general purpose counter of an array.",
        get_element::<{ DataType::Gpc as u8 }>
    ),
    elements!(
        "gpc_rate",
        "Increments per period of a general purpose counter of an array.",
        get_element::<{ DataType::GpcRate as u8 }>
    ),
    elements!(
        "inc_gpc",
        "Counts one in a general purpose counter of an array.",
        increment_element
    ),
    elements!(
        "clr_gpc",
        "Clears a general purpose counter of an array and yields what it was.",
        clear_element
    ),
];

/// Whether a counter tracks an entry, in the table of the argument at `table_at` if that is given.
fn is_tracked<'a>(
    args: &Args,
    view: &'a dyn View,
    number: Option<usize>,
    table_at: usize,
) -> Outcome<'a> {
    let place = number.and_then(|number| Place::counter(args, number, table_at, view));
    let there = place.is_some_and(|place| place.read(view, |_| ()).is_some());
    Outcome::Found(Value::Bool(there))
}

fn key<'a>(view: &'a dyn View, number: Option<usize>) -> Outcome<'a> {
    let tracked = number.and_then(|number| view.tracked(number));
    Outcome::of(tracked.map(|tracked| keys::value(tracked.key())))
}

macro_rules! one {
    ($number:literal, $tracked:literal, $trackers:literal, $key:literal) => {
        [
            FetchRow::new(
                $tracked,
                Type::Bool,
                Phases::INTERNAL,
                |args, view| is_tracked(args, view, Some($number), 0),
                "Whether the counter tracks an entry.",
            )
            .args(ONE_COUNTER),
            FetchRow::new(
                $trackers,
                Type::Int,
                Phases::INTERNAL,
                |args, view| with_one(args, view, $number, trackers),
                "How many track the same entry.",
            )
            .args(ONE_COUNTER),
            FetchRow::new(
                $key,
                Type::Any,
                Phases::INTERNAL,
                |_, view| key(view, Some($number)),
                "The key that the counter tracks.",
            ),
        ]
    };
}

static TRACKED: [[FetchRow; 3]; 4] = [
    one!(0, "sc0_tracked", "sc0_trackers", "sc0_key"),
    one!(1, "sc1_tracked", "sc1_trackers", "sc1_key"),
    one!(2, "sc2_tracked", "sc2_trackers", "sc2_key"),
    [
        FetchRow::new(
            "sc_tracked",
            Type::Bool,
            Phases::INTERNAL,
            |args, view| is_tracked(args, view, index(args, 0), 1),
            "Whether a counter tracks an entry.",
        )
        .args(ANY_COUNTER),
        FetchRow::new(
            "sc_trackers",
            Type::Int,
            Phases::INTERNAL,
            |args, view| with_any(args, view, trackers),
            "How many track the same entry.",
        )
        .args(ANY_COUNTER),
        FetchRow::new(
            "sc_key",
            Type::Any,
            Phases::INTERNAL,
            |args, view| key(view, index(args, 0)),
            "The key that a counter tracks.",
        )
        .args(&[INT]),
    ],
];

fn count_connection(place: &Place<'_>, view: &dyn View) -> Option<i64> {
    place.count(view, DataType::ConnCnt)
}

/// The entries in use, and how many more fit.
fn fill(args: &Args, view: &dyn View) -> Option<(u32, u32)> {
    let table = table(args, 0, view)?;
    table.purge(view.process().uptime_ms());
    let used = table.used();
    Some((used, table.config().size.saturating_sub(used)))
}

static OTHERS: [FetchRow; 4] = [
    FetchRow::new(
        "sc1_clr_gpc",
        Type::Int,
        Phases::INTERNAL,
        element_of_second,
        "Clears a general purpose counter of the second counter's array.",
    )
    .args(ELEMENT_OF_ONE),
    FetchRow::new(
        "src_updt_conn_cnt",
        Type::Int,
        Phases::CLIENT,
        |args, view| with_source(args, view, count_connection),
        "Counts a connection of the client's address.",
    )
    .args(OF_SOURCE),
    FetchRow::new(
        "table_cnt",
        Type::Int,
        Phases::INTERNAL,
        |args, view| int(fill(args, view).map(|fill| fill.0.into())),
        "Entries of a table.",
    )
    .args(OF_SOURCE),
    FetchRow::new(
        "table_avl",
        Type::Int,
        Phases::INTERNAL,
        |args, view| int(fill(args, view).map(|fill| fill.1.into())),
        "How many more entries fit into a table.",
    )
    .args(OF_SOURCE),
];

/// The families of this file.
pub(super) static ROWS: [&[FetchRow]; 6] = [
    COUNTED.as_flattened(),
    CHANGED.as_flattened(),
    KILO.as_flattened(),
    ELEMENTS.as_flattened(),
    TRACKED.as_flattened(),
    &OTHERS,
];
