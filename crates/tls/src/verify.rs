//! Judging a chain of certificates, with OpenSSL's error numbers and in its order (RFC 5280, section 6).
//!
//! The numbers are part of the configuration language (`crt-ignore-err`, `ssl_c_verify`), and old version-1 certificates
//! must work: so chains are judged here and not by a library that knows only its own errors.

use crate::certificate::{Certificate, attributes, oid, seconds};
use crate::constraints;
use crate::der;
use crate::revocation::Revocations;
use ::aws_lc_rs::signature as aws_lc_rs_crypto;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::SignatureVerificationAlgorithm;
use std::sync::Arc;

/// OpenSSL's numbers of verification errors (`X509_V_ERR_*`).
pub mod code {
    /// The issuer of a trusted certificate is not known.
    pub const NO_ISSUER: u8 = 2;
    /// No revocation list of the issuer.
    pub const NO_CRL: u8 = 3;
    /// The certificate's signature is wrong.
    pub const BAD_SIGNATURE: u8 = 7;
    /// The revocation list's signature is wrong.
    pub const BAD_CRL_SIGNATURE: u8 = 8;
    /// Not valid yet.
    pub const NOT_YET_VALID: u8 = 9;
    /// Not valid any more.
    pub const EXPIRED: u8 = 10;
    /// The revocation list is not valid yet.
    pub const CRL_NOT_YET_VALID: u8 = 11;
    /// The revocation list is not valid any more.
    pub const CRL_EXPIRED: u8 = 12;
    /// A time that can't be read.
    pub const BAD_NOT_BEFORE: u8 = 13;
    /// A time that can't be read.
    pub const BAD_NOT_AFTER: u8 = 14;
    /// Nobody but itself vouches for the certificate.
    pub const SELF_SIGNED: u8 = 18;
    /// The chain ends in an authority that is not trusted.
    pub const SELF_SIGNED_IN_CHAIN: u8 = 19;
    /// The issuer is not known.
    pub const NO_LOCAL_ISSUER: u8 = 20;
    /// The only certificate can't be verified.
    pub const NO_LEAF_SIGNATURE: u8 = 21;
    /// The chain is too long.
    pub const TOO_LONG: u8 = 22;
    /// Revoked.
    pub const REVOKED: u8 = 23;
    /// Not an authority.
    pub const INVALID_CA: u8 = 24;
    /// Too many authorities below one.
    pub const PATH_LENGTH: u8 = 25;
    /// Not made for this.
    pub const INVALID_PURPOSE: u8 = 26;
    /// An authority that may not sign certificates.
    pub const NO_CERTIFICATE_SIGN: u8 = 32;
    /// A critical extension that is not known.
    pub const UNKNOWN_CRITICAL: u8 = 34;
    /// An authority that may not sign revocation lists.
    pub const NO_CRL_SIGN: u8 = 35;
    /// A name outside what the authority may sign.
    pub const NOT_PERMITTED: u8 = 47;
    /// A name that the authority may not sign.
    pub const EXCLUDED: u8 = 48;
    /// A kind of name constraint that is not known.
    pub const UNKNOWN_CONSTRAINT: u8 = 51;
    /// The host name does not fit.
    pub const HOST_MISMATCH: u8 = 62;
    /// The key is too small.
    pub const SMALL_KEY: u8 = 66;
    /// An authority's key is too small.
    pub const SMALL_CA_KEY: u8 = 67;
    /// A signature with a weak hash.
    pub const WEAK_HASH: u8 = 68;
}

/// What a certificate is presented as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A client's.
    Client,
    /// A server's.
    Server,
}

/// Authorities that are trusted.
#[derive(Debug, Default)]
pub struct Authorities {
    certificates: Vec<Arc<[u8]>>,
    by_subject: std::collections::HashMap<Box<[u8]>, Vec<usize>>,
}

impl Authorities {
    /// Adds a certificate; what is none is skipped, and the result says so.
    pub fn add(&mut self, der: &[u8]) -> bool {
        let Ok(certificate) = Certificate::parse(der) else {
            return false;
        };
        if self.contains(der) {
            return true;
        }
        let places = self
            .by_subject
            .entry(certificate.subject.into())
            .or_default();
        places.push(self.certificates.len());
        self.certificates.push(der.into());
        true
    }

