//! Aliases of log formats, one row each.

use super::writer::{Unsafe, Writer};
use super::{Line, dates};
use crate::view::{Connection, Date, StreamFacts, Timers};
use base::Endpoint;
use message::Method;

/// One alias.
pub(super) struct AliasRow {
    /// Its name behind the `%`.
    pub(super) name: &'static str,
    /// Whether it reads the stream's facts.
    pub(super) reads_facts: bool,
    /// The function.
    pub(super) write: fn(&Line<'_>, &mut Writer<'_>),
}

impl std::fmt::Debug for AliasRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

type Write = fn(&Line<'_>, &mut Writer<'_>);

const fn any(name: &'static str, write: Write) -> AliasRow {
    AliasRow {
        name,
        reads_facts: false,
        write,
    }
}

const fn facts(name: &'static str, write: Write) -> AliasRow {
    AliasRow {
        name,
        reads_facts: true,
        write,
    }
}

/// The aliases whose values are known at a stream's end only.
pub(super) const LATE: [&str; 22] = [
    "B", "ID", "TR", "Ta", "Tc", "Td", "Th", "Ti", "Tq", "Tr", "Tt", "Tu", "Tw", "U", "ac", "bc",
    "bq", "fc", "rc", "sc", "sq", "ts",
];

/// The alias of this name.
pub(super) fn find(name: &str) -> Option<&'static AliasRow> {
    ALIASES.iter().find(|row| row.name == name)
}

/// The names of all aliases.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALIASES.iter().map(|row| row.name)
}

static ALIASES: &[AliasRow] = &[
    facts("T", |l, w| clf(l, w, accept_date(l), true)),
    facts("Tl", |l, w| clf(l, w, accept_date(l), false)),
    facts("Ts", |l, w| {
        w.number_or_hex(accept_date(l).seconds as u64, 4)
    }),
    facts("t", |l, w| millis_date(l, w, accept_date(l))),
    facts("ms", |l, w| milliseconds(w, accept_date(l))),
    facts("tr", |l, w| millis_date(l, w, request_date(l))),
    facts("trg", |l, w| clf(l, w, request_date(l), true)),
    facts("trl", |l, w| clf(l, w, request_date(l), false)),
    facts("Ta", |l, w| w.growing(active(&timers(l)), early(l))),
    facts("Tc", |l, w| w.number(timers(l).connect)),
    facts("Td", |l, w| w.number(timers(l).data)),
    facts("Th", |l, w| w.number(timers(l).handshake)),
    facts("Ti", |l, w| w.number(timers(l).idle)),
    facts("Tq", |l, w| w.number(until_request(&timers(l)))),
    facts("TR", |l, w| w.number(timers(l).request)),
    facts("Tr", |l, w| w.number(timers(l).response)),
    facts("Tt", |l, w| w.growing(timers(l).total, early(l))),
    facts("Tu", |l, w| w.growing(user(&timers(l)), early(l))),
    facts("Tw", |l, w| w.number(timers(l).queue)),
    facts("B", |l, w| {
        w.growing(count(fact(l, 0, |f| f.bytes_from_server)), early(l))
    }),
    facts("CC", |l, w| cookie(l, w, 0)),
    facts("CS", |l, w| cookie(l, w, 1)),
    any("H", |l, w| w.text(l.view.process().hostname().as_bytes())),
    facts("HM", |l, w| match request_line(l) {
        Some(line) => w.encoded(line.method, Unsafe::Uri),
        None => w.text(BAD_REQUEST),
    }),
    facts("HP", |l, w| match request_line(l) {
        Some(line) => w.encoded(before_query(line.uri), Unsafe::Uri),
        None => w.text(BAD_REQUEST),
    }),
    facts("HPO", |l, w| match request_line(l) {
        Some(line) => {
            let path = message::uri::Target::parse(line.uri).path();
            w.encoded(path.unwrap_or_default(), Unsafe::Uri);
        }
        None => w.text(BAD_REQUEST),
    }),
    facts("HQ", |l, w| match request_line(l) {
        Some(line) => w.encoded(from_query(line.uri), Unsafe::Uri),
        None => w.text(BAD_REQUEST),
    }),
    facts("HU", |l, w| match request_line(l) {
        Some(line) => w.encoded(line.uri, Unsafe::Uri),
        None => w.text(BAD_REQUEST),
    }),
    facts("HV", |l, w| match request_line(l) {
        Some(line) => w.encoded(line.version, Unsafe::Uri),
        None => w.text(BAD_REQUEST),
    }),
    any("ID", |l, w| w.text_or_missing(l.view.unique_id())),
    any("OG", |l, w| {
        w.text_or_missing(Some(l.view.log_origin().as_bytes()))
    }),
    facts("ST", |l, w| {
        let status = fact(l, 0, |f| i64::from(f.status));
        // A request that was not answered has no status at all.
        let unanswered = status == 0 && l.view.request().is_some();
        w.number(if unanswered { -1 } else { status });
    }),
    facts("U", |l, w| {
        w.number(count(fact(l, 0, |f| f.bytes_from_client)))
    }),
    facts("ac", |l, w| w.number(connections(l, 0))),
    any("b", |l, w| {
        let proxy = l.view.backend().or_else(|| l.view.frontend());
        w.text_or_missing(proxy.map(|p| p.name().as_bytes()));
    }),
    facts("bc", |l, w| w.number(connections(l, 2))),
    any("bi", |l, w| address(w, server(l).and_then(|c| c.src))),
    any("bp", |l, w| port(w, server(l).and_then(|c| c.src))),
    facts("bq", |l, w| w.number(queue_position(l, 1))),
    any("ci", |l, w| address(w, client(l).and_then(|c| c.src))),
    any("cp", client_port),
    any("f", |l, w| {
        w.text_or_missing(l.view.frontend().map(|p| p.name().as_bytes()))
    }),
    facts("fc", |l, w| w.number(connections(l, 1))),
    any("fi", |l, w| address(w, client(l).and_then(|c| c.dst))),
    any("fp", |l, w| port(w, client(l).and_then(|c| c.dst))),
    any("ft", frontend_with_transport),
    facts("hr", |l, w| captures(l, w, |f| f.request_captures, false)),
    facts("hrl", |l, w| captures(l, w, |f| f.request_captures, true)),
    facts("hs", |l, w| captures(l, w, |f| f.response_captures, false)),
    facts("hsl", |l, w| captures(l, w, |f| f.response_captures, true)),
    any("lc", |l, w| w.number_or_hex(l.view.log_count(), 4)),
    any("pid", |l, w| {
        w.number_or_hex(u64::from(l.view.process().pid()), 4)
    }),
    facts("r", |l, w| {
        match l.facts.as_ref().and_then(|f| f.request_line) {
            Some(line) => w.encoded(line, Unsafe::Uri),
            None => match l.view.request() {
                Some(head) => w.composed_request(head),
                None => w.text(BAD_REQUEST),
            },
        }
    }),
    facts("rc", |l, w| {
        let (retries, redispatched) = fact(l, (0, false), |f| (f.retries, f.redispatched));
        w.growing(i64::from(retries), redispatched);
    }),
    facts("rt", |l, w| w.number_or_hex(fact(l, 0, |f| f.ids[1]), 4)),
    any("s", |l, w| match l.view.server() {
        Some(server) => w.text(server.name().as_bytes()),
        None => w.text(l.view.pseudo_server().as_bytes()),
    }),
    facts("sc", |l, w| w.number(connections(l, 3))),
    any("si", |l, w| address(w, server(l).and_then(|c| c.dst))),
    any("sp", |l, w| port(w, server(l).and_then(|c| c.dst))),
    facts("sq", |l, w| w.number(queue_position(l, 0))),
    any("sslc", |l, w| {
        w.text_or_missing(l.view.client_tls().map(|(_, c)| c.as_bytes()))
    }),
    any("sslv", |l, w| {
        w.text_or_missing(l.view.client_tls().map(|(v, _)| v.as_bytes()))
    }),
    facts("ts", |l, w| w.unquoted(&termination(l)[..2])),
    facts("tsc", |l, w| w.unquoted(&termination(l))),
];

