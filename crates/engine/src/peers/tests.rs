//! Two members without sockets: what one writes the other reads.

use super::learn::Learner;
use super::section::{MemberState, Section};
use super::teach::Teacher;
use model::peers::Peers;
use model::{Address, Caps, Proxy, Server, ServerDraft};
use proptest::prelude::*;
use std::sync::Arc;
use stick::{DataType, Key, KeyKind, Table, TableConfig};
use wire::peers::{Fault, Frame, next_frame};

const NOW: u64 = 1_000_000;
const LONGEST: usize = 16_384;

fn server(at: u32, name: &str) -> Arc<Server> {
    Arc::new(Server {
        idx: base::ServerIdx(at),
        name: name.into(),
        id: at + 1,
        id_given: false,
        guid: None,
        origin: ("t.cfg".into(), 1),
        address: Address::Inet(([127, 0, 0, 1], 1).into()),
        datagram: false,
        mapped_port: false,
        host: None,
        service: None,
        unresolved: false,
        settings: ServerDraft::default(),
        tls: None,
    })
}

/// A section with these tables, as process `a` or `b` has it.
fn section(configs: &[TableConfig], local: usize) -> Section {
    let mut proxy = Proxy::new("p".into(), Caps::LISTEN, ("t.cfg".into(), 1));
    proxy.back.servers = vec![server(0, "a"), server(1, "b")];
    let tables: Vec<_> = configs
        .iter()
        .map(|c| Arc::new(Table::new(c.clone())))
        .collect();
    let names = (0..).zip(configs.iter().map(|config| config.name.clone()));
    let peers = Peers {
        name: "p".into(),
        proxy: Arc::new(proxy),
        local,
        shards: 0,
        tables: names.collect(),
    };
    Section::new(Arc::new(peers), &tables, 1, false)
}

fn config(name: &str, kind: KeyKind, stored: &[DataType]) -> TableConfig {
    let mut config = TableConfig::new(name.into(), kind);
    (config.size, config.expire) = (200, Some(60_000));
    config.peers = Some("p".into());
    for kind in stored {
        let elements = if kind.is_array() { 3 } else { 1 };
        config.layout.store(*kind, elements, 10_000);
    }
    config
}

/// One side of a connection.
struct End {
    section: Section,
    state: MemberState,
    teacher: Teacher,
    learner: Learner,
}

impl End {
    fn new(section: Section, other: usize) -> Self {
        let state = std::mem::take(&mut *section.members[other].state.lock());
        let teacher = Teacher::new(&state, 0, 7);
        let learner = Learner::new(&section);
        Self {
            section,
            state,
            teacher,
            learner,
        }
    }

    fn reconnect(&mut self) {
        self.teacher = Teacher::new(&self.state, 0, 7);
        self.learner = Learner::new(&self.section);
        (self.state.sent, self.state.learned) = Default::default();
    }

    /// Everything that it has to say.
    fn speak(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.learner.acknowledge(&mut out);
        while self.teacher.has_work(&self.section) {
            let finished = Frame::ResyncFinished;
            self.teacher
                .fill(&self.section, &mut self.state, NOW, &finished, &mut out);
        }
        out
    }

    /// Takes messages, from process `b` in any case; says whether teaching is over.
    fn hear(&mut self, mut bytes: &[u8]) -> Result<bool, Fault> {
        let mut over = false;
        while let Some((frame, len)) = next_frame(bytes, LONGEST)? {
            let (section, state) = (&self.section, &mut self.state);
            match frame {
                Frame::Define(definition) => self.learner.define(section, state, &definition)?,
                Frame::Switch(id) => self.learner.switch(id),
                Frame::Update {
                    number,
                    expires_in,
                    body,
                } => {
                    let place = (number, expires_in);
                    self.learner
                        .update(section, state, place, body, (Some("b"), NOW))?;
                }
                Frame::Ack { table, update } => self.teacher.acknowledged(state, table, update),
                Frame::ResyncFinished => over = true,
                _ => {}
            }
            bytes = &bytes[len..];
        }
        Ok(over)
    }

    fn table(&self, at: usize) -> &Arc<Table> {
        &self.section.tables[at].table
    }
}

fn pair(configs: &[TableConfig]) -> (End, End) {
    (
        End::new(section(configs, 0), 1),
        End::new(section(configs, 1), 0),
    )
}

