//! OCSP responses (RFC 6960): which certificate they are about, and what they say of it.

use crate::bundle::Bundle;
use crate::certificate::{Certificate, oid, seconds};
use crate::der::{self, Element, Malformed, Reader};
use crate::store::{Issuers, sha1};
use crate::verify;
use rustls::pki_types::CertificateDer;

/// What a certificate's issuer says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status<'a> {
    /// It is good.
    Good,
    /// It was revoked: when, and why by number.
    Revoked(Element<'a>, Option<u32>),
    /// The responder does not know it.
    Unknown,
}

/// Which certificate is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertId<'a> {
    /// All of it.
    pub whole: &'a [u8],
    /// The hash that the two below are made with.
    pub hash: &'a [u8],
    /// The hash of the issuer's name.
    pub name: &'a [u8],
    /// The hash of the issuer's key.
    pub key: &'a [u8],
    /// The serial number.
    pub serial: &'a [u8],
}

/// What is said of one certificate.
#[derive(Debug, Clone, Copy)]
pub struct Single<'a> {
    /// Which certificate.
    pub id: CertId<'a>,
    /// What is said.
    pub status: Status<'a>,
    /// Since when this is known.
    pub this_update: Element<'a>,
    /// Until when it may be used.
    pub next_update: Option<Element<'a>>,
}

/// A response in its parts.
#[derive(Debug)]
pub struct Response<'a> {
    /// What is signed.
    pub signed: &'a [u8],
    /// Who responds: a name (tag 1) or the hash of a key (tag 2).
    pub responder: Element<'a>,
    /// When the response was made.
    pub produced: Element<'a>,
    /// What is said, certificate by certificate.
    pub singles: Vec<Single<'a>>,
    /// The content of the list of extensions.
    pub extensions: &'a [u8],
    /// The algorithm of the signature: content of the AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// Certificates that come with it.
    pub certificates: Vec<&'a [u8]>,
}

impl<'a> CertId<'a> {
    fn parse(element: Element<'a>) -> Result<Self, Malformed> {
        let mut fields = element.reader();
        let mut algorithm = fields.enter(der::SEQUENCE)?;
        Ok(Self {
            whole: element.whole,
            hash: algorithm.expect(der::OID)?.content,
            name: fields.expect(der::OCTET_STRING)?.content,
            key: fields.expect(der::OCTET_STRING)?.content,
            serial: fields.expect(der::INTEGER)?.content,
        })
    }

    /// Reads the identifier that [`id_of`] makes.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        Self::parse(Reader::new(der).expect(der::SEQUENCE)?)
    }
}

impl<'a> Single<'a> {
    fn parse(element: Element<'a>) -> Result<Self, Malformed> {
        let mut fields = element.reader();
        let id = CertId::parse(fields.expect(der::SEQUENCE)?)?;
        let status = fields.any()?;
        let status = match status.tag & 0x1f {
            0 => Status::Good,
            1 => {
                let mut revoked = status.reader();
                let since = revoked.expect(der::GENERALIZED_TIME)?;
                let reason = revoked.optional(der::context(0))?;
                let reason = reason.and_then(|r| r.reader().expect(der::ENUMERATED).ok());
                Status::Revoked(since, reason.and_then(|reason| reason.small().ok()))
            }
            2 => Status::Unknown,
            _ => return Err(Malformed),
        };
        let this_update = fields.expect(der::GENERALIZED_TIME)?;
        let next = fields.optional(der::context(0))?;
        Ok(Self {
            id,
            status,
            this_update,
            next_update: match next {
                Some(next) => Some(next.reader().expect(der::GENERALIZED_TIME)?),
                None => None,
            },
        })
    }
}

/// The status of a response as a whole, by number; 0 is success.
///
/// # Errors
/// When it is none.
pub fn status(response: &[u8]) -> Result<u32, Malformed> {
    let mut outer = Reader::new(response).enter(der::SEQUENCE)?;
    outer.expect(der::ENUMERATED)?.small()
}

/// Takes a successful response apart.
///
/// # Errors
/// When it is malformed, or not successful.
pub fn parse(response: &[u8]) -> Result<Response<'_>, Malformed> {
    const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1, 1];
    let mut outer = Reader::new(response).enter(der::SEQUENCE)?;
    if outer.expect(der::ENUMERATED)?.small()? != 0 {
        return Err(Malformed);
    }
    let mut bytes = outer.enter(der::context(0))?.enter(der::SEQUENCE)?;
    if bytes.expect(der::OID)?.content != BASIC {
        return Err(Malformed);
    }
    let basic = bytes.expect(der::OCTET_STRING)?;
    let mut basic = basic.reader().enter(der::SEQUENCE)?;
    let signed = basic.expect(der::SEQUENCE)?;
    let mut data = signed.reader();
    let algorithm = basic.expect(der::SEQUENCE)?.content;
    let signature = basic.expect(der::BIT_STRING)?.bits()?;
    let certificates = match basic.optional(der::context(0))? {
        Some(list) => list.reader().expect(der::SEQUENCE)?.content,
        None => &[],
    };
    data.optional(der::context(0))?;
    let responder = data.any()?;
    let produced = data.expect(der::GENERALIZED_TIME)?;
    let singles = data.expect(der::SEQUENCE)?;
    let singles: Result<Vec<_>, _> = der::elements(singles.content).map(Single::parse).collect();
    let extensions = match data.optional(der::context(1))? {
        Some(list) => list.reader().expect(der::SEQUENCE)?.content,
        None => &[],
    };
    Ok(Response {
        signed: signed.whole,
        responder,
        produced,
        singles: singles?,
        extensions,
        algorithm,
        signature,
        certificates: der::elements(certificates).map(|c| c.whole).collect(),
    })
}

