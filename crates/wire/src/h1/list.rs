//! Comma-separated field values.

/// The items of a list, trimmed; commas within quotes do not separate.
pub(super) fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at > value.len() {
            return None;
        }
        let end = item_end(value, at, value.len());
        let item = value.get(at..end).unwrap_or_default();
        at = end + 1;
        Some(trim(item))
    })
}

/// Cuts spaces and tabs, and nothing else, off both ends.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Takes the items for which `remove` says so out of the list at `text[start..end]`, in place, and gives the new end.
///
/// What stands in front of the first removed item stays as it was written; later items are joined by bare commas.
pub(super) fn prune(
    text: &mut [u8],
    start: usize,
    end: usize,
    mut remove: impl FnMut(&[u8]) -> bool,
) -> usize {
    let mut at = start;
    let mut kept = start;
    let mut rewriting = false;
    while let Some(item) = next_item(text, at, end) {
        at = item.delimiter + 1;
        if remove(text.get(item.start..item.end).unwrap_or_default()) {
            rewriting = true;
        } else if rewriting {
            kept = append(text, start, kept, &item);
        } else {
            kept = item.delimiter;
        }
    }
    kept
}

/// Moves an item behind what is kept already, which is nothing if `kept` is `start`, and gives the new end.
fn append(text: &mut [u8], start: usize, kept: usize, item: &Item) -> usize {
    let mut to = kept;
    if kept > start
        && let Some(byte) = text.get_mut(kept)
    {
        *byte = b',';
        to += 1;
    }
    text.copy_within(item.start..item.end, to);
    to + item.end - item.start
}

/// Where an item stands, without blanks around it, and the comma or end behind it.
struct Item {
    start: usize,
    end: usize,
    delimiter: usize,
}

/// The item at or behind `at`; none if only blanks are left.
fn next_item(text: &[u8], at: usize, end: usize) -> Option<Item> {
    let rest = text.get(at..end)?;
    let start = at + rest.iter().position(|b| !matches!(b, b' ' | b'\t'))?;
    let delimiter = item_end(text, start, end);
    let len = trim(text.get(start..delimiter)?).len();
    Some(Item {
        start,
        end: start + len,
        delimiter,
    })
}

/// Where the item that begins at `at` ends: at the next comma outside quotes, or at `end`.
fn item_end(text: &[u8], mut at: usize, end: usize) -> usize {
    let mut quoted = false;
    while at < end {
        match text.get(at) {
            Some(b'"') => quoted = !quoted,
            Some(b'\\') if quoted => at += 1,
            Some(b',') if !quoted => return at,
            _ => {}
        }
        at += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pruned(value: &str) -> String {
        let mut text = value.as_bytes().to_vec();
        let end = text.len();
        let end = prune(&mut text, 0, end, |item| item == b"close");
        String::from_utf8_lossy(&text[..end]).into_owned()
    }

    #[test]
    fn removed_items_leave_the_rest_as_haproxy_does() {
        for (value, left) in [
            ("close", ""),
            ("foo, close", "foo"),
            ("foo , close", "foo "),
            ("foo , bar, close", "foo , bar"),
            ("close,foo , bar", "foo,bar"),
            ("foo  bar , close , x y", "foo  bar ,x y"),
            ("close,,foo bar,", "foo bar"),
            ("foo,,bar", "foo,,bar"),
            (", foo", ", foo"),
            ("foo;\"a,close\"", "foo;\"a,close\""),
            ("\"a\\\", close\", close", "\"a\\\", close\""),
            ("", ""),
        ] {
            assert_eq!(pruned(value), left, "{value}");
        }
    }

    #[test]
    fn quoted_commas_do_not_separate_items() {
        let all: Vec<_> = items(b"a, \"b,c\" ,,d").collect();
        assert_eq!(all, [&b"a"[..], b"\"b,c\"", b"", b"d"]);
    }
}
