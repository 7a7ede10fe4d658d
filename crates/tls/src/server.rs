//! The accepting side: which certificate and configuration a ClientHello gets.

use crate::assemble;
use crate::bundle::Bundle;
use crate::client_auth::ClientAuth;
use crate::failure::Failure;
use crate::generate::Generator;
use crate::hello::{ClientHello, extension, numbers};
use crate::key::Kind;
use crate::names::{Names, Pick};
use crate::observed::KeepSecrets;
use crate::provider;
use crate::resume::Resumption;
use crate::revocation::Revocations;
use crate::settings::{BindSettings, CertificateLine, Common, GlobalSettings, Ignored, Verify};
use crate::signer;
use crate::store::{Store, based};
use crate::verify::Authorities;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// A listening line's TLS: its certificates by name, which may change while it runs.
#[derive(Debug)]
pub struct Listener {
    /// What is configured for the whole line.
    pub line: Line,
    /// The options of the line.
    settings: BindSettings,
    /// The certificates in use.
    names: ArcSwap<Names>,
    /// What makes certificates for other names.
    generator: Option<Generator>,
}

/// What is configured for a whole listening line.
#[derive(Debug, Clone)]
pub struct Line {
    /// `strict-sni`: names without a certificate are refused.
    pub strict: bool,
    /// How many bytes of ClientHellos' lists are kept for fetches.
    pub capture: usize,
    /// Errors that are ignored in certificates of clients, and of their authorities.
    pub ignored: (Ignored, Ignored),
    /// Whether clients choose the cipher.
    pub prefer_client: bool,
    /// How sessions are taken up again.
    pub resumption: Arc<Resumption>,
    /// `tune.ssl.maxrecord`.
    pub max_record: Option<usize>,
    /// `tune.ssl.keylog`.
    pub keylog: bool,
}

/// One certificate with the settings it is used with.
#[derive(Debug)]
pub struct Instance {
    /// The certificate.
    pub bundle: Arc<Bundle>,
    /// What is agreed on when it is used.
    config: Arc<ServerConfig>,
    /// The same for clients whose application protocols are all unknown.
    unnegotiated: Option<Arc<ServerConfig>>,
    /// How clients' certificates are judged, if clients are asked for any.
    pub(crate) auth: Option<Arc<ClientAuth>>,
    kind: Kind,
}

/// What a ClientHello gets.
#[derive(Debug)]
pub struct Chosen {
    /// The configuration.
    pub config: Arc<ServerConfig>,
    /// The certificate.
    pub instance: Arc<Instance>,
}

/// Authorities and revocation lists to judge clients by.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// `ca-file`, whose names are told to clients.
    pub authorities: Option<Arc<Authorities>>,
    /// `ca-verify-file`.
    pub more: Option<Arc<Authorities>>,
    /// `crl-file`.
    pub revocations: Option<Arc<Revocations>>,
}

impl Trust {
    /// Whether both are the same, not only equal.
    pub(crate) fn is(&self, other: &Self) -> bool {
        fn same<T>(one: &Option<Arc<T>>, other: &Option<Arc<T>>) -> bool {
            match (one, other) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                (None, None) => true,
                _ => false,
            }
        }
        same(&self.authorities, &other.authorities)
            && same(&self.more, &other.more)
            && same(&self.revocations, &other.revocations)
    }
}

