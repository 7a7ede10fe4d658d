//! The process' own HTTP/1.1 client: for the runtime API's `httpclient` and for OCSP (configuration manual, section 3.4).
//!
//! A [`Call`] is one request with its response: it finds the server, connects as often as `httpclient.retries` lets it,
//! sends, and reads. Each has a connection of its own.

mod call;
mod report;
mod url;

pub use call::Call;
pub use url::Url;

use crate::stream::page;
use model::Address;
use model::rules::Reply;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// The method, in upper case.
    pub method: &'static str,
    /// What is asked for.
    pub url: Url,
    /// Fields besides `Host`, `Accept`, `User-Agent`, `Connection` and `Content-Length`.
    pub fields: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// An HTTP proxy that is asked instead of the server.
    pub proxy: Option<Address>,
    /// How long the server may take for each part of its answer, in milliseconds.
    pub timeout: Option<u64>,
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The name of the server has no address.
    Unresolved,
    /// No connection came about.
    Unreachable,
    /// The server closed the connection before it had answered.
    Silent,
    /// The server took too long.
    Slow,
    /// The answer is not HTTP.
    Malformed,
    /// The answer ended in the middle.
    Truncated,
}

impl Failure {
    /// The status that a proxy would answer with.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Unresolved | Self::Unreachable => 503,
            Self::Slow => 504,
            Self::Silent | Self::Malformed | Self::Truncated => 502,
        }
    }

    /// The answer of a proxy: without words where not even a server was known.
    #[must_use]
    pub fn page(self) -> Reply {
        let mut reply = page(self.status());
        if self == Self::Unresolved {
            reply.head.clear();
            let version = message::Version::HTTP_11;
            reply
                .head
                .start_response(version, 503, b"Service Unavailable");
            reply.body = Default::default();
        }
        reply
    }

    /// How logs tell of it: who ended it, and in which phase.
    fn flags(self) -> &'static str {
        match self {
            Self::Unresolved => "LR",
            Self::Unreachable => "SC",
            Self::Silent => "SH",
            Self::Slow => "sH",
            Self::Malformed => "PH",
            Self::Truncated => "SD",
        }
    }
}
