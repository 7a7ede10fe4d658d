//! The MD5 method of crypt(3), which no well-kept crate has any more.

use md5::{Digest, Md5};

/// How often the digest is taken again.
const ROUNDS: usize = 1000;

/// The most that counts of a salt.
const SALT: usize = 8;

/// The hash of a password with the salt of another hash (`$1$salt$…`); `None` when that has no salt.
pub(super) fn hash(password: &[u8], of: &str) -> Option<String> {
    let (salt, _) = of.strip_prefix("$1$")?.split_once('$')?;
    let salt = salt.get(..SALT).unwrap_or(salt);
    let digest = stretched(password, salt.as_bytes());
    Some(format!("$1${salt}${}", encoded(digest)))
}

fn first(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut digest = Md5::new();
    digest.update(password);
    digest.update(b"$1$");
    digest.update(salt);
    let repeated = inner.iter().cycle().take(password.len());
    digest.update(repeated.copied().collect::<Vec<u8>>());
    let mut bits = password.len();
    while bits > 0 {
        match bits & 1 {
            1 => digest.update([0]),
            _ => digest.update(password.get(..1).unwrap_or_default()),
        }
        bits >>= 1;
    }
    digest.finalize().into()
}

fn stretched(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let mut digest = first(password, salt);
    for round in 0..ROUNDS {
        let odd = round % 2 == 1;
        let mut next = Md5::new();
        next.update(if odd { password } else { &digest[..] });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if odd { &digest[..] } else { password });
        digest = next.finalize().into();
    }
    digest
}

/// The digest in the alphabet of crypt(3), its bytes in the method's own order.
fn encoded(digest: [u8; 16]) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let byte = |at: usize| u32::from(digest.get(at).copied().unwrap_or(0));
    let mut text = String::with_capacity(22);
    let mut put = |mut bits: u32, digits: usize| {
        for _ in 0..digits {
            let digit = ALPHABET.get((bits & 63) as usize).copied().unwrap_or(b'.');
            text.push(char::from(digit));
            bits >>= 6;
        }
    };
    for [a, b, c] in ORDER {
        put(byte(a) << 16 | byte(b) << 8 | byte(c), 4);
    }
    put(byte(11), 2);
    text
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn hashes_are_those_of_openssl() {
        let hash = |password: &str, of| hash(password.as_bytes(), of);
        assert_eq!(
            hash("", "$1$ab$").as_deref(),
            Some("$1$ab$rn6aQS/o7141mj179E/zA.")
        );
        assert_eq!(
            hash("password", "$1$abcdefghij$").as_deref(),
            Some("$1$abcdefgh$G//4keteveJp0qb8z2DxG/")
        );
        assert_eq!(hash("password", "$1$abc"), None);
    }
}
