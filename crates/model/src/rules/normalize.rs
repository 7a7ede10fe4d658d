//! Normalising request targets (configuration manual, `normalize-uri`; RFC 3986, section 6.2.2).

/// A way of normalising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalizer {
    /// `fragment-encode`
    FragmentEncode,
    /// `fragment-strip`
    FragmentStrip,
    /// `path-merge-slashes`
    MergeSlashes,
    /// `path-strip-dot`
    StripDot,
    /// `path-strip-dotdot`
    StripDotDot {
        /// `full`: what leads above the root is removed as well.
        full: bool,
    },
    /// `percent-decode-unreserved`
    DecodeUnreserved {
        /// `strict`: an incomplete sequence is a fault.
        strict: bool,
    },
    /// `percent-to-uppercase`
    PercentToUppercase {
        /// `strict`: an incomplete sequence is a fault.
        strict: bool,
    },
    /// `query-sort-by-name`
    SortQuery,
}

/// Normalises a path with its query. `None` when it is faulty and the normaliser strict.
#[must_use]
pub fn normalize(how: Normalizer, text: &[u8]) -> Option<Vec<u8>> {
    let split = text.iter().position(|b| *b == b'?').unwrap_or(text.len());
    let (path, query) = text.split_at(split);
    let joined = |path: Vec<u8>| Some([&path, query].concat());
    match how {
        Normalizer::FragmentEncode => {
            let pieces: Vec<&[u8]> = text.split(|b| *b == b'#').collect();
            Some(pieces.join(&b"%23"[..]))
        }
        Normalizer::FragmentStrip => Some(
            text.split(|b| *b == b'#')
                .next()
                .unwrap_or_default()
                .to_vec(),
        ),
        Normalizer::MergeSlashes => joined(merge_slashes(path)),
        Normalizer::StripDot => joined(strip_dot(path)),
        Normalizer::StripDotDot { full } => joined(strip_dot_dot(path, full)),
        Normalizer::DecodeUnreserved { strict } => percent(text, strict, |value, sequence, out| {
            if is_unreserved(value) {
                out.push(value)
            } else {
                out.extend_from_slice(sequence)
            }
        }),
        Normalizer::PercentToUppercase { strict } => percent(text, strict, |_, sequence, out| {
            out.extend(sequence.iter().map(u8::to_ascii_uppercase))
        }),
        Normalizer::SortQuery => Some([path, &sort_query(query)].concat()),
    }
}

fn merge_slashes(path: &[u8]) -> Vec<u8> {
    let mut out = path.to_vec();
    out.dedup_by(|after, before| (*after, *before) == (b'/', b'/'));
    out
}

/// The segments of a path behind its leading slash; `None` when it has none.
fn segments(path: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    path.strip_prefix(b"/")
        .map(|rest| rest.split(|b| *b == b'/'))
}

fn strip_dot(path: &[u8]) -> Vec<u8> {
    let Some(segments) = segments(path) else {
        return path.to_vec();
    };
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_in_dot = false;
    for segment in segments {
        ends_in_dot = segment == b".";
        if !ends_in_dot {
            kept.push(segment);
        }
    }
    rebuild(&kept, ends_in_dot)
}

fn strip_dot_dot(path: &[u8], full: bool) -> Vec<u8> {
    let Some(segments) = segments(path) else {
        return path.to_vec();
    };
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_in_dots = false;
    for segment in segments {
        ends_in_dots = segment == b"..";
        if !ends_in_dots {
            kept.push(segment);
            continue;
        }
        match kept.last() {
            Some(&last) if last != b".." => drop(kept.pop()),
            _ if full => {}
            _ => kept.push(segment),
        }
    }
    rebuild(&kept, ends_in_dots)
}

