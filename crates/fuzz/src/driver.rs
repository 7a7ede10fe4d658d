//! Runs a target over its corpus and over mutations of it.

use crate::Target;
use crate::guard::Guard;
use crate::mutate::mutate;
use crate::random::Random;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What the mutations depend on.
    pub seed: u64,
    /// Mutations at most.
    pub inputs: u64,
    /// Time at most.
    pub time: Duration,
}

impl Plan {
    /// The plan that the environment asks for; a short one, the same each time, when it asks for none.
    #[must_use]
    pub fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let seed = number("HAPAX_FUZZ_SEED");
        match number("HAPAX_FUZZ_SECONDS") {
            None => Self {
                seed: seed.unwrap_or(1),
                inputs: 50_000,
                time: Duration::from_secs(2),
            },
            Some(seconds) => Self {
                seed: seed.unwrap_or_else(clock),
                inputs: u64::MAX,
                time: Duration::from_secs(seconds),
            },
        }
    }
}

fn clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| since.as_nanos() as u64)
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// How many inputs were tried.
    pub inputs: u64,
    /// The longest that one took.
    pub slowest: Duration,
    /// The input that took longest.
    pub slowest_input: Vec<u8>,
}

/// Runs a target, keeping the present input in a file of `folder`.
///
/// # Panics
/// When an invariant does not hold: the message names the file with the input. When an input takes too long or too much
/// memory, the process ends with the same message.
pub fn run(target: &Target, plan: Plan, folder: &Path) -> Report {
    let corpus = corpus(target.name);
    assert!(!corpus.is_empty(), "target {} has no corpus", target.name);
    let words = (target.words)();
    // The process' number keeps what an earlier run has left.
    let file = format!("{}-{}.input", target.name, std::process::id());
    let path = folder.join(file);
    let guard = Guard::new(path).expect("a file for inputs");
    let mut report = Report {
        inputs: 0,
        slowest: Duration::ZERO,
        slowest_input: Vec::new(),
    };
    for input in &corpus {
        try_input(target, input, &guard, &mut report);
    }
    let mut random = Random::new(plan.seed, target.name);
    let began = Instant::now();
    let mut input = Vec::new();
    for _ in 0..plan.inputs {
        if began.elapsed() > plan.time {
            break;
        }
        // Now and then a change is made to what was changed before, which leads farther away.
        if random.below(4) > 0 || input.is_empty() {
            input.clear();
            input.extend_from_slice(random.pick(&corpus).map_or(&[], Vec::as_slice));
        }
        mutate(&mut input, &corpus, &words, target.max_len, &mut random);
        try_input(target, &input, &guard, &mut report);
    }
    guard.done().expect("the file can be removed");
    report
}

fn try_input(target: &Target, input: &[u8], guard: &Guard, report: &mut Report) {
    let began = Instant::now();
    let outcome = guard
        .within(input, || {
            catch_unwind(AssertUnwindSafe(|| (target.run)(input)))
        })
        .expect("the input can be kept");
    let took = began.elapsed();
    report.inputs += 1;
    if took > report.slowest {
        report.slowest = took;
        input.clone_into(&mut report.slowest_input);
    }
    assert!(
        outcome.is_ok(),
        "target {} can't stand the input in {}",
        target.name,
        guard.path().display()
    );
}

/// The folder of a target's corpus.
fn corpus_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name)
}

/// The inputs of a target's corpus, by file name.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(corpus_folder(name)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let read = |path: &PathBuf| std::fs::read(path).expect("a corpus file");
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses_long_ones(input: &[u8]) {
        assert!(input.len() < 5000, "too long");
    }

    #[test]
    fn a_failing_input_is_left_in_the_file_that_is_named() {
        let target = Target {
            name: "config_reader",
            run: refuses_long_ones,
            words: Vec::new,
            max_len: 9999,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let plan = Plan {
            seed: 1,
            inputs: 100_000,
            time: Duration::from_secs(60),
        };
        let outcome = catch_unwind(|| run(&target, plan, folder.path()));
        let payload = outcome.expect_err("a failure");
        let message = payload.downcast_ref::<String>().expect("a message");
        let name = format!("config_reader-{}.input", std::process::id());
        let file = folder.path().join(name);
        assert!(message.ends_with(&file.display().to_string()), "{message}");
        assert!(std::fs::read(file).expect("the input").len() >= 5000);
    }
}
