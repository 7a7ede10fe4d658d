//! JSON Web Keys (RFC 7517) and the private keys in them.

use super::ecdh::EcKey;
use super::{bytes_member, member};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey,
    Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};

/// A key that tokens can be decrypted with.
pub(super) enum Key {
    /// A secret.
    Secret(Vec<u8>),
    /// An RSA key in PKCS #8.
    Rsa(RsaKey),
    /// An EC key.
    Ec(EcKey),
}

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let kind = member(json, "kty").ok_or("Missing key type (expected 'oct', 'RSA' or 'EC')")?;
        match kind.as_slice() {
            b"oct" => {
                let secret = member(json, "k").ok_or("Missing 'k' field in JWK")?;
                // What is not base64 opens nothing.
                let secret = super::super::base64::decode_url(&secret).unwrap_or_default();
                Ok(Self::Secret(secret))
            }
            b"RSA" => RsaKey::parse(json)
                .map(Self::Rsa)
                .ok_or_else(|| "Failed to parse RSA JWK".into()),
            b"EC" => EcKey::parse(json)
                .map(Self::Ec)
                .ok_or_else(|| "Failed to parse EC JWK".into()),
            _ => Err("Unmanaged key type (expected 'oct', 'RSA' or 'EC'".into()),
        }
    }
}

impl Key {
    /// The key of a PKCS #8 structure.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let rsa = RsaKey::from_pkcs8(pkcs8).map(Self::Rsa);
        rsa.or_else(|| EcKey::from_pkcs8(pkcs8).map(Self::Ec))
    }
}

/// An RSA key.
pub(super) struct RsaKey {
    oaep: OaepPrivateDecryptingKey,
    pkcs1: Pkcs1PrivateDecryptingKey,
}

/// The padding of a key that RSA encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// PKCS #1 v1.5.
    Pkcs1,
    /// OAEP with SHA-1.
    Oaep,
    /// OAEP with SHA-256.
    Oaep256,
}

impl RsaKey {
    fn parse(json: &[u8]) -> Option<Self> {
        let mut numbers = der(INTEGER, &[0]);
        for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
            numbers.extend(integer(&bytes_member(json, name)?));
        }
        // PKCS #8 (RFC 5208) around PKCS #1 (RFC 8017, appendix A.1.2).
        let mut parts = der(INTEGER, &[0]);
        parts.extend_from_slice(RSA_ENCRYPTION);
        parts.extend(der(OCTETS, &der(SEQUENCE, &numbers)));
        Self::from_pkcs8(&der(SEQUENCE, &parts))
    }

    /// The key of a PKCS #8 structure.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).ok()?;
        Some(Self {
            oaep: OaepPrivateDecryptingKey::new(key.clone()).ok()?,
            pkcs1: Pkcs1PrivateDecryptingKey::new(key).ok()?,
        })
    }

    /// Decrypts a key.
    pub(super) fn decrypt(&self, padding: Padding, data: &[u8]) -> Option<Vec<u8>> {
        let mut out = vec![0; self.oaep.min_output_size()];
        let plain = match padding {
            Padding::Pkcs1 => self.pkcs1.decrypt(data, &mut out),
            Padding::Oaep => self.oaep.decrypt(&OAEP_SHA1_MGF1SHA1, data, &mut out, None),
            Padding::Oaep256 => self
                .oaep
                .decrypt(&OAEP_SHA256_MGF1SHA256, data, &mut out, None),
        };
        plain.ok().map(|plain| plain.to_vec())
    }
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The algorithm identifier `rsaEncryption` with its NULL.
const RSA_ENCRYPTION: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// An element in DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        _ => {
            let digits = length.iter().skip_while(|byte| **byte == 0);
            out.push(0x80 | digits.clone().count() as u8);
            out.extend(digits);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A positive number in DER.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0);
    let digits = start.and_then(|at| bytes.get(at..)).unwrap_or(&[0]);
    let mut content = Vec::with_capacity(digits.len() + 1);
    if digits.first().is_some_and(|first| *first >= 0x80) {
        content.push(0);
    }
    content.extend_from_slice(digits);
    der(INTEGER, &content)
}
