//! JSON Web Tokens: what they say, whether their signatures are right (JWS, RFC 7515), and what they hide (JWE, RFC 7516).
//! Only the compact forms are read, as in HAProxy.

mod content;
mod ecdh;
mod jwe;
mod jwk;
mod keys;
mod query;
mod verify;

pub use jwe::Allowed;
pub use keys::PublicKeys;

use super::json_path::member_text as member;

pub(super) use jwe::ROWS as ENCRYPTED;
pub(super) use query::ROWS as QUERIES;
pub(super) use verify::ROWS as SIGNATURES;

/// The bytes that an object holds in base64 at a key.
fn bytes_member(json: &[u8], key: &str) -> Option<Vec<u8>> {
    super::base64::decode_url(&member(json, key)?)
}
