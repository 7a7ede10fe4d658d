//! Responses that the proxy itself makes.

use bytes::Bytes;
use message::{Head, Version};

/// A response that the proxy itself makes.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Status line and headers, without the length.
    pub head: Head,
    /// The body.
    pub body: Bytes,
    /// Whether the client's connection is closed after it whatever was negotiated.
    pub close: bool,
    /// Whether the head goes out as it is, without a length added to it (`errorfile`).
    pub verbatim: bool,
}

impl Reply {
    /// A reply with only a status line.
    #[must_use]
    pub fn new(status: u16, reason: &[u8]) -> Self {
        let mut head = Head::new();
        head.start_response(Version::HTTP_11, status, reason);
        Self {
            head,
            body: Bytes::new(),
            close: false,
            verbatim: false,
        }
    }
}
