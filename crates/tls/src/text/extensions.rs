//! Extensions of certificates and OCSP responses.

use super::{colons, hex, serial};
use crate::certificate::{DIRECTORY_NAME, DNS_NAME, EMAIL, Extension, IP_ADDRESS, URI, oid};
use crate::der::{self, Element, Reader};
use crate::name;
use std::fmt::Write;

const OCSP_NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1, 2];
const OCSP_NO_CHECK: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1, 5];

/// One extension: its name, and its content on the next line.
pub(super) fn show(out: &mut String, extension: &Extension<'_>, margin: usize) {
    let title = match extension.oid {
        kind if kind == oid::BASIC_CONSTRAINTS => "X509v3 Basic Constraints",
        kind if kind == oid::SUBJECT_KEY_ID => "X509v3 Subject Key Identifier",
        kind if kind == oid::AUTHORITY_KEY_ID => "X509v3 Authority Key Identifier",
        kind if kind == oid::KEY_USAGE => "X509v3 Key Usage",
        kind if kind == oid::EXTENDED_KEY_USAGE => "X509v3 Extended Key Usage",
        kind if kind == oid::SUBJECT_ALT_NAME => "X509v3 Subject Alternative Name",
        kind if kind == oid::ISSUER_ALT_NAME => "X509v3 Issuer Alternative Name",
        kind if kind == oid::AUTHORITY_INFO_ACCESS => "Authority Information Access",
        kind if kind == oid::CRL_DISTRIBUTION_POINTS => "X509v3 CRL Distribution Points",
        kind if kind == oid::POLICIES => "X509v3 Certificate Policies",
        OCSP_NONCE => "OCSP Nonce",
        OCSP_NO_CHECK => "OCSP No Check",
        _ => "",
    };
    let title = match title {
        "" => der::dotted(extension.oid),
        title => title.to_owned(),
    };
    let critical = if extension.critical { "critical" } else { "" };
    let _ = writeln!(out, "{:margin$}{title}: {critical}", "");
    let inner = margin + 4;
    match content(extension) {
        Some(lines) => {
            for line in lines {
                let _ = writeln!(out, "{:inner$}{line}", "");
            }
        }
        None => {
            let _ = writeln!(out, "{:inner$}{}", "", hex(extension.value));
        }
    }
}

/// What is shown of a content that is known.
fn content(extension: &Extension<'_>) -> Option<Vec<String>> {
    let mut reader = Reader::new(extension.value);
    let one = |line: String| Some(vec![line]);
    match extension.oid {
        kind if kind == oid::BASIC_CONSTRAINTS => {
            let mut fields = reader.enter(der::SEQUENCE).ok()?;
            let authority = fields.optional(der::BOOLEAN).ok()?;
            let authority = authority.is_some_and(|value| value.content != [0]);
            let limit = fields.optional(der::INTEGER).ok()?;
            let mut text = format!("CA:{}", if authority { "TRUE" } else { "FALSE" });
            if let Some(limit) = limit.and_then(|limit| limit.small().ok()) {
                let _ = write!(text, ", pathlen:{limit}");
            }
            one(text)
        }
        kind if kind == oid::SUBJECT_KEY_ID => {
            one(colons(reader.expect(der::OCTET_STRING).ok()?.content))
        }
        kind if kind == oid::AUTHORITY_KEY_ID => authority_key(reader),
        kind if kind == oid::KEY_USAGE => key_usage(reader).and_then(one),
        kind if kind == oid::EXTENDED_KEY_USAGE => {
            let list = reader.expect(der::SEQUENCE).ok()?;
            let names: Vec<String> = der::elements(list.content)
                .map(|purpose| purpose_name(purpose.content))
                .collect();
            one(names.join(", "))
        }
        kind if kind == oid::SUBJECT_ALT_NAME || kind == oid::ISSUER_ALT_NAME => {
            let list = reader.expect(der::SEQUENCE).ok()?;
            let names: Vec<String> = der::elements(list.content).map(general_name).collect();
            one(names.join(", "))
        }
        kind if kind == oid::AUTHORITY_INFO_ACCESS => {
            let list = reader.expect(der::SEQUENCE).ok()?;
            Some(der::elements(list.content).filter_map(access).collect())
        }
        OCSP_NO_CHECK => one(String::new()),
        _ => None,
    }
}

