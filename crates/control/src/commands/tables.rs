//! Stick tables: `show table`, `set table`, `clear table` (management manual, section 9.3).

mod filter;
mod print;

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Dump, Reply};
use engine::clock;
use engine::runtime::Runtime;
use filter::{Filter, element_of};
use std::borrow::Cow;
use std::sync::Arc;
use stick::{Class, Key, KeyKind, Listed, Removed, Table};

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    CommandRow {
        words: &["clear", "table"],
        level: Level::User,
        args: "<table> [<filter>]*",
        doc: "remove entries from a stick table (filter: data, key or ptr)",
        run: clear,
    },
    CommandRow {
        words: &["set", "table"],
        level: Level::User,
        args: "<table> key <k> [data.* <v>]*",
        doc: "make or change an entry of a stick table",
        run: set,
    },
    CommandRow {
        words: &["show", "table"],
        level: Level::User,
        args: "[<table> [<filter>]*]",
        doc: "show stick tables, or the entries of one (filter: data, key or ptr)",
        run: show,
    },
];

/// Places of entries that are looked at under one lock.
const BATCH: u32 = 64;

/// What a command does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Show,
    Set,
    Clear,
}

impl Action {
    /// What it says when its arguments are of no use.
    fn usage(self) -> &'static str {
        match self {
            Self::Show => {
                "Optional argument only supports \"data.<store_data_type>\" <operator> <value> or key <key> or ptr <ptr>"
            }
            Self::Set => {
                "Required arguments: <table> key <key> [data.<store_data_type> <value>]* or <table> ptr <ptr> [data.<store_data_type> <value>]*"
            }
            Self::Clear => {
                "Required arguments: <table> \"data.<store_data_type>\" <operator> <value> or <table> key <key> or <table> ptr <ptr>"
            }
        }
    }
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    if !args.get(0).is_empty() {
        return on_table(context, reply, args, Action::Show);
    }
    let now = clock::now_ms();
    for table in context.runtime.tables.iter().rev() {
        table.purge(now);
        print::header(table, &mut reply.text);
    }
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    on_table(context, reply, args, Action::Set);
}

fn clear(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>) {
    on_table(context, reply, args, Action::Clear);
}

fn on_table(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, action: Action) {
    let name = args.get(0);
    if name.is_empty() {
        return reply.error(action.usage());
    }
    let Some(table) = context.runtime.table_named(name) else {
        return reply.error("No such table");
    };
    if action != Action::Show && context.state.level < Level::Operator {
        return reply.error("Permission denied");
    }
    table.purge(clock::now_ms());
    match args.get(1) {
        "key" => on_key(table, reply, args, action),
        "ptr" => on_pointer(table, reply, args, action),
        word if word.starts_with("data.") && action != Action::Set => {
            match Filter::parse(table, args) {
                Ok(filters) => on_all(table, reply, action, filters),
                Err(message) => reply.error(&message),
            }
        }
        "" if action == Action::Set => {}
        "" => on_all(table, reply, action, Vec::new()),
        _ => reply.error(action.usage()),
    }
}

/// The key that a word stands for; refuses what can't be one.
fn key<'w>(table: &Table, reply: &mut Reply, word: &'w str) -> Option<Key<'w>> {
    let text = || Cow::Borrowed(word.as_bytes());
    let key = match table.config().kind {
        KeyKind::Ipv4 => word.parse().ok().map(Key::Ipv4),
        KeyKind::Ipv6 => match word.parse() {
            Ok(std::net::IpAddr::V6(ip)) => Some(Key::Ipv6(ip)),
            Ok(std::net::IpAddr::V4(ip)) => Some(Key::Ipv6(ip.to_ipv6_mapped())),
            Err(_) => None,
        },
        // As HAProxy reads it: figures as far as they go, and 32 bits of them.
        KeyKind::Integer => Some(Key::Integer(leading_number(word))),
        KeyKind::String(len) => Some(Key::string(text(), len)),
        KeyKind::Binary(_) => {
            reply.error(
                "Inserting keys into tables of type other than ip, ipv6, string and integer is not supported",
            );
            return None;
        }
    };
    if key.is_none() {
        reply.error("Invalid key");
    }
    key
}

/// The lower 32 bits of the number at the beginning of a word.
fn leading_number(word: &str) -> u32 {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    let digits = digits.bytes().take_while(u8::is_ascii_digit);
    let number = digits.fold(0u32, |number, digit| {
        number
            .wrapping_mul(10)
            .wrapping_add(u32::from(digit - b'0'))
    });
    if negative {
        number.wrapping_neg()
    } else {
        number
    }
}

fn on_key(table: &Arc<Table>, reply: &mut Reply, args: Args<'_>, action: Action) {
    match args.get(2) {
        "" => reply.error("Key value expected"),
        word => {
            if let Some(key) = key(table, reply, word) {
                on_entry(table, reply, args, action, &key);
            }
        }
    }
}

