//! The stream: variables, timers, counters, captures, and values made of several parts.

use super::process::{check_unit, in_unit};
use crate::acl::Acl;
use crate::args::spec::{INT, OPT_STR, STR};
use crate::args::{Arg, ArgSpec, Args};
use crate::condition::Match;
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::vars::Scope;
use crate::view::{StreamFacts, Timers, View};
use message::Head;
use std::borrow::Cow;
use std::sync::Arc;

fn found<'a>(value: i64) -> Outcome<'a> {
    Outcome::Found(Value::Int(value))
}

fn facts<'a>(view: &'a dyn View, read: impl FnOnce(&StreamFacts<'a>) -> Value<'a>) -> Outcome<'a> {
    Outcome::of(view.facts().map(|facts| read(&facts)))
}

fn int(value: u64) -> Value<'static> {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

macro_rules! fact_fetches {
    ($($name:ident($facts:ident) $read:expr;)*) => {$(
        fn $name<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            facts(view, |$facts| $read)
        }
    )*};
}

fact_fetches! {
    bytes_from_client(f) int(f.bytes_from_client);
    bytes_to_client(f) int(f.bytes_to_client);
    bytes_from_server(f) int(f.bytes_from_server);
    bytes_to_server(f) int(f.bytes_to_server);
    conn_retries(f) int(u64::from(f.retries));
    redispatched(f) Value::Bool(f.redispatched);
    txn_status(f) int(u64::from(f.status));
    id32(f) int(f.ids[1] & 0xffff_ffff);
    term_state(f) Value::Str(Cow::Owned(f.termination[..2].to_vec()));
    first_request(f) Value::Bool(f.ids[0] <= 1);
    be_queue(f) int(f.queue_positions[1]);
    srv_queue(f) int(f.queue_positions[0]);
    timer_connect(f) Value::Int(f.timers.connect);
    timer_handshake(f) Value::Int(f.timers.handshake);
    timer_total(f) Value::Int(f.timers.total);
    timer_idle(f) Value::Int(f.timers.idle);
    timer_request(f) Value::Int(f.timers.request);
    timer_queue(f) Value::Int(f.timers.queue);
    timer_response(f) Value::Int(f.timers.response);
    timer_data(f) Value::Int(f.timers.data);
    timer_active(f) Value::Int(active(&f.timers));
    timer_user(f) Value::Int(f.timers.total - f.timers.idle.max(0));
    timer_until_request(f) Value::Int(until_request(&f.timers));
}

fn active(timers: &Timers) -> i64 {
    timers.total - timers.idle.max(0) - timers.handshake.max(0)
}

fn until_request(timers: &Timers) -> i64 {
    if timers.request < 0 {
        return -1;
    }
    timers.handshake.max(0) + timers.idle.max(0) + timers.request
}

fn check_only_unit(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    check_unit(args, 0)
}

fn accept_date<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    facts(view, |f| Value::Int(in_unit(f.accept_date, args, 0)))
}

fn request_date<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    facts(view, |f| Value::Int(in_unit(f.request_date, args, 0)))
}

fn check_var(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let name = args.text(0).unwrap_or_default();
    let id = ctx.compiler.names.intern(&name)?;
    args.set(0, Arg::Var(id));
    Ok(())
}

fn var<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let value = args.var(0).and_then(|id| match id.scope {
        Scope::Process => view.process().proc_var(id.name),
        _ => view.var(id),
    });
    let is_parents = args.var(0).is_some_and(|id| id.scope == Scope::Parent);
    match (value, args.str(1)) {
        (Some(value), _) => Outcome::Found(value),
        _ if is_parents => Outcome::Missing,
        (None, Some(default)) => Outcome::Found(Value::Str(Cow::Borrowed(default))),
        (None, None) => Outcome::Missing,
    }
}

fn unique_id<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(view.unique_id().map(|id| Value::Str(Cow::Borrowed(id))))
}

fn wait_end<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    if view.is_final() {
        Outcome::Found(Value::Bool(true))
    } else {
        Outcome::NotYet
    }
}

/// The named conditions of `acl()`, each with whether it is negated.
type Named = Vec<(bool, Arc<Acl>)>;

