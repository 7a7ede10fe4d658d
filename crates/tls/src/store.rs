//! Certificates, authorities and revocation lists by the name of their file, read once each.

use crate::bundle::Bundle;
use crate::certificate::Certificate;
use crate::pem;
use crate::revocation::{RevocationList, Revocations};
use crate::settings::GlobalSettings;
use crate::verify::Authorities;
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that was read from files.
#[derive(Debug, Default, Clone)]
pub struct Store {
    /// Certificates with their keys.
    pub bundles: BTreeMap<Arc<str>, Arc<Bundle>>,
    /// `ca-file` and `ca-verify-file`.
    pub authorities: BTreeMap<Arc<str>, Arc<Authorities>>,
    /// `crl-file`.
    pub revocations: BTreeMap<Arc<str>, Arc<Revocations>>,
}

/// A path below a base directory, unless it is absolute or has a special form (`@…`).
#[must_use]
pub fn based(base: Option<&str>, path: &str) -> String {
    match base {
        Some(base) if !path.starts_with(['/', '@']) => format!("{base}/{path}"),
        _ => path.to_owned(),
    }
}

/// Reads a file.
///
/// # Errors
/// In words, with its name.
pub fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| {
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        format!("unable to load '{path}': {text}")
    })
}

/// Chains of issuers by the key identifier or the name of their first certificate (`issuers-chain-path`).
#[derive(Debug, Default)]
pub struct Issuers {
    chains: Vec<Vec<CertificateDer<'static>>>,
}

impl Issuers {
    /// The chain that begins with the issuer of a certificate.
    #[must_use]
    pub fn of(&self, certificate: &Certificate<'_>) -> Option<&[CertificateDer<'static>]> {
        let found = self.chains.iter().find(|chain| {
            let first = chain.first().and_then(|der| Certificate::parse(der).ok());
            first.is_some_and(|issuer| {
                issuer.subject == certificate.issuer
                    && (certificate.authority_key_id().is_none()
                        || issuer.subject_key_id() == certificate.authority_key_id())
            })
        });
        found.map(Vec::as_slice)
    }
}

/// Reads a directory of issuers' chains.
///
/// # Errors
/// In words.
pub fn issuers(path: &str) -> Result<Issuers, String> {
    let mut all = Issuers::default();
    let entries = std::fs::read_dir(path).map_err(|error| error.to_string())?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    for file in files.iter().filter(|file| file.is_file()) {
        let Ok(text) = std::fs::read(file) else {
            continue;
        };
        let blocks = pem::read(&text).unwrap_or_default();
        let chain: Vec<_> = blocks
            .into_iter()
            .filter(|block| block.label.ends_with("CERTIFICATE"))
            .map(|block| CertificateDer::from(block.content))
            .collect();
        if !chain.is_empty() {
            all.chains.push(chain);
        }
    }
    Ok(all)
}

/// Files that make up a certificate (`load` lines of `crt-store`).
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// `crt`.
    pub certificate: Option<String>,
    /// `key`.
    pub key: Option<String>,
    /// `ocsp`.
    pub ocsp: Option<String>,
    /// `issuer`.
    pub issuer: Option<String>,
    /// `sctl`.
    pub timestamps: Option<String>,
    /// `ocsp-update`.
    pub update: Option<bool>,
}

impl Files {
    /// What [`Files::set`] knows.
    pub const KEYWORDS: &[&str] = &["crt", "key", "ocsp", "issuer", "sctl", "ocsp-update"];

    /// Takes one keyword with its value.
    ///
    /// # Errors
    /// In words.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let place = match name {
            "crt" => &mut self.certificate,
            "key" => &mut self.key,
            "ocsp" => &mut self.ocsp,
            "issuer" => &mut self.issuer,
            "sctl" => &mut self.timestamps,
            "ocsp-update" => {
                self.update = Some(match value {
                    "on" => {
                        return Err("'ocsp-update' is known but not built yet in hapax (waits for: the HTTP client).".to_owned());
                    }
                    "off" => false,
                    _ => {
                        return Err(format!(
                            "'ocsp-update' : expecting <on|off>, got '{value}'."
                        ));
                    }
                });
                return Ok(());
            }
            _ => return Err(format!("unknown keyword '{name}'.")),
        };
        *place = Some(value.to_owned());
        Ok(())
    }
}

