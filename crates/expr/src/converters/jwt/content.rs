//! What the keys of a token encrypt: its content (RFC 7518, section 5), and other keys.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{AesGcm, Tag};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// How the content is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// AES in GCM mode, by the length of the key in bytes.
    Gcm(usize),
    /// AES in CBC mode with HMAC, by the length of both keys together.
    Cbc(usize),
}

impl Encryption {
    /// All, by their `enc` names.
    pub(super) const ALL: [(&'static str, Self); 6] = [
        ("A128CBC-HS256", Self::Cbc(32)),
        ("A192CBC-HS384", Self::Cbc(48)),
        ("A256CBC-HS512", Self::Cbc(64)),
        ("A128GCM", Self::Gcm(16)),
        ("A192GCM", Self::Gcm(24)),
        ("A256GCM", Self::Gcm(32)),
    ];

    /// The length of its key in bytes.
    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Gcm(length) | Self::Cbc(length) => length,
        }
    }

    /// Decrypts content whose tag is right.
    pub(super) fn decrypt(
        self,
        key: &[u8],
        iv: &[u8],
        data: Vec<u8>,
        aad: &[u8],
        tag: &[u8],
    ) -> Option<Vec<u8>> {
        if key.len() != self.key_len() {
            return None;
        }
        match self {
            Self::Gcm(_) => gcm(key, iv, data, aad, tag),
            Self::Cbc(_) => cbc_hmac(key, iv, &data, aad, tag),
        }
    }
}

/// Decrypts AES-GCM with a nonce of 12 bytes.
pub(super) fn gcm(
    key: &[u8],
    nonce: &[u8],
    mut data: Vec<u8>,
    aad: &[u8],
    tag: &[u8],
) -> Option<Vec<u8>> {
    fn run<C: AeadInPlace<NonceSize = U12, TagSize = aes_gcm::aead::consts::U16> + KeyInit>(
        key: &[u8],
        nonce: &[u8],
        data: &mut [u8],
        aad: &[u8],
        tag: &[u8],
    ) -> Option<()> {
        let cipher = C::new_from_slice(key).ok()?;
        let nonce = GenericArray::<u8, U12>::from_slice(nonce);
        cipher
            .decrypt_in_place_detached(nonce, aad, data, Tag::from_slice(tag))
            .ok()
    }
    if nonce.len() != 12 || tag.len() != 16 {
        return None;
    }
    match key.len() {
        16 => run::<AesGcm<aes::Aes128, U12>>(key, nonce, &mut data, aad, tag),
        24 => run::<AesGcm<aes::Aes192, U12>>(key, nonce, &mut data, aad, tag),
        32 => run::<AesGcm<aes::Aes256, U12>>(key, nonce, &mut data, aad, tag),
        _ => None,
    }?;
    Some(data)
}

/// Decrypts AES-CBC after checking the code over everything, whose first half is the tag.
fn cbc_hmac(key: &[u8], iv: &[u8], data: &[u8], aad: &[u8], tag: &[u8]) -> Option<Vec<u8>> {
    fn authentic<M: Mac + hmac::digest::KeyInit>(
        key: &[u8],
        parts: [&[u8]; 4],
        tag: &[u8],
    ) -> bool {
        let Ok(mut code) = <M as Mac>::new_from_slice(key) else {
            return false;
        };
        parts.into_iter().for_each(|part| code.update(part));
        tag.len() == key.len() && code.verify_truncated_left(tag).is_ok()
    }
    fn run<C: BlockDecryptMut + KeyIvInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let cipher = C::new_from_slices(key, iv).ok()?;
        cipher.decrypt_padded_vec_mut::<Pkcs7>(data).ok()
    }
    let (mac_key, key) = key.split_at(key.len() / 2);
    let bits = (aad.len() as u64 * 8).to_be_bytes();
    let parts = [aad, iv, data, &bits];
    match key.len() {
        16 if authentic::<Hmac<Sha256>>(mac_key, parts, tag) => {
            run::<cbc::Decryptor<aes::Aes128>>(key, iv, data)
        }
        24 if authentic::<Hmac<Sha384>>(mac_key, parts, tag) => {
            run::<cbc::Decryptor<aes::Aes192>>(key, iv, data)
        }
        32 if authentic::<Hmac<Sha512>>(mac_key, parts, tag) => {
            run::<cbc::Decryptor<aes::Aes256>>(key, iv, data)
        }
        _ => None,
    }
}

/// Unwraps a key (RFC 3394).
pub(super) fn unwrap(key: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => aes_kw::KekAes128::try_from(key).ok()?.unwrap_vec(wrapped),
        24 => aes_kw::KekAes192::try_from(key).ok()?.unwrap_vec(wrapped),
        32 => aes_kw::KekAes256::try_from(key).ok()?.unwrap_vec(wrapped),
        _ => return None,
    }
    .ok()
}