fn key(kind: KeyKind, n: u32) -> Key<'static> {
    match kind {
        KeyKind::Integer => Key::Integer(n),
        KeyKind::Ipv4 => Key::Ipv4(n.into()),
        KeyKind::Ipv6 => Key::Ipv6(u128::from(n).into()),
        KeyKind::String(len) => Key::string(format!("k{n}").into_bytes().into(), len),
        KeyKind::Binary(len) => Key::binary(n.to_be_bytes().to_vec().into(), len),
    }
}

fn fill(table: &Table, n: u32) {
    let text = table.text_number(&format!("server{}", n % 150));
    let config = table.config().clone();
    table.update(&key(config.kind, n), NOW - 50, |entry| {
        for stored in config.layout.stored() {
            for element in 0..usize::from(stored.elements) {
                match stored.kind {
                    DataType::ServerKey => entry.set(stored.kind, element, text.into()),
                    kind if kind.class() == stick::Class::Rate => {
                        entry.set_rate(kind, element, (20, n, 2))
                    }
                    kind => entry.set(kind, element, u64::from(n) << 7 | element as u64),
                };
            }
        }
    });
}

fn shown(table: &Table, n: u32) -> Option<Vec<String>> {
    let config = table.config();
    table.read(&key(config.kind, n), NOW, |entry| {
        let mut all = Vec::new();
        for stored in config.layout.stored() {
            for element in 0..usize::from(stored.elements) {
                let value = entry.own(stored.kind, element).unwrap_or(0);
                all.push(match stored.kind {
                    DataType::ConnCur => String::new(),
                    DataType::ServerKey => format!("{:?}", table.text(value)),
                    _ => value.to_string(),
                });
            }
        }
        all
    })
}

const KINDS: [KeyKind; 5] = [
    KeyKind::Integer,
    KeyKind::Ipv4,
    KeyKind::Ipv6,
    KeyKind::String(12),
    KeyKind::Binary(5),
];

/// A table of each type of keys with all data types.
fn all_tables() -> Vec<TableConfig> {
    let named = KINDS.iter().zip(["/i", "/4", "/6", "/s", "b"]);
    named
        .map(|(kind, name)| config(name, *kind, &DataType::ALL))
        .collect()
}

#[test]
fn all_types_arrive() {
    let (mut a, mut b) = pair(&all_tables());
    for at in 0..KINDS.len() {
        (0..160).for_each(|n| fill(a.table(at), n));
    }
    assert_eq!(b.hear(&a.speak()), Ok(false));
    for at in 0..KINDS.len() {
        for n in 0..160 {
            assert_eq!(shown(b.table(at), n), shown(a.table(at), n), "{at} {n}");
        }
    }
    // What it has learned, it does not tell back.
    let answer = b.speak();
    assert_eq!(a.hear(&answer), Ok(false));
    assert_eq!(answer.len(), KINDS.len() * 8, "acknowledgements alone");
    assert_eq!(a.state.tables[0].last_acked, 160);
}

#[test]
fn after_a_reconnection_it_goes_on_where_the_other_is() {
    let (mut a, mut b) = pair(&[config("t", KeyKind::Integer, &[DataType::Gpc0])]);
    (0..20).for_each(|n| fill(a.table(0), n));
    b.hear(&a.speak()).unwrap();
    a.hear(&b.speak()).unwrap();
    (20..30).for_each(|n| fill(a.table(0), n));
    let lost = a.speak();
    assert!(!lost.is_empty());
    a.reconnect();
    b.reconnect();
    let again = a.speak();
    assert_eq!(
        updates_in(&again),
        updates_in(&lost),
        "and not from the beginning"
    );
    b.hear(&again).unwrap();
    assert_eq!(b.table(0).used(), 30);
    a.hear(&b.speak()).unwrap();
    a.reconnect();
    assert!(
        !a.teacher.has_work(&a.section),
        "everything was acknowledged"
    );
}

fn updates_in(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Ok(Some((frame, len))) = next_frame(bytes, LONGEST) {
        count += usize::from(matches!(frame, Frame::Update { .. }));
        bytes = &bytes[len..];
    }
    count
}

