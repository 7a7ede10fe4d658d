//! Which `Connection` header each side gets, and which connection stays open afterwards.
//!
//! The rules are those of the HTTP/1 side of a proxy (RFC 9112, section 9) with the proxy's connection mode on top. The
//! parser takes `close` and `keep-alive` out of `Connection`, so that what stays in a head belongs to the peers; what is
//! decided here is written in addition.

use super::common::prune_known;
use super::{Framing, MessageFlags};
use message::{FieldId, Head};

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
    /// The next hop may not be able to tell where the request ends.
    pub close_next_hop: bool,
}

impl From<&MessageFlags> for RequestFacts {
    fn from(flags: &MessageFlags) -> Self {
        Self {
            http10: flags.http10,
            keep_alive: stays_open(flags),
            upgrade: flags.upgrade,
            close_next_hop: flags.close_next_hop,
        }
    }
}

/// Whether the sender of a message lets the connection go on after it.
fn stays_open(flags: &MessageFlags) -> bool {
    !flags.must_close && !flags.connection_close && (flags.connection_keep_alive || !flags.http10)
}

/// What rules have put into the `Connection` fields of a message that is about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionTokens {
    /// `close`: the side that the message is written to is to be closed after it.
    pub close: bool,
    /// `upgrade`: nothing is to be added to `Connection`.
    pub upgrade: bool,
}

/// Takes `close` and `keep-alive` out of the `Connection` fields of a message that is about to be written, and says what
/// was there. Rules such as `http-response set-header connection close` close a connection this way.
pub fn take_connection_tokens(head: &mut Head) -> ConnectionTokens {
    let mut tokens = ConnectionTokens::default();
    prune_known(head, FieldId::Connection, |item| {
        let close = item.eq_ignore_ascii_case(b"close");
        tokens.close |= close;
        tokens.upgrade |= item.eq_ignore_ascii_case(b"upgrade");
        close || item.eq_ignore_ascii_case(b"keep-alive")
    });
    tokens
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
/// `tokens` comes from [`take_connection_tokens`]. `pretend_keep_alive` is the backend's `option http-pretend-keepalive`:
/// the server is not told of the closing.
#[must_use]
pub fn server_side(
    request: &RequestFacts,
    tokens: ConnectionTokens,
    frontend: ConnectionMode,
    backend: ConnectionMode,
    pretend_keep_alive: bool,
) -> ServerSide {
    let mode = backend != ConnectionMode::KeepAlive || frontend == ConnectionMode::ServerClose;
    let told = tokens.close || request.close_next_hop;
    let silent = !told && (!mode || pretend_keep_alive);
    let header = if tokens.upgrade || request.upgrade {
        ConnectionHeader::None
    } else {
        ConnectionHeader::telling(silent, request.http10)
    };
    ServerSide {
        header,
        reusable: !told && !mode,
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
/// `tokens` comes from [`take_connection_tokens`]; `response` and `framing` are those of the response, the default flags
/// if the proxy itself made it.
#[must_use]
pub fn client_side(
    request: &RequestFacts,
    tokens: ConnectionTokens,
    frontend: ConnectionMode,
    response: &MessageFlags,
    framing: Framing,
) -> ClientSide {
    if framing == Framing::Tunnel {
        return ClientSide {
            header: ConnectionHeader::None,
            stays_open: false,
        };
    }
    let stays_open = request.keep_alive
        && !tokens.close
        && !response.close_next_hop
        && frontend != ConnectionMode::Close
        && framing != Framing::UntilClose;
    // HTTP/1.0 clients need to hear that they may go on; an HTTP/1.0 response says close by itself.
    let silence_means_close = response.http10 || request.http10 && stays_open;
    let header = if tokens.upgrade {
        ConnectionHeader::None
    } else {
        ConnectionHeader::telling(stays_open, silence_means_close)
    };
    ClientSide { header, stays_open }
}
