//! What a member is told: changes as they come, and everything when it asks for that.

use super::section::{MemberState, Section, Shared};
use std::collections::VecDeque;
use stick::{Class, Cursor, DataType, Key, KeyKind, Listed, Stored, Table};
use wire::peers::{Definition, Frame, KeyForm, Sent, TypeDefinition, Writer, write_control};

/// What a definition ends with when its updates are figures of the sender alone, to be added up. Others skip it.
pub(super) const OWN_FIGURES: &[u8] = b"hapax:aggregate";
/// How many marks of what is under way are kept for each table.
const MARKS: usize = 256;

/// What one connection tells its member.
#[derive(Debug)]
pub struct Teacher {
    tables: Vec<Told>,
    /// The table that the last definition was of.
    current: Option<usize>,
    /// The table to begin with.
    next: usize,
    lesson: Option<Lesson>,
    writer: Writer,
    key: Vec<u8>,
    /// Which part of the entries the member gets; 0 for all.
    share: u32,
    /// How many updates are written at once.
    most: usize,
}

/// What a table's readers have been told over this connection.
#[derive(Debug, Default)]
struct Told {
    cursor: Cursor,
    /// The number of the last update.
    number: u32,
    /// Numbers of updates, and how far the table had been read by then.
    marks: VecDeque<(u32, Cursor)>,
}

/// Everything is being told.
#[derive(Debug, Default)]
struct Lesson {
    table: usize,
    shard: usize,
    /// The slots of the shard that are still to come, the next one last.
    slots: Option<Vec<u32>>,
}

impl Teacher {
    /// A connection's teacher, which begins with what the member has not acknowledged.
    #[must_use]
    pub fn new(member: &MemberState, share: u32, most: usize) -> Self {
        let told = |table: &super::TableState| Told {
            cursor: table.cursor.clone(),
            ..Told::default()
        };
        Self {
            tables: member.tables.iter().map(told).collect(),
            current: None,
            next: 0,
            lesson: None,
            writer: Writer::default(),
            key: Vec::new(),
            share,
            most: most.max(1),
        }
    }

    /// Begins to tell everything.
    pub fn begin_lesson(&mut self) {
        self.lesson = Some(Lesson::default());
    }

    /// Whether something is to be told now.
    #[must_use]
    pub fn has_work(&self, section: &Section) -> bool {
        let mut tables = section.tables.iter().zip(&self.tables);
        self.lesson.is_some() || tables.any(|(shared, told)| shared.table.has_updates(&told.cursor))
    }

    /// Writes the next messages. `finished` is what the end of the lesson is said with.
    pub fn fill(
        &mut self,
        section: &Section,
        member: &mut MemberState,
        now: u64,
        finished: &Frame<'_>,
        out: &mut Vec<u8>,
    ) {
        self.tell_changes(section, member, now, out);
        if self.lesson.is_some() {
            self.go_on(section, member, now, finished, out);
        }
        for (told, state) in self.tables.iter().zip(&mut member.tables) {
            state.last_pushed = told.number;
        }
    }

    /// The member has what came up to this update.
    pub fn acknowledged(&mut self, member: &mut MemberState, table: u64, update: u32) {
        let at = usize::try_from(table).ok().and_then(|id| id.checked_sub(1));
        let Some((told, state)) =
            at.and_then(|at| Some((self.tables.get_mut(at)?, member.tables.get_mut(at)?)))
        else {
            return;
        };
        state.last_acked = update;
        while let Some((number, _)) = told.marks.front()
            && update.wrapping_sub(*number) < 1 << 31
        {
            if let Some((_, cursor)) = told.marks.pop_front() {
                state.cursor = cursor;
            }
        }
    }

    fn tell_changes(
        &mut self,
        section: &Section,
        member: &mut MemberState,
        now: u64,
        out: &mut Vec<u8>,
    ) {
        let count = section.tables.len();
        let mut left = self.most;
        for turn in 0..count {
            let at = (self.next + turn) % count;
            let Some(shared) = section.tables.get(at) else {
                continue;
            };
            let Some(mut cursor) = self.tables.get(at).map(|told| told.cursor.clone()) else {
                continue;
            };
            let table = &shared.table;
            let found = table.updates(&mut cursor, left, now, |listed| {
                self.tell(at, shared, listed, None, &mut member.sent, out);
            });
            if let Some(told) = self.tables.get_mut(at) {
                told.note(cursor);
            }
            left = left.saturating_sub(found);
            if left == 0 {
                self.next = at;
                return;
            }
        }
        self.next = 0;
    }

