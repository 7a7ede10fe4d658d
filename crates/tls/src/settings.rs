//! What a configuration says about TLS, before files are read.

use crate::bundle::Bundle;
use crate::store::Issuers;
pub use crate::tickets::TicketKeys;
use rustls::crypto::SupportedKxGroup;
use rustls::{SignatureScheme, SupportedCipherSuite};
use std::sync::Arc;

/// A protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// `verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// The peer's certificate is not looked at; clients are not asked for one.
    #[default]
    None,
    /// Clients are asked for a certificate and may do without.
    Optional,
    /// The peer needs a certificate that is found good.
    Required,
}

/// What both ends have in common.
#[derive(Debug, Clone, Default)]
pub struct Common {
    /// `ssl-min-ver`, `ssl-max-ver` and their older forms; `None` where nothing is said.
    pub versions: (Option<Version>, Option<Version>),
    /// `ciphers`: suites of TLS 1.2.
    pub ciphers: Option<Arc<[SupportedCipherSuite]>>,
    /// `ciphersuites`: suites of TLS 1.3.
    pub suites: Option<Arc<[SupportedCipherSuite]>>,
    /// `curves`.
    pub curves: Option<Arc<[&'static dyn SupportedKxGroup]>>,
    /// `sigalgs`: for signatures of this side.
    pub signatures: Option<Arc<[SignatureScheme]>>,
    /// `client-sigalgs`: for signatures of the client.
    pub client_signatures: Option<Arc<[SignatureScheme]>>,
    /// `alpn`; empty for `no-alpn`.
    pub alpn: Option<Arc<[Vec<u8>]>>,
    /// `verify`.
    pub verify: Option<Verify>,
    /// `ca-file`, path as in the file.
    pub ca_file: Option<Arc<str>>,
    /// `ca-verify-file`.
    pub ca_verify_file: Option<Arc<str>>,
    /// `crl-file`.
    pub crl_file: Option<Arc<str>>,
    /// `allow-0rtt`.
    pub early_data: bool,
    /// `no-ca-names`.
    pub no_ca_names: bool,
}

impl Common {
    /// These settings, with what they leave open taken from others.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            versions: (
                self.versions.0.or(other.versions.0),
                self.versions.1.or(other.versions.1),
            ),
            ciphers: self.ciphers.clone().or_else(|| other.ciphers.clone()),
            suites: self.suites.clone().or_else(|| other.suites.clone()),
            curves: self.curves.clone().or_else(|| other.curves.clone()),
            signatures: self.signatures.clone().or_else(|| other.signatures.clone()),
            client_signatures: self
                .client_signatures
                .clone()
                .or_else(|| other.client_signatures.clone()),
            alpn: self.alpn.clone().or_else(|| other.alpn.clone()),
            verify: self.verify.or(other.verify),
            ca_file: self.ca_file.clone().or_else(|| other.ca_file.clone()),
            ca_verify_file: self
                .ca_verify_file
                .clone()
                .or_else(|| other.ca_verify_file.clone()),
            crl_file: self.crl_file.clone().or_else(|| other.crl_file.clone()),
            early_data: self.early_data || other.early_data,
            no_ca_names: self.no_ca_names || other.no_ca_names,
        }
    }
}

/// A set of verification errors to ignore (`crt-ignore-err`, `ca-ignore-err`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignored([u64; 2]);

impl Ignored {
    /// All errors.
    pub const ALL: Self = Self([u64::MAX; 2]);

    /// Adds an error.
    pub fn add(&mut self, error: u8) {
        if let Some(bits) = self.0.get_mut(usize::from(error / 64)) {
            *bits |= 1 << (error % 64);
        }
    }

    /// Whether an error is ignored.
    #[must_use]
    pub fn has(self, error: u8) -> bool {
        let bits = self.0.get(usize::from(error / 64));
        bits.is_some_and(|bits| bits & 1 << (error % 64) != 0)
    }
}

/// The options of a listening line.
#[derive(Debug, Clone, Default)]
pub struct BindSettings {
    /// `ssl`.
    pub enabled: bool,
    /// What lines of a crt-list may change.
    pub common: Common,
    /// `ssl-default-bind-*` as they stood when the line was read.
    pub defaults: Common,
    /// What `crt`, `default-crt` and `crt-list` name, in their order.
    pub lines: Vec<CertificateLine>,
    /// The lists named, in their order.
    pub lists: Vec<Arc<str>>,
    /// `generate-certificates`.
    pub generate: bool,
    /// `ca-sign-file`, path as in the file.
    pub sign_file: Option<Arc<str>>,
    /// `ca-sign-pass`.
    pub sign_pass: Option<Arc<str>>,
    /// `strict-sni`.
    pub strict_sni: Option<bool>,
    /// `crt-ignore-err`.
    pub ignored: Ignored,
    /// `ca-ignore-err`.
    pub ca_ignored: Ignored,
    /// `no-tls-tickets` is `Some(false)`.
    pub tickets: Option<bool>,
    /// `tls-ticket-keys`.
    pub ticket_keys: Option<Arc<TicketKeys>>,
    /// `prefer-client-ciphers`.
    pub prefer_client_ciphers: bool,
}

