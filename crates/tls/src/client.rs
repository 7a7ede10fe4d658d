//! The connecting side.

use crate::bundle::Bundle;
use crate::certificate::Certificate;
use crate::connection::Connection;
use crate::early::{Early, Memory};
use crate::judge;
use crate::observed::{KeepSecrets, Observed};
use crate::provider;
use crate::server::Trust;
use crate::settings::{Common, Ignored, Verify};
use crate::signer;
use crate::verify::{self, Purpose, code};
use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionMemoryCache, ResolvesClientCert, Tls12Resumption, UnbufferedClientConnection,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme,
};
use std::sync::Arc;

/// How connections to a server are made.
#[derive(Debug)]
pub struct Connector {
    plan: Plan,
    configs: ArcSwap<Configs>,
}

/// What a server line says, with its files read.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What both ends have in common.
    pub common: Common,
    /// Authorities and revocation lists.
    pub trust: Trust,
    /// The certificate to show if the server asks for one.
    pub bundle: Option<Arc<Bundle>>,
    /// `verifyhost`.
    pub verify_host: Option<Arc<str>>,
    /// Whether sessions are taken up again.
    pub reuse: bool,
    /// Whether tickets are used for that with TLS 1.2.
    pub tickets: bool,
    /// `tune.ssl.keylog`.
    pub keylog: bool,
    /// `tune.ssl.maxrecord`.
    pub max_record: Option<usize>,
}

/// With a name asked for, and without.
#[derive(Debug)]
struct Configs {
    named: Config,
    nameless: Config,
    bundle: Option<Arc<Bundle>>,
    trust: Trust,
}

#[derive(Debug)]
struct Config {
    usual: Arc<ClientConfig>,
    /// For servers that early data is sent to (`allow-0rtt`).
    early: Option<EarlyConfig>,
}

#[derive(Debug)]
struct EarlyConfig {
    config: Arc<ClientConfig>,
    memory: Arc<Memory>,
    /// For connections that offer protocols of their own: their sessions are no use to others.
    apart: Arc<ClientConfig>,
}

/// What connections begin with, made ready and not yet in use.
#[derive(Debug)]
pub struct Prepared(Configs);

/// How many sessions are remembered for one server, by name asked for.
const SESSIONS: usize = 64;

impl Connector {
    /// Prepares connections.
    ///
    /// # Errors
    /// In words, what can't be used.
    pub fn new(plan: Plan) -> Result<Self, String> {
        Ok(Self {
            configs: ArcSwap::from_pointee(Configs::new(&plan)?),
            plan,
        })
    }

    /// What the server line says.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Prepares connections with other files.
    ///
    /// # Errors
    /// In words, what can't be used.
    pub fn prepare(&self, trust: Trust, bundle: Option<Arc<Bundle>>) -> Result<Prepared, String> {
        let plan = Plan {
            trust,
            bundle,
            ..self.plan.clone()
        };
        Ok(Prepared(Configs::new(&plan)?))
    }

    /// Makes connections with what was prepared from now on.
    pub fn apply(&self, prepared: Prepared) {
        self.configs.store(Arc::new(prepared.0));
    }

    /// The authorities and revocation lists in use.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.configs.load().trust.clone()
    }

    /// Whether the server is judged by this file.
    #[must_use]
    pub fn judges_by(&self, file: &str) -> bool {
        let common = &self.plan.common;
        let files = [&common.ca_file, &common.ca_verify_file, &common.crl_file];
        files.into_iter().flatten().any(|path| **path == *file)
    }

    /// Begins a connection, asking for a name and offering application protocols; `None` offers those of the server line.
    ///
    /// # Errors
    /// In words, why it can't begin.
    pub fn connect(
        &self,
        name: Option<&[u8]>,
        alpn: Option<&[Vec<u8>]>,
    ) -> Result<Connection, String> {
        self.begin(name, alpn, false)
    }

    /// Begins a connection with early data, if there is a session that allows it; only the protocol that it is in is offered
    /// then.
    ///
    /// # Errors
    /// In words, why it can't begin.
    pub fn connect_early(&self, name: Option<&[u8]>) -> Result<Connection, String> {
        self.begin(name, None, true)
    }

    fn begin(
        &self,
        name: Option<&[u8]>,
        alpn: Option<&[Vec<u8>]>,
        early: bool,
    ) -> Result<Connection, String> {
        let configs = self.configs.load();
        let text = name.and_then(|name| std::str::from_utf8(name).ok());
        let asked = text.and_then(|name| ServerName::try_from(name.to_owned()).ok());
        let (config, server_name) = match asked {
            Some(asked @ ServerName::DnsName(_)) => (&configs.named, asked),
            Some(address) => (&configs.nameless, address),
            // Nobody hears of this name: it only tells remembered sessions apart.
            None => (&configs.nameless, nobody()),
        };
        let (config, early) = config.choose(&server_name, alpn.is_none(), early);
        let alpn = match (&early, alpn) {
            (Some(early), _) if early.is_wanted() => {
                early.protocol().map(<[u8]>::to_vec).into_iter().collect()
            }
            (_, Some(alpn)) => alpn.to_vec(),
            (_, None) => config.alpn_protocols.clone(),
        };
        let client = UnbufferedClientConnection::new_with_alpn(config.clone(), server_name, alpn)
            .map_err(|error| error.to_string())?;
        let observed = Observed {
            server_name: name.map(Into::into),
            ..Observed::default()
        };
        let connection = Connection::connect(client, observed, early);
        Ok(connection.limit_records(self.plan.max_record))
    }

    /// The certificate shown to the server, if any.
    #[must_use]
    pub fn bundle(&self) -> Option<Arc<Bundle>> {
        self.configs.load().bundle.clone()
    }
}

