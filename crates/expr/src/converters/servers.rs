//! State of proxies and servers that a sample names.

use super::text;
use crate::args::Args;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::{ProxyView, ServerView, View};
use std::sync::Arc;

fn fe_exists<'a>(_: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let name = text(value)?;
    Some(Value::Bool(view.process().frontend_named(&name).is_some()))
}

fn nbsrv<'a>(_: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let backend = view.process().backend_named(&text(value)?)?;
    Some(Value::Int(i64::from(backend.usable_servers())))
}

/// The server of this name in the backend at hand, or of `backend/server`.
fn server(name: &[u8], view: &dyn View) -> Option<Arc<dyn ServerView>> {
    let found;
    let (backend, name): (&dyn ProxyView, _) = match memchr::memchr(b'/', name) {
        Some(slash) => {
            found = view.process().backend_named(name.get(..slash)?)?;
            (&*found, name.get(slash + 1..)?)
        }
        None => (view.backend()?, name),
    };
    match name.strip_prefix(b"#") {
        Some(id) => {
            let id: u32 = std::str::from_utf8(id).ok()?.parse().ok()?;
            let mut servers = backend.servers().into_iter();
            servers.find(|server| server.id() == id)
        }
        None => backend.server(std::str::from_utf8(name).ok()?),
    }
}

fn srv_is_up<'a>(_: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let server = server(&text(value)?, view)?;
    Some(Value::Bool(server.is_usable()))
}

fn srv_queue<'a>(_: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let queued = server(&text(value)?, view)?.queued();
    Some(Value::Int(i64::try_from(queued).unwrap_or(i64::MAX)))
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "fe_exists",
        Type::Str,
        Type::Bool,
        fe_exists,
        "Whether there is a frontend of this name.",
    )
    .impure(),
    ConverterRow::new(
        "nbsrv",
        Type::Str,
        Type::Int,
        nbsrv,
        "Usable servers of a backend.",
    )
    .impure(),
    ConverterRow::new(
        "srv_is_up",
        Type::Str,
        Type::Bool,
        srv_is_up,
        "Whether a server is up.",
    )
    .impure(),
    ConverterRow::new(
        "srv_queue",
        Type::Str,
        Type::Int,
        srv_queue,
        "A server's queue.",
    )
    .impure(),
];
