//! What a member tells, applied to the tables. An update that can't be understood as a whole changes nothing.

use super::section::{MemberState, Section, Shared};
use super::teach::{OWN_FIGURES, key_kind};
use stick::{DataType, Key, Layout};
use wire::peers::{
    Definition, Fault, Form, KeyForm, TypeDefinition, UpdateReader, Value, write_ack,
};

/// The longest text that is taken.
const LONGEST_TEXT: usize = 1024;

/// What one connection has heard from its member.
#[derive(Debug)]
pub struct Learner {
    /// What is known of the tables of the section, by their places.
    tables: Vec<Option<Heard>>,
    /// The table that updates are for; `None` for one that is not shared.
    current: Option<usize>,
    changes: Vec<Change>,
}

/// A table as the member has defined it.
#[derive(Debug)]
struct Heard {
    id: u64,
    form: KeyForm,
    key_len: u64,
    types: Vec<TypeDefinition>,
    expires: bool,
    /// Whether its figures are the member's own, to be added up.
    adds_up: bool,
    /// The last update that came, and the last that was acknowledged.
    number: u32,
    acknowledged: Option<u32>,
}

/// A value to be set.
#[derive(Debug, Clone)]
enum Change {
    Number(DataType, usize, u64),
    Rate(DataType, usize, (u32, u32, u32)),
    Text(DataType, Option<std::sync::Arc<str>>),
}

impl Learner {
    /// A connection's learner.
    #[must_use]
    pub fn new(section: &Section) -> Self {
        Self {
            tables: section.tables.iter().map(|_| None).collect(),
            current: None,
            changes: Vec::new(),
        }
    }

    /// Takes a definition. Updates of a table that is not shared, or has other keys or data, are skipped.
    ///
    /// # Errors
    /// When its keys are of no known type.
    pub fn define(
        &mut self,
        section: &Section,
        member: &mut MemberState,
        definition: &Definition<'_>,
    ) -> Result<(), Fault> {
        self.current = None;
        let form = definition.key_form()?;
        let named = |shared: &Shared| shared.name.as_bytes() == definition.name;
        let Some(at) = section.tables.iter().position(named) else {
            return Ok(());
        };
        let Some(shared) = section.tables.get(at) else {
            return Ok(());
        };
        let config = shared.table.config();
        let fits = key_kind(config.kind) == (definition.key_type, definition.key_len)
            && agrees(&config.layout, &definition.types);
        if !fits {
            return Ok(());
        }
        let Some(place) = self.tables.get_mut(at) else {
            return Ok(());
        };
        if let Some(state) = member.tables.get_mut(at) {
            state.remote_id = definition.id;
            state.remote_data = definition
                .types
                .iter()
                .fold(0, |bits, kind| bits | 1 << kind.bit);
        }
        let (number, acknowledged) = place
            .as_ref()
            .map_or((0, None), |heard| (heard.number, heard.acknowledged));
        *place = Some(Heard {
            id: definition.id,
            form,
            key_len: definition.key_len,
            types: definition.types.clone(),
            expires: definition.expire > 0,
            adds_up: config.aggregate && definition.extension == OWN_FIGURES,
            number,
            acknowledged,
        });
        self.current = Some(at);
        Ok(())
    }

    /// Updates are for the table defined under this number from now on.
    pub fn switch(&mut self, id: u64) {
        let same = |heard: &Option<Heard>| heard.as_ref().is_some_and(|heard| heard.id == id);
        self.current = self.tables.iter().position(same);
    }

