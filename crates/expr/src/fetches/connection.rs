//! The client's and the server's transport connections.

use crate::args::Args;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{Connection, Side, View};
use base::Endpoint;
use std::borrow::Cow;

/// Which end of which connection.
type Pick = for<'a> fn(&'a dyn View) -> Option<&'a Endpoint>;

fn src(view: &dyn View) -> Option<&Endpoint> {
    view.client().and_then(|c| c.src)
}
fn dst(view: &dyn View) -> Option<&Endpoint> {
    view.client().and_then(|c| c.dst)
}
fn fc_src(view: &dyn View) -> Option<&Endpoint> {
    view.client().and_then(|c| c.real_src.or(c.src))
}
fn fc_dst(view: &dyn View) -> Option<&Endpoint> {
    view.client().and_then(|c| c.real_dst.or(c.dst))
}
fn bc_src(view: &dyn View) -> Option<&Endpoint> {
    view.server_connection().and_then(|c| c.real_src.or(c.src))
}
fn bc_dst(view: &dyn View) -> Option<&Endpoint> {
    view.server_connection().and_then(|c| c.real_dst.or(c.dst))
}

fn ip_of<'a>(view: &'a dyn View, pick: Pick) -> Outcome<'a> {
    Outcome::of(pick(view).and_then(Endpoint::ip).map(Value::Ip))
}

fn port_of<'a>(view: &'a dyn View, pick: Pick) -> Outcome<'a> {
    Outcome::of(
        pick(view)
            .and_then(Endpoint::port)
            .map(|p| Value::Int(i64::from(p))),
    )
}

fn is_local<'a>(view: &'a dyn View, pick: Pick) -> Outcome<'a> {
    let Some(end) = pick(view) else {
        return Outcome::Missing;
    };
    let local = end
        .ip()
        .map(|ip| ip.is_loopback() || view.process().is_own_address(ip));
    Outcome::of(local.map(Value::Bool))
}

macro_rules! end_fetches {
    ($($pick:ident: $ip:ident $port:ident $local:ident;)*) => {$(
        fn $ip<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            ip_of(view, $pick)
        }
        fn $port<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            port_of(view, $pick)
        }
        #[allow(dead_code)]
        fn $local<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            is_local(view, $pick)
        }
    )*};
}

end_fetches! {
    src: src_ip src_port src_local;
    dst: dst_ip dst_port dst_local;
    fc_src: fc_src_ip fc_src_port fc_src_local;
    fc_dst: fc_dst_ip fc_dst_port fc_dst_local;
    bc_src: bc_src_ip bc_src_port bc_src_local;
    bc_dst: bc_dst_ip bc_dst_port bc_dst_local;
}

type OfConnection = fn(Connection<'_>) -> Option<Value<'static>>;

fn client<'a>(view: &'a dyn View, read: OfConnection) -> Outcome<'a> {
    Outcome::of(view.client().and_then(read))
}

fn server<'a>(view: &'a dyn View, read: OfConnection) -> Outcome<'a> {
    Outcome::of(view.server_connection().and_then(read))
}

fn fc_rcvd_proxy<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    client(view, |c| Some(Value::Bool(c.proxied)))
}
fn fc_http_major<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    // A TCP stream is not HTTP, whatever it carries.
    let connection = view.client().filter(|_| !view.is_tcp());
    Outcome::of(connection.map(|c| Value::Int(c.http_major.max(1).into())))
}
fn fc_err<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    client(view, |c| Some(Value::Int(c.error.into())))
}
fn bc_http_major<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    server(view, |c| Some(Value::Int(c.http_major.max(1).into())))
}
fn bc_err<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    server(view, |c| Some(Value::Int(c.error.into())))
}
fn bc_reused<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    server(view, |c| Some(Value::Bool(c.reused)))
}

/// Name and text of a connection's error; a connection without error has no name.
fn error_of(view: &dyn View, side: Side) -> Option<(&str, &str)> {
    let connection = match side {
        Side::Request => view.client(),
        Side::Response => view.server_connection(),
    }?;
    match connection.error {
        0 => Some(("", "Success")),
        _ => view.connection_error(side),
    }
}

fn error_name<'a>(view: &'a dyn View, side: Side) -> Outcome<'a> {
    let name = error_of(view, side).map(|(name, _)| name);
    text(name.filter(|name| !name.is_empty()))
}

fn text(value: Option<&str>) -> Outcome<'_> {
    Outcome::of(value.map(|v| Value::Str(Cow::Borrowed(v.as_bytes()))))
}

