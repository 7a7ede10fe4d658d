//! Cookies in `Cookie` and `Set-Cookie` values (RFC 6265).

/// Iterates over the name-value pairs of a `Cookie` value. White space around names and values is dropped; values keep
/// their quotes.
#[derive(Debug, Clone)]
pub struct Cookies<'v> {
    rest: &'v [u8],
}

/// The pairs of a `Cookie` field's value.
#[must_use]
pub fn cookies(value: &[u8]) -> Cookies<'_> {
    Cookies { rest: value }
}

/// The pair of a `Set-Cookie` field's value, without its attributes.
#[must_use]
pub fn set_cookie(value: &[u8]) -> Option<(&[u8], &[u8])> {
    cookies(value).next()
}

impl<'v> Iterator for Cookies<'v> {
    type Item = (&'v [u8], &'v [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = pair_end(self.rest);
            let pair = self.rest.get(..end).unwrap_or_default();
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            // A word without `=` is no cookie.
            if let Some(equals) = memchr::memchr(b'=', pair) {
                let name = pair.get(..equals).unwrap_or_default().trim_ascii();
                let value = pair.get(equals + 1..).unwrap_or_default().trim_ascii();
                return Some((name, value));
            }
        }
        None
    }
}

/// Where a pair ends: at a semicolon, or a comma, outside of quotes.
fn pair_end(value: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' | b',' if !quoted => return at,
            _ => {}
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_words_without_value_skipped() {
        let all: Vec<_> = cookies(b"a=1; b ; c = \"x;y\" ;d=").collect();
        assert_eq!(
            all,
            [(&b"a"[..], &b"1"[..]), (b"c", b"\"x;y\""), (b"d", b"")]
        );
        assert_eq!(set_cookie(b"SID=7; path=/"), Some((&b"SID"[..], &b"7"[..])));
    }
}
