//! Encrypted tokens (RFC 7516).

use super::super::base64::decode_url;
use super::super::crypto::{check_secret, secret};
use super::super::{block, text, variable_as};
use super::content::{Encryption, gcm, unwrap};
use super::jwk::{Key, Padding};
use super::{bytes_member, member};
use crate::args::spec::STR;
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tls::{Found, Tokens};

/// How the key of the content is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapping {
    /// It is the secret itself.
    Direct,
    /// AES key wrap with a key of so many bytes.
    Wrap(usize),
    /// AES-GCM with a key of so many bytes.
    Gcm(usize),
    Rsa(Padding),
    /// Agreed on, and used to unwrap with so many bytes; 0 when it is the content's key itself.
    Agreed(usize),
}

/// All, by their `alg` names.
const WRAPPINGS: [(&str, Wrapping); 14] = [
    ("RSA1_5", Wrapping::Rsa(Padding::Pkcs1)),
    ("RSA-OAEP", Wrapping::Rsa(Padding::Oaep)),
    ("RSA-OAEP-256", Wrapping::Rsa(Padding::Oaep256)),
    ("A128KW", Wrapping::Wrap(16)),
    ("A192KW", Wrapping::Wrap(24)),
    ("A256KW", Wrapping::Wrap(32)),
    ("dir", Wrapping::Direct),
    ("ECDH-ES", Wrapping::Agreed(0)),
    ("ECDH-ES+A128KW", Wrapping::Agreed(16)),
    ("ECDH-ES+A192KW", Wrapping::Agreed(24)),
    ("ECDH-ES+A256KW", Wrapping::Agreed(32)),
    ("A128GCMKW", Wrapping::Gcm(16)),
    ("A192GCMKW", Wrapping::Gcm(24)),
    ("A256GCMKW", Wrapping::Gcm(32)),
];

/// The algorithms that may be used (`jwt.decrypt_alg_list`, `jwt.decrypt_enc_list`), as sets of places in the tables.
#[derive(Debug)]
pub struct Allowed {
    wrappings: AtomicU32,
    encryptions: AtomicU32,
}

impl Default for Allowed {
    fn default() -> Self {
        Self {
            // All but RSA1_5 (RFC 8725, section 3.2).
            wrappings: AtomicU32::new(!1),
            encryptions: AtomicU32::new(!0),
        }
    }
}

/// Reads `ALL:!NAME:NAME`, word by word.
fn read_list<'n>(list: &str, names: impl Iterator<Item = &'n str> + Clone) -> Result<u32, String> {
    let mut set = 0u32;
    for word in list.split(':').filter(|word| !word.is_empty()) {
        if word == "ALL" {
            set = !0;
            continue;
        }
        let name = word.strip_prefix('!').unwrap_or(word);
        let at = names.clone().position(|known| known == name);
        let bit = 1 << at.ok_or_else(|| name.to_owned())?;
        if word.starts_with('!') {
            set &= !bit;
        } else {
            set |= bit;
        }
    }
    Ok(set)
}

impl Allowed {
    /// Allows the key algorithms of a list.
    ///
    /// # Errors
    /// The name that is unknown.
    pub fn set_algorithms(&self, list: &str) -> Result<(), String> {
        let set = read_list(list, WRAPPINGS.iter().map(|(name, _)| *name))?;
        self.wrappings.store(set, Ordering::Relaxed);
        Ok(())
    }

    /// Allows the content encryptions of a list.
    ///
    /// # Errors
    /// The name that is unknown.
    pub fn set_encryptions(&self, list: &str) -> Result<(), String> {
        let set = read_list(list, Encryption::ALL.iter().map(|(name, _)| *name))?;
        self.encryptions.store(set, Ordering::Relaxed);
        Ok(())
    }
}