fn check_acl(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let mut named = Named::new();
    for at in 0..args.len() {
        let Some(text) = args.text(at) else { continue };
        let name = text.trim_start_matches('!');
        let negated = (text.len() - name.len()) % 2 == 1;
        let acl =
            crate::condition::named(name, ctx).map_err(|_| format!("ACL '{name}' not found"))?;
        named.push((negated, acl));
    }
    args.set_data(named);
    Ok(())
}

fn acl<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let Some(named) = args.data::<Named>() else {
        return Outcome::Missing;
    };
    for (negated, acl) in named {
        match acl.matches(view, Phases::ALL) {
            Match::NotYet if !view.is_final() => return Outcome::NotYet,
            result if (result == Match::Yes) == *negated => {
                return Outcome::Found(Value::Bool(false));
            }
            _ => {}
        }
    }
    Outcome::Found(Value::Bool(true))
}

fn captured<'a>(slots: &'a [Option<Box<[u8]>>], args: &Args) -> Option<Value<'a>> {
    let at = usize::try_from(args.int(0)?).ok()?;
    let value = slots.get(at)?.as_deref()?;
    Some(Value::Str(Cow::Borrowed(value)))
}

fn capture_req_hdr<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(
        view.facts()
            .and_then(|f| captured(f.request_captures, args)),
    )
}

fn capture_res_hdr<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(
        view.facts()
            .and_then(|f| captured(f.response_captures, args)),
    )
}

/// The parts of the request line as it was received, or of the head while it was not kept.
fn line_part<'a>(view: &'a dyn View, part: usize) -> Outcome<'a> {
    let text = |bytes: &'a [u8]| Outcome::Found(Value::Str(Cow::Borrowed(bytes)));
    if let Some(line) = view.facts().and_then(|f| f.request_line) {
        let first = memchr::memchr(b' ', line).unwrap_or(line.len());
        if part == 0 {
            return text(line.get(..first).unwrap_or_default());
        }
        let rest = line.get(first + 1..).unwrap_or_default();
        let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        return text(rest.get(..end).unwrap_or_default());
    }
    match own_request(view) {
        Some(head) if part == 0 => text(head.method_text()),
        Some(head) => text(head.target()),
        None => Outcome::Missing,
    }
}

fn capture_method<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    line_part(view, 0)
}

fn capture_uri<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    line_part(view, 1)
}

fn version<'a>(head: Option<&'a message::Head>) -> Outcome<'a> {
    let Some(head) = head else {
        return Outcome::Missing;
    };
    let text: &[u8] = if head.version() < message::Version::HTTP_11 {
        b"HTTP/1.0"
    } else {
        b"HTTP/1.1"
    };
    Outcome::Found(Value::Str(Cow::Borrowed(text)))
}

/// The request of a stream that is HTTP, as opposed to a TCP stream that carries it.
fn own_request(view: &dyn View) -> Option<&Head> {
    view.request().filter(|_| !view.is_tcp())
}

fn capture_req_ver<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    version(own_request(view))
}

fn capture_res_ver<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    version(view.response())
}

/// The first Host field and the path, as they are hashed and joined.
fn base_parts(view: &dyn View, with_query: bool) -> Option<(&[u8], &[u8])> {
    let head = view.request()?;
    let target = message::uri::Target::parse(head.target());
    let path = if with_query {
        target.path_and_query
    } else {
        target.path()
    };
    let host = head.known(message::FieldId::Host).unwrap_or_default();
    Some((host, path.unwrap_or_default()))
}

fn joined_base<'a>(view: &'a dyn View, with_query: bool) -> Outcome<'a> {
    let Some((host, path)) = base_parts(view, with_query) else {
        return Outcome::Missing;
    };
    if host.is_empty() {
        return Outcome::Found(Value::Str(Cow::Borrowed(path)));
    }
    Outcome::Found(Value::Str(Cow::Owned([host, path].concat())))
}

fn base<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    joined_base(view, false)
}

fn baseq<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    joined_base(view, true)
}

fn hash_of(view: &dyn View, with_query: bool) -> Option<u32> {
    let (host, path) = base_parts(view, with_query)?;
    let sdbm = host.iter().chain(path).fold(0u32, |hash, &byte| {
        u32::from(byte)
            .wrapping_add(hash << 6)
            .wrapping_add(hash << 16)
            .wrapping_sub(hash)
    });
    Some(base::hash::avalanche(sdbm))
}

fn base32<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(hash_of(view, false).map(|h| Value::Int(i64::from(h))))
}

fn url32<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(hash_of(view, true).map(|h| Value::Int(i64::from(h))))
}

