//! What a reader of changes is told, and what learning does.

use super::*;
use crate::key::KeyKind;
use crate::updates::Cursor;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::AtomicU32;

fn table(size: u32, expire: Option<u32>, peers: bool) -> Table {
    let mut config = TableConfig::new("t".into(), KeyKind::Integer);
    (config.size, config.expire) = (size, expire);
    config.peers = peers.then(|| "p".into());
    config.layout.store(DataType::Gpc0, 1, 0);
    config.layout.store(DataType::Gpc0Rate, 1, 1000);
    Table::new(config)
}

fn hit(table: &Table, n: u32, now: u64) {
    table.update(&Key::Integer(n), now, |entry| {
        entry.add(DataType::Gpc0, 0, 1)
    });
}

fn told(table: &Table, cursor: &mut Cursor, most: usize, now: u64) -> Vec<(u32, u64)> {
    let mut all = Vec::new();
    table.updates(cursor, most, now, |listed| {
        let Key::Integer(key) = listed.key else {
            panic!("{}", listed.key);
        };
        all.push((key, listed.entry.get(DataType::Gpc0, 0).unwrap_or(0)));
    });
    all
}

#[test]
fn every_reader_is_told_of_every_change_once() {
    let table = table(100, None, true);
    let (mut one, mut other) = (Cursor::default(), Cursor::default());
    for n in [1, 2, 1, 3] {
        hit(&table, n, 10);
    }
    assert_eq!(
        table.update_count(),
        3,
        "what nobody has read yet is noted once"
    );
    assert_eq!(told(&table, &mut one, 2, 10), [(1, 2), (2, 1)]);
    hit(&table, 1, 11);
    assert_eq!(told(&table, &mut one, 9, 11), [(3, 1), (1, 3)]);
    assert_eq!(told(&table, &mut other, 9, 11), [(2, 1), (3, 1), (1, 3)]);
    assert!(!table.has_updates(&one) && !table.has_updates(&other));
    assert_eq!(told(&table, &mut one, 9, 11), []);
    table.remove(&Key::Integer(2), 11);
    hit(&table, 2, 12);
    assert_eq!(
        told(&table, &mut other, 9, 12),
        [(2, 1)],
        "an entry made anew"
    );
}

#[test]
fn what_is_learned_is_not_told_and_keeps_its_age() {
    let table = table(100, Some(1000), true);
    let mut cursor = Cursor::default();
    for (key, left) in [(1, Some(400)), (2, None), (3, Some(900)), (4, Some(0))] {
        table.learn(&Key::Integer(key), 5000, left, |entry| {
            entry.set(DataType::Gpc0, 0, 7);
            entry.set_rate(DataType::Gpc0Rate, 0, (200, 6, 2));
        });
    }
    assert_eq!(told(&table, &mut cursor, 9, 5000), []);
    let left = |key| table.read(&Key::Integer(key), 5000, |entry| entry.expires_in());
    assert_eq!(
        [left(1), left(2), left(3), left(4)],
        [Some(400), Some(1000), Some(900), None]
    );
    let rate = table.read(&Key::Integer(2), 5100, |entry| {
        (
            entry.rate(DataType::Gpc0Rate, 0),
            entry.get(DataType::Gpc0Rate, 0),
        )
    });
    assert_eq!(rate, Some((Some((300, 6, 2)), Some(7))));
    let order = table.order(0, 5000);
    let mut keys = Vec::new();
    table.read_slots(0, &order, 5000, |listed| keys.push(listed.key.to_string()));
    assert_eq!(keys, ["1", "3", "2"], "the oldest first");
    assert_eq!(table.purge(5400), 2);
    table.learn(&Key::Integer(3), 5450, Some(100), |_| ());
    let left = table.read(&Key::Integer(3), 5450, |entry| entry.expires_in());
    assert_eq!(left, Some(450), "a peer does not make an entry older");
    table.check();
}

#[test]
fn a_reader_whose_clock_is_behind_is_told_all_the_same() {
    let table = table(100, Some(1000), true);
    hit(&table, 1, 5010);
    assert_eq!(told(&table, &mut Cursor::default(), 9, 5000), [(1, 1)]);
    assert_eq!(table.purge(5000), 0);
    hit(&table, 1, 5005);
    assert_eq!(
        table.read(&Key::Integer(1), 5000, |entry| entry.get(DataType::Gpc0, 0)),
        Some(Some(2))
    );
}

