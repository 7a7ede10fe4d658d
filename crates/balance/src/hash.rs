//! Hash functions and modifiers (`hash-type`), and what `balance` hashes of a request.

use std::net::IpAddr;

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

/// The `sdbm` function.
#[must_use]
pub fn sdbm(key: &[u8]) -> u32 {
    key.iter().fold(0, |h: u32, &b| {
        h.wrapping_mul(65_599).wrapping_add(u32::from(b))
    })
}

/// The `djb2` function.
#[must_use]
pub fn djb2(key: &[u8]) -> u32 {
    key.iter().fold(5381, |h: u32, &b| {
        h.wrapping_mul(33).wrapping_add(u32::from(b))
    })
}

/// The `wt6` function: two words turned against each other by amounts that depend on them.
#[must_use]
pub fn wt6(key: &[u8]) -> u32 {
    let (mut a, mut b) = (0xa53c_965a_u32, 0x5ca6_953a_u32);
    let (mut turn_a, mut turn_b) = (18, 6);
    for &byte in key {
        let byte = u32::from(byte);
        let left = !(a ^ byte);
        let right = !b.wrapping_add(byte);
        (a, b) = (right.rotate_left(turn_b), left.rotate_left(turn_a));
        let mixed = ((a >> 16) ^ b) & 0xffff;
        (turn_b, turn_a) = (mixed & 0x1f, mixed >> 11);
    }
    a ^ b
}

/// The `crc32` function.
#[must_use]
pub fn crc32(key: &[u8]) -> u32 {
    !key.iter().fold(u32::MAX, |h, &b| {
        (0..8).fold(h ^ u32::from(b), |c, _| {
            if c & 1 != 0 {
                (c >> 1) ^ 0xedb8_8320
            } else {
                c >> 1
            }
        })
    })
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

/// The `avalanche` modifier: every bit in may change every bit out. Bob Jenkins' integer hash, spread by a multiplication.
#[must_use]
pub fn full_hash(value: u32) -> u32 {
    let mut a = value;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    a = (a ^ 0xb55a_4f09) ^ (a >> 16);
    a.wrapping_mul(0xc000_0001)
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
