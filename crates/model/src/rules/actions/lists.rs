//! Changing pattern lists and maps: `add-acl`, `del-acl`, `set-map`, `del-map`.

use super::ActionRow;
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, Names, RuleCursor, Stream, with_text};
use expr::logformat::{LogFormat, Usage};
use expr::pattern::PatternRef;
use std::sync::{Arc, OnceLock};

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        "add-acl",
        Families::MESSAGES,
        "Adds a pattern to a list.",
        |cursor| parse(cursor, Change::Add),
    )
    .with_suffix(),
    ActionRow::new(
        "del-acl",
        Families::HTTP,
        "Removes a pattern from a list.",
        |cursor| parse(cursor, Change::Remove { of_map: false }),
    )
    .with_suffix(),
    ActionRow::new(
        "del-map",
        Families::HTTP,
        "Removes a pattern from a map.",
        |cursor| parse(cursor, Change::Remove { of_map: true }),
    )
    .with_suffix(),
    ActionRow::new(
        "set-map",
        Families::HTTP,
        "Gives a pattern of a map a value.",
        |cursor| parse(cursor, Change::Set),
    )
    .with_suffix(),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove { of_map: bool },
    Set,
}

impl Change {
    fn is_of_map(self) -> bool {
        matches!(self, Self::Set | Self::Remove { of_map: true })
    }
}

#[derive(Debug)]
struct ChangeList {
    change: Change,
    name: Arc<str>,
    list: OnceLock<Arc<PatternRef>>,
    key: Arc<LogFormat>,
    /// The new value (`set-map`).
    value: Option<Arc<LogFormat>>,
}

impl Action for ChangeList {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let Some(list) = self.list.get() else {
            return Flow::Continue;
        };
        let value = self.value.as_ref().map(|format| {
            let mut text = Vec::new();
            format.render(stream.view(), &mut text);
            text
        });
        with_text(stream, &self.key, |_, key| {
            // A text that is no pattern of the list's kind changes nothing, as in HAProxy.
            let _ = match (self.change, &value) {
                (Change::Set, Some(value)) => list.put(key, value),
                (Change::Remove { .. }, _) => {
                    list.remove_key(key);
                    Ok(())
                }
                _ => list.put_key(key),
            };
        });
        Flow::Continue
    }

    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        if let Some(list) = names.patterns.named(&self.name) {
            let _ = self.list.set(list.clone());
        }
        Ok(())
    }
}

fn parse(cursor: &mut RuleCursor<'_, '_, '_>, change: Change) -> Parsed<Box<dyn Action>> {
    let usage = match change {
        Change::Set => "expects exactly 2 arguments",
        _ => "expects exactly 1 arguments",
    };
    let Some(name) = cursor.suffix() else {
        return Err(cursor.fault(usage));
    };
    if change == Change::Set && cursor.peek_second().is_empty() {
        return Err(cursor.fault(usage));
    }
    let key = cursor.format(usage, Usage::HTTP)?;
    let value = match change {
        Change::Set => Some(cursor.format(usage, Usage::HTTP)?),
        _ => None,
    };
    let changed = &mut cursor.parser.changed_lists;
    changed.push((name.into(), change.is_of_map()));
    Ok(Box::new(ChangeList {
        change,
        name: name.into(),
        list: OnceLock::new(),
        key,
        value,
    }))
}
