//! Signatures of tokens (RFC 7518, section 3).

use super::super::base64::decode_url;
use super::super::{text, variable_as};
use super::keys::{PublicKey, PublicKeys};
use crate::args::spec::STR;
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use aws_lc_rs::signature::{
    self as lc, RsaParameters, RsaPssSaltLength, UnparsedPublicKey, VerificationAlgorithm,
};
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};
use std::borrow::Cow;
use std::sync::Arc;
use tls::{Found, Tokens};

/// The size of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bits {
    B256,
    B384,
    B512,
}

/// An algorithm by its `alg` name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    None,
    Hmac(Bits),
    Rsa(Bits),
    Ecdsa(Bits),
    Pss(Bits),
}

impl Algorithm {
    fn of(name: &[u8]) -> Option<Self> {
        if name == b"none" {
            return Some(Self::None);
        }
        let (family, size) = name.split_at_checked(2)?;
        let bits = match size {
            b"256" => Bits::B256,
            b"384" => Bits::B384,
            b"512" => Bits::B512,
            _ => return None,
        };
        Some(match family {
            b"HS" => Self::Hmac(bits),
            b"RS" => Self::Rsa(bits),
            b"ES" => Self::Ecdsa(bits),
            b"PS" => Self::Pss(bits),
            _ => return None,
        })
    }

    fn takes_secret(self) -> bool {
        matches!(self, Self::Hmac(_))
    }
}

/// What `jwt_verify` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Right = 1,
    Wrong = 0,
    UnknownAlgorithm = -1,
    InvalidToken = -3,
    UnknownKey = -5,
    UnavailableCertificate = -7,
}

/// What the check prepares.
struct Prepared {
    /// The algorithm, when it is no variable.
    algorithm: Option<Algorithm>,
    /// The public key, when it is no variable and could be loaded.
    key: Option<Arc<PublicKey>>,
    keys: Arc<PublicKeys>,
}

/// Whether an argument names a variable; if so it is replaced by it.
fn names_variable(args: &mut Args, at: usize, ctx: &mut ParseContext<'_>) -> bool {
    let name = args.text(at).unwrap_or_default();
    match ctx.compiler.names.intern(&name) {
        Ok(id) => {
            args.set(at, Arg::Var(id));
            true
        }
        Err(_) => false,
    }
}

fn check(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let mut algorithm = None;
    if !names_variable(args, 0, ctx) {
        let name = args.str(0).unwrap_or_default();
        let known = Algorithm::of(name)
            .ok_or_else(|| format!("unknown JWT algorithm: {}", String::from_utf8_lossy(name)))?;
        algorithm = Some(known);
    }
    let keys = ctx.compiler.public_keys.clone();
    let mut key = None;
    if !names_variable(args, 1, ctx) && !algorithm.is_some_and(Algorithm::takes_secret) {
        let loaded = keys.load(&args.text(1).unwrap_or_default());
        // The argument may also be a secret while the token tells the algorithm.
        key = match algorithm {
            Some(_) => Some(loaded?),
            None => loaded.ok(),
        };
    }
    args.set_data(Prepared {
        algorithm,
        key,
        keys,
    });
    Ok(())
}

/// A text argument or the text of a variable; nothing when it is empty.
fn given<'a>(args: &'a Args, at: usize, view: &'a dyn View) -> Option<Cow<'a, [u8]>> {
    match args.get(at)? {
        Arg::Str(text) => Some(Cow::Borrowed(&**text)),
        Arg::Var(id) => variable_as(view, *id, Type::Str),
        _ => None,
    }
    .filter(|text| !text.is_empty())
}

/// What the check of `jwt_verify_cert` prepares.
struct PreparedCertificate {
    /// The algorithm, when it is no variable.
    algorithm: Option<Algorithm>,
    tokens: Arc<Tokens>,
}

fn check_certificate(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let mut algorithm = None;
    if !names_variable(args, 0, ctx) {
        let name = args.str(0).unwrap_or_default();
        let known = Algorithm::of(name).filter(|known| !known.takes_secret());
        let known = known
            .ok_or_else(|| format!("unknown JWT algorithm: {}", String::from_utf8_lossy(name)))?;
        algorithm = Some(known);
    }
    super::certificate(args, 1, ctx);
    let tokens = ctx.compiler.tokens.clone();
    args.set_data(PreparedCertificate { algorithm, tokens });
    Ok(())
}

fn jwt_verify_cert<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let prepared = args.data::<PreparedCertificate>()?;
    let token = text(value)?;
    let name = given(args, 0, view)?;
    let certificate = given(args, 1, view)?;
    let mut missing = Verdict::UnknownKey;
    let verdict = match prepared.algorithm.or_else(|| Algorithm::of(&name)) {
        None | Some(Algorithm::Hmac(_)) => Verdict::UnknownAlgorithm,
        Some(algorithm) => {
            let found = verify(&token, algorithm, &[], || {
                let name = std::str::from_utf8(&certificate).ok()?;
                match prepared.tokens.find(name) {
                    Found::Bundle(bundle) => {
                        let spki = bundle.leaf()?.spki.into();
                        Some(Arc::new(PublicKey(spki)))
                    }
                    Found::NotAllowed => {
                        missing = Verdict::UnavailableCertificate;
                        None
                    }
                    Found::Unknown => None,
                }
            });
            match found {
                Verdict::UnknownKey => missing,
                other => other,
            }
        }
    };
    Some(Value::Int(verdict as i64))
}

