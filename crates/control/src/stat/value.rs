//! Values with their types, and the forms they are written in.

use std::fmt::{self, Write};

/// A value with its type as typed output names it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `u32`.
    U32(u32),
    /// `u64`.
    U64(u64),
    /// `s32`.
    S32(i32),
    /// `flt`.
    Float(f64),
    /// `str`.
    Str(String),
}

impl Value {
    /// The type's name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::U32(_) => "u32",
            Self::U64(_) => "u64",
            Self::S32(_) => "s32",
            Self::Float(_) => "flt",
            Self::Str(_) => "str",
        }
    }

    /// Writes the value as a CSV cell.
    pub fn write_csv(&self, out: &mut String) {
        match self {
            Self::Str(text) if text.contains(['"', ',', '\r', '\n']) => {
                let _ = write!(out, "\"{}\"", text.replace('"', "\"\""));
            }
            other => drop(write!(out, "{other}")),
        }
    }

    /// Writes the value as JSON, with its type.
    pub fn write_json(&self, out: &mut String) {
        let kind = self.kind();
        let _ = match self {
            Self::Str(text) => {
                let _ = write!(out, "{{\"type\":\"{kind}\",\"value\":");
                write_json_text(out, text);
                out.write_char('}')
            }
            other => write!(out, "{{\"type\":\"{kind}\",\"value\":{other}}}"),
        };
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U32(n) => n.fmt(f),
            Self::U64(n) => n.fmt(f),
            Self::S32(n) => n.fmt(f),
            Self::Float(n) => {
                let text = format!("{n:.6}");
                f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
            }
            Self::Str(text) => f.write_str(text),
        }
    }
}

fn write_json_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            c if u32::from(c) < 0x20 => write!(out, "\\u{:04x}", u32::from(c)),
            c => out.write_char(c),
        };
    }
    out.push('"');
}

/// Writes the tags of a value as JSON: what its letters stand for.
pub fn write_json_tags(out: &mut String, tags: &str) {
    let mut letters = tags.chars();
    let origin = match letters.next() {
        Some('M') => "Metric",
        Some('S') => "Status",
        Some('K') => "Key",
        Some('C') => "Config",
        _ => "Product",
    };
    let nature = match letters.next() {
        Some('A') => "Age",
        Some('a') => "Avg",
        Some('C') => "Counter",
        Some('D') => "Duration",
        Some('G') => "Gauge",
        Some('L') => "Limit",
        Some('M') => "Max",
        Some('m') => "Min",
        Some('N') => "Name",
        Some('R') => "Rate",
        Some('T') => "Time",
        _ => "Output",
    };
    let scope = match letters.next() {
        Some('C') => "Cluster",
        Some('S') => "Service",
        _ => "Process",
    };
    let _ = write!(
        out,
        "\"tags\":{{\"origin\":\"{origin}\",\"nature\":\"{nature}\",\"scope\":\"{scope}\"}}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_every_form() {
        let csv = |value: Value| {
            let mut out = String::new();
            value.write_csv(&mut out);
            out
        };
        assert_eq!(csv(Value::Str("a,\"b".into())), "\"a,\"\"b\"");
        assert_eq!(csv(Value::S32(-1)), "-1");
        assert_eq!(csv(Value::Float(38.320_67)), "38.32067");
        assert_eq!(csv(Value::Float(38.0)), "38");
        let mut json = String::new();
        Value::Str("a\"\n".into()).write_json(&mut json);
        assert_eq!(json, r#"{"type":"str","value":"a\"\u000a"}"#);
    }
}
