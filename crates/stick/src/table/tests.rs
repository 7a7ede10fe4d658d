use super::*;
use crate::key::KeyKind;
use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;

fn config(size: u32, expire: Option<u32>, stored: &[DataType]) -> TableConfig {
    let mut config = TableConfig::new("t".into(), KeyKind::Ipv4);
    (config.size, config.expire) = (size, expire);
    for kind in stored {
        config.layout.store(*kind, 3, 1000);
    }
    config
}

fn key(n: u32) -> Key<'static> {
    Key::Ipv4(n.into())
}

fn hit(table: &Table, n: u32, now: u64) -> Option<u64> {
    table.update(&key(n), now, |entry| {
        entry.add(DataType::Gpc0, 0, 1);
        entry.get(DataType::Gpc0, 0).unwrap_or(0)
    })
}

fn count(table: &Table, n: u32, now: u64) -> Option<u64> {
    table.read(&key(n), now, |entry| entry.get(DataType::Gpc0, 0))?
}

#[test]
fn entries_expire_unless_they_are_refreshed() {
    let table = Table::new(config(10, Some(100), &[DataType::Gpc0]));
    hit(&table, 1, 1000);
    assert_eq!(count(&table, 1, 1099), Some(1), "reading does not refresh");
    assert_eq!(count(&table, 1, 1100), None);
    assert_eq!(hit(&table, 1, 1100), Some(1), "it began anew");
    assert_eq!(hit(&table, 1, 1190), Some(2));
    assert_eq!(count(&table, 1, 1289), Some(2));
    assert_eq!((table.purge(1290), table.used()), (1, 0));
    table.check();
}

#[test]
fn the_oldest_gives_way_when_the_table_is_full() {
    for size in [3, SPLIT_FROM] {
        let table = Table::new(config(size, None, &[DataType::Gpc0]));
        for n in 0..size {
            hit(&table, n, 10 + u64::from(n));
        }
        hit(&table, 0, 9000);
        assert!(hit(&table, 999_999, 9001).is_some());
        assert_eq!(table.used(), size);
        assert_eq!(
            (count(&table, 0, 9001), count(&table, 1, 9001)),
            (Some(2), None)
        );
        assert!(count(&table, 2, 9001).is_some());
        table.check();
    }
}

#[test]
fn a_full_table_may_refuse() {
    let mut config = config(2, Some(50), &[DataType::Gpc0]);
    config.nopurge = true;
    let table = Table::new(config);
    assert!(hit(&table, 1, 10).is_some() && hit(&table, 2, 20).is_some());
    assert_eq!(hit(&table, 3, 30), None);
    assert_eq!(hit(&table, 3, 60), Some(1), "the first one is outdated");
    table.check();
}

#[test]
fn what_is_tracked_stays() {
    let table = Arc::new(Table::new(config(
        2,
        Some(50),
        &[DataType::Gpc0, DataType::ConnCur],
    )));
    let tracked = table.track(&key(1), 10).unwrap();
    tracked.begin_connection(10);
    let again = table.track(&key(1), 20).unwrap();
    again.begin_connection(20);
    hit(&table, 2, 20);
    assert!(hit(&table, 3, 30).is_some());
    assert_eq!(count(&table, 2, 30), None, "the other one had to go");
    assert_eq!(table.remove(&key(1), 30), Removed::InUse);
    let current = |now| {
        tracked.read(now, |entry| {
            (entry.get(DataType::ConnCur, 0), entry.references())
        })
    };
    assert_eq!(current(500), Some((Some(2), 2)));
    again.release(500);
    assert_eq!(current(600), Some((Some(1), 1)));
    tracked.release(600);
    assert!(count(&table, 1, 649).is_some() && count(&table, 1, 650).is_none());
    let tracked = [table.track(&key(7), 700), table.track(&key(8), 700)];
    assert!(tracked.iter().all(Option::is_some) && table.track(&key(9), 700).is_none());
    drop(tracked);
    assert!(table.track(&key(9), 700).is_some());
    table.check();
}

#[test]
fn arrays_rates_and_long_counts_are_apart() {
    let mut config = config(
        10,
        None,
        &[
            DataType::Gpc,
            DataType::GpcRate,
            DataType::BytesInCnt,
            DataType::BytesInRate,
        ],
    );
    config.byte_block = 10;
    let table = Table::new(config);
    table.update(&key(1), 5000, |entry| {
        assert!(entry.is_fresh());
        assert!(
            entry.add(DataType::Gpc, 2, 7)
                && !entry.add(DataType::Gpc, 3, 7)
                && !entry.add(DataType::Gpc0, 0, 1)
        );
        entry.add(DataType::GpcRate, 1, 4);
        entry.add(DataType::BytesInCnt, 0, u64::from(u32::MAX));
        entry.add(DataType::BytesInCnt, 0, 2);
        entry.add(DataType::BytesInRate, 0, 38);
        entry.set(DataType::Gpc, 0, 9);
    });
    let get = |kind, at| {
        table
            .read(&key(1), 5000, |entry| entry.get(kind, at))
            .flatten()
    };
    let gpc: Vec<_> = (0..4).map(|at| get(DataType::Gpc, at)).collect();
    assert_eq!(gpc, [Some(9), Some(0), Some(7), None]);
    assert_eq!(
        (get(DataType::GpcRate, 1), get(DataType::GpcRate, 0)),
        (Some(4), Some(0))
    );
    assert_eq!(get(DataType::BytesInCnt, 0), Some(u64::from(u32::MAX) + 2));
    assert_eq!(get(DataType::BytesInRate, 0), Some(40), "whole blocks");
}

