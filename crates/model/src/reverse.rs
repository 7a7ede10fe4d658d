//! Listeners that open their connections themselves (`bind rhttp@<backend>/<server>`).

use crate::address::Address;
use crate::server::Server;
use crate::{Proxy, Snapshot};

/// The server to which the connections of such a listener are opened, with its backend.
///
/// # Errors
/// Why `name` can't stand there, in HAProxy's wording.
pub fn target<'s>(snapshot: &'s Snapshot, name: &str) -> Result<(&'s Proxy, &'s Server), String> {
    let Some((backend, server)) = name
        .split_once('/')
        .filter(|(_, server)| !server.is_empty())
    else {
        return Err(format!("Invalid server name: '{name}'."));
    };
    let proxy = snapshot.backends.get(backend);
    let Some(proxy) = proxy.and_then(|at| snapshot.proxy(*at)) else {
        return Err(format!("No such backend: '{backend}'."));
    };
    let mut servers = proxy.back.servers.iter();
    let Some(server) = servers.find(|known| &*known.name == server) else {
        return Err(format!("No such server: '{name}'."));
    };
    if matches!(server.address, Address::Reverse(_)) {
        return Err(format!(
            "Cannot use reverse HTTP server '{name}' as target to a reverse bind."
        ));
    }
    if depends_on_client(server) {
        return Err(format!(
            "Cannot use transparent server '{name}' as target to a reverse bind."
        ));
    }
    if !speaks_http2(server) {
        return Err(format!(
            "Cannot reverse connect with server '{name}' unless HTTP/2 is activated on it with either proto or alpn keyword."
        ));
    }
    Ok((proxy, server))
}

/// Whether it takes a client to say where the server is.
fn depends_on_client(server: &Server) -> bool {
    match server.address {
        Address::Inet(address) => server.mapped_port || address.ip().is_unspecified(),
        _ => false,
    }
}

/// Whether nothing but HTTP/2 is spoken to a server.
fn speaks_http2(server: &Server) -> bool {
    let settings = &server.settings;
    let offered = settings.tls.common.alpn.as_deref().unwrap_or_default();
    match settings.proto.as_deref() {
        Some(proto) => proto == "h2",
        None => matches!(offered, [name] if name == b"h2"),
    }
}
