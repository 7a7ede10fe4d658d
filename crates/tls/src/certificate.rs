//! The parts of an X.509 certificate (RFC 5280, section 4.1).

use crate::der::{self, Element, Malformed, Reader};
use base::calendar::Day;

/// Object identifiers of extensions and name attributes, as they stand in DER.
pub mod oid {
    /// `commonName`.
    pub const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    /// `subjectKeyIdentifier`.
    pub const SUBJECT_KEY_ID: &[u8] = &[0x55, 29, 14];
    /// `keyUsage`.
    pub const KEY_USAGE: &[u8] = &[0x55, 29, 15];
    /// `subjectAltName`.
    pub const SUBJECT_ALT_NAME: &[u8] = &[0x55, 29, 17];
    /// `issuerAltName`.
    pub const ISSUER_ALT_NAME: &[u8] = &[0x55, 29, 18];
    /// `basicConstraints`.
    pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 29, 19];
    /// `nameConstraints`.
    pub const NAME_CONSTRAINTS: &[u8] = &[0x55, 29, 30];
    /// `certificatePolicies`.
    pub const POLICIES: &[u8] = &[0x55, 29, 32];
    /// `policyMappings`.
    pub const POLICY_MAPPINGS: &[u8] = &[0x55, 29, 33];
    /// `policyConstraints`.
    pub const POLICY_CONSTRAINTS: &[u8] = &[0x55, 29, 36];
    /// `inhibitAnyPolicy`.
    pub const INHIBIT_ANY_POLICY: &[u8] = &[0x55, 29, 54];
    /// `authorityKeyIdentifier`.
    pub const AUTHORITY_KEY_ID: &[u8] = &[0x55, 29, 35];
    /// `extKeyUsage`.
    pub const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 29, 37];
    /// `cRLDistributionPoints`.
    pub const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 29, 31];
    /// `authorityInfoAccess`.
    pub const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
    /// The key usage `serverAuth`.
    pub const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    /// The key usage `clientAuth`.
    pub const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
    /// Any extended key usage.
    pub const ANY_USAGE: &[u8] = &[0x55, 29, 37, 0];
    /// The algorithm `rsaEncryption`.
    pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    /// The algorithm `id-ecPublicKey`.
    pub const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    /// The algorithm Ed25519.
    pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
}

/// A certificate's parts, as slices of it.
#[derive(Debug, Clone, Copy)]
pub struct Certificate<'a> {
    /// All of it.
    pub der: &'a [u8],
    /// What the signature covers.
    pub tbs: &'a [u8],
    /// 1 to 3.
    pub version: u32,
    /// The serial number's content octets.
    pub serial: &'a [u8],
    /// The issuer's name, with its tag.
    pub issuer: &'a [u8],
    /// The subject's name, with its tag.
    pub subject: &'a [u8],
    /// Valid from and until.
    pub validity: [Element<'a>; 2],
    /// The public key with its algorithm, with its tag.
    pub spki: &'a [u8],
    /// The algorithm of the public key.
    pub key_algorithm: &'a [u8],
    /// The content of the list of extensions.
    extensions: &'a [u8],
    /// The algorithm of the signature: content of the AlgorithmIdentifier.
    pub signature_algorithm: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
}

/// One extension.
#[derive(Debug, Clone, Copy)]
pub struct Extension<'a> {
    /// What it is.
    pub oid: &'a [u8],
    /// Whether a certificate with it must be refused by those who don't know it.
    pub critical: bool,
    /// The content.
    pub value: &'a [u8],
}

/// A name of a `subjectAltName`: the tag within GeneralName, and the content.
pub type GeneralName<'a> = Element<'a>;

/// `dNSName` in a GeneralName.
pub const DNS_NAME: u8 = der::context_primitive(2);
/// `rfc822Name` in a GeneralName.
pub const EMAIL: u8 = der::context_primitive(1);
/// `uniformResourceIdentifier` in a GeneralName.
pub const URI: u8 = der::context_primitive(6);
/// `iPAddress` in a GeneralName.
pub const IP_ADDRESS: u8 = der::context_primitive(7);
/// `directoryName` in a GeneralName.
pub const DIRECTORY_NAME: u8 = der::context(4);

