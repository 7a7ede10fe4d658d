//! The words of the configuration language that name versions, ciphers, groups and the like.

use crate::settings::{Ignored, Verify, Version};
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, kx_group};
use rustls::{CipherSuite, SignatureScheme, SupportedCipherSuite};
use std::sync::Arc;

/// What was read, and a warning about what of it is not offered.
pub type Read<T> = Result<(T, Option<String>), String>;

/// The suites of TLS 1.2 that are offered, in OpenSSL's order, by OpenSSL's names.
static OLD: &[(&str, SupportedCipherSuite)] = &[
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
];

/// The suites of TLS 1.3 that are offered.
static NEW: &[(&str, SupportedCipherSuite)] = &[
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
];

/// All suites that are offered, those of TLS 1.3 first.
pub fn suites() -> impl Iterator<Item = SupportedCipherSuite> {
    NEW.iter().chain(OLD).map(|(_, suite)| *suite)
}

/// OpenSSL's name of a suite.
#[must_use]
pub fn suite_name(wanted: CipherSuite) -> Option<&'static str> {
    let mut all = NEW.iter().chain(OLD);
    all.find(|(_, suite)| suite.suite() == wanted)
        .map(|(name, _)| *name)
}

/// OpenSSL's name of a cipher suite by its number, also of those that are only offered by others.
#[must_use]
pub fn cipher_name(number: u16) -> String {
    let known = suite_name(CipherSuite::from(number));
    known.map_or_else(|| format!("UNKNOWN({number:04x})"), str::to_owned)
}

/// The bits of a suite's key.
#[must_use]
pub fn suite_bits(name: &str) -> u32 {
    if name.contains("128") { 128 } else { 256 }
}

/// Classes of ciphers that OpenSSL knows by a word and that none of the offered ones belongs to.
const FOREIGN: &[&str] = &[
    "aNULL",
    "eNULL",
    "NULL",
    "LOW",
    "MEDIUM",
    "EXP",
    "EXPORT",
    "MD5",
    "RC4",
    "DES",
    "3DES",
    "IDEA",
    "SEED",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "ARIAGCM",
    "PSK",
    "kPSK",
    "kRSAPSK",
    "kECDHEPSK",
    "kDHEPSK",
    "aPSK",
    "SRP",
    "kSRP",
    "aSRP",
    "DSS",
    "aDSS",
    "DH",
    "kDHE",
    "kEDH",
    "DHE",
    "EDH",
    "ADH",
    "AECDH",
    "kRSA",
    "kDH",
    "kECDH",
    "kECDHr",
    "kECDHe",
    "aECDH",
    "SHA",
    "SHA1",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "AESCCM",
    "AESCCM8",
    "GOST",
    "kGOST",
    "aGOST",
    "aGOST01",
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "CBC",
    "FIPS",
    "EECDHE",
    "kFZA",
    "aDH",
];

/// Whether a suite of TLS 1.2 belongs to a class; `None` when nobody knows the class.
fn belongs(name: &str, class: &str) -> Option<bool> {
    let has = |part: &str| Some(name.contains(part));
    match class {
        "ALL" | "DEFAULT" | "HIGH" | "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" | "ECDH"
        | "TLSv1.2" | "AEAD" => Some(true),
        "RSA" => Some(false),
        "aRSA" => has("-RSA-"),
        "ECDSA" | "aECDSA" => has("-ECDSA-"),
        "AES" | "AESGCM" => has("-AES"),
        "AES128" => has("AES128"),
        "AES256" => has("AES256"),
        "CHACHA20" => has("CHACHA20"),
        "SHA256" | "SHA384" => Some(name.contains("GCM") && name.ends_with(class)),
        _ if FOREIGN.contains(&class) => Some(false),
        _ if OLD.iter().any(|(known, _)| *known == class) => Some(name == class),
        _ => None,
    }
}

/// Whether a word looks like the name of a cipher.
fn is_cipher_name(word: &str) -> bool {
    const PARTS: [&str; 9] = [
        "AES", "SHA", "GCM", "CHACHA20", "DES", "RC4", "CAMELLIA", "MD5", "NULL",
    ];
    word.contains('-') && PARTS.iter().any(|part| word.contains(part))
}

fn offered(list: &[(&str, SupportedCipherSuite)]) -> String {
    let names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
    names.join(":")
}

