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

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionHeader::{Close, KeepAlive, None};

    const HTTP_11: RequestFacts = RequestFacts {
        http10: false,
        keep_alive: true,
        upgrade: false,
        close_next_hop: false,
    };
    /// HTTP/1.0 with `Connection: keep-alive`.
    const HTTP_10: RequestFacts = RequestFacts {
        http10: true,
        ..HTTP_11
    };
    const UPGRADE: RequestFacts = RequestFacts {
        upgrade: true,
        ..HTTP_11
    };
    const NO_TOKENS: ConnectionTokens = ConnectionTokens {
        close: false,
        upgrade: false,
    };

    #[test]
    fn the_server_is_told_what_the_modes_of_both_proxies_ask_for() {
        use ConnectionMode::{Close as Httpclose, KeepAlive as Keep, ServerClose};
        // Modes of frontend and backend, then what the three kinds of request get.
        for (frontend, backend, told) in [
            (Keep, Keep, [None, KeepAlive, None]),
            (Httpclose, Keep, [None, KeepAlive, None]),
            (Keep, Httpclose, [Close, None, None]),
            (ServerClose, Keep, [Close, None, None]),
            (Keep, ServerClose, [Close, None, None]),
        ] {
            for (request, header) in [HTTP_11, HTTP_10, UPGRADE].iter().zip(told) {
                let side = server_side(request, NO_TOKENS, frontend, backend, false);
                assert_eq!(side.header, header, "{frontend:?} {backend:?} {request:?}");
                let open = backend == Keep && frontend != ServerClose;
                assert_eq!(side.reusable, open);
            }
        }
        let pretending = server_side(&HTTP_11, NO_TOKENS, Keep, ServerClose, true);
        assert_eq!((pretending.header, pretending.reusable), (None, false));
    }

    #[test]
    fn the_client_is_told_what_its_version_does_not_say() {
        let flags = MessageFlags::default();
        let old = MessageFlags {
            http10: true,
            ..flags
        };
        let body = Framing::Length(3);
        let keep = ConnectionMode::KeepAlive;
        for (request, mode, response, framing, header, stays_open) in [
            (HTTP_11, keep, &flags, body, None, true),
            (HTTP_11, keep, &old, body, KeepAlive, true),
            (HTTP_10, keep, &flags, body, KeepAlive, true),
            (HTTP_11, keep, &flags, Framing::UntilClose, Close, false),
            (HTTP_11, keep, &old, Framing::UntilClose, None, false),
            (HTTP_11, ConnectionMode::Close, &flags, body, Close, false),
            (HTTP_11, ConnectionMode::Close, &old, body, None, false),
            (HTTP_10, ConnectionMode::Close, &flags, body, Close, false),
            (
                HTTP_11,
                ConnectionMode::ServerClose,
                &flags,
                body,
                None,
                true,
            ),
            (
                UPGRADE,
                ConnectionMode::Close,
                &flags,
                Framing::Tunnel,
                None,
                false,
            ),
        ] {
            let side = client_side(&request, NO_TOKENS, mode, response, framing);
            let expected = ClientSide { header, stays_open };
            assert_eq!(
                side, expected,
                "{request:?} {mode:?} {response:?} {framing:?}"
            );
        }
    }

    #[test]
    fn a_rule_that_sets_close_closes_that_side() {
        let mut head = Head::new();
        head.start_response(message::Version::HTTP_11, 200, b"OK");
        head.push(b"connection", b"close,foo");
        let tokens = take_connection_tokens(&mut head);
        assert!(tokens.close);
        assert_eq!(head.known(FieldId::Connection), Some(&b"foo"[..]));
        let mode = ConnectionMode::KeepAlive;
        let flags = MessageFlags::default();
        let client = client_side(&HTTP_11, tokens, mode, &flags, Framing::Length(0));
        assert_eq!((client.header, client.stays_open), (Close, false));
        let server = server_side(&HTTP_10, tokens, mode, mode, false);
        assert_eq!((server.header, server.reusable), (None, false));
    }

    #[test]
    fn a_server_connection_is_kept_only_if_its_response_allows_it() {
        let side = ServerSide {
            header: None,
            reusable: true,
        };
        let flags = MessageFlags::default();
        let old = MessageFlags {
            http10: true,
            ..flags
        };
        let kept = MessageFlags {
            connection_keep_alive: true,
            ..old
        };
        assert!(server_stays_open(&side, &flags, Framing::Length(1)));
        assert!(!server_stays_open(&side, &flags, Framing::UntilClose));
        assert!(!server_stays_open(&side, &old, Framing::Length(1)));
        assert!(server_stays_open(&side, &kept, Framing::Length(1)));
    }
}
