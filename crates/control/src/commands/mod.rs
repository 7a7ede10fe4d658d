//! All commands, and finding the one that is meant.

mod backends;
mod cli;
mod counters;
mod dynamic;
mod frontends;
mod limits;
mod patterns;
mod peers;
mod process;
pub mod reload;
mod resolvers;
mod server_checks;
mod server_place;
mod server_state;
mod servers;
mod statistics;
mod tables;
mod wait;

use crate::command::{Args, CommandRow, Context, Level};
use crate::reader::MAX_WORDS;
use crate::reply::Reply;
use std::fmt::Write;

pub(crate) use server_state::set_own_state;

/// Every family of commands.
pub const ROOT: &[&[CommandRow]] = &[
    backends::ROWS,
    cli::ROWS,
    counters::ROWS,
    dynamic::ROWS,
    frontends::ROWS,
    limits::ROWS,
    patterns::ROWS,
    peers::ROWS,
    process::ROWS,
    reload::ROWS,
    resolvers::ROWS,
    server_checks::ROWS,
    server_state::ROWS,
    servers::ROWS,
    statistics::ROWS,
    tables::ROWS,
    wait::ROWS,
];

/// Those that stand at the end of every list.
const ALWAYS: [&str; 3] = ["help", "prompt", "quit"];
/// How many commands are proposed for one that is not known.
const PROPOSALS: usize = 5;

fn rows() -> impl Iterator<Item = &'static CommandRow> {
    ROOT.iter().copied().flatten()
}

/// Runs a command by its words.
pub fn run(context: &mut Context<'_>, reply: &mut Reply, words: &[String]) {
    let Some(first) = words.first() else {
        return;
    };
    if words.len() > MAX_WORDS {
        let text = format!("Too many arguments. Commands must have at most {MAX_WORDS} arguments.");
        return reply.plain(format_args!("{text}\n"));
    }
    let fits = |row: &&CommandRow| {
        row.words.len() <= words.len() && row.words.iter().zip(words).all(|(a, b)| a == b)
    };
    // The longest wins, so that `set server` and a longer command under it can both be there.
    let Some(row) = rows().filter(fits).max_by_key(|row| row.words.len()) else {
        return refuse(context, reply, first, words);
    };
    if context.state.level < row.level {
        return reply.error("Permission denied");
    }
    let rest = words.get(row.words.len()..).unwrap_or_default();
    (row.run)(context, reply, Args(rest));
}

fn refuse(context: &Context<'_>, reply: &mut Reply, first: &str, words: &[String]) {
    let mut text = format!(
        "Unknown command: '{first}', but maybe one of the following ones is a better match:\n"
    );
    list(&mut text, context.state.level, words);
    reply.error(&text);
}

/// Lists the commands that begin with some words, or else those that come nearest, for a level.
pub(crate) fn list(text: &mut String, level: Level, words: &[String]) {
    let fixed = |row: &&CommandRow| row.words.len() == 1 && ALWAYS.contains(&row.words[0]);
    let mut known: Vec<_> = rows()
        .filter(|row| row.level <= level && !fixed(row))
        .collect();
    known.sort_by_key(|row| row.words);
    for row in matching(&known, words)
        .into_iter()
        .chain(rows().filter(fixed))
    {
        let mut usage = row.words.join(" ");
        if !row.args.is_empty() {
            let _ = write!(usage, " {}", row.args);
        }
        let _ = writeln!(text, "  {usage:<40}: {}", row.doc);
    }
}

fn matching(known: &[&'static CommandRow], words: &[String]) -> Vec<&'static CommandRow> {
    let alike = |row: &CommandRow| {
        row.words
            .iter()
            .zip(words)
            .take_while(|(a, b)| a == b)
            .count()
    };
    let complete = |row: &CommandRow| alike(row) == words.len();
    if known.iter().any(|row| complete(row)) {
        return known.iter().copied().filter(|row| complete(row)).collect();
    }
    if words.len() == 1 && ALWAYS.contains(&words[0].as_str()) {
        return Vec::new();
    }
    let most = known.iter().map(|row| alike(row)).max().unwrap_or(0);
    let wrong = words.get(most).map_or("", String::as_str);
    let mut near: Vec<_> = known
        .iter()
        .copied()
        .filter(|row| alike(row) == most)
        .map(|row| {
            (
                distance(wrong, row.words.get(most).copied().unwrap_or("")),
                row,
            )
        })
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.truncate(PROPOSALS);
    near.sort_by_key(|(_, row)| row.words);
    near.into_iter().map(|(_, row)| row).collect()
}

/// Edit distance; the first bytes of a word decide, commands being short.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let a = a.get(..32).unwrap_or(a);
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(words: &[&str], level: Level) -> String {
        let mut text = String::new();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        list(&mut text, level, &words);
        text
    }

    #[test]
    fn rows_are_well_formed() {
        let mut seen = std::collections::HashSet::new();
        for row in rows() {
            assert!(!row.words.is_empty() && !row.doc.is_empty(), "{row:?}");
            assert!(seen.insert(row.words), "{:?} is there twice", row.words);
        }
    }

    #[test]
    fn commands_are_listed_by_their_beginning_and_level() {
        let text = listed(&["get", "weight"], Level::Admin);
        assert!(text.starts_with("  get weight <bk>/<srv>"), "{text}");
        assert!(text.ends_with('\n') && text.lines().count() == 4, "{text}");
        assert!(listed(&[], Level::Admin).contains("  disable frontend <frontend>"));
        assert_eq!(listed(&["help"], Level::User).lines().count(), 3);
    }

    #[test]
    fn a_misspelt_command_is_recognised() {
        assert!(listed(&["show", "versio"], Level::User).contains("  show version "));
        assert!(listed(&["shwo", "version"], Level::User).contains("  show "));
    }
}
