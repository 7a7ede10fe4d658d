//! The requests of HTTP checks.

use super::probe::Probe;
use super::target::Target;
use crate::runtime::Runtime;
use expr::view::View;
use message::{Head, Method};
use model::Address;
use model::check::{CheckRequest, Payload};
use model::live::health::{Finder, Operation};
use std::borrow::Cow;
use std::fmt::Write;

/// A payload's bytes.
pub(super) fn render<'p>(payload: &'p Payload, view: &dyn View) -> Cow<'p, [u8]> {
    match payload {
        Payload::Bytes(bytes) => Cow::Borrowed(bytes),
        Payload::Format(format) => {
            let mut text = Vec::new();
            format.render(view, &mut text);
            Cow::Owned(text)
        }
        Payload::HexFormat(format) => {
            let mut text = Vec::new();
            format.render(view, &mut text);
            Cow::Owned(unhex(&text))
        }
    }
}

/// The bytes that hexadecimal digits stand for, up to the first that is none.
pub(super) fn unhex(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pairs = text.chunks_exact(2).map(|pair| match pair {
        [high, low] => Some((digit(*high)? << 4 | digit(*low)?) as u8),
        _ => None,
    });
    pairs.map_while(|byte| byte).collect()
}

/// A request as it is sent over HTTP/1.
pub(super) fn write(request: &CheckRequest, probe: &Probe<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let parts = Parts::new(request, probe);
    out.extend(request.method.as_bytes());
    out.push(b' ');
    out.extend(&parts.target);
    out.push(b' ');
    out.extend(request.version.as_bytes());
    out.extend(b"\r\n");
    let mut field = |name: &str, value: &[u8]| {
        out.extend(name.as_bytes());
        out.extend(b": ");
        out.extend(value);
        out.extend(b"\r\n");
    };
    for (name, value) in &parts.fields {
        field(name, value);
    }
    match (&*request.version, parts.wishes) {
        ("HTTP/1.1", Wishes { given: false, .. } | Wishes { close: true, .. }) => {
            field("connection", b"close");
        }
        ("HTTP/1.1", _) => {}
        (_, Wishes { keep: true, .. }) => field("connection", b"keep-alive"),
        _ => {}
    }
    out.extend(b"\r\n");
    out.extend(parts.body);
    out
}

/// A request as it is sent over HTTP/2.
pub(super) fn assemble(request: &CheckRequest, probe: &Probe<'_>) -> (Head, Vec<u8>) {
    let parts = Parts::new(request, probe);
    let mut head = Head::new();
    head.start_request(
        request.method.as_bytes(),
        &parts.target,
        message::Version::HTTP_11,
    );
    // What concerns the connection alone has no place there.
    let fields = parts
        .fields
        .iter()
        .filter(|(name, _)| *name != "connection");
    for (name, value) in fields {
        head.push(name.as_bytes(), value);
    }
    (head, parts.body)
}

/// What a request says, whatever carries it.
struct Parts<'p> {
    target: Vec<u8>,
    fields: Vec<(&'p str, Vec<u8>)>,
    wishes: Wishes,
    body: Vec<u8>,
}

impl<'p> Parts<'p> {
    fn new(request: &'p CheckRequest, probe: &Probe<'_>) -> Self {
        let mut uri = render(&request.uri, probe);
        if uri.is_empty() {
            uri = Cow::Borrowed(b"/");
        }
        let body = request.body.as_ref().map(|body| render(body, probe));
        let headers: Vec<(&str, Vec<u8>)> = request
            .headers
            .iter()
            .map(|(name, format)| {
                let mut value = Vec::new();
                format.render(probe, &mut value);
                (&**name, value)
            })
            .collect();
        let host = headers.iter().find(|(name, _)| *name == "host");
        let mut target = Vec::new();
        write_target(&uri, host.map(|(_, value)| &**value), &mut target);
        let mut wishes = Wishes::default();
        let mut fields = Vec::with_capacity(headers.len() + 2);
        for (name, value) in headers {
            if name != "connection" {
                fields.push((name, value));
                continue;
            }
            let left = wishes.take(&value);
            if !left.is_empty() {
                fields.push((name, left));
            }
        }
        if probe.target.script().send_state {
            let state = state(probe.runtime, probe.target).into_bytes();
            fields.push(("x-haproxy-server-state", state));
        }
        match &body {
            Some(body) => fields.push(("content-length", body.len().to_string().into_bytes())),
            None if takes_body(&request.method) => {
                fields.push(("content-length", b"0".to_vec()));
            }
            None => {}
        }
        Self {
            target,
            fields,
            wishes,
            body: body.map(Cow::into_owned).unwrap_or_default(),
        }
    }
}

