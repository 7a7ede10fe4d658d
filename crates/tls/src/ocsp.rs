//! OCSP responses (RFC 6960): which certificate they are about, and what they say of it.

use crate::bundle::Bundle;
use crate::certificate::{Certificate, seconds};
use crate::der::{self, Element, Malformed, Reader};
use crate::store::{Issuers, sha1};
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
    let mut data = basic.enter(der::SEQUENCE)?;
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

/// How far clocks may differ, in seconds.
const SKEW: i64 = 300;

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
        (Some(this), Some(next)) if this - SKEW <= now && now <= next + SKEW => {}
        _ => return Err("OCSP single response: no longer valid."),
    }
    Ok(single.id.whole.to_vec())
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

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let wrapped = der::element(der::SEQUENCE, &[&[der::ENUMERATED, 1, 0][..], &bytes].concat());
            let _ = (check(&bytes, 0), check(&wrapped, 0), CertId::read(&bytes));
        }
    }

    #[test]
    fn the_status_comes_first() {
        let later = der::element(der::SEQUENCE, &[der::ENUMERATED, 1, 3]);
        assert_eq!(check(&later, 0), Err("OCSP response status not successful"));
        assert_eq!(check(b"foo", 0), Err("Unable to parse OCSP response"));
    }
}
