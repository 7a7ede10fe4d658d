//! Private keys behind a passphrase: PKCS #8 (RFC 8018) and OpenSSL's older form.

use crate::der::{self, Element, Reader};
use crate::passphrase;
use crate::pem::Block;
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::pbkdf2;
use md5::{Digest, Md5};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use std::num::NonZeroU32;

const WRONG: &str = "the passphrase of the key is wrong, or the key is malformed";

/// What opens a key: its cipher and IV, and how the cipher's key is had from a passphrase.
trait Lock {
    /// The content, if the passphrase is right.
    fn open(&self, passphrase: &[u8]) -> Option<Vec<u8>>;
}

/// Tries the passphrases that are known, then asks for another.
fn unlock(lock: &dyn Lock, ask: &dyn Fn() -> Option<Vec<u8>>) -> Result<Vec<u8>, String> {
    if let Some(content) = passphrase::known()
        .iter()
        .find_map(|known| lock.open(known))
    {
        return Ok(content);
    }
    let passphrase =
        ask().ok_or("the key is encrypted, and 'ssl-passphrase-cmd' gives no passphrase for it")?;
    let content = lock.open(&passphrase).ok_or(WRONG)?;
    passphrase::remember(passphrase);
    Ok(content)
}

fn decrypt(
    algorithm: &'static Algorithm,
    key: &[u8],
    iv: &[u8],
    content: &[u8],
) -> Option<Vec<u8>> {
    let key = UnboundCipherKey::new(algorithm, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let iv: [u8; 16] = iv.try_into().ok()?;
    let mut content = content.to_vec();
    let plain = key
        .decrypt(&mut content, DecryptionContext::Iv128(iv.into()))
        .ok()?;
    // A wrong passphrase may leave good padding; a key is a sequence all the same.
    Reader::new(plain).expect(der::SEQUENCE).ok()?;
    Some(plain.to_vec())
}

/// PBES2 with PBKDF2 and AES.
struct Pbes2<'a> {
    prf: pbkdf2::Algorithm,
    salt: &'a [u8],
    iterations: NonZeroU32,
    cipher: &'static Algorithm,
    length: usize,
    iv: &'a [u8],
    content: &'a [u8],
}

impl Lock for Pbes2<'_> {
    fn open(&self, passphrase: &[u8]) -> Option<Vec<u8>> {
        let mut key = vec![0; self.length];
        pbkdf2::derive(self.prf, self.iterations, self.salt, passphrase, &mut key);
        decrypt(self.cipher, &key, self.iv, self.content)
    }
}

impl<'a> Pbes2<'a> {
    /// Reads an EncryptedPrivateKeyInfo; `None` when it is malformed or its scheme is not known.
    fn read(content: &'a [u8]) -> Option<Self> {
        const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
        const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
        let mut outer = Reader::new(content).enter(der::SEQUENCE).ok()?;
        let mut scheme = outer.enter(der::SEQUENCE).ok()?;
        if scheme.expect(der::OID).ok()?.content != PBES2 {
            return None;
        }
        let mut parameters = scheme.enter(der::SEQUENCE).ok()?;
        let mut derivation = parameters.enter(der::SEQUENCE).ok()?;
        if derivation.expect(der::OID).ok()?.content != PBKDF2 {
            return None;
        }
        let mut derivation = derivation.enter(der::SEQUENCE).ok()?;
        let salt = derivation.expect(der::OCTET_STRING).ok()?.content;
        let iterations = derivation.expect(der::INTEGER).ok()?.small().ok()?;
        derivation.optional(der::INTEGER).ok()?;
        let prf = function(derivation.optional(der::SEQUENCE).ok()?)?;
        let mut encryption = parameters.enter(der::SEQUENCE).ok()?;
        let (cipher, length) = match encryption.expect(der::OID).ok()?.content {
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2] => (&AES_128, 16),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 22] => (&AES_192, 24),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42] => (&AES_256, 32),
            _ => return None,
        };
        Some(Self {
            prf,
            salt,
            // Nobody waits for more than some seconds.
            iterations: NonZeroU32::new(iterations).filter(|n| n.get() <= 10_000_000)?,
            cipher,
            length,
            iv: encryption.expect(der::OCTET_STRING).ok()?.content,
            content: outer.expect(der::OCTET_STRING).ok()?.content,
        })
    }
}

/// The pseudo-random function of PBKDF2; HMAC with SHA-1 where none is named.
fn function(named: Option<Element<'_>>) -> Option<pbkdf2::Algorithm> {
    let Some(named) = named else {
        return Some(pbkdf2::PBKDF2_HMAC_SHA1);
    };
    match named.reader().expect(der::OID).ok()?.content {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 7] => Some(pbkdf2::PBKDF2_HMAC_SHA1),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9] => Some(pbkdf2::PBKDF2_HMAC_SHA256),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 10] => Some(pbkdf2::PBKDF2_HMAC_SHA384),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 11] => Some(pbkdf2::PBKDF2_HMAC_SHA512),
        _ => None,
    }
}