fn access(description: Element<'_>) -> Option<String> {
    let mut fields = description.reader();
    let method = match fields.expect(der::OID).ok()?.content {
        [0x2b, 6, 1, 5, 5, 7, 48, 1] => "OCSP".to_owned(),
        [0x2b, 6, 1, 5, 5, 7, 48, 2] => "CA Issuers".to_owned(),
        other => der::dotted(other),
    };
    Some(format!("{method} - {}", general_name(fields.any().ok()?)))
}

fn authority_key(mut reader: Reader<'_>) -> Option<Vec<String>> {
    let mut fields = reader.enter(der::SEQUENCE).ok()?;
    let key = fields.optional(der::context_primitive(0)).ok()?;
    let issuer = fields.optional(der::context(1)).ok()?;
    let number = fields.optional(der::context_primitive(2)).ok()?;
    let mut lines = Vec::new();
    if let Some(key) = key {
        let prefix = if issuer.is_some() || number.is_some() {
            "keyid:"
        } else {
            ""
        };
        lines.push(format!("{prefix}{}", colons(key.content)));
    }
    if let Some(issuer) = issuer {
        lines.extend(der::elements(issuer.content).map(general_name));
    }
    if let Some(number) = number {
        let digits = serial(number.content);
        let pairs: Vec<&str> = digits
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| std::str::from_utf8(pair).ok())
            .collect();
        lines.push(format!("serial:{}", pairs.join(":")));
    }
    Some(lines)
}

fn key_usage(mut reader: Reader<'_>) -> Option<String> {
    const USAGES: [&str; 9] = [
        "Digital Signature",
        "Non Repudiation",
        "Key Encipherment",
        "Data Encipherment",
        "Key Agreement",
        "Certificate Sign",
        "CRL Sign",
        "Encipher Only",
        "Decipher Only",
    ];
    let bits = reader.expect(der::BIT_STRING).ok()?.content.get(1..)?;
    let set = |at: usize| {
        bits.get(at / 8)
            .is_some_and(|byte| byte & 0x80 >> (at % 8) != 0)
    };
    let names: Vec<&str> = USAGES
        .iter()
        .enumerate()
        .filter(|(at, _)| set(*at))
        .map(|(_, name)| *name)
        .collect();
    Some(names.join(", "))
}

fn purpose_name(kind: &[u8]) -> String {
    let name = match kind {
        [0x2b, 6, 1, 5, 5, 7, 3, 1] => "TLS Web Server Authentication",
        [0x2b, 6, 1, 5, 5, 7, 3, 2] => "TLS Web Client Authentication",
        [0x2b, 6, 1, 5, 5, 7, 3, 3] => "Code Signing",
        [0x2b, 6, 1, 5, 5, 7, 3, 4] => "E-mail Protection",
        [0x2b, 6, 1, 5, 5, 7, 3, 8] => "Time Stamping",
        [0x2b, 6, 1, 5, 5, 7, 3, 9] => "OCSP Signing",
        _ => return der::dotted(kind),
    };
    name.to_owned()
}

fn general_name(name: Element<'_>) -> String {
    let text = || String::from_utf8_lossy(name.content).into_owned();
    match name.tag {
        DNS_NAME => format!("DNS:{}", text()),
        EMAIL => format!("email:{}", text()),
        URI => format!("URI:{}", text()),
        IP_ADDRESS => match <[u8; 4]>::try_from(name.content) {
            Ok(octets) => format!("IP Address:{}", std::net::Ipv4Addr::from(octets)),
            Err(_) => {
                let groups: Vec<String> = name
                    .content
                    .chunks_exact(2)
                    .map(|pair| {
                        format!(
                            "{:X}",
                            pair.iter().fold(0u16, |n, &b| n << 8 | u16::from(b))
                        )
                    })
                    .collect();
                format!("IP Address:{}", groups.join(":"))
            }
        },
        DIRECTORY_NAME => format!(
            "DirName:{}",
            String::from_utf8_lossy(&name::oneline(name.content))
        ),
        _ => "othername:<unsupported>".to_owned(),
    }
}