/// The identifier of a certificate, hashed with SHA-1 as responders expect it.
#[must_use]
pub fn id_of(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Option<Vec<u8>> {
    const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
    let (key, _) = issuer.public_key().ok()?;
    let algorithm = [der::element(der::OID, SHA1), der::element(der::NULL, &[])].concat();
    let content = [
        der::element(der::SEQUENCE, &algorithm),
        der::element(der::OCTET_STRING, &sha1(issuer.subject)),
        der::element(der::OCTET_STRING, &sha1(key)),
        der::element(der::INTEGER, certificate.serial),
    ];
    Some(der::element(der::SEQUENCE, &content.concat()))
}

/// The certificate of a bundle's issuer: named apart, in its chain, or in `issuers-chain-path`.
#[must_use]
pub fn issuer_of(bundle: &Bundle, issuers: Option<&Issuers>) -> Option<CertificateDer<'static>> {
    let leaf = bundle.leaf()?;
    let own = bundle.chain.iter().skip(1).chain(&bundle.issuer);
    let mut found =
        own.filter(|der| Certificate::parse(der).is_ok_and(|issuer| issuer.subject == leaf.issuer));
    let found = found.next().cloned();
    found.or_else(|| issuers?.of(&leaf)?.1.first().cloned())
}

/// The identifier of a bundle's certificate; `None` when its issuer is not known.
#[must_use]
pub fn id_of_bundle(bundle: &Bundle, issuers: Option<&Issuers>) -> Option<Vec<u8>> {
    let issuer = issuer_of(bundle, issuers)?;
    id_of(&bundle.leaf()?, &Certificate::parse(&issuer).ok()?)
}

/// Whether an identifier is that of a bundle's certificate. Most are told apart by their serial numbers, before anything is
/// hashed.
#[must_use]
pub fn is_about(id: &[u8], bundle: &Bundle, issuers: Option<&Issuers>) -> bool {
    let serial = CertId::read(id).ok().map(|id| id.serial);
    let own = bundle.leaf().map(|leaf| leaf.serial);
    serial.is_some() && serial == own && id_of_bundle(bundle, issuers).as_deref() == Some(id)
}

/// How far clocks may differ, in seconds; and for how long a response has to be good when it is put in place.
pub const SKEW: i64 = 300;

/// Checks that a response may be stapled, at a moment in seconds since 1970, and to which certificate.
///
/// # Errors
/// In HAProxy's words.
pub fn check(response: &[u8], now: i64) -> Result<Vec<u8>, &'static str> {
    match status(response) {
        Err(Malformed) => return Err("Unable to parse OCSP response"),
        Ok(0) => {}
        Ok(_) => return Err("OCSP response status not successful"),
    }
    let parsed = parse(response).map_err(|_| "Unable to parse OCSP response")?;
    let [single] = parsed.singles[..] else {
        return Err("OCSP response ignored because contains multiple single responses");
    };
    if single.status == Status::Unknown {
        return Err("OCSP single response: certificate status is unknown");
    }
    let next = single
        .next_update
        .ok_or("OCSP single response: missing nextupdate")?;
    let this = seconds(single.this_update);
    let next = seconds(next);
    match (this, next) {
        (Some(this), Some(next)) if this - SKEW <= now && now + SKEW <= next => {}
        (Some(this), Some(next)) if this - SKEW <= now && now <= next + SKEW => {
            return Err(
                "OCSP single response: no longer valid. Must be valid during at least 300s.",
            );
        }
        _ => return Err("OCSP single response: no longer valid."),
    }
    Ok(single.id.whole.to_vec())
}

/// Until when a response may be stapled, in seconds since 1970, with what clocks may differ taken off.
#[must_use]
pub fn expiry(response: &[u8]) -> Option<i64> {
    let parsed = parse(response).ok()?;
    let next = parsed.singles.first()?.next_update?;
    Some(seconds(next)? - SKEW)
}

