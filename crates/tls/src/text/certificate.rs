//! A certificate at length.

use super::{algorithm, colons, dump, extensions, time};
use crate::certificate::{Certificate, oid};
use crate::der;
use crate::name;
use std::fmt::Write;

/// A certificate as `openssl x509 -text` shows it.
#[must_use]
pub fn certificate(certificate: &Certificate<'_>) -> String {
    let mut out = String::from("Certificate:\n    Data:\n");
    let version = certificate.version;
    let _ = writeln!(
        out,
        "        Version: {version} ({:#x})",
        version.saturating_sub(1)
    );
    out.push_str("        Serial Number:");
    serial(&mut out, certificate.serial);
    let signature = algorithm(certificate.signature_algorithm);
    let _ = writeln!(out, "        Signature Algorithm: {signature}");
    let _ = writeln!(
        out,
        "        Issuer: {}",
        name::text(certificate.issuer, "=")
    );
    let [from, until] = certificate.validity;
    let _ = writeln!(
        out,
        "        Validity\n            Not Before: {}",
        time(from)
    );
    let _ = writeln!(out, "            Not After : {}", time(until));
    let _ = writeln!(
        out,
        "        Subject: {}",
        name::text(certificate.subject, "=")
    );
    public_key(&mut out, certificate);
    let list: Vec<_> = certificate.extensions().collect();
    if !list.is_empty() {
        out.push_str("        X509v3 extensions:\n");
        for extension in &list {
            extensions::show(&mut out, extension, 12);
        }
    }
    let _ = writeln!(out, "    Signature Algorithm: {signature}");
    out.push_str("    Signature Value:\n");
    dump(&mut out, certificate.signature, 18, 8);
    out
}

/// A small number in both notations, a large one byte by byte.
fn serial(out: &mut String, bytes: &[u8]) {
    let number = bytes.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
    let _ = match bytes {
        [first, ..] if first & 0x80 == 0 && bytes.len() <= 8 => {
            writeln!(out, " {number} ({number:#x})")
        }
        [0, digits @ ..] => writeln!(out, "\n            {}", colons(digits).to_lowercase()),
        _ => writeln!(out, "\n            {}", colons(bytes).to_lowercase()),
    };
}

fn public_key(out: &mut String, certificate: &Certificate<'_>) {
    out.push_str("        Subject Public Key Info:\n");
    let kind = name::algorithm(certificate.key_algorithm);
    let _ = writeln!(out, "            Public Key Algorithm: {kind}");
    let Ok((key, _)) = certificate.public_key() else {
        return;
    };
    match certificate.key_algorithm {
        algorithm if algorithm == oid::RSA => rsa(out, key),
        algorithm if algorithm == oid::EC => curve(out, certificate, key),
        _ => {
            let _ = writeln!(
                out,
                "                {kind} Public-Key:\n                pub:"
            );
            dump(out, key, 15, 20);
        }
    }
}

fn rsa(out: &mut String, key: &[u8]) {
    let bits = crate::verify::rsa_bits(key).unwrap_or_default();
    let fields = der::Reader::new(key).enter(der::SEQUENCE);
    let Ok(mut fields) = fields else { return };
    let (Ok(modulus), Ok(exponent)) = (fields.expect(der::INTEGER), fields.expect(der::INTEGER))
    else {
        return;
    };
    let _ = writeln!(out, "                Public-Key: ({bits} bit)");
    out.push_str("                Modulus:\n");
    dump(out, modulus.content, 15, 20);
    let exponent = exponent.small().unwrap_or_default();
    let _ = writeln!(out, "                Exponent: {exponent} ({exponent:#x})");
}

fn curve(out: &mut String, certificate: &Certificate<'_>, key: &[u8]) {
    let (bits, short, long) = match certificate.curve() {
        Some(rustls::NamedGroup::secp256r1) => (256, "P-256", "prime256v1"),
        Some(rustls::NamedGroup::secp384r1) => (384, "P-384", "secp384r1"),
        Some(rustls::NamedGroup::secp521r1) => (521, "P-521", "secp521r1"),
        _ => (key.len().saturating_sub(1) / 2 * 8, "", ""),
    };
    let _ = writeln!(out, "                Public-Key: ({bits} bit)");
    out.push_str("                pub:\n");
    dump(out, key, 15, 20);
    if !long.is_empty() {
        let _ = writeln!(out, "                ASN1 OID: {long}");
        let _ = writeln!(out, "                NIST CURVE: {short}");
    }
}