fn rebuild(segments: &[&[u8]], ends_in_slash: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for segment in segments {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if ends_in_slash || out.is_empty() {
        out.push(b'/');
    }
    out
}

/// Rewrites every percent-encoded sequence: given its value and its text.
fn percent(
    text: &[u8],
    strict: bool,
    mut write: impl FnMut(u8, &[u8], &mut Vec<u8>),
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let sequence = rest.get(..3).filter(|_| *first == b'%');
        match sequence.and_then(|s| Some((hex(*s.get(1)?)? << 4 | hex(*s.get(2)?)?, s))) {
            Some((value, sequence)) => {
                write(value, sequence, &mut out);
                rest = rest.get(3..).unwrap_or_default();
            }
            None if *first == b'%' && strict => return None,
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    Some(out)
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Sorts parameters by name, shorter names before longer ones that begin with them, equal ones in their order.
fn sort_query(query: &[u8]) -> Vec<u8> {
    let Some(parameters) = query.strip_prefix(b"?") else {
        return query.to_vec();
    };
    let mut all: Vec<&[u8]> = parameters.split(|b| *b == b'&').collect();
    all.sort_by_key(|parameter| parameter.split(|b| *b == b'=').next().unwrap_or_default());
    [b"?", &all.join(&b'&')[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::Normalizer::*;
    use super::*;

    fn check(how: Normalizer, cases: &[(&str, &str)]) {
        for (from, to) in cases {
            let got = normalize(how, from.as_bytes())
                .map(|out| String::from_utf8_lossy(&out).into_owned());
            assert_eq!(got.as_deref(), Some(*to), "{how:?} of {from}");
        }
    }

    #[test]
    fn fragments() {
        check(
            FragmentEncode,
            &[
                ("/a#b#c", "/a%23b%23c"),
                ("/?a#b", "/?a%23b"),
                ("/#?#", "/%23?%23"),
            ],
        );
        check(
            FragmentStrip,
            &[("/a#b#c", "/a"), ("/?a#b", "/?a"), ("/#?#", "/")],
        );
    }

    #[test]
    fn paths() {
        check(
            MergeSlashes,
            &[("/n3//a///b//?c//d", "/n3/a/b/?c//d"), ("//", "/")],
        );
        check(
            StripDot,
            &[
                ("/././a/./b/.?./", "/a/b/?./"),
                ("/.", "/"),
                ("/./", "/"),
                ("/a/.b", "/a/.b"),
                ("/a/.", "/a/"),
            ],
        );
        let keeping = [
            ("/../a", "/../a"),
            ("/../../a", "/../../a"),
            ("/a/..", "/"),
            ("//..", "/"),
            ("/..", "/../"),
            ("/../", "/../"),
            ("/a/b/../../..?/a/../b", "/../?/a/../b"),
            ("/a/../..", "/../"),
            ("/a/b/../c/../", "/a/"),
            ("/a//../b", "/a/b"),
            ("/...", "/..."),
            ("/a/..b", "/a/..b"),
            ("/a/../../b/../..", "/../../"),
            ("/foo//../", "/foo/"),
            ("/foo/.././..", "/"),
        ];
        check(StripDotDot { full: false }, &keeping);
        let full = [
            ("/../a", "/a"),
            ("/../../a", "/a"),
            ("/a/..", "/"),
            ("//..", "/"),
            ("/a/b/../../..?/a/../b", "/?/a/../b"),
            ("/..", "/"),
            ("/../", "/"),
            ("/a/../..", "/"),
            ("/a/b/../c/../", "/a/"),
            ("/a/../../b/../..", "/"),
            ("/..a", "/..a"),
        ];
        check(StripDotDot { full: true }, &full);
    }

    #[test]
    fn percent_encoding() {
        let lenient = DecodeUnreserved { strict: false };
        check(
            lenient,
            &[
                ("/%61%7e%2F%zz%%36%36%41%2d%2e%5f%30", "/a~%2F%zz%66A-._0"),
                ("/%6", "/%6"),
                ("/x?%41", "/x?A"),
            ],
        );
        check(
            PercentToUppercase { strict: false },
            &[("/%6f%zz%a?%af", "/%6F%zz%a?%AF")],
        );
        for how in [
            DecodeUnreserved { strict: true },
            PercentToUppercase { strict: true },
        ] {
            assert_eq!(normalize(how, b"/%zz"), None);
            assert_eq!(normalize(how, b"/a%"), None);
        }
    }

    #[test]
    fn queries() {
        let cases = [
            ("/nb?c=3&a=1&b=2", "/nb?a=1&b=2&c=3"),
            ("/nb?a=3&b=4&a=1&b=5&a=2", "/nb?a=3&a=1&a=2&b=4&b=5"),
            ("/nb?aaa=3&a=1&aa=2", "/nb?a=1&aa=2&aaa=3"),
            ("/nb", "/nb"),
            ("/nb?", "/nb?"),
            ("/nb?b&a&&c", "/nb?&a&b&c"),
        ];
        check(SortQuery, &cases);
    }

    proptest::proptest! {
        #[test]
        fn what_is_normal_stays_as_it_is(text in "/[a./?&=#%2-]{0,24}") {
            let all = [
                FragmentEncode, FragmentStrip, MergeSlashes, StripDot, StripDotDot { full: false },
                StripDotDot { full: true }, PercentToUppercase { strict: false }, SortQuery,
            ];
            for how in all {
                let once = normalize(how, text.as_bytes()).expect("a lenient normaliser");
                let twice = normalize(how, &once).expect("a lenient normaliser");
                assert_eq!(once, twice, "{how:?} of {text}");
            }
        }
    }
}