    /// Takes an update, from a `process` that is another one than this.
    ///
    /// # Errors
    /// When it is malformed; nothing has been changed then.
    pub fn update(
        &mut self,
        section: &Section,
        member: &mut MemberState,
        (number, expires_in): (Option<u32>, Option<u32>),
        body: &[u8],
        (process, now): (Option<&str>, u64),
    ) -> Result<(), Fault> {
        let Some((at, heard)) = self
            .current
            .and_then(|at| Some((at, self.tables.get_mut(at)?.as_mut()?)))
        else {
            return Ok(());
        };
        let Some(shared) = section.tables.get(at) else {
            return Ok(());
        };
        let definition = Definition {
            id: heard.id,
            name: b"",
            key_type: 0,
            key_len: heard.key_len,
            types: Vec::new(),
            expire: 0,
            extension: b"",
        };
        let update = UpdateReader::new(&definition, heard.form, body)?;
        let key = Key::received(shared.table.config().kind, update.key).ok_or(Fault::Malformed)?;
        self.changes.clear();
        let mut values = update.values(&heard.types);
        while let Some((kind, element, value)) = values.take()? {
            let Some(data) = DataType::ALL.get(usize::from(kind.bit)).copied() else {
                continue;
            };
            let element = usize::from(element);
            self.changes.push(match value {
                Value::Integer(value) => Change::Number(data, element, value),
                Value::Rate {
                    age,
                    current,
                    previous,
                } => Change::Rate(data, element, (age, current, previous)),
                Value::Text(field) => {
                    let text = member.learned.resolve(field)?;
                    if text.as_ref().is_some_and(|text| text.len() > LONGEST_TEXT) {
                        return Err(Fault::TooLong);
                    }
                    Change::Text(data, text)
                }
            });
        }
        heard.number = number.unwrap_or(heard.number.wrapping_add(1));
        if let Some(state) = member.tables.get_mut(at) {
            state.last_get = heard.number;
        }
        let left = expires_in.filter(|_| heard.expires);
        let process = heard.adds_up.then_some(process).flatten();
        apply(shared, &key, left, &self.changes, (process, now));
        Ok(())
    }

    /// Writes what is to be acknowledged.
    pub fn acknowledge(&mut self, out: &mut Vec<u8>) {
        for heard in self.tables.iter_mut().flatten() {
            if heard.number != 0 && heard.acknowledged != Some(heard.number) {
                heard.acknowledged = Some(heard.number);
                write_ack(out, heard.id, heard.number);
            }
        }
    }
}

/// Whether rates that both have are of the same period; figures of another one would mean something else.
fn agrees(layout: &Layout, types: &[TypeDefinition]) -> bool {
    types.iter().all(|kind| {
        let own = DataType::ALL
            .get(usize::from(kind.bit))
            .and_then(|data| layout.get(*data));
        own.is_none_or(|own| kind.form() != Form::Rate || own.period == kind.period)
    })
}

fn apply(
    shared: &Shared,
    key: &Key<'_>,
    left: Option<u32>,
    changes: &[Change],
    (process, now): (Option<&str>, u64),
) {
    let table = &shared.table;
    match process.and_then(|process| table.part_of(process)) {
        Some(part) => {
            change(&part, key, left, changes, now, DataType::adds_up);
            let layout = table.config().layout.stored();
            if layout.iter().any(|stored| !stored.kind.adds_up()) {
                change(table, key, left, changes, now, |data| !data.adds_up());
            }
        }
        None => {
            let recv_only = table.config().recv_only;
            let taken = |data: DataType| data != DataType::ConnCur || recv_only;
            change(table, key, left, changes, now, taken);
        }
    }
    if let Some(also) = &shared.also {
        // Sums of two processes must not end up in one figure.
        let taken = |data: DataType| {
            matches!(
                data,
                DataType::ServerId | DataType::ServerKey | DataType::Gpt | DataType::Gpt0
            )
        };
        change(also, key, left, changes, now, taken);
    }
}

fn change(
    table: &stick::Table,
    key: &Key<'_>,
    left: Option<u32>,
    changes: &[Change],
    now: u64,
    taken: impl Fn(DataType) -> bool,
) {
    // Texts have a lock of their own, which is not taken under that of an entry.
    let number = |text: &Option<std::sync::Arc<str>>| match text {
        Some(text) => table.text_number(text),
        None => 0,
    };
    let texts = changes.iter().find_map(|change| match change {
        Change::Text(data, text) if table.config().layout.get(*data).is_some() => {
            Some((*data, number(text)))
        }
        _ => None,
    });
    table.learn(key, now, left, |entry| {
        for change in changes {
            match change {
                Change::Number(data, element, value) if taken(*data) => {
                    entry.set(*data, *element, *value);
                }
                Change::Rate(data, element, rate) if taken(*data) => {
                    entry.set_rate(*data, *element, *rate);
                }
                _ => {}
            }
        }
        if let Some((data, number)) = texts.filter(|(data, _)| taken(*data)) {
            entry.set(data, 0, number.into());
        }
    });
}
