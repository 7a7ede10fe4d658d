//! Private keys behind a passphrase: PKCS #8 (RFC 8018) and OpenSSL's older form.

use crate::pem::Block;
use rustls::pki_types::PrivateKeyDer;

/// Reads an encrypted PKCS #8 key.
///
/// # Errors
/// In words: no or a wrong passphrase, or a scheme that is not known.
pub fn pkcs8(
    _content: &[u8],
    _passphrase: &dyn Fn() -> Option<Vec<u8>>,
) -> Result<PrivateKeyDer<'static>, String> {
    Err("encrypted keys are not built yet".to_owned())
}

/// Reads a key that OpenSSL encrypted in its older form.
///
/// # Errors
/// In words: no or a wrong passphrase, or a cipher that is not known.
pub fn traditional(
    _block: &Block,
    _passphrase: &dyn Fn() -> Option<Vec<u8>>,
) -> Result<PrivateKeyDer<'static>, String> {
    Err("encrypted keys are not built yet".to_owned())
}
