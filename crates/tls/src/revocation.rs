//! Revocation lists (RFC 5280, section 5).

use crate::certificate::{Certificate, extensions, seconds};
use crate::der::{self, Element, Malformed, Reader};
use crate::verify::{code, is_signature_valid};
use std::collections::{HashMap, HashSet};

/// One list.
#[derive(Debug)]
pub struct RevocationList {
    der: Box<[u8]>,
    /// The issuer's name, with its tag.
    issuer: Box<[u8]>,
    updates: [Option<i64>; 2],
    serials: HashSet<Box<[u8]>>,
    /// Whether it only covers some certificates, or has other critical extensions that are not known.
    partial: bool,
}

/// A list in its parts.
#[derive(Debug)]
pub struct ShownList<'a> {
    /// The version, from 1 on.
    pub version: u32,
    /// The algorithm of the signature: content of the AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    /// The issuer's name, with its tag.
    pub issuer: &'a [u8],
    /// Since when it is valid.
    pub this_update: Element<'a>,
    /// When the next one comes.
    pub next_update: Option<Element<'a>>,
    /// Serial numbers, and since when each is revoked.
    pub revoked: Vec<(&'a [u8], Element<'a>)>,
}

impl RevocationList {
    /// Reads a list.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let mut fields = signed(der)?.0.reader();
        fields.optional(der::INTEGER)?;
        fields.expect(der::SEQUENCE)?;
        let issuer = fields.expect(der::SEQUENCE)?.whole.into();
        let this = seconds(fields.any()?);
        let next = match (
            fields.optional(der::UTC_TIME)?,
            fields.optional(der::GENERALIZED_TIME)?,
        ) {
            (Some(time), _) | (_, Some(time)) => seconds(time),
            _ => None,
        };
        let mut serials = HashSet::new();
        let mut partial = false;
        if let Some(revoked) = fields.optional(der::SEQUENCE)? {
            for entry in der::elements(revoked.content) {
                let mut entry = entry.reader();
                serials.insert(entry.expect(der::INTEGER)?.content.into());
                entry.any()?;
                if let Some(list) = entry.optional(der::SEQUENCE)? {
                    partial |= extensions(list.content).any(|extension| extension.critical);
                }
            }
        }
        if let Some(list) = fields.optional(der::context(0))? {
            let list = list.reader().expect(der::SEQUENCE)?;
            partial |= extensions(list.content).any(|extension| extension.critical);
        }
        Ok(Self {
            der: der.into(),
            issuer,
            updates: [this, next],
            serials,
            partial,
        })
    }

    /// All of it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What operators are shown of it.
    ///
    /// # Errors
    /// When it is malformed, which reading it has ruled out.
    pub fn shown(&self) -> Result<ShownList<'_>, Malformed> {
        let (tbs, algorithm, _) = signed(&self.der)?;
        let mut fields = tbs.reader();
        let version = fields.optional(der::INTEGER)?;
        fields.expect(der::SEQUENCE)?;
        let issuer = fields.expect(der::SEQUENCE)?.whole;
        let this_update = fields.any()?;
        let next_update = match fields.optional(der::UTC_TIME)? {
            Some(time) => Some(time),
            None => fields.optional(der::GENERALIZED_TIME)?,
        };
        let mut revoked = Vec::new();
        if let Some(list) = fields.optional(der::SEQUENCE)? {
            for entry in der::elements(list.content) {
                let mut entry = entry.reader();
                revoked.push((entry.expect(der::INTEGER)?.content, entry.any()?));
            }
        }
        Ok(ShownList {
            version: version.and_then(|v| v.small().ok()).unwrap_or(0) + 1,
            algorithm,
            issuer,
            this_update,
            next_update,
            revoked,
        })
    }

    fn is_signed_by(&self, issuer: &Certificate<'_>) -> bool {
        signed(&self.der).is_ok_and(|(tbs, algorithm, signature)| {
            is_signature_valid(issuer, algorithm, tbs.whole, signature)
        })
    }
}

/// What is signed, with which algorithm, and the signature.
fn signed(der: &[u8]) -> Result<(Element<'_>, &[u8], &[u8]), Malformed> {
    let mut parts = Reader::new(der).enter(der::SEQUENCE)?;
    let tbs = parts.expect(der::SEQUENCE)?;
    let algorithm = parts.expect(der::SEQUENCE)?.content;
    Ok((tbs, algorithm, parts.expect(der::BIT_STRING)?.bits()?))
}

/// The lists that apply, by issuer.
#[derive(Debug, Default)]
pub struct Revocations {
    lists: Vec<RevocationList>,
    by_issuer: HashMap<Box<[u8]>, usize>,
}

impl Revocations {
    /// Adds a list; a later one of the same issuer takes the place of an older one.
    pub fn add(&mut self, list: RevocationList) {
        let at = self.lists.len();
        let newer = |other: usize| {
            let other = self.lists.get(other).map(|other| other.updates);
            other.is_none_or(|other| other[0] <= list.updates[0])
        };
        if self
            .by_issuer
            .get(&list.issuer)
            .is_none_or(|&other| newer(other))
        {
            self.by_issuer.insert(list.issuer.clone(), at);
        }
        self.lists.push(list);
    }

    /// How many lists there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// All lists.
    pub fn iter(&self) -> impl Iterator<Item = &RevocationList> {
        self.lists.iter()
    }

    /// What revocation lists have against a certificate.
    #[must_use]
    pub fn errors(
        &self,
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        now: i64,
    ) -> Vec<u8> {
        let at = self.by_issuer.get(certificate.issuer);
        let Some(list) = at.and_then(|&at| self.lists.get(at)) else {
            return vec![code::NO_CRL];
        };
        let mut errors = Vec::new();
        if issuer.key_usage().is_some_and(|usage| usage & 0x0200 == 0) {
            errors.push(code::NO_CRL_SIGN);
        }
        if list.partial {
            errors.push(code::UNKNOWN_CRITICAL);
        }
        match list.updates {
            [Some(this), _] if now < this => errors.push(code::CRL_NOT_YET_VALID),
            [_, Some(next)] if now > next => errors.push(code::CRL_EXPIRED),
            _ => {}
        }
        if !list.is_signed_by(issuer) {
            errors.push(code::BAD_CRL_SIGNATURE);
        }
        if list.serials.contains(certificate.serial) {
            errors.push(code::REVOKED);
        }
        errors
    }
}