    /// Goes on with the lesson.
    fn go_on(
        &mut self,
        section: &Section,
        member: &mut MemberState,
        now: u64,
        finished: &Frame<'_>,
        out: &mut Vec<u8>,
    ) {
        let Some(mut lesson) = self.lesson.take() else {
            return;
        };
        let mut left = self.most;
        while left > 0 {
            let Some(shared) = section.tables.get(lesson.table) else {
                write_control(out, finished);
                return;
            };
            let table = &shared.table;
            if lesson.shard >= table.shard_count() {
                lesson = Lesson {
                    table: lesson.table + 1,
                    ..Lesson::default()
                };
                continue;
            }
            let slots = lesson.slots.get_or_insert_with(|| {
                let mut slots = table.order(lesson.shard, now);
                slots.reverse();
                slots
            });
            let mut batch = slots.split_off(slots.len().saturating_sub(left));
            batch.reverse();
            left -= batch.len();
            if slots.is_empty() {
                lesson.slots = None;
            }
            let (at, shard) = (lesson.table, lesson.shard);
            table.read_slots(shard, &batch, now, |listed| {
                let left = match table.config().expire {
                    Some(_) => listed.entry.expires_in(),
                    None => 0,
                };
                self.tell(at, shared, listed, Some(left), &mut member.sent, out);
            });
            if lesson.slots.is_none() {
                lesson.shard += 1;
            }
        }
        self.lesson = Some(lesson);
    }

    /// Writes an entry, and which table it belongs to.
    fn tell(
        &mut self,
        at: usize,
        shared: &Shared,
        listed: &Listed<'_>,
        expires_in: Option<u32>,
        sent: &mut Sent,
        out: &mut Vec<u8>,
    ) {
        let table = &shared.table;
        if self.share != 0 && table.share_of(&listed.key) != self.share {
            return;
        }
        let Some(told) = self.tables.get_mut(at) else {
            return;
        };
        let defined = self.current.replace(at) == Some(at);
        if !defined {
            self.writer.define(out, &definition(shared, at as u64 + 1));
        }
        told.number = told.number.wrapping_add(1);
        let number = told.number;
        self.writer.begin((!defined).then_some(number), expires_in);
        self.key.clear();
        listed.key.write(&mut self.key);
        self.writer.key(key_form(&listed.key), &self.key);
        for stored in table.config().layout.stored() {
            write_data(&mut self.writer, table, listed, stored, sent);
        }
        self.writer.finish(out);
    }
}

impl Told {
    /// Notes how far the table has been read with the updates written so far.
    fn note(&mut self, cursor: Cursor) {
        if cursor == self.cursor {
            return;
        }
        self.cursor = cursor.clone();
        if self.marks.len() >= MARKS || self.marks.back().is_some_and(|(n, _)| *n == self.number) {
            self.marks.pop_back();
        }
        self.marks.push_back((self.number, cursor));
    }
}

fn key_form(key: &Key<'_>) -> KeyForm {
    match key {
        Key::String(_) => KeyForm::String,
        Key::Integer(_) => KeyForm::Integer,
        // Their length is in the definition.
        _ => KeyForm::Fixed(0),
    }
}

/// The number and the length of a kind of keys in definitions.
pub(super) fn key_kind(kind: KeyKind) -> (u64, u64) {
    match kind {
        KeyKind::Integer => (2, 4),
        KeyKind::Ipv4 => (4, 4),
        KeyKind::Ipv6 => (5, 16),
        KeyKind::String(len) => (6, len as u64 + 1),
        KeyKind::Binary(len) => (7, len as u64),
    }
}

/// The definition of a table under a number.
fn definition(shared: &Shared, id: u64) -> Definition<'_> {
    let config = shared.table.config();
    let (key_type, key_len) = key_kind(config.kind);
    let kind = |stored: &Stored| TypeDefinition {
        bit: stored.kind as u8,
        elements: stored.elements,
        period: stored.period,
    };
    Definition {
        id,
        name: shared.name.as_bytes(),
        key_type,
        key_len,
        types: config.layout.stored().iter().map(kind).collect(),
        expire: config.expire.unwrap_or(0).into(),
        extension: match config.aggregate {
            true => OWN_FIGURES,
            false => b"",
        },
    }
}

fn write_data(
    writer: &mut Writer,
    table: &Table,
    listed: &Listed<'_>,
    stored: &Stored,
    sent: &mut Sent,
) {
    for element in 0..usize::from(stored.elements) {
        let number = |kind: DataType| listed.entry.own(kind, element).unwrap_or(0);
        match stored.kind.class() {
            Class::Rate => {
                let rate = listed.entry.rate(stored.kind, element);
                let (age, current, previous) = rate.unwrap_or_default();
                writer.rate(age, current, previous);
            }
            Class::Text => match table.text(number(stored.kind)) {
                Some(text) => {
                    let (place, known) = sent.number(&text);
                    writer.text(Some(&text), place, known);
                }
                None => writer.text(None, 0, false),
            },
            Class::Signed | Class::Word | Class::Long => writer.integer(number(stored.kind)),
        }
    }
}
