//! Session tickets: how long they live, and keys that several machines share (`tls-ticket-keys`).

use crate::settings::TicketKeys;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use rustls::server::ProducesTickets;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many bytes of a key name it.
const NAME: usize = 16;

/// Tickets that carry the time they were made at.
#[derive(Debug)]
pub(crate) struct Dated {
    pub inner: Arc<dyn ProducesTickets>,
    /// In seconds.
    pub lifetime: u32,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

impl ProducesTickets for Dated {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.lifetime
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.inner.encrypt(&[&now().to_be_bytes(), plain].concat())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let dated = self.inner.decrypt(cipher)?;
        let (made, plain) = dated.split_first_chunk::<8>()?;
        let age = now().saturating_sub(u64::from_be_bytes(*made));
        (age <= u64::from(self.lifetime)).then(|| plain.to_vec())
    }
}

/// Tickets under keys from a file: the last but one makes them, all open them.
pub(crate) struct Shared {
    keys: Vec<([u8; NAME], LessSafeKey)>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("keys", &self.keys.len())
            .finish()
    }
}

impl Shared {
    /// Tickets under the keys of a file, the oldest first.
    pub(crate) fn new(keys: &TicketKeys) -> Result<Self, String> {
        let made = keys.keys.iter().map(|key| {
            let (name, secret) = key
                .split_first_chunk::<NAME>()
                .ok_or("a ticket key is too short")?;
            let secret = digest(&SHA256, secret);
            let unbound = UnboundKey::new(&AES_256_GCM, secret.as_ref())
                .map_err(|_| "a ticket key can't be used")?;
            Ok((*name, LessSafeKey::new(unbound)))
        });
        Ok(Self {
            keys: made.collect::<Result<_, &str>>()?,
        })
    }
}

impl ProducesTickets for Shared {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let at = self.keys.len().saturating_sub(2);
        let (name, key) = self.keys.get(at)?;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        let aad = Aad::from(name);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .ok()?;
        Some([&name[..], &nonce, &sealed].concat())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = cipher.split_first_chunk::<NAME>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == name)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = key
            .open_in_place(nonce, Aad::from(name), &mut sealed)
            .ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(first: u8) -> TicketKeys {
        TicketKeys {
            path: "f".into(),
            keys: (first..first + 3).map(|n| vec![n; 48]).collect(),
        }
    }

    #[test]
    fn machines_with_a_key_in_common_understand_each_other() {
        let (one, two) = (
            Shared::new(&keys(1)).unwrap(),
            Shared::new(&keys(2)).unwrap(),
        );
        let ticket = one.encrypt(b"session").unwrap();
        assert_eq!(two.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        let other = Shared::new(&keys(9)).unwrap();
        assert_eq!(other.decrypt(&ticket), None);
        let mut bent = ticket.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert_eq!(two.decrypt(&bent), None);
    }

    #[test]
    fn old_tickets_are_refused() {
        let inner: Arc<dyn ProducesTickets> = Arc::new(Shared::new(&keys(1)).unwrap());
        let dated = Dated {
            inner: inner.clone(),
            lifetime: 10,
        };
        let ticket = dated.encrypt(b"session").unwrap();
        assert_eq!(dated.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        let old = (now() - 11).to_be_bytes();
        let ticket = inner.encrypt(&[&old[..], b"session"].concat()).unwrap();
        assert_eq!(dated.decrypt(&ticket), None);
    }
}
