//! How clients find their way back to a server: `stick` rules, cookies, and what forces or forbids both.

use expr::{Condition, Expr};
use std::sync::Arc;

/// A `stick` rule.
#[derive(Debug, Clone)]
pub struct StickRule {
    /// The key.
    pub expr: Arc<Expr>,
    /// The table as named.
    pub table_name: Arc<str>,
    /// The table, by its place in the snapshot.
    pub table: u32,
    /// Whether it finds servers (`on`, `match`).
    pub matches: bool,
    /// Whether it learns servers (`on`, `store-request`, `store-response`).
    pub stores: bool,
    /// Whether its key is taken from the response.
    pub on_response: bool,
    /// When it applies.
    pub condition: Option<Arc<Condition>>,
}

/// How the persistence cookie comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CookieMode {
    /// Nobody changes it.
    #[default]
    None,
    /// `insert`: it is added to responses.
    Insert,
    /// `rewrite`: the server sets it, and its value is replaced.
    Rewrite,
    /// `prefix`: the server's own cookie is completed.
    Prefix,
}

/// `cookie` of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: Arc<str>,
    /// How it comes about.
    pub mode: CookieMode,
    /// `indirect`
    pub indirect: bool,
    /// `nocache`
    pub nocache: bool,
    /// `postonly`
    pub postonly: bool,
    /// `preserve`
    pub preserve: bool,
    /// `dynamic`
    pub dynamic: bool,
    /// `maxidle` in seconds, 0 for none.
    pub maxidle: i64,
    /// `maxlife` in seconds, 0 for none.
    pub maxlife: i64,
    /// What follows `path=/`: domains, `HttpOnly`, `Secure` and further attributes, each behind a semicolon.
    pub attributes: Box<str>,
}

impl Cookie {
    /// A cookie that nobody changes.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            mode: CookieMode::None,
            indirect: false,
            nocache: false,
            postonly: false,
            preserve: false,
            dynamic: false,
            maxidle: 0,
            maxlife: 0,
            attributes: Box::default(),
        }
    }

    /// Whether it is looked for at all.
    #[must_use]
    pub fn acts(&self) -> bool {
        self.mode != CookieMode::None || self.indirect
    }

    /// Whether its value carries dates.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.maxidle > 0 || self.maxlife > 0
    }
}

/// `force-persist` and `ignore-persist`.
#[derive(Debug, Clone)]
pub struct PersistRule {
    /// Whether servers that are down are had all the same; otherwise nothing is remembered.
    pub force: bool,
    /// When it applies.
    pub condition: Arc<Condition>,
}
