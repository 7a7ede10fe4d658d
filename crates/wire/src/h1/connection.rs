//! Which `Connection` header each side gets, and which connection stays open afterwards.
//!
//! The rules are those of the HTTP/1 side of a proxy (RFC 9112, section 9) with the proxy's connection mode on top. The
//! parser takes `close` and `keep-alive` out of `Connection`, so that what stays in a head belongs to the peers; what is
//! decided here is written in addition.

use super::{Framing, MessageFlags};

/// How a proxy treats connections (configuration manual, `option http-keep-alive` and its relatives).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionMode {
    /// `option http-keep-alive`: both sides stay open.
    #[default]
    KeepAlive,
    /// `option http-server-close`: the server's side is closed after each response.
    ServerClose,
    /// `option httpclose`: this proxy's own side is closed: the client's in a frontend, the server's in a backend.
    Close,
}

/// The `Connection` header to add to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionHeader {
    /// None.
    #[default]
    None,
    /// `connection: close`
    Close,
    /// `connection: keep-alive`
    KeepAlive,
}

impl ConnectionHeader {
    /// What the peer must be told, given that silence means keep-alive in HTTP/1.1 and close in HTTP/1.0.
    fn telling(stays_open: bool, silence_means_close: bool) -> Self {
        match (stays_open, silence_means_close) {
            (true, true) => Self::KeepAlive,
            (false, false) => Self::Close,
            (true, false) | (false, true) => Self::None,
        }
    }
}

/// What the connection must remember of a request until its response is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestFacts {
    /// The version is lower than 1.1.
    pub http10: bool,
    /// The client can and wants to go on after this request.
    pub keep_alive: bool,
    /// The request asks for another protocol.
    pub upgrade: bool,
    /// The request's framing could be understood in two ways.
    pub ambiguous: bool,
}

impl From<&MessageFlags> for RequestFacts {
    fn from(flags: &MessageFlags) -> Self {
        Self {
            http10: flags.http10,
            keep_alive: stays_open(flags),
            upgrade: flags.upgrade,
            ambiguous: flags.must_close,
        }
    }
}

/// Whether the sender of a message lets the connection go on after it.
fn stays_open(flags: &MessageFlags) -> bool {
    !flags.must_close && !flags.connection_close && (flags.connection_keep_alive || !flags.http10)
}

/// What to do on the server's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSide {
    /// What to add to the request.
    pub header: ConnectionHeader,
    /// Whether the connection may serve another request afterwards, if the server agrees (see [`server_stays_open`]).
    pub reusable: bool,
}

/// Decides on the server's side when a request is sent.
///
/// `pretend_keep_alive` is the backend's `option http-pretend-keepalive`: the server is not told of the closing.
#[must_use]
pub fn server_side(
    request: &RequestFacts,
    frontend: ConnectionMode,
    backend: ConnectionMode,
    pretend_keep_alive: bool,
) -> ServerSide {
    let closing = backend != ConnectionMode::KeepAlive
        || frontend == ConnectionMode::ServerClose
        || request.ambiguous;
    let told_to_stay = !closing || (pretend_keep_alive && !request.ambiguous);
    let header = if request.upgrade {
        ConnectionHeader::None
    } else {
        ConnectionHeader::telling(told_to_stay, request.http10)
    };
    ServerSide {
        header,
        reusable: !closing,
    }
}

/// Whether the server's connection may serve another request after this response.
#[must_use]
pub fn server_stays_open(side: &ServerSide, response: &MessageFlags, framing: Framing) -> bool {
    side.reusable
        && stays_open(response)
        && !matches!(framing, Framing::UntilClose | Framing::Tunnel)
}

/// What to do on the client's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSide {
    /// What to add to the response.
    pub header: ConnectionHeader,
    /// Whether the connection may carry another request afterwards.
    pub stays_open: bool,
}

/// Decides on the client's side when a response is written.
///
/// `response_http10` says that the response is written as HTTP/1.0, `framing` is that of the response.
#[must_use]
pub fn client_side(
    request: &RequestFacts,
    frontend: ConnectionMode,
    response_http10: bool,
    framing: Framing,
) -> ClientSide {
    if framing == Framing::Tunnel {
        return ClientSide {
            header: ConnectionHeader::None,
            stays_open: false,
        };
    }
    let stays_open =
        request.keep_alive && frontend != ConnectionMode::Close && framing != Framing::UntilClose;
    // HTTP/1.0 clients need to hear that they may go on; an HTTP/1.0 response says close by itself.
    let silence_means_close = response_http10 || (request.http10 && stays_open);
    ClientSide {
        header: ConnectionHeader::telling(stays_open, silence_means_close),
        stays_open,
    }
}
