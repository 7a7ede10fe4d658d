//! Reading a certificate's files.

use crate::bundle::Bundle;
use crate::certificate::Certificate;
use crate::files::Files;
use crate::pem;
use crate::settings::GlobalSettings;
use crate::store::read;
use rustls::pki_types::CertificateDer;

/// Reads a certificate and what stands beside it.
///
/// # Errors
/// In words: which file, which part of it, and why.
pub(crate) fn load_bundle(
    name: &str,
    path: &str,
    jwt: bool,
    global: &GlobalSettings,
) -> Result<Bundle, String> {
    let mut bundle = Bundle {
        name: name.into(),
        jwt,
        ..Bundle::default()
    };
    let passphrase = || crate::passphrase::ask(&global.passphrase_command, path);
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) => {
            let why = error.to_string();
            let why = why.split(" (os error").next().unwrap_or_default();
            return Err(format!(
                "unable to stat SSL certificate from file '{path}' : {why}."
            ));
        }
    };
    let faulty =
        |file: &str, why: String| format!("unable to load certificate from file '{file}': {why}.");
    bundle
        .take_pem(&text, &passphrase)
        .map_err(|why| faulty(path, why))?;
    if bundle.chain.is_empty() {
        return Err(faulty(path, "no certificate found in it".to_owned()));
    }
    if bundle.key.is_none() && global.extra.key {
        let file = key_path(path, global);
        if let Ok(text) = read(&file) {
            take_key(&mut bundle, &text, &passphrase).map_err(|why| faulty(&file, why))?;
        }
    }
    complete(&mut bundle, path, global)?;
    // These are the files that would be read, whether they are there or not.
    let beside = |wanted: bool, extension: &str| wanted.then(|| format!("{path}.{extension}"));
    bundle.files = Files {
        certificate: Some(path.to_owned()),
        key: Some(match bundle.separate_key {
            true => key_path(path, global),
            false => path.to_owned(),
        }),
        ocsp: beside(global.extra.ocsp, "ocsp"),
        timestamps: beside(global.extra.timestamps, "sctl"),
        issuer: beside(bundle.ocsp.is_some() && bundle.issuer.is_some(), "issuer"),
        ..Files::default()
    };
    Ok(bundle)
}

/// Reads a certificate from several files.
///
/// # Errors
/// In words: which file, which part of it, and why.
pub(crate) fn load_files(
    name: &str,
    files: &Files,
    global: &GlobalSettings,
) -> Result<Bundle, String> {
    let path = files
        .path
        .as_deref()
        .or(files.certificate.as_deref())
        .unwrap_or(name);
    let faulty =
        |file: &str, why: String| format!("unable to load certificate from file '{file}': {why}.");
    let Some(key) = &files.key else {
        let mut bundle = load_bundle(name, path, files.jwt, global)?;
        take_beside(&mut bundle, files)?;
        bundle.files = files.clone();
        bundle.jwt = files.jwt;
        return Ok(bundle);
    };
    let mut bundle = Bundle {
        name: name.into(),
        jwt: files.jwt,
        ..Bundle::default()
    };
    let passphrase = || crate::passphrase::ask(&global.passphrase_command, key);
    bundle
        .take_pem(&read(path)?, &|| None)
        .map_err(|why| faulty(path, why))?;
    take_key(&mut bundle, &read(key)?, &passphrase).map_err(|why| faulty(key, why))?;
    take_beside(&mut bundle, files)?;
    complete(&mut bundle, path, global)?;
    bundle.files = files.clone();
    bundle.jwt = files.jwt;
    Ok(bundle)
}

/// Takes over what is stapled to a certificate from files of its own.
fn take_beside(bundle: &mut Bundle, files: &Files) -> Result<(), String> {
    if let Some(file) = &files.ocsp {
        bundle.ocsp = Some(read(file)?.into());
    }
    if let Some(file) = &files.timestamps {
        bundle.timestamps = Some(read(file)?.into());
    }
    if let Some(file) = &files.issuer {
        let blocks = pem::read(&read(file)?).map_err(|error| format!("'{file}': {error}"))?;
        let block = blocks.into_iter().next();
        let block = block.ok_or_else(|| format!("'{file}': no certificate found in it"))?;
        bundle.issuer = Some(CertificateDer::from(block.content));
    }
    Ok(())
}

/// Takes a key alone out of a PEM text.
///
/// # Errors
/// In words.
pub(crate) fn take_key(
    bundle: &mut Bundle,
    text: &[u8],
    passphrase: &dyn Fn() -> Option<Vec<u8>>,
) -> Result<(), String> {
    for block in pem::read(text).map_err(|error| error.to_string())? {
        if let Some(key) = crate::key::from_block(&block, passphrase) {
            bundle.key = Some(key?);
            bundle.separate_key = true;
            return Ok(());
        }
    }
    Err("no private key found in it".to_owned())
}

fn key_path(path: &str, global: &GlobalSettings) -> String {
    match path.strip_suffix(".crt") {
        Some(stem) if global.drop_extension => format!("{stem}.key"),
        _ => format!("{path}.key"),
    }
}

/// Adds what stands beside a certificate, and checks that key and certificate belong together.
///
/// # Errors
/// In words.
pub(crate) fn complete(
    bundle: &mut Bundle,
    path: &str,
    global: &GlobalSettings,
) -> Result<(), String> {
    if bundle.key.is_none() && !bundle.jwt {
        return Err(format!(
            "No Private Key found in '{}'.",
            key_path(path, global)
        ));
    }
    if bundle.key.is_some() && !bundle.is_consistent() {
        return Err(format!(
            "inconsistencies between private key and certificate loaded '{path}'."
        ));
    }
    if bundle.chain.len() == 1
        && let Some(issuers) = &global.issuers
        && let Some((file, more)) = bundle.leaf().and_then(|leaf| issuers.of(&leaf))
    {
        let more = more.to_vec();
        bundle.completed = Some(file);
        bundle.chain.extend(more);
    }
    if global.skip_self_issued {
        let is_root = |der: &CertificateDer<'_>| {
            Certificate::parse(der).is_ok_and(|certificate| certificate.is_self_issued())
        };
        let mut at = 0;
        bundle.chain.retain(|der| {
            at += 1;
            at == 1 || !is_root(der)
        });
    }
    let beside = |extension: &str| std::fs::read(format!("{path}.{extension}")).ok();
    if global.extra.ocsp && bundle.ocsp.is_none() {
        bundle.ocsp = beside("ocsp").map(Into::into);
    }
    if global.extra.timestamps && bundle.timestamps.is_none() {
        bundle.timestamps = beside("sctl").map(Into::into);
    }
    if global.extra.issuer && bundle.issuer.is_none() {
        let blocks = beside("issuer").and_then(|text| pem::read(&text).ok());
        let block = blocks.into_iter().flatten().next();
        bundle.issuer = block.map(|block| CertificateDer::from(block.content));
    }
    if let Some(response) = &bundle.ocsp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let checked = crate::ocsp::check_for(bundle, global.issuers.as_deref(), response, now);
        if let Err(why) = checked {
            bundle.notes.push(format!(
                "Loading '{path}.ocsp': {}. Content will be ignored.",
                why.trim_end_matches('.')
            ));
            bundle.ocsp = None;
        }
    }
    if bundle.timestamps.is_some() {
        bundle.notes.push(format!(
            "Loading '{path}.sctl': signed certificate timestamps are not sent. Content will be ignored."
        ));
    }
    Ok(())
}
