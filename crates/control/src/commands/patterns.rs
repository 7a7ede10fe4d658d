//! Pattern lists and maps: looking into them and changing them (management manual, section 9.3).

use crate::command::{Args, CommandRow, Context, Level};
use crate::reply::{Dump, Reply};
use engine::runtime::Runtime;
use expr::pattern::{PatternRef, VersionError};
use expr::sample::Value;
use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

/// Lists of conditions or maps of converters: one list may be both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Acl,
    Map,
}

impl Kind {
    fn fits(self, list: &PatternRef) -> bool {
        match self {
            Self::Acl => list.is_used_by_acl(),
            Self::Map => list.is_used_by_map(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Acl => "ACL",
            Self::Map => "map",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Acl => "acl",
            Self::Map => "map",
        }
    }
}

macro_rules! row {
    ($words:expr, $level:ident, $args:expr, $doc:expr, $run:ident, $kind:ident) => {
        CommandRow {
            words: &$words,
            level: Level::$level,
            args: $args,
            doc: $doc,
            run: |context, reply, args| $run(context, reply, args, Kind::$kind),
        }
    };
}

/// The rows of this family.
pub const ROWS: &[CommandRow] = &[
    row!(
        ["add", "acl"],
        Admin,
        "[@<ver>] <acl> <pattern>",
        "add a pattern to a list",
        add_acl,
        Acl
    ),
    row!(
        ["add", "map"],
        Admin,
        "[@<ver>] <map> <key> <val>",
        "add an entry to a map, or many by a payload",
        add_map,
        Map
    ),
    row!(
        ["clear", "acl"],
        Admin,
        "[@<ver>] <acl>",
        "empty a list",
        clear,
        Acl
    ),
    row!(
        ["clear", "map"],
        Admin,
        "[@<ver>] <map>",
        "empty a map",
        clear,
        Map
    ),
    row!(
        ["commit", "acl"],
        Admin,
        "@<ver> <acl>",
        "make a prepared version of a list the present one",
        commit,
        Acl
    ),
    row!(
        ["commit", "map"],
        Admin,
        "@<ver> <map>",
        "make a prepared version of a map the present one",
        commit,
        Map
    ),
    row!(
        ["del", "acl"],
        Admin,
        "<acl> [<key>|#<ref>]",
        "remove patterns from a list",
        remove,
        Acl
    ),
    row!(
        ["del", "map"],
        Admin,
        "<map> [<key>|#<ref>]",
        "remove entries from a map",
        remove,
        Map
    ),
    row!(
        ["get", "acl"],
        User,
        "<acl> <value>",
        "show what a value matches in a list",
        get,
        Acl
    ),
    row!(
        ["get", "map"],
        User,
        "<map> <value>",
        "show what a value finds in a map",
        get,
        Map
    ),
    row!(
        ["prepare", "acl"],
        Admin,
        "<acl>",
        "open a new version of a list",
        prepare,
        Acl
    ),
    row!(
        ["prepare", "map"],
        Admin,
        "<map>",
        "open a new version of a map",
        prepare,
        Map
    ),
    row!(
        ["set", "map"],
        Admin,
        "<map> [<key>|#<ref>] <value>",
        "change entries of a map",
        set,
        Map
    ),
    row!(
        ["show", "acl"],
        User,
        "[@<ver>] <acl>",
        "list all lists, or what one holds",
        show,
        Acl
    ),
    row!(
        ["show", "map"],
        User,
        "[@<ver>] [map]",
        "list all maps, or what one holds",
        show,
        Map
    ),
];

fn lists<'a>(context: &Context<'a>, kind: Kind) -> impl Iterator<Item = &'a Arc<PatternRef>> {
    let all = context.runtime.snapshot.patterns.refs().iter();
    all.filter(move |list| kind.fits(list))
}

/// The list named by its file or by `#` and its number; refuses when there is none.
fn find<'a>(
    context: &Context<'a>,
    reply: &mut Reply,
    name: &str,
    kind: Kind,
) -> Option<&'a Arc<PatternRef>> {
    let found = match name.strip_prefix('#') {
        Some(id) => {
            let id = id.parse().ok();
            lists(context, kind).find(|list| Some(list.id()) == id)
        }
        None => lists(context, kind).find(|list| list.name.as_deref() == Some(name)),
    };
    if found.is_none() || name.is_empty() {
        let what = kind.name();
        reply.error(&format!(
            "Unknown {what} identifier. Please use #<id> or <file>."
        ));
        return None;
    }
    found
}

