//! Stick counters: `track-sc*`, `sc-inc-gpc*`, `sc-add-gpc`, `sc-set-gpt*`.

use super::{ActionRow, Parse};
use crate::parse::Parsed;
use crate::rules::{Action, Families, Flow, Names, RuleCursor, Stream};
use expr::entries::{Gpc, stored_as};
use expr::{Expr, Type, Value};
use std::sync::{Arc, OnceLock};
use stick::DataType;

const TRACKING: Families = Families::TCP_REQUEST.and(Families::MESSAGES);

const fn row(name: &'static str, doc: &'static str, parse: Parse) -> ActionRow {
    ActionRow::new(name, Families::ALL, doc, parse).with_suffix()
}

/// The rows of this family.
pub const ROWS: &[ActionRow] = &[
    ActionRow::new(
        TRACK,
        TRACKING,
        "Tracks the entry of a key with a counter.",
        parse_track,
    )
    .with_suffix(),
    row(
        "sc-add-gpc",
        "Adds to a general purpose counter.",
        parse_add,
    ),
    row(
        "sc-inc-gpc",
        "Counts one in a general purpose counter.",
        parse_increment,
    ),
    row(
        "sc-inc-gpc0",
        "Counts one in the first general purpose counter.",
        |cursor| parse_increment_of(cursor, Gpc::FIRST),
    ),
    row(
        "sc-inc-gpc1",
        "Counts one in the second general purpose counter.",
        |cursor| parse_increment_of(cursor, Gpc::SECOND),
    ),
    row("sc-set-gpt", "Sets a general purpose tag.", parse_set),
    row(
        "sc-set-gpt0",
        "Sets the first general purpose tag.",
        parse_set_first,
    ),
];

/// How the actions begin that track; the number of the counter follows.
pub const TRACK: &str = "track-sc";

#[derive(Debug)]
struct Track {
    counter: usize,
    key: Arc<Expr>,
    /// The table as named.
    name: Arc<str>,
    table: OnceLock<u32>,
}

impl Action for Track {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let Some(&at) = self.table.get() else {
            return Flow::Continue;
        };
        if stream.tracked(self.counter).is_some() {
            return Flow::Continue;
        }
        let now = stream.process().uptime_ms();
        let entry = {
            let view = stream.view();
            let Some(table) = view.process().table(at) else {
                return Flow::Continue;
            };
            let value = self.key.eval(view).value();
            let key = value.and_then(|value| expr::stick::key(value, table.config().kind));
            key.and_then(|key| table.track(&key, now))
        };
        if let Some(entry) = entry {
            entry.begin_connection(now);
            stream.track(self.counter, entry);
        }
        Flow::Continue
    }

    fn tracked_key(&self) -> Option<&Expr> {
        Some(&self.key)
    }

    fn resolve(&self, names: &Names<'_>) -> Result<(), String> {
        let (name, counter) = (&self.name, self.counter);
        let Some((at, kind)) = names.table(name) else {
            return Err(format!(
                "unable to find table '{name}' referenced by track-sc{counter}."
            ));
        };
        if !expr::stick::accepts(self.key.output(), kind) {
            return Err(format!(
                "stick-table '{name}' uses a type incompatible with the 'track-sc{counter}' rule."
            ));
        }
        let _ = self.table.set(at);
        Ok(())
    }
}

fn parse_track(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let action = cursor.action();
    let digits = action.strip_prefix(TRACK).unwrap_or_default();
    let prefix = match cursor.family().is_http() {
        true => String::new(),
        false => format!("'{}' : ", cursor.path()),
    };
    let counter = match digits {
        "" => 0,
        _ if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse::<usize>().unwrap_or(usize::MAX)
        }
        _ => {
            return Err(cursor.fault_before(format!("{prefix}Wrong track-sc number '{digits}'")));
        }
    };
    let counters = cursor.parser.global.stick_counters;
    if counter >= counters {
        let most = counters as i64 - 1;
        return Err(cursor.fault_before(format!(
            "{prefix}{digits} track-sc number exceeding {most} (tune.stick-counters-1) value"
        )));
    }
    if cursor.at_end() {
        return Err(cursor.fault(format!("{prefix}missing fetch method")));
    }
    let key = cursor.expression(None).map_err(|mut fault| {
        fault.message = format!("{prefix}{}", fault.message);
        fault
    })?;
    let name = match cursor.take_if("table") {
        true if cursor.family().is_http() => cursor.expect("missing table name")?.into(),
        true => cursor.take().into(),
        false => cursor.proxy()?.name.clone(),
    };
    Ok(Box::new(Track {
        counter,
        key,
        name,
        table: OnceLock::new(),
    }))
}

/// Which counter's entry, and which of its numbers.
#[derive(Debug)]
struct Target {
    counter: usize,
    element: usize,
}

#[derive(Debug)]
enum Amount {
    Fixed(u32),
    Expr(Arc<Expr>),
}

impl Amount {
    /// The number, kept within 32 bits as a whole.
    fn get(&self, stream: &dyn Stream) -> Option<u32> {
        match self {
            Self::Fixed(amount) => Some(*amount),
            Self::Expr(expr) => match expr.eval_as(Type::Int, stream.view()).value()? {
                Value::Int(value) => Some(value as u32),
                _ => None,
            },
        }
    }
}

