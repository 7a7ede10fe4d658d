//! User lists: who may pass with which password, and the groups of users (configuration manual, section 12.2).

mod crypt;
mod md5;

pub use crypt::{Hash, HashError};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A `userlist` section.
#[derive(Debug)]
pub struct UserList {
    /// Its name.
    pub name: Arc<str>,
    /// Its users, each name once.
    pub users: Vec<User>,
    /// The names of its groups.
    pub groups: Vec<Box<str>>,
}

/// A user.
#[derive(Debug)]
pub struct User {
    /// The name.
    pub name: Box<str>,
    /// What the password is held against.
    pub secret: Secret,
    /// The groups that the user is in.
    pub groups: Vec<Box<str>>,
    /// The digest of the password that was right last: hashes are slow on purpose, and the same client comes again.
    seen: Mutex<Option<[u8; 32]>>,
}

/// What a password is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// No password is right.
    None,
    /// `insecure-password`: the password itself.
    Plain(Box<[u8]>),
    /// `password`: a hash of crypt(3).
    Hash(Hash),
}

impl User {
    /// A user in no group.
    #[must_use]
    pub fn new(name: &str, secret: Secret) -> Self {
        Self {
            name: name.into(),
            secret,
            groups: Vec::new(),
            seen: Mutex::default(),
        }
    }

    /// Whether this is the user's password.
    #[must_use]
    pub fn has_password(&self, password: &[u8]) -> bool {
        match &self.secret {
            Secret::None => false,
            Secret::Plain(right) => equal(right, password),
            Secret::Hash(hash) => {
                let digest: [u8; 32] = Sha256::digest(password).into();
                if self.seen.lock().is_some_and(|seen| equal(&seen, &digest)) {
                    return true;
                }
                let right = hash.fits(password);
                if right {
                    *self.seen.lock() = Some(digest);
                }
                right
            }
        }
    }
}

/// Compares in a time that tells nothing about where a difference is.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && differing == 0
}

impl UserList {
    /// The groups of a user whose password is right; `None` when it is not.
    #[must_use]
    pub fn groups_of(&self, user: &[u8], password: &[u8]) -> Option<&[Box<str>]> {
        let user = self.users.iter().find(|u| u.name.as_bytes() == user)?;
        user.has_password(password).then_some(&user.groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_right_for_its_user_only() {
        let mut ann = User::new("ann", Secret::Plain(b"pass"[..].into()));
        ann.groups.push("admins".into());
        let list = UserList {
            name: "l".into(),
            users: vec![ann, User::new("bob", Secret::None)],
            groups: vec!["admins".into()],
        };
        let groups = |user: &[u8], password: &[u8]| list.groups_of(user, password).map(<[_]>::len);
        assert_eq!(groups(b"ann", b"pass"), Some(1));
        assert_eq!((groups(b"ann", b"pas"), groups(b"ann", b"")), (None, None));
        assert_eq!((groups(b"bob", b""), groups(b"eve", b"pass")), (None, None));
    }

    #[test]
    fn what_was_right_once_stays_right_and_nothing_else_becomes_it() {
        let hash = Hash::read("$1$abcdefgh$G//4keteveJp0qb8z2DxG/");
        let Ok(hash) = hash else { panic!("{hash:?}") };
        let user = User::new("ann", Secret::Hash(hash));
        assert!(user.has_password(b"password") && user.has_password(b"password"));
        assert!(!user.has_password(b"Password") && user.has_password(b"password"));
    }
}
