//! Where a request goes: `http://host:port/path?query`.

use std::net::Ipv6Addr;

/// An absolute address of the web, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// As it was written, without a fragment.
    pub text: String,
    /// Whether TLS is spoken.
    pub secure: bool,
    /// The host and the port as they were written: what goes into `Host`.
    pub authority: String,
    /// The host, an IPv6 address without its brackets.
    pub host: String,
    /// The port, the scheme's own if none was written.
    pub port: u16,
    /// The path and the query; `/` if there is neither.
    pub path: String,
}

impl Url {
    /// Takes an address apart; `None` when it has no scheme or no host, or is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return None;
        }
        // A fragment is not sent (RFC 9110, section 7.1).
        let text = text.split('#').next()?;
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        // Nor are names and passwords.
        let authority = authority.rsplit('@').next()?;
        let secure = scheme.eq_ignore_ascii_case("https");
        let (host, port) = split_port(authority)?;
        let standard = if secure { 443 } else { 80 };
        let path = match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("/{path}"),
        };
        let valid = !scheme.is_empty() && !host.is_empty();
        valid.then(|| Self {
            text: text.to_owned(),
            secure,
            authority: authority.to_owned(),
            host: host.to_owned(),
            port: port.unwrap_or(standard),
            path,
        })
    }
}

/// The host and the port of an authority.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            match port {
                "" => (host, ""),
                port => (host, port.strip_prefix(':')?),
            }
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    match port {
        "" => Some((host, None)),
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok()?)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(bool, String, String, u16, String)> {
        let url = Url::parse(text)?;
        Some((url.secure, url.authority, url.host, url.port, url.path))
    }

    fn expected(
        secure: bool,
        authority: &str,
        host: &str,
        port: u16,
        path: &str,
    ) -> Option<(bool, String, String, u16, String)> {
        Some((secure, authority.into(), host.into(), port, path.into()))
    }

    #[test]
    fn parts_of_addresses() {
        assert_eq!(
            parts("http://a.test"),
            expected(false, "a.test", "a.test", 80, "/")
        );
        assert_eq!(
            parts("HTTPS://a.test:8443/x/y?z#f"),
            expected(true, "a.test:8443", "a.test", 8443, "/x/y?z")
        );
        assert_eq!(
            parts("http://a.test?x=/1"),
            expected(false, "a.test", "a.test", 80, "/?x=/1")
        );
        assert_eq!(
            parts("http://user:pw@[::1]:81/"),
            expected(false, "[::1]:81", "::1", 81, "/")
        );
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "foo",
            "/x",
            "http:/a",
            "http://",
            "http://:80/",
            "http://a:b/",
            "http://a:70000/",
            "http://[::1/",
            "http://[a]/",
            "http://a b/",
            "http://a/\r\nx",
            "://a/",
        ] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,40}") {
            let _ = (Url::parse(&text), Url::parse(&format!("http://{text}")));
        }
    }
}