/// The same for the certificate of a bundle.
///
/// # Errors
/// In HAProxy's words.
pub fn check_for(
    bundle: &Bundle,
    issuers: Option<&Issuers>,
    response: &[u8],
    now: i64,
) -> Result<(), &'static str> {
    let wanted = id_of_bundle(bundle, issuers);
    let found = check(response, now)?;
    match wanted {
        Some(wanted) if wanted == found => Ok(()),
        _ => Err("OCSP single response: Certificate ID does not match certificate and issuer"),
    }
}

/// What a responder is asked: a request about one certificate, unsigned and without a nonce (RFC 6960, section 4.1).
#[must_use]
pub fn request(id: &[u8]) -> Vec<u8> {
    // A request is in a list of them, that is in what could be signed, and that is in the whole.
    (0..4).fold(id.to_vec(), |inner, _| der::element(der::SEQUENCE, &inner))
}

/// Checks that a responder's answer is a response of somebody who may speak for a certificate's issuer: the issuer itself, or
/// whom it has delegated that to (RFC 6960, section 4.2.2.2).
///
/// # Errors
/// In HAProxy's words.
pub fn verify(response: &[u8], issuer: &Certificate<'_>, now: i64) -> Result<(), String> {
    let unreadable = || "d2i_OCSP_RESPONSE() failed".to_owned();
    match status(response).map_err(|_| unreadable())? {
        0 => {}
        other => {
            let word = word(other);
            return Err(format!("OCSP response not successful ({other}: {word})"));
        }
    }
    let parsed = parse(response).map_err(|_| unreadable())?;
    let come_along = parsed.certificates.iter();
    let come_along = come_along.filter_map(|der| Certificate::parse(der).ok());
    let delegated = come_along.filter(|certificate| speaks_for(certificate, issuer, now));
    let signed = std::iter::once(*issuer).chain(delegated).any(|signer| {
        is_responder(&signer, parsed.responder)
            && verify::is_signature_valid(
                &signer,
                parsed.algorithm,
                parsed.signed,
                parsed.signature,
            )
    });
    match signed {
        true => Ok(()),
        false => Err("OCSP_basic_verify() failed".to_owned()),
    }
}

/// OpenSSL's words for the status of a response.
fn word(status: u32) -> &'static str {
    match status {
        0 => "successful",
        1 => "malformedrequest",
        2 => "internalerror",
        3 => "trylater",
        5 => "sigrequired",
        6 => "unauthorized",
        _ => "(UNKNOWN)",
    }
}

/// Whether an issuer has delegated responses to a certificate.
fn speaks_for(certificate: &Certificate<'_>, issuer: &Certificate<'_>, now: i64) -> bool {
    const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
    let [from, until] = certificate.validity.map(seconds);
    let in_time = from.is_some_and(|from| from <= now) && until.is_some_and(|until| now <= until);
    // What is allowed by silence, or together with anything else, does not count here.
    let allowed = certificate
        .extension(oid::EXTENDED_KEY_USAGE)
        .is_some_and(|usage| {
            let list = der::Reader::new(usage.value).expect(der::SEQUENCE);
            list.is_ok_and(|list| {
                der::elements(list.content).any(|usage| usage.content == OCSP_SIGNING)
            })
        });
    in_time
        && allowed
        && certificate.issuer == issuer.subject
        && verify::is_signature_valid(
            issuer,
            certificate.signature_algorithm,
            certificate.tbs,
            certificate.signature,
        )
}

/// Whether a response says that a certificate's key has signed it.
fn is_responder(certificate: &Certificate<'_>, responder: Element<'_>) -> bool {
    let mut inner = responder.reader();
    match responder.tag & 0x1f {
        1 => responder.content == certificate.subject,
        2 => {
            let hash = inner.expect(der::OCTET_STRING);
            let key = certificate.public_key();
            matches!((hash, key), (Ok(hash), Ok((key, _))) if hash.content == sha1(key))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let wrapped = der::element(der::SEQUENCE, &[&[der::ENUMERATED, 1, 0][..], &bytes].concat());
            let _ = (check(&bytes, 0), check(&wrapped, 0), CertId::read(&bytes));
            let _ = (expiry(&bytes), expiry(&wrapped));
        }
    }

    #[test]
    fn requests_are_as_openssl_writes_them() {
        let id = der::element(der::SEQUENCE, &[4, 1, 7]);
        let expected = [0x30, 11, 0x30, 9, 0x30, 7, 0x30, 5, 0x30, 3, 4, 1, 7];
        // Five sequences: the request, what could be signed of it, the list, its entry, and the identifier.
        assert_eq!(request(&id), &expected[..]);
    }

    #[test]
    fn the_status_comes_first() {
        let later = der::element(der::SEQUENCE, &[der::ENUMERATED, 1, 3]);
        assert_eq!(check(&later, 0), Err("OCSP response status not successful"));
        assert_eq!(check(b"foo", 0), Err("Unable to parse OCSP response"));
    }
}