#[test]
fn a_lesson_tells_everything_with_its_age() {
    let (mut a, mut b) = pair(&[config("t", KeyKind::Integer, &[DataType::Gpc0])]);
    (0..20).for_each(|n| fill(a.table(0), n));
    a.table(0)
        .learn(&Key::Integer(99), NOW, Some(500), |entry| {
            entry.set(DataType::Gpc0, 0, 5);
        });
    a.teacher.begin_lesson();
    assert_eq!(b.hear(&a.speak()), Ok(true));
    assert_eq!(b.table(0).used(), 21);
    let left = |n| {
        b.table(0)
            .read(&Key::Integer(n), NOW, |entry| entry.expires_in())
    };
    assert_eq!(
        (left(99), left(3)),
        (Some(500), Some(60_000)),
        "updates of before come again as such"
    );
}

#[test]
fn another_table_than_ours_is_skipped() {
    let ours = config("t", KeyKind::Integer, &[DataType::Gpc0, DataType::Gpc0Rate]);
    let mut slower = TableConfig::new("t".into(), KeyKind::Integer);
    (slower.size, slower.peers) = (100, Some("p".into()));
    slower.layout.store(DataType::Gpc0Rate, 1, 20_000);
    for theirs in [
        config("u", KeyKind::Integer, &[DataType::Gpc0]),
        config("t", KeyKind::Ipv4, &[DataType::Gpc0]),
        slower,
    ] {
        let mut a = End::new(section(&[theirs], 0), 1);
        let mut b = End::new(section(std::slice::from_ref(&ours), 1), 0);
        fill(a.table(0), 1);
        assert_eq!(b.hear(&a.speak()), Ok(false));
        assert_eq!(b.table(0).used(), 0);
    }
    // Data that only one of them has does no harm.
    let more = config(
        "t",
        KeyKind::Integer,
        &[DataType::Gpc0, DataType::ServerKey, DataType::GpcRate],
    );
    let (mut a, mut b) = (
        End::new(section(&[more], 0), 1),
        End::new(section(&[ours], 1), 0),
    );
    fill(a.table(0), 3);
    assert_eq!(b.hear(&a.speak()), Ok(false));
    let count = b
        .table(0)
        .read(&Key::Integer(3), NOW, |entry| entry.get(DataType::Gpc0, 0));
    assert_eq!(count, Some(Some(3 << 7)));
}

#[test]
fn figures_that_add_up_are_kept_apart() {
    let mut adding = config("t", KeyKind::Integer, &[DataType::Gpc0, DataType::Gpt0]);
    adding.aggregate = true;
    let plain = config("t", KeyKind::Integer, &[DataType::Gpc0, DataType::Gpt0]);
    let get = |end: &End, kind| {
        end.table(0)
            .read(&Key::Integer(3), NOW, |entry| entry.get(kind, 0))
            .flatten()
    };
    let (mut a, mut b) = pair(std::slice::from_ref(&adding));
    fill(a.table(0), 3);
    fill(b.table(0), 3);
    a.hear(&b.speak()).unwrap();
    assert_eq!(get(&a, DataType::Gpc0), Some(2 * (3 << 7)));
    assert_eq!(get(&a, DataType::Gpt0), Some(3 << 7));
    // What it tells is its own figure, which others than hapax take as it is.
    let mut other = End::new(section(&[plain], 1), 0);
    other.hear(&a.speak()).unwrap();
    assert_eq!(get(&other, DataType::Gpc0), Some(3 << 7));
    // And theirs replaces ours, as between any two.
    fill(other.table(0), 3);
    other.table(0).update(&Key::Integer(3), NOW, |entry| {
        entry.set(DataType::Gpc0, 0, 5)
    });
    let mut third = End::new(section(&[adding], 0), 1);
    third.hear(&other.speak()).unwrap();
    assert_eq!(get(&third, DataType::Gpc0), Some(5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A stream that was changed on its way is refused or understood otherwise, and neither harms the tables.
    #[test]
    fn hostile_bytes_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), cut in any::<prop::sample::Index>()) {
        let (mut a, mut b) = pair(&all_tables());
        for at in 0..KINDS.len() {
            (0..30).for_each(|n| fill(a.table(at), n));
        }
        a.teacher.begin_lesson();
        let mut stream = a.speak();
        for (at, byte) in changes {
            *at.get_mut(&mut stream) = byte;
        }
        let at = cut.index(stream.len()) / 64;
        stream.rotate_left(at);
        let _ = b.hear(&stream);
        for at in 0..KINDS.len() {
            let table = b.table(at);
            prop_assert!(table.used() <= table.config().size);
            table.check();
        }
    }
}