fn fc_err_name<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    error_name(view, Side::Request)
}
fn fc_err_str<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(error_of(view, Side::Request).map(|(_, text)| text))
}
fn bc_err_name<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    error_name(view, Side::Response)
}
fn bc_err_str<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(error_of(view, Side::Response).map(|(_, text)| text))
}

const CLIENT: Phases = Phases::CLIENT;
const SERVER: Phases = Phases::RESPONSE_KEPT;

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new(
        "src",
        Type::Addr,
        CLIENT,
        src_ip,
        "Source address of the client.",
    ),
    FetchRow::new(
        "src_port",
        Type::Int,
        CLIENT,
        src_port,
        "Source port of the client.",
    ),
    FetchRow::new(
        "src_is_local",
        Type::Bool,
        CLIENT,
        src_local,
        "Whether the source is an address of this host.",
    ),
    FetchRow::new(
        "dst",
        Type::Addr,
        CLIENT,
        dst_ip,
        "Address the client connected to.",
    ),
    FetchRow::new(
        "dst_port",
        Type::Int,
        CLIENT,
        dst_port,
        "Port the client connected to.",
    ),
    FetchRow::new(
        "dst_is_local",
        Type::Bool,
        CLIENT,
        dst_local,
        "Whether the destination is an address of this host.",
    ),
    FetchRow::new(
        "fc_src",
        Type::Addr,
        CLIENT,
        fc_src_ip,
        "Source address of the client's transport connection.",
    ),
    FetchRow::new(
        "fc_src_port",
        Type::Int,
        CLIENT,
        fc_src_port,
        "Source port of the client's transport connection.",
    ),
    FetchRow::new(
        "fc_src_is_local",
        Type::Bool,
        CLIENT,
        fc_src_local,
        "Whether the transport connection's source is an address of this host.",
    ),
    FetchRow::new(
        "fc_dst",
        Type::Addr,
        CLIENT,
        fc_dst_ip,
        "Destination address of the client's transport connection.",
    ),
    FetchRow::new(
        "fc_dst_port",
        Type::Int,
        CLIENT,
        fc_dst_port,
        "Destination port of the client's transport connection.",
    ),
    FetchRow::new(
        "fc_dst_is_local",
        Type::Bool,
        CLIENT,
        fc_dst_local,
        "Whether the transport connection's destination is an address of this host.",
    ),
    FetchRow::new(
        "fc_rcvd_proxy",
        Type::Bool,
        CLIENT,
        fc_rcvd_proxy,
        "Whether the client's connection began with a PROXY protocol header.",
    ),
    FetchRow::new(
        "fc_http_major",
        Type::Int,
        CLIENT,
        fc_http_major,
        "Major version of HTTP on the client's connection.",
    ),
    FetchRow::new(
        "fc_err",
        Type::Int,
        CLIENT,
        fc_err,
        "Error number of the client's connection, 0 without one.",
    ),
    FetchRow::new(
        "bc_src",
        Type::Addr,
        SERVER,
        bc_src_ip,
        "Source address of the server's connection.",
    ),
    FetchRow::new(
        "bc_src_port",
        Type::Int,
        SERVER,
        bc_src_port,
        "Source port of the server's connection.",
    ),
    FetchRow::new(
        "bc_dst",
        Type::Addr,
        SERVER,
        bc_dst_ip,
        "Address the server's connection goes to.",
    ),
    FetchRow::new(
        "bc_dst_port",
        Type::Int,
        SERVER,
        bc_dst_port,
        "Port the server's connection goes to.",
    ),
    FetchRow::new(
        "bc_http_major",
        Type::Int,
        SERVER,
        bc_http_major,
        "Major version of HTTP on the server's connection.",
    ),
    FetchRow::new(
        "bc_err",
        Type::Int,
        SERVER,
        bc_err,
        "Error number of the server's connection, 0 without one.",
    ),
    FetchRow::new(
        "bc_reused",
        Type::Bool,
        SERVER,
        bc_reused,
        "Whether the server's connection was taken from the idle ones.",
    ),
    FetchRow::new(
        "fc_err_name",
        Type::Str,
        CLIENT,
        fc_err_name,
        "Name of the client's connection error.",
    ),
    FetchRow::new(
        "fc_err_str",
        Type::Str,
        CLIENT,
        fc_err_str,
        "Text of the client's connection error.",
    ),
    FetchRow::new(
        "bc_err_name",
        Type::Str,
        SERVER,
        bc_err_name,
        "Name of the server's connection error.",
    ),
    FetchRow::new(
        "bc_err_str",
        Type::Str,
        SERVER,
        bc_err_str,
        "Text of the server's connection error.",
    ),
];
