//! Version 2's type-length-value extensions (PROXY protocol specification, section 2.2 and 2.2.1 to 2.2.7).

use super::ErrorKind;
use base::hash::Crc32c;

/// Longest value HAProxy takes in any TLV, in bytes.
pub const MAX_VALUE: usize = 1024;
/// Longest PP2_TYPE_AUTHORITY, in bytes.
pub const MAX_AUTHORITY: usize = 255;
/// Longest PP2_TYPE_UNIQUE_ID, in bytes.
pub const MAX_UNIQUE_ID: usize = 128;

/// The registered type numbers.
pub mod kind {
    #![allow(missing_docs)]
    pub const ALPN: u8 = 0x01;
    pub const AUTHORITY: u8 = 0x02;
    pub const CRC32C: u8 = 0x03;
    pub const NOOP: u8 = 0x04;
    pub const UNIQUE_ID: u8 = 0x05;
    pub const SSL: u8 = 0x20;
    pub const SSL_VERSION: u8 = 0x21;
    pub const SSL_CN: u8 = 0x22;
    pub const SSL_CIPHER: u8 = 0x23;
    pub const SSL_SIG_ALG: u8 = 0x24;
    pub const SSL_KEY_ALG: u8 = 0x25;
    pub const SSL_GROUP: u8 = 0x26;
    pub const SSL_SIG_SCHEME: u8 = 0x27;
    pub const SSL_CLIENT_CERT: u8 = 0x28;
    pub const NETNS: u8 = 0x30;
}

/// A TLV's type by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TlvKind {
    Alpn,
    Authority,
    Crc32c,
    Noop,
    UniqueId,
    Ssl,
    SslVersion,
    SslCn,
    SslCipher,
    SslSigAlg,
    SslKeyAlg,
    SslGroup,
    SslSigScheme,
    SslClientCert,
    Netns,
    Other(u8),
}

impl From<u8> for TlvKind {
    fn from(value: u8) -> Self {
        match value {
            kind::ALPN => Self::Alpn,
            kind::AUTHORITY => Self::Authority,
            kind::CRC32C => Self::Crc32c,
            kind::NOOP => Self::Noop,
            kind::UNIQUE_ID => Self::UniqueId,
            kind::SSL => Self::Ssl,
            kind::SSL_VERSION => Self::SslVersion,
            kind::SSL_CN => Self::SslCn,
            kind::SSL_CIPHER => Self::SslCipher,
            kind::SSL_SIG_ALG => Self::SslSigAlg,
            kind::SSL_KEY_ALG => Self::SslKeyAlg,
            kind::SSL_GROUP => Self::SslGroup,
            kind::SSL_SIG_SCHEME => Self::SslSigScheme,
            kind::SSL_CLIENT_CERT => Self::SslClientCert,
            kind::NETNS => Self::Netns,
            other => Self::Other(other),
        }
    }
}

/// One extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The type byte.
    pub kind: u8,
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The type by name.
    #[must_use]
    pub fn name(&self) -> TlvKind {
        self.kind.into()
    }

    /// The value of an SSL extension taken apart; `None` for another type or a value too short for it.
    #[must_use]
    pub fn ssl(&self) -> Option<SslTlv<'a>> {
        let (&[client, v0, v1, v2, v3], rest) = self.value.split_first_chunk::<5>()?;
        (self.kind == kind::SSL).then(|| SslTlv {
            client,
            verify: u32::from_be_bytes([v0, v1, v2, v3]),
            tlvs: Tlvs { rest },
        })
    }
}

/// The value of PP2_TYPE_SSL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SslTlv<'a> {
    /// What the client did: a set of `SSL_CLIENT`, `SSL_CERT_CONN` and `SSL_CERT_SESS`.
    pub client: u8,
    /// Zero when a certificate was presented and verified.
    pub verify: u32,
    /// Details. HAProxy does not check these when it takes a header, so they may break off.
    pub tlvs: Tlvs<'a>,
}

/// Walks over extensions; stops at the end or where one breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tlvs<'a> {
    rest: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// A walk over raw bytes, as [`Tlvs::as_bytes`] gives them.
    #[must_use]
    pub fn over(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The raw bytes still ahead.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.rest
    }

    /// The first value of a type, as `fc_pp_tlv` has it.
    #[must_use]
    pub fn find(mut self, kind: u8) -> Option<&'a [u8]> {
        self.find_map(|tlv| (tlv.kind == kind).then_some(tlv.value))
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let (tlv, rest) = split(self.rest)?;
        self.rest = rest;
        Some(tlv)
    }
}

fn split(bytes: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (&[kind, hi, lo], rest) = bytes.split_first_chunk::<3>()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([hi, lo])))?;
    Some((Tlv { kind, value }, rest))
}

/// Checks that extensions fill `header[start..]` exactly and obey their limits, and every checksum among them.
pub(super) fn check(header: &[u8], start: usize) -> Result<Tlvs<'_>, ErrorKind> {
    let all = header.get(start..).ok_or(ErrorKind::BadHeader)?;
    let mut rest = all;
    while !rest.is_empty() {
        let (tlv, after) = split(rest).ok_or(ErrorKind::BadHeader)?;
        match tlv.kind {
            kind::AUTHORITY if tlv.value.len() > MAX_AUTHORITY => return Err(ErrorKind::BadHeader),
            kind::UNIQUE_ID if tlv.value.len() > MAX_UNIQUE_ID => return Err(ErrorKind::BadHeader),
            kind::CRC32C => {
                let at = header.len() - after.len() - tlv.value.len();
                let sum: [u8; 4] = tlv.value.try_into().map_err(|_| ErrorKind::BadHeader)?;
                let before = header.get(..at).unwrap_or_default();
                let computed = Crc32c::new()
                    .update(before)
                    .update(&[0; 4])
                    .update(after)
                    .finish();
                if u32::from_be_bytes(sum) != computed {
                    return Err(ErrorKind::BadHeader);
                }
            }
            _ if tlv.value.len() > MAX_VALUE => return Err(ErrorKind::TlvTooLong),
            _ => {}
        }
        rest = after;
    }
    Ok(Tlvs { rest: all })
}