/// Reads an encrypted PKCS #8 key.
///
/// # Errors
/// In words: no or a wrong passphrase, or a scheme that is not known.
pub fn pkcs8(
    content: &[u8],
    passphrase: &dyn Fn() -> Option<Vec<u8>>,
) -> Result<PrivateKeyDer<'static>, String> {
    let lock = Pbes2::read(content)
        .ok_or("the key is encrypted in a way that is not known (known: PBES2 with PBKDF2 and AES in CBC mode)")?;
    let content = unlock(&lock, passphrase)?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(content)))
}

/// OpenSSL's older form: AES with a key of MD5 digests.
struct Traditional<'a> {
    cipher: &'static Algorithm,
    length: usize,
    iv: Vec<u8>,
    content: &'a [u8],
}

impl Lock for Traditional<'_> {
    fn open(&self, passphrase: &[u8]) -> Option<Vec<u8>> {
        let salt = self.iv.get(..8)?;
        let (mut key, mut last): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        while key.len() < self.length {
            let digest = Md5::new()
                .chain_update(&last)
                .chain_update(passphrase)
                .chain_update(salt);
            last = digest.finalize().to_vec();
            key.extend_from_slice(&last);
        }
        decrypt(self.cipher, key.get(..self.length)?, &self.iv, self.content)
    }
}

impl<'a> Traditional<'a> {
    fn read(block: &'a Block) -> Option<Self> {
        let (_, info) = block.headers.iter().find(|(name, _)| name == "DEK-Info")?;
        let (cipher, iv) = info.split_once(',')?;
        let (cipher, length) = match cipher.trim() {
            "AES-128-CBC" => (&AES_128, 16),
            "AES-192-CBC" => (&AES_192, 24),
            "AES-256-CBC" => (&AES_256, 32),
            _ => return None,
        };
        let pairs = iv.trim().as_bytes().chunks(2);
        let iv: Option<Vec<u8>> = pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        Some(Self {
            cipher,
            length,
            iv: iv?,
            content: &block.content,
        })
    }
}

/// Reads a key that OpenSSL encrypted in its older form.
///
/// # Errors
/// In words: no or a wrong passphrase, or a cipher that is not known.
pub fn traditional(
    block: &Block,
    passphrase: &dyn Fn() -> Option<Vec<u8>>,
) -> Result<PrivateKeyDer<'static>, String> {
    let lock = Traditional::read(block)
        .ok_or("the key is encrypted in a way that is not known (known: AES in CBC mode)")?;
    let content = unlock(&lock, passphrase)?;
    Ok(match block.label.as_str() {
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(content)),
        _ => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(content)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pem;

    /// Made with `openssl pkey -aes256 -passout pass:secret`.
    const PKCS8: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjx9zLrOZ3J8AICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEB5UmCVSOi/rbLhbfoO4gj4EgZDW
6KlPaMZ8TQL4/8I1K0vlvxhCl0qNquIclWEMBkJ7YrtGZN1sKE4e9+nd/b8M/bLx
MwiCUJIhQnzJhC+VzIjjuAzIcnDBbvVFDnMzcsO+ehIi3FI7dk1QyALm3rzR2oXV
eBHerqrJWJ1jtcxZZ4LGF1Q/775UtDAvBBXFWKPzAn18Bor9mcL34TSEt2qYfC4=
-----END ENCRYPTED PRIVATE KEY-----
";

    /// Made with `openssl ec -aes128 -passout pass:secret`.
    const TRADITIONAL: &str = "-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,26206FBCEFDFFFDB6BC13237BC65FF31

ZSsGw6iLU+uHoUTWtjTC4N08LncW6V/sBOBRKZtSzL8fzi7n5/otOj4JmEtSBJyU
vQzoOlBAJPlD9EeUTq6kuE7mP7F2VJwSQY313pYT7LXLaSbgo6kl6z989Fto+6jv
hyc9cDu9zCmCkMbKc4HryKDjPO8WoX4fts1HrDp6Qpc=
-----END EC PRIVATE KEY-----
";

    fn block(text: &str) -> Block {
        pem::read(text.as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn keys_open_with_their_passphrase() {
        let right = || Some(b"secret".to_vec());
        let wrong = || Some(b"other".to_vec());
        let none = || None;
        let new = block(PKCS8);
        assert!(
            pkcs8(&new.content, &none)
                .unwrap_err()
                .contains("ssl-passphrase-cmd")
        );
        assert_eq!(pkcs8(&new.content, &wrong).unwrap_err(), WRONG);
        let opened = pkcs8(&new.content, &right).unwrap();
        assert!(crate::key::usable(opened).is_ok());
        // What is known is not asked for again.
        let old = traditional(&block(TRADITIONAL), &none).unwrap();
        assert!(crate::key::usable(old).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(flips in proptest::collection::vec((0usize..200, proptest::num::u8::ANY), 1..6)) {
            let mut content = block(PKCS8).content;
            for (at, byte) in flips {
                if let Some(place) = content.get_mut(at) { *place = byte; }
            }
            let _ = Pbes2::read(&content);
        }
    }
}
