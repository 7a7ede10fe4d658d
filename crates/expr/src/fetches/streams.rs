//! What the multiplexers of both connections tell of a stream.

use crate::args::Args;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Connection, View};
use std::borrow::Cow;

type End<'a> = Option<Connection<'a>>;

fn int<'a>(value: Option<u64>) -> Outcome<'a> {
    Outcome::of(value.map(|value| Value::Int(i64::try_from(value).unwrap_or(i64::MAX))))
}

macro_rules! both_ends {
    ($($front:ident $back:ident ($end:ident) $read:expr;)*) => {$(
        fn $front<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            let $end: End<'a> = view.client();
            $read
        }
        fn $back<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            let $end: End<'a> = view.server_connection();
            $read
        }
    )*};
}

both_ends! {
    fc_nb_streams bc_nb_streams(end) int(end.map(|c| c.streams.into()));
    fc_streams_limit bc_streams_limit(end) int(end.map(|c| c.streams_limit.into()));
    fc_glitches bc_glitches(end) int(end.map(|c| c.glitches.into()));
    fs_number bs_id(end) int(end.and_then(|c| c.stream_id));
    fs_aborted bs_aborted(end) int(end.map(|c| c.aborted.into()));
    fs_rst_code bs_rst_code(end) int(end.and_then(|c| c.reset_code));
}

fn fs_id<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    match fs_number(args, view) {
        Outcome::Found(Value::Int(number)) => {
            Outcome::Found(Value::Str(Cow::Owned(number.to_string().into_bytes())))
        }
        other => other,
    }
}

const FC: Phases = Phases::CLIENT;
const FS: Phases = Phases::CLIENT_SESSION;
const BC: Phases = Phases::RESPONSE_KEPT;

const fn row(
    name: &'static str,
    phases: Phases,
    fetch: crate::row::Fetch,
    doc: &'static str,
) -> FetchRow {
    FetchRow::new(name, Type::Int, phases, fetch, doc)
}

pub(super) static ROWS: &[FetchRow] = &[
    row(
        "fc_nb_streams",
        FC,
        fc_nb_streams,
        "Streams on the client's connection.",
    ),
    row(
        "bc_nb_streams",
        BC,
        bc_nb_streams,
        "Streams on the server's connection.",
    ),
    row(
        "fc_settings_streams_limit",
        FS,
        fc_streams_limit,
        "Streams that the client's connection may have.",
    ),
    row(
        "bc_settings_streams_limit",
        BC,
        bc_streams_limit,
        "Streams that the server's connection may have.",
    ),
    row(
        "fc_glitches",
        FC,
        fc_glitches,
        "Odd events of the protocol on the client's connection.",
    ),
    row(
        "bc_glitches",
        BC,
        bc_glitches,
        "Odd events of the protocol on the server's connection.",
    ),
    FetchRow::new(
        "fs.id",
        Type::Str,
        FS,
        fs_id,
        "Number of the stream on the client's connection.",
    ),
    row(
        "bs.id",
        BC,
        bs_id,
        "Number of the stream on the server's connection.",
    ),
    row(
        "fs.aborted",
        FS,
        fs_aborted,
        "Whether the client aborted the stream.",
    ),
    row(
        "bs.aborted",
        BC,
        bs_aborted,
        "Whether the server aborted the stream.",
    ),
    row(
        "fs.rst_code",
        FS,
        fs_rst_code,
        "The code with which the client reset the stream.",
    ),
    row(
        "bs.rst_code",
        BC,
        bs_rst_code,
        "The code with which the server reset the stream.",
    ),
];
