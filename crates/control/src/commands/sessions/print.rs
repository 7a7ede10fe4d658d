//! How streams are shown.

use crate::commands::anonymous::hashed;
use base::Endpoint;
use engine::stream::{Carrier, ConnectionEnd, Party, Seen, Stage};
use model::Address;
use std::borrow::Cow;
use std::fmt::Write;

/// The identifier of the first stream.
pub const FIRST: u64 = 0x10;

/// HAProxy's numbers of the states of connections: begun, connecting, established.
const BEGUN: u8 = 0;
const CONNECTING: u8 = 5;
const ESTABLISHED: u8 = 8;

fn protocol(stream: &Seen) -> &'static str {
    match &stream.source {
        Some(Endpoint::Inet(address)) if address.is_ipv6() => "tcpv6",
        Some(Endpoint::Inet(_)) => "tcpv4",
        _ => "unix_stream",
    }
}

fn source(stream: &Seen, key: Option<u32>) -> String {
    match &stream.source {
        Some(Endpoint::Inet(address)) => {
            let ip = address.ip().to_string();
            format!("{}:{}", hashed(key, &ip), address.port())
        }
        _ => format!("unix:{}", stream.listener.1),
    }
}

fn name_of<'a>(party: Option<&'a Party>, key: Option<u32>) -> Cow<'a, str> {
    party.map_or(Cow::Borrowed("<NONE>"), |party| hashed(key, &party.name))
}

/// How long ago something was, in two units at most.
fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// A stream on one line. Where HAProxy shows the inside of its tasks, channels and descriptors stand zeros.
pub fn short(stream: &Seen, key: Option<u32>, request_line: bool, out: &mut String) {
    let backend = name_of(stream.backend.as_ref(), key);
    let server = match &stream.server {
        Some((name, ..)) => hashed(key, name),
        None => Cow::Borrowed("<none>"),
    };
    let towards_server = match stream.stage {
        Stage::Rules => BEGUN,
        Stage::Server => CONNECTING,
        Stage::Response | Stage::Data => ESTABLISHED,
    };
    let [client, server_fd] = stream.ends.map(|end| end.map_or(-1, |end| end.fd));
    let _ = write!(
        out,
        "{:#x}: proto={} src={} fe={} be={backend} srv={server} ts=00 epoch=0 age={} calls=0 rate=0 cpu=0 lat=0 \
         rq[f=00h,i=0,an=00h,ax=] rp[f=00h,i=0,an=00h,ax=] scf=[{ESTABLISHED},0h,fd={client},rex=,wex=] \
         scb=[{towards_server},0h,fd={server_fd},rex=,wex=] exp= rc=0 c_exp=",
        stream.number + FIRST,
        protocol(stream),
        source(stream, key),
        hashed(key, &stream.frontend.name),
        age(stream.age),
    );
    if request_line {
        write_request_line(stream, key, out);
    }
    out.push('\n');
}

fn write_request_line(stream: &Seen, key: Option<u32>, out: &mut String) {
    if !stream.request_line.is_empty() {
        let line = String::from_utf8_lossy(&stream.request_line);
        let _ = write!(out, " uri=\"{}\"", hashed(key, &line));
    }
}

fn address(address: &Address, key: Option<u32>) -> String {
    match address {
        Address::Inet(inet) => {
            let ip = inet.ip().to_string();
            format!("{}:{}", hashed(key, &ip), inet.port())
        }
        Address::Unix(path) => format!("unix:{}", hashed(key, &path.to_string_lossy())),
        _ => "?".to_owned(),
    }
}

/// All about a stream.
pub fn long(stream: &Seen, key: Option<u32>, out: &mut String) {
    let date = date_of(stream);
    let _ = writeln!(
        out,
        "{:#x}: [{date}] id={} proto={} source={}",
        stream.number + FIRST,
        stream.number,
        protocol(stream),
        source(stream, key),
    );
    let (listener, number) = &stream.listener;
    let _ = writeln!(
        out,
        "  frontend={} (id={} mode={}), listener={} (id={number})",
        hashed(key, &stream.frontend.name),
        stream.frontend.id,
        stream.frontend.mode,
        listener
            .as_deref()
            .map_or(Cow::Borrowed("?"), |name| hashed(key, name)),
    );
    let _ = match &stream.backend {
        Some(backend) => writeln!(
            out,
            "  backend={} (id={} mode={})",
            hashed(key, &backend.name),
            backend.id,
            backend.mode
        ),
        None => writeln!(out, "  backend=<NONE> (id=-1 mode=-)"),
    };
    let _ = match &stream.server {
        Some((name, id, place)) => writeln!(
            out,
            "  server={} (id={id}) addr={}",
            hashed(key, name),
            address(place, key)
        ),
        None => writeln!(out, "  server=<none> (id=-1)"),
    };
    let stage = match stream.stage {
        Stage::Rules => "rules",
        Stage::Server => "server",
        Stage::Response => "response",
        Stage::Data => "data",
    };
    let _ = write!(
        out,
        "  stage={stage} requests={} in={} out={} thread={} age={}",
        stream.requests,
        stream.moved.0,
        stream.moved.1,
        stream.worker + 1,
        age(stream.age)
    );
    write_request_line(stream, key, out);
    out.push('\n');
    for (name, end) in ["co0", "co1"].into_iter().zip(stream.ends) {
        if let Some(end) = end {
            write_end(name, end, stream, out);
        }
    }
}

/// A connection, with HAProxy's names of what it speaks.
fn write_end(name: &str, end: ConnectionEnd, stream: &Seen, out: &mut String) {
    let transport = if end.secure { "SSL" } else { "RAW" };
    let carrier = match end.carrier {
        Carrier::Raw => "PASS",
        Carrier::H1 => "H1",
        Carrier::H2 => "H2",
    };
    let control = match (name, &stream.server) {
        ("co0", _) => protocol(stream),
        (_, Some((_, _, Address::Unix(_)))) => "unix_stream",
        (_, Some((_, _, Address::Inet(inet)))) if inet.is_ipv6() => "tcpv6",
        _ => "tcpv4",
    };
    let target = if name == "co0" { "LISTENER" } else { "SERVER" };
    let _ = writeln!(
        out,
        "      {name} ctrl={control} xprt={transport} mux={carrier} target={target} fd={}",
        end.fd
    );
}

/// The date in HAProxy's form, with microseconds.
fn date_of(stream: &Seen) -> String {
    crate::dates::local(stream.date, 6)
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_have_two_units() {
        let ages = [0, 59_999, 61_000, 3_661_000, 90_000_000].map(age);
        assert_eq!(ages, ["0s", "59s", "1m1s", "1h1m", "1d1h"]);
    }
}