/// A certificate of a listening line.
#[derive(Debug, Clone)]
pub struct CertificateLine {
    /// The certificate.
    pub bundle: Arc<Bundle>,
    /// What its line in a list says.
    pub common: Option<Common>,
    /// The names it is for instead of its own.
    pub filters: Vec<Box<str>>,
    /// `default-crt`.
    pub default: bool,
    /// The list it stands in, the number of the line, and which of the list's entries it is.
    pub list: Option<(Arc<str>, usize, usize)>,
}

/// The options of a server line.
#[derive(Debug, Clone, Default)]
pub struct ServerSettings {
    /// `ssl`.
    pub enabled: bool,
    /// `no-ssl` after a `default-server` line with `ssl`: a command may turn it on.
    pub switchable: bool,
    /// `check-ssl`.
    pub check: Option<bool>,
    /// What both ends have in common.
    pub common: Common,
    /// `ssl-default-server-*` as they stood when the line was read.
    pub defaults: Common,
    /// `crt`.
    pub certificate: Option<Arc<str>>,
    /// `verifyhost`.
    pub verify_host: Option<Arc<str>>,
    /// `no-ssl-reuse` is `Some(false)`.
    pub reuse: Option<bool>,
    /// `no-tls-tickets` is `Some(false)`.
    pub tickets: Option<bool>,
}

/// Process-wide settings.
#[derive(Debug, Clone)]
pub struct GlobalSettings {
    /// `ssl-default-bind-*`.
    pub bind: Common,
    /// `ssl-default-bind-options`: `no-tls-tickets`, `strict-sni`, `prefer-client-ciphers`.
    pub bind_tickets: Option<bool>,
    /// `strict-sni` by default.
    pub bind_strict_sni: bool,
    /// `prefer-client-ciphers` by default.
    pub prefer_client_ciphers: bool,
    /// `ssl-default-server-*`.
    pub server: Common,
    /// `no-tls-tickets` by default.
    pub server_tickets: Option<bool>,
    /// `ssl-server-verify`.
    pub server_verify: Verify,
    /// `ca-base`, `crt-base`, `key-base`.
    pub ca_base: Option<Arc<str>>,
    /// `crt-base`.
    pub crt_base: Option<Arc<str>>,
    /// `key-base`.
    pub key_base: Option<Arc<str>>,
    /// `issuers-chain-path`.
    pub issuers: Option<Arc<Issuers>>,
    /// `ssl-skip-self-issued-ca`.
    pub skip_self_issued: bool,
    /// `ssl-load-extra-files`.
    pub extra: ExtraFiles,
    /// `ssl-load-extra-del-ext`.
    pub drop_extension: bool,
    /// `ssl-passphrase-cmd`.
    pub passphrase_command: Vec<String>,
    /// `tune.ssl.cachesize`: sessions.
    pub cache_size: usize,
    /// `tune.ssl.ssl-ctx-cache-size`: generated certificates that are kept.
    pub generated: usize,
    /// `tune.ssl.lifetime`, in seconds.
    pub lifetime: u32,
    /// `tune.ssl.maxrecord`, in bytes.
    pub max_record: Option<usize>,
    /// `tune.ssl.capture-buffer-size`, in bytes.
    pub capture: usize,
    /// `tune.ssl.keylog`.
    pub keylog: bool,
    /// `ocsp-update.mode`.
    pub ocsp_update: bool,
}

impl Default for GlobalSettings {
    fn default() -> Self {
        Self {
            bind: Common::default(),
            bind_tickets: None,
            bind_strict_sni: false,
            prefer_client_ciphers: false,
            server: Common::default(),
            server_tickets: None,
            server_verify: Verify::Required,
            ca_base: None,
            crt_base: None,
            key_base: None,
            issuers: None,
            skip_self_issued: false,
            extra: ExtraFiles::default(),
            drop_extension: false,
            passphrase_command: Vec::new(),
            cache_size: 20_000,
            generated: 1000,
            lifetime: 300,
            max_record: None,
            capture: 0,
            keylog: false,
            ocsp_update: false,
        }
    }
}

/// `ssl-load-extra-files`: which files beside a certificate's are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtraFiles {
    /// `bundle`: `.rsa`, `.ecdsa`, `.dsa`.
    pub bundle: bool,
    /// `sctl`.
    pub timestamps: bool,
    /// `ocsp`.
    pub ocsp: bool,
    /// `issuer`.
    pub issuer: bool,
    /// `key`.
    pub key: bool,
}

impl Default for ExtraFiles {
    fn default() -> Self {
        Self {
            bundle: true,
            timestamps: true,
            ocsp: true,
            issuer: true,
            key: true,
        }
    }
}
