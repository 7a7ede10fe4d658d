//! Times loading and looking into a file of patterns: `patterns FILE METHOD SAMPLES`. Prints milliseconds and nanoseconds
//! per look-up, both of processor time, and the resident memory; `bench/patterns` runs it.

use hapax_expr::pattern::{Method, PatternStore};
use hapax_expr::sample::{Type, Value};
use std::borrow::Cow;

/// Nanoseconds that this process has been running on a processor.
fn busy() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux' statistics");
    let first = text.split(' ').next().unwrap_or_default();
    first.parse().expect("a number")
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().unwrap_or_else(|| panic!("missing {what}"));
    let (file, method, samples) = (next("FILE"), next("METHOD"), next("SAMPLES"));
    let method = Method::of(&method).expect("a match method");
    let samples = std::fs::read(samples).expect("the file of samples");
    let samples: Vec<Value<'_>> = samples
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Value::Str(Cow::Borrowed(line)))
        .filter_map(|text| match method.sample_type() {
            Type::Addr => hapax_expr::cast::cast(text, Type::Addr),
            _ => Some(text),
        })
        .collect();
    let begin = busy();
    let mut store = PatternStore::default();
    let list = store.file(&file, method == Method::Str).expect("the file");
    let cell = list.cell(method, false).expect("patterns");
    store.freeze();
    println!("load {} ms", (busy() - begin) / 1_000_000);
    let begin = busy();
    let mut found = 0u64;
    const ROUNDS: u64 = 20;
    for _ in 0..ROUNDS {
        for sample in &samples {
            found += u64::from(cell.matches(sample));
        }
    }
    let each = (busy() - begin) / (ROUNDS * samples.len().max(1) as u64);
    println!("look-up {each} ns, {} found", found / ROUNDS);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmRSS")) {
        println!("{line}");
    }
}
