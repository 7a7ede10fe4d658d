//! Directives of the `global` section.

pub mod conduct;
mod cpu_map;
pub mod environment;
pub mod expressions;
pub mod http1;
pub mod http2;
pub mod identity;
pub mod inert;
pub mod legacy;
pub mod limits;
pub mod paths;
pub mod process;
pub mod profiling;
pub mod runtime_api;
pub mod statuses;
pub mod threads;
pub mod tuning;
