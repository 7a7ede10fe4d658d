//! Frontends, backends and servers.

use crate::args::spec::{BACKEND, FRONTEND, SERVER};
use crate::args::{ArgSpec, Args};
use crate::context::Target;
use crate::phases::Phases;
use crate::row::FetchRow;
use crate::sample::{Outcome, Type, Value};
use crate::view::{ProxyView, ServerView, View};
use std::borrow::Cow;
use std::sync::Arc;

fn int<'a>(value: u64) -> Outcome<'a> {
    Outcome::Found(Value::Int(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn text(value: Option<&str>) -> Outcome<'_> {
    Outcome::of(value.map(|v| Value::Str(Cow::Borrowed(v.as_bytes()))))
}

fn of<'a, T: ?Sized>(found: Option<&T>, read: impl FnOnce(&T) -> u64) -> Outcome<'a> {
    found.map_or(Outcome::Missing, |found| int(read(found)))
}

/// The proxy that the first argument names.
fn proxy<'a>(args: &'a Args, view: &'a dyn View) -> Option<&'a dyn ProxyView> {
    match args.reference(0)?.get()? {
        Target::Proxy(at) => view.process().proxy(*at),
        Target::OwnFrontend => view.frontend(),
        Target::OwnBackend => view.backend(),
        _ => None,
    }
}

/// The server that the first argument names.
fn server(args: &Args, view: &dyn View) -> Option<Arc<dyn ServerView>> {
    match args.reference(0)?.get()? {
        Target::Server(proxy, at) => view.process().proxy(*proxy)?.server_at(*at),
        _ => None,
    }
}

macro_rules! proxy_fetches {
    ($($name:ident($proxy:ident) $read:expr;)*) => {$(
        fn $name<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            of(proxy(args, view), |$proxy| $read)
        }
    )*};
}

proxy_fetches! {
    conn(p) p.connections();
    sess_rate(p) u64::from(p.session_rate());
    req_rate(p) u64::from(p.request_rate());
    nbsrv(p) u64::from(p.usable_servers());
    queue(p) p.queued();
    avg_queue(p) average_queue(p);
}

/// Queued streams per usable server; all of them when no server is usable.
fn average_queue(proxy: &dyn ProxyView) -> u64 {
    let servers = u64::from(proxy.usable_servers());
    match servers {
        0 => proxy.queued(),
        n => proxy.queued().div_ceil(n),
    }
}

/// Connections that usable servers still take; with `queues`, also what their queues take. `None` when a server has no
/// limit.
fn free_slots(proxy: &dyn ProxyView, queues: bool) -> Option<u64> {
    let mut slots = 0u64;
    for server in proxy.servers().iter().filter(|s| s.is_usable()) {
        let limit = server.max_connections();
        if limit == 0 {
            return None;
        }
        slots += limit.saturating_sub(server.connections());
        if queues {
            match server.max_queued() {
                0 => return None,
                limit => slots += limit.saturating_sub(server.queued()),
            }
        }
    }
    Some(slots)
}

/// As a number where the unknown is -1.
fn signed<'a>(args: &'a Args, view: &'a dyn View, queues: bool) -> Outcome<'a> {
    let Some(proxy) = proxy(args, view) else {
        return Outcome::Missing;
    };
    let slots = free_slots(proxy, queues);
    let slots = slots.map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX));
    Outcome::Found(Value::Int(slots))
}

fn connslots_signed<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    signed(args, view, true)
}

fn be_conn_free_signed<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    signed(args, view, false)
}

macro_rules! server_fetches {
    ($($name:ident($server:ident) $read:expr;)*) => {$(
        fn $name<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            of(server(args, view).as_deref(), |$server| $read)
        }
    )*};
}

server_fetches! {
    srv_conn(s) s.connections();
    srv_queue(s) s.queued();
    srv_sess_rate(s) u64::from(s.session_rate());
    srv_weight(s) u64::from(s.weight().0);
    srv_iweight(s) u64::from(s.weight().1);
    srv_uweight(s) u64::from(s.user_weight());
}

fn srv_conn_free<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    let Some(server) = server(args, view) else {
        return Outcome::Missing;
    };
    let free = match server.max_connections() {
        0 => -1,
        limit => i64::try_from(limit.saturating_sub(server.connections())).unwrap_or(i64::MAX),
    };
    Outcome::Found(Value::Int(free))
}

fn srv_is_up<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    Outcome::of(server(args, view).map(|s| Value::Bool(s.is_usable())))
}