    /// All certificates.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(|der| &**der)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    fn named(&self, subject: &[u8]) -> impl Iterator<Item = Certificate<'_>> {
        let places = self.by_subject.get(subject).map(Vec::as_slice);
        let places = places.unwrap_or_default().iter();
        places
            .filter_map(|&at| self.certificates.get(at))
            .filter_map(|der| Certificate::parse(der).ok())
    }

    fn contains(&self, der: &[u8]) -> bool {
        let subject = Certificate::parse(der).map(|certificate| certificate.subject);
        let mut same = subject.into_iter().flat_map(|subject| self.named(subject));
        same.any(|known| known.der == der)
    }

    /// All certificates in the order in which OpenSSL keeps them: each time one is added, those before are put in the order
    /// of their subjects, shorter ones first.
    #[must_use]
    pub fn shown(&self) -> Vec<&[u8]> {
        let Some((last, before)) = self.certificates.split_last() else {
            return Vec::new();
        };
        let mut before: Vec<(Vec<u8>, &[u8])> = before
            .iter()
            .map(|der| (canonical_subject(der), &**der))
            .collect();
        before.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
        let mut all: Vec<&[u8]> = before.into_iter().map(|(_, der)| der).collect();
        all.push(last);
        all
    }
}

/// A subject's attributes with their texts in lower case, as OpenSSL compares them.
fn canonical_subject(der: &[u8]) -> Vec<u8> {
    let Ok(certificate) = Certificate::parse(der) else {
        return Vec::new();
    };
    let each = attributes(certificate.subject).map(|(kind, value)| {
        let text = der::element(0x0c, &value.content.to_ascii_lowercase());
        let pair = [der::element(der::OID, kind), text].concat();
        der::element(der::SET, &der::element(der::SEQUENCE, &pair))
    });
    each.flatten().collect()
}

/// The most authorities in a chain.
const DEPTH: usize = 100;

/// Judges a chain, the peer's certificate first. `forgive` hears of each error with its depth and says whether to go on.
/// The result is the last error that was forgiven, or 0.
///
/// # Errors
/// The error that was not forgiven.
pub fn verify(
    chain: &[&[u8]],
    trusted: &Authorities,
    revocations: Option<&Revocations>,
    purpose: Purpose,
    now: i64,
    forgive: &mut dyn FnMut(u8, usize) -> bool,
) -> Result<u8, u8> {
    let presented: Vec<Certificate<'_>> = chain
        .iter()
        .filter_map(|der| Certificate::parse(der).ok())
        .collect();
    let leaf = presented.first().ok_or(code::NO_LEAF_SIGNATURE)?;
    if presented.len() != chain.len() && Certificate::parse(chain[0]).is_err() {
        return Err(code::NO_LEAF_SIGNATURE);
    }
    let mut trial = Trial {
        now,
        last: 0,
        forgive,
    };
    let path = build(*leaf, &presented, trusted, now);
    trial.judge_end(&path)?;
    trial.judge_extensions(&path.certificates, purpose)?;
    trial.judge_strength(&path.certificates)?;
    if let Some(revocations) = revocations {
        trial.judge_revocation(&path.certificates, revocations)?;
    }
    trial.judge_signatures(&path.certificates)?;
    if let Some((depth, error)) = constraints::violation(&path.certificates) {
        trial.report(error, depth)?;
    }
    Ok(trial.last)
}

/// The subject of the last certificate of the chain that a peer's certificate leads to; `None` unless it is trusted.
#[must_use]
pub fn root(chain: &[&[u8]], trusted: &Authorities, now: i64) -> Option<Vec<u8>> {
    let presented: Vec<Certificate<'_>> = chain
        .iter()
        .filter_map(|der| Certificate::parse(der).ok())
        .collect();
    let path = build(*presented.first()?, &presented, trusted, now);
    let last = path.certificates.last().filter(|_| path.trusted > 0)?;
    Some(last.subject.to_vec())
}

/// A chain from the peer's certificate upwards.
struct Path<'a> {
    certificates: Vec<Certificate<'a>>,
    /// How many of them, from the end, are trusted.
    trusted: usize,
}

