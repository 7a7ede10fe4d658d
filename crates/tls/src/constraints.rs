//! Name constraints of authorities (RFC 5280, section 4.2.1.10).

use crate::certificate::{self as cert, Certificate, oid};
use crate::der::{self, Element, Reader};
use crate::verify::code;

/// The first certificate of a chain, by its depth, with a name that an authority above it must not sign, and the error.
#[must_use]
pub fn violation(path: &[Certificate<'_>]) -> Option<(usize, u8)> {
    for (height, authority) in path.iter().enumerate().skip(1) {
        let Some(constraints) = authority.extension(oid::NAME_CONSTRAINTS) else {
            continue;
        };
        let below = path.iter().enumerate().take(height);
        for (depth, certificate) in below {
            // What an authority issues to itself on the way is not constrained.
            if depth > 0 && certificate.is_self_issued() {
                continue;
            }
            if let Err(error) = check(constraints.value, certificate) {
                return Some((depth, error));
            }
        }
    }
    None
}

fn check(constraints: &[u8], certificate: &Certificate<'_>) -> Result<(), u8> {
    let malformed = |_| code::UNKNOWN_CONSTRAINT;
    let mut lists = Reader::new(constraints)
        .enter(der::SEQUENCE)
        .map_err(malformed)?;
    let permitted = lists.optional(der::context(0)).map_err(malformed)?;
    let excluded = lists.optional(der::context(1)).map_err(malformed)?;
    let names = names(certificate);
    for name in &names {
        if let Some(list) = permitted {
            let mut same_kind = bases(list.content)
                .filter(|base| base.tag == name.tag)
                .peekable();
            let constrained = same_kind.peek().is_some();
            let mut allowed = false;
            for base in same_kind {
                allowed |= is_within(name, base)?;
            }
            if constrained && !allowed {
                return Err(code::NOT_PERMITTED);
            }
        }
        let list = excluded.map(|list| list.content).unwrap_or_default();
        for base in bases(list).filter(|base| base.tag == name.tag) {
            if is_within(name, base)? {
                return Err(code::EXCLUDED);
            }
        }
    }
    Ok(())
}

/// A name of a certificate: its kind as in a GeneralName, and its content.
struct Name<'a> {
    tag: u8,
    content: &'a [u8],
}

/// All names of a certificate that can be constrained. A common name counts as a host's where no other name is one.
fn names<'a>(certificate: &Certificate<'a>) -> Vec<Name<'a>> {
    let mut names: Vec<Name<'a>> = certificate
        .alternative_names()
        .map(|name| Name {
            tag: name.tag,
            content: name.content,
        })
        .collect();
    if !names.iter().any(|name| name.tag == cert::DNS_NAME) {
        let common = certificate
            .common_names()
            .filter(|name| looks_like_host(name));
        names.extend(common.map(|content| Name {
            tag: cert::DNS_NAME,
            content,
        }));
    }
    names.push(Name {
        tag: cert::DIRECTORY_NAME,
        content: certificate.subject,
    });
    names
}

fn looks_like_host(name: &[u8]) -> bool {
    name.contains(&b'.')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._*".contains(byte))
}

fn bases(list: &[u8]) -> impl Iterator<Item = Element<'_>> {
    der::elements(list).filter_map(|subtree| subtree.reader().any().ok())
}

fn is_within(name: &Name<'_>, base: Element<'_>) -> Result<bool, u8> {
    let (content, limit) = (name.content, base.content);
    Ok(match name.tag {
        cert::DNS_NAME => is_subdomain(content, limit),
        cert::EMAIL => {
            let host = content
                .rsplit(|&byte| byte == b'@')
                .next()
                .unwrap_or(content);
            match limit.contains(&b'@') {
                true => content.eq_ignore_ascii_case(limit),
                false => is_in_domain(host, limit),
            }
        }
        cert::URI => is_in_domain(uri_host(content), limit),
        cert::IP_ADDRESS => {
            let (address, mask) = limit.split_at(limit.len() / 2);
            let same = |((one, other), mask): ((&u8, &u8), &u8)| one & mask == other & mask;
            content.len() == address.len() && content.iter().zip(address).zip(mask).all(same)
        }
        cert::DIRECTORY_NAME => {
            let parts = |name: &'_ [u8]| -> Vec<Vec<u8>> {
                let sets = Reader::new(name).expect(der::SEQUENCE);
                let sets = sets.map(|sets| sets.content).unwrap_or_default();
                der::elements(sets).map(|set| set.whole.to_vec()).collect()
            };
            parts(content).starts_with(&parts(limit))
        }
        _ => return Err(code::UNKNOWN_CONSTRAINT),
    })
}

/// A constraint on host names covers the name itself and everything below it; the empty one covers all.
fn is_subdomain(name: &[u8], limit: &[u8]) -> bool {
    let limit = limit.strip_prefix(b".").unwrap_or(limit);
    let Some(cut) = name.len().checked_sub(limit.len()) else {
        return false;
    };
    let (head, tail) = name.split_at(cut);
    limit.is_empty()
        || (tail.eq_ignore_ascii_case(limit) && (head.is_empty() || head.ends_with(b".")))
}

/// A constraint on mail or URI hosts covers that host alone, or with a leading dot what is below it.
fn is_in_domain(host: &[u8], limit: &[u8]) -> bool {
    match limit.strip_prefix(b".") {
        Some(domain) => is_subdomain(host, domain) && !host.eq_ignore_ascii_case(domain),
        None => limit.is_empty() || host.eq_ignore_ascii_case(limit),
    }
}

fn uri_host(uri: &[u8]) -> &[u8] {
    let at = uri.windows(3).position(|part| part == b"://");
    let rest = at.and_then(|at| uri.get(at + 3..)).unwrap_or_default();
    let authority = rest.split(|byte| b"/?#".contains(byte)).next();
    let host = authority.and_then(|authority| authority.rsplit(|&byte| byte == b'@').next());
    host.and_then(|host| host.split(|&byte| byte == b':').next())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_cover_what_is_below_them() {
        assert!(is_subdomain(b"a.example", b"example"));
        assert!(is_subdomain(b"example", b".Example"));
        assert!(!is_subdomain(b"badexample", b"example"));
        assert!(is_in_domain(b"a.example", b".example") && !is_in_domain(b"example", b".example"));
        assert!(!is_in_domain(b"a.example", b"example"));
        assert_eq!(uri_host(b"https://u@h.example:1/x"), b"h.example");
    }
}
