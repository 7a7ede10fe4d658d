//! An OCSP response at length.

use super::{algorithm, certificate, dump, extensions, hex, serial, time};
use crate::certificate::Certificate;
use crate::der;
use crate::name;
use crate::ocsp::{self, Single, Status};
use std::fmt::Write;

/// A response as `openssl ocsp -resp_text` shows it; `None` when it can't be read.
#[must_use]
pub fn response(bytes: &[u8]) -> Option<String> {
    let mut out = String::from("OCSP Response Data:\n");
    let status = ocsp::status(bytes).ok()?;
    let word = match status {
        0 => "successful",
        1 => "malformedrequest",
        2 => "internalerror",
        3 => "trylater",
        5 => "sigrequired",
        6 => "unauthorized",
        _ => "(UNKNOWN)",
    };
    let _ = writeln!(out, "    OCSP Response Status: {word} ({status:#x})");
    if status != 0 {
        return Some(out);
    }
    let parsed = ocsp::parse(bytes).ok()?;
    out.push_str("    Response Type: Basic OCSP Response\n    Version: 1 (0x0)\n");
    let responder = match parsed.responder.tag & 0x1f {
        1 => name::text(parsed.responder.content, " = "),
        _ => {
            let key = parsed.responder.reader().any();
            hex(key.map(|key| key.content).unwrap_or_default())
        }
    };
    let _ = writeln!(out, "    Responder Id: {responder}");
    let _ = writeln!(out, "    Produced At: {}", time(parsed.produced));
    out.push_str("    Responses:\n");
    for single in &parsed.singles {
        show_single(&mut out, single);
    }
    let list: Vec<_> = crate::certificate::extensions(parsed.extensions).collect();
    if !list.is_empty() {
        out.push_str("    Response Extensions:\n");
        for extension in &list {
            extensions::show(&mut out, extension, 8);
        }
    }
    let _ = writeln!(
        out,
        "    Signature Algorithm: {}",
        algorithm(parsed.algorithm)
    );
    out.push_str("    Signature Value:\n");
    dump(&mut out, parsed.signature, 18, 8);
    for der in &parsed.certificates {
        if let Ok(parsed) = Certificate::parse(der) {
            out.push_str(&certificate(&parsed));
            out.push_str(&crate::pem::write("CERTIFICATE", der));
        }
    }
    Some(out)
}

fn show_single(out: &mut String, single: &Single<'_>) {
    const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
    const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let hash = match single.id.hash {
        SHA1 => "sha1".to_owned(),
        SHA256 => "sha256".to_owned(),
        other => der::dotted(other),
    };
    let _ = writeln!(out, "    Certificate ID:\n      Hash Algorithm: {hash}");
    let _ = writeln!(out, "      Issuer Name Hash: {}", hex(single.id.name));
    let _ = writeln!(out, "      Issuer Key Hash: {}", hex(single.id.key));
    let _ = writeln!(out, "      Serial Number: {}", serial(single.id.serial));
    let _ = match single.status {
        Status::Good => writeln!(out, "    Cert Status: good"),
        Status::Unknown => writeln!(out, "    Cert Status: unknown"),
        Status::Revoked(since, reason) => {
            let _ = writeln!(out, "    Cert Status: revoked");
            let _ = writeln!(out, "    Revocation Time: {}", time(since));
            match reason {
                Some(reason) => writeln!(
                    out,
                    "    Revocation Reason: {} ({reason:#x})",
                    reason_name(reason)
                ),
                None => Ok(()),
            }
        }
    };
    let _ = writeln!(out, "    This Update: {}", time(single.this_update));
    if let Some(next) = single.next_update {
        let _ = writeln!(out, "    Next Update: {}", time(next));
    }
    out.push('\n');
}

fn reason_name(reason: u32) -> &'static str {
    match reason {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        _ => "(UNKNOWN)",
    }
}
