//! Certificates made on the fly for names that no certificate is for (`generate-certificates`; configuration manual, section
//! 5.1).
//!
//! What is made has the key of the default certificate, so that making it takes one signature of the authority and no new
//! key. The last ones made are kept.

use crate::bundle::Bundle;
use crate::certificate::{Certificate, oid};
use crate::der;
use crate::key::PrivateKey;
use crate::load;
use crate::passphrase;
use crate::server::Instance;
use crate::settings::GlobalSettings;
use crate::store::{based, sha1};
use parking_lot::Mutex;
use rustls::SignatureScheme;
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::Arc;

const DAY: i64 = 86_400;
/// From when certificates are valid, before they are made: clocks differ. In seconds, as the next.
const BEFORE: i64 = DAY;
/// Until when they are valid.
const AFTER: i64 = 365 * DAY;
/// How long they are used.
const USED: i64 = 180 * DAY;

/// Who signs (`ca-sign-file`).
#[derive(Debug)]
pub struct Authority {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKey,
}

impl Authority {
    /// Reads an authority's certificate and key, which `ca-sign-pass` opens if it is encrypted.
    ///
    /// # Errors
    /// In HAProxy's words.
    pub fn load(
        path: &str,
        passphrase: Option<&str>,
        global: &GlobalSettings,
    ) -> Result<Self, String> {
        let path = based(global.ca_base.as_deref(), path);
        let open = || match passphrase {
            Some(passphrase) => Some(passphrase.as_bytes().to_vec()),
            None => passphrase::ask(&global.passphrase_command, &path),
        };
        let text = std::fs::read(&path).map_err(|_| format!("cannot open the file '{path}'."))?;
        let faulty = |why: String| format!("unable to load certificate from file '{path}': {why}.");
        let mut bundle = Bundle::default();
        bundle.take_pem(&text, &open).map_err(faulty)?;
        if bundle.chain.is_empty() {
            return Err(faulty("no start line".to_owned()));
        }
        if bundle.key.is_none()
            && let Ok(text) = std::fs::read(format!("{path}.key"))
        {
            load::take_key(&mut bundle, &text, &open).map_err(faulty)?;
        }
        load::complete(&mut bundle, &path, global)?;
        let missing = || format!("No Private Key found in '{path}.key'.");
        Ok(Self {
            chain: bundle.chain,
            key: bundle.key.ok_or_else(missing)?,
        })
    }

    /// Makes a certificate for a name, with the key of another one, at a moment in seconds since 1970.
    #[must_use]
    pub fn make(&self, name: &str, like: &Bundle, now: i64) -> Option<Bundle> {
        let key = like.key.clone()?;
        let leaf = like.leaf()?;
        let authority = Certificate::parse(self.chain.first()?).ok()?;
        let known: Vec<SignatureScheme> = ALGORITHMS.iter().map(|(scheme, _)| *scheme).collect();
        let signer = self.key.signer.choose_scheme(&known)?;
        let used = ALGORITHMS
            .iter()
            .find(|(scheme, _)| *scheme == signer.scheme())?;
        let algorithm = der::element(der::SEQUENCE, used.1);
        let version = der::element(der::context(0), &der::element(der::INTEGER, &[2]));
        let dates = [date(now - BEFORE), date(now + AFTER)].concat();
        let content = [
            version,
            der::element(der::INTEGER, &serial()?),
            algorithm.clone(),
            authority.subject.to_vec(),
            der::element(der::SEQUENCE, &dates),
            subject(&authority, name)?,
            leaf.spki.to_vec(),
            der::element(der::context(3), &extensions(name, &leaf, &authority)?),
        ];
        let signed = der::element(der::SEQUENCE, &content.concat());
        let signature = signer.sign(&signed).ok()?;
        let bits = der::element(der::BIT_STRING, &[&[0], &signature[..]].concat());
        let whole = der::element(der::SEQUENCE, &[signed, algorithm, bits].concat());
        let mut chain = vec![CertificateDer::from(whole)];
        chain.extend(self.chain.iter().cloned());
        Some(Bundle {
            name: name.into(),
            chain,
            key: Some(key),
            ..Bundle::default()
        })
    }
}

/// Signatures that an authority may make, the preferred first, with the content of their AlgorithmIdentifiers.
const ALGORITHMS: [(SignatureScheme, &[u8]); 5] = [
    (
        SignatureScheme::RSA_PKCS1_SHA256,
        &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0],
    ),
    (
        SignatureScheme::ECDSA_NISTP256_SHA256,
        &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
    ),
    (
        SignatureScheme::ECDSA_NISTP384_SHA384,
        &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3],
    ),
    (
        SignatureScheme::ECDSA_NISTP521_SHA512,
        &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4],
    ),
    (SignatureScheme::ED25519, &[6, 3, 0x2b, 0x65, 0x70]),
];

