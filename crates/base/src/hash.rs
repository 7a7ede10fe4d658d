//! The 32-bit hash functions of `hash-type` and of the converters of the same names.

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

const fn table(polynomial: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                (value >> 1) ^ polynomial
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

fn crc(start: u32, key: &[u8], table: &[u32; 256]) -> u32 {
    key.iter()
        .fold(start, |h, &b| (h >> 8) ^ table[usize::from(h as u8 ^ b)])
}

/// The CRC of Ethernet and gzip.
#[must_use]
pub fn crc32(key: &[u8]) -> u32 {
    static TABLE: [u32; 256] = table(0xedb8_8320);
    !crc(u32::MAX, key, &TABLE)
}

/// A running Castagnoli CRC (RFC 4960, appendix B).
#[derive(Debug, Clone, Copy)]
pub struct Crc32c(u32);

impl Crc32c {
    /// That of nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    /// That of these bytes as well.
    #[must_use]
    pub fn update(self, bytes: &[u8]) -> Self {
        static TABLE: [u32; 256] = table(0x82f6_3b78);
        Self(crc(self.0, bytes, &TABLE))
    }

    /// The checksum.
    #[must_use]
    pub const fn finish(self) -> u32 {
        !self.0
    }
}

impl Default for Crc32c {
    fn default() -> Self {
        Self::new()
    }
}

/// The [`Crc32c`] of a text.
#[must_use]
pub fn crc32c(key: &[u8]) -> u32 {
    Crc32c::new().update(key).finish()
}

/// Spreads a hash over all its bits (`avalanche`): Bob Jenkins' six-shift integer hash, then a multiplication.
#[must_use]
pub fn avalanche(hash: u32) -> u32 {
    let mut a = hash;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    ((a ^ 0xb55a_4f09) ^ (a >> 16)).wrapping_mul(0xc000_0001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        let in_parts = Crc32c::new().update(b"1234").update(b"56789");
        assert_eq!(in_parts.finish(), 0xe306_9283);
        assert_eq!(djb2(b"hello"), 0x0f92_3099);
        assert_eq!(sdbm(b"hello"), 0x28d1_9932);
        assert_eq!(wt6(b"hello"), 0xd2e6_e6b7);
        assert_eq!(avalanche(0xd2e6_e6b7), 0x085f_370b);
    }
}