impl<'a> Certificate<'a> {
    /// Reads a certificate.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = Reader::new(der);
        let whole = outer.expect(der::SEQUENCE)?;
        let mut parts = whole.reader();
        let tbs = parts.expect(der::SEQUENCE)?;
        let signature_algorithm = parts.expect(der::SEQUENCE)?.content;
        let signature = parts.expect(der::BIT_STRING)?.bits()?;
        let mut fields = tbs.reader();
        let version = match fields.optional(der::context(0))? {
            Some(version) => version.reader().expect(der::INTEGER)?.small()? + 1,
            None => 1,
        };
        let serial = fields.expect(der::INTEGER)?.content;
        fields.expect(der::SEQUENCE)?;
        let issuer = fields.expect(der::SEQUENCE)?.whole;
        let mut validity = fields.enter(der::SEQUENCE)?;
        let validity = [validity.any()?, validity.any()?];
        let subject = fields.expect(der::SEQUENCE)?.whole;
        let spki = fields.expect(der::SEQUENCE)?;
        let mut algorithm = spki.reader().enter(der::SEQUENCE)?;
        let key_algorithm = algorithm.expect(der::OID)?.content;
        fields.optional(der::context_primitive(1))?;
        fields.optional(der::context_primitive(2))?;
        let extensions = match fields.optional(der::context(3))? {
            Some(list) => list.reader().expect(der::SEQUENCE)?.content,
            None => &[],
        };
        Ok(Self {
            der: whole.whole,
            tbs: tbs.whole,
            version,
            serial,
            issuer,
            subject,
            validity,
            spki: spki.whole,
            key_algorithm,
            extensions,
            signature_algorithm,
            signature,
        })
    }

    /// All extensions.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> {
        extensions(self.extensions)
    }

    /// The extension of this kind.
    #[must_use]
    pub fn extension(&self, oid: &[u8]) -> Option<Extension<'a>> {
        self.extensions().find(|extension| extension.oid == oid)
    }

    /// The names of the `subjectAltName`.
    pub fn alternative_names(&self) -> impl Iterator<Item = GeneralName<'a>> {
        let names = self.extension(oid::SUBJECT_ALT_NAME);
        let list = names.and_then(|names| Reader::new(names.value).expect(der::SEQUENCE).ok());
        list.into_iter()
            .flat_map(|list| der::elements(list.content))
    }

    /// The subject's common names.
    pub fn common_names(&self) -> impl Iterator<Item = &'a [u8]> {
        attributes(self.subject)
            .filter(|(oid, _)| *oid == oid::COMMON_NAME)
            .map(|(_, value)| value.content)
    }

    /// The DNS names that the certificate is for, as a server's certificate: those of the `subjectAltName`, and the common
    /// names.
    pub fn server_names(&self) -> impl Iterator<Item = &'a [u8]> {
        self.alternative_names()
            .filter(|name| name.tag == DNS_NAME)
            .map(|name| name.content)
            .chain(self.common_names())
    }

    /// The public key's bits and the content of its AlgorithmIdentifier.
    ///
    /// # Errors
    /// When they are malformed.
    pub fn public_key(&self) -> Result<(&'a [u8], &'a [u8]), Malformed> {
        let mut spki = Reader::new(self.spki).enter(der::SEQUENCE)?;
        let algorithm = spki.expect(der::SEQUENCE)?.content;
        let key = spki.expect(der::BIT_STRING)?.bits()?;
        Ok((key, algorithm))
    }

    /// The kind of the key and its size in bits, as PROXY headers have them: `RSA2048`, `EC256`.
    #[must_use]
    pub fn key_kind(&self) -> Option<String> {
        if self.key_algorithm == oid::RSA {
            let (key, _) = self.public_key().ok()?;
            return Some(format!("RSA{}", crate::verify::rsa_bits(key)?));
        }
        let bits = match self.curve()? {
            rustls::NamedGroup::secp256r1 => 256,
            rustls::NamedGroup::secp384r1 => 384,
            rustls::NamedGroup::secp521r1 => 521,
            _ => return None,
        };
        Some(format!("EC{bits}"))
    }

    /// The name of the algorithm that it is signed with, as OpenSSL writes it in short.
    #[must_use]
    pub fn signature_name(&self) -> Option<String> {
        let kind = Reader::new(self.signature_algorithm)
            .expect(der::OID)
            .ok()?;
        Some(crate::name::algorithm(kind.content))
    }

    /// The curve of an EC key, if it is one of those used in TLS.
    #[must_use]
    pub fn curve(&self) -> Option<rustls::NamedGroup> {
        let (_, algorithm) = self.public_key().ok()?;
        let mut fields = Reader::new(algorithm);
        if fields.expect(der::OID).ok()?.content != oid::EC {
            return None;
        }
        match fields.expect(der::OID).ok()?.content {
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7] => Some(rustls::NamedGroup::secp256r1),
            [0x2b, 0x81, 4, 0, 34] => Some(rustls::NamedGroup::secp384r1),
            [0x2b, 0x81, 4, 0, 35] => Some(rustls::NamedGroup::secp521r1),
            _ => None,
        }
    }

    /// Whether issuer and subject are the same.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// The `basicConstraints`: whether it is an authority, and how many may stand below it.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<(bool, Option<u32>)> {
        let mut fields = Reader::new(self.extension(oid::BASIC_CONSTRAINTS)?.value)
            .enter(der::SEQUENCE)
            .ok()?;
        let authority = fields.optional(der::BOOLEAN).ok()?;
        let length = fields.optional(der::INTEGER).ok()?;
        let length = length.and_then(|length| length.small().ok());
        Some((authority.is_some_and(|value| value.content != [0]), length))
    }

    /// The bits of `keyUsage`, `digitalSignature` first (bit 15); `None` without it.
    #[must_use]
    pub fn key_usage(&self) -> Option<u16> {
        let value = self.extension(oid::KEY_USAGE)?.value;
        let bits = Reader::new(value).expect(der::BIT_STRING).ok()?.content;
        let byte = |at: usize| u16::from(bits.get(at).copied().unwrap_or(0));
        Some(byte(1) << 8 | byte(2))
    }

    /// Whether the `extKeyUsage` allows a purpose, or there is none.
    #[must_use]
    pub fn allows_usage(&self, purpose: &[u8]) -> bool {
        let Some(usage) = self.extension(oid::EXTENDED_KEY_USAGE) else {
            return true;
        };
        let list = Reader::new(usage.value).expect(der::SEQUENCE);
        list.is_ok_and(|list| {
            der::elements(list.content)
                .any(|usage| usage.content == purpose || usage.content == oid::ANY_USAGE)
        })
    }

    /// The key identifier of the subject.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&'a [u8]> {
        let value = self.extension(oid::SUBJECT_KEY_ID)?.value;
        Some(Reader::new(value).expect(der::OCTET_STRING).ok()?.content)
    }

    /// The key identifier of the issuer.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&'a [u8]> {
        let value = self.extension(oid::AUTHORITY_KEY_ID)?.value;
        let mut fields = Reader::new(value).enter(der::SEQUENCE).ok()?;
        Some(fields.optional(der::context_primitive(0)).ok()??.content)
    }

    /// The URI of the OCSP responder.
    #[must_use]
    pub fn ocsp_uri(&self) -> Option<&'a str> {
        const OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1];
        let value = self.extension(oid::AUTHORITY_INFO_ACCESS)?.value;
        let list = Reader::new(value).expect(der::SEQUENCE).ok()?;
        der::elements(list.content).find_map(|access| {
            let mut fields = access.reader();
            let method = fields.expect(der::OID).ok()?;
            let place = fields.expect(URI).ok()?;
            let uri = std::str::from_utf8(place.content).ok();
            uri.filter(|_| method.content == OCSP)
        })
    }
}

