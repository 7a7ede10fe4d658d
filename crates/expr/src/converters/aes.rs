//! AES in GCM and CBC mode.

use super::base64::encode;
use super::crypto::{check_secret, secret};
use super::{block, text};
use crate::args::spec::{INT, OPT_STR, STR};
use crate::args::{Arg, Args};
use crate::context::ParseContext;
use crate::row::ConverterRow;
use crate::sample::{Type, Value};
use crate::view::View;
use aes_gcm::aead::consts::{U4, U8, U12, U16};
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{AesGcm, Tag};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use std::borrow::Cow;

fn check_bits(args: &Args) -> Result<(), String> {
    match args.int(0) {
        Some(128 | 192 | 256) => Ok(()),
        _ => Err("key size must be 128, 192 or 256 (bits).".into()),
    }
}

fn check_common(args: &mut Args, aad: usize, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_bits(args)?;
    check_secret(args, 1, "nonce", ctx)?;
    check_secret(args, 2, "key", ctx)?;
    if args.has(aad) {
        check_secret(args, aad, "aad", ctx)?;
    }
    Ok(())
}

fn check_cbc(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_common(args, 3, ctx)
}

fn check_gcm_enc(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_common(args, 4, ctx)?;
    let name = args.text(3).unwrap_or_default();
    let id = ctx
        .compiler
        .names
        .intern(&name)
        .map_err(|e| format!("failed to parse aead_tag : {e}"))?;
    args.set(3, Arg::Var(id));
    Ok(())
}

fn check_gcm_dec(args: &mut Args, ctx: &mut ParseContext<'_>) -> Result<(), String> {
    check_common(args, 4, ctx)?;
    check_secret(args, 3, "aead_tag", ctx)
}

type Bytes<'a> = Cow<'a, [u8]>;

/// Nonce and key; a longer key is cut, a shorter one is none.
fn nonce_and_key<'a>(args: &'a Args, view: &'a dyn View) -> Option<(Bytes<'a>, Bytes<'a>)> {
    let nonce = secret(args, 1, view)?;
    let key = secret(args, 2, view)?;
    let size = usize::try_from(args.int(0)? / 8).ok()?;
    (key.len() >= size).then(|| (nonce, super::part(key, 0..size)))
}

/// Either end of GCM for the sizes of key and nonce at hand.
macro_rules! with_gcm {
    ($key:expr, $nonce:expr, |$cipher:ident, $n:ident| $run:expr) => {
        with_gcm!(@key $key, $nonce, $cipher, $n, $run,
            (16, aes::Aes128) (24, aes::Aes192) (32, aes::Aes256))
    };
    (@key $key:expr, $nonce:expr, $cipher:ident, $n:ident, $run:expr, $(($bits:literal, $aes:ty))*) => {
        match $key.len() {
            $($bits => match $nonce.len() {
                4 => with_gcm!(@run $aes, U4, $key, $nonce, $cipher, $n, $run),
                8 => with_gcm!(@run $aes, U8, $key, $nonce, $cipher, $n, $run),
                12 => with_gcm!(@run $aes, U12, $key, $nonce, $cipher, $n, $run),
                16 => with_gcm!(@run $aes, U16, $key, $nonce, $cipher, $n, $run),
                _ => None,
            },)*
            _ => None,
        }
    };
    (@run $aes:ty, $size:ty, $key:expr, $nonce:expr, $cipher:ident, $n:ident, $run:expr) => {{
        let $n = GenericArray::<u8, $size>::from_slice(&$nonce);
        match AesGcm::<$aes, $size>::new_from_slice(&$key) {
            Ok($cipher) => $run,
            Err(_) => None,
        }
    }};
}