/// What `Connection` headers of a request ask for.
#[derive(Default)]
struct Wishes {
    given: bool,
    close: bool,
    keep: bool,
}

impl Wishes {
    /// Takes out of a header what concerns the connection itself, and returns the rest.
    fn take(&mut self, value: &[u8]) -> Vec<u8> {
        self.given = true;
        let mut left: Vec<&[u8]> = Vec::new();
        for token in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if token.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                self.keep = true;
            } else if !token.is_empty() {
                left.push(token);
            }
        }
        left.join(&b", "[..])
    }
}

fn takes_body(method: &str) -> bool {
    !matches!(
        Method::of(method.as_bytes()),
        Method::Get | Method::Head | Method::Options | Method::Delete
    )
}

/// The target; the authority of an absolute one follows the `Host` header.
fn write_target(uri: &[u8], host: Option<&[u8]>, out: &mut Vec<u8>) {
    let scheme = uri.windows(3).position(|at| at == b"://");
    let (Some(scheme), Some(host)) = (scheme.filter(|_| !uri.starts_with(b"/")), host) else {
        out.extend(uri);
        return;
    };
    let (start, rest) = uri.split_at(scheme + 3);
    let path = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    out.extend(start);
    out.extend(host);
    out.extend(path.and_then(|at| rest.get(at..)).unwrap_or_default());
}

/// The value of the `http-check send-state` header.
fn state(runtime: &Runtime, target: &Target) -> String {
    let (proxy, server) = (&target.proxy, &target.server);
    let (word, progress) = {
        let health = server.state.health.lock();
        let (counter, rise, fall) = health.counter_of(Finder::Check);
        let word = match health.operation() {
            Operation::Stopped => "DOWN",
            Operation::Stopping => "NOLB",
            Operation::Starting | Operation::Running => "UP",
        };
        let settled = counter == rise.saturating_add(fall) - 1 || counter == 0 && word == "DOWN";
        let progress = match word {
            _ if settled => None,
            "DOWN" => Some((i64::from(counter), rise)),
            _ => Some((i64::from(counter) - i64::from(rise) + 1, fall)),
        };
        (word, progress)
    };
    let mut out = word.to_owned();
    if let Some((n, of)) = progress {
        let _ = write!(out, " {n}/{of}");
    }
    let location = server.whereabouts.now();
    let (address, port) = match &location.address {
        Address::Inet(inet) => (inet.ip().to_string(), inet.port().to_string()),
        _ => ("unix".into(), "unix".into()),
    };
    let servers = proxy.servers.load();
    let usable = servers.iter().filter(|server| server.state.is_usable());
    let total: u32 = usable.map(|server| server.state.weight()).sum();
    let connections: u32 = servers
        .iter()
        .map(|server| server.state.counters.connections.now())
        .sum();
    let _ = write!(
        out,
        "; address={address}; port={port}; name={}/{}; node={}; weight={}/{total}; scur={}/{connections}; qcur={}",
        proxy.config.name,
        server.config.name,
        runtime.process.node,
        server.state.weight(),
        server.state.counters.connections.now(),
        server.state.queued.now(),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_follow_the_host() {
        let written = |uri: &str, host: Option<&str>| {
            let mut out = Vec::new();
            write_target(uri.as_bytes(), host.map(str::as_bytes), &mut out);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(written("/a", Some("h")), "/a");
        assert_eq!(written("*", Some("h")), "*");
        assert_eq!(written("http://foo/bar", Some("h")), "http://h/bar");
        assert_eq!(written("http://foo", Some("h")), "http://h");
        assert_eq!(written("http://foo?x", Some("h")), "http://h?x");
        assert_eq!(written("http://foo/bar", None), "http://foo/bar");
        assert_eq!(written("/a?b=c://d", Some("h")), "/a?b=c://d");
    }

    #[test]
    fn digits_become_bytes() {
        assert_eq!(unhex(b"414a"), b"AJ");
        assert_eq!(unhex(b"41zz42"), b"A");
        assert_eq!(unhex(b"4"), b"");
    }

    #[test]
    fn connection_headers() {
        let mut wishes = Wishes::default();
        assert_eq!(wishes.take(b"foo, Close,bar"), b"foo, bar");
        assert!(wishes.given && wishes.close && !wishes.keep);
        assert_eq!(wishes.take(b"keep-alive"), b"");
        assert!(wishes.keep);
    }
}