/// A serial number that nobody can guess: 16 bytes, positive.
fn serial() -> Option<Vec<u8>> {
    let mut bytes = vec![0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    let first = bytes.first_mut()?;
    *first = *first & 0x3f | 0x40;
    Some(bytes)
}

/// The authority's name with the name asked for behind it, as far as a common name may be that long (RFC 5280, appendix A.1).
fn subject(authority: &Certificate<'_>, name: &str) -> Option<Vec<u8>> {
    const LONGEST: usize = 64;
    const UTF8: der::Tag = 12;
    const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    let own = der::Reader::new(authority.subject)
        .expect(der::SEQUENCE)
        .ok()?;
    let mut names = own.content.to_vec();
    if name.len() <= LONGEST {
        let pair = [
            der::element(der::OID, COMMON_NAME),
            der::element(UTF8, name.as_bytes()),
        ];
        let pair = der::element(der::SEQUENCE, &pair.concat());
        names.extend(der::element(der::SET, &pair));
    }
    Some(der::element(der::SEQUENCE, &names))
}

fn extensions(name: &str, leaf: &Certificate<'_>, authority: &Certificate<'_>) -> Option<Vec<u8>> {
    const NO_AUTHORITY: &[u8] = &[0x30, 0];
    // Signatures, commitments and the exchange of keys.
    const USAGE: &[u8] = &[der::BIT_STRING, 2, 5, 0xe0];
    let (key, _) = leaf.public_key().ok()?;
    let own = der::element(der::OCTET_STRING, &sha1(key));
    let name = match name.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => der::element(der::context_primitive(7), &ip.octets()),
        Ok(std::net::IpAddr::V6(ip)) => der::element(der::context_primitive(7), &ip.octets()),
        Err(_) => der::element(der::context_primitive(2), name.as_bytes()),
    };
    let mut list = vec![
        (oid::BASIC_CONSTRAINTS, NO_AUTHORITY.to_vec()),
        (oid::KEY_USAGE, USAGE.to_vec()),
        (oid::SUBJECT_KEY_ID, own),
        (oid::SUBJECT_ALT_NAME, der::element(der::SEQUENCE, &name)),
    ];
    if let Some(issuer) = authority.subject_key_id() {
        let id = der::element(der::context_primitive(0), issuer);
        list.push((oid::AUTHORITY_KEY_ID, der::element(der::SEQUENCE, &id)));
    }
    let mut content = Vec::new();
    for (kind, value) in list {
        let pair = [
            der::element(der::OID, kind),
            der::element(der::OCTET_STRING, &value),
        ];
        content.extend(der::element(der::SEQUENCE, &pair.concat()));
    }
    Some(der::element(der::SEQUENCE, &content))
}

/// A date: in two digits of the year up to 2049, in four from then on (RFC 5280, section 4.1.2.5).
fn date(seconds: i64) -> Vec<u8> {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let rest = format!(
        "{month:02}{day:02}{:02}{:02}{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    match year {
        1950..2050 => der::element(der::UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes()),
        _ => der::element(der::GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes()),
    }
}

/// Year, month and day of a number of days since 1970. Years begin in March here, so that the day that is not always there is
/// the last of one.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Certificates made for a listening line.
#[derive(Debug)]
pub struct Generator {
    authority: Authority,
    /// How many are kept (`tune.ssl.ssl-ctx-cache-size`).
    most: usize,
    made: Mutex<Made>,
}

#[derive(Debug, Default)]
struct Made {
    by_name: HashMap<Box<str>, Entry>,
    /// Counts uses, so that it is known which was longest ago.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    instance: Arc<Instance>,
    /// The certificate whose key and settings it has.
    like: Arc<Instance>,
    made_at: i64,
    used: u64,
}

impl Generator {
    /// Makes certificates in an authority's name.
    #[must_use]
    pub fn new(authority: Authority, most: usize) -> Self {
        Self {
            authority,
            most,
            made: Mutex::default(),
        }
    }

    /// The certificate for a name: one that is there, or else a new one that `finish` makes usable. Nothing when the name
    /// can't be in a certificate, or when making one fails.
    pub fn get(
        &self,
        name: &[u8],
        like: &Arc<Instance>,
        now: i64,
        finish: impl FnOnce(Bundle) -> Option<Instance>,
    ) -> Option<Arc<Instance>> {
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|name| is_name(name))?;
        let mut made = self.made.lock();
        made.uses += 1;
        let used = made.uses;
        let fits = |entry: &&mut Entry| {
            Arc::ptr_eq(&entry.like, like) && (now - entry.made_at).abs() < USED
        };
        if let Some(entry) = made.by_name.get_mut(name).filter(fits) {
            entry.used = used;
            return Some(entry.instance.clone());
        }
        // Others need not wait for the signature.
        drop(made);
        let bundle = self.authority.make(name, &like.bundle, now)?;
        let instance = Arc::new(finish(bundle)?);
        if self.most == 0 {
            return Some(instance);
        }
        let mut made = self.made.lock();
        if made.by_name.len() >= self.most && !made.by_name.contains_key(name) {
            made.forget_oldest();
        }
        let entry = Entry {
            instance: instance.clone(),
            like: like.clone(),
            made_at: now,
            used,
        };
        made.by_name.insert(name.into(), entry);
        Some(instance)
    }
}