fn be_id<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    of(view.backend().or_else(|| view.frontend()), |p| {
        u64::from(p.id())
    })
}
fn be_name<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(
        view.backend()
            .or_else(|| view.frontend())
            .map(ProxyView::name),
    )
}
fn fe_id<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    of(view.frontend(), |p| u64::from(p.id()))
}
fn fe_name<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(view.frontend().map(ProxyView::name))
}
fn fe_defbe<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(view.frontend().and_then(ProxyView::default_backend))
}
fn srv_id<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    of(view.server(), |s| u64::from(s.id()))
}
fn srv_name<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(view.server().map(ServerView::name))
}
fn so_id<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    view.listener()
        .map_or(Outcome::Missing, |(_, id)| int(u64::from(id)))
}
fn so_name<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    text(
        view.listener()
            .map(|(name, _)| name)
            .filter(|n| !n.is_empty()),
    )
}

/// A timeout of the configuration in milliseconds, 0 when it is not set.
fn timeout<'a>(proxy: Option<&'a dyn ProxyView>, name: &str) -> Outcome<'a> {
    of(proxy, |p| p.timeout(name).unwrap_or(0))
}

fn current<'a>(view: &'a dyn View, proxy: Option<&'a dyn ProxyView>, name: &str) -> Outcome<'a> {
    match view.current_timeout(name) {
        Some(value) => int(value),
        None => timeout(proxy, name),
    }
}

macro_rules! timeout_fetches {
    ($($name:ident $current:ident $proxy:ident $keyword:literal;)*) => {$(
        fn $name<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            timeout(view.$proxy(), $keyword)
        }
        fn $current<'a>(_: &'a Args, view: &'a dyn View) -> Outcome<'a> {
            current(view, view.$proxy(), $keyword)
        }
    )*};
}

timeout_fetches! {
    be_connect_timeout cur_connect_timeout backend "connect";
    be_queue_timeout cur_queue_timeout backend "queue";
    be_server_timeout cur_server_timeout backend "server";
    be_tarpit_timeout cur_be_tarpit_timeout backend "tarpit";
    be_tunnel_timeout cur_tunnel_timeout backend "tunnel";
    fe_client_timeout cur_client_timeout frontend "client";
    fe_tarpit_timeout cur_fe_tarpit_timeout frontend "tarpit";
}

fn cur_tarpit_timeout<'a>(args: &'a Args, view: &'a dyn View) -> Outcome<'a> {
    if view.backend().is_some() {
        cur_be_tarpit_timeout(args, view)
    } else {
        cur_fe_tarpit_timeout(args, view)
    }
}

const IN: Phases = Phases::INTERNAL;
const FE: Phases = Phases::FRONTEND;
const BE: Phases = Phases::BACKEND;
const OF_BACKEND: &[ArgSpec] = &[BACKEND];
const OF_FRONTEND: &[ArgSpec] = &[FRONTEND];
const OF_SERVER: &[ArgSpec] = &[SERVER];

