//! What is known of a connection once its handshake is over.

use crate::observed::Observed;
use parking_lot::Mutex;
use rustls::{CipherSuite, NamedGroup, ProtocolVersion};
use std::task::{Context, Poll, Waker};

/// What is known of a connection once its handshake is over, in OpenSSL's words.
#[derive(Debug)]
pub struct Seen {
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) suite: Option<CipherSuite>,
    pub(crate) group: Option<NamedGroup>,
    pub(crate) alpn: Option<Box<[u8]>>,
    pub(crate) resumed: bool,
    /// Of a connection that is used before its handshake is over.
    pub(crate) ahead: Option<Box<Ahead>>,
    pub(crate) certificates: Box<[Box<[u8]>]>,
    /// What was seen of the handshake.
    pub observed: Observed,
}

/// Who waits for the end of a handshake; `None` once it is over.
#[derive(Debug)]
pub(crate) struct Ahead(Mutex<Option<Vec<Waker>>>);

impl Default for Ahead {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl Seen {
    /// Whether the handshake is still going on: what the peer has sent may be a replay.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        let ahead = self.ahead.as_deref();
        ahead.is_some_and(|ahead| ahead.0.lock().is_some())
    }

    /// Says that the handshake is over.
    pub fn catch_up(&self) {
        let waiting = self
            .ahead
            .as_deref()
            .and_then(|ahead| ahead.0.lock().take());
        for waker in waiting.into_iter().flatten() {
            waker.wake();
        }
    }

    /// Ready when the handshake is over.
    pub fn poll_caught_up(&self, cx: &Context<'_>) -> Poll<()> {
        let Some(ahead) = self.ahead.as_deref() else {
            return Poll::Ready(());
        };
        match &mut *ahead.0.lock() {
            None => Poll::Ready(()),
            Some(waiting) => {
                if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waiting.push(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

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
