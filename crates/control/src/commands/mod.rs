//! All commands, and finding the one that is meant.

mod anonymous;
mod backends;
mod cli;
pub mod configuration;
mod cookies;
mod counters;
mod debug;
mod descriptors;
mod diagnosis;
mod dynamic;
mod errors;
mod events;
mod frontends;
mod httpclient;
mod limits;
mod modes;
mod patterns;
mod peers;
mod pools;
mod process;
mod profiling;
mod refused;
pub mod reload;
mod resolvers;
mod server_checks;
mod server_place;
mod server_state;
mod servers;
mod sessions;
mod ssl;
mod statistics;
mod tables;
mod traces;
mod variables;
mod wait;

use crate::command::{Args, CommandRow, Context, State};
use crate::reader::MAX_WORDS;
use crate::reply::Reply;
use std::fmt::Write;

pub(crate) use cli::place;
pub(crate) use server_state::set_own_state;

/// Every family of commands.
pub const ROOT: &[&[CommandRow]] = &[
    anonymous::ROWS,
    backends::ROWS,
    cli::ROWS,
    configuration::ROWS,
    cookies::ROWS,
    counters::ROWS,
    descriptors::ROWS,
    diagnosis::ROWS,
    dynamic::ROWS,
    errors::ROWS,
    events::ROWS,
    frontends::ROWS,
    limits::ROWS,
    patterns::ROWS,
    peers::ROWS,
    pools::ROWS,
    process::ROWS,
    profiling::ROWS,
    reload::ROWS,
    resolvers::ROWS,
    server_checks::ROWS,
    server_state::ROWS,
    servers::ROWS,
    sessions::ROWS,
    statistics::ROWS,
    tables::ROWS,
    traces::ROWS,
    variables::ROWS,
    wait::ROWS,
];

/// Commands that need `experimental-mode on`.
pub const EXPERIMENTAL: &[&[CommandRow]] = &[variables::EXPERIMENTAL];

/// Commands that need `expert-mode on`, and are listed only then.
pub const EXPERT: &[&[CommandRow]] = &[debug::EXPERT, httpclient::EXPERT];

/// Commands that no list shows.
pub const HIDDEN: &[&[CommandRow]] = &[modes::ROWS];

/// Those that stand at the end of every list.
const ALWAYS: [&str; 3] = ["help", "prompt", "quit"];
/// How many commands are proposed for one that is not known.
const PROPOSALS: usize = 5;

/// What a command needs besides its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Experimental,
    Expert,
}

fn rows() -> impl Iterator<Item = &'static CommandRow> {
    ROOT.iter().chain(ssl::ROWS).copied().flatten()
}

fn all_rows() -> impl Iterator<Item = (&'static CommandRow, Needs)> {
    let of = |list: &'static [&'static [CommandRow]], needs| {
        list.iter().copied().flatten().map(move |row| (row, needs))
    };
    of(ROOT, Needs::Nothing)
        .chain(of(ssl::ROWS, Needs::Nothing))
        .chain(of(HIDDEN, Needs::Nothing))
        .chain(of(EXPERIMENTAL, Needs::Experimental))
        .chain(of(EXPERT, Needs::Expert))
}

/// What is known by name and not built, with the reason.
fn refused(words: &[String]) -> Option<&'static str> {
    let fits = |(known, _): &&(&str, &str)| {
        let mut known = known.split(' ');
        let mut words = words.iter();
        known.all(|word| words.next().is_some_and(|given| given == word))
    };
    let found = refused::COMMANDS.iter().filter(fits);
    found
        .max_by_key(|(known, _)| known.len())
        .map(|(_, why)| *why)
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
    let fits = |(row, _): &(&CommandRow, Needs)| {
        row.words.len() <= words.len() && row.words.iter().zip(words).all(|(a, b)| a == b)
    };
    // The longest wins, so that `set server` and a longer command under it can both be there.
    let found = all_rows()
        .filter(fits)
        .max_by_key(|(row, _)| row.words.len());
    let Some((row, needs)) = found else {
        return match refused(words) {
            Some(why) => reply.error(why),
            None => refuse(context, reply, first, words),
        };
    };
    if context.state.level < row.level {
        return reply.error("Permission denied");
    }
    match needs {
        Needs::Experimental if !context.state.experimental => {
            return reply.error("This command is restricted to experimental mode only.");
        }
        Needs::Expert if !context.state.expert => {
            return reply.error("This command is restricted to expert mode only.");
        }
        Needs::Experimental => crate::info::oddities::note_experimental_command(),
        Needs::Expert => crate::info::oddities::note_expert_command(),
        Needs::Nothing => {}
    }
    if row.words.starts_with(&["debug", "dev"]) {
        crate::info::oddities::note_debug_command();
    }
    let rest = words.get(row.words.len()..).unwrap_or_default();
    (row.run)(context, reply, Args(rest));
}