fn build<'a>(
    leaf: Certificate<'a>,
    presented: &[Certificate<'a>],
    trusted: &'a Authorities,
    now: i64,
) -> Path<'a> {
    let mut path = Path {
        trusted: usize::from(leaf.is_self_issued() && trusted.contains(leaf.der)),
        certificates: vec![leaf],
    };
    while path.certificates.len() <= DEPTH {
        let Some(last) = path.certificates.last().copied() else {
            break;
        };
        if is_self_signed(&last) {
            break;
        }
        let known = |candidate: &Certificate<'_>| {
            path.certificates
                .iter()
                .any(|certificate| certificate.der == candidate.der)
        };
        let fits = |candidate: &Certificate<'_>| issued(candidate, &last) && !known(candidate);
        if let Some(issuer) = best(trusted.named(last.issuer).filter(fits), now) {
            path.certificates.push(issuer);
            path.trusted += 1;
            continue;
        }
        // Above a trusted certificate, only trusted ones count.
        if path.trusted > 0 {
            break;
        }
        match best(presented.iter().copied().filter(fits), now) {
            Some(issuer) => path.certificates.push(issuer),
            None => break,
        }
    }
    path
}

/// The candidate that is valid now, or else the first.
fn best<'a>(
    candidates: impl Iterator<Item = Certificate<'a>>,
    now: i64,
) -> Option<Certificate<'a>> {
    let mut first = None;
    for candidate in candidates {
        if validity_error(&candidate, now).is_none() {
            return Some(candidate);
        }
        first.get_or_insert(candidate);
    }
    first
}

/// Whether the names and key identifiers say that one certificate issued another.
fn issued(issuer: &Certificate<'_>, subject: &Certificate<'_>) -> bool {
    let ids = (subject.authority_key_id(), issuer.subject_key_id());
    issuer.subject == subject.issuer && !matches!(ids, (Some(wanted), Some(is)) if wanted != is)
}

fn is_self_signed(certificate: &Certificate<'_>) -> bool {
    certificate.is_self_issued() && issued(certificate, certificate)
}

fn validity_error(certificate: &Certificate<'_>, now: i64) -> Option<u8> {
    match certificate.validity.map(seconds) {
        [None, _] => Some(code::BAD_NOT_BEFORE),
        [Some(from), _] if now < from => Some(code::NOT_YET_VALID),
        [_, None] => Some(code::BAD_NOT_AFTER),
        [_, Some(until)] if now > until => Some(code::EXPIRED),
        _ => None,
    }
}

/// A judgement under way.
struct Trial<'f> {
    now: i64,
    last: u8,
    forgive: &'f mut dyn FnMut(u8, usize) -> bool,
}

