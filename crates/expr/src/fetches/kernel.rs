//! What the kernel measures of TCP connections.

use crate::args::spec::OPT_STR;
use crate::args::{ArgSpec, Args};
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Side, TcpInfo, View};
use std::borrow::Cow;

fn check_unit(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    match args.text(0).as_deref() {
        None | Some("us" | "ms") => Ok(()),
        Some(other) => Err(format!("expects 'us' or 'ms', got '{other}'.")),
    }
}

/// A duration in the unit of the first argument, milliseconds without one.
fn duration(micros: u32, args: &Args) -> u32 {
    match args.str(0) {
        Some(b"us") => micros,
        _ => micros / 1000,
    }
}

fn read<'a>(view: &'a dyn View, side: Side, figure: impl FnOnce(&TcpInfo) -> u32) -> Outcome<'a> {
    let info = view.tcp_info(side);
    Outcome::of(info.map(|info| Value::Int(i64::from(figure(&info)))))
}

macro_rules! figures {
    ($($name:ident $side:ident ($info:ident, $args:ident) $read:expr;)*) => {$(
        fn $name<'a>($args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            let _ = $args;
            read(view, Side::$side, |$info| $read)
        }
    )*};
}

figures! {
    fc_rtt Request (i, args) duration(i.rtt, args);
    fc_rttvar Request (i, args) duration(i.rtt_variation, args);
    bc_rtt Response (i, args) duration(i.rtt, args);
    bc_rttvar Response (i, args) duration(i.rtt_variation, args);
    fc_unacked Request (i, args) i.unacked;
    fc_sacked Request (i, args) i.sacked;
    fc_lost Request (i, args) i.lost;
    fc_retrans Request (i, args) i.retransmitted;
    fc_fackets Request (i, args) i.forward_acks;
    fc_reordering Request (i, args) i.reordering;
}

fn fc_saved_syn<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let packet = view.saved_syn().filter(|packet| !packet.is_empty());
    Outcome::of(packet.map(|packet| Value::Bin(Cow::Owned(packet))))
}

const FC: Phases = Phases::CLIENT;
const UNIT: &[ArgSpec] = &[OPT_STR];

const fn row(name: &'static str, fetch: crate::row::Fetch, doc: &'static str) -> FetchRow {
    FetchRow::new(name, Type::Int, FC, fetch, doc).args(UNIT)
}

pub(super) static ROWS: &[FetchRow] = &[
    row("fc_rtt", fc_rtt, "Round-trip time to the client.").check(check_unit),
    row(
        "fc_rttvar",
        fc_rttvar,
        "Variation of the round-trip time to the client.",
    )
    .check(check_unit),
    row("bc_rtt", bc_rtt, "Round-trip time to the server.").check(check_unit),
    row(
        "bc_rttvar",
        bc_rttvar,
        "Variation of the round-trip time to the server.",
    )
    .check(check_unit),
    row(
        "fc_unacked",
        fc_unacked,
        "Segments to the client that are not acknowledged.",
    ),
    row(
        "fc_sacked",
        fc_sacked,
        "Segments that the client acknowledged out of order.",
    ),
    row(
        "fc_lost",
        fc_lost,
        "Segments to the client that are held to be lost.",
    ),
    row(
        "fc_retrans",
        fc_retrans,
        "Segments sent to the client again.",
    ),
    row(
        "fc_fackets",
        fc_fackets,
        "Forward acknowledgements of the client.",
    ),
    FetchRow::new(
        "fc_saved_syn",
        Type::Bin,
        FC,
        fc_saved_syn,
        "The SYN packet of the client's connection.",
    ),
    row(
        "fc_reordering",
        fc_reordering,
        "Reordering on the way to the client.",
    ),
];
