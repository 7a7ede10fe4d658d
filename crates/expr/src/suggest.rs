//! The nearest known word behind a complaint about an unknown one.

/// Appends `(did you mean 'x' ?)` when a known word is near.
pub(crate) fn with_hint<'n>(
    message: String,
    word: &str,
    known: impl Iterator<Item = &'n str>,
) -> String {
    match nearest(word, known) {
        Some(hint) => format!("{message} (did you mean '{hint}' ?)"),
        None => message,
    }
}

/// The known word with the fewest edits, if they are few for its length; the first in the alphabet among equals.
fn nearest<'n>(word: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (word.len() / 3).clamp(1, 3);
    known
        .filter(|name| name.len().abs_diff(word.len()) <= limit)
        .map(|name| (distance(word.as_bytes(), name.as_bytes()), name))
        .filter(|(edits, _)| *edits <= limit)
        .min()
        .map(|(_, name)| name)
}

fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let cost = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = cost.min(left + 1).min(*cell + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let known = ["path_beg", "path_end", "status"];
        assert_eq!(nearest("path_begg", known.into_iter()), Some("path_beg"));
        assert_eq!(nearest("nonsense", known.into_iter()), None);
    }
}