#[test]
fn lists_go_through_all_entries_in_parts() {
    let table = Table::new(config(SPLIT_FROM, Some(100), &[DataType::Gpc0]));
    for n in 0..1000 {
        hit(&table, n, 10);
    }
    hit(&table, 5000, 90);
    let (mut seen, mut ids, mut from) = (Vec::new(), Vec::new(), Some(0));
    while let Some(at) = from {
        from = table.list(at, 7, 95, |listed| {
            let Key::Ipv4(address) = listed.key else {
                panic!()
            };
            seen.push(address.to_bits());
            ids.push((listed.id, listed.key.clone()));
        });
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..1000).chain([5000]).collect::<Vec<_>>());
    assert!(
        ids.iter()
            .all(|(id, key)| table.key_of(*id, 95).as_ref() == Some(key))
    );
    assert!(table.key_of(3, 95).is_none() && table.key_of(u64::MAX, 95).is_none());
    assert_eq!(table.purge(120), 1000);
}

#[test]
fn texts_have_numbers() {
    let table = Table::new(config(1, None, &[DataType::ServerKey]));
    let (a, b) = (table.text_number("a"), table.text_number("b"));
    assert!(a != 0 && a != b && a == table.text_number("a"));
    assert_eq!(table.text(b.into()).as_deref(), Some("b"));
    assert_eq!(table.text(0), None);
}

#[test]
fn keys_of_another_kind_are_refused() {
    let table = Table::new(config(1, None, &[]));
    let text = Key::string(Cow::Borrowed(b"a"), 4);
    assert!(table.update(&text, 1, |_| ()).is_none() && table.read(&text, 1, |_| ()).is_none());
}

#[test]
fn threads_lose_nothing() {
    let table = Arc::new(Table::new(config(
        SPLIT_FROM,
        None,
        &[DataType::Gpc0, DataType::ConnCur],
    )));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..20_000u32 {
                    hit(&table, n % 500, 1);
                    let tracked = table.track(&key(n % 500), 1).unwrap();
                    tracked.begin_connection(1);
                    tracked.release(2);
                }
            });
        }
    });
    for n in 0..500 {
        assert_eq!(count(&table, n, 2), Some(160));
    }
    table.check();
}

#[derive(Debug, Clone)]
enum Step {
    Hit(u32),
    Track(u32),
    Release(usize),
    Remove(u32),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u32..30).prop_map(Step::Hit),
        2 => (0u32..30).prop_map(Step::Track),
        2 => (0usize..8).prop_map(Step::Release),
        1 => (0u32..30).prop_map(Step::Remove),
        2 => (0u64..60).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    /// Against a model that knows for each entry its count, its last refresh and its references.
    #[test]
    fn behaves_as_the_model(steps in prop::collection::vec(step(), 1..120), start in any::<u32>()) {
        const SIZE: usize = 12;
        let table = Arc::new(Table::new(config(SIZE as u32, Some(100), &[DataType::Gpc0])));
        let mut model: HashMap<u32, (u64, u64, u32, u64)> = HashMap::new();
        let (mut held, mut now, mut order) = (Vec::new(), u64::from(start), 0u64);
        for step in steps {
            model.retain(|_, e| e.2 > 0 || now - e.1 < 100);
            order += 1;
            let make = |model: &mut HashMap<u32, (u64, u64, u32, u64)>, n: u32| {
                if !model.contains_key(&n) && model.len() >= SIZE {
                    let oldest = model.iter().filter(|(_, e)| e.2 == 0).min_by_key(|(_, e)| e.3).map(|(n, _)| *n);
                    let Some(oldest) = oldest else { return false };
                    model.remove(&oldest);
                }
                model.entry(n).or_insert((0, now, 0, order));
                true
            };
            match step {
                Step::Hit(n) => {
                    let there = make(&mut model, n);
                    prop_assert_eq!(hit(&table, n, now).is_some(), there);
                    if let Some(e) = model.get_mut(&n).filter(|_| there) {
                        (e.0, e.1, e.3) = (e.0 + 1, now, order);
                    }
                }
                Step::Track(n) => {
                    let there = make(&mut model, n);
                    let tracked = table.track(&key(n), now);
                    prop_assert_eq!(tracked.is_some(), there);
                    if let Some(tracked) = tracked {
                        model.get_mut(&n).unwrap().2 += 1;
                        held.push((n, tracked));
                    }
                }
                Step::Release(at) if at < held.len() => {
                    let (n, tracked) = held.remove(at);
                    tracked.release(now);
                    let e = model.get_mut(&n).unwrap();
                    (e.1, e.2, e.3) = (now, e.2 - 1, order);
                }
                Step::Release(_) => {}
                Step::Remove(n) => {
                    let expected = match model.get(&n) {
                        None => Removed::Missing,
                        Some(e) if e.2 > 0 => Removed::InUse,
                        Some(_) => Removed::Gone,
                    };
                    prop_assert_eq!(table.remove(&key(n), now), expected);
                    if expected == Removed::Gone {
                        model.remove(&n);
                    }
                }
                Step::Wait(time) => now += time,
            }
            table.check();
        }
        model.retain(|_, e| e.2 > 0 || now - e.1 < 100);
        for n in 0..30 {
            prop_assert_eq!(count(&table, n, now), model.get(&n).map(|e| e.0), "{}", n);
        }
        drop(held);
        table.check();
    }
}