impl Store {
    /// Reads a certificate from several files, under a name of its own.
    ///
    /// # Errors
    /// In words, also when there is one of this name.
    pub fn load(
        &mut self,
        name: &str,
        files: &Files,
        global: &GlobalSettings,
    ) -> Result<(), String> {
        if self.bundles.contains_key(name) {
            return Err(format!(
                "the certificate '{name}' is already loaded: it must be declared before it is used, and once."
            ));
        }
        let bundle = load_files(name, files, global)?;
        self.bundles.insert(name.into(), Arc::new(bundle));
        Ok(())
    }

    /// The certificate of a file, which is read if it was not before. Files beside it (`.key`, `.ocsp`, `.issuer`, `.sctl`)
    /// are read as `ssl-load-extra-files` says.
    ///
    /// # Errors
    /// In words: which file, which part of it, and why.
    pub fn bundle(&mut self, path: &str, global: &GlobalSettings) -> Result<Arc<Bundle>, String> {
        if let Some(known) = self.bundles.get(path) {
            return Ok(known.clone());
        }
        let bundle = Arc::new(load_bundle(path, path, global)?);
        self.bundles.insert(path.into(), bundle.clone());
        Ok(bundle)
    }

    /// The files that a `crt` names: itself, or where there is no such file, those of several key types beside it
    /// (`.rsa`, `.dsa`, `.ecdsa`).
    #[must_use]
    pub fn variants(&self, path: &str, global: &GlobalSettings) -> Vec<String> {
        if self.bundles.contains_key(path) || !global.extra.bundle || Path::new(path).exists() {
            return vec![path.to_owned()];
        }
        let kinds = ["rsa", "dsa", "ecdsa"].map(|kind| format!("{path}.{kind}"));
        let found: Vec<String> = kinds
            .into_iter()
            .filter(|path| self.bundles.contains_key(&**path) || Path::new(path).exists())
            .collect();
        match found.is_empty() {
            true => vec![path.to_owned()],
            false => found,
        }
    }

    /// The authorities of a file or directory, or with `@system-ca` those that the system trusts.
    ///
    /// # Errors
    /// In words.
    pub fn authorities(&mut self, path: &str) -> Result<Arc<Authorities>, String> {
        if let Some(known) = self.authorities.get(path) {
            return Ok(known.clone());
        }
        let mut all = Authorities::default();
        for file in authority_files(path) {
            let Ok(text) = read(&file) else {
                if file == path {
                    return Err(format!("unable to load CA file '{path}'"));
                }
                continue;
            };
            let blocks = pem::read(&text);
            for block in blocks.map_err(|error| format!("CA file '{file}': {error}"))? {
                if block.label.ends_with("CERTIFICATE") {
                    all.add(&block.content);
                }
            }
        }
        if all.is_empty() {
            return Err(format!("no certificate found in CA file '{path}'"));
        }
        let all = Arc::new(all);
        self.authorities.insert(path.into(), all.clone());
        Ok(all)
    }

    /// The revocation lists of a file.
    ///
    /// # Errors
    /// In words.
    pub fn revocations(&mut self, path: &str) -> Result<Arc<Revocations>, String> {
        if let Some(known) = self.revocations.get(path) {
            return Ok(known.clone());
        }
        let text = read(path).map_err(|_| format!("unable to load CRL file '{path}'"))?;
        let all = Arc::new(parse_revocations(&text).map_err(|why| format!("'{path}': {why}"))?);
        if all.is_empty() {
            return Err(format!("no revocation list found in CRL file '{path}'"));
        }
        self.revocations.insert(path.into(), all.clone());
        Ok(all)
    }
}

