//! Judging the certificates of clients.

use crate::certificate::Certificate;
use crate::failure::Failure;
use crate::judge;
use crate::server::{Line, Trust};
use crate::settings::{Common, Ignored};
use crate::verify::{Authorities, Purpose};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::SupportedKxGroup;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, ProtocolVersion, SignatureScheme};
use std::sync::Arc;

/// Judges the certificates of clients by what a line says.
#[derive(Debug)]
pub(crate) struct ClientAuth {
    required: bool,
    hints: Vec<DistinguishedName>,
    trusted: Arc<Authorities>,
    trust: Trust,
    ignored: (Ignored, Ignored),
    schemes: Vec<SignatureScheme>,
    /// `curves`, if they are limited.
    curves: Option<Arc<[&'static dyn SupportedKxGroup]>>,
}

impl ClientAuth {
    pub(crate) fn new(line: &Line, common: &Common, trust: &Trust, required: bool) -> Self {
        let named = trust.authorities.as_deref().filter(|_| !common.no_ca_names);
        let mut hints: Vec<DistinguishedName> = Vec::new();
        for der in named.into_iter().flat_map(Authorities::iter) {
            if let Ok(certificate) = Certificate::parse(der) {
                let name = crate::der::Reader::new(certificate.subject).any();
                let name = name.map(|name| DistinguishedName::in_sequence(name.content));
                let is_new = |name: &DistinguishedName| {
                    !hints.iter().any(|hint| hint.as_ref() == name.as_ref())
                };
                let name = name.ok().filter(is_new);
                hints.extend(name);
            }
        }
        Self {
            required,
            hints,
            trusted: trusted(trust),
            trust: trust.clone(),
            ignored: line.ignored,
            schemes: judge::schemes(common.client_signatures.as_deref()),
            curves: common.curves.clone(),
        }
    }
}

impl ClientAuth {
    /// Judges the certificates of a session that is taken up again: since they were shown, they may have been revoked.
    ///
    /// # Errors
    /// When they would be refused now.
    pub(crate) fn recall(&self, certificates: &[CertificateDer<'_>]) -> Result<(), Failure> {
        let chain: Vec<&[u8]> = certificates.iter().map(|der| &**der).collect();
        judge::chain(
            &chain,
            &self.trusted,
            self.trust.revocations.as_deref(),
            Purpose::Client,
            UnixTime::now(),
            self.ignored,
        )
        .map_err(|error| Failure::from(&error))
    }
}

/// The authorities of `ca-file` and `ca-verify-file` together.
fn trusted(trust: &Trust) -> Arc<Authorities> {
    let (Some(more), Some(own)) = (&trust.more, &trust.authorities) else {
        let only = trust.more.clone().or_else(|| trust.authorities.clone());
        return only.unwrap_or_default();
    };
    let mut all = Authorities::default();
    for der in own.iter().chain(more.iter()) {
        all.add(der);
    }
    Arc::new(all)
}

impl ClientCertVerifier for ClientAuth {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let mut chain: Vec<&[u8]> = vec![end_entity];
        chain.extend(intermediates.iter().map(|der| &**der));
        judge::chain(
            &chain,
            &self.trusted,
            self.trust.revocations.as_deref(),
            Purpose::Client,
            now,
            self.ignored,
        )?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Up to TLS 1.2, keys of certificates must be on a curve that is offered for the key exchange, too (RFC 8422,
        // section 5.1).
        let curve = Certificate::parse(cert).ok().and_then(|cert| cert.curve());
        if let (Some(curves), Some(curve)) = (&self.curves, curve)
            && !curves.iter().any(|known| known.name() == curve)
        {
            return Err(Error::General(Failure::WRONG_CURVE.text.to_owned()));
        }
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
