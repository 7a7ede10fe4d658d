//! The forms in which rows are written.

use super::columns::{COLUMNS, COMMON};
use super::value::{Value, write_json_tags};
use super::{Row, Subject};
use std::fmt::Write;

/// Writes the header line of CSV.
pub fn header(out: &mut String) {
    out.push_str("# ");
    for (at, column) in COLUMNS.iter().enumerate() {
        if at == COMMON {
            out.push_str("-,");
        }
        let _ = write!(out, "{},", column.name);
    }
    out.push('\n');
}

/// Writes a row as CSV.
pub fn csv(row: &Row, out: &mut String) {
    for (at, cell) in row.cells.iter().enumerate() {
        if at == COMMON {
            out.push_str("-,");
        }
        if let Some(value) = cell {
            value.write_csv(out);
        }
        out.push(',');
    }
    out.push('\n');
}

/// The tags of a cell. A backend's highest rate is a gauge to HAProxy.
fn tags(row: &Row, at: usize) -> &'static str {
    let Some(column) = COLUMNS.get(at) else {
        return "";
    };
    match (column.name, row.subject) {
        ("rate_max", Subject::Backend) => "MGPV",
        ("act" | "bck", Subject::Backend) => "MGPV",
        _ => column.tags,
    }
}

fn cells(row: &Row) -> impl Iterator<Item = (usize, &'static str, &Value)> {
    let named = row.cells.iter().zip(&COLUMNS).enumerate();
    named.filter_map(|(at, (cell, column))| Some((at, column.name, cell.as_ref()?)))
}

/// What a column tells.
fn description(at: usize, name: &str) -> String {
    match COLUMNS.get(at).map_or("", |column| column.doc) {
        "" => name.replace('_', " "),
        doc => doc.to_owned(),
    }
}

/// Writes a row in typed form; `desc` says what every field is.
pub fn typed(row: &Row, desc: bool, out: &mut String) {
    let (letter, (proxy, id)) = (row.subject.letter(), row.ids);
    for (at, name, value) in cells(row) {
        let (tags, kind) = (tags(row, at), value.kind());
        let _ = write!(
            out,
            "{letter}.{proxy}.{id}.{at}.{name}.1:{tags}:{kind}:{value}"
        );
        if desc {
            let _ = write!(out, ":\"{}\"", description(at, name));
        }
        out.push('\n');
    }
}

/// Writes a row as JSON.
pub fn json(row: &Row, out: &mut String) {
    let (subject, (proxy, id)) = (row.subject.name(), row.ids);
    out.push('[');
    for (count, (at, name, value)) in cells(row).enumerate() {
        if count > 0 {
            out.push(',');
        }
        let _ = write!(
            out,
            "{{\"objType\":\"{subject}\",\"proxyId\":{proxy},\"id\":{id},\"field\":{{\"pos\":{at},\"name\":\"{name}\"}},\"processNum\":1,"
        );
        write_json_tags(out, tags(row, at));
        out.push_str(",\"value\":");
        value.write_json(out);
        out.push('}');
    }
    out.push(']');
}
