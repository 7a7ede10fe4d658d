//! Certificates and OCSP responses in OpenSSL's words, which runtime commands answer with.

mod certificate;
mod extensions;
mod response;

pub use certificate::certificate;
pub use response::response;

use crate::certificate::seconds;
use crate::der::{self, Element};
use base::calendar::Day;
use std::fmt::Write;

/// A moment of a certificate: `Sep 20 16:26:00 2023 GMT`.
#[must_use]
pub fn time(element: Element<'_>) -> String {
    match seconds(element) {
        Some(seconds) => moment(seconds),
        None => "Bad time value".to_owned(),
    }
}

/// A moment in seconds since 1970, likewise.
#[must_use]
pub fn moment(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let day = Day::of(days);
    format!(
        "{} {:2} {:02}:{:02}:{:02} {} GMT",
        day.month_name(),
        day.day,
        rest / 3600,
        rest / 60 % 60,
        rest % 60,
        day.year
    )
}

/// Bytes in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02X}");
    }
    out
}

/// A serial number in hexadecimal digits.
#[must_use]
pub fn serial(bytes: &[u8]) -> String {
    match bytes {
        [0, digits @ ..] if !digits.is_empty() => hex(digits),
        bytes if bytes.first().is_some_and(|first| first & 0x80 != 0) => {
            // Two's complement: all bits turned round, and one added.
            let mut digits: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
            for digit in digits.iter_mut().rev() {
                let (sum, carry) = digit.overflowing_add(1);
                *digit = sum;
                if !carry {
                    break;
                }
            }
            format!("-{}", hex(&digits))
        }
        bytes => hex(bytes),
    }
}

/// The name of an algorithm by its AlgorithmIdentifier's content, as OpenSSL writes it at length.
#[must_use]
pub fn algorithm(identifier: &[u8]) -> String {
    let kind = der::Reader::new(identifier).expect(der::OID);
    let kind = kind.map(|kind| kind.content).unwrap_or_default();
    let short = crate::name::algorithm(kind);
    match short.strip_prefix("RSA-") {
        Some(hash) => format!("{}WithRSAEncryption", hash.to_ascii_lowercase()),
        None if short == "RSASSA-PSS" => "rsassaPss".to_owned(),
        None => short,
    }
}

/// Bytes with colons between, so many on a line, each line behind a margin.
fn dump(out: &mut String, bytes: &[u8], width: usize, margin: usize) {
    for (at, byte) in bytes.iter().enumerate() {
        if at % width == 0 {
            if at > 0 {
                out.push('\n');
            }
            let _ = write!(out, "{:margin$}", "");
        }
        let end = if at + 1 < bytes.len() { ":" } else { "" };
        let _ = write!(out, "{byte:02x}{end}");
    }
    out.push('\n');
}

/// Bytes in upper case with colons between, on one line.
fn colons(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    digits.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_openssl_does() {
        assert_eq!(moment(0), "Jan  1 00:00:00 1970 GMT");
        assert_eq!(moment(1_695_227_160), "Sep 20 16:26:00 2023 GMT");
        assert_eq!(moment(951_782_400), "Feb 29 00:00:00 2000 GMT");
        assert_eq!(moment(4_102_444_799), "Dec 31 23:59:59 2099 GMT");
    }

    #[test]
    fn serial_numbers_keep_their_zeros() {
        assert_eq!(serial(&[0x10, 0x0f]), "100F");
        assert_eq!(serial(&[0, 0x80]), "80");
        assert_eq!(serial(&[2]), "02");
        assert_eq!(serial(&[0]), "00");
        assert_eq!(serial(&[0xff]), "-01");
    }
}
