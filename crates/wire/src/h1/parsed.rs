//! What a parser found.

/// How far a message's head has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// Nothing wrong so far, but the head is not complete: call again, from the beginning, with more bytes.
    Incomplete,
    /// The head is complete.
    Done {
        /// Bytes of the buffer it took, its final empty line included.
        consumed: usize,
        /// How the body is delimited.
        framing: Framing,
        /// What the connection must know about the message.
        flags: MessageFlags,
    },
}

/// How a body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// There is no body.
    #[default]
    None,
    /// That many bytes follow.
    Length(u64),
    /// Chunks follow.
    Chunked,
    /// Everything up to the connection's end.
    UntilClose,
    /// The connection is a tunnel from here on.
    Tunnel,
}

/// What the connection must know about a message beyond its framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageFlags {
    /// `Connection` named `close`. The token has been taken out of the head.
    pub connection_close: bool,
    /// `Connection` named `keep-alive`. The token has been taken out of the head.
    pub connection_keep_alive: bool,
    /// `Connection` named `upgrade`, and in a request there is an `Upgrade` field with a protocol to change to: without
    /// both, neither is left in its head. `h2` and `h2c` are never left among the protocols.
    pub upgrade: bool,
    /// The protocol to change to is WebSocket (RFC 6455).
    pub websocket: bool,
    /// The version is lower than 1.1.
    pub http10: bool,
    /// There is a `Host` field.
    pub has_host: bool,
    /// `Content-Length` was dropped because `Transfer-Encoding` was there as well.
    pub length_dropped: bool,
    /// The connection must not be used again after this message, because its framing could be understood in two ways
    /// (RFC 9112, section 6.1).
    pub must_close: bool,
    /// The connection to the next hop must not be used again after this message either.
    pub close_next_hop: bool,
    /// `Expect: 100-continue` was there.
    pub expect_continue: bool,
    /// The message carried a `Transfer-Encoding`.
    pub transfer_encoding: bool,
    /// A violation was tolerated at this position of the buffer (`accept_unsafe`): the message is to be captured.
    pub violation: Option<u32>,
}
