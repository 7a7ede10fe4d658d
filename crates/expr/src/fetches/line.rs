//! Request line and status line.

use crate::args::Args;
use crate::args::spec::OPT_STR;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Side, View};
use message::Version;
use message::uri::{self, Target};
use std::borrow::Cow;

fn text(value: Option<&[u8]>) -> Outcome<'_> {
    Outcome::of(value.map(|v| Value::Str(Cow::Borrowed(v))))
}

fn target(view: &dyn View) -> Option<&[u8]> {
    view.request().map(message::Head::target)
}

fn url<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(target(view))
}

pub(super) fn path_of(view: &dyn View) -> Option<&[u8]> {
    Target::parse(target(view)?).path()
}

fn path<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(path_of(view))
}

fn pathq<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(target(view).and_then(|t| Target::parse(t).path_and_query))
}

fn query<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let Some(target) = target(view) else {
        return Outcome::Missing;
    };
    let query = uri::query_of(target);
    if args.str(0) == Some(b"with_qm") {
        let with_mark = query.filter(|q| !q.is_empty()).and_then(|q| {
            target
                .get(memchr::memchr(b'?', target)?..)
                .map(|t| &t[..=q.len()])
        });
        return text(with_mark);
    }
    text(query)
}

fn check_query(args: &mut Args, _: &mut crate::context::ParseContext<'_>) -> Result<(), String> {
    match args.str(0) {
        None | Some(b"" | b"with_qm") => Ok(()),
        Some(_) => Err("supported options are: 'with_qm'".into()),
    }
}

fn method<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(
        view.request()
            .map(|head| Value::Method(head.method(), Cow::Borrowed(head.method_text()))),
    )
}

fn version_text(version: Version) -> &'static [u8] {
    match (version.major, version.minor) {
        (0, 9) => b"0.9",
        (1, 0) => b"1.0",
        (1, 1) => b"1.1",
        (2, 0) => b"2.0",
        (3, 0) => b"3.0",
        _ => b"",
    }
}

fn req_ver<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(view.request().map(|head| version_text(head.version())))
}

fn res_ver<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(view.response().map(|head| version_text(head.version())))
}

fn status<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(
        view.response()
            .map(|head| Value::Int(i64::from(head.status()))),
    )
}

fn proto_http<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    if view.request().is_some() {
        // The response's rules have no request buffer to look at.
        let there = view.response().is_none();
        return Outcome::of(there.then_some(Value::Bool(true)));
    }
    // A TCP stream is HTTP when what it begins with is a request line.
    let Some(content) = view.payload(Side::Request) else {
        return Outcome::Missing;
    };
    match begins_with_request_line(content.bytes) {
        None if !content.complete => Outcome::NotYet,
        Some(true) => Outcome::Found(Value::Bool(true)),
        None | Some(false) => Outcome::Missing,
    }
}

/// Whether bytes begin with an HTTP/1 request line; `None` when more of them are needed to tell.
fn begins_with_request_line(bytes: &[u8]) -> Option<bool> {
    let bytes = bytes.trim_ascii_start();
    let Some(end) = bytes.iter().position(|&b| b == b'\n') else {
        let method = bytes.split(|&b| b == b' ').next().unwrap_or_default();
        let possible = method.iter().all(|b| b.is_ascii_graphic());
        return if possible { None } else { Some(false) };
    };
    let line = bytes.get(..end).unwrap_or_default().trim_ascii_end();
    let mut words = line.split(|&b| b == b' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let version = words.next();
    let token = !method.is_empty()
        && method
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b));
    let versioned = version.is_some_and(|version| version.starts_with(b"HTTP/"));
    Some(token && !target.is_empty() && versioned && words.next().is_none())
}

fn url_ip<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let host = target(view).map(|t| uri::host_and_port(Target::parse(t).authority).0);
    Outcome::of(
        host.and_then(crate::cast::parse_ip)
            .filter(std::net::IpAddr::is_ipv4)
            .map(Value::Ip),
    )
}

fn url_port<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let Some(target) = target(view) else {
        return Outcome::Missing;
    };
    let target = Target::parse(target);
    if target.authority.is_empty() {
        return Outcome::Missing;
    }
    let port = uri::host_and_port(target.authority).1.unwrap_or(80);
    Outcome::Found(Value::Int(i64::from(port)))
}

const REQUEST: Phases = Phases::REQUEST;
const KEPT: Phases = Phases::REQUEST_KEPT;
const RES_KEPT: Phases = Phases::RESPONSE_KEPT;

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new("url", Type::Str, REQUEST, url, "Request target."),
    FetchRow::new(
        "path",
        Type::Str,
        REQUEST,
        path,
        "Path of the request target, without query.",
    ),
    FetchRow::new(
        "pathq",
        Type::Str,
        REQUEST,
        pathq,
        "Path and query of the request target.",
    ),
    FetchRow::new(
        "query",
        Type::Str,
        REQUEST,
        query,
        "Query of the request target.",
    )
    .args(&[OPT_STR])
    .check(check_query),
    FetchRow::new("method", Type::Method, KEPT, method, "Request method."),
    FetchRow::new(
        "req.ver",
        Type::Str,
        KEPT,
        req_ver,
        "HTTP version of the request, such as 1.1.",
    ),
    FetchRow::new(
        "req_ver",
        Type::Str,
        KEPT,
        req_ver,
        "HTTP version of the request, such as 1.1.",
    ),
    FetchRow::new(
        "res.ver",
        Type::Str,
        RES_KEPT,
        res_ver,
        "HTTP version of the response, such as 1.1.",
    ),
    FetchRow::new(
        "resp_ver",
        Type::Str,
        RES_KEPT,
        res_ver,
        "HTTP version of the response, such as 1.1.",
    ),
    FetchRow::new(
        "status",
        Type::Int,
        RES_KEPT,
        status,
        "Status of the response.",
    ),
    FetchRow::new(
        "req.proto_http",
        Type::Bool,
        KEPT,
        proto_http,
        "Whether the request is HTTP.",
    ),
    FetchRow::new(
        "req_proto_http",
        Type::Bool,
        KEPT,
        proto_http,
        "Whether the request is HTTP.",
    ),
    FetchRow::new(
        "url_ip",
        Type::Ipv4,
        REQUEST,
        url_ip,
        "IPv4 address in an absolute request target.",
    ),
    FetchRow::new(
        "url_port",
        Type::Int,
        REQUEST,
        url_port,
        "Port in an absolute request target.",
    ),
];

#[cfg(test)]
mod tests {
    use super::begins_with_request_line;

    #[test]
    fn a_request_line_is_told_from_other_protocols() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\nHost: a\r\n"[..], Some(true)),
            (b"\r\nOPTIONS * HTTP/1.0\n", Some(true)),
            (b"GET / HT", None),
            (b"", None),
            (b"GET /\r\n", Some(false)),
            (b"EHLO example.org\r\n", Some(false)),
            (b"\x16\x03\x01\x02\x00\x01", Some(false)),
        ] {
            assert_eq!(begins_with_request_line(bytes), expected, "{bytes:?}");
        }
    }
}
