//! Why a TLS connection failed, in the words and with the numbers of OpenSSL, which logs and fetches show.

use rustls::{AlertDescription, Error, PeerIncompatible};

/// Why a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The number that OpenSSL gives the reason, within its SSL library.
    pub reason: u16,
    /// OpenSSL's name for it.
    pub text: &'static str,
}

/// The number of OpenSSL's SSL library in its error codes.
const LIBRARY: u32 = 20;

macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident = $reason:literal, $text:literal;)*) => {
        impl Failure {
            $($(#[$doc])* pub const $name: Self = Self { reason: $reason, text: $text };)*
        }
    };
}

failures! {
    /// The peer spoke HTTP.
    HTTP_REQUEST = 156, "http request";
    /// The peer spoke something else.
    WRONG_VERSION = 267, "wrong version number";
    /// No protocol version in common.
    UNSUPPORTED_PROTOCOL = 258, "unsupported protocol";
    /// No cipher in common.
    NO_SHARED_CIPHER = 193, "no shared cipher";
    /// No group in common.
    NO_KEY_SHARE = 101, "no suitable key share";
    /// No signature scheme in common.
    NO_SIGNATURE = 118, "no suitable signature algorithm";
    /// The peer's certificate was refused.
    VERIFY_FAILED = 134, "certificate verify failed";
    /// The peer has no certificate but needs one.
    NO_CERTIFICATE = 199, "peer did not return a certificate";
    /// No certificate fits the name.
    NO_NAME = 234, "callback failed";
    /// The stream ended without notice.
    EOF = 294, "unexpected eof while reading";
    /// A record that could not be decrypted.
    BAD_RECORD = 281, "decryption failed or bad record mac";
    /// A message out of place.
    UNEXPECTED_MESSAGE = 244, "unexpected message";
    /// A malformed message.
    BAD_MESSAGE = 159, "length mismatch";
    /// No application protocol in common.
    NO_PROTOCOL = 235, "no application protocol";
    /// The key of the peer's certificate is on a curve that is not offered.
    WRONG_CURVE = 378, "wrong curve";
    /// The server did not take early data.
    EARLY_REFUSED = 0, "early data refused";
    /// Something went wrong on this side.
    INTERNAL = 68, "internal error";
}

impl Failure {
    /// The whole error code.
    #[must_use]
    pub fn code(self) -> u32 {
        LIBRARY << 23 | u32::from(self.reason)
    }

    /// The code and text as OpenSSL 3 writes them: `error:0A000086:SSL routines::certificate verify failed`.
    #[must_use]
    pub fn describe(self) -> String {
        format!("error:{:08X}:SSL routines::{}", self.code(), self.text)
    }

    fn alert(description: AlertDescription) -> Self {
        let number = u8::from(description);
        Self {
            reason: 1000 + u16::from(number),
            text: alert_text(number),
        }
    }
}

fn alert_text(number: u8) -> &'static str {
    match number {
        0 => "sslv3 alert close notify",
        10 => "sslv3 alert unexpected message",
        20 => "sslv3 alert bad record mac",
        22 => "tlsv1 alert record overflow",
        40 => "sslv3 alert handshake failure",
        42 => "sslv3 alert bad certificate",
        43 => "sslv3 alert unsupported certificate",
        44 => "sslv3 alert certificate revoked",
        45 => "sslv3 alert certificate expired",
        46 => "sslv3 alert certificate unknown",
        47 => "sslv3 alert illegal parameter",
        48 => "tlsv1 alert unknown ca",
        49 => "tlsv1 alert access denied",
        50 => "tlsv1 alert decode error",
        51 => "tlsv1 alert decrypt error",
        70 => "tlsv1 alert protocol version",
        71 => "tlsv1 alert insufficient security",
        80 => "tlsv1 alert internal error",
        86 => "tlsv1 alert inappropriate fallback",
        90 => "tlsv1 alert user cancelled",
        100 => "tlsv1 alert no renegotiation",
        109 => "tlsv13 alert missing extension",
        110 => "tlsv1 unsupported extension",
        112 => "tlsv1 unrecognized name",
        113 => "tlsv1 bad certificate status response",
        116 => "tlsv13 alert certificate required",
        120 => "tlsv1 alert no application protocol",
        _ => "unknown alert type",
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::AlertReceived(description) => Self::alert(*description),
            Error::InvalidCertificate(_) | Error::InvalidCertRevocationList(_) => {
                Self::VERIFY_FAILED
            }
            Error::NoCertificatesPresented => Self::NO_CERTIFICATE,
            Error::NoApplicationProtocol => Self::NO_PROTOCOL,
            Error::PeerIncompatible(why) => match why {
                PeerIncompatible::NoCipherSuitesInCommon
                | PeerIncompatible::NoEcPointFormatsInCommon => Self::NO_SHARED_CIPHER,
                PeerIncompatible::NoKxGroupsInCommon
                | PeerIncompatible::NamedGroupsExtensionRequired => Self::NO_KEY_SHARE,
                PeerIncompatible::NoSignatureSchemesInCommon
                | PeerIncompatible::SignatureAlgorithmsExtensionRequired
                | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
                    Self::NO_SIGNATURE
                }
                _ => Self::UNSUPPORTED_PROTOCOL,
            },
            Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
                Self::UNEXPECTED_MESSAGE
            }
            Error::General(text) if text == Self::WRONG_CURVE.text => Self::WRONG_CURVE,
            Error::DecryptError => Self::BAD_RECORD,
            Error::InvalidMessage(
                rustls::InvalidMessage::UnknownProtocolVersion
                | rustls::InvalidMessage::InvalidContentType,
            ) => Self::WRONG_VERSION,
            Error::InvalidMessage(_) | Error::PeerMisbehaved(_) => Self::BAD_MESSAGE,
            _ => Self::INTERNAL,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_openssl_s() {
        assert_eq!(
            Failure::VERIFY_FAILED.describe(),
            "error:0A000086:SSL routines::certificate verify failed"
        );
        let alert = Failure::from(&Error::AlertReceived(AlertDescription::UnknownCA));
        assert_eq!(
            alert.describe(),
            "error:0A000418:SSL routines::tlsv1 alert unknown ca"
        );
    }
}
