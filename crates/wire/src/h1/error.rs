//! Why a message was refused.

use std::fmt;

/// Which rule a message broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The method is empty or has a character that no token has.
    Method,
    /// The target has a character that it must not have, or none at all.
    Target,
    /// The version is not one that HTTP/1 knows.
    Version,
    /// A line end is not CR LF where it must be.
    LineEnd,
    /// The status is not three digits.
    Status,
    /// A field's name is empty, has a forbidden character, or is followed by white space.
    FieldName,
    /// A field's value has a forbidden character.
    FieldValue,
    /// `Content-Length` is not one number, or not the same number everywhere.
    ContentLength,
    /// `Transfer-Encoding` does not end in exactly one `chunked`.
    TransferEncoding,
    /// `Transfer-Encoding` names a coding other than `chunked` in front of it.
    TransferCoding,
    /// The `Host` fields differ from each other or from the target's authority.
    Host,
    /// The target of a CONNECT request is not an authority with a port.
    Authority,
    /// A switch to another protocol that the message does not go through with.
    Upgrade,
    /// A WebSocket handshake without a valid key.
    WebSocketKey,
    /// A body on an HTTP/1.0 request whose method does not expect one.
    UnexpectedPayload,
    /// More fields than allowed.
    TooManyFields,
    /// A head that does not fit the buffer.
    TooLarge,
    /// A request line that does not fit the buffer.
    TargetTooLong,
    /// A chunk's size is not a hexadecimal number or too large.
    ChunkSize,
    /// A chunk's extension has a forbidden character.
    ChunkExtension,
    /// A chunk's data is not followed by CR LF.
    ChunkEnd,
}

impl ErrorKind {
    /// What it is about, in a few words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Target => "target",
            Self::Version => "version",
            Self::LineEnd => "end of a line",
            Self::Status => "status",
            Self::FieldName => "name of a field",
            Self::FieldValue => "value of a field",
            Self::ContentLength => "Content-Length",
            Self::TransferEncoding => "Transfer-Encoding",
            Self::TransferCoding => "coding in Transfer-Encoding",
            Self::Host => "Host",
            Self::Authority => "authority",
            Self::Upgrade => "switch of protocols",
            Self::WebSocketKey => "key of WebSocket",
            Self::UnexpectedPayload => "body without need",
            Self::TooManyFields => "number of fields",
            Self::TooLarge => "size of the head",
            Self::TargetTooLong => "size of the request line",
            Self::ChunkSize => "size of a chunk",
            Self::ChunkExtension => "extension of a chunk",
            Self::ChunkEnd => "end of a chunk",
        }
    }
}

/// A message that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    /// The rule.
    pub kind: ErrorKind,
    /// Where in the buffer, in bytes from its beginning.
    pub position: usize,
    /// The status a client gets for it; a response that is refused gives 502 whatever this says.
    pub status: u16,
}

impl ParseError {
    /// An error that is answered with 400.
    #[must_use]
    pub(super) fn bad(kind: ErrorKind, position: usize) -> Self {
        Self {
            kind,
            position,
            status: 400,
        }
    }

    /// An error at no particular place, answered with 400: for heads that did not come as HTTP/1.
    #[must_use]
    pub fn of(kind: ErrorKind) -> Self {
        Self::bad(kind, 0)
    }

    /// The same error with another status.
    #[must_use]
    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Method => "invalid method",
            ErrorKind::Target => "invalid request target",
            ErrorKind::Version => "invalid version",
            ErrorKind::LineEnd => "invalid line end",
            ErrorKind::Status => "invalid status",
            ErrorKind::FieldName => "invalid header name",
            ErrorKind::FieldValue => "invalid header value",
            ErrorKind::ContentLength => "invalid content-length",
            ErrorKind::TransferEncoding => "invalid transfer-encoding",
            ErrorKind::TransferCoding => "unsupported transfer coding",
            ErrorKind::Host => "host mismatch",
            ErrorKind::Authority => "invalid authority",
            ErrorKind::Upgrade => "invalid protocol switch",
            ErrorKind::WebSocketKey => "invalid WebSocket key",
            ErrorKind::UnexpectedPayload => "unexpected payload",
            ErrorKind::TooManyFields => "too many headers",
            ErrorKind::TargetTooLong => "request line too long",
            ErrorKind::TooLarge => "message head too large",
            ErrorKind::ChunkSize => "invalid chunk size",
            ErrorKind::ChunkExtension => "invalid chunk extension",
            ErrorKind::ChunkEnd => "chunk without its end",
        };
        write!(f, "{what} at byte {}", self.position)
    }
}

impl std::error::Error for ParseError {}
