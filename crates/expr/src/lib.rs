//! Samples, fetches, converters, ACLs, patterns, variables and log formats.
#![forbid(unsafe_code)]

pub mod sample;
pub mod vars;
pub mod view;