impl Instance {
    /// Makes a certificate usable with settings.
    ///
    /// # Errors
    /// In words, why it can't be used.
    pub fn new(
        line: &Line,
        common: &Common,
        trust: &Trust,
        bundle: Arc<Bundle>,
    ) -> Result<Self, String> {
        let mut certified = bundle
            .certified()
            .ok_or_else(|| format!("no private key for '{}'", bundle.name))?;
        certified.key = match &common.signatures {
            Some(schemes) => signer::restricted(certified.key, schemes.clone()),
            None => signer::usual(certified.key),
        };
        let builder = ServerConfig::builder_with_provider(provider::provider(common)?)
            .with_protocol_versions(&provider::versions(common)?)
            .map_err(|error| error.to_string())?;
        let auth = match common.verify.unwrap_or_default() {
            Verify::None => None,
            verify => {
                let required = verify == Verify::Required;
                Some(Arc::new(ClientAuth::new(line, common, trust, required)))
            }
        };
        let builder = match &auth {
            None => builder.with_no_client_auth(),
            Some(auth) => builder.with_client_cert_verifier(auth.clone()),
        };
        let kind = bundle.kind();
        let mut config = builder.with_cert_resolver(Arc::new(Single(Arc::new(certified))));
        config.ignore_client_order = !line.prefer_client;
        config.key_log = Arc::new(KeepSecrets { all: line.keylog });
        line.resumption.apply(&mut config, common.early_data);
        let mut unnegotiated = None;
        if let Some(alpn) = common.alpn.as_deref().filter(|alpn| !alpn.is_empty()) {
            unnegotiated = Some(Arc::new(config.clone()));
            config.alpn_protocols = alpn.to_vec();
        }
        Ok(Self {
            bundle,
            config: Arc::new(config),
            unnegotiated,
            auth,
            kind,
        })
    }

    /// The algorithm of the certificate's key.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The configuration for a client. One that offers only unknown application protocols goes on without any, as with
    /// HAProxy, where rustls would refuse it.
    fn config_for(&self, hello: &ClientHello) -> &Arc<ServerConfig> {
        let (Some(without), Some(offered)) = (&self.unnegotiated, hello.list(extension::ALPN, 2))
        else {
            return &self.config;
        };
        let mut rest = offered;
        while let Some((&length, after)) = rest.split_first() {
            let Some((name, next)) = after.split_at_checked(usize::from(length)) else {
                break;
            };
            if self.config.alpn_protocols.iter().any(|known| known == name) {
                return &self.config;
            }
            rest = next;
        }
        without
    }
}

/// The certificate that was chosen before rustls saw the ClientHello.
#[derive(Debug)]
struct Single(Arc<CertifiedKey>);

impl ResolvesServerCert for Single {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

impl Listener {
    /// A line with its certificates.
    #[must_use]
    pub fn new(line: Line, settings: BindSettings, names: Names) -> Self {
        Self {
            line,
            settings,
            names: ArcSwap::from_pointee(names),
            generator: None,
        }
    }

    /// The same, with certificates made for names that none is for.
    #[must_use]
    pub fn generating(self, generator: Generator) -> Self {
        Self {
            generator: Some(generator),
            ..self
        }
    }

    /// How many bytes of ClientHellos' lists are kept for fetches.
    #[must_use]
    pub fn capture(&self) -> usize {
        self.line.capture
    }

    /// The options of the line; its certificates are in [`Listener::names`].
    #[must_use]
    pub fn settings(&self) -> &BindSettings {
        &self.settings
    }

    /// The certificates in use.
    #[must_use]
    pub fn names(&self) -> Arc<Names> {
        self.names.load_full()
    }

    /// Makes the certificates of other lines usable; what stays as it is is taken over.
    ///
    /// # Errors
    /// In words.
    pub fn prepare(
        &self,
        lines: Vec<CertificateLine>,
        global: &GlobalSettings,
        store: &mut Store,
    ) -> Result<Names, String> {
        let names = self.names.load();
        assemble::names(
            &self.line,
            &self.settings,
            lines,
            global,
            store,
            Some(&names),
        )
    }

    /// How many certificates are used together with a file of authorities or revocation lists.
    #[must_use]
    pub fn judging_by(&self, file: &str, global: &GlobalSettings) -> usize {
        let general = self.settings.common.or(&self.settings.defaults);
        let base = global.ca_base.as_deref();
        let names = |common: &Common| {
            let files = [&common.ca_file, &common.ca_verify_file, &common.crl_file];
            let mut files = files.into_iter().flatten();
            files.any(|path| based(base, path) == file)
        };
        let names_lines = self.names.load();
        let lines = names_lines.lines().iter();
        let used = lines.filter(|placed| match &placed.entry.common {
            Some(own) => names(&own.or(&general)),
            None => names(&general),
        });
        used.count()
    }