fn find<T: Copy>(
    table: &[(&'static str, T)],
    name: &[u8],
    allowed: u32,
) -> Option<(&'static str, T)> {
    let at = table
        .iter()
        .position(|(known, _)| known.as_bytes() == name)?;
    (allowed >> at & 1 == 1)
        .then(|| table.get(at).copied())
        .flatten()
}

/// Decrypts a token with a key. Nothing comes of a token that is not right in every way.
fn decrypt(token: &[u8], key: &Key, allowed: &Allowed) -> Option<Vec<u8>> {
    let mut parts = token.split(|byte| *byte == b'.');
    let (head, wrapped, iv, data, tag) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    );
    if parts.next().is_some() {
        return None;
    }
    let header = decode_url(head)?;
    let wrapping = find(
        &WRAPPINGS,
        &member(&header, "alg")?,
        allowed.wrappings.load(Ordering::Relaxed),
    )?;
    let (name, encryption) = find(
        &Encryption::ALL,
        &member(&header, "enc")?,
        allowed.encryptions.load(Ordering::Relaxed),
    )?;
    let wrapped = decode_url(wrapped)?;
    let content_key = content_key(wrapping, key, &header, wrapped, (name, encryption))?;
    let (iv, data, tag) = (decode_url(iv)?, decode_url(data)?, decode_url(tag)?);
    encryption.decrypt(&content_key, &iv, data, head, &tag)
}

fn content_key(
    (name, wrapping): (&str, Wrapping),
    key: &Key,
    header: &[u8],
    wrapped: Vec<u8>,
    (encryption_name, encryption): (&str, Encryption),
) -> Option<Vec<u8>> {
    match (wrapping, key) {
        // Of a secret that is too long the first bytes count, as in HAProxy.
        (Wrapping::Direct, Key::Secret(secret)) => {
            let secret = secret.get(..encryption.key_len())?;
            wrapped.is_empty().then(|| secret.to_vec())
        }
        (Wrapping::Wrap(length), Key::Secret(secret)) => unwrap(secret.get(..length)?, &wrapped),
        (Wrapping::Gcm(length), Key::Secret(secret)) => {
            let (iv, tag) = (bytes_member(header, "iv")?, bytes_member(header, "tag")?);
            gcm(secret.get(..length)?, &iv, wrapped, b"", &tag)
        }
        (Wrapping::Rsa(padding), Key::Rsa(key)) => key.decrypt(padding, &wrapped),
        (Wrapping::Agreed(0), Key::Ec(key)) => {
            let agreed = key.agree(header, encryption_name, encryption.key_len())?;
            wrapped.is_empty().then_some(agreed)
        }
        (Wrapping::Agreed(length), Key::Ec(key)) => {
            unwrap(&key.agree(header, name, length)?, &wrapped)
        }
        _ => None,
    }
}

/// What the checks prepare.
struct Prepared {
    /// The key, when it is no variable.
    key: Option<Key>,
    allowed: Arc<Allowed>,
}

fn check_base64(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_secret(args, 0, "secret", ctx).map_err(|error| {
        // HAProxy words this one without a space.
        error.replacen("secret :", "secret:", 1)
    })?;
    let key = args.str(0).map(|secret| Key::Secret(secret.to_vec()));
    args.set_data(Prepared {
        key,
        allowed: ctx.compiler.jwe.clone(),
    });
    Ok(())
}

fn check_jwk(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    let text = args.text(0).unwrap_or_default();
    let key = match ctx.compiler.names.intern(&text) {
        Ok(id) => {
            args.set(0, Arg::Var(id));
            None
        }
        Err(_) => Some(Key::parse(text.as_bytes())?),
    };
    args.set_data(Prepared {
        key,
        allowed: ctx.compiler.jwe.clone(),
    });
    Ok(())
}

fn with_secret<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let prepared = args.data::<Prepared>()?;
    let token = text(value)?;
    let read;
    let key = match &prepared.key {
        Some(key) => key,
        None => {
            read = Key::Secret(secret(args, 0, view)?.into_owned());
            &read
        }
    };
    block(decrypt(&token, key, &prepared.allowed)?)
}

fn with_jwk<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let prepared = args.data::<Prepared>()?;
    let token = text(value)?;
    let read;
    let key = match &prepared.key {
        Some(key) => key,
        None => {
            read = Key::parse(&variable_as(view, args.var(0)?, Type::Str)?).ok()?;
            &read
        }
    };
    block(decrypt(&token, key, &prepared.allowed)?)
}

/// What the check of `jwt_decrypt_cert` prepares.
struct PreparedCertificate {
    tokens: Arc<Tokens>,
    allowed: Arc<Allowed>,
}

fn check_certificate(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    super::certificate(args, 0, ctx);
    args.set_data(PreparedCertificate {
        tokens: ctx.compiler.tokens.clone(),
        allowed: ctx.compiler.jwe.clone(),
    });
    Ok(())
}

fn with_certificate<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let prepared = args.data::<PreparedCertificate>()?;
    let token = text(value)?;
    let name = match args.get(0)? {
        Arg::Var(id) => variable_as(view, *id, Type::Str)?.into_owned(),
        _ => args.str(0)?.to_vec(),
    };
    let Found::Bundle(bundle) = prepared.tokens.find(std::str::from_utf8(&name).ok()?) else {
        return None;
    };
    let key = Key::from_pkcs8(&bundle.key.as_ref()?.pkcs8)?;
    block(decrypt(&token, &key, &prepared.allowed)?)
}

pub(in crate::converters) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "jwt_decrypt_secret",
        Type::Bin,
        Type::Bin,
        with_secret,
        "The content of a token, decrypted with a secret in base64.",
    )
    .args(&[STR])
    .check(check_base64)
    .impure(),
    ConverterRow::new(
        "jwt_decrypt_jwk",
        Type::Bin,
        Type::Bin,
        with_jwk,
        "The content of a token, decrypted with a JSON Web Key.",
    )
    .args(&[STR])
    .check(check_jwk)
    .impure(),
    ConverterRow::new(
        "jwt_decrypt_cert",
        Type::Bin,
        Type::Bin,
        with_certificate,
        "The content of a token, decrypted with the key of a certificate.",
    )
    .args(&[STR])
    .check(check_certificate)
    .impure(),
];
