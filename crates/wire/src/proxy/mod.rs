//! The PROXY protocol (versions 1 and 2) and NetScaler's Client IP insertion, both ways and without I/O.
//!
//! [`parse`] reads a header from the first bytes of a connection, [`write_v1`] and [`V2Builder`] make one for a server.
//! [`parse_cip`] reads NetScaler's block. See the PROXY protocol specification, sections 2.1 and 2.2, and the bind
//! options `accept-proxy` and `accept-netscaler-cip`.

mod cip;
mod tlv;
mod v1;
mod v2;
mod write;

#[cfg(test)]
mod proptests;

use std::net::SocketAddr;

pub use cip::{CipHeader, CipOutcome, parse_cip};
pub use tlv::{MAX_AUTHORITY, MAX_UNIQUE_ID, MAX_VALUE, SslTlv, Tlv, TlvKind, Tlvs, kind};
pub use v1::parse_v1;
pub use v2::{SIGNATURE, parse_v2};
pub use write::{SSL_CERT_CONN, SSL_CERT_SESS, SSL_CLIENT, SslInfo, TooLong, V2Builder, write_v1};

/// The fewest bytes at which a header that is not version 2 can be judged: shorter input is merely incomplete.
const MIN_LEN: usize = 15;

/// What a parser made of the bytes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// More bytes are needed. HAProxy does not wait for them: to it, a header that arrives in pieces is
    /// [`ErrorKind::Truncated`].
    Incomplete,
    /// The bytes can never become an acceptable header.
    Error(ErrorKind),
    /// A whole header was read.
    Done {
        /// Length of the header in bytes; the application's data start there.
        consumed: usize,
        /// What the header said.
        header: Header<'a>,
    },
}

/// Why a header is refused. Names follow the `fc_err_name` sample fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `PRX_TRUNCATED`, `CIP_TRUNCATED`: the header ends early. The PROXY parsers answer [`Outcome::Incomplete`]
    /// instead; it is here for a caller that will not wait, and for NetScaler blocks that can't hold their headers.
    Truncated,
    /// `PRX_NOT_HDR`: no signature of either version.
    NotHeader,
    /// `PRX_BAD_HDR`: the signature is right and what follows is not.
    BadHeader,
    /// `PRX_BAD_PROTO`, `CIP_BAD_PROTO`: a transport that is not handled.
    BadProtocol,
    /// `CIP_BAD_MAGIC`: another magic number than the one agreed on.
    BadMagic,
    /// A TLV's value is longer than [`MAX_VALUE`] bytes. HAProxy gives such a connection no error code.
    TlvTooLong,
}

/// The version of a PROXY protocol header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The human-readable line.
    V1,
    /// The binary header.
    V2,
}

/// Who the connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Made by the proxy itself (a health check): use the real endpoints.
    Local,
    /// Made on behalf of someone else.
    Proxy,
}

/// The endpoints that a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses<'a> {
    /// Nothing usable was announced: use the connection's real endpoints.
    Unknown,
    /// TCP over IPv4 or IPv6.
    Inet {
        /// The client's endpoint.
        src: SocketAddr,
        /// The endpoint that the client connected to.
        dst: SocketAddr,
    },
    /// Unix sockets. Only ever written: HAProxy refuses to read them.
    Unix {
        /// The client's path, up to 108 bytes.
        src: &'a [u8],
        /// The path that the client connected to, up to 108 bytes.
        dst: &'a [u8],
    },
}

/// A PROXY protocol header of either version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The version it was written in.
    pub version: Version,
    /// Who the connection is for. A version 1 line with `UNKNOWN` counts as [`Command::Local`].
    pub command: Command,
    /// The announced endpoints.
    pub addresses: Addresses<'a>,
    /// The version 2 extensions, checked when the header was parsed; empty for version 1.
    pub tlvs: Tlvs<'a>,
}

/// Reads a header of either version, told apart by its first bytes.
///
/// HAProxy's limit is its buffer: a caller with `bufsize` bytes and still [`Outcome::Incomplete`] should give up.
#[must_use]
pub fn parse(buf: &[u8]) -> Outcome<'_> {
    match parse_v2(buf) {
        Outcome::Error(ErrorKind::NotHeader) => parse_v1(buf),
        other => other,
    }
}
