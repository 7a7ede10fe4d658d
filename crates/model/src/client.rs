//! What the process' own HTTP client is told (configuration manual, section 3.4), and who uses it.

use crate::address::{Address, IpFamily};
use std::sync::{Arc, OnceLock};
use tls::settings::{Common, Verify};
use tls::{Connector, Plan, Trust};

/// Where the system keeps its authorities, in the words of `ca-file`.
const SYSTEM: &str = "@system-ca";

/// A word of the configuration that is looked into once everything is read.
#[derive(Debug, Clone)]
pub struct Said {
    /// The word.
    pub text: Arc<str>,
    /// The file and the line it stands in.
    pub origin: (Arc<str>, u32),
}

/// `ocsp-update.*` but for the mode, which certificates may overrule (configuration manual, section 12.7.1).
#[derive(Debug, Clone)]
pub struct OcspUpdates {
    /// `ocsp-update.disable`: nothing is fetched unless a command says so.
    pub disabled: bool,
    /// `ocsp-update.httpproxy`.
    pub proxy: Option<Address>,
    /// `ocsp-update.mindelay` and `ocsp-update.maxdelay`: seconds between two updates of a response.
    pub delays: (u32, u32),
}

impl Default for OcspUpdates {
    fn default() -> Self {
        Self {
            disabled: false,
            proxy: None,
            delays: (300, 3600),
        }
    }
}

/// `httpclient.*`.
#[derive(Debug, Clone)]
pub struct HttpClient {
    /// `httpclient.resolvers.disabled`: names are looked up by the system instead.
    pub resolvers_disabled: bool,
    /// `httpclient.resolvers.id`, if it was said.
    pub resolvers: Option<Said>,
    /// `httpclient.resolvers.prefer`.
    pub prefer: IpFamily,
    /// `httpclient.retries`: how often an attempt that failed is made again.
    pub retries: u32,
    /// `httpclient.ssl.ca-file`, if it was said; `ca-base` is in front of it once everything is read.
    pub ca_file: Option<Said>,
    /// `httpclient.ssl.verify`, if it was said.
    pub verify: Option<Verify>,
    /// `httpclient.timeout.connect`, in milliseconds.
    pub connect_timeout: u64,
    /// How TLS connections are made, once that is known; nothing when there are no authorities to judge servers by.
    connector: OnceLock<Option<Arc<Connector>>>,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            resolvers_disabled: false,
            resolvers: None,
            prefer: IpFamily::V6,
            retries: 3,
            ca_file: None,
            verify: None,
            connect_timeout: 5000,
            connector: OnceLock::new(),
        }
    }
}

impl HttpClient {
    /// The `resolvers` section that is asked for names; `None` leaves them to the system.
    #[must_use]
    pub fn section(&self) -> Option<&str> {
        let named = self.resolvers.as_ref().map_or("default", |said| &said.text);
        (!self.resolvers_disabled).then_some(named)
    }

    /// Whether the certificates of servers are judged.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.verify.unwrap_or(Verify::Required) != Verify::None
    }

    /// How TLS connections are made. The authorities are read when they are asked for first.
    #[must_use]
    pub fn connector(&self) -> Option<&Arc<Connector>> {
        let made = self.connector.get_or_init(|| self.connect_by_tls().ok());
        made.as_ref()
    }

    /// Reads the authorities now.
    ///
    /// # Errors
    /// In words, when TLS connections can't be made.
    pub fn prepare(&self) -> Result<(), String> {
        let made = self.connect_by_tls()?;
        // It is prepared once, before anybody asks.
        let _ = self.connector.set(Some(made));
        Ok(())
    }

    fn connect_by_tls(&self) -> Result<Arc<Connector>, String> {
        let file = self.ca_file.as_ref().map_or(SYSTEM, |said| &said.text);
        let mut trust = Trust::default();
        if self.verifies() {
            trust.authorities = Some(tls::Store::default().authorities(file)?);
        }
        let common = Common {
            verify: Some(self.verify.unwrap_or(Verify::Required)),
            alpn: Some(Arc::from([b"http/1.1".to_vec()])),
            ..Common::default()
        };
        let plan = Plan {
            common,
            trust,
            bundle: None,
            verify_host: None,
            reuse: false,
            tickets: false,
            keylog: false,
            max_record: None,
        };
        Connector::new(plan).map(Arc::new)
    }
}