fn aes_gcm_enc<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let mut data = text(value)?.into_owned();
    let (nonce, key) = nonce_and_key(args, view)?;
    let aad = if args.has(4) {
        secret(args, 4, view)?
    } else {
        Cow::Borrowed(&[][..])
    };
    let tag = with_gcm!(key, nonce, |cipher, n| cipher
        .encrypt_in_place_detached(n, &aad, &mut data)
        .ok())?;
    let tag = Value::Str(Cow::Owned(encode(&tag)));
    view.set_var(args.var(3)?, Some(tag)).then_some(())?;
    block(data)
}

fn aes_gcm_dec<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    let mut data = text(value)?.into_owned();
    let (nonce, key) = nonce_and_key(args, view)?;
    let tag = secret(args, 3, view)?;
    let tag = (tag.len() == 16).then(|| Tag::clone_from_slice(&tag))?;
    let aad = if args.has(4) {
        secret(args, 4, view)?
    } else {
        Cow::Borrowed(&[][..])
    };
    with_gcm!(key, nonce, |cipher, n| cipher
        .decrypt_in_place_detached(n, &aad, &mut data, &tag)
        .ok())?;
    block(data)
}

/// The initialisation vector: the first 16 bytes of the nonce.
fn vector(nonce: &[u8]) -> Option<&[u8]> {
    nonce.get(..16)
}

fn aes_cbc_enc<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    fn run<C: BlockEncryptMut + KeyIvInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let cipher = C::new_from_slices(key, iv).ok()?;
        Some(cipher.encrypt_padded_vec_mut::<Pkcs7>(data))
    }
    let data = text(value)?;
    let (nonce, key) = nonce_and_key(args, view)?;
    let iv = vector(&nonce)?;
    block(match key.len() {
        16 => run::<cbc::Encryptor<aes::Aes128>>(&key, iv, &data),
        24 => run::<cbc::Encryptor<aes::Aes192>>(&key, iv, &data),
        _ => run::<cbc::Encryptor<aes::Aes256>>(&key, iv, &data),
    }?)
}

fn aes_cbc_dec<'a>(args: &'a Args, value: Value<'a>, view: &'a dyn View) -> Option<Value<'a>> {
    fn run<C: BlockDecryptMut + KeyIvInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let cipher = C::new_from_slices(key, iv).ok()?;
        cipher.decrypt_padded_vec_mut::<Pkcs7>(data).ok()
    }
    let data = text(value)?;
    let (nonce, key) = nonce_and_key(args, view)?;
    let iv = vector(&nonce)?;
    block(match key.len() {
        16 => run::<cbc::Decryptor<aes::Aes128>>(&key, iv, &data),
        24 => run::<cbc::Decryptor<aes::Aes192>>(&key, iv, &data),
        _ => run::<cbc::Decryptor<aes::Aes256>>(&key, iv, &data),
    }?)
}

pub(super) static ROWS: &[ConverterRow] = &[
    ConverterRow::new(
        "aes_gcm_enc",
        Type::Bin,
        Type::Bin,
        aes_gcm_enc,
        "Encrypts with AES-GCM.",
    )
    .args(&[INT, STR, STR, STR, OPT_STR])
    .check(check_gcm_enc)
    .impure(),
    ConverterRow::new(
        "aes_gcm_dec",
        Type::Bin,
        Type::Bin,
        aes_gcm_dec,
        "Decrypts AES-GCM.",
    )
    .args(&[INT, STR, STR, STR, OPT_STR])
    .check(check_gcm_dec)
    .impure(),
    ConverterRow::new(
        "aes_cbc_enc",
        Type::Bin,
        Type::Bin,
        aes_cbc_enc,
        "Encrypts with AES-CBC.",
    )
    .args(&[INT, STR, STR, OPT_STR])
    .check(check_cbc)
    .impure(),
    ConverterRow::new(
        "aes_cbc_dec",
        Type::Bin,
        Type::Bin,
        aes_cbc_dec,
        "Decrypts AES-CBC.",
    )
    .args(&[INT, STR, STR, OPT_STR])
    .check(check_cbc)
    .impure(),
];