const BAD_REQUEST: &[u8] = b"<BADREQ>";

fn fact<T>(line: &Line<'_>, otherwise: T, read: impl FnOnce(&StreamFacts<'_>) -> T) -> T {
    line.facts.as_ref().map_or(otherwise, read)
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn early(line: &Line<'_>) -> bool {
    line.view.is_early_log()
}

fn accept_date(line: &Line<'_>) -> Date {
    match &line.facts {
        Some(facts) => facts.accept_date,
        None => line.view.now(),
    }
}

fn request_date(line: &Line<'_>) -> Date {
    match &line.facts {
        Some(facts) => facts.request_date,
        None => line.view.now(),
    }
}

fn timers(line: &Line<'_>) -> Timers {
    match &line.facts {
        Some(facts) => facts.timers,
        None => Timers {
            handshake: 0,
            idle: -1,
            request: -1,
            queue: -1,
            connect: -1,
            response: -1,
            data: -1,
            total: 0,
        },
    }
}

/// Time without what the client's silence took.
pub(crate) fn active(timers: &Timers) -> i64 {
    timers.total - timers.idle.max(0) - timers.handshake.max(0)
}

/// Time as the user feels it: without the silence before the request.
pub(crate) fn user(timers: &Timers) -> i64 {
    timers.total - timers.idle.max(0)
}

/// Time until the request's head was there.
pub(crate) fn until_request(timers: &Timers) -> i64 {
    if timers.request < 0 {
        return -1;
    }
    timers.handshake.max(0) + timers.idle.max(0) + timers.request
}

fn connections(line: &Line<'_>, at: usize) -> i64 {
    count(fact(line, 0, |f| {
        f.connections.get(at).copied().unwrap_or(0)
    }))
}

fn queue_position(line: &Line<'_>, at: usize) -> i64 {
    count(fact(line, 0, |f| {
        f.queue_positions.get(at).copied().unwrap_or(0)
    }))
}

fn termination(line: &Line<'_>) -> [u8; 4] {
    fact(line, *b"----", |f| f.termination)
}

fn offset(line: &Line<'_>, date: Date, utc: bool) -> i32 {
    if utc {
        0
    } else {
        line.view.process().utc_offset(date.seconds)
    }
}

fn clf(line: &Line<'_>, writer: &mut Writer<'_>, date: Date, utc: bool) {
    let offset = offset(line, date, utc);
    writer.composed(|out| dates::write_clf_date(date.seconds, offset, out));
}

fn millis_date(line: &Line<'_>, writer: &mut Writer<'_>, date: Date) {
    let offset = offset(line, date, false);
    writer.composed(|out| dates::write_log_date(date.seconds, date.micros / 1000, offset, out));
}

fn milliseconds(writer: &mut Writer<'_>, date: Date) {
    let millis = date.micros / 1000;
    if writer.is_hex_or_encoded() {
        return writer.number_or_hex(u64::from(millis), 2);
    }
    let digit = |n: u32| b'0' + (n % 10) as u8;
    writer.unquoted(&[digit(millis / 100), digit(millis / 10), digit(millis)]);
}

fn client<'v>(line: &Line<'v>) -> Option<Connection<'v>> {
    line.view.client()
}

