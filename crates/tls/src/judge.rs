//! What both sides need to judge a peer's certificate inside rustls.

use crate::certificate::Certificate;
use crate::observed::{Judgement, judged, rooted};
use crate::revocation::Revocations;
use crate::settings::Ignored;
use crate::verify::{self, Authorities, Purpose, code};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, ProtocolVersion,
    SignatureScheme,
};

/// Judges a chain, leaves the judgement for the connection, and turns it into rustls' terms.
pub(crate) fn chain(
    certificates: &[&[u8]],
    trusted: &Authorities,
    revocations: Option<&Revocations>,
    purpose: Purpose,
    now: UnixTime,
    (ignored, ca_ignored): (Ignored, Ignored),
) -> Result<(), Error> {
    let mut judgement = Judgement::default();
    let mut forgive = |error: u8, depth: usize| {
        if depth == 0 {
            if judgement.certificate == 0 {
                judgement.certificate = error;
            }
            ignored.has(error)
        } else {
            if judgement.authority.0 == 0 {
                judgement.authority = (error, u8::try_from(depth).unwrap_or(u8::MAX));
            }
            ca_ignored.has(error)
        }
    };
    let mut refused_at = 0;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let outcome = verify::verify(
        certificates,
        trusted,
        revocations,
        purpose,
        seconds,
        &mut |error, depth| {
            let goes_on = forgive(error, depth);
            if !goes_on {
                refused_at = depth;
            }
            goes_on
        },
    );
    match outcome {
        Ok(last) => judgement.result = last,
        Err(error) => {
            judgement.result = error;
            judgement.refused = Some(refused_at > 0);
        }
    }
    judged(judgement);
    rooted(verify::root(certificates, trusted, seconds));
    outcome
        .map(drop)
        .map_err(|error| Error::InvalidCertificate(reason(error)))
}

/// The error in rustls' terms, which decides the alert that is sent.
fn reason(error: u8) -> CertificateError {
    match error {
        code::EXPIRED | code::CRL_EXPIRED => CertificateError::Expired,
        code::NOT_YET_VALID | code::CRL_NOT_YET_VALID => CertificateError::NotValidYet,
        code::REVOKED => CertificateError::Revoked,
        code::NO_CRL | code::BAD_CRL_SIGNATURE => CertificateError::UnknownRevocationStatus,
        code::BAD_SIGNATURE => CertificateError::BadSignature,
        code::INVALID_PURPOSE => CertificateError::InvalidPurpose,
        code::NO_ISSUER
        | code::NO_LOCAL_ISSUER
        | code::SELF_SIGNED
        | code::SELF_SIGNED_IN_CHAIN
        | code::NO_LEAF_SIGNATURE
        | code::INVALID_CA => CertificateError::UnknownIssuer,
        code::HOST_MISMATCH => CertificateError::NotValidForName,
        _ => CertificateError::ApplicationVerificationFailure,
    }
}

/// Checks a signature over the handshake with the key of a certificate of any version.
pub(crate) fn signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    version: ProtocolVersion,
) -> Result<HandshakeSignatureValid, Error> {
    let malformed = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    let certificate = Certificate::parse(certificate).map_err(malformed)?;
    let (key, algorithm) = certificate.public_key().map_err(malformed)?;
    let unadvertised = || PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into();
    let is_new = version == ProtocolVersion::TLSv1_3;
    if is_new && !is_for_tls13(signed.scheme) {
        return Err(unadvertised());
    }
    let provider = aws_lc_rs::default_provider();
    let mapping = provider.signature_verification_algorithms.mapping;
    let found = mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
    let (_, candidates) = found.ok_or_else(unadvertised)?;
    // In TLS 1.3 a scheme names the curve; before, it did not.
    let count = if is_new { 1 } else { candidates.len() };
    let mut fitting = candidates
        .iter()
        .take(count)
        .filter(|candidate| candidate.public_key_alg_id().as_ref() == algorithm);
    let valid = fitting.any(|candidate| {
        candidate
            .verify_signature(key, message, signed.signature())
            .is_ok()
    });
    match valid {
        true => Ok(HandshakeSignatureValid::assertion()),
        false => Err(Error::InvalidCertificate(CertificateError::BadSignature)),
    }
}

/// RSA with PKCS #1 padding and SHA-1 are of the past in TLS 1.3.
fn is_for_tls13(scheme: SignatureScheme) -> bool {
    use SignatureScheme as S;
    matches!(
        scheme,
        S::ECDSA_NISTP256_SHA256
            | S::ECDSA_NISTP384_SHA384
            | S::ECDSA_NISTP521_SHA512
            | S::RSA_PSS_SHA256
            | S::RSA_PSS_SHA384
            | S::RSA_PSS_SHA512
            | S::ED25519
    )
}

/// The schemes that can be checked, or those of them that the configuration names.
pub(crate) fn schemes(only: Option<&[SignatureScheme]>) -> Vec<SignatureScheme> {
    let all = aws_lc_rs::default_provider()
        .signature_verification_algorithms
        .supported_schemes();
    match only {
        Some(only) => only.iter().copied().filter(|s| all.contains(s)).collect(),
        None => all,
    }
}

/// Leaves word that a certificate was refused for an error beyond its chain.
pub(crate) fn refused(error: u8) {
    judged(Judgement {
        result: error,
        certificate: error,
        refused: Some(false),
        ..Judgement::default()
    });
}
