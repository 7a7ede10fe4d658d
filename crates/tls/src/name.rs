//! Names of certificates as HAProxy shows them: in one line, by attribute, or for LDAP (RFC 2253).

use crate::certificate::attributes;
use crate::der::{self, Reader};
use std::fmt::Write;

/// Attribute types with OpenSSL's short names.
const SHORT: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 13], "description"),
    (&[0x55, 4, 15], "businessCategory"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 20], "telephoneNumber"),
    (&[0x55, 4, 41], "name"),
    (&[0x55, 4, 42], "GN"),
    (&[0x55, 4, 43], "initials"),
    (&[0x55, 4, 44], "generationQualifier"),
    (&[0x55, 4, 45], "x500UniqueIdentifier"),
    (&[0x55, 4, 46], "dnQualifier"),
    (&[0x55, 4, 65], "pseudonym"),
    (&[0x55, 4, 97], "organizationIdentifier"),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
        "emailAddress",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 2],
        "unstructuredName",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 100, 1, 1],
        "UID",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 100, 1, 25],
        "DC",
    ),
];

fn short(oid: &[u8]) -> String {
    let known = SHORT.iter().find(|(known, _)| *known == oid);
    known.map_or_else(|| der::dotted(oid), |(_, name)| (*name).to_owned())
}

/// The whole name, from its beginning: `/C=FR/CN=a.example`.
#[must_use]
pub fn oneline(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (oid, value) in attributes(name) {
        out.push(b'/');
        out.extend_from_slice(short(oid).as_bytes());
        out.push(b'=');
        out.extend_from_slice(value.content);
    }
    out
}

/// The whole name, from its beginning, in words: `C=FR, CN=a.example`, with what is to stand between type and value.
#[must_use]
pub fn text(name: &[u8], between: &str) -> String {
    let attributes: Vec<String> = attributes(name)
        .map(|(kind, value)| {
            format!(
                "{}{between}{}",
                short(kind),
                String::from_utf8_lossy(value.content)
            )
        })
        .collect();
    attributes.join(", ")
}

/// The `nth` attribute of a type, from the beginning counted from 1, or from the end for a negative number. 0 stands for 1.
#[must_use]
pub fn entry<'a>(name: &'a [u8], wanted: &[u8], nth: i64) -> Option<&'a [u8]> {
    let found: Vec<&[u8]> = attributes(name)
        .filter(|(oid, _)| short(oid).as_bytes() == wanted)
        .map(|(_, value)| value.content)
        .collect();
    let place = match nth {
        0 => 0,
        1.. => usize::try_from(nth - 1).ok()?,
        _ => found
            .len()
            .checked_sub(usize::try_from(nth.unsigned_abs()).ok()?)?,
    };
    found.get(place).copied()
}

/// The whole name for LDAP: `CN=a.example,C=FR`.
#[must_use]
pub fn rfc2253(name: &[u8]) -> Vec<u8> {
    let sets = Reader::new(name).expect(der::SEQUENCE);
    let sets = sets.map(|sets| sets.content).unwrap_or_default();
    let mut sets: Vec<_> = der::elements(sets).collect();
    sets.reverse();
    let mut out = String::new();
    for (at, set) in sets.into_iter().enumerate() {
        for (inner, attribute) in der::elements(set.content).enumerate() {
            let mut fields = attribute.reader();
            let (Ok(kind), Ok(value)) = (fields.expect(der::OID), fields.any()) else {
                continue;
            };
            match (at, inner) {
                (0, 0) => {}
                (_, 0) => out.push(','),
                _ => out.push('+'),
            }
            let _ = write!(out, "{}=", short(kind.content));
            escape(value.content, &mut out);
        }
    }
    out.into_bytes()
}

fn escape(value: &[u8], out: &mut String) {
    for (at, &byte) in value.iter().enumerate() {
        let ends = at == 0 || at + 1 == value.len();
        match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' ' if ends => out.push_str("\\ "),
            b'#' if at == 0 => out.push_str("\\#"),
            0x20..=0x7e => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\{byte:02X}");
            }
        }
    }
}

/// OpenSSL's short name of an algorithm.
#[must_use]
pub fn algorithm(oid: &[u8]) -> String {
    const NAMES: &[(&[u8], &str)] = &[
        (
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1],
            "rsaEncryption",
        ),
        (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], "RSA-MD5"),
        (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], "RSA-SHA1"),
        (
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10],
            "RSASSA-PSS",
        ),
        (
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],
            "RSA-SHA256",
        ),
        (
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12],
            "RSA-SHA384",
        ),
        (
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13],
            "RSA-SHA512",
        ),
        (
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14],
            "RSA-SHA224",
        ),
        (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], "id-ecPublicKey"),
        (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "ecdsa-with-SHA1"),
        (
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
            "ecdsa-with-SHA256",
        ),
        (
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3],
            "ecdsa-with-SHA384",
        ),
        (
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4],
            "ecdsa-with-SHA512",
        ),
        (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], "dsaEncryption"),
        (&[0x2b, 0x65, 0x70], "ED25519"),
        (&[0x2b, 0x65, 0x71], "ED448"),
    ];
    let known = NAMES.iter().find(|(known, _)| *known == oid);
    known.map_or_else(|| der::dotted(oid), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Vec<u8> {
        let attribute = |oid: &[u8], value: &str| {
            let pair = [
                der::element(der::OID, oid),
                der::element(0x0c, value.as_bytes()),
            ];
            der::element(der::SET, &der::element(der::SEQUENCE, &pair.concat()))
        };
        let all = [
            attribute(&[0x55, 4, 6], "FR"),
            attribute(&[0x55, 4, 11], "one"),
            attribute(&[0x55, 4, 11], "two, too"),
            attribute(&[0x55, 4, 3], "a.example"),
        ];
        der::element(der::SEQUENCE, &all.concat())
    }

    #[test]
    fn names_have_three_forms() {
        assert_eq!(oneline(&name()), b"/C=FR/OU=one/OU=two, too/CN=a.example");
        assert_eq!(rfc2253(&name()), b"CN=a.example,OU=two\\, too,OU=one,C=FR");
        let name = name();
        assert_eq!(entry(&name, b"OU", 2), Some(&b"two, too"[..]));
        assert_eq!(entry(&name, b"OU", -2), Some(&b"one"[..]));
        assert_eq!(entry(&name, b"OU", 3), None);
        assert_eq!(entry(&name, b"CN", 0), Some(&b"a.example"[..]));
    }
}
