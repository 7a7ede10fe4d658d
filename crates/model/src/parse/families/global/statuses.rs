//! `http-err-codes` and `http-fail-codes`: which statuses count as errors and as failures.

use crate::parse::{Parsed, Parser, Statement};

/// The statuses that there is a bit for.
const STATUSES: std::ops::RangeInclusive<u16> = 100..=599;

pub(super) fn read(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let keyword = statement.keyword();
    if statement.is_empty() {
        return Err(statement.fault_here(format!("Missing status codes range for '{keyword}'.")));
    }
    let errors = keyword == "http-err-codes";
    let classes = &mut parser.global.status_classes;
    let place = if errors {
        &mut classes.errors
    } else {
        &mut classes.failures
    };
    for index in 0..statement.len() {
        let text = statement.arg(index);
        let bits = match text.starts_with(['+', '-']) {
            true => place.get_or_insert_with(|| default_of(errors)),
            false if index == 0 => place.insert(Box::new([0; 8])),
            false => place.get_or_insert_with(|| default_of(errors)),
        };
        apply(bits, text).map_err(|at| {
            statement.fault(
                index,
                format!(
                    "Invalid status codes range '{text}' in '{keyword}' at position {at}. Ranges must be in the form [+-]{{low[-{{high}}]}}[,...]."
                ),
            )
        })?;
    }
    Ok(())
}

fn default_of(errors: bool) -> Box<[u64; 8]> {
    let mut bits = Box::new([0; 8]);
    for status in STATUSES {
        let counts = match status {
            400..=499 => errors,
            501 | 505 => false,
            500.. => !errors,
            _ => false,
        };
        set(&mut bits, status, counts);
    }
    bits
}

fn set(bits: &mut [u64; 8], status: u16, on: bool) {
    let at = usize::from(status - STATUSES.start());
    if let Some(word) = bits.get_mut(at / 64) {
        *word = if on {
            *word | 1 << (at % 64)
        } else {
            *word & !(1 << (at % 64))
        };
    }
}

/// Adds or removes `[+-]low[-high][,low[-high]]...`. The error is the position of the fault.
fn apply(bits: &mut [u64; 8], text: &str) -> Result<(), usize> {
    let on = !text.starts_with('-');
    let ranges = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut position = text.len() - ranges.len();
    for range in ranges.split(',') {
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        let status = |text: &str| {
            text.parse::<u16>()
                .ok()
                .filter(|status| STATUSES.contains(status))
        };
        let (Some(low), Some(high)) = (status(low), status(high)) else {
            return Err(position);
        };
        for status in low..=high {
            set(bits, status, on);
        }
        position += range.len() + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::default_of;
    use crate::parse::testing::load_text;

    fn has(bits: &[u64; 8], status: u16) -> bool {
        let at = usize::from(status - 100);
        bits[at / 64] & (1 << (at % 64)) != 0
    }

    #[test]
    fn ranges_add_up() {
        let (snapshot, messages) =
            load_text("global\n http-err-codes 400-404,410 -402\n http-fail-codes +501\n");
        let Some(snapshot) = snapshot else {
            panic!("{messages:?}")
        };
        let errors = snapshot.global.status_classes.errors.expect("errors");
        assert!(has(&errors, 400) && !has(&errors, 402) && has(&errors, 410) && !has(&errors, 499));
        let failures = snapshot.global.status_classes.failures.expect("failures");
        assert!(has(&failures, 500) && has(&failures, 501) && !has(&failures, 505));
        assert!(!has(&default_of(true), 500));
    }

    #[test]
    fn the_position_of_a_fault_is_said() {
        let (_, messages) = load_text("global\n http-err-codes 400-499,-404\n");
        let expected = "A 2: Invalid status codes range '400-499,-404' in 'http-err-codes' at position 8. Ranges must be in the form [+-]{low[-{high}]}[,...].";
        assert_eq!(messages.first().map(String::as_str), Some(expected));
    }
}
