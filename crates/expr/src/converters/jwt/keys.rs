//! Public keys from PEM files.

use super::super::base64::decode;
use hashbrown::HashMap;
use parking_lot::RwLock;
use std::sync::Arc;

/// A public key in DER, as SPKI (RFC 5280) or PKCS #1.
#[derive(Debug)]
pub(crate) struct PublicKey(pub(crate) Box<[u8]>);

impl PublicKey {
    /// The length in bytes of a number on the key's curve; `None` when it is no EC key.
    pub(super) fn curve_length(&self) -> Option<usize> {
        // The curve's identifier stands at the start of the structure.
        const CURVES: [(&[u8], usize); 3] = [
            (
                &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
                32,
            ),
            (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], 48),
            (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], 66),
        ];
        let start = self.0.get(..32.min(self.0.len())).unwrap_or_default();
        let names = |(oid, _): &&(&[u8], usize)| memchr::memmem::find(start, oid).is_some();
        CURVES.iter().find(names).map(|(_, length)| *length)
    }
}

/// The public keys that a configuration names, by path. Tokens are verified without reading files.
#[derive(Debug, Default)]
pub struct PublicKeys(RwLock<HashMap<Box<[u8]>, Arc<PublicKey>>>);

impl PublicKeys {
    /// The key of a path that has been loaded.
    pub(crate) fn get(&self, path: &[u8]) -> Option<Arc<PublicKey>> {
        self.0.read().get(path).cloned()
    }

    /// Reads the key of a file, unless it has been.
    ///
    /// # Errors
    /// The file can't be read, or holds no public key.
    pub(crate) fn load(&self, path: &str) -> Result<Arc<PublicKey>, String> {
        if let Some(known) = self.get(path.as_bytes()) {
            return Ok(known);
        }
        let text = std::fs::read(path)
            .map_err(|error| format!("failed to open public key file '{path}' ({error})"))?;
        let der = ["PUBLIC KEY", "RSA PUBLIC KEY"]
            .into_iter()
            .find_map(|label| pem_block(&text, label))
            .ok_or_else(|| {
                format!("no public key found in file '{path}', expected a PEM block 'PUBLIC KEY' or 'RSA PUBLIC KEY'")
            })?;
        let key = Arc::new(PublicKey(der.into()));
        self.0.write().insert(path.as_bytes().into(), key.clone());
        Ok(key)
    }
}

/// The bytes of the first PEM block of a label.
pub(super) fn pem_block(text: &[u8], label: &str) -> Option<Vec<u8>> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let start = memchr::memmem::find(text, begin.as_bytes())? + begin.len();
    let rest = text.get(start..)?;
    let inner = rest.get(..memchr::memmem::find(rest, end.as_bytes())?)?;
    let digits: Vec<u8> = inner
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    decode(&digits)
}
