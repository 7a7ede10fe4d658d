//! The cryptography that a line offers.

use crate::p521::P521;
use crate::settings::{Common, Version};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};
use std::sync::Arc;

/// Groups offered where nothing is said, in this order.
#[must_use]
pub fn default_groups() -> Vec<&'static dyn SupportedKxGroup> {
    use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519, X25519MLKEM768};
    vec![X25519, SECP256R1, P521, SECP384R1, X25519MLKEM768]
}

/// What a line's settings offer.
///
/// # Errors
/// In words, when nothing is left.
pub fn provider(common: &Common) -> Result<Arc<CryptoProvider>, String> {
    let mut provider = aws_lc_rs::default_provider();
    let (old, new): (Vec<SupportedCipherSuite>, Vec<_>) =
        crate::words::suites().partition(|suite| suite.tls13().is_none());
    let old = common.ciphers.as_deref().map_or(old, <[_]>::to_vec);
    let new = common.suites.as_deref().map_or(new, <[_]>::to_vec);
    let versions = versions(common)?;
    let offers = |wanted| versions.contains(&wanted);
    if offers(&version::TLS12) && old.is_empty() && !offers(&version::TLS13) {
        return Err("no cipher is left that is offered with TLS 1.2".to_owned());
    }
    provider.cipher_suites = [new, old].concat();
    provider.kx_groups = match &common.curves {
        Some(curves) => curves.to_vec(),
        None => default_groups(),
    };
    Ok(Arc::new(provider))
}

/// The protocol versions that a line's settings offer.
///
/// # Errors
/// In words, when none is left.
pub fn versions(common: &Common) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let (min, max) = common.versions;
    let (min, max) = (min.unwrap_or(Version::Tls12), max.unwrap_or(Version::Tls13));
    let mut versions = Vec::new();
    if max >= Version::Tls13 {
        versions.push(&version::TLS13);
    }
    if min <= Version::Tls12
        && common
            .ciphers
            .as_deref()
            .is_none_or(|list| !list.is_empty())
    {
        versions.push(&version::TLS12);
    }
    if versions.is_empty() || min > max {
        return Err("all protocol versions are disabled".to_owned());
    }
    Ok(versions)
}