#[test]
fn a_change_rings_once_it_is_waited_for() {
    let table = table(100, None, true);
    let rung = Arc::new(AtomicU32::new(0));
    let counter = rung.clone();
    table.on_change(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    hit(&table, 1, 10);
    assert_eq!(rung.load(Ordering::Relaxed), 0);
    table.arm();
    hit(&table, 2, 10);
    hit(&table, 3, 10);
    assert_eq!(rung.load(Ordering::Relaxed), 1);
}

#[test]
fn tables_without_peers_pay_nothing() {
    let (with, without) = (table(10, None, true), table(10, None, false));
    for table in [&with, &without] {
        hit(table, 1, 10);
    }
    let words = |table: &Table| table.shards[0].lock().words(0).len();
    assert_eq!((words(&with), words(&without)), (4 + 1 + 4 + 1, 4 + 1 + 4));
    assert_eq!(told(&without, &mut Cursor::default(), 9, 10), []);
}

#[test]
fn learning_never_grows_a_table_beyond_its_size() {
    for nopurge in [false, true] {
        let mut config = table(50, None, true).config;
        config.nopurge = nopurge;
        let table = Table::new(config);
        for n in 0..1000 {
            let made = table.learn(&Key::Integer(n), 10 + u64::from(n), None, |_| ());
            assert_eq!(made.is_some(), n < 50 || !nopurge);
        }
        assert_eq!(table.used(), 50);
        table.check();
    }
    let table = table(50, None, true);
    let numbers: std::collections::HashSet<u32> = (0..70_000)
        .map(|n| table.text_number(&n.to_string()))
        .collect();
    assert_eq!(numbers.len(), MOST_TEXTS + 1);
}

/// What HAProxy 3.4 showed for three shares.
#[test]
fn shares_are_those_of_haproxy() {
    let share = |name: &str, kind, key: Key<'_>| {
        let mut config = TableConfig::new(name.into(), kind);
        (config.size, config.shards) = (10, 3);
        Table::new(config).share_of(&key)
    };
    let integers = [3, 2, 3, 1, 2];
    for (key, expected) in (0..).zip(integers) {
        assert_eq!(
            share("p/int", KeyKind::Integer, Key::Integer(key)),
            expected
        );
    }
    for (key, expected) in [("a", 3), ("b", 1), ("c", 1)] {
        let key = Key::string(key.as_bytes().into(), 32);
        assert_eq!(share("p/st", KeyKind::String(32), key), expected);
    }
    let ip = Key::Ipv4([1, 2, 3, 4].into());
    assert_eq!(share("p/ip", KeyKind::Ipv4, ip), 1);
    assert_eq!(share("p/ip6", KeyKind::Ipv6, Key::Ipv6(1.into())), 1);
}

#[test]
fn figures_of_processes_add_up_and_stay_apart() {
    let mut config = table(100, Some(1000), true).config;
    config.aggregate = true;
    config.layout.store(DataType::Gpt0, 1, 0);
    let table = Table::new(config);
    let get = |key, kind, now| table.read(&Key::Integer(key), now, |entry| entry.get(kind, 0));
    hit(&table, 1, 5000);
    for (process, count) in [("b", 10), ("c", 20), ("b", 11)] {
        let part = table.part_of(process).unwrap();
        for key in [1, 2] {
            part.learn(&Key::Integer(key), 5000, None, |entry| {
                entry.set(DataType::Gpc0, 0, count);
                entry.set_rate(DataType::Gpc0Rate, 0, (0, 2, 0));
                entry.set(DataType::Gpt0, 0, 5);
            });
        }
    }
    assert_eq!(get(1, DataType::Gpc0, 5000), Some(Some(32)));
    assert_eq!(get(1, DataType::Gpc0Rate, 5000), Some(Some(4)));
    assert_eq!(
        get(1, DataType::Gpt0, 5000),
        Some(Some(0)),
        "tags do not add up"
    );
    assert_eq!(
        get(2, DataType::Gpc0, 5000),
        Some(Some(31)),
        "nobody counted it here"
    );
    assert_eq!(get(3, DataType::Gpc0, 5000), None);
    let own = table.read(&Key::Integer(1), 5000, |entry| entry.own(DataType::Gpc0, 0));
    assert_eq!(own, Some(Some(1)));
    assert_eq!(table.used(), 1);
    assert_eq!(get(2, DataType::Gpc0, 6000), None, "it has expired");
    table.purge(6000);
    assert_eq!(table.part_of("b").map(|part| part.used()), Some(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Two readers at different speeds know in the end what the table holds, and the log stays short.
    #[test]
    fn readers_catch_up(steps in prop::collection::vec((0u32..40, 0u8..12), 1..400)) {
        for size in [60, SPLIT_FROM] {
            let table = table(size, None, true);
            let mut readers = [(Cursor::default(), HashMap::new()), (Cursor::default(), HashMap::new())];
            for (key, what) in &steps {
                match what {
                    0 => drop(table.remove(&Key::Integer(*key), 10)),
                    1 | 2 => {
                        let (cursor, known) = &mut readers[usize::from(what - 1)];
                        known.extend(told(&table, cursor, 5, 10));
                    }
                    _ => hit(&table, *key, 10),
                }
            }
            for (cursor, known) in &mut readers {
                loop {
                    let more = told(&table, cursor, 7, 10);
                    if more.is_empty() { break }
                    known.extend(more);
                }
                for key in 0..40 {
                    if let Some(count) = table.read(&Key::Integer(key), 10, |entry| entry.get(DataType::Gpc0, 0)) {
                        prop_assert_eq!(known.get(&key).copied(), count);
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_not_stored_changes_nothing() {
    let table = Arc::new(table(100, Some(50), true));
    let mut cursor = Cursor::default();
    let tracked = table.track(&Key::Integer(1), 10).unwrap();
    assert_eq!(told(&table, &mut cursor, 9, 10), [(1, 0)]);
    tracked.begin_connection(20);
    assert!(!tracked.stores(&[DataType::ConnCur, DataType::HttpReqCnt]));
    assert!(tracked.stores(&[DataType::ConnCur, DataType::Gpc0]));
    assert!(!table.has_updates(&cursor));
    tracked.release(30);
    assert_eq!(told(&table, &mut cursor, 9, 30), [(1, 0)]);
}
