//! What all HTTP/1 connections have in common.

use super::process::on;
use crate::parse::{Parsed, Parser, Row, Statement, Valid};

/// The rows of this family.
pub const ROWS: &[Row] = &[
    Row {
        name: "h1-accept-payload-with-any-method",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Takes bodies with GET, HEAD and DELETE in HTTP/1.0.",
        read: |p, _| on(&mut p.global.accept_payload_with_any_method),
    },
    Row {
        name: "h1-case-adjust",
        valid: Valid::ALL,
        args: (0, 2),
        doc: "How a header's name is written.",
        read: case_adjust,
    },
    Row {
        name: "h1-case-adjust-file",
        valid: Valid::ALL,
        args: (0, 1),
        doc: "How headers' names are written.",
        read: case_adjust_file,
    },
    Row {
        name: "h1-do-not-close-on-insecure-transfer-encoding",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Keeps connections after doubtful transfer codings.",
        read: |p, _| on(&mut p.global.keep_on_insecure_transfer_encoding),
    },
    Row {
        name: "pp2-never-send-local",
        valid: Valid::ALL,
        args: (0, 0),
        doc: "Never sends LOCAL in PROXY protocol headers.",
        read: |p, _| on(&mut p.global.never_send_local),
    },
];

fn case_adjust(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    if statement.len() < 2 {
        return Err(statement.fault_here("'h1-case-adjust' expects <from> and <to> as argument."));
    }
    let pair = (statement.arg(0), statement.arg(1));
    add_case(parser, pair).map_err(|why| statement.fault(1, why))
}

fn add_case(parser: &mut Parser<'_>, (from, to): (&str, &str)) -> Result<(), String> {
    if !from.eq_ignore_ascii_case(to) {
        return Err("<from> and <to> must not differ except the case".into());
    }
    let from = from.to_ascii_lowercase();
    let cases = &mut parser.global.header_cases;
    if cases.iter().any(|(known, _)| *known == from) {
        return Err(format!("duplicate entry '{from}'"));
    }
    cases.push((from, to.into()));
    Ok(())
}

fn case_adjust_file(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let name = statement.arg(0);
    if name.is_empty() {
        return Err(statement.fault_here("'h1-case-adjust-file' expects a file name as argument."));
    }
    let path = parser.default_path.resolve(&statement.line.file, name);
    let Ok(text) = std::fs::read_to_string(path) else {
        return Err(statement.fault(
            0,
            format!("h1-headers-case-adjust-file '{name}': failed to open file."),
        ));
    };
    for (number, line) in text.lines().enumerate() {
        let wrong = |why: &str| {
            statement.fault(
                0,
                format!(
                    "h1-headers-case-adjust-file '{name}' line {}: {why}.",
                    number + 1
                ),
            )
        };
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (None, ..) => {}
            (Some(word), ..) if word.starts_with('#') => {}
            (Some(from), Some(to), None) => {
                add_case(parser, (from, to)).map_err(|why| wrong(&why))?
            }
            _ => return Err(wrong("two words are expected")),
        }
    }
    Ok(())
}
