//! Password hashes in the form of crypt(3).

use super::{equal, md5};
use sha_crypt::{PasswordVerifier, ShaCrypt};
use yescrypt::Yescrypt;

/// A password hash that can be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash {
    method: Method,
    text: Box<str>,
}

/// Why a password hash can't be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashError {
    /// The system's crypt(3) knows this method, but it is not built here.
    NotBuilt(&'static str),
    /// It is no hash of any method, so that no password fits it.
    NoHash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Md5,
    Sha,
    Bcrypt,
    Yescrypt,
}

impl Hash {
    /// Reads a hash.
    ///
    /// # Errors
    /// Why it can't be checked.
    pub fn read(text: &str) -> Result<Self, HashError> {
        let method = match text.strip_prefix('$').and_then(|rest| rest.split_once('$')) {
            Some(("1", _)) => Method::Md5,
            Some(("5" | "6", _)) => Method::Sha,
            Some(("2a" | "2b" | "2y", _)) => Method::Bcrypt,
            Some(("y", _)) => Method::Yescrypt,
            Some(("7", _)) => return Err(HashError::NotBuilt("scrypt")),
            Some(("gy", _)) => return Err(HashError::NotBuilt("gost-yescrypt")),
            Some(("2x", _)) => return Err(HashError::NotBuilt("the faulty form of bcrypt")),
            Some(("3", _)) => return Err(HashError::NotBuilt("NT hashes")),
            Some(("md5", _)) => return Err(HashError::NotBuilt("Sun MD5")),
            Some(("sha1", _)) => return Err(HashError::NotBuilt("SHA-1")),
            Some(_) => return Err(HashError::NoHash),
            None if is_des(text) => return Err(HashError::NotBuilt("DES")),
            None => return Err(HashError::NoHash),
        };
        Ok(Self {
            method,
            text: text.into(),
        })
    }

    /// Whether this is the password of the hash.
    #[must_use]
    pub fn fits(&self, password: &[u8]) -> bool {
        // crypt(3) takes a password up to its first zero.
        let password = password.split(|&b| b == 0).next().unwrap_or_default();
        let text = &*self.text;
        match self.method {
            Method::Md5 => md5::hash(password, text)
                .is_some_and(|hash| equal(hash.as_bytes(), text.as_bytes())),
            Method::Sha => sha_crypt::PasswordHashRef::new(text)
                .is_ok_and(|hash| ShaCrypt::default().verify_password(password, hash).is_ok()),
            Method::Bcrypt => bcrypt::verify(password, text).unwrap_or(false),
            Method::Yescrypt => yescrypt::PasswordHashRef::new(text)
                .is_ok_and(|hash| Yescrypt::default().verify_password(password, hash).is_ok()),
        }
    }
}

/// Whether it has the form of DES hashes, the old or the extended one.
fn is_des(text: &str) -> bool {
    let digits = text.strip_prefix('_').unwrap_or(text);
    let len = if digits.len() == text.len() { 13 } else { 19 };
    digits.len() == len
        && digits
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"./".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes of the same two passwords as libxcrypt makes them.
    const HASHES: [[&str; 2]; 7] = [
        [
            "$1$abcdefgh$G//4keteveJp0qb8z2DxG/",
            "$1$abcdefgh$ss5UmzgBxmx4oI361nOVp0",
        ],
        [
            "$5$rounds=1000$saltsalt$azOwbpkvuuBKkE82dQPwTsQE8JyT9Fflpr9aKid3aT9",
            "$5$rounds=1000$saltsalt$.OONt/5t1k1dB4SVbp9Rruk4dvPWru/S3o8f8IgZLPA",
        ],
        [
            "$6$rounds=1000$salt.sa/t$iRdhGGW9ix.pp.Jr2U7natQdpNQ8ALw7q7wV9ySVqfhGUrKrPlfMc5D63NTaQOvo9LV1FddBpHG6iWexAf8380",
            "$6$rounds=1000$salt.sa/t$c0aSSsi8F.B/cXcV8.yzDw84/PT.AjsCBzhndiNCVLF5P4VwXIJ4CoD9OWcE8rjpq9Q1uds3b/NKFHlNEUdXR.",
        ],
        [
            "$6$saltsaltsaltsalt$bcXJ8qxwY5sQ4v8MTl.0B1jeZ0z0JlA9jjmbUoCJZ.1wYXiLTU.q2ILyrDJLm890lyfuF7sWAeli0yjOyFPkf0",
            "$6$saltsaltsaltsalt$Wd4SNxVJqeR4A2TQm6wcuCUUuLsmvpOnchU3rIfusrTzbxtDTneX6z8yhKm/kQIltWi.gpPyys2Xh/4QIKR2J.",
        ],
        [
            "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
            "$2b$04$abcdefghijklmnopqrstuuDk5kQx7T2ituENiYNR7L62zwrfHXJGK",
        ],
        [
            "$2y$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
            "$2y$04$abcdefghijklmnopqrstuuDk5kQx7T2ituENiYNR7L62zwrfHXJGK",
        ],
        [
            "$y$j75$abcdefgh$hycRI05iyPwUdPZDaw/SJaABdj2h8B1Bgxi1Z/4Xke0",
            "$y$j75$abcdefgh$ICFyiNVzhtFN7shUyQZXm24BZnjHFypoYin1VEB6ub3",
        ],
    ];

    #[test]
    fn hashes_fit_what_they_were_made_of() {
        let long = "a-much-longer-password".to_owned() + &"-0123456789".repeat(6);
        for [short_hash, long_hash] in HASHES {
            let fits = |text: &str, password: &[u8]| {
                Hash::read(text).is_ok_and(|hash| hash.fits(password))
            };
            assert!(fits(short_hash, b"password"), "{short_hash}");
            assert!(fits(long_hash, long.as_bytes()), "{long_hash}");
            for wrong in [&b""[..], b"passwore", b"Password", b"password "] {
                assert!(!fits(short_hash, wrong) && !fits(long_hash, wrong));
            }
            assert!(!fits(long_hash, b"password"), "{long_hash}");
        }
    }

    #[test]
    fn what_is_no_hash_is_told_from_what_is_not_built() {
        for text in ["", "x", "x*x", "$9$abc", "$", "password", "$6"] {
            assert_eq!(Hash::read(text), Err(HashError::NoHash), "{text}");
        }
        for text in ["abJnggxhB/yWI", "_J9..abcdIPPmXD22F8s"] {
            assert_eq!(Hash::read(text), Err(HashError::NotBuilt("DES")), "{text}");
        }
        assert_eq!(Hash::read("$7"), Err(HashError::NoHash));
        assert_eq!(
            Hash::read("$7$BU..../....abc$x"),
            Err(HashError::NotBuilt("scrypt"))
        );
    }

    #[test]
    fn damaged_hashes_fit_nothing() {
        for text in [
            "$1$",
            "$1$abc",
            "$5$rounds=10$salt$",
            "$6$$",
            "$2b$04$abc",
            "$y$j75$abc",
            "$6$a$b$c$d",
        ] {
            if let Ok(hash) = Hash::read(text) {
                assert!(!hash.fits(b"password"), "{text}");
            }
        }
    }
}