impl Trial<'_> {
    fn report(&mut self, error: u8, depth: usize) -> Result<(), u8> {
        self.last = error;
        match (self.forgive)(error, depth) {
            true => Ok(()),
            false => Err(error),
        }
    }

    /// The chain must end in an authority that is trusted and vouches for itself.
    fn judge_end(&mut self, path: &Path<'_>) -> Result<(), u8> {
        let count = path.certificates.len();
        let depth = count.saturating_sub(1);
        let complete = path.certificates.last().is_some_and(is_self_signed);
        match (complete, path.trusted) {
            _ if count > DEPTH => self.report(code::TOO_LONG, depth),
            (true, 1..) => Ok(()),
            (true, 0) if count == 1 => self.report(code::SELF_SIGNED, depth),
            (true, 0) => self.report(code::SELF_SIGNED_IN_CHAIN, depth),
            (false, 1..) => self.report(code::NO_ISSUER, depth),
            (false, 0) => self.report(code::NO_LOCAL_ISSUER, depth),
        }
    }

    fn judge_extensions(&mut self, path: &[Certificate<'_>], purpose: Purpose) -> Result<(), u8> {
        // How many authorities that are not their own issuers stand between one and the leaf.
        let mut between = 0u32;
        for (depth, certificate) in path.iter().enumerate() {
            if certificate
                .extensions()
                .any(|e| e.critical && !is_known(e.oid))
            {
                self.report(code::UNKNOWN_CRITICAL, depth)?;
            }
            let usage = match purpose {
                Purpose::Client => oid::CLIENT_AUTH,
                Purpose::Server => oid::SERVER_AUTH,
            };
            if depth == 0 {
                if !certificate.allows_usage(usage) || !may_sign_handshakes(certificate) {
                    self.report(code::INVALID_PURPOSE, depth)?;
                }
                continue;
            }
            if !is_authority(certificate) {
                self.report(code::INVALID_CA, depth)?;
            } else if !certificate.allows_usage(usage) {
                self.report(code::INVALID_PURPOSE, depth)?;
            }
            let limit = certificate.basic_constraints().and_then(|(_, limit)| limit);
            if limit.is_some_and(|limit| between > limit) {
                self.report(code::PATH_LENGTH, depth)?;
            }
            between += u32::from(!certificate.is_self_issued());
        }
        Ok(())
    }

    /// Keys and hashes of less than 112 bits of strength are refused, as OpenSSL does on security level 2.
    fn judge_strength(&mut self, path: &[Certificate<'_>]) -> Result<(), u8> {
        let last = path.len().saturating_sub(1);
        for (depth, certificate) in path.iter().enumerate() {
            if is_small(certificate) {
                let error = if depth == 0 {
                    code::SMALL_KEY
                } else {
                    code::SMALL_CA_KEY
                };
                self.report(error, depth)?;
            }
            let own = depth == last && certificate.is_self_issued();
            if !own && is_weak(certificate.signature_algorithm) {
                self.report(code::WEAK_HASH, depth)?;
            }
        }
        Ok(())
    }

    fn judge_revocation(
        &mut self,
        path: &[Certificate<'_>],
        revocations: &Revocations,
    ) -> Result<(), u8> {
        for (depth, certificate) in path.iter().enumerate() {
            let issuer = path.get(depth + 1).unwrap_or(certificate);
            for error in revocations.errors(certificate, issuer, self.now) {
                self.report(error, depth)?;
            }
        }
        Ok(())
    }

    /// Signatures and times, from the top down.
    fn judge_signatures(&mut self, path: &[Certificate<'_>]) -> Result<(), u8> {
        let last = path.len().saturating_sub(1);
        for (depth, certificate) in path.iter().enumerate().rev() {
            match path.get(depth + 1) {
                Some(issuer) => {
                    if !may_sign_certificates(issuer) {
                        self.report(code::NO_CERTIFICATE_SIGN, depth + 1)?;
                    }
                    if !is_signed_by(certificate, issuer) {
                        self.report(code::BAD_SIGNATURE, depth)?;
                    }
                }
                None if depth == 0 && last == 0 && !is_self_signed(certificate) => {
                    self.report(code::NO_LEAF_SIGNATURE, depth)?;
                }
                None => {}
            }
            if let Some(error) = validity_error(certificate, self.now) {
                self.report(error, depth)?;
            }
        }
        Ok(())
    }
}

/// Extensions that are looked at, or that may be passed over safely.
fn is_known(kind: &[u8]) -> bool {
    [
        oid::BASIC_CONSTRAINTS,
        oid::KEY_USAGE,
        oid::EXTENDED_KEY_USAGE,
        oid::SUBJECT_ALT_NAME,
        oid::NAME_CONSTRAINTS,
        oid::POLICIES,
        oid::POLICY_MAPPINGS,
        oid::POLICY_CONSTRAINTS,
        oid::INHIBIT_ANY_POLICY,
        oid::CRL_DISTRIBUTION_POINTS,
        oid::SUBJECT_KEY_ID,
        oid::AUTHORITY_KEY_ID,
        oid::ISSUER_ALT_NAME,
    ]
    .contains(&kind)
}

/// An authority says so in its constraints; before version 3 there were none, and a root needs none.
fn is_authority(certificate: &Certificate<'_>) -> bool {
    match certificate.basic_constraints() {
        Some((authority, _)) => authority && may_sign_certificates(certificate),
        None if certificate.version == 1 => is_self_signed(certificate),
        None => certificate
            .key_usage()
            .is_some_and(|usage| usage & 0x0400 != 0),
    }
}

fn may_sign_certificates(certificate: &Certificate<'_>) -> bool {
    certificate
        .key_usage()
        .is_none_or(|usage| usage & 0x0400 != 0)
}

/// Whether a key usage fits a TLS handshake: signatures, key agreement or key encipherment.
fn may_sign_handshakes(certificate: &Certificate<'_>) -> bool {
    certificate
        .key_usage()
        .is_none_or(|usage| usage & 0xa800 != 0)
}

fn is_small(certificate: &Certificate<'_>) -> bool {
    let Ok((key, _)) = certificate.public_key() else {
        return true;
    };
    certificate.key_algorithm == oid::RSA && rsa_bits(key).is_none_or(|bits| bits < 2048)
}

/// The bits of an RSA key's modulus.
#[must_use]
pub fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut fields = der::Reader::new(key).enter(der::SEQUENCE).ok()?;
    let modulus = fields.expect(der::INTEGER).ok()?.content;
    let from = modulus.iter().position(|&byte| byte != 0)?;
    let digits = modulus.get(from..)?;
    Some(digits.len() * 8 - digits.first()?.leading_zeros() as usize)
}

/// Whether a signature is made with MD5 or SHA-1.
fn is_weak(algorithm: &[u8]) -> bool {
    const WEAK: [&[u8]; 3] = [
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4],
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5],
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1],
    ];
    let kind = der::Reader::new(algorithm).expect(der::OID);
    kind.is_ok_and(|kind| WEAK.contains(&kind.content))
}

