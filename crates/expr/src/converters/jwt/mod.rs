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
use crate::args::{Arg, Args};
use crate::context::{ParseContext, TokenCertificate};

pub(super) use jwe::ROWS as ENCRYPTED;
pub(super) use query::ROWS as QUERIES;
pub(super) use verify::ROWS as SIGNATURES;

/// Takes an argument that names a certificate: a variable, or one that has to be there once the configuration was read.
fn certificate(args: &mut Args, at: usize, ctx: &mut ParseContext<'_>) {
    let name = args.text(at).unwrap_or_default();
    match ctx.compiler.names.intern(&name) {
        Ok(id) => {
            args.set(at, Arg::Var(id));
        }
        Err(_) => ctx.compiler.token_certificates.push(TokenCertificate {
            name,
            file: ctx.file.to_owned(),
            line: ctx.line,
        }),
    }
}

/// The bytes that an object holds in base64 at a key.
fn bytes_member(json: &[u8], key: &str) -> Option<Vec<u8>> {
    super::base64::decode_url(&member(json, key)?)
}