/// Reads a cipher string as OpenSSL does (`man openssl-ciphers`), for TLS 1.2.
///
/// # Errors
/// When no word of it means anything.
pub fn ciphers(text: &str) -> Read<Arc<[SupportedCipherSuite]>> {
    let mut active: Vec<usize> = Vec::new();
    let mut killed: Vec<usize> = Vec::new();
    let (mut known, mut missing) = (false, Vec::new());
    for word in text
        .split([':', ',', ' ', ';'])
        .filter(|word| !word.is_empty())
    {
        if word.starts_with('@') {
            known = true;
            continue;
        }
        let (operator, class) = match word.chars().next() {
            Some(operator @ ('!' | '-' | '+')) => {
                (Some(operator), word.get(1..).unwrap_or_default())
            }
            _ => (None, word),
        };
        let understood = class
            .split('+')
            .all(|part| belongs("", part).is_some() || is_cipher_name(part));
        known |= understood;
        let matching: Vec<usize> = OLD
            .iter()
            .enumerate()
            .filter(|(_, (name, _))| {
                class
                    .split('+')
                    .all(|part| belongs(name, part) == Some(true))
            })
            .map(|(at, _)| at)
            .collect();
        if matching.is_empty() && operator.is_none() {
            missing.push(word);
        }
        match operator {
            None => {
                let fresh = |at: &usize| !active.contains(at) && !killed.contains(at);
                let fresh: Vec<usize> = matching.into_iter().filter(fresh).collect();
                active.extend(fresh);
            }
            Some('+') => {
                let (moved, kept): (Vec<_>, Vec<_>) =
                    active.into_iter().partition(|at| matching.contains(at));
                active = [kept, moved].concat();
            }
            Some(operator) => {
                active.retain(|at| !matching.contains(at));
                if operator == '!' {
                    killed.extend(matching);
                }
            }
        }
    }
    if !known {
        return Err(format!("no cipher in '{text}' is known"));
    }
    if active.is_empty() {
        active = stand_ins(&missing, &killed);
    }
    let chosen: Vec<_> = active
        .iter()
        .filter_map(|at| OLD.get(*at).map(|(_, suite)| *suite))
        .collect();
    let warning = (!missing.is_empty()).then(|| {
        format!(
            "not offered and left out: {}. Offered with TLS 1.2: {}.",
            missing.join(":"),
            offered(OLD)
        )
    });
    Ok((chosen.into(), warning))
}

/// What takes the place of ciphers none of which is offered: those with the same kind of certificate.
fn stand_ins(missing: &[&str], killed: &[usize]) -> Vec<usize> {
    let ecdsa = missing.iter().any(|word| word.contains("ECDSA"));
    let rsa = missing
        .iter()
        .any(|word| word.contains("RSA") && !word.contains("ECDSA"));
    OLD.iter()
        .enumerate()
        .filter(|(at, (name, _))| {
            let fits = if name.contains("ECDSA") { ecdsa } else { rsa };
            (fits || ecdsa == rsa) && !killed.contains(at) && !missing.is_empty()
        })
        .map(|(at, _)| at)
        .collect()
}

/// Reads `ciphersuites`, for TLS 1.3.
///
/// # Errors
/// At a name that nobody knows.
pub fn ciphersuites(text: &str) -> Read<Arc<[SupportedCipherSuite]>> {
    let (mut chosen, mut missing) = (Vec::new(), Vec::new());
    for name in text.split(':').filter(|name| !name.is_empty()) {
        match NEW.iter().find(|(known, _)| *known == name) {
            Some((_, suite)) => chosen.push(*suite),
            None if name.starts_with("TLS_") => missing.push(name),
            None => return Err(format!("unknown cipher suite '{name}'")),
        }
    }
    let warning = (!missing.is_empty()).then(|| {
        format!(
            "not offered and left out: {}. Offered with TLS 1.3: {}.",
            missing.join(":"),
            offered(NEW)
        )
    });
    Ok((chosen.into(), warning))
}

/// The groups that are offered, with the names under which files know them; the first is OpenSSL's own.
fn groups() -> [(&'static [&'static str], &'static dyn SupportedKxGroup); 7] {
    [
        (&["X25519"], kx_group::X25519),
        (&["prime256v1", "P-256", "secp256r1"], kx_group::SECP256R1),
        (&["secp384r1", "P-384"], kx_group::SECP384R1),
        (&["secp521r1", "P-521"], crate::p521::P521),
        (&["X25519MLKEM768"], kx_group::X25519MLKEM768),
        (&["SecP256r1MLKEM768"], kx_group::SECP256R1MLKEM768),
        (&["MLKEM768"], kx_group::MLKEM768),
    ]
}

