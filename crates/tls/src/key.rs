//! Private keys.

use crate::der::{self, Reader};
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

/// A private key: what signs with it, and its bytes.
#[derive(Debug, Clone)]
pub struct PrivateKey {
    /// What signs with it.
    pub signer: Arc<dyn SigningKey>,
    /// The key as a PKCS #8 structure (RFC 5958).
    pub pkcs8: Arc<[u8]>,
}

/// The private key in a PEM block; `None` when the block is something else.
///
/// # Errors
/// In words, when the key can't be used.
pub fn from_block(
    block: &Block,
    passphrase: &dyn Fn() -> Option<Vec<u8>>,
) -> Option<Result<PrivateKey, String>> {
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
pub fn usable(der: PrivateKeyDer<'static>) -> Result<PrivateKey, String> {
    let signer = sign::any_supported_type(&der).map_err(|_| {
        "the key is malformed or of a kind that is not offered (offered: RSA from 2048 bits, ECDSA on P-256, P-384 and P-521, Ed25519)".to_owned()
    })?;
    Ok(PrivateKey {
        signer,
        pkcs8: pkcs8(&der).into(),
    })
}

/// A key in its algorithm's own form, put into a PKCS #8 structure.
fn pkcs8(key: &PrivateKeyDer<'_>) -> Vec<u8> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    let (algorithm, inner) = match key {
        PrivateKeyDer::Pkcs1(key) => {
            let null = der::element(der::NULL, &[]);
            let algorithm = [der::element(der::OID, RSA), null].concat();
            (algorithm, key.secret_pkcs1_der().to_vec())
        }
        PrivateKeyDer::Sec1(key) => {
            let (curve, inner) = without_curve(key.secret_sec1_der());
            ([der::element(der::OID, EC), curve].concat(), inner)
        }
        other => return other.secret_der().to_vec(),
    };
    let content = [
        der::element(der::INTEGER, &[0]),
        der::element(der::SEQUENCE, &algorithm),
        der::element(der::OCTET_STRING, &inner),
    ];
    der::element(der::SEQUENCE, &content.concat())
}

/// The curve of an elliptic key in its own form (RFC 5915), and the key without it: PKCS #8 names it elsewhere.
fn without_curve(key: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut curve, mut kept) = (Vec::new(), Vec::new());
    if let Ok(mut fields) = Reader::new(key).enter(der::SEQUENCE) {
        while let Ok(field) = fields.any() {
            match field.tag == der::context(0) {
                true => curve = field.content.to_vec(),
                false => kept.extend_from_slice(field.whole),
            }
        }
    }
    (curve, der::element(der::SEQUENCE, &kept))
}
