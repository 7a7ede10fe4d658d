//! Hash functions and modifiers (`hash-type`), and what `balance` hashes of a request.

use std::net::IpAddr;

pub use base::hash::{avalanche as full_hash, crc32, djb2, sdbm, wt6};

/// `hash-type <method> <function>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Function {
    /// The default.
    #[default]
    Sdbm,
    /// Bernstein's.
    Djb2,
    /// Made for HAProxy.
    Wt6,
    /// The CRC of Ethernet and gzip.
    Crc32,
    /// The key is a number already, in decimal.
    None,
}

impl Function {
    /// Hashes a key.
    #[must_use]
    pub fn hash(self, key: &[u8]) -> u32 {
        match self {
            Self::Sdbm => sdbm(key),
            Self::Djb2 => djb2(key),
            Self::Wt6 => wt6(key),
            Self::Crc32 => crc32(key),
            Self::None => number(key),
        }
    }

    /// Hashes a key and spreads the result when `avalanche` is asked for.
    #[must_use]
    pub fn key_hash(self, key: &[u8], avalanche: bool) -> u32 {
        modify(self.hash(key), avalanche)
    }
}

fn modify(hash: u32, avalanche: bool) -> u32 {
    if avalanche { full_hash(hash) } else { hash }
}

/// A signed decimal number up to the first byte that is not part of it; kept within 64 bits, then cut to 32.
fn number(key: &[u8]) -> u32 {
    let key = key.trim_ascii_start();
    let (sign, digits) = match key {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        all => (1, all),
    };
    let digits = digits.iter().take_while(|b| b.is_ascii_digit());
    digits.fold(0i64, |n, &b| {
        n.saturating_mul(10)
            .saturating_add(sign * i64::from(b - b'0'))
    }) as u32
}

/// `balance source`: the address's 32-bit words combined, whatever the hash function.
#[must_use]
pub fn source(ip: IpAddr, avalanche: bool) -> u32 {
    let hash = match ip {
        IpAddr::V4(v4) => u32::from(v4),
        IpAddr::V6(v6) => {
            let bits = u128::from(v6);
            (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
        }
    };
    modify(hash, avalanche)
}

/// `balance uri`: the part of a URI to hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UriKey {
    /// `whole`: the query string too.
    pub whole: bool,
    /// `len`: so many bytes at most, zero for all.
    pub len: usize,
    /// `depth`: so many slashes at most, zero for all.
    pub depth: usize,
}

impl UriKey {
    /// Cuts the key from a URI (from its path, with `path-only`).
    #[must_use]
    pub fn cut<'a>(&self, uri: &'a [u8]) -> &'a [u8] {
        let uri = if self.len > 0 {
            uri.get(..self.len.min(uri.len())).unwrap_or(uri)
        } else {
            uri
        };
        let mut slashes = 0;
        let end = uri.iter().position(|&b| {
            slashes += usize::from(b == b'/');
            (b == b'/' && self.depth > 0 && slashes > self.depth) || (b == b'?' && !self.whole)
        });
        uri.get(..end.unwrap_or(uri.len())).unwrap_or(uri)
    }
}

/// `use_domain_only`: the main part of a host name, `1wt` of `haproxy.1wt.eu`.
///
/// The part is never empty: a dot in the first place ends nothing, and of two dots in a row the first belongs to it.
#[must_use]
pub fn main_domain(host: &[u8]) -> &[u8] {
    let tail = host.get(1..).unwrap_or_default();
    let Some(last) = tail.iter().rposition(|&b| b == b'.') else {
        return host;
    };
    // Without the first byte, the index of the dot is that of the byte before it.
    let head = host.get(..=last).unwrap_or(host);
    let before = head.get(..last).unwrap_or_default();
    let start = before
        .iter()
        .rposition(|&b| b == b'.')
        .map_or(0, |dot| dot + 1);
    head.get(start..).unwrap_or(head)
}

#[cfg(test)]
mod tests {
    use super::main_domain;

    #[test]
    fn main_domains() {
        for (host, part) in [
            ("haproxy.1wt.eu", "1wt"),
            ("a.b.c", "b"),
            ("ab.c", "ab"),
            ("abc", "abc"),
            (".", "."),
            ("..", "."),
            ("...", "."),
            ("a.", "a"),
            (".a", ".a"),
            ("a..b", "a."),
            ("..a", "."),
            ("a.b.", "b"),
            ("www.example.com:80", "example"),
            ("x.yy.z.w", "z"),
            (".ab.c", "ab"),
            ("ab..", "ab."),
            ("", ""),
        ] {
            let got = main_domain(host.as_bytes());
            assert_eq!(std::str::from_utf8(got), Ok(part), "{host}");
        }
    }
}
