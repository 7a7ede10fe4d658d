//! Private keys.

use crate::pem::Block;
use rustls::crypto::aws_lc_rs::sign;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::SigningKey;
use std::sync::Arc;

/// The algorithm of a certificate's key, which decides among several certificates for one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// RSA.
    Rsa,
    /// ECDSA or EdDSA.
    Ecdsa,
    /// Anything else.
    Other,
}

/// The private key in a PEM block; `None` when the block is something else.
///
/// # Errors
/// In words, when the key can't be used.
pub fn from_block(
    block: &Block,
    passphrase: &dyn Fn() -> Option<Vec<u8>>,
) -> Option<Result<Arc<dyn SigningKey>, String>> {
    let content = block.content.clone();
    let encrypted = block.headers.iter().any(|(name, _)| name == "DEK-Info");
    let der = match block.label.as_str() {
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" if encrypted => {
            return Some(crate::encrypted::traditional(block, passphrase).and_then(usable));
        }
        "PRIVATE KEY" => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(content)),
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(content)),
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(content)),
        "ENCRYPTED PRIVATE KEY" => {
            return Some(crate::encrypted::pkcs8(&content, passphrase).and_then(usable));
        }
        _ => return None,
    };
    Some(usable(der))
}

/// Makes a key usable.
///
/// # Errors
/// In words, when it is malformed or of a kind that is not offered.
pub fn usable(der: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, String> {
    sign::any_supported_type(&der).map_err(|_| {
        "the key is malformed or of a kind that is not offered (offered: RSA from 2048 bits, ECDSA on P-256, P-384 and P-521, Ed25519)".to_owned()
    })
}
