//! Tables and entries as `show table` writes them.

use std::fmt::Write;
use stick::{Class, Key, Listed, Table};

/// The line about a table.
pub(super) fn header(table: &Table, out: &mut String) {
    let config = table.config();
    let _ = writeln!(
        out,
        "# table: {}, type: {}, size:{}, used:{}",
        config.name,
        config.kind.name(),
        config.size,
        table.used()
    );
}

/// The line about an entry.
pub(super) fn entry(table: &Table, listed: &Listed<'_>, out: &mut String) {
    let entry = &listed.entry;
    let _ = write!(out, "{:#x}: key=", listed.id);
    match &listed.key {
        Key::String(text) => escaped(text, out),
        key => {
            let _ = write!(out, "{key}");
        }
    }
    let _ = write!(
        out,
        " use={} exp={} shard={}",
        entry.references(),
        entry.expires_in(),
        table.share_of(&listed.key)
    );
    for stored in table.config().layout.stored() {
        for element in 0..usize::from(stored.elements) {
            let value = entry.get(stored.kind, element).unwrap_or(0);
            out.push(' ');
            match stored.kind.is_array() {
                true => {
                    // `gpc_rate` of the second element is `gpc1_rate`.
                    let name = stored.kind.name();
                    let (stem, rest) = name.split_once('_').unwrap_or((name, ""));
                    let bar = if rest.is_empty() { "" } else { "_" };
                    let _ = write!(out, "{stem}{element}{bar}{rest}");
                }
                false => out.push_str(stored.kind.name()),
            }
            let _ = match stored.kind.class() {
                Class::Rate => write!(out, "({})={value}", stored.period),
                Class::Signed => write!(out, "={}", value as u32 as i32),
                Class::Text => {
                    write!(out, "={}", table.text(value).as_deref().unwrap_or("-"))
                }
                Class::Word | Class::Long => write!(out, "={value}"),
            };
        }
    }
    out.push('\n');
}

/// A text in which whatever could be taken for something else is escaped.
fn escaped(text: &[u8], out: &mut String) {
    for &byte in text {
        match byte {
            b'\\' | b' ' | b'=' => {
                out.push('\\');
                out.push(byte.into());
            }
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            0x1b => out.push_str("\\e"),
            0x20..=0x7e => out.push(byte.into()),
            _ => {
                let _ = write!(out, "\\x{byte:02X}");
            }
        }
    }
}
