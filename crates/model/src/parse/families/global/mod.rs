//! Directives of the `global` section.

pub mod environment;
pub mod legacy;
pub mod limits;
pub mod paths;
pub mod process;
pub mod runtime_api;
pub mod tuning;