impl Made {
    fn forget_oldest(&mut self) {
        let oldest = self.by_name.iter().min_by_key(|(_, entry)| entry.used);
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            self.by_name.remove(&name);
        }
    }
}

/// Whether a certificate may be for a name.
fn is_name(name: &str) -> bool {
    const LONGEST: usize = 253;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::seconds;
    use crate::verify::{is_for_host, is_signature_valid};

    /// 2026-11-21.
    const NOW: i64 = 1_795_219_200;

    fn authority(kind: &'static rcgen::SignatureAlgorithm) -> Authority {
        let key = rcgen::KeyPair::generate_for(kind).expect("a key");
        let mut params = rcgen::CertificateParams::new(vec![]).expect("no names");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let pem = certificate.pem() + &key.serialize_pem();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, pem).expect("written");
        let path = path.to_str().expect("UTF-8");
        Authority::load(path, None, &GlobalSettings::default()).expect("an authority")
    }

    fn site() -> Bundle {
        let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).expect("made");
        let mut bundle = Bundle::default();
        let pem = made.cert.pem() + &made.signing_key.serialize_pem();
        bundle
            .take_pem(pem.as_bytes(), &|| None)
            .expect("a certificate");
        bundle
    }

    #[test]
    fn what_is_made_is_signed_and_for_its_name() {
        let site = site();
        for kind in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ECDSA_P521_SHA512,
            &rcgen::PKCS_ED25519,
        ] {
            let authority = authority(kind);
            for name in ["b.test", "192.0.2.1", &format!("{}.test", "c".repeat(63))] {
                let made = authority.make(name, &site, NOW).expect("a certificate");
                let leaf = made.leaf().expect("a certificate");
                let issuer = Certificate::parse(&authority.chain[0]).expect("an authority");
                assert!(is_for_host(&leaf, name.as_bytes()), "{name}");
                assert!(is_signature_valid(
                    &issuer,
                    leaf.signature_algorithm,
                    leaf.tbs,
                    leaf.signature
                ));
                assert_eq!(
                    leaf.validity.map(seconds),
                    [Some(NOW - DAY), Some(NOW + 365 * DAY)]
                );
                assert_eq!(leaf.authority_key_id(), issuer.subject_key_id());
                assert!(made.is_consistent() && made.chain.len() == 2);
            }
        }
    }

    #[test]
    fn names_that_can_not_be_in_a_certificate() {
        assert!(is_name("a-b_c.test") && is_name("192.0.2.1"));
        for name in ["", "a b", "a\0b", "\u{e4}.test", &"a".repeat(254)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn dates_far_away_have_four_digits_of_the_year() {
        assert_eq!(date(NOW), der::element(der::UTC_TIME, b"261121000000Z"));
        let later = 2_556_144_000;
        assert_eq!(
            date(later),
            der::element(der::GENERALIZED_TIME, b"20510101000000Z")
        );
        for day in [0, 59, 60, 365, 11_016, 20_000, 40_000] {
            let written = date(day * DAY);
            let read = der::Reader::new(&written).any().expect("a date");
            assert_eq!(seconds(read), Some(day * DAY), "{day}");
        }
    }

    #[test]
    fn faults_of_files() {
        let load = |path: &str| Authority::load(path, None, &GlobalSettings::default());
        let missing = load("/nonexistent").expect_err("no file");
        assert_eq!(missing, "cannot open the file '/nonexistent'.");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.pem");
        let path = path.to_str().expect("UTF-8");
        let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).expect("made");
        let other = rcgen::KeyPair::generate().expect("a key").serialize_pem();
        for (text, fault) in [
            (
                made.signing_key.serialize_pem(),
                format!("unable to load certificate from file '{path}': no start line."),
            ),
            (
                made.cert.pem(),
                format!("No Private Key found in '{path}.key'."),
            ),
            (
                made.cert.pem() + &other,
                format!("inconsistencies between private key and certificate loaded '{path}'."),
            ),
        ] {
            std::fs::write(path, text).expect("written");
            assert_eq!(load(path).expect_err("a fault"), fault);
        }
    }
}
