//! Certificates of a whole frontend (`ssl-f-use`).

use super::certificates;
use crate::parse::{ANY, Parsed, Parser, Row, Statement, Valid};
use std::sync::Arc;
use tls::crtlist::List;
use tls::store::PlaceError;

/// The row of this family.
pub const ROWS: &[Row] = &[Row {
    name: "ssl-f-use",
    valid: Valid::FE,
    args: (0, ANY),
    doc: "A certificate for all 'bind' lines with 'ssl'.",
    read: ssl_f_use,
}];

fn ssl_f_use(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let mut warnings = Vec::new();
    let words = statement.args_from(0);
    let entry = tls::crtlist::read_words(words.into_iter(), &mut |text| warnings.push(text));
    let entry = entry.map_err(|why| statement.fault_here(why))?;
    for warning in warnings {
        parser.notice_once(statement, warning);
    }
    let list: Arc<str> = format!("@{}", parser.draft()?.proxy.name).into();
    let mut known = parser.certificates.lists.remove(&list).unwrap_or(List {
        is_directory: false,
        entries: Vec::new(),
    });
    let entry = tls::crtlist::Entry {
        line: known.entries.len() + 1,
        ..entry
    };
    let mut lines = Vec::new();
    let placed = certificates::place_entry(parser, &list, entry, &mut lines, &mut known.entries);
    parser.certificates.lists.insert(list, known);
    placed.map_err(|fault| {
        let (entry, error) = *fault;
        statement.fault_here(match error {
            PlaceError::Load(why) => why,
            PlaceError::Differs(text) => format!(
                "'{}' is already defined with incompatible parameters: {}",
                entry.path,
                text.trim_end()
            ),
        })
    })?;
    parser.draft()?.certificates.extend(lines);
    Ok(())
}
