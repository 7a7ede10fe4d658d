//! Filters over the data of entries: `data.<type> <operator> <value>`.

use crate::command::Args;
use stick::{Class, DataType, Entry, Table};

/// How many filters one command takes.
const MOST: usize = 4;

/// One filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    kind: DataType,
    element: usize,
    operator: fn(&i64, &i64) -> bool,
    value: i64,
}

impl Filter {
    /// The filters that begin with the second argument.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn parse(table: &Table, args: Args<'_>) -> Result<Vec<Self>, String> {
        let mut filters = Vec::new();
        let mut at = 1;
        while !args.get(at).is_empty() {
            let number = filters.len() + 1;
            if number > MOST {
                // Counted with the command's own words.
                return Err(format!(
                    "Detected extra data in filter, {}th word of input, after '{}'",
                    at + 3,
                    args.get(at - 1)
                ));
            }
            let wrong = |what: &str| format!("Filter entry #{number}: {what}");
            let name = args.get(at).strip_prefix("data.").unwrap_or_default();
            let (kind, element) = element_of(name).ok_or_else(|| wrong("Unknown data type"))?;
            if table.config().layout.get(kind).is_none() {
                return Err(wrong("Data type not stored in this table"));
            }
            let operator = operator(args.get(at + 1)).ok_or_else(|| {
                wrong("Require and operator among \"eq\", \"ne\", \"le\", \"ge\", \"lt\", \"gt\"")
            })?;
            let value = args
                .get(at + 2)
                .parse()
                .map_err(|_| wrong("Require a valid integer value to compare against"))?;
            filters.push(Self {
                kind,
                element,
                operator,
                value,
            });
            at += 3;
        }
        Ok(filters)
    }

    /// Whether an entry passes.
    pub(super) fn takes(&self, entry: &Entry<'_>) -> bool {
        let Some(value) = entry.get(self.kind, self.element) else {
            return false;
        };
        let value = match self.kind.class() {
            Class::Text => return false,
            Class::Signed => i64::from(value as u32 as i32),
            _ => i64::try_from(value).unwrap_or(i64::MAX),
        };
        (self.operator)(&value, &self.value)
    }
}

fn operator(name: &str) -> Option<fn(&i64, &i64) -> bool> {
    Some(match name {
        "eq" => i64::eq,
        "ne" => i64::ne,
        "le" => i64::le,
        "ge" => i64::ge,
        "lt" => i64::lt,
        "gt" => i64::gt,
        _ => return None,
    })
}

/// A data type, and which element of it: `gpc[2]`, the first without an index.
pub(super) fn element_of(name: &str) -> Option<(DataType, usize)> {
    match name.split_once('[') {
        None => Some((DataType::named(name)?, 0)),
        Some((name, rest)) => {
            let element = rest.strip_suffix(']')?.parse().ok()?;
            Some((DataType::named(name)?, element))
        }
    }
}
