//! The hash of a stream's key, for `balance` algorithms that choose a server by it.

use super::Stream;
use balance::hash::{self, Function, UriKey};
use base::Endpoint;
use expr::sample::Value;
use expr::view::{Side, View};
use expr::{Expr, Outcome, Type, cast};
use message::uri::Target;
use message::{Head, Method};
use model::{Algorithm, BalanceSettings, HashKey, HashType};
use std::net::IpAddr;

impl Stream<'_> {
    /// The hash of the stream's key; `None` with another kind of algorithm, and for a stream that has no such key.
    pub(super) fn key_hash(&self, settings: &BalanceSettings) -> Option<u32> {
        let Algorithm::Hash(key) = &settings.algorithm else {
            return None;
        };
        let hashing = &settings.hash_type;
        let of = |bytes: &[u8]| hashing.function.key_hash(bytes, hashing.avalanche);
        match key {
            HashKey::Source => match View::client(self)?.src? {
                Endpoint::Inet(address) => Some(hash::source(address.ip(), hashing.avalanche)),
                Endpoint::Unix(_) => None,
            },
            HashKey::Uri { part, path_only } => {
                Some(of(uri_key(View::request(self)?, part, *path_only)))
            }
            HashKey::UrlParam { name, .. } => self.param_key(name.as_bytes()).map(of),
            HashKey::Header { name, domain_only } => {
                let value = first_value(View::request(self)?.get(name.as_bytes())?)?;
                Some(of(if *domain_only {
                    hash::main_domain(value)
                } else {
                    value
                }))
            }
            HashKey::RdpCookie(cookie) => self.sample_hash(cookie, hashing, |key| !key.is_empty()),
            HashKey::Expr(expr) => self.sample_hash(expr, hashing, |_| true),
            // Streams don't get to log backends.
            HashKey::Log(_) => None,
        }
    }

    fn sample_hash(
        &self,
        expr: &Expr,
        hashing: &HashType,
        is_key: impl Fn(&[u8]) -> bool,
    ) -> Option<u32> {
        match expr.eval(self) {
            Outcome::Found(key) | Outcome::Tentative(key) => value_hash(key, hashing, is_key),
            _ => None,
        }
    }

    /// The parameter's value in the query string, or else in as much of a POST request's body as is there. `check_post`
    /// makes no difference here: it has made the body complete.
    fn param_key(&self, name: &[u8]) -> Option<&[u8]> {
        let request = View::request(self)?;
        let target = request.target();
        let query = memchr::memchr(b'?', target).and_then(|at| target.get(at + 1..));
        if let Some(value) = query.and_then(|query| param(query, name)) {
            return Some(value);
        }
        if request.method() != Method::Post {
            return None;
        }
        token(param(self.body(Side::Request)?.bytes, name)?)
    }
}

/// The hash of a sample in its binary form; of its text where the key is a number already.
fn value_hash(value: Value<'_>, hashing: &HashType, is_key: impl Fn(&[u8]) -> bool) -> Option<u32> {
    let of = |key: &[u8]| is_key(key).then(|| hashing.function.key_hash(key, hashing.avalanche));
    // Numbers and addresses are hashed as they are: turning them into a sample of bytes would allocate.
    match (hashing.function, value) {
        (Function::None, Value::Int(number)) => Some(match hashing.avalanche {
            true => hash::full_hash(number as u32),
            false => number as u32,
        }),
        (Function::None, value) => match cast::cast(value, Type::Str)? {
            Value::Str(key) => of(&key),
            _ => None,
        },
        (_, Value::Int(number)) => of(&number.to_be_bytes()),
        (_, Value::Bool(truth)) => of(&i64::from(truth).to_be_bytes()),
        (_, Value::Ip(IpAddr::V4(ip))) => of(&ip.octets()),
        (_, Value::Ip(IpAddr::V6(ip))) => of(&ip.octets()),
        (_, value) => match cast::cast(value, Type::Bin)? {
            Value::Bin(key) => of(&key),
            _ => None,
        },
    }
}

fn uri_key<'r>(request: &'r Head, part: &UriKey, path_only: bool) -> &'r [u8] {
    let target = request.target();
    part.cut(if path_only { path_of(target) } else { target })
}

/// Path and query of a target: nothing of `*` and of an authority alone, `/` of a complete URI without a path.
fn path_of(target: &[u8]) -> &[u8] {
    let parts = Target::parse(target);
    let bare: &[u8] = if parts.scheme.is_empty() { b"" } else { b"/" };
    parts.path_and_query.unwrap_or(bare)
}

/// The first of the values that a header field lists; `None` when it is empty.
fn first_value(field: &[u8]) -> Option<&[u8]> {
    let mut quoted = false;
    let mut escaped = false;
    let end = field.iter().position(|&byte| {
        if escaped {
            escaped = false;
        } else if quoted && byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            quoted = !quoted;
        }
        byte == b',' && !quoted
    });
    let value = field.get(..end.unwrap_or(field.len()))?.trim_ascii();
    (!value.is_empty()).then_some(value)
}

/// The value of the first parameter of this name, as it stands there.
fn param<'a>(params: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    params
        .split(|&byte| byte == b'&')
        .find_map(|param| param.strip_prefix(name)?.strip_prefix(b"="))
}

/// What stands before white space, if it is made of token characters (RFC 9110, section 5.6.2) only.
fn token(value: &[u8]) -> Option<&[u8]> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let end = value.iter().position(|byte| !is_token(byte));
    match end.and_then(|end| value.get(end)) {
        None | Some(b' ' | b'\t' | b'\r' | b'\n') => value.get(..end.unwrap_or(value.len())),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{first_value, param, path_of, token};

    #[test]
    fn paths() {
        for (target, path) in [
            ("/a?b", "/a?b"),
            ("http://a/x?y", "/x?y"),
            ("http://a", "/"),
            ("*", ""),
            ("a:80", ""),
        ] {
            assert_eq!(path_of(target.as_bytes()), path.as_bytes(), "{target}");
        }
    }

    #[test]
    fn first_values() {
        let first = |field: &'static str| first_value(field.as_bytes()).map(<[u8]>::to_vec);
        assert_eq!(first("a, b"), Some(b"a".to_vec()));
        assert_eq!(first("\"a,b\",c"), Some(b"\"a,b\"".to_vec()));
        assert_eq!(first(",b"), None);
        assert_eq!(first(""), None);
    }

    #[test]
    fn parameters() {
        assert_eq!(param(b"q=1&p=bb", b"p"), Some(&b"bb"[..]));
        assert_eq!(param(b"xp=1&p=&p=2", b"p"), Some(&b""[..]));
        assert_eq!(param(b"p==x;y", b"p"), Some(&b"=x;y"[..]));
        assert_eq!(param(b"p&pp=1&P=1", b"p"), None);
    }

    #[test]
    fn values_of_bodies_are_tokens() {
        assert_eq!(token(b"abc\r\n"), Some(&b"abc"[..]));
        assert_eq!(token(b""), Some(&b""[..]));
        assert_eq!(token(b"%41~"), Some(&b"%41~"[..]));
        for bad in [&b"a;b"[..], b"a@b", b"a=b", b"\xe9", b"a\0"] {
            assert_eq!(token(bad), None);
        }
    }
}
