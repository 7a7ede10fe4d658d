//! What is known of a connection once its handshake is over.

use crate::observed::Observed;
use rustls::{CipherSuite, NamedGroup, ProtocolVersion};

/// What is known of a connection once its handshake is over, in OpenSSL's words.
#[derive(Debug)]
pub struct Seen {
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) suite: Option<CipherSuite>,
    pub(crate) group: Option<NamedGroup>,
    pub(crate) alpn: Option<Box<[u8]>>,
    pub(crate) resumed: bool,
    pub(crate) certificates: Box<[Box<[u8]>]>,
    /// What was seen of the handshake.
    pub observed: Observed,
}

impl Seen {
    /// The protocol version.
    #[must_use]
    pub fn version_name(&self) -> Option<&'static str> {
        match self.version? {
            ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            _ => None,
        }
    }

    /// The cipher.
    #[must_use]
    pub fn cipher_name(&self) -> Option<&'static str> {
        crate::words::suite_name(self.suite?)
    }

    /// The group of the key exchange.
    #[must_use]
    pub fn group_name(&self) -> Option<&'static str> {
        crate::words::group_name(self.group?)
    }

    /// The application protocol agreed on.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// Whether a session was taken up again.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The peer's certificates, its own first.
    pub fn peer_certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(|der| &**der)
    }
}
