//! Declarations of stick tables (configuration manual, section 11.1).

use crate::parse::{Fault, Parsed, Parser, Statement};
use base::units::{TimeError, TimeUnit, parse_size, parse_time};
use std::sync::Arc;
use stick::{Class, DataType, KeyKind, Layout, ServerKey, TableConfig};

/// Bytes of a text and of a block whose length is not given. HAProxy counts the NUL behind the text.
const DEFAULT_LEN: (usize, usize) = (31, 32);
/// The most elements of an array.
const MOST_ELEMENTS: i64 = 100;
/// The most bytes of a block of the byte rates.
const MOST_BLOCK: u32 = 1024;

/// A table and where it is declared.
pub(crate) struct TableDraft {
    /// The table.
    pub config: TableConfig,
    /// File and line.
    pub origin: (Arc<str>, u32),
}

/// `stick-table` of a proxy.
pub(super) fn of_proxy(parser: &mut Parser<'_>, statement: Statement<'_>) -> Parsed {
    let proxy = parser.proxy()?;
    if proxy.caps.defaults {
        return Err(statement.fault_here("'stick-table' is not supported in 'defaults' section."));
    }
    let name = proxy.name.clone();
    let owner = format!("{} '{name}'", proxy.caps.section());
    if let Some(other) = parser.tables.iter().find(|t| t.config.name == name) {
        let (file, line) = &other.origin;
        let message = format!(
            "stick-table name '{name}' conflicts with table declared in {owner} at {file}:{line}."
        );
        return Err(statement.fault_here(message));
    }
    let config = read(parser, statement, 0, name, true)?;
    parser.tables.push(TableDraft {
        config,
        origin: statement.origin(),
    });
    Ok(())
}

/// Reads the words of a declaration from an argument on.
pub(super) fn read(
    parser: &mut Parser<'_>,
    statement: Statement<'_>,
    from: usize,
    name: Arc<str>,
    of_proxy: bool,
) -> Parsed<TableConfig> {
    let mut words = Words {
        statement,
        at: from,
    };
    let mut config = TableConfig::new(name, KeyKind::Ipv4);
    let mut has_type = false;
    while words.at < statement.len() {
        match words.take() {
            "type" => {
                config.kind = kind(&mut words)?;
                has_type = true;
            }
            "size" => {
                let text = words.argument("size")?;
                config.size =
                    parse_size(text).map_err(|why| words.stray(text, why.offset(), "size"))?;
            }
            "expire" => config.expire = expire(&mut words)?,
            "nopurge" => config.nopurge = true,
            "recv-only" => config.recv_only = true,
            "peers" if of_proxy => config.peers = Some(words.argument("peers")?.into()),
            "srvkey" => config.server_key = server_key(&mut words)?,
            "write-to" => match words.take() {
                "" => return Err(words.fault("stick-table : write-to requires table name.")),
                name => config.write_to = Some(name.into()),
            },
            "aggregate" => config.aggregate = true,
            "persist" => config.persist = Some(words.argument("persist")?.into()),
            "brates-factor" => config.byte_block = block(&mut words)?,
            "store" => store(parser, &mut words, &mut config.layout)?,
            word => return Err(words.said(format!("unknown argument '{word}'."))),
        }
    }
    let exclusive = exclusive(&config.layout);
    match (config.size, has_type, exclusive) {
        (0, ..) => Err(words.said("missing size.".into())),
        (_, false, _) => Err(words.said("missing type.".into())),
        (_, _, Some(message)) => Err(words.said(message)),
        _ => Ok(config),
    }
}

/// The words of a declaration.
struct Words<'l> {
    statement: Statement<'l>,
    at: usize,
}

impl<'l> Words<'l> {
    fn take(&mut self) -> &'l str {
        let word = self.statement.arg(self.at);
        self.at += 1;
        word
    }

    /// The argument of the word before.
    fn argument(&mut self, of: &str) -> Parsed<&'l str> {
        match self.take() {
            "" => Err(self.said(format!("missing argument after '{of}'."))),
            word => Ok(word),
        }
    }

    /// A fault at the word that was taken last.
    fn fault(&self, message: impl Into<String>) -> Fault {
        self.statement.fault(self.at.saturating_sub(1), message)
    }

    fn said(&self, message: String) -> Fault {
        self.fault(format!("{}: {message}", self.statement.keyword()))
    }

    fn stray(&self, text: &str, at: usize, of: &str) -> Fault {
        let wrong = text.get(at..).and_then(|rest| rest.chars().next());
        let wrong = wrong.map(String::from).unwrap_or_default();
        self.said(format!(
            "unexpected character '{wrong}' in argument of '{of}'."
        ))
    }
}

fn kind(words: &mut Words<'_>) -> Parsed<KeyKind> {
    let name = words.take();
    Ok(match name {
        "ip" | "ipv4" => KeyKind::Ipv4,
        "ipv6" => KeyKind::Ipv6,
        "integer" => KeyKind::Integer,
        "string" => KeyKind::String(len(words, DEFAULT_LEN.0)?),
        "binary" => KeyKind::Binary(len(words, DEFAULT_LEN.1)?),
        _ => return Err(words.said(format!("unknown type '{name}'."))),
    })
}

/// `len` behind the type, if it is there.
fn len(words: &mut Words<'_>, default: usize) -> Parsed<usize> {
    const MOST: usize = 1 << 20;
    if words.statement.arg(words.at) != "len" {
        return Ok(default);
    }
    words.at += 2;
    let text = words.statement.arg(words.at - 1);
    text.parse()
        .ok()
        .filter(|len| (1..=MOST).contains(len))
        .ok_or_else(|| words.fault("'len' expects a positive integer argument."))
}

