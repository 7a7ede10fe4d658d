//! How much memory a large table takes, and how much two workers gain over one. Run with `--ignored --nocapture`, best in
//! release mode, to see the figures.

use hapax_stick::{DataType, Key, KeyKind, Table, TableConfig};
use std::sync::Arc;
use std::time::Instant;

const MILLION: u32 = 1_000_000;

fn table() -> Arc<Table> {
    let mut config = TableConfig::new("t".into(), KeyKind::Ipv4);
    (config.size, config.expire) = (2 * MILLION, Some(3_600_000));
    config.layout.store(DataType::ConnRate, 1, 10_000);
    config.layout.store(DataType::HttpReqRate, 1, 10_000);
    Arc::new(Table::new(config))
}

fn hit(table: &Table, n: u32) {
    table.update(&Key::Ipv4(n.into()), 1000, |entry| {
        entry.add(DataType::ConnRate, 0, 1);
        entry.add(DataType::HttpReqRate, 0, 1);
    });
}

/// Bytes of memory that the process holds.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = status
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    pages * 4096
}

#[test]
#[ignore = "takes long and shows figures"]
fn a_million_addresses() {
    let before = resident();
    let table = table();
    for n in 0..MILLION {
        hit(&table, n);
    }
    let bytes = resident().saturating_sub(before) / MILLION as usize;
    println!("{bytes} bytes per address with two rates");
    assert!(bytes < 100, "{bytes}");
}

#[test]
#[ignore = "takes long and shows figures"]
fn two_workers() {
    let table = table();
    let run = |threads: u32| {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let table = &table;
                scope.spawn(move || {
                    for n in 0..MILLION {
                        hit(
                            table,
                            n.wrapping_mul(2_654_435_761).wrapping_add(thread) % 200_000,
                        );
                    }
                });
            }
        });
        f64::from(threads) * f64::from(MILLION) / start.elapsed().as_secs_f64()
    };
    run(1);
    let (one, two) = (run(1), run(2));
    println!(
        "{one:.0} updates/s by one worker, {two:.0} by two: {:.2} times",
        two / one
    );
}