    /// Uses other certificates from the next connection on.
    pub fn replace(&self, names: Names) {
        self.names.store(Arc::new(names));
    }

    /// Chooses by the name asked for and the signatures that the client can check.
    ///
    /// # Errors
    /// When no certificate fits.
    pub fn choose(&self, hello: &ClientHello) -> Result<Chosen, Failure> {
        let names = self.names.load();
        let can = Abilities::of(hello);
        let name = hello.server_name().map(<[u8]>::to_ascii_lowercase);
        let pick = |strict| names.pick(name.as_deref(), strict, |pick| can.best(pick));
        let strict = self.line.strict;
        let picked = match (&self.generator, &name) {
            (Some(generator), Some(name)) => pick(true)
                .cloned()
                .or_else(|| self.generate(generator, name, &names, can))
                .or_else(|| pick(strict).cloned()),
            _ => pick(strict).cloned(),
        };
        let instance = picked.ok_or(Failure::NO_NAME)?;
        Ok(Chosen {
            config: instance.config_for(hello).clone(),
            instance,
        })
    }

    /// A certificate for a name that none is for. It is used as the default certificate is.
    fn generate(
        &self,
        generator: &Generator,
        name: &[u8],
        names: &Names,
        can: Abilities,
    ) -> Option<Arc<Instance>> {
        let like = names.pick(None, false, |pick| can.best(pick))?;
        let mut lines = names.lines().iter();
        let placed = lines.find(|placed| Arc::ptr_eq(&placed.instance, like))?;
        let general = self.settings.common.or(&self.settings.defaults);
        let own = placed.entry.common.as_ref().map(|own| own.or(&general));
        let common = own.as_ref().unwrap_or(&general);
        let now = rustls::pki_types::UnixTime::now().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        generator.get(name, like, now, |bundle| {
            Instance::new(&self.line, common, &placed.trust, Arc::new(bundle)).ok()
        })
    }
}

/// Which signatures a client can check.
#[derive(Debug, Clone, Copy)]
struct Abilities {
    rsa: bool,
    ecdsa: bool,
}

impl Abilities {
    fn of(hello: &ClientHello) -> Self {
        let signatures = hello.signatures();
        let (mut rsa, mut ecdsa) = (signatures.is_empty(), signatures.is_empty());
        for scheme in numbers(signatures) {
            match scheme & 0xff {
                _ if (0x0804..=0x0806).contains(&scheme) => rsa = true,
                _ if scheme == 0x0807 => ecdsa = true,
                1 => rsa = true,
                3 => ecdsa = true,
                _ => {}
            }
        }
        // Before TLS 1.3 the cipher names the algorithm, too.
        let suites = numbers(hello.ciphers());
        let is_new = hello.offers_tls13();
        let mut usable =
            suites.filter(|suite| is_ecdsa_suite(*suite) || (is_new && suite >> 8 == 0x13));
        ecdsa &= usable.next().is_some();
        Self { rsa, ecdsa }
    }

    /// The certificate to use out of those for one name: one with a key on a curve is preferred.
    fn best<'a>(self, pick: Pick<'a>) -> Option<&'a Arc<Instance>> {
        let first = |kind: Kind| pick.candidates().find(|instance| instance.kind == kind);
        let ecdsa = first(Kind::Ecdsa);
        let rsa = first(Kind::Rsa);
        match (ecdsa, rsa) {
            (Some(ecdsa), _) if self.ecdsa => Some(ecdsa),
            (_, Some(rsa)) if self.rsa => Some(rsa),
            _ => ecdsa.or(rsa).or_else(|| pick.candidates().next()),
        }
    }
}

/// The suites of TLS 1.2 with ECDSA signatures that are offered.
fn is_ecdsa_suite(suite: u16) -> bool {
    matches!(suite, 0xc02b | 0xc02c | 0xcca9)
}