fn refuse(context: &Context<'_>, reply: &mut Reply, first: &str, words: &[String]) {
    let mut text = format!(
        "Unknown command: '{first}', but maybe one of the following ones is a better match:\n"
    );
    list(&mut text, context.state, words);
    reply.error(&text);
}

/// Lists the commands that begin with some words, or else those that come nearest, of those that a connection may run. In
/// `expert-mode` those for experts are listed, and nothing else.
pub(crate) fn list(text: &mut String, state: &State, words: &[String]) {
    let fixed = |row: &CommandRow| row.words.len() == 1 && ALWAYS.contains(&row.words[0]);
    let is_listed = |needs| match needs {
        Needs::Nothing => !state.expert,
        Needs::Experimental => state.experimental && !state.expert,
        Needs::Expert => state.expert,
    };
    let hidden = |row: &CommandRow| {
        HIDDEN
            .iter()
            .copied()
            .flatten()
            .any(|h| h.words == row.words)
    };
    let mut known: Vec<_> = all_rows()
        .filter(|(row, needs)| {
            row.level <= state.level && !fixed(row) && !hidden(row) && is_listed(*needs)
        })
        .map(|(row, _)| row)
        .collect();
    known.sort_by_key(|row| row.words);
    for row in matching(&known, words)
        .into_iter()
        .chain(rows().filter(|row| fixed(row)))
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
    use crate::command::Level;

    fn state(level: Level) -> State {
        let bind = model::Bind::new(model::Address::Fd(0), ("".into(), 0));
        let mut state = State::new(&bind, 1000);
        state.level = level;
        state
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn listed(words: &[&str], level: Level) -> String {
        let mut text = String::new();
        list(&mut text, &state(level), &owned(words));
        text
    }

    #[test]
    fn rows_are_well_formed() {
        let mut seen = std::collections::HashSet::new();
        for (row, _) in all_rows() {
            assert!(!row.words.is_empty() && !row.doc.is_empty(), "{row:?}");
            assert!(seen.insert(row.words), "{:?} is there twice", row.words);
        }
    }

    /// What HAProxy registers is built, or refused by name.
    #[test]
    fn every_command_of_haproxy_is_known() {
        let masters: Vec<String> = crate::master::words().collect();
        for line in include_str!("../../testdata/commands-3.4.txt").lines() {
            let (name, flags) = line.split_once(" [").unwrap();
            let words: Vec<String> = name.split(' ').map(str::to_owned).collect();
            if flags.contains("MASTER") {
                // What master and worker tell each other is not for users.
                let inner = name.starts_with('_');
                assert!(
                    inner || masters.contains(&words.join(" ")),
                    "{name} of masters"
                );
            }
            if !flags.contains("WORKER") || name == engine::handover::COMMAND {
                continue;
            }
            let built = all_rows().find(|(row, _)| row.words == words);
            let Some((_, needs)) = built else {
                assert!(
                    refused(&words).is_some(),
                    "{name} is neither built nor refused"
                );
                continue;
            };
            assert_eq!(needs == Needs::Expert, flags.contains("EXPERT"), "{name}");
            assert_eq!(
                needs == Needs::Experimental,
                flags.contains("EXPERIM"),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_refused_says_why() {
        for (name, why) in refused::COMMANDS {
            let words: Vec<String> = name.split(' ').map(str::to_owned).collect();
            assert!(why.ends_with('.') && refused(&words).is_some(), "{name}");
        }
    }

    #[test]
    fn experts_see_their_commands_alone() {
        let mut state = state(Level::Admin);
        let list_of = |state: &State, words: &[&str]| {
            let mut text = String::new();
            list(&mut text, state, &owned(words));
            text
        };
        assert!(!list_of(&state, &["set"]).contains("  set var "));
        assert!(!list_of(&state, &["debug"]).contains("  debug dev log "));
        assert!(!list_of(&state, &["expert-mode"]).contains("  expert-mode"));
        state.experimental = true;
        assert!(list_of(&state, &["set"]).contains("  set var "));
        state.expert = true;
        assert!(list_of(&state, &[]).contains("  debug dev log "));
        assert!(!list_of(&state, &[]).contains("  show info "));
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