fn server<'v>(line: &Line<'v>) -> Option<Connection<'v>> {
    line.view.server_connection()
}

fn address(writer: &mut Writer<'_>, end: Option<&Endpoint>) {
    match end {
        Some(Endpoint::Inet(address)) => writer.address(address.ip()),
        Some(Endpoint::Unix(_)) => writer.text(b"unix"),
        None => writer.missing(),
    }
}

/// The client's port; a Unix socket has none, and the number of the listening socket stands for it.
fn client_port(line: &Line<'_>, writer: &mut Writer<'_>) {
    let src = client(line).and_then(|client| client.src);
    match (src, line.view.listener()) {
        (Some(Endpoint::Unix(_)), Some((_, id))) => writer.number_or_hex(u64::from(id), 4),
        (src, _) => port(writer, src),
    }
}

fn port(writer: &mut Writer<'_>, end: Option<&Endpoint>) {
    match end.and_then(Endpoint::port) {
        Some(port) => writer.number_or_hex(u64::from(port), 4),
        None => writer.missing(),
    }
}

fn frontend_with_transport(line: &Line<'_>, writer: &mut Writer<'_>) {
    let Some(frontend) = line.view.frontend() else {
        return writer.missing();
    };
    if line.view.client_tls().is_some() {
        let mut name = frontend.name().as_bytes().to_vec();
        name.push(b'~');
        return writer.text(&name);
    }
    writer.text(frontend.name().as_bytes());
}

fn cookie(line: &Line<'_>, writer: &mut Writer<'_>, at: usize) {
    let value = line
        .facts
        .as_ref()
        .and_then(|f| f.cookie_captures.get(at).copied().flatten());
    match value {
        Some(value) => writer.text(value),
        None => writer.missing(),
    }
}

type Slots = for<'f> fn(&'f StreamFacts<'f>) -> &'f [Option<Box<[u8]>>];

fn captures(line: &Line<'_>, writer: &mut Writer<'_>, slots: Slots, as_list: bool) {
    let slots = line.facts.as_ref().map_or(&[][..], slots);
    if slots.is_empty() {
        return writer.nothing();
    }
    let values = slots.iter().map(Option::as_deref);
    if as_list {
        writer.list(values);
    } else {
        writer.bracketed(values);
    }
}

struct RequestLine<'l> {
    method: &'l [u8],
    uri: &'l [u8],
    version: &'l [u8],
}

/// The parts of the request line as it was received.
fn request_line<'v>(line: &'v Line<'_>) -> Option<RequestLine<'v>> {
    let Some(text) = line.facts.as_ref().and_then(|f| f.request_line) else {
        let head = line.view.request()?;
        return Some(RequestLine {
            method: match head.method() {
                Method::Other => head.method_text(),
                known => known.name().unwrap_or_default().as_bytes(),
            },
            uri: head.target(),
            version: super::writer::version_name(head.version()),
        });
    };
    let (method, rest) = cut(text, memchr::memchr(b' ', text));
    let (uri, version) = cut(rest, memchr::memrchr(b' ', rest));
    Some(RequestLine {
        method,
        uri,
        version,
    })
}

fn cut(text: &[u8], at: Option<usize>) -> (&[u8], &[u8]) {
    match at {
        Some(at) => (
            text.get(..at).unwrap_or_default(),
            text.get(at + 1..).unwrap_or_default(),
        ),
        None => (text, &[]),
    }
}

fn before_query(uri: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'?', uri).unwrap_or(uri.len());
    uri.get(..end).unwrap_or_default()
}

fn from_query(uri: &[u8]) -> &[u8] {
    memchr::memchr(b'?', uri)
        .and_then(|at| uri.get(at..))
        .unwrap_or_default()
}
