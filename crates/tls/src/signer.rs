//! Keys that sign only with certain schemes (`sigalgs`).

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use std::sync::Arc;

#[derive(Debug)]
struct Restricted {
    key: Arc<dyn SigningKey>,
    schemes: Arc<[SignatureScheme]>,
}

/// A key that signs only with the schemes given, preferring them in their order.
#[must_use]
pub fn restricted(
    key: Arc<dyn SigningKey>,
    schemes: Arc<[SignatureScheme]>,
) -> Arc<dyn SigningKey> {
    Arc::new(Restricted { key, schemes })
}

/// What signatures of an RSA key are made with unless something is said: in OpenSSL's order, which has the cheapest digest
/// first.
const RSA: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// A key that prefers schemes as OpenSSL does.
#[must_use]
pub fn usual(key: Arc<dyn SigningKey>) -> Arc<dyn SigningKey> {
    match key.algorithm() {
        SignatureAlgorithm::RSA => restricted(key, Arc::from(RSA)),
        // The others sign in one way only.
        _ => key,
    }
}

impl SigningKey for Restricted {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let mut allowed = self
            .schemes
            .iter()
            .filter(|scheme| offered.contains(scheme));
        allowed.find_map(|scheme| self.key.choose_scheme(&[*scheme]))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::Error;

    /// A key that would sign with whatever is offered first.
    #[derive(Debug)]
    struct Any(SignatureAlgorithm);

    #[derive(Debug)]
    struct With(SignatureScheme);

    impl SigningKey for Any {
        fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
            Some(Box::new(With(*offered.first()?)))
        }

        fn algorithm(&self) -> SignatureAlgorithm {
            self.0
        }
    }

    impl Signer for With {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
            Ok(Vec::new())
        }

        fn scheme(&self) -> SignatureScheme {
            self.0
        }
    }

    #[test]
    fn rsa_keys_take_the_cheapest_digest_that_is_offered() {
        use SignatureScheme as Scheme;
        let chosen = |algorithm, offered: &[Scheme]| {
            let signer = usual(Arc::new(Any(algorithm))).choose_scheme(offered);
            signer.map(|signer| signer.scheme())
        };
        let rsa = SignatureAlgorithm::RSA;
        let all = [
            Scheme::RSA_PSS_SHA512,
            Scheme::RSA_PKCS1_SHA256,
            Scheme::RSA_PSS_SHA256,
        ];
        assert_eq!(chosen(rsa, &all), Some(Scheme::RSA_PSS_SHA256));
        assert_eq!(chosen(rsa, &all[..2]), Some(Scheme::RSA_PSS_SHA512));
        assert_eq!(chosen(rsa, &[Scheme::ED25519]), None);
        let other = SignatureAlgorithm::ED25519;
        assert_eq!(chosen(other, &[Scheme::ED25519]), Some(Scheme::ED25519));
    }
}
