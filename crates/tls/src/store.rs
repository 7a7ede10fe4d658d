//! Certificates, authorities and revocation lists by the name of their file, read once each.

use crate::bundle::Bundle;
use crate::certificate::Certificate;
pub use crate::files::{Files, Origin};
use crate::load::{load_bundle, load_files};
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
    /// `crt-list`, directories of certificates, and the certificates that `ssl-f-use` gives to a frontend.
    pub lists: BTreeMap<Arc<str>, crate::crtlist::List>,
    /// Whether only what is there may be used, since files are not read any more.
    pub sealed: bool,
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
    chains: Vec<(Arc<str>, Vec<CertificateDer<'static>>)>,
}

impl Issuers {
    /// The chain that begins with the issuer of a certificate, and its file.
    #[must_use]
    pub fn of(
        &self,
        certificate: &Certificate<'_>,
    ) -> Option<(Arc<str>, &[CertificateDer<'static>])> {
        let found = self.chains.iter().find(|(_, chain)| {
            let first = chain.first().and_then(|der| Certificate::parse(der).ok());
            first.is_some_and(|issuer| {
                issuer.subject == certificate.issuer
                    && (certificate.authority_key_id().is_none()
                        || issuer.subject_key_id() == certificate.authority_key_id())
            })
        });
        found.map(|(file, chain)| (file.clone(), chain.as_slice()))
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
            let file = file.to_string_lossy().as_ref().into();
            all.chains.push((file, chain));
        }
    }
    Ok(all)
}

/// Why a certificate can't be used at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceError {
    /// It can't be loaded.
    Load(String),
    /// It was loaded with other keywords: how they differ, each on a line.
    Differs(String),
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
        let files = Files {
            origin: Origin::Store,
            ..files.clone()
        };
        let bundle = load_files(name, &files, global)?;
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
        if self.sealed {
            return Err(format!(
                "unable to stat SSL certificate from file '{path}' : it was not loaded, and files are not read at run time."
            ));
        }
        let bundle = Arc::new(load_bundle(path, path, false, global)?);
        self.bundles.insert(path.into(), bundle.clone());
        Ok(bundle)
    }

    /// The certificate of a file that tokens are verified with, for which it needs no key.
    ///
    /// # Errors
    /// In words: which file, which part of it, and why.
    pub fn for_tokens(&mut self, path: &str, global: &GlobalSettings) -> Result<(), String> {
        let bundle = match self.bundles.get(path) {
            Some(known) => Bundle {
                jwt: true,
                ..(**known).clone()
            },
            None => load_bundle(path, path, true, global)?,
        };
        self.bundles.insert(path.into(), Arc::new(bundle));
        Ok(())
    }

    /// The certificate of a `bind` line or of a list's line with the keywords given there, which have to be those that it was
    /// loaded with.
    ///
    /// # Errors
    /// In words: as [`Store::bundle`], or how the keywords differ, each on a line.
    pub fn placed(
        &mut self,
        path: &str,
        files: Option<&Files>,
        global: &GlobalSettings,
    ) -> Result<Arc<Bundle>, PlaceError> {
        if let Some(known) = self.bundles.get(path) {
            let none = Files::default();
            let differences = known
                .files
                .differences(files.unwrap_or(&none), global.ocsp_update);
            return match differences {
                Some(text) => Err(PlaceError::Differs(text)),
                None => Ok(known.clone()),
            };
        }
        let Some(files) = files else {
            return self.bundle(path, global).map_err(PlaceError::Load);
        };
        if self.sealed {
            return self.bundle(path, global).map_err(PlaceError::Load);
        }
        let files = Files {
            certificate: Some(path.to_owned()),
            ..files.clone()
        };
        let bundle = load_files(path, &files, global).map_err(PlaceError::Load)?;
        let bundle = Arc::new(bundle);
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
        let kinds = ["dsa", "ecdsa", "rsa"].map(|kind| format!("{path}.{kind}"));
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
        if self.sealed {
            return Err(format!("unable to load CA file '{path}'"));
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
        if self.sealed {
            return Err(format!("unable to load CRL file '{path}'"));
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

/// Reads authorities.
///
/// # Errors
/// When there is no certificate, or one is malformed.
pub fn parse_authorities(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let blocks = pem::read(text).map_err(|error| error.to_string())?;
    let certificates = blocks
        .into_iter()
        .filter(|block| block.label.ends_with("CERTIFICATE"));
    let all: Vec<Vec<u8>> = certificates.map(|block| block.content).collect();
    let good = |der: &Vec<u8>| Certificate::parse(der).is_ok();
    match !all.is_empty() && all.iter().all(good) {
        true => Ok(all),
        false => Err("no certificate found, or one that is malformed".to_owned()),
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
