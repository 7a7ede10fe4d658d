//! For tests only: fuzz targets with their invariants, a corpus, and a mutation driver that runs them in the tests.
//!
//! A [`Target`] is a function that takes any bytes and panics when an invariant does not hold. [`driver::run`] gives it
//! every file of `corpus/<target>/` and then mutations of these, within bounds on time and memory. `tests/fuzz.rs` does so
//! for every target of [`targets::TARGETS`].
//!
//! - `cargo test -p hapax-fuzz` runs each target for about two seconds, always with the same mutations.
//! - `HAPAX_FUZZ_SECONDS=60 cargo test --release -p hapax-fuzz` runs each for that long. The numbers are drawn anew each
//!   time, from `HAPAX_FUZZ_SEED` if that is given.
//!
//! The input that a target can't stand is left in a file whose name the failure tells; put into the corpus, it is tried
//! first in every run.
#![forbid(unsafe_code)]

pub mod driver;
mod guard;
mod mutate;
mod random;
pub mod targets;

/// What is tried with any bytes.
#[derive(Debug)]
pub struct Target {
    /// Its name, which is that of its corpus folder.
    pub name: &'static str,
    /// Panics when an invariant does not hold.
    pub run: fn(&[u8]),
    /// Words that mutations put into inputs.
    pub words: fn() -> Vec<Vec<u8>>,
    /// Bytes of an input at most.
    pub max_len: usize,
}
