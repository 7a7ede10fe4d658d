//! `source` on server lines.

use super::ServerLine;
use crate::address::Allow;
use crate::parse::Parsed;
use crate::parse::families::proxy::tcp::read_source;
use crate::parse::options::{Cursor, OptionRow};
use std::sync::Arc;

pub(super) const OPTIONS: &[OptionRow<ServerLine>] = &[
    OptionRow {
        name: "source",
        args: -1,
        doc: "Where connections to the server come from.",
        read: source,
    },
    OptionRow {
        name: "usesrc",
        args: 0,
        doc: "Part of 'source'.",
        read: |_, cursor| Err(cursor.option_fault("only allowed after a 'source' statement.")),
    },
];

fn source(line: &mut ServerLine, cursor: &mut Cursor<'_, '_, '_>) -> Parsed {
    if cursor.peek().is_empty() {
        let message = "expects <addr>[:<port>[-<port>]], and optionally 'usesrc' <addr>, and 'interface' <name> as argument.";
        return Err(cursor.option_fault(message));
    }
    let (source, end) =
        read_source(cursor.statement, cursor.at, Allow::SOURCE).map_err(|mut fault| {
            fault.message.insert_str(0, &cursor.label);
            fault
        })?;
    cursor.at = end;
    line.draft.source = Some(Arc::new(source));
    Ok(())
}