fn on_pointer(table: &Arc<Table>, reply: &mut Reply, args: Args<'_>, action: Action) {
    let digits = args.get(2).strip_prefix("0x");
    let Some(id) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else {
        return reply.error("Pointer expected (0xffff notation)");
    };
    match table.key_of(id, clock::now_ms()) {
        Some(key) => on_entry(table, reply, args, action, &key),
        None => reply.error("No entry can be found matching ptr."),
    }
}

fn on_entry(table: &Arc<Table>, reply: &mut Reply, args: Args<'_>, action: Action, key: &Key<'_>) {
    let now = clock::now_ms();
    match action {
        Action::Show => {
            let mut text = String::new();
            let found =
                table.read_listed(key, now, |listed| print::entry(table, listed, &mut text));
            if found.is_some() {
                print::header(table, &mut reply.text);
                reply.text.push_str(&text);
            }
        }
        Action::Clear => {
            if table.remove(key, now) == Removed::InUse {
                reply.error("Entry currently in use, cannot remove");
            }
        }
        Action::Set => set_entry(table, reply, args, key),
    }
}

/// Sets what the words from the fourth on say, as far as they are right.
fn set_entry(table: &Arc<Table>, reply: &mut Reply, args: Args<'_>, key: &Key<'_>) {
    let now = clock::now_ms();
    if table.update(key, now, |_| ()).is_none() {
        return reply.error("Unable to allocate a new entry");
    }
    let mut at = 3;
    while !args.get(at).is_empty() {
        let Some(name) = args.get(at).strip_prefix("data.") else {
            return reply.error("\"data.<type>\" followed by a value expected");
        };
        let Some((kind, element)) = element_of(name) else {
            return reply.error("Unknown data type");
        };
        let Some(stored) = table.config().layout.get(kind) else {
            return reply.error("Data type not stored in this table");
        };
        let word = args.get(at + 1);
        let Ok(value) = word.parse::<i64>() else {
            return reply.error("Require a valid integer value to store");
        };
        if element >= usize::from(stored.elements) {
            return reply.error("index out of range in this data array");
        }
        if kind.class() != Class::Text {
            table.update(key, now, |entry| entry.set(kind, element, value as u64));
        }
        at += 2;
    }
}

fn on_all(table: &Arc<Table>, reply: &mut Reply, action: Action, filters: Vec<Filter>) {
    if action == Action::Show {
        print::header(table, &mut reply.text);
        return reply.dump(Entries {
            table: table.clone(),
            from: Some(0),
            filters,
        });
    }
    let mut from = Some(0);
    let mut keys = Vec::new();
    let now = clock::now_ms();
    while let Some(at) = from {
        from = table.list(at, BATCH, now, |listed| {
            if filters.iter().all(|filter| filter.takes(&listed.entry)) {
                keys.push(listed.key.clone());
            }
        });
        // What is tracked stays.
        for key in keys.drain(..) {
            let _ = table.remove(&key, now);
        }
    }
}

/// The entries of a table that pass the filters.
struct Entries {
    table: Arc<Table>,
    from: Option<u64>,
    filters: Vec<Filter>,
}

impl Dump for Entries {
    fn fill(&mut self, _: &Runtime, out: &mut String) -> bool {
        let Some(at) = self.from else {
            return false;
        };
        let (table, filters) = (&self.table, &self.filters);
        self.from = table.list(at, BATCH, clock::now_ms(), |listed: &Listed<'_>| {
            if filters.iter().all(|filter| filter.takes(&listed.entry)) {
                print::entry(table, listed, out);
            }
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stick::{DataType, TableConfig};

    #[test]
    fn entries_look_as_recorded() {
        let mut config = TableConfig::new("t".into(), KeyKind::String(30));
        (config.size, config.expire) = (1024, Some(10_000));
        for kind in [
            DataType::ServerId,
            DataType::ConnRate,
            DataType::ServerKey,
            DataType::Gpc,
            DataType::GpcRate,
        ] {
            config
                .layout
                .store(kind, if kind.is_array() { 2 } else { 1 }, 5000);
        }
        let table = Arc::new(Table::new(config));
        let key = Key::string(Cow::Borrowed(b"a=b\\c\x7f\xe9 \t"), 30);
        table.update(&key, 5, |entry| {
            entry.set(DataType::ServerId, 0, -1i64 as u64)
        });
        let mut text = String::new();
        table.read_listed(&key, 15, |listed| print::entry(&table, listed, &mut text));
        let (id, rest) = text.split_once(": ").unwrap();
        assert_eq!(
            rest,
            "key=a\\=b\\\\c\\x7F\\xE9\\ \\t use=0 exp=9990 shard=0 server_id=-1 conn_rate(5000)=0 server_key=- gpc0=0 gpc1=0 gpc0_rate(5000)=0 gpc1_rate(5000)=0\n"
        );
        let id = u64::from_str_radix(id.trim_start_matches("0x"), 16).unwrap();
        assert_eq!(table.key_of(id, 15), Some(key));
        text.clear();
        print::header(&table, &mut text);
        assert_eq!(text, "# table: t, type: string, size:1024, used:1\n");
    }
}