/// OpenSSL's name of a group.
#[must_use]
pub fn group_name(wanted: rustls::NamedGroup) -> Option<&'static str> {
    let all = groups();
    let found = all.iter().find(|(_, group)| group.name() == wanted)?;
    found.0.first().copied()
}

/// Groups that OpenSSL knows and that are not offered.
const OTHER_GROUPS: &[&str] = &[
    "X448",
    "ffdhe2048",
    "ffdhe3072",
    "ffdhe4096",
    "ffdhe6144",
    "ffdhe8192",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "secp224r1",
    "P-224",
    "prime192v1",
    "secp256k1",
    "SecP384r1MLKEM1024",
    "MLKEM1024",
    "MLKEM512",
    "auto",
];

/// Reads `curves` or `ecdhe`.
///
/// # Errors
/// At a name that nobody knows, and when nothing is left.
pub fn curves(text: &str) -> Read<Arc<[&'static dyn SupportedKxGroup]>> {
    let all = groups();
    let (mut chosen, mut missing) = (Vec::new(), Vec::new());
    for word in text.split([':', ',']).filter(|word| !word.is_empty()) {
        let name = word.trim_start_matches(['?', '*']);
        let is = |known: &&str| known.eq_ignore_ascii_case(name);
        match all.iter().find(|(names, _)| names.iter().any(&is)) {
            Some((_, group)) => chosen.push(*group),
            None if word.starts_with('?') || OTHER_GROUPS.iter().any(is) => {
                missing.push(word);
            }
            None => return Err(format!("unknown curve '{name}'")),
        }
    }
    let names: Vec<&str> = all
        .iter()
        .filter_map(|(names, _)| names.first().copied())
        .collect();
    let names = names.join(":");
    if chosen.is_empty() {
        return Err(format!(
            "none of the curves '{text}' is offered (offered: {names})"
        ));
    }
    let warning = (!missing.is_empty()).then(|| {
        format!(
            "not offered and left out: {}. Offered: {names}.",
            missing.join(":")
        )
    });
    Ok((chosen.into(), warning))
}

/// Reads `sigalgs` or `client-sigalgs`.
///
/// # Errors
/// At a name that nobody knows, and when nothing is left.
pub fn signatures(text: &str) -> Read<Arc<[SignatureScheme]>> {
    use SignatureScheme as S;
    let (mut chosen, mut missing) = (Vec::new(), Vec::new());
    for word in text.split(':').filter(|word| !word.is_empty()) {
        let scheme = match word.to_ascii_lowercase().as_str() {
            "ecdsa+sha256" | "ecdsa_secp256r1_sha256" => S::ECDSA_NISTP256_SHA256,
            "ecdsa+sha384" | "ecdsa_secp384r1_sha384" => S::ECDSA_NISTP384_SHA384,
            "ecdsa+sha512" | "ecdsa_secp521r1_sha512" => S::ECDSA_NISTP521_SHA512,
            "rsa+sha256" | "rsa_pkcs1_sha256" => S::RSA_PKCS1_SHA256,
            "rsa+sha384" | "rsa_pkcs1_sha384" => S::RSA_PKCS1_SHA384,
            "rsa+sha512" | "rsa_pkcs1_sha512" => S::RSA_PKCS1_SHA512,
            "rsa-pss+sha256" | "pss+sha256" | "rsa_pss_rsae_sha256" => S::RSA_PSS_SHA256,
            "rsa-pss+sha384" | "pss+sha384" | "rsa_pss_rsae_sha384" => S::RSA_PSS_SHA384,
            "rsa-pss+sha512" | "pss+sha512" | "rsa_pss_rsae_sha512" => S::RSA_PSS_SHA512,
            "ed25519" => S::ED25519,
            name if name.contains("sha1")
                || name.contains("sha224")
                || name.starts_with("dsa")
                || name.starts_with("rsa_pss_pss")
                || name == "ed448"
                || name.contains("brainpool") =>
            {
                missing.push(word);
                continue;
            }
            _ => return Err(format!("unknown signature algorithm '{word}'")),
        };
        chosen.push(scheme);
    }
    if chosen.is_empty() {
        return Err(format!(
            "none of the signature algorithms '{text}' is offered"
        ));
    }
    let warning =
        (!missing.is_empty()).then(|| format!("not offered and left out: {}.", missing.join(":")));
    Ok((chosen.into(), warning))
}