fn with_source<'a>(view: &'a dyn View, hash: Option<u32>) -> Outcome<'a> {
    let Some(hash) = hash else {
        return Outcome::Missing;
    };
    let mut block = hash.to_be_bytes().to_vec();
    match view
        .client()
        .and_then(|c| c.src)
        .and_then(base::Endpoint::ip)
    {
        Some(std::net::IpAddr::V4(ip)) => block.extend_from_slice(&ip.octets()),
        Some(std::net::IpAddr::V6(ip)) => block.extend_from_slice(&ip.octets()),
        None => return Outcome::Missing,
    }
    Outcome::Found(Value::Bin(Cow::Owned(block)))
}

fn base32_src<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    with_source(view, hash_of(view, false))
}

fn url32_src<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    with_source(view, hash_of(view, true))
}

fn is_htx<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::Found(Value::Bool(own_request(view).is_some()))
}

fn server_status<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    match view.response() {
        Some(head) => found(i64::from(head.status())),
        None => Outcome::Missing,
    }
}

const REQ: Phases = Phases::REQUEST;
const KEPT: Phases = Phases::REQUEST_KEPT;
const END: Phases = Phases::REQUEST_END;
const RES_KEPT: Phases = Phases::RESPONSE_KEPT;
const IN: Phases = Phases::INTERNAL;
const UNIT: &[ArgSpec] = &[OPT_STR];

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new(
        "var",
        Type::Any,
        Phases::ALL,
        var,
        "Variable, or the default when it is not set.",
    )
    .args(&[STR, OPT_STR])
    .check(check_var),
    FetchRow::new(
        "acl",
        Type::Bool,
        Phases::ALL,
        acl,
        "Whether all the named conditions hold.",
    )
    .args(&[
        STR, OPT_STR, OPT_STR, OPT_STR, OPT_STR, OPT_STR, OPT_STR, OPT_STR, OPT_STR, OPT_STR,
        OPT_STR, OPT_STR,
    ])
    .check(check_acl),
    FetchRow::new(
        "unique-id",
        Type::Str,
        Phases::ALL,
        unique_id,
        "Unique id of the stream.",
    ),
    FetchRow::new(
        "wait_end",
        Type::Bool,
        IN,
        wait_end,
        "True once the inspection ends.",
    ),
    FetchRow::new(
        "accept_date",
        Type::Int,
        Phases::CLIENT,
        accept_date,
        "When the connection was accepted.",
    )
    .args(UNIT)
    .check(check_only_unit),
    FetchRow::new(
        "request_date",
        Type::Int,
        KEPT,
        request_date,
        "When the request began.",
    )
    .args(UNIT)
    .check(check_only_unit),
    FetchRow::new(
        "http_first_req",
        Type::Bool,
        KEPT,
        first_request,
        "Whether the request is the first of its connection.",
    ),
    FetchRow::new(
        "bytes_in",
        Type::Int,
        KEPT,
        bytes_from_client,
        "Bytes received from the client.",
    ),
    FetchRow::new(
        "bytes_out",
        Type::Int,
        END,
        bytes_from_server,
        "Bytes received from the server.",
    ),
    FetchRow::new(
        "req.bytes_in",
        Type::Int,
        KEPT,
        bytes_from_client,
        "Bytes received from the client.",
    ),
    FetchRow::new(
        "req.bytes_out",
        Type::Int,
        KEPT,
        bytes_to_server,
        "Bytes sent to the server.",
    ),
    FetchRow::new(
        "res.bytes_in",
        Type::Int,
        END,
        bytes_from_server,
        "Bytes received from the server.",
    ),
    FetchRow::new(
        "res.bytes_out",
        Type::Int,
        END,
        bytes_to_client,
        "Bytes sent to the client.",
    ),
    FetchRow::new(
        "txn.conn_retries",
        Type::Int,
        RES_KEPT,
        conn_retries,
        "Connection retries.",
    ),
    FetchRow::new(
        "txn.redispatched",
        Type::Bool,
        RES_KEPT,
        redispatched,
        "Whether another server was chosen on a retry.",
    ),
    FetchRow::new(
        "txn.status",
        Type::Int,
        RES_KEPT,
        txn_status,
        "Status sent to the client.",
    ),
    FetchRow::new(
        "txn.id32",
        Type::Int,
        IN,
        id32,
        "Number of the stream in its process.",
    ),
    FetchRow::new(
        "txn.sess_term_state",
        Type::Str,
        IN,
        term_state,
        "Two letters of the termination state.",
    ),
    FetchRow::new(
        "txn.timer.total",
        Type::Int,
        KEPT,
        timer_active,
        "Milliseconds from the request to the end.",
    ),
    FetchRow::new(
        "txn.timer.user",
        Type::Int,
        KEPT,
        timer_user,
        "Milliseconds as the user feels them.",
    ),
    FetchRow::new(
        "fc.timer.handshake",
        Type::Int,
        Phases::CLIENT,
        timer_handshake,
        "Milliseconds of handshakes.",
    ),
    FetchRow::new(
        "fc.timer.total",
        Type::Int,
        Phases::FRONTEND,
        timer_total,
        "Milliseconds since the accept.",
    ),
    FetchRow::new(
        "req.timer.idle",
        Type::Int,
        REQ,
        timer_idle,
        "Milliseconds before the request's first byte.",
    ),
    FetchRow::new(
        "req.timer.hdr",
        Type::Int,
        REQ,
        timer_request,
        "Milliseconds of the request head.",
    ),
    FetchRow::new(
        "req.timer.tq",
        Type::Int,
        REQ,
        timer_until_request,
        "Milliseconds from the accept to the end of the request head.",
    ),
    FetchRow::new(
        "req.timer.queue",
        Type::Int,
        RES_KEPT,
        timer_queue,
        "Milliseconds in queues.",
    ),
    FetchRow::new(
        "bc.timer.connect",
        Type::Int,
        RES_KEPT,
        timer_connect,
        "Milliseconds of connecting to the server.",
    ),
    FetchRow::new(
        "res.timer.hdr",
        Type::Int,
        Phases::RESPONSE,
        timer_response,
        "Milliseconds until the response head.",
    ),
    FetchRow::new(
        "res.timer.data",
        Type::Int,
        END,
        timer_data,
        "Milliseconds of the response body.",
    ),
    FetchRow::new(
        "bc_be_queue",
        Type::Int,
        RES_KEPT,
        be_queue,
        "Position in the backend's queue.",
    ),
    FetchRow::new(
        "bc_srv_queue",
        Type::Int,
        RES_KEPT,
        srv_queue,
        "Position in the server's queue.",
    ),
    FetchRow::new(
        "capture.req.hdr",
        Type::Str,
        KEPT,
        capture_req_hdr,
        "Captured request header.",
    )
    .args(&[INT]),
    FetchRow::new(
        "capture.res.hdr",
        Type::Str,
        RES_KEPT,
        capture_res_hdr,
        "Captured response header.",
    )
    .args(&[INT]),
    FetchRow::new(
        "capture.req.method",
        Type::Str,
        KEPT,
        capture_method,
        "Method of the received request line.",
    ),
    FetchRow::new(
        "capture.req.uri",
        Type::Str,
        KEPT,
        capture_uri,
        "Target of the received request line.",
    ),
    FetchRow::new(
        "capture.req.ver",
        Type::Str,
        KEPT,
        capture_req_ver,
        "HTTP/1.0 or HTTP/1.1.",
    ),
    FetchRow::new(
        "capture.res.ver",
        Type::Str,
        KEPT,
        capture_res_ver,
        "HTTP/1.0 or HTTP/1.1.",
    ),
    FetchRow::new("base", Type::Str, REQ, base, "Host and path."),
    FetchRow::new("baseq", Type::Str, REQ, baseq, "Host, path and query."),
    FetchRow::new("base32", Type::Int, REQ, base32, "Hash of host and path."),
    FetchRow::new(
        "base32+src",
        Type::Bin,
        REQ,
        base32_src,
        "Hash of host and path, and the source address.",
    ),
    FetchRow::new(
        "url32",
        Type::Int,
        REQ,
        url32,
        "Hash of host, path and query.",
    ),
    FetchRow::new(
        "url32+src",
        Type::Bin,
        REQ,
        url32_src,
        "Hash of host, path and query, and the source address.",
    ),
    FetchRow::new(
        "server_status",
        Type::Int,
        RES_KEPT,
        server_status,
        "Status of the server's response.",
    ),
    FetchRow::new(
        "internal.strm.is_htx",
        Type::Bool,
        IN,
        is_htx,
        "Whether the stream is HTTP.",
    ),
];
