//! The program: arguments, start-up and signals.
#![forbid(unsafe_code)]

fn main() {}