fn expire(words: &mut Words<'_>) -> Parsed<Option<u32>> {
    let text = words.argument("expire")?;
    match parse_time(text, TimeUnit::Millisecond) {
        Ok(time) if time.trailing.is_none() => {
            let time = u32::try_from(time.value).unwrap_or(u32::MAX);
            Ok(Some(time).filter(|time| *time > 0))
        }
        Ok(time) => Err(words.stray(text, time.trailing.unwrap_or_default(), "expire")),
        Err(TimeError::Empty) => Err(words.stray(text, 0, "expire")),
        Err(TimeError::Character(at)) => Err(words.stray(text, at, "expire")),
        Err(TimeError::Overflow) => Err(words.said(format!(
            "timer overflow in argument <{text}> to <expire>, maximum value is 2147483647 ms (~24.8 days)."
        ))),
    }
}

fn server_key(words: &mut Words<'_>) -> Parsed<ServerKey> {
    match words.take() {
        "name" => Ok(ServerKey::Name),
        "addr" => Ok(ServerKey::Address),
        other => Err(words.fault(format!("stick-table : unknown server key type '{other}'."))),
    }
}

fn block(words: &mut Words<'_>) -> Parsed<u32> {
    let text = words.argument("brates-factor")?;
    let wrong = text.bytes().position(|b| !b.is_ascii_digit());
    if let Some(at) = wrong {
        return Err(words.stray(text, at, "brates-factor"));
    }
    text.parse()
        .ok()
        .filter(|block| (1..=MOST_BLOCK).contains(block))
        .ok_or_else(|| {
            words.said(format!(
                "argument 'brates-factor' must be greater than 0 and lower or equal than {MOST_BLOCK}."
            ))
        })
}

/// The list behind `store`: names with their arguments in parentheses, in which commas do not separate names.
fn store(parser: &mut Parser<'_>, words: &mut Words<'_>, layout: &mut Layout) -> Parsed {
    let mut rest = words.take();
    while !rest.is_empty() {
        let end = rest.find([',', '(']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (arguments, after) = match after.strip_prefix('(') {
            None => (None, after),
            Some(inside) => {
                let Some((arguments, after)) = inside.split_once(')') else {
                    let message =
                        format!("missing closing parenthesis after store option '{name}'.");
                    return Err(words.said(message));
                };
                (Some(arguments), after)
            }
        };
        let Some(kind) = DataType::named(name) else {
            return Err(words.said(format!("unknown store option '{name}'.")));
        };
        if layout.get(kind).is_some() {
            let message = format!(
                "{}: store option '{name}' already enabled, ignored.",
                words.statement.keyword()
            );
            parser.warn(words.statement, message, None);
        } else {
            store_one(words, layout, kind, name, arguments)?;
        }
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Ok(())
}

fn store_one(
    words: &Words<'_>,
    layout: &mut Layout,
    kind: DataType,
    name: &str,
    arguments: Option<&str>,
) -> Parsed {
    let missing = || words.said(format!("missing argument to store option '{name}'."));
    let is_rate = kind.class() == Class::Rate;
    if !kind.is_array() && !is_rate {
        if arguments.is_some() {
            return Err(words.said(format!("unexpected argument to store option '{name}'.")));
        }
        layout.store(kind, 1, 0);
        return Ok(());
    }
    let arguments = arguments.ok_or_else(missing)?;
    let (elements, period) = match (kind.is_array(), is_rate) {
        (true, true) => {
            let (elements, period) = arguments.split_once(',').ok_or_else(missing)?;
            (Some(elements), Some(period))
        }
        (true, false) => (Some(arguments), None),
        _ => (None, Some(arguments)),
    };
    let elements = match elements {
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|n| (1..=MOST_ELEMENTS).contains(n))
            .ok_or_else(|| {
                words.said(format!(
                    "array size is out of allowed range (1-{MOST_ELEMENTS}) for store option '{name}'."
                ))
            })?,
        None => 1,
    };
    let period = match period.map(|text| parse_time(text, TimeUnit::Millisecond)) {
        None => 0,
        Some(Ok(time)) if time.trailing.is_none() => time.value,
        Some(_) => {
            return Err(words.said(format!("error when processing store option '{name}'.")));
        }
    };
    let period = u32::try_from(period).unwrap_or(u32::MAX);
    layout.store(kind, elements as u16, period);
    Ok(())
}

/// What is wrong when a table stores an array together with what the array stands for.
fn exclusive(layout: &Layout) -> Option<String> {
    let has = |kind| layout.get(kind).is_some();
    let both = |array: DataType, single: &[DataType], shown: &str| {
        (has(array) && single.iter().any(|kind| has(*kind))).then(|| {
            let array = array.name();
            format!(
                "simultaneous usage of '{array}' and '{shown}' in a same table is not permitted as '{array}' overrides '{shown}'."
            )
        })
    };
    both(DataType::Gpt, &[DataType::Gpt0], "gpt0")
        .or_else(|| both(DataType::Gpc, &[DataType::Gpc0, DataType::Gpc1], "gpc[0/1]"))
        .or_else(|| {
            let rates = [DataType::Gpc0Rate, DataType::Gpc1Rate];
            both(DataType::GpcRate, &rates, "gpc[0/1]_rate")
        })
}
