//! Comma-separated header values (RFC 9110, section 5.6.1).

/// Iterates over the items of a comma-separated value; commas inside quoted strings do not separate. Items are trimmed.
///
/// An empty value is one empty item.
#[derive(Debug, Clone)]
pub struct Items<'v> {
    rest: Option<&'v [u8]>,
}

/// The items of a value.
#[must_use]
pub fn items(value: &[u8]) -> Items<'_> {
    Items { rest: Some(value) }
}

/// Where the first item of a value ends: at its comma or at its end.
#[must_use]
pub fn item_end(value: &[u8]) -> usize {
    if memchr::memchr(b'"', value).is_none() {
        return memchr::memchr(b',', value).unwrap_or(value.len());
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    value.len()
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

impl<'v> Iterator for Items<'v> {
    type Item = &'v [u8];

    fn next(&mut self) -> Option<&'v [u8]> {
        let value = self.rest?;
        let end = item_end(value);
        self.rest = value.get(end + 1..);
        Some(trim(value.get(..end).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn commas_separate_unless_they_are_quoted() {
        let all: Vec<_> = items(b" a , \"b,\\\"c\" ,, d").collect();
        assert_eq!(all, [&b"a"[..], b"\"b,\\\"c\"", b"", b"d"]);
        assert_eq!(items(b"").count(), 1);
        assert_eq!(items(b"a,").count(), 2);
    }
}
