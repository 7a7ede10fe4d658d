//! Session tickets: how long they live, and keys that several machines share (`tls-ticket-keys`).

use arc_swap::ArcSwap;
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

/// `tls-ticket-keys`: the keys of a file, which may be changed while they are used.
#[derive(Debug)]
pub struct TicketKeys {
    /// The file.
    pub path: Arc<str>,
    /// Its keys, the oldest first.
    keys: ArcSwap<Vec<Arc<TicketKey>>>,
}

/// A key of 48 or 80 bytes.
struct TicketKey {
    secret: Vec<u8>,
    name: [u8; NAME],
    key: LessSafeKey,
}

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketKey").finish_non_exhaustive()
    }
}

impl TicketKey {
    fn new(bytes: Vec<u8>) -> Result<Self, String> {
        let (name, secret) = bytes
            .split_first_chunk::<NAME>()
            .ok_or("a ticket key is too short")?;
        let digest = digest(&SHA256, secret);
        let unbound = UnboundKey::new(&AES_256_GCM, digest.as_ref())
            .map_err(|_| "a ticket key can't be used")?;
        Ok(Self {
            name: *name,
            key: LessSafeKey::new(unbound),
            secret: bytes,
        })
    }
}

impl TicketKeys {
    /// The keys of a file, of 48 or 80 bytes each, the oldest first.
    ///
    /// # Errors
    /// When one can't be used.
    pub fn new(path: &str, keys: Vec<Vec<u8>>) -> Result<Self, String> {
        let keys: Result<Vec<_>, String> = keys
            .into_iter()
            .map(|key| TicketKey::new(key).map(Arc::new))
            .collect();
        Ok(Self {
            path: path.into(),
            keys: ArcSwap::from_pointee(keys?),
        })
    }

    /// The keys' bytes, the oldest first.
    #[must_use]
    pub fn secrets(&self) -> Vec<Vec<u8>> {
        let keys = self.keys.load();
        keys.iter().map(|key| key.secret.clone()).collect()
    }

    /// Adds a key that tickets will be made with after the next change; the oldest one goes.
    ///
    /// # Errors
    /// When it is not as long as the others.
    pub fn renew(&self, key: Vec<u8>) -> Result<(), String> {
        let mut keys = Vec::clone(&self.keys.load());
        if keys
            .first()
            .is_none_or(|first| first.secret.len() != key.len())
        {
            return Err("the key is not as long as the others".to_owned());
        }
        keys.remove(0);
        keys.push(Arc::new(TicketKey::new(key)?));
        self.keys.store(Arc::new(keys));
        Ok(())
    }
}

/// Tickets under keys from a file: the last but one makes them, all open them.
#[derive(Debug)]
pub(crate) struct Shared(pub Arc<TicketKeys>);

impl ProducesTickets for Shared {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let keys = self.0.keys.load();
        let TicketKey { name, key, .. } = &**keys.get(keys.len().saturating_sub(2))?;
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
        let keys = self.0.keys.load();
        let key = &keys.iter().find(|known| known.name == *name)?.key;
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

    fn keys(first: u8) -> Arc<TicketKeys> {
        let keys = (first..first + 3).map(|n| vec![n; 48]).collect();
        Arc::new(TicketKeys::new("f", keys).unwrap())
    }

    #[test]
    fn machines_with_a_key_in_common_understand_each_other() {
        let (one, two) = (Shared(keys(1)), Shared(keys(2)));
        let ticket = one.encrypt(b"session").unwrap();
        assert_eq!(two.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        let other = Shared(keys(9));
        assert_eq!(other.decrypt(&ticket), None);
        let mut bent = ticket.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert_eq!(two.decrypt(&bent), None);
    }

    #[test]
    fn keys_are_renewed_one_at_a_time() {
        let keys = keys(1);
        let ticket = Shared(keys.clone()).encrypt(b"session").unwrap();
        assert!(keys.renew(vec![9; 80]).is_err());
        keys.renew(vec![9; 48]).unwrap();
        assert_eq!(keys.secrets(), [vec![2; 48], vec![3; 48], vec![9; 48]]);
        assert!(Shared(keys.clone()).decrypt(&ticket).is_some());
        keys.renew(vec![10; 48]).unwrap();
        assert!(Shared(keys).decrypt(&ticket).is_none());
    }

    #[test]
    fn old_tickets_are_refused() {
        let inner: Arc<dyn ProducesTickets> = Arc::new(Shared(keys(1)));
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