/// Reads `alpn`: protocol names behind each other.
///
/// # Errors
/// At an empty or too long name.
pub fn alpn(text: &str) -> Result<Arc<[Vec<u8>]>, String> {
    let names: Vec<Vec<u8>> = text
        .split(',')
        .map(|name| name.as_bytes().to_vec())
        .collect();
    match names.iter().any(|name| name.is_empty() || name.len() > 255) {
        true => Err("ALPN protocol names must be between 1 and 255 bytes long".to_owned()),
        false => Ok(names.into()),
    }
}

/// A protocol version as files name it; `None` in the answer for one before TLS 1.2.
#[must_use]
pub fn version(text: &str) -> Option<Option<Version>> {
    match text {
        "SSLv3" | "TLSv1.0" | "TLSv1.1" => Some(None),
        "TLSv1.2" => Some(Some(Version::Tls12)),
        "TLSv1.3" => Some(Some(Version::Tls13)),
        _ => None,
    }
}

/// Reads `verify`.
#[must_use]
pub fn verify(text: &str) -> Option<Verify> {
    match text {
        "none" => Some(Verify::None),
        "optional" => Some(Verify::Optional),
        "required" => Some(Verify::Required),
        _ => None,
    }
}

/// Reads `crt-ignore-err` or `ca-ignore-err`: `all`, or numbers and names of OpenSSL.
///
/// # Errors
/// With the word that is neither.
pub fn ignored(text: &str) -> Result<Ignored, String> {
    let mut set = Ignored::default();
    for word in text.split(',') {
        if word == "all" {
            return Ok(Ignored::ALL);
        }
        let number = word
            .parse::<u8>()
            .ok()
            .filter(|number| (1..128).contains(number));
        match number.or_else(|| error_number(word)) {
            Some(error) => set.add(error),
            None => return Err(word.to_owned()),
        }
    }
    Ok(set)
}

/// OpenSSL's verification errors by name.
pub const ERRORS: &[(&str, u8)] = &[
    ("X509_V_OK", 0),
    ("X509_V_ERR_UNSPECIFIED", 1),
    ("X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT", 2),
    ("X509_V_ERR_UNABLE_TO_GET_CRL", 3),
    ("X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE", 4),
    ("X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE", 5),
    ("X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY", 6),
    ("X509_V_ERR_CERT_SIGNATURE_FAILURE", 7),
    ("X509_V_ERR_CRL_SIGNATURE_FAILURE", 8),
    ("X509_V_ERR_CERT_NOT_YET_VALID", 9),
    ("X509_V_ERR_CERT_HAS_EXPIRED", 10),
    ("X509_V_ERR_CRL_NOT_YET_VALID", 11),
    ("X509_V_ERR_CRL_HAS_EXPIRED", 12),
    ("X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD", 13),
    ("X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD", 14),
    ("X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD", 15),
    ("X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD", 16),
    ("X509_V_ERR_OUT_OF_MEM", 17),
    ("X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT", 18),
    ("X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN", 19),
    ("X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY", 20),
    ("X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE", 21),
    ("X509_V_ERR_CERT_CHAIN_TOO_LONG", 22),
    ("X509_V_ERR_CERT_REVOKED", 23),
    ("X509_V_ERR_INVALID_CA", 24),
    ("X509_V_ERR_PATH_LENGTH_EXCEEDED", 25),
    ("X509_V_ERR_INVALID_PURPOSE", 26),
    ("X509_V_ERR_CERT_UNTRUSTED", 27),
    ("X509_V_ERR_CERT_REJECTED", 28),
    ("X509_V_ERR_SUBJECT_ISSUER_MISMATCH", 29),
    ("X509_V_ERR_AKID_SKID_MISMATCH", 30),
    ("X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH", 31),
    ("X509_V_ERR_KEYUSAGE_NO_CERTSIGN", 32),
    ("X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER", 33),
    ("X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION", 34),
    ("X509_V_ERR_KEYUSAGE_NO_CRL_SIGN", 35),
    ("X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION", 36),
    ("X509_V_ERR_INVALID_NON_CA", 37),
    ("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED", 38),
    ("X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE", 39),
    ("X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED", 40),
    ("X509_V_ERR_INVALID_EXTENSION", 41),
    ("X509_V_ERR_INVALID_POLICY_EXTENSION", 42),
    ("X509_V_ERR_NO_EXPLICIT_POLICY", 43),
    ("X509_V_ERR_DIFFERENT_CRL_SCOPE", 44),
    ("X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE", 45),
    ("X509_V_ERR_UNNESTED_RESOURCE", 46),
    ("X509_V_ERR_PERMITTED_VIOLATION", 47),
    ("X509_V_ERR_EXCLUDED_VIOLATION", 48),
    ("X509_V_ERR_SUBTREE_MINMAX", 49),
    ("X509_V_ERR_APPLICATION_VERIFICATION", 50),
    ("X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE", 51),
    ("X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX", 52),
    ("X509_V_ERR_UNSUPPORTED_NAME_SYNTAX", 53),
    ("X509_V_ERR_CRL_PATH_VALIDATION_ERROR", 54),
    ("X509_V_ERR_PATH_LOOP", 55),
    ("X509_V_ERR_SUITE_B_INVALID_VERSION", 56),
    ("X509_V_ERR_SUITE_B_INVALID_ALGORITHM", 57),
    ("X509_V_ERR_SUITE_B_INVALID_CURVE", 58),
    ("X509_V_ERR_SUITE_B_INVALID_SIGNATURE_ALGORITHM", 59),
    ("X509_V_ERR_SUITE_B_LOS_NOT_ALLOWED", 60),
    ("X509_V_ERR_SUITE_B_CANNOT_SIGN_P_384_WITH_P_256", 61),
    ("X509_V_ERR_HOSTNAME_MISMATCH", 62),
    ("X509_V_ERR_EMAIL_MISMATCH", 63),
    ("X509_V_ERR_IP_ADDRESS_MISMATCH", 64),
    ("X509_V_ERR_DANE_NO_MATCH", 65),
    ("X509_V_ERR_EE_KEY_TOO_SMALL", 66),
    ("X509_V_ERR_CA_KEY_TOO_SMALL", 67),
    ("X509_V_ERR_CA_MD_TOO_WEAK", 68),
    ("X509_V_ERR_INVALID_CALL", 69),
    ("X509_V_ERR_STORE_LOOKUP", 70),
    ("X509_V_ERR_NO_VALID_SCTS", 71),
    ("X509_V_ERR_PROXY_SUBJECT_NAME_VIOLATION", 72),
    ("X509_V_ERR_OCSP_VERIFY_NEEDED", 73),
    ("X509_V_ERR_OCSP_VERIFY_FAILED", 74),
    ("X509_V_ERR_OCSP_CERT_UNKNOWN", 75),
];