/// A version given first as `@<ver>`, and the words behind it.
fn version(args: Args<'_>) -> (Option<u32>, Args<'_>) {
    match args
        .get(0)
        .strip_prefix('@')
        .filter(|text| !text.is_empty())
    {
        Some(text) => {
            let end = text.bytes().take_while(u8::is_ascii_digit).count();
            let number = text.get(..end).and_then(|digits| digits.parse().ok());
            (
                Some(number.unwrap_or(0)),
                Args(args.0.get(1..).unwrap_or_default()),
            )
        }
        None => (None, args),
    }
}

/// The number behind `#0x`, by which an entry is named.
fn reference(text: &str) -> Option<Option<u32>> {
    let text = text.strip_prefix('#')?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    Some(u32::from_str_radix(digits, 16).ok())
}

fn refuse(reply: &mut Reply, error: VersionError, kind: Kind) {
    match error {
        VersionError::Future => reply.error(&format!(
            "Version number in the future, please use 'prepare {}' before.",
            kind.word()
        )),
        VersionError::OutOfRange => reply.error("Version number out of range."),
        VersionError::Pattern(why) => reply.error(&format!("{why}.")),
    }
}

fn add_acl(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    let (version, args) = version(args);
    if args.get(1).is_empty() {
        return reply.error("'add acl' expects two parameters: ACL identifier and pattern.");
    }
    let Some(list) = find(context, reply, args.get(0), kind) else {
        return;
    };
    if let Err(error) = list.add(version, args.get(1).as_bytes(), None) {
        refuse(reply, error, kind);
    }
}

const ADD_MAP: &str = "'add map' expects three parameters (map identifier, key and value) or one parameter (map identifier) and a payload";

fn add_map(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    let (version, args) = version(args);
    let payload = context.payload.filter(|payload| !payload.is_empty());
    let complete = match payload {
        Some(_) => !args.get(0).is_empty() && args.get(1).is_empty(),
        None => !args.get(2).is_empty(),
    };
    if !complete {
        return reply.error(ADD_MAP);
    }
    let Some(list) = find(context, reply, args.get(0), kind) else {
        return;
    };
    let outcome = match payload {
        Some(payload) => match pairs(payload) {
            Ok(pairs) => list.add_all(version, pairs),
            Err(line) => {
                return reply.error(&format!("Missing value at line {line} of the payload."));
            }
        },
        None => list.add(
            version,
            args.get(1).as_bytes(),
            Some(args.get(2).as_bytes()),
        ),
    };
    if let Err(error) = outcome {
        refuse(reply, error, kind);
    }
}

type Pair<'p> = (&'p [u8], Option<&'p [u8]>);

/// The lines of a payload as keys and values; fails with the number of a line that has no value.
fn pairs(payload: &str) -> Result<Vec<Pair<'_>>, usize> {
    let blank = [' ', '\t'];
    let lines = payload.lines().enumerate();
    let lines = lines.map(|(at, line)| (at + 1, line.trim_matches(blank)));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(at, line)| {
            let (key, value) = line.split_once(blank).ok_or(at)?;
            let value = value.trim_start_matches(blank);
            Ok((key.as_bytes(), Some(value.as_bytes())))
        })
        .collect()
}

fn clear(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    let (version, args) = version(args);
    if args.get(0).is_empty() {
        return reply.error(&format!("Missing {} identifier.", kind.name()));
    }
    if let Some(list) = find(context, reply, args.get(0), kind) {
        list.clear(version);
    }
}

fn commit(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    let (version, args) = version(args);
    let Some(version) = version else {
        return reply.error("Missing version number.");
    };
    if args.get(0).is_empty() {
        return reply.error(&format!("Missing {} identifier.", kind.name()));
    }
    let Some(list) = find(context, reply, args.get(0), kind) else {
        return;
    };
    let outcome = match list.versions() {
        (current, _) if current == version => Err(VersionError::OutOfRange),
        _ => list.commit(version),
    };
    if let Err(error) = outcome {
        refuse(reply, error, kind);
    }
}

fn prepare(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    if let Some(list) = find(context, reply, args.get(0), kind) {
        let version = list.prepare();
        reply.info(&format!("New version created: {version}"));
    }
}

fn remove(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    if args.get(1).is_empty() {
        let what = kind.name();
        return reply.error(&format!(
            "This command expects two parameters: {what} identifier and key."
        ));
    }
    let Some(list) = find(context, reply, args.get(0), kind) else {
        return;
    };
    let found = match reference(args.get(1)) {
        Some(id) => id.is_some_and(|id| list.remove(id)),
        None => list.remove_key(args.get(1).as_bytes()) > 0,
    };
    if !found {
        reply.error("Key not found.");
    }
}

