//! `do-log` and `set-log-level`.

use super::ActionRow;
use crate::log::LogProfile;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, Names, RuleCursor, Stream};
use std::sync::{Arc, OnceLock};

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "do-log",
        Families::ALL,
        "Writes a log line now.",
        parse_do_log,
    ),
    ActionRow::new(
        "set-log-level",
        Families::CONTENT
            .and(Families::TCP_RESPONSE)
            .and(Families::HTTP),
        "Changes the level of the log line, or silences it.",
        parse_level,
    ),
];

const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];

#[derive(Debug)]
struct DoLog {
    step: &'static str,
    profile: Option<Arc<str>>,
    /// The section of that name, once all sections are known.
    section: OnceLock<Arc<LogProfile>>,
}

impl Action for DoLog {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        stream.log_now(self.step, self.section.get().map(|section| &**section));
        Flow::Continue
    }

    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        let Some(name) = &self.profile else {
            return Ok(());
        };
        let section = names
            .log_profiles
            .get(name)
            .ok_or_else(|| format!("do-log action: profile '{name}' is invalid."))?;
        self.section.get_or_init(|| section.clone());
        Ok(())
    }
}

fn parse_do_log(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let profile = match cursor.take_if("profile") {
        true => Some(
            cursor
                .expect("action 'do-log': 'profile' expects argument.")?
                .into(),
        ),
        false => None,
    };
    Ok(Box::new(DoLog {
        step: cursor.family().log_step(),
        profile,
        section: OnceLock::new(),
    }))
}

#[derive(Debug)]
struct Level(Option<u8>);

impl Action for Level {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        stream.set_log_level(self.0);
        Flow::Continue
    }
}

fn parse_level(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let missing = "expects exactly 1 argument (log level name or 'silent')";
    let word = cursor.expect(missing)?;
    let known = LEVELS
        .iter()
        .position(|level| *level == word)
        .and_then(|level| u8::try_from(level).ok());
    match known {
        None if word != "silent" => Err(cursor.fault_before(missing)),
        level => Ok(Box::new(Level(level))),
    }
}