fn nobody() -> ServerName<'static> {
    ServerName::IpAddress(std::net::IpAddr::from([0, 0, 0, 0]).into())
}

impl Config {
    fn new(plan: &Plan, named: bool) -> Result<Self, String> {
        let sessions = Arc::new(ClientSessionMemoryCache::new(SESSIONS));
        let usual = Configs::config(plan, named, &sessions)?;
        let early = if plan.common.early_data && plan.reuse {
            let mut config = usual.clone();
            config.enable_early_data = true;
            let own = Arc::new(ClientSessionMemoryCache::new(SESSIONS));
            Some(EarlyConfig {
                config: Arc::new(config),
                memory: Arc::new(Memory::new(sessions)),
                apart: Arc::new(Configs::config(plan, named, &own)?),
            })
        } else {
            None
        };
        let usual = Arc::new(usual);
        Ok(Self { usual, early })
    }

    /// What a connection begins with that offers the usual protocols or others, and what it may send early.
    fn choose(
        &self,
        name: &ServerName<'static>,
        usual: bool,
        early: bool,
    ) -> (&Arc<ClientConfig>, Option<Box<Early>>) {
        let Some(own) = &self.early else {
            return (&self.usual, None);
        };
        if !usual {
            return (&own.apart, None);
        }
        let protocol = own.memory.protocol(name).filter(|_| early);
        let config = match protocol {
            Some(_) => &own.config,
            None => &self.usual,
        };
        let early = Early::new(&own.memory, name, protocol);
        (config, Some(Box::new(early)))
    }
}

impl Configs {
    fn new(plan: &Plan) -> Result<Self, String> {
        Ok(Self {
            named: Config::new(plan, true)?,
            nameless: Config::new(plan, false)?,
            bundle: plan.bundle.clone(),
            trust: plan.trust.clone(),
        })
    }

    fn config(
        plan: &Plan,
        named: bool,
        sessions: &Arc<ClientSessionMemoryCache>,
    ) -> Result<ClientConfig, String> {
        let common = &plan.common;
        let auth = ServerAuth {
            required: common.verify == Some(Verify::Required),
            trust: plan.trust.clone(),
            host: plan.verify_host.clone(),
            named,
            schemes: judge::schemes(common.signatures.as_deref()),
        };
        let builder = ClientConfig::builder_with_provider(provider::provider(common)?)
            .with_protocol_versions(&provider::versions(common)?)
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(auth));
        let mut config = match &plan.bundle {
            Some(bundle) => {
                let mut certified = bundle
                    .certified()
                    .ok_or_else(|| format!("no private key for '{}'", bundle.name))?;
                if let Some(schemes) = &common.client_signatures {
                    certified.key = signer::restricted(certified.key, schemes.clone());
                }
                builder.with_client_cert_resolver(Arc::new(Own(Arc::new(certified))))
            }
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = named;
        config.alpn_protocols = common.alpn.as_deref().unwrap_or_default().to_vec();
        config.key_log = Arc::new(KeepSecrets { all: plan.keylog });
        config.resumption = match plan.reuse {
            true => rustls::client::Resumption::store(sessions.clone()).tls12_resumption(
                match plan.tickets {
                    true => Tls12Resumption::SessionIdOrTickets,
                    false => Tls12Resumption::SessionIdOnly,
                },
            ),
            false => rustls::client::Resumption::disabled(),
        };
        Ok(config)
    }
}

/// The certificate shown to servers that ask for one, whatever authorities they name.
#[derive(Debug)]
struct Own(Arc<CertifiedKey>);

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes)?;
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Judges the certificates of servers.
#[derive(Debug)]
struct ServerAuth {
    required: bool,
    trust: Trust,
    host: Option<Arc<str>>,
    /// Whether the name asked for must fit.
    named: bool,
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for ServerAuth {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.required {
            return Ok(ServerCertVerified::assertion());
        }
        let mut chain: Vec<&[u8]> = vec![end_entity];
        chain.extend(intermediates.iter().map(|der| &**der));
        let trusted = self.trust.authorities.as_deref();
        let nobody = verify::Authorities::default();
        judge::chain(
            &chain,
            trusted.unwrap_or(&nobody),
            self.trust.revocations.as_deref(),
            Purpose::Server,
            now,
            (Ignored::default(), Ignored::default()),
        )?;
        let asked = server_name.to_str();
        let host = match &self.host {
            Some(host) => Some(&**host),
            None => self.named.then_some(&*asked),
        };
        let Some(host) = host else {
            return Ok(ServerCertVerified::assertion());
        };
        let fits = Certificate::parse(end_entity)
            .is_ok_and(|certificate| verify::is_for_host(&certificate, host.as_bytes()));
        match fits {
            true => Ok(ServerCertVerified::assertion()),
            false => {
                judge::refused(code::HOST_MISMATCH);
                Err(CertificateError::NotValidForName.into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        judge::signature(message, cert, dss, ProtocolVersion::TLSv1_2)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        judge::signature(message, cert, dss, ProtocolVersion::TLSv1_3)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