/// Whether a signature over `message` was made with the key of a certificate.
#[must_use]
pub fn is_signature_valid(
    signer: &Certificate<'_>,
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let Ok((key, key_algorithm)) = signer.public_key() else {
        return false;
    };
    let valid = algorithms().iter().any(|candidate| {
        same_algorithm(candidate.signature_alg_id().as_ref(), algorithm)
            && candidate.public_key_alg_id().as_ref() == key_algorithm
            && candidate.verify_signature(key, message, signature).is_ok()
    });
    valid || is_legacy_signature_valid(signer, key, algorithm, message, signature)
}

/// RSA with SHA-1 still occurs on revocation lists. On certificates, [`code::WEAK_HASH`] speaks against it.
fn is_legacy_signature_valid(
    signer: &Certificate<'_>,
    key: &[u8],
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    use aws_lc_rs_crypto::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
    const SHA1_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
    let kind = der::Reader::new(algorithm).expect(der::OID);
    kind.is_ok_and(|kind| kind.content == SHA1_WITH_RSA)
        && signer.key_algorithm == oid::RSA
        && UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, key)
            .verify(message, signature)
            .is_ok()
}

/// Equal, or differing only in whether parameters are absent or NULL.
fn same_algorithm(one: &[u8], other: &[u8]) -> bool {
    let bare = |id: &'_ [u8]| id.strip_suffix(&[der::NULL, 0]).unwrap_or(id).len();
    let (a, b) = (one.get(..bare(one)), other.get(..bare(other)));
    a == b
}

fn algorithms() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    use std::sync::OnceLock;
    static ALL: OnceLock<&'static [&'static dyn SignatureVerificationAlgorithm]> = OnceLock::new();
    ALL.get_or_init(|| {
        aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .all
    })
}

fn is_signed_by(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> bool {
    is_signature_valid(
        issuer,
        certificate.signature_algorithm,
        certificate.tbs,
        certificate.signature,
    )
}

/// Whether a server's certificate is for a host name: by its alternative names, or without any by its common name. A
/// wildcard stands for the first label.
#[must_use]
pub fn is_for_host(certificate: &Certificate<'_>, host: &[u8]) -> bool {
    let host = host.strip_suffix(b".").unwrap_or(host);
    let mut named = false;
    for name in certificate.alternative_names() {
        if name.tag == crate::certificate::DNS_NAME {
            named = true;
            if name_fits(name.content, host) {
                return true;
            }
        }
        if name.tag == crate::certificate::IP_ADDRESS && is_address(name.content, host) {
            return true;
        }
    }
    let common = attributes(certificate.subject).filter(|(kind, _)| *kind == oid::COMMON_NAME);
    let last = common.map(|(_, value)| value.content).last();
    !named && last.is_some_and(|name| name_fits(name, host))
}

fn name_fits(pattern: &[u8], host: &[u8]) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let rest = |name: &[u8]| {
        let dot = name.iter().position(|&byte| byte == b'.')?;
        name.get(dot..).map(<[u8]>::to_vec)
    };
    pattern.starts_with(b"*.")
        && match (rest(pattern), rest(host)) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(&other) && !host.starts_with(b"."),
            _ => false,
        }
}

fn is_address(bytes: &[u8], host: &[u8]) -> bool {
    let host = std::str::from_utf8(host).ok();
    match host.and_then(|host| host.parse().ok()) {
        Some(std::net::IpAddr::V4(address)) => address.octets() == *bytes,
        Some(std::net::IpAddr::V6(address)) => address.octets() == *bytes,
        None => false,
    }
}
