//! The certificates that JSON Web Tokens may be verified and decrypted with (`jwt`).

use crate::bundle::Bundle;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Certificates by name.
#[derive(Debug, Default)]
pub struct Tokens {
    known: ArcSwap<BTreeMap<Arc<str>, Arc<Bundle>>>,
}

/// What comes of looking for a certificate.
#[derive(Debug, Clone)]
pub enum Found {
    /// This one.
    Bundle(Arc<Bundle>),
    /// It is not meant for tokens.
    NotAllowed,
    /// There is none.
    Unknown,
}

impl Tokens {
    /// Adds a certificate, or puts it in the place of the one of its name.
    pub fn set(&self, bundle: Arc<Bundle>) {
        self.change(|known| {
            known.insert(bundle.name.clone(), bundle.clone());
        });
    }

    /// Forgets a certificate.
    pub fn remove(&self, name: &str) {
        self.change(|known| {
            known.remove(name);
        });
    }

    fn change(&self, change: impl Fn(&mut BTreeMap<Arc<str>, Arc<Bundle>>)) {
        self.known.rcu(|known| {
            let mut known = BTreeMap::clone(known);
            change(&mut known);
            known
        });
    }

    /// The certificate of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Found {
        match self.known.load().get(name) {
            Some(bundle) if bundle.jwt => Found::Bundle(bundle.clone()),
            Some(_) => Found::NotAllowed,
            None => Found::Unknown,
        }
    }
}
