//! Units, clocks, rates, addresses and small containers that every other crate uses.
#![forbid(unsafe_code)]

pub mod units;
