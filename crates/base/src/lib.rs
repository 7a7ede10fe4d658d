//! Units, the calendar, rates, addresses and small containers that every other crate uses.
#![forbid(unsafe_code)]

pub mod calendar;
mod endpoint;
pub mod hash;
mod id;
pub mod rate;
pub mod units;

pub use endpoint::Endpoint;
pub use id::{ProxyIdx, ServerIdx};
