//! "Did you mean": the known name nearest to one that is not known.

/// The candidate that `word` was most probably meant to be, if any comes close.
///
/// Distance counts insertions, deletions, substitutions and swaps of neighbours; a third of the word may be wrong.
pub fn nearest<'a, I>(word: &str, candidates: I) -> Option<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    let word: Vec<char> = word
        .chars()
        .take(MAX_LENGTH)
        .flat_map(char::to_lowercase)
        .collect();
    let limit = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let bound = best.map_or(limit, |(distance, _)| distance.saturating_sub(1));
        if candidate.len().abs_diff(word.len()) > limit * 4 {
            continue;
        }
        let other: Vec<char> = candidate.chars().collect();
        let distance = distance(&word, &other);
        if distance <= bound
            && distance < other.len()
            && best.is_none_or(|(known, _)| distance < known)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

const MAX_LENGTH: usize = 64;

fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, &y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["maxconn", "timeout", "server", "server-template", "log"];

    #[test]
    fn near_names_are_found() {
        assert_eq!(nearest("maxcon", KNOWN), Some("maxconn"));
        assert_eq!(nearest("tiemout", KNOWN), Some("timeout"));
        assert_eq!(nearest("Servers", KNOWN), Some("server"));
        assert_eq!(nearest("lgo", KNOWN), Some("log"));
    }

    #[test]
    fn far_names_are_not() {
        assert_eq!(nearest("frontend", KNOWN), None);
        assert_eq!(nearest("", KNOWN), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
