//! Parts of a request target (RFC 9112, section 3.2).

/// A request target taken apart: `scheme://authority/path?query`, of which any part may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target<'t> {
    /// The scheme without its `://`, empty for targets that are only a path.
    pub scheme: &'t [u8],
    /// The authority, empty for targets that are only a path.
    pub authority: &'t [u8],
    /// Path and query, with the leading slash; `None` for `*` and for an authority alone.
    pub path_and_query: Option<&'t [u8]>,
}

impl<'t> Target<'t> {
    /// Takes a target apart.
    #[must_use]
    pub fn parse(target: &'t [u8]) -> Self {
        match target.first() {
            Some(b'/') => {
                return Self {
                    path_and_query: Some(target),
                    ..Self::default()
                };
            }
            Some(b'*') if target.len() == 1 => return Self::default(),
            _ => {}
        }
        let scheme_end = memchr::memmem::find(target, b"://").filter(|&end| {
            end > 0
                && target
                    .iter()
                    .take(end)
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        });
        let (scheme, rest) = match scheme_end {
            Some(end) => (
                target.get(..end).unwrap_or_default(),
                target.get(end + 3..).unwrap_or_default(),
            ),
            None => (&[][..], target),
        };
        let path = rest.iter().position(|&b| matches!(b, b'/' | b'?' | b'#'));
        let (authority, path) = match path {
            Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at..)),
            None => (rest, None),
        };
        Self {
            scheme,
            authority,
            path_and_query: path.filter(|p| p.first() == Some(&b'/')),
        }
    }

    /// The path without query.
    #[must_use]
    pub fn path(&self) -> Option<&'t [u8]> {
        let all = self.path_and_query?;
        let end = memchr::memchr2(b'?', b'#', all).unwrap_or(all.len());
        all.get(..end)
    }

    /// The query behind the first `?`, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&'t [u8]> {
        query_of(self.path_and_query?)
    }
}

/// The query behind the first `?` of a target, without a fragment.
#[must_use]
pub fn query_of(target: &[u8]) -> Option<&[u8]> {
    let start = memchr::memchr(b'?', target)? + 1;
    let query = target.get(start..)?;
    let end = memchr::memchr(b'#', query).unwrap_or(query.len());
    query.get(..end)
}

/// Host and port of an authority; the host of an IPv6 literal keeps its brackets, user information is dropped.
#[must_use]
pub fn host_and_port(authority: &[u8]) -> (&[u8], Option<u16>) {
    let host_start = memchr::memrchr(b'@', authority).map_or(0, |at| at + 1);
    let rest = authority.get(host_start..).unwrap_or_default();
    let digits = rest.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let Some(colon) = (rest.len() - digits).checked_sub(1) else {
        return (rest, None);
    };
    if rest.get(colon) != Some(&b':') {
        return (rest, None);
    }
    let port = rest
        .get(colon + 1..)
        .and_then(|d| std::str::from_utf8(d).ok())
        .and_then(|d| d.parse().ok());
    (rest.get(..colon).unwrap_or_default(), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_apart() {
        let all = Target::parse(b"http://u@a.b:80/p/q?x=1#f");
        assert_eq!(all.scheme, b"http");
        assert_eq!(all.authority, b"u@a.b:80");
        assert_eq!(all.path(), Some(&b"/p/q"[..]));
        assert_eq!(all.query(), Some(&b"x=1"[..]));
        assert_eq!(Target::parse(b"*"), Target::default());
        let path = Target::parse(b"/redirect?to=http://x/");
        assert_eq!(path.path(), Some(&b"/redirect"[..]));
        assert_eq!(path.scheme, b"");
        assert_eq!(Target::parse(b"a.b:443").authority, b"a.b:443");
    }

    #[test]
    fn authorities_are_split_at_their_port() {
        assert_eq!(host_and_port(b"u:p@h:81"), (&b"h"[..], Some(81)));
        assert_eq!(host_and_port(b"[::1]:8"), (&b"[::1]"[..], Some(8)));
        assert_eq!(host_and_port(b"[::1]"), (&b"[::1]"[..], None));
        assert_eq!(host_and_port(b"h"), (&b"h"[..], None));
        assert_eq!(host_and_port(b"123"), (&b"123"[..], None));
    }
}