fn set(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    if args.get(2).is_empty() {
        return reply.error("'set map' expects three parameters: map identifier, key and value.");
    }
    let Some(list) = find(context, reply, args.get(0), kind) else {
        return;
    };
    let value = args.get(2).as_bytes();
    let outcome = match reference(args.get(1)) {
        Some(None) => Ok(Err("Malformed identifier. Please use #<id> or <file>.")),
        Some(Some(id)) => list
            .set(id, value)
            .map(|found| found.then_some(()).ok_or("key or pattern not found.")),
        None => list
            .set_key(args.get(1).as_bytes(), value)
            .map(|found| (found > 0).then_some(()).ok_or("entry not found.")),
    };
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(missing)) => reply.error(missing),
        Err(why) => reply.error(&format!("{why}.")),
    }
}

fn get(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    if args.get(1).is_empty() {
        return reply.error(&format!("Missing {} identifier and/or key.", kind.name()));
    }
    let Some(list) = find(context, reply, args.get(0), kind) else {
        return;
    };
    let value = Value::Str(Cow::Borrowed(args.get(1).as_bytes()));
    for found in list.read(|set| set.look_up_all(&value)) {
        let case = if found.ignore_case {
            "insensitive"
        } else {
            "sensitive"
        };
        let (yes, key) = match kind {
            Kind::Acl => ("match", "pattern"),
            Kind::Map => ("found", "key"),
        };
        let out = &mut reply.text;
        let _ = write!(out, "type={}, case={case}", found.method.name());
        let Some(text) = &found.key else {
            let _ = writeln!(out, ", {yes}=no");
            continue;
        };
        let index = if found.by_tree { "tree" } else { "list" };
        let text = String::from_utf8_lossy(text);
        let _ = write!(out, ", {yes}=yes, idx={index}, {key}=\"{text}\"");
        if let Some(value) = found.value.as_deref().filter(|_| kind == Kind::Map) {
            let value = String::from_utf8_lossy(value);
            let _ = write!(out, ", value=\"{value}\", type=\"str\"");
        }
        out.push('\n');
    }
}

fn show(context: &mut Context<'_>, reply: &mut Reply, args: Args<'_>, kind: Kind) {
    let (version, args) = version(args);
    if args.get(0).is_empty() && version.is_none() {
        reply.plain(format_args!("# id (file) description\n"));
        for list in lists(context, kind) {
            let (current, next) = list.versions();
            reply.plain(format_args!(
                "{} ({}) {}. curr_ver={current} next_ver={next} entry_cnt={}\n",
                list.id(),
                list.name.as_deref().unwrap_or_default(),
                list.description(),
                list.entry_count(),
            ));
        }
        return;
    }
    if let Some(list) = find(context, reply, args.get(0), kind) {
        reply.dump(Entries {
            list: list.clone(),
            version,
            next: 0,
        });
    }
}

/// The entries of a list, some at a time.
struct Entries {
    list: Arc<PatternRef>,
    version: Option<u32>,
    /// The number of the next entry.
    next: u32,
}

/// How many entries are written at a time: a list is not held against changes while its reader is slow.
const AT_ONCE: usize = 200;

impl Dump for Entries {
    fn fill(&mut self, _: &Runtime, out: &mut String) -> bool {
        let from = self.next;
        let last = self.list.read_version(self.version, |set| {
            let entries = set.numbered().skip_while(|(id, _)| *id < from);
            let mut last = None;
            for (id, entry) in entries.take(AT_ONCE) {
                let key = String::from_utf8_lossy(entry.key);
                let _ = write!(out, "{id:#010x} {key}");
                if let Some(value) = entry.value {
                    let _ = write!(out, " {}", String::from_utf8_lossy(value));
                }
                out.push('\n');
                last = Some(id);
            }
            last
        });
        let Some(last) = last else {
            return false;
        };
        self.next = last.saturating_add(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_far_as_they_are_numbers() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let of = |text: &str| {
            let words = words(text);
            let (version, rest) = version(Args(&words));
            (version, rest.get(0).to_owned())
        };
        assert_eq!(of("@12 a"), (Some(12), "a".into()));
        assert_eq!(of("@x a"), (Some(0), "a".into()));
        assert_eq!(of("@ a"), (None, "@".into()));
        assert_eq!(of("a b"), (None, "a".into()));
    }

    #[test]
    fn payloads_are_lines_of_key_and_value() {
        let found = pairs("a b\n\n  c \t d e \n").expect("pairs");
        assert_eq!(found, [(&b"a"[..], Some(&b"b"[..])), (b"c", Some(b"d e"))]);
        assert_eq!(pairs("a b\nlone\n"), Err(2));
    }

    #[test]
    fn entries_are_named_in_hexadecimal() {
        assert_eq!(reference("#0x1f"), Some(Some(31)));
        assert_eq!(reference("#zz"), Some(None));
        assert_eq!(reference("key"), None);
    }
}