fn error_number(name: &str) -> Option<u8> {
    let full = |known: &str| known == name || known.strip_prefix("X509_V_ERR_") == Some(name);
    let found = ERRORS.iter().find(|(known, _)| full(known));
    found.map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        let (suites, _) = ciphers(text).unwrap();
        suites
            .iter()
            .filter_map(|suite| suite_name(suite.suite()))
            .collect()
    }

    #[test]
    fn cipher_strings_are_read_as_openssl_does() {
        assert_eq!(names("ALL").len(), 6);
        assert_eq!(names("ECDHE+AESGCM:ECDHE+AES256:!aNULL:!MD5:!DSS").len(), 4);
        assert_eq!(
            names("ECDHE-RSA-AES128-GCM-SHA256"),
            ["ECDHE-RSA-AES128-GCM-SHA256"]
        );
        assert_eq!(
            names("HIGH:!aECDSA:+AES256:-CHACHA20"),
            ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"]
        );
        assert_eq!(
            names("ALL:!AES:AES128"),
            [
                "ECDHE-ECDSA-CHACHA20-POLY1305",
                "ECDHE-RSA-CHACHA20-POLY1305"
            ]
        );
        assert_eq!(names("kRSA").len(), 3);
        assert_eq!(names("ECDHE-ECDSA-AES128-SHA"), names("aECDSA"));
        assert!(ciphers("nonsense").is_err());
    }

    #[test]
    fn what_is_not_offered_is_said_once() {
        let (suites, warning) = ciphers("AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256").unwrap();
        assert_eq!(suites.len(), 1);
        assert!(
            warning
                .unwrap()
                .starts_with("not offered and left out: AES128-SHA. Offered")
        );
        assert!(ciphers("ECDHE+AESGCM:!3DES").unwrap().1.is_none());
        assert!(curves("X448").is_err() && curves("nope:P-256").is_err());
        assert!(curves("X448:P-256").unwrap().1.is_some());
    }

    #[test]
    fn errors_to_ignore_have_names_and_numbers() {
        let set = ignored("10,X509_V_ERR_CERT_REVOKED").unwrap();
        assert!(set.has(10) && set.has(23) && !set.has(9));
        assert!(ignored("all").unwrap().has(127));
        assert_eq!(ignored("10,nope"), Err("nope".to_owned()));
    }
}