#[derive(Debug)]
struct AddGpc {
    counter: usize,
    gpc: Gpc,
    amount: Amount,
}

impl Action for AddGpc {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let now = stream.process().uptime_ms();
        if let Some(amount) = self.amount.get(stream)
            && let Some(tracked) = stream.tracked(self.counter)
        {
            let layout = &tracked.table().config().layout;
            tracked.update(now, |entry| self.gpc.add(entry, layout, amount.into()));
        }
        Flow::Continue
    }
}

#[derive(Debug)]
struct SetGpt {
    target: Target,
    kind: DataType,
    value: Amount,
}

impl Action for SetGpt {
    fn run(&self, stream: &mut dyn Stream) -> Flow {
        let now = stream.process().uptime_ms();
        if let Some(value) = self.value.get(stream)
            && let Some(tracked) = stream.tracked(self.target.counter)
        {
            let layout = &tracked.table().config().layout;
            let (kind, element) = stored_as(layout, self.kind, self.target.element);
            tracked.update(now, |entry| entry.set(kind, element, value.into()));
        }
        Flow::Continue
    }
}

/// A number and the text behind it.
fn leading(text: &str) -> (Option<usize>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    (number.parse().ok(), rest)
}

/// `name(<element>,<counter>)`; `what` is the kind of number as messages name it.
fn array_target(cursor: &mut RuleCursor<'_, '_, '_>, name: &str, what: &str) -> Parsed<Target> {
    let action = cursor.action();
    let most = cursor.parser.global.stick_counters as i64 - 1;
    let upper = what.to_ascii_uppercase();
    let form = format!("Expects {name}(<{upper} ID>,<Track ID>)");
    let Some(inside) = action
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('('))
    else {
        return Err(cursor.fault_before(format!("invalid {what} ID '{action}'. {form}")));
    };
    let (element, rest) = leading(inside);
    let Some((element, rest)) = element.zip(rest.strip_prefix(',')) else {
        return Err(cursor.fault_before(format!("Missing {what} ID '{action}'. {form}")));
    };
    let (counter, rest) = leading(rest);
    let Some(counter) = counter.filter(|_| rest == ")") else {
        let message = format!("invalid stick table track ID '{action}'. {form}");
        return Err(cursor.fault_before(message));
    };
    if counter as i64 > most {
        let message = format!(
            "invalid stick table track ID '{action}'. The max allowed ID is {most} (tune.stick-counters)"
        );
        return Err(cursor.fault_before(message));
    }
    Ok(Target { counter, element })
}

/// `name(<counter>)`, the first counter when nothing stands there.
fn counter(cursor: &mut RuleCursor<'_, '_, '_>, shown: &str, end: &str) -> Parsed<usize> {
    let action = cursor.action();
    let most = cursor.parser.global.stick_counters as i64 - 1;
    let inside = match action.split_once('(') {
        None => return Ok(0),
        Some((_, rest)) => rest,
    };
    let (counter, rest) = leading(inside);
    if rest != ")" {
        let message = format!("invalid stick table track ID{shown}. Expects {action}(<Track ID>)");
        return Err(cursor.fault_before(message));
    }
    let counter = counter.unwrap_or(0);
    if counter as i64 > most {
        let message =
            format!("invalid stick table track ID{shown}. The max allowed ID is {most}{end}");
        return Err(cursor.fault_before(message));
    }
    Ok(counter)
}

fn parse_increment_of(cursor: &mut RuleCursor<'_, '_, '_>, gpc: Gpc) -> Parsed<Box<dyn Action>> {
    let counter = counter(cursor, "", " (tune.stick-counters)")?;
    Ok(Box::new(AddGpc {
        counter,
        gpc,
        amount: Amount::Fixed(1),
    }))
}

fn parse_increment(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let target = array_target(cursor, "sc-inc-gpc", "gpc")?;
    Ok(Box::new(AddGpc {
        counter: target.counter,
        gpc: Gpc::of_array(target.element),
        amount: Amount::Fixed(1),
    }))
}

fn parse_add(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let target = array_target(cursor, "sc-add-gpc", "gpc")?;
    let amount = amount(cursor)?;
    Ok(Box::new(AddGpc {
        counter: target.counter,
        gpc: Gpc::of_array(target.element),
        amount,
    }))
}

fn parse_set(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let target = array_target(cursor, "sc-set-gpt", "gpt")?;
    let value = amount(cursor)?;
    Ok(Box::new(SetGpt {
        target,
        kind: DataType::Gpt,
        value,
    }))
}

fn parse_set_first(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Box<dyn Action>> {
    let shown = format!(" '{}'", cursor.action());
    let target = Target {
        counter: counter(cursor, &shown, "")?,
        element: 0,
    };
    let value = amount(cursor)?;
    Ok(Box::new(SetGpt {
        target,
        kind: DataType::Gpt0,
        value,
    }))
}

/// A number as it stands, or an expression; 0 when nothing is given.
fn amount(cursor: &mut RuleCursor<'_, '_, '_>) -> Parsed<Amount> {
    if cursor.at_end() {
        return Ok(Amount::Fixed(0));
    }
    match cursor.peek().parse::<i64>() {
        Ok(number) => {
            cursor.take();
            Ok(Amount::Fixed(number as u32))
        }
        Err(_) => Ok(Amount::Expr(cursor.expression(None)?)),
    }
}
