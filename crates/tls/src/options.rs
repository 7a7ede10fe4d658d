//! Options that listening lines, lines of crt-lists, server lines and the process' defaults share.

use crate::settings::{Common, Version};
use crate::words;

/// How many words follow an option of these; `None` when it is none of them.
#[must_use]
pub fn arity(name: &str) -> Option<usize> {
    match name {
        "alpn" | "npn" | "ca-file" | "ca-verify-file" | "ciphers" | "ciphersuites"
        | "client-sigalgs" | "crl-file" | "curves" | "ecdhe" | "sigalgs" | "ssl-min-ver"
        | "ssl-max-ver" | "verify" | "ktls" => Some(1),
        "no-alpn" | "allow-0rtt" | "no-ca-names" | "no-sslv3" | "no-tlsv10" | "no-tlsv11"
        | "no-tlsv12" | "no-tlsv13" | "force-sslv3" | "force-tlsv10" | "force-tlsv11"
        | "force-tlsv12" | "force-tlsv13" => Some(0),
        _ => None,
    }
}

/// Applies one option. The answer is a warning, if there is something to say.
///
/// # Errors
/// In the words that HAProxy puts behind the option's name.
pub fn apply(common: &mut Common, name: &str, value: &str) -> Result<Option<String>, String> {
    let mut warning = None;
    let mut kept = |note: Option<String>| warning = note;
    match name {
        "alpn" => common.alpn = Some(words::alpn(value)?),
        "no-alpn" => common.alpn = Some([].into()),
        "npn" => kept(Some(
            "has no effect: NPN has given way to ALPN, use 'alpn' instead.".to_owned(),
        )),
        "ca-file" => common.ca_file = Some(value.into()),
        "ca-verify-file" => common.ca_verify_file = Some(value.into()),
        "crl-file" => common.crl_file = Some(value.into()),
        "ciphers" => {
            let (list, note) = words::ciphers(value)
                .map_err(|why| format!("unable to set SSL cipher list to '{value}': {why}"))?;
            common.ciphers = Some(list);
            kept(note);
        }
        "ciphersuites" => {
            let (list, note) = words::ciphersuites(value).map_err(|why| {
                format!("unable to set TLS 1.3 cipher suites to '{value}': {why}")
            })?;
            common.suites = Some(list);
            kept(note);
        }
        "curves" | "ecdhe" => {
            let (list, note) = words::curves(value)
                .map_err(|why| format!("unable to set SSL curves list to '{value}': {why}"))?;
            common.curves = Some(list);
            kept(note);
        }
        "sigalgs" => {
            let (list, note) = words::signatures(value).map_err(|why| {
                format!("unable to set SSL Signature Algorithm list to '{value}': {why}")
            })?;
            common.signatures = Some(list);
            kept(note);
        }
        "client-sigalgs" => {
            let (list, note) = words::signatures(value).map_err(|why| {
                format!("unable to set SSL Signature Algorithm list to '{value}': {why}")
            })?;
            common.client_signatures = Some(list);
            kept(note);
        }
        "verify" => {
            let verify = words::verify(value).ok_or_else(|| {
                format!("unknown verify method '{value}', only 'none', 'optional', and 'required' are supported")
            })?;
            common.verify = Some(verify);
        }
        "ssl-min-ver" | "ssl-max-ver" => {
            let version = words::version(value)
                .ok_or_else(|| format!("'{value}' : unknown ssl/tls version"))?;
            match (name, version) {
                ("ssl-min-ver", version) => {
                    common.versions.0 = Some(version.unwrap_or(Version::Tls12))
                }
                (_, Some(version)) => common.versions.1 = Some(version),
                (_, None) => {
                    common.versions.1 = Some(Version::Tls12);
                    kept(Some(format!(
                        "{value} is not offered, TLSv1.2 takes its place."
                    )));
                }
            }
        }
        "force-tlsv12" => common.versions = (Some(Version::Tls12), Some(Version::Tls12)),
        "force-tlsv13" => common.versions = (Some(Version::Tls13), Some(Version::Tls13)),
        "force-sslv3" | "force-tlsv10" | "force-tlsv11" => {
            common.versions = (Some(Version::Tls12), Some(Version::Tls12));
            kept(Some(
                "names a version that is not offered, TLSv1.2 takes its place.".to_owned(),
            ));
        }
        "no-tlsv12" => common.versions.0 = Some(Version::Tls13),
        "no-tlsv13" => common.versions.1 = Some(Version::Tls12),
        "ktls" => kept(Some(
            "has no effect: the kernel takes no part in TLS here.".to_owned(),
        )),
        "allow-0rtt" => common.early_data = true,
        "no-ca-names" => common.no_ca_names = true,
        // Versions before TLS 1.2 are not offered anyway.
        _ => {}
    }
    Ok(warning)
}
