//! How certificates, authorities and revocation lists are shown.

use std::fmt::Write;
use tls::certificate::{Certificate, oid};
use tls::live::Users;
use tls::revocation::RevocationList;
use tls::{Bundle, ocsp, text};

fn oneline(name: &[u8]) -> String {
    String::from_utf8_lossy(&tls::name::oneline(name)).into_owned()
}

/// A certificate's own figures; `false` when its key is of a kind that can't be described, with which HAProxy stops.
fn figures(out: &mut String, certificate: &Certificate<'_>) -> bool {
    let _ = writeln!(out, "Serial: {}", text::serial(certificate.serial));
    let [from, until] = certificate.validity;
    let _ = writeln!(out, "notBefore: {}", text::time(from));
    let _ = writeln!(out, "notAfter: {}", text::time(until));
    let names: Vec<String> = certificate
        .alternative_names()
        .map(|name| match name.tag {
            tls::certificate::DNS_NAME => {
                format!("DNS:{}", String::from_utf8_lossy(name.content))
            }
            _ => String::new(),
        })
        .collect();
    let _ = writeln!(out, "Subject Alternative Name: {}", names.join(", "));
    out.push_str("Algorithm: ");
    let Some(algorithm) = algorithm(certificate) else {
        return false;
    };
    let _ = writeln!(out, "{algorithm}");
    let _ = writeln!(
        out,
        "SHA1 FingerPrint: {}",
        text::hex(&tls::store::sha1(certificate.der))
    );
    let _ = writeln!(out, "Subject: {}", oneline(certificate.subject));
    let _ = writeln!(out, "Issuer: {}", oneline(certificate.issuer));
    true
}

/// The kind of a key with its size in bits.
fn algorithm(certificate: &Certificate<'_>) -> Option<String> {
    let (key, _) = certificate.public_key().ok()?;
    if certificate.key_algorithm == oid::RSA {
        return Some(format!("RSA{}", tls::verify::rsa_bits(key)?));
    }
    if certificate.key_algorithm != oid::EC {
        return None;
    }
    // A point is two numbers behind one byte.
    let bytes = key.len().checked_sub(1)? / 2;
    let bits = if bytes == 66 { 521 } else { bytes * 8 };
    Some(format!("EC{bits}"))
}

/// A certificate with what belongs to it; `mark` is `*` for one that is being prepared.
pub(super) fn certificate(
    bundle: &Bundle,
    mark: &str,
    users: &Users,
    global: &tls::settings::GlobalSettings,
) -> String {
    let mut out = format!("Filename: {mark}{}\n", bundle.name);
    let files = &bundle.files;
    for (title, file) in [
        ("Crt filename", &files.certificate),
        ("Key filename", &files.key),
        ("OCSP filename", &files.ocsp),
        ("OCSP Issuer filename", &files.issuer),
        ("SCTL filename", &files.timestamps),
    ] {
        if let Some(file) = file {
            let _ = writeln!(out, "{title}: {file}");
        }
    }
    // Anything that was said about it is shown as on.
    let update = files.update.is_some();
    let word = |on: bool| if on { "on" } else { "off" };
    let _ = writeln!(out, "Option: ocsp-update {}", word(update));
    let _ = writeln!(out, "Option: jwt {}", word(bundle.jwt));
    let leaf = bundle.leaf();
    let status = match () {
        () if !mark.is_empty() => "Uncommitted",
        () if leaf.is_none() => "Empty",
        () if bundle.jwt => "Used for JWT verification",
        () if users.show(&bundle.name) => "Used",
        () => "Unused",
    };
    let _ = writeln!(out, "Status: {status}");
    if let Some(leaf) = &leaf
        && figures(&mut out, leaf)
    {
        if let Some(file) = &bundle.completed {
            let _ = writeln!(out, "Chain Filename: {file}");
        }
        for der in bundle.chain.iter().skip(1) {
            if let Ok(issuer) = Certificate::parse(der) {
                let _ = writeln!(out, "Chain Subject: {}", oneline(issuer.subject));
                let _ = writeln!(out, "Chain Issuer: {}", oneline(issuer.issuer));
            }
        }
    }
    let key = match bundle.ocsp.is_some() || bundle.fetches_ocsp(global.ocsp_update) {
        true => ocsp::id_of_bundle(bundle, global.issuers.as_deref()).unwrap_or_default(),
        false => Vec::new(),
    };
    let _ = writeln!(out, "OCSP Response Key: {}", text::hex(&key).to_lowercase());
    out
}

/// One of the authorities of a file.
pub(super) fn authority(out: &mut String, number: usize, der: &[u8]) {
    let _ = writeln!(out, " \nCertificate #{number}:");
    if let Ok(certificate) = Certificate::parse(der) {
        figures(out, &certificate);
    }
}

/// One of the revocation lists of a file.
pub(super) fn revocation_list(out: &mut String, number: usize, list: &RevocationList) {
    let _ = writeln!(out, " \nCertificate Revocation List #{number}:");
    let Ok(shown) = list.shown() else {
        return;
    };
    let _ = writeln!(out, "Version {}", shown.version);
    let _ = writeln!(
        out,
        "Signature Algorithm: {}",
        text::algorithm(shown.algorithm)
    );
    let _ = writeln!(out, "Issuer: {}", oneline(shown.issuer));
    let _ = writeln!(out, "Last Update: {}", text::time(shown.this_update));
    match shown.next_update {
        Some(next) => {
            let _ = writeln!(out, "Next Update: {}", text::time(next));
        }
        None => out.push_str("Next Update: NONE\n"),
    }
    if shown.revoked.is_empty() {
        out.push_str("No Revoked Certificates.\n");
        return;
    }
    out.push_str("Revoked Certificates:\n");
    for (serial, since) in &shown.revoked {
        let _ = writeln!(out, "    Serial Number: {}", text::serial(serial));
        let _ = writeln!(out, "        Revocation Date: {}", text::time(*since));
    }
}
