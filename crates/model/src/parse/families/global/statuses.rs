//! `http-err-codes` and `http-fail-codes`.

use crate::parse::{ANY, Fault, Parsed, Row, Statement, Valid};
use crate::statuses::StatusSet;
use std::ops::RangeInclusive;

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "http-err-codes",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "The statuses that count as errors of clients.",
        read: |parser, statement| read(statement, &mut parser.global.http_errors),
    },
    Row {
        name: "http-fail-codes",
        valid: Valid::ALL,
        args: (0, ANY),
        doc: "The statuses that count as failures of servers.",
        read: |parser, statement| read(statement, &mut parser.global.http_failures),
    },
];

fn read(statement: Statement<'_>, set: &mut StatusSet) -> Parsed {
    let keyword = statement.keyword();
    if statement.is_empty() {
        return Err(statement.fault_here(format!("Missing status codes range for '{keyword}'.")));
    }
    let mut next = *set;
    for at in 0..statement.len() {
        let word = statement.arg(at);
        let (ranges, change) = match word.as_bytes().first() {
            Some(b'+') => (&word[1..], Some(true)),
            Some(b'-') => (&word[1..], Some(false)),
            _ => (word, None),
        };
        if change.is_none() {
            next = StatusSet::EMPTY;
        }
        let sign = word.len() - ranges.len();
        for range in parse(ranges, sign).map_err(|why| wrong(statement, at, why))? {
            next.change(range, change.unwrap_or(true));
        }
    }
    *set = next;
    Ok(())
}

/// What is wrong with a word.
enum Wrong {
    /// Its form, from this place on.
    Form(usize),
    /// Its figures.
    Figures,
}

fn wrong(statement: Statement<'_>, at: usize, why: Wrong) -> Fault {
    let (keyword, word) = (statement.keyword(), statement.arg(at));
    let message = match why {
        Wrong::Form(place) => format!(
            "Invalid status codes range '{word}' in '{keyword}' at position {place}. Ranges must be in the form [+-]{{low[-{{high}}]}}[,...]."
        ),
        Wrong::Figures => format!(
            "Invalid status codes range '{word}' in '{keyword}'.\n  Codes must be between 100 and 599 and ranges in ascending order."
        ),
    };
    statement.fault(at, message)
}

/// Reads `low[-high][,…]`; places count from the word's beginning, of which `from` bytes are gone.
fn parse(mut text: &str, from: usize) -> Result<Vec<RangeInclusive<u16>>, Wrong> {
    let whole = text.len() + from;
    let place = |rest: &str| whole - rest.len();
    let mut ranges = Vec::new();
    loop {
        let (low, rest) = number(text).ok_or(Wrong::Form(place(text)))?;
        let (high, rest) = match rest.strip_prefix('-') {
            Some(rest) => number(rest).ok_or(Wrong::Form(place(rest)))?,
            None => (low, rest),
        };
        if low < 100 || high > 599 || low > high {
            return Err(Wrong::Figures);
        }
        ranges.push(low..=high);
        if rest.is_empty() {
            return Ok(ranges);
        }
        text = rest.strip_prefix(',').ok_or(Wrong::Form(place(rest)))?;
    }
}

fn number(text: &str) -> Option<(u16, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    (digits > 0).then(|| (number.parse().unwrap_or(u16::MAX), rest))
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::load_text;

    #[test]
    fn ranges_replace_add_and_remove() {
        for (words, has, lacks) in [
            (
                "400,402-444,446-480,490",
                &[400, 402, 444, 490][..],
                &[401, 445, 499][..],
            ),
            ("400-499 -450 +500", &[400, 499, 500], &[450, 501]),
            ("-450-459", &[449, 460], &[450, 459]),
            ("+501,505", &[400, 501, 505], &[502]),
        ] {
            let (snapshot, messages) = load_text(&format!("global\n http-err-codes {words}\n"));
            let Some(snapshot) = snapshot else {
                panic!("{messages:?}")
            };
            let set = snapshot.global.http_errors;
            assert!(
                has.iter().all(|s| set.has(*s)) && !lacks.iter().any(|s| set.has(*s)),
                "{words}"
            );
        }
    }

    #[test]
    fn faults_are_those_of_the_reference() {
        let form = |word: &str, at| {
            format!(
                "A 2: Invalid status codes range '{word}' in 'http-fail-codes' at position {at}. Ranges must be in the form [+-]{{low[-{{high}}]}}[,...]."
            )
        };
        let figures = |word: &str| {
            format!(
                "A 2: Invalid status codes range '{word}' in 'http-fail-codes'.\n  Codes must be between 100 and 599 and ranges in ascending order."
            )
        };
        for (words, message) in [
            (
                "",
                "A 2: Missing status codes range for 'http-fail-codes'.".to_owned(),
            ),
            ("x", form("x", 0)),
            ("400,", form("400,", 4)),
            ("500-", form("500-", 4)),
            ("+", form("+", 1)),
            ("99", figures("99")),
            ("600", figures("600")),
            ("400-399", figures("400-399")),
        ] {
            assert_eq!(
                load_text(&format!("global\n http-fail-codes {words}\n")).1,
                [message]
            );
        }
    }
}
