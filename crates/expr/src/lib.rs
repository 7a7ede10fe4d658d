//! Samples, fetches, converters, ACLs, patterns, variables and log formats.
#![forbid(unsafe_code)]