/// Reads revocation lists.
///
/// # Errors
/// In words.
pub fn parse_revocations(text: &[u8]) -> Result<Revocations, String> {
    let mut all = Revocations::default();
    for block in pem::read(text).map_err(|error| error.to_string())? {
        if block.label == "X509 CRL" {
            let list = RevocationList::parse(&block.content);
            all.add(list.map_err(|_| format!("list number {} is malformed", all.len() + 1))?);
        }
    }
    Ok(all)
}

/// The places where systems keep the authorities that they trust.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

fn authority_files(path: &str) -> Vec<String> {
    if path == "@system-ca" {
        let place = std::env::var("SSL_CERT_FILE").ok();
        let known = SYSTEM.iter().map(|path| (*path).to_owned());
        let mut places = place.into_iter().chain(known);
        return places
            .find(|path| Path::new(path).exists())
            .into_iter()
            .collect();
    }
    match std::fs::read_dir(path) {
        Ok(entries) => {
            let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
            let mut files: Vec<String> = paths
                .filter(|path| path.is_file())
                .filter_map(|path| path.into_os_string().into_string().ok())
                .collect();
            files.sort();
            files
        }
        Err(_) => vec![path.to_owned()],
    }
}

/// Reads a certificate and what stands beside it.
///
/// # Errors
/// In words: which file, which part of it, and why.
pub fn load_bundle(name: &str, path: &str, global: &GlobalSettings) -> Result<Bundle, String> {
    let mut bundle = Bundle {
        name: name.into(),
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
    Ok(bundle)
}

/// Reads a certificate from several files.
///
/// # Errors
/// In words: which file, which part of it, and why.
pub fn load_files(name: &str, files: &Files, global: &GlobalSettings) -> Result<Bundle, String> {
    let path = files.certificate.as_deref().unwrap_or(name);
    let faulty =
        |file: &str, why: String| format!("unable to load certificate from file '{file}': {why}.");
    let Some(key) = &files.key else {
        let mut bundle = load_bundle(name, path, global)?;
        take_beside(&mut bundle, files)?;
        return Ok(bundle);
    };
    let mut bundle = Bundle {
        name: name.into(),
        ..Bundle::default()
    };
    let passphrase = || crate::passphrase::ask(&global.passphrase_command, key);
    bundle
        .take_pem(&read(path)?, &|| None)
        .map_err(|why| faulty(path, why))?;
    take_key(&mut bundle, &read(key)?, &passphrase).map_err(|why| faulty(key, why))?;
    take_beside(&mut bundle, files)?;
    complete(&mut bundle, path, global)?;
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
pub fn take_key(
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
pub fn complete(bundle: &mut Bundle, path: &str, global: &GlobalSettings) -> Result<(), String> {
    if bundle.key.is_none() {
        return Err(format!(
            "No Private Key found in '{}'.",
            key_path(path, global)
        ));
    }
    if !bundle.is_consistent() {
        return Err(format!(
            "inconsistencies between private key and certificate loaded '{path}'."
        ));
    }
    if bundle.chain.len() == 1
        && let Some(issuers) = &global.issuers
        && let Some(more) = bundle
            .leaf()
            .and_then(|leaf| issuers.of(&leaf))
            .map(<[_]>::to_vec)
    {
        bundle.chain.extend(more);
        bundle.completed = true;
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
    Ok(())
}

/// The files of a directory that hold certificates, in the order of their names. Files beside another are left out.
///
/// # Errors
/// In words, when it can't be read.
pub fn directory(path: &str) -> Result<Vec<PathBuf>, String> {
    const BESIDE: [&str; 5] = ["issuer", "ocsp", "sctl", "key", "dh"];
    let entries =
        std::fs::read_dir(path).map_err(|_| format!("unable to scan directory '{path}'"))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let extension = path.extension().and_then(|extension| extension.to_str());
            path.is_file()
                && name.is_some_and(|name| !name.starts_with('.'))
                && extension.is_none_or(|extension| !BESIDE.contains(&extension))
        })
        .collect();
    files.sort();
    Ok(files)
}

/// The SHA-1 fingerprint of bytes.
#[must_use]
pub fn sha1(bytes: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    digest.as_ref().to_vec()
}