fn jwt_verify<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let prepared = args.data::<Prepared>()?;
    let token = text(value)?;
    let name = given(args, 0, view)?;
    let key = given(args, 1, view)?;
    let verdict = match prepared.algorithm.or_else(|| Algorithm::of(&name)) {
        None => Verdict::UnknownAlgorithm,
        Some(algorithm) => verify(&token, algorithm, &key, || {
            prepared.key.clone().or_else(|| prepared.keys.get(&key))
        }),
    };
    Some(Value::Int(verdict as i64))
}

/// What is signed, and the signature, of a token of three parts.
fn split(token: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memrchr(b'.', token)?;
    let (signed, signature) = (token.get(..end)?, token.get(end + 1..)?);
    let dots = signed.iter().filter(|byte| **byte == b'.').count();
    (dots == 1).then_some((signed, signature))
}

fn verify(
    token: &[u8],
    algorithm: Algorithm,
    key: &[u8],
    public: impl FnOnce() -> Option<Arc<PublicKey>>,
) -> Verdict {
    let Some((signed, signature)) = split(token) else {
        return Verdict::InvalidToken;
    };
    if algorithm == Algorithm::None {
        return if signature.is_empty() {
            Verdict::Right
        } else {
            Verdict::Wrong
        };
    }
    let signature = match decode_url(signature) {
        Some(signature) if !signature.is_empty() => signature,
        _ => return Verdict::InvalidToken,
    };
    let right = match algorithm {
        Algorithm::Hmac(bits) => has_mac(bits, key, signed, &signature),
        Algorithm::None => true,
        Algorithm::Rsa(_) | Algorithm::Pss(_) | Algorithm::Ecdsa(_) => match public() {
            Some(key) => return asymmetric(algorithm, &key, signed, &signature),
            None => return Verdict::UnknownKey,
        },
    };
    if right {
        Verdict::Right
    } else {
        Verdict::Wrong
    }
}

fn has_mac(bits: Bits, key: &[u8], signed: &[u8], mac: &[u8]) -> bool {
    fn run<M: Mac + hmac::digest::KeyInit>(key: &[u8], signed: &[u8], mac: &[u8]) -> bool {
        let Ok(mut code) = <M as Mac>::new_from_slice(key) else {
            return false;
        };
        code.update(signed);
        code.verify_slice(mac).is_ok()
    }
    match bits {
        Bits::B256 => run::<Hmac<Sha256>>(key, signed, mac),
        Bits::B384 => run::<Hmac<Sha384>>(key, signed, mac),
        Bits::B512 => run::<Hmac<Sha512>>(key, signed, mac),
    }
}

fn asymmetric(algorithm: Algorithm, key: &PublicKey, signed: &[u8], signature: &[u8]) -> Verdict {
    let verify = |with: &'static dyn VerificationAlgorithm| {
        let key = UnparsedPublicKey::new(with, &key.0);
        key.verify(signed, signature).is_ok()
    };
    let right = match algorithm {
        Algorithm::Rsa(Bits::B256) => verify(&lc::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rsa(Bits::B384) => verify(&lc::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rsa(Bits::B512) => verify(&lc::RSA_PKCS1_2048_8192_SHA512),
        // HAProxy takes salts of any length; those of the digest's and of the largest length are in use.
        Algorithm::Pss(Bits::B256) => {
            verify(&lc::RSA_PSS_2048_8192_SHA256) || verify(&LARGE_SALT[0])
        }
        Algorithm::Pss(Bits::B384) => {
            verify(&lc::RSA_PSS_2048_8192_SHA384) || verify(&LARGE_SALT[1])
        }
        Algorithm::Pss(Bits::B512) => {
            verify(&lc::RSA_PSS_2048_8192_SHA512) || verify(&LARGE_SALT[2])
        }
        Algorithm::Ecdsa(bits) => {
            let (with, length): (&'static dyn VerificationAlgorithm, _) = match bits {
                Bits::B256 => (&lc::ECDSA_P256_SHA256_FIXED, 32),
                Bits::B384 => (&lc::ECDSA_P384_SHA384_FIXED, 48),
                Bits::B512 => (&lc::ECDSA_P521_SHA512_FIXED, 66),
            };
            // Both numbers of a signature are as long as those of the curve.
            let fits = |length| signature.len() == 2 * length;
            if !fits(length) && key.curve_length().is_some_and(|length| !fits(length)) {
                return Verdict::InvalidToken;
            }
            verify(with)
        }
        Algorithm::None | Algorithm::Hmac(_) => false,
    };
    if right {
        Verdict::Right
    } else {
        Verdict::Wrong
    }
}

static LARGE_SALT: [RsaParameters; 3] = [
    lc::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Max),
    lc::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(RsaPssSaltLength::Max),
    lc::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(RsaPssSaltLength::Max),
];

pub(in crate::converters) static ROWS: &[ConverterRow] = &[ConverterRow::new(
    "jwt_verify",
    Type::Bin,
    Type::Int,
    jwt_verify,
    "Whether a token's signature is right: 1, 0, or a negative number for what is wrong.",
)
.args(&[STR, STR])
.check(check)
.impure(), ConverterRow::new(
    "jwt_verify_cert",
    Type::Bin,
    Type::Int,
    jwt_verify_cert,
    "Whether a token's signature is right by a certificate: 1, 0, or a negative number for what is wrong.",
)
.args(&[STR, STR])
.check(check_certificate)
.impure()];
