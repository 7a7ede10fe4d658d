//! `profiling.tasks`.

use crate::Profiling;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid, known};

/// The rows of this family.
pub const ROWS: &[Row] = &[Row {
    name: "profiling.tasks",
    valid: Valid::ALL,
    args: (0, ANY),
    doc: "Whether it is measured what tasks cost.",
    read: tasks,
}];

fn tasks(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.is_empty() {
        return Err(statement.fault_here(expected("")));
    }
    for (at, word) in statement.args_from(0).into_iter().enumerate() {
        match word {
            "on" => parser.global.profiling = Profiling::On,
            "off" => parser.global.profiling = Profiling::Off,
            "auto" => parser.global.profiling = Profiling::Auto,
            // That is how it is.
            "no-lock" | "no-memory" => {}
            "lock" | "memory" => {
                let keyword = format!("profiling.tasks {word}");
                let waits = match word {
                    "lock" => "measuring the time that tasks spend on locks",
                    _ => "measuring the time that tasks spend on memory",
                };
                return Err(statement.fault(at, known::not_built(&keyword, waits)));
            }
            word => return Err(statement.fault(at, expected(word))),
        }
    }
    Ok(())
}

fn expected(word: &str) -> String {
    format!(
        "'profiling.tasks' expects a combination of either 'on', 'auto', 'off', 'lock', 'no-lock', 'memory', or 'no-memory', but got '{word}'."
    )
}

#[cfg(test)]
mod tests {
    use crate::Profiling;
    use crate::parse::testing::load_text;

    #[test]
    fn words_are_read_one_after_the_other() {
        for (words, profiling) in [
            ("on", Profiling::On),
            ("auto no-lock", Profiling::Auto),
            ("on no-memory off", Profiling::Off),
        ] {
            let (snapshot, messages) = load_text(&format!("global\n profiling.tasks {words}\n"));
            let global = snapshot.unwrap_or_else(|| panic!("{messages:?}")).global;
            assert_eq!(global.profiling, profiling);
        }
        for (words, why) in [
            ("", "but got ''"),
            ("maybe", "but got 'maybe'"),
            ("on lock", "time that tasks spend on locks"),
        ] {
            let (snapshot, messages) = load_text(&format!("global\n profiling.tasks {words}\n"));
            assert!(snapshot.is_none());
            assert!(format!("{messages:?}").contains(why), "{messages:?}");
        }
    }
}