pub(super) static ROWS: &[FetchRow] = &[
    FetchRow::new(
        "be_conn",
        Type::Int,
        IN,
        conn,
        "Present streams of a backend.",
    )
    .args(OF_BACKEND),
    FetchRow::new(
        "be_conn_free",
        Type::Int,
        IN,
        be_conn_free_signed,
        "Connections a backend's servers still take, -1 without limit.",
    )
    .args(OF_BACKEND),
    FetchRow::new(
        "connslots",
        Type::Int,
        IN,
        connslots_signed,
        "Connections and queue places a backend's servers still have, -1 without limit.",
    )
    .args(OF_BACKEND),
    FetchRow::new(
        "be_sess_rate",
        Type::Int,
        IN,
        sess_rate,
        "New streams of a backend in the last second.",
    )
    .args(OF_BACKEND),
    FetchRow::new(
        "nbsrv",
        Type::Int,
        IN,
        nbsrv,
        "Usable servers of a backend.",
    )
    .args(OF_BACKEND),
    FetchRow::new(
        "queue",
        Type::Int,
        IN,
        queue,
        "Queued streams of a backend.",
    )
    .args(OF_BACKEND),
    FetchRow::new(
        "avg_queue",
        Type::Int,
        IN,
        avg_queue,
        "Queued streams of a backend per usable server.",
    )
    .args(OF_BACKEND),
    FetchRow::new(
        "fe_conn",
        Type::Int,
        IN,
        conn,
        "Present connections of a frontend.",
    )
    .args(OF_FRONTEND),
    FetchRow::new(
        "fe_sess_rate",
        Type::Int,
        IN,
        sess_rate,
        "New connections of a frontend in the last second.",
    )
    .args(OF_FRONTEND),
    FetchRow::new(
        "fe_req_rate",
        Type::Int,
        IN,
        req_rate,
        "Requests of a frontend in the last second.",
    )
    .args(OF_FRONTEND),
    FetchRow::new(
        "srv_conn",
        Type::Int,
        IN,
        srv_conn,
        "Present streams of a server.",
    )
    .args(OF_SERVER),
    FetchRow::new(
        "srv_conn_free",
        Type::Int,
        IN,
        srv_conn_free,
        "Connections a server still takes, -1 without limit.",
    )
    .args(OF_SERVER),
    FetchRow::new(
        "srv_is_up",
        Type::Bool,
        IN,
        srv_is_up,
        "Whether traffic may go to a server.",
    )
    .args(OF_SERVER),
    FetchRow::new(
        "srv_queue",
        Type::Int,
        IN,
        srv_queue,
        "Streams waiting for a server.",
    )
    .args(OF_SERVER),
    FetchRow::new(
        "srv_sess_rate",
        Type::Int,
        IN,
        srv_sess_rate,
        "New streams of a server in the last second.",
    )
    .args(OF_SERVER),
    FetchRow::new(
        "srv_weight",
        Type::Int,
        IN,
        srv_weight,
        "Effective weight of a server.",
    )
    .args(OF_SERVER),
    FetchRow::new(
        "srv_uweight",
        Type::Int,
        IN,
        srv_uweight,
        "Weight of a server as the operator set it last.",
    )
    .args(OF_SERVER),
    FetchRow::new(
        "srv_iweight",
        Type::Int,
        IN,
        srv_iweight,
        "Configured weight of a server.",
    )
    .args(OF_SERVER),
    FetchRow::new("be_id", Type::Int, BE, be_id, "Number of the backend."),
    FetchRow::new("be_name", Type::Str, BE, be_name, "Name of the backend."),
    FetchRow::new("fe_id", Type::Int, FE, fe_id, "Number of the frontend."),
    FetchRow::new("fe_name", Type::Str, FE, fe_name, "Name of the frontend."),
    FetchRow::new(
        "fe_defbe",
        Type::Str,
        FE,
        fe_defbe,
        "Name of the frontend's default backend.",
    ),
    FetchRow::new(
        "srv_id",
        Type::Int,
        Phases::SERVER,
        srv_id,
        "Number of the server.",
    ),
    FetchRow::new(
        "srv_name",
        Type::Str,
        Phases::SERVER,
        srv_name,
        "Name of the server.",
    ),
    FetchRow::new(
        "so_id",
        Type::Int,
        FE,
        so_id,
        "Number of the listening socket.",
    ),
    FetchRow::new(
        "so_name",
        Type::Str,
        FE,
        so_name,
        "Name of the listening socket.",
    ),
    FetchRow::new(
        "be_connect_timeout",
        Type::Int,
        BE,
        be_connect_timeout,
        "The backend's connect timeout in milliseconds.",
    ),
    FetchRow::new(
        "be_queue_timeout",
        Type::Int,
        BE,
        be_queue_timeout,
        "The backend's queue timeout in milliseconds.",
    ),
    FetchRow::new(
        "be_server_timeout",
        Type::Int,
        BE,
        be_server_timeout,
        "The backend's server timeout in milliseconds.",
    ),
    FetchRow::new(
        "be_tarpit_timeout",
        Type::Int,
        BE,
        be_tarpit_timeout,
        "The backend's tarpit timeout in milliseconds.",
    ),
    FetchRow::new(
        "be_tunnel_timeout",
        Type::Int,
        BE,
        be_tunnel_timeout,
        "The backend's tunnel timeout in milliseconds.",
    ),
    FetchRow::new(
        "fe_client_timeout",
        Type::Int,
        FE,
        fe_client_timeout,
        "The frontend's client timeout in milliseconds.",
    ),
    FetchRow::new(
        "fe_tarpit_timeout",
        Type::Int,
        FE,
        fe_tarpit_timeout,
        "The frontend's tarpit timeout in milliseconds.",
    ),
    FetchRow::new(
        "cur_client_timeout",
        Type::Int,
        FE,
        cur_client_timeout,
        "The client timeout in force in milliseconds.",
    ),
    FetchRow::new(
        "cur_connect_timeout",
        Type::Int,
        BE,
        cur_connect_timeout,
        "The connect timeout in force in milliseconds.",
    ),
    FetchRow::new(
        "cur_queue_timeout",
        Type::Int,
        BE,
        cur_queue_timeout,
        "The queue timeout in force in milliseconds.",
    ),
    FetchRow::new(
        "cur_server_timeout",
        Type::Int,
        BE,
        cur_server_timeout,
        "The server timeout in force in milliseconds.",
    ),
    FetchRow::new(
        "cur_tarpit_timeout",
        Type::Int,
        Phases::CLIENT,
        cur_tarpit_timeout,
        "The tarpit timeout in force in milliseconds.",
    ),
    FetchRow::new(
        "cur_tunnel_timeout",
        Type::Int,
        BE,
        cur_tunnel_timeout,
        "The tunnel timeout in force in milliseconds.",
    ),
];
