//! Indexes behind pattern sets. All of them yield places in the set's list of entries.

use hashbrown::{HashMap, HashTable};
use std::net::IpAddr;
use xxhash_rust::xxh3::Xxh3Default;

/// Hashes text, with ASCII letters folded when `fold` says so.
pub(super) fn hash(text: &[u8], fold: bool) -> u64 {
    if !fold {
        return xxhash_rust::xxh3::xxh3_64(text);
    }
    // Most texts fit a small buffer, and hashing in one go is several times faster than piece by piece.
    let mut folded = [0u8; 128];
    if let Some(folded) = folded.get_mut(..text.len()) {
        for (to, from) in folded.iter_mut().zip(text) {
            *to = from.to_ascii_lowercase();
        }
        return xxhash_rust::xxh3::xxh3_64(folded);
    }
    let mut hasher = Xxh3Default::new();
    for chunk in text.chunks(64) {
        let mut folded = [0u8; 64];
        for (to, from) in folded.iter_mut().zip(chunk) {
            *to = from.to_ascii_lowercase();
        }
        hasher.update(folded.get(..chunk.len()).unwrap_or_default());
    }
    hasher.digest()
}

/// Equality of text, with ASCII letters folded when `fold` says so.
pub(super) fn equal(a: &[u8], b: &[u8], fold: bool) -> bool {
    if fold {
        a.eq_ignore_ascii_case(b)
    } else {
        a == b
    }
}

/// Exact texts; holds places only, the texts stay in the set.
#[derive(Debug, Default)]
pub(super) struct Exact {
    table: HashTable<u32>,
}

impl Exact {
    /// Adds a place; the first of equal texts wins.
    pub(super) fn add<'t>(&mut self, at: u32, fold: bool, text: impl Fn(u32) -> &'t [u8]) {
        let new = text(at);
        let key = hash(new, fold);
        if self
            .table
            .find(key, |&old| equal(text(old), new, fold))
            .is_none()
        {
            self.table
                .insert_unique(key, at, |&old| hash(text(old), fold));
        }
    }

    pub(super) fn find<'t>(
        &self,
        sample: &[u8],
        fold: bool,
        text: impl Fn(u32) -> &'t [u8],
    ) -> Option<u32> {
        self.table
            .find(hash(sample, fold), |&at| equal(text(at), sample, fold))
            .copied()
    }
}

/// Prefixes: one look-up per distinct length, longest first.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// Distinct lengths, longest first.
    lengths: Vec<usize>,
    table: Exact,
}

impl Prefixes {
    pub(super) fn add<'t>(&mut self, at: u32, text: impl Fn(u32) -> &'t [u8]) {
        let length = text(at).len();
        if let Err(place) = self.lengths.binary_search_by(|l| length.cmp(l)) {
            self.lengths.insert(place, length);
        }
        self.table.add(at, false, text);
    }

    pub(super) fn find<'t>(
        &self,
        sample: &[u8],
        text: impl Fn(u32) -> &'t [u8] + Copy,
    ) -> Option<u32> {
        self.lengths.iter().find_map(|&length| {
            let prefix = sample.get(..length)?;
            self.table.find(prefix, false, text)
        })
    }
}

/// Networks: one look-up per distinct prefix length, longest first.
#[derive(Debug, Default)]
pub(super) struct Networks {
    v4: Family<u32>,
    v6: Family<u128>,
}

#[derive(Debug)]
struct Family<T> {
    lengths: Vec<u8>,
    places: HashMap<(T, u8), u32>,
}

impl<T> Default for Family<T> {
    fn default() -> Self {
        Self {
            lengths: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Copy + Eq + std::hash::Hash> Family<T> {
    fn add(&mut self, network: T, bits: u8, at: u32) {
        if let Err(place) = self.lengths.binary_search_by(|l| bits.cmp(l)) {
            self.lengths.insert(place, bits);
        }
        self.places.entry((network, bits)).or_insert(at);
    }

    fn find(&self, mask: impl Fn(u8) -> T) -> Option<u32> {
        self.lengths
            .iter()
            .find_map(|&bits| self.places.get(&(mask(bits), bits)).copied())
    }
}

pub(super) fn mask4(address: u32, bits: u8) -> u32 {
    address & u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

pub(super) fn mask6(address: u128, bits: u8) -> u128 {
    address & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

impl Networks {
    pub(super) fn add(&mut self, address: IpAddr, bits: u8, at: u32) {
        match address {
            IpAddr::V4(ip) => self.v4.add(mask4(ip.into(), bits), bits, at),
            IpAddr::V6(ip) => self.v6.add(mask6(ip.into(), bits), bits, at),
        }
    }

    /// The most specific network of the address' own family, else of the other family's form of it.
    pub(super) fn find(&self, address: IpAddr) -> Option<u32> {
        let v4 = |ip: std::net::Ipv4Addr| self.v4.find(|bits| mask4(ip.into(), bits));
        let v6 = |ip: std::net::Ipv6Addr| self.v6.find(|bits| mask6(ip.into(), bits));
        match address {
            IpAddr::V4(ip) => v4(ip).or_else(|| v6(ip.to_ipv6_mapped())),
            IpAddr::V6(ip) => v6(ip).or_else(|| crate::cast::to_v4(address).and_then(v4)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_hashes_do_not_depend_on_length_or_case() {
        for length in [0, 1, 63, 64, 65, 127, 128, 129, 300] {
            let lower = vec![b'q'; length];
            let upper = vec![b'Q'; length];
            assert_eq!(hash(&lower, true), hash(&upper, true), "{length}");
            assert_eq!(hash(&lower, true), hash(&lower, false), "{length}");
        }
    }

    #[test]
    fn the_longest_prefix_and_the_smallest_network_win() {
        let words: [&[u8]; 3] = [b"/a", b"/a/b", b""];
        let text = |at: u32| words.get(at as usize).copied().unwrap_or_default();
        let mut prefixes = Prefixes::default();
        (0..3).for_each(|at| prefixes.add(at, text));
        assert_eq!(prefixes.find(b"/a/b/c", text), Some(1));
        assert_eq!(prefixes.find(b"/a/c", text), Some(0));
        assert_eq!(prefixes.find(b"x", text), Some(2));

        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut networks = Networks::default();
        for (at, (network, bits)) in [
            ("10.0.0.0", 8),
            ("10.1.0.0", 16),
            ("0.0.0.0", 0),
            ("2001:db8::", 32),
        ]
        .into_iter()
        .enumerate()
        {
            networks.add(ip(network), bits, at as u32);
        }
        assert_eq!(networks.find(ip("10.1.2.3")), Some(1));
        assert_eq!(networks.find(ip("10.2.2.3")), Some(0));
        assert_eq!(networks.find(ip("::ffff:10.1.0.1")), Some(1));
        assert_eq!(networks.find(ip("2002:0a01:1::")), Some(1));
        assert_eq!(networks.find(ip("2001:db8::1")), Some(3));
        assert_eq!(networks.find(ip("2001:db9::1")), None);
    }
}
