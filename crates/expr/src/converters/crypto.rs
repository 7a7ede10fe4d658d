//! Digests and message authentication codes, and the secrets that arguments give in base64.

use super::base64::decode;
use super::{block, text, variable_as};
use crate::args::spec::{OPT_INT, STR};
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use std::borrow::Cow;

/// Turns the argument at `at` from base64 into its bytes, or from a name into a variable that will hold base64.
pub(super) fn check_secret(
    args: &mut Args,
    at: usize,
    what: &str,
    ctx: &mut ParseContext<'_>,
) -> Result<(), String> {
    let given = args.str(at).unwrap_or_default();
    if let Some(secret) = decode(given) {
        args.set(at, Arg::Str(secret.into()));
        return Ok(());
    }
    super::check_variable(args, at, ctx).map_err(|_| {
        format!(
            "failed to parse {what} : argument needs to be base64 encoded, and can either be a string or a variable"
        )
    })
}

/// The bytes of an argument prepared by [`check_secret`].
pub(super) fn secret<'a>(args: &'a Args, at: usize, view: &'a dyn View) -> Option<Cow<'a, [u8]>> {
    match args.get(at)? {
        Arg::Str(secret) => Some(Cow::Borrowed(secret)),
        Arg::Var(id) => decode(&variable_as(view, *id, Type::Str)?).map(Cow::Owned),
        _ => None,
    }
}

/// The digests that are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha1,
    /// Both, one behind the other, as old TLS has it.
    Md5Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512To224,
    Sha512To256,
}

/// Names of digests that the TLS library is to bring.
const LATER: &[&str] = &[
    "blake2b512",
    "blake2b-512",
    "blake2s256",
    "blake2s-256",
    "md4",
    "ripemd",
    "ripemd160",
    "rmd160",
    "sha3-224",
    "sha3-256",
    "sha3-384",
    "sha3-512",
    "shake128",
    "shake-128",
    "shake256",
    "shake-256",
    "sm3",
    "whirlpool",
];

impl Algorithm {
    fn of(name: &str) -> Result<Self, String> {
        let name = name.to_ascii_lowercase();
        Ok(match name.as_str() {
            "md5" | "ssl3-md5" | "rsa-md5" | "md5withrsaencryption" => Self::Md5,
            "sha1" | "sha-1" | "ssl3-sha1" | "rsa-sha1" | "sha1withrsaencryption" => Self::Sha1,
            "md5-sha1" => Self::Md5Sha1,
            "sha224" | "sha-224" | "sha2-224" | "rsa-sha224" | "sha224withrsaencryption" => {
                Self::Sha224
            }
            "sha256" | "sha-256" | "sha2-256" | "rsa-sha256" | "sha256withrsaencryption" => {
                Self::Sha256
            }
            "sha384" | "sha-384" | "sha2-384" | "rsa-sha384" | "sha384withrsaencryption" => {
                Self::Sha384
            }
            "sha512" | "sha-512" | "sha2-512" | "rsa-sha512" | "sha512withrsaencryption" => {
                Self::Sha512
            }
            "sha512-224" | "sha-512/224" | "sha2-512/224" => Self::Sha512To224,
            "sha512-256" | "sha-512/256" | "sha2-512/256" => Self::Sha512To256,
            other if LATER.contains(&other) => {
                return Err(format!(
                    "algorithm '{other}' is not built yet: needs the TLS library"
                ));
            }
            _ => return Err("algorithm must be a valid OpenSSL message digest name.".into()),
        })
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(bytes).to_vec(),
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Md5Sha1 => [&Md5::digest(bytes)[..], &Sha1::digest(bytes)[..]].concat(),
            Self::Sha224 => Sha224::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
            Self::Sha512To224 => Sha512_224::digest(bytes).to_vec(),
            Self::Sha512To256 => Sha512_256::digest(bytes).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        fn run<M: Mac + hmac::digest::KeyInit>(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
            let mut mac = <M as Mac>::new_from_slice(key).ok()?;
            mac.update(bytes);
            Some(mac.finalize().into_bytes().to_vec())
        }
        match self {
            Self::Md5 => run::<Hmac<Md5>>(key, bytes),
            Self::Sha1 => run::<Hmac<Sha1>>(key, bytes),
            Self::Md5Sha1 => None,
            Self::Sha224 => run::<Hmac<Sha224>>(key, bytes),
            Self::Sha256 => run::<Hmac<Sha256>>(key, bytes),
            Self::Sha384 => run::<Hmac<Sha384>>(key, bytes),
            Self::Sha512 => run::<Hmac<Sha512>>(key, bytes),
            Self::Sha512To224 => run::<Hmac<Sha512_224>>(key, bytes),
            Self::Sha512To256 => run::<Hmac<Sha512_256>>(key, bytes),
        }
    }
}

fn sha1<'a>(_: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    block(Algorithm::Sha1.digest(&text(value)?))
}

fn check_sha2(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    let algorithm = match args.int(0) {
        Some(224) => Algorithm::Sha224,
        None | Some(256) => Algorithm::Sha256,
        Some(384) => Algorithm::Sha384,
        Some(512) => Algorithm::Sha512,
        Some(other) => return Err(format!("Unsupported number of bits: '{other}'")),
    };
    args.set_data(algorithm);
    Ok(())
}

fn check_digest(args: &mut Args, _: &mut ParseContext<'_>) -> Result<(), String> {
    args.set_data(Algorithm::of(&args.text(0).unwrap_or_default())?);
    Ok(())
}

fn digest<'a>(args: &'a Args, value: Value<'a>, _: &'a dyn View) -> Option<Value<'a>> {
    block(args.data::<Algorithm>()?.digest(&text(value)?))
}

fn check_hmac(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_digest(args, ctx)?;
    check_secret(args, 1, "key", ctx)
}

fn hmac<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let key = secret(args, 1, view)?;
    block(args.data::<Algorithm>()?.hmac(&key, &text(value)?)?)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new("sha1", Type::Bin, Type::Bin, sha1, "SHA-1 digest."),
    ConverterRow::new(
        "sha2",
        Type::Bin,
        Type::Bin,
        digest,
        "SHA-2 digest of so many bits.",
    )
    .args(&[OPT_INT])
    .check(check_sha2),
    ConverterRow::new(
        "digest",
        Type::Bin,
        Type::Bin,
        digest,
        "Digest by a named algorithm.",
    )
    .args(&[STR])
    .check(check_digest),
    ConverterRow::new(
        "hmac",
        Type::Bin,
        Type::Bin,
        hmac,
        "Authentication code by a named algorithm and a key.",
    )
    .args(&[STR, STR])
    .check(check_hmac)
    .impure(),
];
