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
