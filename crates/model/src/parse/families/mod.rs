//! The root tables: every family of directives is listed here, and nowhere else.

pub mod bind;
pub mod check;
pub mod client;
mod fcgi;
pub mod global;
pub mod log;
mod namespaces;
pub mod proxy;
pub mod resolvers;
pub mod server;
pub mod stick;
pub mod tls;
pub mod traces;
mod userlist;

pub(super) use userlist::check_groups;

use super::sections::SectionRow;
use super::table::Row;

/// Directives of the `global` section.
pub const GLOBAL: &[&[Row]] = &[
    global::conduct::ROWS,
    global::environment::ROWS,
    global::expressions::ROWS,
    global::http1::ROWS,
    global::identity::ROWS,
    global::inert::INNER,
    global::inert::LATER,
    global::legacy::ROWS,
    global::limits::ROWS,
    global::paths::ROWS,
    global::process::ROWS,
    global::profiling::ROWS,
    global::runtime_api::ROWS,
    global::statuses::ROWS,
    global::threads::ROWS,
    global::tuning::ROWS,
    global::http2::ROWS,
    client::ROWS,
    log::GLOBAL_ROWS,
    resolvers::GLOBAL_ROWS,
    tls::global::ROWS,
    tls::ocsp::ROWS,
];

/// Directives of `defaults`, `frontend`, `backend` and `listen` sections.
pub const PROXY: &[&[Row]] = &[
    bind::ROWS,
    check::EXTERNAL_ROWS,
    check::ROWS,
    log::PROXY_ROWS,
    proxy::balance::ROWS,
    proxy::capture::ROWS,
    proxy::errors::ROWS,
    proxy::filter::ROWS,
    proxy::general::ROWS,
    proxy::http::ROWS,
    proxy::legacy::ROWS,
    proxy::options::ROWS,
    proxy::persistence::ROWS,
    proxy::rules::ROWS,
    proxy::stats::ROWS,
    proxy::switching::ROWS,
    proxy::tcp::ROWS,
    proxy::timeouts::ROWS,
    server::ROWS,
    stick::ROWS,
    tls::frontend::ROWS,
];

/// Sections next to `global` and the proxies.
pub const SECTIONS: &[&[SectionRow]] = &[
    check::SECTIONS,
    fcgi::SECTIONS,
    log::SECTIONS,
    namespaces::SECTIONS,
    proxy::errors::SECTIONS,
    resolvers::SECTIONS,
    tls::store::SECTIONS,
    stick::SECTIONS,
    super::known::SECTIONS,
    traces::SECTIONS,
    userlist::SECTIONS,
];

/// Checks the name of a protocol that `proto` forces.
///
/// # Errors
/// When it is unknown or not built.
pub(crate) fn check_mux(name: &str) -> Result<(), String> {
    match name {
        "h1" | "h2" | "none" => Ok(()),
        "quic" => Err(super::known::not_built("proto quic", "QUIC")),
        "fcgi" => Err(super::known::not_built("proto fcgi", "FastCGI")),
        "spop" => Err(super::known::not_built("proto spop", "SPOE")),
        _ => Err(format!("'proto' :  unknown MUX protocol '{name}'")),
    }
}
