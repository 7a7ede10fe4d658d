//! A certificate with its key and what belongs to them, from one or several files.

use crate::certificate::{Certificate, oid};
use crate::key::{self, Kind, PrivateKey};
use crate::pem;
use crate::store::Files;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// A certificate with its chain, its key and what is stapled to it.
#[derive(Clone, Default)]
pub struct Bundle {
    /// The file it came from, which is its name in the store.
    pub name: Arc<str>,
    /// The certificate, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: Option<PrivateKey>,
    /// The OCSP response to staple.
    pub ocsp: Option<Arc<[u8]>>,
    /// The issuer, where the chain does not have it.
    pub issuer: Option<CertificateDer<'static>>,
    /// Signed certificate timestamps.
    pub timestamps: Option<Arc<[u8]>>,
    /// Whether the key is not in the certificate's file.
    pub separate_key: bool,
    /// The file in `issuers-chain-path` in which its issuers were found.
    pub completed: Option<Arc<str>>,
    /// The files it was read from.
    pub files: Files,
    /// What there is to say about its files.
    pub notes: Vec<String>,
    /// Whether tokens may be verified and decrypted with it (`jwt`).
    pub jwt: bool,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Bundle {
    /// Takes certificates and a key out of a PEM text. A certificate replaces the chain, a key the key.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn take_pem(
        &mut self,
        text: &[u8],
        passphrase: &dyn Fn() -> Option<Vec<u8>>,
    ) -> Result<(), String> {
        let blocks = pem::read(text).map_err(|error| error.to_string())?;
        let mut chain = Vec::new();
        for block in &blocks {
            match block.label.as_str() {
                "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                    let parsed = Certificate::parse(&block.content);
                    let parsed = parsed.map_err(|_| {
                        format!("certificate number {} is malformed", chain.len() + 1)
                    })?;
                    chain.push(CertificateDer::from(parsed.der.to_vec()));
                }
                _ => {
                    // The first key counts.
                    if (self.key.is_none() || self.separate_key)
                        && let Some(key) = key::from_block(block, passphrase)
                    {
                        self.key = Some(key?);
                        self.separate_key = false;
                    }
                }
            }
        }
        if !chain.is_empty() {
            self.chain = chain;
        }
        Ok(())
    }

    /// Takes certificates and a key out of what an operator sends. A key that can't be used counts as none.
    ///
    /// # Errors
    /// In OpenSSL's words.
    pub fn take_payload(&mut self, text: &[u8]) -> Result<(), &'static str> {
        let blocks = pem::read(text).map_err(|_| "bad end line")?;
        for block in &blocks {
            if block.label.ends_with("CERTIFICATE") {
                let parsed = Certificate::parse(&block.content).map_err(|_| "wrong tag")?;
                self.chain.push(CertificateDer::from(parsed.der.to_vec()));
            } else if self.key.is_none() {
                let key = key::from_block(block, &|| None);
                self.key = key.and_then(Result::ok);
            }
        }
        match self.chain.is_empty() {
            true => Err("no start line"),
            false => Ok(()),
        }
    }

    /// Takes a key out of what an operator sends.
    ///
    /// # Errors
    /// In OpenSSL's words.
    pub fn take_key_payload(&mut self, text: &[u8]) -> Result<(), &'static str> {
        let blocks = pem::read(text).unwrap_or_default();
        let key = blocks.iter().find_map(|block| {
            let sealed = block.label == "ENCRYPTED PRIVATE KEY" || !block.headers.is_empty();
            let key = key::from_block(block, &|| None)?;
            Some(key.map_err(|_| sealed))
        });
        match key {
            Some(Ok(key)) => self.key = Some(key),
            Some(Err(true)) => return Err("error:04800068:PEM routines::bad password read"),
            _ => return Err("error:1E08010C:DECODER routines::unsupported"),
        }
        self.separate_key = true;
        Ok(())
    }

    /// The same with the certificate of its issuer.
    #[must_use]
    pub fn issued_by(self, issuer: Vec<u8>) -> Self {
        Self {
            issuer: Some(CertificateDer::from(issuer)),
            ..self
        }
    }

    /// The certificate itself.
    #[must_use]
    pub fn leaf(&self) -> Option<Certificate<'_>> {
        Certificate::parse(self.chain.first()?).ok()
    }

    /// Whether OCSP responses about it are fetched: it is said so, by itself or by default, and it names a responder.
    #[must_use]
    pub fn fetches_ocsp(&self, by_default: bool) -> bool {
        self.files.update.unwrap_or(by_default)
            && self.leaf().is_some_and(|leaf| leaf.ocsp_uri().is_some())
    }

    /// The algorithm of its key.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.leaf().map(|leaf| leaf.key_algorithm) {
            Some(algorithm) if algorithm == oid::RSA => Kind::Rsa,
            Some(algorithm) if algorithm == oid::EC || algorithm == oid::ED25519 => Kind::Ecdsa,
            _ => Kind::Other,
        }
    }

    /// Whether the key is the certificate's; `false` when one of them is missing.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let (Some(key), Some(leaf)) = (&self.key, self.leaf()) else {
            return false;
        };
        let Some(spki) = key.signer.public_key() else {
            return false;
        };
        let bits = |spki: &'_ [u8]| -> Option<Vec<u8>> {
            let mut fields = crate::der::Reader::new(spki)
                .enter(crate::der::SEQUENCE)
                .ok()?;
            fields.expect(crate::der::SEQUENCE).ok()?;
            Some(fields.expect(crate::der::BIT_STRING).ok()?.content.to_vec())
        };
        bits(&spki).is_some() && bits(&spki) == bits(leaf.spki)
    }

    /// The certificate and key as rustls wants them.
    #[must_use]
    pub fn certified(&self) -> Option<CertifiedKey> {
        let mut certified = CertifiedKey::new(self.chain.clone(), self.key.clone()?.signer);
        certified.ocsp = self.ocsp.as_deref().map(<[u8]>::to_vec);
        Some(certified)
    }

    /// Names that clients may ask for to get this certificate, in lower case.
    #[must_use]
    pub fn server_names(&self) -> Vec<Vec<u8>> {
        let Some(leaf) = self.leaf() else {
            return Vec::new();
        };
        let mut names: Vec<Vec<u8>> = Vec::new();
        for name in leaf.server_names() {
            let name = name.to_ascii_lowercase();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