/// Reads a list of extensions.
pub fn extensions(list: &[u8]) -> impl Iterator<Item = Extension<'_>> {
    der::elements(list).filter_map(|extension| {
        let mut fields = extension.reader();
        let oid = fields.expect(der::OID).ok()?.content;
        let critical = fields.optional(der::BOOLEAN).ok()?;
        let value = fields.expect(der::OCTET_STRING).ok()?.content;
        Some(Extension {
            oid,
            critical: critical.is_some_and(|value| value.content != [0]),
            value,
        })
    })
}

/// The attributes of a name, with its tag, in their order: type and value.
pub fn attributes(name: &[u8]) -> impl Iterator<Item = (&[u8], Element<'_>)> {
    let name = Reader::new(name).expect(der::SEQUENCE).ok();
    let sets = name
        .into_iter()
        .flat_map(|name| der::elements(name.content));
    sets.flat_map(|set| der::elements(set.content))
        .filter_map(|attribute| {
            let mut fields = attribute.reader();
            Some((fields.expect(der::OID).ok()?.content, fields.any().ok()?))
        })
}

/// The seconds since 1970 of a UTCTime or GeneralizedTime; `None` when it is malformed.
#[must_use]
pub fn seconds(time: Element<'_>) -> Option<i64> {
    let digits = time.content.strip_suffix(b"Z")?;
    let digits = digits.split(|&byte| byte == b'.').next()?;
    let number = |at: usize, len: usize| -> Option<i64> {
        let text = digits.get(at..at + len)?;
        let all = text.iter().all(u8::is_ascii_digit);
        all.then(|| {
            text.iter()
                .fold(0, |n, byte| n * 10 + i64::from(byte - b'0'))
        })
    };
    let (year, rest) = match time.tag {
        der::UTC_TIME => {
            let year = number(0, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, 2)
        }
        der::GENERALIZED_TIME => (number(0, 4)?, 4),
        _ => return None,
    };
    let (month, day) = (number(rest, 2)?, number(rest + 2, 2)?);
    let (hour, minute) = (number(rest + 4, 2)?, number(rest + 6, 2)?);
    let second = if digits.len() > rest + 8 {
        number(rest + 8, 2)?
    } else {
        0
    };
    let sane = (1..=12).contains(&month) && (1..=31).contains(&day);
    (sane && hour < 24 && minute < 60 && second < 61)
        .then(|| Day { year, month, day }.number() * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(tag: u8, text: &str) -> Option<i64> {
        seconds(Element {
            tag,
            content: text.as_bytes(),
            whole: &[],
        })
    }

    #[test]
    fn times_are_read() {
        assert_eq!(time(der::UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(time(der::UTC_TIME, "250711143705Z"), Some(1_752_244_625));
        assert_eq!(
            time(der::GENERALIZED_TIME, "20500101000000Z"),
            Some(2_524_608_000)
        );
        assert_eq!(time(der::UTC_TIME, "251311143705Z"), None);
        assert_eq!(time(der::UTC_TIME, "2507"), None);
    }

    #[test]
    fn a_certificate_is_taken_apart() {
        let names = vec!["a.example".to_owned(), "*.b.example".to_owned()];
        let key = rcgen::generate_simple_self_signed(names).unwrap();
        let cert = Certificate::parse(key.cert.der()).unwrap();
        assert_eq!(cert.version, 3);
        assert!(cert.is_self_issued());
        assert_eq!(cert.key_algorithm, oid::EC);
        let names: Vec<&[u8]> = cert.server_names().collect();
        assert_eq!(names[..2], [&b"a.example"[..], b"*.b.example"]);
        assert!(seconds(cert.validity[0]) < seconds(cert.validity[1]));
        let short = &key.cert.der()[..100];
        assert!(Certificate::parse(short).is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(flips in proptest::collection::vec((0usize..400, proptest::num::u8::ANY), 1..8)) {
            let key = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
            let mut der = key.cert.der().to_vec();
            for (at, byte) in flips {
                if let Some(place) = der.get_mut(at) { *place = byte; }
            }
            if let Ok(cert) = Certificate::parse(&der) {
                let _ = (cert.server_names().count(), cert.key_usage(), cert.basic_constraints(), cert.ocsp_uri());
                let _ = (cert.authority_key_id(), cert.subject_key_id(), seconds(cert.validity[0]));
            }
        }
    }
}
